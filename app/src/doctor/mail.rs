//! Whether letters can be handed over.

use super::Finding;
use crate::mail::Smtp;
use crate::settings::Settings;

const CHECK: &str = "mail";

/// Connects to the mail server as for a letter, and hands none over.
pub async fn reached(settings: &Settings) -> Finding {
    let config = &settings.mail;
    let next = "look at `mail.host`, `mail.port`, `mail.tls`, `mail.user` and `mail.password`; letters wait meanwhile";
    match Smtp::new(config) {
        Ok(None) => Finding::fine(CHECK, "no mail server is configured: people hand links over, and notices are shown after a log-in"),
        Ok(Some(smtp)) => match smtp.reach().await {
            Ok(()) => Finding::fine(CHECK, format!("{}:{} takes letters", config.host, config.port)),
            Err(why) => Finding::wrong(CHECK, format!("{}:{}: {why}", config.host, config.port), next),
        },
        Err(unusable) => Finding::wrong(CHECK, unusable.0, next),
    }
}
