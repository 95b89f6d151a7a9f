//! `GET /locations`.

use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::repository::Wanted;
use super::{Location, LocationKind, repository};
use crate::Inventory;
use crate::catalog::{Archived, answers};
use crate::error::Error;
use crate::names::LocationPath;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Only locations of this kind.
    #[param(value_type = Option<LocationKind>, inline)]
    pub kind: Option<LocationKind>,
    /// Only this site and what lies in it, by the site's id.
    pub site_id: Option<Uuid>,
    /// Only this site and what lies in it, by the site's path; `site_id` and `site` exclude one another.
    #[param(value_type = Option<String>)]
    pub site: Option<LocationPath>,
    /// `false` (also where nothing is said): those in use; `true`: those that are archived; `all`.
    #[param(value_type = Option<Archived>, inline)]
    pub archived: Archived,
    /// How many locations, 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (kind, archived) = (fields.optional("kind"), fields.or("archived", Archived::No));
        let site = fields.one_at_most(&["site_id", "site"], |fields, name| match name {
            "site_id" => fields.required("site_id").map(|id| (Some(id), None)),
            _ => fields.required("site").map(|path| (None, Some(path))),
        });
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        let (site_id, site) = site?.unwrap_or_default();
        Some(Self { kind: kind?, site_id, site, archived: archived?, limit: limit?, cursor: cursor? })
    }
}

/// The locations that the caller may see, by path.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Location>, Error> {
    caller.need(Permission::Read)?;
    let after = request.cursor.map(|cursor| cursor.key()).transpose()?;
    state.ensure_known(caller.tenant_id).await?;
    let wanted = Wanted {
        kind: request.kind,
        site_id: request.site_id,
        site: request.site.map(String::from),
        sites: caller.sites.clone(),
        archived: request.archived,
        after,
        limit: request.limit,
    };
    let locations = repository::page(state.database().reader(), caller.tenant_id, wanted).await?;
    Ok(Page::cut(locations, request.limit, |location| location.path.clone()))
}

/// Lists the locations, by path: every site is followed by what lies in it. Who is limited to some sites sees only those.
#[utoipa::path(
    operation_id = "list_locations",
    tag = "catalogue",
    params(Request),
    responses(
        (status = 200, description = "A page of locations.", body = Page<Location>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/locations")]
pub async fn handler(state: Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<Json<Page<Location>>, Error> {
    execute(&state, &caller, query.0).await.map(Json)
}
