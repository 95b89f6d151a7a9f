use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kernel::{Ids, hex};
use zeroize::Zeroizing;

use super::secret::SecretKey;
use crate::error::Error;

const NONCE_BYTES: usize = 24;

/// What is sealed: each kind under a subkey of its own, so that nothing sealed as one is opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    SigningKey,
    /// What an authenticator app shares with this server, bound to its user's id.
    Totp,
    /// What is kept of a log-in until its second factor is shown, bound to its user's id.
    HalfLogin,
    /// A letter that waits to be sent, bound to its row's id.
    Mail,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::SigningKey => "signing-key",
            Self::Totp => "totp",
            Self::HalfLogin => "half-login",
            Self::Mail => "mail",
        }
    }
}

/// What was sealed, with the name of the secret that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) secret_id: String,
    pub(crate) text: String,
}

/// Seals what the database may hold and nobody may read there, under subkeys of the secret key.
pub(crate) struct Vault {
    secret: SecretKey,
    /// The one before it, where it is known: what it has sealed is still opened.
    previous: Option<SecretKey>,
}

impl Vault {
    #[cfg(test)]
    pub(crate) fn new(secret: SecretKey) -> Self {
        Self { secret, previous: None }
    }

    pub(crate) fn with_previous(secret: SecretKey, previous: Option<SecretKey>) -> Self {
        Self { secret, previous }
    }

    /// The secret that everything new is made with.
    pub(crate) fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The secret before the present one, where it is known.
    pub(crate) fn previous(&self) -> Option<&SecretKey> {
        self.previous.as_ref()
    }

    /// Seals `plain`, to be opened for the same purpose and `bound_to` the same thing only, such as the id of its row.
    pub(crate) fn seal(&self, purpose: Purpose, bound_to: &[u8], plain: &[u8], ids: &Ids) -> Result<Sealed, Error> {
        let nonce: [u8; NONCE_BYTES] = ids.bytes();
        let payload = Payload { msg: plain, aad: bound_to };
        let sealed = cipher(&self.secret, purpose)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Cryptography("sealing"))?;
        Ok(Sealed { secret_id: self.secret.id()?, text: hex(&[nonce.as_slice(), &sealed].concat()) })
    }

    /// Opens what this secret or the one before it has sealed. [`Error::SecretKeyMismatch`] for what another one has, and for what was changed.
    pub(crate) fn unseal(&self, purpose: Purpose, bound_to: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = unhex(&sealed.text).ok_or(Error::Cryptography("reading what is sealed"))?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Error::Cryptography("reading what is sealed"))?;
        for secret in [Some(&self.secret), self.previous.as_ref()].into_iter().flatten() {
            // Not by the stored name alone: it says which key opens it, and only the key proves it.
            let payload = Payload { msg: ciphertext, aad: bound_to };
            if let Ok(plain) = cipher(secret, purpose)?.decrypt(&XNonce::from(*nonce), payload) {
                return Ok(Zeroizing::new(plain));
            }
        }
        Err(Error::SecretKeyMismatch)
    }

    /// What was sealed under another secret than the present one, sealed under that; `None` where it is already.
    pub(crate) fn reseal(&self, purpose: Purpose, bound_to: &[u8], sealed: &Sealed, ids: &Ids) -> Result<Option<Sealed>, Error> {
        if sealed.secret_id == self.secret.id()? {
            return Ok(None);
        }
        let plain = self.unseal(purpose, bound_to, sealed)?;
        self.seal(purpose, bound_to, &plain, ids).map(Some)
    }
}

fn cipher(secret: &SecretKey, purpose: Purpose) -> Result<XChaCha20Poly1305, Error> {
    let key = secret.subkey::<32>(purpose.label())?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_secret_before_has_sealed_is_opened_and_sealed_anew() {
        let key = |letter: &str| SecretKey::parse(&letter.repeat(32)).expect("a key");
        let (old, both, new) = (Vault::new(key("o")), Vault::with_previous(key("n"), Some(key("o"))), Vault::new(key("n")));
        let sealed = old.seal(Purpose::Totp, b"one", b"a seed", &Ids::seeded(1)).expect("sealed");
        assert_eq!(both.unseal(Purpose::Totp, b"one", &sealed).expect("opened").as_slice(), b"a seed");
        assert!(matches!(new.unseal(Purpose::Totp, b"one", &sealed), Err(Error::SecretKeyMismatch)));
        let anew = both.reseal(Purpose::Totp, b"one", &sealed, &Ids::seeded(2)).expect("resealed").expect("it was another's");
        assert_eq!(new.unseal(Purpose::Totp, b"one", &anew).expect("opened").as_slice(), b"a seed");
        assert_eq!(both.reseal(Purpose::Totp, b"one", &anew, &Ids::seeded(3)).expect("resealed"), None);
    }

    #[test]
    fn what_is_sealed_opens_under_its_secret_and_for_its_own_thing_only() {
        let (vault, other) = (Vault::new(SecretKey::random()), Vault::new(SecretKey::random()));
        let sealed = vault.seal(Purpose::SigningKey, b"one", b"the seed", &Ids::seeded(2)).expect("sealed");
        let open = |vault: &Vault, bound_to: &[u8], sealed: &Sealed| vault.unseal(Purpose::SigningKey, bound_to, sealed);
        assert_eq!(open(&vault, b"one", &sealed).expect("opened").as_slice(), b"the seed");
        assert!(matches!(open(&other, b"one", &sealed), Err(Error::SecretKeyMismatch)));
        assert!(open(&vault, b"another", &sealed).is_err());
        for wrong in ["", "zz", &sealed.text[..20], &sealed.text[..sealed.text.len() - 2]] {
            assert!(open(&vault, b"one", &Sealed { text: wrong.into(), ..sealed.clone() }).is_err(), "{wrong}");
        }
        assert_ne!(vault.seal(Purpose::SigningKey, b"one", b"the seed", &Ids::seeded(3)).expect("sealed"), sealed, "another nonce");
    }
}
