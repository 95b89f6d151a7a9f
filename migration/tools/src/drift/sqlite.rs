//! A SQLite schema: what the pragmas tell, and from the text of the statements what they do not.

use std::collections::BTreeMap;

use migration_history::Recording;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, QueryResult, Statement};

use super::{Kind, Thing, run};
use crate::words::{Word, group, items, text, words};

/// What SQLite itself keeps is no part of the schema.
const OURS: &str = "t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Reads the live schema, and the expected one from a database in memory.
pub async fn live_and_expected(connection: &impl ConnectionTrait, recording: &Recording) -> Result<(Vec<Thing>, Vec<Thing>), DbErr> {
    let live = things(connection).await?;
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.sqlx_logging(false).max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    #[expect(clippy::disallowed_methods, reason = "a database in memory that nobody else has")]
    let memory = Database::connect(options).await?;
    run(&memory, recording).await?;
    Ok((live, things(&memory).await?))
}

async fn things(connection: &impl ConnectionTrait) -> Result<Vec<Thing>, DbErr> {
    let texts = Texts::read(connection).await?;
    let mut found = tables(connection, &texts).await?;
    found.extend(views_and_triggers(connection).await?);
    found.extend(columns(connection, &texts).await?);
    found.extend(foreign_keys(connection).await?);
    found.extend(indexes(connection).await?);
    found.extend(texts.0.iter().flat_map(|(table, described)| described.checks(table)));
    Ok(found)
}

async fn rows(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await
}

/// The texts by which tables were made.
struct Texts(BTreeMap<String, Described>);

/// The words of one CREATE TABLE.
struct Described {
    columns: BTreeMap<String, Vec<Word>>,
    constraints: Vec<Vec<Word>>,
}

impl Texts {
    async fn read(connection: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let mut texts = BTreeMap::new();
        for row in rows(connection, &format!("SELECT t.name, t.sql FROM sqlite_schema t WHERE t.type = 'table' AND {OURS}")).await? {
            texts.insert(row.try_get("", "name")?, Described::of(&row.try_get::<String>("", "sql")?));
        }
        Ok(Self(texts))
    }
}

impl Described {
    fn of(sql: &str) -> Self {
        let all = words(sql);
        let list = all.iter().position(|word| word.is_sign("(")).and_then(|at| group(all.get(at..)?)).map_or(&[] as &[_], |(list, _)| list);
        let (mut columns, mut constraints) = (BTreeMap::new(), Vec::new());
        for item in items(list) {
            match item.split_first() {
                Some((first, rest)) if !["constraint", "primary", "unique", "check", "foreign"].iter().any(|keyword| first.is(keyword)) => {
                    columns.insert(first.text().to_owned(), rest.to_vec());
                }
                _ => constraints.push(item.to_vec()),
            }
        }
        Self { columns, constraints }
    }

    fn clauses(&self) -> impl Iterator<Item = &Vec<Word>> {
        self.columns.values().chain(&self.constraints)
    }

    fn checks(&self, table: &str) -> Vec<Thing> {
        let found = self.clauses().flat_map(|clause| checks(clause)).map(|(name, condition)| {
            let name = name.unwrap_or_else(|| format!("({condition})"));
            Thing { kind: Kind::Check, table: Some(table.to_owned()), name, position: 0, properties: vec![condition] }
        });
        found.collect()
    }

    /// What no pragma tells of keys: what happens on a conflict, when references are checked, how numbers are given.
    fn manners(&self) -> String {
        let mut found: Vec<String> = Vec::new();
        for clause in self.clauses() {
            for (at, word) in clause.iter().enumerate() {
                let next = |by: usize| clause.get(at + by);
                if word.is("conflict") {
                    found.extend(next(1).map(|how| format!("ON CONFLICT {}", how.text().to_uppercase())));
                } else if word.is("autoincrement") {
                    found.push("AUTOINCREMENT".into());
                } else if word.is("deferred") && at > 0 && clause.get(at - 1).is_some_and(|before| before.is("initially")) {
                    found.push("INITIALLY DEFERRED".into());
                }
            }
        }
        if found.is_empty() { "without special clauses".into() } else { format!("with {}", found.join(", ")) }
    }
}

