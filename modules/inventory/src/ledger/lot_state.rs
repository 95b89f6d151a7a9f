//! What people say of a lot: that it is on hold or recalled, until when it keeps, what stands on it. No quantity changes by it.
//! Each change is an event, and events are only added.

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Instant, TenantId, Txn, UserId};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::facts::Hold;
use super::locking::{busy, hold_lots, id_rows};
use super::rules::bump_rules;
use crate::error::Error;
use crate::names::{LotId, Word as _};
use crate::rows::{self, Kind, Relation, given_row};

crate::names::words!(
    /// What happened to a lot beside its movements.
    LotEventKind {
        Hold = "hold",
        Recall = "recall",
        /// It is neither on hold nor recalled any more.
        Release = "release",
        /// Its date was set right.
        ExpiryEdit = "expiry_edit",
        /// What stands on the package was set right.
        BatchEdit = "batch_edit",
        /// Only a remark.
        Note = "note",
    }
);

/// What can be said of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotState {
    pub id: LotId,
    pub hold: Option<Hold>,
    pub expires_on: Option<NaiveDate>,
    pub batch_code: Option<String>,
    /// Its origin was undone.
    pub void: bool,
    pub version: i64,
    /// The item's, for what its lots must have.
    pub track_expiry: bool,
    pub track_lots: bool,
    /// The number of its last event.
    events: i64,
}

/// One event of a lot.
#[derive(Clone, Debug)]
pub struct LotEvent {
    pub lot: LotId,
    pub kind: LotEventKind,
    pub expires_on: (Option<NaiveDate>, Option<NaiveDate>),
    pub note: Option<String>,
}

#[derive(FromQueryResult)]
struct StateRow {
    id: Uuid,
    hold: Option<String>,
    expires_on: Option<NaiveDate>,
    batch_code: Option<String>,
    void: bool,
    version: i64,
    track_expiry: bool,
    track_lots: bool,
    events: i64,
}

/// Locks lots, in sorted order, and then the tenant's head: what is read of them after holds until the transaction ends, no
/// posting is committed meanwhile, and one that was decided on what they were before begins anew.
pub async fn lock_lot_states(txn: &Txn, tenant: TenantId, lots: &[LotId]) -> Result<Vec<LotState>, Error> {
    let backend = txn.get_database_backend();
    hold_lots(txn, tenant, lots.iter().copied()).await?;
    bump_rules(txn, tenant).await.map_err(busy)?;
    let ids = id_rows(backend, lots);
    let sql = format!(
        "SELECT lot.id, lot.hold, lot.expires_on, lot.batch_code, lot.void, lot.version, item.track_expiry, item.track_lots, \
         COALESCE((SELECT MAX(event.number) FROM lot_event AS event WHERE event.tenant_id = lot.tenant_id AND event.lot_id = lot.id), 0) AS events \
         FROM ({}) AS wanted CROSS JOIN lot CROSS JOIN item \
         WHERE lot.tenant_id = $2 AND lot.id = wanted.id AND item.tenant_id = $2 AND item.id = lot.item_id ORDER BY lot.id",
        ids.each(1)
    );
    let state = |row: StateRow| -> Result<LotState, Error> {
        let StateRow { id, expires_on, batch_code, void, version, track_expiry, track_lots, events, .. } = row;
        let hold = row.hold.as_deref().map(Hold::stored).transpose()?;
        Ok(LotState { id, hold, expires_on, batch_code, void, version, track_expiry, track_lots, events })
    };
    rows::all::<StateRow>(txn, &sql, [ids.into(), tenant.into()]).await?.into_iter().map(state).collect()
}

/// Writes locked lots as they are said to be, and the events that tell of it.
pub async fn write_lot_states(txn: &Txn, tenant: TenantId, states: &[LotState], events: &[LotEvent], actor: UserId, now: Instant) -> Result<(), Error> {
    const STATE: Relation = Relation(&[("id", Kind::Uuid), ("hold", Kind::Text), ("expires_on", Kind::Date), ("batch_code", Kind::Text)]);
    let backend = txn.get_database_backend();
    let row = |state: &LotState| given_row!(backend, state.id, state.hold.map(Hold::word), state.expires_on, state.batch_code);
    let given = STATE.rows(backend, states.iter().map(row).collect());
    let sql = format!(
        "UPDATE lot SET hold = now.hold, expires_on = now.expires_on, batch_code = now.batch_code, version = lot.version + 1 \
         FROM ({}) AS now WHERE lot.tenant_id = now.tenant_id AND lot.id = now.id",
        given.of_tenant(1, 2)
    );
    rows::execute(txn, &sql, [tenant.into(), given.into()]).await?;
    write_events(txn, tenant, states, events, actor, now).await
}

async fn write_events(txn: &Txn, tenant: TenantId, states: &[LotState], events: &[LotEvent], actor: UserId, now: Instant) -> Result<(), Error> {
    const EVENT: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("number", Kind::Int),
        ("kind", Kind::Text),
        ("recorded_at", Kind::Instant),
        ("actor_id", Kind::Uuid),
        ("expires_on_before", Kind::Date),
        ("expires_on_after", Kind::Date),
        ("note", Kind::Text),
    ]);
    let backend = txn.get_database_backend();
    let mut numbers: std::collections::BTreeMap<LotId, i64> = states.iter().map(|state| (state.id, state.events)).collect();
    let row = |event: &LotEvent| {
        let number = numbers.entry(event.lot).or_default();
        *number += 1;
        let (before, after) = event.expires_on;
        given_row!(backend, tenant, event.lot, *number, event.kind.word(), now, actor, before, after, event.note)
    };
    rows::insert(txn, "lot_event", EVENT, events.iter().map(row).collect()).await?;
    Ok(())
}

/// A lot and all that was made of it, through any number of steps; sorted, without repetition.
pub async fn with_descendants(txn: &Txn, tenant: TenantId, lot: LotId) -> Result<Vec<LotId>, Error> {
    #[derive(FromQueryResult)]
    struct IdRow {
        id: Uuid,
    }
    // UNION leaves out what was found before, so that even a ring would end.
    let sql = "WITH RECURSIVE made (id) AS (SELECT id FROM lot WHERE tenant_id = $1 AND id = $2 \
               UNION SELECT link.lot_id FROM made JOIN lot_parent AS link ON link.tenant_id = $1 AND link.parent_id = made.id) SELECT id FROM made ORDER BY id";
    let found = rows::all::<IdRow>(txn, sql, [tenant.into(), lot.into()]).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// An event as it stands.
#[derive(FromQueryResult)]
pub struct EventRow {
    pub number: i64,
    pub kind: String,
    pub recorded_at: DateTime<FixedOffset>,
    pub actor_id: Uuid,
    pub expires_on_before: Option<NaiveDate>,
    pub expires_on_after: Option<NaiveDate>,
    pub note: Option<String>,
}

/// The events of a lot, the oldest first.
pub async fn lot_events(connection: &impl ConnectionTrait, tenant: TenantId, lot: LotId) -> Result<Vec<EventRow>, DbErr> {
    let sql = "SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note FROM lot_event \
               WHERE tenant_id = $1 AND lot_id = $2 ORDER BY number";
    rows::all(connection, sql, [tenant.into(), lot.into()]).await
}
