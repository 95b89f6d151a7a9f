//! Why a database cannot be used, and what to do about it.

use std::fmt;
use std::time::Duration;

use migration_history::{NO_SCHEMA, holder_of_file};
use sea_orm::{DbErr, RuntimeErr};

use crate::db::Exit;
use crate::module::Module;
use crate::target::Target;

#[derive(Debug)]
pub struct Failure {
    pub module: Module,
    /// The database, without its password.
    pub target: String,
    /// Whether LARDER_MIGRATION_URL_… names it.
    pub is_owners: bool,
    pub cause: Cause,
}

#[derive(Debug)]
pub enum Cause {
    Unreachable(DbErr),
    Folder {
        folder: String,
        error: std::io::Error,
    },
    /// Postgres with pending migrations, where nobody allowed this start to apply them.
    Pending(Vec<String>),
    OtherModules {
        owner: String,
    },
    /// The history holds migrations that this program does not know, under our own marker.
    Newer(Vec<String>),
    /// The same without any marker: somebody else's.
    Foreign(Vec<String>),
    /// Applied with other SQL than this program has.
    Edited(Vec<String>),
    /// Pending, though later ones were applied.
    OutOfOrder(Vec<String>),
    /// Our tables without a history.
    MadeByHand,
    /// Not the migrations of `migrations.lock`.
    NotLocked(Vec<String>),
    /// Migrations of `migrations.lock` are gone, or others have come before them; the text says which.
    NotFrozen(String),
    /// One migration, and whether nothing of it was kept.
    Migration {
        name: String,
        undone: bool,
        error: DbErr,
    },
    InvalidIndexes(Vec<String>),
    Database(DbErr),
    Locked {
        waited_seconds: u64,
        holder: String,
    },
    /// What was asked for is not to be done here; the text says why and what to do.
    Refused(String),
}

impl Failure {
    pub fn new(module: Module, target: impl fmt::Display, cause: Cause) -> Self {
        Self { module, target: target.to_string(), is_owners: false, cause }
    }

    /// What an error means: for a file that another program held the lock of for so long, who that is; else `cause`.
    pub fn unless_held(module: Module, target: &Target, error: DbErr, patience: Duration, cause: fn(DbErr) -> Cause) -> Self {
        match target {
            Target::Sqlite(path) if kernel::database::is_transient(&error) => {
                let holder = holder_of_file(path).unwrap_or_else(|| "another program".into());
                Self::new(module, target, Cause::Locked { waited_seconds: patience.as_secs(), holder })
            }
            _ => Self::new(module, target, cause(error)),
        }
    }