/// The conditions of a column or constraint, with their names where they have one.
fn checks(clause: &[Word]) -> Vec<(Option<String>, String)> {
    let (mut found, mut name, mut rest) = (Vec::new(), None, clause);
    while let Some((word, after)) = rest.split_first() {
        if word.is("constraint") {
            name = after.first().map(|name| name.text().to_owned());
            rest = after.get(1..).unwrap_or_default();
        } else if let Some((condition, after)) = Some(after).filter(|_| word.is("check")).and_then(group) {
            found.push((name.take(), text(condition)));
            rest = after;
        } else {
            // A name is for what comes next to it.
            if ["unique", "primary", "foreign", "references", "not", "default", "collate"].iter().any(|other| word.is(other)) {
                name = None;
            }
            rest = group(rest).map_or(after, |(_, after)| after);
        }
    }
    found
}

/// What follows a keyword that stands outside of parentheses: its word, or its group.
fn after(clause: &[Word], keyword: &str) -> Option<String> {
    let mut rest = clause;
    while let Some((word, after)) = rest.split_first() {
        if word.is(keyword) {
            return group(after).map(|(inside, _)| text(inside)).or_else(|| after.first().map(|word| word.text().to_owned()));
        }
        rest = group(rest).map_or(after, |(_, after)| after);
    }
    None
}

async fn tables(connection: &impl ConnectionTrait, texts: &Texts) -> Result<Vec<Thing>, DbErr> {
    let sql = format!(
        "SELECT t.name, l.type, l.wr, l.strict FROM sqlite_schema t JOIN pragma_table_list(t.name) l ON l.schema = 'main' WHERE t.type = 'table' AND l.type <> 'shadow' AND {OURS}"
    );
    let found = rows(connection, &sql).await?;
    let table = |row: &QueryResult| {
        let name: String = row.try_get("", "name")?;
        let is = |column: &str| row.try_get::<i64>("", column).map(|number| number != 0);
        let properties = vec![
            format!("a {}", row.try_get::<String>("", "type")?),
            if is("strict")? { "STRICT" } else { "not STRICT" }.into(),
            if is("wr")? { "WITHOUT ROWID" } else { "with a rowid" }.into(),
            texts.0.get(&name).map(Described::manners).unwrap_or_default(),
        ];
        Ok(Thing { kind: Kind::Table, table: None, name, position: 0, properties })
    };
    found.iter().map(table).collect()
}

async fn views_and_triggers(connection: &impl ConnectionTrait) -> Result<Vec<Thing>, DbErr> {
    let found = rows(connection, "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')").await?;
    let thing = |row: &QueryResult| {
        let (name, of): (String, String) = (row.try_get("", "name")?, row.try_get("", "tbl_name")?);
        let is_trigger = row.try_get::<String>("", "type")? == "trigger";
        let all = words(&row.try_get::<String>("", "sql")?);
        // CREATE TRIGGER name …, CREATE VIEW name …
        let at = all.iter().position(|word| word.text() == name.to_lowercase()).map_or(0, |at| at + 1);
        let definition = text(all.get(at..).unwrap_or_default());
        let (kind, table) = if is_trigger { (Kind::Trigger, Some(of)) } else { (Kind::View, None) };
        Ok(Thing { kind, table, name, position: 0, properties: vec![definition] })
    };
    found.iter().map(thing).collect()
}

/// A type as it was declared, however it was written.
fn type_name(declared: &str) -> String {
    declared.split_whitespace().collect::<Vec<_>>().join(" ").replace(" (", "(").to_lowercase()
}

