//! `GET /shortages`.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Shortage, ShortageStatus, repository};
use crate::Inventory;
use crate::error::Error;
use crate::names::{LocationPath, LocationRef, Sku, Word as _};
use crate::rows::Filter;

/// Which shortages are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Those that are open, or those that are cleared; all where nothing is said.
    #[param(inline)]
    pub status: Option<ShortageStatus>,
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

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (status, item_id, sku) = (fields.optional("status"), fields.optional("item_id"), fields.optional("sku"));
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { status: status?, item_id: item_id?, sku: sku?, location: location?, limit: limit?, cursor: cursor? })
    }
}

/// What the cursors of this list begin with, so that no other list's is taken for one.
const LIST: &str = "shortages";

/// The shortages at the caller's sites, the newest first.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Shortage>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("shortage.tenant_id", caller.tenant_id);
    let limit = request.limit.probe();
    if let Some((list, made, id)) = request.cursor.as_ref().map(Cursor::key::<(String, i64, Uuid)>).transpose()? {
        if list != LIST {
            return Err(Cursor::foreign().into());
        }
        let made = filter.bind(DateTime::<FixedOffset>::from(Instant::from_micros(made)));
        let id = filter.bind(id);
        filter.and_plain(&format!("(shortage.created_at < {made} OR (shortage.created_at = {made} AND shortage.id < {id}))"));
    }
    filter.and_given("shortage.status = ?", request.status.map(ShortageStatus::word));
    filter.and_given("shortage.item_id = ?", request.item_id);
    filter.and_item("shortage.item_id", request.sku.as_ref());
    filter.and_location(request.location.as_ref());
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let found = repository::select(reader, filter, &format!("ORDER BY shortage.created_at DESC, shortage.id DESC LIMIT {limit}")).await?;
    Ok(Page::cut(found, request.limit, |row| (LIST, row.created_at.micros(), row.id)))
}

/// Lists what was used and was not there, the newest first.
#[utoipa::path(
    tag = "usage",
    operation_id = "list_shortages",
    params(Request, ("location_id" = Option<Uuid>, Query, description = "Instead of `location`")),
    responses(
        (status = 200, description = "Shortages", body = Page<Shortage>),
        (status = 400, description = "`invalid_cursor`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
    )
)]
#[get("/shortages")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<Shortage>>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
