//! What is handed over or mailed and used once: the token of a link, or of the second half of a log-in. Only its hash is stored.

mod authority;
mod repository;

use auth_entity::one_time_token;
pub(crate) use authority::may_still;
use chrono::TimeDelta;
use kernel::{Flaw, FromValue, Ids, Instant, Text};
pub(crate) use repository::{
    by_id, by_token, count_try, delete_all, delete_ended, delete_expired, forget_content, has_mails_left, has_registrations_left, use_up, void_all,
    void_all_in, void_everybodys, void_handed_out, void_made_by,
};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::Value;
use uuid::Uuid;

use crate::credential;
use crate::error::Error;

/// What the token of a link begins with, so that people and scanners know what it is.
const PREFIX: &str = "larl_";
/// How many codes may be tried with one token.
const MOST_TRIES: i64 = 5;

/// What a token is good for, and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To finish a log-in with a second factor.
    Mfa,
    ResetPassword,
    ChangeEmail,
    VerifyEmail,
    Register,
}

impl Purpose {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mfa => "mfa",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::VerifyEmail => "verify_email",
            Self::Register => "register",
        }
    }

    pub(crate) fn life(self) -> TimeDelta {
        match self {
            Self::Mfa => TimeDelta::minutes(5),
            Self::ResetPassword | Self::ChangeEmail => TimeDelta::hours(1),
            Self::VerifyEmail | Self::Register => TimeDelta::hours(24),
        }
    }
}

/// A token that is made.
#[derive(Clone, Debug)]
pub(crate) struct NewLink {
    pub(crate) purpose: Purpose,
    /// Whose it is; nobody's yet where it makes a user.
    pub(crate) user_id: Option<Uuid>,
    /// The tenant and the membership whose right it is to hand it out, and with which it ends.
    pub(crate) issuer: Option<(Uuid, Uuid)>,
    /// The address that it is about, or is mailed to.
    pub(crate) email: Option<String>,
    /// What it is for beyond that, sealed.
    pub(crate) sealed_payload: Option<String>,
    pub(crate) is_mailed: bool,
}

impl NewLink {
    /// Of one user, for one purpose; the rest is empty.
    pub(crate) fn of(purpose: Purpose, user_id: Uuid) -> Self {
        Self { purpose, user_id: Some(user_id), issuer: None, email: None, sealed_payload: None, is_mailed: false }
    }

    /// Answers the token, which nothing can tell again.
    pub(crate) async fn make(&self, txn: &impl ConnectionTrait, ids: &Ids, now: Instant) -> Result<String, DbErr> {
        let token = credential::new(PREFIX, ids);
        let row = one_time_token::Model {
            id: ids.next(now),
            purpose: self.purpose.name().to_owned(),
            token_hash: credential::hash(&token),
            user_id: self.user_id,
            tenant_id: self.issuer.map(|(tenant_id, _)| tenant_id),
            membership_id: self.issuer.map(|(_, membership_id)| membership_id),
            email: self.email.clone(),
            sealed_payload: self.sealed_payload.clone(),
            is_mailed: self.is_mailed,
            tries: 0,
            created_at: now.into(),
            expires_at: now.plus(self.purpose.life()).into(),
            used_at: None,
            revoked_at: None,
        };
        repository::insert(txn, row).await?;
        Ok(token)
    }
}

/// A token as it is sent to be used. It has no `Debug`: it is a credential.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

impl FromValue for Token {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        Text::<1, 200>::from_value(value).map(|text| Self(text.0))
    }
}

/// 410 for whoever comes too late.
pub(crate) fn need_open(link: &one_time_token::Model, now: Instant) -> Result<(), Error> {
    match link {
        link if link.used_at.is_some() => Err(Error::LinkUsed),
        link if is_open(link, now) => Ok(()),
        _ => Err(Error::LinkExpired),
    }
}

/// Whether it may still be used.
pub(crate) fn is_open(link: &one_time_token::Model, now: Instant) -> bool {
    link.used_at.is_none() && link.revoked_at.is_none() && now < Instant::from(link.expires_at)
}
