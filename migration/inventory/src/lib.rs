//! The schema of the inventory database, as migrations. This crate depends on no entity crate: a migration never changes
//! because an entity does.

use migration_history::Schema;
use sea_orm_migration::prelude::*;

mod columns;
mod m20261125_000001_name_module;
mod m20261125_000002_create_catalogue;
mod m20261125_000003_create_documents;
mod m20261125_000004_create_ledger;
mod m20261126_000005_extend_ledger;
mod m20261126_000006_create_movements;
mod m20261126_000007_create_transfers_and_counts;
mod m20261126_000008_create_periods;
mod m20261127_000009_index_movements;
mod m20261128_000010_remember_the_last_document;

/// The module whose database this is; the marker row in `larder_module` says the same.
pub const MODULE: &str = "inventory";

/// Tables that are only ever added to. Triggers refuse anything else, and the runtime role gets no right to it.
pub const APPEND_ONLY: &[&str] = &["ledger_entry", "lot_event", "audit_event"];

/// What `larder db` works with.
pub const SCHEMA: Schema = Schema {
    module: MODULE,
    migrations: <Migrator as MigratorTrait>::migrations,
    lock_file: include_str!("../migrations.lock"),
    append_only: APPEND_ONLY,
    waivers: &[
        ("m20261126_000008_create_periods", m20261126_000008_create_periods::WAIVERS),
        ("m20261127_000009_index_movements", m20261127_000009_index_movements::WAIVERS),
    ],
};

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261125_000001_name_module::Migration),
            Box::new(m20261125_000002_create_catalogue::Migration),
            Box::new(m20261125_000003_create_documents::Migration),
            Box::new(m20261125_000004_create_ledger::Migration),
            Box::new(m20261126_000005_extend_ledger::Migration),
            Box::new(m20261126_000006_create_movements::Migration),
            Box::new(m20261126_000007_create_transfers_and_counts::Migration),
            Box::new(m20261126_000008_create_periods::Migration),
            Box::new(m20261127_000009_index_movements::Migration),
            Box::new(m20261128_000010_remember_the_last_document::Migration),
        ]
    }
}
