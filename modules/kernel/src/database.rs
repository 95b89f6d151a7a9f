//! How a transaction runs.
//!
//! Reads go to [`Database::reader`]. Everything that writes goes through [`Database::write`]: on Postgres a transaction of its
//! own, tried again where the database asks for it; on SQLite the one writer, where many requests share one IMMEDIATE
//! transaction, each in its savepoint, and are answered after the outer commit. So the flush of a commit is shared by all who wait.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures::FutureExt as _;
use sea_orm::{
    AccessMode, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

/// The transaction that a use case works in. Inner functions take it and never begin one.
pub type Txn = DatabaseTransaction;

/// What a piece of work gives back.
pub type Outcome<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Whether work that failed may simply be done again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    No,
    /// The state changed under the work (a row version was not there any more); nothing was written.
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

/// How often work is tried before its failure is answered.
const TRIES: u32 = 8;
/// How many requests share one transaction of SQLite at the most: enough to share a flush, few enough to answer soon.
const SHARE: usize = 64;
/// How many requests may wait for SQLite's writer.
const QUEUE: usize = 4096;

/// A module's database. Its fields are private to the kernel, and a module keeps it in a private field of its state: nobody
/// else reaches the connection.
#[derive(Clone)]
pub struct Database {
    reader: DatabaseConnection,
    writer: Writer,
}

#[derive(Clone)]
enum Writer {
    Postgres { pool: DatabaseConnection, runtime: Handle },
    Sqlite { queue: mpsc::Sender<Job> },
}

impl Database {
    /// Takes over connected pools. On SQLite `writer` has exactly one connection (for a memory database it is the reader's),
    /// and a task on the current runtime owns it from now on.
    pub fn new(reader: DatabaseConnection, writer: DatabaseConnection) -> Self {
        let runtime = Handle::current();
        let writer = match writer.get_database_backend() {
            DatabaseBackend::Sqlite => {
                let (queue, jobs) = mpsc::channel(QUEUE);
                runtime.spawn(serve_sqlite(writer, jobs));
                Writer::Sqlite { queue }
            }
            _ => Writer::Postgres { pool: writer, runtime },
        };
        Self { reader, writer }
    }

    /// For reading outside of a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Runs `work` in one transaction: all of it is committed, or nothing. The work owns its `input`, so it goes on when the
    /// client hangs up; it may run several times and must await nothing but the database, through the transaction it is given.
    pub async fn write<I, T, E>(&self, input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: WriteError,
    {
        match &self.writer {
            Writer::Postgres { pool, runtime } => {
                let pool = pool.clone();
                let task = async move { write_postgres(&pool, &input, work).await }.in_current_span();
                runtime.spawn(task).await.unwrap_or_else(|_| Err(DbErr::Custom("the transaction's task ended early".into()).into()))
            }
            Writer::Sqlite { queue } => {
                let (send, answer) = oneshot::channel();
                let job = sqlite_job(input, work, send);
                let closed = || DbErr::Conn(RuntimeErr::Internal("the writer of this database has stopped".into()));
                queue.send(job).await.map_err(|_| E::from(closed()))?;
                answer.await.unwrap_or_else(|_| Err(DbErr::Custom("the transaction's task ended early".into()).into()))
            }
        }
    }
}

async fn write_postgres<I, T, E: WriteError>(pool: &DatabaseConnection, input: &I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
    let mut attempt = 1;
    loop {
        let error = match write_once(pool, input, &work).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let again = error.retry() == Retry::Changed || error.database().is_some_and(is_transient);
        if !again || attempt == TRIES {
            return Err(error);
        }
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

async fn write_once<I, T, E: WriteError>(pool: &DatabaseConnection, input: &I, work: &impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
    let txn = pool.begin_with_config(Some(IsolationLevel::ReadCommitted), Some(AccessMode::ReadWrite)).await?;
    match work(input, &txn).await {
        Ok(value) => {
            txn.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The connection goes back to the pool only after its transaction has ended, also where that fails.
            if let Err(rollback) = txn.rollback().await {
                tracing::warn!(error = %rollback, "rolling back failed");
            }
            Err(error)
        }
    }
}

/// Grows with the attempt and differs between those who collide, so that they do not collide again.
fn pause(attempt: u32) -> Duration {
    let ceiling = 1_u64 << attempt.min(6);
    Duration::from_millis(rand::random_range(1..=2 * ceiling))
}

/// One request in the writer's queue: runs in its savepoint, then is told how the outer commit went.
type Job = Box<dyn for<'a> FnOnce(&'a Txn) -> Pin<Box<dyn Future<Output = Ran> + Send + 'a>> + Send>;

struct Ran {
    tell: Box<dyn FnOnce(Result<(), String>) + Send>,
}

fn sqlite_job<I, T, E>(input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static, send: oneshot::Sender<Result<T, E>>) -> Job
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: WriteError,
{
    let span = tracing::Span::current();
    Box::new(move |outer| {
        let run = async move {
            let outcome = AssertUnwindSafe(in_savepoint(outer, &input, &work)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(DbErr::Custom("the work panicked".into()).into()));
            // Also a refusal waits for the outer commit: it was decided on what others of this transaction wrote.
            let tell = Box::new(move |commit: Result<(), String>| {
                let answer = commit.map_err(|error| E::from(DbErr::Conn(RuntimeErr::Internal(error)))).and(outcome);
                // Nobody listens any more where the client has hung up; the work stands all the same.
                let _ = send.send(answer);
            });
            Ran { tell }
        };
        Box::pin(run.instrument(span))
    })
}

async fn in_savepoint<I, T, E: WriteError>(outer: &Txn, input: &I, work: &impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
    let mut attempt = 1;
    loop {
        let savepoint = outer.begin().await?;
        match work(input, &savepoint).await {
            Ok(value) => {
                savepoint.commit().await?;
                return Ok(value);
            }
            Err(error) => {
                savepoint.rollback().await?;
                if error.retry() == Retry::No || attempt == TRIES {
                    return Err(error);
                }
                attempt += 1;
            }
        }
    }
}

async fn serve_sqlite(connection: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    let options = || TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    while let Some(first) = jobs.recv().await {
        let mut ran = Vec::with_capacity(SHARE);
        let outer = match connection.begin_with_options(options()).await {
            Ok(outer) => outer,
            Err(error) => {
                // Dropping the job closes its channel and the caller is told; log why.
                tracing::error!(error = %error, "SQLite's writer could not begin");
                drop(first);
                continue;
            }
        };
        let mut next = Some(first);
        while let Some(job) = next {
            ran.push(job(&outer).await);
            next = if ran.len() < SHARE { jobs.try_recv().ok() } else { None };
        }
        let commit = outer.commit().await.map_err(|error| error.to_string());
        if let Err(error) = &commit {
            tracing::error!(error, "SQLite's writer could not commit");
        }
        for each in ran {
            (each.tell)(commit.clone());
        }
    }
}

/// The database's code of an error: an SQLSTATE on Postgres, an extended result code on SQLite.
pub fn code(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Conn(RuntimeErr::SqlxError(error)) => {
            error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
        }
        _ => None,
    }
}

/// Serialization failure, deadlock, SQLITE_BUSY and its relatives: the same work may succeed in a moment.
pub fn is_transient(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
}

/// A lock was not had in time (Postgres `lock_timeout`).
pub fn is_lock_timeout(error: &DbErr) -> bool {
    code(error).as_deref() == Some("55P03")
}

/// The constraint that a write violated: its name on Postgres, the columns on SQLite (`item.tenant_id, item.sku`).
pub fn violated_constraint(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return None };
    let error = error.as_database_error()?;
    if !error.is_unique_violation() && !error.is_foreign_key_violation() && !error.is_check_violation() {
        return None;
    }
    let sqlite = || error.message().split_once("constraint failed: ").map(|(_, columns)| columns.to_owned());
    error.constraint().map(str::to_owned).or_else(sqlite)
}

/// The database is away, full or shutting down: not a mistake of the request, and worth another try later.
pub fn is_unavailable(error: &DbErr) -> bool {
    let lost = matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_) | DbErr::Exec(RuntimeErr::SqlxError(_)) | DbErr::Query(RuntimeErr::SqlxError(_)));
    let transport = code(error).is_none();
    let refused = code(error).is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code.starts_with("53") || code == "25P03");
    (lost && transport) || refused || is_transient(error) || is_lock_timeout(error)
}

/// Both databases speak through this where a statement must be written by hand.
pub fn is_postgres(connection: &impl sea_orm::ConnectionTrait) -> bool {
    connection.get_database_backend() == DatabaseBackend::Postgres
}
