//! `larder auth revoke-sessions (EMAIL | --all) [--keys]`: everybody, or one, logs in again.

use kernel::{Instant, Txn};
use serde::Serialize;
use uuid::Uuid;

use super::{Admin, Tools, hold_user_of};
use crate::audit::{Act, Concerned};
use crate::email::EmailKey;
use crate::error::Error;
use crate::{api_keys, sessions};

/// Whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of the user with this address.
    User(String),
    Everybodys,
}

/// How many have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Revoked {
    pub sessions: u64,
    pub api_keys: u64,
}

impl Admin {
    /// Ends sessions, and `with_keys` the API keys as well, for good.
    pub async fn revoke_sessions(&self, whose: Whose, with_keys: bool) -> Result<Revoked, Error> {
        let input = (self.tools.clone(), whose, with_keys, self.tools.now());
        self.database.write(input, |(tools, whose, with_keys, now), txn| Box::pin(turn(tools, whose, *with_keys, *now, txn))).await
    }
}

async fn turn(tools: &Tools, whose: &Whose, with_keys: bool, now: Instant, txn: &Txn) -> Result<Revoked, Error> {
    let user_id: Option<Uuid> = match whose {
        Whose::User(email) => Some(hold_user_of(txn, &EmailKey::of(email)).await?.id),
        Whose::Everybodys => None,
    };
    let sessions = sessions::repository::revoke_whose(txn, user_id, now).await?;
    let api_keys = if with_keys { api_keys::end_all(txn, user_id, now).await? } else { 0 };
    match user_id {
        Some(user_id) => tools.record_of(txn, Act::RevokeSessions, user_id).await?,
        None => tools.done(Act::RevokeSessions, Concerned::default()).record(txn).await?,
    }
    Ok(Revoked { sessions, api_keys })
}
