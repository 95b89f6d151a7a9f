//! Drift: every difference between a live database and what the migrations make.
//!
//! Both sides are read with the same queries from the same server, by its own deparsers, so that two spellings of one thing
//! read alike and the texts can be compared as they are (docs/decisions/0009). What is expected is made by running what the
//! migrations send: SQLite in memory, Postgres in a schema beside the live one, in a transaction that is always rolled back.
//! So no second server is needed and no right to create databases, and nothing stays.

mod differ;
mod postgres;
mod sqlite;

use std::fmt;

use migration_history::{Recording, Schema};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, TransactionSession as _, TransactionTrait};
use serde::Serialize;

/// What a schema is made of. Differences are told in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Table,
    View,
    Sequence,
    Type,
    Column,
    PrimaryKey,
    ForeignKey,
    Unique,
    Check,
    Exclusion,
    Index,
    Trigger,
    Rule,
    Policy,
    Function,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Sequence => "sequence",
            Self::Type => "type",
            Self::Column => "column",
            Self::PrimaryKey => "primary key",
            Self::ForeignKey => "foreign key",
            Self::Unique => "unique constraint",
            Self::Check => "check",
            Self::Exclusion => "exclusion constraint",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Function => "function",
        })
    }
}

/// One thing that is not as the migrations make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Kind and name: `column lot.batch_code`.
    pub object: String,
    pub kind: Kind,
    /// What the live database has; nothing where it lacks the thing.
    pub live: Option<String>,
    /// What the migrations make; nothing where they make no such thing.
    pub expected: Option<String>,
    #[serde(skip)]
    what: String,
}

/// On one line, for people.
impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.object, self.what)
    }
}

/// One thing of a schema, as its database tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    kind: Kind,
    /// The table that it belongs to, and goes with.
    table: Option<String>,
    /// Empty where a table has one of the kind. In parentheses where the engine knows no name, but only what it is about.
    name: String,
    /// Among the columns of the table; 0 for everything else.
    position: i64,
    /// What can differ, each as a phrase that can stand after "is"; the same number and order for every thing of a kind.
    properties: Vec<String>,
}

/// What a live database has and these migrations do not make, or the other way round. In a transaction of its own (in one that
/// is given, up to a savepoint), which is rolled back; Postgres asks for the right to create a schema.
pub async fn differences(connection: &(impl ConnectionTrait + TransactionTrait), schema: &Schema, names: &[String]) -> Result<Vec<Difference>, DbErr> {
    let backend = connection.get_database_backend();
    let mut recording = Recording::of(schema, backend).await?;
    recording.migrations.retain(|migration| names.contains(&migration.name));
    let txn = connection.begin().await?;
    let read = match backend {
        DbBackend::Postgres => postgres::live_and_expected(&txn, &recording).await,
        _ => sqlite::live_and_expected(&txn, &recording).await,
    };
    txn.rollback().await?;
    let (live, expected) = read?;
    Ok(differ::compare(live, expected))
}

/// Runs what migrations send. `CONCURRENTLY` is left out: there is nobody to wait for, and in a transaction it is refused.
async fn run(connection: &impl ConnectionTrait, recording: &Recording) -> Result<(), DbErr> {
    for migration in &recording.migrations {
        for statement in &migration.statements {
            if migration.transactional {
                connection.execute_unprepared(statement).await?;
            } else {
                connection.execute_unprepared(&crate::words::without(statement, "CONCURRENTLY")).await?;
            }
        }
    }
    Ok(())
}
