//! `larder db`: the life of the schema. One file for each command; this one has the command line, and how commands answer.

pub mod deploy;
mod down;
mod plan;
mod repair;
mod report;
mod seed;
mod status;
#[cfg(feature = "schema-tools")]
mod tools;
mod transfer;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

pub use report::Report;

use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Mode, Settings};
use crate::target::Target;

/// What `larder db` and `larder ledger` answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Error = 1,
    /// Migrations are pending, or something would change.
    Pending = 2,
    /// The lock was not had in time.
    Locked = 3,
    /// Drift; or a history that is not this program's: edited, missing, out of order; or a ledger that is not what was posted.
    Strange = 4,
    /// Refused by the linter.
    Hazard = 5,
}

impl Exit {
    /// The one that says more, of two things that were found: something strange before an error, an error before what is only
    /// pending.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        const BY_SEVERITY: [Exit; 6] = [Exit::Done, Exit::Pending, Exit::Error, Exit::Locked, Exit::Hazard, Exit::Strange];
        let severity = |exit: Self| BY_SEVERITY.iter().position(|known| *known == exit);
        if severity(other) > severity(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

const EXITS: &str =
    "Exit codes: 0 done, 1 error, 2 pending or would change, 3 lock not had in time, 4 drift, edited, missing or out of order, 5 refused by lint.";

#[derive(Subcommand)]
#[command(after_help = EXITS)]
pub enum Command {
    /// Say which migrations are applied, pending, edited, missing or out of order. Writes nothing.
    Status(Which),
    /// Apply pending migrations: one deploy at a time, a line for each migration.
    Deploy(Which),
    /// Print the SQL that a deploy would run, as a script.
    Plan(Plan),
    /// Revert the last migrations of a development database.
    Down(Down),
    /// Accept other SQL for a migration, after showing the difference.
    Repair(Repair),
    /// Write the history of a database that was made by hand, where its schema is right.
    Baseline(Baseline),
    /// Load a set of made-up data; twice is the same as once.
    Seed(Seed),
    /// Copy one module's database to another engine, and prove that both are equal.
    Transfer(Transfer),
    /// Check the migrations: names, order, checksums, up and down on both engines, entities. For developers.
    Check(Which),
    /// Add an empty migration. For developers.
    New(New),
    /// Apply, generate and check, on development databases. For developers.
    Dev(Which),
    /// Write the entities and the checksums of new migrations. For developers.
    Generate(Generate),
    /// Name every difference between the live database, the migrations and the entities.
    Drift(Which),
    /// Refuse what is dangerous on a database with data and users. For developers.
    Lint(Which),
    /// The plain tool, as `generate` and `new` call it.
    #[cfg(feature = "schema-tools")]
    #[command(hide = true)]
    SeaOrmCli {
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args, Clone, Copy)]
pub struct Which {
    #[arg(long, default_value = "all")]
    pub db: Selection,
    /// One JSON object for all, on one line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Selection {
    Auth,
    Inventory,
    All,
}

impl Selection {
    pub fn modules(self) -> Vec<Module> {
        match self {
            Self::Auth => vec![Module::Auth],
            Self::Inventory => vec![Module::Inventory],
            Self::All => Module::ALL.to_vec(),
        }
    }

    /// The one module that is meant; an error where all are.
    pub fn one(self, why: &str) -> Result<Module, String> {
        match self {
            Self::Auth => Ok(Module::Auth),
            Self::Inventory => Ok(Module::Inventory),
            Self::All => Err(format!("--db auth or --db inventory is needed: {why}")),
        }
    }
}

#[derive(Args)]
pub struct Plan {
    #[command(flatten)]
    which: Which,
    /// From an empty database, or from what the configured one lacks.
    #[arg(long, default_value = "live")]
    from: plan::From,
    /// The dialect of the script; else that of the configured database. Only from empty.
    #[arg(long)]
    engine: Option<plan::Engine>,
    /// Exit code 2 where there is something to run.
    #[arg(long)]
    check: bool,
}

#[derive(Args)]
pub struct Down {
    #[command(flatten)]
    which: Which,
    /// How many migrations.
    #[arg(long, default_value_t = 1)]
    steps: usize,
    /// Needed: tables are dropped with what is in them.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub struct Repair {
    /// The migration.
    name: String,
    #[command(flatten)]
    which: Which,
    /// Accept; without it the difference is shown and nothing is done.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub struct Baseline {
    /// The last migration that the database has.
    #[arg(long, value_name = "NAME")]
    to: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct Seed {
    /// The name of the set: demo.
    #[arg(long)]
    set: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct Transfer {
    /// Where the data is: `sqlite://…` or `postgres://…`.
    #[arg(long, value_name = "URL")]
    from: String,
    /// Where it is to be: an empty database.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct New {
    /// What it does, in snake_case: `add_supplier`.
    name: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    which: Which,
    /// Change nothing; exit code 2 where something would change.
    #[arg(long)]
    check: bool,
}

/// Runs a command and reports on it.
pub async fn run(settings: &Settings, command: Command) -> Exit {
    match command {
        Command::Status(which) => status::run(settings, which).await,
        Command::Deploy(which) => deploy::run(settings, which).await,
        Command::Plan(asked) => plan::run(settings, asked).await,
        Command::Down(asked) => down::run(settings, asked).await,
        Command::Repair(asked) => repair::run(settings, asked).await,
        Command::Seed(asked) => seed::run(settings, asked).await,
        Command::Transfer(asked) => transfer::run(settings, asked).await,
        #[cfg(feature = "schema-tools")]
        Command::Baseline(asked) => tools::baseline(settings, asked).await,
        #[cfg(feature = "schema-tools")]
        Command::Check(which) => tools::check(settings, which).await,
        #[cfg(feature = "schema-tools")]
        Command::New(asked) => tools::new(asked),
        #[cfg(feature = "schema-tools")]
        Command::Dev(which) => tools::dev(settings, which).await,
        #[cfg(feature = "schema-tools")]
        Command::Generate(asked) => tools::generate(settings, asked).await,
        #[cfg(feature = "schema-tools")]
        Command::Drift(which) => tools::drift(settings, which).await,
        #[cfg(feature = "schema-tools")]
        Command::Lint(which) => tools::lint(which).await,
        #[cfg(feature = "schema-tools")]
        Command::SeaOrmCli { arguments } => tools::sea_orm_cli(&arguments).await,
        #[cfg(not(feature = "schema-tools"))]
        Command::Check(which) | Command::Dev(which) | Command::Drift(which) | Command::Lint(which) => without_tools(which),
        #[cfg(not(feature = "schema-tools"))]
        Command::Baseline(Baseline { which, .. }) | Command::New(New { which, .. }) | Command::Generate(Generate { which, .. }) => without_tools(which),
    }
}

/// What this build was made without.
#[cfg(not(feature = "schema-tools"))]
fn without_tools(which: Which) -> Exit {
    Report::new("lines", which.json).refuse("this build has no schema tools: run it from a checkout, or build with the feature schema-tools")
}

/// The database of a module as the role that migrates has it.
fn owners(settings: &Settings, module: Module) -> &Target {
    let place = module.place(&settings.database);
    place.migration.as_ref().unwrap_or(&place.target)
}

/// Whether the role that migrates has a URL of its own.
fn has_owners_url(settings: &Settings, module: Module) -> bool {
    module.place(&settings.database).migration.is_some()
}

/// The role that the server runs as, where it is not the one that migrates.
fn runtime_role(settings: &Settings, module: Module) -> Option<&str> {
    match (owners(settings, module), &module.place(&settings.database).target) {
        (Target::Postgres(owner), Target::Postgres(runtime)) if owner.user != runtime.user => Some(&runtime.user),
        _ => None,
    }
}

/// Whether there is a database to look at: looking makes no file.
fn is_there(target: &Target) -> bool {
    match target {
        Target::Memory => false,
        // What may not be looked at, or a link that leads nowhere, is no absence: opening it tells what is wrong.
        Target::Sqlite(path) => !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound),
        Target::Postgres(_) => true,
    }
}

/// Refuses what destroys: in production mode always, else without `--yes`.
fn refuse_destruction(settings: &Settings, module: Module, what: &str, yes: bool) -> Result<(), Failure> {
    let why = if settings.mode == Mode::Production {
        format!("{what} is refused in production mode")
    } else if yes {
        return Ok(());
    } else {
        format!("{what}: say --yes if that is meant")
    };
    Err(Failure::new(module, owners(settings, module), Cause::Refused(why)))
}

/// A database in memory is another one for every program, so there is none to look at.
fn refuse_memory(settings: &Settings, module: Module, what: &str) -> Result<(), Failure> {
    match owners(settings, module) {
        Target::Memory => Err(Failure::new(module, "in memory", Cause::Refused(format!("the databases are in memory: there is nothing to {what}")))),
        _ => Ok(()),
    }
}
