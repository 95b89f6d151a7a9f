use auth_entity::one_time_token;
use chrono::TimeDelta;
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::Purpose;
use crate::credential;

/// So many links are mailed for one account: nobody fills another's mailbox.
const MAILS_IN_AN_HOUR: u64 = 3;

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

pub(crate) async fn by_id(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<one_time_token::Model>, DbErr> {
    one_time_token::Entity::find_by_id(id).one(connection).await
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

/// Makes all of a user's useless; how many those were.
pub(crate) async fn void_all(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    let voided = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::RevokedAt, Expr::value(stored(now)))
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null());
    Ok(voided.exec(connection).await?.rows_affected)
}

/// Makes those for a new password or for another factor useless that a member handed out to a user.
pub(crate) async fn void_handed_out(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::RevokedAt, Expr::value(stored(now)))
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::MembershipId.is_not_null())
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null())
        .exec(connection)
        .await
        .map(|_| ())
}

/// Whether one more link may be mailed for an account: three an hour. To be asked under the lock of the user.
pub(crate) async fn has_mails_left(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<bool, DbErr> {
    let mailed = one_time_token::Entity::find()
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::IsMailed.eq(true))
        .filter(one_time_token::Column::CreatedAt.gt(stored(now.plus(-TimeDelta::hours(1)))));
    Ok(mailed.count(connection).await? < MAILS_IN_AN_HOUR)
}

/// Whether one more link may be mailed to an address that has no account: three an hour.
pub(crate) async fn has_registrations_left(connection: &impl ConnectionTrait, email: &str, now: Instant) -> Result<bool, DbErr> {
    let mailed = one_time_token::Entity::find()
        .filter(one_time_token::Column::Purpose.eq(Purpose::Register.name()))
        .filter(one_time_token::Column::Email.eq(email))
        .filter(one_time_token::Column::CreatedAt.gt(stored(now.plus(-TimeDelta::hours(1)))));
    Ok(mailed.count(connection).await? < MAILS_IN_AN_HOUR)
}

/// Deletes those that ended before; how many those were.
pub(crate) async fn forget(connection: &impl ConnectionTrait, before: Instant) -> Result<u64, DbErr> {
    let old = one_time_token::Entity::delete_many().filter(one_time_token::Column::ExpiresAt.lt(stored(before)));
    Ok(old.exec(connection).await?.rows_affected)
}
