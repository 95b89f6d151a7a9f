//! What ends everything that was handed out before.

use auth_entity::{outbox, signing_key};
use kernel::{Instant, Txn};
use sea_orm::EntityTrait as _;

use crate::error::Error;
use crate::keys::repository;
use crate::{instance, invites, links, sessions};

/// Voids sessions, links and invites, and with a new epoch every token that was made until now, also those that this database does not
/// know of; another key signs from now on. Mails that were not sent are dropped: what they tell is void. The instance's row is held.
pub(super) async fn begin_anew(txn: &Txn, key: signing_key::ActiveModel, now: Instant) -> Result<(), Error> {
    instance::begin_epoch(txn).await?;
    sessions::repository::revoke_whose(txn, None, now).await?;
    links::void_everybodys(txn, now).await?;
    invites::withdraw_all(txn, now).await?;
    outbox::Entity::delete_many().exec(txn).await?;
    repository::delete_all(txn).await?;
    Ok(repository::insert(txn, key).await?)
}
