//! Reading documents, one by one or as a list, the newest first.

use actix_web::{get, web};
use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query, TenantId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::{ChargeAnswer, DocumentAnswer, LineAnswer, LineBase, header};
use crate::Inventory;
use crate::arithmetic::Money;
use crate::error::Error;
use crate::http::{HideCosts, seen_by};
use crate::ledger::{Basis, DocumentType, EntryAnswer, entries_of_document};
use crate::names::Word as _;
use crate::rows::{self, Filter};

/// Which documents are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRequest {
    /// The location's id.
    location_id: Option<Uuid>,
    /// From this business date on.
    from: Option<NaiveDate>,
    /// Up to and including this business date.
    to: Option<NaiveDate>,
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
        let (location_id, from, to) = (fields.optional("location_id"), fields.optional("from"), fields.optional("to"));
        let external_ref = fields.optional::<kernel::Text<1, 200>>("external_ref");
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { location_id: location_id?, from: from?, to: to?, external_ref: external_ref?.map(|text| text.0), limit: limit?, cursor: cursor? })
    }
}

/// A document with its lines and entries.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentWithEntries {
    /// The document.
    pub document: DocumentAnswer,
    /// What it wrote into the ledger, in order.
    pub entries: Vec<EntryAnswer>,
}

impl HideCosts for DocumentWithEntries {
    fn hide_costs(&mut self) {
        self.document.hide_costs();
        self.entries.hide_costs();
    }
}

#[derive(FromQueryResult)]
struct DocumentRow {
    #[sea_orm(nested)]
    document: document::Model,
    location: String,
}

const DOCUMENTS: &str = "SELECT document.*, location.path AS location FROM document \
     JOIN location ON location.tenant_id = document.tenant_id AND location.id = document.location_id";

pub async fn list(state: &Inventory, caller: &Caller, of: Option<DocumentType>, request: ListRequest) -> Result<Page<DocumentAnswer>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("document.tenant_id", caller.tenant_id);
    filter.and_given("document.last_seq < ?", request.cursor.as_ref().map(Cursor::key::<i64>).transpose()?);
    filter.and_given("document.type = ?", of.map(DocumentType::word));
    filter.and_given("document.location_id = ?", request.location_id);
    filter.and_given("document.business_date >= ?", request.from);
    filter.and_given("document.business_date <= ?", request.to);
    filter.and_given("document.external_ref = ?", request.external_ref);
    filter.and_sites(reader.get_database_backend(), "document.site_id", &caller.sites);
    let limit = filter.bind(request.limit.bound());
    let sql = format!("{DOCUMENTS} {} ORDER BY document.last_seq DESC LIMIT {limit}", filter.sql());
    let rows = rows::all::<DocumentRow>(reader, &sql, filter.into_values()).await?;
    let page = Page::cut(rows, request.limit, |row| row.document.last_seq);
    let data: Result<Vec<_>, Error> = page.data.into_iter().map(|row| header(row.document, row.location, Vec::new(), Vec::new())).collect();
    Ok(Page { data: data?, next_cursor: page.next_cursor })
}

pub async fn get(state: &Inventory, caller: &Caller, of: Option<DocumentType>, id: Uuid) -> Result<DocumentWithEntries, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("document.tenant_id", caller.tenant_id);
    filter.and("document.id = ?", id);
    filter.and_given("document.type = ?", of.map(DocumentType::word));
    filter.and_sites(reader.get_database_backend(), "document.site_id", &caller.sites);
    let sql = format!("{DOCUMENTS} {}", filter.sql());
    let row = rows::one::<DocumentRow>(reader, &sql, filter.into_values()).await?.ok_or(Error::NotFound("document"))?;
    let lines = match DocumentType::stored(&row.document.r#type)? {
        DocumentType::Waste => waste_lines(reader, caller.tenant_id, id).await?,
        DocumentType::Receipt | DocumentType::OpeningStock => receipt_lines(reader, caller.tenant_id, id).await?,
    };
    let charges = charges(reader, caller.tenant_id, id).await?;
    let entries = entries_of_document(reader, caller.tenant_id, id).await?;
    let found = DocumentWithEntries { document: header(row.document, row.location, lines, charges)?, entries };
    Ok(seen_by(found, caller))
}

const LINE_BASE: &str =
    "line.line_no, line.item_id, item.sku, unit.code AS base_unit, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.value";
const LINE_JOINS: &str = "JOIN item ON item.tenant_id = line.tenant_id AND item.id = line.item_id \
     JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id";

#[derive(FromQueryResult)]
struct ReceiptLineRow {
    #[sea_orm(nested)]
    base: LineBase,
    unit_price: Option<i64>,
    line_total: Option<i64>,
    free: Option<String>,
    discount: i64,
    charges: i64,
    batch_code: Option<String>,
    expires_on: Option<NaiveDate>,
    produced_on: Option<NaiveDate>,
}

