//! How often passwords and codes may be tried, by whom. Every place where a password is tried begins an [`Attempt`], and every one where a
//! second factor is a [`CodeAttempt`].
//!
//! Who comes from a device that is known is charged to nothing that a stranger can be charged to: so nobody is kept out of their
//! account from where they usually work, whatever is tried from elsewhere.

mod codes;
mod failures;
mod forget;
mod local;
mod network;
mod repository;
mod rules;
#[cfg(test)]
mod search;

use std::collections::BTreeMap;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Clock, Instant, Txn, hex};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::audit::Act;
use crate::email::EmailKey;
use crate::error::{Error, OverLimit};
use crate::keys::SecretKey;
use crate::password::{Lane, Password, Place, Verified};
use crate::{Auth, State};

pub(crate) use codes::CodeAttempt;
use failures::Failure;
use network::Network;
use repository::{Change, Stored};
use rules::{Before, Limit};

/// Where a password is tried from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From something that its user had before: the id of a device that they logged in from; or from a session of theirs, of which
    /// there are as many as they like: the id of the user.
    Known(Uuid),
    /// From an address that anybody could come from.
    Unknown(IpAddr),
}

impl Origin {
    fn limits(self) -> &'static [Limit] {
        match self {
            Self::Known(_) => &Limit::OF_KNOWN,
            Self::Unknown(_) => &Limit::OF_UNKNOWN,
        }
    }

    fn lane(self) -> Lane {
        match self {
            Self::Known(_) => Lane::Known,
            Self::Unknown(_) => Lane::Common,
        }
    }
}

/// The module's part of the state.
pub(crate) struct Throttle {
    key: Hmac<Sha256>,
    local: local::Local,
}

impl Throttle {
    pub(crate) fn new(secret: &SecretKey, clock: &Clock) -> Result<Self, Error> {
        let key = secret.subkey::<64>("throttle")?;
        Ok(Self { key: Hmac::new(&(*key).into()), local: local::Local::new(clock) })
    }

    /// Lets a device that has a token of this installation ask whose it is, or [`Error::RateLimited`].
    pub(crate) fn admit_device(&self, id: Uuid) -> Result<(), Error> {
        self.local.admit_device(id)
    }

    /// Lets somebody from an address do what has a cost here, or [`Error::RateLimited`]. Before the database is asked anything.
    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), Error> {
        self.local.admit_address(address)
    }

    /// What all tries of an account from unknown devices are counted under.
    pub(crate) fn account_key(&self, account: &EmailKey) -> String {
        self.key(Limit::Account.name(), &[account.0.as_bytes()])
    }

    fn key(&self, what: &str, parts: &[&[u8]]) -> String {
        let mut mac = self.key.clone();
        for part in [what.as_bytes()].iter().chain(parts) {
            // With their lengths, so that no two lists of parts read alike.
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        hex(&mac.finalize().into_bytes())
    }

    fn key_of(&self, limit: Limit, account: &EmailKey, origin: Origin) -> String {
        let account = account.0.as_bytes();
        let origin = match origin {
            Origin::Known(id) => id.as_bytes().to_vec(),
            Origin::Unknown(address) => match Network::of(address).address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            },
        };
        match limit {
            Limit::AccountAndAddress | Limit::AccountAndDevice => self.key(limit.name(), &[account, &origin]),
            Limit::AddressInAMinute | Limit::AddressInAnHour | Limit::Codes => self.key(limit.name(), &[&origin]),
            Limit::Account => self.key(limit.name(), &[account]),
        }
    }
}

/// That something was refused to whoever has an address, or to nobody: two events an hour at the most.
pub(crate) struct Refusal(Failure);

impl Refusal {
    pub(crate) fn new(state: &State, act: Act, account: &EmailKey) -> Self {
        Self(Failure::of(state, act, account))
    }

    pub(crate) async fn record(&self, txn: &Txn) -> Result<(), Error> {
        self.0.record(txn).await.map(|_| ())
    }
}

/// Forgets what was tried of an account from unknown devices, see [`Throttle::account_key`].
pub(crate) async fn forget_account(txn: &Txn, key: &str) -> Result<(), Error> {
    repository::hold(txn, &[key]).await?;
    repository::delete(txn, &[key]).await?;
    Ok(())
}

/// What one try was charged to: what is needed to take it back. Kept, sealed, where a log-in waits for its second factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    keys: BTreeMap<Limit, String>,
    charged_at: Instant,
    /// What it found of these limits; nothing of one that had counted nothing.
    found: BTreeMap<Limit, Before>,
}

impl Charge {
    /// One that is yet to be made.
    fn new(keys: BTreeMap<Limit, String>, charged_at: Instant) -> Self {
        Self { keys, charged_at, found: BTreeMap::new() }
    }

    fn keys(&self) -> Vec<&str> {
        self.keys.values().map(String::as_str).collect()
    }

    /// [`Error::OverLimit`] where the limits make it wait, by what is stored of them.
    fn need_room(&self, stored: &BTreeMap<String, Stored>) -> Result<(), Error> {
        let tallies = self.keys.iter().filter_map(|(limit, key)| Some((*limit, &stored.get(key)?.tally)));
        let Some((limit, wait)) = rules::wait(tallies, self.charged_at) else { return Ok(()) };
        let (quota, window) = limit.policy();
        Err(Error::OverLimit(OverLimit { limit: limit.name(), quota, window_seconds: window.num_seconds(), wait }))
    }

