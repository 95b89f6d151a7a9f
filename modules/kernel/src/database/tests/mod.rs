//! `Database::write` on real databases: SQLite files and memory, and Postgres where a server is named.

mod postgres;
mod sqlite;

use std::pin::Pin;

use futures::poll;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, TryGetable};

use super::{Database, Retry, Txn, WriteError, is_unavailable};

#[derive(Debug)]
enum Failure {
    Database(DbErr),
    /// A rule said no.
    Refused,
    /// The work asks to be done again.
    Changed,
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl WriteError for Failure {
    fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }

    fn retry(&self) -> Retry {
        if matches!(self, Self::Changed) { Retry::Changed } else { Retry::No }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where these tests open connections")]
async fn connect(options: ConnectOptions) -> DatabaseConnection {
    sea_orm::Database::connect(options).await.expect("a connection")
}

async fn run(on: &impl ConnectionTrait, sql: &str) -> Result<(), DbErr> {
    on.execute_unprepared(sql).await.map(drop)
}

/// The first column of every row.
async fn column<T: TryGetable>(on: &impl ConnectionTrait, sql: &str) -> Vec<T> {
    let statement = sea_orm::Statement::from_string(on.get_database_backend(), sql);
    let rows = on.query_all_raw(statement).await.expect("rows");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a column")).collect()
}

const TABLE: &str = "CREATE TABLE note (number BIGINT NOT NULL)";

/// What is committed, in ascending order.
async fn notes(on: &impl ConnectionTrait) -> Vec<i64> {
    column(on, "SELECT number FROM note ORDER BY number").await
}

async fn insert(txn: &Txn, number: i64) -> Result<(), Failure> {
    Ok(run(txn, &format!("INSERT INTO note (number) VALUES ({number})")).await?)
}

async fn note(database: &Database, number: i64) -> Result<(), Failure> {
    database.write(number, |number, txn| Box::pin(insert(txn, *number))).await
}

/// Writes, then fails.
async fn note_and_refuse(database: &Database, number: i64) -> Result<(), Failure> {
    let write = database.write(number, |number, txn| {
        Box::pin(async move {
            insert(txn, *number).await?;
            Err(Failure::Refused)
        })
    });
    write.await
}

async fn note_and_panic(database: &Database, number: i64) -> Result<(), Failure> {
    let write = database.write(number, |number, txn| {
        Box::pin(async move {
            insert(txn, *number).await?;
            panic!("meant by the test");
        })
    });
    write.await
}

/// Starts a write, which stays unanswered: whatever does the work is a task of the test's one thread, and runs only when the
/// test waits for something.
async fn started<F: Future>(write: F) -> Pin<Box<F>> {
    let mut write = Box::pin(write);
    assert!(poll!(tokio::task::unconstrained(write.as_mut())).is_pending());
    write
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(answer: Result<T, Failure>) {
    match answer {
        Err(Failure::Database(error)) if is_unavailable(&error) => {}
        other => panic!("not unavailable: {other:?}"),
    }
}
