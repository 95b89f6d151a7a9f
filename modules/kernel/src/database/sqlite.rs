//! Writing on SQLite: one task owns the one connection that writes. Who waits in its queue shares an IMMEDIATE transaction, and is answered
//! after its commit. The first works in the transaction itself, which is all that most need, and ends it where it fails; each of the others
//! in a savepoint.
//!
//! Where the disk is full or fails, SQLite may end the whole transaction by itself, whatever savepoints are open. Then
//! neither sqlx's count of them nor the transaction is what this task believes: a next savepoint would be a transaction of
//! its own, and its release a commit that nobody was told of. So a savepoint or a transaction that cannot be ended as
//! intended ends the batch: nothing more runs in it, everybody in it is told that it failed, and the connection is replaced.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures::FutureExt as _;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Executor as _};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait as _};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::errors::is_transient;
use super::{Outcome, Txn, WriteError, pause};

/// How many requests share one transaction at the most: enough to share a flush, few enough to answer soon.
const SHARE: usize = 64;
/// How many requests may wait for the writer.
const QUEUE: usize = 4096;

/// One request in the writer's queue: runs, then is told how the outer commit went. A job that is dropped before tells its caller that
/// nothing was done.
type Job = Box<dyn for<'a> FnOnce(&'a Txn, Place) -> Pin<Box<dyn Future<Output = Ran> + Send + 'a>> + Send>;

/// Where in the shared transaction a request runs.
#[derive(Clone, Copy)]
enum Place {
    First,
    Behind,
}

/// A request that has run and waits for the outer transaction to end.
struct Ran {
    left: Left,
    tell: Box<dyn FnOnce(Result<(), String>) + Send>,
}

/// How a request leaves the transaction that it shares.
#[derive(Clone)]
enum Left {
    /// Others may go on in it.
    Intact,
    /// What was done in it is to be undone: by the first, which failed, by this error where it was the database's.
    Undo(Option<String>),
    /// It is no longer what it was.
    Broken(String),
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: mpsc::Sender<Job>,
}

impl Queue {
    /// Starts the writer. It ends when the last queue is dropped.
    pub(super) fn open(connection: DatabaseConnection, runtime: &Handle, patience: Duration) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        runtime.spawn(Writer { connection, patience, damaged: false }.serve(waiting));
        Self { jobs }
    }

    pub(super) async fn write<I, T, E>(&self, input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: WriteError,
    {
        let (send, answer) = oneshot::channel();
        self.jobs.send(job(input, work, send)).await.map_err(|_| E::from(unavailable("the writer of this database has stopped")))?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer could not begin a transaction").into()))
    }
}

/// An error that [`super::is_unavailable`] recognises.
fn unavailable(reason: impl Into<String>) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(reason.into()))
}

fn job<I, T, E>(input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static, send: oneshot::Sender<Result<T, E>>) -> Job
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: WriteError,
{
    let span = tracing::Span::current();
    Box::new(move |outer, place| {
        let run = async move {
            let (left, outcome) = match place {
                Place::First => match caught(&input, outer, &work).await {
                    Ok(value) => (Left::Intact, Ok(value)),
                    Err(error) => (Left::Undo(error.database().map(ToString::to_string)), Err(error)),
                },
                Place::Behind => match in_savepoint(outer, &input, &work).await {
                    Ok(outcome) => (Left::Intact, outcome),
                    Err(broken) => (Left::Broken(broken.to_string()), Err(broken.into())),
                },
            };
            // Also a refusal waits for the outer commit: it was decided on what others of this transaction wrote.
            let tell = Box::new(move |committed: Result<(), String>| {
                let answer = committed.map_err(|reason| E::from(unavailable(reason))).and(outcome);
                // Nobody listens any more where the client has hung up; the work stands all the same.
                let _ = send.send(answer);
            });
            Ran { left, tell }
        };
        Box::pin(run.instrument(span))
    })
}

/// Runs `work`; where it panics, that is an error.
async fn caught<I, T, E: WriteError>(input: &I, txn: &Txn, work: &impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
    let worked = AssertUnwindSafe(async { work(input, txn).await }).catch_unwind().await;
    worked.unwrap_or_else(|_| Err(DbErr::Custom("the work panicked".into()).into()))
}

