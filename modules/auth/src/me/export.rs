//! `GET /me/export`: everything that this module knows of a user, for them.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, get, web};
use auth_entity::{audit_event, totp};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Permission, Problem, Txn};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::User;
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{grant, memberships, user};
use crate::members::sites_told;
use crate::signed_in::{acting, signed_in};
use crate::tenants::audit::{Response as AuthEvent, newest};
use crate::uncached::NO_STORE;
use crate::{Auth, api_keys, devices, invites, notices, sessions, settled};

/// So many rows of each list are answered at the most, the last ones.
const MOST_ROWS: u64 = 5_000;

/// What is known of the caller. Of no list more than the last 5,000 are told.
#[derive(Serialize, ToSchema)]
#[schema(as = UserExport)]
pub struct Response {
    /// When this was asked for.
    pub exported_at: Instant,
    /// Who it is about.
    pub user: User,
    /// Since when there is this user.
    pub created_at: Instant,
    /// When it was shown that mail to the address reaches the user.
    pub email_verified_at: Option<Instant>,
    /// Since when the user logs in with a second factor.
    pub second_factor_since: Option<Instant>,
    /// Where they are a member.
    pub memberships: Vec<Membership>,
    /// Where they are and were logged in.
    pub sessions: Vec<Session>,
    /// From which devices they have logged in.
    pub devices: Vec<Device>,
    /// Which API keys they have made.
    pub api_keys: Vec<ApiKey>,
    /// Whom they have invited.
    pub invites: Vec<Invite>,
    /// What they were told.
    pub notices: Vec<Notice>,
    /// What they have done.
    pub events: Vec<AuthEvent>,
}

/// A membership, as it is exported.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedMembership)]
pub struct Membership {
    /// Its id.
    pub id: Uuid,
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// What the user is there.
    pub role: String,
    /// Whether that is true at every site.
    pub all_sites: bool,
    /// The sites, where it is not every one.
    pub site_ids: Vec<Uuid>,
    /// Since when.
    pub created_at: Instant,
}

/// A session, as it is exported.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedSession)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it works in.
    pub tenant_id: Uuid,
    /// What the program called itself that logged in.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When it was refreshed last, or began.
    pub last_used_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
    /// When somebody ended it.
    pub ended_at: Option<Instant>,
}

/// A device, as it is exported.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedDevice)]
pub struct Device {
    /// Its id.
    pub id: Uuid,
    /// What the program called itself that logged in.
    pub user_agent: Option<String>,
    /// When the user first logged in from it.
    pub created_at: Instant,
    /// When the user last logged in from it.
    pub last_used_at: Instant,
    /// From when on it was known no more.
    pub revoked_at: Option<Instant>,
}

/// An API key, as it is exported: without its secret, which nobody has.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedApiKey)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it works in.
    pub tenant_id: Uuid,
    /// What it is for.
    pub name: String,
    /// What its secret begins with, after `lark_`.
    pub prefix: String,
    /// What it may do at the most.
    pub scopes: Vec<Permission>,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends by itself.
    pub expires_at: Option<Instant>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Instant>,
    /// When somebody ended it.
    pub ended_at: Option<Instant>,
}

/// An invite, as it is exported.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedInvite)]
pub struct Invite {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it is for.
    pub tenant_id: Uuid,
    /// Whom it is for.
    pub email: String,
    /// What they become.
    pub role: String,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it can be accepted.
    pub expires_at: Instant,
    /// When it was accepted.
    pub accepted_at: Option<Instant>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Instant>,
}

/// A notice, as it is exported.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedNotice)]
pub struct Notice {
    /// What happened.
    pub kind: String,
    /// When.
    pub created_at: Instant,
    /// When the user has seen it.
    pub seen_at: Option<Instant>,
}

struct Asking {
    doer: Doer,
    now: Instant,
}

/// Everything that this module knows of the caller; for whoever has shown lately that it is they.
pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<Response, Error> {
    let (state, doer, now) = (auth.0.clone(), Doer::new(auth, caller), auth.0.clock.now());
    let asking = Asking { doer: doer.clone(), now };
    settled(async move {
        let asked = state.database.write(asking, |asking, txn| Box::pin(ask(asking, txn))).await;
        doer.audited(&state, Act::ExportUser, doer.user_id, asked).await
    })
    .await?;
    collect(auth.0.database.reader(), caller.user_id, now).await
}

