//! What an API key looks like: `lark_`, a prefix by which it is found and recognised, and a secret.

use kernel::{Ids, hex};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const KIND: &str = "lark_";
const PREFIX_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// Whether a bearer token says of itself that it is an API key.
pub(crate) fn is_one(bearer: &str) -> bool {
    bearer.starts_with(KIND)
}

/// A key, of whatever worth. It has no `Debug`: it is a credential.
pub(super) struct Token {
    text: String,
}

impl Token {
    pub(super) fn new(ids: &Ids) -> Self {
        let (prefix, secret) = (hex(&ids.bytes::<PREFIX_BYTES>()), hex(&ids.bytes::<SECRET_BYTES>()));
        Self { text: format!("{KIND}{prefix}_{secret}") }
    }

    /// `None` for what cannot be one.
    pub(super) fn read(bearer: &str) -> Option<Self> {
        let (prefix, secret) = bearer.strip_prefix(KIND)?.split_once('_')?;
        let is_hex = |text: &str, bytes: usize| text.len() == 2 * bytes && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex(prefix, PREFIX_BYTES) && is_hex(secret, SECRET_BYTES)).then(|| Self { text: bearer.to_owned() })
    }

    /// To be shown once.
    pub(super) fn reveal(&self) -> &str {
        &self.text
    }

    pub(super) fn prefix(&self) -> &str {
        &self.text[KIND.len()..KIND.len() + 2 * PREFIX_BYTES]
    }

    /// What is kept of it. A secret of 256 random bits needs no slow hash.
    pub(super) fn hash(&self) -> String {
        hex(&self.digest())
    }

    /// The name under which what was read of it is remembered: only the same secret has it.
    pub(super) fn cache_id(&self) -> Uuid {
        let mut half = [0; 16];
        half.copy_from_slice(&self.digest()[..16]);
        Uuid::from_bytes(half)
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_one() {
        let token = Token::new(&Ids::System);
        let again = Token::read(token.reveal()).expect("a key");
        assert_eq!((again.prefix(), again.hash(), again.cache_id()), (token.prefix(), token.hash(), token.cache_id()));
        assert!(is_one(token.reveal()) && token.reveal().starts_with(&format!("lark_{}_", token.prefix())));
        let text = token.reveal();
        for wrong in ["", "lark_", "lark_é", &text[..text.len() - 1], &text.to_uppercase(), &format!("{text}0"), &text.replacen("lark", "larr", 1)] {
            assert!(Token::read(wrong).is_none(), "{wrong}");
        }
    }
}
