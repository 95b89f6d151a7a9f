use auth_entity::{one_time_token, user};
use kernel::Txn;

use crate::error::Error;
use crate::members::repository::{grant, hold_tenant, membership, membership_of, open_memberships, user};

/// Whether whoever handed a link out may still do so, now that it is used: they may still act on its user, who is a member of that tenant
/// and of no other. What was mailed, or made on the machine itself, needs nobody's right. To be asked under the lock of the user.
pub(crate) async fn may_still(txn: &Txn, link: &one_time_token::Model, target: &user::Model) -> Result<bool, Error> {
    let (Some(tenant_id), Some(issuer_id)) = (link.tenant_id, link.membership_id) else { return Ok(true) };
    if hold_tenant(txn, tenant_id).await?.is_none() {
        return Ok(false);
    }
    let Some(issuer) = membership(txn, tenant_id, issuer_id).await? else { return Ok(false) };
    let Some(held) = membership_of(txn, tenant_id, target.id).await? else { return Ok(false) };
    let is_only_here = open_memberships(txn, target.id).await? == 1;
    let is_enabled = user(txn, issuer.user_id).await?.is_some_and(|user| user.disabled_at.is_none());
    let (Some(own), Some(theirs)) = (grant(txn, &issuer).await?, grant(txn, &held).await?) else { return Ok(false) };
    Ok(is_only_here && is_enabled && theirs.given_by(&own).is_ok())
}
