//! Reading transfers, one by one or as a list, the newest first.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query, Sites, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::TransferStatus;
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::http::versioned;
use crate::ledger::DocumentType;
use crate::names::LocationPath;
use crate::names::Word as _;
use crate::rows::{self, Filter};

/// A transfer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferAnswer {
    /// Its id.
    pub id: Uuid,
    /// Its number, without gaps: `TO-000017`.
    pub number: String,
    /// How far it is.
    pub status: TransferStatus,
    /// Where the goods come from, by id.
    pub from_location_id: Uuid,
    /// Where the goods come from, by path.
    pub from_location: String,
    /// Where the goods go to, by id.
    pub to_location_id: Uuid,
    /// Where the goods go to, by path.
    pub to_location: String,
    /// When they were sent; null for a draft.
    pub dispatched_at: Option<Instant>,
    /// What the client calls it.
    pub external_ref: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// The user who made it.
    pub created_by: Uuid,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    /// What was asked for; left out in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<TransferLine>,
    /// What became of each lot that was sent; left out in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<TransferLot>,
    /// The documents of its steps, in the order in which they were posted; left out in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<TransferDocument>,
}

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransferLine {
    /// Counted from one.
    pub line_no: i64,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The lot that is named; null where it is picked when the goods are sent.
    pub lot_id: Option<Uuid>,
    /// As entered, in `unit`.
    pub quantity: Quantity,
    /// The unit of `quantity`.
    pub unit: String,
    /// The same in the item's base unit.
    pub base_quantity: Quantity,
    /// The item's base unit.
    pub base_unit: String,
}

/// What became of a lot, in the item's base unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransferLot {
    /// The lot's id.
    pub lot_id: Uuid,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// What stands on the package.
    pub batch_code: Option<String>,
    /// Its date.
    pub expires_on: Option<NaiveDate>,
    /// The item's base unit, in which all quantities are.
    pub unit: String,
    /// What was sent.
    pub dispatched: Quantity,
    /// What has arrived of it.
    pub received: Quantity,
    /// What was lost of it.
    pub lost: Quantity,
    /// What came back of it.
    pub cancelled: Quantity,
    /// What is under way: `dispatched` less the other three.
    pub under_way: Quantity,
}

/// A document of a transfer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransferDocument {
    /// Its id.
    pub id: Uuid,
    /// Which step it is.
    pub r#type: DocumentType,
    /// Its number.
    pub number: String,
    /// `posted`, or `reversed` by another document.
    pub status: String,
    /// When it happened.
    pub effective_at: Instant,
    /// The business date of the site whose document it is.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: Instant,
}

/// Which transfers are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRequest {
    /// Only transfers that are this far.
    #[param(value_type = Option<TransferStatus>, inline)]
    status: Option<TransferStatus>,
    /// Only from this location and what lies in it, by id.
    from_location_id: Option<Uuid>,
    /// Only from this location and what lies in it, by path; `from_location_id` and `from_location` exclude one another.
    #[param(value_type = Option<String>)]
    from_location: Option<LocationPath>,
    /// Only to this location and what lies in it, by id.
    to_location_id: Option<Uuid>,
    /// Only to this location and what lies in it, by path; `to_location_id` and `to_location` exclude one another.
    #[param(value_type = Option<String>)]
    to_location: Option<LocationPath>,
    /// Those with this reference, to the letter.
    external_ref: Option<String>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for ListRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let status = fields.optional("status");
        let (from, to) = (end(fields, "from_location_id", "from_location"), end(fields, "to_location_id", "to_location"));
        let external_ref = fields.optional::<kernel::Text<1, 200>>("external_ref");
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        let ((from_location_id, from_location), (to_location_id, to_location)) = (from?, to?);
        let external_ref = external_ref?.map(|text| text.0);
        Some(Self { status: status?, from_location_id, from_location, to_location_id, to_location, external_ref, limit: limit?, cursor: cursor? })
    }
}

fn end(fields: &mut Fields<'_>, by_id: &'static str, by_path: &'static str) -> Option<(Option<Uuid>, Option<LocationPath>)> {
    let named = fields.one_at_most(&[by_id, by_path], |fields, name| {
        if name == by_id { fields.required(by_id).map(|id| (Some(id), None)) } else { fields.required(by_path).map(|path| (None, Some(path))) }
    });
    named.map(Option::unwrap_or_default)
}

#[derive(FromQueryResult)]
struct TransferRow {
    id: Uuid,
    number: i64,
    status: String,
    from_location_id: Uuid,
    from_location: String,
    to_location_id: Uuid,
    to_location: String,
    dispatched_at: Option<DateTime<FixedOffset>>,
    external_ref: Option<String>,
    note: Option<String>,
    created_by: Uuid,
    version: i64,
    created_at: DateTime<FixedOffset>,
    updated_at: DateTime<FixedOffset>,
}

