use std::collections::BTreeSet;

use auth_entity::{membership, membership_site, tenant, user};
use kernel::Sites;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use crate::email::EmailKey;
use crate::roles::Role;
use crate::sessions::Member;

pub(crate) async fn user_by_email(connection: &impl ConnectionTrait, key: &EmailKey) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find().filter(user::Column::EmailKey.eq(key.0.as_str())).one(connection).await
}

pub(crate) async fn user(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).one(connection).await
}

/// The user, who stays as they are until the transaction ends.
pub(crate) async fn user_held(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).lock_shared().one(connection).await
}

/// Replaces the hash of a user's password by another of the same password, unless it has changed since.
pub(crate) async fn renew_password_hash(connection: &impl ConnectionTrait, id: Uuid, before: &str, after: &str) -> Result<bool, DbErr> {
    let renewed = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(after))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::PasswordHash.eq(before));
    Ok(renewed.exec(connection).await?.rows_affected == 1)
}

pub(crate) async fn open_tenant(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<tenant::Model>, DbErr> {
    tenant::Entity::find_by_id(id).filter(tenant::Column::ClosedAt.is_null()).one(connection).await
}

/// The user's membership of `tenant_id`, or else their oldest one; of a tenant that is not closed.
pub(crate) async fn live_membership(connection: &impl ConnectionTrait, user_id: Uuid, tenant_id: Option<Uuid>) -> Result<Option<membership::Model>, DbErr> {
    let mut memberships = membership::Entity::find()
        .inner_join(tenant::Entity)
        .filter(membership::Column::UserId.eq(user_id))
        .filter(tenant::Column::ClosedAt.is_null())
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::Id);
    if let Some(tenant_id) = tenant_id {
        memberships = memberships.filter(membership::Column::TenantId.eq(tenant_id));
    }
    memberships.one(connection).await
}

/// Who the user is in `tenant_id`, or else in their oldest tenant, and what they may do there.
pub(crate) async fn member(connection: &impl ConnectionTrait, user_id: Uuid, tenant_id: Option<Uuid>, epoch: i64) -> Result<Option<Member>, DbErr> {
    let Some(membership) = live_membership(connection, user_id, tenant_id).await? else { return Ok(None) };
    let Some(role) = Role::parse(&membership.role) else { return Ok(None) };
    let sites = if membership.all_sites { Sites::All } else { sites(connection, membership.tenant_id, membership.id).await? };
    Ok(Some(Member { user_id, tenant_id: membership.tenant_id, membership_id: membership.id, epoch, role, sites }))
}

/// The sites of a membership that has not all of them.
pub(crate) async fn sites(connection: &impl ConnectionTrait, tenant_id: Uuid, membership_id: Uuid) -> Result<Sites, DbErr> {
    let sites: Vec<Uuid> = membership_site::Entity::find()
        .select_only()
        .column(membership_site::Column::SiteId)
        .filter(membership_site::Column::TenantId.eq(tenant_id))
        .filter(membership_site::Column::MembershipId.eq(membership_id))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(Sites::Only(BTreeSet::from_iter(sites)))
}
