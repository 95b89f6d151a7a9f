//! `larder db generate`: the entity crates and the checksums of new migrations, from an empty Postgres that is migrated for it.

use std::fmt;

use migration_history::{LockFile, Locked};
use migration_tools::checkout::Checkout;
use migration_tools::generate::{Change, changes, entity_arguments};
use migration_tools::locks;
use sea_orm::ConnectionTrait as _;
use serde::Serialize;
use similar::TextDiff;

use super::shadow::{self, Shadow, Source};
use super::{checkout, plain_tool, trouble};
use crate::databases::{self, Role};
use crate::db::{Exit, Generate, Report, deploy};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// One file.
#[derive(Serialize)]
struct Line {
    db: &'static str,
    file: String,
    state: &'static str,
    /// What changes in it, as a unified diff.
    diff: String,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {:<12} {}", self.db, self.state, self.file)
    }
}

pub async fn run(settings: &Settings, asked: Generate) -> Exit {
    let mut report = Report::new("files", asked.which.json);
    match generate(settings, &asked.which.db.modules(), asked.check, &mut report).await {
        Ok(exit) => report.end(exit),
        Err(failure) => report.fail(&failure),
    }
}

/// Makes the files of modules what the migrations give; with `check` only says which are not.
pub async fn generate(settings: &Settings, modules: &[Module], check: bool, report: &mut Report) -> Result<Exit, Failure> {
    let checkout = checkout()?;
    let mut changed = Vec::new();
    // What is locked is looked at before anything is made.
    for module in modules {
        changed.extend(lock_file(&checkout, *module).await?.map(|change| (*module, change)));
    }
    let source = Source::find(settings, &checkout)?;
    let entities = shadow::with(settings, source, async |shadow: &Shadow<'_>| {
        let mut changed = Vec::new();
        for module in modules {
            let found = entities(settings, &checkout, *module, shadow).await?;
            changed.extend(found.into_iter().map(|change| (*module, change)));
        }
        Ok(changed)
    });
    changed.extend(entities.await?);
    for (module, change) in &changed {
        if !check {
            change.write().map_err(|error| trouble(*module, format!("{}: {error}", change.path.display())))?;
        }
        tell(&checkout, *module, change, check, report);
    }
    if changed.is_empty() {
        report.remark("entities and migrations.lock are what the migrations give");
    } else if !check {
        report.remark("This program was built with the files as they were: build it again before it deploys new migrations.");
    }
    Ok(if check && !changed.is_empty() { Exit::Pending } else { Exit::Done })
}

/// What is to be added to a module's `migrations.lock`.
async fn lock_file(checkout: &Checkout, module: Module) -> Result<Option<Change>, Failure> {
    let (text, file) = read_lock_file(checkout, module)?;
    let now = locks::now(module.schema()).await.map_err(|error| trouble(module, error.to_string()))?;
    let added = locks::added(&file, &now).map_err(|conflict| refused(module, conflict))?;
    Ok(extension(checkout, module, text, &added))
}

fn extension(checkout: &Checkout, module: Module, text: String, added: &[Locked]) -> Option<Change> {
    let generated = locks::extended(&text, added);
    (!added.is_empty()).then(|| Change { path: checkout.lock_file(module.name()), committed: Some(text), generated: Some(generated) })
}

/// The file of the checkout. What was compiled in may be older.
pub fn read_lock_file(checkout: &Checkout, module: Module) -> Result<(String, LockFile), Failure> {
    let path = checkout.lock_file(module.name());
    let text = std::fs::read_to_string(&path).map_err(|error| trouble(module, format!("{}: {error}", path.display())))?;
    let file = LockFile::parse(&text).map_err(|error| trouble(module, format!("{}: {error}", path.display())))?;
    Ok((text, file))
}

fn refused(module: Module, conflict: locks::Conflict) -> Failure {
    let cause = match conflict {
        locks::Conflict::Changed(names) => Cause::NotLocked(names),
        conflict => Cause::NotFrozen(conflict.to_string()),
    };
    Failure::new(module, "migrations.lock", cause)
}

/// The entities of a module that are not what a migrated Postgres gives.
pub async fn entities(settings: &Settings, checkout: &Checkout, module: Module, shadow: &Shadow<'_>) -> Result<Vec<Change>, Failure> {
    let target = shadow.database(module).await?;
    deploy::deploy_to(module, &target, None, &settings.database.limits, &mut |_| ()).await?;
    let Target::Postgres(at) = &target else { return Ok(Vec::new()) };
    analyze(settings, module, &target).await?;
    let failed = |error: std::io::Error| trouble(module, format!("the entities cannot be generated: {error}"));
    let folder = checkout.temporary_folder().map_err(failed)?;
    plain_tool(&entity_arguments(folder.path()), folder.path(), Some(at.url.reveal())).map_err(|error| trouble(module, error))?;
    changes(&checkout.entities(module.name()), folder.path()).map_err(failed)
}

/// The generator asks the views of `information_schema` table by table. Before anybody has counted the rows of a new catalogue,
/// Postgres plans each of these questions so badly that together they take five times as long.
async fn analyze(settings: &Settings, module: Module, target: &Target) -> Result<(), Failure> {
    let connection = databases::connect(module, target, &settings.database.limits, Role::Migrator).await?;
    let analyzed = connection.execute_unprepared("ANALYZE").await;
    deploy::close(connection).await;
    analyzed.map(drop).map_err(|error| Failure::new(module, target, Cause::Database(error)))
}

fn tell(checkout: &Checkout, module: Module, change: &Change, check: bool, report: &mut Report) {
    let state = match (&change.committed, &change.generated, check) {
        (None, _, true) => "is missing",
        (None, _, false) => "added",
        (_, None, true) => "is too many",
        (_, None, false) => "removed",
        (_, _, true) => "differs",
        (_, _, false) => "written",
    };
    let (old, new) = (change.committed.as_deref().unwrap_or_default(), change.generated.as_deref().unwrap_or_default());
    let diff = TextDiff::from_lines(old, new).unified_diff().context_radius(2).to_string();
    let shown = diff.trim_end().to_owned();
    report.line(Line { db: module.name(), file: checkout.name_of(&change.path), state, diff });
    if check {
        report.remark(shown);
    }
}
