use std::collections::{BTreeMap, BTreeSet};

use auth_entity::{api_key, api_key_site, membership, tenant, user};
use chrono::TimeDelta;
use kernel::instant::stored;
use kernel::{Ids, Instant, Sites};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, RelationTrait as _, Set,
};
use uuid::Uuid;

use super::{Brief, Found};

/// Neither ended by somebody nor by itself.
pub(crate) fn lives(now: Instant) -> Condition {
    let lasts = Condition::any().add(api_key::Column::ExpiresAt.is_null()).add(api_key::Column::ExpiresAt.gt(stored(now)));
    Condition::all().add(api_key::Column::RevokedAt.is_null()).add(lasts)
}

/// The keys of several members of a tenant that have not ended, by membership, in the order in which they were made.
pub(crate) async fn of(
    connection: &impl ConnectionTrait,
    tenant_id: Uuid,
    memberships: &[Uuid],
    now: Instant,
) -> Result<BTreeMap<Uuid, Vec<Brief>>, crate::Error> {
    let here = api_key::Column::TenantId.eq(tenant_id).and(api_key::Column::MembershipId.is_in(memberships.iter().copied()));
    let keys = api_key::Entity::find().filter(here).filter(lives(now)).order_by_asc(api_key::Column::CreatedAt).order_by_asc(api_key::Column::Id);
    let mut by_member: BTreeMap<Uuid, Vec<Brief>> = BTreeMap::new();
    for key in keys.all(connection).await? {
        by_member.entry(key.membership_id).or_default().push(Brief { id: key.id, name: key.name, prefix: key.prefix });
    }
    Ok(by_member)
}

async fn sites(connection: &impl ConnectionTrait, tenant_id: Uuid, keys: &[&api_key::Model]) -> Result<BTreeMap<Uuid, BTreeSet<Uuid>>, DbErr> {
    let limited = keys.iter().filter(|key| !key.all_sites).map(|key| key.id);
    let here = api_key_site::Column::TenantId.eq(tenant_id).and(api_key_site::Column::ApiKeyId.is_in(limited));
    let mut sites: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in api_key_site::Entity::find().filter(here).all(connection).await? {
        sites.entry(row.api_key_id).or_default().insert(row.site_id);
    }
    Ok(sites)
}

/// The same keys, with their sites.
pub(super) async fn with_sites(connection: &impl ConnectionTrait, tenant_id: Uuid, keys: Vec<api_key::Model>) -> Result<Vec<Found>, DbErr> {
    let mut named = sites(connection, tenant_id, &keys.iter().collect::<Vec<_>>()).await?;
    let found = |key: api_key::Model| {
        let sites = if key.all_sites { Sites::All } else { Sites::Only(named.remove(&key.id).unwrap_or_default()) };
        Found { key, sites }
    };
    Ok(keys.into_iter().map(found).collect())
}

/// The keys of a tenant that have not ended, the last one first.
pub(super) async fn page(
    connection: &impl ConnectionTrait,
    tenant_id: Uuid,
    now: Instant,
    after: Option<(Instant, Uuid)>,
    most: u64,
) -> Result<Vec<api_key::Model>, DbErr> {
    let mut keys = api_key::Entity::find()
        .filter(api_key::Column::TenantId.eq(tenant_id))
        .filter(lives(now))
        .order_by_desc(api_key::Column::CreatedAt)
        .order_by_desc(api_key::Column::Id)
        .limit(most);
    if let Some((created_at, id)) = after {
        let same = api_key::Column::CreatedAt.eq(stored(created_at)).and(api_key::Column::Id.lt(id));
        keys = keys.filter(Condition::any().add(api_key::Column::CreatedAt.lt(stored(created_at))).add(same));
    }
    keys.all(connection).await
}

/// A key of a tenant that nobody has ended, which stays as it is until the transaction ends.
pub(super) async fn hold(connection: &impl ConnectionTrait, tenant_id: Uuid, id: Uuid) -> Result<Option<api_key::Model>, DbErr> {
    let here = api_key::Column::TenantId.eq(tenant_id).and(api_key::Column::RevokedAt.is_null());
    api_key::Entity::find_by_id(id).filter(here).lock(LockType::NoKeyUpdate).one(connection).await
}

