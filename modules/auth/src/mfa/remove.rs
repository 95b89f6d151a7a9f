//! `DELETE /mfa/totp`: from now on the password is enough.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};

use super::{forget, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::members::repository::hold_user;
use crate::notices::Notice;
use crate::sessions::repository::revoke_others;
use crate::signed_in::{acting, signed_in};
use crate::{Auth, settled};

struct Removal {
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let removal = Removal { doer: doer.clone(), outbox: state.outbox.clone(), now: state.clock.now() };
    settled(async move {
        let removed = state.database.write(removal, |removal, txn| Box::pin(turn(removal, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::RemoveMfa, doer.user_id, removed).await
    })
    .await
}

async fn turn(removal: &Removal, txn: &Txn) -> Result<(), Error> {
    let Removal { doer, outbox, now } = removal;
    hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    let session = acting(txn, doer.session_id, *now).await?;
    session.need_fresh(*now)?;
    // A tenant that asks for it at this moment shuts its door to the user, who enrols again.
    if repository::is_required_of(txn, doer.user_id).await? {
        return Err(Error::MfaEnrollmentRequired);
    }
    if !forget(txn, doer.user_id).await? {
        return Err(Error::MfaNotEnrolled);
    }
    revoke_others(txn, doer.user_id, session.session_id, *now).await?;
    Notice::MfaChanged.tell(txn, outbox, doer.user_id, *now).await?;
    Ok(doer.done(Act::RemoveMfa, doer.user_id).record(txn).await?)
}

/// Removes the authenticator app of whoever is logged in, with the recovery codes.
///
/// Other sessions of the user end. Refused as long as any tenant that the user is a member of lets members in with a second factor only.
#[utoipa::path(
    operation_id = "remove_totp",
    tag = "auth",
    responses(
        (status = 204, description = "It is removed: from now on the password is enough."),
        (status = 403, description = "`reauth_required`: this needs somebody who has shown both factors in the last ten minutes. `mfa_enrollment_required`: a tenant of the user requires it.", body = ProblemDocument<'_>),
        (status = 409, description = "`mfa_not_enrolled`: the user has no second factor.", body = ProblemDocument<'_>),
    )
)]
#[delete("/mfa/totp", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse, Problem> {
    execute(&auth, &caller).await?;
    Ok(HttpResponse::NoContent().finish())
}
