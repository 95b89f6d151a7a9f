//! `POST /tenants`: a user founds a further tenant, where the operator lets them.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Ids, Instant, Problem, Text, Txn};
use utoipa::ToSchema;

use super::{Currency, NewTenant, TimeZone, find_place};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{hold_user, owned};
use crate::sessions::{Member, NewSession, UserAgent, repository};
use crate::signed_in::{acting, signed_in};
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, links, settled};

/// Of so many open tenants one user may be an owner before they make no more.
const MOST_OWNED: u64 = 20;

/// The new tenant.
#[derive(Clone, ToSchema)]
#[schema(as = CreateTenant)]
pub struct Request {
    /// The name of the kitchen or company, 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: String,
    /// What money is counted in: an ISO 4217 code. It never changes.
    #[schema(value_type = String, examples("EUR"))]
    currency: Currency,
    /// Where days begin and end: a name of the IANA time zone database. It never changes.
    #[schema(value_type = String, examples("Europe/Paris"))]
    time_zone: TimeZone,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, currency, time_zone) = (fields.required::<Text<1, 200>>("name"), fields.required("currency"), fields.required("time_zone"));
        Some(Self { name: name?.0, currency: currency?, time_zone: time_zone? })
    }
}

struct Founding {
    tenant: NewTenant,
    session: NewSession,
    epoch: i64,
    doer: Doer,
    ids: Ids,
    now: Instant,
}

/// Makes the tenant with the caller as its owner, and begins a session there. It ends when the present one would have ended.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request, user_agent: UserAgent) -> Result<Tokens, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    if !state.new_tenants {
        return Err(Error::NewTenantsOff);
    }
    let now = state.clock.now();
    let tenant = NewTenant::new(&state, request.name, request.currency, request.time_zone, now);
    let (id, facts) = (tenant.id, tenant.facts());
    let session = NewSession::begin(&state.ids, now, user_agent);
    let founding = Founding { tenant, session, epoch: state.epoch(), doer: doer.clone(), ids: state.ids.clone(), now };
    settled(async move {
        let founded = state.database.write(founding, |founding, txn| Box::pin(turn(founding, txn))).await;
        let subject = doer.audited(&state, Act::CreateTenant, id, founded).await?;
        find_place(&state, facts).await;
        state.tokens.issue(&subject, state.ids.next(now), now)
    })
    .await
}

async fn turn(founding: &Founding, txn: &Txn) -> Result<Subject, Error> {
    let Founding { tenant, session, epoch, doer, ids, now } = founding;
    // Against a deletion of the user, and others who count what they own, at the same time.
    hold_user(txn, doer.user_id).await?;
    let from = acting(txn, doer.session_id, *now).await?;
    from.need_fresh(*now)?;
    if owned(txn, doer.user_id).await? >= MOST_OWNED {
        return Err(Error::TooManyTenants);
    }
    // Whoever works for several tenants is nobody's to decide about.
    links::void_handed_out(txn, doer.user_id, *now).await?;
    tenant.insert(txn, ids, doer.user_id).await?;
    let owner: Member = tenant.owner(doer.user_id, *epoch);
    let session = session.clone().after(&from);
    repository::insert(txn, session.row(&owner)).await?;
    doer.done_in(tenant.id, Act::CreateTenant, tenant.id).record(txn).await?;
    Ok(session.subject(&owner))
}

/// Makes a tenant, and a session of its owner there: the caller.
///
/// Only where the operator has switched that on (`auth.new_tenants`). The present session goes on in its own tenant.
#[utoipa::path(
    operation_id = "create_tenant",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "The tokens of a session in the new tenant; `tenant_id` is its id.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`new_tenants_off`: the operator makes tenants. `reauth_required`: owners are made by who has shown in the last ten minutes who they are. `forbidden`: an API key makes none.", body = ProblemDocument<'_>),
        (status = 409, description = "`too_many_tenants`: the caller is an owner of twenty.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_currency`, `invalid_time_zone`.", body = ProblemDocument<'_>),
    )
)]
#[post("/tenants", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    caller: Caller,
    _: NoIdempotencyKey,
    agent: UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, &caller, body.request, agent).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(tokens))
}
