//! The one row that says what is true of the installation: its secret, its epoch, whether setup is still open.

use std::path::{Path, PathBuf};

use auth_entity::{instance, signing_key};
use kernel::{Clock, Database, Ids, Instant, Txn};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _, Set};

use crate::error::Error;
use crate::keys::{self, KeyFile, Keyring, Secrets, SigningKey, Vault};

/// What a server needs of an opened database.
pub(crate) struct Opened {
    pub(crate) vault: Vault,
    pub(crate) epoch: i64,
    pub(crate) keys: Keyring,
}

struct Candidate {
    instance: instance::ActiveModel,
    secret_check: String,
    key: signing_key::ActiveModel,
    key_file: Option<PathBuf>,
}

/// Checks the secret against the database before anything is written, then makes what a new database lacks.
pub(crate) async fn open(database: &Database, secrets: Secrets, clock: &Clock, ids: &Ids) -> Result<Opened, Error> {
    let key_file = secrets.file().map(Path::to_owned);
    let vault = match find(database.reader()).await? {
        Some(instance) => secrets.fitting(&instance.secret_check)?,
        None => {
            secrets.current().save()?;
            let check = secrets.current().check()?;
            secrets.fitting(&check)?
        }
    };
    let (now, secret_check) = (clock.now(), vault.secret().check()?);
    let key = keys::repository::row(&SigningKey::generate(ids)?, &vault, ids, now)?;
    let candidate = Candidate { instance: row(&secret_check, now), secret_check, key, key_file };
    // Another start may have been quicker, with another secret.
    database.write(candidate, |candidate, txn| Box::pin(complete(candidate, txn))).await?;
    let (epoch, keys) = read(database, &vault, None).await?;
    Ok(Opened { vault, epoch, keys })
}

async fn complete(candidate: &Candidate, txn: &Txn) -> Result<(), Error> {
    if find(txn).await?.is_none() {
        let nothing = OnConflict::new().do_nothing().to_owned();
        instance::Entity::insert(candidate.instance.clone()).on_conflict(nothing).try_insert().exec_without_returning(txn).await?;
    }
    let instance = hold(txn).await?;
    // The key of another secret's instance would be of no use to it.
    if candidate.secret_check != instance.secret_check {
        return Err(Error::SecretKeyMismatch);
    }
    if let Some(path) = &candidate.key_file {
        KeyFile(path).settle(&instance.secret_check)?;
    }
    if keys::repository::active(txn).await?.is_none() {
        keys::repository::insert_unless_active(txn, candidate.key.clone()).await?;
    }
    Ok(())
}

/// What may change of the installation while a server runs: its epoch, and its signing keys.
pub(crate) async fn read(database: &Database, vault: &Vault, known: Option<&Keyring>) -> Result<(i64, Keyring), Error> {
    let reader = database.reader();
    let instance = find(reader).await?.ok_or_else(missing)?;
    let keys = Keyring::of(&keys::repository::all(reader).await?, vault, known)?;
    Ok((instance.epoch, keys))
}

fn row(secret_check: &str, now: Instant) -> instance::ActiveModel {
    instance::ActiveModel {
        id: Set(1),
        secret_check: Set(secret_check.to_owned()),
        epoch: Set(1),
        setup_token_hash: Set(None),
        bootstrapped_at: Set(None),
        created_at: Set(now.into()),
    }
}

fn missing() -> DbErr {
    DbErr::RecordNotFound("the instance's row".into())
}

/// Takes the installation for the rest of the transaction: who changes its keys or its secret does so one after the other.
pub(crate) async fn hold(txn: &Txn) -> Result<instance::Model, DbErr> {
    instance::Entity::find_by_id(1).lock_exclusive().one(txn).await?.ok_or_else(missing)
}

/// From now on the database is one that was made with the secret of this check value.
pub(crate) async fn set_secret_check(connection: &impl ConnectionTrait, check: &str) -> Result<(), DbErr> {
    let set = instance::Entity::update_many().col_expr(instance::Column::SecretCheck, Expr::value(check)).filter(instance::Column::Id.eq(1));
    set.exec(connection).await.map(|_| ())
}

/// Makes every token void that was made until now.
pub(crate) async fn begin_epoch(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let next = Expr::col(instance::Column::Epoch).add(1);
    let begun = instance::Entity::update_many().col_expr(instance::Column::Epoch, next).filter(instance::Column::Id.eq(1));
    begun.exec(connection).await.map(|_| ())
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
