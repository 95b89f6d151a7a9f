//! `larder auth bootstrap`: another setup token, where the first one was never seen, or by too many.

use super::Admin;
use crate::audit::{Act, Concerned};
use crate::error::Error;
use crate::{credential, instance};

impl Admin {
    /// Replaces the token that opens `POST /setup`, and answers the new one, which nothing can tell again.
    /// [`Error::AlreadyBootstrapped`] where the set-up is over, for good.
    pub async fn bootstrap(&self) -> Result<String, Error> {
        let token = credential::new("", &self.tools.ids);
        let input = (self.tools.clone(), credential::hash(&token));
        self.database
            .write(input, |(tools, hash), txn| {
                Box::pin(async move {
                    if !instance::offer_setup(txn, hash, false).await? {
                        return Err(Error::AlreadyBootstrapped);
                    }
                    Ok(tools.done(Act::Bootstrap, Concerned::default()).record(txn).await?)
                })
            })
            .await?;
        Ok(token)
    }
}
