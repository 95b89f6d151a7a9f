//! Units of measure: mass, volume, count.

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

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(get::handler).service(update::handler);
}

crate::names::words!(
    /// What is measured. The reference of mass is the gram, of volume the millilitre, of count the piece.
    Dimension { Mass = "mass", Volume = "volume", Count = "count" }
);

/// A unit of measure. One of it is `num / den` of its dimension's reference: the gram, the millilitre, the piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unit {
    /// Its id.
    pub id: Uuid,
    /// What it is called in requests, such as `kg`; never changes.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// What it measures.
    pub dimension: Dimension,
    /// The numerator of the exact factor to the reference, a whole number.
    pub num: i64,
    /// The denominator of the exact factor to the reference, a whole number.
    pub den: i64,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Unit {}

impl Recheck for Unit {}