async fn receipt_lines(reader: &impl ConnectionTrait, tenant: TenantId, document: Uuid) -> Result<Vec<LineAnswer>, Error> {
    let sql = format!(
        "SELECT {LINE_BASE}, line.unit_price, line.line_total, line.free, line.discount, line.charges, line.batch_code, line.expires_on, line.produced_on \
         FROM receipt_line AS line {LINE_JOINS} WHERE line.tenant_id = $1 AND line.document_id = $2 ORDER BY line.line_no"
    );
    let answer = |row: ReceiptLineRow| LineAnswer {
        unit_price: row.unit_price.map(Money),
        line_total: row.line_total.map(Money),
        free: row.free,
        discount: Some(Money(row.discount)).filter(|discount| discount.0 != 0),
        charges: Some(Money(row.charges)).filter(|charges| charges.0 != 0),
        batch_code: row.batch_code,
        expires_on: row.expires_on,
        produced_on: row.produced_on,
        ..row.base.answer()
    };
    Ok(rows::all::<ReceiptLineRow>(reader, &sql, [tenant.into(), document.into()]).await?.into_iter().map(answer).collect())
}

#[derive(FromQueryResult)]
struct WasteLineRow {
    #[sea_orm(nested)]
    base: LineBase,
    reason: String,
    stage: String,
    destination: Option<String>,
}

async fn waste_lines(reader: &impl ConnectionTrait, tenant: TenantId, document: Uuid) -> Result<Vec<LineAnswer>, Error> {
    let sql = format!(
        "SELECT {LINE_BASE}, reason.code AS reason, line.stage, line.destination FROM waste_line AS line {LINE_JOINS} \
         JOIN reason ON reason.tenant_id = line.tenant_id AND reason.id = line.reason_id \
         WHERE line.tenant_id = $1 AND line.document_id = $2 ORDER BY line.line_no"
    );
    let answer = |row: WasteLineRow| LineAnswer { reason: Some(row.reason), stage: Some(row.stage), destination: row.destination, ..row.base.answer() };
    Ok(rows::all::<WasteLineRow>(reader, &sql, [tenant.into(), document.into()]).await?.into_iter().map(answer).collect())
}

#[derive(FromQueryResult)]
struct ChargeRow {
    label: String,
    amount: i64,
    basis: String,
}

async fn charges(reader: &impl ConnectionTrait, tenant: TenantId, document: Uuid) -> Result<Vec<ChargeAnswer>, Error> {
    let sql = "SELECT label, amount, basis FROM receipt_charge WHERE tenant_id = $1 AND document_id = $2 ORDER BY line_no";
    let rows = rows::all::<ChargeRow>(reader, sql, [tenant.into(), document.into()]).await?;
    rows.into_iter().map(|row| Ok(ChargeAnswer { label: row.label, amount: Some(Money(row.amount)), basis: Basis::stored(&row.basis)? })).collect()
}

/// The two operations of one kind of document. The texts are `tt`: utoipa reads no other literal that comes through a macro.
macro_rules! readers {
    ($list:ident, $list_path:tt, $list_id:tt, $get:ident, $get_path:tt, $get_id:tt, $of:expr, $tag:tt, $list_summary:tt, $get_summary:tt) => {
        #[utoipa::path(
                                    tag = $tag,
                                    operation_id = $list_id,
            summary = $list_summary,
                                    params(ListRequest),
                                    responses(
                                        (status = 200, description = "Documents without their lines", body = Page<DocumentAnswer>),
                                        (status = 400, description = "`invalid_cursor`", body = kernel::problem::ProblemDocument),
                                        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
                                    )
                                )]
        #[get($list_path)]
        pub async fn $list(state: web::Data<Inventory>, caller: Caller, query: Query<ListRequest>) -> Result<web::Json<Page<DocumentAnswer>>, Error> {
            list(&state, &caller, $of, query.0).await.map(web::Json)
        }

        #[utoipa::path(
                                    tag = $tag,
                                    operation_id = $get_id,
            summary = $get_summary,
                                    params(("id" = Uuid, Path, description = "The document's id")),
                                    responses(
                                        (status = 200, description = "The document", body = DocumentWithEntries),
                                        (status = 403, description = "`forbidden`", body = kernel::problem::ProblemDocument),
                                        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
                                    )
                                )]
        #[get($get_path)]
        pub async fn $get(state: web::Data<Inventory>, caller: Caller, id: crate::http::Id) -> Result<web::Json<DocumentWithEntries>, Error> {
            get(&state, &caller, $of, id.0).await.map(web::Json)
        }
    };
}

readers!(
    list_documents,
    "/documents",
    "list_documents",
    get_document,
    "/documents/{id}",
    "get_document",
    None,
    "documents",
    "Lists documents of every kind, the newest first, without their lines.",
    "Reads a document of any kind with its lines and entries."
);
readers!(
    list_receipts,
    "/receipts",
    "list_receipts",
    get_receipt,
    "/receipts/{id}",
    "get_receipt",
    Some(DocumentType::Receipt),
    "receiving",
    "Lists receipts, the newest first, without their lines.",
    "Reads a receipt with its lines and entries."
);
readers!(
    list_waste,
    "/waste",
    "list_waste",
    get_waste,
    "/waste/{id}",
    "get_waste",
    Some(DocumentType::Waste),
    "waste",
    "Lists waste documents, the newest first, without their lines.",
    "Reads a waste document with its lines and entries."
);
