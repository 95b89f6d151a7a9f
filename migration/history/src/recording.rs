//! What migrations send, found out by running them against nothing.

use std::collections::BTreeMap;

use sea_orm::{DbBackend, DbErr, MockDatabase, MockExecResult};
use sea_orm_migration::SchemaManager;

use crate::Schema;
use crate::checksum::checksum;
use crate::scanning::laid_out;

/// More than any migration sends.
const MOST_STATEMENTS: usize = 10_000;

/// What one migration sends to one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub name: String,
    /// Whether all of it happens or nothing.
    pub transactional: bool,
    /// In order, without the semicolon at the end.
    pub statements: Vec<String>,
    /// SHA-256 in hexadecimal; comments and the way a statement is broken into lines do not count.
    pub checksum: String,
}

impl Recorded {
    /// As a script to be read: every statement ends with a semicolon and a line break.
    pub fn sql(&self) -> String {
        let whole = |statement: &String| [laid_out(statement.trim().trim_end_matches(';')).as_str(), ";\n"].concat();
        self.statements.iter().map(whole).collect()
    }
}

/// What all migrations of a schema send to one engine, oldest first.
#[derive(Clone, Debug)]
pub struct Recording {
    pub migrations: Vec<Recorded>,
}

/// The checksum of each migration, by name.
pub type Checksums = BTreeMap<String, String>;

impl Recording {
    /// Runs every migration against a connection that leads nowhere. An error names a migration that asks the database
    /// something: what it sends depends on the answer, so it can be reviewed by nobody.
    pub async fn of(schema: &Schema, backend: DbBackend) -> Result<Self, DbErr> {
        let mut migrations = Vec::new();
        for migration in (schema.migrations)() {
            let name = migration.name().to_owned();
            // SeaORM's mock answers as many statements as it is told, and no question.
            let answers = std::iter::repeat_n(MockExecResult::default(), MOST_STATEMENTS);
            let connection = MockDatabase::new(backend).append_exec_results(answers).into_connection();
            let sent = migration.up(&SchemaManager::new(&connection)).await;
            let log = connection.into_transaction_log();
            let statements: Vec<String> = log.iter().flat_map(|transaction| transaction.statements()).map(ToString::to_string).collect();
            sent.map_err(|error| {
                let last = statements.last().map_or("", String::as_str);
                DbErr::Custom(format!("{name} sends something else than statements that change the schema: {last} ({error})"))
            })?;
            let transactional = migration.use_transaction().unwrap_or(backend == DbBackend::Postgres);
            migrations.push(Recorded { name, transactional, checksum: checksum(&statements), statements });
        }
        Ok(Self { migrations })
    }

    pub fn find(&self, name: &str) -> Option<&Recorded> {
        self.migrations.iter().find(|migration| migration.name == name)
    }

    pub fn checksums(&self) -> Checksums {
        self.migrations.iter().map(|migration| (migration.name.clone(), migration.checksum.clone())).collect()
    }
}
