//! `POST /tenants/{tenant}/invites`: somebody is invited.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use auth_entity::invite;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Problem, Sites, Txn};
use sea_orm::IntoActiveModel as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Found, InviteStatus, LIFE, PREFIX, repository};
use crate::audit::{Act, Doer};
use crate::email::Email;
use crate::error::Error;
use crate::mail::{Outbox, letters};
use crate::members::repository::{hold_tenant, membership_of, user_by_email};
use crate::members::{Grant, Reach, in_own_tenant};
use crate::roles::Role;
use crate::signed_in::{acting, signed_in};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, credential, settled};

/// Who is invited, and what they become.
#[derive(Clone, ToSchema)]
#[schema(as = CreateInvite)]
pub struct Request {
    /// Whom it is for. Nobody else can accept it.
    #[schema(value_type = String, format = Email, max_length = 254, examples("tom@example.com"))]
    email: Email,
    /// What they become; not more than the caller is.
    role: Role,
    #[serde(flatten)]
    reach: Reach,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (email, role, reach) = (fields.required("email"), fields.required("role"), Reach::read_required(fields));
        Some(Self { email: email?, role: role?, reach: reach? })
    }
}

impl Request {
    fn grant(&self) -> Grant {
        Grant { role: self.role, sites: self.reach.sites_or_none() }
    }
}

/// An invite with what opens it. Both are shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewInvite)]
pub struct Response {
    /// The invite.
    pub invite: super::Response,
    /// What is sent to `POST /v1/auth/invites/accept`.
    pub token: String,
    /// The link to hand over, where the installation knows its public address (`auth.public_url`); the token is behind its `#`.
    pub link: Option<String>,
}

struct Inviting {
    id: Uuid,
    email: Email,
    grant: Grant,
    token_hash: String,
    /// Another one, which only a letter has: whoever sends it reads mail to that address.
    mailed_token: String,
    doer: Doer,
    outbox: Outbox,
    now: Instant,
}

/// Makes an invite. One for the same address that is still open ends with it.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<Response, Error> {
    let state = auth.0.clone();
    let grant = request.grant();
    grant.check()?;
    if caller.permissions.holds(Permission::ManageMembers) && grant.sites.within(&caller.sites) {
        // Nobody else learns which sites there are; that they may not invite is found, and written down, below.
        state.need_sites(caller.tenant_id, &grant.sites).await?;
    }
    let (now, doer) = (state.clock.now(), Doer::new(auth, caller));
    let token = credential::new(PREFIX, &state.ids);
    let id = state.ids.next(now);
    let inviting = Inviting {
        id,
        email: request.email,
        grant,
        token_hash: credential::hash(&token),
        mailed_token: credential::new(PREFIX, &state.ids),
        doer: doer.clone(),
        outbox: state.outbox.clone(),
        now,
    };
    settled(async move {
        let made = state.database.write(inviting, |inviting, txn| Box::pin(turn(inviting, txn))).await;
        let found = doer.audited(&state, Act::Invite, id, made).await?;
        state.outbox.wake();
        let link = state.outbox.link("invite", &token);
        Ok(Response { invite: super::Response::new(found.invite, found.grant.role, &found.grant.sites, now), token, link })
    })
    .await
}

async fn turn(inviting: &Inviting, txn: &Txn) -> Result<Found, Error> {
    let Inviting { email, grant, doer, outbox, now, .. } = inviting;
    let tenant = hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, doer.session_id, *now).await?;
    grant.given_by(&actor.grant())?;
    if grant.needs_reauth() {
        actor.need_fresh(*now)?;
    }
    if let Some(user) = user_by_email(txn, &email.key).await?
        && membership_of(txn, doer.tenant_id, user.id).await?.is_some()
    {
        return Err(Error::AlreadyMember);
    }
    let pending = repository::pending_for(txn, doer.tenant_id, &email.key.0).await?;
    for before in repository::with_grants(txn, doer.tenant_id, pending.into_iter().collect()).await? {
        // Who may not give it may not take it back, either.
        if InviteStatus::of(&before.invite, *now) == InviteStatus::Open {
            before.grant.given_by(&actor.grant())?;
        }
        repository::withdraw(txn, &[before.invite.id], *now).await?;
    }
    let is_mailed = outbox.is_on() && repository::has_mails_left(txn, doer.tenant_id, &email.key.0, *now).await?;
    let invite = inviting.invite(actor.membership_id, is_mailed);
    let found = Found { invite, grant: grant.clone() };
    repository::insert(txn, outbox.ids(), *now, found.invite.clone().into_active_model(), &found).await?;
    if is_mailed {
        let link = outbox.mailed_link("invite", &inviting.mailed_token)?;
        outbox.put(txn, &email.text, None, letters::invite(&tenant.name, &link, LIFE), *now).await?;
    }
    doer.done(Act::Invite, inviting.id).record(txn).await?;
    Ok(found)
}

impl Inviting {
    fn invite(&self, membership_id: Uuid, is_mailed: bool) -> invite::Model {
        invite::Model {
            id: self.id,
            tenant_id: self.doer.tenant_id,
            email: self.email.text.clone(),
            email_key: self.email.key.0.clone(),
            role: self.grant.role.name().to_owned(),
            all_sites: self.grant.sites == Sites::All,
            token_hash: self.token_hash.clone(),
            membership_id,
            created_at: self.now.into(),
            expires_at: self.now.plus(LIFE).into(),
            accepted_at: None,
            accepted_by: None,
            revoked_at: None,
            mailed_token_hash: is_mailed.then(|| credential::hash(&self.mailed_token)),
        }
    }
}

/// Invites somebody into the tenant.
///
/// The answer has the link, or the token, to hand over; it is shown this once. Where this installation sends mail, the address is mailed another
/// one (three an hour at the most), which shows that whoever accepts with it has the address. It is for that address only, can be accepted once
/// and within seven days, and ends with the membership of whoever made it. Another invite for the same address takes its place.
#[utoipa::path(
    operation_id = "create_invite",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id")),
    request_body = Request,
    responses(
        (status = 201, description = "The invite and its token.", body = Response),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`. `role_escalation`: more would be given than the caller has. `reauth_required`: owners and managers are invited by who has shown in the last ten minutes who they are.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
        (status = 409, description = "`already_member`.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `invalid_email`, `invalid_role`, `sites_contradict`, `unknown_site`, `owner_needs_all_sites`.", body = ProblemDocument<'_>),
    )
)]
#[post("/tenants/{tenant}/invites", wrap = "from_fn(signed_in)")]
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
