//! What every document that is posted says beside its lines.

use kernel::{Fields, Instant, Text, Txn};
use uuid::Uuid;

use crate::Inventory;
use crate::catalog::lookup;
use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::{Header, Kind, Permit};
use crate::names::LocationRef;

/// How many lines a request can hold; how many a document may have is a setting, and not more.
pub const LINES: usize = 20_000;

#[derive(Clone, Debug)]
pub struct Heading {
    pub location: LocationRef,
    /// Now, where nothing is said.
    pub effective_at: Option<Instant>,
    pub external_ref: Option<String>,
    pub note: Option<String>,
}

impl Heading {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = LocationRef::read(fields);
        let effective_at = fields.optional("effective_at");
        let (external_ref, note) = (fields.optional::<Text<1, 200>>("external_ref"), fields.optional::<Text<1, 2000>>("note"));
        Some(Self { location: location?, effective_at: effective_at?, external_ref: external_ref?.map(|text| text.0), note: note?.map(|text| text.0) })
    }

    /// Finds the place, and asks whether a document of this kind may be posted there at that time.
    pub async fn permitted<K: Kind, I>(&self, task: &Task<I>, txn: &Txn, id: Uuid) -> Result<(Permit<K>, Header), Error> {
        let ground = lookup::area(txn, task.caller.tenant_id, &self.location, task.now).await?;
        let effective_at = self.effective_at.unwrap_or(ground.now);
        let permit = Permit::ask(&task.caller, ground.area, effective_at, ground.now)?;
        Ok((permit, Header { id, rules: ground.rules, external_ref: self.external_ref.clone(), note: self.note.clone() }))
    }
}

/// 422 where a document has more lines than this installation takes.
pub fn need_lines(state: &Inventory, lines: usize) -> Result<(), Error> {
    let most = state.config().lines_per_document;
    if lines <= most {
        return Ok(());
    }
    Err(Error::invalid("/lines", "wrong_length", format!("a document has at most {most} lines here")))
}
