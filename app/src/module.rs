//! The two modules, as far as their databases are concerned.

use std::fmt;

use sea_orm::DbErr;
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait};

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

    /// Tables that the role of the running server may only read and add to.
    pub fn append_only(self) -> &'static [&'static str] {
        match self {
            Self::Auth => auth_migration::APPEND_ONLY,
            Self::Inventory => inventory_migration::APPEND_ONLY,
        }
    }

    /// The names of its migrations, oldest first.
    pub fn migrations(self) -> Vec<String> {
        let migrations = match self {
            Self::Auth => auth_migration::Migrator::migrations(),
            Self::Inventory => inventory_migration::Migrator::migrations(),
        };
        migrations.iter().map(|migration| migration.name().to_owned()).collect()
    }

    /// Applies the next pending migration.
    pub async fn step<'c>(self, connection: impl IntoSchemaManagerConnection<'c>) -> Result<(), DbErr> {
        match self {
            Self::Auth => auth_migration::Migrator::up(connection, Some(1)).await,
            Self::Inventory => inventory_migration::Migrator::up(connection, Some(1)).await,
        }
    }
}

impl fmt::Display for Module {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
