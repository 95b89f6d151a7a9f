//! The limit on SQLite: one loop in one process, over the statements that a correct posting of one line must run, each posting in a transaction
//! of its own. Through the same driver that Larder uses.

use std::path::Path;
use std::time::{Duration, Instant};

use kernel::{Clock, Ids};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Row as _};
use uuid::Uuid;

use super::posting::{FACTS, Facts};
use crate::Outcome;
use crate::kitchens::Place;

/// As Larder's connections are.
pub fn options(file: &Path, is_full: bool) -> SqliteConnectOptions {
    let synchronous = if is_full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
    options.foreign_keys(true).pragma("recursive_triggers", "ON").row_buffer_size(1_000).disable_statement_logging()
}

pub async fn connect(file: &Path, is_full: bool) -> Outcome<SqliteConnection> {
    Ok(SqliteConnection::connect_with(&options(file, is_full)).await?)
}

/// What a posting of an item at a place is to know beforehand.
async fn facts_of(connection: &mut SqliteConnection, place: &Place, item: Uuid) -> Outcome<Facts> {
    let id = |text: &str| Uuid::parse_str(text);
    let (tenant, location) = (id(&place.tenant_id)?, id(&place.location_id)?);
    let row = sqlx::query(FACTS).bind(tenant).bind(item).bind(location).fetch_one(connection).await?;
    let (rules_version, reason, actor, lot) = (row.get(0), row.get(1), row.get(2), row.get(3));
    Ok(Facts { tenant, site: id(&place.site_id)?, location, item, lot, actor, reason, rules_version })
}

/// Postings per second, of the item of each place.
pub async fn postings(file: &Path, is_full: bool, places: &[Place], time: Duration) -> Outcome<f64> {
    let mut connection = connect(file, is_full).await?;
    let mut facts = Vec::new();
    for place in places {
        facts.push(facts_of(&mut connection, place, Uuid::parse_str(&place.item_id)?).await?);
    }
    post_all(connection, facts, time).await
}

/// The same of many items at one place.
pub async fn postings_of(file: &Path, place: &Place, skus: &[String], time: Duration) -> Outcome<f64> {
    let mut connection = connect(file, false).await?;
    let mut facts = Vec::new();
    for sku in skus {
        let item = sqlx::query("SELECT id FROM item WHERE sku = $1").bind(sku).fetch_one(&mut connection).await?.get(0);
        facts.push(facts_of(&mut connection, place, item).await?);
    }
    post_all(connection, facts, time).await
}

async fn post_all(mut connection: SqliteConnection, facts: Vec<Facts>, time: Duration) -> Outcome<f64> {
    let (begun, mut posted) = (Instant::now(), 0_u32);
    for facts in facts.iter().cycle() {
        post(&mut connection, facts).await?;
        posted += 1;
        if begun.elapsed() >= time {
            break;
        }
    }
    let rate = f64::from(posted) / begun.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}

/// How often a second one connection reads all rows of a statement.
pub fn reads(file: &Path, sql: &str, time: Duration) -> impl Future<Output = Outcome<f64>> + Send + 'static {
    let (file, sql) = (file.to_owned(), sql.to_owned());
    async move {
        let mut connection = connect(&file, true).await?;
        let (begun, mut read) = (Instant::now(), 0_u32);
        while begun.elapsed() < time {
            sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).fetch_all(&mut connection).await?;
            read += 1;
        }
        let rate = f64::from(read) / begun.elapsed().as_secs_f64();
        connection.close().await?;
        Ok(rate)
    }
}

const READ: &str = "SELECT lot.id, lot.received_at, lot.expires_on, lot.date_kind, lot.origin_seq, lot.origin_line, lot.cost_floor_at, lot.hold, lot.opened_at, \
    balance.quantity, balance.value, head.rules_version, head.closed_through FROM balance \
    JOIN lot ON lot.tenant_id = balance.tenant_id AND lot.id = balance.lot_id JOIN ledger_head AS head ON head.tenant_id = balance.tenant_id \
    WHERE balance.tenant_id = $1 AND balance.item_id = $2 AND balance.location_id = $3 AND balance.quantity > 0";
const TAKE: &str =
    "UPDATE balance SET quantity = quantity - 1000000, value = value - 1000000 WHERE tenant_id = $1 AND item_id = $2 AND location_id = $3 AND lot_id = $4";
const HEAD: &str = "UPDATE ledger_head SET seq = seq + 1, waste_number = waste_number + 1, position = COALESCE(position, 0) + 1, head_hash = $3 \
    WHERE tenant_id = $1 AND rules_version = $2 RETURNING seq, waste_number, position";
const DOCUMENT: &str = "INSERT INTO document (id, tenant_id, type, number, status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, \
    last_seq, content_hash, chain_hash, version, position) VALUES ($1, $2, 'waste', $3, 'posted', $4, $5, $4, $4, $6, $7, $8, $9, $10, $10, 1, $11)";
const LINE: &str = "INSERT INTO waste_line (tenant_id, document_id, line_no, item_id, entered_quantity, entered_unit, quantity, value, reason_id, stage) \
    VALUES ($1, $2, 1, $3, 1000000, 'g', 1000000, 1000000, $4, 'storage')";
const ENTRY: &str = "INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, \
    business_date, recorded_at, actor_id, reason_id) VALUES ($1, $2, $3, 1, 'waste', $4, $5, $6, -1000000, -1000000, $7, $8, $7, $9, $10)";

async fn post(connection: &mut SqliteConnection, facts: &Facts) -> Outcome<()> {
    let now = Clock::System.now();
    let (hash, id, now) = ("0".repeat(64), Ids::System.next(now), now.utc());
    let today = now.date_naive();
    let Facts { tenant, site, location, item, lot, actor, reason, rules_version } = facts;
    let mut txn = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(READ).bind(tenant).bind(item).bind(location).fetch_all(&mut *txn).await?;
    sqlx::query(TAKE).bind(tenant).bind(item).bind(location).bind(lot).execute(&mut *txn).await?;
    let head = sqlx::query(HEAD).bind(tenant).bind(rules_version).bind(&hash).fetch_one(&mut *txn).await?;
    let (seq, number, position): (i64, i64, i64) = (head.get(0), head.get(1), head.get(2));
    let document = sqlx::query(DOCUMENT).bind(id).bind(tenant).bind(number).bind(now).bind(today).bind(actor).bind(site).bind(location);
    document.bind(seq).bind(&hash).bind(position).execute(&mut *txn).await?;
    sqlx::query(LINE).bind(tenant).bind(id).bind(item).bind(reason).execute(&mut *txn).await?;
    let entry = sqlx::query(ENTRY).bind(tenant).bind(seq).bind(id).bind(item).bind(location).bind(lot).bind(now).bind(today).bind(actor).bind(reason);
    entry.execute(&mut *txn).await?;
    Ok(txn.commit().await?)
}
