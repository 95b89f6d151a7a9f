//! `POST /tenants/{tenant}/members/{member}/reset-mfa`: for a member who has lost their app and their recovery codes.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use uuid::Uuid;

use super::{hold, id, in_own_tenant, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::notices::Notice;
use crate::sessions::repository::revoke_all;
use crate::signed_in::signed_in;
use crate::{Auth, devices, links, mfa, settled};

struct Reset {
    membership_id: Uuid,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

/// Takes a member's second factor away, and ends what may have begun with it. It is over here when this answers, and everywhere within
/// five seconds.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, membership_id: Uuid) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let reset = Reset { membership_id, doer: doer.clone(), outbox: state.outbox.clone(), now: state.clock.now() };
    settled(async move {
        let done = state.database.write(reset, |reset, txn| Box::pin(turn(reset, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::ResetMfa, membership_id, done).await
    })
    .await
}

async fn turn(reset: &Reset, txn: &Txn) -> Result<(), Error> {
    let Reset { membership_id, doer, outbox, now } = reset;
    let held = hold(txn, doer.session_id, doer.tenant_id, *membership_id, *now).await?;
    held.grant.given_by(&held.actor.grant())?;
    if held.actor.membership_id == held.membership.id {
        return Err(Error::Forbidden("Your own second factor is removed by DELETE /v1/auth/mfa/totp."));
    }
    held.actor.need_fresh(*now)?;
    let user_id = held.membership.user_id;
    // What another tenant may require is not this one's to take away.
    if repository::open_memberships(txn, user_id).await? > 1 {
        return Err(Error::MemberElsewhere);
    }
    if !mfa::forget(txn, user_id).await? {
        return Err(Error::MfaNotEnrolled);
    }
    devices::revoke_all(txn, user_id, *now).await?;
    links::void_all(txn, user_id, *now).await?;
    revoke_all(txn, user_id, *now).await?;
    Notice::MfaChanged.tell(txn, outbox, user_id, *now).await?;
    Ok(doer.done(Act::ResetMfa, *membership_id).record(txn).await?)
}

/// Takes the second factor of a member away, who logs in with the password alone then.
///
/// For a member who has lost both the app and the recovery codes. Their sessions and open links end, and no device of theirs is known any
/// more. Nobody does it to a member who is more than they are themselves, or to one of several tenants: that is done on the server.
#[utoipa::path(
    operation_id = "reset_mfa",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("member" = Uuid, Path, description = "The membership's id")),
    responses(
        (status = 204, description = "It is gone, and so are the member's sessions."),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`, and another member than oneself. `role_escalation`: the member is more than the caller. `reauth_required`: this needs somebody who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
        (status = 409, description = "`mfa_not_enrolled`: the member has no second factor. `member_elsewhere`: the user is a member of other tenants, too; `larder auth disable-mfa` does it on the server.", body = ProblemDocument<'_>),
    )
)]
#[post("/tenants/{tenant}/members/{member}/reset-mfa", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &path.0)?;
    execute(&auth, &caller, id(&path.1, "member")?).await?;
    Ok(HttpResponse::NoContent().finish())
}
