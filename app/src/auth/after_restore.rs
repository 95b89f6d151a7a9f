use std::fmt;

use auth::admin::Review;
use serde::Serialize;

use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

#[derive(Serialize)]
#[serde(transparent)]
struct Line(Review);

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Review::Member { tenant, email, name, role, disabled, since, .. } => {
                let disabled = if *disabled { ", disabled" } else { "" };
                write!(out, "member   {tenant}: {role} {name} <{email}>{disabled}, since {since}")
            }
            Review::ApiKey { tenant, name, prefix, made_by, since, .. } => {
                write!(out, "API key  {tenant}: {name} (lark_{prefix}…) of {made_by}, since {since}")
            }
        }
    }
}

pub async fn run(settings: &Settings, report: &mut Report) -> Result<(), Refused> {
    let found = admin(settings).await?.after_restore().await.map_err(|error| Refused::of(settings, error))?;
    report.remark("Sessions, links, invites, known devices and signing keys from before are void. These may come in: has somebody left since?");
    for line in found {
        report.line(Line(line));
    }
    Ok(())
}
