use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, email: &str) -> Result<(), Refused> {
    let token = admin(settings).await?.unlock(email).await.map_err(|error| Refused::of(settings, error))?;
    report.remark(format_args!("device token: {token}"));
    report.remark("Sent as `device_token` with the next log-in, it lets its user try from a known device. The password is still asked for.");
    report.also("device_token", token.into());
    Ok(())
}
