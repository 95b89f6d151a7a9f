//! The one place that opens connections: the table of README.md, "Where the data is", and what a database must be like before
//! the server runs on it.

use std::path::Path;
use std::time::{Duration, Instant};

use kernel::Txn;
use log::LevelFilter;
use migration_history::{Found, Problem};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};

use crate::db::deploy;
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings, Synchronous};
use crate::target::{Postgres, Target};

/// Both databases, connected and fit to run on.
pub struct Databases {
    pub auth: kernel::Database,
    pub inventory: kernel::Database,
}

/// What a start does about pending migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Migrate {
    /// Apply them.
    Apply,
    /// Stop with the list of them.
    Check,
    /// Start all the same.
    Off,
}

/// Opens both databases, auth first, so that a database given for both is found by the marker of the first.
pub async fn open(settings: &Settings, asked: Option<Migrate>) -> Result<Databases, Failure> {
    if settings.urls_are_ignored {
        tracing::warn!("databases are in memory: AUTH_DATABASE_URL and INVENTORY_DATABASE_URL are ignored, and everything is gone when this program ends");
    }
    let auth = open_one(settings, Module::Auth, asked).await?;
    let inventory = open_one(settings, Module::Inventory, asked).await?;
    Ok(Databases { auth, inventory })
}

/// Opens the auth database for a command that works on it beside a server: nothing is made or migrated.
pub async fn open_auth(settings: &Settings) -> Result<kernel::Database, Failure> {
    let (module, limits) = (Module::Auth, &settings.database.limits);
    let target = &module.place(&settings.database).target;
    let looking = connect(module, target, limits, Role::Inspector).await?;
    let found = inspect(&looking, module, target).await;
    deploy::close(looking).await;
    let found = found?;
    refuse_strange(&found, module, target)?;
    if !found.pending.is_empty() {
        return Err(Failure::new(module, target, Cause::Pending(found.pending)));
    }
    let writer = connect(module, target, limits, Role::Writer).await?;
    let reader = if target.is_postgres() { writer.clone() } else { connect(module, target, limits, Role::Reader).await? };
    Ok(kernel::Database::new(reader, writer))
}

async fn open_one(settings: &Settings, module: Module, asked: Option<Migrate>) -> Result<kernel::Database, Failure> {
    let (target, limits) = (&module.place(&settings.database).target, &settings.database.limits);
    let writer = connect(module, target, limits, Role::Writer).await?;
    let found = inspect(&writer, module, target).await?;
    match refuse_strange(&found, module, target) {
        // In the time between two releases the older one may run on what the newer has added to. Who says so has thought of it.
        Err(failure @ Failure { cause: Cause::Newer(_), .. }) if asked == Some(Migrate::Off) => tracing::warn!("{}", failure.message()),
        outcome => outcome?,
    }
    let on_postgres = if limits.migrate_on_start { Migrate::Apply } else { Migrate::Check };
    let migrate = asked.unwrap_or(if target.is_postgres() { on_postgres } else { Migrate::Apply });
    if !found.pending.is_empty() {
        match migrate {
            Migrate::Apply if target.is_postgres() => deploy::deploy(settings, module, &mut deploy::logged(module)).await?,
            Migrate::Apply => deploy::migrate_sqlite(&writer, module, target, patience(limits, Role::Writer), &mut deploy::logged(module)).await?,
            Migrate::Check => return Err(Failure::new(module, target, Cause::Pending(found.pending))),
            Migrate::Off => tracing::warn!(database = module.name(), pending = ?found.pending, "starting with pending migrations"),
        }
    } else if !found.edited.is_empty() {
        // It runs on what is there; the next deploy will want it cleared up.
        tracing::warn!(database = module.name(), "migrated with other SQL than this program has; `larder db status` tells");
    }
    let reader = match target {
        Target::Sqlite(_) => connect(module, target, limits, Role::Reader).await?,
        Target::Memory | Target::Postgres(_) => writer.clone(),
    };
    tracing::info!(database = module.name(), at = %target, "database opened");
    Ok(kernel::Database::new(reader, writer))
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Writer,
    Reader,
    /// To look at a file that must not change, and is not made.
    Inspector,
    /// One connection, without the limits of requests.
    Migrator,
}

