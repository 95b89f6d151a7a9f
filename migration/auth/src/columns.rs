//! What the migrations say of columns, references and indexes in the same way. What a migration made stays what it is: whoever
//! changes something here makes a new function instead.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, timestamp_with_time_zone, uuid};
use sea_orm_migration::sea_orm::DatabaseBackend;

/// A text that programs compare: by bytes on both engines, whatever the locale of a Postgres database is.
pub fn code(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    let mut column = string_len(name, length);
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// A table with `id`, and what every mutable row carries: `version`, `created_at`, `updated_at`.
pub fn mutable(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("id").primary_key())
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

pub fn reference(table: &'static str, column: &'static str, target: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(format!("fk_{table}_{column}")).from(table, column).to(target, "id").take()
}

/// Of a row that ends with a membership.
pub fn of_membership(table: &'static str) -> ForeignKeyCreateStatement {
    part_of(table, "membership_id", "membership")
}

/// Of a row of one tenant that ends with another row of that tenant.
pub fn part_of(table: &'static str, column: &'static str, whole: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(format!("fk_{table}_{column}")).from(table, ("tenant_id", column)).to(whole, ("tenant_id", "id"));
    key.on_delete(ForeignKeyAction::Cascade).take()
}

pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

pub fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().take()
}
