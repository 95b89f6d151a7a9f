//! A Postgres schema, read from its catalogue.
//!
//! The search path is the schema that is read and nothing else, so that no deparsed text names it, and both sides read alike.

use migration_history::Recording;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use super::{Kind, Thing, run};

/// How long a table is waited for that somebody else holds.
const PATIENCE_SECONDS: u8 = 5;

/// What to ask for the things of one kind. Every answer has `of_table`, `name` and `position`, and a text for each property.
struct Question {
    kind: Kind,
    properties: &'static [&'static str],
    sql: String,
}

/// Makes the expected schema beside the live one, and reads both. It is for the caller to roll back.
///
/// Deparsing an expression locks its table against ALTER TABLE until the end, so the live schema comes last; and where somebody
/// alters a table right now, this gives up rather than stand in the way of everybody behind it.
pub async fn live_and_expected(txn: &impl ConnectionTrait, recording: &Recording) -> Result<(Vec<Thing>, Vec<Thing>), DbErr> {
    let live = text(txn, "SELECT current_schema()::text AS answer").await?;
    // The number of this transaction is no other's.
    let shadow = text(txn, "SELECT 'larder_shadow_' || txid_current() AS answer").await?.unwrap_or_default();
    txn.execute_unprepared(&format!("SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")).await?;
    txn.execute_unprepared(&format!("CREATE SCHEMA \"{shadow}\"")).await?;
    look_into(txn, &shadow).await?;
    run(txn, recording).await?;
    let expected = things(txn).await?;
    // The schema that the URL names may not be there yet.
    let Some(live) = live else { return Ok((Vec::new(), expected)) };
    look_into(txn, &live).await?;
    Ok((things(txn).await?, expected))
}

async fn look_into(txn: &impl ConnectionTrait, schema: &str) -> Result<(), DbErr> {
    txn.execute_unprepared(&format!("SET LOCAL search_path TO \"{}\"", schema.replace('"', "\"\""))).await.map(drop)
}

async fn text(txn: &impl ConnectionTrait, sql: &str) -> Result<Option<String>, DbErr> {
    let row = txn.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.map_or(Ok(None), |row| row.try_get("", "answer"))
}

async fn things(txn: &impl ConnectionTrait) -> Result<Vec<Thing>, DbErr> {
    let mut found = Vec::new();
    for question in questions() {
        for row in txn.query_all_raw(Statement::from_string(DbBackend::Postgres, question.sql.as_str())).await? {
            found.push(question.answer(&row)?);
        }
    }
    Ok(found)
}

impl Question {
    fn answer(&self, row: &QueryResult) -> Result<Thing, DbErr> {
        let properties = self.properties.iter().map(|property| row.try_get("", property));
        Ok(Thing {
            kind: self.kind,
            table: row.try_get("", "of_table")?,
            name: row.try_get("", "name")?,
            position: row.try_get("", "position")?,
            properties: properties.collect::<Result<_, _>>()?,
        })
    }
}

fn questions() -> Vec<Question> {
    let mut all = vec![tables(), views(), sequences(), types(), columns()];
    all.extend(constraints());
    all.extend([indexes(), triggers(), rules(), policies(), functions()]);
    all
}

/// Of the schema that is looked into, and of no extension that was put into it.
fn ours(catalogue: &str, alias: &str, namespace: &str) -> String {
    format!(
        "{alias}.{namespace} = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
         AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalogue}'::regclass AND e.objid = {alias}.oid AND e.deptype = 'e')"
    )
}

fn relation() -> String {
    ours("pg_class", "c", "relnamespace")
}

fn tables() -> Question {
    let sql = format!(
        "SELECT NULL::text AS of_table, c.relname AS name, 0::bigint AS position, \
         CASE c.relkind WHEN 'p' THEN 'a partitioned table' WHEN 'f' THEN 'a foreign table' ELSE 'a table' END AS sort, \
         CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'logged' END AS logging, \
         CASE WHEN c.relrowsecurity THEN 'with ROW LEVEL SECURITY' ELSE 'without ROW LEVEL SECURITY' END || CASE WHEN c.relforcerowsecurity THEN ', forced' ELSE '' END AS security \
         FROM pg_class c WHERE c.relkind IN ('r', 'p', 'f') AND {}",
        relation()
    );
    Question { kind: Kind::Table, properties: &["sort", "logging", "security"], sql }
}

