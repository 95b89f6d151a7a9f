use super::open::{Refused, secret_change};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, yes: bool) -> Result<(), Refused> {
    if !yes {
        let what = "everybody logs in again, links are void, and second factors are gone with their recovery codes";
        return Err(Refused::Why(format!("{what}: say --yes if that is meant. If there is a copy of the key, give that instead")));
    }
    let (change, secrets) = secret_change(settings).await?;
    change.accept_loss(secrets).await.map_err(|error| Refused::of(settings, error))?;
    report.remark("The database is one of the present secret key now. Keep a copy of it, apart from the backups.");
    Ok(())
}
