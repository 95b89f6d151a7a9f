//! The rows of `reservation`. What they set aside stands on the stock key, which the ledger keeps.

use inventory_entity::reservation;
use kernel::{Instant, Sites, TenantId, Txn};
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, FromQueryResult, IntoActiveModel};
use uuid::Uuid;

use super::{Reservation, ReservationStatus};
use crate::arithmetic::Quantity;
use crate::names::Word as _;
use crate::rows::{self, Filter};

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    reservation: reservation::Model,
    sku: String,
    unit: String,
    location: String,
}

/// The reservations that a filter keeps, in the order and up to the number that `tail` says.
pub async fn select(connection: &impl ConnectionTrait, filter: Filter, tail: &str, now: Instant) -> Result<Vec<Reservation>, DbErr> {
    let sql = format!(
        "SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location FROM reservation \
         JOIN item ON item.tenant_id = reservation.tenant_id AND item.id = reservation.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = reservation.tenant_id AND location.id = reservation.location_id {} {tail}",
        filter.sql()
    );
    let rows = rows::all::<Row>(connection, &sql, filter.into_values()).await?;
    rows.into_iter().map(|row| read(row, now)).collect()
}

/// A reservation at one of the caller's sites.
pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, sites: &Sites, id: Uuid, now: Instant) -> Result<Option<Reservation>, DbErr> {
    let mut filter = Filter::tenant("reservation.tenant_id", tenant);
    filter.and("reservation.id = ?", id);
    filter.and_sites(connection.get_database_backend(), "location.site_id", sites);
    Ok(select(connection, filter, "", now).await?.pop())
}

fn read(row: Row, now: Instant) -> Result<Reservation, DbErr> {
    let Row { reservation: row, sku, unit, location } = row;
    let ends_at = row.ends_at.map(Instant::from);
    let status = match ReservationStatus::stored(&row.status)? {
        // It may be tidied up later; it sets nothing aside any more.
        ReservationStatus::Active if ends_at.is_some_and(|end| end <= now) => ReservationStatus::Ended,
        status => status,
    };
    Ok(Reservation {
        id: row.id,
        status,
        item_id: row.item_id,
        sku,
        location_id: row.location_id,
        location,
        quantity: Quantity(row.quantity),
        taken: Quantity(row.taken),
        left: Quantity(if status == ReservationStatus::Active { row.quantity - row.taken } else { 0 }),
        unit,
        external_ref: row.external_ref,
        note: row.note,
        ends_at,
        reserved_by: row.reserved_by,
        version: row.version,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    })
}

/// Writes a new one.
pub async fn insert(txn: &Txn, tenant: TenantId, made: &Reservation) -> Result<(), DbErr> {
    let row = reservation::Model {
        id: made.id,
        tenant_id: tenant,
        version: made.version,
        created_at: made.created_at.into(),
        updated_at: made.updated_at.into(),
        item_id: made.item_id,
        location_id: made.location_id,
        quantity: made.quantity.0,
        taken: made.taken.0,
        status: made.status.word().to_owned(),
        external_ref: made.external_ref.clone(),
        note: made.note.clone(),
        ends_at: made.ends_at.map(Into::into),
        reserved_by: made.reserved_by,
    };
    row.into_active_model().reset_all().insert(txn).await.map(|_| ())
}

/// Marks one as released, under the lock of its key.
pub async fn release(txn: &Txn, tenant: TenantId, released: &Reservation) -> Result<(), DbErr> {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
    let changed = reservation::ActiveModel {
        status: Set(released.status.word().to_owned()),
        version: Set(released.version),
        updated_at: Set(released.updated_at.into()),
        ..Default::default()
    };
    let update = reservation::Entity::update_many().set(changed).filter(reservation::Column::TenantId.eq(tenant));
    update.filter(reservation::Column::Id.eq(released.id)).exec(txn).await.map(|_| ())
}
