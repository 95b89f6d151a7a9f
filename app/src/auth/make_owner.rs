use sea_orm::prelude::Uuid;

use super::open::{Refused, admin};
use crate::db::Report;
use crate::settings::Settings;

pub async fn run(settings: &Settings, report: &mut Report, email: &str, tenant: Option<Uuid>) -> Result<(), Refused> {
    let owner = admin(settings).await?.make_owner(email, tenant).await.map_err(|error| Refused::of(settings, error))?;
    report.remark(format_args!("{email} is an owner of {} ({})", owner.tenant, owner.tenant_id));
    report.also("membership_id", owner.membership_id.to_string().into());
    report.also("tenant_id", owner.tenant_id.to_string().into());
    Ok(())
}
