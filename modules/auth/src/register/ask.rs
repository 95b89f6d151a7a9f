//! `POST /register`: somebody wants an account and a tenant of their own.
//!
//! As with a forgotten password, what is asked is written down, whoever has the address, and looked at apart from the request.

use std::sync::Arc;

use actix_web::{HttpResponse, post, web};
use auth_entity::outbox;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Application;
use crate::audit::{Act, Concerned, Witness};
use crate::email::{Email, EmailKey};
use crate::error::Error;
use crate::links::{NewLink, Purpose, has_mails_left, has_registrations_left};
use crate::mail::{Outbox, answered, letters};
use crate::members::repository::{hold_user, open_memberships, user_by_email};
use crate::tenants::{Currency, TimeZone};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, State, settled};

/// Who wants to come in, and the tenant that will be theirs.
#[derive(ToSchema)]
#[schema(as = RegisterRequest)]
pub struct Request {
    /// The e-mail address, by which they will log in. A link is mailed to it.
    #[schema(value_type = String, format = Email, max_length = 254, examples("mia@example.com"))]
    email: Email,
    /// Their name, 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: String,
    /// The name of the kitchen or company, 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    tenant_name: String,
    /// What money is counted in: an ISO 4217 code.
    #[schema(value_type = String, examples("EUR"))]
    currency: Currency,
    /// Where days begin and end: a name of the IANA time zone database.
    #[schema(value_type = String, examples("Europe/Paris"))]
    time_zone: TimeZone,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email");
        let (name, tenant_name) = (fields.required::<Text<1, 200>>("name"), fields.required::<Text<1, 200>>("tenant_name"));
        let (currency, time_zone) = (fields.required("currency"), fields.required("time_zone"));
        Some(Self { email: email?, name: name?.0, tenant_name: tenant_name?.0, currency: currency?, time_zone: time_zone? })
    }
}

struct Asking {
    application: Application,
    outbox: Outbox,
    now: Instant,
}

/// Writes down what is asked, the same for every address.
pub(crate) async fn execute(auth: &Auth, request: Request, from: ClientAddress) -> Result<(), Error> {
    let state = auth.0.clone();
    if !state.may_register {
        return Err(Error::RegistrationOff);
    }
    state.throttle.admit_address(from.0)?;
    let application = Application {
        email: request.email.text,
        name: request.name,
        tenant_name: request.tenant_name,
        currency: request.currency.0,
        time_zone: request.time_zone.0,
    };
    let asking = Asking { application, outbox: state.outbox.clone(), now: state.clock.now() };
    settled(async move {
        let asked = state.database.write(asking, |asking, txn| {
            Box::pin(async move {
                let application = serde_json::to_string(&asking.application).map_err(|_| Error::Cryptography("writing an application"))?;
                asking.outbox.ask_to_register(txn, &asking.application.email, application, asking.now).await
            })
        });
        asked.await?;
        state.outbox.wake();
        Ok(())
    })
    .await
}

struct Answer {
    row: outbox::Model,
    user_id: Uuid,
    application: String,
    email: String,
    outbox: Outbox,
    now: Instant,
    witness: Witness,
}

/// Does what was asked: mails a link by which the account is made, or, where there is one, a link for a new password. Whoever has an
/// account and is a member of nothing cannot log in with it: they are mailed the link that makes a tenant, too.
pub(crate) async fn answer(state: &Arc<State>, row: outbox::Model, email: String, application: String) -> Result<(), Error> {
    let user_id = user_by_email(state.database.reader(), &EmailKey::of(&email)).await?.map_or(Uuid::nil(), |user| user.id);
    let witness = Witness::new(&state.clock, &state.ids);
    let answer = Answer { row, user_id, application, email, outbox: state.outbox.clone(), now: state.clock.now(), witness };
    state.database.write(answer, |answer, txn| Box::pin(turn(answer, txn))).await?;
    state.outbox.wake();
    Ok(())
}

async fn turn(answer: &Answer, txn: &Txn) -> Result<(), Error> {
    let Answer { row, user_id, application, email, outbox, now, witness } = answer;
    let key = EmailKey::of(email).0;
    let user = hold_user(txn, *user_id).await?.filter(|user| user.email_key == key);
    if !answered(txn, row).await? {
        return Ok(());
    }
    if user.as_ref().is_some_and(|user| user.disabled_at.is_some() || user.erased_at.is_some()) {
        return Ok(());
    }
    if let Some(user) = &user
        && open_memberships(txn, user.id).await? > 0
    {
        if !has_mails_left(txn, user.id, Purpose::ResetPassword, *now).await? {
            return Ok(());
        }
        let link = NewLink { email: Some(user.email.clone()), is_mailed: true, ..NewLink::of(Purpose::ResetPassword, user.id) };
        let token = link.make(txn, outbox.ids(), *now).await?;
        outbox.put(txn, &user.email, Some(user.id), letters::registered_before(&outbox.mailed_link("reset", &token)?), *now).await?;
        return Ok(witness.done(Act::MailResetLink, Concerned { user_id: Some(user.id), ..Concerned::default() }).record(txn).await?);
    }
    if !has_registrations_left(txn, &key, *now).await? {
        return Ok(());
    }
    let sealed = outbox.seal_payload(&key, application)?;
    let link = NewLink { purpose: Purpose::Register, user_id: None, issuer: None, email: Some(key), sealed_payload: Some(sealed), is_mailed: true };
    let token = link.make(txn, outbox.ids(), *now).await?;
    let link = outbox.mailed_link("register", &token)?;
    match user {
        Some(user) => outbox.put(txn, &user.email, Some(user.id), letters::register_again(&link), *now).await,
        None => outbox.put(txn, email, None, letters::register(&link), *now).await,
    }
}

/// Asks for an account with a tenant of one's own: a link is mailed to the address, and `POST /v1/auth/register/confirm` takes it, with the
/// password: whoever asks need not be who reads that mail.
///
/// Off, unless whoever runs the server has allowed it. The answer is the same for every address: whoever has an account already is mailed
/// a link for a new password instead, unless they are a member of nothing any more: then the link makes a tenant for that account.
#[utoipa::path(
    operation_id = "register",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 202, description = "A link is mailed to the address; it works once and for a day."),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`.", body = ProblemDocument<'_>),
        (status = 403, description = "`registration_off`: this installation takes those in who are invited.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_email`, `invalid_currency`, `invalid_time_zone`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too much is asked from this address. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
    )
)]
#[post("/register")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, address: ClientAddress, body: Body<Request>) -> Result<HttpResponse, Problem> {
    execute(&auth, body.request, address).await?;
    Ok(HttpResponse::Accepted().insert_header(NO_STORE).finish())
}
