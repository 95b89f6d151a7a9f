//! I19: a line of a posted count says what the ledger says of that moment, unless it is marked. The lines are read beside the
//! entries, in the same order, and held against what lies there as the walk comes by.

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use crate::ledger::facts::Key;
use crate::rows;

/// How many lines are read at a time.
const TRUTHS: i64 = 5_000;

#[derive(FromQueryResult)]
pub struct Truth {
    pub document_id: Uuid,
    line_no: i64,
    item_id: Uuid,
    location_id: Uuid,
    pub lot_id: Option<Uuid>,
    counted_at: DateTime<FixedOffset>,
    pub quantity: i64,
}

impl Truth {
    pub fn key(&self) -> Key {
        Key { item: self.item_id, location: self.location_id }
    }
}

/// The lines that are true, by item, location and time.
pub struct Truths<'t> {
    txn: &'t Txn,
    tenant: TenantId,
    after: Option<(Uuid, Uuid, DateTime<FixedOffset>, Uuid, i64)>,
    page: std::iter::Peekable<std::vec::IntoIter<Truth>>,
    ended: bool,
}

impl<'t> Truths<'t> {
    pub fn new(txn: &'t Txn, tenant: TenantId) -> Self {
        Self { txn, tenant, after: None, page: Vec::new().into_iter().peekable(), ended: false }
    }

    /// The next one that what is at a key from an instant on has no part in (without an instant: of that key and those before it;
    /// without a key: of all).
    pub async fn next_before(&mut self, end: Option<(Key, Option<Instant>)>) -> Result<Option<Truth>, DbErr> {
        if self.page.peek().is_none() && !self.ended {
            self.read().await?;
        }
        Ok(self.page.next_if(|truth| match end {
            None => true,
            Some((key, at)) => truth.key() < key || (truth.key() == key && at.is_none_or(|at| Instant::from(truth.counted_at) < at)),
        }))
    }

    async fn read(&mut self) -> Result<(), DbErr> {
        let mut values: Vec<sea_orm::Value> = vec![self.tenant.into(), TRUTHS.into()];
        let mut behind = "";
        if let Some((item, location, at, document, line_no)) = self.after {
            behind = "AND (item_id, location_id, counted_at, document_id, line_no) > ($3, $4, $5, $6, $7)";
            values.extend([item.into(), location.into(), at.into(), document.into(), line_no.into()]);
        }
        let sql = format!(
            "SELECT document_id, line_no, item_id, location_id, lot_id, counted_at, quantity FROM count_truth \
             WHERE tenant_id = $1 AND marked_by IS NULL {behind} ORDER BY item_id, location_id, counted_at, document_id, line_no LIMIT $2"
        );
        let page = rows::all::<Truth>(self.txn, &sql, values).await?;
        // SQLite compares instants as texts: one that this program did not write would be read again and again.
        if let (Some((.., document, line_no)), Some(first)) = (self.after, page.first())
            && (document, line_no) == (first.document_id, first.line_no)
        {
            return Err(DbErr::Custom(format!("the instant of line {line_no} of the count {document} is written in another way than Larder writes it")));
        }
        self.after = page.last().map(|last| (last.item_id, last.location_id, last.counted_at, last.document_id, last.line_no));
        self.ended = i64::try_from(page.len()).is_ok_and(|read| read < TRUTHS);
        self.page = page.into_iter().peekable();
        Ok(())
    }
}
