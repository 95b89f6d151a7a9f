//! `larder db transfer`: copies one module's database to another engine in one consistent read, and proves that both are equal.
//!
//! Everything is written and proved in one transaction of the target. So whatever happens on the way, the target is as empty
//! as before (though migrated), and the command can be run again.

mod side;

use std::fmt;
use std::time::Instant;

use kernel::copy::{Table, Unequal};
use migration_history::{Lock, exists};
use sea_orm::{DatabaseConnection, DbErr, TransactionTrait};
use serde::Serialize;
use side::Side;

use super::{Exit, Report, Transfer, deploy, runtime_role};
use crate::databases::{self, Role};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::Target;

/// How many rows are done before the next word about them.
const TELL_EVERY: u64 = 5_000;

/// How far one table is.
#[derive(Debug, Serialize)]
pub struct Progress {
    pub table: &'static str,
    /// `copied` or `proved`.
    pub state: &'static str,
    pub rows: u64,
    pub of: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, state, rows, of } = self;
        write!(out, "{state:<8} {table:<16} {rows} of {of}")
    }
}

/// That both databases hold the same.
#[derive(Debug, Serialize)]
pub struct Proof {
    pub state: &'static str,
    pub tables: usize,
    /// All rows of all tables, each compared with all its columns.
    pub rows: u64,
    /// How many of them are entries of the ledger, where the module has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balances: Option<u64>,
    /// Whether somebody wrote to the source meanwhile, which is not in the copy. Postgres cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_went_on: Option<bool>,
    pub seconds: f64,
}

impl fmt::Display for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "equal    {} tables, {} rows", self.tables, self.rows)?;
        if let (Some(entries), Some(balances)) = (self.entries, self.balances) {
            write!(out, ", among them {entries} ledger entries and {balances} balances; the entries sum to the balances")?;
        }
        write!(out, " ({:.1} s)", self.seconds)
    }
}

