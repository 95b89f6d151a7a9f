//! `larder db deploy` and `larder db status`: the life of the schema on a server that people depend on.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait};
use serde::Serialize;

use crate::databases::{self, Failure, Found, Role};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::{Postgres, Target};

/// "larder" in ASCII: the advisory lock that whoever migrates a database of Larder holds.
const LOCK: i64 = 0x6c61_7264_6572;
/// How often a lock that another one holds is tried again. It is not waited for: a blocked waiter deadlocks with
/// `CREATE INDEX CONCURRENTLY`.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// Tables that tell what was migrated: read by the running server, written by nobody but a migration.
const HISTORY: [&str; 2] = ["seaql_migrations", "larder_module"];

/// What `larder db` answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Error = 1,
    Pending = 2,
    Locked = 3,
    Unknown = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Locked { .. } => Self::Locked,
            Failure::Newer { .. } | Failure::Foreign { .. } => Self::Unknown,
            Failure::Pending { .. } => Self::Pending,
            _ => Self::Error,
        }
    }
}

/// One migration that was applied.
#[derive(Debug, Serialize)]
pub struct Applied {
    pub name: String,
    pub milliseconds: u64,
}

/// Brings one module's database to this program's schema, as the role that migrates.
pub async fn deploy(settings: &Settings, module: Module) -> Result<Vec<Applied>, Failure> {
    let (place, limits) = (module.place(&settings.database), &settings.database.limits);
    let target = place.migration.as_ref().unwrap_or(&place.target);
    let connection = databases::connect(module, target, limits, Role::Migrator).await?;
    let applied = match (target, &place.target) {
        (Target::Postgres(owner), Target::Postgres(runtime)) => migrate_postgres(&connection, module, owner, runtime, limits).await,
        _ => migrate_sqlite(&connection, module, target, limits).await,
    };
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the connection that migrated failed");
    }
    applied
}

async fn migrate_postgres(
    connection: &DatabaseConnection,
    module: Module,
    owner: &Postgres,
    runtime: &Postgres,
    limits: &Limits,
) -> Result<Vec<Applied>, Failure> {
    let target = Target::Postgres(owner.clone());
    let failed = |error| Failure::Database { module, target: target.to_string(), error };
    let txn = lock(connection, module, &target, limits).await?;
    if let Some(schema) = &owner.schema {
        make_schema(&txn, schema).await.map_err(failed)?;
    }
    let applied = apply(&txn, module, &target).await?;
    if runtime.user != owner.user {
        restrict(&txn, module, &runtime.user).await.map_err(failed)?;
    }
    txn.commit().await.map_err(failed)?;
    Ok(applied)
}

