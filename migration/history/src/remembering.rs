//! What a database keeps of what was applied: names, SQL and checksums, and who may not write them.

use sea_orm::sea_query::{Alias, ColumnDef, Expr, ExprTrait as _, OnConflict, Query, Table};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTraitSelf as _;

use crate::found::exists;
use crate::recording::{Recorded, Recording};
use crate::{CHECKSUMS, HISTORY, MARKER, Schema};

/// The role that the running server connects as, where it is not the one that migrates.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'a> {
    pub runtime_role: &'a str,
}

/// Writes a history for a database that has none and whose schema is that of these migrations.
pub async fn baseline(txn: &DatabaseTransaction, schema: &Schema, recording: &Recording, names: &[String], grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    schema.install(txn).await?;
    for name in names {
        let mut row = Query::insert();
        row.into_table(Alias::new(HISTORY)).columns(["version", "applied_at"]).values_panic([name.clone().into(), seconds_now().into()]);
        row.on_conflict(OnConflict::column("version").do_nothing().to_owned());
        txn.execute(&row).await?;
    }
    // A dump of the schema alone has the table without its row.
    let mut marker = Query::insert();
    marker
        .into_table(Alias::new(MARKER))
        .columns(["name"])
        .values_panic([schema.module.into()])
        .on_conflict(OnConflict::column("name").do_nothing().to_owned());
    txn.execute(&marker).await?;
    adopt(txn, recording, names).await?;
    restrict(txn, schema, grants).await
}

/// As sea-orm-migration writes it: Unix time.
#[expect(clippy::disallowed_methods, reason = "the history tells when something was really applied, as sea-orm-migration does; nothing is decided by it")]
fn seconds_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Remembers migrations that something else applied, as what they are in this program.
pub async fn adopt(connection: &impl ConnectionTrait, recording: &Recording, names: &[String]) -> Result<(), DbErr> {
    for recorded in names.iter().filter_map(|name| recording.find(name)) {
        remember(connection, recorded).await?;
    }
    Ok(())
}

/// Takes a migration out of the history: it is not applied after all.
pub async fn forget(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    let mut row = Query::delete();
    row.from_table(Alias::new(HISTORY)).and_where(Expr::col("version").eq(name));
    connection.execute(&row).await.map(drop)
}

/// Forgets the SQL of what is no longer in the history.
pub async fn reconcile(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if !exists(connection, CHECKSUMS).await? {
        return Ok(());
    }
    let mut gone = Query::delete();
    gone.from_table(Alias::new(CHECKSUMS));
    if exists(connection, HISTORY).await? {
        let kept = Query::select().column("version").from(Alias::new(HISTORY)).take();
        gone.and_where(Expr::col("version").in_subquery(kept).not());
    }
    connection.execute(&gone).await.map(drop)
}

/// Writes down what was applied, in the place of what stood there for it.
pub async fn remember(connection: &impl ConnectionTrait, recorded: &Recorded) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table(Alias::new(CHECKSUMS)).if_not_exists();
    table.col(ColumnDef::new("version").string().not_null().primary_key());
    table.col(ColumnDef::new("checksum").string_len(64).not_null()).col(ColumnDef::new("sql").text().not_null());
    connection.execute(&table).await?;
    let mut row = Query::insert();
    row.into_table(Alias::new(CHECKSUMS)).columns(["version", "checksum", "sql"]);
    row.values_panic([recorded.name.clone().into(), recorded.checksum.clone().into(), recorded.sql().into()]);
    row.on_conflict(OnConflict::column("version").update_columns(["checksum", "sql"]).to_owned());
    connection.execute(&row).await.map(drop)
}

/// The role that the server runs as keeps no right to change what is only ever added to, nor to write the history.
pub async fn restrict(txn: &DatabaseTransaction, schema: &Schema, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    let Some(Grants { runtime_role }) = grants else { return Ok(()) };
    if !is_role(txn, runtime_role).await? {
        // A pooler's user may have another name than the role that it connects as.
        tracing::warn!(runtime_role, "the server's URL names a role that this database does not know: what it must not do could not be taken from it");
        return Ok(());
    }
    let user = runtime_role.replace('"', "\"\"");
    let append_only = schema.append_only.iter().map(|table| ("UPDATE, DELETE, TRUNCATE", *table));
    let history = [HISTORY, CHECKSUMS, MARKER].map(|table| ("INSERT, UPDATE, DELETE, TRUNCATE", table));
    for (rights, table) in append_only.chain(history) {
        if exists(txn, table).await? {
            txn.execute_unprepared(&format!("REVOKE {rights} ON \"{table}\" FROM \"{user}\"")).await?;
        }
    }
    Ok(())
}

/// Looks through the eyes of the server's role, after all was done that could be done: what it may do and must not (by another
/// role, by PUBLIC, in tables of another owner), and what it needs and may not.
pub async fn tell_wrong_rights(txn: &DatabaseTransaction, schema: &Schema, grants: Option<Grants<'_>>) -> Result<(), DbErr> {
    let Some(Grants { runtime_role }) = grants else { return Ok(()) };
    if !is_role(txn, runtime_role).await? {
        return Ok(());
    }
    let kept: Vec<_> = schema.append_only.iter().copied().chain([HISTORY, CHECKSUMS, MARKER]).map(|table| format!("'{table}'")).collect();
    let sql = format!(
        "SELECT c.relname AS name, c.relname IN ({}) AND has_table_privilege($1, c.oid, 'UPDATE, DELETE, TRUNCATE') AS too_much, \
         NOT (has_schema_privilege($1, c.relnamespace, 'USAGE') AND has_table_privilege($1, c.oid, 'SELECT')) AS too_little \
         FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) ORDER BY 1",
        kept.join(", ")
    );
    let rows = txn.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [runtime_role.into()])).await?;
    let named = |which: &str| {
        let names = rows.iter().filter(|row| row.try_get("", which).unwrap_or(false)).filter_map(|row| row.try_get::<String>("", "name").ok());
        names.collect::<Vec<_>>().join(", ")
    };
    let (too_much, too_little) = (named("too_much"), named("too_little"));
    if !too_much.is_empty() {
        tracing::warn!(
            runtime_role,
            tables = too_much,
            "the server's role may still change what is only added to: by another role, by PUBLIC, or because these tables have another owner"
        );
    }
    if !too_little.is_empty() {
        tracing::warn!(
            runtime_role,
            tables = too_little,
            "the server's role may not read these tables: GRANT USAGE ON SCHEMA and SELECT, INSERT, UPDATE, DELETE to it, then deploy again"
        );
    }
    Ok(())
}

async fn is_role(txn: &DatabaseTransaction, name: &str) -> Result<bool, DbErr> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT 1 AS found FROM pg_roles WHERE rolname = $1", [name.into()]);
    Ok(txn.query_one_raw(statement).await?.is_some())
}
