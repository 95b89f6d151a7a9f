//! Devices that a user has logged in from: with their token they do not wait for what strangers try.

mod repository;
mod token;

use auth_entity::device;
use chrono::TimeDelta;
use kernel::{Ids, Instant, Txn};
use sea_orm::{ConnectionTrait, DbErr, Set};
use uuid::Uuid;

use crate::email::EmailKey;
use crate::error::Error;
use crate::mail::Outbox;
use crate::notices::Notice;
use crate::sessions::UserAgent;
use crate::{Auth, credential};

pub(crate) use token::DeviceTokens;

/// A device that was not used for this long is forgotten.
const KEPT: TimeDelta = TimeDelta::days(180);
/// How many devices one user has at the most; those that were not used for longest go first.
const MOST: u64 = 50;

/// The device of `account` that this token was given to. `None` for another user's, a revoked or forgotten one, and for what is no
/// token of this installation; of that the database is not even asked.
pub(crate) async fn known(auth: &Auth, token: Option<&str>, account: &EmailKey) -> Result<Option<Uuid>, Error> {
    let state = &auth.0;
    let Some(shown) = token.and_then(|token| state.devices.read(state.epoch(), token)) else { return Ok(None) };
    state.throttle.admit_device(shown.id)?;
    let since = state.clock.now().plus(-KEPT);
    Ok(repository::is_known(state.database.reader(), &shown, account, since).await?.then_some(shown.id))
}

/// Makes every device of a user unknown: with another password all begin anew.
pub(crate) async fn revoke_all(txn: &Txn, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
    repository::revoke_all(txn, user_id, now).await
}

/// Those of a user, the last used one first.
pub(crate) async fn of(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<device::Model>, DbErr> {
    repository::of(connection, user_id).await
}

/// Deletes every device of a user.
pub(crate) async fn delete_all(txn: &Txn, user_id: Uuid) -> Result<(), DbErr> {
    repository::delete_all_but(txn, user_id, 0).await
}

/// The device that somebody logs in from. It has no `Debug`: it may hold a credential.
#[derive(Clone)]
pub(crate) enum Device {
    /// One that its user has logged in from before.
    Known(Uuid),
    New {
        id: Uuid,
        token: String,
        user_agent: UserAgent,
    },
}

impl Device {
    pub(crate) fn of(auth: &Auth, known: Option<Uuid>, user_agent: &UserAgent) -> Self {
        let state = &auth.0;
        known.map_or_else(
            || {
                let id = state.ids.next(state.clock.now());
                Self::New { id, token: state.devices.make(state.epoch(), id, &state.ids), user_agent: user_agent.clone() }
            },
            Self::Known,
        )
    }

    /// One that its user is given a token of without a log-in.
    pub(crate) fn handed_out(tokens: &DeviceTokens, epoch: i64, ids: &Ids, now: Instant, user_agent: &str) -> (Self, String) {
        let id = ids.next(now);
        let token = tokens.make(epoch, id, ids);
        (Self::New { id, token: token.clone(), user_agent: UserAgent(Some(user_agent.to_owned())) }, token)
    }

    /// Its id, where it was known before.
    pub(crate) fn known_id(&self) -> Option<Uuid> {
        match self {
            Self::Known(id) => Some(*id),
            Self::New { .. } => None,
        }
    }

    /// The log-in from it has succeeded. Whoever had a device before is told of another one.
    pub(crate) async fn record(&self, txn: &Txn, outbox: &Outbox, user_id: Uuid, now: Instant) -> Result<(), Error> {
        if matches!(self, Self::New { .. }) && repository::is_one_of(txn, user_id).await? {
            Notice::NewDevice.tell(txn, outbox, user_id, now).await?;
        }
        Ok(self.keep(txn, user_id, now).await?)
    }

    /// It is known from now on.
    pub(crate) async fn keep(&self, txn: &Txn, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
        match self {
            Self::Known(id) => repository::mark_used(txn, *id, now).await,
            Self::New { id, token, user_agent, .. } => {
                let row = device::ActiveModel {
                    id: Set(*id),
                    user_id: Set(user_id),
                    token_hash: Set(credential::hash(token)),
                    user_agent: Set(user_agent.0.clone()),
                    created_at: Set(now.into()),
                    last_used_at: Set(now.into()),
                    revoked_at: Set(None),
                };
                repository::insert(txn, row).await?;
                repository::delete_all_but(txn, user_id, MOST).await
            }
        }
    }

    /// What a new one is given, to be recognised by.
    pub(crate) fn into_token(self) -> Option<String> {
        match self {
            Self::Known(_) => None,
            Self::New { token, .. } => Some(token),
        }
    }
}

impl Auth {
    /// Deletes devices that were not used for half a year; answers how many. Once an hour is often enough.
    pub async fn forget_unused_devices(&self) -> Result<u64, Error> {
        let before = self.0.clock.now().plus(-KEPT);
        self.0.database.write(before, |before, txn| Box::pin(async move { Ok::<_, Error>(repository::delete_unused_since(txn, *before).await?) })).await
    }
}
