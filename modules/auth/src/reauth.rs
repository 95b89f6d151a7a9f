//! `POST /reauth`: whoever is logged in shows once more who they are.

use actix_web::middleware::from_fn;
use actix_web::{post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{Act, Doer};
use crate::email::EmailKey;
use crate::error::Error;
use crate::members::repository::{share_user, user};
use crate::password::Password;
use crate::sessions::{FRESH, repository};
use crate::signed_in::{acting, signed_in};
use crate::throttle::{Attempt, Charge, Origin};
use crate::uncached::NoIdempotencyKey;
use crate::{Auth, settled};

/// The proof.
#[derive(ToSchema)]
#[schema(as = ReauthRequest)]
pub struct Request {
    /// The password of whoever is logged in.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { password: fields.required("password")? })
    }
}

/// For how long that counts.
#[derive(Serialize, ToSchema)]
#[schema(as = Reauthenticated)]
pub struct Response {
    /// Until then this session may do what needs `reauth`.
    pub fresh_until: Instant,
}

/// The password of a caller that was right, and what its try was charged to.
pub(crate) struct Proof {
    pub(crate) password_hash: String,
    pub(crate) charge: Charge,
}

/// Tries the caller's password, and does `then` where it is right: in a transaction with [`Charge::succeed`], where `None` says that the
/// password was changed meanwhile. A wrong one is 401 `invalid_credentials`, charged to the user, and audited as `act`.
pub(crate) async fn proven<T>(
    auth: &Auth,
    caller: &Caller,
    password: Password,
    act: Act,
    then: impl AsyncFnOnce(Proof) -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    auth.0.throttle.admit_device(caller.user_id)?;
    let user = user(auth.0.database.reader(), caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    // Not to the session: whoever has stolen one begins as many others as they like.
    let mut attempt = Attempt::begin(auth, &EmailKey(user.email_key), Origin::Known(caller.user_id)).await?;
    let outcome = match attempt.verify(password, Some(user.password_hash.clone())).await {
        Ok(verified) if verified.right => then(Proof { password_hash: user.password_hash, charge: attempt.charge().clone() }).await,
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    attempt.end(outcome, act).await
}

struct Mark {
    proof: Proof,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let session_id = caller.session_id.ok_or(Error::SessionRevoked)?;
    proven(auth, caller, request.password, Act::Reauth, async |proof| {
        let now = state.clock.now();
        let mark = Mark { proof, doer, now };
        settled(async move {
            let marked = state.database.write(mark, |mark, txn| Box::pin(turn(mark, txn))).await;
            state.sessions.forget(session_id);
            Ok(marked?.map(|()| Response { fresh_until: now.plus(FRESH) }))
        })
        .await
    })
    .await
}

async fn turn(mark: &Mark, txn: &Txn) -> Result<Option<()>, Error> {
    let Mark { proof, doer, now } = mark;
    // A password takes its time: it may have been changed meanwhile.
    let user = share_user(txn, doer.user_id).await?;
    if user.is_none_or(|user| user.password_hash != proof.password_hash) {
        return Ok(None);
    }
    let standing = acting(txn, doer.session_id, *now).await?;
    repository::mark_authenticated(txn, standing.session_id, *now).await?;
    proof.charge.succeed(txn, *now).await?;
    doer.done(Act::Reauth, standing.session_id).record(txn).await?;
    Ok(Some(()))
}

/// Shows once more who is logged in, by the password.
///
/// For ten minutes from then on, as from a log-in, this session may do what answers `reauth_required` else: make API keys, make
/// owners and managers.
#[utoipa::path(
    operation_id = "reauth",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "It counts.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: not the password. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong passwords; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/reauth", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<web::Json<Response>, Problem> {
    Ok(web::Json(execute(&auth, &caller, body.request).await?))
}
