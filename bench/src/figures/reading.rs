//! Pages of stock, of the ledger, and the stock of one item, where there are 20,000 lots and a million entries: against the bare SQL of such a page, against
//! a server that answers as many bytes without asking anybody, and against one that runs this SQL before, by the driver that Larder uses, and does nothing else.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector, Statement};

use super::Figures;
use crate::grow::{self, Size};
use crate::kitchens::{self, Caller, Place};
use crate::larder::{Larder, Postgres, Stores};
use crate::limits::server::Server;
use crate::limits::{pgbench, sqlite};
use crate::load::{self, Load, Request};
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS, TOLD_RUNS};

const CONNECTIONS: u32 = 8;
/// As many as Larder has on SQLite.
const READERS: u32 = 4;
const LEAST_OF_SQL: f64 = 0.6;
/// The slowest hundredth takes no longer than so many times the median.
const SPREAD: f64 = 10.0;

fn size(is_quick: bool) -> Size {
    Size { items: 2_000, lots: 20_000, entries: if is_quick { 100_000 } else { 1_000_000 }, years: 1 }
}

/// A page, and the SQL that such a page needs at least.
struct Page {
    name: &'static str,
    path: String,
    sql: String,
}

fn pages(place: &Place, uuid: impl Fn(&str) -> String) -> Vec<Page> {
    let tenant = uuid(&place.tenant_id);
    let ledger = format!(
        "SELECT entry.*, item.sku, unit.code, reason.code FROM ledger_entry AS entry LEFT JOIN item ON item.tenant_id = entry.tenant_id AND \
         item.id = entry.item_id LEFT JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id LEFT JOIN reason ON reason.tenant_id = entry.tenant_id AND reason.id = entry.reason_id \
         WHERE entry.tenant_id = {tenant} AND entry.seq > 50000 ORDER BY entry.seq LIMIT 100"
    );
    let stock = |which: &str| {
        format!(
            "SELECT item.sku, item.name, unit.code, location.path, held.location_id, SUM(held.quantity), SUM(held.value), MIN(lot.expires_on) FROM (SELECT tenant_id, id, sku, \
         name, base_unit_id FROM item WHERE tenant_id = {tenant} {which} AND (SELECT 1 FROM balance WHERE balance.tenant_id = item.tenant_id AND balance.item_id = item.id \
         AND balance.quantity > 0 LIMIT 1) IS NOT NULL ORDER BY sku LIMIT 100) AS item JOIN balance AS held ON held.tenant_id = item.tenant_id AND held.item_id = item.id \
         JOIN lot ON lot.tenant_id = held.tenant_id AND lot.id = held.lot_id JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = held.tenant_id AND location.id = held.location_id WHERE held.quantity > 0 \
         GROUP BY item.sku, item.name, unit.code, location.path, held.location_id ORDER BY item.sku"
        )
    };
    vec![
        Page { name: "a page of stock", path: "/v1/inventory/stock?limit=100".to_owned(), sql: stock("") },
        Page { name: "the stock of an item, by its sku", path: "/v1/inventory/stock?sku=BULK777".to_owned(), sql: stock("AND sku = 'BULK777'") },
        Page { name: "a page of the ledger", path: "/v1/inventory/ledger?after_seq=50000&limit=100".to_owned(), sql: ledger },
    ]
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let servers = Postgres::of_environment()?;
    let stores = servers.emptied("bench_reading").await?;
    let folder = tempfile::tempdir()?;
    let larder = Larder::start(folder.path(), &Stores::Postgres(stores.clone()))?;
    let place = kitchens::with_items(&larder, 1).await?.remove(0);
    grow::on_postgres(&stores.inventory, &place, size(figures.pace.quick)).await?;
    for page in pages(&place, |id| format!("'{id}'::uuid")) {
        let time = figures.pace.run;
        // One for each server: its connections end with the threads that opened them.
        let pool = PoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false).connect(&stores.inventory).await?;
        let database = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        let bare = async || pgbench::run_script(&stores.inventory, &format!("{};\n", page.sql), CONNECTIONS, time);
        measure(figures, &larder, &place, "Postgres", &page, bare, &database).await?;
    }
    Ok(())
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: true });
    let place = kitchens::with_items(&Larder::start(folder.path(), &stores)?, 1).await?.remove(0);
    let file = folder.path().join("data/inventory.db");
    grow::on_sqlite(&file, &place, size(figures.pace.quick)).await?;
    let larder = Larder::start(folder.path(), &stores)?;
    let pool = PoolOptions::new().max_connections(READERS).test_before_acquire(false).connect_with(sqlite::options(&file, true)).await?;
    let database = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
    for page in pages(&place, |id| format!("unhex(replace('{id}', '-', ''))")) {
        let time = figures.pace.alone;
        let bare = async || bare_sqlite(&file, &page.sql, time).await;
        measure(figures, &larder, &place, "SQLite", &page, bare, &database).await?;
    }
    Ok(())
}

