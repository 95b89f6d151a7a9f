use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, email: &str) -> Result<(), Refused> {
    let made = admin(settings).await?.reset_link(email).await.map_err(|error| Refused::of(settings, error))?;
    match &made.link {
        Some(link) => report.remark(format_args!("link: {link}")),
        None => report.remark("there is no link, because auth.public_url (LARDER_AUTH_PUBLIC_URL) is not set"),
    }
    report.remark(format_args!("token: {}", made.token));
    report.remark(format_args!("Hand it over to {email} and nobody else. It is good once, until {}, and shown only here.", made.expires_at));
    report.also("token", made.token.into());
    report.also("link", made.link.into());
    report.also("expires_at", made.expires_at.to_string().into());
    Ok(())
}
