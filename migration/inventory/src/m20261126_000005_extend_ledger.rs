//! What documents, the head and lots have to know for every kind of movement. Added columns are nullable: rows from before
//! them count as 0, or as nothing said.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, timestamp_with_time_zone_null};

use crate::columns::{add, code_null, remove};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// One for each type of document that is numbered from here on.
const COUNTERS: [&str; 15] = [
    "usage_number",
    "adjustment_number",
    "vendor_return_number",
    "transfer_number",
    "transfer_order_number",
    "dispatch_number",
    "arrival_number",
    "transit_loss_number",
    "transfer_cancel_number",
    "count_number",
    "reversal_number",
    "cost_change_number",
    "correction_number",
    "transformation_number",
    "opening_number",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The place in the tenant's chain: a document without entries has the last_seq of the one before it.
        add(manager, "document", big_integer_null("position")).await?;
        add(manager, "ledger_head", big_integer_null("position")).await?;
        for counter in COUNTERS {
            add(manager, "ledger_head", big_integer_null(counter)).await?;
        }
        add(manager, "lot", code_null(manager, "hold", 16)).await?;
        add(manager, "lot", timestamp_with_time_zone_null("opened_at")).await?;
        // The position of the last document that changed the lot's cost.
        add(manager, "lot", big_integer_null("revalued_position")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["revalued_position", "opened_at", "hold"] {
            remove(manager, "lot", column).await?;
        }
        for column in COUNTERS.iter().rev() {
            remove(manager, "ledger_head", column).await?;
        }
        remove(manager, "ledger_head", "position").await?;
        remove(manager, "document", "position").await
    }
}