/// Runs `work` in a savepoint of its own. The outer error says that the transaction around it can no longer be relied on.
///
/// What the work asks to be retried is not: it saw the state under the one lock for writing, and would see the same again.
async fn in_savepoint<I, T, E: WriteError>(outer: &Txn, input: &I, work: &impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<Result<T, E>, DbErr> {
    let savepoint = outer.begin().await?;
    // The savepoint stays outside of what may panic: dropped there, it would be rolled back without a word on how that went.
    let outcome = caught(input, &savepoint, work).await;
    let ended = match &outcome {
        Ok(_) => savepoint.commit().await,
        Err(error) => {
            let cause = error.database().map(ToString::to_string);
            savepoint.rollback().await.inspect_err(|_| tracing::error!(cause, "SQLite ended the transaction by itself"))
        }
    };
    ended.map(|()| outcome)
}

/// The task that writes.
struct Writer {
    connection: DatabaseConnection,
    /// How long it tries to begin while another process holds the file. The connection's busy timeout is part of it: a try that
    /// began in time is waited for.
    patience: Duration,
    /// The connection is not to be used again; it could not be replaced yet.
    damaged: bool,
}

impl Writer {
    async fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            match self.begin().await {
                Ok(outer) => self.share(outer, first, &mut jobs).await,
                Err(error) => {
                    tracing::error!(error = %error, "SQLite's writer could not begin");
                    drop(first);
                    drop_waiting(&mut jobs);
                }
            }
        }
    }

    /// Begins IMMEDIATE, and tries again for a while where another process holds the file.
    async fn begin(&mut self) -> Result<Txn, DbErr> {
        let give_up = Instant::now() + self.patience;
        let mut attempt = 1;
        loop {
            match self.begin_once().await {
                Err(error) if is_transient(&error) && Instant::now() < give_up => tokio::time::sleep(pause(attempt)).await,
                begun => return begun,
            }
            attempt += 1;
        }
    }

    async fn begin_once(&mut self) -> Result<Txn, DbErr> {
        if self.damaged {
            self.replace_connection().await.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
        }
        let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        self.connection.begin_with_options(options).await
    }

    /// Runs `first` and who waits behind it in one transaction, ends it, and only then answers them.
    async fn share(&mut self, outer: Txn, first: Job, jobs: &mut mpsc::Receiver<Job>) {
        let (ran, left) = run(&outer, first, jobs).await;
        let ended = match left {
            Left::Intact => outer.commit().await.map_err(|error| error.to_string()),
            Left::Undo(cause) => {
                let undone = outer.rollback().await.inspect_err(|_| tracing::error!(cause, "SQLite ended the transaction by itself"));
                undone.map_err(|error| error.to_string())
            }
            Left::Broken(reason) => {
                drop(outer);
                Err(reason)
            }
        };
        if let Err(reason) = &ended {
            tracing::error!(error = reason, requests = ran.len(), "a shared transaction of SQLite was lost");
            self.damaged = true;
            if let Err(error) = self.replace_connection().await {
                tracing::error!(error = %error, "SQLite's writer has no fresh connection yet");
            }
        }
        for each in ran {
            (each.tell)(ended.clone());
        }
    }

    /// Puts a fresh connection in the place of the pool's only one. Closing the old one undoes whatever it still holds open.
    async fn replace_connection(&mut self) -> Result<(), sqlx::Error> {
        let pool = self.connection.get_sqlite_connection_pool();
        let mut old = pool.acquire().await?;
        // It fails where SQLite has rolled back by itself.
        let _ = old.execute("ROLLBACK").await;
        // A memory database is there as long as somebody is connected to it.
        let keeper = pool.connect_options().connect().await?;
        old.close().await?;
        drop(pool.acquire().await?);
        self.damaged = false;
        keeper.close().await
    }
}

/// Runs `first`, then who waits, until the share is full, nobody waits, or the transaction is to be ended. Who has not run by then
/// stays in the queue.
async fn run(outer: &Txn, first: Job, jobs: &mut mpsc::Receiver<Job>) -> (Vec<Ran>, Left) {
    let mut ran = Vec::with_capacity(SHARE);
    let mut next = Some((first, Place::First));
    while let Some((job, place)) = next {
        let done = job(outer, place).await;
        let left = done.left.clone();
        ran.push(done);
        if !matches!(left, Left::Intact) {
            return (ran, left);
        }
        next = if ran.len() < SHARE { jobs.try_recv().ok().map(|job| (job, Place::Behind)) } else { None };
    }
    (ran, Left::Intact)
}

/// Fails who waits now, instead of letting each of them wait for the file in turn. A dropped job tells its caller.
fn drop_waiting(jobs: &mut mpsc::Receiver<Job>) {
    for _ in 0..jobs.len() {
        drop(jobs.try_recv());
    }
}
