//! From one state of a schema to the next.
//!
//! Each migration is one transaction with its row in both tables of the history, so that killing the program leaves all of it
//! or nothing. One that cannot be (`CREATE INDEX CONCURRENTLY`) runs bare; what a killed one left is cleared away first.

use std::fmt;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait as _};
use sea_orm_migration::MigratorTraitSelf as _;

use crate::found::Found;
use crate::locking::{Lock, claim_work};
use crate::recording::{Recorded, Recording};
use crate::remembering::{Grants, adopt, forget, reconcile, remember, restrict, tell_wrong_rights};
use crate::{Schema, unfinished};

/// How long the end of a killed deploy's work is waited for.
const PREDECESSOR: Duration = Duration::from_mins(1);
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// One migration that was applied or reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub name: String,
    pub milliseconds: u64,
}

#[derive(Debug)]
pub enum StepError {
    /// The database is in a state that must be cleared up first: see [`Found::problem`].
    Refused(Box<Found>),
    Migration {
        name: String,
        /// Whether nothing of it was kept.
        undone: bool,
        error: DbErr,
    },
    /// Indexes that a migration left unfinished, by name.
    InvalidIndexes(Vec<String>),
    Database(DbErr),
}

impl fmt::Display for StepError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(found) => write!(out, "the history must be cleared up first: {:?}", found.problem()),
            Self::Migration { name, undone: true, error } => write!(out, "{name} failed, and nothing of it was kept: {error}"),
            Self::Migration { name, undone: false, error } => {
                write!(out, "{name} failed, and what it had done until then stays (it is not transactional): {error}")
            }
            Self::InvalidIndexes(names) => write!(out, "these indexes were left unfinished: {}", names.join(", ")),
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl From<DbErr> for StepError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// Where migrations are applied and reverted: on Postgres a connection beside the lock, each migration in a transaction of its
/// own; on SQLite the one IMMEDIATE transaction that is the lock as well.
pub enum Place<'c> {
    Postgres {
        connection: &'c DatabaseConnection,
        lock: &'c Lock,
        /// How long a migration waits for a table that somebody holds. Everybody else queues behind it meanwhile.
        table_patience: Duration,
    },
    Sqlite {
        txn: &'c DatabaseTransaction,
    },
}

impl Place<'_> {
    async fn look(&self, schema: &Schema, recording: &Recording) -> Result<Found, DbErr> {
        match self {
            Self::Postgres { connection, .. } => Found::look(*connection, schema, &recording.checksums()).await,
            Self::Sqlite { txn } => Found::look(*txn, schema, &recording.checksums()).await,
        }
    }
}

