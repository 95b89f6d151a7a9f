//! What is set aside for somebody: it stays where it is, and others do not use it.

pub mod create;
pub mod end;
pub mod get;
pub mod list;
pub mod release;
mod repository;

use kernel::{Caller, Instant, Outcome, Routes, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::arithmetic::Quantity;
use crate::catalog::lookup::site_of;
use crate::error::Error;
use crate::http::{HideCosts, Recheck, need_site};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(get::handler).service(release::handler);
}

crate::names::words!(
    /// What became of a reservation.
    ReservationStatus {
        /// What is left of it is set aside.
        Active = "active",
        /// All of it was taken.
        Fulfilled = "fulfilled",
        /// Somebody gave back what was left.
        Released = "released",
        /// Its time is over: what was left is free again.
        Ended = "ended",
    }
);

/// What is set aside of an item at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// Its id: what a line that takes from it names.
    pub id: Uuid,
    /// What became of it.
    pub status: ReservationStatus,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// How much was set aside, in `unit`.
    pub quantity: Quantity,
    /// How much of that was taken, in `unit`.
    pub taken: Quantity,
    /// How much is still set aside, in `unit`.
    pub left: Quantity,
    /// The item's base unit.
    pub unit: String,
    /// What the client calls it.
    pub external_ref: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// From then on nothing is set aside any more.
    pub ends_at: Option<Instant>,
    /// The user who made it.
    pub reserved_by: Uuid,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Reservation {}

impl Recheck for Reservation {
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let (site_id, _) = site_of(txn, caller.tenant_id, self.location_id).await?;
            need_site(caller, site_id)
        })
    }
}
