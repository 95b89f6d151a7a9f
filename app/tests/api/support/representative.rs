//! Rows enough for plans to be those of a real database: some tenants with thousands of movements.
//!
//! They are made by the columns that the catalogue tells of, so that a new table is filled without being named here: identifiers that
//! refer to rows that there are, times one after the other, names that differ. What they say together makes no sense, and need not:
//! nobody reads them but the planner. They are the same ones every time, or plans would not be.

use std::collections::BTreeMap;

use sea_orm::{DatabaseBackend, DatabaseConnection};

use super::tables::{run, texts};

/// How many tenants there are beside the test's own: more than the planner would go through a table for.
const TENANTS: usize = 20;
/// Of each tenant.
const ROWS: &[(&str, usize)] = &[
    ("balance", 2_500),
    ("checkpoint", 500),
    ("document", 1_000),
    ("document_detail", 1_000),
    ("idempotency", 500),
    ("item", 150),
    ("ledger_entry", 5_000),
    ("ledger_head", 1),
    ("location", 10),
    ("lot", 2_500),
    ("period", 12),
    ("reason", 10),
    ("stock_count", 20),
    ("stock_key", 1_000),
    ("tenant_settings", 1),
    ("unit", 10),
    // Of auth. What is unique in the whole installation, such as an address, is there as often as this says, not for each tenant.
    ("api_key", 500),
    ("audit_event", 2_000),
    ("device", 2_000),
    ("notice", 500),
    ("one_time_token", 2_000),
    ("session", 2_000),
    ("throttle", 5_000),
    ("user", 5_000),
];
/// Of every other table.
const OTHERS: usize = 150;

fn rows(table: &str) -> usize {
    ROWS.iter().find(|(name, _)| *name == table).map_or(OTHERS, |(_, rows)| *rows)
}

/// Whether a table grows with every posting, and has rows here that nobody would go through.
pub fn is_large(table: &str) -> bool {
    rows(table) >= 500
}

struct Column {
    name: String,
    kind: String,
    is_nullable: bool,
}

/// Fills some of the tables that belong to tenants, on Postgres instead of what they have, and looks at what is in them as the engines do by themselves: Postgres by autovacuum,
/// SQLite never.
pub async fn fill(database: &DatabaseConnection, tables: &[String], filled: &[&str]) {
    let backend = database.get_database_backend();
    let (without_keys, with_keys) = match backend {
        DatabaseBackend::Sqlite => ("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF", "PRAGMA foreign_keys = ON"),
        _ => ("SET LOCAL session_replication_role = replica", "SELECT 1"),
    };
    // One script, and so one connection and one transaction.
    let mut script = vec!["BEGIN".to_owned(), without_keys.to_owned()];
    if backend == DatabaseBackend::Sqlite {
        script.swap(0, 1);
    }
    if backend == DatabaseBackend::Postgres {
        // What was there before left its traces in the size of tables. And nobody else looks at them while the test goes on.
        let quoted = |table: &String| format!("\"{table}\"");
        script.push(format!("TRUNCATE {}", tables.iter().map(quoted).collect::<Vec<_>>().join(", ")));
        script.extend(tables.iter().map(|table| format!("ALTER TABLE \"{table}\" SET (autovacuum_enabled = false)")));
    }
    for table in filled {
        let (columns, references) = (columns(database, table).await, references(database, table).await);
        script.push(insert(backend, tables, table, &columns, &references));
    }
    script.push("COMMIT".to_owned());
    script.push(with_keys.to_owned());
    if backend == DatabaseBackend::Postgres {
        // All rows are looked at, where the usual target is a sample that is another one each time.
        script.push("SET default_statistics_target = 1000; ANALYZE; RESET default_statistics_target".to_owned());
    }
    run(database, &script.join(";\n")).await;
}

