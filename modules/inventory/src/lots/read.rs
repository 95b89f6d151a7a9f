//! Reading lots, one by one or as a list.

use std::collections::HashMap;

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Cursor, Fields, FromFields, FromValue as _, Instant, Limit, Page, Permission, Query};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::LotStatus;
use crate::Inventory;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::expiry::is_expired;
use crate::http::{HideCosts, Id, Recheck, hide, seen_by, versioned};
use crate::ledger::{EventRow, LotEventKind, lot_events};
use crate::names::Word as _;
use crate::names::{BatchCode, DateKind, Sku, words};
use crate::rows::{self, Filter};

words!(
    /// By what the list is sorted, the smallest first; lots without a date come last.
    Sort { ExpiresOn = "expires_on", ReceivedAt = "received_at" }
);

/// Which lots are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// The item's id.
    item_id: Option<Uuid>,
    /// The item's article number.
    sku: Option<Sku>,
    /// Those of which something lies at this location, which must be one of the caller's sites.
    location_id: Option<Uuid>,
    /// What stands on the package, to the letter.
    batch_code: Option<BatchCode>,
    /// Those whose date lies before this one.
    expiring_before: Option<NaiveDate>,
    /// `false`: those of which nothing is left at the caller's sites, too. `true` where nothing is said.
    #[param(value_type = Option<bool>)]
    in_stock: bool,
    /// `expires_on` where nothing is said.
    #[param(value_type = Option<Sort>, inline)]
    sort: Sort,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (item_id, sku, location_id) = (fields.optional("item_id"), fields.optional("sku"), fields.optional("location_id"));
        let (batch_code, expiring_before) = (fields.optional("batch_code"), fields.optional("expiring_before"));
        let (in_stock, sort) = (fields.or("in_stock", true), fields.or("sort", Sort::ExpiresOn));
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self {
            item_id: item_id?,
            sku: sku?,
            location_id: location_id?,
            batch_code: batch_code?,
            expiring_before: expiring_before?,
            in_stock: in_stock?,
            sort: sort?,
            limit: limit?,
            cursor: cursor?,
        })
    }
}

/// A lot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Lot)]
pub struct LotAnswer {
    /// Its id.
    pub id: Uuid,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// What stands on the package, to the letter.
    pub batch_code: Option<String>,
    /// The document that it came in with.
    pub origin_document_id: Uuid,
    /// The line of that document, counted from one.
    pub origin_line: i64,
    /// When it came in.
    pub received_at: Instant,
    /// When it was made.
    pub produced_on: Option<NaiveDate>,
    /// Its date.
    pub expires_on: Option<NaiveDate>,
    /// What its date means.
    pub date_kind: DateKind,
    /// Whether it may be used: `recall` before `hold` before `expired`, which counts by today at the site where it came in.
    pub status: LotStatus,
    /// When it was opened; only such a lot has it.
    pub opened_at: Option<Instant>,
    /// The lots that it was made from, as far as they came to the caller's sites.
    pub parents: Vec<LotParent>,
    /// Everything that ever came onto the lot, in `unit`.
    pub basis_quantity: Quantity,
    /// What that cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis_value: Option<Money>,
    /// What is left of it at the caller's sites, in `unit`.
    pub quantity: Quantity,
    /// What that is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The item's base unit.
    pub unit: String,
    /// Whether the document that made it was undone.
    pub void: bool,
    /// Where it lies; in the answer for a single lot only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<LotPlace>>,
    /// What was said of it, the first first; in the answer for a single lot only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<LotEventAnswer>>,
    /// Grows with every change.
    pub version: i64,
}

impl HideCosts for LotAnswer {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.basis_value, &mut self.value]);
        self.places.iter_mut().flatten().for_each(HideCosts::hide_costs);
    }
}

impl Recheck for LotAnswer {}

/// A lot that another was made from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LotParent {
    /// The parent's id.
    pub lot_id: Uuid,
    /// How much of it went in, in its item's base unit.
    pub quantity: Quantity,
    /// The document that made the one of the other.
    pub document_id: Uuid,
}

