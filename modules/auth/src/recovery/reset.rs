//! `POST /password/reset`: another password, by a link.

use std::sync::Arc;

use actix_web::{HttpResponse, post, web};
use auth_entity::{one_time_token, user};
use kernel::problem::ProblemDocument;
use kernel::{Body, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::devices::{self, Device};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{self, Purpose, Token};
use crate::login::Whence;
use crate::me::password::GoesOn;
use crate::members::repository::{hold_user, memberships, open_tenant, set_password, user, verify_email};
use crate::notices::Notice;
use crate::password::{Password, hash_new};
use crate::sessions::repository::revoke_all;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State, api_keys, settled, throttle};

/// The link and the new password.
#[derive(ToSchema)]
#[schema(as = ResetPassword)]
pub struct Request {
    /// The link's token: what is behind its `#`.
    #[schema(value_type = String)]
    token: Token,
    /// The new password: 15 to 256 characters (an operator may lower the least to 8); one that is easily guessed is refused.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: Password,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (token, password) = (fields.required("token"), fields.required("password"));
        Some(Self { token: token?, password: password? })
    }
}

/// What ended, what goes on that the user made, and what lets them log in at once.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordReset)]
pub struct Response {
    /// How many sessions of the user have ended: all of them.
    pub ended_sessions: u64,
    /// The API keys of the user, in every tenant; they go on.
    pub api_keys: Vec<api_keys::Brief>,
    /// The ids of the user's open invites, in every tenant; they stay open.
    pub invite_ids: Vec<Uuid>,
    /// By this the device is known when its user logs in, so that they do not wait for what strangers have tried. It is no session.
    pub device_token: Option<String>,
}

struct Reset {
    state: Arc<State>,
    link: one_time_token::Model,
    target: user::Model,
    password_hash: String,
    device: Device,
    now: Instant,
    witness: Witness,
}

/// Sets another password. Second factors stay, and nobody is logged in by it.
pub(crate) async fn execute(auth: &Auth, request: Request, from: Whence) -> Result<Response, Error> {
    let state = auth.0.clone();
    state.throttle.admit_address(from.address.0)?;
    let reader = state.database.reader();
    let link = links::by_token(reader, Purpose::ResetPassword, &request.token.0).await?.ok_or(Error::NotFound("link"))?;
    links::need_open(&link, state.clock.now())?;
    let target = user(reader, link.user_id.unwrap_or_default()).await?.ok_or(Error::LinkExpired)?;
    let password_hash = hash_new(&state, request.password, &about(&state, &target).await?).await?;
    let device = Device::of(auth, None, &from.user_agent);
    let witness = Witness::new(&state.clock, &state.ids);
    let reset = Reset { state: state.clone(), link, target, password_hash, device: device.clone(), now: state.clock.now(), witness };
    settled(async move {
        let done = state.database.write(reset, |reset, txn| Box::pin(turn(reset, txn))).await;
        state.forget_everybody();
        state.outbox.wake();
        Ok(Response { device_token: device.into_token(), ..done? })
    })
    .await
}

/// What a guesser of the password would try first.
async fn about(state: &State, user: &user::Model) -> Result<Vec<String>, Error> {
    let mut about = vec![user.email.clone(), user.name.clone()];
    for membership in memberships(state.database.reader(), user.id).await? {
        about.extend(open_tenant(state.database.reader(), membership.tenant_id).await?.map(|tenant| tenant.name));
    }
    Ok(about)
}

async fn turn(reset: &Reset, txn: &Txn) -> Result<Response, Error> {
    let Reset { state, link, target, password_hash, device, now, witness } = reset;
    let user = hold_user(txn, target.id).await?.filter(|user| user.disabled_at.is_none() && user.erased_at.is_none()).ok_or(Error::LinkExpired)?;
    // What was mailed proves something of the address that the account had then.
    let is_to_user = link.email.as_ref().is_none_or(|email| EmailKey::of(email).0 == user.email_key);
    if !is_to_user || !links::may_still(txn, link, &user).await? {
        return Err(Error::LinkExpired);
    }
    if !links::use_up(txn, link.id, *now).await? {
        let link = links::by_id(txn, link.id).await?.ok_or(Error::LinkExpired)?;
        links::need_open(&link, *now)?;
        return Err(Error::LinkExpired);
    }
    set_password(txn, user.id, password_hash, *now).await?;
    if link.is_mailed && link.email.is_some() {
        verify_email(txn, user.id, *now).await?;
    }
    let ended_sessions = revoke_all(txn, user.id, *now).await?;
    devices::revoke_all(txn, user.id, *now).await?;
    links::void_all(txn, user.id, *now).await?;
    device.keep(txn, user.id, *now).await?;
    throttle::forget_account(txn, &state.throttle.account_key(&EmailKey(user.email_key))).await?;
    Notice::PasswordChanged.tell(txn, &state.outbox, user.id, *now).await?;
    let concerned = Concerned { user_id: Some(user.id), tenant_id: link.tenant_id, object_id: Some(link.id), ..Concerned::default() };
    witness.done(Act::ResetPassword, concerned).record(txn).await?;
    let GoesOn { api_keys, invite_ids } = GoesOn::of(txn, user.id, *now).await?;
    Ok(Response { ended_sessions, api_keys, invite_ids, device_token: None })
}

/// Sets another password by a link that was mailed or handed over.
///
/// The link works once. Whether it may be used is looked at as of now: who handed it over must still be allowed to. All sessions of the user
/// end, in every tenant, no device of theirs is known any more, and other links for a new password or address are void. Second factors stay.
/// Nobody is logged in by it: the answer has a `device_token` with which the user logs in without waiting for what strangers have tried.
/// API keys and invites that the user made go on: they are listed, to be ended by who knows why the password was changed.
#[utoipa::path(
    operation_id = "reset_password",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "It is changed.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: no such link.", body = ProblemDocument<'_>),
        (status = 410, description = "`link_used`: used before. `link_expired`: too late, void, or whoever handed it over may no longer do that.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `password_too_short`, `password_too_long`, `password_blocked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being hashed. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/password/reset")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    _: NoIdempotencyKey,
    address: kernel::ClientAddress,
    user_agent: crate::UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let done = execute(&auth, body.request, Whence { address, user_agent }).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(done))
}
