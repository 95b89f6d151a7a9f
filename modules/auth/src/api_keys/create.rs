//! `POST /tenants/{tenant}/api-keys`: a key for a program.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use auth_entity::api_key;
use chrono::{DateTime, FixedOffset};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, Flaw, FromFields, FromValue, Instant, Permission, Permissions, Problem, Sites, Text, Txn, Violation};
use sea_orm::IntoActiveModel as _;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::token::Token;
use super::{Found, need_admin, repository, write_scopes};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::members::repository::hold_tenant;
use crate::members::{Reach, in_own_tenant};
use crate::notices::Notice;
use crate::signed_in::{acting, signed_in};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, settled};

/// What a key is for.
#[derive(Clone, ToSchema)]
#[schema(as = CreateApiKey)]
pub struct Request {
    /// What it is for, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, examples("till in the bar"))]
    name: String,
    /// What it may do: 1 or more permissions that the caller holds.
    #[schema(value_type = Vec<Permission>, min_items = 1)]
    scopes: Scopes,
    #[serde(flatten)]
    reach: Reach,
    /// When it ends by itself; never where nothing is said.
    expires_at: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Scopes(Permissions);

impl FromValue for Scopes {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let known = |name: &Value| Permission::ALL.into_iter().find(|permission| Some(permission.name()) == name.as_str());
        let names = value.as_array().filter(|names| !names.is_empty());
        let scopes: Option<Permissions> = names.and_then(|names| names.iter().map(known).collect::<Option<Vec<_>>>()).map(|named| named.into_iter().collect());
        let all = || Permission::ALL.map(Permission::name).join(", ");
        scopes.map(Self).ok_or_else(|| Flaw::new("invalid_scopes", format!("a list of one or more of these is expected: {}", all())))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, scopes) = (fields.required::<Text<1, 200>>("name"), fields.required::<Scopes>("scopes"));
        let (reach, expires_at) = (Reach::read_required(fields), fields.optional("expires_at"));
        Some(Self { name: name?.0, scopes: scopes?, reach: reach?, expires_at: expires_at? })
    }
}

/// A new key. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct Response {
    #[serde(flatten)]
    key: super::Response,
    /// What the program sends as bearer token.
    pub secret: String,
}

struct Creation {
    id: Uuid,
    prefix: String,
    secret_hash: String,
    request: Request,
    sites: Sites,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let state = auth.0.clone();
    let (now, doer) = (state.clock.now(), Doer::new(auth, caller));
    if request.expires_at.is_some_and(|end| end <= now) {
        let flaw = Violation { pointer: "/expires_at".into(), code: "in_the_past".into(), detail: "a time that is yet to come is expected".into() };
        return Err(Error::Refused(Problem::invalid(vec![flaw])));
    }
    let sites = request.reach.sites_or_none();
    if caller.permissions.holds(Permission::Admin) && sites.within(&caller.sites) {
        // Nobody else learns which sites there are; that they may not make keys is found, and written down, below.
        state.need_sites(caller.tenant_id, &sites).await?;
    }
    let (id, token) = (state.ids.next(now), Token::new(&state.ids));
    let creation =
        Creation { id, prefix: token.prefix().to_owned(), secret_hash: token.hash(), request, sites, doer: doer.clone(), outbox: state.outbox.clone(), now };
    settled(async move {
        let made = state.database.write(creation, |creation, txn| Box::pin(turn(creation, txn))).await;
        state.outbox.wake();
        let found = doer.audited(&state, Act::CreateApiKey, id, made).await?;
        Ok(Response { key: found.into(), secret: token.reveal().to_owned() })
    })
    .await
}

async fn turn(creation: &Creation, txn: &Txn) -> Result<Found, Error> {
    let Creation { request, sites, doer, outbox, now, .. } = creation;
    // Against a demotion at the same time: nobody makes a key of what they no longer are.
    hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, doer.session_id, *now).await?;
    let own = actor.grant();
    need_admin(&actor)?;
    if !request.scopes.0.within(own.role.permissions()) || !sites.within(&own.sites) {
        return Err(Error::RoleEscalation);
    }
    actor.need_fresh(*now)?;
    let found = Found { key: creation.key(actor.membership_id), sites: sites.clone() };
    repository::insert(txn, outbox.ids(), *now, found.key.clone().into_active_model(), &found).await?;
    Notice::ApiKeyCreated.tell(txn, outbox, doer.user_id, *now).await?;
    doer.done(Act::CreateApiKey, creation.id).record(txn).await?;
    Ok(found)
}

impl Creation {
    fn key(&self, membership_id: Uuid) -> api_key::Model {
        api_key::Model {
            id: self.id,
            tenant_id: self.doer.tenant_id,
            membership_id,
            name: self.request.name.clone(),
            prefix: self.prefix.clone(),
            secret_hash: self.secret_hash.clone(),
            scopes: write_scopes(self.request.scopes.0),
            all_sites: self.sites == Sites::All,
            created_at: self.now.into(),
            expires_at: self.request.expires_at.map(DateTime::<FixedOffset>::from),
            last_used_at: None,
            revoked_at: None,
        }
    }
}

/// Makes an API key: a bearer token for programs, taken by every endpoint of `/v1/inventory`.
///
/// It acts for whoever made it: what it may do is at any time what it was made for, as far as its maker may do that then. It ends
/// with the membership of its maker. Its secret is shown this once.
#[utoipa::path(
    operation_id = "create_api_key",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id")),
    request_body = Request,
    responses(
        (status = 201, description = "The key, with its secret.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `admin`. `role_escalation`: a scope or a site that the caller has not. `reauth_required`: keys are made by who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_scopes`, `sites_contradict`, `unknown_site`, `in_the_past`.", body = ProblemDocument<'_>),
    )
)]
#[post("/tenants/{tenant}/api-keys", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    caller: Caller,
    tenant: web::Path<String>,
    _: NoIdempotencyKey,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &tenant)?;
    let made = execute(&auth, &caller, body.request).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(made))
}
