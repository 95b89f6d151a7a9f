//! What a posting locks and writes: one text for each table, whatever the number of lines, and what may be is sent together.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use inventory_entity::document;
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, FromQueryResult};
use uuid::Uuid;

use super::effects::{ChangedLot, Effects, NewBalance, NewLot};
use super::facts::Key;
use super::post::{Detail, Posting};
use super::protocol::Locked;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, LotId, ReservationId};
use crate::rows::{self, Batch, Kind, Relation, given_row};

pub const KEY: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);

pub fn key_rows(backend: DatabaseBackend, keys: &[Key]) -> sea_orm::Value {
    rows::parameter(keys.iter().map(|key| given_row!(backend, key.item, key.location)).collect())
}

pub(super) fn busy(error: DbErr) -> Error {
    if database::is_lock_timeout(&error) { Error::StockBusy } else { Error::Database(error) }
}

/// Creates the missing stock keys and locks all of them, both in sorted order: so two postings never wait for each other in a
/// ring. SQLite has one writer and nothing to lock; there [`create_keys`] comes with what is written. The clock is read when they are had.
pub async fn lock(txn: &Txn, tenant: TenantId, mut keys: Vec<Key>, clock: impl FnOnce() -> Instant) -> Result<Locked, Error> {
    keys.sort_unstable();
    keys.dedup();
    if database::is_postgres(txn) {
        create_and_lock(txn, tenant, &keys).await?;
    }
    Ok(Locked { tenant, keys, at: clock() })
}

/// Creates what is missing of keys that are locked, where that was not done with the lock.
pub fn create_keys(batch: &mut Batch, locked: &Locked, keys: &[Key]) {
    if batch.backend() == DatabaseBackend::Sqlite {
        batch.add(create_sql(batch.backend()), [locked.tenant.into(), key_rows(batch.backend(), keys)]);
    }
}

fn create_sql(backend: DatabaseBackend) -> String {
    let given = KEY.of_tenant(backend, 1, 2);
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    format!(
        "INSERT INTO stock_key (tenant_id, item_id, location_id) SELECT * FROM ({given}) AS wanted WHERE true ORDER BY item_id, location_id ON CONFLICT DO NOTHING"
    )
}

/// Both in one statement: what it creates is its own, and what was there when it began it locks. A key that somebody else has created
/// meanwhile is neither, and to lock it now would be out of order: the posting begins anew.
async fn create_and_lock(txn: &Txn, tenant: TenantId, keys: &[Key]) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct HadRow {
        had: i64,
    }
    let backend = txn.get_database_backend();
    let (create, given) = (create_sql(backend), KEY.of_tenant(backend, 1, 2));
    let sql = format!(
        "WITH created AS ({create} RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id FROM stock_key JOIN ({given}) AS wanted \
         USING (tenant_id, item_id, location_id) WHERE (SELECT COUNT(*) FROM created) >= 0 ORDER BY stock_key.item_id, stock_key.location_id \
         FOR NO KEY UPDATE OF stock_key) SELECT (SELECT COUNT(*) FROM created) + (SELECT COUNT(*) FROM locked) AS had"
    );
    let had = rows::one::<HadRow>(txn, &sql, [tenant.into(), key_rows(backend, keys)]).await.map_err(busy)?.map_or(0, |row| row.had);
    if usize::try_from(had).is_ok_and(|had| had == keys.len()) { Ok(()) } else { Err(Error::RulesChanged) }
}

