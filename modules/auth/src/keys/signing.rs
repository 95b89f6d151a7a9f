use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use kernel::Ids;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::vault::{Purpose, Sealed, Vault};
use crate::error::Error;

/// PKCS#8 version 1 of an Ed25519 key is this, then the 32 bytes of its seed (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const SEED_BYTES: usize = 32;

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
pub(crate) struct SigningKey {
    pub(crate) public: PublicKey,
    encoding: EncodingKey,
    decoding: DecodingKey,
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
        let decoding = DecodingKey::from_ed_components(&public.x).map_err(failed)?;
        Ok(Self { public, encoding, decoding, seed })
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// The private half, bound to this key's id.
    pub(crate) fn seal(&self, vault: &Vault, ids: &Ids) -> Result<Sealed, Error> {
        vault.seal(Purpose::SigningKey, self.public.kid.as_bytes(), self.seed.as_slice(), ids)
    }

    pub(crate) fn unseal(kid: &str, sealed: &Sealed, vault: &Vault) -> Result<Self, Error> {
        let opened = vault.unseal(Purpose::SigningKey, kid.as_bytes(), sealed)?;
        let seed = opened.as_slice().try_into().map(Zeroizing::new).map_err(|_| Error::Cryptography("reading a sealed signing key"))?;
        Self::from_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;
    use crate::keys::vault::unhex;

    #[test]
    fn a_sealed_key_opens_under_its_own_id_only() {
        let vault = Vault::new(SecretKey::random());
        let key = SigningKey::generate(&Ids::seeded(1)).expect("a key");
        let sealed = key.seal(&vault, &Ids::seeded(2)).expect("sealed");
        assert_eq!(SigningKey::unseal(&key.public.kid, &sealed, &vault).expect("opened").public, key.public);
        assert!(SigningKey::unseal("another", &sealed, &vault).is_err());
    }

    #[test]
    fn the_key_of_rfc_8037_has_its_published_thumbprint() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").expect("hex");
        let key = SigningKey::from_seed(Zeroizing::new(seed.try_into().expect("32 bytes"))).expect("a key");
        assert_eq!(key.public.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.public.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