/// Columns, and the primary keys that they make.
async fn columns(connection: &impl ConnectionTrait, texts: &Texts) -> Result<Vec<Thing>, DbErr> {
    let sql = format!(
        "SELECT t.name AS of_table, x.cid, x.name, x.type, x.\"notnull\" AS required, x.dflt_value AS otherwise, x.pk \
         FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) x WHERE t.type = 'table' AND {OURS} ORDER BY t.name, x.cid"
    );
    let (mut found, mut keys) = (Vec::new(), BTreeMap::<String, BTreeMap<i64, String>>::new());
    for row in rows(connection, &sql).await? {
        let (table, name): (String, String) = (row.try_get("", "of_table")?, row.try_get("", "name")?);
        let place: i64 = row.try_get("", "pk")?;
        if place > 0 {
            keys.entry(table.clone()).or_default().insert(place, name.clone());
        }
        let clause = texts.0.get(&table).and_then(|described| described.columns.get(&name.to_lowercase())).map(Vec::as_slice).unwrap_or_default();
        let otherwise: Option<String> = row.try_get("", "otherwise")?;
        let properties = vec![
            type_name(&row.try_get::<String>("", "type")?),
            after(clause, "collate").map_or("without COLLATE".into(), |collation| format!("COLLATE {collation}")),
            if row.try_get::<i64>("", "required")? == 0 { "nullable" } else { "NOT NULL" }.into(),
            match (after(clause, "as"), otherwise) {
                (Some(generated), _) => format!("GENERATED ALWAYS AS ({generated})"),
                (None, Some(value)) => format!("DEFAULT {}", text(&words(&value))),
                (None, None) => "without DEFAULT".into(),
            },
        ];
        found.push(Thing { kind: Kind::Column, table: Some(table), name, position: row.try_get("", "cid")?, properties });
    }
    let keys = keys.into_iter().map(|(table, columns)| {
        let columns: Vec<_> = columns.into_values().collect();
        Thing { kind: Kind::PrimaryKey, table: Some(table), name: String::new(), position: 0, properties: vec![format!("({})", columns.join(", "))] }
    });
    found.extend(keys);
    Ok(found)
}

/// They have no names that SQLite tells; each is known by its columns.
async fn foreign_keys(connection: &impl ConnectionTrait) -> Result<Vec<Thing>, DbErr> {
    #[derive(Default)]
    struct Reference {
        columns: Vec<String>,
        target: String,
        target_columns: Vec<String>,
        actions: [String; 2],
    }
    let sql = format!(
        "SELECT t.name AS of_table, k.id, k.\"from\" AS \"column\", k.\"table\" AS target, coalesce(k.\"to\", '') AS target_column, k.on_update, k.on_delete \
         FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table' AND {OURS} ORDER BY t.name, k.id, k.seq"
    );
    let mut found = BTreeMap::<(String, i64), Reference>::new();
    for row in rows(connection, &sql).await? {
        let reference = found.entry((row.try_get("", "of_table")?, row.try_get("", "id")?)).or_default();
        reference.columns.push(row.try_get("", "column")?);
        reference.target = row.try_get("", "target")?;
        reference.target_columns.push(row.try_get("", "target_column")?);
        let action = |name: &str, column: &str| row.try_get::<String>("", column).map(|action| format!("{name} {action}"));
        reference.actions = [action("ON DELETE", "on_delete")?, action("ON UPDATE", "on_update")?];
    }
    let things = found.into_iter().map(|((table, _), reference)| {
        let mut properties = vec![format!("REFERENCES {}({})", reference.target, reference.target_columns.join(", "))];
        properties.extend(reference.actions);
        let name = format!("({})", reference.columns.join(", "));
        Thing { kind: Kind::ForeignKey, table: Some(table), name, position: 0, properties }
    });
    Ok(things.collect())
}

/// One index, whoever made it: CREATE INDEX, or a constraint.
#[derive(Default)]
struct Index {
    is_unique: bool,
    is_of_constraint: bool,
    columns: Vec<String>,
    /// Where it stands in no constraint.
    sql: Option<String>,
}

