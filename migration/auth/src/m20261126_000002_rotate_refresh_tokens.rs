//! What a session has to know so that its refresh tokens can be rotated, and so that its user recognises it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, string_len_null, timestamp_with_time_zone_null};
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 4] = ["nonce", "used_counter", "rotated_at", "user_agent"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // In the MAC of every refresh token of the session. The sessions from before had no refresh tokens: nothing is signed
        // for an empty one.
        let mut nonce = string_len("nonce", 32);
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            nonce.extra("COLLATE \"C\"");
        }
        add(manager, nonce.default("").take()).await?;
        // The last counter of which an access token was accepted.
        add(manager, big_integer("used_counter").default(0).take()).await?;
        add(manager, timestamp_with_time_zone_null("rotated_at")).await?;
        add(manager, string_len_null("user_agent", 300)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS.iter().rev() {
            manager.alter_table(Table::alter().table("session").drop_column(*column).take()).await?;
        }
        Ok(())
    }
}

async fn add(manager: &SchemaManager<'_>, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table("session").add_column(column).take()).await
}
