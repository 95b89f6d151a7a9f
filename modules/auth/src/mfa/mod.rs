//! Second factors: the code of an authenticator app, and recovery codes for whoever has lost it.

pub(crate) mod begin;
pub(crate) mod confirm;
mod recovery;
pub(crate) mod recovery_codes;
pub(crate) mod remove;
mod repository;
mod shown;
mod totp;

pub(crate) use repository::recovery_codes_left;
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
pub(crate) use shown::{Charged, SecondFactor};
use utoipa::ToSchema;
use uuid::Uuid;

/// Ten codes, each of which is good once in the place of a code of the app.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// To be kept apart from the app. They are shown this once, and the ones before are no longer good.
    pub recovery_codes: Vec<String>,
}

/// Whether a user logs in with a second factor.
pub(crate) async fn is_enrolled(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    Ok(repository::totp(connection, user_id).await?.is_some_and(|totp| totp.confirmed_at.is_some()))
}

/// Takes a user's second factor and recovery codes away. Whether there was one that counted.
pub(crate) async fn forget(txn: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, DbErr> {
    let was = is_enrolled(txn, user_id).await?;
    repository::delete_totp(txn, user_id).await?;
    repository::delete_recovery_codes(txn, user_id).await?;
    Ok(was)
}
