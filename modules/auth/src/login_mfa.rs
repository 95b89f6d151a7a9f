//! `POST /login/mfa`: the second half of a log-in, for a user who has a second factor.

use std::sync::Arc;

use actix_web::{HttpResponse, post, web};
use auth_entity::{one_time_token, user};
use kernel::problem::ProblemDocument;
use kernel::{Body, Fields, Flaw, FromFields, FromValue, Instant, Problem, Text, Txn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::devices::Device;
use crate::error::Error;
use crate::keys::{Purpose, Sealed};
use crate::links::{self, NewLink};
use crate::members::repository::{member, share_user, user};
use crate::mfa::{Charged, SecondFactor};
use crate::sessions::{NewSession, UserAgent, repository};
use crate::throttle::Charge;
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State, credential};

/// What is shown after the password.
#[derive(ToSchema)]
#[schema(as = LoginMfaRequest)]
pub struct Request {
    /// The `mfa_token` that `POST /v1/auth/login` has answered. It lasts five minutes and five tries.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    mfa_token: Token,
    #[serde(flatten)]
    factor: SecondFactor,
}

/// It has no `Debug`: it is a credential.
struct Token(String);

impl FromValue for Token {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        Text::<1, 200>::from_value(value).map(|text| Self(text.0))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (mfa_token, factor) = (fields.required("mfa_token"), SecondFactor::read_required(fields));
        Some(Self { mfa_token: mfa_token?, factor: factor? })
    }
}

/// A log-in whose password was right, as it is kept, sealed, until its second factor is shown.
#[derive(Serialize, Deserialize)]
pub(crate) struct Half {
    /// Which tenant was asked for.
    pub(crate) tenant_id: Option<Uuid>,
    /// The device that was known.
    pub(crate) device_id: Option<Uuid>,
    /// By which another password is noticed.
    pub(crate) password_mark: String,
    /// What the password was charged to. It is taken back when the log-in is complete.
    pub(crate) charge: Charge,
}

/// By which a stored hash of a password is recognised, and nothing else.
pub(crate) fn password_mark(password_hash: &str) -> String {
    credential::hash(password_hash)
}

impl Half {
    /// Keeps it, and answers the token for which it is found again.
    pub(crate) async fn keep(&self, txn: &Txn, state: &State, user_id: Uuid, now: Instant) -> Result<String, Error> {
        let text = serde_json::to_vec(self).map_err(|_| Error::Cryptography("writing half a log-in"))?;
        let Sealed { secret_id, text } = state.vault.seal(Purpose::HalfLogin, user_id.as_bytes(), &text, &state.ids)?;
        links::delete_expired(txn, links::Purpose::Mfa, user_id, now).await?;
        let link = NewLink { sealed_payload: Some(format!("{secret_id}.{text}")), ..NewLink::of(links::Purpose::Mfa, user_id) };
        Ok(link.make(txn, &state.ids, now).await?)
    }

    fn of(state: &State, link: &one_time_token::Model, user_id: Uuid) -> Result<Self, Error> {
        let unreadable = || Error::Cryptography("reading half a log-in");
        let (secret_id, text) = link.sealed_payload.as_deref().and_then(|sealed| sealed.split_once('.')).ok_or_else(unreadable)?;
        let sealed = Sealed { secret_id: secret_id.to_owned(), text: text.to_owned() };
        let text = state.vault.unseal(Purpose::HalfLogin, user_id.as_bytes(), &sealed)?;
        serde_json::from_slice(&text).map_err(|_| unreadable())
    }
}

struct Finish {
    state: Arc<State>,
    link_id: Uuid,
    user_id: Uuid,
    half: Half,
    factor: Charged,
    session: NewSession,
    device: Device,
    now: Instant,
    witness: Witness,
}

/// Begins the session. A token that is unknown, too old or used up, and a wrong code, are the same to the caller.
pub(crate) async fn execute(auth: &Auth, request: Request, user_agent: UserAgent) -> Result<Tokens, Error> {
    let state = &auth.0;
    let (link, user) = begun(state, &request.mfa_token).await?;
    let half = Half::of(state, &link, user.id)?;
    let factor = Charged::begin(auth, &user, request.factor, Some(link.id)).await?;
    let device = Device::of(auth, half.device_id, &user_agent);
    let now = state.clock.now();
    let finish = Finish {
        state: state.clone(),
        link_id: link.id,
        user_id: user.id,
        half,
        factor: factor.clone(),
        session: NewSession::begin(&state.ids, now, user_agent).with_second_factor(),
        device: device.clone(),
        now,
        witness: Witness::new(&state.clock, &state.ids),
    };
    let finished = state.database.write(finish, |finish, txn| Box::pin(turn(finish, txn))).await;
    let subject = factor.end(finished).await?;
    let tokens = state.tokens.issue(&subject, state.ids.next(now), now)?;
    Ok(Tokens { device_token: device.into_token(), ..tokens })
}

/// The log-in that a token is of, and whose it is. Only reads, so that strangers keep nobody waiting.
async fn begun(state: &State, token: &Token) -> Result<(one_time_token::Model, user::Model), Error> {
    let reader = state.database.reader();
    let link = links::by_token(reader, links::Purpose::Mfa, &token.0).await?;
    let link = link.filter(|link| links::is_open(link, state.clock.now())).ok_or(Error::MfaInvalid)?;
    let user = user(reader, link.user_id.ok_or(Error::MfaInvalid)?).await?.ok_or(Error::MfaInvalid)?;
    Ok((link, user))
}

/// Looks at everything again that the first half looked at: the user, the password and the membership.
async fn turn(finish: &Finish, txn: &Txn) -> Result<Subject, Error> {
    let Finish { state, half, session, now, .. } = finish;
    let user = share_user(txn, finish.user_id).await?;
    let user = user.filter(|user| user.disabled_at.is_none() && password_mark(&user.password_hash) == half.password_mark);
    let user = user.ok_or(Error::MfaInvalid)?;
    let member = member(txn, user.id, half.tenant_id, state.epoch()).await?.ok_or(Error::MfaInvalid)?;
    if !links::use_up(txn, finish.link_id, *now).await? {
        return Err(Error::MfaInvalid);
    }
    finish.factor.accept(txn, *now).await?;
    repository::insert(txn, session.row(&member)).await?;
    finish.device.record(txn, &state.outbox, user.id, *now).await?;
    half.charge.succeed(txn, *now).await?;
    let concerned = Concerned::session(member.tenant_id, member.user_id, session.id);
    finish.witness.done(Act::Login, concerned).record(txn).await?;
    Ok(session.subject(&member))
}

/// Finishes a log-in with the second factor of the user, and begins a session.
///
/// All codes that are tried for one user count together, wherever they are shown: after five each wrong one makes the next wait for twice as
/// long, up to a quarter of an hour. A right one makes that forgotten.
#[utoipa::path(
    operation_id = "login_mfa",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "Logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`mfa_invalid`: the code is wrong or was used before, or the `mfa_token` is unknown, older than five minutes, used, or was tried five times; the answer does not tell which.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `exactly_one`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong codes of this user; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: others tried codes of this user at the same moment. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/login/mfa")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, user_agent: UserAgent, body: Body<Request>) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, body.request, user_agent).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(tokens))
}
