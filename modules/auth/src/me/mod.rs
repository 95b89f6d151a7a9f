//! `GET /me`: who is logged in, and what they may do.

pub(crate) mod change;
pub(crate) mod delete;
pub(crate) mod email;
pub(crate) mod export;
pub(crate) mod lost_device;
pub(crate) mod notices;
pub(crate) mod password;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, get, web};
use kernel::http::etag;
use kernel::{Caller, Instant, Permission, Problem};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::members::repository::{live_membership, open_tenant, user};
use crate::members::sites_told;
use crate::notices::unseen;
use crate::roles::Role;
use crate::signed_in::signed_in_to_enrol;
use crate::{Auth, mfa};

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub struct Response {
    /// Who is logged in.
    pub user: User,
    /// Goes up with every change of the user; the ETag is the same number.
    pub version: i64,
    /// Whether it was shown that mail to the address reaches the user.
    pub email_verified: bool,
    /// The tenant that this session works in.
    pub tenant: Tenant,
    /// The id of the membership.
    pub membership_id: Uuid,
    /// What the user is in this tenant.
    pub role: Role,
    /// What the role may do.
    pub permissions: Vec<Permission>,
    /// Whether that is true at every site of the tenant.
    pub all_sites: bool,
    /// The sites, where it is not every one.
    pub site_ids: Vec<Uuid>,
    /// This session.
    pub session_id: Option<Uuid>,
    /// The second factor of the user.
    pub mfa: Mfa,
    /// What the user should know because it may not have been they who did it, and has not seen yet: the last 50, the last first.
    pub notices: Vec<Notice>,
}

/// The second factor of a user.
#[derive(Serialize, ToSchema)]
pub struct Mfa {
    /// Whether the user has an authenticator app, of which a log-in asks for a code.
    pub is_enrolled: bool,
    /// Whether the tenant of this session requires one. Without one nearly everything answers 403 `mfa_enrollment_required` then.
    pub is_required: bool,
    /// How many recovery codes are left. New ones are had by `POST /v1/auth/mfa/recovery-codes`.
    pub recovery_codes_left: u64,
}

/// Something that happened to the user's account.
#[derive(Serialize, ToSchema)]
pub struct Notice {
    /// Its id, by which it is marked as seen.
    pub id: Uuid,
    /// `password_changed`, `new_device`, `email_changed`, `owner_created`, `api_key_created`, `mfa_changed`, `mfa_failed`; later versions may know more.
    pub kind: String,
    /// When it happened.
    pub created_at: Instant,
}

/// A user.
#[derive(Clone, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// The e-mail address, as it was written.
    pub email: String,
    /// Its name.
    pub name: String,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct Tenant {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// A name of the IANA time zone database.
    pub time_zone: String,
}

pub async fn execute(auth: &Auth, caller: &Caller) -> Result<Response, Error> {
    of(auth.0.database.reader(), caller).await
}

async fn of(connection: &impl ConnectionTrait, caller: &Caller) -> Result<Response, Error> {
    let membership = live_membership(connection, caller.user_id, Some(caller.tenant_id)).await?.ok_or(Error::SessionRevoked)?;
    let tenant = open_tenant(connection, caller.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let user = user(connection, caller.user_id).await?.ok_or(Error::SessionRevoked)?;
    let role = Role::parse(&membership.role).ok_or(Error::SessionRevoked)?;
    let (all_sites, site_ids) = sites_told(&caller.sites);
    let notices = unseen(connection, caller.user_id).await?.into_iter();
    Ok(Response {
        membership_id: membership.id,
        version: user.version,
        email_verified: user.email_verified_at.is_some(),
        user: User { id: user.id, email: user.email, name: user.name },
        tenant: Tenant { id: tenant.id, name: tenant.name, currency: tenant.currency, time_zone: tenant.time_zone },
        role,
        permissions: role.permissions().iter().collect(),
        all_sites,
        site_ids,
        session_id: caller.session_id,
        mfa: Mfa {
            is_enrolled: mfa::is_enrolled(connection, caller.user_id).await?,
            is_required: tenant.mfa_required,
            recovery_codes_left: mfa::recovery_codes_left(connection, caller.user_id).await?,
        },
        notices: notices.map(|notice| Notice { id: notice.id, kind: notice.kind, created_at: notice.created_at.into() }).collect(),
    })
}

/// Who is logged in, and what they may do.
#[utoipa::path(
    operation_id = "get_me",
    tag = "auth",
    responses(
        (status = 200, description = "The caller; the ETag is the version of the user.", body = Response),
    )
)]
#[get("/me", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse, Problem> {
    let me = execute(&auth, &caller).await?;
    Ok(HttpResponse::Ok().insert_header(etag(me.version)).json(me))
}
