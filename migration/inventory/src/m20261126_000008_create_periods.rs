//! Periods that are closed, with what stood where at their end, and who did what that no document tells.

use migration_history::Waiver;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, date, date_null, string_len, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null};

use crate::columns::{code, create, drop_all, drop_guard, guard, index, mutable_table, referable_table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 3] = ["period", "checkpoint", "audit_event"];

pub const WAIVERS: &[Waiver] = &[Waiver {
    rule: "create_index_not_concurrently",
    subject: "ledger_entry.ix_ledger_entry_business_date",
    reason: "Postings wait for as long as it takes, which is seconds for a million entries; concurrently it could not be in one transaction with the tables that need it.",
}];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut period = mutable_table("period");
        period
            .col(date_null("first_day"))
            .col(date("last_day"))
            .col(code(manager, "status", 16))
            .col(timestamp_with_time_zone_null("closed_at"))
            .col(uuid_null("closed_by"));
        create(manager, &mut period, [unique("period", &["last_day"])]).await?;

        let mut checkpoint = Table::create();
        checkpoint
            .table("checkpoint")
            .col(uuid("tenant_id"))
            .col(uuid("period_id"))
            .col(uuid("item_id"))
            .col(uuid("location_id"))
            .col(uuid("lot_id"))
            .col(big_integer("quantity"))
            .col(big_integer("value"))
            .primary_key(Index::create().col("tenant_id").col("period_id").col("item_id").col("location_id").col("lot_id"));
        create(manager, &mut checkpoint, []).await?;
        // Closing sums up the entries of some days; what is asked about the past, those since the last closed one.
        manager.create_index(index("ledger_entry", &["business_date"])).await?;

        let mut event = referable_table("audit_event");
        event
            .col(timestamp_with_time_zone("at"))
            .col(uuid("actor_id"))
            .col(code(manager, "action", 64))
            .col(code(manager, "subject", 32))
            .col(uuid("subject_id"))
            .col(string_len("summary", 200))
            .col(text("details"));
        create(manager, &mut event, [index("audit_event", &["at", "id"])]).await?;
        guard(manager, "audit_event").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("ix_ledger_entry_business_date").table("ledger_entry").to_owned()).await?;
        drop_all(manager, &TABLES).await?;
        drop_guard(manager, "audit_event").await
    }
}
