use std::collections::BTreeMap;

use auth_entity::throttle;
use kernel::{Instant, Txn};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Set,
};

use super::rules::{FREE, Limit, Tally};
use crate::error::Error;

/// A tally as it is stored, with the version by which a change finds it unchanged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) tally: Tally,
    pub(super) version: i64,
}

impl From<throttle::Model> for Stored {
    fn from(row: throttle::Model) -> Self {
        let tally = Tally { count: row.count, count_before: row.count_before, since: row.since.into(), drained_at: row.drained_at.into() };
        Self { tally, version: row.version }
    }
}

/// A row as it is to be.
pub(super) struct Change<'a> {
    pub(super) key: &'a str,
    /// What it counts: the name of a limit, or of an act that fails.
    pub(super) kind: &'a str,
    /// What was read under this key.
    pub(super) before: Option<Stored>,
    pub(super) tally: Tally,
    pub(super) forgotten_at: Instant,
    /// Whose failures it counts until they are audited.
    pub(super) subject: Option<&'a str>,
}

impl<'a> Change<'a> {
    pub(super) fn of(limit: Limit, key: &'a str, before: Option<Stored>, tally: Tally) -> Self {
        Self { key, kind: limit.name(), before, tally, forgotten_at: limit.forgotten_at(&tally), subject: None }
    }

    fn row(&self) -> throttle::ActiveModel {
        throttle::ActiveModel {
            key: Set(self.key.to_owned()),
            kind: Set(self.kind.to_owned()),
            version: Set(version_after(self.before)),
            count: Set(self.tally.count),
            count_before: Set(self.tally.count_before),
            since: Set(self.tally.since.into()),
            drained_at: Set(self.tally.drained_at.into()),
            forgotten_at: Set(self.forgotten_at.into()),
            subject: Set(self.subject.map(str::to_owned)),
        }
    }
}

/// The version of a row that is written after what was read.
pub(super) fn version_after(before: Option<Stored>) -> i64 {
    before.map_or(1, |before| before.version + 1)
}

/// The tallies under these keys.
pub(super) async fn read(connection: &impl ConnectionTrait, keys: &[&str]) -> Result<BTreeMap<String, Stored>, DbErr> {
    let rows = throttle::Entity::find().filter(throttle::Column::Key.is_in(keys.iter().copied())).all(connection).await?;
    Ok(by_key(rows))
}

/// The same, which nobody else changes until the transaction ends. Those that are not there yet are not held.
pub(super) async fn hold(txn: &Txn, keys: &[&str]) -> Result<BTreeMap<String, Stored>, DbErr> {
    // In one order for all, so that nobody waits for somebody who waits for them.
    let rows = throttle::Entity::find().filter(throttle::Column::Key.is_in(keys.iter().copied())).order_by_asc(throttle::Column::Key).lock_exclusive();
    Ok(by_key(rows.all(txn).await?))
}

fn by_key(rows: Vec<throttle::Model>) -> BTreeMap<String, Stored> {
    rows.into_iter().map(|row| (row.key.clone(), row.into())).collect()
}

/// Writes all of them in one statement. [`Error::Changed`] where somebody made or changed one of them since it was read: then the
/// transaction is to be done again.
pub(super) async fn write(txn: &Txn, mut changes: Vec<Change<'_>>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    // As they are held: in one order for all.
    changes.sort_by(|one, other| one.key.cmp(other.key));
    let columns = [
        throttle::Column::Version,
        throttle::Column::Count,
        throttle::Column::CountBefore,
        throttle::Column::Since,
        throttle::Column::DrainedAt,
        throttle::Column::ForgottenAt,
    ];
    let mut unchanged = OnConflict::column(throttle::Column::Key);
    unchanged.update_columns(columns).action_and_where(Expr::col((throttle::Entity, throttle::Column::Version)).eq(Expr::cust("excluded.version - 1")));
    let upsert = throttle::Entity::insert_many(changes.iter().map(Change::row)).on_conflict(unchanged).into_query();
    let written = txn.execute(&upsert).await?.rows_affected();
    if written == u64::try_from(changes.len()).unwrap_or(u64::MAX) { Ok(()) } else { Err(Error::Changed) }
}

pub(super) async fn delete(connection: &impl ConnectionTrait, keys: &[&str]) -> Result<u64, DbErr> {
    if keys.is_empty() {
        return Ok(0);
    }
    let deleted = throttle::Entity::delete_many().filter(throttle::Column::Key.is_in(keys.iter().copied())).exec(connection).await?;
    Ok(deleted.rows_affected)
}

/// Up to `most` of the rows that say nothing more at `now`, held until the transaction ends.
pub(super) async fn hold_forgotten(txn: &Txn, now: Instant, most: u64) -> Result<Vec<throttle::Model>, DbErr> {
    let before: chrono::DateTime<chrono::FixedOffset> = now.into();
    let forgotten = throttle::Entity::find().filter(throttle::Column::ForgottenAt.lte(before)).order_by_asc(throttle::Column::Key);
    forgotten.limit(most).lock_exclusive().all(txn).await
}

/// How many rows there are.
pub(super) async fn count(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    throttle::Entity::find().count(connection).await
}

/// Up to `most` of the rows, held: of those whose counts are too low to hold back anybody, or else of all, those that would be forgotten
/// first.
pub(super) async fn hold_harmless_first(txn: &Txn, most: u64) -> Result<Vec<throttle::Model>, DbErr> {
    let next = || throttle::Entity::find().order_by_asc(throttle::Column::ForgottenAt).order_by_asc(throttle::Column::Key).limit(most).lock_exclusive();
    let harmless = next().filter(throttle::Column::Count.lt(FREE)).filter(throttle::Column::CountBefore.lt(FREE)).all(txn).await?;
    if harmless.is_empty() { next().all(txn).await } else { Ok(harmless) }
}
