//! `larder auth rotate-secret` and `accept-secret-loss`: the database becomes one of another secret key.

use std::path::PathBuf;
use std::sync::Arc;

use auth_entity::{outbox, recovery_code, signing_key, totp};
use kernel::{Clock, Database, Ids, Instant, Txn};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Serialize;

use super::begin_anew::begin_anew;
use super::missing;
use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::instance;
use crate::keys::{self, KeyFile, Purpose, SecretKey, Secrets, SigningKey, Vault, repository};

/// An installation whose secret key is exchanged.
pub struct SecretChange {
    database: Database,
    clock: Clock,
    ids: Ids,
}

/// How many rows were sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sealed {
    pub signing_keys: u64,
    pub second_factors: u64,
    pub mails: u64,
}

struct Change {
    /// The vaults whose secrets the rows go through, the last of which is the one that they end with.
    through: Vec<Vault>,
    /// The check values from which it may begin.
    from: Vec<String>,
    to: String,
    /// The file of the key, and the key that comes into it.
    file: Option<(PathBuf, SecretKey)>,
    ids: Ids,
    witness: Witness,
}

impl SecretChange {
    pub fn of(database: Database, clock: Clock, ids: Ids) -> Self {
        Self { database, clock, ids }
    }

    /// Seals anew what the previous key has sealed, and makes the database one of the present key: all of it or nothing. Where the key is
    /// kept in a file, that is the present one, and the next is made here. Doing it again seals what was sealed by the previous key meanwhile.
    ///
    /// Links are not sealed anew: what is in them is opened by either key, and they live for a day at the most.
    pub async fn rotate(&self, secrets: Secrets) -> Result<Sealed, Error> {
        let check = instance::find(self.database.reader()).await?.ok_or(Error::NotStartedYet)?.secret_check;
        let file = secrets.file().map(std::path::Path::to_owned);
        let change = match file {
            Some(path) => {
                let present = secrets.fitting(&check)?;
                let (secret, previous) = (present.secret().clone(), present.previous().cloned());
                // What a server has sealed under the key before this one is sealed under this one first, for good: then its file is overwritten.
                let first = self.change(vec![Vault::with_previous(secret.clone(), previous)], vec![check.clone()], check, None);
                self.database.write(first, |change, txn| Box::pin(change.turn(txn))).await?;
                self.in_file(path, Vault::with_previous(secret, None))?
            }
            None => self.given(secrets)?,
        };
        let file = change.file.as_ref().map(|(path, _)| path.clone());
        let sealed = self.database.write(change, |change, txn| Box::pin(change.turn(txn))).await?;
        if let Some(path) = file {
            // Until here the file holds the key before; a start that comes now ends this.
            self.database
                .write(path, |path, txn| {
                    Box::pin(async move {
                        let instance = instance::hold(txn).await?;
                        KeyFile(path).settle(&instance.secret_check)
                    })
                })
                .await?;
        }
        Ok(sealed)
    }

    fn given(&self, secrets: Secrets) -> Result<Change, Error> {
        let (current, previous) = secrets.into_given();
        let previous = previous.ok_or(Error::PreviousSecretMissing)?;
        let (from, to) = (vec![previous.check()?, current.check()?], current.check()?);
        Ok(self.change(vec![Vault::with_previous(current, Some(previous))], from, to, None))
    }

    fn in_file(&self, path: PathBuf, present: Vault) -> Result<Change, Error> {
        let next = SecretKey::random();
        let (from, to) = (vec![present.secret().check()?], next.check()?);
        let vault = Vault::with_previous(next.clone(), Some(present.secret().clone()));
        Ok(self.change(vec![vault], from, to, Some((path, next))))
    }

    fn change(&self, through: Vec<Vault>, from: Vec<String>, to: String, file: Option<(PathBuf, SecretKey)>) -> Change {
        Change { through, from, to, file, ids: self.ids.clone(), witness: Witness::new(&self.clock, &self.ids) }
    }

