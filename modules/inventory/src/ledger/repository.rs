//! What a posting locks and writes: one text and one round trip for each table, whatever the number of lines.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::effects::{ChangedLot, Effects, NewBalance, NewLot};
use super::facts::Key;
use super::post::{Detail, Posting};
use super::protocol::{DocumentType, Head, Locked, RulesSeen};
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, LotId, ReservationId};
use crate::rows::{self, Kind, Relation, given_row};

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
    rows::execute(txn, &create, [key_rows(txn, tenant, &keys)]).await.map_err(busy)?;
    if database::is_postgres(txn) {
        let lock = format!(
            "SELECT stock_key.item_id FROM stock_key JOIN ({given}) AS wanted USING (tenant_id, item_id, location_id) ORDER BY stock_key.item_id, stock_key.location_id FOR NO KEY UPDATE OF stock_key"
        );
        rows::execute(txn, &lock, [key_rows(txn, tenant, &keys)]).await.map_err(busy)?;
    }
    Ok(Locked { tenant, keys, at: clock() })
}

/// Writes the balances as they are afterwards. Where something was held, the row is there; else it may be there with nothing.
/// (What is inserted is the balance itself and never a difference, so that no CHECK sees a value below zero.)
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
    let held: Vec<_> = balances.iter().filter(|balance| balance.held).map(row).collect();
    let given = BALANCE.select(backend, 1);
    if !held.is_empty() {
        let update = format!(
            "UPDATE balance SET quantity = now.quantity, value = now.value FROM ({given}) AS now \
             WHERE balance.tenant_id = now.tenant_id AND balance.item_id = now.item_id AND balance.location_id = now.location_id AND balance.lot_id = now.lot_id"
        );
        rows::execute(txn, &update, [rows::parameter(held)]).await?;
    }
    let new: Vec<_> = balances.iter().filter(|balance| !balance.held).map(row).collect();
    if !new.is_empty() {
        // The WHERE keeps SQLite's parser from reading ON as a join's.
        let insert = format!(
            "INSERT INTO balance ({}) SELECT * FROM ({given}) AS now WHERE true \
             ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE SET quantity = excluded.quantity, value = excluded.value",
            BALANCE.names()
        );
        rows::execute(txn, &insert, [rows::parameter(new)]).await?;
    }
    Ok(())
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
pub async fn change_lots(txn: &Txn, locked: &Locked, position: i64, changed: &[ChangedLot]) -> Result<(), Error> {
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
        return Ok(());
    }
    let backend = txn.get_database_backend();
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
    rows::execute(txn, &sql, [rows::parameter(changed.iter().map(row).collect())]).await?;
    Ok(())
}

