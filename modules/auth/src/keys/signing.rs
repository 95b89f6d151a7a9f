use std::collections::HashMap;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use kernel::{Ids, hex};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::secret::SecretKey;
use crate::error::Error;

/// PKCS#8 version 1 of an Ed25519 key is this, then the 32 bytes of its seed (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const SEED_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The public half of a key that signs access tokens, as a JSON Web Key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The public key, base64url.
    pub x: String,
    /// What a token names in its header: the key's thumbprint (RFC 7638).
    pub kid: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    pub r#use: String,
}

/// A key pair that signs.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) public: PublicKey,
    encoding: EncodingKey,
    seed: Zeroizing<[u8; SEED_BYTES]>,
}

impl SigningKey {
    pub(crate) fn generate(ids: &Ids) -> Result<Self, Error> {
        Self::from_seed(Zeroizing::new(ids.bytes()))
    }

    fn from_seed(seed: Zeroizing<[u8; SEED_BYTES]>) -> Result<Self, Error> {
        let failed = |_| Error::Cryptography("making a signing key");
        let document = Zeroizing::new([PKCS8_PREFIX.as_slice(), seed.as_slice()].concat());
        let encoding = EncodingKey::from_ed_der(&document);
        let jwk = Jwk::from_encoding_key(&encoding, Algorithm::EdDSA).map_err(failed)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(failed)?;
        let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else { return Err(Error::Cryptography("making a signing key")) };
        let public = PublicKey { kty: "OKP".into(), crv: "Ed25519".into(), x: pair.x, kid, alg: "EdDSA".into(), r#use: "sig".into() };
        Ok(Self { public, encoding, seed })
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// The private half, encrypted under a subkey of the secret and bound to this key's id.
    pub(crate) fn seal(&self, secret: &SecretKey, ids: &Ids) -> Result<String, Error> {
        let nonce: [u8; NONCE_BYTES] = ids.bytes();
        let payload = Payload { msg: self.seed.as_slice(), aad: self.public.kid.as_bytes() };
        let sealed = cipher(secret)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Cryptography("sealing a signing key"))?;
        Ok(hex(&[nonce.as_slice(), &sealed].concat()))
    }

    pub(crate) fn unseal(kid: &str, sealed: &str, secret: &SecretKey) -> Result<Self, Error> {
        let bytes = unhex(sealed).ok_or(Error::Cryptography("reading a sealed signing key"))?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Error::Cryptography("reading a sealed signing key"))?;
        let payload = Payload { msg: sealed, aad: kid.as_bytes() };
        let opened = cipher(secret)?.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Error::SecretKeyMismatch)?;
        let seed = opened.as_slice().try_into().map(Zeroizing::new).map_err(|_| Error::Cryptography("reading a sealed signing key"))?;
        Self::from_seed(seed)
    }
}

fn cipher(secret: &SecretKey) -> Result<XChaCha20Poly1305, Error> {
    let key = secret.subkey::<32>("signing-key")?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The key that signs and all keys that are trusted.
pub(crate) struct Keyring {
    active: SigningKey,
    trusted: HashMap<String, DecodingKey>,
    published: Vec<PublicKey>,
}

impl Keyring {
    pub(crate) fn new(active: SigningKey) -> Result<Self, Error> {
        let published = vec![active.public.clone()];
        let decoding = |key: &PublicKey| DecodingKey::from_ed_components(&key.x).map_err(|_| Error::Cryptography("reading a public key"));
        let trusted = published.iter().map(|key| Ok((key.kid.clone(), decoding(key)?))).collect::<Result<_, Error>>()?;
        Ok(Self { active, trusted, published })
    }

    pub(crate) fn active(&self) -> &SigningKey {
        &self.active
    }

    pub(crate) fn trusted(&self, kid: &str) -> Option<&DecodingKey> {
        self.trusted.get(kid)
    }

    pub(crate) fn published(&self) -> &[PublicKey] {
        &self.published
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_opens_under_its_secret_and_its_own_id_only() {
        let (secret, other) = (SecretKey::random(), SecretKey::random());
        let key = SigningKey::generate(&Ids::seeded(1)).expect("a key");
        let sealed = key.seal(&secret, &Ids::seeded(2)).expect("sealed");
        let opened = SigningKey::unseal(&key.public.kid, &sealed, &secret).expect("opened");
        assert_eq!(opened.public, key.public);
        assert!(matches!(SigningKey::unseal(&key.public.kid, &sealed, &other), Err(Error::SecretKeyMismatch)));
        assert!(SigningKey::unseal("another", &sealed, &secret).is_err());
        assert!(SigningKey::unseal(&key.public.kid, &sealed[..20], &secret).is_err());
        assert!(SigningKey::unseal(&key.public.kid, "zz", &secret).is_err());
    }

    #[test]
    fn the_key_of_rfc_8037_has_its_published_thumbprint() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").expect("hex");
        let key = SigningKey::from_seed(Zeroizing::new(seed.try_into().expect("32 bytes"))).expect("a key");
        assert_eq!(key.public.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.public.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
