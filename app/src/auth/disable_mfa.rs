use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, email: &str) -> Result<(), Refused> {
    let was = admin(settings).await?.disable_mfa(email).await.map_err(|error| Refused::of(settings, error))?;
    report.remark(if was { "the second factor is gone: the password is enough now" } else { "there was no second factor" });
    report.also("was_enrolled", was.into());
    Ok(())
}