pub(super) async fn insert(connection: &impl ConnectionTrait, ids: &Ids, now: Instant, row: api_key::ActiveModel, found: &Found) -> Result<(), DbErr> {
    api_key::Entity::insert(row).exec_without_returning(connection).await?;
    let Sites::Only(sites) = &found.sites else { return Ok(()) };
    let row = |site: &Uuid| api_key_site::ActiveModel {
        id: Set(ids.next(now)),
        tenant_id: Set(found.key.tenant_id),
        api_key_id: Set(found.key.id),
        site_id: Set(*site),
    };
    api_key_site::Entity::insert_many(sites.iter().map(row)).exec_without_returning(connection).await.map(|_| ())
}

pub(super) async fn end(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<(), DbErr> {
    let ended = api_key::Entity::update_many().col_expr(api_key::Column::RevokedAt, Expr::value(stored(now))).filter(api_key::Column::Id.eq(id));
    ended.exec(connection).await.map(|_| ())
}

/// Ends every key of a tenant.
pub(crate) async fn end_all_in(connection: &impl ConnectionTrait, tenant_id: Uuid, now: Instant) -> Result<(), DbErr> {
    end_where(connection, api_key::Column::TenantId.eq(tenant_id), now).await
}

/// Ends every key that these members made.
pub(crate) async fn end_all_of(connection: &impl ConnectionTrait, memberships: &[Uuid], now: Instant) -> Result<(), DbErr> {
    end_where(connection, api_key::Column::MembershipId.is_in(memberships.iter().copied()), now).await
}

async fn end_where(connection: &impl ConnectionTrait, which: Expr, now: Instant) -> Result<(), DbErr> {
    let ended = api_key::Entity::update_many().col_expr(api_key::Column::RevokedAt, Expr::value(stored(now))).filter(which);
    ended.filter(api_key::Column::RevokedAt.is_null()).exec(connection).await.map(|_| ())
}

/// Every key that these members made, ended or not, the last one first.
pub(crate) async fn made_by(connection: &impl ConnectionTrait, memberships: &[Uuid], most: u64) -> Result<Vec<api_key::Model>, DbErr> {
    let made = api_key::Entity::find().filter(api_key::Column::MembershipId.is_in(memberships.iter().copied()));
    made.order_by_desc(api_key::Column::CreatedAt).order_by_desc(api_key::Column::Id).limit(most).all(connection).await
}

/// Ends those of a user, or of everybody; how many those were.
pub(crate) async fn end_all(connection: &impl ConnectionTrait, user_id: Option<Uuid>, now: Instant) -> Result<u64, DbErr> {
    let mut ended = api_key::Entity::update_many().col_expr(api_key::Column::RevokedAt, Expr::value(stored(now))).filter(lives(now));
    if let Some(user_id) = user_id {
        let own = membership::Entity::find().select_only().column(membership::Column::Id).filter(membership::Column::UserId.eq(user_id));
        ended = ended.filter(api_key::Column::MembershipId.in_subquery(own.into_query()));
    }
    Ok(ended.exec(connection).await?.rows_affected)
}

/// Keeps in mind when a key was used, at most once in so long a time.
pub(super) async fn mark_used(connection: &impl ConnectionTrait, id: Uuid, now: Instant, at_most_every: TimeDelta) -> Result<(), DbErr> {
    let before = stored(now.plus(-at_most_every));
    let long_ago = Condition::any().add(api_key::Column::LastUsedAt.is_null()).add(api_key::Column::LastUsedAt.lte(before));
    let used = api_key::Entity::update_many().col_expr(api_key::Column::LastUsedAt, Expr::value(stored(now)));
    used.filter(api_key::Column::Id.eq(id)).filter(long_ago).exec(connection).await.map(|_| ())
}

/// A key that nobody has ended and whose maker may come in, with the maker's membership.
pub(super) async fn by_prefix(connection: &impl ConnectionTrait, prefix: &str) -> Result<Option<(api_key::Model, membership::Model)>, DbErr> {
    let found = api_key::Entity::find()
        .select_also(membership::Entity)
        .join(JoinType::InnerJoin, api_key::Relation::Membership.def())
        .join(JoinType::InnerJoin, membership::Relation::User.def())
        .join(JoinType::InnerJoin, membership::Relation::Tenant.def())
        .filter(api_key::Column::Prefix.eq(prefix))
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(user::Column::DisabledAt.is_null())
        .filter(tenant::Column::ClosedAt.is_null());
    Ok(found.one(connection).await?.and_then(|(key, membership)| Some((key, membership?))))
}
