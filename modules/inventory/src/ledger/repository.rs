//! What a posting writes: one text for each table, of one row or of any number, and what may be is sent together.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use inventory_entity::document;
use kernel::{Instant, Txn};
use sea_orm::DatabaseBackend;

use super::effects::{ChangedLot, Effects, NewBalance, NewLot};
use super::facts::Key;
use super::post::{Detail, Posting};
use super::protocol::Locked;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, ReservationId};
use crate::rows::{self, Batch, Kind, Relation, given_row};

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
    let (held, new): (Vec<_>, Vec<_>) = balances.iter().partition(|balance| balance.held);
    let given = |balances: Vec<&NewBalance>| BALANCE.rows(backend, balances.into_iter().map(row).collect());
    let (held, new) = (given(held), given(new));
    if !held.is_empty() {
        let update = format!(
            "UPDATE balance SET quantity = now.quantity, value = now.value FROM ({}) AS now \
             WHERE balance.tenant_id = now.tenant_id AND balance.item_id = now.item_id AND balance.location_id = now.location_id AND balance.lot_id = now.lot_id",
            held.of_tenant(1, 2)
        );
        batch.add(update, [locked.tenant.into(), held.into()]);
    }
    if !new.is_empty() {
        // The WHERE keeps SQLite's parser from reading ON as a join's.
        let insert = format!(
            "INSERT INTO balance (tenant_id, {}) SELECT * FROM ({}) AS now WHERE true \
             ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE SET quantity = excluded.quantity, value = excluded.value",
            BALANCE.names(),
            new.of_tenant(1, 2)
        );
        batch.add(insert, [locked.tenant.into(), new.into()]);
    }
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
    let changed = CHANGED.rows(backend, changed.iter().map(row).collect());
    let sql = format!(
        "UPDATE lot SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void, \
         revalued_position = CASE WHEN now.revalued THEN head.position ELSE lot.revalued_position END, version = lot.version + 1 \
         FROM ({}) AS now CROSS JOIN head WHERE lot.tenant_id = now.tenant_id AND lot.id = now.id",
        changed.of_tenant(1, 2)
    );
    batch.add(sql, [locked.tenant.into(), changed.into()]);
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
    let given = TAKEN.rows(backend, by_reservation.iter().map(|(id, quantity)| given_row!(backend, *id, *quantity)).collect());
    let sql = format!(
        "UPDATE reservation SET taken = reservation.taken + now.quantity, version = reservation.version + 1, updated_at = {at}, \
         status = CASE WHEN reservation.taken + now.quantity >= reservation.quantity THEN 'fulfilled' ELSE reservation.status END \
         FROM ({}) AS now WHERE reservation.tenant_id = now.tenant_id AND reservation.id = now.id",
        given.of_tenant(1, 2)
    );
    let now: DateTime<FixedOffset> = now.into();
    batch.add(sql, [locked.tenant.into(), given.into(), now.into()]);
    set_aside(batch, locked, by_key.iter().map(|(key, quantity)| (key, -quantity)));
}

/// Adds to what is set aside of locked keys; takes from it, where a quantity is below zero.
pub fn set_aside<'a>(batch: &mut Batch, locked: &Locked, by: impl Iterator<Item = (&'a Key, i64)>) {
    const BY: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("quantity", Kind::Int)]);
    let backend = batch.backend();
    let given = BY.rows(backend, by.map(|(key, quantity)| given_row!(backend, key.item, key.location, quantity)).collect());
    let sql = format!(
        "UPDATE stock_key SET reserved_quantity = stock_key.reserved_quantity + now.quantity FROM ({}) AS now \
         WHERE stock_key.tenant_id = now.tenant_id AND stock_key.item_id = now.item_id AND stock_key.location_id = now.location_id",
        given.of_tenant(1, 2)
    );
    batch.add(sql, [locked.tenant.into(), given.into()]);
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
    let given = DOCUMENT.rows(backend, vec![row]);
    let sql = format!(
        "INSERT INTO document ({}, number, last_seq, position, chain_hash) SELECT now.*, head.number, head.seq, head.position, head.head_hash \
         FROM ({}) AS now CROSS JOIN head",
        DOCUMENT.names(),
        given.select(1)
    );
    batch.add(sql, [given.into()]);
}

/// Adds the rows to be inserted into a table whose columns are those of the relation, if there are any and the head was had.
fn insert(batch: &mut Batch, table: &str, relation: Relation, rows: Vec<serde_json::Value>) {
    let given = relation.rows(batch.backend(), rows);
    if !given.is_empty() {
        let sql = format!("INSERT INTO {table} ({}) SELECT now.* FROM ({}) AS now CROSS JOIN head", relation.names(), given.select(1));
        batch.add(sql, [given.into()]);
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
    let lots = LOT.rows(backend, effects.lots.iter().map(row).collect());
    if !lots.is_empty() {
        // The document's first entry.
        let sql = format!("INSERT INTO lot ({}, origin_seq) SELECT now.*, head.seq - $2 + 1 FROM ({}) AS now CROSS JOIN head", LOT.names(), lots.select(1));
        batch.add(sql, [lots.into(), count(&effects.entries).into()]);
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
    let given = ENTRY.rows(backend, (1..).zip(entries).map(row).collect());
    let columns = ENTRY.names();
    let columns = columns.trim_start_matches("place, ");
    let sql =
        format!("INSERT INTO ledger_entry (seq, {columns}) SELECT head.seq - $2 + now.place, {columns} FROM ({}) AS now CROSS JOIN head", given.select(1));
    batch.add(sql, [given.into(), count(entries).into()]);
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
        let given = MARKED.rows(backend, effects.marked.iter().map(|(count, line_no)| given_row!(backend, *count, *line_no)).collect());
        let sql = format!(
            "UPDATE count_truth SET marked_by = $2 FROM ({}) AS now CROSS JOIN head \
             WHERE count_truth.tenant_id = now.tenant_id AND count_truth.document_id = now.document_id AND count_truth.line_no = now.line_no",
            given.of_tenant(3, 1)
        );
        batch.add(sql, [given.into(), document.into(), tenant.into()]);
    }
}

/// Takes back what a count that is undone said: after the head, since who marks a line of it holds that. None of it is marked by the same document.
fn take_back_truths(batch: &mut Batch, locked: &Locked, effects: &Effects) {
    if let Some(undone) = effects.untrue {
        let sql = "DELETE FROM count_truth WHERE tenant_id = $1 AND document_id = $2 AND EXISTS (SELECT 1 FROM head)";
        batch.add(sql, [locked.tenant.into(), undone.into()]);
    }
}
