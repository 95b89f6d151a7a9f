//! Locations: sites, and the areas in them that stock lies in.

pub mod create;
pub mod get;
pub mod list;
pub mod repository;
pub mod update;

use kernel::{Caller, Instant, Outcome, Problem, Routes, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::http::{HideCosts, Recheck, need_site};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(get::handler).service(update::handler);
}

/// The code of the area that every site has for goods under way: made with the site, named by no document of a user.
pub const TRANSIT_CODE: &str = "in-transit";

crate::names::words!(
    /// What a location is: a site, with days of its own; an area of a site, where stock lies; or a site's goods in transit.
    LocationKind { Site = "site", Area = "area", Transit = "transit" }
);

/// A location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: LocationKind,
    /// Its own code; never changes.
    pub code: String,
    /// The codes from its site down to itself: `main/walk-in`. Requests name it by this.
    pub path: String,
    /// What people call it.
    pub name: String,
    /// What it lies in; null for a site.
    pub parent_id: Option<Uuid>,
    /// Its site; a site's own id.
    pub site_id: Uuid,
    /// A site's IANA time zone; null elsewhere.
    pub time_zone: Option<String>,
    /// When a site's business day begins, by its wall clock; null elsewhere.
    pub day_starts_at: Option<String>,
    /// An archived location holds no stock and takes none.
    pub archived: bool,
    /// Since when it is archived.
    pub archived_at: Option<Instant>,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Location {}

impl Recheck for Location {
    fn recheck<'a>(&'a self, caller: &'a Caller, _: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move { need_site(caller, self.site_id) })
    }
}

impl Location {
    fn set_archived(&mut self, archived: bool, now: Instant) {
        if archived != self.archived {
            self.archived = archived;
            self.archived_at = archived.then_some(now);
        }
    }
}

/// 404 for what lies in a site that the caller may not see: to them it does not exist.
fn visible(location: Option<Location>, caller: &Caller) -> Result<Location, Error> {
    location.filter(|location| caller.sites.contain(location.site_id)).ok_or(Error::NotFound("location"))
}

fn forbidden(detail: &str) -> Error {
    Problem::new(403, "forbidden", detail).into()
}
