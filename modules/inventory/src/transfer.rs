//! What moving this module's database to another engine needs to know.

use inventory_entity::{
    adjustment_line, audit_event, balance, checkpoint, correction_line, cost_change_line, cost_variance, count_result_line, count_truth, document,
    document_detail, idempotency, import, item, item_unit, ledger_entry, ledger_head, location, lot, lot_event, lot_parent, period, plate_waste_line, reason,
    receipt_charge, receipt_line, reservation, shortage, stock_count, stock_count_counter, stock_count_line, stock_key, tenant_settings, transfer,
    transfer_line, transfer_lot, transfer_step_line, transformation_line, unit, usage_line, vendor_return_line, waste_line,
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
        table::<document_detail::Entity>(),
        table::<usage_line::Entity>(),
        table::<plate_waste_line::Entity>(),
        table::<adjustment_line::Entity>(),
        table::<vendor_return_line::Entity>(),
        table::<transformation_line::Entity>(),
        table::<cost_change_line::Entity>(),
        table::<correction_line::Entity>(),
        table::<lot_parent::Entity>(),
        table::<lot_event::Entity>(),
        table::<cost_variance::Entity>(),
        table::<shortage::Entity>(),
        table::<reservation::Entity>(),
        table::<transfer::Entity>(),
        table::<transfer_line::Entity>(),
        table::<transfer_lot::Entity>(),
        table::<transfer_step_line::Entity>(),
        table::<stock_count::Entity>(),
        table::<stock_count_counter::Entity>(),
        table::<stock_count_line::Entity>(),
        table::<count_result_line::Entity>(),
        table::<count_truth::Entity>(),
        table::<period::Entity>(),
        table::<checkpoint::Entity>(),
        table::<audit_event::Entity>(),
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
