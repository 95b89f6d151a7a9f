//! All that a database holds: to compare it, and to put it back.
//!
//! Both go by the tables that there are, so that a new one is compared and put back without being named here.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Instant;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, Statement};
use serde_json::Value;

/// The rows of every table as JSON, sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contents(pub BTreeMap<String, Vec<String>>);

impl Contents {
    pub async fn of(database: &DatabaseConnection) -> Self {
        let backend = database.get_database_backend();
        let mut selects = Vec::new();
        for table in tables(database).await {
            let row = match backend {
                DatabaseBackend::Sqlite => {
                    let column =
                        r#"SELECT '''' || name || ''', CASE typeof("' || name || '") WHEN ''blob'' THEN hex("' || name || '") ELSE "' || name || '" END'"#;
                    let columns = texts(database, &format!("{column} FROM pragma_table_info('{table}')")).await;
                    format!("json_object({})", columns.join(", "))
                }
                _ => "row_to_json(each)::text".to_owned(),
            };
            selects.push(format!("SELECT '{table} ' || {row} AS row FROM \"{table}\" AS each"));
        }
        let mut contents = BTreeMap::<_, Vec<_>>::new();
        for row in texts(database, &selects.join(" UNION ALL ")).await {
            let (table, row) = row.split_once(' ').expect("a table and its row");
            contents.entry(table.to_owned()).or_default().push(row.to_owned());
        }
        for rows in contents.values_mut() {
            rows.sort();
        }
        Self(contents)
    }

    /// What differs, for a person: rows that only one of the two has.
    pub fn difference(&self, other: &Self) -> String {
        let mut lines = Vec::new();
        for table in self.0.keys().chain(other.0.keys()).collect::<BTreeSet<_>>() {
            let (ours, theirs) = (self.0.get(table).cloned().unwrap_or_default(), other.0.get(table).cloned().unwrap_or_default());
            for (sign, rows, others) in [('-', &ours, &theirs), ('+', &theirs, &ours)] {
                let mut left = others.clone();
                for row in rows {
                    match left.iter().position(|other| other == row) {
                        Some(at) => drop(left.remove(at)),
                        None => lines.push(format!("{sign} {table} {row}")),
                    }
                }
            }
        }
        lines.join("\n")
    }

    /// The same with every identifier that `known` has not, and every hash, under one name: what was made at another time or in
    /// another order is made of the same rows otherwise.
    pub fn without_identity(&self, known: &Identifiers) -> Self {
        let erase = |(table, rows): (&String, &Vec<String>)| {
            let mut rows: Vec<_> = rows.iter().map(|row| known.erase_others(&serde_json::from_str(row).expect("a row")).to_string()).collect();
            rows.sort();
            (table.clone(), rows)
        };
        Self(self.0.iter().map(erase).collect())
    }

    pub fn identifiers(&self) -> Identifiers {
        let mut known = BTreeSet::new();
        for row in self.0.values().flatten() {
            words(row, |word| {
                if is_identifier(word) {
                    known.insert(word.to_ascii_lowercase());
                }
                None
            });
        }
        Identifiers { known, times_from: None }
    }
}

/// The identifiers that are known.
#[derive(Clone, Debug)]
pub struct Identifiers {
    known: BTreeSet<String>,
    /// From when on times are not known either.
    times_from: Option<Instant>,
}

impl Identifiers {
    /// The same where times from an instant on are as new as identifiers that are not known.
    pub fn and_times_before(self, at: Instant) -> Self {
        Self { times_from: Some(at), ..self }
    }

    fn is_new_time(&self, text: &str) -> bool {
        self.times_from.is_some_and(|from| Instant::parse(text).is_some_and(|at| at >= from))
    }

    /// A JSON value without the others and without hashes. What is a list there is a set here: lots are listed by their
    /// identifiers, which are drawn by lot. An answer that is kept as text is one of JSON, too.
    pub fn erase_others(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(inner @ Value::Object(_)) => self.erase_others(&inner),
                _ if self.is_new_time(text) => Value::String("LATER".to_owned()),
                _ => Value::String(self.erase_words(text)),
            },
            Value::Array(values) => {
                let mut values: Vec<_> = values.iter().map(|value| self.erase_others(value)).collect();
                values.sort_by_cached_key(ToString::to_string);
                Value::Array(values)
            }
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.erase_others(value))).collect(),
            other => other.clone(),
        }
    }

    fn erase_words(&self, text: &str) -> String {
        words(text, |word| match word {
            word if is_identifier(word) => (!self.known.contains(&word.to_ascii_lowercase())).then_some("NEW"),
            word if is_hash(word) => Some("HASH"),
            _ => None,
        })
    }
}

