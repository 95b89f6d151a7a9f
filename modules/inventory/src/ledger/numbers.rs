//! Numbers of what is no document and is numbered like one.

use kernel::{TenantId, Txn};
use sea_orm::FromQueryResult;

use super::locking::busy;
use super::protocol::RulesSeen;
use crate::error::Error;
use crate::rows;

#[derive(FromQueryResult)]
struct NumberRow {
    number: i64,
}

/// The next number of a transfer. It takes the head, so it comes after all other locks; where the rules are no longer those that
/// were seen, the request begins anew.
pub async fn next_transfer_number(txn: &Txn, tenant: TenantId, rules: RulesSeen) -> Result<i64, Error> {
    let sql = "UPDATE ledger_head SET transfer_order_number = COALESCE(transfer_order_number, 0) + 1 \
               WHERE tenant_id = $1 AND rules_version = $2 RETURNING transfer_order_number AS number";
    let row = rows::one::<NumberRow>(txn, sql, [tenant.into(), rules.version.into()]).await.map_err(busy)?;
    row.map(|row| row.number).ok_or(Error::RulesChanged)
}
