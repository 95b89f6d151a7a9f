use std::collections::{BTreeMap, BTreeSet};

use auth_entity::{membership, membership_site, tenant, user};
use chrono::{DateTime, FixedOffset};
use kernel::instant::stored;
use kernel::{Ids, Instant, Sites};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set, UpdateMany,
};
use uuid::Uuid;

use super::grant::Grant;
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
pub(crate) async fn share_user(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>, DbErr> {
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
    let Some(Grant { role, sites }) = grant(connection, &membership).await? else { return Ok(None) };
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

/// Every membership of a user, the oldest first.
pub(crate) async fn memberships(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<membership::Model>, DbErr> {
    let of = membership::Entity::find().filter(membership::Column::UserId.eq(user_id));
    of.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::Id).all(connection).await
}

/// Of how many tenants that are not closed a user is a member.
pub(crate) async fn open_memberships(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, DbErr> {
    let open = membership::Entity::find().inner_join(tenant::Entity).filter(tenant::Column::ClosedAt.is_null());
    open.filter(membership::Column::UserId.eq(user_id)).count(connection).await
}

/// What every change of a user does beside it.
fn changed(user_id: Uuid, now: Instant) -> UpdateMany<user::Entity> {
    user::Entity::update_many()
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::UpdatedAt, Expr::value(stored(now)))
        .filter(user::Column::Id.eq(user_id))
}

pub(crate) async fn set_password(connection: &impl ConnectionTrait, user_id: Uuid, password_hash: &str, now: Instant) -> Result<(), DbErr> {
    let changed = changed(user_id, now).col_expr(user::Column::PasswordHash, Expr::value(password_hash));
    changed.exec(connection).await.map(|_| ())
}

/// Keeps in mind that mail to the user's address reaches them, unless that is known already.
pub(crate) async fn verify_email(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    let verified = user::Entity::update_many().col_expr(user::Column::EmailVerifiedAt, Expr::value(stored(now))).filter(user::Column::Id.eq(user_id));
    verified.filter(user::Column::EmailVerifiedAt.is_null()).exec(connection).await.map(|_| ())
}

/// Gives a user another address, which is verified.
pub(crate) async fn set_email(connection: &impl ConnectionTrait, user_id: Uuid, email: &str, key: &EmailKey, now: Instant) -> Result<(), DbErr> {
    let changed = changed(user_id, now)
        .col_expr(user::Column::Email, Expr::value(email))
        .col_expr(user::Column::EmailKey, Expr::value(key.0.as_str()))
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(stored(now)));
    changed.exec(connection).await.map(|_| ())
}

pub(crate) async fn set_name(connection: &impl ConnectionTrait, user_id: Uuid, name: &str, now: Instant) -> Result<(), DbErr> {
    let changed = changed(user_id, now).col_expr(user::Column::Name, Expr::value(name));
    changed.exec(connection).await.map(|_| ())
}

/// The users who own a tenant and may come in.
pub(crate) async fn owners(connection: &impl ConnectionTrait, tenant_id: Uuid) -> Result<Vec<Uuid>, DbErr> {
    membership::Entity::find()
        .select_only()
        .column(membership::Column::UserId)
        .inner_join(user::Entity)
        .filter(membership::Column::TenantId.eq(tenant_id))
        .filter(membership::Column::Role.eq(Role::Owner.name()))
        .filter(user::Column::DisabledAt.is_null())
        .order_by_asc(membership::Column::UserId)
        .into_tuple()
        .all(connection)
        .await
}

/// Makes nobody of a user: what says who they were becomes the pseudonym, and nobody logs in as them any more.
pub(crate) async fn erase(connection: &impl ConnectionTrait, user_id: Uuid, pseudonym: &str, password_hash: &str, now: Instant) -> Result<(), DbErr> {
    let changed = changed(user_id, now)
        .col_expr(user::Column::Email, Expr::value(pseudonym))
        .col_expr(user::Column::EmailKey, Expr::value(pseudonym))
        .col_expr(user::Column::Name, Expr::value(pseudonym))
        .col_expr(user::Column::PasswordHash, Expr::value(password_hash))
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(Option::<DateTime<FixedOffset>>::None))
        .col_expr(user::Column::DisabledAt, Expr::value(stored(now)))
        .col_expr(user::Column::ErasedAt, Expr::value(stored(now)));
    changed.exec(connection).await.map(|_| ())
}

/// Takes a user for the rest of the transaction: before their tenants, wherever a membership is given, changed or taken.
pub(crate) async fn hold_user(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(connection).await
}

