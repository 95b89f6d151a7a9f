//! What a posting locks, and in which order: stock keys, then lots. Its request's key comes before, the head after both, with what is written
//! ([`super::writing`]).

use std::collections::BTreeMap;

use kernel::{Caller, Instant, Sites, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, FromQueryResult};
use serde::Deserialize;
use uuid::Uuid;

use super::effects::ChangedLot;
use super::facts::Key;
use super::protocol::Locked;
use crate::error::Error;
use crate::names::{ItemRef, LocationRef, LotId};
use crate::rows::{self, Asked, Batch, Kind, Reads, Relation, Rows, Told, given_row};

pub const ID: Relation = Relation(&[("id", Kind::Uuid)]);
const KEY: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);

pub fn key_rows(backend: DatabaseBackend, keys: &[Key]) -> Rows {
    KEY.rows(backend, keys.iter().map(|key| given_row!(backend, key.item, key.location)).collect())
}

pub fn id_rows(backend: DatabaseBackend, ids: &[Uuid]) -> Rows {
    ID.rows(backend, ids.iter().map(|id| given_row!(backend, *id)).collect())
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

/// Both in one statement: what it creates is its own, and what was there when it began it locks. A key that somebody else has created
/// meanwhile is neither, and to lock it now would be out of order: the posting begins anew.
async fn create_and_lock(txn: &Txn, tenant: TenantId, keys: &[Key]) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct HadRow {
        had: i64,
    }
    let given = key_rows(txn.get_database_backend(), keys);
    let (create, wanted) = (create_sql(&given), given.of_tenant(1, 2));
    let sql = format!(
        "WITH created AS ({create} RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id FROM stock_key JOIN ({wanted}) AS wanted \
         USING (tenant_id, item_id, location_id) WHERE (SELECT COUNT(*) FROM created) >= 0 ORDER BY stock_key.item_id, stock_key.location_id \
         FOR NO KEY UPDATE OF stock_key) SELECT (SELECT COUNT(*) FROM created) + (SELECT COUNT(*) FROM locked) AS had"
    );
    let had = rows::one::<HadRow>(txn, &sql, [tenant.into(), given.into()]).await.map_err(busy)?.map_or(0, |row| row.had);
    if usize::try_from(had).is_ok_and(|had| had == keys.len()) { Ok(()) } else { Err(Error::RulesChanged) }
}

/// The stock key that was locked with the names of a document of one item, where it was there already: Postgres only. What is read in the next statement
/// is read under it.
pub struct Early(Option<(TenantId, Key)>);

/// An early lock that was asked for, unless the document names several items.
pub struct AskedEarly(Option<(TenantId, Asked<KeyRow>)>);

#[derive(FromQueryResult, Deserialize)]
struct KeyRow {
    item_id: Uuid,
    location_id: Uuid,
}

/// Asks for the lock with the names and the claim, after which it comes. Of one key alone: who locks several does so in sorted order, creates those that are
/// missing, and knows neither before the names are had. None of a place that is not the caller's, who would learn from the wait that others post there.
pub fn ask_early(reads: &mut Reads, caller: &Caller, items: &[&ItemRef], location: &LocationRef) -> AskedEarly {
    let tenant = caller.tenant_id;
    let [item, others @ ..] = items else { return AskedEarly(None) };
    if reads.backend() != DatabaseBackend::Postgres || others.iter().any(|other| other != item) {
        return AskedEarly(None);
    }
    let (item_id, item) = match item {
        ItemRef::Id { item_id } => ("$2", (*item_id).into()),
        ItemRef::Sku { sku } => ("(SELECT item.id FROM item WHERE item.tenant_id = $1 AND item.sku = $2)", sku.as_str().into()),
    };
    let (named, location) = match location {
        LocationRef::Id { location_id } => ("area.id = $3", (*location_id).into()),
        LocationRef::Path { location } => ("area.path = $3", location.as_str().into()),
    };
    let mut values: Vec<sea_orm::Value> = vec![tenant.into(), item, location];
    let mut at_sites = String::new();
    if let Sites::Only(sites) = &caller.sites {
        let sites = id_rows(reads.backend(), &sites.iter().copied().collect::<Vec<_>>());
        at_sites = format!(" AND area.site_id IN ({})", sites.select(4));
        values.push(sites.into());
    }
    let sql = format!(
        "SELECT stock_key.item_id, stock_key.location_id FROM stock_key WHERE stock_key.tenant_id = $1 AND stock_key.item_id = {item_id} \
         AND stock_key.location_id = (SELECT area.id FROM location AS area WHERE area.tenant_id = $1 AND {named}{at_sites}){} FOR NO KEY UPDATE OF stock_key",
        reads.after_claim()
    );
    AskedEarly(Some((tenant, reads.add(sql, values))))
}

impl AskedEarly {
    pub fn told(self, told: &mut Told) -> Result<Early, Error> {
        let Some((tenant, asked)) = self.0 else { return Ok(Early(None)) };
        let key = |row: KeyRow| (tenant, Key { item: row.item_id, location: row.location_id });
        Ok(Early(told.rows(asked)?.pop().map(key)))
    }

    /// What it means that the statement failed in which it was asked for: a lock that was not had in time is that of the stock.
    pub fn failed(&self, error: DbErr) -> Error {
        if self.0.is_some() { busy(error) } else { Error::Database(error) }
    }
}

/// The locks of a posting, whose only one may have been had early. Beside that none is taken any more, which would be out of order: a posting that needs
/// others is no document of one item.
pub async fn lock_rest(txn: &Txn, tenant: TenantId, keys: Vec<Key>, early: Early, clock: impl FnOnce() -> Instant) -> Result<Locked, Error> {
    match early.0 {
        None => lock(txn, tenant, keys, clock).await,
        Some((of, had)) if of == tenant && keys.iter().all(|key| *key == had) => Ok(Locked { tenant, keys: vec![had], at: clock() }),
        Some(_) => Err(Error::Database(DbErr::Custom("a document of one item needs other stock than that".to_owned()))),
    }
}

/// Creates what is missing of keys that are locked, where that was not done with the lock.
pub fn create_keys(batch: &mut Batch, locked: &Locked, keys: &[Key]) {
    if batch.backend() == DatabaseBackend::Sqlite {
        let keys = key_rows(batch.backend(), keys);
        batch.add(create_sql(&keys), [locked.tenant.into(), keys.into()]);
    }
}

fn create_sql(keys: &Rows) -> String {
    let given = keys.of_tenant(1, 2);
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    format!(
        "INSERT INTO stock_key (tenant_id, item_id, location_id) SELECT * FROM ({given}) AS wanted WHERE true ORDER BY item_id, location_id ON CONFLICT DO NOTHING"
    )
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
    #[derive(FromQueryResult)]
    struct VersionRow {
        id: Uuid,
        version: i64,
    }
    let backend = txn.get_database_backend();
    let wanted = id_rows(backend, &lots.into_iter().collect::<Vec<_>>());
    if wanted.is_empty() || backend != DatabaseBackend::Postgres {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT lot.id, lot.version FROM lot JOIN ({}) AS wanted USING (id) WHERE lot.tenant_id = $1 ORDER BY lot.id FOR NO KEY UPDATE OF lot",
        wanted.each(2)
    );
    let found = rows::all::<VersionRow>(txn, &sql, [tenant.into(), wanted.into()]).await.map_err(busy)?;
    Ok(found.into_iter().map(|row| (row.id, row.version)).collect())
}
