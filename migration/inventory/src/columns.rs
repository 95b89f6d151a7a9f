//! The columns and keys that tables here have in common.
//!
//! A table that others refer to has `id` as primary key and a unique constraint (tenant_id, id); every foreign key is
//! (tenant_id, x_id) → (tenant_id, id). So the database itself refuses a reference into another tenant, and the tables can be
//! distributed by tenant. It is a constraint, not a bare index, because the entity generator pairs the columns of a key
//! wrongly where it finds no constraint to read their order from (docs/decisions/0005).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, string_len_null, timestamp_with_time_zone, uuid};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend, Statement};

/// A text that programs compare and sort: by bytes on both engines, whatever the locale of a Postgres database is.
pub fn code(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    collated(manager, string_len(name, length))
}

pub fn code_null(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    collated(manager, string_len_null(name, length))
}

fn collated(manager: &SchemaManager<'_>, mut column: ColumnDef) -> ColumnDef {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// A table with `id`, `tenant_id`, and what every mutable row carries: `version`, `created_at`, `updated_at`.
pub fn mutable_table(name: &'static str) -> TableCreateStatement {
    let mut table = referable_table(name);
    table.col(big_integer("version")).col(timestamp_with_time_zone("created_at")).col(timestamp_with_time_zone("updated_at"));
    table
}

/// A table with `id` and `tenant_id` that others refer to.
pub fn referable_table(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    let mut identity = Index::create().name(format!("uq_{name}_id")).unique().col("tenant_id").col("id").take();
    table.table(name).col(uuid("id").primary_key()).col(uuid("tenant_id")).index(&mut identity);
    table
}

/// A table of document lines: its primary key is (tenant_id, document_id, line_no).
pub fn lines(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table(name)
        .col(uuid("tenant_id"))
        .col(uuid("document_id"))
        .col(big_integer("line_no"))
        .primary_key(Index::create().col("tenant_id").col("document_id").col("line_no"));
    table
}

/// (tenant_id, `column`) → (tenant_id, id) of `target`.
pub fn reference(table: &'static str, column: &'static str, target: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(format!("fk_{table}_{column}")).from(table, ("tenant_id", column)).to(target, ("tenant_id", "id"));
    key
}

/// A unique index over tenant_id and `columns`.
pub fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().take()
}

/// An index over tenant_id and `columns`.
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{}", columns.join("_"))).table(table).col("tenant_id");
    for column in columns {
        index.col(*column);
    }
    index
}

/// Creates a table and its indexes.
pub async fn create(
    manager: &SchemaManager<'_>,
    table: &mut TableCreateStatement,
    indexes: impl IntoIterator<Item = IndexCreateStatement>,
) -> Result<(), DbErr> {
    manager.create_table(table.take()).await?;
    for index in indexes {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// Drops tables, the last made first.
pub async fn drop_all(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables.iter().rev() {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}

/// Makes UPDATE, DELETE and TRUNCATE of a table raise. (SQLite: with `recursive_triggers` on also INSERT OR REPLACE.)
pub async fn guard(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let statements = match backend {
        DatabaseBackend::Postgres => vec![
            // OR REPLACE: the plain tool's `fresh` drops tables and leaves functions.
            format!(
                "CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'rows of {table} are never changed or deleted' USING ERRCODE = 'restrict_violation'; END $$"
            ),
            format!("CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"),
            format!("CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"),
        ],
        _ => {
            let trigger = |what: &str| {
                format!(
                    "CREATE TRIGGER {table}_no_{} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END",
                    what.to_lowercase()
                )
            };
            vec![trigger("UPDATE"), trigger("DELETE")]
        }
    };
    for sql in statements {
        manager.get_connection().execute_raw(Statement::from_string(backend, sql)).await?;
    }
    Ok(())
}

/// Drops what [`guard`] leaves when its table is gone.
pub async fn drop_guard(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        let function = format!("DROP FUNCTION {table}_is_append_only()");
        manager.get_connection().execute_raw(Statement::from_string(DatabaseBackend::Postgres, function)).await?;
    }
    Ok(())
}

/// Adds a column to a table that is there.
pub async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).take()).await
}

/// Takes a column away.
pub async fn remove(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).drop_column(column).take()).await
}