fn views() -> Question {
    let sql = format!(
        "SELECT NULL::text AS of_table, c.relname AS name, 0::bigint AS position, \
         CASE c.relkind WHEN 'm' THEN 'MATERIALIZED' ELSE 'not MATERIALIZED' END AS sort, pg_get_viewdef(c.oid, true) AS definition \
         FROM pg_class c WHERE c.relkind IN ('v', 'm') AND {}",
        relation()
    );
    Question { kind: Kind::View, properties: &["sort", "definition"], sql }
}

/// One that a column owns goes with its table; that of an identity column is told with the column.
fn sequences() -> Question {
    let sql = format!(
        "SELECT (SELECT t.relname FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid \
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a') AS of_table, \
         c.relname AS name, 0::bigint AS position, \
         format('AS %s START %s INCREMENT %s', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement) AS definition \
         FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid \
         WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i') AND {}",
        relation()
    );
    Question { kind: Kind::Sequence, properties: &["definition"], sql }
}

/// Not the row types of tables, nor the types of arrays.
fn types() -> Question {
    let sql = format!(
        "SELECT NULL::text AS of_table, t.typname AS name, 0::bigint AS position, \
         CASE t.typtype \
         WHEN 'e' THEN 'ENUM (' || (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid) || ')' \
         WHEN 'd' THEN concat_ws(' ', 'DOMAIN OF ' || format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault, \
             (SELECT string_agg(pg_get_constraintdef(k.oid, true), ' ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid)) \
         WHEN 'c' THEN 'COMPOSITE (' || (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) \
             FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) || ')' \
         ELSE 'RANGE' END AS definition \
         FROM pg_type t WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))) AND {}",
        ours("pg_type", "t", "typnamespace")
    );
    Question { kind: Kind::Type, properties: &["definition"], sql }
}

/// Positions are counted without the columns that were dropped.
fn columns() -> Question {
    let sql = format!(
        "SELECT c.relname AS of_table, a.attname AS name, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) AS position, \
         format_type(a.atttypid, a.atttypmod) AS type, \
         CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN 'COLLATE ' || quote_ident(l.collname) ELSE 'without COLLATE' END AS collation, \
         CASE WHEN a.attnotnull THEN 'NOT NULL' ELSE 'nullable' END AS nullability, \
         CASE WHEN a.attgenerated <> '' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid, true) || ')' || CASE a.attgenerated WHEN 's' THEN ' STORED' ELSE ' VIRTUAL' END \
             WHEN a.attidentity = 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN a.attidentity = 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' \
             WHEN d.adbin IS NOT NULL THEN 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid, true) ELSE 'without DEFAULT' END AS otherwise \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND {}",
        relation()
    );
    Question { kind: Kind::Column, properties: &["type", "collation", "nullability", "otherwise"], sql }
}