pub async fn connect(module: Module, target: &Target, limits: &Limits, role: Role) -> Result<DatabaseConnection, Failure> {
    match connect_as(module, target, limits, role).await {
        // A program that was killed left a journal to be rolled back, which a reader that may not write cannot do.
        Err(Failure { cause: Cause::Unreachable(error), .. }) if role == Role::Inspector && kernel::database::needs_recovery(&error) => {
            connect_as(module, target, limits, Role::Reader).await
        }
        connection => connection,
    }
}

/// A connection that changes the schema. A file is looked at before: merely opening it as one that is written to turns it to WAL,
/// and one that is refused stays as it was, to the byte.
pub async fn connect_to_migrate(module: Module, target: &Target, limits: &Limits) -> Result<DatabaseConnection, Failure> {
    if let Target::Sqlite(path) = target
        && path.metadata().is_ok_and(|file| file.len() > 0)
    {
        let connection = connect(module, target, limits, Role::Inspector).await?;
        let found = inspect(&connection, module, target).await;
        let closed = connection.close().await;
        match refuse_strange(&found?, module, target) {
            Err(Failure { cause: Cause::MadeByHand, .. }) | Ok(()) => {}
            Err(failure) => return Err(failure),
        }
        closed.map_err(|error| Failure::new(module, target, Cause::Database(error)))?;
    }
    connect(module, target, limits, Role::Migrator).await
}

async fn connect_as(module: Module, target: &Target, limits: &Limits, role: Role) -> Result<DatabaseConnection, Failure> {
    let options = match target {
        Target::Memory => memory_options(),
        Target::Sqlite(path) => sqlite_options(module, path, limits, role)?,
        Target::Postgres(at) => postgres_options(at, limits, role),
    };
    let (begun, patience) = (Instant::now(), patience(limits, role));
    loop {
        #[expect(clippy::disallowed_methods, reason = "the one named place that opens connections")]
        let connection = sea_orm::Database::connect(options.clone()).await;
        match connection {
            // Two programs that turn a new file to WAL at once: SQLite refuses one without waiting.
            Err(error) if kernel::database::is_transient(&error) && begun.elapsed() < patience => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(Failure::unless_held(module, target, error, patience, Cause::Unreachable)),
            Ok(connection) => {
                hasten(&connection, limits, role).await.map_err(|error| Failure::new(module, target, Cause::Unreachable(error)))?;
                return Ok(connection);
            }
        }
    }
}

/// Nobody's lock on the history is waited for without end.
async fn hasten(connection: &DatabaseConnection, limits: &Limits, role: Role) -> Result<(), sea_orm::DbErr> {
    let looks_or_migrates = matches!(role, Role::Inspector | Role::Migrator);
    if looks_or_migrates && connection.get_database_backend() == sea_orm::DbBackend::Postgres {
        // A statement and no option of the connection, which poolers refuse.
        connection.execute_unprepared(&format!("SET lock_timeout = {}", limits.lock_timeout_ms)).await?;
    }
    Ok(())
}

/// Begins to read one state of a database, whoever goes on writing to it.
pub async fn begin_snapshot(connection: &DatabaseConnection, limits: &Limits) -> Result<Txn, sea_orm::DbErr> {
    let txn = kernel::database::read_one_moment(connection).await?;
    be_patient(&txn, limits).await?;
    Ok(txn)
}

/// A limit that a role has for its requests must not end what goes through all rows; only locks are waited for no longer than
/// a deploy would.
pub async fn be_patient(txn: &Txn, limits: &Limits) -> Result<(), sea_orm::DbErr> {
    if !kernel::database::is_postgres(txn) {
        return Ok(());
    }
    let seconds = limits.deploy_lock_timeout_seconds.max(1);
    txn.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    txn.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    txn.execute_unprepared(&format!("SET LOCAL lock_timeout = '{seconds}s'")).await?;
    Ok(())
}

fn quiet(options: &mut ConnectOptions) {
    // The statements of a request belong in no log, slow ones neither: their errors are logged where they are answered. Only a developer asks
    // for them, by the filter `sqlx::query=debug`; their values are in none.
    options.sqlx_logging_level(LevelFilter::Debug).sqlx_slow_statements_logging_settings(LevelFilter::Debug, Duration::MAX).record_stmt_in_spans(false);
}

/// A database in memory is its single connection: it is never given back, however long it idles or lives.
fn memory_options() -> ConnectOptions {
    let mut options = ConnectOptions::new("sqlite::memory:");
    quiet(&mut options);
    options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    options.map_sqlx_sqlite_opts(|options| options.foreign_keys(true).pragma("recursive_triggers", "ON"));
    options
}

