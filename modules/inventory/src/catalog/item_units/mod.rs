//! Units of one item: packs, and what ties one dimension to another, such as a density.

pub mod create;
pub mod delete;
pub mod list;
pub mod repository;

use kernel::{Instant, Routes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::arithmetic::Quantity;
use crate::http::{HideCosts, Recheck};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(delete::handler);
}

/// A unit of an item. It is never changed, only made and deleted; what was posted in it keeps its quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemUnit {
    /// Its id.
    pub id: Uuid,
    /// What it is called in requests, such as `case`.
    pub unit: String,
    /// One of it is this much of the base unit.
    pub quantity: Quantity,
    /// The code of the item's base unit.
    pub base_unit: String,
    /// The numerator of the exact factor to the base unit, a whole number.
    pub num: i64,
    /// The denominator of the exact factor to the base unit, a whole number.
    pub den: i64,
    /// When it was made.
    pub created_at: Instant,
}

impl HideCosts for ItemUnit {}

impl Recheck for ItemUnit {}
