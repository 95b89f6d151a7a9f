//! Many rows in one parameter.
//!
//! A statement over any number of lines must be one text (it is prepared once) and one round trip. So lines travel as one JSON
//! parameter and become a relation inside the statement: `jsonb_array_elements` on Postgres, `json_each` on SQLite.

mod filter;
mod together;

use kernel::Instant;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, ExecResult, FromQueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

pub use filter::Filter;
pub use together::{Asked, Batch, Reads, Told};

/// The type of a column of given rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Int,
    Text,
    Date,
    Instant,
    Bool,
}

/// One value of a given row.
pub trait Given {
    fn given(&self, backend: DatabaseBackend) -> Value;
}

impl Given for Uuid {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::String(self.simple().to_string())
    }
}
impl Given for i64 {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::from(*self)
    }
}
impl Given for bool {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::Bool(*self)
    }
}
impl Given for &str {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::String((*self).to_owned())
    }
}
impl Given for String {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::String(self.clone())
    }
}
impl Given for chrono::NaiveDate {
    fn given(&self, _: DatabaseBackend) -> Value {
        Value::String(self.to_string())
    }
}
impl Given for Instant {
    fn given(&self, backend: DatabaseBackend) -> Value {
        Value::String(if backend == DatabaseBackend::Sqlite { self.sqlite_text() } else { self.to_string() })
    }
}
impl<T: Given> Given for Option<T> {
    fn given(&self, backend: DatabaseBackend) -> Value {
        self.as_ref().map_or(Value::Null, |value| value.given(backend))
    }
}

/// Builds one row of [`Given`] values.
macro_rules! given_row {
    ($backend:expr, $($value:expr),+ $(,)?) => { serde_json::Value::Array(vec![$($crate::rows::Given::given(&$value, $backend)),+]) };
}
pub(crate) use given_row;

/// The columns of a relation of given rows.
#[derive(Clone, Copy, Debug)]
pub struct Relation(pub &'static [(&'static str, Kind)]);

impl Relation {
    /// `SELECT … AS item_id, … FROM …($parameter)`: the given rows as a relation.
    pub fn select(self, backend: DatabaseBackend, parameter: usize) -> String {
        let columns: Vec<_> = self.0.iter().enumerate().map(|(index, (name, kind))| format!("{} AS {name}", column(backend, index, *kind))).collect();
        let source = match backend {
            DatabaseBackend::Sqlite => format!("json_each(${parameter})"),
            _ => format!("jsonb_array_elements(${parameter}::jsonb) AS given(value)"),
        };
        format!("SELECT {} FROM {source}", columns.join(", "))
    }

    /// The same, each of which is to be looked up by an index. Postgres takes a hundred rows for what a function answers, and would rather read
    /// all that a tenant has than look up so many; of a condition that it knows nothing about it takes one in two hundred to hold. All rows
    /// are arrays.
    pub fn each(self, backend: DatabaseBackend, parameter: usize) -> String {
        let select = self.select(backend, parameter);
        if backend == DatabaseBackend::Sqlite { select } else { format!("{select} WHERE jsonb_typeof(value) = 'array'") }
    }

    /// The same with the tenant, another parameter, in each row: for an UPDATE from given rows. SQLite must not see that it is the same in all of
    /// them: it would go from the table's rows of the tenant to those that are given.
    pub fn of_tenant(self, backend: DatabaseBackend, tenant: usize, parameter: usize) -> String {
        let tenant = match backend {
            DatabaseBackend::Sqlite => format!("COALESCE(${tenant}, value)"),
            _ => format!("${tenant}::uuid"),
        };
        self.each(backend, parameter).replacen("SELECT ", &format!("SELECT {tenant} AS tenant_id, "), 1)
    }

    /// The names of the columns, for an INSERT.
    pub fn names(self) -> String {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

fn column(backend: DatabaseBackend, index: usize, kind: Kind) -> String {
    if backend == DatabaseBackend::Sqlite {
        let value = format!("(value->>'$[{index}]')");
        return if kind == Kind::Uuid { format!("unhex{value}") } else { value };
    }
    let cast = match kind {
        Kind::Uuid => "uuid",
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Date => "date",
        Kind::Instant => "timestamptz",
        Kind::Bool => "boolean",
    };
    format!("(value->>{index})::{cast}")
}

/// The sum of a column in two parts, whole units and millionths, as `{name}_units` and `{name}_millionths`: a sum of millionths alone may not
/// fit 64 bits, and SQLite has no wider ones.
pub fn sum_in_parts(column: &str, name: &str) -> String {
    let sum = |part: &str| format!("CAST(SUM({column} {part} 1000000) AS BIGINT)");
    format!("{} AS {name}_units, {} AS {name}_millionths", sum("/"), sum("%"))
}

/// The given rows as a parameter.
pub fn parameter(rows: Vec<Value>) -> sea_orm::Value {
    Value::Array(rows).to_string().into()
}

/// Runs one statement.
pub async fn execute(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Result<ExecResult, DbErr> {
    connection.execute_raw(Statement::from_sql_and_values(connection.get_database_backend(), sql, values)).await
}

/// Reads all rows of one statement.
pub async fn all<M: FromQueryResult>(connection: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Result<Vec<M>, DbErr> {
    M::find_by_statement(Statement::from_sql_and_values(connection.get_database_backend(), sql, values)).all(connection).await
}

/// Reads one row of one statement.
pub async fn one<M: FromQueryResult>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<Option<M>, DbErr> {
    M::find_by_statement(Statement::from_sql_and_values(connection.get_database_backend(), sql, values)).one(connection).await
}

/// Inserts the given rows into a table whose columns are those of the relation.
pub async fn insert(connection: &impl ConnectionTrait, table: &str, relation: Relation, rows: Vec<Value>) -> Result<(), DbErr> {
    let mut batch = Batch::new(connection);
    batch.insert(table, relation, rows);
    batch.send(connection).await
}