/// Applies what is pending, and tells each migration as soon as it is applied.
pub async fn up(
    place: &Place<'_>,
    schema: &Schema,
    recording: &Recording,
    grants: Option<Grants<'_>>,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), StepError> {
    let found = place.look(schema, recording).await?;
    if found.problem().is_some() {
        return Err(StepError::Refused(Box::new(found)));
    }
    for name in &found.pending {
        let recorded = recording.find(name).ok_or_else(|| DbErr::Custom(format!("{name} was not recorded")))?;
        let begun = Instant::now();
        match place {
            Place::Postgres { connection, lock, table_patience } if recorded.transactional => {
                lock.is_still_held().await?;
                let txn = begin(connection, *table_patience).await.map_err(|error| failed(recorded, error))?;
                apply(&txn, schema, recorded, grants).await.map_err(|error| failed(recorded, error))?;
                txn.commit().await.map_err(|error| failed(recorded, error))?;
            }
            Place::Postgres { connection, lock, .. } => {
                lock.is_still_held().await?;
                apply_bare(connection, schema, recorded).await?;
            }
            Place::Sqlite { txn } => apply(txn, schema, recorded, grants).await.map_err(|error| failed(recorded, error))?,
        }
        report(Applied { name: name.clone(), milliseconds: milliseconds(begun) });
    }
    match place {
        Place::Postgres { connection, .. } => finish(connection, schema, recording, &found.unrecorded, grants).await,
        Place::Sqlite { txn } => Ok(adopt(*txn, recording, &found.unrecorded).await?),
    }
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn failed(recorded: &Recorded, error: DbErr) -> StepError {
    StepError::Migration { name: recorded.name.clone(), undone: recorded.transactional, error }
}

/// A transaction for one migration. It begins when that of a killed deploy is over: the lock goes with its connection at once,
/// while the server may still be at work on the last statement.
async fn begin(connection: &DatabaseConnection, table_patience: Duration) -> Result<DatabaseTransaction, DbErr> {
    let give_up = Instant::now() + PREDECESSOR;
    loop {
        let txn = connection.begin().await?;
        // So that the server notices soon when this program is gone, also in the middle of a long statement.
        txn.execute_unprepared("SET LOCAL client_connection_check_interval = '1s'").await?;
        // The limits that a role has for its requests are not meant for a migration.
        txn.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        txn.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", table_patience.as_millis())).await?;
        if claim_work(&txn).await? {
            return Ok(txn);
        }
        if Instant::now() >= give_up {
            return Err(DbErr::Custom("a transaction of an interrupted deploy still runs; pg_stat_activity shows it as `larder db`".into()));
        }
        txn.rollback().await?;
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn apply(txn: &DatabaseTransaction, schema: &Schema, recorded: &Recorded, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    schema.up(txn, Some(1)).await?;
    remember(txn, recorded).await?;
    // With the tables, and not after them: there is no moment at which the server's role could change the ledger.
    restrict(txn, schema, grants).await
}

/// A migration that cannot be a transaction. What is left of an earlier try is cleared away first, and it counts as applied only
/// when its indexes are whole.
async fn apply_bare(connection: &DatabaseConnection, schema: &Schema, recorded: &Recorded) -> Result<(), StepError> {
    let failed = |error| failed(recorded, error);
    // No limit on waiting: it holds nobody up, and giving up would leave an unfinished index.
    connection.execute_unprepared("SET lock_timeout = 0").await.map_err(failed)?;
    connection.execute_unprepared("SET statement_timeout = 0").await.map_err(failed)?;
    connection.execute_unprepared("SET client_connection_check_interval = '1s'").await.map_err(failed)?;
    let built = unfinished::clear(connection, recorded, PREDECESSOR).await.map_err(failed)?;
    if !built.is_empty() {
        return Err(StepError::InvalidIndexes(built));
    }
    schema.up(connection, Some(1)).await.map_err(failed)?;
    let left = unfinished::of(connection, recorded).await.map_err(failed)?;
    if left.is_empty() {
        return remember(connection, recorded).await.map_err(failed);
    }
    forget(connection, &recorded.name).await.map_err(failed)?;
    Err(StepError::InvalidIndexes(left))
}

/// What must be true at the end of every deploy, also where nothing was pending.
async fn finish(
    connection: &DatabaseConnection,
    schema: &Schema,
    recording: &Recording,
    unrecorded: &[String],
    grants: Option<Grants<'_>>,
) -> Result<(), StepError> {
    let txn = connection.begin().await?;
    adopt(&txn, recording, unrecorded).await?;
    restrict(&txn, schema, grants).await?;
    tell_wrong_rights(&txn, schema, grants).await?;
    txn.commit().await?;
    let unfinished = unfinished::abandoned(connection).await?;
    if unfinished.is_empty() { Ok(()) } else { Err(StepError::InvalidIndexes(unfinished)) }
}

/// Reverts the last `steps` of what was applied, each as it was applied: in a transaction, or bare.
pub async fn down(place: &Place<'_>, schema: &Schema, recording: &Recording, steps: usize, report: &mut (dyn FnMut(Applied) + Send)) -> Result<(), StepError> {
    let found = place.look(schema, recording).await?;
    if !found.missing.is_empty() {
        return Err(StepError::Refused(Box::new(found)));
    }
    for name in found.applied.iter().rev().take(steps) {
        let begun = Instant::now();
        let transactional = recording.find(name).is_none_or(|recorded| recorded.transactional);
        let failed = |error| StepError::Migration { name: name.clone(), undone: transactional, error };
        match place {
            Place::Postgres { connection, table_patience, .. } if transactional => {
                let txn = begin(connection, *table_patience).await.map_err(failed)?;
                schema.down(&txn, Some(1)).await.map_err(failed)?;
                reconcile(&txn).await.map_err(failed)?;
                txn.commit().await.map_err(failed)?;
            }
            Place::Postgres { connection, .. } => {
                schema.down(*connection, Some(1)).await.map_err(failed)?;
                reconcile(*connection).await.map_err(failed)?;
            }
            Place::Sqlite { txn } => {
                schema.down(*txn, Some(1)).await.map_err(failed)?;
                reconcile(*txn).await.map_err(failed)?;
            }
        }
        report(Applied { name: name.clone(), milliseconds: milliseconds(begun) });
    }
    Ok(())
}
