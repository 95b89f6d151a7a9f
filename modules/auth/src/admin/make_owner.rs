//! `larder auth make-owner EMAIL [--tenant ID]`: for a tenant whose owner is gone.

use auth_entity::tenant;
use kernel::{Instant, Sites, Txn};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::Serialize;
use uuid::Uuid;

use super::{Admin, Tools, hold_user_of};
use crate::audit::{Act, Concerned};
use crate::email::EmailKey;
use crate::error::Error;
use crate::links;
use crate::members::repository::{change, hold_tenant, insert, membership_of, memberships};
use crate::members::{Grant, tell_of_owner};
use crate::roles::Role;

/// Who is an owner of what.
#[derive(Debug, Serialize)]
pub struct Owner {
    pub membership_id: Uuid,
    pub tenant_id: Uuid,
    pub tenant: String,
}

const OWNER: Grant = Grant { role: Role::Owner, sites: Sites::All };

impl Admin {
    /// Makes a user an owner of a tenant, and a member where they are none. Without a tenant, of the one that there is, or that the
    /// user is in; [`Error::WhichTenant`] where that could be several.
    pub async fn make_owner(&self, email: &str, tenant_id: Option<Uuid>) -> Result<Owner, Error> {
        let input = (self.tools.clone(), EmailKey::of(email), tenant_id, self.tools.now());
        self.database.write(input, |(tools, email, tenant_id, now), txn| Box::pin(turn(tools, email, *tenant_id, *now, txn))).await
    }
}

async fn turn(tools: &Tools, email: &EmailKey, tenant_id: Option<Uuid>, now: Instant, txn: &Txn) -> Result<Owner, Error> {
    let user = hold_user_of(txn, email).await?;
    if user.disabled_at.is_some() {
        return Err(Error::UserDisabled);
    }
    let tenant_id = match tenant_id {
        Some(tenant_id) => tenant_id,
        None => the_tenant(txn, user.id).await?,
    };
    let tenant = hold_tenant(txn, tenant_id).await?.ok_or(Error::NotFound("tenant"))?;
    let membership = membership_of(txn, tenant_id, user.id).await?;
    if membership.as_ref().is_none_or(|membership| membership.role != Role::Owner.name()) {
        tell_of_owner(txn, &tools.outbox, tenant_id, now).await?;
    }
    let membership_id = match membership {
        Some(membership) => {
            change(txn, &tools.ids, now, &membership, &OWNER).await?;
            membership.id
        }
        None => {
            let id = tools.ids.next(now);
            insert(txn, &tools.ids, now, id, tenant_id, user.id, &OWNER).await?;
            // Who handed out a link to set their password was not above them in this tenant.
            links::void_all(txn, user.id, now).await?;
            id
        }
    };
    tools.done(Act::MakeOwner, Concerned { tenant_id: Some(tenant_id), ..Concerned::object(membership_id) }).record(txn).await?;
    Ok(Owner { membership_id, tenant_id, tenant: tenant.name })
}

/// The only tenant that can be meant.
async fn the_tenant(txn: &impl ConnectionTrait, user_id: Uuid) -> Result<Uuid, Error> {
    let own: Vec<Uuid> = memberships(txn, user_id).await?.into_iter().map(|membership| membership.tenant_id).collect();
    let open = tenant::Entity::find().select_only().column(tenant::Column::Id).filter(tenant::Column::ClosedAt.is_null()).limit(2);
    let mut found: Vec<Uuid> = open.clone().filter(tenant::Column::Id.is_in(own)).into_tuple().all(txn).await?;
    if found.is_empty() {
        found = open.into_tuple().all(txn).await?;
    }
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(Error::NotFound("tenant")),
        _ => Err(Error::WhichTenant),
    }
}
