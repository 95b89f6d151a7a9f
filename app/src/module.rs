//! The two modules, as far as their databases are concerned.

use std::fmt;

use migration_history::{LockFile, Schema};

use crate::settings::{Database, Place};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    Auth,
    Inventory,
}

impl Module {
    pub const ALL: [Self; 2] = [Self::Auth, Self::Inventory];

    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => auth_migration::MODULE,
            Self::Inventory => inventory_migration::MODULE,
        }
    }

    /// The variable that its database's URL is given in.
    pub fn url_variable(self) -> &'static str {
        match self {
            Self::Auth => "AUTH_DATABASE_URL",
            Self::Inventory => "INVENTORY_DATABASE_URL",
        }
    }

    pub fn place(self, database: &Database) -> &Place {
        match self {
            Self::Auth => &database.auth,
            Self::Inventory => &database.inventory,
        }
    }

    /// Its migrations, with their committed checksums.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::Auth => &auth_migration::SCHEMA,
            Self::Inventory => &inventory_migration::SCHEMA,
        }
    }

    /// The committed checksums. A file that cannot be read has none, and a test sees to that it can.
    pub fn locked(self) -> LockFile {
        LockFile::parse(self.schema().lock_file).unwrap_or_default()
    }

    /// The names of its migrations, oldest first.
    pub fn migrations(self) -> Vec<String> {
        self.schema().names()
    }
}

impl fmt::Display for Module {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
