//! What the stock is worth, now or at a time in the past, each lot at what it cost.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use kernel::{Caller, Fields, FromFields, Permission, Query};
use sea_orm::FromQueryResult;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::{Money, Total};
use crate::error::Error;
use crate::names::{AsOf, LocationPath, LocationRef, words};
use crate::rows::{self, Filter};

words!(
    /// How value is found. `lot_actual`: what each lot cost.
    Method { LotActual = "lot_actual" }
);

/// What is to be valued.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// The end of this business date (at each site), or this instant; now, where nothing is said.
    #[param(value_type = Option<String>)]
    as_of: Option<AsOf>,
    /// `lot_actual` where nothing is said.
    #[param(value_type = Option<Method>, inline)]
    method: Method,
    /// A site or an area, with everything below it; by `location_id` or by path.
    #[param(value_type = Option<String>)]
    location: Option<LocationRef>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (as_of, method) = (fields.optional("as_of"), fields.or("method", Method::LotActual));
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        Some(Self { as_of: as_of?, method: method?, location: location? })
    }
}

/// What the stock is worth.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Valuation {
    /// The date or the instant that was asked for; the instant of the answer, where nothing was said.
    pub as_of: String,
    /// ISO 4217.
    pub currency: String,
    /// How value was found.
    pub method: Method,
    /// The sum of the rows, rounded to the currency.
    pub total: Total,
    /// What the rounding added.
    pub rounding: Total,
    /// One row for each item that is on hand or worth something, by sku.
    pub data: Vec<ValuationRow>,
}

/// What is on hand of an item, and what it is worth.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ValuationRow {
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How much, in the item's base unit.
    pub quantity: Total,
    /// The item's base unit.
    pub unit: String,
    /// What it is worth, in currency.
    pub value: Total,
    /// Value over quantity, rounded for display.
    pub unit_cost: Option<Money>,
}

/// A sum in two parts, whole units and millionths: a sum of millionths alone may not fit 64 bits, and SQLite has no wider ones.
#[derive(FromQueryResult)]
struct Row {
    item_id: Uuid,
    sku: String,
    name: String,
    unit: String,
    quantity_units: i64,
    quantity_millionths: i64,
    value_units: i64,
    value_millionths: i64,
}

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Valuation, Error> {
    caller.need(Permission::Read)?;
    caller.need(Permission::SeeCosts)?;
    let settings = state.ensure_known(caller.tenant_id).await?;
    let now = state.now();
    let reader = state.database().reader();
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    let (table, quantity, value) = match request.as_of {
        None => ("balance", "quantity", "value"),
        Some(_) => ("ledger_entry", "quantity_delta", "value_delta"),
    };
    match request.as_of {
        None => {}
        Some(AsOf::Date(date)) => filter.and("held.business_date <= ?", date),
        Some(AsOf::Instant(instant)) => filter.and("held.effective_at <= ?", DateTime::<FixedOffset>::from(instant)),
    }
    filter.and_location(request.location.as_ref());
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let parts = |column: &str, name: &str| {
        let sum = |part: &str| format!("CAST(SUM(held.{column} {part} 1000000) AS BIGINT)");
        format!("{} AS {name}_units, {} AS {name}_millionths", sum("/"), sum("%"))
    };
    let sql = format!(
        "SELECT held.item_id, item.sku, item.name, unit.code AS unit, {}, {} FROM {table} AS held \
         JOIN item ON item.tenant_id = held.tenant_id AND item.id = held.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = held.tenant_id AND location.id = held.location_id \
         {} GROUP BY held.item_id, item.sku, item.name, unit.code ORDER BY item.sku",
        parts(quantity, "quantity"),
        parts(value, "value"),
        filter.sql()
    );
    let rows = rows::all::<Row>(reader, &sql, filter.into_values()).await?;
    let data: Vec<ValuationRow> = rows.into_iter().map(row).filter(|row| row.quantity.0 != 0 || row.value.0 != 0).collect();
    let exact = Total(data.iter().map(|row| row.value.0).sum());
    let total = exact.rounded_to(settings.exponent());
    Ok(Valuation {
        as_of: request.as_of.map_or_else(|| now.to_string(), |as_of| as_of.to_string()),
        currency: settings.currency.code().to_owned(),
        method: request.method,
        total,
        rounding: Total(total.0 - exact.0),
        data,
    })
}

fn row(row: Row) -> ValuationRow {
    let (quantity, value) = (Total::of_parts(row.quantity_units, row.quantity_millionths), Total::of_parts(row.value_units, row.value_millionths));
    ValuationRow { item_id: row.item_id, sku: row.sku, name: row.name, quantity, unit: row.unit, value, unit_cost: value.per_unit(quantity) }
}

/// Values the stock, now or at a time in the past.
#[utoipa::path(
    tag = "reports",
    operation_id = "valuation_report",
    params(Request, ("location_id" = Option<Uuid>, Query, description = "Instead of `location`")),
    responses(
        (status = 200, description = "What the stock is worth", body = Valuation),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/reports/valuation")]
pub async fn valuation_report(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Valuation>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
