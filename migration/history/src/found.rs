//! What a database says of itself. Looking writes nothing, and needs no more than the right to read.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use crate::recording::Checksums;
use crate::{CHECKSUMS, HISTORY, MARKER, Schema};

/// What a look ends with where there is no schema to look into.
pub const NO_SCHEMA: &str = "this role may use no schema of its search path";

/// The history of a database beside that of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Of this program and in the history, oldest first.
    pub applied: Vec<String>,
    /// Of this program and not in the history, oldest first.
    pub pending: Vec<String>,
    /// Applied with other SQL than this program has under that name.
    pub edited: Vec<Edited>,
    /// In the history, and not of this program.
    pub missing: Vec<String>,
    /// Pending, though a later one was applied.
    pub out_of_order: Vec<String>,
    /// Applied by something that left no checksum.
    pub unrecorded: Vec<String>,
    /// Whose database it is, where it says so.
    pub owner: Option<String>,
    /// Whether there is the table in which it would say so, which the first migration makes.
    pub has_marker: bool,
}

/// A migration that sends other SQL than it did when it was applied here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub name: String,
    /// What was sent when it was applied.
    pub applied_sql: String,
}

/// What keeps a database from being deployed to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    Edited,
    Missing,
    OutOfOrder,
    /// It has tables of Larder and no history: somebody ran the script of `larder db plan`.
    MadeByHand,
}

impl Found {
    /// Looks at a database. `expected` are the checksums of this program's migrations for its engine.
    pub async fn look(connection: &impl ConnectionTrait, schema: &Schema, expected: &Checksums) -> Result<Self, DbErr> {
        // The history last: while another deploy commits, it may be ahead of what was read before it, and never behind.
        refuse_no_schema(connection).await?;
        let has_marker = exists(connection, MARKER).await?;
        let owner = texts(connection, MARKER, "name").await?.into_iter().next();
        let recorded = recorded(connection).await?;
        let history = texts(connection, HISTORY, "version").await?;
        let ours = schema.names();
        let (applied, pending): (Vec<_>, Vec<_>) = ours.iter().cloned().partition(|name| history.contains(name));
        let missing = history.into_iter().filter(|name| !ours.contains(name)).collect();
        let last = ours.iter().rposition(|name| applied.contains(name));
        let before_last = |name: &&String| last.is_some_and(|last| ours.iter().take(last).any(|earlier| earlier == *name));
        let out_of_order = pending.iter().filter(before_last).cloned().collect();
        let of = |name: &str| recorded.iter().find(|(version, ..)| version == name);
        let unrecorded = applied.iter().filter(|name| of(name).is_none()).cloned().collect();
        let differs = |name: &&String| of(name).is_some_and(|(_, checksum, _)| expected.get(*name).is_some_and(|expected| expected != checksum));
        let edited = applied.iter().filter(differs);
        let edited = edited.map(|name| Edited { name: name.clone(), applied_sql: of(name).map(|(.., sql)| sql.clone()).unwrap_or_default() }).collect();
        Ok(Self { applied, pending, edited, missing, out_of_order, unrecorded, owner, has_marker })
    }

    /// The first of what must be cleared up before anything is applied.
    pub fn problem(&self) -> Option<Problem> {
        if !self.missing.is_empty() {
            Some(Problem::Missing)
        } else if !self.edited.is_empty() {
            Some(Problem::Edited)
        } else if !self.out_of_order.is_empty() {
            Some(Problem::OutOfOrder)
        } else if self.applied.is_empty() && self.has_marker {
            Some(Problem::MadeByHand)
        } else {
            None
        }
    }
}

/// Without a schema that it may use, a role sees no table, and every database would look empty to it. One that is not there yet
/// is another matter: a deploy makes it.
async fn refuse_no_schema(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = "SELECT current_schema() IS NULL AND EXISTS (SELECT FROM pg_namespace n, unnest(string_to_array(current_setting('search_path'), ',')) AS part \
               WHERE n.nspname = trim(both ' \"' FROM part)) AS shut";
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let is_shut = row.map(|row| row.try_get::<bool>("", "shut")).transpose()?.unwrap_or(false);
    if is_shut { Err(DbErr::Custom(NO_SCHEMA.into())) } else { Ok(()) }
}

/// Whether a table is there, also one that this role may not read: Postgres' information_schema hides those, and a database
/// would look empty to whoever lacks the rights.
pub async fn exists(connection: &impl ConnectionTrait, table: &str) -> Result<bool, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT 1 AS found FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname = $1 AND c.relkind IN ('r', 'p')"
        }
        _ => "SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = ?",
    };
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [table.into()]);
    Ok(connection.query_one_raw(statement).await?.is_some())
}

async fn rows(connection: &impl ConnectionTrait, table: &str, columns: &str, order: &str) -> Result<Vec<QueryResult>, DbErr> {
    if !exists(connection, table).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {columns} FROM {table} ORDER BY {order}");
    connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await
}

/// One column of a table, sorted; nothing where the table is not there.
async fn texts(connection: &impl ConnectionTrait, table: &str, column: &str) -> Result<Vec<String>, DbErr> {
    rows(connection, table, column, column).await?.iter().map(|row| row.try_get("", column)).collect()
}

/// Name, checksum and SQL of what was applied.
async fn recorded(connection: &impl ConnectionTrait) -> Result<Vec<(String, String, String)>, DbErr> {
    let rows = rows(connection, CHECKSUMS, "version, checksum, sql", "version").await?;
    rows.iter().map(|row| Ok((row.try_get("", "version")?, row.try_get("", "checksum")?, row.try_get("", "sql")?))).collect()
}
