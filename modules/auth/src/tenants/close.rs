//! `DELETE /tenants/{tenant}`: a tenant is closed. What it has stays, and nobody comes in any more.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Text, Txn, Violation};
use sea_orm::DbErr;
use utoipa::ToSchema;
use uuid::Uuid;

use super::need_admin;
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::in_own_tenant;
use crate::members::repository::{close_tenant, hold_tenant};
use crate::sessions::repository::revoke_all_in;
use crate::signed_in::{acting, signed_in};
use crate::{Auth, api_keys, invites, links, settled};

/// That it is meant.
#[derive(ToSchema)]
#[schema(as = CloseTenant)]
pub struct Request {
    /// The tenant's name, exactly as it is.
    #[schema(value_type = String, max_length = 200)]
    confirm: String,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { confirm: fields.required::<Text<1, 200>>("confirm")?.0 })
    }
}

struct Closing {
    confirm: String,
    doer: Doer,
    now: Instant,
}

/// Closes the tenant. It is over here when this answers, and everywhere within five seconds.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let tenant_id = caller.tenant_id;
    let closing = Closing { confirm: request.confirm, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let closed = state.database.write(closing, |closing, txn| Box::pin(turn(closing, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::CloseTenant, tenant_id, closed).await
    })
    .await
}

async fn turn(closing: &Closing, txn: &Txn) -> Result<(), Error> {
    let Closing { confirm, doer, now } = closing;
    let tenant = hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, doer.session_id, *now).await?;
    need_admin(&actor)?;
    actor.need_fresh(*now)?;
    if tenant.name != *confirm {
        return Err(not_meant("the tenant's name, exactly as it is, is expected"));
    }
    end(txn, tenant.id, *now).await?;
    Ok(doer.done(Act::CloseTenant, tenant.id).record(txn).await?)
}

/// 422 where what is confirmed is something else.
pub(crate) fn not_meant(detail: &str) -> Error {
    let flaw = Violation { pointer: "/confirm".into(), code: "confirmation_mismatch".into(), detail: detail.into() };
    Error::Refused(Problem::invalid(vec![flaw]))
}

/// Closes a tenant that is held, and ends for good what people and programs come in with.
pub(crate) async fn end(txn: &Txn, tenant_id: Uuid, now: Instant) -> Result<(), DbErr> {
    close_tenant(txn, tenant_id, now).await?;
    revoke_all_in(txn, tenant_id, now).await?;
    api_keys::end_all_in(txn, tenant_id, now).await?;
    invites::withdraw_all_in(txn, tenant_id, now).await?;
    links::void_all_in(txn, tenant_id, now).await.map(|_| ())
}

/// Closes the tenant: its sessions, API keys and open invites end at once, and nobody comes in any more.
///
/// What was posted in it stays in the database. No endpoint opens it again; whoever runs the server can.
#[utoipa::path(
    operation_id = "close_tenant",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id")),
    request_body = Request,
    responses(
        (status = 204, description = "It is closed; so is this session."),
        (status = 403, description = "`forbidden`: this needs the permission `admin`. `reauth_required`: by who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `confirmation_mismatch`: not the tenant's name.", body = ProblemDocument<'_>),
    )
)]
#[delete("/tenants/{tenant}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, tenant: web::Path<String>, body: Body<Request>) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &tenant)?;
    execute(&auth, &caller, body.request).await?;
    Ok(HttpResponse::NoContent().finish())
}