/// Takes from reservations what lines took, and from what is set aside of their keys. One that is used up is fulfilled.
pub async fn take_reserved(txn: &Txn, locked: &Locked, taken: &[(ReservationId, Key, Quantity)], now: Instant) -> Result<(), Error> {
    const TAKEN: Relation = Relation(&[("tenant_id", Kind::Uuid), ("id", Kind::Uuid), ("quantity", Kind::Int)]);
    const AT_KEY: Relation = Relation(&[("tenant_id", Kind::Uuid), ("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("quantity", Kind::Int)]);
    if taken.is_empty() {
        return Ok(());
    }
    let backend = txn.get_database_backend();
    // One row for each: an UPDATE takes one match.
    let (mut by_reservation, mut by_key) = (BTreeMap::<ReservationId, i64>::new(), BTreeMap::<Key, i64>::new());
    for (id, key, quantity) in taken {
        *by_reservation.entry(*id).or_default() += quantity.0;
        *by_key.entry(*key).or_default() += quantity.0;
    }
    let at = if database::is_postgres(txn) { "$2::timestamptz" } else { "$2" };
    let sql = format!(
        "UPDATE reservation SET taken = reservation.taken + now.quantity, version = reservation.version + 1, updated_at = {at}, \
         status = CASE WHEN reservation.taken + now.quantity >= reservation.quantity THEN 'fulfilled' ELSE reservation.status END \
         FROM ({}) AS now WHERE reservation.tenant_id = now.tenant_id AND reservation.id = now.id",
        TAKEN.select(backend, 1)
    );
    let given = by_reservation.iter().map(|(id, quantity)| given_row!(backend, locked.tenant, *id, *quantity)).collect();
    let now: DateTime<FixedOffset> = now.into();
    rows::execute(txn, &sql, [rows::parameter(given), now.into()]).await?;
    let sql = format!(
        "UPDATE stock_key SET reserved_quantity = stock_key.reserved_quantity - now.quantity FROM ({}) AS now \
         WHERE stock_key.tenant_id = now.tenant_id AND stock_key.item_id = now.item_id AND stock_key.location_id = now.location_id",
        AT_KEY.select(backend, 1)
    );
    let given = by_key.iter().map(|(key, quantity)| given_row!(backend, locked.tenant, key.item, key.location, *quantity)).collect();
    rows::execute(txn, &sql, [rows::parameter(given)]).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct HeadRow {
    seq: i64,
    number: i64,
    position: i64,
    head_hash: String,
}

/// Takes the head, last of all locks, and moves it on by one document with `entries` entries. Where the rules are no longer
/// those that were seen, the posting begins anew.
pub async fn advance(txn: &Txn, locked: &Locked, kind: DocumentType, entries: usize, rules: RulesSeen) -> Result<Head, Error> {
    let counter = kind.counter();
    let sql = format!(
        "UPDATE ledger_head SET seq = seq + $1, {counter} = COALESCE({counter}, 0) + 1, position = COALESCE(position, 0) + 1 \
         WHERE tenant_id = $2 AND rules_version = $3 RETURNING seq, {counter} AS number, position, head_hash"
    );
    let entries = i64::try_from(entries).map_err(|_| Error::Refused(super::Refusal::Overflow))?;
    let row = rows::one::<HeadRow>(txn, &sql, [entries.into(), locked.tenant.into(), rules.version.into()]).await;
    let row = row.map_err(busy)?;
    let row = row.ok_or(Error::RulesChanged)?;
    Ok(Head { position: row.position, last_seq: row.seq, number: row.number, previous: row.head_hash })
}

/// Puts the new link at the end of the chain.
pub async fn seal(txn: &Txn, locked: &Locked, chain_hash: &str) -> Result<(), Error> {
    rows::execute(txn, "UPDATE ledger_head SET head_hash = $1 WHERE tenant_id = $2", [chain_hash.into(), locked.tenant.into()]).await?;
    Ok(())
}

const PARENT: Relation =
    Relation(&[("tenant_id", Kind::Uuid), ("lot_id", Kind::Uuid), ("parent_id", Kind::Uuid), ("document_id", Kind::Uuid), ("quantity", Kind::Int)]);

/// Writes the lots that a document makes, with what they were made from.
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
        ("opened_at", Kind::Instant),
    ]);
    let backend = txn.get_database_backend();
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
    rows::insert(txn, "lot", LOT, effects.lots.iter().map(row).collect()).await?;

    let parents = effects.lots.iter().flat_map(|lot| lot.parents.iter().map(|(parent, quantity)| (lot.id, *parent, *quantity)));
    let parents = parents.map(|(lot, parent, quantity)| given_row!(backend, locked.tenant, lot, parent, document, quantity.0)).collect();
    rows::insert(txn, "lot_parent", PARENT, parents).await?;
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

/// Writes what only some kinds of documents say, and marks the document that is undone.
pub async fn write_detail(txn: &Txn, locked: &Locked, document: DocumentId, detail: &Detail) -> Result<(), Error> {
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
        return Ok(());
    }
    let Detail { reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by } = detail.clone();
    let tenant = locked.tenant;
    let backend = txn.get_database_backend();
    let row = given_row!(backend, tenant, document, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by);
    rows::insert(txn, "document_detail", DETAIL, vec![row]).await?;
    if let Some(undone) = reverses_id {
        let sql = "UPDATE document SET status = 'reversed', version = version + 1 WHERE tenant_id = $1 AND id = $2 AND status = 'posted'";
        let marked = rows::execute(txn, sql, [tenant.into(), undone.into()]).await?;
        if marked.rows_affected() != 1 {
            return Err(Error::AlreadyReversed);
        }
    }
    Ok(())
}

/// Writes variances, shortages and what counts say from now on; and takes back what they no longer say.
pub async fn write_left_behind<K: super::protocol::Kind>(txn: &Txn, locked: &Locked, posting: &Posting<K>, effects: &Effects) -> Result<(), Error> {
    write_variances(txn, locked, posting.id(), effects).await?;
    write_shortages(txn, locked, posting.id(), posting.recorded_at(), effects).await?;
    write_truths(txn, locked, posting.id(), effects).await
}

async fn write_variances(txn: &Txn, locked: &Locked, document: DocumentId, effects: &Effects) -> Result<(), Error> {
    const VARIANCE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("number", Kind::Int),
        ("lot_id", Kind::Uuid),
        ("amount", Kind::Int),
        ("kind", Kind::Text),
    ]);
    let backend = txn.get_database_backend();
    let row = |(number, variance): (i64, &super::effects::Variance)| {
        given_row!(backend, locked.tenant, document, number, variance.lot, variance.amount.0, variance.kind.word())
    };
    rows::insert(txn, "cost_variance", VARIANCE, (1..).zip(&effects.variances).map(row).collect()).await?;
    Ok(())
}

