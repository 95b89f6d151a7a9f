//! `POST /tenants/{tenant}/members/{member}/reset-link`: a link for a new password, to hand over.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Ids, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Fate, hold, id, in_own_tenant, may, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::links::{NewLink, Purpose};
use crate::signed_in::signed_in;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// What opens it. Both are shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = ResetLink)]
pub struct Response {
    /// What is sent to `POST /v1/auth/password/reset`.
    pub token: String,
    /// The link to hand over, where the installation knows its public address (`auth.public_url`); the token is behind its `#`.
    pub link: Option<String>,
    /// Until when it can be used: one hour.
    pub expires_at: Instant,
}

struct Making {
    membership_id: Uuid,
    doer: Doer,
    ids: Ids,
    now: Instant,
}

/// Makes a link by which a member sets another password, for members of this one tenant.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, membership_id: Uuid) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let now = state.clock.now();
    let making = Making { membership_id, doer: doer.clone(), ids: state.ids.clone(), now };
    settled(async move {
        let made = state.database.write(making, |making, txn| Box::pin(turn(making, txn))).await;
        let token = doer.audited(&state, Act::MakeResetLink, membership_id, made).await?;
        Ok(Response { link: state.outbox.link("reset", &token), token, expires_at: now.plus(Purpose::ResetPassword.life()) })
    })
    .await
}

async fn turn(making: &Making, txn: &Txn) -> Result<String, Error> {
    let Making { membership_id, doer, ids, now } = making;
    let held = hold(txn, doer.session_id, doer.tenant_id, *membership_id, *now).await?;
    may(&held.actor.grant(), false, &held.grant, Fate::Becomes(&held.grant))?;
    if held.actor.membership_id == held.membership.id {
        return Err(Error::Forbidden("For yourself there are POST /v1/auth/me/password and /password/forgot."));
    }
    held.actor.need_fresh(*now)?;
    let user_id = held.membership.user_id;
    if repository::open_memberships(txn, user_id).await? > 1 {
        return Err(Error::MemberElsewhere);
    }
    let link = NewLink { issuer: Some((doer.tenant_id, held.actor.membership_id)), ..NewLink::of(Purpose::ResetPassword, user_id) };
    let token = link.make(txn, ids, *now).await?;
    doer.done(Act::MakeResetLink, *membership_id).record(txn).await?;
    Ok(token)
}

/// Makes a link for a new password of a member, to hand over; no mail is needed.
///
/// It is for members of this one tenant who are not more than the caller, neither in what they may do nor where. It works once and for an
/// hour, as long as the caller is a member who may still do that, and until its user joins another tenant.
#[utoipa::path(
    operation_id = "make_reset_link",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("member" = Uuid, Path, description = "The membership's id")),
    responses(
        (status = 201, description = "The link and its token.", body = Response),
        (status = 400, description = "`idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`, and is for others than oneself. `role_escalation`: the member is more than the caller. `reauth_required`: the caller has not shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
        (status = 409, description = "`member_elsewhere`: the member works for another tenant, too; whoever runs the server makes a link for them.", body = ProblemDocument<'_>),
    )
)]
#[post("/tenants/{tenant}/members/{member}/reset-link", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>, _: NoIdempotencyKey) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &path.0)?;
    let made = execute(&auth, &caller, id(&path.1, "member")?).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(made))
}
