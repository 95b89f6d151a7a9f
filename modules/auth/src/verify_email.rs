//! `POST /email/verify`: whoever opens a link that was mailed to an address has shown that it is theirs.

use actix_web::{HttpResponse, post, web};
use auth_entity::one_time_token;
use kernel::database::violated_constraint;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Event, Witness};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{self, Purpose, Token};
use crate::mail::Outbox;
use crate::members::repository::{hold_user, set_email, user_by_email, verify_email};
use crate::notices::Notice;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// The link.
#[derive(ToSchema)]
#[schema(as = VerifyEmail)]
pub struct Request {
    /// The link's token: what is behind its `#`.
    #[schema(value_type = String)]
    token: Token,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { token: fields.required("token")? })
    }
}

/// What the link was for.
#[derive(Serialize, ToSchema)]
#[schema(as = EmailVerified)]
pub struct Response {
    /// The address, which is that of the account now.
    pub email: String,
    /// Whether the account had another one before.
    pub changed: bool,
}

struct Opening {
    link: one_time_token::Model,
    user_id: Uuid,
    email: String,
    outbox: Outbox,
    now: Instant,
    witness: Witness,
}

impl Opening {
    fn changes(&self) -> bool {
        self.link.purpose == Purpose::ChangeEmail.name()
    }

    fn done(&self, act: Act) -> Event {
        self.witness.done(act, Concerned { user_id: Some(self.user_id), object_id: Some(self.link.id), ..Concerned::default() })
    }
}

/// Uses the link up. Whoever opens it may be logged in anywhere or nowhere.
pub(crate) async fn execute(auth: &Auth, request: Request, from: ClientAddress) -> Result<Response, Error> {
    let state = auth.0.clone();
    state.throttle.admit_address(from.0)?;
    let reader = state.database.reader();
    let link = match links::by_token(reader, Purpose::ChangeEmail, &request.token.0).await? {
        Some(link) => link,
        None => links::by_token(reader, Purpose::VerifyEmail, &request.token.0).await?.ok_or(Error::NotFound("link"))?,
    };
    links::need_open(&link, state.clock.now())?;
    let (Some(user_id), Some(email)) = (link.user_id, link.email.clone()) else { return Err(Error::LinkExpired) };
    let witness = Witness::new(&state.clock, &state.ids);
    let opening = Opening { link, user_id, email: email.clone(), outbox: state.outbox.clone(), now: state.clock.now(), witness };
    let changed = opening.changes();
    settled(async move {
        let opened = state.database.write(opening, |opening, txn| Box::pin(turn(opening, txn))).await;
        state.outbox.wake();
        match opened {
            Ok(true) => Ok(Response { email, changed }),
            Ok(false) => Err(Error::EmailTaken),
            // Somebody else has got the address at this moment.
            Err(Error::Database(error)) if violated_constraint(&error).is_some_and(|name| name.contains("email_key")) => Err(Error::EmailTaken),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Whether the address is the user's now: false where another account has it. Then the link is used up all the same.
async fn turn(opening: &Opening, txn: &Txn) -> Result<bool, Error> {
    let Opening { link, user_id, email, outbox, now, .. } = opening;
    let user = hold_user(txn, *user_id).await?.filter(|user| user.disabled_at.is_none() && user.erased_at.is_none()).ok_or(Error::LinkExpired)?;
    if !links::use_up(txn, link.id, *now).await? {
        let link = links::by_id(txn, link.id).await?.ok_or(Error::LinkExpired)?;
        links::need_open(&link, *now)?;
        return Err(Error::LinkExpired);
    }
    let key = EmailKey::of(email);
    if !opening.changes() {
        if key.0 != user.email_key {
            return Err(Error::LinkExpired);
        }
        verify_email(txn, user.id, *now).await?;
        opening.done(Act::VerifyEmail).record(txn).await?;
        return Ok(true);
    }
    if user_by_email(txn, &key).await?.is_some_and(|other| other.id != user.id) {
        opening.witness.refused(Act::ChangeEmail, Concerned { user_id: Some(user.id), object_id: Some(link.id), ..Concerned::default() }).record(txn).await?;
        return Ok(false);
    }
    set_email(txn, user.id, email, &key, *now).await?;
    // What was mailed to the address before is no longer its user's.
    links::void_all(txn, user.id, *now).await?;
    Notice::EmailChanged.tell_at(txn, outbox, user.id, Some(&user.email), *now).await?;
    opening.done(Act::ChangeEmail).record(txn).await?;
    Ok(true)
}

/// Uses a link that was mailed to an address: the address is that of the account from now on, and verified.
///
/// Where another account has the address, the link is used up and nothing changes: only whoever reads mail to it learns that. The address
/// before is told by mail.
#[utoipa::path(
    operation_id = "verify_email",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "The address is the account's, and verified.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: no such link.", body = ProblemDocument<'_>),
        (status = 409, description = "`email_taken`: another account has this address.", body = ProblemDocument<'_>),
        (status = 410, description = "`link_used`: used before. `link_expired`: too late, or void.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
    )
)]
#[post("/email/verify")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, address: ClientAddress, body: Body<Request>) -> Result<HttpResponse, Problem> {
    let opened = execute(&auth, body.request, address).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(opened))
}
