//! The history of a module's schema: what its migrations send, what a database says that was applied, and the one way from
//! the first to the second.
//!
//! sea-orm-migration applies and reverts; this crate adds what it leaves open: a lock against two deploys at once, the SQL of
//! each migration and its checksum, in a committed file (`migrations.lock`) and in the database, and reading without writing.

mod checksum;
mod found;
mod lock_file;
mod locking;
mod recording;
mod remembering;
mod scanning;
mod steps;
mod unfinished;

use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

pub use found::{Edited, Found, NO_SCHEMA, Problem, exists};
pub use lock_file::{LockFile, Locked};
pub use locking::{Lock, LockError, holder_of_file};
pub use recording::{Checksums, Recorded, Recording};
pub use remembering::{Grants, adopt, baseline, reconcile, remember};
pub use steps::{Applied, Place, StepError, down, up};

/// The table in which sea-orm-migration keeps the names of what was applied.
pub const HISTORY: &str = "seaql_migrations";
/// The table beside it that holds the SQL of what was applied, and its checksum. The entity generator leaves out a table
/// whose name begins with an underscore.
pub const CHECKSUMS: &str = "_larder_migrations";
/// The table with the name of the module whose database it is. The first migration makes it.
pub const MARKER: &str = "larder_module";

/// The schema of one module, as its migration crate gives it.
#[derive(Clone, Copy)]
pub struct Schema {
    pub module: &'static str,
    /// Oldest first.
    pub migrations: fn() -> Vec<Box<dyn MigrationTrait>>,
    /// The committed `migrations.lock`.
    pub lock_file: &'static str,
    /// Tables that the role of the running server may only read and add to.
    pub append_only: &'static [&'static str],
    /// What the linter refuses and these migrations do all the same, by the migration's name.
    pub waivers: &'static [(&'static str, &'static [Waiver])],
}

/// A hazard that somebody has thought about. It stands in the file of the migration that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The rule, as `larder db lint` prints it.
    pub rule: &'static str,
    /// What the rule is waived for, as `larder db lint` prints it: a table, or a table and a column.
    pub subject: &'static str,
    /// Why it is no danger here. Without one the waiver does not count.
    pub reason: &'static str,
}

impl Schema {
    /// The names of its migrations, oldest first.
    pub fn names(&self) -> Vec<String> {
        (self.migrations)().iter().map(|migration| migration.name().to_owned()).collect()
    }

    /// The same schema as it was when `name` was its last migration; nothing where it has no such migration.
    pub fn names_up_to(&self, name: &str) -> Option<Vec<String>> {
        let names = self.names();
        let end = names.iter().position(|known| known == name)?;
        Some(names.into_iter().take(end + 1).collect())
    }
}

/// sea-orm-migration's own way to run migrations that are known as values.
impl MigratorTraitSelf for Schema {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.migrations)()
    }
}