/// Writes the balances as they are afterwards. Where something was held, the row is there; else it may be there with nothing.
/// (What is inserted is the balance itself and never a difference, so that no CHECK sees a value below zero.)
pub fn write_balances(batch: &mut Batch, locked: &Locked, balances: &[NewBalance]) {
    const BALANCE: Relation =
        Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("lot_id", Kind::Uuid), ("quantity", Kind::Int), ("value", Kind::Int)]);
    let backend = batch.backend();
    let row = |balance: &NewBalance| {
        let (place, holding) = (balance.place, balance.holding);
        given_row!(backend, place.key.item, place.key.location, place.lot, holding.quantity.0, holding.value.0)
    };
    let given = BALANCE.of_tenant(backend, 1, 2);
    let held: Vec<_> = balances.iter().filter(|balance| balance.held).map(row).collect();
    if !held.is_empty() {
        let update = format!(
            "UPDATE balance SET quantity = now.quantity, value = now.value FROM ({given}) AS now \
             WHERE balance.tenant_id = now.tenant_id AND balance.item_id = now.item_id AND balance.location_id = now.location_id AND balance.lot_id = now.lot_id"
        );
        batch.add(update, [locked.tenant.into(), rows::parameter(held)]);
    }
    let new: Vec<_> = balances.iter().filter(|balance| !balance.held).map(row).collect();
    if !new.is_empty() {
        // The WHERE keeps SQLite's parser from reading ON as a join's.
        let insert = format!(
            "INSERT INTO balance (tenant_id, {}) SELECT * FROM ({given}) AS now WHERE true \
             ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE SET quantity = excluded.quantity, value = excluded.value",
            BALANCE.names()
        );
        batch.add(insert, [locked.tenant.into(), rows::parameter(new)]);
    }
}

/// Locks the lots that change, in sorted order. One that somebody else has changed since it was read makes the posting begin
/// anew: two gains of one lot in two places hold different stock keys.
pub async fn lock_lots(txn: &Txn, locked: &Locked, changed: &[ChangedLot]) -> Result<(), Error> {
    let versions = hold_lots(txn, locked.tenant, changed.iter().map(|lot| lot.id)).await?;
    // SQLite has one writer: nothing changes under it.
    if !database::is_postgres(txn) {
        return Ok(());
    }
    if changed.iter().all(|lot| versions.get(&lot.id) == Some(&lot.seen)) { Ok(()) } else { Err(Error::RulesChanged) }
}

/// Locks lots in their order, whatever their versions are, and answers those. On SQLite, which has one writer, it does nothing.
pub async fn hold_lots(txn: &Txn, tenant: TenantId, lots: impl IntoIterator<Item = LotId>) -> Result<BTreeMap<LotId, i64>, Error> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    #[derive(FromQueryResult)]
    struct VersionRow {
        id: Uuid,
        version: i64,
    }
    let backend = txn.get_database_backend();
    let wanted: Vec<_> = lots.into_iter().map(|lot| given_row!(backend, lot)).collect();
    if wanted.is_empty() || backend != DatabaseBackend::Postgres {
        return Ok(BTreeMap::new());
    }
    let given = ID.each(backend, 2);
    let sql =
        format!("SELECT lot.id, lot.version FROM lot JOIN ({given}) AS wanted USING (id) WHERE lot.tenant_id = $1 ORDER BY lot.id FOR NO KEY UPDATE OF lot");
    let found = rows::all::<VersionRow>(txn, &sql, [tenant.into(), rows::parameter(wanted)]).await.map_err(busy)?;
    Ok(found.into_iter().map(|row| (row.id, row.version)).collect())
}

/// Writes locked lots as they are afterwards.
pub fn change_lots(batch: &mut Batch, locked: &Locked, changed: &[ChangedLot]) {
    const CHANGED: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("basis_quantity", Kind::Int),
        ("basis_value", Kind::Int),
        ("cost_floor_at", Kind::Instant),
        ("void", Kind::Bool),
        ("revalued", Kind::Bool),
    ]);
    if changed.is_empty() {
        return;
    }
    let backend = batch.backend();
    let row = |lot: &ChangedLot| given_row!(backend, lot.id, lot.basis.quantity.0, lot.basis.value.0, lot.cost_floor_at, lot.void, lot.revalued);
    let sql = format!(
        "UPDATE lot SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void, \
         revalued_position = CASE WHEN now.revalued THEN head.position ELSE lot.revalued_position END, version = lot.version + 1 \
         FROM ({}) AS now CROSS JOIN head WHERE lot.tenant_id = now.tenant_id AND lot.id = now.id",
        CHANGED.of_tenant(backend, 1, 2)
    );
    batch.add(sql, [locked.tenant.into(), rows::parameter(changed.iter().map(row).collect())]);
}

