//! `larder db deploy`: applies what is pending, without a person.

use std::fmt;
use std::time::Duration;

use migration_history::{Applied, Found, Grants, Lock, LockError, Place, Recording, StepError, up};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use serde::Serialize;

use super::status::{problem, recording};
use super::{Exit, Report, Which, refuse_memory, runtime_role};
use crate::databases::{self, Role};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::{Postgres, Target};

/// One migration that was applied or reverted.
#[derive(Serialize)]
pub struct Line {
    db: &'static str,
    migration: String,
    state: &'static str,
    milliseconds: u64,
}

impl Line {
    pub fn new(module: Module, state: &'static str, applied: Applied) -> Self {
        Self { db: module.name(), migration: applied.name, state, milliseconds: applied.milliseconds }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {:<12} {} in {} ms", self.db, self.state, self.migration, self.milliseconds)
    }
}

pub async fn run(settings: &Settings, which: Which) -> Exit {
    let mut report = Report::new("migrations", which.json);
    for module in which.db.modules() {
        if let Err(failure) = refuse_memory(settings, module, "deploy to") {
            return report.fail(&failure);
        }
        let mut applied = 0;
        let mut tell = |step| {
            applied += 1;
            report.line(Line::new(module, "applied", step));
        };
        if let Err(failure) = deploy(settings, module, &mut tell).await {
            return report.fail(&failure);
        }
        if applied == 0 {
            report.remark(format_args!("{:<10} up to date", module.name()));
        }
    }
    report.end(Exit::Done)
}

/// Brings one module's database to this program's schema, as the role that migrates.
pub async fn deploy(settings: &Settings, module: Module, report: &mut (dyn FnMut(Applied) + Send)) -> Result<(), Failure> {
    let place = module.place(&settings.database);
    let owner = place.migration.as_ref().unwrap_or(&place.target);
    let outcome = deploy_to(module, owner, runtime_role(settings, module), &settings.database.limits, report).await;
    outcome.map_err(|failure| failure.of_owner(place.migration.is_some()))?;
    if owner.is_same(&place.target) { Ok(()) } else { verify(settings, module, &place.target).await }
}

/// Where the server goes through a pooler, its URL must lead to the database that was migrated by the other one.
async fn verify(settings: &Settings, module: Module, target: &Target) -> Result<(), Failure> {
    let found = match seen(settings, module, target).await {
        Ok(found) => found,
        Err(failure) => {
            // From where deploys run the pooler need not be seen, and not every pooler takes prepared statements.
            tracing::warn!(%failure, "whether the server's URL leads to the database that was migrated could not be seen");
            return Ok(());
        }
    };
    if found.pending.is_empty() && found.missing.is_empty() {
        return Ok(());
    }
    let (variable, name) = (module.url_variable(), module.name().to_ascii_uppercase());
    let why = format!("{variable} leads to {target}, which is another database than the one that LARDER_MIGRATION_URL_{name} migrated");
    Err(Failure::new(module, target, Cause::Refused(why)))
}

async fn seen(settings: &Settings, module: Module, target: &Target) -> Result<Found, Failure> {
    let connection = databases::connect(module, target, &settings.database.limits, Role::Inspector).await?;
    databases::inspect(&connection, module, target).await
}

/// The same for any database. `runtime_role` loses what only the role that migrates may do.
pub async fn deploy_to(
    module: Module,
    target: &Target,
    runtime_role: Option<&str>,
    limits: &Limits,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), Failure> {
    let connection = databases::connect_to_migrate(module, target, limits).await?;
    let outcome = match target {
        Target::Postgres(owner) => {
            let grants = runtime_role.map(|runtime_role| Grants { runtime_role });
            migrate_postgres(&connection, module, owner, grants, limits, report).await
        }
        _ => migrate_sqlite(&connection, module, target, databases::patience(limits, Role::Migrator), report).await,
    };
    close(connection).await;
    outcome
}

async fn migrate_postgres(
    connection: &DatabaseConnection,
    module: Module,
    owner: &Postgres,
    grants: Option<Grants<'_>>,
    limits: &Limits,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), Failure> {
    let target = Target::Postgres(owner.clone());
    // Looked at before the lock is asked for: what is refused anyway need not wait.
    let recording = preflight(connection, module, &target).await?;
    let (lock, locking) = lock(module, &target, limits).await?;
    let failed = |error| Failure::new(module, &target, Cause::Database(error));
    if let Some(schema) = &owner.schema {
        make_schema(connection, schema, grants).await.map_err(failed)?;
    }
    let place = Place::Postgres { connection, lock: &lock, table_patience: Duration::from_millis(limits.lock_timeout_ms) };
    let outcome = up(&place, module.schema(), &recording, grants, report).await.map_err(|error| refused(module, &target, error));
    release(lock, locking).await;
    outcome
}

