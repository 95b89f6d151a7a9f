//! Random texts that are handed out once, and of which a hash is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Ids, hex};
use sha2::{Digest as _, Sha256};

/// A new one of 192 random bits. The prefix says what it is to whoever finds it in a log or a repository.
pub(crate) fn new(prefix: &str, ids: &Ids) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(ids.bytes::<24>()))
}

/// What is kept of one: what cannot be guessed needs no slow hash.
pub(crate) fn hash(credential: &str) -> String {
    hex(&Sha256::digest(credential.as_bytes()))
}
