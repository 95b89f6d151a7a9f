//! `larder auth reset-link EMAIL`: a link by which a user sets another password, to be handed over.

use kernel::Instant;
use serde::Serialize;

use super::{Admin, hold_user_of};
use crate::audit::Act;
use crate::email::EmailKey;
use crate::error::Error;
use crate::links::{NewLink, Purpose};

/// What is handed over, once.
#[derive(Serialize)]
pub struct ResetLink {
    pub token: String,
    /// Where the installation knows its public address; the token is behind its `#`.
    pub link: Option<String>,
    pub expires_at: Instant,
}

impl Admin {
    /// Good for one hour and once. It keeps the second factor, and older links stay valid.
    pub async fn reset_link(&self, email: &str) -> Result<ResetLink, Error> {
        let now = self.tools.now();
        let input = (self.tools.clone(), EmailKey::of(email), now);
        let token = self
            .database
            .write(input, |(tools, email, now), txn| {
                Box::pin(async move {
                    let user = hold_user_of(txn, email).await?;
                    let token = NewLink::of(Purpose::ResetPassword, user.id).make(txn, &tools.ids, *now).await?;
                    tools.record_of(txn, Act::MakeResetLink, user.id).await?;
                    Ok::<_, Error>(token)
                })
            })
            .await?;
        let link = self.tools.outbox.link("reset", &token);
        Ok(ResetLink { token, link, expires_at: now.plus(Purpose::ResetPassword.life()) })
    }
}