/// Takes a tenant that is not closed for the rest of the transaction. Memberships are read after it, in another statement.
pub(crate) async fn hold_tenant(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<tenant::Model>, DbErr> {
    tenant::Entity::find_by_id(id).filter(tenant::Column::ClosedAt.is_null()).lock(LockType::NoKeyUpdate).one(connection).await
}

pub(crate) async fn membership(connection: &impl ConnectionTrait, tenant_id: Uuid, id: Uuid) -> Result<Option<membership::Model>, DbErr> {
    membership::Entity::find_by_id(id).filter(membership::Column::TenantId.eq(tenant_id)).one(connection).await
}

pub(crate) async fn membership_of(connection: &impl ConnectionTrait, tenant_id: Uuid, user_id: Uuid) -> Result<Option<membership::Model>, DbErr> {
    let here = membership::Column::TenantId.eq(tenant_id).and(membership::Column::UserId.eq(user_id));
    membership::Entity::find().filter(here).one(connection).await
}

/// What a membership grants. `None` for a role of a newer version.
pub(crate) async fn grant(connection: &impl ConnectionTrait, membership: &membership::Model) -> Result<Option<Grant>, DbErr> {
    let Some(role) = Role::parse(&membership.role) else { return Ok(None) };
    let sites = if membership.all_sites { Sites::All } else { sites(connection, membership.tenant_id, membership.id).await? };
    Ok(Some(Grant { role, sites }))
}

/// How many owners who may come in a tenant has beside one membership.
pub(crate) async fn other_owners(connection: &impl ConnectionTrait, tenant_id: Uuid, but: Uuid) -> Result<u64, DbErr> {
    membership::Entity::find()
        .inner_join(user::Entity)
        .filter(membership::Column::TenantId.eq(tenant_id))
        .filter(membership::Column::Id.ne(but))
        .filter(membership::Column::Role.eq(Role::Owner.name()))
        .filter(user::Column::DisabledAt.is_null())
        .count(connection)
        .await
}

/// Makes a member of a user.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    ids: &Ids,
    now: Instant,
    id: Uuid,
    tenant_id: Uuid,
    user_id: Uuid,
    grant: &Grant,
) -> Result<(), DbErr> {
    let row = membership::ActiveModel {
        id: Set(id),
        version: Set(1),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
        tenant_id: Set(tenant_id),
        user_id: Set(user_id),
        role: Set(grant.role.name().to_owned()),
        all_sites: Set(grant.sites == Sites::All),
    };
    membership::Entity::insert(row).exec_without_returning(connection).await?;
    insert_sites(connection, ids, now, tenant_id, id, &grant.sites).await
}

async fn insert_sites(connection: &impl ConnectionTrait, ids: &Ids, now: Instant, tenant_id: Uuid, membership_id: Uuid, sites: &Sites) -> Result<(), DbErr> {
    let Sites::Only(sites) = sites else { return Ok(()) };
    let row = |site: &Uuid| membership_site::ActiveModel {
        id: Set(ids.next(now)),
        tenant_id: Set(tenant_id),
        membership_id: Set(membership_id),
        site_id: Set(*site),
    };
    if sites.is_empty() {
        return Ok(());
    }
    membership_site::Entity::insert_many(sites.iter().map(row)).exec_without_returning(connection).await.map(|_| ())
}

/// Makes another of a member.
pub(crate) async fn change(connection: &impl ConnectionTrait, ids: &Ids, now: Instant, before: &membership::Model, grant: &Grant) -> Result<(), DbErr> {
    membership::Entity::update_many()
        .col_expr(membership::Column::Role, Expr::value(grant.role.name()))
        .col_expr(membership::Column::AllSites, Expr::value(grant.sites == Sites::All))
        .col_expr(membership::Column::Version, Expr::value(before.version + 1))
        .col_expr(membership::Column::UpdatedAt, Expr::value(stored(now)))
        .filter(membership::Column::Id.eq(before.id))
        .exec(connection)
        .await?;
    let here = membership_site::Column::TenantId.eq(before.tenant_id).and(membership_site::Column::MembershipId.eq(before.id));
    membership_site::Entity::delete_many().filter(here).exec(connection).await?;
    insert_sites(connection, ids, now, before.tenant_id, before.id, &grant.sites).await
}

