//! A ledger of any size, written by SQL in the database itself: what would take hours over HTTP. Sums, numbers, sequence and positions are right,
//! hashes are not; `larder ledger verify` is measured on what was posted.
//!
//! Ids are numbers written as UUIDs, so that they come one after another as Larder's do.

use std::path::Path;

use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _};

use crate::Outcome;
use crate::kitchens::Place;
use crate::limits::sqlite;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub items: u64,
    pub lots: u64,
    /// A multiple of the lots, and of a hundred: so many each document has.
    pub entries: u64,
    /// Over so many years of equal length they are spread, up to the end of 2025.
    pub years: u64,
}

const PER_DOCUMENT: u64 = 100;
/// Of each lot so much came in, in base units.
const RECEIVED: u64 = 100_000;

/// How an engine writes what the statements need.
struct Dialect {
    series: fn(&str, u64) -> String,
    id: fn(u8, &str) -> String,
    uuid: fn(&str) -> String,
    /// An instant that many seconds before the end, and its day.
    instant: fn(&str) -> String,
    day: fn(&str) -> String,
}

const POSTGRES: Dialect = Dialect {
    series: |name, count| format!("generate_series(0::bigint, {count}::bigint - 1) AS series({name})"),
    id: |kind, number| format!("('{kind}' || lpad(to_hex({number}), 31, '0'))::uuid"),
    uuid: |text| format!("'{text}'::uuid"),
    instant: |seconds| format!("('2026-01-01T06:00:00Z'::timestamptz - ({seconds}) * interval '1 second')"),
    day: |seconds| format!("(('2026-01-01T06:00:00Z'::timestamptz - ({seconds}) * interval '1 second') AT TIME ZONE 'UTC')::date"),
};

const SQLITE: Dialect = Dialect {
    series: |name, count| {
        format!("(WITH RECURSIVE series({name}) AS (SELECT 0 UNION ALL SELECT {name} + 1 FROM series WHERE {name} < {count} - 1) SELECT {name} FROM series)")
    },
    id: |kind, number| format!("unhex('{kind}' || printf('%031x', {number}))"),
    uuid: |text| format!("unhex(replace('{text}', '-', ''))"),
    instant: |seconds| format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', '2026-01-01 06:00:00', '-' || ({seconds}) || ' seconds')"),
    day: |seconds| format!("date('2026-01-01 06:00:00', '-' || ({seconds}) || ' seconds')"),
};

/// Makes a ledger of that size in the tenant of a place, at its area, as seen from its item.
pub async fn on_postgres(url: &str, place: &Place, size: Size) -> Outcome<()> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    // Millions of rows whose references are known to be right, in a database that is thrown away.
    let unchecked = ["session_replication_role = replica", "synchronous_commit = off", "maintenance_work_mem = '1GB'"].map(|setting| format!("SET {setting}"));
    // Freezing what is old is nothing that readers should do first.
    let rested = ["VACUUM (FREEZE, ANALYZE)".to_owned(), "CHECKPOINT".to_owned()];
    let indexes: Vec<(String, String)> =
        sqlx::query_as("SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'ledger_entry' AND indexname LIKE 'ix%'")
            .fetch_all(&mut connection)
            .await?;
    for statement in unchecked.into_iter().chain(rebuilding(indexes, statements(&POSTGRES, place, size))).chain(rested) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// The same in a file that no server has open.
