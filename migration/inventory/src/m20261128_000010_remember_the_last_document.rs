//! What the next posting asks of the last document: the head remembers it, so that nobody looks for it. Until a document is posted it
//! says nothing, as in a ledger without one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::timestamp_with_time_zone_null;

use crate::columns::{add, remove};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // When the last document was recorded.
        add(manager, "ledger_head", timestamp_with_time_zone_null("last_recorded_at")).await?;
        // When the last count that was posted took place.
        add(manager, "ledger_head", timestamp_with_time_zone_null("last_counted_at")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        remove(manager, "ledger_head", "last_counted_at").await?;
        remove(manager, "ledger_head", "last_recorded_at").await
    }
}
