//! Receipts of a thousand lines, against INSERTs of the same rows by the bare driver.

use std::time::{Duration, Instant};

use kernel::{Clock, Ids};
use sea_orm::sqlx::{self, Connection as _, Postgres as PostgresDriver, QueryBuilder, Sqlite as SqliteDriver};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Figures, in_turn};
use crate::Outcome;
use crate::kitchens::{self, AREA, Place};
use crate::larder::{Larder, Postgres, Stores, analyze};
use crate::limits::sqlite;
use crate::load::{self, Request};
use crate::report::{Figure, Target};

const LINES: usize = 1_000;
const LEAST: f64 = 0.5;

/// A receipt of a line for each place.
pub fn of_all(places: &[Place]) -> Value {
    let line = |place: &Place| json!({ "sku": place.sku, "quantity": "3", "unit_price": "1.25" });
    json!({ "location": AREA, "lines": places.iter().map(line).collect::<Vec<_>>() })
}

fn request(places: &[Place]) -> Outcome<Request> {
    let key = places.first().ok_or("no place")?.key.clone();
    Ok(Request { method: "POST", path: "/v1/inventory/receipts".to_owned(), key: Some(key), body: of_all(places).to_string() })
}

#[expect(clippy::cast_precision_loss, reason = "a thousand")]
fn figure(engine: &str, (ours, limit): (f64, f64)) -> Figure {
    let lines = |documents: f64| documents * LINES as f64;
    let name = format!("receipts of 1,000 lines on {engine}");
    Figure { name, value: lines(ours), unit: "lines/s", limit: Some(lines(limit)), target: Target::AtLeast(LEAST) }
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let servers = Postgres::of_environment()?;
    let stores = servers.emptied("bench_receipts").await?;
    let folder = tempfile::tempdir()?;
    let larder = Larder::start(folder.path(), &Stores::Postgres(stores.clone()))?;
    let places = kitchens::with_items(&larder, LINES).await?;
    analyze(&stores.inventory).await?;
    let request = request(&places)?;
    let mut connection = sqlx::PgConnection::connect(&stores.inventory).await?;
    let pace = figures.pace;
    let ours = async || Ok(load::run(&larder, std::slice::from_ref(&request), 1, pace.run)?.per_second);
    let reached = in_turn(ours, async || bare_postgres(&mut connection, &places, pace.run).await).await?;
    figures.report.add(figure("Postgres", reached));
    Ok(())
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: true });
    let places = kitchens::with_items(&Larder::start(folder.path(), &stores)?, LINES).await?;
    let request = request(&places)?;
    let pace = figures.pace;
    // One of both has the file at a time.
    let ours = async || Ok(load::run(&Larder::start(folder.path(), &stores)?, std::slice::from_ref(&request), 1, pace.run)?.per_second);
    let bare = async || {
        let mut connection = sqlite::connect(&folder.path().join("data/inventory.db"), true).await?;
        let rate = bare_sqlite(&mut connection, &places, pace.run).await?;
        connection.close().await?;
        Ok(rate)
    };
    let reached = in_turn(ours, bare).await?;
    figures.report.add(figure("SQLite", reached));
    Ok(())
}

