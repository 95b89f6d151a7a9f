//! `PATCH /tenants/{tenant}/members/{member}`: what a member may do, and where.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, patch, web};
use kernel::http::{IfMatch, etag};
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Problem, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Fate, Grant, Reach, Response, hold, id, in_own_tenant, repository, tell_of_owner};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::mail::Outbox;
use crate::roles::Role;
use crate::signed_in::signed_in;
use crate::{Auth, invites, settled};

/// What changes of a member; what is not named stays.
#[derive(Clone, ToSchema)]
#[schema(as = MemberChange)]
pub struct Request {
    /// What they are from now on.
    role: Option<Role>,
    #[serde(flatten)]
    reach: Reach,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (role, reach) = (fields.optional("role"), Reach::read(fields));
        Some(Self { role: role?, reach: reach? })
    }
}

struct Change {
    membership_id: Uuid,
    request: Request,
    seen: IfMatch,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

/// Changes a member. It counts from this answer on here, and within five seconds everywhere.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, membership_id: Uuid, seen: IfMatch, request: Request) -> Result<Response, Error> {
    let state = auth.0.clone();
    if let Some(sites) = request.reach.sites().filter(|sites| sites.within(&caller.sites))
        && caller.permissions.holds(Permission::ManageMembers)
    {
        // Nobody else learns which sites there are; that they may not change anybody is found, and written down, below.
        state.need_sites(caller.tenant_id, &sites).await?;
    }
    let (now, doer) = (state.clock.now(), Doer::new(auth, caller));
    let change = Change { membership_id, request, seen, doer: doer.clone(), outbox: state.outbox.clone(), now };
    settled(async move {
        let changed = state.database.write(change, |change, txn| Box::pin(turn(change, txn))).await;
        state.forget_everybody();
        state.outbox.wake();
        doer.audited(&state, Act::ChangeMember, membership_id, changed).await
    })
    .await
}

async fn turn(change: &Change, txn: &Txn) -> Result<Response, Error> {
    let Change { membership_id, request, seen, doer, outbox, now } = change;
    let held = hold(txn, doer.session_id, doer.tenant_id, *membership_id, *now).await?;
    let (role, sites) = (request.role.unwrap_or(held.grant.role), request.reach.sites().unwrap_or_else(|| held.grant.sites.clone()));
    let then = Grant { role, sites };
    held.decide(txn, Fate::Becomes(&then)).await?;
    seen.check(held.membership.version).map_err(Error::Refused)?;
    then.check()?;
    if then != held.grant {
        if then.needs_reauth() {
            held.actor.need_fresh(*now)?;
        }
        if then.role == Role::Owner && held.grant.role != Role::Owner {
            tell_of_owner(txn, outbox, doer.tenant_id, *now).await?;
        }
        repository::change(txn, outbox.ids(), *now, &held.membership, &then).await?;
        invites::withdraw_beyond(txn, doer.tenant_id, *membership_id, &then, *now).await?;
        doer.done(Act::ChangeMember, *membership_id).record(txn).await?;
    }
    // Before anybody else changes it again.
    super::read::one(txn, doer.tenant_id, *membership_id, *now).await
}

/// Changes what a member may do, and where.
///
/// Nobody acts on a member who is more than they are themselves, or makes more of one. Open invites of the member that go beyond
/// what they become are withdrawn; their API keys shrink with them.
#[utoipa::path(
    operation_id = "change_member",
    tag = "auth",
    params(
        ("tenant" = Uuid, Path, description = "The tenant's id"),
        ("member" = Uuid, Path, description = "The membership's id"),
        ("If-Match" = String, Header, description = "The ETag that was seen, or `*`"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "The member as they are now; the ETag is its version.", body = Response),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`. `role_escalation`: the member is, or would be, more than the caller. `reauth_required`: owners and managers are made by who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
        (status = 409, description = "`last_owner`: the tenant would have no owner.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_role`, `sites_contradict`, `unknown_site`, `owner_needs_all_sites`.", body = ProblemDocument<'_>),
    )
)]
#[patch("/tenants/{tenant}/members/{member}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    caller: Caller,
    path: web::Path<(String, String)>,
    seen: IfMatch,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &path.0)?;
    let member = execute(&auth, &caller, id(&path.1, "member")?, seen, body.request).await?;
    Ok(HttpResponse::Ok().insert_header(etag(member.version)).json(member))
}
