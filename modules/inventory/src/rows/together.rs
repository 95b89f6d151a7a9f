//! Statements that travel together, in one round trip.
//!
//! Postgres takes them as the parts of one statement. SQLite, where a trip is one from thread to thread, takes them as a list.

use std::marker::PhantomData;

use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, FromQueryResult, QueryResult, Statement};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Relation, execute, one};

/// The texts of several statements, each with its values, and all of them under one numbering.
struct Parts {
    backend: DatabaseBackend,
    texts: Vec<String>,
    values: Vec<sea_orm::Value>,
}

impl Parts {
    fn new(connection: &impl ConnectionTrait) -> Self {
        Self { backend: connection.get_database_backend(), texts: Vec::new(), values: Vec::new() }
    }

    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) {
        self.texts.push(renumbered(sql, self.values.len()));
        self.values.extend(values);
    }
}

/// Writes none of which sees what another does. No two of them may change the same row.
pub struct Batch(Parts);

impl Batch {
    pub fn new(connection: &impl ConnectionTrait) -> Self {
        Self(Parts::new(connection))
    }

    pub fn backend(&self) -> DatabaseBackend {
        self.0.backend
    }

    /// Adds a statement that changes rows and returns none.
    pub fn add(&mut self, sql: impl AsRef<str>, values: impl IntoIterator<Item = sea_orm::Value>) {
        self.0.add(sql.as_ref(), values);
    }

    /// Adds the rows to be inserted into a table whose columns are those of the relation, if there are any.
    pub fn insert(&mut self, table: &str, relation: Relation, rows: Vec<Value>) {
        let rows = relation.rows(self.backend(), rows);
        if !rows.is_empty() {
            let sql = format!("INSERT INTO {table} ({}) {}", relation.names(), rows.select(1));
            self.add(sql, [rows.into()]);
        }
    }

    pub async fn send(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        let Parts { backend, mut texts, values } = self.0;
        let Some(last) = texts.pop() else { return Ok(()) };
        execute(connection, &before(backend, &texts, &last), values).await.map(|_| ())
    }

