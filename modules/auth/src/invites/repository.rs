use std::collections::{BTreeMap, BTreeSet};

use auth_entity::{invite, invite_site};
use kernel::instant::stored;
use kernel::{Ids, Instant, Sites};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use super::Found;
use crate::members::Grant;
use crate::roles::Role;

/// Neither accepted nor withdrawn; it may have expired.
fn is_pending() -> Expr {
    invite::Column::AcceptedAt.is_null().and(invite::Column::RevokedAt.is_null())
}

pub(super) async fn by_token(connection: &impl ConnectionTrait, token_hash: &str) -> Result<Option<invite::Model>, DbErr> {
    invite::Entity::find().filter(invite::Column::TokenHash.eq(token_hash)).one(connection).await
}

/// An invite of a tenant, which stays as it is until the transaction ends.
pub(super) async fn hold(connection: &impl ConnectionTrait, tenant_id: Uuid, id: Uuid) -> Result<Option<invite::Model>, DbErr> {
    invite::Entity::find_by_id(id).filter(invite::Column::TenantId.eq(tenant_id)).lock(LockType::NoKeyUpdate).one(connection).await
}

/// The one invite for an address that was neither accepted nor withdrawn.
pub(super) async fn pending_for(connection: &impl ConnectionTrait, tenant_id: Uuid, email_key: &str) -> Result<Option<invite::Model>, DbErr> {
    let here = invite::Column::TenantId.eq(tenant_id).and(invite::Column::EmailKey.eq(email_key));
    invite::Entity::find().filter(here).filter(is_pending()).one(connection).await
}

/// What invites of one tenant grant. Those with a role of a newer version are left out.
pub(super) async fn with_grants(connection: &impl ConnectionTrait, tenant_id: Uuid, invites: Vec<invite::Model>) -> Result<Vec<Found>, DbErr> {
    let limited = invites.iter().filter(|invite| !invite.all_sites).map(|invite| invite.id);
    let here = invite_site::Column::TenantId.eq(tenant_id).and(invite_site::Column::InviteId.is_in(limited));
    let mut sites: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in invite_site::Entity::find().filter(here).all(connection).await? {
        sites.entry(row.invite_id).or_default().insert(row.site_id);
    }
    let found = |invite: invite::Model| {
        let role = Role::parse(&invite.role)?;
        let sites = if invite.all_sites { Sites::All } else { Sites::Only(sites.remove(&invite.id).unwrap_or_default()) };
        Some(Found { invite, grant: Grant { role, sites } })
    };
    Ok(invites.into_iter().filter_map(found).collect())
}

pub(super) async fn insert(connection: &impl ConnectionTrait, ids: &Ids, now: Instant, row: invite::ActiveModel, found: &Found) -> Result<(), DbErr> {
    invite::Entity::insert(row).exec_without_returning(connection).await?;
    let Sites::Only(sites) = &found.grant.sites else { return Ok(()) };
    let row = |site: &Uuid| invite_site::ActiveModel {
        id: Set(ids.next(now)),
        tenant_id: Set(found.invite.tenant_id),
        invite_id: Set(found.invite.id),
        site_id: Set(*site),
    };
    invite_site::Entity::insert_many(sites.iter().map(row)).exec_without_returning(connection).await.map(|_| ())
}

pub(super) async fn accept(connection: &impl ConnectionTrait, id: Uuid, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    invite::Entity::update_many()
        .col_expr(invite::Column::AcceptedAt, Expr::value(stored(now)))
        .col_expr(invite::Column::AcceptedBy, Expr::value(user_id))
        .filter(invite::Column::Id.eq(id))
        .exec(connection)
        .await
        .map(|_| ())
}

pub(super) async fn withdraw(connection: &impl ConnectionTrait, ids: &[Uuid], now: Instant) -> Result<(), DbErr> {
    invite::Entity::update_many()
        .col_expr(invite::Column::RevokedAt, Expr::value(stored(now)))
        .filter(invite::Column::Id.is_in(ids.iter().copied()))
        .filter(is_pending())
        .exec(connection)
        .await
        .map(|_| ())
}

/// Withdraws all that can still be accepted.
pub(crate) async fn withdraw_all(connection: &impl ConnectionTrait, now: Instant) -> Result<(), DbErr> {
    let withdrawn = invite::Entity::update_many().col_expr(invite::Column::RevokedAt, Expr::value(stored(now))).filter(is_pending());
    withdrawn.exec(connection).await.map(|_| ())
}

/// Withdraws the invites of a member who becomes `own` that go beyond it. To be called under the lock of the tenant.
pub(crate) async fn withdraw_beyond(connection: &impl ConnectionTrait, tenant_id: Uuid, membership_id: Uuid, own: &Grant, now: Instant) -> Result<(), DbErr> {
    let here = invite::Column::TenantId.eq(tenant_id).and(invite::Column::MembershipId.eq(membership_id));
    let invites = invite::Entity::find().filter(here).filter(is_pending()).all(connection).await?;
    let beyond = |found: Found| found.grant.given_by(own).is_err().then_some(found.invite.id);
    let beyond: Vec<Uuid> = with_grants(connection, tenant_id, invites).await?.into_iter().filter_map(beyond).collect();
    if beyond.is_empty() { Ok(()) } else { withdraw(connection, &beyond, now).await }
}

/// The invites that a member made and that can still be accepted.
pub(crate) async fn open_of(connection: &impl ConnectionTrait, membership_ids: &[Uuid], now: Instant) -> Result<Vec<invite::Model>, DbErr> {
    let open = invite::Column::ExpiresAt.gt(stored(now)).and(is_pending());
    let of = invite::Column::MembershipId.is_in(membership_ids.iter().copied());
    invite::Entity::find().filter(of).filter(open).order_by_asc(invite::Column::CreatedAt).order_by_asc(invite::Column::Id).all(connection).await
}

/// The invites of a tenant, the last one first.
pub(super) async fn page(connection: &impl ConnectionTrait, tenant_id: Uuid, after: Option<(Instant, Uuid)>, most: u64) -> Result<Vec<invite::Model>, DbErr> {
    let mut invites = invite::Entity::find()
        .filter(invite::Column::TenantId.eq(tenant_id))
        .order_by_desc(invite::Column::CreatedAt)
        .order_by_desc(invite::Column::Id)
        .limit(most);
    if let Some((created_at, id)) = after {
        let same = invite::Column::CreatedAt.eq(stored(created_at)).and(invite::Column::Id.lt(id));
        invites = invites.filter(Condition::any().add(invite::Column::CreatedAt.lt(stored(created_at))).add(same));
    }
    invites.all(connection).await
}
