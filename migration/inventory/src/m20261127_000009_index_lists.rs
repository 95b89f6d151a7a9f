//! Indexes that have the rows of lists in their order, so that a page reads no more than it shows, however many there are.

use migration_history::Waiver;
use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The movements of an item and the documents of a place, the newest first or from a number on; what is set aside and what was missing, by when it was.
const INDEXES: [(&str, &[&str]); 4] = [
    ("ledger_entry", &["item_id", "seq"]),
    ("document", &["location_id", "last_seq"]),
    ("reservation", &["created_at", "id"]),
    ("shortage", &["created_at", "id"]),
];

const TAKES_SECONDS: &str = "Postings wait for as long as it takes, which is seconds for a million rows; concurrently it could not be in one transaction with what it takes the place of.";

pub const WAIVERS: &[Waiver] = &[
    Waiver { rule: "create_index_not_concurrently", subject: "ledger_entry.ix_ledger_entry_item_id_seq", reason: TAKES_SECONDS },
    Waiver { rule: "create_index_not_concurrently", subject: "document.ix_document_location_id_last_seq", reason: TAKES_SECONDS },
    Waiver {
        rule: "drop_index_not_concurrently",
        subject: "document.ix_document_location_id",
        reason: "It takes a moment, at the end of a transaction that holds the table already.",
    },
    Waiver { rule: "create_index_not_concurrently", subject: "reservation.ix_reservation_created_at_id", reason: TAKES_SECONDS },
    Waiver { rule: "create_index_not_concurrently", subject: "shortage.ix_shortage_created_at_id", reason: TAKES_SECONDS },
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in INDEXES {
            manager.create_index(index(table, columns)).await?;
        }
        // What it was for, the one that goes on by number does too.
        manager.drop_index(Index::drop().name("ix_document_location_id").table("document").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("document", &["location_id"])).await?;
        for (table, columns) in INDEXES {
            manager.drop_index(Index::drop().name(format!("ix_{table}_{}", columns.join("_"))).table(table).to_owned()).await?;
        }
        Ok(())
    }
}
