//! `POST /reauth`: whoever is logged in shows once more who they are.

use actix_web::middleware::from_fn;
use actix_web::{post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{user, user_held};
use crate::password::Password;
use crate::sessions::{FRESH, repository};
use crate::signed_in::{acting, signed_in};
use crate::uncached::NoIdempotencyKey;
use crate::{Auth, State, settled};

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

struct Proof {
    password_hash: String,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let proved = prove(&state, caller, request.password).await;
    let session_id = caller.session_id.ok_or(Error::SessionRevoked)?;
    let password_hash = doer.told(&state, Act::Reauth, session_id, proved).await?;
    let now = state.clock.now();
    let proof = Proof { password_hash, doer, now };
    settled(async move {
        let marked = state.database.write(proof, |proof, txn| Box::pin(turn(proof, txn))).await;
        state.sessions.forget(session_id);
        marked.map(|()| Response { fresh_until: now.plus(FRESH) })
    })
    .await
}

/// The stored hash that the caller's password was compared with; 401 where it is another one.
pub(crate) async fn prove(state: &State, caller: &Caller, password: Password) -> Result<String, Error> {
    let user = user(state.database.reader(), caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    let right = state.hasher.verify(password, Some(user.password_hash.clone())).await?;
    if right { Ok(user.password_hash) } else { Err(Error::InvalidCredentials) }
}

async fn turn(proof: &Proof, txn: &Txn) -> Result<(), Error> {
    let Proof { password_hash, doer, now } = proof;
    // A password takes its time: it may have been changed meanwhile.
    let user = user_held(txn, doer.user_id).await?;
    if user.is_none_or(|user| user.password_hash != *password_hash) {
        return Err(Error::InvalidCredentials);
    }
    let standing = acting(txn, doer.session_id, *now).await?;
    repository::mark_authenticated(txn, standing.session_id, *now).await?;
    Ok(doer.done(Act::Reauth, standing.session_id).record(txn).await?)
}

/// Shows once more who is logged in, by the password.
///
/// For ten minutes from then on, as from a log-in, this session may do what answers `reauth_required` else: make API keys, make
/// owners and managers.
#[utoipa::path(
    operation_id = "reauth",
    tag = "auth",
    security(("bearer" = [])),
    request_body = Request,
    responses(
        (status = 200, description = "It counts.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: not the password. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs a session instead of an API key.", body = ProblemDocument<'_>),
        (status = 413, description = "`body_too_large`: more than 16 KiB.", body = ProblemDocument<'_>),
        (status = 415, description = "`unsupported_media_type`: not JSON.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`.", body = ProblemDocument<'_>),
        (status = 500, description = "`internal_error`.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/reauth", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<web::Json<Response>, Problem> {
    Ok(web::Json(execute(&auth, &caller, body.request).await?))
}
