//! The statement behind the stock list: the items and places of a page, with what lies there.
//!
//! Joins are written as CROSS JOIN with their conditions in WHERE. For Postgres that says nothing; SQLite, which keeps no
//! statistics, takes it as the order in which to go: from the few to the many.

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Instant, Sites};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult};
use uuid::Uuid;

use super::list_stock::Request;
use crate::arithmetic::Total;
use crate::error::Error;
use crate::ledger::{Past, ended};
use crate::names::Sku;
use crate::rows::{self, Filter};

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

/// What lies there of one lot, or of all that have one date and are on hold alike.
#[derive(Debug)]
pub struct Lying {
    pub expires_on: Option<NaiveDate>,
    pub date_kind: String,
    pub hold: Option<String>,
    pub quantity: Total,
    pub value: Total,
    /// The lot, where each is told.
    pub lot: Option<LotRow>,
}

/// A lot that lies there.
#[derive(Debug, FromQueryResult)]
pub struct LotRow {
    pub lot_id: Uuid,
    pub batch_code: Option<String>,
    pub opened_at: Option<DateTime<FixedOffset>>,
    pub received_at: DateTime<FixedOffset>,
    pub quantity: i64,
    pub value: i64,
}

#[derive(FromQueryResult)]
struct OfLots {
    expires_on: Option<NaiveDate>,
    date_kind: String,
    hold: Option<String>,
}

#[derive(FromQueryResult)]
struct StockRow {
    #[sea_orm(nested)]
    place: PlaceRow,
    #[sea_orm(nested)]
    of: OfLots,
    #[sea_orm(nested)]
    lot: LotRow,
}

/// Sums in whole units and millionths: of millionths alone they may not fit.
#[derive(FromQueryResult)]
struct SumRow {
    #[sea_orm(nested)]
    place: PlaceRow,
    #[sea_orm(nested)]
    of: OfLots,
    quantity_units: i64,
    quantity_millionths: i64,
    value_units: i64,
    value_millionths: i64,
}

impl From<StockRow> for (PlaceRow, Lying) {
    fn from(StockRow { place, of, lot }: StockRow) -> Self {
        let OfLots { expires_on, date_kind, hold } = of;
        let (quantity, value) = (Total(lot.quantity.into()), Total(lot.value.into()));
        (place, Lying { expires_on, date_kind, hold, quantity, value, lot: Some(lot) })
    }
}

impl From<SumRow> for (PlaceRow, Lying) {
    fn from(row: SumRow) -> Self {
        let OfLots { expires_on, date_kind, hold } = row.of;
        let quantity = Total::of_parts(row.quantity_units, row.quantity_millionths);
        let value = Total::of_parts(row.value_units, row.value_millionths);
        (row.place, Lying { expires_on, date_kind, hold, quantity, value, lot: None })
    }
}

/// The items and places of a page, by sku and path, each with what lies there: of each lot, in the order in which they expire, where lots are
/// told, else in sums. In one statement, so all of one moment.
pub async fn page(
    reader: &impl ConnectionTrait,
    caller: &Caller,
    request: &Request,
    past: Option<&Past>,
    behind: Option<(String, String)>,
    now: Instant,
) -> Result<Vec<(PlaceRow, Vec<Lying>)>, Error> {
    let mut wanted = Wanted::new(reader.get_database_backend(), caller, request, behind);
    // Of the past what lies in each place is summed up once; of now it is looked up for the places of the page, each of which has a stock key.
    let (moved, places, lying) = match past {
        None => (String::new(), wanted.places_now(now), "balance"),
        Some(past) => (wanted.moved(past), wanted.places_then(), "moved"),
    };
    let page = format!("WITH {moved} page AS MATERIALIZED ({places} {} ORDER BY item.sku, location.path LIMIT {})", wanted.behind, wanted.limit);
    let values = wanted.filter.into_values();
    if request.include_lots {
        let sql = each_lot(&page, lying, &wanted.expiring);
        return Ok(by_place(rows::all::<StockRow>(reader, &sql, values).await?));
    }
    let sql = sums(&page, lying, &wanted.expiring);
    Ok(by_place(rows::all::<SumRow>(reader, &sql, values).await?))
}

