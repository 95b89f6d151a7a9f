//! What a posting locks and writes: one text for each table, whatever the number of lines, and what may be is sent together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use inventory_entity::document;
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait, DatabaseBackend, DbErr, EntityTrait as _, FromQueryResult, IntoActiveModel as _, QueryTrait as _};
use uuid::Uuid;

use super::effects::{ChangedLot, Effects, NewBalance, NewLot};
use super::facts::Key;
use super::post::{Detail, Posting};
use super::protocol::{DocumentType, Head, Locked, RulesSeen};
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, LotId, ReservationId};
use crate::rows::{self, Batch, Kind, Relation, given_row};

pub const KEY: Relation = Relation(&[("tenant_id", Kind::Uuid), ("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);

pub fn key_rows(txn: &Txn, tenant: TenantId, keys: &[Key]) -> sea_orm::Value {
    let backend = txn.get_database_backend();
    rows::parameter(keys.iter().map(|key| given_row!(backend, tenant, key.item, key.location)).collect())
}

pub(super) fn busy(error: DbErr) -> Error {
    if database::is_lock_timeout(&error) { Error::StockBusy } else { Error::Database(error) }
}

/// Creates the missing stock keys and locks all of them, both in sorted order: so two postings never wait for each other in a
/// ring. SQLite has one writer and nothing to lock. The clock is read when they are had.
pub async fn lock(txn: &Txn, tenant: TenantId, mut keys: Vec<Key>, clock: impl FnOnce() -> Instant) -> Result<Locked, Error> {
    keys.sort_unstable();
    keys.dedup();
    let given = KEY.select(txn.get_database_backend(), 1);
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    let create = format!(
        "INSERT INTO stock_key (tenant_id, item_id, location_id) SELECT * FROM ({given}) AS wanted WHERE true ORDER BY item_id, location_id ON CONFLICT DO NOTHING"
    );
    if database::is_postgres(txn) {
        create_and_lock(txn, &create, &given, key_rows(txn, tenant, &keys), keys.len()).await?;
    } else {
        rows::execute(txn, &create, [key_rows(txn, tenant, &keys)]).await.map_err(busy)?;
    }
    Ok(Locked { tenant, keys, at: clock() })
}

/// Both in one statement: what it creates is its own, and what was there when it began it locks. A key that somebody else has created
/// meanwhile is neither, and to lock it now would be out of order: the posting begins anew.
async fn create_and_lock(txn: &Txn, create: &str, given: &str, keys: sea_orm::Value, wanted: usize) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct HadRow {
        had: i64,
    }
    let sql = format!(
        "WITH created AS ({create} RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id FROM stock_key JOIN ({given}) AS wanted \
         USING (tenant_id, item_id, location_id) WHERE (SELECT COUNT(*) FROM created) >= 0 ORDER BY stock_key.item_id, stock_key.location_id \
         FOR NO KEY UPDATE OF stock_key) SELECT (SELECT COUNT(*) FROM created) + (SELECT COUNT(*) FROM locked) AS had"
    );
    let had = rows::one::<HadRow>(txn, &sql, [keys]).await.map_err(busy)?.map_or(0, |row| row.had);
    if usize::try_from(had).is_ok_and(|had| had == wanted) { Ok(()) } else { Err(Error::RulesChanged) }
}

/// Writes the balances as they are afterwards. Where something was held, the row is there; else it may be there with nothing.
/// (What is inserted is the balance itself and never a difference, so that no CHECK sees a value below zero.)
pub fn write_balances(batch: &mut Batch, locked: &Locked, balances: &[NewBalance]) {
    const BALANCE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
    ]);
    let backend = batch.backend();
    let row = |balance: &NewBalance| {
        let (place, holding) = (balance.place, balance.holding);
        given_row!(backend, locked.tenant, place.key.item, place.key.location, place.lot, holding.quantity.0, holding.value.0)
    };
    let held: Vec<_> = balances.iter().filter(|balance| balance.held).map(row).collect();
    let given = BALANCE.select(backend, 1);
    if !held.is_empty() {
        let update = format!(
            "UPDATE balance SET quantity = now.quantity, value = now.value FROM ({given}) AS now \
             WHERE balance.tenant_id = now.tenant_id AND balance.item_id = now.item_id AND balance.location_id = now.location_id AND balance.lot_id = now.lot_id"
        );
        batch.add(update, [rows::parameter(held)]);
    }
    let new: Vec<_> = balances.iter().filter(|balance| !balance.held).map(row).collect();
    if !new.is_empty() {
        // The WHERE keeps SQLite's parser from reading ON as a join's.
        let insert = format!(
            "INSERT INTO balance ({}) SELECT * FROM ({given}) AS now WHERE true \
             ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE SET quantity = excluded.quantity, value = excluded.value",
            BALANCE.names()
        );
        batch.add(insert, [rows::parameter(new)]);
    }
}

const LOT_ID: Relation = Relation(&[("tenant_id", Kind::Uuid), ("id", Kind::Uuid), ("version", Kind::Int)]);

