//! The ledger as a list and as a change feed: entries in the order of their sequence numbers, without gaps or late arrivals.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query, Whole};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::effects::EntryKind;
use crate::Inventory;
use crate::arithmetic::{Money, Quantity};
use crate::error::Error;
use crate::http::{HideCosts, hide, seen_by};
use crate::names::Word as _;
use crate::names::{DocumentId, Sku};
use crate::rows::{self, Filter};

/// One entry of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryAnswer {
    /// Its place in the tenant's ledger, from 1 on without gaps.
    pub seq: i64,
    /// The document that made it.
    pub document_id: Uuid,
    /// The line of the document, counted from one.
    pub line_no: i64,
    /// What kind of movement it is.
    pub kind: EntryKind,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number as it is now.
    pub sku: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The lot's id.
    pub lot_id: Uuid,
    /// What came in (positive) or left (negative), in `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
    /// What that was worth, with the sign of the movement. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// When it happened.
    pub effective_at: Instant,
    /// The business date of the site on which it happened.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The user who recorded it.
    pub actor_id: Uuid,
    /// The code of its reason.
    pub reason: Option<String>,
}

impl HideCosts for EntryAnswer {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
    }
}

/// Which entries are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Entries behind this sequence number: what a program that follows the ledger asks for.
    after_seq: Option<i64>,
    /// The item's id.
    item_id: Option<Uuid>,
    /// The item's article number.
    sku: Option<Sku>,
    /// The location's id.
    location_id: Option<Uuid>,
    /// The lot's id.
    lot_id: Option<Uuid>,
    /// The document's id.
    document_id: Option<Uuid>,
    /// One kind of movement.
    #[param(inline)]
    kind: Option<EntryKind>,
    /// From this business date on.
    from: Option<NaiveDate>,
    /// Up to and including this business date.
    to: Option<NaiveDate>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let after_seq = fields.optional::<Whole<0, { i64::MAX }>>("after_seq");
        let (item_id, sku) = (fields.optional("item_id"), fields.optional("sku"));
        let (location_id, lot_id, document_id) = (fields.optional("location_id"), fields.optional("lot_id"), fields.optional("document_id"));
        let (kind, from, to) = (fields.optional("kind"), fields.optional("from"), fields.optional("to"));
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self {
            after_seq: after_seq?.map(|seq| seq.0),
            item_id: item_id?,
            sku: sku?,
            location_id: location_id?,
            lot_id: lot_id?,
            document_id: document_id?,
            kind: kind?,
            from: from?,
            to: to?,
            limit: limit?,
            cursor: cursor?,
        })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<EntryAnswer>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("entry.tenant_id", caller.tenant_id);
    let behind = request.cursor.as_ref().map(Cursor::key::<i64>).transpose()?;
    filter.and("entry.seq > ?", behind.or(request.after_seq).unwrap_or(0));
    filter.and_given("entry.item_id = ?", request.item_id);
    filter.and_item("entry.item_id", request.sku.as_ref());
    filter.and_given("entry.location_id = ?", request.location_id);
    filter.and_given("entry.lot_id = ?", request.lot_id);
    filter.and_given("entry.document_id = ?", request.document_id);
    filter.and_given("entry.kind = ?", request.kind.map(EntryKind::word));
    filter.and_given("entry.business_date >= ?", request.from);
    filter.and_given("entry.business_date <= ?", request.to);
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let rows = select(reader, filter, &format!("entry.seq LIMIT {}", request.limit.probe())).await?;
    Ok(seen_by(Page::cut(rows, request.limit, |entry| entry.seq), caller))
}

/// The entries of a document at the caller's sites, in order.
pub async fn entries_of_document(reader: &impl ConnectionTrait, caller: &Caller, document: DocumentId) -> Result<Vec<EntryAnswer>, Error> {
    let mut filter = Filter::tenant("entry.tenant_id", caller.tenant_id);
    filter.and("entry.document_id = ?", document);
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    select(reader, filter, FEW_BY_SEQ).await
}

/// The order of few entries, which are sorted. SQLite does not know how few they are, and without the + it reads all that the tenant has
/// because its key has them in order.
pub const FEW_BY_SEQ: &str = "+entry.seq";

/// The columns of an answer, in the order in which [`EntryAnswer`] reads them.
const COLUMNS: &str = "entry.seq, entry.document_id, entry.line_no, entry.kind, entry.item_id, item.sku, entry.location_id, entry.lot_id, entry.quantity_delta, \
    unit.code AS unit, entry.value_delta, entry.effective_at, entry.business_date, entry.recorded_at, entry.actor_id, reason.code AS reason";

/// By their places: to look up sixteen names in each row is a fourteenth of what a page takes.
impl FromQueryResult for EntryAnswer {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        let instant = |place| row.try_get_by_index::<DateTime<FixedOffset>>(place).map(Instant::from);
        Ok(Self {
            seq: row.try_get_by_index(0)?,
            document_id: row.try_get_by_index(1)?,
            line_no: row.try_get_by_index(2)?,
            kind: EntryKind::stored(&row.try_get_by_index::<String>(3)?)?,
            item_id: row.try_get_by_index(4)?,
            sku: row.try_get_by_index(5)?,
            location_id: row.try_get_by_index(6)?,
            lot_id: row.try_get_by_index(7)?,
            quantity: Quantity(row.try_get_by_index(8)?),
            unit: row.try_get_by_index(9)?,
            value: Some(Money(row.try_get_by_index(10)?)),
            effective_at: instant(11)?,
            business_date: row.try_get_by_index(12)?,
            recorded_at: instant(13)?,
            actor_id: row.try_get_by_index(14)?,
            reason: row.try_get_by_index(15)?,
        })
    }
}

async fn select(reader: &impl ConnectionTrait, filter: Filter, order: &str) -> Result<Vec<EntryAnswer>, Error> {
    // Every entry has an item, a unit and a location. LEFT all the same: Postgres would take each JOIN over a key for one that few entries pass,
    // and go through all of them and sort what is left instead of reading a page in the order of its index.
    let sql = format!(
        "SELECT {COLUMNS} FROM ledger_entry AS entry \
         LEFT JOIN item ON item.tenant_id = entry.tenant_id AND item.id = entry.item_id \
         LEFT JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         LEFT JOIN location ON location.tenant_id = entry.tenant_id AND location.id = entry.location_id \
         LEFT JOIN reason ON reason.tenant_id = entry.tenant_id AND reason.id = entry.reason_id \
         {} ORDER BY {order}",
        filter.sql()
    );
    Ok(rows::all(reader, &sql, filter.into_values()).await?)
}

/// Lists ledger entries in the order of their sequence numbers: also the change feed.
#[utoipa::path(
    tag = "ledger",
    operation_id = "list_ledger",
    params(Request),
    responses(
        (status = 200, description = "Entries, the oldest first", body = Page<EntryAnswer>),
        (status = 400, description = "`invalid_cursor`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/ledger")]
pub async fn list_ledger(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<EntryAnswer>>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
