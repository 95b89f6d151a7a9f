//! What need not be kept any more: deleted once an hour, a bounded number of rows in each transaction.

use auth_entity::{audit_address, outbox};
use chrono::TimeDelta;
use kernel::instant::stored;
use kernel::{Instant, Outcome, Txn};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _};

use crate::error::Error;
use crate::{Auth, audit, invites, links, notices, sessions};

/// How many rows are deleted in one transaction.
const AT_ONCE: u64 = 500;
/// So long sessions and invites are kept after their end, for whoever wonders what became of them.
const KEPT: TimeDelta = TimeDelta::days(90);
/// And links, to tell who uses one that it has ended.
const LINKS_KEPT: TimeDelta = TimeDelta::days(30);

/// Deletes some rows of one kind that are not needed any more at a time; how many those were.
type Sweep = for<'a> fn(&'a Instant, &'a Txn) -> Outcome<'a, u64, Error>;

const SWEEPS: [Sweep; 6] = [
    |now, txn| Box::pin(async move { Ok(sessions::repository::delete_ended(txn, now.plus(-KEPT), AT_ONCE).await?) }),
    |now, txn| Box::pin(async move { Ok(invites::delete_over(txn, now.plus(-KEPT), AT_ONCE).await?) }),
    |now, txn| Box::pin(async move { Ok(links::delete_ended(txn, now.plus(-LINKS_KEPT), AT_ONCE).await?) }),
    |now, txn| Box::pin(async move { Ok(notices::delete_old(txn, *now, AT_ONCE).await?) }),
    |now, txn| Box::pin(addresses(now, txn)),
    |now, txn| Box::pin(letters(now, txn)),
];

impl Auth {
    /// Deletes sessions, invites, links, notices and addresses of the audit that are over for long; answers how many rows those were.
    /// Once an hour is often enough.
    pub async fn forget_what_is_over(&self) -> Result<u64, Error> {
        let (now, mut forgotten) = (self.0.clock.now(), 0);
        for sweep in SWEEPS {
            loop {
                let some = self.0.database.write(now, sweep).await?;
                forgotten += some;
                if some < AT_ONCE {
                    break;
                }
            }
        }
        Ok(forgotten)
    }
}

async fn addresses(now: &Instant, txn: &Txn) -> Result<u64, Error> {
    let old = audit_address::Column::OccurredAt.lt(stored(now.plus(-audit::ADDRESSES_KEPT)));
    let some = audit_address::Entity::find().select_only().column(audit_address::Column::AuditEventId).filter(old).limit(AT_ONCE).into_query();
    let deleted = audit_address::Entity::delete_many().filter(audit_address::Column::AuditEventId.in_subquery(some)).exec(txn).await?;
    Ok(deleted.rows_affected)
}

/// Letters that nobody has sent in time, because there is no mail server any more.
async fn letters(now: &Instant, txn: &Txn) -> Result<u64, Error> {
    let old = outbox::Column::ExpiresAt.lt(stored(*now));
    let some = outbox::Entity::find().select_only().column(outbox::Column::Id).filter(old).limit(AT_ONCE).into_query();
    Ok(outbox::Entity::delete_many().filter(outbox::Column::Id.in_subquery(some)).exec(txn).await?.rows_affected)
}