pub async fn run(settings: &Settings, asked: Transfer) -> Exit {
    let mut report = Report::new("transfer", asked.which.json);
    let module = match asked.which.db.one("--from and --to are URLs of one module's database") {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    let parse = |option, url: &str| Target::parse(url).map_err(|expected| format!("{option}: {expected}"));
    let (from, to) = match parse("--from", &asked.from).and_then(|from| Ok((from, parse("--to", &asked.to)?))) {
        Ok(both) => both,
        Err(why) => return report.refuse(why),
    };
    // The lines of `--json` come at the end: what a table is on its way to is for people.
    let mut tell = |progress: Progress| if progress.rows == progress.of { report.line(progress) } else { report.remark(progress) };
    match transfer(settings, module, &from, &to, &mut tell).await {
        Ok(proof) => {
            let next = what_next(module, &to, proof.source_went_on == Some(true));
            report.line(proof);
            report.remark(next);
            report.end(Exit::Done)
        }
        Err(failure) => report.fail(&failure),
    }
}

fn what_next(module: Module, to: &Target, source_went_on: bool) -> String {
    let variable = module.url_variable();
    let mut says = match to {
        // A deploy gives the server's role its rights, and takes those that it must not have.
        Target::Postgres(_) => {
            format!(
                "The source is as it was. Set {variable} to {to}, with the role that the server runs as, run `larder db deploy --db {module}` for the rights of the server's role, and start the server."
            )
        }
        _ => format!("The source is as it was. Set {variable} to {to}, and start the server."),
    };
    if module == Module::Auth {
        says.push_str(
            "\nIt needs the same secret key as before, for the keys in the database are encrypted under it: LARDER_SECRET_KEY, or the file secret.key in the data folder.",
        );
    }
    if source_went_on {
        says.push_str("\nAttention: the source was written to meanwhile, and that is not in the copy. Stop its server, empty the target, and transfer again.");
    }
    says
}

/// Copies `module`'s database at `from` into the empty one at `to`, which is migrated first (and made, where it is a file).
pub async fn transfer(settings: &Settings, module: Module, from: &Target, to: &Target, report: &mut dyn FnMut(Progress)) -> Result<Proof, Failure> {
    let (begun, limits) = (Instant::now(), &settings.database.limits);
    if from.is_same(to) {
        return Err(refused(module, to, "--from and --to mean the same database: there is nothing to copy"));
    }
    let source = Side::source(module, from, limits).await?;
    let version = source.version().await?;
    refuse_occupied(module, to, limits).await?;
    let owner = migrate(settings, module, to).await?;
    let lock = match owner {
        Target::Postgres(_) => Some(deploy::lock(module, owner, limits).await?),
        _ => None,
    };
    let target = Side::target(module, owner, limits).await?;
    match copy_and_prove(&source, &target, report).await {
        Ok(mut proof) => {
            target.commit().await?;
            proof.source_went_on = source.went_on_since(version).await;
            proof.seconds = begun.elapsed().as_secs_f64();
            release(lock).await;
            Ok(proof)
        }
        Err(failure) => {
            target.roll_back().await;
            release(lock).await;
            Err(failure)
        }
    }
}

fn refused(module: Module, target: &Target, why: impl Into<String>) -> Failure {
    Failure::new(module, target, Cause::Refused(why.into()))
}

/// A failure at a database that an option names, and no variable.
fn at(option: &str, target: &Target, failure: Failure) -> Failure {
    let module = failure.module;
    match failure.cause {
        Cause::OtherModules { owner } => refused(module, target, format!("{option} means {target}, which is the database of {owner}, not of {module}")),
        Cause::Foreign(names) => {
            refused(module, target, format!("{option} means {target}, which is not a database of Larder: its history names {}", names.join(", ")))
        }
        Cause::Unreachable(error) => Failure::new(module, target, Cause::Database(error)),
        cause => Failure { cause, ..failure },
    }
}

/// Brings the target to this program's schema. Answers the role that may do that, which also writes.
async fn migrate<'t>(settings: &'t Settings, module: Module, to: &'t Target) -> Result<&'t Target, Failure> {
    let place = module.place(&settings.database);
    let configured = Some(place).filter(|place| to.is_same(&place.target));
    let owner = configured.and_then(|place| place.migration.as_ref()).unwrap_or(to);
    // Where the target is the database that the server is set up for, its role gets the rights that a deploy gives it.
    let runtime_role = configured.and_then(|_| runtime_role(settings, module));
    deploy::deploy_to(module, owner, runtime_role, &settings.database.limits, &mut |_| ()).await.map_err(|failure| at("--to", to, failure))?;
    Ok(owner)
}

/// Looks before anything is migrated: a database that somebody uses is left alone.
async fn refuse_occupied(module: Module, to: &Target, limits: &Limits) -> Result<(), Failure> {
    if matches!(to, Target::Sqlite(path) if !path.exists()) {
        return Ok(());
    }
    let connection = databases::connect(module, to, limits, Role::Inspector).await.map_err(|failure| at("--to", to, failure))?;
    let failed = |error| Failure::new(module, to, Cause::Database(error));
    let txn = connection.begin().await.map_err(failed)?;
    // Two modules may have a table of one name.
    let found = databases::inspect(&txn, module, to).await?;
    databases::refuse_strange(&found, module, to).map_err(|failure| at("--to", to, failure))?;
    for table in tables(module) {
        if exists(&txn, table.name()).await.map_err(failed)? {
            let rows = table.count(&txn).await.map_err(failed)?;
            refuse_rows(module, to, table.as_ref(), rows)?;
        }
    }
    txn.rollback().await.map_err(failed)?;
    deploy::close(connection).await;
    Ok(())
}

fn refuse_rows(module: Module, to: &Target, table: &dyn Table, rows: u64) -> Result<(), Failure> {
    if rows == 0 {
        return Ok(());
    }
    let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let why = format!("--to means {to}, which is not empty: its table {} has {rows}. Give an empty database; nothing was changed.", table.name());
    Err(refused(module, to, why))
}

fn tables(module: Module) -> Vec<Box<dyn Table>> {
    match module {
        Module::Auth => auth::transfer::tables(),
        Module::Inventory => inventory::transfer::tables(),
    }
}

async fn release(lock: Option<(Lock, DatabaseConnection)>) {
    if let Some((lock, connection)) = lock {
        deploy::release(lock, connection).await;
    }
}

async fn copy_and_prove(source: &Side, target: &Side, report: &mut dyn FnMut(Progress)) -> Result<Proof, Failure> {
    let tables = tables(source.module);
    let mut totals = Vec::with_capacity(tables.len());
    for table in &tables {
        let of = table.count(&source.txn).await.map_err(|error| source.failed(error))?;
        let mut tell = Teller { table: table.name(), state: "copied", of, told: 0, report: &mut *report };
        let copied = table.copy(&source.txn, &target.txn, &mut |rows| tell.rows(rows)).await;
        let copied = copied.map_err(|error| failed_between(source, target, table.as_ref(), error))?;
        tell.end(copied);
        target.analyze(table.name()).await?;
        totals.push(copied);
    }
    for (table, of) in tables.iter().zip(&totals) {
        prove(source, target, table.as_ref(), *of, report).await?;
    }
    prove_invariants(target).await?;
    let of = |name: &str| tables.iter().zip(&totals).find(|(table, _)| table.name() == name).map(|(_, rows)| *rows);
    let (entries, balances) = inventory::transfer::entries_and_balances();
    Ok(Proof {
        state: "equal",
        tables: tables.len(),
        rows: totals.iter().sum(),
        entries: of(entries),
        balances: of(balances),
        source_went_on: None,
        seconds: 0.0,
    })
}

/// Which of the two failed cannot be told from an error; the table can.
fn failed_between(source: &Side, target: &Side, table: &dyn Table, error: DbErr) -> Failure {
    let both = format!("{} to {}, table {} (nothing was kept)", source.target, target.target, table.name());
    Failure::new(source.module, both, Cause::Database(error))
}

/// Counts the rows of a table, and holds each of them against its copy.
async fn prove(source: &Side, target: &Side, table: &dyn Table, of: u64, report: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
    let counted = table.count(&target.txn).await.map_err(|error| target.failed(error))?;
    let mut tell = Teller { table: table.name(), state: "proved", of, told: 0, report };
    let equal = table.compare(&source.txn, &target.txn, &mut |rows| tell.rows(rows)).await.map_err(|unequal| match unequal {
        Unequal::Database(error) => failed_between(source, target, table, error),
        unequal => not_equal(target, &unequal),
    })?;
    if counted != of || equal != of {
        return Err(not_equal(target, &format!("{} has {of} rows, and {counted} in the copy, of which {equal} are equal", table.name())));
    }
    tell.end(equal);
    Ok(())
}

async fn prove_invariants(target: &Side) -> Result<(), Failure> {
    if target.module != Module::Inventory {
        return Ok(());
    }
    let broken = inventory::transfer::broken_invariants(&target.txn).await.map_err(|error| target.failed(error))?;
    if broken.is_empty() { Ok(()) } else { Err(not_equal(target, &broken.join("; "))) }
}

fn not_equal(target: &Side, why: &dyn fmt::Display) -> Failure {
    let why = format!("the copy could not be proved, and nothing of it was kept: {why}. The source is as it was.");
    refused(target.module, &target.target, why)
}

/// Says now and then how far a table is.
struct Teller<'a> {
    table: &'static str,
    state: &'static str,
    of: u64,
    told: u64,
    report: &'a mut dyn FnMut(Progress),
}

impl Teller<'_> {
    /// Leaves the last rows to [`Self::end`], so that they are told once.
    fn rows(&mut self, rows: u64) {
        if rows >= self.told + TELL_EVERY && rows < self.of {
            self.told = rows;
            self.tell(rows);
        }
    }

    fn end(&mut self, rows: u64) {
        self.tell(rows);
    }

    fn tell(&mut self, rows: u64) {
        (self.report)(Progress { table: self.table, state: self.state, rows, of: self.of });
    }
}
