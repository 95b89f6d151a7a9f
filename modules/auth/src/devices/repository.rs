use auth_entity::{device, user};
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    RelationTrait as _,
};
use uuid::Uuid;

use super::token::Shown;
use crate::email::EmailKey;

/// Whether this is a device of that account that was not revoked and was used since `since`.
pub(super) async fn is_known(connection: &impl ConnectionTrait, shown: &Shown, account: &EmailKey, since: Instant) -> Result<bool, DbErr> {
    let found = device::Entity::find_by_id(shown.id)
        .select_only()
        .column(device::Column::Id)
        .join(JoinType::InnerJoin, device::Relation::User.def())
        .filter(device::Column::TokenHash.eq(shown.hash.as_str()))
        .filter(device::Column::RevokedAt.is_null())
        .filter(device::Column::LastUsedAt.gte(stored(since)))
        .filter(user::Column::EmailKey.eq(account.0.as_str()));
    Ok(found.into_tuple::<Uuid>().one(connection).await?.is_some())
}

/// Whether a user has had any device, known or not.
pub(super) async fn is_one_of(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    let of = device::Entity::find().select_only().column(device::Column::Id).filter(device::Column::UserId.eq(user_id)).limit(1);
    Ok(of.into_tuple::<Uuid>().one(connection).await?.is_some())
}

pub(super) async fn insert(connection: &impl ConnectionTrait, row: device::ActiveModel) -> Result<(), DbErr> {
    device::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
}

pub(super) async fn mark_used(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<(), DbErr> {
    let used = device::Entity::update_many().col_expr(device::Column::LastUsedAt, Expr::value(stored(now))).filter(device::Column::Id.eq(id));
    used.exec(connection).await.map(|_| ())
}

/// Makes all of a user unknown.
pub(super) async fn revoke_all(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    let revoked = device::Entity::update_many().col_expr(device::Column::RevokedAt, Expr::value(stored(now))).filter(device::Column::UserId.eq(user_id));
    revoked.filter(device::Column::RevokedAt.is_null()).exec(connection).await.map(|_| ())
}

/// Those of a user, revoked or not, the last used one first. There is a bounded number of them.
pub(super) async fn of(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<device::Model>, DbErr> {
    device::Entity::find().filter(device::Column::UserId.eq(user_id)).order_by_desc(device::Column::LastUsedAt).all(connection).await
}

/// Deletes those of a user that are not among the `kept` last used.
pub(super) async fn delete_all_but(connection: &impl ConnectionTrait, user_id: Uuid, kept: u64) -> Result<(), DbErr> {
    let last = device::Entity::find().select_only().column(device::Column::Id).filter(device::Column::UserId.eq(user_id));
    let last = last.order_by_desc(device::Column::LastUsedAt).order_by_desc(device::Column::Id).limit(kept).into_query();
    let others = device::Entity::delete_many().filter(device::Column::UserId.eq(user_id)).filter(device::Column::Id.not_in_subquery(last));
    others.exec(connection).await.map(|_| ())
}

/// Deletes those that were not used since; how many those were.
pub(super) async fn delete_unused_since(connection: &impl ConnectionTrait, since: Instant) -> Result<u64, DbErr> {
    let deleted = device::Entity::delete_many().filter(device::Column::LastUsedAt.lt(stored(since))).exec(connection).await?;
    Ok(deleted.rows_affected)
}
