//! Why stock was thrown away, adjusted, sent back, or something else that wants a reason.

pub mod create;
pub mod get;
pub mod list;
pub mod repository;
pub mod update;

use kernel::{Instant, Routes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{HideCosts, Recheck};
use crate::names::Stage;

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(get::handler).service(update::handler);
}

crate::names::words!(
    /// What a reason is for.
    ReasonKind { Waste = "waste", Adjust = "adjust", Return = "return", Discrepancy = "discrepancy", Reversal = "reversal" }
);

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub kind: ReasonKind,
    /// What it is called in requests; never changes, one of its kind.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Where in the work it happens, unless a line says otherwise.
    pub stage: Option<Stage>,
    /// Whether better work could have avoided it.
    pub avoidable: bool,
    /// An archived reason is not offered and not taken any more.
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

impl HideCosts for Reason {}

impl Recheck for Reason {}

impl Reason {
    fn set_archived(&mut self, archived: bool, now: Instant) {
        if archived != self.archived {
            self.archived = archived;
            self.archived_at = archived.then_some(now);
        }
    }
}
