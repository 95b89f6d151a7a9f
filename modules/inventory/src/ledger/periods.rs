//! Closing: nothing is posted any more on the days of a closed period, and what stood where at its end is kept.

use chrono::NaiveDate;
use kernel::{TenantId, Txn, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use crate::error::Error;
use crate::rows;

/// The head as it is when a period is closed.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Closed {
    /// The last sequence number: no later one is of a closed day.
    pub seq: i64,
    pub closed_through: Option<NaiveDate>,
}

#[derive(FromQueryResult)]
struct CheckpointRow {
    id: Uuid,
    last_day: NaiveDate,
}

/// The period whose checkpoint says what stood where at the end of a date, or at the latest end before it: its id and last day.
pub async fn checkpoint_before(connection: &impl ConnectionTrait, tenant: TenantId, date: NaiveDate) -> Result<Option<(Uuid, NaiveDate)>, DbErr> {
    let sql = "SELECT id, last_day FROM period WHERE tenant_id = $1 AND status = 'closed' AND last_day <= $2 ORDER BY last_day DESC LIMIT 1";
    let found = rows::one::<CheckpointRow>(connection, sql, [tenant.into(), date.into()]).await?;
    Ok(found.map(|row| (row.id, row.last_day)))
}

/// Sets the last closed day, on the head that [`super::bump_rules`] has locked.
async fn set_closed(txn: &Txn, tenant: TenantId, through: Option<NaiveDate>) -> Result<Closed, Error> {
    let date = if database::is_postgres(txn) { "$1::date" } else { "$1" };
    let sql = format!("UPDATE ledger_head SET closed_through = {date} WHERE tenant_id = $2 RETURNING seq, closed_through");
    let head = rows::one::<Closed>(txn, &sql, [through.into(), tenant.into()]).await?;
    head.ok_or_else(|| Error::Database(DbErr::RecordNotFound("the ledger's head of a tenant".to_owned())))
}

/// Closes every day up to and including this one.
pub async fn close_through(txn: &Txn, tenant: TenantId, last_day: NaiveDate) -> Result<Closed, Error> {
    set_closed(txn, tenant, Some(last_day)).await
}

/// Opens the days after `last_day` again (all of them, for `None`) and forgets what stood at the end of `period`.
pub async fn reopen_to(txn: &Txn, tenant: TenantId, period: Uuid, last_day: Option<NaiveDate>) -> Result<Closed, Error> {
    rows::execute(txn, "DELETE FROM checkpoint WHERE tenant_id = $1 AND period_id = $2", [tenant.into(), period.into()]).await?;
    set_closed(txn, tenant, last_day).await
}

/// Keeps what stands where at the end of a period's last day: the checkpoint before it and all entries since, in one statement.
pub async fn write_checkpoints(txn: &Txn, tenant: TenantId, period: Uuid, last_day: NaiveDate, before: Option<(Uuid, NaiveDate)>) -> Result<(), Error> {
    let mut values: Vec<sea_orm::Value> = vec![tenant.into(), period.into(), last_day.into()];
    let (mut earlier, mut since) = ("", "");
    if let Some((before, its_last_day)) = before {
        values.extend([before.into(), its_last_day.into()]);
        earlier = "SELECT item_id, location_id, lot_id, quantity, value FROM checkpoint WHERE tenant_id = $1 AND period_id = $4 UNION ALL ";
        since = " AND business_date > $5";
    }
    let tenant_and_period = if database::is_postgres(txn) { "$1::uuid, $2::uuid" } else { "$1, $2" };
    let sql = format!(
        "INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value) \
         SELECT {tenant_and_period}, item_id, location_id, lot_id, CAST(SUM(quantity) AS BIGINT), CAST(SUM(value) AS BIGINT) FROM ({earlier}\
         SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value FROM ledger_entry \
         WHERE tenant_id = $1 AND business_date <= $3{since}) AS moved \
         GROUP BY item_id, location_id, lot_id HAVING SUM(quantity) <> 0 OR SUM(value) <> 0"
    );
    rows::execute(txn, &sql, values).await?;
    Ok(())
}