async fn bare_sqlite(file: &Path, sql: &str, time: Duration) -> Outcome<f64> {
    let readers = (0..READERS).map(|_| sqlite::reads(file, sql, time));
    let mut rate = 0.0;
    for reader in readers.map(|reader| tokio::spawn(reader)).collect::<Vec<_>>() {
        rate += reader.await??;
    }
    Ok(rate)
}

async fn measure(
    figures: &mut Figures,
    larder: &Larder,
    place: &Place,
    engine: &str,
    page: &Page,
    bare: impl AsyncFn() -> Outcome<f64>,
    database: &DatabaseConnection,
) -> Outcome<()> {
    let time = figures.pace.run;
    let request = Request { method: "GET", path: page.path.clone(), key: Some(place.key.clone()), body: String::new() };
    let bytes = Caller::new(larder, &place.key).get(&page.path).await?.to_string().len();
    let (database, statement) = (database.clone(), Statement::from_string(database.get_database_backend(), page.sql.clone()));
    let read = move || {
        let (database, statement) = (database.clone(), statement.clone());
        async move { database.query_all_raw(statement).await.is_ok_and(|rows| !rows.is_empty()) }
    };
    let (constant, reading) = (Server::constant(bytes)?, Server::after(bytes, read)?);
    let (mut ours, mut of_sql, mut of_bytes, mut of_server) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        of_sql.push(bare().await?);
        ours.push(load::run(larder, std::slice::from_ref(&request), CONNECTIONS, time)?);
        // Only told.
        if !figures.pace.quick && run < TOLD_RUNS {
            of_bytes.push(load::at(&constant.address, std::slice::from_ref(&request), CONNECTIONS, time)?.per_second);
            of_server.push(load::at(&reading.address, std::slice::from_ref(&request), CONNECTIONS, time)?.per_second);
        }
    }
    constant.stop().await;
    reading.stop().await;
    let of = |number: fn(&Load) -> f64| median(ours.iter().map(number).collect());
    let (name, rate, p50, p99) = (format!("{} on {engine}", page.name), of(|load| load.per_second), of(|load| load.p50_ms), of(|load| load.p99_ms));
    let figure = |what: &str, value, unit, limit, target| Figure { name: format!("{name}{what}"), value, unit, limit: Some(limit), target };
    let of_sql = median(of_sql);
    figures.report.add(figure(", of the bare SQL", rate, "/s", of_sql, Target::AtLeast(LEAST_OF_SQL)));
    if !of_bytes.is_empty() {
        figures.report.add(figure(", of as many constant bytes", rate, "/s", median(of_bytes), Target::Told));
        figures.report.add(figure(", of a server that does no more", rate, "/s", median(of_server), Target::Told));
    }
    figures.report.add(figure(", p99 of p50", p99, "ms", p50, Target::AtMost(SPREAD)));
    Ok(())
}
