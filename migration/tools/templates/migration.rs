//! Why the schema changes, in a sentence: what can be said or done afterwards.

use migration_history::Waiver;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What `larder db lint` refuses and is no danger here: `Waiver { rule, subject, reason }`, the first two as it prints them.
pub const WAIVERS: &[Waiver] = &[];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        // manager.alter_table(Table::alter().table("lot").add_column(string_len_null("origin", 64)).take()).await
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        // manager.alter_table(Table::alter().table("lot").drop_column("origin").take()).await
        Ok(())
    }
}
