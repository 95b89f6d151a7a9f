use auth_entity::signing_key;
use kernel::instant::stored;
use kernel::{Ids, Instant};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set};

use super::rotation::Status;
use super::{SigningKey, Vault};
use crate::error::Error;

/// All of them, the one that was made last first.
pub(crate) async fn all(connection: &impl ConnectionTrait) -> Result<Vec<signing_key::Model>, DbErr> {
    let last_first = signing_key::Entity::find().order_by_desc(signing_key::Column::CreatedAt).order_by_asc(signing_key::Column::Kid);
    last_first.all(connection).await
}

pub(crate) async fn active(connection: &impl ConnectionTrait) -> Result<Option<signing_key::Model>, DbErr> {
    signing_key::Entity::find().filter(signing_key::Column::Status.eq(Status::Active.name())).one(connection).await
}

/// The row of a key that signs from now on.
pub(crate) fn row(key: &SigningKey, vault: &Vault, ids: &Ids, now: Instant) -> Result<signing_key::ActiveModel, Error> {
    let pending = pending_row(key, vault, ids, now)?;
    Ok(signing_key::ActiveModel { status: Set(Status::Active.name().to_owned()), activated_at: Set(Some(now.into())), ..pending })
}

/// The row of a key that is published and does not sign yet.
pub(crate) fn pending_row(key: &SigningKey, vault: &Vault, ids: &Ids, now: Instant) -> Result<signing_key::ActiveModel, Error> {
    let sealed = key.seal(vault, ids)?;
    Ok(signing_key::ActiveModel {
        kid: Set(key.public.kid.clone()),
        status: Set(Status::Pending.name().to_owned()),
        public_jwk: Set(serde_json::to_string(&key.public).map_err(|_| Error::Cryptography("writing a public key"))?),
        sealed_private_key: Set(sealed.text),
        secret_id: Set(sealed.secret_id),
        created_at: Set(now.into()),
        activated_at: Set(None),
        retired_at: Set(None),
    })
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, row: signing_key::ActiveModel) -> Result<(), DbErr> {
    signing_key::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
}

/// Adds the key unless there is an active one: the index that allows only one decides between two that start at once.
pub(crate) async fn insert_unless_active(connection: &impl ConnectionTrait, row: signing_key::ActiveModel) -> Result<(), DbErr> {
    signing_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert().exec_without_returning(connection).await.map(|_| ())
}

/// The key that signs no longer does.
pub(crate) async fn retire_active(connection: &impl ConnectionTrait, now: Instant) -> Result<(), DbErr> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::Status, Expr::value(Status::Retired.name()))
        .col_expr(signing_key::Column::RetiredAt, Expr::value(stored(now)))
        .filter(signing_key::Column::Status.eq(Status::Active.name()))
        .exec(connection)
        .await
        .map(|_| ())
}

/// This key signs. [`retire_active`] comes before it.
pub(crate) async fn activate(connection: &impl ConnectionTrait, kid: &str, now: Instant) -> Result<(), DbErr> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::Status, Expr::value(Status::Active.name()))
        .col_expr(signing_key::Column::ActivatedAt, Expr::value(stored(now)))
        .filter(signing_key::Column::Kid.eq(kid))
        .exec(connection)
        .await
        .map(|_| ())
}

/// Whether there was such a key.
pub(crate) async fn delete(connection: &impl ConnectionTrait, kid: &str) -> Result<bool, DbErr> {
    Ok(signing_key::Entity::delete_by_id(kid.to_owned()).exec(connection).await?.rows_affected == 1)
}

pub(crate) async fn delete_all(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    signing_key::Entity::delete_many().exec(connection).await.map(|_| ())
}

/// Writes what was sealed anew.
pub(crate) async fn set_sealed(connection: &impl ConnectionTrait, kid: &str, text: &str, secret_id: &str) -> Result<(), DbErr> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::SealedPrivateKey, Expr::value(text))
        .col_expr(signing_key::Column::SecretId, Expr::value(secret_id))
        .filter(signing_key::Column::Kid.eq(kid))
        .exec(connection)
        .await
        .map(|_| ())
}
