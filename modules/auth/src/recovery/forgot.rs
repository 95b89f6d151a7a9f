//! `POST /password/forgot`: somebody wants a link for a new password mailed to them.
//!
//! What was asked is written down, and nothing else, whoever has the address: the request does the same for all of them. Whether there is
//! such an account is looked at apart from it, by what sends the mail.

use std::sync::Arc;

use actix_web::{HttpResponse, post, web};
use auth_entity::outbox;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{NewLink, Purpose, has_mails_left};
use crate::mail::{Outbox, answered, letters};
use crate::members::repository::{hold_user, user_by_email};
use crate::throttle::Refusal;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State, settled};

/// Who has forgotten their password.
#[derive(ToSchema)]
#[schema(as = ForgotPassword)]
pub struct Request {
    /// The e-mail address of the account.
    #[schema(max_length = 254, examples("mia@example.com"))]
    email: String,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        // Whatever is no address belongs to nobody: it is answered as an unknown one is.
        Some(Self { email: fields.required::<Text<1, 254>>("email")?.0 })
    }
}

/// Writes down what is asked, the same for every address. Where no mail goes out, nothing is.
pub(crate) async fn execute(auth: &Auth, request: Request, from: ClientAddress) -> Result<(), Error> {
    let state = auth.0.clone();
    state.throttle.admit_address(from.0)?;
    if !state.outbox.is_on() {
        return Ok(());
    }
    let asked = (state.outbox.clone(), request.email, state.clock.now());
    settled(async move {
        let written = state.database.write(asked, |(outbox, email, now), txn| Box::pin(async move { outbox.ask_for_link(txn, email, *now).await }));
        written.await?;
        state.outbox.wake();
        Ok(())
    })
    .await
}

struct Answer {
    row: outbox::Model,
    user_id: Uuid,
    email: EmailKey,
    /// Where no link is mailed.
    refusal: Refusal,
    outbox: Outbox,
    now: Instant,
    witness: Witness,
}

/// Does what was asked: mails a link where there is such an account, unless it had enough of them in this hour.
pub(crate) async fn answer(state: &Arc<State>, row: outbox::Model, asked: String) -> Result<(), Error> {
    let email = EmailKey::of(&asked);
    let user_id = user_by_email(state.database.reader(), &email).await?.map_or(Uuid::nil(), |user| user.id);
    let witness = Witness::new(&state.clock, &state.ids);
    let answer =
        Answer { row, user_id, refusal: Refusal::new(state, Act::MailResetLink, &email), email, outbox: state.outbox.clone(), now: state.clock.now(), witness };
    state.database.write(answer, |answer, txn| Box::pin(turn(answer, txn))).await?;
    state.outbox.wake();
    Ok(())
}

async fn turn(answer: &Answer, txn: &Txn) -> Result<(), Error> {
    let Answer { row, user_id, email, refusal, outbox, now, witness } = answer;
    let user = hold_user(txn, *user_id).await?.filter(|user| user.disabled_at.is_none() && user.erased_at.is_none() && user.email_key == email.0);
    if !answered(txn, row).await? {
        // Another replica was quicker.
        return Ok(());
    }
    let Some(user) = user else { return refusal.record(txn).await };
    if !has_mails_left(txn, user.id, Purpose::ResetPassword, *now).await? {
        return refusal.record(txn).await;
    }
    // To the address as its user wrote it, and not as somebody else has asked for it.
    let link = NewLink { email: Some(user.email.clone()), is_mailed: true, ..NewLink::of(Purpose::ResetPassword, user.id) };
    let token = link.make(txn, outbox.ids(), *now).await?;
    outbox.put(txn, &user.email, Some(user.id), letters::reset_password(&outbox.mailed_link("reset", &token)?), *now).await?;
    let concerned = Concerned { user_id: Some(user.id), ..Concerned::default() };
    Ok(witness.done(Act::MailResetLink, concerned).record(txn).await?)
}

/// Mails a link for a new password to whoever has this address, if anybody has.
///
/// The answer is the same for every address, also where this installation sends no mail. A link works once and for an hour, an account is
/// mailed three of them an hour at the most, and one that comes later leaves those before it valid.
#[utoipa::path(
    operation_id = "forgot_password",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 202, description = "Whoever has this address is mailed a link."),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
    )
)]
#[post("/password/forgot")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, address: ClientAddress, body: Body<Request>) -> Result<HttpResponse, Problem> {
    execute(&auth, body.request, address).await?;
    Ok(HttpResponse::Accepted().insert_header(NO_STORE).finish())
}