/// Takes every tenant of a user that is not closed, in the order of their ids, for the rest of the transaction: after the user
/// ([`hold_user`]), so that nobody gives them another one meanwhile. Memberships are read after it, in another statement.
pub(crate) async fn hold_tenants_of(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<BTreeSet<Uuid>, DbErr> {
    let ids: BTreeSet<Uuid> = memberships(connection, user_id).await?.into_iter().map(|membership| membership.tenant_id).collect();
    let mut held = BTreeSet::new();
    for id in ids {
        held.extend(hold_tenant(connection, id).await?.map(|tenant| tenant.id));
    }
    Ok(held)
}

/// Ends a membership, with its sessions, API keys and invites.
pub(crate) async fn remove(connection: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    membership::Entity::delete_by_id(id).exec(connection).await.map(|_| ())
}

/// The members of a tenant in the order in which they came.
pub(crate) async fn page(
    connection: &impl ConnectionTrait,
    tenant_id: Uuid,
    after: Option<(Instant, Uuid)>,
    most: u64,
) -> Result<Vec<(membership::Model, Option<user::Model>)>, DbErr> {
    let mut members = membership::Entity::find()
        .find_also_related(user::Entity)
        .filter(membership::Column::TenantId.eq(tenant_id))
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::Id)
        .limit(most);
    if let Some((created_at, id)) = after {
        let created_at = stored(created_at);
        let same = membership::Column::CreatedAt.eq(created_at).and(membership::Column::Id.gt(id));
        members = members.filter(Condition::any().add(membership::Column::CreatedAt.gt(created_at)).add(same));
    }
    members.all(connection).await
}

/// The sites of several memberships of a tenant, of those that have not all of them.
pub(crate) async fn sites_of(connection: &impl ConnectionTrait, tenant_id: Uuid, memberships: &[Uuid]) -> Result<BTreeMap<Uuid, BTreeSet<Uuid>>, DbErr> {
    let here = membership_site::Column::TenantId.eq(tenant_id).and(membership_site::Column::MembershipId.is_in(memberships.iter().copied()));
    let mut sites: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in membership_site::Entity::find().filter(here).all(connection).await? {
        sites.entry(row.membership_id).or_default().insert(row.site_id);
    }
    Ok(sites)
}

/// Where a user is a member, in the order in which they came there; of tenants that are not closed.
pub(crate) async fn tenants_of(
    connection: &impl ConnectionTrait,
    user_id: Uuid,
    after: Option<(Instant, Uuid)>,
    most: u64,
) -> Result<Vec<(membership::Model, Option<tenant::Model>)>, DbErr> {
    let mut tenants = membership::Entity::find()
        .find_also_related(tenant::Entity)
        .filter(membership::Column::UserId.eq(user_id))
        .filter(tenant::Column::ClosedAt.is_null())
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::Id)
        .limit(most);
    if let Some((created_at, id)) = after {
        let same = membership::Column::CreatedAt.eq(stored(created_at)).and(membership::Column::Id.gt(id));
        tenants = tenants.filter(Condition::any().add(membership::Column::CreatedAt.gt(stored(created_at))).add(same));
    }
    tenants.all(connection).await
}

/// Of how many tenants that are not closed a user is an owner.
pub(crate) async fn owned(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, DbErr> {
    membership::Entity::find()
        .inner_join(tenant::Entity)
        .filter(membership::Column::UserId.eq(user_id))
        .filter(membership::Column::Role.eq(Role::Owner.name()))
        .filter(tenant::Column::ClosedAt.is_null())
        .count(connection)
        .await
}

/// Writes what may change of a tenant that is held.
pub(crate) async fn change_tenant(connection: &impl ConnectionTrait, tenant: &tenant::Model) -> Result<(), DbErr> {
    tenant::Entity::update_many()
        .col_expr(tenant::Column::Name, Expr::value(tenant.name.as_str()))
        .col_expr(tenant::Column::MfaRequired, Expr::value(tenant.mfa_required))
        .col_expr(tenant::Column::Version, Expr::value(tenant.version))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(tenant.updated_at))
        .filter(tenant::Column::Id.eq(tenant.id))
        .exec(connection)
        .await
        .map(|_| ())
}

pub(crate) async fn close_tenant(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<(), DbErr> {
    tenant::Entity::update_many()
        .col_expr(tenant::Column::ClosedAt, Expr::value(stored(now)))
        .col_expr(tenant::Column::Version, Expr::col(tenant::Column::Version).add(1))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(stored(now)))
        .filter(tenant::Column::Id.eq(id))
        .exec(connection)
        .await
        .map(|_| ())
}
