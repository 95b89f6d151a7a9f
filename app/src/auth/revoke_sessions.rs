use auth::admin::Whose;

use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, email: Option<&str>, keys: bool) -> Result<(), Refused> {
    let whose = email.map_or(Whose::Everybodys, |email| Whose::User(email.to_owned()));
    let ended = admin(settings).await?.revoke_sessions(whose, keys).await.map_err(|error| Refused::of(settings, error))?;
    report.remark(format_args!("{} sessions and {} API keys have ended", ended.sessions, ended.api_keys));
    report.also("sessions", ended.sessions.into());
    report.also("api_keys", ended.api_keys.into());
    Ok(())
}
