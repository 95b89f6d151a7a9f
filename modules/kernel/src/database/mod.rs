//! How a transaction runs.
//!
//! Reads go to [`Database::reader`]. Everything that writes goes through [`Database::write`]: on Postgres a transaction of its
//! own, tried again where the database asks for it; on SQLite the one writer, where many requests share one IMMEDIATE
//! transaction, and are answered after its commit. So the flush of a commit is shared by all who wait.

mod errors;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};
use sea_orm::{
    AccessMode, ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, Statement, TransactionTrait as _,
};
use tokio::runtime::Handle;

pub use errors::{code, is_lock_timeout, is_transient, is_unavailable, needs_recovery, violated_constraint};
use postgres::Postgres;
use sqlite::Queue;

use crate::instant::Clock;

/// The transaction that a use case works in. Inner functions take it and never begin one.
pub type Txn = DatabaseTransaction;

/// How long a write is tried before its failure is answered: what keeps others' work from going on ends within that, or hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a piece of work gives back.
pub type Outcome<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Whether work that failed may simply be done again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    No,
    /// The state changed under the work (a row version was not there any more); nothing was written. On SQLite nothing can
    /// change under it: there the error is answered as it is.
    Changed,
}

/// The error of a module, as far as running its transactions needs to know it.
pub trait WriteError: From<DbErr> + Send + 'static {
    /// The database's own error where this is one.
    fn database(&self) -> Option<&DbErr>;
    /// Whether the module itself asks for another try.
    fn retry(&self) -> Retry {
        Retry::No
    }
}

/// A module's database. Its fields are private to the kernel, and a module keeps it in a private field of its state: nobody
/// else reaches the connection.
#[derive(Clone)]
pub struct Database {
    reader: DatabaseConnection,
    writer: Writer,
}

#[derive(Clone)]
enum Writer {
    Postgres(Postgres),
    Sqlite(Queue),
}

impl Database {
    /// Takes over connected pools. On SQLite `writer` has exactly one connection (for a memory database it is the reader's),
    /// and a task on the current runtime owns it from now on.
    pub fn new(reader: DatabaseConnection, writer: DatabaseConnection) -> Self {
        Self::with_patience(reader, writer, PATIENCE)
    }

    fn with_patience(reader: DatabaseConnection, writer: DatabaseConnection, patience: Duration) -> Self {
        let runtime = Handle::current();
        let writer = match writer.get_database_backend() {
            DatabaseBackend::Sqlite => Writer::Sqlite(Queue::open(writer, &runtime, patience)),
            _ => Writer::Postgres(Postgres::new(writer, runtime, patience)),
        };
        Self { reader, writer }
    }

    /// For reading outside of a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Runs `work` in one transaction: all of it is committed, or nothing. The work owns its `input`, so it goes on when the
    /// client hangs up; it may run several times, must await nothing but the database, through the transaction it is given,
    /// and ends with the first error of the database that it meets: what comes after one may be in no transaction at all.
    pub async fn write<I, T, E>(&self, input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: WriteError,
    {
        match &self.writer {
            Writer::Postgres(pool) => pool.write(input, work).await,
            Writer::Sqlite(queue) => queue.write(input, work).await,
        }
    }
}

/// Grows with the attempt and differs between those who collide, so that they do not collide again.
fn pause(attempt: u32) -> Duration {
    let ceiling = 1_u64 << attempt.min(6);
    Duration::from_millis(rand::random_range(1..=2 * ceiling))
}

/// Asks a database for its time, and answers how far its clock is ahead of this program's; negative where it is behind. `None` where the
/// database has no clock of its own, or the program none that is meant to be right.
pub async fn skew(connection: &DatabaseConnection, clock: &Clock) -> Result<Option<TimeDelta>, DbErr> {
    if !is_postgres(connection) || matches!(clock, Clock::Fixed(_)) {
        return connection.ping().await.map(|()| None);
    }
    let before = clock.now().utc();
    let asked = Statement::from_string(DatabaseBackend::Postgres, "SELECT clock_timestamp() AS now");
    let row = connection.query_one_raw(asked).await?.ok_or_else(|| DbErr::RecordNotFound("the database's time".into()))?;
    let (told, after) = (row.try_get::<DateTime<FixedOffset>>("", "now")?.to_utc(), clock.now().utc());
    // It was read at some moment between the two.
    Ok(Some((told - after).max(TimeDelta::zero()) + (told - before).min(TimeDelta::zero())))
}

/// Begins to read one moment of a database with any number of statements, whoever goes on writing. SQLite's transactions do so anyway, and SeaORM
/// warns of each that is asked to.
pub async fn read_one_moment(connection: &DatabaseConnection) -> Result<Txn, DbErr> {
    if is_postgres(connection) {
        connection.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await
    } else {
        connection.begin().await
    }
}

/// Both databases speak through this where a statement must be written by hand.
pub fn is_postgres(connection: &impl sea_orm::ConnectionTrait) -> bool {
    connection.get_database_backend() == DatabaseBackend::Postgres
}
