//! Reading documents, one by one or as a list, the newest first.

use std::collections::HashMap;

use actix_web::{get, web};
use chrono::NaiveDate;
use inventory_entity::{document, document_detail, reason};
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query, TenantId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::{DetailAnswer, DocumentAnswer, header};
use super::line_answer::{Names, line_answers};
use super::lines::{Lines, line_tables, stored};
use crate::Inventory;
use crate::error::Error;
use crate::http::{HideCosts, seen_by};
use crate::ledger::{DocumentType, EntryAnswer, entries_of_document};
use crate::names::Word as _;
use crate::rows::{self, Filter, Kind, Relation, given_row};

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
    /// What it wrote into the ledger, in order; whoever sees only some sites is shown what it wrote at those.
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
    // Of one kind numbers say which came later, and an index has them in that order.
    let kind = of.map(DocumentType::word);
    let order = match (kind, &request.cursor) {
        (Some(kind), cursor) => {
            if let Some((of, number)) = cursor.as_ref().map(Cursor::key::<(String, i64)>).transpose()? {
                if of != kind {
                    return Err(Cursor::foreign().into());
                }
                filter.and("document.number < ?", number);
            }
            "document.number DESC"
        }
        (None, cursor) => {
            if let Some((last_seq, position)) = cursor.as_ref().map(Cursor::key::<(i64, i64)>).transpose()? {
                let (seq, place) = (filter.bind(last_seq), filter.bind(position));
                filter.and_plain(&format!("document.last_seq <= {seq} AND (document.last_seq < {seq} OR COALESCE(document.position, 0) < {place})"));
            }
            "document.last_seq DESC, COALESCE(document.position, 0) DESC"
        }
    };
    filter.and_given("document.type = ?", kind);
    filter.and_given("document.location_id = ?", request.location_id);
    filter.and_given("document.business_date >= ?", request.from);
    filter.and_given("document.business_date <= ?", request.to);
    filter.and_given("document.external_ref = ?", request.external_ref);
    filter.and_sites(reader.get_database_backend(), "document.site_id", &caller.sites);
    let limit = request.limit.probe();
    let sql = format!("{DOCUMENTS} {} ORDER BY {order} LIMIT {limit}", filter.sql());
    let rows = rows::all::<DocumentRow>(reader, &sql, filter.into_values()).await?;
    let key = |row: &DocumentRow| match kind {
        Some(kind) => json!([kind, row.document.number]),
        None => json!([row.document.last_seq, row.document.position.unwrap_or(0)]),
    };
    let page = Page::cut(rows, request.limit, key);
    let data: Result<Vec<_>, Error> =
        page.data.into_iter().map(|row| header(row.document, row.location, DetailAnswer::default(), Vec::new(), Vec::new())).collect();
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
    let lines = lines_of(reader, caller.tenant_id, id, DocumentType::stored(&row.document.r#type)?).await?;
    let names = Named::of(reader, caller.tenant_id, &lines).await?;
    let (lines, charges) = line_answers(&lines, &Names { item: &|id| names.item(id), reason: &|id| names.reason(id) })?;
    let entries = entries_of_document(reader, caller, id).await?;
    let detail = details(reader, caller.tenant_id, id).await?;
    let found = DocumentWithEntries { document: header(row.document, row.location, detail, lines, charges)?, entries };
    Ok(seen_by(found, caller))
}

async fn lines_of(reader: &impl ConnectionTrait, tenant: TenantId, document: Uuid, of: DocumentType) -> Result<Vec<Lines>, Error> {
    let mut all = Vec::new();
    for table in line_tables(of) {
        let rows = stored(reader, tenant, &[document], table).await?.remove(&document);
        all.extend(rows.map(|rows| Lines::new(table, rows)));
    }
    Ok(all)
}

/// What the items and reasons of lines are called.
struct Named {
    items: HashMap<Uuid, (String, String)>,
    reasons: HashMap<Uuid, String>,
}

impl Named {
    async fn of(reader: &impl ConnectionTrait, tenant: TenantId, lines: &[Lines]) -> Result<Self, Error> {
        #[derive(FromQueryResult)]
        struct ItemRow {
            id: Uuid,
            sku: String,
            base_unit: String,
        }
        #[derive(FromQueryResult)]
        struct ReasonRow {
            id: Uuid,
            code: String,
        }
        const ID: Relation = Relation(&[("id", Kind::Uuid)]);
        let backend = reader.get_database_backend();
        let ids = |column: &str| rows::parameter(lines.iter().flat_map(|lines| lines.ids(column)).map(|id| given_row!(backend, id)).collect());
        let sql = format!(
            "SELECT item.id, item.sku, unit.code AS base_unit FROM item JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
             WHERE item.tenant_id = $1 AND item.id IN ({})",
            ID.select(backend, 2)
        );
        let items = rows::all::<ItemRow>(reader, &sql, [tenant.into(), ids("item_id")]).await?;
        let sql = format!("SELECT id, code FROM reason WHERE tenant_id = $1 AND id IN ({})", ID.select(backend, 2));
        let reasons = rows::all::<ReasonRow>(reader, &sql, [tenant.into(), ids("reason_id")]).await?;
        Ok(Self {
            items: items.into_iter().map(|row| (row.id, (row.sku, row.base_unit))).collect(),
            reasons: reasons.into_iter().map(|row| (row.id, row.code)).collect(),
        })
    }

    fn item(&self, id: Uuid) -> (String, String) {
        self.items.get(&id).cloned().unwrap_or_default()
    }

    fn reason(&self, id: Uuid) -> Option<String> {
        self.reasons.get(&id).cloned()
    }
}

async fn details(reader: &impl ConnectionTrait, tenant: TenantId, document: Uuid) -> Result<DetailAnswer, Error> {
    use document_detail::Column::{DocumentId, ReversesId, TenantId};
    let of = |column: document_detail::Column| document_detail::Entity::find().filter(TenantId.eq(tenant)).filter(column.eq(document)).one(reader);
    let (own, undone_by) = (of(DocumentId).await?, of(ReversesId).await?);
    let reason = match own.as_ref().and_then(|own| own.reason_id) {
        Some(id) => reason::Entity::find().filter(reason::Column::TenantId.eq(tenant)).filter(reason::Column::Id.eq(id)).one(reader).await?,
        None => None,
    };
    let mut detail = own.map_or_else(DetailAnswer::default, DetailAnswer::from);
    detail.reason = reason.map(|reason| reason.code);
    detail.reversed_by_id = undone_by.map(|undone_by| undone_by.document_id);
    Ok(detail)
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
readers!(
    list_transformations,
    "/transformations",
    "list_transformations",
    get_transformation,
    "/transformations/{id}",
    "get_transformation",
    Some(DocumentType::Transformation),
    "transformations",
    "Lists transformations, the newest first, without their lines.",
    "Reads a transformation with its lines and entries."
);
readers!(
    list_usage,
    "/usage",
    "list_usage",
    get_usage,
    "/usage/{id}",
    "get_usage",
    Some(DocumentType::Usage),
    "usage",
    "Lists what was used, the newest first, without their lines.",
    "Reads a usage document with its lines and entries."
);
readers!(
    list_adjustments,
    "/adjustments",
    "list_adjustments",
    get_adjustment,
    "/adjustments/{id}",
    "get_adjustment",
    Some(DocumentType::Adjustment),
    "adjustments",
    "Lists adjustments, the newest first, without their lines.",
    "Reads an adjustment with its lines and entries."
);
readers!(
    list_vendor_returns,
    "/vendor-returns",
    "list_vendor_returns",
    get_vendor_return,
    "/vendor-returns/{id}",
    "get_vendor_return",
    Some(DocumentType::VendorReturn),
    "receiving",
    "Lists returns to suppliers, the newest first, without their lines.",
    "Reads a return to a supplier with its lines and entries."
);