async fn ask(asking: &Asking, txn: &Txn) -> Result<(), Error> {
    let Asking { doer, now } = asking;
    acting(txn, doer.session_id, *now).await?.need_fresh(*now)?;
    Ok(doer.done(Act::ExportUser, doer.user_id).record(txn).await?)
}

async fn collect(reader: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<Response, Error> {
    let user = user(reader, user_id).await?.ok_or(Error::SessionRevoked)?;
    let (mut told, mut own) = (Vec::new(), Vec::new());
    for membership in memberships(reader, user_id).await? {
        own.push(membership.id);
        let sites = grant(reader, &membership).await?.map(|grant| sites_told(&grant.sites));
        let (all_sites, site_ids) = sites.unwrap_or_default();
        let auth_entity::membership::Model { id, tenant_id, role, created_at, .. } = membership;
        told.push(Membership { id, tenant_id, role, all_sites, site_ids, created_at: created_at.into() });
    }
    let factor = totp::Entity::find_by_id(user_id).one(reader).await?;
    let events = newest(reader, Condition::all().add(audit_event::Column::UserId.eq(user_id)), None, MOST_ROWS).await?;
    Ok(Response {
        exported_at: now,
        created_at: user.created_at.into(),
        email_verified_at: user.email_verified_at.map(Instant::from),
        user: User { id: user.id, email: user.email, name: user.name },
        second_factor_since: factor.and_then(|factor| factor.confirmed_at).map(Instant::from),
        memberships: told,
        sessions: sessions::repository::of(reader, user_id, MOST_ROWS).await?.into_iter().map(Session::from).collect(),
        devices: devices::of(reader, user_id).await?.into_iter().map(Device::from).collect(),
        api_keys: api_keys::made_by(reader, &own, MOST_ROWS).await?.into_iter().map(ApiKey::from).collect(),
        invites: invites::made_by(reader, &own, MOST_ROWS).await?.into_iter().map(Invite::from).collect(),
        notices: notices::of(reader, user_id, MOST_ROWS).await?.into_iter().map(Notice::from).collect(),
        events: events.into_iter().map(AuthEvent::from).collect(),
    })
}

impl From<auth_entity::session::Model> for Session {
    fn from(session: auth_entity::session::Model) -> Self {
        Self {
            id: session.id,
            tenant_id: session.tenant_id,
            user_agent: session.user_agent,
            created_at: session.created_at.into(),
            last_used_at: session.last_used_at.into(),
            expires_at: session.expires_at.into(),
            ended_at: session.revoked_at.map(Instant::from),
        }
    }
}

impl From<auth_entity::device::Model> for Device {
    fn from(device: auth_entity::device::Model) -> Self {
        Self {
            id: device.id,
            user_agent: device.user_agent,
            created_at: device.created_at.into(),
            last_used_at: device.last_used_at.into(),
            revoked_at: device.revoked_at.map(Instant::from),
        }
    }
}

impl From<auth_entity::api_key::Model> for ApiKey {
    fn from(key: auth_entity::api_key::Model) -> Self {
        Self {
            id: key.id,
            tenant_id: key.tenant_id,
            scopes: api_keys::read_scopes(&key.scopes).iter().collect(),
            name: key.name,
            prefix: key.prefix,
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Instant::from),
            last_used_at: key.last_used_at.map(Instant::from),
            ended_at: key.revoked_at.map(Instant::from),
        }
    }
}

impl From<auth_entity::invite::Model> for Invite {
    fn from(invite: auth_entity::invite::Model) -> Self {
        Self {
            id: invite.id,
            tenant_id: invite.tenant_id,
            email: invite.email,
            role: invite.role,
            created_at: invite.created_at.into(),
            expires_at: invite.expires_at.into(),
            accepted_at: invite.accepted_at.map(Instant::from),
            withdrawn_at: invite.revoked_at.map(Instant::from),
        }
    }
}

impl From<auth_entity::notice::Model> for Notice {
    fn from(notice: auth_entity::notice::Model) -> Self {
        Self { kind: notice.kind, created_at: notice.created_at.into(), seen_at: notice.seen_at.map(Instant::from) }
    }
}

/// Everything that is known here of whoever is logged in: memberships, sessions, devices, keys, invites, notices and what they did. No
/// secret is in it.
#[utoipa::path(
    operation_id = "export_me",
    tag = "auth",
    responses(
        (status = 200, description = "It.", body = Response),
        (status = 403, description = "`reauth_required`: this is for who has shown in the last ten minutes who they are. `forbidden`.", body = ProblemDocument<'_>),
    )
)]
#[get("/me/export", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(execute(&auth, &caller).await?))
}
