//! Lists what is on hand, per item and location, now or at a time in the past.

use actix_web::{get, web};
use chrono::NaiveDate;
use kernel::{Caller, Cursor, Fields, Flaw, FromFields, FromValue, Instant, Limit, Page, Permission, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::repository::{self, Lying, PlaceRow};
use crate::Inventory;
use crate::arithmetic::{Money, Quantity, Total};
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::expiry::is_expired;
use crate::http::{HideCosts, hide, seen_by};
use crate::ledger::Past;
use crate::lots::LotStatus;
use crate::names::Word as _;
use crate::names::{AsOf, DateKind, LocationPath, LocationRef, Sku};

/// Which stock is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// `lots`: with the lots of each row.
    #[param(value_type = Option<String>, rename = "include")]
    pub include_lots: bool,
    /// As it was at the end of this business date (at each site), or at this instant.
    #[param(value_type = Option<String>)]
    pub as_of: Option<AsOf>,
    /// Counts only lots whose date lies before this one.
    pub expiring_before: Option<NaiveDate>,
    /// The item's id.
    pub item_id: Option<Uuid>,
    /// The item's article number.
    pub sku: Option<Sku>,
    /// A site or an area, with everything below it; by `location_id` or by path.
    #[param(value_type = Option<String>)]
    pub location: Option<LocationRef>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// The one word that `include` takes.
struct Lots;
impl FromValue for Lots {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        if value == "lots" { Ok(Self) } else { Err(Flaw::new("invalid_choice", "only `lots` can be included")) }
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let include = fields.optional::<Lots>("include");
        let (as_of, expiring_before) = (fields.optional("as_of"), fields.optional("expiring_before"));
        let (item_id, sku) = (fields.optional("item_id"), fields.optional("sku"));
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self {
            include_lots: include?.is_some(),
            as_of: as_of?,
            expiring_before: expiring_before?,
            item_id: item_id?,
            sku: sku?,
            location: location?,
            limit: limit?,
            cursor: cursor?,
        })
    }
}

/// What is on hand of an item at a location.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Stock {
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// In `unit`.
    pub quantity: Total,
    /// Set aside for somebody, in `unit`. Of the past it is not known: 0 there.
    pub reserved: Quantity,
    /// What can be used, in `unit`: what is neither on hold nor expired, less what is set aside; not below zero.
    pub available: Total,
    /// The item's base unit.
    pub unit: String,
    /// What it is worth. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Total>,
    /// The lots, the first to expire first; only with `include=lots`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lots: Option<Vec<StockLot>>,
}

impl HideCosts for Stock {
    fn hide_costs(&mut self) {
        self.value = None;
        self.lots.iter_mut().flatten().for_each(HideCosts::hide_costs);
    }
}

/// What is on hand of a lot.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StockLot {
    /// The lot's id.
    pub lot_id: Uuid,
    /// What stands on the package, to the letter.
    pub batch_code: Option<String>,
    /// Its date.
    pub expires_on: Option<NaiveDate>,
    /// Whether it is past its date (and the item's grace days, where that is a best-before date) on the site's business date.
    pub expired: bool,
    /// Whether it may be used: `recall` before `hold` before `expired`.
    pub status: LotStatus,
    /// When it was opened; only such a lot has it.
    pub opened_at: Option<Instant>,
    /// When it came in.
    pub received_at: Instant,
    /// How much, in the item's base unit.
    pub quantity: Quantity,
    /// What it is worth. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

impl HideCosts for StockLot {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
    }
}

/// What the cursors of this list begin with, so that no other list's is taken for one.
const LIST: &str = "stock";

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Stock>, Error> {
    caller.need(Permission::Read)?;
    let behind = request.cursor.as_ref().map(Cursor::key::<(String, String, String)>).transpose()?;
    if behind.as_ref().is_some_and(|(list, _, _)| list != LIST) {
        return Err(Cursor::foreign().into());
    }
    let behind = behind.map(|(_, sku, path)| (sku, path));
    let now = state.now();
    let reader = state.database().reader();
    let Some(as_of) = request.as_of else {
        let rows = repository::page(reader, caller, &request, None, behind, now).await?;
        return answer(rows, caller, &request, now);
    };
    // Both statements see one moment.
    let reader = kernel::database::read_one_moment(reader).await?;
    let past = Past::of(&reader, caller.tenant_id, as_of).await?;
    let rows = repository::page(&reader, caller, &request, Some(&past), behind, now).await?;
    reader.commit().await?;
    answer(rows, caller, &request, now)
}

fn answer(rows: Vec<(PlaceRow, Vec<Lying>)>, caller: &Caller, request: &Request, now: Instant) -> Result<Page<Stock>, Error> {
    let page = Page::cut(rows, request.limit, |(place, _)| (LIST, place.sku.clone(), place.location.clone()));
    let data: Result<Vec<Stock>, Error> = page.data.into_iter().map(|(place, lying)| stock(place, lying, request, now)).collect();
    Ok(seen_by(Page { data: data?, next_cursor: page.next_cursor }, caller))
}

fn stock(place: PlaceRow, lying: Vec<Lying>, request: &Request, now: Instant) -> Result<Stock, Error> {
    let days = site_days(place.time_zone.as_deref(), place.day_starts_at.as_deref())?;
    let business_date = match request.as_of {
        None => days.business_date(now),
        Some(AsOf::Date(date)) => date,
        Some(AsOf::Instant(instant)) => days.business_date(instant),
    };
    let (mut quantity, mut value, mut usable) = (Total::default(), Total::default(), Total::default());
    let mut lots = Vec::new();
    for Lying { expires_on, date_kind, hold, quantity: lies, value: worth, lot } in lying {
        let expired = is_expired(expires_on, DateKind::stored(&date_kind)?, place.grace_days, business_date);
        let status = LotStatus::of_lot(hold.as_deref(), expired)?;
        (quantity.0, value.0) = (quantity.0 + lies.0, value.0 + worth.0);
        usable.0 += if status == LotStatus::Ok { lies.0 } else { 0 };
        lots.extend(lot.map(|lot| StockLot {
            lot_id: lot.lot_id,
            batch_code: lot.batch_code,
            expires_on,
            expired,
            status,
            opened_at: lot.opened_at.map(Instant::from),
            received_at: lot.received_at.into(),
            quantity: Quantity(lot.quantity),
            value: Some(Money(lot.value)),
        }));
    }
    Ok(Stock {
        item_id: place.item_id,
        sku: place.sku,
        name: place.name,
        location_id: place.location_id,
        location: place.location,
        quantity,
        reserved: Quantity(place.reserved),
        available: Total((usable.0 - i128::from(place.reserved)).max(0)),
        unit: place.unit,
        value: Some(value),
        lots: request.include_lots.then_some(lots),
    })
}

/// Lists what is on hand, per item and location, by sku and path.
#[utoipa::path(
    tag = "stock",
    operation_id = "list_stock",
    params(Request, ("location_id" = Option<Uuid>, Query, description = "Instead of `location`")),
    responses(
        (status = 200, description = "What is on hand", body = Page<Stock>),
        (status = 400, description = "`invalid_cursor`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/stock")]
pub async fn list_stock(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<Stock>>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