/// What a list is of, in the texts that its statement is put together from, with the values of all of them.
struct Wanted {
    filter: Filter,
    /// The WHERE of what is held, whatever page it is on: of the tenant, of one place and at the caller's sites, where not of all.
    held: String,
    /// The condition that a lot expires, where that is asked for. A lot that holds something is there; else none is looked at.
    expiring: String,
    is_everywhere: bool,
    /// The condition of an item that is named.
    named: String,
    /// The conditions of what comes behind the page before: roughly, for items, and exactly.
    from_sku: String,
    behind: String,
    limit: u64,
}

impl Wanted {
    fn new(backend: DatabaseBackend, caller: &Caller, request: &Request, behind: Option<(String, String)>) -> Self {
        let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
        filter.and_location(request.location.as_ref());
        filter.and_sites(backend, "location.site_id", &caller.sites);
        let held = filter.sql().to_owned();
        let expiring = request.expiring_before.map(|day| format!("AND lot.expires_on < {}", filter.bind(day))).unwrap_or_default();
        let is_everywhere = request.location.is_none() && caller.sites == Sites::All && expiring.is_empty();
        filter.and_given("item.id = ?", request.item_id);
        filter.and_given("item.sku = ?", request.sku.as_ref().map(Sku::as_str));
        let named = filter.sql().trim_start_matches(&held).to_owned();
        let (from_sku, behind) = match behind {
            None => (String::new(), String::new()),
            Some((sku, path)) => {
                let (sku, path) = (filter.bind(sku), filter.bind(path));
                (format!("AND item.sku >= {sku}"), format!("AND (item.sku, location.path) > ({sku}, {path})"))
            }
        };
        Self { filter, held, expiring, is_everywhere, named, from_sku, behind, limit: request.limit.probe() }
    }

    /// The table of lots, where they are looked at, and the condition by which one belongs to what is held.
    fn lot(&self) -> (&'static str, String) {
        if self.expiring.is_empty() {
            ("", String::new())
        } else {
            ("CROSS JOIN lot", format!("AND lot.tenant_id = $1 AND lot.id = held.lot_id {}", self.expiring))
        }
    }

    fn of_place(&self) -> String {
        let (_, of_lot) = self.lot();
        format!("held.quantity > 0 AND location.tenant_id = $1 AND location.id = held.location_id {of_lot}")
    }

    /// The places where something lies now.
    fn places_now(&mut self, now: Instant) -> String {
        let ended = ended("place", &self.filter.bind(DateTime::<FixedOffset>::from(now)));
        let ((lot, of_lot), items) = (self.lot(), self.items());
        let Self { held, named, .. } = self;
        // (A MAX and no EXISTS, for which Postgres would look through all that lies in the place until it meets the item.)
        format!(
            "SELECT {PLACE}, place.reserved_quantity - {ended} AS reserved FROM {items} CROSS JOIN stock_key AS place CROSS JOIN location \
             WHERE item.tenant_id = $1 {named} AND place.tenant_id = $1 AND place.item_id = item.id AND location.tenant_id = $1 AND location.id = place.location_id \
             AND (SELECT MAX(held.quantity) FROM balance AS held {lot} {held} AND held.item_id = place.item_id \
             AND held.location_id = place.location_id {of_lot}) > 0"
        )
    }

    /// The items that a page can be of. Every item with something on hand has a row at least, so the first of them by sku hold the page; one more, because
    /// of the cursor's own item nothing may be left.
    fn items(&self) -> String {
        if !self.named.is_empty() {
            return "item".to_owned();
        }
        let (Self { held, from_sku, limit, .. }, (lot, _), of_place) = (self, self.lot(), self.of_place());
        let is_held = if self.is_everywhere {
            // Postgres would make a join of an EXISTS, and look at everything that the tenant has before it sorts and takes the first. Most items
            // are on hand, so one after the other in their order is looked at.
            format!("(SELECT 1 FROM balance AS held {held} AND held.item_id = item.id AND held.quantity > 0 LIMIT 1) IS NOT NULL")
        } else {
            format!("EXISTS (SELECT 1 FROM balance AS held CROSS JOIN location {lot} {held} AND held.item_id = item.id AND {of_place})")
        };
        format!("(SELECT item.* FROM item WHERE item.tenant_id = $1 {from_sku} AND {is_held} ORDER BY item.sku LIMIT {limit} + 1) AS item")
    }