/// Makes a folder that only its owner may look into: password hashes lie in it. One that is there stays as it is.
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// How long another program's lock of a file is waited for.
pub fn patience(limits: &Limits, role: Role) -> Duration {
    match role {
        // Another deploy is waited for as long as on Postgres.
        Role::Migrator => Duration::from_secs(limits.deploy_lock_timeout_seconds),
        _ => Duration::from_millis(limits.sqlite_busy_timeout_ms),
    }
}

/// How many rows SQLite's thread reads ahead of who takes them: the largest page with its lots, or it waits for its reader every few rows.
const ROWS_AHEAD: usize = 1_000;

fn sqlite_options(module: Module, path: &Path, limits: &Limits, role: Role) -> Result<ConnectOptions, Failure> {
    let creates = matches!(role, Role::Writer | Role::Migrator);
    if let Some(folder) = path.parent().filter(|folder| creates && !folder.as_os_str().is_empty()) {
        make_private_folder(folder).map_err(|error| Failure::new(module, path.display(), Cause::Folder { folder: folder.display().to_string(), error }))?;
    }
    let mut options = ConnectOptions::new("sqlite:larder");
    quiet(&mut options);
    let connections = if role == Role::Reader { limits.reader_connections } else { 1 };
    options.max_connections(connections).min_connections(1).idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    options.acquire_timeout(Duration::from_millis(limits.acquire_timeout_ms));
    let (path, busy) = (path.to_owned(), patience(limits, role));
    let synchronous = match limits.sqlite_synchronous {
        Synchronous::Full => SqliteSynchronous::Full,
        Synchronous::Normal => SqliteSynchronous::Normal,
    };
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options.filename(&path).busy_timeout(busy).foreign_keys(true).pragma("recursive_triggers", "ON").row_buffer_size(ROWS_AHEAD);
        match role {
            Role::Writer | Role::Migrator => options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(synchronous),
            Role::Reader => options.pragma("query_only", "ON"),
            Role::Inspector => options.read_only(true),
        }
    });
    Ok(options)
}

fn postgres_options(at: &Postgres, limits: &Limits, role: Role) -> ConnectOptions {
    let mut options = ConnectOptions::new(at.url.reveal());
    quiet(&mut options);
    options.set_application_name(if role == Role::Migrator { "larder db" } else { "larder" });
    if let Some(schema) = &at.schema {
        options.set_schema_search_path(schema.clone());
    }
    options.acquire_timeout(Duration::from_millis(limits.acquire_timeout_ms));
    if matches!(role, Role::Migrator | Role::Inspector) {
        options.max_connections(1);
        return options;
    }
    options.max_connections(limits.pool_connections);
    options.test_before_acquire_if_idle_for(Duration::from_secs(limits.ping_after_idle_seconds));
    options.statement_timeout(Duration::from_millis(limits.statement_timeout_ms));
    let (lock, idle) = (limits.lock_timeout_ms.to_string(), limits.idle_in_transaction_timeout_ms.to_string());
    options.map_sqlx_postgres_opts(move |options| options.options([("lock_timeout", &lock), ("idle_in_transaction_session_timeout", &idle)]));
    options
}

/// What a database says of itself, beside the committed checksums.
pub async fn inspect(connection: &impl ConnectionTrait, module: Module, target: &Target) -> Result<Found, Failure> {
    let checksums = module.locked().checksums(connection.get_database_backend());
    Found::look(connection, module.schema(), &checksums).await.map_err(|error| Failure::new(module, target, Cause::Database(error)))
}

