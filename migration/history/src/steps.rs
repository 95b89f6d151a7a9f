//! From one state of a schema to the next.
//!
//! Each migration is one transaction with its row in both tables of the history, so that killing the program leaves all of it
//! or nothing. One that cannot be (`CREATE INDEX CONCURRENTLY`) runs bare; what a killed one left is cleared away first.

use std::fmt;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Alias, ColumnDef, Expr, ExprTrait as _, OnConflict, Query, Table};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::MigratorTraitSelf as _;

use crate::found::{Found, exists};
use crate::locking::Lock;
use crate::recording::{Recorded, Recording};
use crate::{CHECKSUMS, HISTORY, MARKER, Schema};

/// One migration that was applied or reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub name: String,
    pub milliseconds: u64,
}

/// The role that the running server connects as, where it is not the one that migrates.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'a> {
    pub runtime_role: &'a str,
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

/// Where migrations are applied: on Postgres a connection beside the lock, each migration in a transaction of its own; on
/// SQLite the one IMMEDIATE transaction that is the lock as well.
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

/// Applies what is pending, and tells each migration as soon as it is applied.
pub async fn up(
    place: &Place<'_>,
    schema: &Schema,
    recording: &Recording,
    grants: Option<Grants<'_>>,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), StepError> {
    let expected = recording.checksums();
    let found = match place {
        Place::Postgres { connection, .. } => Found::look(*connection, schema, &expected).await?,
        Place::Sqlite { txn } => Found::look(*txn, schema, &expected).await?,
    };
    if found.problem().is_some() {
        return Err(StepError::Refused(Box::new(found)));
    }
    for name in &found.pending {
        let recorded = recording.find(name).ok_or_else(|| DbErr::Custom(format!("{name} was not recorded")))?;
        let begun = Instant::now();
        match place {
            Place::Postgres { connection, lock, table_patience } => {
                lock.is_still_held().await?;
                step(connection, schema, recorded, grants, *table_patience).await.map_err(|error| failed(recorded, error))?;
            }
            Place::Sqlite { txn } => {
                in_transaction(txn, schema, recorded, grants).await.map_err(|error| StepError::Migration { name: name.clone(), undone: true, error })?;
            }
        }
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        report(Applied { name: name.clone(), milliseconds });
    }
    match place {
        Place::Postgres { connection, .. } => finish(connection, schema, recording, &found.unrecorded, grants).await,
        Place::Sqlite { txn } => Ok(adopt(*txn, recording, &found.unrecorded).await?),
    }
}

fn failed(recorded: &Recorded, error: DbErr) -> StepError {
    StepError::Migration { name: recorded.name.clone(), undone: recorded.transactional, error }
}

/// The next migration on Postgres.
async fn step(
    connection: &DatabaseConnection,
    schema: &Schema,
    recorded: &Recorded,
    grants: Option<Grants<'_>>,
    table_patience: Duration,
) -> Result<(), DbErr> {
    if recorded.transactional {
        let txn = connection.begin().await?;
        txn.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", table_patience.as_millis())).await?;
        in_transaction(&txn, schema, recorded, grants).await?;
        return txn.commit().await;
    }
    drop_unfinished(connection, recorded).await?;
    // Without a limit: it holds nobody up, and giving up would leave an unfinished index.
    schema.up(connection, Some(1)).await?;
    remember(connection, recorded).await
}

async fn in_transaction(txn: &DatabaseTransaction, schema: &Schema, recorded: &Recorded, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    schema.up(txn, Some(1)).await?;
    remember(txn, recorded).await?;
    // With the tables, and not after them: there is no moment at which the server's role could change the ledger.
    restrict(txn, schema, grants).await
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
    txn.commit().await?;
    let unfinished = unfinished_indexes(connection).await?;
    if unfinished.is_empty() { Ok(()) } else { Err(StepError::InvalidIndexes(unfinished)) }
}

/// Reverts the last `steps` of what was applied, each as it was applied: in a transaction, or bare.
pub async fn down(
    connection: &DatabaseConnection,
    schema: &Schema,
    recording: &Recording,
    steps: usize,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), StepError> {
    let found = Found::look(connection, schema, &recording.checksums()).await?;
    if !found.missing.is_empty() {
        return Err(StepError::Refused(Box::new(found)));
    }
    for name in found.applied.iter().rev().take(steps) {
        let begun = Instant::now();
        let transactional = recording.find(name).is_none_or(|recorded| recorded.transactional);
        let reverted = if transactional { down_in_transaction(connection, schema).await } else { down_bare(connection, schema).await };
        reverted.map_err(|error| StepError::Migration { name: name.clone(), undone: transactional, error })?;
        report(Applied { name: name.clone(), milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) });
    }
    Ok(())
}

