//! Mail: a letter is written in the transaction of what it tells, and sent after it. Where no mail server is configured none is written.

mod deliver;
pub(crate) mod letters;
mod repository;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use auth_entity::outbox;
use chrono::TimeDelta;
use kernel::{Ids, Instant};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keys::{Purpose, Sealed, Vault};
pub(crate) use deliver::answered;
use letters::Draft;

/// A letter as it is handed to the mail server. It has no `Debug`: links are secrets.
pub struct Letter {
    /// The same whenever it is tried again.
    pub id: Uuid,
    pub written_at: Instant,
    /// The address of one receiver.
    pub to: String,
    /// One line without anything that users wrote.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Why a letter is still here. Without the words of the mail server, which may repeat addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The mail server answered this code.
    Refused(u16),
    /// It cannot even be handed over: the address is none.
    Unwritable(&'static str),
    /// No mail server was reached, or the connection to it ended.
    Unreachable(&'static str),
}

impl fmt::Display for Undelivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(out, "the mail server answered {code}"),
            Self::Unwritable(why) | Self::Unreachable(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for Undelivered {}

/// What hands letters to a mail server. One call is one try.
pub trait Carrier: Send + Sync + 'static {
    fn carry(&self, letter: Letter) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + '_>>;
}

/// What a row of the outbox is that is no letter: somebody asked for a link, and nobody has looked yet whether there is such an account.
pub(crate) const ASKED_FOR_LINK: &str = "asked_for_link";

/// The same, for an account of one's own.
pub(crate) const ASKED_TO_REGISTER: &str = "asked_to_register";

/// What is sealed in a row.
#[derive(Serialize, Deserialize)]
struct Message {
    to: String,
    subject: String,
    text: String,
}

/// Where letters are written. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbox {
    ids: Ids,
    vault: Arc<Vault>,
    carrier: Option<Arc<dyn Carrier>>,
    public_url: Option<String>,
    written: Arc<Notify>,
}

impl Outbox {
    pub(crate) fn new(ids: &Ids, vault: &Arc<Vault>, carrier: Option<Arc<dyn Carrier>>, public_url: Option<String>) -> Self {
        Self { ids: ids.clone(), vault: vault.clone(), carrier, public_url, written: Arc::default() }
    }

    pub(crate) fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Whether there is a mail server.
    pub(crate) fn is_on(&self) -> bool {
        self.carrier.is_some()
    }

    /// The address of a page with a token behind its `#`, which browsers send nowhere. `None` where nobody said how this installation is
    /// reached.
    pub(crate) fn link(&self, page: &str, token: &str) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{}/{page}#{token}", url.trim_end_matches('/')))
    }

    /// The same for a letter: 409 `mail_not_configured` where there is none.
    pub(crate) fn mailed_link(&self, page: &str, token: &str) -> Result<String, Error> {
        self.link(page, token).filter(|_| self.is_on()).ok_or(Error::MailNotConfigured)
    }

    /// Writes a letter, to be sent when the transaction is committed; none where there is no mail server.
    pub(crate) async fn put(&self, txn: &impl ConnectionTrait, to: &str, user_id: Option<Uuid>, draft: Draft, now: Instant) -> Result<(), Error> {
        if !self.is_on() {
            return Ok(());
        }
        let message = Message { to: to.to_owned(), subject: draft.subject.to_owned(), text: draft.text };
        self.insert(txn, draft.kind, user_id, &message, draft.life, now).await
    }

    /// Writes down that somebody wants a link mailed to an address, whoever has it: the same for every address.
    pub(crate) async fn ask_for_link(&self, txn: &impl ConnectionTrait, to: &str, now: Instant) -> Result<(), Error> {
        let message = Message { to: to.to_owned(), subject: String::new(), text: String::new() };
        self.insert(txn, ASKED_FOR_LINK, None, &message, TimeDelta::hours(1), now).await
    }

    /// Writes down that somebody wants an account with an address, whoever has it: the same for every address.
    pub(crate) async fn ask_to_register(&self, txn: &impl ConnectionTrait, to: &str, application: String, now: Instant) -> Result<(), Error> {
        let message = Message { to: to.to_owned(), subject: String::new(), text: application };
        self.insert(txn, ASKED_TO_REGISTER, None, &message, TimeDelta::hours(1), now).await
    }

    /// Seals what a link is for beyond its token, for the link of that address alone.
    pub(crate) fn seal_payload(&self, email: &str, payload: &str) -> Result<String, Error> {
        let Sealed { secret_id, text } = self.vault.seal(Purpose::Mail, email.as_bytes(), payload.as_bytes(), &self.ids)?;
        Ok(format!("{secret_id}:{text}"))
    }

    pub(crate) fn open_payload(&self, email: &str, payload: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (secret_id, text) = payload.split_once(':').ok_or(Error::Cryptography("reading what is sealed"))?;
        self.vault.unseal(Purpose::Mail, email.as_bytes(), &Sealed { secret_id: secret_id.to_owned(), text: text.to_owned() })
    }

    async fn insert(
        &self,
        txn: &impl ConnectionTrait,
        kind: &str,
        user_id: Option<Uuid>,
        message: &Message,
        life: TimeDelta,
        now: Instant,
    ) -> Result<(), Error> {
        let id = self.ids.next(now);
        let plain = serde_json::to_vec(message).map_err(|_| Error::Cryptography("writing a letter"))?;
        let sealed = self.vault.seal(Purpose::Mail, id.as_bytes(), &plain, &self.ids)?;
        let row = outbox::Model {
            id,
            kind: kind.to_owned(),
            user_id,
            sealed_message: sealed.text,
            secret_id: sealed.secret_id,
            tries: 0,
            created_at: now.into(),
            next_try_at: now.into(),
            expires_at: now.plus(life).into(),
        };
        Ok(repository::insert(txn, row).await?)
    }

    fn open(&self, row: &outbox::Model) -> Result<Message, Error> {
        let sealed = Sealed { secret_id: row.secret_id.clone(), text: row.sealed_message.clone() };
        let plain = self.vault.unseal(Purpose::Mail, row.id.as_bytes(), &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Cryptography("reading a letter"))
    }

    /// To be called when the transaction of a letter is committed: it need not wait for the next look then.
    pub(crate) fn wake(&self) {
        self.written.notify_one();
    }
}