fn lot_rows(txn: &Txn, locked: &Locked, changed: &[ChangedLot]) -> sea_orm::Value {
    let backend = txn.get_database_backend();
    rows::parameter(changed.iter().map(|lot| given_row!(backend, locked.tenant, lot.id, lot.seen)).collect())
}

#[derive(FromQueryResult)]
struct VersionRow {
    id: Uuid,
    version: i64,
}

/// Locks the lots that change, in sorted order. One that somebody else has changed since it was read makes the posting begin
/// anew: two gains of one lot in two places hold different stock keys.
pub async fn lock_lots(txn: &Txn, locked: &Locked, changed: &[ChangedLot]) -> Result<(), Error> {
    // SQLite has one writer: nothing changes under it.
    if changed.is_empty() || !database::is_postgres(txn) {
        return Ok(());
    }
    let given = LOT_ID.select(txn.get_database_backend(), 1);
    let sql = format!("SELECT lot.id, lot.version FROM lot JOIN ({given}) AS wanted USING (tenant_id, id) ORDER BY lot.id FOR NO KEY UPDATE OF lot");
    let found = rows::all::<VersionRow>(txn, &sql, [lot_rows(txn, locked, changed)]).await.map_err(busy)?;
    let versions: BTreeMap<Uuid, i64> = found.into_iter().map(|row| (row.id, row.version)).collect();
    if changed.iter().all(|lot| versions.get(&lot.id) == Some(&lot.seen)) { Ok(()) } else { Err(Error::RulesChanged) }
}

/// Locks lots in their order, whatever their versions are.
pub async fn hold_lots(txn: &Txn, locked: &Locked, lots: &BTreeSet<LotId>) -> Result<(), Error> {
    const ID: Relation = Relation(&[("tenant_id", Kind::Uuid), ("id", Kind::Uuid)]);
    if lots.is_empty() || !database::is_postgres(txn) {
        return Ok(());
    }
    let backend = txn.get_database_backend();
    let given = ID.select(backend, 1);
    let sql = format!("SELECT lot.id FROM lot JOIN ({given}) AS wanted USING (tenant_id, id) ORDER BY lot.id FOR NO KEY UPDATE OF lot");
    let wanted = rows::parameter(lots.iter().map(|lot| given_row!(backend, locked.tenant, *lot)).collect());
    rows::execute(txn, &sql, [wanted]).await.map_err(busy)?;
    Ok(())
}

/// Writes locked lots as they are afterwards.
pub fn change_lots(batch: &mut Batch, locked: &Locked, position: i64, changed: &[ChangedLot]) {
    const CHANGED: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("id", Kind::Uuid),
        ("basis_quantity", Kind::Int),
        ("basis_value", Kind::Int),
        ("cost_floor_at", Kind::Instant),
        ("void", Kind::Bool),
        ("revalued_position", Kind::Int),
    ]);
    if changed.is_empty() {
        return;
    }
    let backend = batch.backend();
    let row = |lot: &ChangedLot| {
        let revalued = lot.revalued.then_some(position);
        given_row!(backend, locked.tenant, lot.id, lot.basis.quantity.0, lot.basis.value.0, lot.cost_floor_at, lot.void, revalued)
    };
    let sql = format!(
        "UPDATE lot SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void, \
         revalued_position = COALESCE(now.revalued_position, lot.revalued_position), version = lot.version + 1 \
         FROM ({}) AS now WHERE lot.tenant_id = now.tenant_id AND lot.id = now.id",
        CHANGED.select(backend, 1)
    );
    batch.add(sql, [rows::parameter(changed.iter().map(row).collect())]);
}

