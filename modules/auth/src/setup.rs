//! `POST /setup`: the first user becomes the owner of the first tenant, once for all.

use actix_web::{HttpRequest, HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::reading::{body_bytes, read};
use kernel::{Fields, Flaw, FromFields, FromValue, Instant, Problem, Text, Txn};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use crate::audit::{Act, Concerned, Event, Witness};
use crate::email::Email;
use crate::error::Error;
use crate::password::{Password, Policy, hash_new, in_password};
use crate::sessions::UserAgent;
use crate::tenants::{Currency, Founders, Owner, TimeZone, find_place};
use crate::tokens::Tokens;
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, credential, instance};

/// The fewest characters of a setup token that an operator gives.
const LEAST_TOKEN_CHARACTERS: usize = 16;

/// The first owner and the first tenant.
#[derive(ToSchema)]
#[schema(as = SetupRequest)]
pub struct Request {
    /// The token that the server printed at its first start, or that it was given.
    #[schema(value_type = String)]
    setup_token: SetupToken,
    /// The owner's e-mail address, by which they log in.
    #[schema(value_type = String, format = Email, max_length = 254, examples("mia@example.com"))]
    email: Email,
    /// 15 to 256 characters (an operator may lower the least to 8); a password that is easily guessed is refused.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: Password,
    /// The owner's name, 1 to 200 characters.
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

struct SetupToken(String);

impl FromValue for SetupToken {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        Text::<1, 500>::from_value(value).map(|text| Self(text.0))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (setup_token, email, password) = (fields.required("setup_token"), fields.required("email"), fields.required("password"));
        let (name, tenant_name) = (fields.required::<Text<1, 200>>("name"), fields.required::<Text<1, 200>>("tenant_name"));
        let (currency, time_zone) = (fields.required("currency"), fields.required("time_zone"));
        Some(Self {
            setup_token: setup_token?,
            email: email?,
            password: password?,
            name: name?.0,
            tenant_name: tenant_name?.0,
            currency: currency?,
            time_zone: time_zone?,
        })
    }
}

impl Request {
    /// Everything that is wrong with the body at once, but for how easily the password is guessed: finding that out takes
    /// milliseconds, and is done only for who has the token.
    fn parse(body: &Value, policy: Policy) -> Result<Self, Problem> {
        let password = body.get("password").and_then(Value::as_str);
        let flaw = password.and_then(|password| policy.measure(&Password::new(password)).err()).map(in_password);
        match (read::<Self>(body), flaw) {
            (Ok(request), None) => Ok(request),
            (Ok(_), Some(flaw)) => Err(Problem::invalid(vec![flaw])),
            (Err(problem), None) => Err(problem),
            (Err(problem), Some(flaw)) => Err(Problem::invalid(problem.errors.into_iter().chain([flaw]).collect())),
        }
    }

    /// What a guesser of the password would try first.
    fn about(&self) -> [String; 3] {
        [self.email.text.clone(), self.name.clone(), self.tenant_name.clone()]
    }
}

/// What is written, all in one transaction.
struct Founding {
    token_hash: String,
    now: Instant,
    founders: Founders,
    event: Event,
}

/// Makes the owner and the tenant and logs in. Of any number that try at once, one does it. Who has not the token, or comes
/// after the set-up, is turned away before any work with passwords, so that strangers cannot keep its gate busy.
pub async fn execute(auth: &Auth, request: Request, user_agent: UserAgent) -> Result<Tokens, Error> {
    let state = &auth.0;
    let presented = credential::hash(&request.setup_token.0);
    let stored = instance::setup_token_hash(state.database.reader()).await?;
    if !bool::from(stored.as_bytes().ct_eq(presented.as_bytes())) {
        return Err(Error::SetupTokenInvalid);
    }
    let about = request.about();
    let password_hash = hash_new(state, request.password, &about).await?;

    let now = state.clock.now();
    let owner = Owner {
        email: request.email.text,
        email_key: request.email.key,
        name: request.name,
        password_hash,
        tenant_name: request.tenant_name,
        currency: request.currency,
        time_zone: request.time_zone,
    };
    let founders = Founders::new(state, owner, user_agent, now);
    let (member, facts, subject) = (founders.member(), founders.facts(), founders.subject());
    let concerned = Concerned::session(member.tenant_id, member.user_id, founders.session_id());
    let founding = Founding { token_hash: presented, now, founders, event: Witness::new(&state.clock, &state.ids).done(Act::Setup, concerned) };
    state.database.write(founding, |founding, txn| Box::pin(found(founding, txn))).await?;
    find_place(state, facts).await;
    state.tokens.issue(&subject, state.ids.next(now), now)
}

