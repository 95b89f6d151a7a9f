//! The statements behind the stock list: first the items and places of a page, then what lies there.
//!
//! Joins are written as CROSS JOIN with their conditions in WHERE. For Postgres that says nothing; SQLite, which keeps no
//! statistics, takes it as the order in which to go: from the few to the many.

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Instant};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::list_stock::Request;
use crate::error::Error;
use crate::ledger::{Past, ended};
use crate::names::Sku;
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
    pub hold: Option<String>,
    pub opened_at: Option<DateTime<FixedOffset>>,
    pub received_at: DateTime<FixedOffset>,
    pub quantity: i64,
    pub value: i64,
}

/// The items and places of a page, by sku and path.
pub async fn places(
    reader: &impl ConnectionTrait,
    caller: &Caller,
    request: &Request,
    past: Option<&Past>,
    behind: Option<(String, String)>,
    now: Instant,
) -> Result<Vec<PlaceRow>, Error> {
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    let limit = filter.bind(request.limit.bound());
    // What a row must be, whatever page it is on: of one place, and for all of its lots.
    filter.and_location(request.location.as_ref());
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    filter.and_given("lot.expires_on < ?", request.expiring_before);
    let wanted = filter.sql().to_owned();
    let of_place = "held.quantity > 0 AND location.tenant_id = held.tenant_id AND location.id = held.location_id AND lot.tenant_id = held.tenant_id AND lot.id = held.lot_id";
    filter.and_given("item.id = ?", request.item_id);
    filter.and_given("item.sku = ?", request.sku.as_ref().map(Sku::as_str));
    let named = filter.sql().trim_start_matches(&wanted).to_owned();
    let (from_sku, behind) = match behind {
        None => (String::new(), String::new()),
        Some((sku, path)) => {
            let (sku, path) = (filter.bind(sku), filter.bind(path));
            (format!("AND item.sku >= {sku}"), format!("AND (item.sku, location.path) > ({sku}, {path})"))
        }
    };
    let held = match past {
        // Every item with something on hand has a row at least, so the first items by sku hold the page; one more, because of
        // the cursor's own item nothing may be left.
        None => format!(
            "SELECT balance.* FROM (SELECT item.tenant_id, item.id FROM item WHERE item.tenant_id = $1 {from_sku} {named} \
             AND EXISTS (SELECT 1 FROM balance AS held CROSS JOIN location CROSS JOIN lot {wanted} AND held.item_id = item.id AND {of_place}) \
             ORDER BY item.sku LIMIT {limit} + 1) AS first CROSS JOIN balance WHERE balance.tenant_id = first.tenant_id AND balance.item_id = first.id"
        ),
        Some(past) => format!(
            "SELECT moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id, CAST(SUM(moved.quantity) AS BIGINT) AS quantity \
             FROM ({}) AS moved GROUP BY moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id HAVING SUM(moved.quantity) > 0",
            past.rows(&mut filter, None)
        ),
    };
    let reserved = match past {
        None => {
            let ended = ended("stock_key", &filter.bind(DateTime::<FixedOffset>::from(now)));
            format!("COALESCE(stock_key.reserved_quantity - {ended}, 0)")
        }
        // What was set aside in the past is kept nowhere.
        Some(_) => "CAST(0 AS BIGINT)".to_owned(),
    };
    let sql = format!(
        "WITH held AS MATERIALIZED ({held}) \
         SELECT held.item_id, item.sku, item.name, unit.code AS unit, item.grace_days, held.location_id, location.path AS location, \
         site.time_zone, site.day_starts_at, {reserved} AS reserved \
         FROM held CROSS JOIN item CROSS JOIN unit CROSS JOIN location CROSS JOIN location AS site CROSS JOIN lot \
         LEFT JOIN stock_key ON stock_key.tenant_id = held.tenant_id AND stock_key.item_id = held.item_id AND stock_key.location_id = held.location_id \
         {wanted} {named} AND {of_place} AND item.tenant_id = held.tenant_id AND item.id = held.item_id \
         AND unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id AND site.tenant_id = location.tenant_id AND site.id = location.site_id {behind} \
         GROUP BY held.item_id, item.sku, item.name, unit.code, item.grace_days, held.location_id, location.path, site.time_zone, site.day_starts_at, \
         stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity \
         ORDER BY item.sku, location.path LIMIT {limit}"
    );
    Ok(rows::all(reader, &sql, filter.into_values()).await?)
}

/// The lots at the places of a page, in the order in which they expire.
pub async fn lots(reader: &impl ConnectionTrait, caller: &Caller, request: &Request, past: Option<&Past>, places: &[PlaceRow]) -> Result<Vec<LotRow>, Error> {
    const PLACE: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid)]);
    let backend = reader.get_database_backend();
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    filter.bind(rows::parameter(places.iter().map(|place| given_row!(backend, place.item_id, place.location_id)).collect()));
    let given = PLACE.select(backend, 2);
    filter.and_given("lot.expires_on < ?", request.expiring_before);
    let wanted = filter.sql().to_owned();
    let held = match past {
        None => format!(
            "SELECT held.* FROM ({given}) AS place CROSS JOIN balance AS held \
             WHERE held.tenant_id = $1 AND held.item_id = place.item_id AND held.location_id = place.location_id AND held.quantity > 0"
        ),
        Some(past) => format!(
            "SELECT moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id, CAST(SUM(moved.quantity) AS BIGINT) AS quantity, \
             CAST(SUM(moved.value) AS BIGINT) AS value FROM ({}) AS moved \
             GROUP BY moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id HAVING SUM(moved.quantity) > 0",
            past.rows(&mut filter, Some(&given))
        ),
    };
    let sql = format!(
        "WITH held AS MATERIALIZED ({held}) \
         SELECT held.item_id, held.location_id, held.lot_id, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, lot.received_at, held.quantity, held.value \
         FROM held CROSS JOIN lot {wanted} AND lot.tenant_id = held.tenant_id AND lot.id = held.lot_id \
         ORDER BY CASE WHEN lot.expires_on IS NULL THEN 1 ELSE 0 END, lot.expires_on, CASE WHEN lot.opened_at IS NULL THEN 1 ELSE 0 END, \
         lot.received_at, lot.origin_seq, lot.origin_line"
    );
    Ok(rows::all(reader, &sql, filter.into_values()).await?)
}
