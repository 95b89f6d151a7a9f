//! The statements of a posting: one text and one round trip each, whatever the number of lines.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::command::Command;
use super::effects::{Effects, NewBalance};
use super::facts::{Holding, Key, Later, Lot, Place, Snapshot};
use super::protocol::{DocumentType, Head, Locked, RulesSeen};
use crate::arithmetic::{Money, Quantity};
use crate::error::Error;
use crate::names::DocumentId;
use crate::names::Word as _;
use crate::rows::{self, Kind, Relation, given_row};

const KEY: Relation = Relation(&[("tenant_id", Kind::Uuid), ("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);

fn key_rows(txn: &Txn, tenant: TenantId, keys: &[Key]) -> sea_orm::Value {
    let backend = txn.get_database_backend();
    rows::parameter(keys.iter().map(|key| given_row!(backend, tenant, key.item, key.location)).collect())
}

/// Creates the missing stock keys and locks all of them, both in sorted order: so two postings never wait for each other in a
/// ring. SQLite has one writer and nothing to lock.
pub async fn lock(txn: &Txn, tenant: TenantId, mut keys: Vec<Key>) -> Result<Locked, Error> {
    keys.sort_unstable();
    keys.dedup();
    let busy = |error| if database::is_lock_timeout(&error) { Error::StockBusy } else { Error::Database(error) };
    let given = KEY.select(txn.get_database_backend(), 1);
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    let create = format!(
        "INSERT INTO stock_key (tenant_id, item_id, location_id) SELECT * FROM ({given}) AS wanted WHERE true ORDER BY item_id, location_id ON CONFLICT DO NOTHING"
    );
    rows::execute(txn, &create, [key_rows(txn, tenant, &keys)]).await.map_err(busy)?;
    if database::is_postgres(txn) {
        let lock = format!(
            "SELECT stock_key.item_id FROM stock_key JOIN ({given}) AS wanted USING (tenant_id, item_id, location_id) ORDER BY stock_key.item_id, stock_key.location_id FOR NO KEY UPDATE OF stock_key"
        );
        rows::execute(txn, &lock, [key_rows(txn, tenant, &keys)]).await.map_err(busy)?;
    }
    Ok(Locked { tenant, keys })
}

#[derive(FromQueryResult)]
struct LotRow {
    id: Uuid,
    item_id: Uuid,
    origin_seq: i64,
    origin_line: i64,
    received_at: DateTime<FixedOffset>,
    expires_on: Option<NaiveDate>,
    cost_floor_at: DateTime<FixedOffset>,
}

impl LotRow {
    fn into_lot(self) -> Lot {
        let (received_at, cost_floor_at) = (self.received_at.into(), self.cost_floor_at.into());
        Lot { item: self.item_id, origin: (self.origin_seq, self.origin_line), received_at, expires_on: self.expires_on, cost_floor_at }
    }
}

const LOT_COLUMNS: &str = "lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.received_at, lot.expires_on, lot.cost_floor_at";

#[derive(FromQueryResult)]
struct HeldRow {
    #[sea_orm(nested)]
    lot: LotRow,
    location_id: Uuid,
    quantity: i64,
    value: i64,
}

#[derive(FromQueryResult)]
struct LaterRow {
    item_id: Uuid,
    location_id: Uuid,
    lot_id: Uuid,
    effective_at: DateTime<FixedOffset>,
    quantity: i64,
}

/// Reads the state that a command is decided on, under its locks. What only comes in needs none of it.
pub async fn load(txn: &Txn, locked: &Locked, command: &Command, rules: RulesSeen, now: Instant) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot { now, closed_through: rules.closed_through, lots: BTreeMap::new(), holdings: BTreeMap::new(), later: BTreeMap::new() };
    if !command.takes() {
        return Ok(snapshot);
    }
    let (backend, tenant) = (txn.get_database_backend(), locked.tenant);
    let given = KEY.select(backend, 1);

    let held = format!(
        "SELECT {LOT_COLUMNS}, balance.location_id, balance.quantity, balance.value FROM ({given}) AS wanted \
         JOIN balance ON balance.tenant_id = wanted.tenant_id AND balance.item_id = wanted.item_id AND balance.location_id = wanted.location_id \
         JOIN lot ON lot.tenant_id = balance.tenant_id AND lot.id = balance.lot_id WHERE balance.quantity > 0"
    );
    for row in rows::all::<HeldRow>(txn, &held, [key_rows(txn, tenant, &locked.keys)]).await? {
        let place = Place { key: Key { item: row.lot.item_id, location: row.location_id }, lot: row.lot.id };
        snapshot.holdings.insert(place, Holding { quantity: Quantity(row.quantity), value: Money(row.value) });
        snapshot.lots.insert(row.lot.id, row.lot.into_lot());
    }

    let later = format!(
        "SELECT entry.item_id, entry.location_id, entry.lot_id, entry.effective_at, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity FROM ({given}) AS wanted \
         JOIN ledger_entry AS entry ON entry.tenant_id = wanted.tenant_id AND entry.item_id = wanted.item_id AND entry.location_id = wanted.location_id \
         WHERE entry.effective_at > $2 GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at ORDER BY entry.effective_at"
    );
    let after: DateTime<FixedOffset> = command.effective_at.into();
    for row in rows::all::<LaterRow>(txn, &later, [key_rows(txn, tenant, &locked.keys), after.into()]).await? {
        let place = Place { key: Key { item: row.item_id, location: row.location_id }, lot: row.lot_id };
        snapshot.later.entry(place).or_default().push(Later { at: row.effective_at.into(), quantity: row.quantity });
    }

    let named = command.named_lots();
    if !named.is_empty() {
        const NAMED: Relation = Relation(&[("tenant_id", Kind::Uuid), ("id", Kind::Uuid)]);
        let sql =
            format!("SELECT {LOT_COLUMNS} FROM ({}) AS wanted JOIN lot ON lot.tenant_id = wanted.tenant_id AND lot.id = wanted.id", NAMED.select(backend, 1));
        let wanted = rows::parameter(named.iter().map(|lot| given_row!(backend, tenant, *lot)).collect());
        for row in rows::all::<LotRow>(txn, &sql, [wanted]).await? {
            snapshot.lots.insert(row.id, row.into_lot());
        }
    }
    Ok(snapshot)
}

/// Writes the balances as they are afterwards: those that exist, then those that are missing.
pub async fn write_balances(txn: &Txn, locked: &Locked, balances: &[NewBalance]) -> Result<(), Error> {
    const BALANCE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
    ]);
    let backend = txn.get_database_backend();
    let row = |balance: &NewBalance| {
        let (place, holding) = (balance.place, balance.holding);
        given_row!(backend, locked.tenant, place.key.item, place.key.location, place.lot, holding.quantity.0, holding.value.0)
    };
    let existing: Vec<_> = balances.iter().filter(|balance| balance.exists).map(row).collect();
    if !existing.is_empty() {
        let update = format!(
            "UPDATE balance SET quantity = now.quantity, value = now.value FROM ({}) AS now \
             WHERE balance.tenant_id = now.tenant_id AND balance.item_id = now.item_id AND balance.location_id = now.location_id AND balance.lot_id = now.lot_id",
            BALANCE.select(backend, 1)
        );
        rows::execute(txn, &update, [rows::parameter(existing)]).await?;
    }
    rows::insert(txn, "balance", BALANCE, balances.iter().filter(|balance| !balance.exists).map(row).collect()).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct HeadRow {
    seq: i64,
    number: i64,
    head_hash: String,
}

/// Takes the head, last of all locks, and moves it on by one document with `entries` entries. Where the rules are no longer
/// those that were seen, the posting begins anew.
pub async fn advance(txn: &Txn, locked: &Locked, kind: DocumentType, entries: usize, rules: RulesSeen) -> Result<Head, Error> {
    let counter = kind.counter();
    let sql = format!(
        "UPDATE ledger_head SET seq = seq + $1, {counter} = {counter} + 1 WHERE tenant_id = $2 AND rules_version = $3 RETURNING seq, {counter} AS number, head_hash"
    );
    let entries = i64::try_from(entries).map_err(|_| Error::Refused(super::Refusal::Overflow))?;
    let row = rows::one::<HeadRow>(txn, &sql, [entries.into(), locked.tenant.into(), rules.version.into()]).await;
    let row = row.map_err(|error| if database::is_lock_timeout(&error) { Error::StockBusy } else { Error::Database(error) })?;
    let row = row.ok_or(Error::RulesChanged)?;
    Ok(Head { last_seq: row.seq, number: row.number, previous: row.head_hash })
}

/// Puts the new link at the end of the chain.
pub async fn seal(txn: &Txn, locked: &Locked, chain_hash: &str) -> Result<(), Error> {
    rows::execute(txn, "UPDATE ledger_head SET head_hash = $1 WHERE tenant_id = $2", [chain_hash.into(), locked.tenant.into()]).await?;
    Ok(())
}

/// Writes the lots that a document makes.
pub async fn write_lots(txn: &Txn, locked: &Locked, document: DocumentId, first_seq: i64, effects: &Effects) -> Result<(), Error> {
    const LOT: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("origin_document_id", Kind::Uuid),
        ("origin_seq", Kind::Int),
        ("origin_line", Kind::Int),
        ("batch_code", Kind::Text),
        ("received_at", Kind::Instant),
        ("produced_on", Kind::Date),
        ("expires_on", Kind::Date),
        ("date_kind", Kind::Text),
        ("basis_quantity", Kind::Int),
        ("basis_value", Kind::Int),
        ("cost_floor_at", Kind::Instant),
        ("void", Kind::Bool),
        ("version", Kind::Int),
    ]);
    let backend = txn.get_database_backend();
    let row = |lot: &super::effects::NewLot| {
        given_row!(
            backend,
            lot.id,
            locked.tenant,
            lot.item,
            document,
            first_seq,
            lot.line_no,
            lot.batch_code.as_ref().map(crate::names::BatchCode::as_str),
            lot.received_at,
            lot.produced_on,
            lot.expires_on,
            lot.date_kind.word(),
            lot.basis_quantity.0,
            lot.basis_value.0,
            lot.received_at,
            false,
            1_i64,
        )
    };
    rows::insert(txn, "lot", LOT, effects.lots.iter().map(row).collect()).await?;
    Ok(())
}

