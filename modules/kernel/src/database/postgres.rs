//! Writing on Postgres: a transaction for each piece of work, tried again where the database or the work asks for it.

use std::sync::Arc;

use sea_orm::{AccessMode, ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DbErr, IsolationLevel, Statement, TransactionTrait as _};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::{Duration, Instant};
use tracing::Instrument as _;

use super::errors::is_transient;
use super::{Outcome, Retry, Txn, WriteError, pause};

/// How often work is tried at the least before its failure is answered, however slow that is. Beyond that time is the bound: in a try
/// that fails somebody else has got on, and how many those are nobody knows.
const TRIES: u32 = 8;

/// The pool, and the runtime on which work goes on when its client has hung up.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: DatabaseConnection,
    runtime: Handle,
    patience: Duration,
    /// Whether a plain BEGIN begins what a write needs, once the server was asked.
    is_plain: Arc<OnceCell<bool>>,
}

impl Postgres {
    pub(super) fn new(pool: DatabaseConnection, runtime: Handle, patience: Duration) -> Self {
        Self { pool, runtime, patience, is_plain: Arc::default() }
    }

    pub(super) async fn write<I, T, E>(&self, input: I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E> + Send + Sync + 'static) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: WriteError,
    {
        let this = self.clone();
        let task = async move { this.write_with_retries(&input, work).await }.in_current_span();
        self.runtime.spawn(task).await.unwrap_or_else(|_| Err(DbErr::Custom("the transaction's task ended early".into()).into()))
    }

    async fn write_with_retries<I, T, E: WriteError>(&self, input: &I, work: impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
        let give_up = Instant::now() + self.patience;
        let mut attempt = 1;
        loop {
            let error = match self.write_once(input, &work).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let again = error.retry() == Retry::Changed || error.database().is_some_and(is_transient);
            if !again || attempt >= TRIES && Instant::now() >= give_up {
                return Err(error);
            }
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn write_once<I, T, E: WriteError>(&self, input: &I, work: &impl for<'a> Fn(&'a I, &'a Txn) -> Outcome<'a, T, E>) -> Result<T, E> {
        let txn = self.begin().await?;
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

    /// Begins a transaction that writes and sees what others have committed before each of its statements. To ask for that takes a round
    /// trip of every transaction, so it is asked for only where the server, or the role, has other defaults.
    async fn begin(&self) -> Result<Txn, DbErr> {
        if *self.is_plain.get_or_try_init(|| has_plain_defaults(&self.pool)).await? {
            return self.pool.begin().await;
        }
        self.pool.begin_with_config(Some(IsolationLevel::ReadCommitted), Some(AccessMode::ReadWrite)).await
    }
}

async fn has_plain_defaults(pool: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql =
        "SELECT current_setting('default_transaction_isolation') = 'read committed' AND current_setting('default_transaction_read_only') = 'off' AS plain";
    let row = pool.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await?;
    row.map_or(Ok(false), |row| row.try_get("", "plain"))
}
