//! Reading counts, one by one or as a list, the newest first.

use actix_web::{HttpResponse, get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::repository::{self, COUNTS, CountRow};
use super::{CountAnswer, CountStatus};
use crate::Inventory;
use crate::error::Error;
use crate::http::{Id, versioned};
use crate::names::Word as _;
use crate::names::{LocationPath, LocationRef};
use crate::rows::{self, Filter};

/// Which counts are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Those that are this far.
    #[param(value_type = Option<CountStatus>, inline)]
    pub status: Option<CountStatus>,
    /// Those of this location and of what lies in it, by its id; `location_id` and `location` exclude one another.
    pub location_id: Option<Uuid>,
    /// The same by its path.
    #[param(value_type = Option<String>)]
    pub location: Option<LocationPath>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let status = fields.optional("status");
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location_id" => fields.required("location_id").map(|id| (Some(id), None)),
            _ => fields.required("location").map(|path| (None, Some(path))),
        });
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        let (location_id, location) = location?.unwrap_or_default();
        Some(Self { status: status?, location_id, location, limit: limit?, cursor: cursor? })
    }
}

pub async fn list(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<CountAnswer>, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let mut filter = Filter::tenant("stock_count.tenant_id", caller.tenant_id);
    // Ids grow with time, and a count is never moved in the list.
    filter.and_given("stock_count.id < ?", request.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?);
    filter.and_given("stock_count.status = ?", request.status.map(CountStatus::word));
    let by_id = request.location_id.map(|location_id| LocationRef::Id { location_id });
    filter.and_location(by_id.or(request.location.map(|location| LocationRef::Path { location })).as_ref());
    filter.and_sites(reader.get_database_backend(), "stock_count.site_id", &caller.sites);
    let limit = request.limit.probe();
    let sql = format!("{COUNTS} {} ORDER BY stock_count.id DESC LIMIT {limit}", filter.sql());
    let rows = rows::all::<CountRow>(reader, &sql, filter.into_values()).await?;
    let page = Page::cut(rows, request.limit, |row| row.id);
    let data: Result<Vec<CountAnswer>, _> = page.data.into_iter().map(CountRow::into_answer).collect();
    Ok(Page { data: data?, next_cursor: page.next_cursor })
}

pub async fn get(state: &Inventory, caller: &Caller, id: Uuid) -> Result<CountAnswer, Error> {
    caller.need(Permission::Read)?;
    let count = repository::find(state.database().reader(), caller.tenant_id, id).await?;
    count.filter(|count| caller.sites.contain(count.site_id)).ok_or(Error::NotFound("count"))
}

/// Lists counts, the newest first.
#[utoipa::path(
    tag = "counts",
    operation_id = "list_counts",
    params(Request),
    responses(
        (status = 200, description = "Counts without their lines", body = Page<CountAnswer>),
        (status = 400, description = "`invalid_cursor`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
    )
)]
#[get("/counts")]
pub async fn list_counts(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<CountAnswer>>, Error> {
    list(&state, &caller, query.0).await.map(web::Json)
}

/// Reads a count, without its lines.
#[utoipa::path(
    tag = "counts",
    operation_id = "get_count",
    params(("id" = Uuid, Path, description = "The count's id")),
    responses(
        (status = 200, description = "The count", body = CountAnswer, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
    )
)]
#[get("/counts/{id}")]
pub async fn get_count(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<HttpResponse, Error> {
    let count = get(&state, &caller, id.0).await?;
    Ok(versioned(count.version, &count))
}
