//! The keys that a server signs and verifies with, as it read them last.

use std::sync::Arc;

use auth_entity::signing_key;

use super::rotation::Status;
use super::{PublicKey, Sealed, SigningKey, Vault};
use crate::error::Error;

/// The key that signs, first, and all others that are trusted: what may sign next, and what has signed until lately.
#[derive(Clone)]
pub(crate) struct Keyring {
    active: Arc<SigningKey>,
    others: Vec<Arc<SigningKey>>,
}

impl Keyring {
    #[cfg(test)]
    pub(crate) fn new(active: SigningKey) -> Self {
        Self { active: Arc::new(active), others: Vec::new() }
    }

    /// The keys of these rows. A key is trusted because its sealed half opens, and not because a row says so; what is `known` from before
    /// need not be opened again, so that a server goes on where its secret was rotated meanwhile.
    pub(crate) fn of(rows: &[signing_key::Model], vault: &Vault, known: Option<&Self>) -> Result<Self, Error> {
        let (mut active, mut others) = (None, Vec::new());
        for row in rows {
            let is_active = Status::parse(&row.status) == Some(Status::Active);
            let key = match known.and_then(|known| known.find(&row.kid)) {
                Some(key) => Ok(key.clone()),
                None => open(row, vault).map(Arc::new),
            };
            match key {
                Ok(key) if is_active => active = Some(key),
                Ok(key) => others.push(key),
                Err(error) if is_active => return Err(error),
                Err(error) => tracing::warn!(kid = row.kid, %error, "a signing key is not trusted"),
            }
        }
        let active = active.ok_or(Error::Cryptography("finding the key that signs"))?;
        Ok(Self { active, others })
    }

    fn find(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        std::iter::once(&self.active).chain(&self.others).find(|key| key.public.kid == kid)
    }

    pub(crate) fn active(&self) -> &SigningKey {
        &self.active
    }

    pub(crate) fn trusted(&self, kid: &str) -> Option<&SigningKey> {
        self.find(kid).map(Arc::as_ref)
    }

    pub(crate) fn published(&self) -> Vec<PublicKey> {
        std::iter::once(&self.active).chain(&self.others).map(|key| key.public.clone()).collect()
    }
}

fn open(row: &signing_key::Model, vault: &Vault) -> Result<SigningKey, Error> {
    let sealed = Sealed { secret_id: row.secret_id.clone(), text: row.sealed_private_key.clone() };
    SigningKey::unseal(&row.kid, &sealed, vault)
}
