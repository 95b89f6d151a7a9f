//! What is set aside of a stock key. Its rows and the sum on the key change together, under the key's lock: the sum is always
//! what the active reservations have left.
//!
//! A reservation that has ended counts for nothing from that instant on, wherever it is asked about; its row and its part of
//! the sum are tidied up afterwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::facts::{ItemRules, Key, Snapshot, Spot};
use super::load;
use super::locking::{self, key_rows};
use super::protocol::Locked;
use super::repository;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::rows::{self, Batch};

/// What active reservations of a row's item and location have left that have ended: no longer set aside, and still in the sum of
/// the key. `now` is the placeholder of the instant that it is asked for.
pub fn ended(key: &str, now: &str) -> String {
    format!(
        "CASE WHEN {key}.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken) FROM reservation AS past \
         WHERE past.tenant_id = {key}.tenant_id AND past.item_id = {key}.item_id AND past.location_id = {key}.location_id \
         AND past.status = 'active' AND past.ends_at <= {now}), 0) AS BIGINT) END"
    )
}

/// Locks a key for a change of what is set aside of it, and tidies up what has ended there.
pub async fn lock_to_reserve(txn: &Txn, tenant: TenantId, key: Key, now: Instant) -> Result<Locked, Error> {
    let locked = locking::lock(txn, tenant, vec![key], || now).await?;
    let mut keys = Batch::new(txn);
    locking::create_keys(&mut keys, &locked, &locked.keys);
    keys.send(txn).await?;
    end_over(txn, &locked, now).await?;
    Ok(locked)
}

/// Sets aside more of a locked key; less, where `by` is below zero.
pub async fn set_aside(txn: &Txn, locked: &Locked, key: Key, by: i64) -> Result<(), Error> {
    add(txn, locked, &BTreeMap::from([(key, by)])).await
}

async fn add(txn: &Txn, locked: &Locked, by: &BTreeMap<Key, i64>) -> Result<(), Error> {
    let mut batch = Batch::new(txn);
    repository::set_aside(&mut batch, locked, by.iter().map(|(key, quantity)| (key, *quantity)));
    Ok(batch.send(txn).await?)
}

/// Marks what has ended at locked keys, and takes what it had left from their sums. Answers how many those were.
async fn end_over(txn: &Txn, locked: &Locked, now: Instant) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct EndedRow {
        item_id: Uuid,
        location_id: Uuid,
        rest: i64,
    }
    let at = if database::is_postgres(txn) { "$3::timestamptz" } else { "$3" };
    let keys = key_rows(txn.get_database_backend(), &locked.keys);
    let sql = format!(
        "UPDATE reservation SET status = 'ended', version = reservation.version + 1, updated_at = {at} FROM ({}) AS wanted \
         WHERE reservation.tenant_id = wanted.tenant_id AND reservation.item_id = wanted.item_id AND reservation.location_id = wanted.location_id \
         AND reservation.status = 'active' AND reservation.ends_at <= {at} \
         RETURNING reservation.item_id, reservation.location_id, reservation.quantity - reservation.taken AS rest",
        keys.of_tenant(1, 2)
    );
    let given: DateTime<FixedOffset> = now.into();
    let ended = rows::all::<EndedRow>(txn, &sql, [locked.tenant.into(), keys.into(), given.into()]).await?;
    let mut by = BTreeMap::<Key, i64>::new();
    for row in &ended {
        *by.entry(Key { item: row.item_id, location: row.location_id }).or_default() -= row.rest;
    }
    if !by.is_empty() {
        add(txn, locked, &by).await?;
    }
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}

/// How many reservations one transaction looks at, so that it is a short one.
const TIDY: i64 = 500;

/// Tidies up some of the reservations that have ended, of one tenant at a time, and answers how many those were; 0 where none
/// is left.
pub async fn end_some(txn: &Txn, now: Instant) -> Result<u64, Error> {
    #[derive(FromQueryResult)]
    struct OverRow {
        tenant_id: Uuid,
        item_id: Uuid,
        location_id: Uuid,
    }
    let sql = "SELECT past.tenant_id, past.item_id, past.location_id FROM reservation AS past \
               WHERE past.status = 'active' AND past.ends_at <= $1 ORDER BY past.tenant_id LIMIT $2";
    let given: DateTime<FixedOffset> = now.into();
    let over = rows::all::<OverRow>(txn, sql, [given.into(), TIDY.into()]).await?;
    let Some(tenant) = over.first().map(|row| row.tenant_id) else { return Ok(0) };
    let keys: BTreeSet<Key> = over.iter().filter(|row| row.tenant_id == tenant).map(|row| Key { item: row.item_id, location: row.location_id }).collect();
    let locked = locking::lock(txn, tenant, keys.into_iter().collect(), || now).await?;
    // Somebody may have ended them meanwhile; then the next look finds others.
    end_over(txn, &locked, now).await.map(|ended| ended.max(1))
}

/// What can be set aside at a locked key: what lies there in lots that are neither on hold nor expired, less what is set aside.
pub async fn available(txn: &Txn, locked: &Locked, spot: Spot, item: &ItemRules, now: Instant) -> Result<Quantity, Error> {
    let mut snapshot = Snapshot::empty(now);
    load::held_at_keys(txn, locked, &mut snapshot).await?;
    Ok(snapshot.available(Key { item: item.id, location: spot.location }, item, spot.days.business_date(now)))
}