    /// A stable name of the cause, for programs.
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Cause::Unreachable(error) | Cause::Database(error) => trouble(error).0,
            Cause::Folder { .. } => "folder",
            Cause::Pending(_) => "pending",
            Cause::OtherModules { .. } => "other_module",
            Cause::Newer(_) => "missing",
            Cause::Foreign(_) => "foreign",
            Cause::Edited(_) => "edited",
            Cause::OutOfOrder(_) => "out_of_order",
            Cause::MadeByHand => "no_history",
            Cause::NotLocked(_) => "not_locked",
            Cause::NotFrozen(_) => "not_frozen",
            Cause::Migration { .. } => "migration_failed",
            Cause::InvalidIndexes(_) => "invalid_index",
            Cause::Locked { .. } => "locked",
            Cause::Refused(_) => "refused",
        }
    }

    pub fn exit(&self) -> Exit {
        match &self.cause {
            Cause::Locked { .. } => Exit::Locked,
            Cause::Pending(_) => Exit::Pending,
            Cause::OtherModules { .. }
            | Cause::Newer(_)
            | Cause::Foreign(_)
            | Cause::Edited(_)
            | Cause::OutOfOrder(_)
            | Cause::MadeByHand
            | Cause::NotLocked(_)
            | Cause::NotFrozen(_)
            | Cause::InvalidIndexes(_) => Exit::Strange,
            _ => Exit::Error,
        }
    }

    /// The variable that the database was named in.
    fn variable(&self) -> String {
        let owners = self.is_owners.then(|| format!("LARDER_MIGRATION_URL_{}", self.module.name().to_ascii_uppercase()));
        owners.unwrap_or_else(|| self.module.url_variable().to_owned())
    }

    /// The same about the database that the role that migrates has a URL of its own for.
    #[must_use]
    pub fn of_owner(mut self, is_owners: bool) -> Self {
        self.is_owners = is_owners;
        self
    }

    /// What is wrong, without what to do about it.
    pub fn message(&self) -> String {
        let Self { module, target, cause, .. } = self;
        let variable = self.variable();
        match cause {
            Cause::Unreachable(error) => format!("the {module} database {target} ({variable}) cannot be opened: {}", plain(error)),
            Cause::Folder { folder, error } => format!("the folder {folder} for a database cannot be made: {error}"),
            Cause::Pending(names) => format!("the {module} database {target} has pending migrations:\n  {}", names.join("\n  ")),
            Cause::OtherModules { owner } => format!("{variable} means {target}, which is the database of {owner}; {module} needs its own"),
            Cause::Newer(names) => {
                format!(
                    "the {module} database {target} is newer than this program: it has the migrations\n  {}\nwhich this program does not know",
                    names.join("\n  ")
                )
            }
            Cause::Foreign(names) => format!("{variable} means {target}, which is not a database of Larder: its history names {}", names.join(", ")),
            Cause::Edited(names) => {
                format!("the {module} database {target} was migrated with other SQL than this program has for\n  {}", names.join("\n  "))
            }
            Cause::OutOfOrder(names) => {
                format!("the {module} database {target} has later migrations than these, which are pending:\n  {}", names.join("\n  "))
            }
            Cause::MadeByHand => format!("the {module} database {target} has tables of Larder and no history of migrations"),
            Cause::NotLocked(names) => format!("the SQL of these migrations of {module} is not what migrations.lock says:\n  {}", names.join("\n  ")),
            Cause::NotFrozen(what) => format!("the migrations of {module}: {what}"),
            Cause::Migration { name, undone: true, error } => {
                format!("the {module} database {target}: {name} failed, and nothing of it was kept: {}", plain(error))
            }
            Cause::Migration { name, undone: false, error } => {
                format!("the {module} database {target}: {name} failed; it is not transactional, what it did until then is there: {}", plain(error))
            }
            Cause::InvalidIndexes(names) => format!("the {module} database {target} has indexes that were left unfinished: {}", names.join(", ")),
            Cause::Database(error) => format!("the {module} database {target}: {}", plain(error)),
            Cause::Locked { waited_seconds, holder } => {
                format!("the {module} database {target} is being migrated by {holder}; gave up after {waited_seconds} s")
            }
            Cause::Refused(why) => why.clone(),
        }
    }

    /// What to do next, where there is something to say.
    pub fn next(&self) -> Option<String> {
        let module = self.module;
        let says = match &self.cause {
            Cause::Unreachable(error) | Cause::Database(error) => return advice(module, error),
            Cause::Folder { .. } | Cause::Refused(_) => return None,
            Cause::Pending(_) if self.target.starts_with("postgres") => {
                format!("Apply them with `larder db deploy --db {module}`, or start with LARDER_DATABASE_MIGRATE_ON_START=true.")
            }
            Cause::Pending(_) => format!("Apply them with `larder db deploy --db {module}`; starting the server does as well."),
            Cause::OtherModules { .. } => "Correct the URL; the two may be swapped. Nothing was changed.".into(),
            Cause::Newer(_) => {
                "Run the version that made them, or a later one; where they only added things, `larder serve --migrate off` runs on it. Nothing was changed.".into()
            }
            Cause::Foreign(_) => "Correct the URL. Nothing was changed.".into(),
            Cause::Edited(_) => format!(
                "A released migration must not change: put its SQL back and add another migration. `larder db repair NAME --db {module}` shows what differs, and accepts it with --yes."
            ),
            Cause::OutOfOrder(_) => {
                format!(
                    "Did they come in by a merge, with names that sort before what was applied? Give them later names, if they were never released. \
                     Or are only their rows in the history gone? Where the schema is right, `larder db baseline --to LAST --db {module}` writes them."
                )
            }
            Cause::MadeByHand => {
                format!("Was it made with the script of `larder db plan`? Then `larder db baseline --to NAME --db {module}` writes the history.")
            }
            Cause::NotLocked(_) => {
                format!(
                    "A released migration must not change. `larder db generate` adds new ones; `larder db repair NAME --db {module}` shows what differs, and accepts it with --yes."
                )
            }
            Cause::NotFrozen(_) => {
                "What stands in migrations.lock stays, in that order: put it back, or build this program again where it is older than the file. A new migration that was never released gets a later name.".into()
            }
            Cause::Migration { undone: true, error, .. } => {
                let advice = advice(module, error).unwrap_or_else(|| "Clear up the cause and deploy again.".into());
                format!("What was applied before it stays applied. {advice}")
            }
            Cause::Migration { undone: false, .. } => "Clear up the cause and deploy again: it clears away what was left and goes on.".into(),
            Cause::InvalidIndexes(_) => {
                "Look into why (duplicates in a unique one?), then `DROP INDEX CONCURRENTLY` or `REINDEX INDEX CONCURRENTLY` each of them.".into()
            }
            Cause::Locked { .. } => "Wait until it is done, or end it, and deploy again.".into(),
        };
        Some(says)
    }
}

