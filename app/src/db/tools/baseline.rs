//! `larder db baseline --to NAME`: writes what is missing in the history of a database that was migrated by hand, where its schema
//! is exactly what the migrations up to that one make. It never changes the schema, and never offers to.

use migration_history::{Found, Grants, baseline};
use migration_tools::drift::{Difference, differences};
use sea_orm::{DatabaseTransaction, DbErr};

use super::drift;
use crate::databases::{self, Role};
use crate::db::deploy::{self, close};
use crate::db::status::{Line, recording};
use crate::db::{Baseline, Exit, Report, is_there, owners, refuse_memory, runtime_role};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

pub async fn run(settings: &Settings, asked: Baseline) -> Exit {
    let mut report = Report::new("differences", asked.which.json);
    let module = match asked.which.db.one("baseline writes the history of one database") {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    let Some(names) = module.schema().names_up_to(&asked.to) else {
        return report.refuse(format_args!("{module} has no migration {}; it has\n  {}", asked.to, module.migrations().join("\n  ")));
    };
    match adopt(settings, module, &names).await {
        Ok(differences) if differences.is_empty() => {
            // These are no differences: with --json they have a list of their own.
            let mut report = Report::new("migrations", asked.which.json);
            for migration in names {
                report.line(Line::new(module, "baselined", &migration));
            }
            report.end(Exit::Done)
        }
        Ok(differences) => {
            for difference in differences {
                report.line(drift::Line::new(module, difference));
            }
            report.remark(format_args!("{:<10} is not what the migrations up to {} make; nothing was written", module.name(), asked.to));
            report.end(Exit::Strange)
        }
        Err(failure) => report.fail(&failure),
    }
}

/// Writes the history, as nobody else deploys; or answers why not.
async fn adopt(settings: &Settings, module: Module, names: &[String]) -> Result<Vec<Difference>, Failure> {
    refuse_memory(settings, module, "baseline")?;
    let (target, limits) = (owners(settings, module), &settings.database.limits);
    if !is_there(target) {
        return Err(empty(module, target));
    }
    let connection = databases::connect_to_migrate(module, target, limits).await?;
    let lock = match target {
        Target::Postgres(_) => Some(deploy::lock(module, target, limits).await?),
        _ => None,
    };
    let txn = deploy::begin(&connection, module, target, databases::patience(limits, Role::Migrator)).await?;
    let differences = write(&txn, settings, module, names).await;
    let ended = match &differences {
        Ok(differences) if differences.is_empty() => txn.commit().await,
        _ => txn.rollback().await,
    };
    if let Some((lock, locking)) = lock {
        deploy::release(lock, locking).await;
    }
    close(connection).await;
    let differences = differences?;
    ended.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
    Ok(differences)
}

async fn write(txn: &DatabaseTransaction, settings: &Settings, module: Module, names: &[String]) -> Result<Vec<Difference>, Failure> {
    let target = owners(settings, module);
    let failed = |error: DbErr| Failure::new(module, target, Cause::Database(error));
    let recording = recording(module, target).await?;
    let found = databases::inspect(txn, module, target).await?;
    refuse(&found, module, target, names)?;
    let differences = differences(txn, module.schema(), names).await.map_err(failed)?;
    if differences.is_empty() {
        let grants = runtime_role(settings, module).map(|runtime_role| Grants { runtime_role });
        baseline(txn, module.schema(), &recording, names, grants).await.map_err(failed)?;
    }
    Ok(differences)
}

/// What is in the history already must be ours, unchanged, and not all of it.
fn refuse(found: &Found, module: Module, target: &Target, names: &[String]) -> Result<(), Failure> {
    if drift::is_made_by_hand(found, module) {
        return Ok(());
    }
    databases::refuse_strange(found, module, target)?;
    if !found.edited.is_empty() {
        let edited = found.edited.iter().map(|edited| edited.name.clone()).collect();
        return Err(Failure::new(module, target, Cause::Edited(edited)));
    }
    if found.applied.is_empty() {
        return Err(empty(module, target));
    }
    let ends_later = found.applied.iter().any(|applied| !names.contains(applied));
    if ends_later || names.iter().all(|name| found.applied.contains(name)) {
        return Err(has_history(module, target));
    }
    Ok(())
}

fn empty(module: Module, target: &Target) -> Failure {
    let why = format!("the {module} database {target} has no tables of Larder, so there is nothing to baseline: `larder db deploy --db {module}` makes them");
    Failure::new(module, target, Cause::Refused(why))
}

fn has_history(module: Module, target: &Target) -> Failure {
    let why = format!(
        "the {module} database {target} has these migrations in its history already, or later ones: `larder db status --db {module}` shows it, and `larder db deploy --db {module}` applies what it lacks"
    );
    Failure::new(module, target, Cause::Refused(why))
}
