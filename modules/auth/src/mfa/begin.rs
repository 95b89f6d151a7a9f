//! `POST /mfa/totp`: an authenticator app is to be enrolled.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use auth_entity::totp;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;

use super::totp::Secret;
use super::{is_enrolled, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::keys::{Purpose, Sealed};
use crate::members::repository::hold_user;
use crate::signed_in::{acting, signed_in_to_enrol};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// What an authenticator app is given, this once. Nothing counts until a code of it is confirmed.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpBegun)]
pub struct Response {
    /// 160 random bits in base32, to be typed where the app cannot read the URI.
    pub secret: String,
    /// The same with everything else that the app must know, to be shown as a QR code.
    pub otpauth_uri: String,
}

struct Beginning {
    sealed: Sealed,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<Response, Error> {
    let state = auth.0.clone();
    let (now, doer) = (state.clock.now(), Doer::new(auth, caller));
    let secret = Secret::generate(&state.ids);
    let sealed = state.vault.seal(Purpose::Totp, caller.user_id.as_bytes(), secret.as_bytes(), &state.ids)?;
    let beginning = Beginning { sealed, doer: doer.clone(), now };
    settled(async move {
        let begun = state.database.write(beginning, |beginning, txn| Box::pin(turn(beginning, txn))).await;
        let email = doer.audited(&state, Act::BeginMfa, doer.user_id, begun).await?;
        Ok(Response { secret: secret.text(), otpauth_uri: secret.uri(&email) })
    })
    .await
}

/// Answers the address of the user.
async fn turn(beginning: &Beginning, txn: &Txn) -> Result<String, Error> {
    let Beginning { sealed, doer, now } = beginning;
    let user = hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    acting(txn, doer.session_id, *now).await?.need_fresh(*now)?;
    if is_enrolled(txn, user.id).await? {
        return Err(Error::MfaAlreadyEnrolled);
    }
    let row = totp::Model {
        user_id: user.id,
        sealed_secret: sealed.text.clone(),
        secret_id: sealed.secret_id.clone(),
        created_at: (*now).into(),
        confirmed_at: None,
        last_step: None,
    };
    repository::put_pending(txn, row).await?;
    doer.done(Act::BeginMfa, user.id).record(txn).await?;
    Ok(user.email)
}

/// Begins to enrol an authenticator app: answers the secret that the app is given.
///
/// Nothing counts yet. A code of the app sent to `POST /v1/auth/mfa/totp/confirm` makes it the second factor of the user; until then the
/// next call puts another secret in its place.
#[utoipa::path(
    operation_id = "begin_totp",
    tag = "auth",
    responses(
        (status = 200, description = "The secret, which is shown this once.", body = Response),
        (status = 400, description = "`idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`reauth_required`: this needs somebody who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 409, description = "`mfa_already_enrolled`: the user has an app; it is removed before there is another.", body = ProblemDocument<'_>),
    )
)]
#[post("/mfa/totp", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(execute(&auth, &caller).await?))
}
