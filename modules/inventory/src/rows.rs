//! Many rows in one parameter.
//!
//! A statement over any number of lines must be one text (it is prepared once) and one round trip. So lines travel as one JSON
//! parameter and become a relation inside the statement: `jsonb_array_elements` on Postgres, `json_each` on SQLite.

use kernel::Instant;

use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, ExecResult, FromQueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

use crate::names::LocationRef;

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

/// Statements none of which sees what another does, to be sent together: on Postgres as the parts of one statement, in one round trip; on
/// SQLite one after another. No two of them may change the same row.
pub struct Batch {
    backend: DatabaseBackend,
    parts: Vec<(String, Vec<sea_orm::Value>)>,
}

impl Batch {
    pub fn new(connection: &impl ConnectionTrait) -> Self {
        Self { backend: connection.get_database_backend(), parts: Vec::new() }
    }

    pub fn backend(&self) -> DatabaseBackend {
        self.backend
    }

    /// Adds a statement that changes rows and returns none.
    pub fn add(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = sea_orm::Value>) {
        self.parts.push((sql.into(), values.into_iter().collect()));
    }

    /// Adds the rows to be inserted into a table whose columns are those of the relation, if there are any.
    pub fn insert(&mut self, table: &str, relation: Relation, rows: Vec<Value>) {
        if !rows.is_empty() {
            let sql = format!("INSERT INTO {table} ({}) {}", relation.names(), relation.select(self.backend, 1));
            self.add(sql, [parameter(rows)]);
        }
    }

    pub async fn send(mut self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        if self.backend == DatabaseBackend::Sqlite {
            return self.send_each(connection).await;
        }
        let Some((last, last_values)) = self.parts.pop() else { return Ok(()) };
        let (sql, values) = self.merged(last, last_values, "");
        execute(connection, &sql, values).await.map(|_| ())
    }

    /// Sends them and, after them, one more that answers a row. It is given a condition, to be added to its own, by which Postgres does it last.
    pub async fn send_before<M: FromQueryResult>(
        self,
        connection: &impl ConnectionTrait,
        last: impl FnOnce(&str) -> String,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Result<Option<M>, DbErr> {
        if self.backend == DatabaseBackend::Sqlite {
            self.send_each(connection).await?;
            return one(connection, &last(""), values).await;
        }
        // Of parts that nothing refers to Postgres only says that they are done, not when.
        let after: Vec<_> = (1..=self.parts.len()).map(|part| format!(" AND (SELECT COUNT(*) FROM part{part}) >= 0")).collect();
        let (sql, values) = self.merged(last(&after.concat()), values.into_iter().collect(), " RETURNING 1");
        one(connection, &sql, values).await
    }

    async fn send_each(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        for (sql, values) in self.parts {
            execute(connection, &sql, values).await?;
        }
        Ok(())
    }

    /// The parts in front of the last statement, whose placeholders keep their numbers.
    fn merged(self, last: String, mut values: Vec<sea_orm::Value>, returning: &str) -> (String, Vec<sea_orm::Value>) {
        let mut parts = Vec::new();
        for (number, (sql, part)) in (1..).zip(self.parts) {
            parts.push(format!("part{number} AS ({}{returning})", renumbered(&sql, values.len())));
            values.extend(part);
        }
        if parts.is_empty() { (last, values) } else { (format!("WITH {} {last}", parts.join(", ")), values) }
    }
}

/// The same SQL with `by` added to the number of each placeholder.
fn renumbered(sql: &str, by: usize) -> String {
    let mut parts = sql.split('$');
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        renumbered.push('$');
        renumbered.push_str(&number.parse::<usize>().map_or_else(|_| number.to_owned(), |number| (number + by).to_string()));
        renumbered.push_str(rest);
    }
    renumbered
}

/// The WHERE of a statement that is put together from the filters of a request.
pub struct Filter {
    sql: String,
    values: Vec<sea_orm::Value>,
}

impl Filter {
    /// Every statement takes the tenant first.
    pub fn tenant(column: &str, tenant: Uuid) -> Self {
        Self { sql: format!("WHERE {column} = $1"), values: vec![tenant.into()] }
    }

    /// Binds a value and answers its placeholder.
    pub fn bind(&mut self, value: impl Into<sea_orm::Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds a condition; `?` in it stands for the value.
    pub fn and(&mut self, condition: &str, value: impl Into<sea_orm::Value>) {
        let placeholder = self.bind(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &placeholder));
    }

    /// Adds a condition where there is a value.
    pub fn and_given(&mut self, condition: &str, value: Option<impl Into<sea_orm::Value>>) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Adds a condition without a value.
    pub fn and_plain(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Keeps the rows of the caller's sites.
    pub fn and_sites(&mut self, backend: DatabaseBackend, column: &str, sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            self.and_plain(&format!("{column} IN ({ids})"));
        }
    }

    /// Keeps the rows of which one of several columns is one of the caller's sites.
    pub fn and_any_site(&mut self, backend: DatabaseBackend, columns: &[&str], sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            let any: Vec<_> = columns.iter().map(|column| format!("{column} IN ({ids})")).collect();
            self.and_plain(&format!("({})", any.join(" OR ")));
        }
    }

    /// Keeps the rows whose lot came to one of the caller's sites, whether or not something of it is left there.
    pub fn and_lot_sites(&mut self, backend: DatabaseBackend, tenant: &str, lot: &str, sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            self.and_plain(&format!(
                "EXISTS (SELECT 1 FROM balance JOIN location AS place ON place.tenant_id = balance.tenant_id AND place.id = balance.location_id \
                 WHERE balance.tenant_id = {tenant} AND balance.lot_id = {lot} AND place.site_id IN ({ids}))"
            ));
        }
    }

    /// Keeps the rows whose joined `location` is the named one or lies below it.
    pub fn and_location(&mut self, named: Option<&LocationRef>) {
        match named {
            None => {}
            Some(LocationRef::Id { location_id }) => {
                let id = self.bind(*location_id);
                self.and_plain(&format!(
                    "EXISTS (SELECT 1 FROM location AS top WHERE top.tenant_id = location.tenant_id AND top.id = {id} \
                     AND (location.id = top.id OR substr(location.path, 1, length(top.path) + 1) = top.path || '/'))"
                ));
            }
            Some(LocationRef::Path { location }) => {
                let path = self.bind(location.as_str());
                self.and_plain(&format!("(location.path = {path} OR substr(location.path, 1, length({path}) + 1) = {path} || '/')"));
            }
        }
    }

    pub fn sql(&self) -> &str {
        &self.sql
    }

    pub fn into_values(self) -> Vec<sea_orm::Value> {
        self.values
    }
}