    /// Sends them and, after them, one more that answers a row: for SQLite.
    pub async fn send_before<M: FromQueryResult>(
        mut self,
        connection: &impl ConnectionTrait,
        last: &str,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Result<Option<M>, DbErr> {
        self.add(last, values);
        let Parts { backend, mut texts, values } = self.0;
        let last = texts.pop().unwrap_or_default();
        one(connection, &before(backend, &texts, &last), values).await
    }

    /// Sends them, after them one that answers a row, and after that what reads this row under a name, all in one statement: for Postgres.
    /// The one in the middle is given a condition, to be added to its own, by which it comes after what is before it.
    pub async fn send_around<M: FromQueryResult>(
        mut self,
        connection: &impl ConnectionTrait,
        name: &str,
        middle: impl FnOnce(&str) -> String,
        values: impl IntoIterator<Item = sea_orm::Value>,
        after: Self,
    ) -> Result<Option<M>, DbErr> {
        // Of parts that nothing refers to Postgres only says that they are done, not when.
        let conditions: Vec<_> = (0..self.0.texts.len()).map(|part| format!(" AND (SELECT COUNT(*) FROM part{part}) >= 0")).collect();
        let mut parts: Vec<_> = self.0.texts.iter().enumerate().map(|(part, text)| format!("part{part} AS ({text} RETURNING 1)")).collect();
        let numbered = |sql: &str, values: &[sea_orm::Value]| renumbered(sql, values.len());
        parts.push(format!("{name} AS ({})", numbered(&middle(&conditions.concat()), &self.0.values)));
        self.0.values.extend(values);
        parts.extend(after.0.texts.iter().enumerate().map(|(part, text)| format!("after{part} AS ({})", numbered(text, &self.0.values))));
        self.0.values.extend(after.0.values);
        one(connection, &format!("WITH {} SELECT * FROM {name}", parts.join(", ")), self.0.values).await
    }

    /// Sends them, each reading one row of these values under a name: for SQLite, after the row was answered.
    pub async fn send_after(
        self,
        connection: &impl ConnectionTrait,
        name: &str,
        row: impl IntoIterator<Item = (&'static str, sea_orm::Value)>,
    ) -> Result<(), DbErr> {
        let Parts { backend, texts, mut values } = self.0;
        let mut columns = Vec::new();
        for (column, value) in row {
            values.push(value);
            columns.push(format!("${} AS {column}", values.len()));
        }
        let with = |text: &String| format!("WITH {name} AS (SELECT {}) {text}", columns.join(", "));
        let texts: Vec<_> = texts.iter().map(with).collect();
        let Some((last, texts)) = texts.split_last() else { return Ok(()) };
        execute(connection, &before(backend, texts, last), values).await.map(|_| ())
    }
}

/// The statements in front of the last one.
fn before(backend: DatabaseBackend, texts: &[String], last: &str) -> String {
    if texts.is_empty() {
        return last.to_owned();
    }
    if backend == DatabaseBackend::Sqlite {
        return format!("{};\n{last}", texts.join(";\n"));
    }
    let parts: Vec<_> = (1..).zip(texts).map(|(part, text)| format!("part{part} AS ({text})")).collect();
    format!("WITH {} {last}", parts.join(", "))
}

/// Reads that need nothing of each other, all of one moment; one that locks answers what it locked as it is after its wait. Their order of rows is lost.
pub struct Reads {
    parts: Parts,
    /// A SELECT of a row where what is to be claimed was had; it is asked first.
    claim: Option<String>,
}

/// Which rows of what was read together answer a question.
pub struct Asked<M> {
    part: usize,
    rows: PhantomData<fn() -> M>,
}

/// What was read together.
pub struct Told {
    parts: Vec<Vec<Row>>,
    is_claimed: bool,
}

enum Row {
    Native(QueryResult),
    /// Postgres gives rows of several shapes as JSON.
    Json(String),
}

impl Reads {
    pub fn new(connection: &impl ConnectionTrait) -> Self {
        Self { parts: Parts::new(connection), claim: None }
    }

    /// Those that come after a condition, by which something is claimed: [`Told::is_claimed`] tells whether it held.
    pub fn claiming(connection: &impl ConnectionTrait, condition: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Self {
        let mut reads = Self::new(connection);
        reads.parts.values.extend(values);
        reads.claim = Some(format!("SELECT -1 AS part WHERE {condition}"));
        reads
    }

    pub fn backend(&self) -> DatabaseBackend {
        self.parts.backend
    }

    /// The condition of a read that locks: it comes after the claim, where there is one, and locks nothing where that is not had. For Postgres.
    pub fn after_claim(&self) -> &'static str {
        if self.claim.is_some() { " AND (SELECT COUNT(*) FROM claimed) = 1" } else { "" }
    }

    /// Adds a SELECT.
    pub fn add<M: FromQueryResult + DeserializeOwned>(&mut self, sql: impl AsRef<str>, values: impl IntoIterator<Item = sea_orm::Value>) -> Asked<M> {
        self.parts.add(sql.as_ref(), values);
        Asked { part: self.parts.texts.len() - 1, rows: PhantomData }
    }

    pub async fn send(self, connection: &impl ConnectionTrait) -> Result<Told, DbErr> {
        let Parts { backend, texts, values } = self.parts;
        if texts.is_empty() && self.claim.is_none() {
            return Ok(Told { parts: Vec::new(), is_claimed: false });
        }
        let (row, between) = if backend == DatabaseBackend::Sqlite { ("told.*", ";\n") } else { ("row_to_json(told)::text AS told", " UNION ALL ") };
        let mut selects: Vec<_> = texts.iter().enumerate().map(|(part, text)| format!("SELECT {part} AS part, {row} FROM ({text}) AS told")).collect();
        let mut with = String::new();
        match self.claim {
            Some(claim) if backend == DatabaseBackend::Sqlite || selects.is_empty() => selects.insert(0, claim),
            Some(claim) => {
                with = format!("WITH claimed AS MATERIALIZED ({claim}) ");
                // First, so that what is read is not older than the claim by the time that reading it takes.
                selects.insert(0, "SELECT part, NULL::text AS told FROM claimed".to_owned());
            }
            None => {}
        }
        let sql = format!("{with}{}", selects.join(between));
        let (mut told, mut is_claimed): (Vec<_>, _) = (texts.iter().map(|_| Vec::new()).collect(), false);
        for row in connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
            let part = row.try_get::<i32>("", "part")?;
            if part < 0 {
                is_claimed = true;
                continue;
            }
            let of = usize::try_from(part).ok().and_then(|part| told.get_mut(part)).ok_or_else(|| DbErr::Type(format!("a row of the part {part}")))?;
            of.push(if backend == DatabaseBackend::Sqlite { Row::Native(row) } else { Row::Json(row.try_get("", "told")?) });
        }
        Ok(Told { parts: told, is_claimed })
    }
}

impl Told {
    /// Whether what was to be claimed is.
    pub fn is_claimed(&self) -> bool {
        self.is_claimed
    }

    /// The rows that were asked for.
    pub fn rows<M: FromQueryResult + DeserializeOwned>(&mut self, asked: Asked<M>) -> Result<Vec<M>, DbErr> {
        let read = |row: Row| match row {
            Row::Native(row) => M::from_query_result(&row, ""),
            Row::Json(text) => serde_json::from_str(&text).map_err(|error| DbErr::Json(error.to_string())),
        };
        self.parts.get_mut(asked.part).map(std::mem::take).unwrap_or_default().into_iter().map(read).collect()
    }
}

/// The same SQL with `by` added to the number of each placeholder.
fn renumbered(sql: &str, by: usize) -> String {
    if by == 0 {
        return sql.to_owned();
    }
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
