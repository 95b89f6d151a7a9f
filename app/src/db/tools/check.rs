//! `larder db check`: whether the migrations are fit to be committed. No configured database is looked at.

use std::fmt;

use migration_history::Recording;
use migration_tools::checkout::Checkout;
use migration_tools::lint::NOT_TRANSACTIONAL;
use migration_tools::locks::Conflict;
use migration_tools::{check, lint, locks};
use sea_orm::{DatabaseConnection, DbErr};
use serde::Serialize;

use super::generate::{entities, read_lock_file};
use super::shadow::{self, Shadow, Source};
use super::{checkout, trouble};
use crate::databases::{self, Role};
use crate::db::down::down_at;
use crate::db::{Exit, Report, Which, deploy};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::Target;

/// One check of one module.
#[derive(Serialize)]
struct Line {
    db: &'static str,
    check: &'static str,
    state: &'static str,
    problems: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {:<13} {}", self.db, self.check, self.state)?;
        if self.problems.is_empty() { Ok(()) } else { write!(out, ": {}", self.problems.join("; ")) }
    }
}

/// What came of a check, beside what it says where it failed.
struct Verdict {
    problems: Vec<String>,
    /// What the command ends with where there are problems.
    exit: Exit,
}

pub async fn run(settings: &Settings, which: Which) -> Exit {
    let mut report = Report::new("checks", which.json);
    match check(settings, &which.db.modules(), &mut report).await {
        Ok(exit) => report.end(exit),
        Err(failure) => report.fail(&failure),
    }
}

/// Checks modules, a line for each check. The worst is what it answers.
pub async fn check(settings: &Settings, modules: &[Module], report: &mut Report) -> Result<Exit, Failure> {
    let checkout = checkout()?;
    let mut checks = Checks { settings, checkout: &checkout, report, worst: Exit::Done };
    for module in modules {
        checks.without_a_server(*module).await?;
    }
    match Source::find(settings, &checkout)? {
        Source::Nowhere(why) => checks.skip(modules, &why),
        source => {
            shadow::with(settings, source, async |shadow: &Shadow<'_>| {
                for module in modules {
                    checks.on_postgres(*module, shadow).await?;
                }
                Ok(())
            })
            .await?;
        }
    }
    Ok(checks.worst)
}

struct Checks<'c> {
    settings: &'c Settings,
    checkout: &'c Checkout,
    report: &'c mut Report,
    worst: Exit,
}

impl Checks<'_> {
    async fn without_a_server(&mut self, module: Module) -> Result<(), Failure> {
        let names = names(self.checkout, module)?;
        self.tell(module, "names", names);
        let checksums = checksums(self.checkout, module).await?;
        self.tell(module, "checksums", checksums);
        let transactions = transactions(module).await?;
        self.tell(module, "transactions", transactions);
        let on_sqlite = on_sqlite(self.settings, module).await;
        self.tell_outcome(module, "sqlite", on_sqlite);
        Ok(())
    }

    async fn on_postgres(&mut self, module: Module, shadow: &Shadow<'_>) -> Result<(), Failure> {
        let target = shadow.database(module).await?;
        let there_and_back = on_postgres(self.settings, module, &target).await;
        self.tell_outcome(module, "postgres", there_and_back);
        let changes = entities(self.settings, self.checkout, module, shadow).await.map(|changes| {
            let files = changes.iter().map(|change| self.checkout.name_of(&change.path));
            Verdict { problems: files.map(|file| format!("{file} is not what `larder db generate` gives")).collect(), exit: Exit::Pending }
        });
        self.tell_outcome(module, "entities", changes);
        Ok(())
    }

    fn skip(&mut self, modules: &[Module], why: &str) {
        for module in modules {
            for check in ["postgres", "entities"] {
                self.report.line(Line { db: module.name(), check, state: "skipped", problems: Vec::new() });
            }
        }
        self.report.remark(why);
    }

    fn tell(&mut self, module: Module, check: &'static str, verdict: Verdict) {
        let Verdict { problems, exit } = verdict;
        let state = if problems.is_empty() { "ok" } else { "failed" };
        if !problems.is_empty() {
            self.worst = self.worst.max(exit);
        }
        self.report.line(Line { db: module.name(), check, state, problems });
    }

    /// A check that could not be made to its end has failed.
    fn tell_outcome(&mut self, module: Module, check: &'static str, outcome: Result<Verdict, Failure>) {
        let in_one_line = |failure: &Failure| failure.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let verdict = outcome.unwrap_or_else(|failure| Verdict { problems: vec![in_one_line(&failure)], exit: failure.exit() });
        self.tell(module, check, verdict);
    }
}

