use auth_entity::signing_key;
use kernel::{Ids, Instant};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, Set};

use super::{SigningKey, Vault};
use crate::error::Error;

const ACTIVE: &str = "active";

pub(crate) async fn active(connection: &impl ConnectionTrait) -> Result<Option<signing_key::Model>, DbErr> {
    signing_key::Entity::find().filter(signing_key::Column::Status.eq(ACTIVE)).one(connection).await
}

/// The row of a key that signs from now on.
pub(crate) fn row(key: &SigningKey, vault: &Vault, ids: &Ids, now: Instant) -> Result<signing_key::ActiveModel, Error> {
    let sealed = key.seal(vault, ids)?;
    Ok(signing_key::ActiveModel {
        kid: Set(key.public.kid.clone()),
        status: Set(ACTIVE.to_owned()),
        public_jwk: Set(serde_json::to_string(&key.public).map_err(|_| Error::Cryptography("writing a public key"))?),
        sealed_private_key: Set(sealed.text),
        secret_id: Set(sealed.secret_id),
        created_at: Set(now.into()),
        activated_at: Set(Some(now.into())),
        retired_at: Set(None),
    })
}

/// Adds the key unless there is an active one: the index that allows only one decides between two that start at once.
pub(crate) async fn insert_unless_active(connection: &impl ConnectionTrait, row: signing_key::ActiveModel) -> Result<(), DbErr> {
    signing_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert().exec_without_returning(connection).await.map(|_| ())
}
