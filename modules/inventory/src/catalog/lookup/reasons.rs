//! Why something is done, as a request names it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, FixedOffset};
use kernel::{TenantId, Txn, Violation};
use sea_orm::FromQueryResult;
use serde::Deserialize;
use uuid::Uuid;

use crate::catalog::reasons::ReasonKind;
use crate::error::Error;
use crate::names::{Code, ReasonId, Stage, Word as _};
use crate::rows::{Asked, Kind, Reads, Relation, Told, given_row};

/// A reason for something.
#[derive(Clone, Debug)]
pub struct Reason {
    pub id: ReasonId,
    pub stage: Option<Stage>,
    pub archived: bool,
}

/// The reasons of one kind that a request names.
#[derive(Debug, Default)]
pub struct Reasons {
    kind: &'static str,
    by_code: HashMap<String, Reason>,
    codes: HashMap<ReasonId, String>,
}

impl Reasons {
    /// The reason that is named at `pointer`, unless there is none or it is archived.
    pub fn named(&self, pointer: &str, code: &Code) -> Result<&Reason, Violation> {
        let refuse = |refused: &'static str, detail: String| Violation { pointer: pointer.to_owned(), code: refused.into(), detail };
        let reason = self.by_code.get(code.as_str());
        let reason = reason.ok_or_else(|| refuse("reason_not_found", format!("there is no {} reason {code}", self.kind)))?;
        if reason.archived { Err(refuse("reason_archived", format!("the reason {code} is archived"))) } else { Ok(reason) }
    }

    pub fn code(&self, id: ReasonId) -> Option<String> {
        self.codes.get(&id).cloned()
    }
}

#[derive(FromQueryResult, Deserialize)]
struct ReasonRow {
    id: Uuid,
    code: String,
    stage: Option<String>,
    archived_at: Option<DateTime<FixedOffset>>,
}

/// Which reasons a request names.
pub struct Why<'a> {
    kind: ReasonKind,
    codes: Vec<&'a Code>,
}

impl<'a> Why<'a> {
    pub fn of(kind: ReasonKind, codes: impl IntoIterator<Item = &'a Code>) -> Self {
        Self { kind, codes: codes.into_iter().collect() }
    }
}

/// Reasons that were asked for.
pub struct AskedReasons {
    kind: ReasonKind,
    rows: Asked<ReasonRow>,
}

/// Asks for the reasons of a kind that are named together with other things.
pub fn ask_reasons(reads: &mut Reads, tenant: TenantId, Why { kind, codes }: Why<'_>) -> AskedReasons {
    const CODE: Relation = Relation(&[("code", Kind::Text)]);
    let backend = reads.backend();
    let codes: BTreeSet<&str> = codes.into_iter().map(Code::as_str).collect();
    let codes = CODE.rows(backend, codes.into_iter().map(|code| given_row!(backend, code)).collect());
    let sql = format!("SELECT id, code, stage, archived_at FROM reason WHERE tenant_id = $1 AND kind = $2 AND code IN ({})", codes.each(3));
    AskedReasons { kind, rows: reads.add(sql, [tenant.into(), kind.word().into(), codes.into()]) }
}

impl AskedReasons {
    pub fn told(self, told: &mut Told) -> Result<Reasons, Error> {
        let mut reasons = Reasons { kind: self.kind.word(), ..Reasons::default() };
        for row in told.rows(self.rows)? {
            let stage = row.stage.as_deref().map(Stage::stored).transpose()?;
            reasons.codes.insert(row.id, row.code.clone());
            reasons.by_code.insert(row.code, Reason { id: row.id, stage, archived: row.archived_at.is_some() });
        }
        Ok(reasons)
    }
}

/// The reasons of a kind that are named.
pub async fn reasons(txn: &Txn, tenant: TenantId, why: Why<'_>) -> Result<Reasons, Error> {
    let mut reads = Reads::new(txn);
    let asked = ask_reasons(&mut reads, tenant, why);
    asked.told(&mut reads.send(txn).await?)
}