    /// Gives up what cannot be opened any more, because the secret key is lost: sessions, signing keys, second factors, links and mails. The
    /// database becomes one of the present key. [`Error::NothingLost`] where it is already.
    pub async fn accept_loss(&self, secrets: Secrets) -> Result<(), Error> {
        let check = instance::find(self.database.reader()).await?.ok_or(Error::NotStartedYet)?.secret_check;
        let (now, secret) = (self.clock.now(), secrets.current());
        if secrets.may_open(&check)? {
            return Err(Error::NothingLost);
        }
        // A file with a key that the database does not know does no harm; the other way round it would.
        secret.save()?;
        let to = secret.check()?;
        let vault = Vault::with_previous(secret.clone(), None);
        let key = repository::row(&SigningKey::generate(&self.ids)?, &vault, &self.ids, now)?;
        let witness = Witness::new(&self.clock, &self.ids);
        let loss = Arc::new(Loss { to, key, now, witness });
        self.database.write(loss, |loss, txn| Box::pin(loss.turn(txn))).await
    }
}

struct Loss {
    to: String,
    key: signing_key::ActiveModel,
    now: Instant,
    witness: Witness,
}

impl Loss {
    async fn turn(&self, txn: &Txn) -> Result<(), Error> {
        instance::hold(txn).await?;
        begin_anew(txn, self.key.clone(), self.now).await?;
        totp::Entity::delete_many().exec(txn).await?;
        recovery_code::Entity::delete_many().exec(txn).await?;
        instance::set_secret_check(txn, &self.to).await?;
        Ok(self.witness.done(Act::AcceptSecretLoss, Concerned::default()).record(txn).await?)
    }
}

impl Change {
    async fn turn(&self, txn: &Txn) -> Result<Sealed, Error> {
        let instance = instance::hold(txn).await.map_err(|_| missing())?;
        if !self.from.contains(&instance.secret_check) {
            return Err(Error::SecretKeyMismatch);
        }
        if let Some((path, next)) = &self.file {
            let file = KeyFile(path);
            file.settle(&instance.secret_check)?;
            file.offer(next)?;
        }
        let mut sealed = Sealed::default();
        for vault in &self.through {
            sealed = self.seal_anew(txn, vault).await?;
        }
        instance::set_secret_check(txn, &self.to).await?;
        if self.from.as_slice() != [self.to.as_str()] {
            self.witness.done(Act::RotateSecret, Concerned::default()).record(txn).await?;
        }
        Ok(sealed)
    }

    async fn seal_anew(&self, txn: &Txn, vault: &Vault) -> Result<Sealed, Error> {
        let mut count = Sealed::default();
        let present = vault.secret().id()?;
        let of = |secret_id: String, text: String| keys::Sealed { secret_id, text };
        let fails = |table: &'static str| move |_| Error::SealedByAnother(table);
        for row in signing_key::Entity::find().filter(signing_key::Column::SecretId.ne(present.as_str())).all(txn).await? {
            let before = of(row.secret_id, row.sealed_private_key);
            let anew = vault.reseal(Purpose::SigningKey, row.kid.as_bytes(), &before, &self.ids).map_err(fails("signing_key"))?;
            if let Some(anew) = anew {
                repository::set_sealed(txn, &row.kid, &anew.text, &anew.secret_id).await?;
                count.signing_keys += 1;
            }
        }
        for row in totp::Entity::find().filter(totp::Column::SecretId.ne(present.as_str())).all(txn).await? {
            let before = of(row.secret_id, row.sealed_secret);
            let anew = vault.reseal(Purpose::Totp, row.user_id.as_bytes(), &before, &self.ids).map_err(fails("totp"))?;
            if let Some(anew) = anew {
                let update = totp::Entity::update_many()
                    .filter(totp::Column::UserId.eq(row.user_id))
                    .filter(totp::Column::SealedSecret.eq(before.text.as_str()))
                    .col_expr(totp::Column::SealedSecret, Expr::value(anew.text))
                    .col_expr(totp::Column::SecretId, Expr::value(anew.secret_id));
                if update.exec(txn).await?.rows_affected == 0 {
                    // Its user has begun another one meanwhile: all of it once more.
                    return Err(Error::Changed);
                }
                count.second_factors += 1;
            }
        }
        for row in outbox::Entity::find().filter(outbox::Column::SecretId.ne(present.as_str())).all(txn).await? {
            let before = of(row.secret_id, row.sealed_message);
            let anew = vault.reseal(Purpose::Mail, row.id.as_bytes(), &before, &self.ids).map_err(fails("outbox"))?;
            if let Some(anew) = anew {
                let update = outbox::Entity::update_many().filter(outbox::Column::Id.eq(row.id));
                let update =
                    update.col_expr(outbox::Column::SealedMessage, Expr::value(anew.text)).col_expr(outbox::Column::SecretId, Expr::value(anew.secret_id));
                update.exec(txn).await?;
                count.mails += 1;
            }
        }
        Ok(count)
    }
}