async fn columns(database: &DatabaseConnection, table: &str) -> Vec<Column> {
    let sql = match database.get_database_backend() {
        DatabaseBackend::Sqlite => format!("SELECT name || '|' || type || '|' || (\"notnull\" = 0) FROM pragma_table_info('{table}') ORDER BY cid"),
        _ => format!(
            "SELECT column_name || '|' || data_type || '|' || (is_nullable = 'YES')::int FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        ),
    };
    let column = |line: String| {
        let [name, kind, is_nullable] = line.split('|').collect::<Vec<_>>()[..] else { panic!("three fields: {line}") };
        Column { name: name.to_owned(), kind: kind.to_ascii_lowercase(), is_nullable: is_nullable == "1" }
    };
    texts(database, &sql).await.into_iter().map(column).collect()
}

/// The table that a column refers to.
async fn references(database: &DatabaseConnection, table: &str) -> BTreeMap<String, String> {
    let sql = match database.get_database_backend() {
        DatabaseBackend::Sqlite => format!("SELECT \"from\" || '|' || \"table\" FROM pragma_foreign_key_list('{table}') WHERE \"from\" <> 'tenant_id'"),
        _ => format!(
            "SELECT attname || '|' || confrelid::regclass FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) \
             WHERE contype = 'f' AND conrelid = 'public.\"{table}\"'::regclass AND attname <> 'tenant_id'"
        ),
    };
    texts(database, &sql).await.into_iter().filter_map(|line| line.split_once('|').map(|(column, table)| (column.to_owned(), table.to_owned()))).collect()
}

/// The rows of one table: of tenant `t` from 1, `n` from 0.
fn insert(backend: DatabaseBackend, tables: &[String], table: &str, columns: &[Column], references: &BTreeMap<String, String>) -> String {
    let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let values: Vec<_> = columns.iter().map(|column| value(backend, tables, table, column, references.get(&column.name))).collect();
    let numbers = |first: usize, last: usize, name: &str| match backend {
        DatabaseBackend::Sqlite => {
            format!(
                "(WITH RECURSIVE number({name}) AS (SELECT {first} UNION ALL SELECT {name} + 1 FROM number WHERE {name} < {last}) SELECT {name} FROM number)"
            )
        }
        _ => format!("(SELECT generate_series({first}::bigint, {last}) AS {name})"),
    };
    let (tenants, numbers) = (numbers(1, TENANTS, "t"), numbers(0, rows(table) - 1, "n"));
    // Some collide with a unique index: they are fewer then.
    format!(
        "INSERT INTO \"{table}\" ({}) SELECT {} FROM {tenants} AS tenant CROSS JOIN {numbers} AS number WHERE true ORDER BY t, n ON CONFLICT DO NOTHING",
        names.join(", "),
        values.join(", ")
    )
}

fn value(backend: DatabaseBackend, tables: &[String], table: &str, column: &Column, target: Option<&String>) -> String {
    let is_sqlite = backend == DatabaseBackend::Sqlite;
    let kind = column.kind.as_str();
    let is_id = kind.contains("uuid");
    // The one that names like a table without referring to it: entries, balances and stock keys have no foreign keys.
    let named = column.name.strip_suffix("_id").filter(|name| tables.iter().any(|table| table == name)).map(str::to_owned);
    let target = target.cloned().or(named).unwrap_or_else(|| table.to_owned());
    let written = match column.name.as_str() {
        "tenant_id" => id(backend, tables, "", "0"),
        "id" => id(backend, tables, table, "n"),
        _ if is_id => id(backend, tables, &target, &which(table, &target)),
        "n" | "seq" | "number" | "position" | "last_seq" | "line_no" | "origin_seq" | "repetition" => "n + 1".to_owned(),
        // Nothing of them has come yet.
        "received" | "lost" | "cancelled" if kind.contains("int") => "0".to_owned(),
        "status" if !kind.contains("int") => "CASE n % 50 WHEN 0 THEN 'open' ELSE 'posted' END".to_owned(),
        "type" => "CASE n % 10 WHEN 0 THEN 'receipt' WHEN 1 THEN 'waste' WHEN 2 THEN 'count' WHEN 3 THEN 'adjustment' ELSE 'usage' END".to_owned(),
        // What auth has checks for.
        "role" if ["membership", "invite"].contains(&table) => "'viewer'".to_owned(),
        "purpose" if table == "one_time_token" => "'reset_password'".to_owned(),
        "kind" | "role" | "stage" | "dimension" | "date_kind" | "pick" | "basis" | "action" | "subject" => "'kind' || n % 7".to_owned(),
        "currency" => "'EUR'".to_owned(),
        "day_starts_at" => "'04:00'".to_owned(),
        _ if kind.contains("bool") => "false".to_owned(),
        _ if kind.contains("int") => "1 + n % 100".to_owned(),
        _ if kind.contains("timestamp") || kind.contains("datetime") => {
            if is_sqlite {
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', 1700000000 + n * 600, 'unixepoch')".to_owned()
            } else {
                "to_timestamp(1700000000 + n * 600)".to_owned()
            }
        }
        _ if kind.starts_with("date") => {
            if is_sqlite {
                "strftime('%Y-%m-%d', 1700000000 + n * 600, 'unixepoch')".to_owned()
            } else {
                "to_timestamp(1700000000 + n * 600)::date".to_owned()
            }
        }
        name => format!("'{}' || n", &name[..name.len().min(3)]),
    };
    // What may be left out mostly is.
    let is_always_there = !column.is_nullable || ["lot_id", "position"].contains(&column.name.as_str()) || kind.starts_with("date");
    if is_always_there { written } else { format!("CASE n % 5 WHEN 0 THEN {written} END") }
}

/// Which row of another table a row refers to: of an item in all areas one after the other.
fn which(table: &str, target: &str) -> String {
    let rows = rows(target);
    match target {
        "location" => format!("(n / {}) % {rows}", self::rows("item")),
        "document" if table == "document_detail" => "n".to_owned(),
        "document" => format!("(n / 2) % {rows}"),
        _ => format!("n % {rows}"),
    }
}

/// The identifier of a row, as the engine stores it.
fn id(backend: DatabaseBackend, tables: &[String], table: &str, n: &str) -> String {
    let place = tables.iter().position(|name| name == table).map_or(0, |place| place + 1);
    // On both sides of the test's own tenant, whose identifiers are of today.
    let begins = format!("{} + t + CASE t % 2 WHEN 0 THEN {} ELSE 0 END", place * 256, 0xf000_0000_u32);
    match backend {
        DatabaseBackend::Sqlite => format!("unhex(printf('%08x%024x', {begins}, {n}))"),
        _ => format!("(lpad(to_hex({begins}), 8, '0') || lpad(to_hex(({n})::bigint), 24, '0'))::uuid"),
    }
}