    /// What lay where in the past.
    fn moved(&mut self, past: &Past) -> String {
        format!(
            "moved AS MATERIALIZED (SELECT moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id, CAST(SUM(moved.quantity) AS BIGINT) AS quantity, \
             CAST(SUM(moved.value) AS BIGINT) AS value FROM ({}) AS moved \
             GROUP BY moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id HAVING SUM(moved.quantity) > 0),",
            past.rows(&mut self.filter, None)
        )
    }

    /// The places where something lay then. What was set aside in the past is kept nowhere.
    fn places_then(&self) -> String {
        let (Self { held, named, .. }, (lot, _), of_place) = (self, self.lot(), self.of_place());
        format!(
            "SELECT DISTINCT {}, CAST(0 AS BIGINT) AS reserved FROM moved AS held CROSS JOIN item CROSS JOIN location {lot} {held} {named} AND {of_place} \
             AND item.tenant_id = $1 AND item.id = held.item_id",
            PLACE.replace("place.", "held.")
        )
    }
}

/// What is told of a place.
const TOLD: &str =
    "page.item_id, page.sku, page.name, unit.code AS unit, page.grace_days, page.location_id, page.location, site.time_zone, site.day_starts_at, page.reserved";
/// The unit and the site of a place.
const BESIDE: &str = "unit.tenant_id = $1 AND unit.id = page.base_unit_id AND site.tenant_id = $1 AND site.id = page.site_id";

/// What lies in the places of a page, with its lots.
fn of_page(expiring: &str) -> String {
    format!(
        "held.tenant_id = $1 AND held.item_id = page.item_id AND held.location_id = page.location_id AND held.quantity > 0 \
         AND lot.tenant_id = $1 AND lot.id = held.lot_id {expiring}"
    )
}

fn each_lot(page: &str, lying: &str, expiring: &str) -> String {
    format!(
        "{page} SELECT {TOLD}, held.lot_id, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, lot.received_at, held.quantity, held.value \
         FROM page CROSS JOIN unit CROSS JOIN location AS site CROSS JOIN {lying} AS held CROSS JOIN lot WHERE {BESIDE} AND {} \
         ORDER BY page.sku, page.location, CASE WHEN lot.expires_on IS NULL THEN 1 ELSE 0 END, lot.expires_on, \
         CASE WHEN lot.opened_at IS NULL THEN 1 ELSE 0 END, lot.received_at, lot.origin_seq, lot.origin_line",
        of_page(expiring)
    )
}

fn sums(page: &str, lying: &str, expiring: &str) -> String {
    format!(
        "{page}, held AS MATERIALIZED (SELECT page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold, {}, {} \
         FROM page CROSS JOIN {lying} AS held CROSS JOIN lot WHERE {} \
         GROUP BY page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold) \
         SELECT {TOLD}, held.expires_on, held.date_kind, held.hold, held.quantity_units, held.quantity_millionths, held.value_units, held.value_millionths \
         FROM page CROSS JOIN unit CROSS JOIN location AS site CROSS JOIN held WHERE {BESIDE} \
         AND held.item_id = page.item_id AND held.location_id = page.location_id ORDER BY page.sku, page.location",
        rows::sum_in_parts("held.quantity", "quantity"),
        rows::sum_in_parts("held.value", "value"),
        of_page(expiring)
    )
}

/// The columns of a place on a page.
const PLACE: &str = "place.item_id, item.sku, item.name, item.grace_days, item.base_unit_id, place.location_id, location.path AS location, location.site_id";

fn by_place<R: Into<(PlaceRow, Lying)>>(rows: Vec<R>) -> Vec<(PlaceRow, Vec<Lying>)> {
    let mut page: Vec<(PlaceRow, Vec<Lying>)> = Vec::new();
    for (place, lying) in rows.into_iter().map(Into::into) {
        match page.last_mut() {
            Some((last, all)) if (last.item_id, last.location_id) == (place.item_id, place.location_id) => all.push(lying),
            _ => page.push((place, vec![lying])),
        }
    }
    page
}
