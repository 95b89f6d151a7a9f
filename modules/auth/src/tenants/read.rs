//! `GET /tenants`: where the caller is a member.

use actix_web::middleware::from_fn;
use actix_web::{get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Listing, Page, Problem, Query};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::members::repository::tenants_of;
use crate::roles::Role;
use crate::signed_in::signed_in;
use crate::{Auth, pages};

/// What cursors of this list begin with.
const LIST: &str = "tenants";

/// A tenant that the caller is a member of.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnTenant)]
pub struct Response {
    /// The tenant.
    pub tenant: super::Response,
    /// The id of the caller's membership.
    pub membership_id: Uuid,
    /// What the caller is there.
    pub role: Role,
    /// Whether that is true at every site of the tenant.
    pub all_sites: bool,
    /// Since when.
    pub member_since: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: &Listing) -> Result<Page<Response>, Problem> {
    let after = pages::after(LIST, request.cursor.as_ref())?;
    let found = tenants_of(auth.0.database.reader(), caller.user_id, after, request.limit.probe()).await.map_err(Error::from)?;
    let page = pages::cut(LIST, found, request.limit, |(membership, _)| (Instant::from(membership.created_at), membership.id));
    let told = page.data.into_iter().filter_map(|(membership, tenant)| {
        Some(Response {
            tenant: tenant?.into(),
            membership_id: membership.id,
            role: Role::parse(&membership.role)?,
            all_sites: membership.all_sites,
            member_since: membership.created_at.into(),
        })
    });
    Ok(Page { data: told.collect(), next_cursor: page.next_cursor })
}

/// Lists the tenants that the caller is a member of, in the order in which they came there; whichever this session works in.
#[utoipa::path(
    operation_id = "list_tenants",
    tag = "auth",
    params(Listing),
    responses(
        (status = 200, description = "Tenants that are not closed.", body = Page<Response>),
        (status = 400, description = "`invalid_cursor`.", body = ProblemDocument<'_>),
    )
)]
#[get("/tenants", wrap = "from_fn(signed_in)")]
pub(crate) async fn list(auth: web::Data<Auth>, caller: Caller, query: Query<Listing>) -> Result<web::Json<Page<Response>>, Problem> {
    Ok(web::Json(execute(&auth, &caller, &query.0).await?))
}
