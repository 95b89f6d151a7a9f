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

/// A closed period, with what stood where at its end in its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Kept {
    /// Its id.
    #[sea_orm(from_alias = "id")]
    pub period: Uuid,
    pub last_day: NaiveDate,
    /// Another one where it was opened and closed again.
    pub version: i64,
}

/// The period whose checkpoint says what stood where at the end of a date, or at the latest end before it.
pub async fn checkpoint_before(connection: &impl ConnectionTrait, tenant: TenantId, date: NaiveDate) -> Result<Option<Kept>, DbErr> {
    let sql = "SELECT id, last_day, version FROM period WHERE tenant_id = $1 AND status = 'closed' AND last_day <= $2 ORDER BY last_day DESC LIMIT 1";
    rows::one(connection, sql, [tenant.into(), date.into()]).await
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

/// How far a checkpoint goes that was written while postings went on.
#[derive(Clone, Copy, Debug)]
pub struct Summed {
    /// The last entry that may be in it.
    seq: i64,
}

#[derive(FromQueryResult)]
struct SeqRow {
    seq: i64,
}

/// Keeps what stands where at the end of a period's last day: the checkpoint before it and all entries since. The head need not be
/// locked, and should not be: this may take long, and postings would wait for it. Numbers are given under the head's lock, so all entries
/// up to the last one that is seen are there.
pub async fn sum_up(txn: &Txn, tenant: TenantId, period: Uuid, last_day: NaiveDate, before: Option<Kept>) -> Result<Summed, Error> {
    let head = rows::one::<SeqRow>(txn, "SELECT seq FROM ledger_head WHERE tenant_id = $1", [tenant.into()]).await?;
    let seq = head.map_or(0, |head| head.seq);
    let mut values: Vec<sea_orm::Value> = vec![tenant.into(), period.into(), last_day.into(), seq.into()];
    let (mut earlier, mut since) = ("", "");
    if let Some(before) = before {
        values.extend([before.period.into(), before.last_day.into()]);
        earlier = "SELECT item_id, location_id, lot_id, quantity, value FROM checkpoint WHERE tenant_id = $1 AND period_id = $5 UNION ALL ";
        since = " AND business_date > $6";
    }
    let sql = format!(
        "{} FROM ({earlier}SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value FROM ledger_entry \
         WHERE tenant_id = $1 AND business_date <= $3{since} AND seq <= $4) AS moved \
         GROUP BY item_id, location_id, lot_id HAVING SUM(quantity) <> 0 OR SUM(value) <> 0",
        into_checkpoint(txn, "quantity", "value")
    );
    rows::execute(txn, &sql, values).await?;
    Ok(Summed { seq })
}

/// Adds to a checkpoint what was posted since it was written. Under the head's lock: then nothing follows.
pub async fn add_to_checkpoint(txn: &Txn, tenant: TenantId, period: Uuid, last_day: NaiveDate, summed: Summed) -> Result<(), Error> {
    let sql = format!(
        "{} FROM ledger_entry WHERE tenant_id = $1 AND business_date <= $3 AND seq > $4 GROUP BY item_id, location_id, lot_id \
         ON CONFLICT (tenant_id, period_id, item_id, location_id, lot_id) \
         DO UPDATE SET quantity = checkpoint.quantity + excluded.quantity, value = checkpoint.value + excluded.value",
        into_checkpoint(txn, "quantity_delta", "value_delta")
    );
    let added = rows::execute(txn, &sql, [tenant.into(), period.into(), last_day.into(), summed.seq.into()]).await?;
    if added.rows_affected() > 0 {
        let sql = "DELETE FROM checkpoint WHERE tenant_id = $1 AND period_id = $2 AND quantity = 0 AND value = 0";
        rows::execute(txn, sql, [tenant.into(), period.into()]).await?;
    }
    Ok(())
}

/// The sums of some rows, for the period `$2` of the tenant `$1`.
fn into_checkpoint(txn: &Txn, quantity: &str, value: &str) -> String {
    let tenant_and_period = if database::is_postgres(txn) { "$1::uuid, $2::uuid" } else { "$1, $2" };
    format!(
        "INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value) \
         SELECT {tenant_and_period}, item_id, location_id, lot_id, CAST(SUM({quantity}) AS BIGINT), CAST(SUM({value}) AS BIGINT)"
    )
}
