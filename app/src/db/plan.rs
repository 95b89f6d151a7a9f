//! `larder db plan`: the SQL of a deploy, to be read before it runs, or to be run by hand.
//!
//! It is what the real migrations send. Each is a transaction of its own, as in a deploy. The history is not in it: `larder db
//! baseline` writes it for a database that was made by hand.

use std::fmt::Write as _;

use clap::ValueEnum;
use migration_history::Recording;
use sea_orm::DbBackend;
use serde_json::json;

use super::status::recording;
use super::{Exit, Report, is_there, owners, runtime_role};
use crate::databases::{self, Role};
use crate::failure::Failure;
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    Empty,
    Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Postgres,
    Sqlite,
}

pub async fn run(settings: &Settings, asked: super::Plan) -> Exit {
    let mut report = Report::new("migrations", asked.which.json);
    if asked.engine.is_some() && asked.from == From::Live {
        return report.refuse("--engine goes with --from empty: a live database has its own");
    }
    let modules = asked.which.db.modules();
    if modules.len() > 1 && !asked.which.json {
        report.remark("-- Two databases: run each part against its own (--db auth, --db inventory).");
    }
    let mut pending = 0;
    for module in modules {
        let plan = match plan(settings, module, &asked).await {
            Ok(plan) => plan,
            Err(failure) => return report.fail(&failure),
        };
        pending += plan.migrations.len();
        report.remark(plan.script(module).trim_end());
        if asked.which.json {
            for migration in plan.migrations {
                report.line(migration.json(module, plan.backend));
            }
        }
    }
    report.end(if asked.check && pending > 0 { Exit::Pending } else { Exit::Done })
}

/// What is to be run, and on which engine.
struct Script {
    backend: DbBackend,
    /// What the server's role loses once the tables are there.
    runtime_role: Option<String>,
    /// The schema that the URL names, which a deploy makes.
    schema: Option<String>,
    migrations: Vec<Step>,
}

struct Step(migration_history::Recorded);

async fn plan(settings: &Settings, module: Module, asked: &super::Plan) -> Result<Script, Failure> {
    let target = owners(settings, module);
    let backend = match asked.engine {
        Some(Engine::Postgres) => DbBackend::Postgres,
        Some(Engine::Sqlite) => DbBackend::Sqlite,
        None => target.backend(),
    };
    let recording = if asked.engine.is_some() { of_engine(module, target, backend).await? } else { recording(module, target).await? };
    let pending = match asked.from {
        From::Empty => module.migrations(),
        From::Live => pending(settings, module, target).await?,
    };
    let migrations = recording.migrations.into_iter().filter(|migration| pending.contains(&migration.name)).map(Step).collect();
    let schema = match target {
        Target::Postgres(at) => at.schema.clone(),
        _ => None,
    };
    Ok(Script { backend, runtime_role: runtime_role(settings, module).map(str::to_owned), schema, migrations })
}

async fn of_engine(module: Module, target: &Target, backend: DbBackend) -> Result<Recording, Failure> {
    let recorded = Recording::of(module.schema(), backend).await;
    recorded.map_err(|error| Failure::new(module, target, crate::failure::Cause::Database(error)))
}

async fn pending(settings: &Settings, module: Module, target: &Target) -> Result<Vec<String>, Failure> {
    if !is_there(target) {
        return Ok(module.migrations());
    }
    let connection = databases::connect(module, target, &settings.database.limits, Role::Inspector).await?;
    let found = databases::inspect(&connection, module, target).await?;
    databases::refuse_strange(&found, module, target)?;
    match super::status::problem(&found) {
        Some(cause) => Err(Failure::new(module, target, cause)),
        None => Ok(found.pending),
    }
}

impl Script {
    fn script(&self, module: Module) -> String {
        let mut script = format!("-- {module}, {}: {} migrations\n", engine(self.backend), self.migrations.len());
        if let Some(schema) = self.schema.as_ref().filter(|_| self.backend == DbBackend::Postgres && !self.migrations.is_empty()) {
            let _ = write!(script, "\nCREATE SCHEMA IF NOT EXISTS \"{schema}\";\nSET search_path = \"{schema}\";\n");
        }
        for Step(migration) in &self.migrations {
            let _ = write!(script, "\n-- {}\n", migration.name);
            let bare = if migration.transactional { ["BEGIN;\n", "COMMIT;\n"] } else { ["-- not in a transaction\n", ""] };
            let [begin, end] = bare;
            let _ = write!(script, "{begin}{}{end}", migration.sql());
        }
        if let Some(role) = self.runtime_role.as_ref().filter(|_| self.backend == DbBackend::Postgres && !self.migrations.is_empty()) {
            let _ = write!(script, "\n-- what the server's role must not do (every deploy sees to it)\n");
            for table in module.schema().append_only {
                let _ = writeln!(script, "REVOKE UPDATE, DELETE, TRUNCATE ON \"{table}\" FROM \"{}\";", role.replace('"', "\"\""));
            }
        }
        script
    }
}

impl Step {
    fn json(&self, module: Module, backend: DbBackend) -> Line {
        let Self(migration) = self;
        Line(json!({
            "db": module.name(), "engine": engine(backend), "migration": migration.name, "transactional": migration.transactional,
            "checksum": migration.checksum, "statements": migration.statements,
        }))
    }
}

#[derive(serde::Serialize)]
#[serde(transparent)]
struct Line(serde_json::Value);

impl std::fmt::Display for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

fn engine(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres { "postgres" } else { "sqlite" }
}
