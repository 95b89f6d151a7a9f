//! `POST /reauth`: whoever is logged in shows once more who they are.

use actix_web::middleware::from_fn;
use actix_web::{post, web};
use auth_entity::user;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{Act, Doer};
use crate::email::EmailKey;
use crate::error::Error;
use crate::members::repository::{share_user, user};
use crate::mfa::{Charged, SecondFactor};
use crate::password::Password;
use crate::sessions::{FRESH, Standing, repository};
use crate::signed_in::{acting, signed_in_to_enrol};
use crate::throttle::{Attempt, Charge, Origin};
use crate::uncached::NoIdempotencyKey;
use crate::{Auth, mfa, settled};

/// The proof.
#[derive(ToSchema)]
#[schema(as = ReauthRequest)]
pub struct Request {
    /// The password of whoever is logged in.
    #[schema(value_type = String, format = Password)]
    password: Password,
    #[serde(flatten)]
    factor: SecondFactor,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (password, factor) = (fields.required("password"), SecondFactor::read(fields));
        Some(Self { password: password?, factor: factor? })
    }
}

/// For how long that counts.
#[derive(Serialize, ToSchema)]
#[schema(as = Reauthenticated)]
pub struct Response {
    /// Until then this session may do what needs `reauth`.
    pub fresh_until: Instant,
}

/// What a caller has shown: a password that was right, with what its try was charged to, and the second factor of who has one, which is
/// yet to be looked at.
pub(crate) struct Proof {
    password_hash: String,
    charge: Charge,
    factor: Option<Charged>,
}

impl Proof {
    /// Takes it, for the `user` as they are held in this transaction, and keeps in mind when this session has shown it. `false` where the
    /// password was changed meanwhile; [`Error::MfaInvalid`] for a second factor that is wrong, or is missing by now.
    pub(crate) async fn accept(&self, txn: &Txn, user: Option<user::Model>, session: &Standing, now: Instant) -> Result<bool, Error> {
        let Some(user) = user.filter(|user| user.password_hash == self.password_hash) else { return Ok(false) };
        match &self.factor {
            Some(factor) => {
                factor.accept(txn, now).await?;
                repository::mark_second_factor(txn, session.session_id, now).await?;
            }
            None if mfa::is_enrolled(txn, user.id).await? => return Err(Error::MfaInvalid),
            None => {}
        }
        repository::mark_authenticated(txn, session.session_id, now).await?;
        self.charge.succeed(txn, now).await?;
        Ok(true)
    }
}

/// Tries the caller's password, and with it the second factor of who has one, and does `then` where they are right: in a transaction with
/// [`Proof::accept`], where `None` says that the password was changed meanwhile. A wrong password is 401 `invalid_credentials`, a wrong
/// second factor `mfa_invalid`; both are charged to the user and audited, the password as `act`.
pub(crate) async fn proven<T>(
    auth: &Auth,
    caller: &Caller,
    password: Password,
    factor: SecondFactor,
    act: Act,
    then: impl AsyncFnOnce(Proof) -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    auth.0.throttle.admit_device(caller.user_id)?;
    let user = user(auth.0.database.reader(), caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    // Not to the session: whoever has stolen one begins as many others as they like.
    let mut attempt = Attempt::begin(auth, &EmailKey(user.email_key.clone()), Origin::Known(caller.user_id)).await?;
    let outcome = match attempt.verify(password, Some(user.password_hash.clone())).await {
        Ok(verified) if verified.right => with_factor(auth, user, factor, attempt.charge().clone(), then).await,
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    attempt.end(outcome, act).await
}

async fn with_factor<T>(
    auth: &Auth,
    user: user::Model,
    factor: SecondFactor,
    charge: Charge,
    then: impl AsyncFnOnce(Proof) -> Result<Option<T>, Error>,
) -> Result<Option<T>, Error> {
    let factor = Charged::begin_if_enrolled(auth, &user, factor).await?;
    let outcome = then(Proof { password_hash: user.password_hash, charge, factor: factor.clone() }).await;
    match factor {
        Some(factor) => factor.end(outcome).await,
        None => outcome,
    }
}

struct Mark {
    proof: Proof,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let session_id = caller.session_id.ok_or(Error::SessionRevoked)?;
    proven(auth, caller, request.password, request.factor, Act::Reauth, async |proof| {
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
    let standing = acting(txn, doer.session_id, *now).await?;
    if !proof.accept(txn, user, &standing, *now).await? {
        return Ok(None);
    }
    doer.done(Act::Reauth, standing.session_id).record(txn).await?;
    Ok(Some(()))
}

/// Shows once more who is logged in, by the password, and by the second factor where the user has one.
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
        (status = 401, description = "`invalid_credentials`: not the password. `mfa_invalid`: the password is right, and the user's second factor is wrong, was used before or was not sent. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong passwords or codes; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/reauth", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<web::Json<Response>, Problem> {
    Ok(web::Json(execute(&auth, &caller, body.request).await?))
}
