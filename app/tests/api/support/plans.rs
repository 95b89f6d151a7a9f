//! How a statement is executed: the plan of an engine for it, whatever its parameters are.
//!
//! Postgres is asked for the generic plan of a prepared statement, which it takes when a connection has executed it often; with the
//! parameters of one request it would be another on another day. SQLite plans once, before it knows them.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, Statement, TransactionTrait as _};

use super::fresh;
use super::tables::texts;
use super::wire::Text;

/// The plan in lines, indented as it is nested; empty where there is nothing to plan.
pub async fn plan(database: &DatabaseConnection, text: &Text) -> Vec<String> {
    let verb = text.sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb.as_str()) {
        return Vec::new();
    }
    match database.get_database_backend() {
        DatabaseBackend::Sqlite => explain(database, &text.sql).await.unwrap_or_else(|error| panic!("{}: {error}", text.sql)),
        _ => generic(database, text).await,
    }
}

/// Whether SQLite understands a statement in this database.
pub async fn is_of(database: &DatabaseConnection, sql: &str) -> bool {
    explain(database, sql).await.is_ok()
}

async fn explain(database: &DatabaseConnection, sql: &str) -> Result<Vec<String>, sea_orm::DbErr> {
    let query = |sql: String| Statement::from_string(DatabaseBackend::Sqlite, sql);
    let txn = database.begin().await?;
    // A connection looks for another schema when it reads, which explaining is not; and a statement that it knows it does not plan again.
    txn.query_all_raw(query("SELECT name FROM sqlite_master LIMIT 1".to_owned())).await?;
    let rows = txn.query_all_raw(query(format!("EXPLAIN QUERY PLAN /* {} */ {sql}", fresh("plan")))).await;
    txn.rollback().await?;
    let rows = rows?;
    let mut depths = vec![(0_i64, 0_usize)];
    let mut lines = Vec::new();
    for row in rows {
        let (id, parent, detail): (i64, i64, String) = (row.try_get("", "id")?, row.try_get("", "parent")?, row.try_get("", "detail")?);
        let depth = depths.iter().rev().find(|(of, _)| *of == parent).map_or(0, |(_, depth)| *depth);
        depths.push((id, depth + 1));
        lines.push(format!("{}{detail}", "  ".repeat(depth)));
    }
    Ok(lines)
}

/// What Postgres plans with: its own defaults, whatever the server at hand is set to.
const SETTINGS: [&str; 6] = [
    "plan_cache_mode = force_generic_plan",
    "random_page_cost = 4",
    "seq_page_cost = 1",
    "effective_cache_size = '4GB'",
    "work_mem = '4MB'",
    "max_parallel_workers_per_gather = 2",
];

async fn generic(database: &DatabaseConnection, text: &Text) -> Vec<String> {
    // In a transaction, which is one connection, and forgets what was set for it.
    let txn = database.begin().await.expect("a transaction");
    let types = type_names(database, &text.types).await;
    let run = async |sql: String| txn.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    for setting in SETTINGS {
        run(format!("SET LOCAL {setting}")).await;
    }
    let list = |items: Vec<String>| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
    run(format!("PREPARE planned {} AS {}", list(types.clone()), text.sql)).await;
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE planned {}", list(types.iter().map(|_| "NULL".to_owned()).collect()));
    let rows = txn.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, explain)).await.unwrap_or_else(|error| panic!("{}: {error}", text.sql));
    run("DEALLOCATE planned".to_owned()).await;
    txn.rollback().await.expect("rolled back");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a line")).collect()
}

/// The types of parameters by the names that PREPARE takes; one that was left open stays so.
pub async fn type_names(database: &DatabaseConnection, types: &[u32]) -> Vec<String> {
    if types.is_empty() {
        return Vec::new();
    }
    let of = |number: &u32| format!("({number})");
    let sql = format!(
        "SELECT CASE number WHEN 0 THEN 'unknown' ELSE format_type(number::oid, NULL) END \
         FROM (SELECT column1 AS number, row_number() OVER () AS place FROM (VALUES {}) AS given) AS given ORDER BY place",
        types.iter().map(of).collect::<Vec<_>>().join(", ")
    );
    texts(database, &sql).await
}