/// Takes from reservations what lines took, and from what is set aside of their keys. One that is used up is fulfilled.
pub fn take_reserved(batch: &mut Batch, locked: &Locked, taken: &[(ReservationId, Key, Quantity)], now: Instant) {
    const TAKEN: Relation = Relation(&[("tenant_id", Kind::Uuid), ("id", Kind::Uuid), ("quantity", Kind::Int)]);
    const AT_KEY: Relation = Relation(&[("tenant_id", Kind::Uuid), ("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("quantity", Kind::Int)]);
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
    let at = if backend == DatabaseBackend::Postgres { "$2::timestamptz" } else { "$2" };
    let sql = format!(
        "UPDATE reservation SET taken = reservation.taken + now.quantity, version = reservation.version + 1, updated_at = {at}, \
         status = CASE WHEN reservation.taken + now.quantity >= reservation.quantity THEN 'fulfilled' ELSE reservation.status END \
         FROM ({}) AS now WHERE reservation.tenant_id = now.tenant_id AND reservation.id = now.id",
        TAKEN.select(backend, 1)
    );
    let given = by_reservation.iter().map(|(id, quantity)| given_row!(backend, locked.tenant, *id, *quantity)).collect();
    let now: DateTime<FixedOffset> = now.into();
    batch.add(sql, [rows::parameter(given), now.into()]);
    let sql = format!(
        "UPDATE stock_key SET reserved_quantity = stock_key.reserved_quantity - now.quantity FROM ({}) AS now \
         WHERE stock_key.tenant_id = now.tenant_id AND stock_key.item_id = now.item_id AND stock_key.location_id = now.location_id",
        AT_KEY.select(backend, 1)
    );
    let given = by_key.iter().map(|(key, quantity)| given_row!(backend, locked.tenant, key.item, key.location, *quantity)).collect();
    batch.add(sql, [rows::parameter(given)]);
}

#[derive(FromQueryResult)]
struct HeadRow {
    seq: i64,
    number: i64,
    position: i64,
    head_hash: String,
}

/// Sends what is written before the head, then takes the head, last of all locks, and moves it on by one document with `entries` entries.
/// Where the rules are no longer those that were seen, the posting begins anew.
pub async fn advance(txn: &Txn, locked: &Locked, before: Batch, kind: DocumentType, entries: usize, rules: RulesSeen) -> Result<Head, Error> {
    let counter = kind.counter();
    let sql = |after: &str| {
        format!(
            "UPDATE ledger_head SET seq = seq + $1, {counter} = COALESCE({counter}, 0) + 1, position = COALESCE(position, 0) + 1 \
             WHERE tenant_id = $2 AND rules_version = $3{after} RETURNING seq, {counter} AS number, position, head_hash"
        )
    };
    let entries = i64::try_from(entries).map_err(|_| Error::Refused(super::Refusal::Overflow))?;
    let row = before.send_before::<HeadRow>(txn, sql, [entries.into(), locked.tenant.into(), rules.version.into()]).await;
    let row = row.map_err(busy)?;
    let row = row.ok_or(Error::RulesChanged)?;
    Ok(Head { position: row.position, last_seq: row.seq, number: row.number, previous: row.head_hash })
}

/// Writes the document, and puts its link at the end of the chain.
pub fn write_document(batch: &mut Batch, locked: &Locked, document: &document::Model) {
    batch.add("UPDATE ledger_head SET head_hash = $1 WHERE tenant_id = $2", [document.chain_hash.clone().into(), locked.tenant.into()]);
    let insert = document::Entity::insert(document.clone().into_active_model().reset_all()).build(batch.backend());
    batch.add(insert.sql, insert.values.into_iter().flat_map(|values| values.0));
}

const PARENT: Relation =
    Relation(&[("tenant_id", Kind::Uuid), ("lot_id", Kind::Uuid), ("parent_id", Kind::Uuid), ("document_id", Kind::Uuid), ("quantity", Kind::Int)]);

/// Writes the lots that a document makes, with what they were made from.
pub fn write_lots(batch: &mut Batch, locked: &Locked, document: DocumentId, first_seq: i64, effects: &Effects) {
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
            first_seq,
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
    batch.insert("lot", LOT, effects.lots.iter().map(row).collect());

    let parents = effects.lots.iter().flat_map(|lot| lot.parents.iter().map(|(parent, quantity)| (lot.id, *parent, *quantity)));
    let parents = parents.map(|(lot, parent, quantity)| given_row!(backend, locked.tenant, lot, parent, document, quantity.0)).collect();
    batch.insert("lot_parent", PARENT, parents);
}

/// Writes the entries, numbered from `first_seq` on.
pub fn write_entries(batch: &mut Batch, locked: &Locked, entries: &[super::post::Entry]) {
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
    let backend = batch.backend();
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
    batch.insert("ledger_entry", ENTRY, entries.iter().map(row).collect());
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
    batch.insert("document_detail", DETAIL, vec![row]);
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
    batch.insert("cost_variance", VARIANCE, (1..).zip(&effects.variances).map(row).collect());
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
    batch.insert("shortage", SHORTAGE, effects.shortages.iter().map(row).collect());
    if let Some(undone) = effects.untrue {
        let at = if backend == DatabaseBackend::Postgres { "$3::timestamptz" } else { "$3" };
        let sql = format!(
            "UPDATE shortage SET status = 'cleared', cleared_by_document_id = $4, cleared_at = {at}, updated_at = {at}, version = version + 1 \
             WHERE tenant_id = $1 AND document_id = $2 AND status = 'open'"
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
    batch.insert("count_truth", TRUTH, effects.truths.iter().map(row).collect());
    if !effects.marked.is_empty() {
        let sql = format!(
            "UPDATE count_truth SET marked_by = $2 FROM ({}) AS now \
             WHERE count_truth.tenant_id = $3 AND count_truth.document_id = now.document_id AND count_truth.line_no = now.line_no",
            MARKED.select(backend, 1)
        );
        let given = effects.marked.iter().map(|(count, line_no)| given_row!(backend, *count, *line_no)).collect();
        batch.add(sql, [rows::parameter(given), document.into(), tenant.into()]);
    }
}

/// Takes back what a count that is undone said. Apart from the rest: some of it may have been marked.
pub async fn take_back_truths(txn: &Txn, locked: &Locked, effects: &Effects) -> Result<(), Error> {
    let Some(undone) = effects.untrue else { return Ok(()) };
    rows::execute(txn, "DELETE FROM count_truth WHERE tenant_id = $1 AND document_id = $2", [locked.tenant.into(), undone.into()]).await?;
    Ok(())
}
