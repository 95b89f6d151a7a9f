//! `GET /tenants/{tenant}/members`: who is in a tenant.

use std::collections::BTreeMap;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, get, web};
use kernel::http::etag;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Listing, Page, Problem, Query, Sites};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{Grant, Response, id, managing, repository};
use crate::error::Error;
use crate::roles::Role;
use crate::signed_in::signed_in;
use crate::{Auth, api_keys, pages};

/// What cursors of this list begin with.
const LIST: &str = "members";

pub(crate) async fn execute_list(auth: &Auth, caller: &Caller, request: &Listing) -> Result<Page<Response>, Problem> {
    let reader = auth.0.database.reader();
    let after = pages::after(LIST, request.cursor.as_ref())?;
    let found = repository::page(reader, caller.tenant_id, after, request.limit.probe()).await.map_err(Error::from)?;
    let page = pages::cut(LIST, found, request.limit, |(membership, _)| (Instant::from(membership.created_at), membership.id));
    let ids: Vec<Uuid> = page.data.iter().map(|(membership, _)| membership.id).collect();
    let mut sites = repository::sites_of(reader, caller.tenant_id, &ids).await.map_err(Error::from)?;
    let mut keys: BTreeMap<Uuid, Vec<api_keys::Brief>> = api_keys::of(reader, caller.tenant_id, &ids, auth.0.clock.now()).await?;
    let told = page.data.into_iter().filter_map(|(membership, user)| {
        let role = Role::parse(&membership.role)?;
        let named = sites.remove(&membership.id).unwrap_or_default();
        let grant = Grant { role, sites: if membership.all_sites { Sites::All } else { Sites::Only(named) } };
        let keys = keys.remove(&membership.id).unwrap_or_default();
        Some(Response::new(membership, user?, grant, keys))
    });
    Ok(Page { data: told.collect(), next_cursor: page.next_cursor })
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, membership_id: Uuid) -> Result<Response, Error> {
    one(auth.0.database.reader(), caller.tenant_id, membership_id, auth.0.clock.now()).await
}

pub(super) async fn one(connection: &impl ConnectionTrait, tenant_id: Uuid, membership_id: Uuid, now: Instant) -> Result<Response, Error> {
    let absent = || Error::NotFound("member");
    let membership = repository::membership(connection, tenant_id, membership_id).await?.ok_or_else(absent)?;
    let user = repository::user(connection, membership.user_id).await?.ok_or_else(absent)?;
    let grant = repository::grant(connection, &membership).await?.ok_or_else(absent)?;
    let keys = api_keys::of(connection, tenant_id, &[membership_id], now).await?;
    Ok(Response::new(membership, user, grant, keys.into_values().next().unwrap_or_default()))
}

/// Lists the members of the tenant in the order in which they came, each with the API keys that end with the membership.
#[utoipa::path(
    operation_id = "list_members",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), Listing),
    responses(
        (status = 200, description = "Members.", body = Page<Response>),
        (status = 400, description = "`invalid_cursor`.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
    )
)]
#[get("/tenants/{tenant}/members", wrap = "from_fn(signed_in)")]
pub(crate) async fn list(
    auth: web::Data<Auth>,
    caller: Caller,
    tenant: web::Path<String>,
    query: Query<Listing>,
) -> Result<web::Json<Page<Response>>, Problem> {
    managing(&caller, &tenant)?;
    Ok(web::Json(execute_list(&auth, &caller, &query.0).await?))
}

/// One member, with the API keys that end with the membership.
#[utoipa::path(
    operation_id = "get_member",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("member" = Uuid, Path, description = "The membership's id")),
    responses(
        (status = 200, description = "The member; the ETag is its version.", body = Response),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
    )
)]
#[get("/tenants/{tenant}/members/{member}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    managing(&caller, &path.0)?;
    let member = execute(&auth, &caller, id(&path.1, "member")?).await?;
    Ok(HttpResponse::Ok().insert_header(etag(member.version)).json(member))
}
