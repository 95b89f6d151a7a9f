use auth_entity::one_time_token;
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _};
use uuid::Uuid;

use super::Purpose;
use crate::credential;

pub(super) async fn insert(connection: &impl ConnectionTrait, row: one_time_token::Model) -> Result<(), DbErr> {
    one_time_token::Entity::insert(row.into_active_model()).exec_without_returning(connection).await.map(|_| ())
}

/// The token of that purpose, open or not.
pub(crate) async fn by_token(connection: &impl ConnectionTrait, purpose: Purpose, token: &str) -> Result<Option<one_time_token::Model>, DbErr> {
    one_time_token::Entity::find()
        .filter(one_time_token::Column::TokenHash.eq(credential::hash(token)))
        .filter(one_time_token::Column::Purpose.eq(purpose.name()))
        .one(connection)
        .await
}

/// Uses it. Whether this call did: of any number that try at once, one.
pub(crate) async fn use_up(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<bool, DbErr> {
    let used = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::UsedAt, Expr::value(stored(now)))
        .filter(one_time_token::Column::Id.eq(id))
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null())
        .filter(one_time_token::Column::ExpiresAt.gt(stored(now)));
    Ok(used.exec(connection).await?.rows_affected == 1)
}

/// Makes all of everybody's useless.
pub(crate) async fn void_everybodys(connection: &impl ConnectionTrait, now: Instant) -> Result<(), DbErr> {
    let open = one_time_token::Column::UsedAt.is_null().and(one_time_token::Column::RevokedAt.is_null());
    let voided = one_time_token::Entity::update_many().col_expr(one_time_token::Column::RevokedAt, Expr::value(stored(now))).filter(open);
    voided.exec(connection).await.map(|_| ())
}

/// Makes all of a user's useless; how many those were.
pub(crate) async fn void_all(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    let voided = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::RevokedAt, Expr::value(stored(now)))
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null());
    Ok(voided.exec(connection).await?.rows_affected)
}
