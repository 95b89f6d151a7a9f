//! `POST /me/password`: another password.

use actix_web::middleware::from_fn;
use actix_web::{post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::open_tenant;
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::members::repository::{hold_user, memberships, set_password, user};
use crate::mfa::SecondFactor;
use crate::notices::Notice;
use crate::password::{Password, hash_new};
use crate::reauth::{Proof, proven};
use crate::sessions::repository::revoke_others;
use crate::signed_in::{acting, signed_in};
use crate::uncached::NoIdempotencyKey;
use crate::{Auth, State, api_keys, devices, invites, links, settled};

/// The old and the new one.
#[derive(ToSchema)]
#[schema(as = ChangePassword)]
pub struct Request {
    /// The password of now.
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// The new one: 15 to 256 characters (an operator may lower the least to 8); one that is easily guessed is refused.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: Password,
    #[serde(flatten)]
    factor: SecondFactor,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (current_password, password) = (fields.required("current_password"), fields.required("password"));
        let factor = SecondFactor::read(fields);
        Some(Self { current_password: current_password?, password: password?, factor: factor? })
    }
}

/// What ended, and what goes on that the user made: whoever changes a password because somebody else knew it looks at these.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordChanged)]
pub struct Response {
    /// How many other sessions of the user have ended.
    pub ended_sessions: u64,
    /// The API keys of the user, in every tenant; they go on.
    pub api_keys: Vec<api_keys::Brief>,
    /// The ids of the user's open invites, in every tenant; they stay open.
    pub invite_ids: Vec<Uuid>,
}

struct Change {
    proof: Proof,
    password_hash: String,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

/// Changes the password, and ends every other session.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let Request { current_password, password, factor } = request;
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    proven(auth, caller, current_password, factor, Act::ChangePassword, async |proof| {
        let password_hash = hash_new(&state, password, &about(&state, caller).await?).await?;
        let change = Change { proof, password_hash, doer, outbox: state.outbox.clone(), now: state.clock.now() };
        settled(async move {
            let changed = state.database.write(change, |change, txn| Box::pin(turn(change, txn))).await;
            state.forget_everybody();
            state.outbox.wake();
            changed
        })
        .await
    })
    .await
}

/// What a guesser of the password would try first.
async fn about(state: &State, caller: &Caller) -> Result<[String; 3], Error> {
    let reader = state.database.reader();
    let user = user(reader, caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    let tenant = open_tenant(reader, caller.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    Ok([user.email, user.name, tenant.name])
}

async fn turn(change: &Change, txn: &Txn) -> Result<Option<Response>, Error> {
    let Change { proof, password_hash, doer, outbox, now } = change;
    let user = hold_user(txn, doer.user_id).await?;
    let session = acting(txn, doer.session_id, *now).await?;
    // Somebody was quicker.
    if !proof.accept(txn, user, &session, *now).await? {
        return Ok(None);
    }
    set_password(txn, doer.user_id, password_hash, *now).await?;
    devices::revoke_all(txn, doer.user_id, *now).await?;
    links::void_all(txn, doer.user_id, *now).await?;
    let ended = revoke_others(txn, doer.user_id, session.session_id, *now).await?;
    Notice::PasswordChanged.tell(txn, outbox, doer.user_id, *now).await?;
    doer.done(Act::ChangePassword, doer.user_id).record(txn).await?;
    let GoesOn { api_keys, invite_ids } = GoesOn::of(txn, doer.user_id, *now).await?;
    Ok(Some(Response { ended_sessions: ended, api_keys, invite_ids }))
}

/// What a user has made and what another password does not end.
pub(crate) struct GoesOn {
    pub(crate) api_keys: Vec<api_keys::Brief>,
    pub(crate) invite_ids: Vec<Uuid>,
}

impl GoesOn {
    pub(crate) async fn of(txn: &Txn, user_id: Uuid, now: Instant) -> Result<Self, Error> {
        let (mut api_keys, mut of_user) = (Vec::new(), Vec::new());
        for membership in memberships(txn, user_id).await? {
            api_keys.extend(api_keys::of(txn, membership.tenant_id, &[membership.id], now).await?.into_values().flatten());
            of_user.push(membership.id);
        }
        let invite_ids = invites::open_of(txn, &of_user, now).await?.into_iter().map(|invite| invite.id).collect();
        Ok(Self { api_keys, invite_ids })
    }
}

/// Changes the password of whoever is logged in.
///
/// Every other session of the user ends, in every tenant, no device of theirs is known any more, and links for a new password or address are void. API keys and invites that the user made go on: they are listed, to be
/// ended by who knows why the password was changed.
#[utoipa::path(
    operation_id = "change_password",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "It is changed.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: not the password of now. `mfa_invalid`: it is, and the user's second factor is wrong, was used before or was not sent. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `password_too_short`, `password_too_long`, `password_blocked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong passwords or codes; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/me/password", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<web::Json<Response>, Problem> {
    Ok(web::Json(execute(&auth, &caller, body.request).await?))
}
