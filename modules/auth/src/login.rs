//! `POST /login`: an address and a password become a session, or half of one where the user has a second factor.

use std::sync::Arc;

use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Text, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::devices::{self, Device};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::Purpose;
use crate::login_mfa::{Half, password_mark};
use crate::members::repository::{live_membership, member, renew_password_hash, share_user, user_by_email};
use crate::password::Password;
use crate::sessions::{NewSession, UserAgent, repository};
use crate::throttle::{Attempt, Charge, Origin};
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State, mfa};

/// Who wants to come in.
#[derive(ToSchema)]
#[schema(as = LoginRequest)]
pub struct Request {
    /// The e-mail address.
    #[schema(value_type = String, max_length = 254, examples("mia@example.com"))]
    email: EmailKey,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Which tenant to work in, for members of several; the oldest membership where none is named.
    tenant_id: Option<Uuid>,
    /// The `device_token` that this user was given on this device before. One that is not theirs, or is no longer known, is as none.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    device_token: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        // Whatever is no address belongs to nobody: it is answered as an unknown one is.
        let (email, password, tenant_id) = (fields.required::<Text<1, 254>>("email"), fields.required("password"), fields.optional("tenant_id"));
        let device_token = fields.optional::<Text<1, 200>>("device_token");
        Some(Self { email: EmailKey::of(&email?.0), password: password?, tenant_id: tenant_id?, device_token: device_token?.map(|token| token.0) })
    }
}

/// What a right password is answered.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = LoginAnswer)]
pub enum Response {
    LoggedIn(Box<Tokens>),
    MfaRequired(MfaRequired),
}

/// The password was right, and there is no session yet: the user has a second factor.
#[derive(Serialize, ToSchema)]
pub struct MfaRequired {
    /// Always true.
    pub mfa_required: bool,
    /// What `POST /v1/auth/login/mfa` finishes the log-in for. It is good for five tries.
    pub mfa_token: String,
    /// Seconds until it expires.
    pub expires_in: i64,
}

impl MfaRequired {
    fn new(mfa_token: String) -> Self {
        Self { mfa_required: true, mfa_token, expires_in: Purpose::Mfa.life().num_seconds() }
    }
}

/// From where somebody logs in, as the request tells.
pub(crate) struct Whence {
    pub(crate) address: ClientAddress,
    pub(crate) user_agent: UserAgent,
}

/// Who was found, to be looked at again inside of the transaction: a password takes its time, and a member may have been
/// removed meanwhile.
struct Found {
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    password_hash: String,
    /// Another hash of the same password, to be stored from now on.
    renewed: Option<String>,
    session: NewSession,
    device: Device,
    charge: Charge,
    now: Instant,
    witness: Witness,
    state: Arc<State>,
}

/// What a password began.
enum Begun {
    Session(Box<Subject>),
    /// Half of one, and the token for the other half.
    Half(String),
}

/// Begins a session, or half of one. An unknown, disabled or removed user and a wrong or empty password are the same to the caller, and take
/// the same statements and one hashing.
pub(crate) async fn execute(auth: &Auth, request: Request, from: Whence) -> Result<Response, Error> {
    let known = devices::known(auth, request.device_token.as_deref(), &request.email).await?;
    let origin = known.map_or(Origin::Unknown(from.address.0), Origin::Known);
    let mut attempt = Attempt::begin(auth, &request.email, origin).await?;
    let device = Device::of(auth, known, &from.user_agent);
    let outcome = log_in(auth, &mut attempt, request, device, from.user_agent).await;
    attempt.end(outcome, Act::Login).await
}

