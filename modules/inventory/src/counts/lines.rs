//! The lines of a count, and how they are answered.

use kernel::{Instant, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::arithmetic::{Money, Quantity};
use crate::http::{HideCosts, hide};
use crate::names::{ItemId, LocationId, LotId};

/// What a line is about: an item in an area, all of it or one lot. A count has one line for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub item: ItemId,
    pub location: LocationId,
    pub lot: Option<LotId>,
}

impl Slot {
    /// The lot's id, or the nil UUID where none is named.
    pub fn lot_key(&self) -> Uuid {
        self.lot.unwrap_or(Uuid::nil())
    }

    /// The item and the area.
    pub fn place(&self) -> (ItemId, LocationId) {
        (self.item, self.location)
    }
}

/// What was counted there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// As entered, in `unit`.
    pub entered: Quantity,
    pub unit: String,
    /// The same in the item's base unit.
    pub quantity: Quantity,
    pub counted_at: Instant,
    /// Who counted it last.
    pub counted_by: UserId,
    /// Whether it was counted again, or is to be.
    pub recount: bool,
    /// Whether nobody counted it, and it is zero because the count says so of what is not counted.
    pub uncounted: bool,
    pub note: Option<String>,
}

impl Counted {
    /// What nobody counted and the count takes for nothing, from when on, and who says so.
    pub fn nothing(unit: String, at: Instant, by: UserId) -> Self {
        let zero = Quantity::ZERO;
        Self { entered: zero, unit, quantity: zero, counted_at: at, counted_by: by, recount: false, uncounted: true, note: None }
    }
}

/// A line of a count.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = StockCountLine)]
pub struct CountLineAnswer {
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The area's id.
    pub location_id: Uuid,
    /// The area's path.
    pub location: String,
    /// The lot; null where all lots together were counted.
    pub lot_id: Option<Uuid>,
    /// As entered, in `unit`.
    pub quantity: Quantity,
    /// The unit of `quantity`.
    pub unit: String,
    /// The same in the item's base unit.
    pub base_quantity: Quantity,
    /// The item's base unit.
    pub base_unit: String,
    /// When it was counted.
    pub counted_at: Instant,
    /// The user who counted it last; of what nobody counted, who reviewed the count.
    pub counted_by: Uuid,
    /// Whether it was counted again, or is to be.
    pub recount: bool,
    /// Whether nobody counted it: something lies there at the time of the review, and the count takes what is not counted for zero.
    pub uncounted: bool,
    /// A remark.
    pub note: Option<String>,
    /// What the ledger says of the moment it was counted, in the item's base unit. Left out of a blind count for whoever may not
    /// approve, until it is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Quantity>,
    /// What was counted less what was expected, in the item's base unit; left out together with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<Quantity>,
    /// What posting the variance is worth, at the rates of its lots; in a review only. Left out without `see_costs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// What is missing and is not there any more to be taken, in the item's base unit: a shortage once it is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_quantity: Option<Quantity>,
    /// Whether a later count of the same stock is posted, so that posting this line does nothing; in a review only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<bool>,
    /// Whether something moved there that the review did not know; only after one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_since_review: Option<bool>,
}

impl CountLineAnswer {
    pub fn new(slot: Slot, counted: &Counted, (sku, base_unit): (String, String), location: String) -> Self {
        Self {
            item_id: slot.item,
            sku,
            location_id: slot.location,
            location,
            lot_id: slot.lot,
            quantity: counted.entered,
            unit: counted.unit.clone(),
            base_quantity: counted.quantity,
            base_unit,
            counted_at: counted.counted_at,
            counted_by: counted.counted_by,
            recount: counted.recount,
            uncounted: counted.uncounted,
            note: counted.note.clone(),
            expected: None,
            variance: None,
            value: None,
            short_quantity: None,
            superseded: None,
            changed_since_review: None,
        }
    }
}

impl HideCosts for CountLineAnswer {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
    }
}
