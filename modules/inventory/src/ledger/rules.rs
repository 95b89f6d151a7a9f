//! Changes of the rules that postings were decided by.

use kernel::{TenantId, Txn};
use sea_orm::DbErr;

use crate::rows;

/// Locks the tenant's head and makes every posting that has already read the rules begin anew: for closing a period, archiving,
/// changing a base unit. What postings committed meanwhile is seen by the *next* statement.
pub async fn bump_rules(txn: &Txn, tenant: TenantId) -> Result<(), DbErr> {
    rows::execute(txn, "UPDATE ledger_head SET rules_version = rules_version + 1 WHERE tenant_id = $1", [tenant.into()]).await.map(|_| ())
}
