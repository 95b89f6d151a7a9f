//! `larder auth disable-mfa EMAIL`: for somebody who has lost their second factor and the recovery codes.

use super::{Admin, hold_user_of};
use crate::audit::Act;
use crate::email::EmailKey;
use crate::error::Error;
use crate::mfa;
use crate::notices::Notice;

impl Admin {
    /// Takes a user's second factor and recovery codes away. Whether there was one that counted.
    pub async fn disable_mfa(&self, email: &str) -> Result<bool, Error> {
        let input = (self.tools.clone(), EmailKey::of(email), self.tools.now());
        self.database
            .write(input, |(tools, email, now), txn| {
                Box::pin(async move {
                    let user = hold_user_of(txn, email).await?;
                    let was_enrolled = mfa::forget(txn, user.id).await?;
                    if was_enrolled {
                        Notice::MfaChanged.tell(txn, &tools.outbox, user.id, *now).await?;
                    }
                    tools.record_of(txn, Act::DisableMfa, user.id).await?;
                    Ok::<_, Error>(was_enrolled)
                })
            })
            .await
    }
}