impl TransferRow {
    /// Without what lists leave out.
    fn answer(self) -> Result<TransferAnswer, Error> {
        Ok(TransferAnswer {
            id: self.id,
            number: format!("TO-{:06}", self.number),
            status: TransferStatus::of_kept(&self.status)?,
            from_location_id: self.from_location_id,
            from_location: self.from_location,
            to_location_id: self.to_location_id,
            to_location: self.to_location,
            dispatched_at: self.dispatched_at.map(Instant::from),
            external_ref: self.external_ref,
            note: self.note,
            created_by: self.created_by,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            lines: Vec::new(),
            lots: Vec::new(),
            documents: Vec::new(),
        })
    }
}

const TRANSFERS: &str = "SELECT transfer.id, transfer.number, transfer.status, transfer.from_location_id, origin.path AS from_location, \
     transfer.to_location_id, goal.path AS to_location, transfer.dispatched_at, transfer.external_ref, transfer.note, transfer.created_by, \
     transfer.version, transfer.created_at, transfer.updated_at FROM transfer \
     JOIN location AS origin ON origin.tenant_id = transfer.tenant_id AND origin.id = transfer.from_location_id \
     JOIN location AS goal ON goal.tenant_id = transfer.tenant_id AND goal.id = transfer.to_location_id";

/// The transfers that begin or end at one of the caller's sites.
async fn list(state: &Inventory, caller: &Caller, request: ListRequest) -> Result<Page<TransferAnswer>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("transfer.tenant_id", caller.tenant_id);
    if let Some(number) = request.cursor.as_ref().map(Cursor::key::<i64>).transpose()? {
        filter.and("transfer.number < ?", number);
    }
    filter.and_given("transfer.status = ?", request.status.map(TransferStatus::kept));
    below(&mut filter, "origin", request.from_location_id, request.from_location);
    below(&mut filter, "goal", request.to_location_id, request.to_location);
    filter.and_given("transfer.external_ref = ?", request.external_ref);
    filter.and_any_site(reader.get_database_backend(), &["origin.site_id", "goal.site_id"], &caller.sites);
    let limit = request.limit.probe();
    let sql = format!("{TRANSFERS} {} ORDER BY transfer.number DESC LIMIT {limit}", filter.sql());
    let rows = rows::all::<TransferRow>(reader, &sql, filter.into_values()).await?;
    let page = Page::cut(rows, request.limit, |row| row.number);
    let data: Result<Vec<_>, Error> = page.data.into_iter().map(TransferRow::answer).collect();
    Ok(Page { data: data?, next_cursor: page.next_cursor })
}

/// Keeps the transfers of which one end is the named location or lies below it.
fn below(filter: &mut Filter, end: &str, id: Option<Uuid>, path: Option<LocationPath>) {
    filter.and_given(
        &format!(
            "EXISTS (SELECT 1 FROM location AS top WHERE top.tenant_id = {end}.tenant_id AND top.id = ? \
             AND ({end}.id = top.id OR substr({end}.path, 1, length(top.path) + 1) = top.path || '/'))"
        ),
        id,
    );
    let path = path.map(String::from);
    filter.and_given(&format!("({end}.path = ? OR substr({end}.path, 1, length(?) + 1) = ? || '/')"), path);
}

async fn get(state: &Inventory, caller: &Caller, id: Uuid) -> Result<TransferAnswer, Error> {
    caller.need(Permission::Read)?;
    find(state.database().reader(), caller.tenant_id, id, &caller.sites).await?.ok_or(Error::NotFound("transfer"))
}

/// A transfer with all that there is of it, where it begins or ends at one of these sites.
pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: Uuid, sites: &Sites) -> Result<Option<TransferAnswer>, Error> {
    let mut filter = Filter::tenant("transfer.tenant_id", tenant);
    filter.and("transfer.id = ?", id);
    filter.and_any_site(connection.get_database_backend(), &["origin.site_id", "goal.site_id"], sites);
    let sql = format!("{TRANSFERS} {}", filter.sql());
    let Some(row) = rows::one::<TransferRow>(connection, &sql, filter.into_values()).await? else { return Ok(None) };
    let lines = lines(connection, tenant, id).await?;
    let lots = lots(connection, tenant, id).await?;
    let documents = documents(connection, tenant, id).await?;
    Ok(Some(TransferAnswer { lines, lots, documents, ..row.answer()? }))
}