/// A transaction that holds the lock: nobody else migrates this database until it ends.
async fn lock(connection: &DatabaseConnection, module: Module, target: &Target, limits: &Limits) -> Result<DatabaseTransaction, Failure> {
    let failed = |error| Failure::Database { module, target: target.to_string(), error };
    let waited = Duration::from_secs(limits.deploy_lock_timeout_seconds);
    let give_up = Instant::now() + waited;
    loop {
        let txn = connection.begin().await.map_err(failed)?;
        let row = query(&txn, &format!("SELECT pg_try_advisory_xact_lock({LOCK}) AS had")).await.map_err(failed)?;
        if row.is_some_and(|row| row.try_get("", "had").unwrap_or(false)) {
            return Ok(txn);
        }
        if Instant::now() >= give_up {
            let holder = holder(&txn).await.unwrap_or_else(|| "somebody else".into());
            return Err(Failure::Locked { module, target: target.to_string(), waited_seconds: waited.as_secs(), holder });
        }
        txn.rollback().await.map_err(failed)?;
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn holder(txn: &DatabaseTransaction) -> Option<String> {
    let (high, low) = (LOCK >> 32, LOCK & 0xffff_ffff);
    let sql = format!(
        "SELECT 'process ' || a.pid || ' of ' || coalesce(a.usename, '?') || coalesce(' at ' || host(a.client_addr), '') || ' (' || a.application_name || ')' AS holder \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {high} AND l.objid = {low} AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    query(txn, &sql).await.ok()??.try_get("", "holder").ok()
}

async fn query(txn: &DatabaseTransaction, sql: &str) -> Result<Option<sea_orm::QueryResult>, DbErr> {
    txn.query_one_raw(Statement::from_string(txn.get_database_backend(), sql)).await
}

/// A schema that a URL names is made where it is missing, as people who have such URLs expect.
async fn make_schema(txn: &DatabaseTransaction, schema: &str) -> Result<(), DbErr> {
    let found = query(txn, &format!("SELECT 1 AS found FROM pg_namespace WHERE nspname = '{schema}'")).await?;
    if found.is_none() {
        txn.execute_unprepared(&format!("CREATE SCHEMA \"{schema}\"")).await?;
    }
    Ok(())
}

/// The role that the server runs as keeps no right to change what is only ever added to.
async fn restrict(txn: &DatabaseTransaction, module: Module, user: &str) -> Result<(), DbErr> {
    let user = user.replace('"', "\"\"");
    for table in module.append_only() {
        txn.execute_unprepared(&format!("REVOKE UPDATE, DELETE, TRUNCATE ON \"{table}\" FROM \"{user}\"")).await?;
    }
    for table in HISTORY {
        txn.execute_unprepared(&format!("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON \"{table}\" FROM \"{user}\"")).await?;
    }
    Ok(())
}

/// All pending migrations in one IMMEDIATE transaction: two programs at once wait for each other, and a failing migration
/// leaves nothing behind.
pub async fn migrate_sqlite(connection: &DatabaseConnection, module: Module, target: &Target, limits: &Limits) -> Result<Vec<Applied>, Failure> {
    let failed = |error: DbErr| {
        let busy = kernel::database::code(&error).is_some_and(|code| code == "5" || code == "261" || code == "517");
        if busy {
            let waited_seconds = limits.sqlite_busy_timeout_ms / 1000;
            return Failure::Locked { module, target: target.to_string(), waited_seconds, holder: "another program".into() };
        }
        Failure::Database { module, target: target.to_string(), error }
    };
    let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let txn = connection.begin_with_options(options).await.map_err(failed)?;
    let applied = apply(&txn, module, target).await?;
    txn.commit().await.map_err(failed)?;
    Ok(applied)
}

/// Applies what is pending, now that nobody else does.
async fn apply(txn: &DatabaseTransaction, module: Module, target: &Target) -> Result<Vec<Applied>, Failure> {
    let found = databases::inspect(txn, module, target).await?;
    found.refuse_strange(module, target)?;
    let mut applied = Vec::with_capacity(found.pending.len());
    for name in found.pending {
        let started = Instant::now();
        module.step(txn).await.map_err(|error| Failure::Database { module, target: target.to_string(), error })?;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(database = module.name(), migration = name, milliseconds, "migration applied");
        applied.push(Applied { name, milliseconds });
    }
    Ok(applied)
}

/// What a database has of this program's migrations. Writes nothing, and makes no file.
pub async fn status(settings: &Settings, module: Module) -> Result<Found, Failure> {
    let place = module.place(&settings.database);
    let target = place.migration.as_ref().unwrap_or(&place.target);
    if let Target::Sqlite(path) = target
        && !path.exists()
    {
        return Ok(Found { pending: module.migrations(), ..Found::default() });
    }
    if matches!(target, Target::Memory) {
        return Ok(Found { pending: module.migrations(), ..Found::default() });
    }
    let connection = databases::connect(module, target, &settings.database.limits, Role::Inspector).await?;
    databases::inspect(&connection, module, target).await
}

/// One line of a report, or one object of `--json`.
#[derive(Serialize)]
pub struct Line {
    pub db: &'static str,
    pub migration: String,
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

impl Line {
    pub fn text(&self) -> String {
        let duration = self.milliseconds.map(|milliseconds| format!(" in {milliseconds} ms")).unwrap_or_default();
        format!("{:<10} {:<8} {}{duration}", self.db, self.state, self.migration)
    }
}

pub fn deployed_lines(module: Module, applied: Vec<Applied>) -> Vec<Line> {
    applied.into_iter().map(|applied| Line { db: module.name(), migration: applied.name, state: "applied", milliseconds: Some(applied.milliseconds) }).collect()
}

/// The lines of a status and the exit code that it means.
pub fn status_lines(module: Module, found: &Found) -> (Vec<Line>, Exit) {
    let line = |state| move |name: &String| Line { db: module.name(), migration: name.clone(), state, milliseconds: None };
    let lines = found.applied.iter().map(line("applied")).chain(found.unknown.iter().map(line("unknown"))).chain(found.pending.iter().map(line("pending")));
    let exit = if !found.unknown.is_empty() {
        Exit::Unknown
    } else if found.pending.is_empty() {
        Exit::Done
    } else {
        Exit::Pending
    };
    (lines.collect(), exit)
}
