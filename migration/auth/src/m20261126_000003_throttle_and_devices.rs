//! What tries of passwords are charged to, which devices are known, and how often an event happened that is written once an hour.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid};

use crate::columns::{code, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_throttle(manager).await?;
        create_device(manager).await?;
        // Of failures that are told once an hour: how many those were.
        manager.alter_table(Table::alter().table("audit_event").add_column(big_integer("times").default(1).take()).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("audit_event").drop_column("times").take()).await?;
        manager.drop_table(Table::drop().table("device").take()).await?;
        manager.drop_table(Table::drop().table("throttle").take()).await
    }
}

async fn create_throttle(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let throttle = Table::create()
        .table("throttle")
        // An HMAC of what is counted and of whom: no address of anybody is in here.
        .col(code(manager, "key", 64).primary_key())
        .col(code(manager, "kind", 32))
        // Goes up with every change, so that none is lost between reading and writing.
        .col(big_integer("version"))
        .col(big_integer("count"))
        // Of the window before, where the limit counts in windows.
        .col(big_integer("count_before"))
        // Of the last charge, or the begin of the window.
        .col(timestamp_with_time_zone("since"))
        // When all has drained, where the limit drains.
        .col(timestamp_with_time_zone("drained_at"))
        // From when on the row says nothing more.
        .col(timestamp_with_time_zone("forgotten_at"))
        // Whose failures it counts until the hour is over and they are audited: a pseudonym as in the audit.
        .col(code(manager, "subject", 64).null())
        .check(Expr::col("count").gte(0))
        .check(Expr::col("count_before").gte(0))
        .take();
    manager.create_table(throttle).await?;
    manager.create_index(index("throttle", &["forgotten_at"])).await
}

async fn create_device(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let device = Table::create()
        .table("device")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(code(manager, "token_hash", 64))
        .col(string_len_null("user_agent", 300))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_used_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(ForeignKey::create().name("fk_device_user_id").from("device", "user_id").to("user", "id").on_delete(ForeignKeyAction::Cascade))
        .take();
    manager.create_table(device).await?;
    manager.create_index(index("device", &["user_id", "last_used_at"])).await?;
    manager.create_index(index("device", &["last_used_at"])).await
}
