//! The movements of one item in the order in which they were posted: so a page of them reads no more than it shows.

use migration_history::Waiver;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

pub const WAIVERS: &[Waiver] = &[Waiver {
    rule: "not_transactional",
    subject: "migration",
    reason: "An index that is built concurrently, while postings go on, cannot be in a transaction. It is all that there is; what a killed deploy leaves of it is cleared away by the next.",
}];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut movements = index("ledger_entry", &["item_id", "seq"]);
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            movements.concurrently().if_not_exists();
        }
        manager.create_index(movements).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut movements = Index::drop();
        movements.name("ix_ledger_entry_item_id_seq").table("ledger_entry");
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            movements.concurrently().if_exists();
        }
        manager.drop_index(movements).await
    }
}
