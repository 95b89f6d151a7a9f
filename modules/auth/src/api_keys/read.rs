//! `GET /tenants/{tenant}/api-keys`.

use actix_web::middleware::from_fn;
use actix_web::{get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Listing, Page, Permission, Problem, Query};

use super::{Response, repository};
use crate::error::Error;
use crate::members::in_own_tenant;
use crate::signed_in::signed_in;
use crate::{Auth, pages};

/// What cursors of this list begin with.
const LIST: &str = "api_keys";

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: &Listing) -> Result<Page<Response>, Problem> {
    let (reader, now) = (auth.0.database.reader(), auth.0.clock.now());
    let after = pages::after(LIST, request.cursor.as_ref())?;
    let found = repository::page(reader, caller.tenant_id, now, after, request.limit.probe()).await.map_err(Error::from)?;
    let page = pages::cut(LIST, found, request.limit, |key| (Instant::from(key.created_at), key.id));
    let found = repository::with_sites(reader, caller.tenant_id, page.data).await.map_err(Error::from)?;
    Ok(Page { data: found.into_iter().map(Response::from).collect(), next_cursor: page.next_cursor })
}

/// Lists the API keys of the tenant that have not ended, the last one first.
#[utoipa::path(
    operation_id = "list_api_keys",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), Listing),
    responses(
        (status = 200, description = "API keys, without their secrets.", body = Page<Response>),
        (status = 400, description = "`invalid_cursor`.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `admin`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
    )
)]
#[get("/tenants/{tenant}/api-keys", wrap = "from_fn(signed_in)")]
pub(crate) async fn list(
    auth: web::Data<Auth>,
    caller: Caller,
    tenant: web::Path<String>,
    query: Query<Listing>,
) -> Result<web::Json<Page<Response>>, Problem> {
    in_own_tenant(&caller, &tenant)?;
    caller.need(Permission::Admin)?;
    Ok(web::Json(execute(&auth, &caller, &query.0).await?))
}
