//! `POST /me/email`: another address, or the present one verified.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use utoipa::ToSchema;

use crate::audit::{Act, Doer};
use crate::email::Email;
use crate::error::Error;
use crate::links::{NewLink, Purpose, has_mails_left};
use crate::mail::{Outbox, letters};
use crate::members::repository::hold_user;
use crate::signed_in::{acting, signed_in};
use crate::uncached::NoIdempotencyKey;
use crate::{Auth, settled};

/// The address.
#[derive(ToSchema)]
#[schema(as = ChangeEmail)]
pub struct Request {
    /// The new address; or the present one, to show that mail to it arrives.
    #[schema(value_type = String, format = Email, max_length = 254, examples("mia@example.com"))]
    email: Email,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { email: fields.required("email")? })
    }
}

struct Asking {
    email: Email,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

/// Mails a link to the address. Whether somebody else has it, only whoever opens that link learns.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let user_id = caller.user_id;
    let asking = Asking { email: request.email, doer: doer.clone(), outbox: state.outbox.clone(), now: state.clock.now() };
    settled(async move {
        let asked = state.database.write(asking, |asking, txn| Box::pin(turn(asking, txn))).await;
        state.outbox.wake();
        doer.audited(&state, Act::RequestEmail, user_id, asked).await
    })
    .await
}

async fn turn(asking: &Asking, txn: &Txn) -> Result<(), Error> {
    let Asking { email, doer, outbox, now } = asking;
    let user = hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    let session = acting(txn, doer.session_id, *now).await?;
    session.need_fresh(*now)?;
    if !outbox.is_on() {
        return Err(Error::MailNotConfigured);
    }
    let is_own = email.key.0 == user.email_key;
    let (purpose, to) = if is_own { (Purpose::VerifyEmail, &user.email) } else { (Purpose::ChangeEmail, &email.text) };
    if !has_mails_left(txn, user.id, purpose, *now).await? {
        return Ok(());
    }
    let link = NewLink { email: Some(to.clone()), is_mailed: true, ..NewLink::of(purpose, user.id) };
    let token = link.make(txn, outbox.ids(), *now).await?;
    let link = outbox.mailed_link("verify-email", &token)?;
    let draft = if is_own { letters::verify_email(&link) } else { letters::change_email(&link) };
    outbox.put(txn, to, Some(user.id), draft, *now).await?;
    if !is_own {
        outbox.put(txn, &user.email, Some(user.id), letters::email_change_asked(), *now).await?;
    }
    Ok(doer.done(Act::RequestEmail, user.id).record(txn).await?)
}

/// Asks for another e-mail address: a link is mailed to it, and the address is the user's when that is opened (`POST /v1/auth/email/verify`).
///
/// The present address is told by mail. For the present address itself a link is mailed that verifies it. Whether somebody else has the
/// address is not told here. An account is mailed three links an hour at the most; more are answered alike, and not sent.
#[utoipa::path(
    operation_id = "change_email",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 202, description = "A link is mailed to the address. It works once and for an hour; for the present address, for a day."),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 403, description = "`reauth_required`: not shown in the last ten minutes who it is. `forbidden`: an API key has no address.", body = ProblemDocument<'_>),
        (status = 409, description = "`mail_not_configured`: this installation sends no mail, so nobody can show that an address is theirs.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_email`.", body = ProblemDocument<'_>),
    )
)]
#[post("/me/email", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, _: NoIdempotencyKey, body: Body<Request>) -> Result<HttpResponse, Problem> {
    execute(&auth, &caller, body.request).await?;
    Ok(HttpResponse::Accepted().finish())
}