/// What was done under it is committed, or not: the lock ends with its connection either way.
pub async fn release(lock: Lock, connection: DatabaseConnection) {
    if let Err(error) = lock.release().await {
        tracing::warn!(%error, "releasing the deploy lock failed");
    }
    close(connection).await;
}

/// Takes the deploy lock of a Postgres database, on a connection that it lives on.
pub async fn lock(module: Module, target: &Target, limits: &Limits) -> Result<(Lock, DatabaseConnection), Failure> {
    let connection = databases::connect(module, target, limits, Role::Migrator).await?;
    let patience = Duration::from_secs(limits.deploy_lock_timeout_seconds);
    match Lock::take(&connection, patience).await {
        Ok(lock) => Ok((lock, connection)),
        Err(LockError::Held { holder, waited }) => Err(Failure::new(module, target, Cause::Locked { waited_seconds: waited.as_secs(), holder })),
        Err(LockError::Database(error)) => Err(Failure::new(module, target, Cause::Database(error))),
    }
}

async fn preflight(connection: &DatabaseConnection, module: Module, target: &Target) -> Result<Recording, Failure> {
    let recording = recording(module, target).await?;
    let found = databases::inspect(connection, module, target).await?;
    databases::refuse_strange(&found, module, target)?;
    match problem(&found) {
        Some(cause) => Err(Failure::new(module, target, cause)),
        None => Ok(recording),
    }
}

/// What a step ended with, as what it means for this database.
pub fn refused(module: Module, target: &Target, error: StepError) -> Failure {
    let cause = match error {
        StepError::Refused(found) => match databases::refuse_strange(&found, module, target) {
            Err(failure) => return failure,
            Ok(()) => problem(&found).unwrap_or_else(|| Cause::Refused("the history of this database is not that of the program".into())),
        },
        StepError::Migration { name, undone, error } => Cause::Migration { name, undone, error },
        StepError::InvalidIndexes(names) => Cause::InvalidIndexes(names),
        StepError::Database(error) => Cause::Database(error),
    };
    Failure::new(module, target, cause)
}

/// A schema that a URL names is made where it is missing, as people who have such URLs expect, and opened to the server's role as
/// scripts/postgres-roles.sql opens `public`.
async fn make_schema(connection: &impl ConnectionTrait, schema: &str, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    let sql = format!("SELECT 1 AS found FROM pg_namespace WHERE nspname = '{schema}'");
    let found = connection.query_one_raw(sea_orm::Statement::from_string(connection.get_database_backend(), sql)).await?;
    if found.is_none() {
        connection.execute_unprepared(&format!("CREATE SCHEMA \"{schema}\"")).await?;
        if let Some(Grants { runtime_role }) = grants {
            let role = runtime_role.replace('"', "\"\"");
            for given in ["SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"] {
                connection.execute_unprepared(&format!("ALTER DEFAULT PRIVILEGES IN SCHEMA \"{schema}\" GRANT {given} TO \"{role}\"")).await?;
            }
            connection.execute_unprepared(&format!("GRANT USAGE ON SCHEMA \"{schema}\" TO \"{role}\"")).await?;
        }
    }
    Ok(())
}

/// All pending migrations in one IMMEDIATE transaction: two programs at once wait for each other, and a failing migration
/// leaves nothing behind.
pub async fn migrate_sqlite(
    connection: &DatabaseConnection,
    module: Module,
    target: &Target,
    patience: Duration,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), Failure> {
    let recording = recording(module, target).await?;
    let txn = begin(connection, module, target, patience).await?;
    // Nothing has happened before the outer transaction is through.
    let mut applied = Vec::new();
    let outcome = up(&Place::Sqlite { txn: &txn }, module.schema(), &recording, None, &mut |step| applied.push(step)).await;
    outcome.map_err(|error| refused(module, target, error))?;
    txn.commit().await.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
    applied.into_iter().for_each(report);
    Ok(())
}

/// A transaction to change the schema in; on SQLite it is the lock as well, and `patience` is how long its connection waits for it.
pub async fn begin(connection: &DatabaseConnection, module: Module, target: &Target, patience: Duration) -> Result<DatabaseTransaction, Failure> {
    let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    connection.begin_with_options(options).await.map_err(|error| Failure::unless_held(module, target, error, patience, Cause::Database))
}

/// For a start that migrates: there the log is all that tells.
pub fn logged(module: Module) -> impl FnMut(Applied) + Send {
    move |applied| tracing::info!(database = module.name(), migration = applied.name, milliseconds = applied.milliseconds, "migration applied")
}

/// What was done over it is committed, or not: that it cannot be closed is worth a line in the log and no more.
pub async fn close(connection: DatabaseConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the connection that migrated failed");
    }
}
