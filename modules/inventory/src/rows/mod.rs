//! Many rows in one parameter.
//!
//! A statement over any number of lines must be one text (it is prepared once) and one round trip. So lines travel as one JSON
//! parameter and become a relation inside the statement: `jsonb_array_elements` on Postgres, `json_each` on SQLite. What a posting
//! runs has a second text for one row ([`Rows`]).

mod filter;
mod given;
mod together;

use sea_orm::{ConnectionTrait, DbErr, ExecResult, FromQueryResult, Statement};
use serde_json::Value;

pub use filter::Filter;
pub(crate) use given::given_row;
pub use given::{Given, Kind, Relation, Rows, parameter};
pub use together::{Asked, Batch, Reads, Told};

/// The sum of a column in two parts, whole units and millionths, as `{name}_units` and `{name}_millionths`: a sum of millionths alone may not
/// fit 64 bits, and SQLite has no wider ones.
pub fn sum_in_parts(column: &str, name: &str) -> String {
    let sum = |part: &str| format!("CAST(SUM({column} {part} 1000000) AS BIGINT)");
    format!("{} AS {name}_units, {} AS {name}_millionths", sum("/"), sum("%"))
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
