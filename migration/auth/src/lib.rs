//! The schema of the auth database, as migrations. This crate depends on no entity crate: a migration never changes because
//! an entity does.

use migration_history::Schema;
use sea_orm_migration::prelude::*;

mod columns;
mod m20261125_000001_create_auth;
mod m20261126_000002_rotate_refresh_tokens;
mod m20261126_000003_throttle_and_devices;
mod m20261126_000004_invite_members_and_keys;
mod m20261126_000005_factors_links_and_mail;

/// The module whose database this is; the marker row in `larder_module` says the same.
pub const MODULE: &str = "auth";

/// Tables that are only ever added to. Triggers refuse anything else, and the runtime role gets no right to it.
pub const APPEND_ONLY: &[&str] = &["audit_event"];

/// What `larder db` works with.
pub const SCHEMA: Schema = Schema {
    module: MODULE,
    migrations: <Migrator as MigratorTrait>::migrations,
    lock_file: include_str!("../migrations.lock"),
    append_only: APPEND_ONLY,
    waivers: &[("m20261126_000005_factors_links_and_mail", m20261126_000005_factors_links_and_mail::WAIVERS)],
};

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261125_000001_create_auth::Migration),
            Box::new(m20261126_000002_rotate_refresh_tokens::Migration),
            Box::new(m20261126_000003_throttle_and_devices::Migration),
            Box::new(m20261126_000004_invite_members_and_keys::Migration),
            Box::new(m20261126_000005_factors_links_and_mail::Migration),
        ]
    }
}
