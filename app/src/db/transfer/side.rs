//! The two ends of a transfer.

use kernel::Txn;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use super::{at, refuse_rows, refused, tables};
use crate::databases::{self, Role};
use crate::db::deploy;
use crate::db::status::problem;
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::Limits;
use crate::target::Target;

/// One of the two databases, in the one transaction that it is read or written in.
pub struct Side {
    pub module: Module,
    pub target: Target,
    connection: DatabaseConnection,
    pub txn: Txn,
}

impl Side {
    /// The source, as it is at one instant, whoever goes on writing to it.
    pub async fn source(module: Module, from: &Target, limits: &Limits) -> Result<Self, Failure> {
        if let Target::Sqlite(path) = from
            && !path.exists()
        {
            return Err(refused(module, from, format!("--from means {from}, and there is no such file")));
        }
        let connection = databases::connect(module, from, limits, Role::Inspector).await.map_err(|failure| at("--from", from, failure))?;
        let failed = |error| Failure::new(module, from, Cause::Database(error));
        // Only what is ours can be locked.
        refuse_another_schema(&connection, module, from).await?;
        let txn = databases::begin_snapshot(&connection, limits).await.map_err(failed)?;
        let side = Self { module, target: from.clone(), connection, txn };
        // As pg_dump does, and before anything is read: a table that is rewritten after the snapshot would look empty in it.
        side.lock_tables("ACCESS SHARE").await?;
        refuse_another_schema(&side.txn, module, from).await?;
        refuse_unknown_columns(&side).await?;
        Ok(side)
    }

    /// The target, which nobody else writes to meanwhile.
    pub async fn target(module: Module, to: &Target, limits: &Limits) -> Result<Self, Failure> {
        let connection = databases::connect(module, to, limits, Role::Migrator).await.map_err(|failure| at("--to", to, failure))?;
        let txn = deploy::begin(&connection, module, to, databases::patience(limits, Role::Migrator)).await?;
        let side = Self { module, target: to.clone(), connection, txn };
        databases::be_patient(&side.txn, limits).await.map_err(|error| side.failed(error))?;
        side.lock_tables("EXCLUSIVE").await?;
        // Asked again, now that the answer stays true.
        for table in tables(module) {
            refuse_rows(module, to, table.as_ref(), table.count(&side.txn).await.map_err(|error| side.failed(error))?)?;
        }
        Ok(side)
    }

    pub fn failed(&self, error: DbErr) -> Failure {
        Failure::new(self.module, &self.target, Cause::Database(error))
    }

    async fn execute(&self, sql: &str) -> Result<(), Failure> {
        self.txn.execute_unprepared(sql).await.map(drop).map_err(|error| self.failed(error))
    }

    async fn lock_tables(&self, mode: &str) -> Result<(), Failure> {
        if !self.target.is_postgres() {
            return Ok(());
        }
        let names: Vec<_> = tables(self.module).iter().map(|table| format!("\"{}\"", table.name())).collect();
        self.execute(&format!("LOCK TABLE {} IN {mode} MODE", names.join(", "))).await
    }

    /// SQLite counts, for each connection, the commits of others. Postgres has nothing of the kind for one database.
    pub async fn version(&self) -> Result<Option<i64>, Failure> {
        if self.target.is_postgres() {
            return Ok(None);
        }
        data_version(&self.txn).await.map(Some).map_err(|error| self.failed(error))
    }

    /// Ends the read; whether others have committed since, where that can be told. The copy is committed by then: nothing that
    /// happens here makes it a failure.
    pub async fn went_on_since(self, version: Option<i64>) -> Option<bool> {
        if let Err(error) = self.txn.rollback().await {
            tracing::warn!(%error, "ending the read of the source failed");
        }
        let now = match version {
            Some(_) => data_version(&self.connection).await.ok(),
            None => None,
        };
        deploy::close(self.connection).await;
        now.zip(version).map(|(now, then)| now != then)
    }

    /// Lets the planner know what is in a table, before others refer to it and before it is asked about.
    pub async fn analyze(&self, table: &str) -> Result<(), Failure> {
        if self.target.is_postgres() { self.execute(&format!("ANALYZE \"{table}\"")).await } else { Ok(()) }
    }

    pub async fn commit(self) -> Result<(), Failure> {
        let (module, target) = (self.module, self.target);
        self.txn.commit().await.map_err(|error| Failure::new(module, &target, Cause::Database(error)))?;
        deploy::close(self.connection).await;
        Ok(())
    }

    /// Nothing can be done about a rollback that fails: a connection that is closed undoes what it did, too.
    pub async fn roll_back(self) {
        if let Err(error) = self.txn.rollback().await {
            tracing::warn!(%error, "rolling back the copy failed");
        }
        deploy::close(self.connection).await;
    }
}

/// What is read must be what this program's entities say.
async fn refuse_another_schema(connection: &impl ConnectionTrait, module: Module, from: &Target) -> Result<(), Failure> {
    let found = databases::inspect(connection, module, from).await?;
    databases::refuse_strange(&found, module, from).map_err(|failure| at("--from", from, failure))?;
    if let Some(cause) = problem(&found) {
        return Err(Failure::new(module, from, cause));
    }
    if found.pending.is_empty() {
        return Ok(());
    }
    let why = format!(
        "--from means {from}, which is not at the schema of this program: it has pending migrations\n  {}\n\
         Start this version of `larder serve` on it once, or run `larder db deploy --db {module}` with {} set to it; then transfer.",
        found.pending.join("\n  "),
        module.url_variable()
    );
    Err(refused(module, from, why))
}

/// A column that somebody added by hand would be left behind, and the proof would not miss it.
async fn refuse_unknown_columns(side: &Side) -> Result<(), Failure> {
    let columns = match side.target {
        Target::Postgres(_) => {
            "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = to_regclass(format('%I.%I', current_schema(), $1::text)) AND attnum > 0 AND NOT attisdropped"
        }
        _ => "SELECT name FROM pragma_table_info(?)",
    };
    let mut unknown = Vec::new();
    for table in tables(side.module) {
        let statement = Statement::from_sql_and_values(side.txn.get_database_backend(), columns, [table.name().into()]);
        let there = side.txn.query_all_raw(statement).await.map_err(|error| side.failed(error))?;
        let names = there.iter().filter_map(|row| row.try_get::<String>("", "name").ok());
        unknown.extend(names.filter(|name| !table.columns().contains(&name.as_str())).map(|name| format!("{}.{name}", table.name())));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let why = format!(
        "--from means {}, which has columns that this program does not know and would leave behind: {}. `larder db drift` names all that was changed by hand.",
        side.target,
        unknown.join(", ")
    );
    Err(refused(side.module, &side.target, why))
}

async fn data_version(connection: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), "PRAGMA data_version")).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("data_version".into()))?.try_get_by_index(0)
}
