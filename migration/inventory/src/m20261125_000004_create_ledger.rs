//! The ledger: entries that are never changed, the head that numbers them, balances and the rows that are locked.
//!
//! Entries, balances and stock keys have no foreign keys: nothing they name is ever deleted, and seven keys cost more than a
//! quarter of the postings.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, date, date_null, timestamp_with_time_zone, uuid, uuid_null};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend, Statement};

use crate::columns::{code, create, drop_all, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 4] = ["ledger_entry", "ledger_head", "balance", "stock_key"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut entry = Table::create();
        entry
            .table("ledger_entry")
            .col(uuid("tenant_id"))
            .col(big_integer("seq"))
            .col(uuid("document_id"))
            .col(big_integer("line_no"))
            .col(code(manager, "kind", 24))
            .col(uuid("item_id"))
            .col(uuid("location_id"))
            .col(uuid("lot_id"))
            .col(big_integer("quantity_delta"))
            .col(big_integer("value_delta"))
            .col(timestamp_with_time_zone("effective_at"))
            .col(date("business_date"))
            .col(timestamp_with_time_zone("recorded_at"))
            .col(uuid("actor_id"))
            .col(uuid_null("reason_id"))
            .primary_key(Index::create().col("tenant_id").col("seq"));
        let indexes = [
            index("ledger_entry", &["item_id", "location_id", "effective_at"]),
            index("ledger_entry", &["location_id", "seq"]),
            index("ledger_entry", &["lot_id", "seq"]),
            index("ledger_entry", &["document_id"]),
        ];
        create(manager, &mut entry, indexes).await?;

        let mut head = Table::create();
        head.table("ledger_head")
            .col(uuid("tenant_id").primary_key())
            .col(big_integer("seq"))
            .col(big_integer("receipt_number"))
            .col(big_integer("waste_number"))
            .col(big_integer("opening_stock_number"))
            .col(big_integer("rules_version"))
            .col(date_null("closed_through"))
            .col(code(manager, "head_hash", 64));
        create(manager, &mut head, []).await?;

        let mut balance = Table::create();
        balance
            .table("balance")
            .col(uuid("tenant_id"))
            .col(uuid("item_id"))
            .col(uuid("location_id"))
            .col(uuid("lot_id"))
            .col(big_integer("quantity"))
            .col(big_integer("value"))
            .primary_key(Index::create().col("tenant_id").col("item_id").col("location_id").col("lot_id"))
            .check(("balance_quantity_not_negative", Expr::col("quantity").gte(0)))
            .check(("balance_value_not_negative", Expr::col("value").gte(0)))
            .check(("balance_no_value_without_quantity", Expr::col("quantity").gt(0).or(Expr::col("value").eq(0))));
        create(manager, &mut balance, [index("balance", &["lot_id"]), index("balance", &["location_id"])]).await?;

        let mut key = Table::create();
        key.table("stock_key")
            .col(uuid("tenant_id"))
            .col(uuid("item_id"))
            .col(uuid("location_id"))
            .col(big_integer("reserved_quantity").default(0))
            .primary_key(Index::create().col("tenant_id").col("item_id").col("location_id"))
            .check(("stock_key_reserved_not_negative", Expr::col("reserved_quantity").gte(0)));
        create(manager, &mut key, []).await?;

        for statement in guards(manager.get_database_backend()) {
            manager.get_connection().execute_raw(Statement::from_string(manager.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            let function = Statement::from_string(DatabaseBackend::Postgres, "DROP FUNCTION ledger_entry_is_append_only()");
            manager.get_connection().execute_raw(function).await?;
        }
        Ok(())
    }
}

/// UPDATE, DELETE and TRUNCATE of ledger entries raise. (SQLite: with `recursive_triggers` on also INSERT OR REPLACE.)
fn guards(backend: DatabaseBackend) -> Vec<&'static str> {
    match backend {
        DatabaseBackend::Postgres => vec![
            // OR REPLACE: the plain tool's `fresh` drops tables and leaves functions.
            "CREATE OR REPLACE FUNCTION ledger_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'ledger entries are never changed or deleted' USING ERRCODE = 'restrict_violation'; END $$",
            "CREATE TRIGGER ledger_entry_no_change BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_append_only()",
            "CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_is_append_only()",
        ],
        _ => vec![
            "CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END",
            "CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END",
        ],
    }
}
