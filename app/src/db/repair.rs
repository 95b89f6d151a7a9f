//! `larder db repair NAME`: accepts that a migration sends other SQL than before, after showing what differs.

use std::fmt;

use migration_history::{Found, Recording, remember};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::{Exit, Report, deploy, is_there, owners};
use crate::databases::{self, Role};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// One line of the difference.
#[derive(Serialize)]
struct Line {
    change: &'static str,
    sql: String,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            "removed" => '-',
            "added" => '+',
            _ => ' ',
        };
        write!(out, "{sign} {}", self.sql)
    }
}

pub async fn run(settings: &Settings, asked: super::Repair) -> Exit {
    let mut report = Report::new("difference", asked.which.json);
    let module = match module(&asked) {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    match repair(settings, module, &asked, &mut report).await {
        Ok(exit) => report.end(exit),
        Err(failure) => report.fail(&failure),
    }
}

/// The module that has a migration of this name.
fn module(asked: &super::Repair) -> Result<Module, String> {
    let module = asked.which.db.modules().into_iter().find(|module| module.migrations().contains(&asked.name));
    module.ok_or_else(|| format!("there is no migration {}; `larder db status` lists them", asked.name))
}

async fn repair(settings: &Settings, module: Module, asked: &super::Repair, report: &mut Report) -> Result<Exit, Failure> {
    let in_database = if is_there(owners(settings, module)) { repair_database(settings, module, asked, report).await? } else { Exit::Done };
    #[cfg(feature = "schema-tools")]
    let in_checkout = super::tools::repair_file(module, &asked.name, asked.yes, report).await?;
    // A deployed program has no checkout.
    #[cfg(not(feature = "schema-tools"))]
    let in_checkout = Exit::Done;
    Ok(in_database.max(in_checkout))
}

/// Nobody deploys meanwhile: what is shown is what is accepted.
async fn repair_database(settings: &Settings, module: Module, asked: &super::Repair, report: &mut Report) -> Result<Exit, Failure> {
    let (target, limits) = (owners(settings, module), &settings.database.limits);
    let lock = match target {
        Target::Postgres(_) => Some(deploy::lock(module, target, limits).await?),
        _ => None,
    };
    let outcome = repair_locked(settings, module, asked, report).await;
    if let Some((lock, locking)) = lock {
        deploy::release(lock, locking).await;
    }
    outcome
}

async fn repair_locked(settings: &Settings, module: Module, asked: &super::Repair, report: &mut Report) -> Result<Exit, Failure> {
    let (target, limits, name) = (owners(settings, module), &settings.database.limits, &asked.name);
    let failed = |error| Failure::new(module, target, Cause::Database(error));
    // The migration as it is, whatever migrations.lock says.
    let recording = Recording::of(module.schema(), target.backend()).await.map_err(failed)?;
    let connection = databases::connect_to_migrate(module, target, limits).await?;
    let txn = deploy::begin(&connection, module, target, databases::patience(limits, Role::Migrator)).await?;
    let found = Found::look(&txn, module.schema(), &recording.checksums()).await.map_err(failed)?;
    databases::refuse_strange(&found, module, target)?;
    let edited = found.edited.iter().find(|edited| edited.name == *name);
    let (Some(edited), Some(recorded)) = (edited, recording.find(name)) else {
        report.remark(format_args!("{target} has nothing to repair for {name}"));
        return Ok(Exit::Done);
    };
    show(&edited.applied_sql, &recorded.sql(), report);
    if !asked.yes {
        report.remark("This is what was applied (-) and what the migration is now (+). --yes accepts it; the schema itself is not changed.");
        return Ok(Exit::Pending);
    }
    remember(&txn, recorded).await.map_err(failed)?;
    txn.commit().await.map_err(failed)?;
    report.remark(format_args!("{target} has accepted {name}"));
    Ok(Exit::Done)
}

fn show(before: &str, now: &str, report: &mut Report) {
    for change in TextDiff::from_lines(before, now).iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Delete => "removed",
            ChangeTag::Insert => "added",
            ChangeTag::Equal => "same",
        };
        report.line(Line { change: kind, sql: change.value().trim_end().to_owned() });
    }
}