async fn indexes(connection: &impl ConnectionTrait) -> Result<Vec<Thing>, DbErr> {
    // Primary keys are told with the columns.
    let sql = format!(
        "SELECT t.name AS of_table, i.name, i.\"unique\" AS is_unique, i.origin, x.name AS \"column\", x.\"desc\" AS descends, x.coll, s.sql \
         FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) x \
         LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = i.name \
         WHERE t.type = 'table' AND i.origin <> 'pk' AND x.key = 1 AND {OURS} ORDER BY t.name, i.name, x.seqno"
    );
    let mut found = BTreeMap::<(String, String), Index>::new();
    for row in rows(connection, &sql).await? {
        let index = found.entry((row.try_get("", "of_table")?, row.try_get("", "name")?)).or_default();
        index.is_unique = row.try_get::<i64>("", "is_unique")? != 0;
        index.is_of_constraint = row.try_get::<String>("", "origin")? == "u";
        index.sql = row.try_get("", "sql")?;
        let mut column = row.try_get::<Option<String>>("", "column")?.unwrap_or_else(|| "an expression".into());
        let collation: Option<String> = row.try_get("", "coll")?;
        if let Some(collation) = collation.filter(|collation| !collation.eq_ignore_ascii_case("BINARY")) {
            column = format!("{column} COLLATE {collation}");
        }
        index.columns.push(if row.try_get::<i64>("", "descends")? == 0 { column } else { format!("{column} DESC") });
    }
    Ok(found.into_iter().map(|((table, name), index)| index.thing(table, name)).collect())
}

impl Index {
    fn thing(self, table: String, name: String) -> Thing {
        let columns = format!("({})", self.columns.join(", "));
        if self.is_of_constraint {
            return Thing { kind: Kind::Unique, table: Some(table), name: columns, position: 0, properties: Vec::new() };
        }
        let (list, rest) = self.sql.as_deref().map(parts).unwrap_or_default();
        let properties = vec![
            if self.is_unique { "UNIQUE" } else { "not UNIQUE" }.into(),
            // The pragma tells the columns whatever way they were written, and nothing of expressions.
            if columns.contains("an expression") { format!("({list})") } else { columns },
            if rest.is_empty() { "without WHERE".into() } else { rest },
        ];
        Thing { kind: Kind::Index, table: Some(table), name, position: 0, properties }
    }
}

/// The list of a CREATE INDEX, and what comes after it.
fn parts(sql: &str) -> (String, String) {
    let all = words(sql);
    let at = all.iter().position(|word| word.is_sign("(")).unwrap_or(all.len());
    all.get(at..).and_then(group).map(|(list, rest)| (text(list), text(rest))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_found_wherever_they_stand() {
        let sql = r#"CREATE TABLE "a" ("check" int CHECK ("check" > 0) NOT NULL, b int CONSTRAINT "positive" CHECK (b > 0 AND f(b, ',') = ')'),
            c int DEFAULT (1 + (2)), CONSTRAINT u UNIQUE (b), CHECK (c IN (1, 2)), CONSTRAINT more CHECK (c <> 3)) STRICT"#;
        let names: Vec<_> = Described::of(sql).checks("a").into_iter().map(|check| (check.name, check.properties)).collect();
        let check = |name: &str, condition: &str| (name.to_owned(), vec![condition.to_owned()]);
        assert_eq!(
            names,
            [
                check("positive", "b > 0 and f (b, ',') = ')'"),
                check("(check > 0)", "check > 0"),
                check("(c in (1, 2))", "c in (1, 2)"),
                check("more", "c <> 3"),
            ]
        );
    }

    #[test]
    fn what_no_pragma_tells_is_read_from_the_text() {
        let sql = "CREATE TABLE a (b text COLLATE NOCASE, c int GENERATED ALWAYS AS (b + 1) STORED, UNIQUE (b) ON CONFLICT REPLACE, \
                   FOREIGN KEY (c) REFERENCES d (c) DEFERRABLE INITIALLY DEFERRED)";
        let described = Described::of(sql);
        assert_eq!(after(&described.columns["b"], "collate").as_deref(), Some("nocase"));
        assert_eq!(after(&described.columns["c"], "as").as_deref(), Some("b + 1"));
        assert_eq!(described.manners(), "with ON CONFLICT REPLACE, INITIALLY DEFERRED");
        assert_eq!(Described::of("CREATE TABLE a (b int)").manners(), "without special clauses");
    }

    #[test]
    fn an_index_is_cut_into_its_list_and_the_rest() {
        assert_eq!(parts("CREATE INDEX i ON \"a\" (lower(\"b\"), c DESC) WHERE d = 'X'"), ("lower (b), c desc".into(), "where d = 'X'".into()));
    }
}
