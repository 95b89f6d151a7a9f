//! What was used and was not there: the ledger never goes below nothing, so that it is recorded, until somebody clears it.

pub mod clear;
pub mod get;
pub mod list;
pub mod reopen;
pub mod repository;

use kernel::{Caller, Instant, Outcome, Routes, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::arithmetic::Quantity;
use crate::catalog::lookup::site_of;
use crate::error::Error;
use crate::http::{HideCosts, Recheck, need_site};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(get::handler).service(clear::handler);
}

crate::names::words!(
    /// Whether somebody still has to look at it.
    ShortageStatus { Open = "open", Cleared = "cleared" }
);

/// What was asked for and was not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shortage {
    /// Its id.
    pub id: Uuid,
    /// Whether somebody still has to look at it.
    pub status: ShortageStatus,
    /// The document that found it missing.
    pub document_id: Uuid,
    /// The number of that document: `U-000017`.
    pub document_number: String,
    /// The line of that document, counted from one.
    pub line_no: i64,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// How much is missing, in `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
    /// The document that cleared it: a receipt, a count, or what undid the document that found it. Where that receipt or count is
    /// undone, it is open again.
    pub cleared_by_document_id: Option<Uuid>,
    /// The user who cleared it.
    pub cleared_by: Option<Uuid>,
    /// When it was cleared.
    pub cleared_at: Option<Instant>,
    /// What was said when it was cleared.
    pub note: Option<String>,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Shortage {}

impl Recheck for Shortage {
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let (site_id, _) = site_of(txn, caller.tenant_id, self.location_id).await?;
            need_site(caller, site_id)
        })
    }
}
