//! Users, tenants, and who is a member of which.

pub(crate) mod change;
mod grant;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod repository;
pub(crate) mod reset_link;
pub(crate) mod reset_mfa;

use auth_entity::{membership, user};
pub(crate) use grant::{Fate, Grant, Reach, keeps_an_owner, may};
use kernel::{Caller, Instant, Permission, Problem, Sites, Txn};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api_keys;
use crate::error::Error;
use crate::mail::Outbox;
use crate::me::User;
use crate::notices::Notice;
use crate::roles::Role;
use crate::sessions::Standing;
use crate::signed_in::acting;

/// A member of a tenant.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct Response {
    /// The id of the membership. Whoever leaves and is invited again has another one.
    pub id: Uuid,
    /// Goes up with every change; the ETag is the same number.
    pub version: i64,
    /// Who it is.
    pub user: User,
    /// What they are in this tenant.
    pub role: Role,
    /// Whether that is true at every site of the tenant.
    pub all_sites: bool,
    /// The sites, where it is not every one.
    pub site_ids: Vec<Uuid>,
    /// The API keys that they have made and that have not ended. They end with the membership.
    pub api_keys: Vec<api_keys::Brief>,
    /// Since when.
    pub created_at: Instant,
}

impl Response {
    fn new(membership: membership::Model, user: user::Model, grant: Grant, api_keys: Vec<api_keys::Brief>) -> Self {
        let (all_sites, site_ids) = sites_told(&grant.sites);
        Self {
            id: membership.id,
            version: membership.version,
            user: User { id: user.id, email: user.email, name: user.name },
            role: grant.role,
            all_sites,
            site_ids,
            api_keys,
            created_at: membership.created_at.into(),
        }
    }
}

/// `all_sites` and `site_ids`, as every answer says it.
pub(crate) fn sites_told(sites: &Sites) -> (bool, Vec<Uuid>) {
    match sites {
        Sites::All => (true, Vec::new()),
        Sites::Only(sites) => (false, sites.iter().copied().collect()),
    }
}

/// 404 where the path names another tenant than the caller's: it is not told whether that one is there.
pub(crate) fn in_own_tenant(caller: &Caller, tenant_id: &str) -> Result<(), Problem> {
    let named = Uuid::try_parse(tenant_id).ok();
    if named == Some(caller.tenant_id) { Ok(()) } else { Err(Error::NotFound("tenant").into()) }
}

/// The same, for who may see and change who is in it.
fn managing(caller: &Caller, tenant_id: &str) -> Result<(), Problem> {
    in_own_tenant(caller, tenant_id)?;
    caller.need(Permission::ManageMembers)
}

/// Tells the owners of a tenant that there is another one. To be called before there is.
pub(crate) async fn tell_of_owner(txn: &Txn, outbox: &Outbox, tenant_id: Uuid, now: Instant) -> Result<(), Error> {
    for owner in repository::owners(txn, tenant_id).await? {
        Notice::OwnerCreated.tell(txn, outbox, owner, now).await?;
    }
    Ok(())
}

/// What names nothing is not there.
pub(crate) fn id(text: &str, what: &'static str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_| Error::NotFound(what))
}

/// A member on whom somebody acts, both as they stand now that all is locked that decides about it.
struct Held {
    actor: Standing,
    membership: membership::Model,
    grant: Grant,
}

/// Takes the member's user, then the tenant, and only then looks at both members.
async fn hold(txn: &Txn, session_id: Option<Uuid>, tenant_id: Uuid, membership_id: Uuid, now: Instant) -> Result<Held, Error> {
    let absent = || Error::NotFound("member");
    let user_id = repository::membership(txn, tenant_id, membership_id).await?.ok_or_else(absent)?.user_id;
    repository::hold_user(txn, user_id).await?.ok_or_else(absent)?;
    repository::hold_tenant(txn, tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, session_id, now).await?;
    let membership = repository::membership(txn, tenant_id, membership_id).await?.ok_or_else(absent)?;
    let grant = repository::grant(txn, &membership).await?.ok_or_else(absent)?;
    Ok(Held { actor, membership, grant })
}

impl Held {
    /// 403 and 409 for whoever may not.
    async fn decide(&self, txn: &impl ConnectionTrait, fate: Fate<'_>) -> Result<(), Error> {
        may(&self.actor.grant(), self.actor.membership_id == self.membership.id, &self.grant, fate)?;
        let others = repository::other_owners(txn, self.membership.tenant_id, self.membership.id).await?;
        if keeps_an_owner(&self.grant, fate, others) { Ok(()) } else { Err(Error::LastOwner(vec![self.membership.tenant_id])) }
    }
}
