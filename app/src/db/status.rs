//! `larder db status`: what a database has of this program's migrations. Writes nothing, and makes no file.

use std::fmt;

use migration_history::{Found, Problem, Recording};
use serde::Serialize;
use serde_json::json;

use super::{Exit, Report, Which, has_owners_url, is_there, owners, refuse_memory};
use crate::databases::{self, Role};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// One migration of a module.
#[derive(Serialize)]
pub struct Line {
    db: &'static str,
    migration: String,
    state: &'static str,
}

impl Line {
    pub fn new(module: Module, state: &'static str, migration: &str) -> Self {
        Self { db: module.name(), migration: migration.to_owned(), state }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {:<12} {}", self.db, self.state, self.migration)
    }
}

pub async fn run(settings: &Settings, which: Which) -> Exit {
    let mut report = Report::new("migrations", which.json);
    let (mut databases, mut worst) = (Vec::new(), Exit::Done);
    for module in which.db.modules() {
        // One that cannot be looked at does not hide the other.
        let is_owners = has_owners_url(settings, module);
        let verdict = match look(settings, module).await.map_err(|failure| failure.of_owner(is_owners)) {
            Ok(found) => {
                for line in lines(module, &found) {
                    report.line(line);
                }
                verdict(settings, module, &found).map(|failure| failure.of_owner(is_owners))
            }
            Err(failure) => {
                report.complain(&failure);
                Some(failure)
            }
        };
        report.remark(format_args!("{:<10} {}", module.name(), words(verdict.as_ref())));
        databases.push(in_json(settings, module, verdict.as_ref()));
        worst = worst.max(verdict.as_ref().map_or(Exit::Done, Failure::exit));
    }
    report.also("databases", databases.into());
    report.end(worst)
}

/// The state of a database in one line, with what to do next. The migrations themselves were named before.
fn words(verdict: Option<&Failure>) -> String {
    let Some(failure) = verdict else { return "up to date".into() };
    let says = match &failure.cause {
        Cause::Pending(names) => format!("{} pending.", names.len()),
        Cause::Newer(names) => format!("newer than this program: {} of its migrations are missing here.", names.len()),
        Cause::Edited(names) => format!("migrated with other SQL than this program has for {} migrations.", names.len()),
        Cause::OutOfOrder(names) => format!("{} out of order.", names.len()),
        _ => format!("{}.", failure.message()),
    };
    format!("{says} {}", failure.next().unwrap_or_default())
}

fn in_json(settings: &Settings, module: Module, verdict: Option<&Failure>) -> serde_json::Value {
    let at = owners(settings, module).to_string();
    match verdict {
        None => json!({ "db": module.name(), "at": at, "state": "up_to_date", "message": null, "next": null }),
        Some(failure) => json!({ "db": module.name(), "at": at, "state": failure.code(), "message": failure.message(), "next": failure.next() }),
    }
}

/// What the database says, beside what this program's migrations really send.
async fn look(settings: &Settings, module: Module) -> Result<Found, Failure> {
    refuse_memory(settings, module, "look at")?;
    let target = owners(settings, module);
    let recording = recording(module, target).await?;
    if !is_there(target) {
        return Ok(Found { pending: module.migrations(), ..Found::default() });
    }
    let connection = databases::connect(module, target, &settings.database.limits, Role::Inspector).await?;
    let found = Found::look(&connection, module.schema(), &recording.checksums()).await;
    found.map_err(|error| Failure::new(module, target, Cause::Database(error)))
}

/// What the migrations of a module send to the engine of a database, once it is sure that they are the committed ones.
pub async fn recording(module: Module, target: &Target) -> Result<Recording, Failure> {
    let recording = Recording::of(module.schema(), target.backend()).await.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
    let locked = module.locked().checksums(target.backend());
    // One that is not in the file yet is new: `check` and `generate` speak about that.
    let changed = recording.migrations.iter().filter(|migration| locked.get(&migration.name).is_some_and(|checksum| *checksum != migration.checksum));
    let changed: Vec<_> = changed.map(|migration| migration.name.clone()).collect();
    if changed.is_empty() { Ok(recording) } else { Err(Failure::new(module, target, Cause::NotLocked(changed))) }
}

fn lines(module: Module, found: &Found) -> Vec<Line> {
    let edited = |name: &String| found.edited.iter().any(|edited| edited.name == *name);
    let line = |state, name: &String| Line::new(module, state, name);
    let applied = found.applied.iter().map(|name| line(if edited(name) { "edited" } else { "applied" }, name));
    let missing = found.missing.iter().map(|name| line("missing", name));
    let pending = found.pending.iter().map(|name| line(if found.out_of_order.contains(name) { "out of order" } else { "pending" }, name));
    applied.chain(missing).chain(pending).collect()
}

/// What is to be done, as a failure with its exit code and its next step; nothing where the database is up to date.
fn verdict(settings: &Settings, module: Module, found: &Found) -> Option<Failure> {
    let target = owners(settings, module);
    if let Err(failure) = databases::refuse_strange(found, module, target) {
        return Some(failure);
    }
    problem(found).or_else(|| (!found.pending.is_empty()).then(|| Cause::Pending(found.pending.clone()))).map(|cause| Failure::new(module, target, cause))
}

/// What keeps a database from being deployed to.
pub fn problem(found: &Found) -> Option<Cause> {
    Some(match found.problem()? {
        Problem::Missing => Cause::Newer(found.missing.clone()),
        Problem::Edited => Cause::Edited(found.edited.iter().map(|edited| edited.name.clone()).collect()),
        Problem::OutOfOrder => Cause::OutOfOrder(found.out_of_order.clone()),
        Problem::MadeByHand => Cause::MadeByHand,
    })
}
