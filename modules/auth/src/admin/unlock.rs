//! `larder auth unlock EMAIL`: lets a user try whom others keep out from where they have never logged in.

use std::sync::Arc;

use super::{Admin, hold_user_of};
use crate::audit::Act;
use crate::devices::{Device, DeviceTokens};
use crate::email::EmailKey;
use crate::error::Error;
use crate::instance;
use crate::throttle::{Throttle, forget_account};

impl Admin {
    /// Forgets what was tried of this account from unknown devices and as its second factor, and makes a known device; answers its token. It is no session: the
    /// password is still asked for, and the second factor.
    pub async fn unlock(&self, email: &str) -> Result<String, Error> {
        let (tools, email) = (self.tools.clone(), EmailKey::of(email));
        let (secret, now) = (tools.vault.secret(), tools.now());
        let epoch = instance::find(self.database.reader()).await?.ok_or_else(super::missing)?.epoch;
        let (device, token) = Device::handed_out(&DeviceTokens::new(secret)?, epoch, &tools.ids, now, "larder auth unlock");
        let throttle = Arc::new(Throttle::new(secret, &tools.clock)?);
        let input = (tools, email, device, throttle, now);
        self.database
            .write(input, |(tools, email, device, throttle, now), txn| {
                Box::pin(async move {
                    let user = hold_user_of(txn, email).await?;
                    for key in [throttle.account_key(email), throttle.key_of_codes(user.id)] {
                        forget_account(txn, &key).await?;
                    }
                    device.keep(txn, user.id, *now).await?;
                    Ok::<_, Error>(tools.record_of(txn, Act::Unlock, user.id).await?)
                })
            })
            .await?;
        Ok(token)
    }
}
