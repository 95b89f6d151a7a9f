use auth_entity::one_time_token;
use chrono::TimeDelta;
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::{Condition, Expr, IntoCondition};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
};
use uuid::Uuid;

use super::{MOST_TRIES, Purpose};
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

/// Counts one more try with it. Whether it had one left.
pub(crate) async fn count_try(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<bool, DbErr> {
    let counted = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::Tries, Expr::col(one_time_token::Column::Tries).add(1))
        .filter(one_time_token::Column::Id.eq(id))
        .filter(one_time_token::Column::Tries.lt(MOST_TRIES))
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null())
        .filter(one_time_token::Column::ExpiresAt.gt(stored(now)));
    Ok(counted.exec(connection).await?.rows_affected == 1)
}

/// Deletes those of a user for one purpose that have expired.
pub(crate) async fn delete_expired(connection: &impl ConnectionTrait, purpose: Purpose, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    let expired = one_time_token::Entity::delete_many()
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::Purpose.eq(purpose.name()))
        .filter(one_time_token::Column::ExpiresAt.lte(stored(now)));
    expired.exec(connection).await.map(|_| ())
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

/// Makes all of everybody's useless.
pub(crate) async fn void_everybodys(connection: &impl ConnectionTrait, now: Instant) -> Result<(), DbErr> {
    void_where(connection, Condition::all(), now).await.map(|_| ())
}

/// Forgets what it was about, and for whom: of one that made a user nothing is left that says who it was.
pub(crate) async fn forget_content(connection: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    let forgotten = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::Email, Expr::value(Option::<String>::None))
        .col_expr(one_time_token::Column::SealedPayload, Expr::value(Option::<String>::None))
        .filter(one_time_token::Column::Id.eq(id));
    forgotten.exec(connection).await.map(|_| ())
}

/// Makes all of a user's useless; how many those were.
pub(crate) async fn void_all(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    void_where(connection, one_time_token::Column::UserId.eq(user_id), now).await
}

/// Makes those for a new password or for another factor useless that a member handed out to a user.
pub(crate) async fn void_handed_out(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    let handed_out = Condition::all().add(one_time_token::Column::UserId.eq(user_id)).add(one_time_token::Column::MembershipId.is_not_null());
    void_where(connection, handed_out, now).await.map(|_| ())
}

/// Whether one more link may be mailed for an account: three an hour. To be asked under the lock of the user.
///
/// Of each purpose apart: who asks for links to another's password must not keep them from changing their address.
pub(crate) async fn has_mails_left(connection: &impl ConnectionTrait, user_id: Uuid, purpose: Purpose, now: Instant) -> Result<bool, DbErr> {
    let mailed = one_time_token::Entity::find()
        .filter(one_time_token::Column::UserId.eq(user_id))
        .filter(one_time_token::Column::Purpose.eq(purpose.name()))
        .filter(one_time_token::Column::IsMailed.eq(true))
        .filter(one_time_token::Column::CreatedAt.gt(stored(now.plus(-TimeDelta::hours(1)))));
    Ok(mailed.count(connection).await? < MAILS_IN_AN_HOUR)
}

/// Makes those useless that these members handed out; how many those were.
pub(crate) async fn void_made_by(connection: &impl ConnectionTrait, memberships: &[Uuid], now: Instant) -> Result<u64, DbErr> {
    void_where(connection, one_time_token::Column::MembershipId.is_in(memberships.iter().copied()), now).await
}

/// Makes those useless that members of a tenant handed out.
pub(crate) async fn void_all_in(connection: &impl ConnectionTrait, tenant_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    void_where(connection, one_time_token::Column::TenantId.eq(tenant_id), now).await
}

async fn void_where(connection: &impl ConnectionTrait, which: impl IntoCondition, now: Instant) -> Result<u64, DbErr> {
    let voided = one_time_token::Entity::update_many()
        .col_expr(one_time_token::Column::RevokedAt, Expr::value(stored(now)))
        .filter(which)
        .filter(one_time_token::Column::UsedAt.is_null())
        .filter(one_time_token::Column::RevokedAt.is_null());
    Ok(voided.exec(connection).await?.rows_affected)
}

/// Deletes all of a user's.
pub(crate) async fn delete_all(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<(), DbErr> {
    let of = one_time_token::Column::UserId.eq(user_id);
    one_time_token::Entity::delete_many().filter(of).exec(connection).await.map(|_| ())
}

/// Deletes some of those that ended before a time, used or not; how many those were.
pub(crate) async fn delete_ended(connection: &impl ConnectionTrait, before: Instant, most: u64) -> Result<u64, DbErr> {
    let ended = one_time_token::Column::ExpiresAt.lt(stored(before));
    let some = one_time_token::Entity::find().select_only().column(one_time_token::Column::Id).filter(ended).limit(most).into_query();
    let deleted = one_time_token::Entity::delete_many().filter(one_time_token::Column::Id.in_subquery(some)).exec(connection).await?;
    Ok(deleted.rows_affected)
}

/// Whether one more link may be mailed to an address that has no account: three an hour.
pub(crate) async fn has_registrations_left(connection: &impl ConnectionTrait, email: &str, now: Instant) -> Result<bool, DbErr> {
    let mailed = one_time_token::Entity::find()
        .filter(one_time_token::Column::Purpose.eq(Purpose::Register.name()))
        .filter(one_time_token::Column::Email.eq(email))
        .filter(one_time_token::Column::CreatedAt.gt(stored(now.plus(-TimeDelta::hours(1)))));
    Ok(mailed.count(connection).await? < MAILS_IN_AN_HOUR)
}