/// Takes from reservations what lines took, and from what is set aside of their keys. One that is used up is fulfilled.
pub fn take_reserved(batch: &mut Batch, locked: &Locked, taken: &[(ReservationId, Key, Quantity)], now: Instant) {
    const TAKEN: Relation = Relation(&[("id", Kind::Uuid), ("quantity", Kind::Int)]);
    if taken.is_empty() {
        return;
    }
    let backend = batch.backend();
    // One row for each: an UPDATE takes one match.
    let (mut by_reservation, mut by_key) = (BTreeMap::<ReservationId, i64>::new(), BTreeMap::<Key, i64>::new());
    for (id, key, quantity) in taken {
        *by_reservation.entry(*id).or_default() += quantity.0;
        *by_key.entry(*key).or_default() += quantity.0;
    }
    let at = if backend == DatabaseBackend::Postgres { "$3::timestamptz" } else { "$3" };
    let sql = format!(
        "UPDATE reservation SET taken = reservation.taken + now.quantity, version = reservation.version + 1, updated_at = {at}, \
         status = CASE WHEN reservation.taken + now.quantity >= reservation.quantity THEN 'fulfilled' ELSE reservation.status END \
         FROM ({}) AS now WHERE reservation.tenant_id = now.tenant_id AND reservation.id = now.id",
        TAKEN.of_tenant(backend, 1, 2)
    );
    let given = by_reservation.iter().map(|(id, quantity)| given_row!(backend, *id, *quantity)).collect();
    let now: DateTime<FixedOffset> = now.into();
    batch.add(sql, [locked.tenant.into(), rows::parameter(given), now.into()]);
    set_aside(batch, locked, by_key.iter().map(|(key, quantity)| (key, -quantity)));
}

/// Adds to what is set aside of locked keys; takes from it, where a quantity is below zero.
pub fn set_aside<'a>(batch: &mut Batch, locked: &Locked, by: impl Iterator<Item = (&'a Key, i64)>) {
    const BY: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("quantity", Kind::Int)]);
    let backend = batch.backend();
    let sql = format!(
        "UPDATE stock_key SET reserved_quantity = stock_key.reserved_quantity + now.quantity FROM ({}) AS now \
         WHERE stock_key.tenant_id = now.tenant_id AND stock_key.item_id = now.item_id AND stock_key.location_id = now.location_id",
        BY.of_tenant(backend, 1, 2)
    );
    let given = by.map(|(key, quantity)| given_row!(backend, key.item, key.location, quantity)).collect();
    batch.add(sql, [locked.tenant.into(), rows::parameter(given)]);
}

/// Writes the document, with the numbers of the head.
pub fn write_document(batch: &mut Batch, document: &document::Model) {
    const DOCUMENT: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("type", Kind::Text),
        ("status", Kind::Text),
        ("effective_at", Kind::Instant),
        ("business_date", Kind::Date),
        ("recorded_at", Kind::Instant),
        ("posted_at", Kind::Instant),
        ("posted_by", Kind::Uuid),
        ("site_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("external_ref", Kind::Text),
        ("note", Kind::Text),
        ("content_hash", Kind::Text),
        ("version", Kind::Int),
    ]);
    let backend = batch.backend();
    let instant = |at: DateTime<FixedOffset>| Instant::from(at);
    let row = given_row!(
        backend,
        document.id,
        document.tenant_id,
        document.r#type,
        document.status,
        instant(document.effective_at),
        document.business_date,
        instant(document.recorded_at),
        instant(document.posted_at),
        document.posted_by,
        document.site_id,
        document.location_id,
        document.external_ref,
        document.note,
        document.content_hash,
        document.version,
    );
    let sql = format!(
        "INSERT INTO document ({}, number, last_seq, position, chain_hash) SELECT now.*, head.number, head.seq, head.position, head.head_hash \
         FROM ({}) AS now CROSS JOIN head",
        DOCUMENT.names(),
        DOCUMENT.select(backend, 1)
    );
    batch.add(sql, [rows::parameter(vec![row])]);
}

/// Adds the rows to be inserted into a table whose columns are those of the relation, if there are any and the head was had.
fn insert(batch: &mut Batch, table: &str, relation: Relation, rows: Vec<serde_json::Value>) {
    if !rows.is_empty() {
        let sql = format!("INSERT INTO {table} ({}) SELECT now.* FROM ({}) AS now CROSS JOIN head", relation.names(), relation.select(batch.backend(), 1));
        batch.add(sql, [rows::parameter(rows)]);
    }
}