/// The rows of one receipt: the document, then for each line a lot, a balance, a line and an entry, then the head. The same text for both
/// drivers, whose types have nothing in common.
macro_rules! bare {
    ($name:ident, $driver:ty, $connection:ty) => {
        pub async fn $name(connection: &mut $connection, places: &[Place], time: Duration) -> Outcome<f64> {
            let first = places.first().ok_or("no place")?;
            let (tenant, site, location): (Uuid, Uuid, Uuid) = (first.tenant_id.parse()?, first.site_id.parse()?, first.location_id.parse()?);
            let items = places.iter().map(|place| Ok(place.item_id.parse()?)).collect::<Outcome<Vec<Uuid>>>()?;
            let next = || Ids::System.next(Clock::System.now());
            let (hash, actor) = ("0".repeat(64), next());
            let (begun, mut documents) = (Instant::now(), 0_u32);
            while begun.elapsed() < time {
                let (document, now) = (next(), Clock::System.now().utc());
                let today = now.date_naive();
                let lines: Vec<(i64, Uuid, Uuid)> = (1..).zip(&items).map(|(line_no, item)| (line_no, *item, next())).collect();
                let mut txn = connection.begin().await?;
                let head: (i64, i64, i64) = sqlx::query_as(
                    "UPDATE ledger_head SET seq = seq + $2, receipt_number = receipt_number + 1, position = COALESCE(position, 0) + 1 WHERE tenant_id = $1 \
                     RETURNING seq, receipt_number, position",
                )
                .bind(tenant)
                .bind(i64::try_from(lines.len())?)
                .fetch_one(&mut *txn)
                .await?;
                let (last_seq, number, position) = head;
                let first_seq = last_seq - i64::try_from(lines.len())? + 1;
                sqlx::query(
                    "INSERT INTO document (id, tenant_id, type, number, status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, \
                     last_seq, content_hash, chain_hash, version, position) VALUES ($1, $2, 'receipt', $3, 'posted', $4, $5, $4, $4, $6, $7, $8, $9, $10, $10, 1, $11)",
                )
                .bind(document)
                .bind(tenant)
                .bind(number)
                .bind(now)
                .bind(today)
                .bind(actor)
                .bind(site)
                .bind(location)
                .bind(last_seq)
                .bind(&hash)
                .bind(position)
                .execute(&mut *txn)
                .await?;
                let mut lots = QueryBuilder::<$driver>::new(
                    "INSERT INTO lot (id, tenant_id, item_id, origin_document_id, origin_seq, origin_line, received_at, date_kind, basis_quantity, basis_value, \
                     cost_floor_at, void, version) ",
                );
                lots.push_values(&lines, |mut row, (line_no, item, lot)| {
                    row.push_bind(*lot).push_bind(tenant).push_bind(*item).push_bind(document).push_bind(first_seq).push_bind(*line_no);
                    row.push_bind(now).push_bind("use_by").push_bind(3_000_000_i64).push_bind(3_750_000_i64).push_bind(now).push_bind(false).push_bind(1_i64);
                });
                lots.build().execute(&mut *txn).await?;
                let mut balances = QueryBuilder::<$driver>::new("INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value) ");
                balances.push_values(&lines, |mut row, (_, item, lot)| {
                    row.push_bind(tenant).push_bind(*item).push_bind(location).push_bind(*lot).push_bind(3_000_000_i64).push_bind(3_750_000_i64);
                });
                balances.build().execute(&mut *txn).await?;
                let mut received = QueryBuilder::<$driver>::new(RECEIPT_LINE);
                received.push_values(&lines, |mut row, (line_no, item, lot)| {
                    row.push_bind(tenant).push_bind(document).push_bind(*line_no).push_bind(*item).push_bind(*lot);
                    row.push_bind(3_000_000_i64).push_bind("g").push_bind(3_000_000_i64).push_bind(1_250_000_i64).push_bind(0_i64).push_bind(0_i64).push_bind(3_750_000_i64);
                });
                received.build().execute(&mut *txn).await?;
                let mut entries = QueryBuilder::<$driver>::new(
                    "INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, \
                     business_date, recorded_at, actor_id) ",
                );
                entries.push_values(&lines, |mut row, (line_no, item, lot)| {
                    row.push_bind(tenant).push_bind(first_seq + line_no - 1).push_bind(document).push_bind(*line_no).push_bind("receipt").push_bind(*item);
                    row.push_bind(location).push_bind(*lot).push_bind(3_000_000_i64).push_bind(3_750_000_i64).push_bind(now).push_bind(today);
                    row.push_bind(now).push_bind(actor);
                });
                entries.build().execute(&mut *txn).await?;
                txn.commit().await?;
                documents += 1;
            }
            Ok(f64::from(documents) / begun.elapsed().as_secs_f64())
        }
    };
}

const RECEIPT_LINE: &str = "INSERT INTO receipt_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity, entered_unit, quantity, unit_price, discount, charges, value) ";

bare!(bare_postgres, PostgresDriver, sqlx::PgConnection);
bare!(bare_sqlite, SqliteDriver, sqlx::SqliteConnection);
