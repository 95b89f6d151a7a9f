//! `POST /mfa/totp/confirm`: a code of the app shows that it works, and it counts from then on.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use auth_entity::totp;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use sea_orm::ConnectionTrait;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shown::{Code, unseal};
use super::{RecoveryCodes, recovery, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{hold_user, user};
use crate::notices::Notice;
use crate::sessions::repository::{mark_second_factor, revoke_others, standing};
use crate::signed_in::{acting, signed_in_to_enrol};
use crate::throttle::CodeAttempt;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// A code of the app that was given the secret.
#[derive(ToSchema)]
#[schema(as = ConfirmTotp)]
pub struct Request {
    /// The six digits that it shows.
    #[schema(value_type = String, min_length = 1, max_length = 64, examples("492039"))]
    code: Code,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { code: fields.required("code")? })
    }
}

struct Confirmation {
    auth: Auth,
    code: String,
    attempt: CodeAttempt,
    doer: Doer,
    now: Instant,
}

/// Makes the app count, and answers the recovery codes.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<RecoveryCodes, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let user = user(state.database.reader(), caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    let now = state.clock.now();
    // Nobody is charged for a code that nothing waits for: a stolen session makes its user wait for nothing.
    let session = standing(state.database.reader(), caller.session_id.ok_or(Error::SessionRevoked)?).await?;
    let fresh = session.ok_or(Error::SessionRevoked).and_then(|session| session.need_fresh(now));
    doer.audited(&state, Act::EnrolMfa, doer.user_id, fresh).await?;
    need_begun(state.database.reader(), user.id).await?;
    let attempt = CodeAttempt::begin(auth, &user, None).await?;
    let confirmation = Confirmation { auth: auth.clone(), code: request.code.0, attempt: attempt.clone(), doer: doer.clone(), now };
    settled(async move {
        let confirmed = state.database.write(confirmation, |confirmation, txn| Box::pin(turn(confirmation, txn))).await;
        state.forget_everybody();
        let confirmed = doer.audited(&state, Act::EnrolMfa, doer.user_id, confirmed).await;
        attempt.end(confirmed).await
    })
    .await
}

async fn turn(confirmation: &Confirmation, txn: &Txn) -> Result<RecoveryCodes, Error> {
    let Confirmation { auth, code, attempt, doer, now } = confirmation;
    let state = &auth.0;
    hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    let session = acting(txn, doer.session_id, *now).await?;
    session.need_fresh(*now)?;
    let totp = need_begun(txn, doer.user_id).await?;
    let step = unseal(&state.vault, &totp)?.step_of(code, *now, totp.last_step).ok_or(Error::MfaInvalid)?;
    repository::confirm(txn, doer.user_id, step, *now).await?;
    let recovery_codes = recovery::replace(txn, doer.user_id, &state.ids, *now).await?;
    attempt.charge().succeed(txn, *now).await?;
    mark_second_factor(txn, session.session_id, *now).await?;
    // None of them has shown it.
    revoke_others(txn, doer.user_id, session.session_id, *now).await?;
    Notice::MfaChanged.tell(txn, &state.outbox, doer.user_id, *now).await?;
    doer.done(Act::EnrolMfa, doer.user_id).record(txn).await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// The app that was begun and does not count yet.
async fn need_begun(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<totp::Model, Error> {
    let totp = repository::totp(connection, user_id).await?.ok_or(Error::MfaNotBegun)?;
    if totp.confirmed_at.is_some() { Err(Error::MfaAlreadyEnrolled) } else { Ok(totp) }
}

/// Makes the authenticator app count that was begun: from now on a log-in of the user asks for a code of it.
///
/// The answer holds ten recovery codes, for whoever loses the app: they are shown this once. Other sessions of the user end, in every tenant:
/// none of them has shown it.
#[utoipa::path(
    operation_id = "confirm_totp",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "It counts.", body = RecoveryCodes),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`mfa_invalid`: not a code of the app at this time. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 403, description = "`reauth_required`: this needs somebody who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 409, description = "`mfa_not_begun`: no app was begun. `mfa_already_enrolled`: it counts already.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong codes of this user; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: others tried codes of this user at the same moment. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/mfa/totp/confirm", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(execute(&auth, &caller, body.request).await?))
}