const PARENT: Relation =
    Relation(&[("tenant_id", Kind::Uuid), ("lot_id", Kind::Uuid), ("parent_id", Kind::Uuid), ("document_id", Kind::Uuid), ("quantity", Kind::Int)]);

/// Writes the lots that a document makes, with what they were made from.
pub fn write_lots(batch: &mut Batch, locked: &Locked, document: DocumentId, effects: &Effects) {
    const LOT: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("origin_document_id", Kind::Uuid),
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
        ("opened_at", Kind::Instant),
    ]);
    let backend = batch.backend();
    let row = |lot: &NewLot| {
        given_row!(
            backend,
            lot.id,
            locked.tenant,
            lot.item,
            document,
            lot.line_no,
            lot.batch_code,
            lot.received_at,
            lot.produced_on,
            lot.expires_on,
            lot.date_kind.word(),
            lot.basis.quantity.0,
            lot.basis.value.0,
            lot.cost_floor_at,
            false,
            1_i64,
            lot.opened_at,
        )
    };
    let lots: Vec<_> = effects.lots.iter().map(row).collect();
    if !lots.is_empty() {
        // The document's first entry.
        let sql =
            format!("INSERT INTO lot ({}, origin_seq) SELECT now.*, head.seq - $2 + 1 FROM ({}) AS now CROSS JOIN head", LOT.names(), LOT.select(backend, 1));
        batch.add(sql, [rows::parameter(lots), count(&effects.entries).into()]);
    }

    let parents = effects.lots.iter().flat_map(|lot| lot.parents.iter().map(|(parent, quantity)| (lot.id, *parent, *quantity)));
    let parents = parents.map(|(lot, parent, quantity)| given_row!(backend, locked.tenant, lot, parent, document, quantity.0)).collect();
    insert(batch, "lot_parent", PARENT, parents);
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

/// Writes the entries, the last of which has the head's sequence number.
pub fn write_entries(batch: &mut Batch, locked: &Locked, entries: &[super::post::Entry]) {
    const ENTRY: Relation = Relation(&[
        ("place", Kind::Int),
        ("tenant_id", Kind::Uuid),
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
    let backend = batch.backend();
    let row = |(place, entry): (i64, &super::post::Entry)| {
        given_row!(
            backend,
            place,
            locked.tenant,
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
    if entries.is_empty() {
        return;
    }
    let columns = ENTRY.names();
    let columns = columns.trim_start_matches("place, ");
    let sql = format!(
        "INSERT INTO ledger_entry (seq, {columns}) SELECT head.seq - $2 + now.place, {columns} FROM ({}) AS now CROSS JOIN head",
        ENTRY.select(backend, 1)
    );
    batch.add(sql, [rows::parameter((1..).zip(entries).map(row).collect()), count(entries).into()]);
}

/// Writes what only some kinds of documents say.
pub fn write_detail(batch: &mut Batch, locked: &Locked, document: DocumentId, detail: &Detail) {
    const DETAIL: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("reverses_id", Kind::Uuid),
        ("reason_id", Kind::Uuid),
        ("about_id", Kind::Uuid),
        ("transfer_id", Kind::Uuid),
        ("count_id", Kind::Uuid),
        ("purpose", Kind::Text),
        ("recipient", Kind::Text),
        ("approved_by", Kind::Uuid),
    ]);
    if *detail == Detail::default() {
        return;
    }
    let Detail { reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by } = detail.clone();
    let backend = batch.backend();
    let row = given_row!(backend, locked.tenant, document, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by);
    insert(batch, "document_detail", DETAIL, vec![row]);
}

/// Marks the document that is undone, where there is one.
pub async fn mark_undone(txn: &Txn, locked: &Locked, detail: &Detail) -> Result<(), Error> {
    let Some(undone) = detail.reverses_id else { return Ok(()) };
    let sql = "UPDATE document SET status = 'reversed', version = version + 1 WHERE tenant_id = $1 AND id = $2 AND status = 'posted'";
    let marked = rows::execute(txn, sql, [locked.tenant.into(), undone.into()]).await?;
    if marked.rows_affected() == 1 { Ok(()) } else { Err(Error::AlreadyReversed) }
}

/// Writes variances, shortages and what counts say from now on.
pub fn write_left_behind<K: super::protocol::Kind>(batch: &mut Batch, locked: &Locked, posting: &Posting<K>, effects: &Effects) {
    write_variances(batch, locked, posting.id(), effects);
    write_shortages(batch, locked, posting.id(), posting.recorded_at(), effects);
    write_truths(batch, locked, posting.id(), effects);
    take_back_truths(batch, locked, effects);
}

fn write_variances(batch: &mut Batch, locked: &Locked, document: DocumentId, effects: &Effects) {
    const VARIANCE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("number", Kind::Int),
        ("lot_id", Kind::Uuid),
        ("amount", Kind::Int),
        ("kind", Kind::Text),
    ]);
    let backend = batch.backend();
    let row = |(number, variance): (i64, &super::effects::Variance)| {
        given_row!(backend, locked.tenant, document, number, variance.lot, variance.amount.0, variance.kind.word())
    };
    insert(batch, "cost_variance", VARIANCE, (1..).zip(&effects.variances).map(row).collect());
}

