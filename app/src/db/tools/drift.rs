//! `larder db drift`: every difference between the live databases and what their migrations make, and, in a checkout, between
//! the committed entities and what the migrations make. Nothing is written.

use std::fmt;

use migration_history::{Found, Problem};
use migration_tools::drift::{Difference, differences};
use sea_orm::{DatabaseConnection, IsolationLevel, TransactionTrait as _};
use serde::Serialize;

use super::checkout;
use super::generate::entities;
use super::shadow::{self, Shadow, Source};
use crate::databases::{self, Role};
use crate::db::deploy::close;
use crate::db::{Exit, Report, Which, has_owners_url, is_there, owners, refuse_memory};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Settings;
use crate::target::Target;

/// One difference, and whose.
#[derive(Serialize)]
pub struct Line {
    db: &'static str,
    #[serde(flatten)]
    difference: Difference,
}

impl Line {
    pub fn new(module: Module, difference: Difference) -> Self {
        Self { db: module.name(), difference }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {}", self.db, self.difference)
    }
}

/// An entity that is not what the migrations give.
#[derive(Serialize)]
struct EntityLine {
    db: &'static str,
    object: String,
    kind: &'static str,
    state: &'static str,
}

impl fmt::Display for EntityLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {}: {}; `larder db generate` makes it what the migrations give", self.db, self.object, self.state)
    }
}

pub async fn run(settings: &Settings, which: Which) -> Exit {
    let (mut report, modules) = (Report::new("differences", which.json), which.db.modules());
    let mut exit = Exit::Done;
    // What cannot be looked at hides nothing of what can be.
    for module in &modules {
        let compared = compare(settings, *module).await.map_err(|failure| failure.of_owner(has_owners_url(settings, *module)));
        exit = exit.max(match compared {
            Ok(compared) => compared.tell(*module, &mut report),
            Err(failure) => complained(&failure, &mut report),
        });
    }
    let entities = compare_entities(settings, &modules, &mut report).await;
    exit = exit.max(entities.unwrap_or_else(|failure| complained(&failure, &mut report)));
    report.end(exit)
}

fn complained(failure: &Failure, report: &mut Report) -> Exit {
    report.complain(failure);
    failure.exit()
}

/// The entities of a checkout beside the migrations. Elsewhere there are none to look at.
async fn compare_entities(settings: &Settings, modules: &[Module], report: &mut Report) -> Result<Exit, Failure> {
    let Ok(checkout) = checkout() else { return Ok(Exit::Done) };
    let source = match Source::find(settings, &checkout)? {
        Source::Nowhere(why) => {
            report.remark(format_args!("the entities were not compared: {why}"));
            return Ok(Exit::Done);
        }
        source => source,
    };
    let lines = shadow::with(settings, source, async |shadow: &Shadow<'_>| {
        let mut lines = Vec::new();
        for module in modules {
            let changes = entities(settings, &checkout, *module, shadow).await?;
            lines.extend(changes.iter().map(|change| EntityLine {
                db: module.name(),
                object: format!("entity {}", checkout.name_of(&change.path)),
                kind: "entity",
                state: if change.committed.is_none() {
                    "is missing"
                } else if change.generated.is_none() {
                    "is too many"
                } else {
                    "differs"
                },
            }));
        }
        Ok(lines)
    });
    let lines = lines.await?;
    let exit = if lines.is_empty() { Exit::Done } else { Exit::Strange };
    for line in lines {
        report.line(line);
    }
    Ok(exit)
}

/// A database beside the migrations that it was compared with.
struct Compared {
    differences: Vec<Difference>,
    /// What else is to be known.
    remark: Option<String>,
}

impl Compared {
    fn tell(self, module: Module, report: &mut Report) -> Exit {
        let is_clean = self.differences.is_empty();
        for difference in self.differences {
            report.line(Line::new(module, difference));
        }
        if is_clean {
            report.remark(format_args!("{:<10} no drift", module.name()));
        }
        if let Some(remark) = self.remark {
            report.remark(format_args!("{:<10} {remark}", module.name()));
        }
        if is_clean {
            return Exit::Done;
        }
        report.remark(format_args!("{:<10} Undo what somebody changed by hand, or put it into a migration.", module.name()));
        Exit::Strange
    }
}

async fn compare(settings: &Settings, module: Module) -> Result<Compared, Failure> {
    refuse_memory(settings, module, "compare")?;
    let target = owners(settings, module);
    if !is_there(target) {
        return Err(nothing(module, target));
    }
    // It looks and no more; on Postgres into a schema that is never committed.
    let connection = databases::connect(module, target, &settings.database.limits, Role::Inspector).await?;
    let compared = compare_at(&connection, module, target).await;
    close(connection).await;
    compared
}

/// History and schema as they are at one instant, whoever deploys meanwhile.
async fn compare_at(connection: &DatabaseConnection, module: Module, target: &Target) -> Result<Compared, Failure> {
    let failed = |error| Failure::new(module, target, Cause::Database(error));
    let isolation = target.is_postgres().then_some(IsolationLevel::RepeatableRead);
    let txn = connection.begin_with_config(isolation, None).await.map_err(failed)?;
    let found = databases::inspect(&txn, module, target).await?;
    let (names, remark) = comparable(found, module, target)?;
    let differences = differences(&txn, module.schema(), &names).await.map_err(failed)?;
    txn.rollback().await.map_err(failed)?;
    Ok(Compared { differences, remark })
}

/// To have compared nothing is no success.
fn nothing(module: Module, target: &Target) -> Failure {
    let why = format!("there is no {module} database {target}, or nothing in it: `larder db deploy --db {module}` makes it");
    Failure::new(module, target, Cause::Refused(why))
}

/// The migrations that a database can be compared with: those that were applied; all of them where somebody made it by hand.
fn comparable(found: Found, module: Module, target: &Target) -> Result<(Vec<String>, Option<String>), Failure> {
    if is_made_by_hand(&found, module) {
        let remark = format!("it has no history, and was compared with all migrations: `larder db baseline --to NAME --db {module}` writes it");
        return Ok((module.migrations(), Some(remark)));
    }
    databases::refuse_strange(&found, module, target)?;
    let Some(last) = found.applied.last() else { return Err(nothing(module, target)) };
    // With those in between that the history lacks: later ones build on them.
    let names = module.schema().names_up_to(last).unwrap_or_default();
    let left_out: Vec<_> = found.pending.iter().filter(|name| !names.contains(name)).cloned().collect();
    let pending = (!left_out.is_empty()).then(|| format!("pending migrations were left out: {}", left_out.join(", ")));
    Ok((names, pending))
}

/// Whether it has this module's tables and no history.
pub fn is_made_by_hand(found: &Found, module: Module) -> bool {
    found.problem() == Some(Problem::MadeByHand) && found.owner.as_deref().is_none_or(|owner| owner == module.name())
}