async fn lines(connection: &impl ConnectionTrait, tenant: TenantId, transfer: Uuid) -> Result<Vec<TransferLine>, Error> {
    #[derive(FromQueryResult)]
    struct LineRow {
        line_no: i64,
        item_id: Uuid,
        sku: String,
        lot_id: Option<Uuid>,
        entered_quantity: i64,
        entered_unit: String,
        quantity: i64,
        base_unit: String,
    }
    let sql = "SELECT line.line_no, line.item_id, item.sku, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, unit.code AS base_unit \
               FROM transfer_line AS line JOIN item ON item.tenant_id = line.tenant_id AND item.id = line.item_id \
               JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
               WHERE line.tenant_id = $1 AND line.transfer_id = $2 ORDER BY line.line_no";
    let line = |row: LineRow| TransferLine {
        line_no: row.line_no,
        item_id: row.item_id,
        sku: row.sku,
        lot_id: row.lot_id,
        quantity: Quantity(row.entered_quantity),
        unit: row.entered_unit,
        base_quantity: Quantity(row.quantity),
        base_unit: row.base_unit,
    };
    Ok(rows::all::<LineRow>(connection, sql, [tenant.into(), transfer.into()]).await?.into_iter().map(line).collect())
}

async fn lots(connection: &impl ConnectionTrait, tenant: TenantId, transfer: Uuid) -> Result<Vec<TransferLot>, Error> {
    #[derive(FromQueryResult)]
    struct LotRow {
        lot_id: Uuid,
        item_id: Uuid,
        sku: String,
        batch_code: Option<String>,
        expires_on: Option<NaiveDate>,
        unit: String,
        dispatched: i64,
        received: i64,
        lost: i64,
        cancelled: i64,
    }
    let sql = "SELECT moved.lot_id, moved.item_id, item.sku, lot.batch_code, lot.expires_on, unit.code AS unit, moved.dispatched, moved.received, moved.lost, \
               moved.cancelled FROM transfer_lot AS moved JOIN item ON item.tenant_id = moved.tenant_id AND item.id = moved.item_id \
               JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
               JOIN lot ON lot.tenant_id = moved.tenant_id AND lot.id = moved.lot_id \
               WHERE moved.tenant_id = $1 AND moved.transfer_id = $2 ORDER BY lot.origin_seq, lot.origin_line";
    let lot = |row: LotRow| TransferLot {
        lot_id: row.lot_id,
        item_id: row.item_id,
        sku: row.sku,
        batch_code: row.batch_code,
        expires_on: row.expires_on,
        unit: row.unit,
        dispatched: Quantity(row.dispatched),
        received: Quantity(row.received),
        lost: Quantity(row.lost),
        cancelled: Quantity(row.cancelled),
        under_way: Quantity(row.dispatched - row.received - row.lost - row.cancelled),
    };
    Ok(rows::all::<LotRow>(connection, sql, [tenant.into(), transfer.into()]).await?.into_iter().map(lot).collect())
}

async fn documents(connection: &impl ConnectionTrait, tenant: TenantId, transfer: Uuid) -> Result<Vec<TransferDocument>, Error> {
    #[derive(FromQueryResult)]
    struct DocumentRow {
        id: Uuid,
        r#type: String,
        number: i64,
        status: String,
        effective_at: DateTime<FixedOffset>,
        business_date: NaiveDate,
        recorded_at: DateTime<FixedOffset>,
    }
    let sql = "SELECT document.id, document.type, document.number, document.status, document.effective_at, document.business_date, document.recorded_at \
               FROM document_detail AS detail JOIN document ON document.tenant_id = detail.tenant_id AND document.id = detail.document_id \
               WHERE detail.tenant_id = $1 AND detail.transfer_id = $2 ORDER BY document.position";
    let document = |row: DocumentRow| {
        let r#type = DocumentType::stored(&row.r#type)?;
        let (number, business_date) = (r#type.show(row.number), row.business_date);
        let (effective_at, recorded_at) = (row.effective_at.into(), row.recorded_at.into());
        Ok(TransferDocument { id: row.id, r#type, number, status: row.status, effective_at, business_date, recorded_at })
    };
    rows::all::<DocumentRow>(connection, sql, [tenant.into(), transfer.into()]).await?.into_iter().map(document).collect()
}

/// Lists transfers, the newest first, without their lines, lots and documents.
#[utoipa::path(
    tag = "transfers",
    operation_id = "list_transfers",
    params(ListRequest),
    responses(
        (status = 200, description = "Transfers that begin or end at a site of the caller", body = Page<TransferAnswer>),
        (status = 400, description = "`invalid_cursor`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/transfers")]
pub async fn list_transfers(state: web::Data<Inventory>, caller: Caller, query: Query<ListRequest>) -> Result<web::Json<Page<TransferAnswer>>, Error> {
    list(&state, &caller, query.0).await.map(web::Json)
}

/// Reads a transfer with its lines, what is under way of each lot, and its documents.
#[utoipa::path(
    tag = "transfers",
    operation_id = "get_transfer",
    params(("id" = Uuid, Path, description = "The transfer's id")),
    responses(
        (status = 200, description = "The transfer", body = TransferAnswer, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/transfers/{id}")]
pub async fn get_transfer(state: web::Data<Inventory>, caller: Caller, id: crate::http::Id) -> Result<HttpResponse, Error> {
    let transfer = get(&state, &caller, id.0).await?;
    Ok(versioned(transfer.version, &transfer))
}
