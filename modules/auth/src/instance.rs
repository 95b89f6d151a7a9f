//! The one row that says what is true of the installation: its secret, its epoch, whether setup is still open.

use auth_entity::{instance, signing_key};
use kernel::{Clock, Database, Ids, Instant, Txn};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, Set};
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::keys::{Keyring, Sealed, SecretKey, SigningKey, Vault};

/// What `Auth` needs of an opened database.
pub(crate) struct Opened {
    pub(crate) epoch: i64,
    pub(crate) keys: Keyring,
}

struct Candidate {
    instance: instance::ActiveModel,
    key: signing_key::ActiveModel,
}

/// Checks the secret against the database before anything is written, then makes what a new database lacks.
pub(crate) async fn open(database: &Database, vault: &Vault, clock: &Clock, ids: &Ids) -> Result<Opened, Error> {
    let secret = vault.secret();
    match find(database.reader()).await? {
        Some(instance) => check(&instance, secret)?,
        None => secret.save()?,
    }
    let now = clock.now();
    let candidate = Candidate { instance: row(secret, now)?, key: crate::keys::repository::row(&SigningKey::generate(ids)?, vault, ids, now)? };
    let (instance, key) = database.write(candidate, |candidate, txn| Box::pin(complete(candidate, txn))).await?;
    // Another start may have been quicker, with another secret.
    check(&instance, secret)?;
    let sealed = Sealed { secret_id: key.secret_id, text: key.sealed_private_key };
    Ok(Opened { epoch: instance.epoch, keys: Keyring::new(SigningKey::unseal(&key.kid, &sealed, vault)?)? })
}

async fn complete(candidate: &Candidate, txn: &Txn) -> Result<(instance::Model, signing_key::Model), Error> {
    let missing = || DbErr::RecordNotFound("the instance's row".into());
    let instance = match find(txn).await? {
        Some(instance) => instance,
        None => {
            let nothing = OnConflict::new().do_nothing().to_owned();
            instance::Entity::insert(candidate.instance.clone()).on_conflict(nothing).try_insert().exec_without_returning(txn).await?;
            find(txn).await?.ok_or_else(missing)?
        }
    };
    // The key of another secret's instance would be of no use to it.
    if candidate.instance.secret_check.as_ref() != &instance.secret_check {
        return Err(Error::SecretKeyMismatch);
    }
    if let Some(key) = crate::keys::repository::active(txn).await? {
        return Ok((instance, key));
    }
    crate::keys::repository::insert_unless_active(txn, candidate.key.clone()).await?;
    let key = crate::keys::repository::active(txn).await?.ok_or_else(missing)?;
    Ok((instance, key))
}

fn row(secret: &SecretKey, now: Instant) -> Result<instance::ActiveModel, Error> {
    Ok(instance::ActiveModel {
        id: Set(1),
        secret_check: Set(secret.check()?),
        epoch: Set(1),
        setup_token_hash: Set(None),
        bootstrapped_at: Set(None),
        created_at: Set(now.into()),
    })
}

fn check(instance: &instance::Model, secret: &SecretKey) -> Result<(), Error> {
    if bool::from(instance.secret_check.as_bytes().ct_eq(secret.check()?.as_bytes())) {
        return Ok(());
    }
    Err(match secret.missing_file() {
        Some(path) => Error::SecretKeyMissing(path.display().to_string()),
        None => Error::SecretKeyMismatch,
    })
}

pub(crate) async fn find(connection: &impl ConnectionTrait) -> Result<Option<instance::Model>, DbErr> {
    instance::Entity::find_by_id(1).one(connection).await
}

/// Whether setup has been done is asked here and decided in [`close_setup`].
pub(crate) async fn setup_token_hash(connection: &impl ConnectionTrait) -> Result<String, Error> {
    let instance = find(connection).await?.ok_or(Error::AlreadyBootstrapped)?;
    if instance.bootstrapped_at.is_some() {
        return Err(Error::AlreadyBootstrapped);
    }
    instance.setup_token_hash.ok_or(Error::SetupTokenInvalid)
}

/// Sets the hash of the token that opens setup; with `only_first`, not over another one. Whether it did.
pub(crate) async fn offer_setup(connection: &impl ConnectionTrait, token_hash: &str, only_first: bool) -> Result<bool, DbErr> {
    let mut update = instance::Entity::update_many()
        .col_expr(instance::Column::SetupTokenHash, Expr::value(token_hash))
        .filter(instance::Column::Id.eq(1))
        .filter(instance::Column::BootstrappedAt.is_null());
    if only_first {
        update = update.filter(instance::Column::SetupTokenHash.is_null());
    }
    Ok(update.exec(connection).await?.rows_affected == 1)
}

/// Closes setup for good, for the one who presents the token's hash while it is open. Whether this call did it: of any number
/// that try at once, one.
pub(crate) async fn close_setup(connection: &impl ConnectionTrait, token_hash: &str, now: Instant) -> Result<bool, DbErr> {
    let closed = instance::Entity::update_many()
        .col_expr(instance::Column::BootstrappedAt, Expr::value(chrono::DateTime::<chrono::FixedOffset>::from(now)))
        .col_expr(instance::Column::SetupTokenHash, Expr::value(Option::<String>::None))
        .filter(instance::Column::Id.eq(1))
        .filter(instance::Column::BootstrappedAt.is_null())
        .filter(instance::Column::SetupTokenHash.eq(token_hash))
        .exec(connection)
        .await?;
    Ok(closed.rows_affected == 1)
}