    /// Charges one try, or [`Error::OverLimit`] and nothing. Answers it with what it found.
    async fn make(&self, txn: &Txn) -> Result<Self, Error> {
        let stored = repository::hold(txn, &self.keys()).await?;
        self.need_room(&stored)?;
        let changes = self.keys.iter().map(|(limit, key)| {
            let before = stored.get(key).copied();
            Change::of(*limit, key, before, limit.charged(before.as_ref().map(|before| &before.tally), self.charged_at))
        });
        repository::write(txn, changes.collect()).await?;
        let found = self.keys.iter().filter_map(|(limit, key)| {
            let before = *stored.get(key)?;
            let charged = limit.charged(Some(&before.tally), self.charged_at);
            Some((*limit, Before { charged_version: repository::version_after(Some(before)), charged, tally: before.tally }))
        });
        Ok(Self { found: found.collect(), ..self.clone() })
    }

    /// The password was right, and what it was tried for is done in this transaction: its own unit is taken back from what others are
    /// charged to as well, and what it alone was charged to is forgotten.
    pub(crate) async fn succeed(&self, txn: &Txn, now: Instant) -> Result<(), Error> {
        let stored = repository::hold(txn, &self.keys()).await?;
        let own: Vec<&str> = self.keys.iter().filter(|(limit, _)| limit.ends_with_success()).map(|(_, key)| key.as_str()).collect();
        repository::delete(txn, &own).await?;
        self.take_back(txn, &stored, now, |limit| !limit.ends_with_success()).await
    }

    /// Nobody looked at the password: as if it had not been tried.
    async fn give_back(&self, txn: &Txn, now: Instant) -> Result<(), Error> {
        let stored = repository::hold(txn, &self.keys()).await?;
        self.take_back(txn, &stored, now, |_| true).await
    }

    /// Where that fails the try stays charged, which ends by itself.
    async fn give_back_or_warn(&self, state: &State) {
        let given = (self.clone(), state.clock.now());
        let given = state.database.write(given, |(charge, now), txn| Box::pin(charge.give_back(txn, *now))).await;
        if let Err(error) = given {
            tracing::warn!(error = %kernel::problem::chain(&error), "a charge for a try could not be given back");
        }
    }

    async fn take_back(&self, txn: &Txn, stored: &BTreeMap<String, Stored>, now: Instant, from: impl Fn(Limit) -> bool) -> Result<(), Error> {
        let kept = self.keys.iter().filter(|(limit, _)| from(**limit));
        let changes = kept.filter_map(|(limit, key)| {
            let before = *stored.get(key)?;
            let tally = limit.undone(&before.tally, before.version, self.found.get(limit), self.charged_at, now);
            Some(Change::of(*limit, key, Some(before), tally))
        });
        repository::write(txn, changes.collect()).await
    }
}

/// One try of a password: admitted, in the queue, and charged.
pub(crate) struct Attempt<'a> {
    auth: &'a Auth,
    account: EmailKey,
    charge: Charge,
    place: Option<Place<'a>>,
}

impl<'a> Attempt<'a> {
    /// Takes a place in the queue and charges the try, whether or not there is such an account. [`Error::RateLimited`],
    /// [`Error::OverLimit`] and [`Error::Busy`] have counted nothing.
    ///
    /// Whoever hangs up from here on has tried: nothing is taken back when this is dropped.
    pub(crate) async fn begin(auth: &'a Auth, account: &EmailKey, origin: Origin) -> Result<Self, Error> {
        let state = &auth.0;
        if let Origin::Unknown(address) = origin {
            state.throttle.local.admit_address(address)?;
        }
        let place = state.hasher.enter(origin.lane())?;
        let keys = origin.limits().iter().map(|limit| (*limit, state.throttle.key_of(*limit, account, origin))).collect();
        let charge = Charge::new(keys, state.clock.now());
        // A refusal neither writes nor waits for who does.
        charge.need_room(&repository::read(state.database.reader(), &charge.keys()).await?)?;
        let charge = state.database.write(charge, |charge, txn| Box::pin(charge.make(txn))).await?;
        Ok(Self { auth, account: account.clone(), charge, place: Some(place) })
    }

    /// Hashes once, and says whether the password is the one of `stored`; nobody's where there is none. Once per attempt.
    pub(crate) async fn verify(&mut self, password: Password, stored: Option<String>) -> Result<Verified, Error> {
        let place = self.place.take().ok_or(Error::Interrupted)?;
        place.verify(password, stored, self.auth.0.ids.bytes()).await
    }

    /// Gives its place in the queue to others: what is to be hashed is a new password, which waits for itself.
    pub(crate) fn leave_queue(&mut self) {
        self.place = None;
    }

    /// What it was charged to: whatever the password was tried for is done in one transaction with [`Charge::succeed`].
    pub(crate) fn charge(&self) -> &Charge {
        &self.charge
    }

    /// Ends it as it came out. `None`, a password that is wrong or of no use, is audited and becomes [`Error::InvalidCredentials`]. With a
    /// wrong second factor it stays charged. After any other error nobody knows whether it was right, so the charge is given back.
    pub(crate) async fn end<T>(self, outcome: Result<Option<T>, Error>, act: Act) -> Result<T, Error> {
        match outcome {
            Ok(Some(done)) => Ok(done),
            Ok(None) => {
                let refusal = Refusal::new(&self.auth.0, act, &self.account);
                self.auth.0.database.write(refusal, |refusal, txn| Box::pin(refusal.record(txn))).await?;
                Err(Error::InvalidCredentials)
            }
            Err(Error::MfaInvalid) => Err(Error::MfaInvalid),
            Err(error) => {
                self.charge.give_back_or_warn(&self.auth.0).await;
                Err(error)
            }
        }
    }
}
