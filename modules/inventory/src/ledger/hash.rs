//! The hashes that make a changed, removed, inserted or reordered document show.

use kernel::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of a document's immutable content, as the JSON text of its fields in their declared order.
pub fn content(content: &impl Serialize) -> Result<String, sea_orm::DbErr> {
    let bytes = serde_json::to_vec(content).map_err(|error| sea_orm::DbErr::Json(error.to_string()))?;
    Ok(hex(&Sha256::digest(&bytes)))
}

/// The next link of the chain: SHA-256 of the previous link, the document's number, its last sequence number (both as eight
/// bytes, most significant first) and its content hash.
pub fn chain(previous: &str, number: i64, last_seq: i64, content: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(last_seq.to_be_bytes());
    hash.update(content.as_bytes());
    hex(&hash.finalize())
}