/// Something that was said of a lot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = LotEvent)]
pub struct LotEventAnswer {
    /// Counted from one.
    pub number: i64,
    /// What it was.
    pub kind: LotEventKind,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The user who said it.
    pub actor_id: Uuid,
    /// The lot's date before.
    pub expires_on_before: Option<NaiveDate>,
    /// The lot's date after.
    pub expires_on_after: Option<NaiveDate>,
    /// A remark.
    pub note: Option<String>,
}

impl TryFrom<EventRow> for LotEventAnswer {
    type Error = sea_orm::DbErr;

    fn try_from(row: EventRow) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            number: row.number,
            kind: LotEventKind::stored(&row.kind)?,
            recorded_at: row.recorded_at.into(),
            actor_id: row.actor_id,
            expires_on_before: row.expires_on_before,
            expires_on_after: row.expires_on_after,
            note: row.note,
        })
    }
}

/// What is left of a lot at a location.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LotPlace {
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// How much, in the item's base unit.
    pub quantity: Quantity,
    /// What it is worth. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

impl HideCosts for LotPlace {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    item_id: Uuid,
    sku: String,
    batch_code: Option<String>,
    origin_document_id: Uuid,
    origin_line: i64,
    received_at: DateTime<FixedOffset>,
    produced_on: Option<NaiveDate>,
    expires_on: Option<NaiveDate>,
    date_kind: String,
    hold: Option<String>,
    opened_at: Option<DateTime<FixedOffset>>,
    grace_days: i64,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
    basis_quantity: i64,
    basis_value: i64,
    quantity: i64,
    value: i64,
    unit: String,
    void: bool,
    version: i64,
}

impl Row {
    fn answer(self, parents: Vec<LotParent>, now: Instant) -> Result<LotAnswer, Error> {
        let date_kind = DateKind::stored(&self.date_kind)?;
        let today = site_days(self.time_zone.as_deref(), self.day_starts_at.as_deref())?.business_date(now);
        let status = LotStatus::of_lot(self.hold.as_deref(), is_expired(self.expires_on, date_kind, self.grace_days, today))?;
        Ok(LotAnswer {
            id: self.id,
            item_id: self.item_id,
            sku: self.sku,
            batch_code: self.batch_code,
            origin_document_id: self.origin_document_id,
            origin_line: self.origin_line,
            received_at: self.received_at.into(),
            produced_on: self.produced_on,
            expires_on: self.expires_on,
            date_kind,
            status,
            opened_at: self.opened_at.map(Instant::from),
            parents,
            basis_quantity: Quantity(self.basis_quantity),
            basis_value: Some(Money(self.basis_value)),
            quantity: Quantity(self.quantity),
            value: Some(Money(self.value)),
            unit: self.unit,
            void: self.void,
            places: None,
            events: None,
            version: self.version,
        })
    }
}

/// Lots with what is left of them, and the balances that count for that. Whoever sees only some sites sees the lots that came to
/// those, with what is left there.
fn select(filter: &mut Filter, backend: sea_orm::DatabaseBackend, caller: &Caller) -> (String, String) {
    let held = match &caller.sites {
        kernel::Sites::All => {
            "SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id FROM balance WHERE balance.tenant_id = $1".to_owned()
        }
        kernel::Sites::Only(sites) => {
            let ids = filter.bind(rows::parameter(sites.iter().map(|site| rows::given_row!(backend, *site)).collect()));
            let ids = rows::Relation(&[("id", rows::Kind::Uuid)]).select(backend, ids.trim_start_matches('$').parse().unwrap_or(1));
            let held = format!(
                "SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id FROM balance \
                 JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id WHERE balance.tenant_id = $1 AND location.site_id IN ({ids})"
            );
            filter.and_plain(&format!("lot.id IN (SELECT lot_id FROM ({held}) AS seen)"));
            held
        }
    };
    let select = format!(
        "SELECT lot.id, lot.item_id, item.sku, lot.batch_code, lot.origin_document_id, lot.origin_line, lot.received_at, lot.produced_on, lot.expires_on, lot.date_kind, \
         lot.hold, lot.opened_at, item.grace_days, site.time_zone, site.day_starts_at, lot.basis_quantity, lot.basis_value, unit.code AS unit, lot.void, lot.version, \
         CAST((SELECT COALESCE(SUM(held.quantity), 0) FROM ({held}) AS held WHERE held.lot_id = lot.id) AS BIGINT) AS quantity, \
         CAST((SELECT COALESCE(SUM(held.value), 0) FROM ({held}) AS held WHERE held.lot_id = lot.id) AS BIGINT) AS value \
         FROM lot JOIN item ON item.tenant_id = lot.tenant_id AND item.id = lot.item_id JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN document ON document.tenant_id = lot.tenant_id AND document.id = lot.origin_document_id \
         JOIN location AS site ON site.tenant_id = document.tenant_id AND site.id = document.site_id"
    );
    (select, held)
}