/// Refuses the other module's database, a newer one, somebody else's, and one without the history that belongs to it.
pub fn refuse_strange(found: &Found, module: Module, target: &Target) -> Result<(), Failure> {
    let others = || Module::ALL.into_iter().find(|other| *other != module && found.missing.iter().any(|name| other.schema().names().contains(name)));
    let cause = match &found.owner {
        Some(owner) if owner != module.name() => Cause::OtherModules { owner: owner.clone() },
        Some(_) if !found.missing.is_empty() => Cause::Newer(found.missing.clone()),
        None if !found.missing.is_empty() => match others() {
            Some(owner) => Cause::OtherModules { owner: owner.to_string() },
            None => Cause::Foreign(found.missing.clone()),
        },
        _ if found.problem() == Some(Problem::MadeByHand) => Cause::MadeByHand,
        _ => return Ok(()),
    };
    Err(Failure::new(module, target, cause))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::WriteError;
    use sea_orm::{DatabaseBackend, DbErr, Statement};

    use super::*;

    #[derive(Debug)]
    struct Refused(DbErr);

    impl From<DbErr> for Refused {
        fn from(error: DbErr) -> Self {
            Self(error)
        }
    }

    impl WriteError for Refused {
        fn database(&self) -> Option<&DbErr> {
            Some(&self.0)
        }
    }

    async fn pragma(connection: &impl ConnectionTrait, name: &str) -> Result<String, DbErr> {
        let statement = Statement::from_string(connection.get_database_backend(), format!("PRAGMA {name}"));
        let row = connection.query_one_raw(statement).await?.ok_or_else(|| DbErr::RecordNotFound(name.to_owned()))?;
        row.try_get_by_index::<i64>(0).map(|number| number.to_string()).or_else(|_| row.try_get_by_index(0))
    }

    /// The pragmas as the module's reads and its writes have them.
    async fn pragmas(database: &kernel::Database, name: &'static str) -> (String, String) {
        let of_reader = pragma(database.reader(), name).await.expect("the reader's");
        let of_writer = database.write(name, |name, txn| Box::pin(async move { Ok::<_, Refused>(pragma(txn, name).await?) })).await.expect("the writer's");
        (of_reader, of_writer)
    }

    async fn opened(variables: &[(&str, &str)]) -> Databases {
        let variables: BTreeMap<_, _> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = Settings::load_built_in(&variables).unwrap_or_else(|refusal| panic!("{refusal}"));
        open(&settings, None).await.unwrap_or_else(|failure| panic!("{failure}"))
    }

    #[tokio::test]
    async fn files_are_read_and_written_with_the_pragmas_that_their_safety_needs() {
        let folder = tempfile::tempdir().expect("a folder");
        let databases = opened(&[("LARDER_DATA_DIR", &folder.path().display().to_string())]).await;
        for database in [&databases.auth, &databases.inventory] {
            for (name, reader, writer) in [
                ("journal_mode", "wal", "wal"),
                ("foreign_keys", "1", "1"),
                ("recursive_triggers", "1", "1"),
                ("busy_timeout", "5000", "5000"),
                // FULL: what was answered survives a power cut.
                ("synchronous", "2", "2"),
                ("query_only", "1", "0"),
            ] {
                assert_eq!(pragmas(database, name).await, (reader.to_owned(), writer.to_owned()), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn sqlite_is_built_so_that_a_statement_keeps_its_plan() {
        let databases = opened(&[("USE_IN_MEMORY_REPOSITORIES", "true")]).await;
        let statement = Statement::from_string(DatabaseBackend::Sqlite, "SELECT compile_options FROM pragma_compile_options");
        let rows = databases.inventory.reader().query_all_raw(statement).await.expect("the options");
        let options: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).expect("an option")).collect();
        let is_set = |option: &str| options.iter().any(|set| set == option);
        // Cargo reads them in .cargo/config.toml from where it is called.
        assert!(is_set("ENABLE_QPSG") && is_set("DEFAULT_MEMSTATUS=0") && !is_set("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
    }

    #[tokio::test]
    async fn how_surely_and_how_patiently_files_are_written_follows_the_settings() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().display().to_string();
        let databases =
            opened(&[("LARDER_DATA_DIR", &data), ("LARDER_DATABASE_SQLITE_SYNCHRONOUS", "NORMAL"), ("LARDER_DATABASE_SQLITE_BUSY_TIMEOUT_MS", "1234")]).await;
        assert_eq!(pragmas(&databases.inventory, "synchronous").await.1, "1");
        assert_eq!(pragmas(&databases.inventory, "busy_timeout").await, ("1234".to_owned(), "1234".to_owned()));
    }

    #[tokio::test]
    async fn in_memory_reads_and_writes_share_one_connection_that_keeps_the_references() {
        let databases = opened(&[("USE_IN_MEMORY_REPOSITORIES", "true")]).await;
        for database in [&databases.auth, &databases.inventory] {
            for name in ["foreign_keys", "recursive_triggers"] {
                assert_eq!(pragmas(database, name).await, ("1".to_owned(), "1".to_owned()), "{name}");
            }
        }
    }
}
