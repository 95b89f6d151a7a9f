use super::open::{Refused, secret_change};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report) -> Result<(), Refused> {
    let (change, secrets) = secret_change(settings).await?;
    let sealed = change.rotate(secrets).await.map_err(|error| Refused::of(settings, error))?;
    report
        .remark(format_args!("sealed anew: {} signing keys, {} second factors, {} mails that wait", sealed.signing_keys, sealed.second_factors, sealed.mails));
    report.remark("Start every server again, now. What the key before has made is taken as long as that is there.");
    report.also("sealed", serde_json::to_value(sealed).unwrap_or_default());
    Ok(())
}