async fn write_shortages(txn: &Txn, locked: &Locked, document: DocumentId, now: Instant, effects: &Effects) -> Result<(), Error> {
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
    let backend = txn.get_database_backend();
    let row = |shortage: &super::effects::Shortage| {
        let id = shortage.id(document);
        let (key, quantity) = (shortage.key, shortage.quantity.0);
        given_row!(backend, id, locked.tenant, 1_i64, now, now, document, shortage.line_no, key.item, key.location, quantity, "open")
    };
    rows::insert(txn, "shortage", SHORTAGE, effects.shortages.iter().map(row).collect()).await?;
    if let Some(undone) = effects.untrue {
        let at = if database::is_postgres(txn) { "$3::timestamptz" } else { "$3" };
        let sql = format!(
            "UPDATE shortage SET status = 'cleared', cleared_by_document_id = $4, cleared_at = {at}, updated_at = {at}, version = version + 1 \
             WHERE tenant_id = $1 AND document_id = $2 AND status = 'open'"
        );
        let now: DateTime<FixedOffset> = now.into();
        rows::execute(txn, &sql, [locked.tenant.into(), undone.into(), now.into(), document.into()]).await?;
    }
    Ok(())
}

async fn write_truths(txn: &Txn, locked: &Locked, document: DocumentId, effects: &Effects) -> Result<(), Error> {
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
    let (backend, tenant) = (txn.get_database_backend(), locked.tenant);
    let row = |truth: &super::effects::NewTruth| {
        let key = truth.key;
        given_row!(backend, tenant, document, truth.line_no, key.item, key.location, truth.lot, truth.counted_at, truth.quantity.0)
    };
    rows::insert(txn, "count_truth", TRUTH, effects.truths.iter().map(row).collect()).await?;
    if !effects.marked.is_empty() {
        let sql = format!(
            "UPDATE count_truth SET marked_by = $2 FROM ({}) AS now \
             WHERE count_truth.tenant_id = $3 AND count_truth.document_id = now.document_id AND count_truth.line_no = now.line_no",
            MARKED.select(backend, 1)
        );
        let given = effects.marked.iter().map(|(count, line_no)| given_row!(backend, *count, *line_no)).collect();
        rows::execute(txn, &sql, [rows::parameter(given), document.into(), tenant.into()]).await?;
    }
    if let Some(undone) = effects.untrue {
        rows::execute(txn, "DELETE FROM count_truth WHERE tenant_id = $1 AND document_id = $2", [tenant.into(), undone.into()]).await?;
    }
    Ok(())
}
