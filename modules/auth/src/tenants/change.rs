//! `PATCH /tenants/{tenant}`: its name, and whether its members need a second factor.
//!
//! Its currency and its time zone never change: the books of the other modules are kept in them.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, patch, web};
use auth_entity::tenant;
use kernel::http::{IfMatch, etag};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Text, Txn};
use utoipa::ToSchema;

use super::{Response, need_admin};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::in_own_tenant;
use crate::members::repository::{change_tenant, hold_tenant, share_user};
use crate::signed_in::{acting, signed_in};
use crate::{Auth, mfa, settled};

/// What changes of a tenant; what is not named stays.
#[derive(Clone, ToSchema)]
#[schema(as = TenantChange)]
pub struct Request {
    /// Its name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Whether its members come in with a second factor only. Who demands it has one.
    mfa_required: Option<bool>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, mfa_required) = (fields.optional::<Text<1, 200>>("name"), fields.optional("mfa_required"));
        Some(Self { name: name?.map(|name| name.0), mfa_required: mfa_required? })
    }
}

struct Change {
    request: Request,
    seen: IfMatch,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, seen: IfMatch, request: Request) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let tenant_id = caller.tenant_id;
    let change = Change { request, seen, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let changed = state.database.write(change, |change, txn| Box::pin(turn(change, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::ChangeTenant, tenant_id, changed).await
    })
    .await
}

async fn turn(change: &Change, txn: &Txn) -> Result<Response, Error> {
    let Change { request, seen, doer, now } = change;
    // So that they keep the second factor that they demand of others.
    share_user(txn, doer.user_id).await?;
    let before = hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, doer.session_id, *now).await?;
    need_admin(&actor)?;
    seen.check(before.version).map_err(Error::Refused)?;
    let then = tenant::Model {
        name: request.name.clone().unwrap_or_else(|| before.name.clone()),
        mfa_required: request.mfa_required.unwrap_or(before.mfa_required),
        ..before.clone()
    };
    if then == before {
        return Ok(before.into());
    }
    if then.mfa_required != before.mfa_required {
        actor.need_fresh(*now)?;
        if then.mfa_required && !mfa::is_enrolled(txn, actor.user_id).await? {
            return Err(Error::MfaEnrollmentRequired);
        }
    }
    let then = tenant::Model { version: before.version + 1, updated_at: (*now).into(), ..then };
    change_tenant(txn, &then).await?;
    doer.done(Act::ChangeTenant, then.id).record(txn).await?;
    Ok(then.into())
}

/// Changes the tenant's name, or whether its members need a second factor.
///
/// Its currency and its time zone never change: the books are kept in them.
#[utoipa::path(
    operation_id = "change_tenant",
    tag = "auth",
    params(
        ("tenant" = Uuid, Path, description = "The tenant's id"),
        ("If-Match" = String, Header, description = "The ETag that was seen, or `*`"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "The tenant as it is now; the ETag is its version.", body = Response),
        (status = 403, description = "`forbidden`: this needs the permission `admin`. `reauth_required`: who changes whether a second factor is needed has shown in the last ten minutes who they are. `mfa_enrollment_required`: who demands a second factor of others has one.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
    )
)]
#[patch("/tenants/{tenant}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    caller: Caller,
    tenant: web::Path<String>,
    seen: IfMatch,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &tenant)?;
    let tenant = execute(&auth, &caller, seen, body.request).await?;
    Ok(HttpResponse::Ok().insert_header(etag(tenant.version)).json(tenant))
}