async fn down_in_transaction(connection: &DatabaseConnection, schema: &Schema) -> Result<(), DbErr> {
    let txn = connection.begin().await?;
    schema.down(&txn, Some(1)).await?;
    reconcile(&txn).await?;
    txn.commit().await
}

async fn down_bare(connection: &DatabaseConnection, schema: &Schema) -> Result<(), DbErr> {
    schema.down(connection, Some(1)).await?;
    reconcile(connection).await
}

/// Writes a history for a database that has none and whose schema is that of these migrations.
pub async fn baseline(txn: &DatabaseTransaction, schema: &Schema, recording: &Recording, names: &[String], grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    schema.install(txn).await?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    for name in names {
        let mut row = Query::insert();
        row.into_table(Alias::new(HISTORY)).columns(["version", "applied_at"]).values_panic([name.clone().into(), now.into()]);
        row.on_conflict(OnConflict::column("version").do_nothing().to_owned());
        txn.execute(&row).await?;
    }
    adopt(txn, recording, names).await?;
    restrict(txn, schema, grants).await
}

/// Remembers migrations that something else applied, as what they are in this program.
pub async fn adopt(connection: &impl ConnectionTrait, recording: &Recording, names: &[String]) -> Result<(), DbErr> {
    for recorded in names.iter().filter_map(|name| recording.find(name)) {
        remember(connection, recorded).await?;
    }
    Ok(())
}

/// Puts this program's SQL in the place of what a database remembers for a migration.
pub async fn replace_checksum(connection: &impl ConnectionTrait, recorded: &Recorded) -> Result<(), DbErr> {
    remember(connection, recorded).await
}

/// Forgets what is no longer in the history.
pub async fn reconcile(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if !exists(connection, CHECKSUMS).await? {
        return Ok(());
    }
    let mut gone = Query::delete();
    gone.from_table(Alias::new(CHECKSUMS));
    if exists(connection, HISTORY).await? {
        let kept = Query::select().column("version").from(Alias::new(HISTORY)).take();
        gone.and_where(Expr::col("version").in_subquery(kept).not());
    }
    connection.execute(&gone).await.map(drop)
}

async fn remember(connection: &impl ConnectionTrait, recorded: &Recorded) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table(Alias::new(CHECKSUMS)).if_not_exists();
    table.col(ColumnDef::new("version").string().not_null().primary_key());
    table.col(ColumnDef::new("checksum").string_len(64).not_null()).col(ColumnDef::new("sql").text().not_null());
    connection.execute(&table).await?;
    let mut row = Query::insert();
    row.into_table(Alias::new(CHECKSUMS)).columns(["version", "checksum", "sql"]);
    row.values_panic([recorded.name.clone().into(), recorded.checksum.clone().into(), recorded.sql().into()]);
    row.on_conflict(OnConflict::column("version").update_columns(["checksum", "sql"]).to_owned());
    connection.execute(&row).await.map(drop)
}

/// The role that the server runs as keeps no right to change what is only ever added to, nor to write the history.
async fn restrict(txn: &DatabaseTransaction, schema: &Schema, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    let Some(Grants { runtime_role }) = grants else { return Ok(()) };
    let user = runtime_role.replace('"', "\"\"");
    let append_only = schema.append_only.iter().map(|table| ("UPDATE, DELETE, TRUNCATE", *table));
    let history = [HISTORY, CHECKSUMS, MARKER].map(|table| ("INSERT, UPDATE, DELETE, TRUNCATE", table));
    for (rights, table) in append_only.chain(history) {
        if exists(txn, table).await? {
            txn.execute_unprepared(&format!("REVOKE {rights} ON \"{table}\" FROM \"{user}\"")).await?;
        }
    }
    Ok(())
}

/// Drops what a killed `CREATE INDEX CONCURRENTLY` of this migration left: an index that nobody reads and every write
/// maintains, and whose name is taken. One that somebody builds right now is left alone.
async fn drop_unfinished(connection: &DatabaseConnection, recorded: &Recorded) -> Result<(), DbErr> {
    for index in unfinished_indexes(connection).await? {
        let is_ours = recorded.statements.iter().any(|statement| statement.contains(&format!("\"{index}\"")) || statement.contains(&format!(" {index} ")));
        if is_ours {
            tracing::warn!(index, migration = recorded.name, "dropping an index that an interrupted deploy left unfinished");
            connection.execute_unprepared(&format!("DROP INDEX CONCURRENTLY \"{index}\"")).await?;
        }
    }
    Ok(())
}

/// Invalid indexes of the schema that nobody is building.
async fn unfinished_indexes(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE NOT i.indisvalid AND n.nspname = current_schema() \
               AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid) ORDER BY 1";
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}