/// An error as the database tells it, without the places of its and the driver's own sources.
fn plain(error: &DbErr) -> String {
    let of_driver = match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => error,
        other => return other.to_string(),
    };
    match of_driver.as_database_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().unwrap_or_default()),
        None => of_driver.to_string(),
    }
}

fn advice(module: Module, error: &DbErr) -> Option<String> {
    trouble(error).1.map(|next| next.replace("{module}", module.name()).replace("{MODULE}", &module.name().to_ascii_uppercase()))
}

/// The name of what went wrong at a database, and what to do about it.
fn trouble(error: &DbErr) -> (&'static str, Option<&'static str>) {
    const OWNER: &str =
        "To change the schema, connect as its owner: LARDER_MIGRATION_URL_{MODULE}. The server's role needs USAGE on the schema and its rights on the tables.";
    let code = kernel::database::code(error);
    match code.as_deref() {
        Some("3D000") => {
            ("no_database", Some("Create it, with its roles: MODULE={module} OWNER_PASSWORD=… APP_PASSWORD=… psql SUPERUSER_URL -f scripts/postgres-roles.sql"))
        }
        Some("28P01" | "28000") => ("no_login", Some("Correct user and password in the URL, or let the role in (pg_hba.conf).")),
        Some("42501") => ("no_permission", Some(OWNER)),
        Some("25006") => ("read_only", Some("It takes no writes: a standby, or a role that is read-only. Connect to the primary as the owner.")),
        Some("13" | "53100") => ("disk_full", Some("Make room. What was done was taken back.")),
        Some("266" | "10") => ("no_database", Some("Is it a file, and may this user read and write it?")),
        Some("57014") => ("timeout", Some("A statement took longer than the role's statement_timeout.")),
        Some("26000" | "42P05") => {
            ("pooler", Some("A transaction pooler mixes prepared statements up: give LARDER_MIGRATION_URL_{MODULE} a URL that leads past it."))
        }
        Some("14") => ("no_database", Some("Is the folder there, and may this user read and write in it?")),
        Some("26") => ("not_a_database", Some("The file is something else, or damaged: restore the last backup (docs/runbook.md).")),
        Some("55P03") => (
            "lock_timeout",
            Some("Somebody held a table that a migration needs. Deploy again when it is quieter; the running transactions are in pg_stat_activity."),
        ),
        None if matches!(error, DbErr::Custom(says) if says == NO_SCHEMA) => ("no_permission", Some(OWNER)),
        None if matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_)) => {
            ("unreachable", Some("Is the server running, are host and port right, and has it connections to spare?"))
        }
        _ => ("database", None),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message())?;
        self.next().map_or(Ok(()), |next| write!(out, "\n{next}"))
    }
}

impl std::error::Error for Failure {}
