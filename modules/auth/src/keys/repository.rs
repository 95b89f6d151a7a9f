use auth_entity::signing_key;
use kernel::{Ids, Instant};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, Set};

use super::{SecretKey, SigningKey};
use crate::error::Error;

const ACTIVE: &str = "active";

pub(crate) async fn active(connection: &impl ConnectionTrait) -> Result<Option<signing_key::Model>, DbErr> {
    signing_key::Entity::find().filter(signing_key::Column::Status.eq(ACTIVE)).one(connection).await
}

/// The row of a key that signs from now on.
pub(crate) fn row(key: &SigningKey, secret: &SecretKey, ids: &Ids, now: Instant) -> Result<signing_key::ActiveModel, Error> {
    Ok(signing_key::ActiveModel {
        kid: Set(key.public.kid.clone()),
        status: Set(ACTIVE.to_owned()),
        public_jwk: Set(serde_json::to_string(&key.public).map_err(|_| Error::Cryptography("writing a public key"))?),
        sealed_private_key: Set(key.seal(secret, ids)?),
        secret_id: Set(secret.id()?),
        created_at: Set(now.into()),
        activated_at: Set(Some(now.into())),
    })
}

/// Adds the key unless there is an active one: the index that allows only one decides between two that start at once.
pub(crate) async fn insert_unless_active(connection: &impl ConnectionTrait, row: signing_key::ActiveModel) -> Result<(), DbErr> {
    signing_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert().exec_without_returning(connection).await.map(|_| ())
}