fn write_shortages(batch: &mut Batch, locked: &Locked, document: DocumentId, now: Instant, effects: &Effects) {
    const SHORTAGE: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("version", Kind::Int),
        ("created_at", Kind::Instant),
        ("updated_at", Kind::Instant),
        ("document_id", Kind::Uuid),
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("quantity", Kind::Int),
        ("status", Kind::Text),
    ]);
    let backend = batch.backend();
    let row = |shortage: &super::effects::Shortage| {
        let id = shortage.id(document);
        let (key, quantity) = (shortage.key, shortage.quantity.0);
        given_row!(backend, id, locked.tenant, 1_i64, now, now, document, shortage.line_no, key.item, key.location, quantity, "open")
    };
    insert(batch, "shortage", SHORTAGE, effects.shortages.iter().map(row).collect());
    if let Some(undone) = effects.untrue {
        let at = if backend == DatabaseBackend::Postgres { "$3::timestamptz" } else { "$3" };
        let sql = format!(
            "UPDATE shortage SET status = 'cleared', cleared_by_document_id = $4, cleared_at = {at}, updated_at = {at}, version = version + 1 \
             WHERE tenant_id = $1 AND document_id = $2 AND status = 'open' AND EXISTS (SELECT 1 FROM head)"
        );
        let now: DateTime<FixedOffset> = now.into();
        batch.add(sql, [locked.tenant.into(), undone.into(), now.into(), document.into()]);
    }
}

fn write_truths(batch: &mut Batch, locked: &Locked, document: DocumentId, effects: &Effects) {
    const TRUTH: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("counted_at", Kind::Instant),
        ("quantity", Kind::Int),
    ]);
    const MARKED: Relation = Relation(&[("document_id", Kind::Uuid), ("line_no", Kind::Int)]);
    let (backend, tenant) = (batch.backend(), locked.tenant);
    let row = |truth: &super::effects::NewTruth| {
        let key = truth.key;
        given_row!(backend, tenant, document, truth.line_no, key.item, key.location, truth.lot, truth.counted_at, truth.quantity.0)
    };
    insert(batch, "count_truth", TRUTH, effects.truths.iter().map(row).collect());
    if !effects.marked.is_empty() {
        let sql = format!(
            "UPDATE count_truth SET marked_by = $2 FROM ({}) AS now CROSS JOIN head \
             WHERE count_truth.tenant_id = now.tenant_id AND count_truth.document_id = now.document_id AND count_truth.line_no = now.line_no",
            MARKED.of_tenant(backend, 3, 1)
        );
        let given = effects.marked.iter().map(|(count, line_no)| given_row!(backend, *count, *line_no)).collect();
        batch.add(sql, [rows::parameter(given), document.into(), tenant.into()]);
    }
}

/// Takes back what a count that is undone said: after the head, since who marks a line of it holds that. None of it is marked by the same document.
fn take_back_truths(batch: &mut Batch, locked: &Locked, effects: &Effects) {
    if let Some(undone) = effects.untrue {
        let sql = "DELETE FROM count_truth WHERE tenant_id = $1 AND document_id = $2 AND EXISTS (SELECT 1 FROM head)";
        batch.add(sql, [locked.tenant.into(), undone.into()]);
    }
}
