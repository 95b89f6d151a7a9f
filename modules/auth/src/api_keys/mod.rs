//! API keys: how programs come in. A key acts for the member who made it, and never more than that member.

mod authenticate;
pub(crate) mod create;
pub(crate) mod end;
pub(crate) mod read;
mod repository;
mod token;

use auth_entity::api_key;
pub(crate) use authenticate::{Standing, authenticate};
use kernel::{Instant, Permission, Permissions, Sites};
pub(crate) use repository::{end_all, end_all_in, end_all_of, lives, made_by, of};
use serde::Serialize;
pub(crate) use token::is_one;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::members::sites_told;
use crate::sessions;

/// An API key, as far as people have to recognise it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ApiKeyBrief)]
pub struct Brief {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What its secret begins with, after `lark_`.
    pub prefix: String,
}

/// An API key. Its secret is shown once, when it is made.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What its secret begins with, after `lark_`.
    pub prefix: String,
    /// What it may do, as far as its maker may at that moment.
    pub scopes: Vec<Permission>,
    /// Whether it may do so at every site at which its maker may.
    pub all_sites: bool,
    /// The sites, where it is not every one.
    pub site_ids: Vec<Uuid>,
    /// The membership of whoever made it; when that ends, so does the key.
    pub made_by: Uuid,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends by itself; null where it does not.
    pub expires_at: Option<Instant>,
    /// When it was used last, to the minute; null where it never was.
    pub last_used_at: Option<Instant>,
}

/// A key and what it may do at the most.
struct Found {
    key: api_key::Model,
    sites: Sites,
}

impl From<Found> for Response {
    fn from(found: Found) -> Self {
        let (all_sites, site_ids) = sites_told(&found.sites);
        let key = found.key;
        Self {
            scopes: read_scopes(&key.scopes).iter().collect(),
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            all_sites,
            site_ids,
            made_by: key.membership_id,
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Instant::from),
            last_used_at: key.last_used_at.map(Instant::from),
        }
    }
}

/// 403 for a member who may not make and end keys.
fn need_admin(actor: &sessions::Standing) -> Result<(), Error> {
    let may = actor.role.permissions().holds(Permission::Admin);
    if may { Ok(()) } else { Err(Error::Forbidden("This needs the permission `admin`, which your role does not hold.")) }
}

/// As they are stored: their names, with spaces between. A name of a newer version says nothing to this one.
pub(crate) fn read_scopes(text: &str) -> Permissions {
    text.split(' ').filter_map(|name| Permission::ALL.into_iter().find(|permission| permission.name() == name)).collect()
}

fn write_scopes(scopes: Permissions) -> String {
    scopes.iter().map(Permission::name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_back_as_they_were_written() {
        let scopes: Permissions = [Permission::Read, Permission::UseStock].into_iter().collect();
        assert_eq!((write_scopes(scopes).as_str(), read_scopes("read use_stock"), read_scopes("read fly use_stock")), ("read use_stock", scopes, scopes));
        assert_eq!(read_scopes(&write_scopes(Permissions::all())), Permissions::all());
    }
}
