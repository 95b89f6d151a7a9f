use std::collections::{BTreeMap, BTreeSet};

use auth_entity::{invite, invite_site};
use chrono::TimeDelta;
use kernel::instant::stored;
use kernel::{Ids, Instant, Sites};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::Found;
use crate::members::Grant;
use crate::roles::Role;

/// So many invites of one tenant are mailed to an address: nobody fills another's mailbox.
const MAILS_IN_AN_HOUR: u64 = 3;
/// And so many of all tenants together, of which a stranger may own some: as much as three of them may send, so that one alone keeps nobody
/// else's from arriving.
const MAILS_IN_AN_HOUR_OF_ALL: u64 = 9;

/// Neither accepted nor withdrawn; it may have expired.
fn is_pending() -> Expr {
    invite::Column::AcceptedAt.is_null().and(invite::Column::RevokedAt.is_null())
}

/// The invite of either of its tokens: the one that was handed over, or the one that was mailed.
pub(super) async fn by_token(connection: &impl ConnectionTrait, token_hash: &str) -> Result<Option<invite::Model>, DbErr> {
    let either = invite::Column::TokenHash.eq(token_hash).or(invite::Column::MailedTokenHash.eq(token_hash));
    invite::Entity::find().filter(either).one(connection).await
}

/// Whether one more invite of a tenant may be mailed to an address: three an hour, and nine of all tenants. To be asked under the lock of the
/// tenant; several tenants at the same moment may be one each beyond the nine.
pub(super) async fn has_mails_left(connection: &impl ConnectionTrait, tenant_id: Uuid, email_key: &str, now: Instant) -> Result<bool, DbErr> {
    let mailed = invite::Entity::find()
        .filter(invite::Column::EmailKey.eq(email_key))
        .filter(invite::Column::MailedTokenHash.is_not_null())
        .filter(invite::Column::CreatedAt.gt(stored(now.plus(-TimeDelta::hours(1)))));
    let of_tenant = mailed.clone().filter(invite::Column::TenantId.eq(tenant_id)).count(connection).await?;
    Ok(of_tenant < MAILS_IN_AN_HOUR && mailed.count(connection).await? < MAILS_IN_AN_HOUR_OF_ALL)
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

pub(crate) async fn withdraw(connection: &impl ConnectionTrait, ids: &[Uuid], now: Instant) -> Result<(), DbErr> {
    // No engine takes any number of parameters.
    for some in ids.chunks(1_000) {
        invite::Entity::update_many()
            .col_expr(invite::Column::RevokedAt, Expr::value(stored(now)))
            .filter(invite::Column::Id.is_in(some.iter().copied()))
            .filter(is_pending())
            .exec(connection)
            .await?;
    }
    Ok(())
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

/// Withdraws every open invite of a tenant.
pub(crate) async fn withdraw_all_in(connection: &impl ConnectionTrait, tenant_id: Uuid, now: Instant) -> Result<(), DbErr> {
    let withdrawn = invite::Entity::update_many().col_expr(invite::Column::RevokedAt, Expr::value(stored(now)));
    withdrawn.filter(invite::Column::TenantId.eq(tenant_id)).filter(is_pending()).exec(connection).await.map(|_| ())
}

/// Every invite that these members made, whatever became of it, the last one first.
pub(crate) async fn made_by(connection: &impl ConnectionTrait, memberships: &[Uuid], most: u64) -> Result<Vec<invite::Model>, DbErr> {
    let made = invite::Entity::find().filter(invite::Column::MembershipId.is_in(memberships.iter().copied()));
    made.order_by_desc(invite::Column::CreatedAt).order_by_desc(invite::Column::Id).limit(most).all(connection).await
}

/// Makes nobody's of an address where it stands in invites that are over. One that is open is for whoever has the address next.
pub(crate) async fn erase_address(connection: &impl ConnectionTrait, email_key: &str, user_id: Uuid, pseudonym: &str, now: Instant) -> Result<(), DbErr> {
    let theirs = Condition::any()
        .add(invite::Column::AcceptedBy.eq(user_id))
        .add(invite::Column::EmailKey.eq(email_key).and(invite::Column::AcceptedAt.is_not_null()))
        .add(invite::Column::EmailKey.eq(email_key).and(invite::Column::RevokedAt.is_not_null()))
        .add(invite::Column::EmailKey.eq(email_key).and(invite::Column::ExpiresAt.lte(stored(now))));
    invite::Entity::update_many()
        .col_expr(invite::Column::Email, Expr::value(pseudonym))
        .col_expr(invite::Column::EmailKey, Expr::value(pseudonym))
        .filter(theirs)
        .exec(connection)
        .await
        .map(|_| ())
}

/// Deletes some of those that were over before a time; how many those were.
pub(crate) async fn delete_over(connection: &impl ConnectionTrait, before: Instant, most: u64) -> Result<u64, DbErr> {
    let over = Condition::any()
        .add(invite::Column::AcceptedAt.lt(stored(before)))
        .add(invite::Column::RevokedAt.lt(stored(before)))
        .add(invite::Column::ExpiresAt.lt(stored(before)));
    let some = invite::Entity::find().select_only().column(invite::Column::Id).filter(over).limit(most).into_query();
    let deleted = invite::Entity::delete_many().filter(invite::Column::Id.in_subquery(some)).exec(connection).await?;
    Ok(deleted.rows_affected)
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