/// `None` where the password is wrong, or of no use.
async fn log_in(auth: &Auth, attempt: &mut Attempt<'_>, request: Request, device: Device, user_agent: UserAgent) -> Result<Option<Response>, Error> {
    let state = &auth.0;
    let reader = state.database.reader();
    let user = user_by_email(reader, &request.email).await?;
    let user_id = user.as_ref().map_or(Uuid::nil(), |user| user.id);
    let membership = live_membership(reader, user_id, request.tenant_id).await?;
    let verified = attempt.verify(request.password, user.as_ref().map(|user| user.password_hash.clone())).await?;

    let Some(user) = user.filter(|user| verified.right && user.disabled_at.is_none() && membership.is_some()) else { return Ok(None) };
    let now = state.clock.now();
    let found = Found {
        user_id,
        tenant_id: request.tenant_id,
        password_hash: user.password_hash,
        renewed: verified.renewed,
        session: NewSession::begin(&state.ids, now, user_agent),
        device: device.clone(),
        charge: attempt.charge().clone(),
        now,
        witness: Witness::new(&state.clock, &state.ids),
        state: state.clone(),
    };
    match state.database.write(found, |found, txn| Box::pin(begin(found, txn))).await? {
        None => Ok(None),
        Some(Begun::Half(mfa_token)) => Ok(Some(Response::MfaRequired(MfaRequired::new(mfa_token)))),
        Some(Begun::Session(subject)) => {
            let tokens = state.tokens.issue(&subject, state.ids.next(now), now)?;
            Ok(Some(Response::LoggedIn(Box::new(Tokens { device_token: device.into_token(), ..tokens }))))
        }
    }
}

async fn begin(found: &Found, txn: &Txn) -> Result<Option<Begun>, Error> {
    if let Some(renewed) = &found.renewed {
        // Before the user is held: two who hold them would wait for each other here.
        renew_password_hash(txn, found.user_id, &found.password_hash, renewed).await?;
    }
    let user = share_user(txn, found.user_id).await?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    if user.password_hash != *found.renewed.as_ref().unwrap_or(&found.password_hash) {
        // Another password, or the same one hashed anew by a log-in at the same time: which of them, another try will show.
        return Err(Error::Busy);
    }
    let Some(member) = member(txn, found.user_id, found.tenant_id, found.state.epoch()).await? else { return Ok(None) };
    if mfa::is_enrolled(txn, user.id).await? {
        let (device_id, password_mark) = (found.device.known_id(), password_mark(&user.password_hash));
        let half = Half { tenant_id: found.tenant_id, device_id, password_mark, charge: found.charge.clone() };
        let mfa_token = half.keep(txn, &found.state, user.id, found.now).await?;
        let concerned = Concerned { tenant_id: Some(member.tenant_id), user_id: Some(user.id), ..Concerned::default() };
        found.witness.done(Act::LoginPassword, concerned).record(txn).await?;
        return Ok(Some(Begun::Half(mfa_token)));
    }
    repository::insert(txn, found.session.row(&member)).await?;
    found.device.record(txn, &found.state.outbox, found.user_id, found.now).await?;
    found.charge.succeed(txn, found.now).await?;
    let concerned = Concerned::session(member.tenant_id, member.user_id, found.session.id);
    found.witness.done(Act::Login, concerned).record(txn).await?;
    Ok(Some(Begun::Session(Box::new(found.session.subject(&member)))))
}

/// Logs in and begins a session in one tenant.
///
/// For a user who has a second factor the right password is answered an `mfa_token` and no session: `POST /v1/auth/login/mfa` finishes the
/// log-in with it. Until then the try counts as a wrong one.
///
/// Who tries often waits longer and longer: after five wrong passwords for one account from one address, after thirty from one address in
/// a minute, after twenty for one account from wherever. A device that its user has logged in from before waits for its own tries only, if
/// it sends its `device_token`.
#[utoipa::path(
    operation_id = "login",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "Logged in; or, where `mfa_required` is there, the password was right and the second factor is yet to be shown.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: unknown address, wrong password, a disabled user, or no member of the tenant; the answer does not tell which.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many tries, of this account or from this address; the password was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/login")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    _: NoIdempotencyKey,
    address: ClientAddress,
    user_agent: UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let answer = execute(&auth, body.request, Whence { address, user_agent }).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(answer))
}
