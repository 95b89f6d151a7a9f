//! Refresh tokens: opaque to clients. Each names its session and the counter that the session had when it was made, under a MAC
//! that also covers the session's nonce and the installation's epoch: none can be made up, none of another session or from before
//! a restore is taken, and none is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::error::Error;
use crate::keys::SecretKey;

/// So that whoever finds one in a log or a repository knows what it is.
const PREFIX: &str = "larr_";
const VERSION: u8 = 1;
/// Version, session, counter.
const SAID_BYTES: usize = 1 + 16 + 8;
const MAC_BYTES: usize = 32;

/// What a refresh token says, before its MAC was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) session_id: Uuid,
    pub(crate) counter: i64,
    mac: [u8; MAC_BYTES],
}

impl Presented {
    /// `None` for what was never a refresh token.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (said, mac) = bytes.split_at_checked(SAID_BYTES)?;
        let (version, said) = said.split_first()?;
        let (session, counter) = said.split_at_checked(16)?;
        if *version != VERSION {
            return None;
        }
        let counter = i64::from_be_bytes(counter.try_into().ok()?);
        Some(Self { session_id: Uuid::from_slice(session).ok()?, counter, mac: mac.try_into().ok()? })
    }
}

/// Makes refresh tokens and tells its own from others.
pub(crate) struct Refreshing {
    key: Hmac<Sha256>,
    /// Of the secret before the present one: its tokens are still taken.
    previous: Option<Hmac<Sha256>>,
}

impl Refreshing {
    pub(crate) fn new(secret: &SecretKey) -> Result<Self, Error> {
        Ok(Self { key: key(secret)?, previous: None })
    }

    /// Takes those of the secret before it as well.
    pub(crate) fn and(self, previous: Option<&SecretKey>) -> Result<Self, Error> {
        Ok(Self { previous: previous.map(key).transpose()?, ..self })
    }

    /// The same token for the same session and counter, so that an answer that was lost can be given again.
    pub(crate) fn token(&self, session_id: Uuid, counter: i64, nonce: &str, epoch: i64) -> String {
        let said = said(session_id, counter);
        let mac = mac(&self.key, &said, nonce, epoch).finalize().into_bytes();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([said.as_slice(), mac.as_slice()].concat()))
    }

    /// Whether this installation made it for that session.
    pub(crate) fn is_right(&self, presented: &Presented, nonce: &str, epoch: i64) -> bool {
        let said = said(presented.session_id, presented.counter);
        let keys = [Some(&self.key), self.previous.as_ref()];
        keys.into_iter().flatten().any(|key| mac(key, &said, nonce, epoch).verify_slice(&presented.mac).is_ok())
    }
}

fn key(secret: &SecretKey) -> Result<Hmac<Sha256>, Error> {
    let subkey = secret.subkey::<64>("refresh-token")?;
    Ok(Hmac::new(&(*subkey).into()))
}

fn mac(key: &Hmac<Sha256>, said: &[u8], nonce: &str, epoch: i64) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(said);
    mac.update(&epoch.to_be_bytes());
    // Last, because its length is not fixed by the others.
    mac.update(nonce.as_bytes());
    mac
}

fn said(session_id: Uuid, counter: i64) -> Vec<u8> {
    [&[VERSION], session_id.as_bytes().as_slice(), counter.to_be_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "00112233445566778899aabbccddeeff";

    fn refreshing(key: &str) -> Refreshing {
        Refreshing::new(&SecretKey::parse(&key.repeat(32)).expect("a key")).expect("a subkey")
    }

    #[test]
    fn a_token_is_read_back_and_made_again_the_same() {
        let (refreshing, id) = (refreshing("k"), Uuid::from_u128(7));
        let token = refreshing.token(id, 41, NONCE, 1);
        let presented = Presented::read(&token).expect("a token");
        assert_eq!((presented.session_id, presented.counter), (id, 41));
        assert!(refreshing.is_right(&presented, NONCE, 1));
        assert_eq!(refreshing.token(id, 41, NONCE, 1), token);
    }

    #[test]
    fn another_key_session_counter_nonce_or_epoch_is_not_taken() {
        let (ours, id) = (refreshing("k"), Uuid::from_u128(7));
        let presented = Presented::read(&ours.token(id, 41, NONCE, 1)).expect("a token");
        assert!(!refreshing("x").is_right(&presented, NONCE, 1));
        assert!(!ours.is_right(&Presented { session_id: Uuid::from_u128(8), ..presented }, NONCE, 1));
        assert!(!ours.is_right(&Presented { counter: 42, ..presented }, NONCE, 1));
        assert!(!ours.is_right(&presented, "", 1));
        assert!(!ours.is_right(&presented, NONCE, 2));
    }

    #[test]
    fn a_token_of_the_secret_before_is_taken_where_that_is_given() {
        let (before, id) = (refreshing("k"), Uuid::from_u128(7));
        let presented = Presented::read(&before.token(id, 41, NONCE, 1)).expect("a token");
        let secret = SecretKey::parse(&"k".repeat(32)).expect("a key");
        let now = refreshing("x").and(Some(&secret)).expect("a subkey");
        assert!(now.is_right(&presented, NONCE, 1) && !now.is_right(&presented, NONCE, 2));
        assert_eq!(now.token(id, 41, NONCE, 1), refreshing("x").token(id, 41, NONCE, 1));
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let token = refreshing("k").token(Uuid::from_u128(7), 41, NONCE, 1);
        for wrong in ["", "larr_", &token[1..], &token[..token.len() - 4], &format!("{token}AAAA"), &token.replace("larr_AQ", "larr_Ag")] {
            assert_eq!(Presented::read(wrong), None, "{wrong}");
        }
    }
}
