//! `POST /register/confirm`: whoever asked for an account has shown that the address is theirs.

use actix_web::{HttpResponse, post, web};
use auth_entity::one_time_token;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Txn};
use utoipa::ToSchema;

use super::{Application, newcomer, returning};
use crate::devices::Device;
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{self, Purpose, Token};
use crate::login::Whence;
use crate::members::repository::user_by_email;
use crate::mfa::SecondFactor;
use crate::password::Password;
use crate::sessions::UserAgent;
use crate::tokens::Tokens;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State};

/// The link.
#[derive(ToSchema)]
#[schema(as = ConfirmRegistration)]
pub struct Request {
    /// The link's token: what is behind its `#`.
    #[schema(value_type = String)]
    token: Token,
    /// The password of the new account: 15 to 256 characters (an operator may lower the least to 8); one that is easily guessed is refused.
    /// Whoever has an account and is a member of nothing any more sends its password. It is never set by this link.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: Password,
    #[serde(flatten)]
    factor: SecondFactor,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (token, password) = (fields.required("token"), fields.required("password"));
        let factor = SecondFactor::read(fields);
        Some(Self { token: token?, password: password?, factor: factor? })
    }
}

/// A link that is open, and what was asked for.
pub(super) struct Confirmed {
    pub(super) link: one_time_token::Model,
    pub(super) application: Application,
    pub(super) email: EmailKey,
    pub(super) user_agent: UserAgent,
    pub(super) device: Device,
}

impl Confirmed {
    async fn of(auth: &Auth, token: &Token, user_agent: UserAgent) -> Result<Self, Error> {
        let state = &auth.0;
        let link = links::by_token(state.database.reader(), Purpose::Register, &token.0).await?.ok_or(Error::NotFound("link"))?;
        links::need_open(&link, state.clock.now())?;
        let application = read(state, &link)?;
        let email = EmailKey::of(&application.email);
        let device = Device::of(auth, None, &user_agent);
        Ok(Self { link, application, email, user_agent, device })
    }
}

fn read(state: &State, link: &one_time_token::Model) -> Result<Application, Error> {
    let (Some(email), Some(sealed)) = (&link.email, &link.sealed_payload) else { return Err(Error::LinkExpired) };
    let application = state.outbox.open_payload(email, sealed)?;
    serde_json::from_slice(&application).map_err(|_| Error::Cryptography("reading an application"))
}

/// Uses a link up, or says why it is too late for that.
pub(super) async fn use_up(txn: &Txn, link: &one_time_token::Model, now: Instant) -> Result<(), Error> {
    if links::use_up(txn, link.id, now).await? {
        return Ok(());
    }
    links::need_open(&links::by_id(txn, link.id).await?.ok_or(Error::LinkExpired)?, now)?;
    Err(Error::LinkExpired)
}

/// Makes the account and the tenant, and logs in. Whoever has an account and is a member of nothing keeps it.
pub(crate) async fn execute(auth: &Auth, request: Request, from: Whence) -> Result<Tokens, Error> {
    let state = &auth.0;
    state.throttle.admit_address(from.address.0)?;
    if !state.may_register {
        return Err(Error::RegistrationOff);
    }
    let confirmed = Confirmed::of(auth, &request.token, from.user_agent).await?;
    let reader = state.database.reader();
    match user_by_email(reader, &confirmed.email).await? {
        Some(user) if returning::may(reader, &user).await? => returning::execute(auth, confirmed, user, request.password, request.factor).await,
        _ => newcomer::execute(auth, confirmed, request.password).await,
    }
}

/// Makes the account and the tenant that were asked for, and begins a session of its owner.
///
/// Whoever has an account with that address, and is a member of no open tenant any more, has the tenant made for that account: they send its
/// password, and a second factor where they have one. A wrong one leaves the link as it is.
#[utoipa::path(
    operation_id = "confirm_registration",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "Done; the owner is logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: there is an account with this address, which is a member of nothing, and this is not its password. `mfa_invalid`: it is, and the second factor is wrong, was used before or was not sent.", body = ProblemDocument<'_>),
        (status = 403, description = "`registration_off`: this installation takes those in who are invited.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: no such link.", body = ProblemDocument<'_>),
        (status = 409, description = "`email_taken`: there is an account with this address by now, and it is a member of a tenant.", body = ProblemDocument<'_>),
        (status = 410, description = "`link_used`: used before. `link_expired`: too late.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `password_too_short`, `password_too_long`, `password_blocked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address, or too many wrong passwords or codes. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/register/confirm")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    _: NoIdempotencyKey,
    address: ClientAddress,
    user_agent: UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, body.request, Whence { address, user_agent }).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(tokens))
}
