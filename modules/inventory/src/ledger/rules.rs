//! Changes of the rules that postings were decided by.

use kernel::{TenantId, Txn, database};
use sea_orm::{DbErr, FromQueryResult};

use super::locking::busy;
use super::protocol::RulesSeen;
use crate::error::Error;
use crate::rows;

/// Locks the tenant's head and makes every posting that has already read the rules begin anew: for closing a period, archiving,
/// changing a base unit. What postings committed meanwhile is seen by the *next* statement.
pub async fn bump_rules(txn: &Txn, tenant: TenantId) -> Result<(), DbErr> {
    rows::execute(txn, "UPDATE ledger_head SET rules_version = rules_version + 1 WHERE tenant_id = $1", [tenant.into()]).await.map(|_| ())
}

/// Holds the rules as they were seen until the transaction ends, for what is no posting and was decided by them. It shares the head
/// with others of its kind, after all other locks; where the rules are no longer those, the request begins anew.
pub async fn need_rules(txn: &Txn, tenant: TenantId, rules: RulesSeen) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct VersionRow {
        #[expect(dead_code, reason = "only whether there is a row is asked")]
        rules_version: i64,
    }
    // SQLite has one writer: nothing changes under it.
    let share = if database::is_postgres(txn) { " FOR SHARE" } else { "" };
    let sql = format!("SELECT rules_version FROM ledger_head WHERE tenant_id = $1 AND rules_version = $2{share}");
    let row = rows::one::<VersionRow>(txn, &sql, [tenant.into(), rules.version.into()]).await.map_err(busy)?;
    row.map(|_| ()).ok_or(Error::RulesChanged)
}
