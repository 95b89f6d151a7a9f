//! `POST /login`: an address and a password become a session.

use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Fields, FromFields, Problem, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;
use crate::audit::{Act, Concerned, Witness};
use crate::email::EmailKey;
use crate::error::Error;
use crate::members::repository::{live_membership, member, user_by_email, user_held};
use crate::password::Password;
use crate::sessions::{NewSession, UserAgent, repository};
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};

/// Who wants to come in.
#[derive(ToSchema)]
#[schema(as = LoginRequest)]
pub struct Request {
    /// The e-mail address.
    #[schema(value_type = String, max_length = 254, examples("mia@example.com"))]
    email: EmailKey,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Which tenant to work in, for members of several; the oldest membership where none is named.
    tenant_id: Option<Uuid>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        // Whatever is no address belongs to nobody: it is answered as an unknown one is.
        let (email, password, tenant_id) = (fields.required::<Text<1, 254>>("email"), fields.required("password"), fields.optional("tenant_id"));
        Some(Self { email: EmailKey::of(&email?.0), password: password?, tenant_id: tenant_id? })
    }
}

/// Who was found, to be looked at again inside of the transaction: a password takes its time, and a member may have been
/// removed meanwhile.
struct Found {
    user_id: Uuid,
    tenant_id: Option<Uuid>,
    password_hash: String,
    session: NewSession,
    witness: Witness,
    epoch: i64,
}

/// Begins a session. An unknown, disabled or removed user and a wrong or empty password are the same to the caller, and take
/// the same statements and one hashing.
pub(crate) async fn execute(auth: &Auth, request: Request, user_agent: UserAgent) -> Result<Tokens, Error> {
    let state = &auth.0;
    let reader = state.database.reader();
    let user = user_by_email(reader, &request.email).await?;
    let user_id = user.as_ref().map_or(Uuid::nil(), |user| user.id);
    let membership = live_membership(reader, user_id, request.tenant_id).await?;
    let right = state.hasher.verify(request.password, user.as_ref().map(|user| user.password_hash.clone())).await?;

    let (now, witness) = (state.clock.now(), Witness::new(&state.clock, &state.ids));
    if let (Some(user), Some(_), true) = (user, membership, right)
        && user.disabled_at.is_none()
    {
        let found = Found {
            user_id,
            tenant_id: request.tenant_id,
            password_hash: user.password_hash,
            session: NewSession::begin(&state.ids, now, user_agent),
            witness: witness.clone(),
            epoch: state.epoch,
        };
        if let Some(subject) = state.database.write(found, |found, txn| Box::pin(begin(found, txn))).await? {
            return state.tokens.issue(&subject, state.ids.next(now), now);
        }
    }
    let subject = Some(state.subjects.pseudonym(&request.email));
    let refused = witness.refused(Act::Login, Concerned { subject, ..Concerned::default() });
    state.database.write(refused, |event, txn| Box::pin(async move { Ok::<_, Error>(event.record(txn).await?) })).await?;
    Err(Error::InvalidCredentials)
}

async fn begin(found: &Found, txn: &Txn) -> Result<Option<Subject>, Error> {
    let user = user_held(txn, found.user_id).await?;
    if !user.is_some_and(|user| user.disabled_at.is_none() && user.password_hash == found.password_hash) {
        return Ok(None);
    }
    let Some(member) = member(txn, found.user_id, found.tenant_id, found.epoch).await? else { return Ok(None) };
    repository::insert(txn, found.session.row(&member)).await?;
    let concerned = Concerned::session(member.tenant_id, member.user_id, found.session.id);
    found.witness.done(Act::Login, concerned).record(txn).await?;
    Ok(Some(found.session.subject(&member)))
}

/// Logs in and begins a session in one tenant.
#[utoipa::path(
    operation_id = "login",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "Logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: unknown address, wrong password, a disabled user, or no member of the tenant; the answer does not tell which.", body = ProblemDocument<'_>),
        (status = 413, description = "`body_too_large`: more than 16 KiB.", body = ProblemDocument<'_>),
        (status = 415, description = "`unsupported_media_type`: not JSON.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`.", body = ProblemDocument<'_>),
        (status = 500, description = "`internal_error`.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/login")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, agent: UserAgent, body: Body<Request>) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, body.request, agent).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(tokens))
}
