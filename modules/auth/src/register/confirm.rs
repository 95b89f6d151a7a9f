//! `POST /register/confirm`: whoever asked for an account has shown that the address is theirs.

use actix_web::{HttpResponse, post, web};
use auth_entity::one_time_token;
use kernel::database::violated_constraint;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Txn};
use utoipa::ToSchema;

use super::Application;
use crate::audit::{Act, Concerned, Event, Witness};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{self, Purpose, Token};
use crate::members::repository::{user_by_email, verify_email};
use crate::password::{Password, hash_new};
use crate::sessions::UserAgent;
use crate::tenants::{Currency, Founders, Owner, TimeZone, find_place};
use crate::tokens::Tokens;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// The link.
#[derive(ToSchema)]
#[schema(as = ConfirmRegistration)]
pub struct Request {
    /// The link's token: what is behind its `#`.
    #[schema(value_type = String)]
    token: Token,
    /// The password of the new account: 15 to 256 characters (an operator may lower the least to 8); one that is easily guessed is refused.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: Password,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (token, password) = (fields.required("token"), fields.required("password"));
        Some(Self { token: token?, password: password? })
    }
}

struct Confirmation {
    link: one_time_token::Model,
    email: EmailKey,
    founders: Founders,
    event: Event,
    now: Instant,
}

/// Makes the account and the tenant, and logs in.
pub(crate) async fn execute(auth: &Auth, request: Request, from: ClientAddress, user_agent: UserAgent) -> Result<Tokens, Error> {
    let state = auth.0.clone();
    state.throttle.admit_address(from.0)?;
    if !state.may_register {
        return Err(Error::RegistrationOff);
    }
    let link = links::by_token(state.database.reader(), Purpose::Register, &request.token.0).await?.ok_or(Error::NotFound("link"))?;
    let now = state.clock.now();
    links::need_open(&link, now)?;
    let (Some(email), Some(sealed)) = (&link.email, &link.sealed_payload) else { return Err(Error::LinkExpired) };
    let application = state.outbox.open_payload(email, sealed)?;
    let application: Application = serde_json::from_slice(&application).map_err(|_| Error::Cryptography("reading an application"))?;
    let about = [application.email.clone(), application.name.clone(), application.tenant_name.clone()];
    let password_hash = hash_new(&state, request.password, &about).await?;
    // Hashing has taken its time.
    let now = state.clock.now();
    let key = EmailKey::of(&application.email);
    let owner = Owner {
        email: application.email,
        email_key: key.clone(),
        name: application.name,
        password_hash,
        tenant_name: application.tenant_name,
        currency: Currency(application.currency),
        time_zone: TimeZone(application.time_zone),
    };
    let founders = Founders::new(&state, owner, user_agent, now);
    let (member, facts, subject) = (founders.member(), founders.facts(), founders.subject());
    let concerned = Concerned { object_id: Some(link.id), ..Concerned::session(member.tenant_id, member.user_id, founders.session_id()) };
    let event = Witness::new(&state.clock, &state.ids).done(Act::Register, concerned);
    let confirmation = Confirmation { link, email: key, founders, event, now };
    settled(async move {
        let made = state.database.write(confirmation, |confirmation, txn| Box::pin(turn(confirmation, txn))).await;
        match made {
            Ok(true) => {}
            Ok(false) => return Err(Error::EmailTaken),
            // Somebody else has got the address at this moment.
            Err(Error::Database(error)) if violated_constraint(&error).is_some_and(|name| name.contains("email_key")) => return Err(Error::EmailTaken),
            Err(error) => return Err(error),
        }
        find_place(&state, facts).await;
        state.tokens.issue(&subject, state.ids.next(now), now)
    })
    .await
}

/// Whether the account was made: false where there is one with that address by now. Then the link is used up all the same.
async fn turn(confirmation: &Confirmation, txn: &Txn) -> Result<bool, Error> {
    let Confirmation { link, email, founders, event, now } = confirmation;
    if !links::use_up(txn, link.id, *now).await? {
        let link = links::by_id(txn, link.id).await?.ok_or(Error::LinkExpired)?;
        links::need_open(&link, *now)?;
        return Err(Error::LinkExpired);
    }
    if user_by_email(txn, email).await?.is_some() {
        return Ok(false);
    }
    founders.insert(txn).await?;
    links::forget_content(txn, link.id).await?;
    verify_email(txn, founders.member().user_id, *now).await?;
    event.record(txn).await?;
    Ok(true)
}

/// Makes the account and the tenant that were asked for, and begins a session of its owner.
#[utoipa::path(
    operation_id = "confirm_registration",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "Done; the owner is logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`registration_off`: this installation takes those in who are invited.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: no such link.", body = ProblemDocument<'_>),
        (status = 409, description = "`email_taken`: there is an account with this address by now.", body = ProblemDocument<'_>),
        (status = 410, description = "`link_used`: used before. `link_expired`: too late.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
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
    let tokens = execute(&auth, body.request, address, user_agent).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(tokens))
}
