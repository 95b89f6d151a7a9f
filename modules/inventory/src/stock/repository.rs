//! The statements behind the stock list: first the page's items and places, then what lies there.

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::Caller;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::list_stock::Request;
use crate::error::Error;
use crate::names::{AsOf, Sku};
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// An item at a location.
#[derive(Debug, FromQueryResult)]
pub struct PlaceRow {
    pub item_id: Uuid,
    pub sku: String,
    pub name: String,
    pub unit: String,
    pub grace_days: i64,
    pub location_id: Uuid,
    pub location: String,
    pub time_zone: Option<String>,
    pub day_starts_at: Option<String>,
    pub reserved: i64,
}

/// A lot that lies there.
#[derive(Debug, FromQueryResult)]
pub struct LotRow {
    pub item_id: Uuid,
    pub location_id: Uuid,
    pub lot_id: Uuid,
    pub batch_code: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub date_kind: String,
    pub received_at: DateTime<FixedOffset>,
    pub quantity: i64,
    pub value: i64,
}

/// What lies where, per lot: now from the balances, in the past from the entries up to then.
fn holdings(filter: &mut Filter, as_of: Option<AsOf>) -> String {
    let (condition, value) = match as_of {
        None => {
            return "SELECT tenant_id, item_id, location_id, lot_id, quantity, value FROM balance WHERE tenant_id = $1 AND quantity > 0".to_owned();
        }
        Some(AsOf::Date(date)) => ("business_date <= ", sea_orm::Value::from(date)),
        Some(AsOf::Instant(instant)) => ("effective_at <= ", DateTime::<FixedOffset>::from(instant).into()),
    };
    let until = filter.bind(value);
    format!(
        "SELECT tenant_id, item_id, location_id, lot_id, CAST(SUM(quantity_delta) AS BIGINT) AS quantity, CAST(SUM(value_delta) AS BIGINT) AS value \
         FROM ledger_entry WHERE tenant_id = $1 AND {condition}{until} GROUP BY tenant_id, item_id, location_id, lot_id HAVING SUM(quantity_delta) > 0"
    )
}

/// The items and places of a page, by sku and path.
pub async fn places(reader: &impl ConnectionTrait, caller: &Caller, request: &Request, behind: Option<(String, String)>) -> Result<Vec<PlaceRow>, Error> {
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    let holdings = holdings(&mut filter, request.as_of);
    filter.and_given("held.item_id = ?", request.item_id);
    filter.and_given("item.sku = ?", request.sku.as_ref().map(Sku::as_str));
    filter.and_location(request.location.as_ref());
    filter.and_given("lot.expires_on < ?", request.expiring_before);
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    if let Some((sku, path)) = behind {
        let (sku, path) = (filter.bind(sku), filter.bind(path));
        filter.and_plain(&format!("(item.sku, location.path) > ({sku}, {path})"));
    }
    let limit = filter.bind(request.limit.bound());
    let sql = format!(
        "SELECT held.item_id, item.sku, item.name, unit.code AS unit, item.grace_days, held.location_id, location.path AS location, \
         site.time_zone, site.day_starts_at, COALESCE(stock_key.reserved_quantity, 0) AS reserved \
         FROM ({holdings}) AS held \
         JOIN lot ON lot.tenant_id = held.tenant_id AND lot.id = held.lot_id \
         JOIN item ON item.tenant_id = held.tenant_id AND item.id = held.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = held.tenant_id AND location.id = held.location_id \
         JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id \
         LEFT JOIN stock_key ON stock_key.tenant_id = held.tenant_id AND stock_key.item_id = held.item_id AND stock_key.location_id = held.location_id \
         {} GROUP BY held.item_id, item.sku, item.name, unit.code, item.grace_days, held.location_id, location.path, site.time_zone, site.day_starts_at, stock_key.reserved_quantity \
         ORDER BY item.sku, location.path LIMIT {limit}",
        filter.sql()
    );
    Ok(rows::all(reader, &sql, filter.into_values()).await?)
}

/// The lots at the places of a page, in the order in which they expire.
pub async fn lots(reader: &impl ConnectionTrait, caller: &Caller, request: &Request, places: &[PlaceRow]) -> Result<Vec<LotRow>, Error> {
    const PLACE: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);
    let backend = reader.get_database_backend();
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    let holdings = holdings(&mut filter, request.as_of);
    let given = filter.bind(rows::parameter(places.iter().map(|place| given_row!(backend, place.item_id, place.location_id)).collect()));
    let given = PLACE.select(backend, given.trim_start_matches('$').parse().unwrap_or(1));
    filter.and_given("lot.expires_on < ?", request.expiring_before);
    let sql = format!(
        "SELECT held.item_id, held.location_id, held.lot_id, lot.batch_code, lot.expires_on, lot.date_kind, lot.received_at, held.quantity, held.value \
         FROM ({given}) AS place \
         JOIN ({holdings}) AS held ON held.item_id = place.item_id AND held.location_id = place.location_id \
         JOIN lot ON lot.tenant_id = held.tenant_id AND lot.id = held.lot_id \
         {} ORDER BY CASE WHEN lot.expires_on IS NULL THEN 1 ELSE 0 END, lot.expires_on, lot.received_at, lot.origin_seq, lot.origin_line",
        filter.sql()
    );
    Ok(rows::all(reader, &sql, filter.into_values()).await?)
}
