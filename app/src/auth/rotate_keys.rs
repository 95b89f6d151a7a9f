use std::fmt;

use auth::admin::{Key, Wish};
use serde::Serialize;

use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

#[derive(Serialize)]
#[serde(transparent)]
struct Line(Key);

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { kid, status, since } = &self.0;
        write!(out, "{status:<8} {kid} since {since}")
    }
}

pub async fn run(settings: &Settings, report: &mut Report, now: bool, remove: Option<&str>) -> Result<(), Refused> {
    let admin = admin(settings).await?;
    let keys = match remove {
        Some(kid) => admin.remove_key(kid).await,
        None => admin.rotate_keys(if now { Wish::AtOnce } else { Wish::Next }).await,
    };
    for key in keys.map_err(|error| Refused::of(settings, error))? {
        report.line(Line(key));
    }
    Ok(())
}
