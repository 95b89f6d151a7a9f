//! What is under way with an item or at a location, so that neither is archived beneath it: goods that are to arrive, a count
//! that goes on, something that is set aside for somebody.

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, Problem, TenantId, Txn};
use sea_orm::FromQueryResult;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::names::ItemId;
use crate::rows;

/// Something that is under way.
#[derive(Debug, Serialize, FromQueryResult)]
pub struct Use {
    /// `transfer`, `count` or `reservation`.
    pub kind: String,
    pub id: Uuid,
    pub status: String,
}

const TRANSFERS: &str =
    "SELECT 'transfer' AS kind, transfer.id, transfer.status FROM transfer WHERE transfer.tenant_id = $1 AND transfer.status NOT IN ('received', 'cancelled')";
const COUNTS: &str = "SELECT 'count' AS kind, stock_count.id, stock_count.status FROM stock_count WHERE stock_count.tenant_id = $1 AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')";
const RESERVATIONS: &str =
    "SELECT 'reservation' AS kind, reservation.id, reservation.status FROM reservation WHERE reservation.tenant_id = $1 AND reservation.status = 'active'";
/// One that has ended sets nothing aside any more.
const NOT_ENDED: &str = "(reservation.ends_at IS NULL OR reservation.ends_at > $3)";
/// How many are named.
const MOST: i64 = 100;

/// What is under way with an item.
pub async fn of_item(txn: &Txn, tenant: TenantId, item: ItemId, now: Instant) -> Result<Vec<Use>, Error> {
    let sql = format!(
        "{TRANSFERS} AND EXISTS (SELECT 1 FROM transfer_line AS line WHERE line.tenant_id = $1 AND line.transfer_id = transfer.id AND line.item_id = $2) \
         UNION ALL {COUNTS} AND EXISTS (SELECT 1 FROM stock_count_line AS line WHERE line.tenant_id = $1 AND line.count_id = stock_count.id AND line.item_id = $2) \
         UNION ALL {RESERVATIONS} AND reservation.item_id = $2 AND {NOT_ENDED} ORDER BY 1, 2 LIMIT {MOST}"
    );
    Ok(rows::all(txn, &sql, [tenant.into(), item.into(), DateTime::<FixedOffset>::from(now).into()]).await?)
}

/// What is under way at a location or below it.
pub async fn of_location(txn: &Txn, tenant: TenantId, path: &str, now: Instant) -> Result<Vec<Use>, Error> {
    const HERE: &str = "(SELECT id FROM location WHERE tenant_id = $1 AND (path = $2 OR substr(path, 1, length($2) + 1) = $2 || '/'))";
    let sql = format!(
        "{TRANSFERS} AND (transfer.from_location_id IN {HERE} OR transfer.to_location_id IN {HERE}) \
         UNION ALL {COUNTS} AND (stock_count.location_id IN {HERE} OR EXISTS (SELECT 1 FROM stock_count_line AS line \
         WHERE line.tenant_id = $1 AND line.count_id = stock_count.id AND line.location_id IN {HERE})) \
         UNION ALL {RESERVATIONS} AND reservation.location_id IN {HERE} AND {NOT_ENDED} ORDER BY 1, 2 LIMIT {MOST}"
    );
    Ok(rows::all(txn, &sql, [tenant.into(), path.into(), DateTime::<FixedOffset>::from(now).into()]).await?)
}

/// 409 where something is under way, with what that is in `in_use`.
pub fn refuse(code: &'static str, what: &str, uses: &[Use]) -> Result<(), Error> {
    if uses.is_empty() {
        return Ok(());
    }
    let detail = format!("Something is under way with `{what}`: finish or cancel that first.");
    Err(Error::Problem(Problem::new(409, code, detail).fact("in_use", uses)))
}
