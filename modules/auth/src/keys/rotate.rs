//! Doing to the signing keys what is due, once, however many servers and people try at the same moment.

use auth_entity::signing_key;
use kernel::{Clock, Ids, Instant, Txn};

use super::rotation::{Aged, Status, Step, Wish, steps};
use super::{SigningKey, Vault, repository};
use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::{Auth, instance};

/// One try at it, with the key that is taken where a new one is needed.
pub(crate) struct Rotation {
    new_kid: String,
    new: signing_key::ActiveModel,
    wish: Wish,
    now: Instant,
    witness: Witness,
}

impl Rotation {
    pub(crate) fn begin(vault: &Vault, clock: &Clock, ids: &Ids, wish: Wish) -> Result<Self, Error> {
        let (key, now) = (SigningKey::generate(ids)?, clock.now());
        let new = repository::pending_row(&key, vault, ids, now)?;
        Ok(Self { new_kid: key.public.kid, new, wish, now, witness: Witness::new(clock, ids) })
    }

    /// Does what is to be done. The instance's row is held, so that another one finds it done.
    pub(crate) async fn turn(&self, txn: &Txn) -> Result<Vec<Step>, Error> {
        instance::hold(txn).await?;
        self.step(txn).await
    }

    /// Takes a key out of what is trusted, and lets another one sign where it was the one that did.
    pub(crate) async fn remove(&self, txn: &Txn, kid: &str) -> Result<(), Error> {
        instance::hold(txn).await?;
        if !repository::delete(txn, kid).await? {
            return Err(Error::NotFound("signing key"));
        }
        self.step(txn).await?;
        Ok(self.witness.done(Act::RemoveSigningKey, Concerned::default()).record(txn).await?)
    }

    async fn step(&self, txn: &Txn) -> Result<Vec<Step>, Error> {
        let keys: Vec<Aged> = repository::all(txn).await?.iter().filter_map(Aged::of).collect();
        let steps = steps(&keys, &self.new_kid, self.wish, self.now);
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

impl Auth {
    /// Publishes, promotes and forgets signing keys as their age asks for. Answers whether there was something to do. Once an hour is often
    /// enough.
    pub async fn rotate_signing_keys(&self) -> Result<bool, Error> {
        let state = &self.0;
        // Most of the time there is nothing to do, and nobody is held up for that.
        let keys: Vec<Aged> = repository::all(state.database.reader()).await?.iter().filter_map(Aged::of).collect();
        let has_active = keys.iter().any(|key| key.status == Status::Active);
        if has_active && steps(&keys, "", Wish::WhatIsDue, state.clock.now()).is_empty() {
            return Ok(false);
        }
        let rotation = Rotation::begin(&state.vault, &state.clock, &state.ids, Wish::WhatIsDue)?;
        let taken = state.database.write(rotation, |rotation, txn| Box::pin(rotation.turn(txn))).await?;
        Ok(!taken.is_empty())
    }
}
