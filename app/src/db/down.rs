//! `larder db down`: reverts the last migrations, with the data in what they made. For development databases.

use std::time::Duration;

use migration_history::{Applied, Place, Recording, down};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::deploy::{self, Line, close, refused};
use super::status::recording;
use super::{Exit, Report, is_there, owners, refuse_destruction, refuse_memory};
use crate::databases::{self, Role};
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
    let mut reverted = 0;
    if is_there(target) {
        let connection = databases::connect_to_migrate(module, target, limits).await?;
        let mut tell = |step| {
            reverted += 1;
            report.line(Line::new(module, "reverted", step));
        };
        let outcome = down_at(&connection, module, target, limits, &recording, steps, &mut tell).await;
        close(connection).await;
        outcome?;
    }
    if reverted == 0 {
        report.remark(format_args!("{:<10} nothing is applied", module.name()));
    }
    Ok(())
}

/// Reverts the last `steps` migrations of a database, and tells each when it is reverted for good.
pub async fn down_at(
    connection: &DatabaseConnection,
    module: Module,
    target: &Target,
    limits: &Limits,
    recording: &Recording,
    steps: usize,
    report: &mut (dyn FnMut(Applied) + Send),
) -> Result<(), Failure> {
    let revert = async |place: Place<'_>, report: &mut (dyn FnMut(Applied) + Send)| {
        down(&place, module.schema(), recording, steps, report).await.map_err(|error| refused(module, target, error))
    };
    match target {
        // Under the lock of a deploy, each in a transaction of its own.
        Target::Postgres(_) => {
            let (lock, locking) = deploy::lock(module, target, limits).await?;
            let outcome = match known(connection, module, target).await {
                Ok(()) => revert(Place::Postgres { connection, lock: &lock, table_patience: Duration::from_millis(limits.lock_timeout_ms) }, report).await,
                Err(failure) => Err(failure),
            };
            deploy::release(lock, locking).await;
            outcome
        }
        // All of it, or nothing.
        _ => {
            let txn = deploy::begin(connection, module, target, databases::patience(limits, Role::Migrator)).await?;
            known(&txn, module, target).await?;
            let mut reverted = Vec::new();
            revert(Place::Sqlite { txn: &txn }, &mut |step| reverted.push(step)).await?;
            txn.commit().await.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
            reverted.into_iter().for_each(report);
            Ok(())
        }
    }
}

async fn known(connection: &impl ConnectionTrait, module: Module, target: &Target) -> Result<(), Failure> {
    databases::refuse_strange(&databases::inspect(connection, module, target).await?, module, target)
}