async fn found(founding: &Founding, txn: &Txn) -> Result<(), Error> {
    if !instance::close_setup(txn, &founding.token_hash, founding.now).await? {
        // Somebody was quicker, or the token was replaced meanwhile.
        return Err(instance::setup_token_hash(txn).await.err().unwrap_or(Error::SetupTokenInvalid));
    }
    founding.founders.insert(txn).await?;
    Ok(founding.event.record(txn).await?)
}

/// See [`Auth::announce_setup`].
pub(crate) async fn announce(auth: &Auth, given: Option<String>) -> Result<Option<String>, Error> {
    let state = &auth.0;
    let (token, is_new) = match given {
        Some(token) if token.trim().chars().count() < LEAST_TOKEN_CHARACTERS => return Err(Error::SetupTokenTooShort),
        Some(token) => (token.trim().to_owned(), false),
        None => (credential::new("", &state.ids), true),
    };
    let hash = credential::hash(&token);
    let offered = state.database.write(hash, move |hash, txn| Box::pin(async move { Ok::<_, Error>(instance::offer_setup(txn, hash, is_new).await?) })).await?;
    Ok(Some(token).filter(|_| is_new && offered))
}

/// Sets the installation up: the first owner, the first tenant, and a session for the owner.
///
/// Works once, with the token that the server printed at its first start.
#[utoipa::path(
    operation_id = "setup",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "Done; the owner is logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`setup_token_invalid`: not the setup token.", body = ProblemDocument<'_>),
        (status = 409, description = "`already_bootstrapped`: set up before.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `password_too_short`, `password_too_long`, `invalid_email`, `invalid_currency`, `invalid_time_zone`, and, where nothing else is wrong, `password_blocked`.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being hashed. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/setup")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    _: NoIdempotencyKey,
    agent: UserAgent,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let bytes = body_bytes(&request, &mut payload.into_inner(), |kind| kind == "application/json", "application/json").await?;
    let body = kernel::json::parse(&bytes)?;
    let tokens = execute(&auth, Request::parse(&body, auth.0.policy)?, agent).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(tokens))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(body: &Value) -> Vec<(String, String)> {
        let problem = Request::parse(body, Policy::new(15)).err().expect("refused");
        assert_eq!((problem.status, problem.code), (422, "invalid_request"));
        problem.errors.into_iter().map(|violation| (violation.pointer, violation.code.into_owned())).collect()
    }

    fn right() -> Value {
        json!({ "setup_token": "0123456789abcdef", "email": "mia@example.com", "password": "turnip kettle 7 anvil", "name": "Mia", "tenant_name": "Trattoria Luna",
                "currency": "EUR", "time_zone": "Europe/Paris" })
    }

    #[test]
    fn a_right_body_is_taken() {
        let request = Request::parse(&right(), Policy::new(15)).expect("taken");
        assert_eq!((request.currency.0.as_str(), request.time_zone.0.as_str(), request.email.key.0.as_str()), ("EUR", "Europe/Paris", "mia@example.com"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let body = json!({ "setup_token": "", "email": "mia", "password": "short", "name": " ", "currency": "eur", "time_zone": "Paris", "color": 1 });
        let expected = ["/setup_token", "/email", "/name", "/tenant_name", "/currency", "/time_zone", "/color", "/password"];
        let found = violations(&body);
        assert_eq!(found.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), expected);
        assert_eq!(found[7].1, "password_too_short");
    }

    #[test]
    fn the_password_is_judged_with_what_it_is_about_and_not_before_the_token() {
        let mut body = right();
        body["password"] = json!("Trattoria Luna1");
        let request = Request::parse(&body, Policy::new(15)).expect("not judged yet");
        let about = request.about();
        let flaw = Policy::new(15).judge(&request.password, &about.each_ref().map(String::as_str)).expect_err("blocked");
        assert_eq!(flaw.code, "password_blocked");
    }

    #[test]
    fn currency_and_time_zone_are_real_ones() {
        for (field, wrong) in
            [("currency", "EURO"), ("currency", "XXX"), ("currency", "XAU"), ("currency", "ABC"), ("time_zone", "CEST"), ("time_zone", "europe/paris")]
        {
            let mut body = right();
            body[field] = json!(wrong);
            assert_eq!(violations(&body), [(format!("/{field}"), format!("invalid_{field}"))], "{wrong}");
        }
        for (field, right_one) in [("currency", "JPY"), ("currency", "KWD"), ("time_zone", "UTC"), ("time_zone", "America/Argentina/Buenos_Aires")] {
            let mut body = right();
            body[field] = json!(right_one);
            assert!(Request::parse(&body, Policy::new(15)).is_ok(), "{right_one}");
        }
    }
}
