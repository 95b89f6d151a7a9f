//! What the stock is worth, now or at a time in the past: each lot at what it cost, or by a method that books are kept in.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use kernel::{Caller, Fields, FromFields, Instant, Permission, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::costing::{Costing, PricePeriod};
use super::undone::{Undone, undone_documents};
use super::{actual, costed};
use crate::Inventory;
use crate::arithmetic::{Money, Total};
use crate::error::Error;
use crate::names::{AsOf, LocationPath, LocationRef, words};
use crate::rows::Filter;
use crate::tenants::Settings;

words!(
    /// How value is found. `lot_actual`: what each lot cost. `fifo`: what came in first leaves first, whichever lot was taken.
    /// `moving_average`: one price, that changes with what comes in. `periodic_average`: one price for all that leaves in a day
    /// or a month. `last_price`: what was last paid, without charges, by the receipts as they were corrected and invoiced up to
    /// then; what nobody ever paid for, at what its lots cost.
    Method {
        LotActual = "lot_actual",
        Fifo = "fifo",
        MovingAverage = "moving_average",
        PeriodicAverage = "periodic_average",
        LastPrice = "last_price",
    }
);
words!(
    /// What is told beside what is on hand.
    Included { Issued = "issued" }
);
words!(
    /// What has a row, and prices, of its own: each item at each `site`; with `total` nothing, and only the total is told.
    ValuationGroup { Site = "site", Total = "total" }
);

/// What is to be valued.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// The end of this business date (at each site), or this instant; now, where nothing is said.
    #[param(value_type = Option<String>)]
    pub as_of: Option<AsOf>,
    /// `lot_actual` where nothing is said.
    #[param(value_type = Option<Method>, inline)]
    pub method: Method,
    /// How long one price holds, with `periodic_average` only: a calendar `month` of business dates where nothing is said, or a `day`.
    #[param(inline)]
    pub period: Option<PricePeriod>,
    /// `site`: one row for each item and site, with prices of its own; what a site got from another has the value that it left
    /// that one with. `total`: no rows, and only the sums. Else prices are those of the tenant, as far as you see its sites.
    #[param(inline)]
    pub group_by: Option<ValuationGroup>,
    /// `issued`: also what was used up, with `lot_actual`, which else reads only what is there. The other methods know it anyway.
    #[param(inline)]
    pub include: Option<Included>,
    /// A site or an area, with everything below it; by `location_id` or by path. Prices stay those of the whole: a location has its
    /// part of it by quantity.
    #[param(value_type = Option<String>)]
    pub location: Option<LocationRef>,
}

impl Request {
    /// How the books are kept; `None` for the lots' own cost.
    fn costing(&self) -> Option<Costing> {
        match self.method {
            Method::LotActual => None,
            Method::Fifo => Some(Costing::Fifo),
            Method::MovingAverage => Some(Costing::MovingAverage),
            Method::PeriodicAverage => Some(Costing::PeriodicAverage(self.period())),
            Method::LastPrice => Some(Costing::LastPrice),
        }
    }

    /// Whether what was used up is told: with the lots' own cost that needs a reading of the whole ledger.
    pub fn says_issued(&self) -> bool {
        self.method != Method::LotActual || self.include == Some(Included::Issued)
    }

    fn period(&self) -> PricePeriod {
        self.period.unwrap_or(PricePeriod::Month)
    }

    /// Keeps the entries of the time that is asked about.
    pub fn until(&self, filter: &mut Filter, entry: &str) {
        match self.as_of {
            None => {}
            Some(AsOf::Date(date)) => filter.and(&format!("{entry}.business_date <= ?"), date),
            Some(AsOf::Instant(instant)) => filter.and(&format!("{entry}.effective_at <= ?"), DateTime::<FixedOffset>::from(instant)),
        }
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (as_of, method) = (fields.optional("as_of"), fields.or("method", Method::LotActual));
        let (period, group_by, include) = (fields.optional("period"), fields.optional("group_by"), fields.optional("include"));
        if method.is_some_and(|method| method != Method::PeriodicAverage) && fields.is_present("period") {
            fields.refuse("period", "not_with_this_method", "only periodic_average has a period");
        }
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        Some(Self { as_of: as_of?, method: method?, period: period?, group_by: group_by?, include: include?, location: location? })
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
    /// How long one price holds; only with `periodic_average`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<PricePeriod>,
    /// What has rows of its own, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<ValuationGroup>,
    /// The sum of the rows (with `group_by=total` of those that would be there), rounded to the currency.
    pub total: Total,
    /// What the rounding added.
    pub rounding: Total,
    /// The exact sum of the rows' `issued_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_value: Option<Total>,
    /// One row for each item (and site, where that is asked for) that is on hand, is worth something or was used up, by sku and site.
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
    /// The site's id; only with `group_by=site`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<Uuid>,
    /// The site's path; only with `group_by=site`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// How much, in the item's base unit.
    pub quantity: Total,
    /// The item's base unit.
    pub unit: String,
    /// What it is worth, in currency.
    pub value: Total,
    /// Value over quantity, rounded for display.
    pub unit_cost: Option<Money>,
    /// What all that left by usage, waste, return to the supplier, count loss or adjustment up to then was worth, as the method
    /// prices it, less what was undone of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_value: Option<Total>,
}

/// A site by its names.
#[derive(Clone, Debug)]
pub struct Site {
    pub id: Uuid,
    pub path: String,
}

/// What a method says of an item, at a site where it says it for each.
#[derive(Clone, Debug)]
pub struct Line {
    pub item_id: Uuid,
    pub sku: String,
    pub name: String,
    pub unit: String,
    pub site: Option<Site>,
    pub quantity: Total,
    pub value: Total,
    pub issued: Total,
}

impl Line {
    /// Whether there is anything to be told.
    pub fn says_something(&self) -> bool {
        [self.quantity, self.value, self.issued].iter().any(|total| total.0 != 0)
    }