/// The lots that each of these was made from; of those only that came to the caller's sites.
pub async fn parents(connection: &impl ConnectionTrait, caller: &Caller, lots: &[Uuid]) -> Result<HashMap<Uuid, Vec<LotParent>>, Error> {
    const ID: rows::Relation = rows::Relation(&[("id", rows::Kind::Uuid)]);
    #[derive(FromQueryResult)]
    struct ParentRow {
        lot_id: Uuid,
        parent_id: Uuid,
        quantity: i64,
        document_id: Uuid,
    }
    let backend = connection.get_database_backend();
    let mut filter = Filter::tenant("link.tenant_id", caller.tenant_id);
    filter.bind(rows::parameter(lots.iter().map(|lot| rows::given_row!(backend, *lot)).collect()));
    filter.and_plain(&format!("link.lot_id IN ({})", ID.select(backend, 2)));
    filter.and_lot_sites(backend, "link.tenant_id", "link.parent_id", &caller.sites);
    let sql = format!("SELECT link.lot_id, link.parent_id, link.quantity, link.document_id FROM lot_parent AS link {} ORDER BY 1, 2", filter.sql());
    let mut parents: HashMap<Uuid, Vec<LotParent>> = HashMap::new();
    for row in rows::all::<ParentRow>(connection, &sql, filter.into_values()).await? {
        let parent = LotParent { lot_id: row.parent_id, quantity: Quantity(row.quantity), document_id: row.document_id };
        parents.entry(row.lot_id).or_default().push(parent);
    }
    Ok(parents)
}

/// Behind every date there is: where lots without one are sorted.
const NO_DATE: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(date) => date,
    None => NaiveDate::MAX,
};