fn names(checkout: &Checkout, module: Module) -> Result<Verdict, Failure> {
    let (_, file) = read_lock_file(checkout, module)?;
    let sources = checkout.migrations(module.name()).join("src");
    let problems = check::names(&module.migrations(), &file, &sources).map_err(|error| trouble(module, format!("{}: {error}", sources.display())))?;
    Ok(Verdict { problems, exit: Exit::Strange })
}

async fn checksums(checkout: &Checkout, module: Module) -> Result<Verdict, Failure> {
    let (_, file) = read_lock_file(checkout, module)?;
    let now = locks::now(module.schema()).await.map_err(|error| trouble(module, error.to_string()))?;
    Ok(match locks::added(&file, &now) {
        Ok(added) => {
            let problems = added.iter().map(|locked| format!("{} is not in migrations.lock: `larder db generate` adds it", locked.name)).collect();
            Verdict { problems, exit: Exit::Pending }
        }
        Err(Conflict::Changed(names)) => {
            let next = format!("put the SQL back and add another migration (`larder db repair NAME --db {module}` accepts it)");
            Verdict { problems: vec![format!("{}: {next}", Conflict::Changed(names))], exit: Exit::Strange }
        }
        Err(conflict) => Verdict { problems: vec![conflict.to_string()], exit: Exit::Strange },
    })
}

async fn transactions(module: Module) -> Result<Verdict, Failure> {
    let findings = lint::lint(module.schema()).await.map_err(|error| trouble(module, error.to_string()))?;
    let bare = findings.into_iter().filter(|finding| finding.rule == NOT_TRANSACTIONAL);
    Ok(Verdict { problems: bare.map(|finding| format!("{}: {}", finding.migration, finding.message)).collect(), exit: Exit::Hazard })
}

/// Up, all the way down, and up again, in memory.
async fn on_sqlite(settings: &Settings, module: Module) -> Result<Verdict, Failure> {
    let target = Target::Memory;
    let limits = &settings.database.limits;
    let patience = databases::patience(limits, Role::Migrator);
    let connection = databases::connect(module, &target, limits, Role::Migrator).await?;
    deploy::migrate_sqlite(&connection, module, &target, patience, &mut |_| ()).await?;
    let left = all_down(&connection, module, &target, limits).await?;
    deploy::migrate_sqlite(&connection, module, &target, patience, &mut |_| ()).await?;
    deploy::close(connection).await;
    Ok(left)
}

/// The same on an empty Postgres.
async fn on_postgres(settings: &Settings, module: Module, target: &Target) -> Result<Verdict, Failure> {
    let limits = &settings.database.limits;
    deploy::deploy_to(module, target, None, limits, &mut |_| ()).await?;
    let connection = databases::connect(module, target, limits, Role::Migrator).await?;
    let left = all_down(&connection, module, target, limits).await;
    deploy::close(connection).await;
    deploy::deploy_to(module, target, None, limits, &mut |_| ()).await?;
    left
}

async fn all_down(connection: &DatabaseConnection, module: Module, target: &Target, limits: &Limits) -> Result<Verdict, Failure> {
    let failed = |error: DbErr| Failure::new(module, target, Cause::Database(error));
    let recording = Recording::of(module.schema(), target.backend()).await.map_err(failed)?;
    down_at(connection, module, target, limits, &recording, recording.migrations.len(), &mut |_| ()).await?;
    let left = check::leftovers(connection).await.map_err(failed)?;
    Ok(Verdict { problems: left.iter().map(|name| format!("{name} is left after down")).collect(), exit: Exit::Error })
}
