//! What the plain command line does beyond that of sea-orm-migration.

use std::time::Duration;

use migration_history::{Found, Lock, Recording, Schema, adopt, reconcile};
use sea_orm_cli::MigrateSubcommands;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{IntoSchemaManagerConnection, MigrationTrait, MigratorTraitSelf};

/// How long another deploy is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was asked for, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    NeedsNoDatabase,
    Looks,
    Writes,
    Destroys,
}

/// No command at all means `up`.
pub fn command(asked: Option<&MigrateSubcommands>) -> Command {
    match asked {
        Some(MigrateSubcommands::Init | MigrateSubcommands::Generate { .. }) => Command::NeedsNoDatabase,
        Some(MigrateSubcommands::Status) => Command::Looks,
        Some(MigrateSubcommands::Down { .. } | MigrateSubcommands::Fresh | MigrateSubcommands::Refresh | MigrateSubcommands::Reset) => Command::Destroys,
        _ => Command::Writes,
    }
}

/// `fresh` drops whatever it finds: whose database it is, is asked first.
pub async fn refuse_others(connection: &DatabaseConnection, schema: &Schema) -> Result<(), String> {
    let failed = |error: DbErr| error.to_string();
    let recording = Recording::of(schema, connection.get_database_backend()).await.map_err(failed)?;
    let found = Found::look(connection, schema, &recording.checksums()).await.map_err(failed)?;
    match found.owner {
        Some(owner) if owner != schema.module => {
            Err(format!("This is the database of {owner}, and these are the migrations of {}. Nothing was changed.", schema.module))
        }
        _ => Ok(()),
    }
}

/// Whether LARDER_MODE says so, or else the settings file that the server would read.
pub fn is_production(environment: impl Fn(&str) -> Option<String>) -> Result<bool, String> {
    if let Some(mode) = environment("LARDER_MODE") {
        return Ok(mode == "production");
    }
    let file = environment("LARDER_CONFIG").unwrap_or_else(|| "larder.toml".into());
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(format!("The settings file {file} cannot be read: {error}")),
    };
    let settings: toml::Table = text.parse().map_err(|_| format!("The settings file {file} is not TOML."))?;
    Ok(settings.get("mode").and_then(toml::Value::as_str) == Some("production"))
}

pub async fn lock(connection: &DatabaseConnection) -> Result<Lock, String> {
    Lock::take(connection, PATIENCE).await.map_err(|error| error.to_string())
}

/// A migrator whose database remembers checksums. On SQLite the transaction in which it works is the lock as well.
pub struct Guarded(pub &'static Schema);

#[async_trait::async_trait]
impl MigratorTraitSelf for Guarded {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.0.migrations)()
    }

    async fn up<'c, C>(&self, db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        let place = Place::of(db.into_database_executor()).await?;
        self.0.up(place.executor(), steps).await?;
        place.settle(self.0, Made::Some).await
    }

    async fn down<'c, C>(&self, db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        let place = Place::of(db.into_database_executor()).await?;
        self.0.down(place.executor(), steps).await?;
        place.settle(self.0, Made::Some).await
    }

    async fn refresh<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        let place = Place::of(db.into_database_executor()).await?;
        self.0.refresh(place.executor()).await?;
        place.settle(self.0, Made::All).await
    }

    async fn reset<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        let place = Place::of(db.into_database_executor()).await?;
        self.0.reset(place.executor()).await?;
        place.settle(self.0, Made::Some).await
    }

    /// Not in a transaction of ours: it switches SQLite's foreign keys off, which works only outside of one.
    async fn fresh<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        let db = db.into_database_executor();
        self.0.fresh(borrowed(&db)).await?;
        Place::Bare(db).settle(self.0, Made::All).await
    }
}

/// Which of the migrations that are applied were applied just now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Some,
    All,
}

/// Where a command works.
enum Place<'c> {
    /// Postgres: sea-orm-migration gives each migration its transaction, where it wants one.
    Bare(DatabaseExecutor<'c>),
    /// SQLite: all or nothing.
    Transaction(DatabaseTransaction),
}

impl<'c> Place<'c> {
    async fn of(db: DatabaseExecutor<'c>) -> Result<Self, DbErr> {
        if db.get_database_backend() == DbBackend::Postgres {
            return Ok(Self::Bare(db));
        }
        let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        Ok(Self::Transaction(db.begin_with_options(options).await?))
    }

    fn executor(&self) -> DatabaseExecutor<'_> {
        match self {
            Self::Bare(db) => borrowed(db),
            Self::Transaction(txn) => DatabaseExecutor::Transaction(txn),
        }
    }

    /// Brings the checksums into step with the history.
    async fn settle(self, schema: &Schema, made: Made) -> Result<(), DbErr> {
        let db = self.executor();
        let recording = Recording::of(schema, db.get_database_backend()).await?;
        let found = Found::look(&db, schema, &recording.checksums()).await?;
        reconcile(&db).await?;
        adopt(&db, &recording, if made == Made::All { &found.applied } else { &found.unrecorded }).await?;
        match self {
            Self::Bare(_) => Ok(()),
            Self::Transaction(txn) => txn.commit().await,
        }
    }
}

fn borrowed<'a>(db: &'a DatabaseExecutor<'_>) -> DatabaseExecutor<'a> {
    match db {
        DatabaseExecutor::Connection(connection) => DatabaseExecutor::Connection(connection),
        DatabaseExecutor::Transaction(txn) => DatabaseExecutor::Transaction(txn),
        DatabaseExecutor::OwnedTransaction(txn) => DatabaseExecutor::Transaction(txn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_known_from_the_environment_or_the_settings_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("larder.toml");
        std::fs::write(&file, "mode = \"production\"\n").expect("a file");
        let file = file.display().to_string();
        let with = |variables: &[(&str, &str)]| {
            let variables: Vec<(String, String)> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            is_production(move |name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(with(&[("LARDER_MODE", "production")]), Ok(true));
        assert_eq!(with(&[("LARDER_CONFIG", &file)]), Ok(true));
        assert_eq!(with(&[("LARDER_CONFIG", &file), ("LARDER_MODE", "development")]), Ok(false));
        assert_eq!(with(&[("LARDER_CONFIG", "/nowhere/larder.toml")]), Ok(false));
    }
}