pub async fn list(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<LotAnswer>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("lot.tenant_id", caller.tenant_id);
    let (select, held) = select(&mut filter, reader.get_database_backend(), caller);
    filter.and_given("lot.item_id = ?", request.item_id);
    filter.and_item("lot.item_id", request.sku.as_ref());
    filter.and_given("lot.batch_code = ?", request.batch_code.map(String::from));
    filter.and_given("lot.expires_on < ?", request.expiring_before);
    if request.in_stock {
        filter.and_plain(&format!("EXISTS (SELECT 1 FROM ({held}) AS lying WHERE lying.lot_id = lot.id AND lying.quantity > 0)"));
    }
    let lies_there = format!("EXISTS (SELECT 1 FROM ({held}) AS lying WHERE lying.lot_id = lot.id AND lying.quantity > 0 AND lying.location_id = ?)");
    filter.and_given(&lies_there, request.location_id);
    let no_date = filter.bind(NO_DATE);
    let column = match request.sort {
        Sort::ExpiresOn => format!("COALESCE(lot.expires_on, {no_date})"),
        // The date's parameter must be used in every form of the statement.
        Sort::ReceivedAt => format!("CASE WHEN {no_date} IS NULL THEN NULL ELSE lot.received_at END"),
    };
    if let Some(cursor) = &request.cursor {
        let (value, id): (sea_orm::Value, Uuid) = match request.sort {
            Sort::ExpiresOn => {
                cursor.key::<(Value, Uuid)>().and_then(|(date, id)| Ok((NaiveDate::from_value(&date).map_err(|_| Cursor::foreign())?.into(), id)))?
            }
            Sort::ReceivedAt => cursor.key::<(Instant, Uuid)>().map(|(at, id)| (DateTime::<FixedOffset>::from(at).into(), id))?,
        };
        let (value, id) = (filter.bind(value), filter.bind(id));
        filter.and_plain(&format!("({column}, lot.id) > ({value}, {id})"));
    }
    let limit = request.limit.probe();
    let sql = format!("{select} {} ORDER BY {column}, lot.id LIMIT {limit}", filter.sql());
    let rows = rows::all::<Row>(reader, &sql, filter.into_values()).await?;
    let page = Page::cut(rows, request.limit, |row| match request.sort {
        Sort::ExpiresOn => serde_json::json!([row.expires_on.unwrap_or(NO_DATE), row.id]),
        Sort::ReceivedAt => serde_json::json!([Instant::from(row.received_at), row.id]),
    });
    let mut parents = parents(reader, caller, &page.data.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    let now = state.now();
    let answer = |row: Row| {
        let parents = parents.remove(&row.id).unwrap_or_default();
        row.answer(parents, now)
    };
    let data: Result<Vec<LotAnswer>, Error> = page.data.into_iter().map(answer).collect();
    Ok(seen_by(Page { data: data?, next_cursor: page.next_cursor }, caller))
}

#[derive(FromQueryResult)]
struct PlaceRow {
    location_id: Uuid,
    location: String,
    quantity: i64,
    value: i64,
}

pub async fn get(state: &Inventory, caller: &Caller, id: Uuid) -> Result<LotAnswer, Error> {
    caller.need(Permission::Read)?;
    Ok(seen_by(find(state.database().reader(), caller, id, state.now()).await?, caller))
}

/// The lot with where it lies and what was said of it, as far as the caller's sites go.
pub async fn find(reader: &impl ConnectionTrait, caller: &Caller, id: Uuid, now: Instant) -> Result<LotAnswer, Error> {
    let mut filter = Filter::tenant("lot.tenant_id", caller.tenant_id);
    let (select, _) = select(&mut filter, reader.get_database_backend(), caller);
    filter.and("lot.id = ?", id);
    let row = rows::one::<Row>(reader, &format!("{select} {}", filter.sql()), filter.into_values()).await?.ok_or(Error::NotFound("lot"))?;
    let mut filter = Filter::tenant("balance.tenant_id", caller.tenant_id);
    filter.and("balance.lot_id = ?", id);
    filter.and_plain("balance.quantity > 0");
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let sql = format!(
        "SELECT balance.location_id, location.path AS location, balance.quantity, balance.value FROM balance \
         JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id {} ORDER BY location.path",
        filter.sql()
    );
    let places = rows::all::<PlaceRow>(reader, &sql, filter.into_values()).await?;
    let place =
        |row: PlaceRow| LotPlace { location_id: row.location_id, location: row.location, quantity: Quantity(row.quantity), value: Some(Money(row.value)) };
    let parents = parents(reader, caller, &[id]).await?.remove(&id).unwrap_or_default();
    let events: Result<Vec<_>, _> = lot_events(reader, caller.tenant_id, id).await?.into_iter().map(LotEventAnswer::try_from).collect();
    Ok(LotAnswer { places: Some(places.into_iter().map(place).collect()), events: Some(events?), ..row.answer(parents, now)? })
}

/// Lists lots, the first to expire first.
#[utoipa::path(
    tag = "stock",
    operation_id = "list_lots",
    params(Request),
    responses(
        (status = 200, description = "Lots", body = Page<LotAnswer>),
        (status = 400, description = "`invalid_cursor`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/lots")]
pub async fn list_lots(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<LotAnswer>>, Error> {
    list(&state, &caller, query.0).await.map(web::Json)
}

/// Reads a lot, with where it lies and what was said of it.
#[utoipa::path(
    tag = "stock",
    operation_id = "get_lot",
    params(("id" = Uuid, Path, description = "The lot's id")),
    responses(
        (status = 200, description = "The lot", body = LotAnswer, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/lots/{id}")]
pub async fn get_lot(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<HttpResponse, Error> {
    let lot = get(&state, &caller, id.0).await?;
    Ok(versioned(lot.version, &lot))
}
