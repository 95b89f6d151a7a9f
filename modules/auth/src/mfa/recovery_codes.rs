//! `POST /mfa/recovery-codes`: new ones in the place of all that there were.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};

use super::{RecoveryCodes, is_enrolled, recovery};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::members::repository::hold_user;
use crate::notices::Notice;
use crate::signed_in::{acting, signed_in};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

struct Replacement {
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<RecoveryCodes, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let replacement = Replacement { doer: doer.clone(), outbox: state.outbox.clone(), now: state.clock.now() };
    settled(async move {
        let replaced = state.database.write(replacement, |replacement, txn| Box::pin(turn(replacement, txn))).await;
        doer.audited(&state, Act::ReplaceRecoveryCodes, doer.user_id, replaced).await
    })
    .await
}

async fn turn(replacement: &Replacement, txn: &Txn) -> Result<RecoveryCodes, Error> {
    let Replacement { doer, outbox, now } = replacement;
    hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    acting(txn, doer.session_id, *now).await?.need_fresh(*now)?;
    if !is_enrolled(txn, doer.user_id).await? {
        return Err(Error::MfaNotEnrolled);
    }
    let recovery_codes = recovery::replace(txn, doer.user_id, outbox.ids(), *now).await?;
    Notice::MfaChanged.tell(txn, outbox, doer.user_id, *now).await?;
    doer.done(Act::ReplaceRecoveryCodes, doer.user_id).record(txn).await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// Answers ten new recovery codes. Those before are no longer good, used or not.
#[utoipa::path(
    operation_id = "replace_recovery_codes",
    tag = "auth",
    responses(
        (status = 200, description = "The codes, which are shown this once.", body = RecoveryCodes),
        (status = 400, description = "`idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`reauth_required`: this needs somebody who has shown both factors in the last ten minutes.", body = ProblemDocument<'_>),
        (status = 409, description = "`mfa_not_enrolled`: the user has no second factor.", body = ProblemDocument<'_>),
    )
)]
#[post("/mfa/recovery-codes", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(execute(&auth, &caller).await?))
}
