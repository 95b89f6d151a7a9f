//! Doing to the signing keys what is due, once, however many servers and people try at the same moment.

use std::sync::Arc;

use auth_entity::signing_key;
use kernel::{Clock, Ids, Instant, Txn};

use super::rotation::{Aged, Status, Step, Wish, steps};
use super::{Sealed, SigningKey, Vault, repository};
use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::{Auth, instance};

/// One try at it, with the key that is taken where a new one is needed.
pub(crate) struct Rotation {
    new_kid: String,
    new: signing_key::ActiveModel,
    vault: Arc<Vault>,
    wish: Wish,
    now: Instant,
    witness: Witness,
}

impl Rotation {
    pub(crate) fn begin(vault: &Arc<Vault>, clock: &Clock, ids: &Ids, wish: Wish) -> Result<Self, Error> {
        let (key, now) = (SigningKey::generate(ids)?, clock.now());
        let new = repository::pending_row(&key, vault, ids, now)?;
        Ok(Self { new_kid: key.public.kid, new, vault: vault.clone(), wish, now, witness: Witness::new(clock, ids) })
    }

    /// Does what is to be done. The instance's row is held, so that another one finds it done. [`Error::SecretKeyMismatch`] for a server
    /// that has the secret of before: what it sealed nobody could open, and of what others have sealed it knows nothing.
    pub(crate) async fn turn(&self, txn: &Txn) -> Result<Vec<Step>, Error> {
        self.hold(txn).await?;
        self.step(txn).await
    }

    async fn hold(&self, txn: &Txn) -> Result<(), Error> {
        let instance = instance::hold(txn).await?;
        if self.vault.secret().fits(&instance.secret_check)? { Ok(()) } else { Err(Error::SecretKeyMismatch) }
    }

    /// Takes a key out of what is trusted, and lets another one sign where it was the one that did.
    pub(crate) async fn remove(&self, txn: &Txn, kid: &str) -> Result<(), Error> {
        self.hold(txn).await?;
        if !repository::delete(txn, kid).await? {
            return Err(Error::NotFound("signing key"));
        }
        self.step(txn).await?;
        Ok(self.witness.done(Act::RemoveSigningKey, Concerned::default()).record(txn).await?)
    }

    async fn step(&self, txn: &Txn) -> Result<Vec<Step>, Error> {
        let steps = due(&repository::all(txn).await?, &self.vault, &self.new_kid, self.wish, self.now);
        for step in &steps {
            match step {
                Step::Publish => repository::insert(txn, self.new.clone()).await?,
                Step::Promote(kid) => {
                    repository::retire_active(txn, self.now).await?;
                    repository::activate(txn, kid, self.now).await?;
                }
                Step::Forget(kid) => {
                    repository::delete(txn, kid).await?;
                }
            }
        }
        if !steps.is_empty() {
            self.witness.done(Act::RotateSigningKeys, Concerned::default()).record(txn).await?;
        }
        Ok(steps)
    }
}

/// What is to be done now: first, what waits to sign and could not is forgotten, so that another one is published in its place.
fn due(rows: &[signing_key::Model], vault: &Vault, new: &str, wish: Wish, now: Instant) -> Vec<Step> {
    let is_lost = |row: &&signing_key::Model| Status::parse(&row.status) == Some(Status::Pending) && !opens(row, vault);
    let (lost, usable): (Vec<_>, Vec<_>) = rows.iter().partition(is_lost);
    let keys: Vec<Aged> = usable.into_iter().filter_map(Aged::of).collect();
    lost.into_iter().map(|row| Step::Forget(row.kid.clone())).chain(steps(&keys, new, wish, now)).collect()
}

/// Whether the present secret opens a key. By the one before it is not enough: that one is taken away.
fn opens(row: &signing_key::Model, vault: &Vault) -> bool {
    let sealed = Sealed { secret_id: row.secret_id.clone(), text: row.sealed_private_key.clone() };
    vault.secret().id().is_ok_and(|id| id == sealed.secret_id) && SigningKey::unseal(&row.kid, &sealed, vault).is_ok()
}

impl Auth {
    /// Publishes, promotes and forgets signing keys as their age asks for. Answers whether there was something to do. Once an hour is often
    /// enough.
    pub async fn rotate_signing_keys(&self) -> Result<bool, Error> {
        let state = &self.0;
        // Most of the time there is nothing to do, and nobody is held up for that.
        let rows = repository::all(state.database.reader()).await?;
        let has_active = rows.iter().any(|row| Status::parse(&row.status) == Some(Status::Active));
        if has_active && due(&rows, &state.vault, "", Wish::WhatIsDue, state.clock.now()).is_empty() {
            return Ok(false);
        }
        let rotation = Rotation::begin(&state.vault, &state.clock, &state.ids, Wish::WhatIsDue)?;
        let taken = state.database.write(rotation, |rotation, txn| Box::pin(rotation.turn(txn))).await?;
        Ok(!taken.is_empty())
    }
}
