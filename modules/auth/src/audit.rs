//! What happened to whom: rows that are only ever added.

use auth_entity::audit_event;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Clock, Ids, hex};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, Set};
use sha2::Sha256;
use uuid::Uuid;

use crate::email::EmailKey;
use crate::error::Error;
use crate::keys::SecretKey;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Setup,
    Login,
    Logout,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }
}

/// Whom it concerns, as far as it is known.
#[derive(Clone, Default)]
pub(crate) struct Concerned {
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    /// The pseudonym of an address, see [`Subjects`].
    pub(crate) subject: Option<String>,
}

/// One event, made where the request is known and written inside of its transaction.
#[derive(Clone)]
pub(crate) struct Event(audit_event::ActiveModel);

impl Event {
    pub(crate) fn done(act: Act, concerned: Concerned, clock: &Clock, ids: &Ids) -> Self {
        Self::new(act, "done", concerned, clock, ids)
    }

    pub(crate) fn refused(act: Act, concerned: Concerned, clock: &Clock, ids: &Ids) -> Self {
        Self::new(act, "refused", concerned, clock, ids)
    }

    fn new(act: Act, outcome: &str, concerned: Concerned, clock: &Clock, ids: &Ids) -> Self {
        let now = clock.now();
        let request_id = kernel::http::request_id();
        Self(audit_event::ActiveModel {
            id: Set(ids.next(now)),
            occurred_at: Set(now.into()),
            act: Set(act.name().to_owned()),
            outcome: Set(outcome.to_owned()),
            tenant_id: Set(concerned.tenant_id),
            user_id: Set(concerned.user_id),
            session_id: Set(concerned.session_id),
            subject: Set(concerned.subject),
            request_id: Set(Some(request_id).filter(|id| !id.is_empty())),
        })
    }

    pub(crate) async fn record(&self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        audit_event::Entity::insert(self.0.clone()).exec_without_returning(connection).await.map(|_| ())
    }
}

/// Makes pseudonyms of addresses: the same address has the same one, and only who has the secret key can tell which.
pub(crate) struct Subjects {
    key: Hmac<Sha256>,
}

impl Subjects {
    pub(crate) fn new(secret: &SecretKey) -> Result<Self, Error> {
        let key = secret.subkey::<64>("audit-subject")?;
        Ok(Self { key: Hmac::new(&(*key).into()) })
    }

    pub(crate) fn pseudonym(&self, address: &EmailKey) -> String {
        let mut mac = self.key.clone();
        mac.update(address.0.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}