/// Writes the entries, numbered from `first_seq` on.
pub async fn write_entries(txn: &Txn, locked: &Locked, entries: &[super::post::Entry]) -> Result<(), Error> {
    const ENTRY: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("seq", Kind::Int),
        ("document_id", Kind::Uuid),
        ("line_no", Kind::Int),
        ("kind", Kind::Text),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("quantity_delta", Kind::Int),
        ("value_delta", Kind::Int),
        ("effective_at", Kind::Instant),
        ("business_date", Kind::Date),
        ("recorded_at", Kind::Instant),
        ("actor_id", Kind::Uuid),
        ("reason_id", Kind::Uuid),
    ]);
    let backend = txn.get_database_backend();
    let row = |entry: &super::post::Entry| {
        given_row!(
            backend,
            locked.tenant,
            entry.seq,
            entry.document_id,
            entry.line_no,
            entry.kind.word(),
            entry.item_id,
            entry.location_id,
            entry.lot_id,
            entry.quantity.0,
            entry.value.0,
            entry.effective_at,
            entry.business_date,
            entry.recorded_at,
            entry.actor_id,
            entry.reason_id,
        )
    };
    rows::insert(txn, "ledger_entry", ENTRY, entries.iter().map(row).collect()).await?;
    Ok(())
}
