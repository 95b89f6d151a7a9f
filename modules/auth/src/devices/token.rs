//! Device tokens: by them a device is recognised that its user has logged in from before. Whether a token is one of ours is seen from
//! its MAC, without asking the database; whose it is and whether it still counts, the database knows, which stores its hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Ids;
use sha2::Sha256;
use uuid::Uuid;

use crate::credential::hash;
use crate::error::Error;
use crate::keys::SecretKey;

/// So that whoever finds one in a log or a repository knows what it is.
const PREFIX: &str = "lard_";
const VERSION: u8 = 1;
/// Version, device, random bytes.
const SAID_BYTES: usize = 1 + 16 + 16;

/// A token of this installation, as a client has shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: Uuid,
    pub(crate) hash: String,
}

/// Makes device tokens and tells its own from others.
pub(crate) struct DeviceTokens {
    key: Hmac<Sha256>,
    /// Of the secret before the present one: its tokens are still taken.
    previous: Option<Hmac<Sha256>>,
}

impl DeviceTokens {
    pub(crate) fn new(secret: &SecretKey) -> Result<Self, Error> {
        Ok(Self { key: key(secret)?, previous: None })
    }

    /// Takes those of the secret before it as well.
    pub(crate) fn and(self, previous: Option<&SecretKey>) -> Result<Self, Error> {
        Ok(Self { previous: previous.map(key).transpose()?, ..self })
    }

    /// A token for a new device, void in every other epoch: tokens from before a restore are not taken.
    pub(crate) fn make(&self, epoch: i64, id: Uuid, ids: &Ids) -> String {
        let said = [&[VERSION], id.as_bytes().as_slice(), &ids.bytes::<16>()].concat();
        let mac = mac(&self.key, epoch, &said).finalize().into_bytes();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([said.as_slice(), mac.as_slice()].concat()))
    }

    /// `None` for what was never a device token of this installation in this epoch.
    pub(crate) fn read(&self, epoch: i64, token: &str) -> Option<Shown> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (said, shown) = bytes.split_at_checked(SAID_BYTES)?;
        let (version, rest) = said.split_first()?;
        let (id, _) = rest.split_at_checked(16)?;
        let is_ours = [Some(&self.key), self.previous.as_ref()].into_iter().flatten().any(|key| mac(key, epoch, said).verify_slice(shown).is_ok());
        if !is_ours || *version != VERSION {
            return None;
        }
        Some(Shown { id: Uuid::from_slice(id).ok()?, hash: hash(token) })
    }
}

fn key(secret: &SecretKey) -> Result<Hmac<Sha256>, Error> {
    let subkey = secret.subkey::<64>("device-token")?;
    Ok(Hmac::new(&(*subkey).into()))
}

fn mac(key: &Hmac<Sha256>, epoch: i64, said: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(&epoch.to_be_bytes());
    mac.update(said);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(key: &str) -> SecretKey {
        SecretKey::parse(&key.repeat(32)).expect("a key")
    }

    fn tokens(key: &str) -> DeviceTokens {
        DeviceTokens::new(&secret(key)).expect("a subkey")
    }

    #[test]
    fn a_token_is_recognised_by_its_own_installation_in_its_own_epoch() {
        let (ours, id) = (tokens("k"), Uuid::from_u128(7));
        let token = ours.make(1, id, &Ids::seeded(1));
        assert!(token.starts_with("lard_"));
        assert_eq!(ours.read(1, &token), Some(Shown { id, hash: hash(&token) }));
        assert_eq!(tokens("x").read(1, &token), None);
        assert_eq!(ours.read(2, &token), None);
        assert_ne!(ours.make(1, id, &Ids::seeded(2)), token);
        let after = tokens("x").and(Some(&secret("k"))).expect("a subkey");
        assert_eq!(after.read(1, &token), Some(Shown { id, hash: hash(&token) }), "of the secret before");
    }

    #[test]
    fn what_is_no_token_or_was_changed_is_not_read() {
        let ours = tokens("k");
        let token = ours.make(1, Uuid::from_u128(7), &Ids::seeded(1));
        let other = if token.ends_with('A') { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..20], &token[21..]);
        for wrong in ["", "lard_", &token[1..], &token[..token.len() - 4], &format!("{token}AAAA"), &token.replace("lard_AQ", "lard_Ag"), &changed] {
            assert!(wrong == token || ours.read(1, wrong).is_none(), "{wrong}");
        }
    }
}