fn constraints() -> [Question; 5] {
    let of = |kind, name: &str, which: &str| {
        // A primary key is known by its table; what it is called is a property like others. Somebody may have switched off the
        // triggers that keep a reference, or left what was there before a constraint unchecked.
        // A list of words is cast as a whole where it is made, and word by word where a dump was restored: the same in other words.
        let definition = "replace(replace(regexp_replace(pg_get_constraintdef(k.oid, true), ' NOT VALID$', ''), \
                          '::character varying::text', '::character varying'), ']::text[]', ']')";
        let sql = format!(
            "SELECT c.relname AS of_table, {name} AS name, 0::bigint AS position, {definition} AS definition, \
             CASE WHEN k.contype = 'p' THEN 'named ' || k.conname ELSE '' END AS called, \
             CASE WHEN k.convalidated THEN 'validated' ELSE 'NOT VALID' END AS validity, \
             CASE WHEN i.indisvalid IS FALSE THEN 'with an invalid index' ELSE 'without an invalid index' END AS index, \
             CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled <> 'O') THEN 'disabled' ELSE 'enabled' END AS state \
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x') \
             WHERE ({which}) AND {}",
            relation()
        );
        Question { kind, properties: &["definition", "called", "validity", "index", "state"], sql }
    };
    [
        of(Kind::PrimaryKey, "''", "k.contype = 'p'"),
        of(Kind::ForeignKey, "k.conname", "k.contype = 'f'"),
        of(Kind::Unique, "k.conname", "k.contype = 'u'"),
        // Postgres 18 keeps NOT NULL as constraints; those that hold are told with their columns.
        of(Kind::Check, "k.conname", "k.contype = 'c' OR (k.contype::text = 'n' AND NOT k.convalidated)"),
        of(Kind::Exclusion, "k.conname", "k.contype = 'x'"),
    ]
}

/// Without those of constraints, which are told with them.
fn indexes() -> Question {
    let sql = format!(
        "SELECT t.relname AS of_table, c.relname AS name, 0::bigint AS position, \
         CASE WHEN i.indisunique THEN 'UNIQUE' ELSE 'not UNIQUE' END AS uniqueness, \
         substr(pg_get_indexdef(c.oid, 0, true), strpos(pg_get_indexdef(c.oid, 0, true), ' USING ') + 1) AS definition, \
         CASE WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid) THEN 'invalid (somebody is building it)' \
             WHEN NOT i.indisvalid THEN 'invalid (unfinished)' ELSE 'valid' END AS validity \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid \
         WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AND {}",
        relation()
    );
    Question { kind: Kind::Index, properties: &["uniqueness", "definition", "validity"], sql }
}

/// Without those by which Postgres keeps constraints.
fn triggers() -> Question {
    let sql = format!(
        "SELECT c.relname AS of_table, t.tgname AS name, 0::bigint AS position, \
         substr(pg_get_triggerdef(t.oid, true), strpos(pg_get_triggerdef(t.oid, true), quote_ident(t.tgname)) + length(quote_ident(t.tgname)) + 1) AS definition, \
         CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled on replicas only' ELSE 'enabled always' END AS state \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND {}",
        relation()
    );
    Question { kind: Kind::Trigger, properties: &["definition", "state"], sql }
}

/// Without those that views are made of.
fn rules() -> Question {
    let sql = format!(
        "SELECT c.relname AS of_table, r.rulename AS name, 0::bigint AS position, pg_get_ruledef(r.oid, true) AS definition, \
         CASE r.ev_enabled WHEN 'D' THEN 'disabled' ELSE 'enabled' END AS state \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN' AND {}",
        relation()
    );
    Question { kind: Kind::Rule, properties: &["definition", "state"], sql }
}

fn policies() -> Question {
    let sql = format!(
        "SELECT c.relname AS of_table, p.polname AS name, 0::bigint AS position, \
         concat_ws(' ', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, p.polcmd::text, pg_get_expr(p.polqual, p.polrelid, true), \
             pg_get_expr(p.polwithcheck, p.polrelid, true)) AS definition \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE {}",
        relation()
    );
    Question { kind: Kind::Policy, properties: &["definition"], sql }
}

/// pg_get_functiondef names the schema whatever the search path is; what comes before the name is cut off.
fn functions() -> Question {
    let sql = format!(
        "SELECT NULL::text AS of_table, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name, 0::bigint AS position, \
         CASE p.prokind WHEN 'a' THEN 'an aggregate' \
             ELSE substr(pg_get_functiondef(p.oid), strpos(pg_get_functiondef(p.oid), quote_ident(current_schema()) || '.') + length(quote_ident(current_schema())) + 1) \
             END AS definition \
         FROM pg_proc p WHERE {}",
        ours("pg_proc", "p", "pronamespace")
    );
    Question { kind: Kind::Function, properties: &["definition"], sql }
}