    fn answer(self, says_issued: bool) -> ValuationRow {
        let (site_id, site) = self.site.map(|site| (site.id, site.path)).unzip();
        ValuationRow {
            item_id: self.item_id,
            sku: self.sku,
            name: self.name,
            site_id,
            site,
            quantity: self.quantity,
            unit: self.unit,
            value: self.value,
            unit_cost: self.value.per_unit(self.quantity),
            issued_value: says_issued.then_some(self.issued),
        }
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Valuation, Error> {
    caller.need(Permission::Read)?;
    caller.need(Permission::SeeCosts)?;
    let settings = state.ensure_known(caller.tenant_id).await?;
    let now = state.now();
    // All statements see one moment.
    let reader = kernel::database::read_one_moment(state.database().reader()).await?;
    let costing = request.costing();
    if request.group_by == Some(ValuationGroup::Total) && costing.is_none() && !request.says_issued() {
        let exact = actual::total(&reader, caller, &request).await?;
        reader.commit().await?;
        return Ok(valuation(&request, &settings, now, Exact { value: exact, issued: Total::default() }, Vec::new()));
    }
    // What lies there by its lots' own cost is a sum; only what was used up, and every other method, asks what was undone.
    let undone = if request.says_issued() { undone_documents(&reader, caller.tenant_id).await? } else { Undone::default() };
    let lines = match costing {
        None => actual::lines(&reader, caller, &request, &undone).await?,
        Some(costing) => costed::lines(&reader, caller, &request, costing, &undone).await?,
    };
    reader.commit().await?;
    let exact = Exact { value: Total(lines.iter().map(|line| line.value.0).sum()), issued: Total(lines.iter().map(|line| line.issued.0).sum()) };
    let told = if request.group_by == Some(ValuationGroup::Total) { Vec::new() } else { lines };
    let data = told.into_iter().map(|line| line.answer(request.says_issued())).collect();
    Ok(valuation(&request, &settings, now, exact, data))
}

/// The sums of all rows.
struct Exact {
    value: Total,
    issued: Total,
}

fn valuation(request: &Request, settings: &Settings, now: Instant, exact: Exact, data: Vec<ValuationRow>) -> Valuation {
    let total = exact.value.rounded_to(settings.exponent());
    Valuation {
        as_of: request.as_of.map_or_else(|| now.to_string(), |as_of| as_of.to_string()),
        currency: settings.currency.code().to_owned(),
        method: request.method,
        period: (request.method == Method::PeriodicAverage).then(|| request.period()),
        group_by: request.group_by,
        total,
        rounding: Total(total.0 - exact.value.0),
        issued_value: request.says_issued().then_some(exact.issued),
        data,
    }
}

/// Values the stock, now or at a time in the past.
///
/// Every method but `lot_actual` reads the ledger in effective order: at one instant what comes in is before what changes the
/// cost, and that before what leaves. What is undone at its own instant never happened; what is undone at another time brings
/// back what had left, and what had come in leaves at the price of then. Found goods come in at the report's own average: a
/// miscount changes no price. Nothing of this is stored, so a back-dated document changes the report and no posting.
#[utoipa::path(
    tag = "reports",
    operation_id = "valuation_report",
    params(Request, ("location_id" = Option<Uuid>, Query, description = "Instead of `location`")),
    responses(
        (status = 200, description = "What the stock is worth", body = Valuation),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `not_with_this_method`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/reports/valuation")]
pub async fn valuation_report(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Valuation>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
