//! What whoever runs the installation does to it, with the server down or up, from the command line. A running server follows within five
//! seconds. Nobody is logged in for it: who may run it may read the database file or has its password, and the audit names no user.

mod after_restore;
mod begin_anew;
mod bootstrap;
mod disable_mfa;
mod make_owner;
mod reset_link;
mod revoke_sessions;
mod rotate_keys;
mod secret;
mod unlock;

use std::sync::Arc;

use auth_entity::user;
use kernel::{Clock, Database, Ids, Instant, Txn};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Event, Witness};
use crate::email::EmailKey;
use crate::error::Error;
use crate::instance;
use crate::keys::{Secrets, Vault};
use crate::mail::{Carrier, Outbox};
use crate::members::repository::{hold_user, memberships, user_by_email};

pub use crate::keys::Wish;
pub use after_restore::Review;
pub use make_owner::Owner;
pub use reset_link::ResetLink;
pub use revoke_sessions::{Revoked, Whose};
pub use rotate_keys::Key;
pub use secret::{Sealed, SecretChange};

/// An installation, opened to be looked after.
pub struct Admin {
    database: Database,
    tools: Arc<Tools>,
}

/// What every act needs; it goes into transactions.
struct Tools {
    vault: Arc<Vault>,
    clock: Clock,
    ids: Ids,
    outbox: Outbox,
}

impl Admin {
    /// Takes over a migrated database that a server has been started on before. Where the secret is not the one that it was made with, nothing
    /// is changed. With a `carrier` letters are written, which a running server sends.
    pub async fn open(
        database: Database,
        public_url: &str,
        secrets: Secrets,
        clock: Clock,
        ids: Ids,
        carrier: Option<Arc<dyn Carrier>>,
    ) -> Result<Self, Error> {
        let instance = instance::find(database.reader()).await?.ok_or(Error::NotStartedYet)?;
        let vault = Arc::new(secrets.fitting(&instance.secret_check)?);
        let public_url = Some(public_url.to_owned()).filter(|url| !url.is_empty());
        let outbox = Outbox::new(&ids, &vault, carrier, public_url);
        Ok(Self { database, tools: Arc::new(Tools { vault, clock, ids, outbox }) })
    }
}

impl Tools {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn done(&self, act: Act, concerned: Concerned) -> Event {
        Witness::new(&self.clock, &self.ids).done(act, concerned)
    }

    /// Writes down what was done to a user, who is held: once for each tenant that they are a member of, so that its owners see it, and
    /// for none where they are in none.
    async fn record_of(&self, txn: &Txn, act: Act, user_id: Uuid) -> Result<(), DbErr> {
        let tenant_ids: Vec<Uuid> = memberships(txn, user_id).await?.into_iter().map(|membership| membership.tenant_id).collect();
        for tenant_id in &tenant_ids {
            self.done(act, Concerned { tenant_id: Some(*tenant_id), ..Concerned::object(user_id) }).record(txn).await?;
        }
        if tenant_ids.is_empty() {
            self.done(act, Concerned::object(user_id)).record(txn).await?;
        }
        Ok(())
    }
}

/// The user with an address, taken for the rest of the transaction.
async fn hold_user_of(txn: &Txn, email: &EmailKey) -> Result<user::Model, Error> {
    let absent = || Error::NotFound("user");
    let found = user_by_email(txn, email).await?.ok_or_else(absent)?;
    hold_user(txn, found.id).await?.ok_or_else(absent)
}

/// An installation that no server was started on has nothing to be looked after.
fn missing() -> DbErr {
    DbErr::RecordNotFound("the instance's row".into())
}