/// The text with some of its words replaced. What belongs to a hexadecimal number or an identifier is one word.
fn words(text: &str, mut replace: impl FnMut(&str) -> Option<&'static str>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let in_word = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
        let end = rest.find(|character| !in_word(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        result.push_str(replace(word).unwrap_or(word));
        let other = after.find(in_word).unwrap_or(after.len());
        result.push_str(&after[..other]);
        rest = &after[other..];
    }
    result
}

/// A UUID: with hyphens in JSON and on Postgres, 32 digits where SQLite has its bytes.
fn is_identifier(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_hexdigit).count();
    let hyphens = word.match_indices('-').map(|(at, _)| at).collect::<Vec<_>>();
    digits == 32 && (word.len() == 32 || (word.len() == 36 && hyphens == [8, 13, 18, 23]))
}

fn is_hash(word: &str) -> bool {
    word.len() == 64 && word.chars().all(|character| character.is_ascii_hexdigit())
}

/// A database as it was at a moment, which it can be put back to while the program runs on it. Nothing may be under way then.
pub struct Saved {
    database: DatabaseConnection,
    restore: String,
    pub contents: Contents,
}

impl Saved {
    /// `database` has every right. The copy is found under a name, and replaces the one that had it; on SQLite it lies in `folder`.
    pub async fn take(database: &DatabaseConnection, name: &str, folder: &std::path::Path) -> Self {
        let tables = tables(database).await;
        let restore = match database.get_database_backend() {
            DatabaseBackend::Sqlite => save_on_sqlite(database, &tables, &folder.join(format!("{name}.db"))).await,
            _ => save_on_postgres(database, &tables, name).await,
        };
        Self { database: database.clone(), restore, contents: Contents::of(database).await }
    }

    pub async fn put_back(&self) {
        run(&self.database, &self.restore).await;
    }
}

/// Triggers that keep the ledger as it is, and foreign keys, do not fire for a replica.
async fn save_on_postgres(database: &DatabaseConnection, tables: &[String], name: &str) -> String {
    let copies: Vec<_> = tables.iter().map(|table| format!("CREATE TABLE {name}.\"{table}\" AS TABLE public.\"{table}\"")).collect();
    run(database, &format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}; {}", copies.join("; "))).await;
    let back = |table: &String| format!("DELETE FROM public.\"{table}\"; INSERT INTO public.\"{table}\" SELECT * FROM {name}.\"{table}\"");
    let back: Vec<_> = tables.iter().map(back).collect();
    format!("BEGIN; SET LOCAL session_replication_role = replica; {}; COMMIT", back.join("; "))
}

/// SQLite's triggers fire for everybody: they are taken away and made again, in the same transaction.
async fn save_on_sqlite(database: &DatabaseConnection, tables: &[String], file: &std::path::Path) -> String {
    // VACUUM INTO wants a file that is not there.
    let _ = std::fs::remove_file(file);
    run(database, &format!("VACUUM INTO '{}'", file.display())).await;
    let drop = texts(database, "SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_master WHERE type = 'trigger'").await;
    let make = texts(database, "SELECT sql FROM sqlite_master WHERE type = 'trigger'").await;
    let back = |table: &String| format!("DELETE FROM main.\"{table}\"; INSERT INTO main.\"{table}\" SELECT * FROM saved.\"{table}\"");
    let back: Vec<_> = tables.iter().map(back).collect();
    let all = [drop, back, make].concat().join("; ");
    format!(
        "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; ATTACH '{}' AS saved; BEGIN IMMEDIATE; {all}; COMMIT; DETACH saved; PRAGMA foreign_keys = ON",
        file.display()
    )
}

pub async fn tables(database: &DatabaseConnection) -> Vec<String> {
    let sql = match database.get_database_backend() {
        DatabaseBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name",
        _ => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
    };
    texts(database, sql).await
}

/// The first column of a query, as text.
pub async fn texts(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}"))).collect()
}

pub async fn run(database: &DatabaseConnection, sql: &str) {
    database.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
