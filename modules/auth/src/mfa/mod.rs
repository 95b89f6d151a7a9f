//! Second factors.

use auth_entity::{recovery_code, totp};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

/// Whether a user logs in with a second factor.
pub(crate) async fn is_enrolled(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    let found = totp::Entity::find_by_id(user_id).filter(totp::Column::ConfirmedAt.is_not_null());
    Ok(found.one(connection).await?.is_some())
}

/// Takes a user's second factor and recovery codes away. Whether there was one that counted.
pub(crate) async fn forget(txn: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    let was = is_enrolled(txn, user_id).await?;
    totp::Entity::delete_by_id(user_id).exec(txn).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user_id)).exec(txn).await?;
    Ok(was)
}
