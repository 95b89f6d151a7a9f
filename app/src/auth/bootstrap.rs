use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report) -> Result<(), Refused> {
    let token = admin(settings).await?.bootstrap().await.map_err(|error| Refused::of(settings, error))?;
    report.remark(format_args!("setup token: {token}"));
    report.remark("POST /v1/auth/setup takes this token once, and no other. It is shown only here.");
    report.also("setup_token", token.into());
    Ok(())
}
