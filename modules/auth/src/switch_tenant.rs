//! `POST /switch-tenant`: a session in another tenant of the same user. A session has one tenant for life, so two tabs on two
//! tenants never mix.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;
use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::members::repository::{member, share_user};
use crate::sessions::{NewSession, Standing, UserAgent, repository};
use crate::signed_in::signed_in_to_enrol;
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};

/// Where to go on.
#[derive(ToSchema)]
#[schema(as = SwitchTenantRequest)]
pub struct Request {
    /// A tenant that the caller is a member of.
    tenant_id: Uuid,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { tenant_id: fields.required("tenant_id")? })
    }
}

struct Switch {
    tenant_id: Uuid,
    user_id: Uuid,
    from: Uuid,
    session: NewSession,
    now: Instant,
    witness: Witness,
}

/// Begins the other session. It ends when the present one would have ended, which goes on beside it.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request, user_agent: UserAgent) -> Result<Tokens, Error> {
    let state = &auth.0;
    let now = state.clock.now();
    let switch = Switch {
        tenant_id: request.tenant_id,
        user_id: caller.user_id,
        from: caller.session_id.ok_or(Error::SessionRevoked)?,
        session: NewSession::begin(&state.ids, now, user_agent),
        now,
        witness: Witness::new(&state.clock, &state.ids),
    };
    let subject = state.database.write(switch, |switch, txn| Box::pin(begin(switch, txn))).await?;
    state.tokens.issue(&subject, state.ids.next(now), now)
}

async fn begin(switch: &Switch, txn: &Txn) -> Result<Subject, Error> {
    // Against a removal, another password, or an end of the session at the same time: what ends with it must not have a successor.
    share_user(txn, switch.user_id).await?;
    repository::hold(txn, switch.from).await?;
    let from: Option<Standing> = repository::standing(txn, switch.from).await?;
    let from = from.filter(|from| from.lasts(switch.now)).ok_or(Error::SessionRevoked)?;
    let member = member(txn, from.user_id, Some(switch.tenant_id), from.epoch).await?.ok_or(Error::NotFound("tenant"))?;
    let session = switch.session.clone().after(&from);
    repository::insert(txn, session.row(&member)).await?;
    let concerned = Concerned::session(member.tenant_id, member.user_id, session.id);
    switch.witness.done(Act::SwitchTenant, concerned).record(txn).await?;
    Ok(session.subject(&member))
}

/// Begins a session in another tenant that the caller is a member of.
///
/// A session has one tenant for life. The new one ends when the present one would have ended; the present one goes on.
#[utoipa::path(
    operation_id = "switch_tenant",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "The tokens of a session in that tenant.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: there is no such tenant, or the caller is not a member of it.", body = ProblemDocument<'_>),
    )
)]
#[post("/switch-tenant", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    caller: Caller,
    _: NoIdempotencyKey,
    agent: UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, &caller, body.request, agent).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(tokens))
}
