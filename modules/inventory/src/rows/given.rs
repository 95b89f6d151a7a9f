//! Rows that a statement is given, in one JSON parameter.

use kernel::Instant;
use sea_orm::DatabaseBackend;
use serde_json::Value;
use uuid::Uuid;

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
        let source = match backend {
            DatabaseBackend::Sqlite => format!("json_each(${parameter})"),
            _ => format!("jsonb_array_elements(${parameter}::jsonb) AS given(value)"),
        };
        format!("SELECT {} FROM {source}", self.columns(backend, "value"))
    }

    /// The columns of one row, which is an array.
    fn columns(self, backend: DatabaseBackend, row: &str) -> String {
        let column = |(index, (name, kind)): (usize, &(&str, Kind))| format!("{} AS {name}", column(backend, row, index, *kind));
        self.0.iter().enumerate().map(column).collect::<Vec<_>>().join(", ")
    }

    /// The same, each of which is to be looked up by an index. Postgres takes a hundred rows for what a function answers, and would rather read
    /// all that a tenant has than look up so many; of a condition that it knows nothing about it takes one in two hundred to hold. All rows
    /// are arrays.
    fn each(self, backend: DatabaseBackend, parameter: usize) -> String {
        let select = self.select(backend, parameter);
        if backend == DatabaseBackend::Sqlite { select } else { format!("{select} WHERE jsonb_typeof(value) = 'array'") }
    }

    /// The same with the tenant, another parameter, in each row: for an UPDATE from given rows. SQLite must not see that it is the same in all of
    /// them: it would go from the table's rows of the tenant to those that are given.
    fn of_tenant(self, backend: DatabaseBackend, tenant: usize, parameter: usize) -> String {
        let tenant = match backend {
            DatabaseBackend::Sqlite => format!("COALESCE(${tenant}, value)"),
            _ => format!("${tenant}::uuid"),
        };
        self.each(backend, parameter).replacen("SELECT ", &format!("SELECT {tenant} AS tenant_id, "), 1)
    }

    /// Given rows, for a statement that is often run with one.
    pub fn rows(self, backend: DatabaseBackend, rows: Vec<Value>) -> Rows {
        Rows { relation: self, backend, rows }
    }

    /// The names of the columns, for an INSERT.
    pub fn names(self) -> String {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// Rows on their way into a statement. Whether they are one shows in its text: on Postgres one row is no function's answer, which would be put into a
/// table and scanned, but values out of the parameter, which the planner puts into the conditions (docs/decisions/0020).
#[derive(Clone, Debug)]
pub struct Rows {
    relation: Relation,
    backend: DatabaseBackend,
    rows: Vec<Value>,
}

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As [`Relation::select`].
    pub fn select(&self, parameter: usize) -> String {
        if !self.is_only_one() {
            return self.relation.select(self.backend, parameter);
        }
        format!("SELECT {}", self.columns_of_only(parameter))
    }

    /// As [`Relation::each`]. The planner does not see a value: of a rare one it would take a plan that knows it for cheaper than one that does not, and
    /// would make another each time (docs/decisions/0018).
    pub fn each(&self, parameter: usize) -> String {
        if !self.is_only_one() {
            return self.relation.each(self.backend, parameter);
        }
        let row = format!("${parameter}::jsonb");
        let hidden = |(index, (name, kind)): (usize, &(&str, Kind))| format!("(SELECT {}) AS {name}", column(self.backend, &row, index, *kind));
        format!("SELECT {}", self.relation.0.iter().enumerate().map(hidden).collect::<Vec<_>>().join(", "))
    }

    /// As [`Relation::of_tenant`].
    pub fn of_tenant(&self, tenant: usize, parameter: usize) -> String {
        if !self.is_only_one() {
            return self.relation.of_tenant(self.backend, tenant, parameter);
        }
        format!("SELECT ${tenant}::uuid AS tenant_id, {}", self.columns_of_only(parameter))
    }

    fn is_only_one(&self) -> bool {
        self.backend == DatabaseBackend::Postgres && self.rows.len() == 1
    }

    fn columns_of_only(&self, parameter: usize) -> String {
        self.relation.columns(self.backend, &format!("${parameter}::jsonb"))
    }
}

impl From<Rows> for sea_orm::Value {
    fn from(mut rows: Rows) -> Self {
        if rows.is_only_one() { rows.rows.pop().unwrap_or_default().into() } else { parameter(rows.rows) }
    }
}

fn column(backend: DatabaseBackend, source: &str, index: usize, kind: Kind) -> String {
    if backend == DatabaseBackend::Sqlite {
        let value = format!("({source}->>'$[{index}]')");
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
    format!("({source}->>{index})::{cast}")
}

/// The given rows as a parameter: to Postgres as `jsonb`, since of a text each column of one row would read that anew; to SQLite as text.
pub fn parameter(rows: Vec<Value>) -> sea_orm::Value {
    Value::Array(rows).into()
}