pub async fn on_sqlite(file: &Path, place: &Place, size: Size) -> Outcome<()> {
    let mut connection = sqlite::connect(file, false).await?;
    let unchecked = ["foreign_keys = OFF", "synchronous = OFF", "journal_mode = OFF", "cache_size = -500000"].map(|pragma| format!("PRAGMA {pragma}"));
    // No ANALYZE: Larder runs none, and with samples in its hands SQLite plans anew whenever a parameter is bound.
    let rested = ["PRAGMA journal_mode = WAL".to_owned()];
    let indexes: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'ledger_entry' AND sql IS NOT NULL")
            .fetch_all(&mut connection)
            .await?;
    for statement in unchecked.into_iter().chain(rebuilding(indexes, statements(&SQLITE, place, size))).chain(rested) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// Takes indexes away before rows are written, and makes them again after: of ten million that is minutes less.
fn rebuilding(indexes: Vec<(String, String)>, statements: Vec<String>) -> impl Iterator<Item = String> {
    let (dropped, made): (Vec<_>, Vec<_>) = indexes.into_iter().map(|(name, definition)| (format!("DROP INDEX \"{name}\""), definition)).unzip();
    dropped.into_iter().chain(statements).chain(made)
}

fn statements(dialect: &Dialect, place: &Place, size: Size) -> Vec<String> {
    let Size { items, lots, entries, years } = size;
    let (rounds, documents) = (entries / lots, entries / PER_DOCUMENT);
    let [tenant, site, location, item] = [&place.tenant_id, &place.site_id, &place.location_id, &place.item_id].map(|id| (dialect.uuid)(id));
    let series = dialect.series;
    let [item_id, lot_id, lot_of] = [(dialect.id)(1, "n"), (dialect.id)(2, "n"), (dialect.id)(2, &format!("n % {lots}"))];
    let [item_of_lot, document_of_entry, document_id] =
        [(dialect.id)(1, &format!("(n % {lots}) % {items}")), (dialect.id)(3, &format!("n / {PER_DOCUMENT}")), (dialect.id)(3, "n")];
    // All of it lies in the past, an equal distance apart.
    let seconds = years * 31_536_000;
    let of_entry = format!("({seconds} - n * {seconds} / {entries})");
    let of_document = format!("({seconds} - (n * {PER_DOCUMENT}) * {seconds} / {entries})");
    let ([at, day], [document_at, document_day]) =
        ([(dialect.instant)(&of_entry), (dialect.day)(&of_entry)], [(dialect.instant)(&of_document), (dialect.day)(&of_document)]);
    let actor = format!("(SELECT posted_by FROM document WHERE tenant_id = {tenant} LIMIT 1)");
    let reason = format!("(SELECT id FROM reason WHERE tenant_id = {tenant} AND code = 'spoiled')");
    let head = format!("(SELECT seq FROM ledger_head WHERE tenant_id = {tenant})");
    let position = format!("(SELECT position FROM ledger_head WHERE tenant_id = {tenant})");
    let hash = "0".repeat(64);
    let held = (RECEIVED - rounds + 1) * 1_000_000;
    let received = RECEIVED * 1_000_000;
    let receipts = lots / PER_DOCUMENT;
    vec![
        format!(
            "INSERT INTO item (id, tenant_id, version, created_at, updated_at, sku, name, base_unit_id, kind, pick, track_lots, track_expiry, date_kind, grace_days) \
             SELECT {item_id}, tenant_id, 1, created_at, updated_at, 'BULK' || n, 'Item ' || n, base_unit_id, kind, pick, track_lots, track_expiry, date_kind, \
             grace_days FROM item CROSS JOIN {} WHERE tenant_id = {tenant} AND id = {item}",
            series("n", items)
        ),
        format!(
            "INSERT INTO document (id, tenant_id, type, number, status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, last_seq, \
             content_hash, chain_hash, version, position) SELECT {document_id}, {tenant}, CASE WHEN n < {receipts} THEN 'receipt' ELSE 'waste' END, \
             1000000 + n, 'posted', {document_at}, {document_day}, {document_at}, {document_at}, {actor}, {site}, {location}, {head} + (n + 1) * {PER_DOCUMENT}, \
             '{hash}', '{hash}', 1, {position} + n + 1 FROM {}",
            series("n", documents)
        ),
        format!(
            "INSERT INTO lot (id, tenant_id, item_id, origin_document_id, origin_seq, origin_line, received_at, date_kind, basis_quantity, basis_value, cost_floor_at, \
             void, version) SELECT {lot_id}, {tenant}, {item_of_lot}, {document_of_entry}, {head} + n + 1, n % {PER_DOCUMENT} + 1, {at}, 'use_by', {received}, {received}, \
             {at}, false, 1 FROM {}",
            series("n", lots)
        ),
        format!("INSERT INTO stock_key (tenant_id, item_id, location_id) SELECT {tenant}, {item_id}, {location} FROM {}", series("n", items)),
        format!(
            "INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value) SELECT {tenant}, {item_of_lot}, {location}, {lot_id}, {held}, {held} FROM {}",
            series("n", lots)
        ),
        format!(
            "INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, \
             recorded_at, actor_id, reason_id) SELECT {tenant}, {head} + n + 1, {document_of_entry}, n % {PER_DOCUMENT} + 1, CASE WHEN n < {lots} THEN 'receipt' ELSE \
             'waste' END, {item_of_lot}, {location}, {lot_of}, CASE WHEN n < {lots} THEN {received} ELSE -1000000 END, CASE WHEN n < {lots} THEN {received} ELSE \
             -1000000 END, {at}, {day}, {at}, {actor}, CASE WHEN n < {lots} THEN NULL ELSE {reason} END FROM {}",
            series("n", entries)
        ),
        format!(
            "UPDATE ledger_head SET seq = seq + {entries}, position = position + {documents}, receipt_number = 1000000 + {documents}, waste_number = 1000000 + {documents}, \
             head_hash = '{hash}' WHERE tenant_id = {tenant}"
        ),
    ]
}
