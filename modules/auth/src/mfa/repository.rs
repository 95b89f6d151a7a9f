use auth_entity::{membership, recovery_code, tenant, totp};
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
};
use uuid::Uuid;

/// The authenticator of a user, whether it counts yet or not.
pub(super) async fn totp(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<Option<totp::Model>, DbErr> {
    totp::Entity::find_by_id(user_id).one(connection).await
}

/// Puts one that does not count yet in the place of another such one.
pub(super) async fn put_pending(connection: &impl ConnectionTrait, row: totp::Model) -> Result<(), DbErr> {
    let columns = [totp::Column::SealedSecret, totp::Column::SecretId, totp::Column::CreatedAt, totp::Column::LastStep];
    let mut replaced = OnConflict::column(totp::Column::UserId);
    replaced.update_columns(columns).action_and_where(Expr::col((totp::Entity, totp::Column::ConfirmedAt)).is_null());
    totp::Entity::insert(row.into_active_model()).on_conflict(replaced).exec_without_returning(connection).await.map(|_| ())
}

/// It counts from now on. The code of `step` has shown that it works.
pub(super) async fn confirm(connection: &impl ConnectionTrait, user_id: Uuid, step: i64, now: Instant) -> Result<(), DbErr> {
    let confirmed = totp::Entity::update_many()
        .col_expr(totp::Column::ConfirmedAt, Expr::value(stored(now)))
        .col_expr(totp::Column::LastStep, Expr::value(step))
        .filter(totp::Column::UserId.eq(user_id));
    confirmed.exec(connection).await.map(|_| ())
}

/// Uses the code of a step. Whether this call did: of any number that try at once, one.
pub(super) async fn use_step(connection: &impl ConnectionTrait, user_id: Uuid, step: i64) -> Result<bool, DbErr> {
    let unused = Condition::any().add(totp::Column::LastStep.is_null()).add(totp::Column::LastStep.lt(step));
    let used = totp::Entity::update_many()
        .col_expr(totp::Column::LastStep, Expr::value(step))
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::ConfirmedAt.is_not_null())
        .filter(unused);
    Ok(used.exec(connection).await?.rows_affected == 1)
}

/// Uses a recovery code. Whether this call did: of any number that try at once, one.
pub(super) async fn use_recovery_code(connection: &impl ConnectionTrait, user_id: Uuid, hash: &str, now: Instant) -> Result<bool, DbErr> {
    let used = recovery_code::Entity::update_many()
        .col_expr(recovery_code::Column::UsedAt, Expr::value(stored(now)))
        .filter(recovery_code::Column::UserId.eq(user_id))
        .filter(recovery_code::Column::CodeHash.eq(hash))
        .filter(recovery_code::Column::UsedAt.is_null());
    Ok(used.exec(connection).await?.rows_affected == 1)
}

pub(super) async fn insert_recovery_codes(connection: &impl ConnectionTrait, rows: Vec<recovery_code::Model>) -> Result<(), DbErr> {
    recovery_code::Entity::insert_many(rows.into_iter().map(|row| row.into_active_model())).exec_without_returning(connection).await.map(|_| ())
}

pub(super) async fn delete_recovery_codes(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<(), DbErr> {
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user_id)).exec(connection).await.map(|_| ())
}

pub(super) async fn delete_totp(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<(), DbErr> {
    totp::Entity::delete_by_id(user_id).exec(connection).await.map(|_| ())
}

/// How many recovery codes of a user were not used yet.
pub(crate) async fn recovery_codes_left(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, DbErr> {
    let left = recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(user_id)).filter(recovery_code::Column::UsedAt.is_null());
    left.count(connection).await
}

/// Whether a tenant that the user is a member of lets members in with a second factor only.
pub(super) async fn is_required_of(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    let requiring = membership::Entity::find()
        .inner_join(tenant::Entity)
        .filter(membership::Column::UserId.eq(user_id))
        .filter(tenant::Column::ClosedAt.is_null())
        .filter(tenant::Column::MfaRequired.eq(true));
    Ok(requiring.count(connection).await? > 0)
}
