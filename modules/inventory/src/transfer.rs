//! What moving this module's database to another engine needs to know.

use inventory_entity::{
    balance, document, idempotency, import, item, item_unit, ledger_entry, ledger_head, location, lot, reason, receipt_charge, receipt_line, stock_key,
    tenant_settings, unit, waste_line,
};
use kernel::Txn;
use kernel::copy::{Table, table, table_by, table_of_large_rows};
use sea_orm::{DbErr, EntityName as _};

/// Its tables, those that are referred to first. The marker of the module is not among them: each database has its own.
pub fn tables() -> Vec<Box<dyn Table>> {
    vec![
        table::<tenant_settings::Entity>(),
        table::<unit::Entity>(),
        table::<item::Entity>(),
        table::<item_unit::Entity>(),
        // A path begins with the path of what the location lies in, so that one comes before.
        table_by::<location::Entity>(vec![location::Column::TenantId, location::Column::Path]),
        table::<reason::Entity>(),
        table::<document::Entity>(),
        table::<lot::Entity>(),
        table::<receipt_line::Entity>(),
        table::<receipt_charge::Entity>(),
        table::<waste_line::Entity>(),
        // It keeps whole answers.
        table_of_large_rows::<idempotency::Entity>(),
        table::<import::Entity>(),
        table::<ledger_entry::Entity>(),
        table::<ledger_head::Entity>(),
        table::<balance::Entity>(),
        table::<stock_key::Entity>(),
    ]
}

/// The table of the ledger's entries, and that of the balances: what a proof counts by name.
pub fn entries_and_balances() -> (&'static str, &'static str) {
    (ledger_entry::Entity.table_name(), balance::Entity.table_name())
}

/// Where the invariants of the ledger do not hold, a sentence for each that is broken.
pub async fn broken_invariants(txn: &Txn) -> Result<Vec<String>, DbErr> {
    crate::ledger::verify::broken_balances(txn).await
}
