//! A decided document on its way into the ledger: what is written before the head is taken, the head, and what bears its numbers.
//!
//! Everybody else of the tenant waits from the head to the commit. So on Postgres all of it is one statement, in which the database itself
//! makes the link of the chain. SQLite has one writer and no SHA-256: there the head answers first, and the link is made here.

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn};
use sea_orm::{DatabaseBackend, FromQueryResult};

use super::content;
use super::locking::busy;
use super::protocol::{DocumentType, Head, RulesSeen};
use crate::error::Error;
use crate::names::DocumentId;
use crate::rows::{self, Batch};

/// The name under which what comes after it reads the head: `seq`, `number`, `position` and `head_hash`, as they are now.
pub const HEAD: &str = "head";

pub struct Writing {
    pub(super) tenant: TenantId,
    pub(super) kind: DocumentType,
    /// How many the document has.
    pub(super) entries: i64,
    pub(super) rules: RulesSeen,
    pub(super) content_hash: String,
    pub(super) recorded_at: Instant,
    /// When it took place, of a count.
    pub(super) counted_at: Option<Instant>,
    pub(super) before: Batch,
    pub(super) after: Batch,
}

impl Writing {
    /// For what is to be sent with it, and does not need its numbers: it is written before the head is had, which everybody else of the tenant waits for.
    pub fn beside(&mut self) -> &mut Batch {
        &mut self.before
    }

    /// Sends all of it. The head is the last lock that is taken. Where the rules are no longer those that were seen, the posting begins anew.
    pub async fn send(self, txn: &Txn) -> Result<Head, Error> {
        #[derive(FromQueryResult)]
        struct HeadRow {
            seq: i64,
            number: i64,
            position: i64,
            head_hash: String,
        }
        let counter = self.kind.counter();
        let head = |link: &str, after: &str| {
            format!(
                "UPDATE ledger_head SET seq = seq + $1, {counter} = COALESCE({counter}, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $4, \
                 last_counted_at = COALESCE($5, last_counted_at){link} WHERE tenant_id = $2 AND rules_version = $3{after} \
                 RETURNING seq, {counter} AS number, position, head_hash"
            )
        };
        let (recorded_at, counted_at): (DateTime<FixedOffset>, Option<DateTime<FixedOffset>>) = (self.recorded_at.into(), self.counted_at.map(Into::into));
        let values = [self.entries.into(), self.tenant.into(), self.rules.version.into(), recorded_at.into(), counted_at.into()];
        if self.before.backend() == DatabaseBackend::Postgres {
            // As content::link makes it.
            let link = format!(
                ", head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE({counter}, 0) + 1) || int8send(seq + $1) || convert_to($6, 'UTF8')), 'hex')"
            );
            let values = values.into_iter().chain([self.content_hash.into()]);
            let row = self.before.send_around::<HeadRow>(txn, HEAD, |after| head(&link, after), values, self.after).await;
            let row = row.map_err(busy)?.ok_or(Error::RulesChanged)?;
            return Ok(Head { position: row.position, last_seq: row.seq, number: row.number, link: row.head_hash });
        }
        let row = self.before.send_before::<HeadRow>(txn, &head("", ""), values).await?.ok_or(Error::RulesChanged)?;
        let link = content::link(&row.head_hash, row.number, row.seq, &self.content_hash);
        let mut after = self.after;
        after.add("UPDATE ledger_head SET head_hash = $1 WHERE tenant_id = $2", [link.clone().into(), self.tenant.into()]);
        let of_row = [("seq", row.seq.into()), ("number", row.number.into()), ("position", row.position.into()), ("head_hash", link.clone().into())];
        after.send_after(txn, HEAD, of_row).await?;
        Ok(Head { position: row.position, last_seq: row.seq, number: row.number, link })
    }
}

/// The head as it was when a document was posted.
pub async fn head_of(txn: &Txn, tenant: TenantId, document: DocumentId) -> Result<Head, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        number: i64,
        last_seq: i64,
        position: Option<i64>,
        chain_hash: String,
    }
    let sql = "SELECT number, last_seq, position, chain_hash FROM document WHERE tenant_id = $1 AND id = $2";
    let row = rows::one::<Row>(txn, sql, [tenant.into(), document.into()]).await?.ok_or(Error::NotFound("document"))?;
    Ok(Head { position: row.position.unwrap_or(0), last_seq: row.last_seq, number: row.number, link: row.chain_hash })
}
