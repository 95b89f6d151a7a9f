//! Tenants: kitchens and companies, each of which sees its own only.

pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod close;
pub(crate) mod create;
mod found;
pub(crate) mod read;

use auth_entity::tenant;
pub(crate) use found::{Currency, Founders, NewTenant, Owner, TimeZone, find_place};
use kernel::Permission;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::sessions::Standing;

/// A tenant, with what its members may have to know of it.
#[derive(Serialize, ToSchema)]
#[schema(as = TenantDetails)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// Goes up with every change; the ETag is the same number.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What its money is counted in: an ISO 4217 code. It never changes.
    pub currency: String,
    /// Where its days begin and end: a name of the IANA time zone database.
    pub time_zone: String,
    /// Whether its members come in with a second factor only.
    pub mfa_required: bool,
}

impl From<tenant::Model> for Response {
    fn from(tenant: tenant::Model) -> Self {
        let tenant::Model { id, version, name, currency, time_zone, mfa_required, .. } = tenant;
        Self { id, version, name, currency, time_zone, mfa_required }
    }
}

/// 403 for a member to whom the tenant does not belong.
fn need_admin(actor: &Standing) -> Result<(), Error> {
    let may = actor.role.permissions().holds(Permission::Admin);
    if may { Ok(()) } else { Err(Error::Forbidden("This needs the permission `admin`, which your role does not hold.")) }
}
