//! `larder db down`: reverts the last migrations, with the data in what they made. For development databases.

use std::time::Duration;

use migration_history::{Applied, Place, Recording, down};
use sea_orm::DatabaseConnection;

use super::deploy::{self, Line, close, refused};
use super::status::recording;
use super::{Exit, Report, is_there, owners, refuse_destruction, refuse_memory};
use crate::databases;
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::Target;

pub async fn run(settings: &Settings, asked: super::Down) -> Exit {
    let mut report = Report::new("migrations", asked.which.json);
    let module = match asked.which.db.one("down reverts migrations of one database") {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    let target = owners(settings, module);
    let what = format!("reverting {} migrations of {target} drops tables with what is in them", asked.steps);
    let outcome = match refuse_memory(settings, module, "revert").and_then(|()| refuse_destruction(settings, module, &what, asked.yes)) {
        Ok(()) => revert(settings, module, asked.steps, &mut report).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => report.end(Exit::Done),
        Err(failure) => report.fail(&failure),
    }
}

async fn revert(settings: &Settings, module: Module, steps: usize, report: &mut Report) -> Result<(), Failure> {
    let (target, limits) = (owners(settings, module), &settings.database.limits);
    let recording = recording(module, target).await?;
    let mut reverted = Vec::new();
    if is_there(target) {
        let connection = databases::connect_to_migrate(module, target, limits).await?;
        let outcome = down_at(&connection, module, target, limits, &recording, steps).await;
        close(connection).await;
        reverted = outcome?;
    }
    if reverted.is_empty() {
        report.remark(format_args!("{:<10} nothing is applied", module.name()));
    }
    for step in reverted {
        report.line(Line::new(module, "reverted", step));
    }
    Ok(())
}

/// Reverts the last `steps` migrations of a database, and answers which those were.
pub async fn down_at(
    connection: &DatabaseConnection,
    module: Module,
    target: &Target,
    limits: &Limits,
    recording: &Recording,
    steps: usize,
) -> Result<Vec<Applied>, Failure> {
    match target {
        Target::Postgres(_) => on_postgres(connection, module, target, limits, recording, steps).await,
        _ => on_sqlite(connection, module, target, recording, steps).await,
    }
}

/// Under the lock of a deploy.
async fn on_postgres(
    connection: &DatabaseConnection,
    module: Module,
    target: &Target,
    limits: &Limits,
    recording: &Recording,
    steps: usize,
) -> Result<Vec<Applied>, Failure> {
    let (lock, locking) = deploy::lock(module, target, limits).await?;
    let outcome = async {
        databases::refuse_strange(&databases::inspect(connection, module, target).await?, module, target)?;
        let place = Place::Postgres { connection, lock: &lock, table_patience: Duration::from_millis(limits.lock_timeout_ms) };
        let mut reverted = Vec::new();
        let outcome = down(&place, module.schema(), recording, steps, &mut |step| reverted.push(step)).await;
        outcome.map(|()| reverted).map_err(|error| refused(module, target, error))
    };
    let outcome = outcome.await;
    deploy::release(lock, locking).await;
    outcome
}

/// All of it, or nothing.
async fn on_sqlite(connection: &DatabaseConnection, module: Module, target: &Target, recording: &Recording, steps: usize) -> Result<Vec<Applied>, Failure> {
    let mut reverted = Vec::new();
    let txn = deploy::begin(connection, module, target).await?;
    databases::refuse_strange(&databases::inspect(&txn, module, target).await?, module, target)?;
    let place = Place::Sqlite { txn: &txn };
    down(&place, module.schema(), recording, steps, &mut |step| reverted.push(step)).await.map_err(|error| refused(module, target, error))?;
    txn.commit().await.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
    Ok(reverted)
}
