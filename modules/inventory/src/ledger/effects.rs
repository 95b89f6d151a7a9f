//! What a posting does: the whole of it, before anything is written.

use chrono::NaiveDate;
use kernel::Instant;

use super::facts::{Holding, Place};
use crate::arithmetic::{Money, Quantity};
use crate::names::{BatchCode, DateKind, ItemId, LotId, ReasonId};

crate::names::words!(
    /// What kind of movement an entry is.
    EntryKind { Receipt = "receipt", Waste = "waste" }
);

/// One entry to be written; its sequence number is given with the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The line of the document, counted from one.
    pub line_no: i64,
    pub kind: EntryKind,
    pub place: Place,
    pub quantity: Quantity,
    pub value: Money,
    pub reason: Option<ReasonId>,
}

/// A lot that an inbound line makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLot {
    pub id: LotId,
    pub line_no: i64,
    pub item: ItemId,
    pub batch_code: Option<BatchCode>,
    pub received_at: Instant,
    pub produced_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    pub date_kind: DateKind,
    pub basis_quantity: Quantity,
    pub basis_value: Money,
}

/// A balance as it is afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewBalance {
    pub place: Place,
    pub holding: Holding,
    /// Whether a row is there already.
    pub exists: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineOutcome {
    /// What the line is worth: what its entries sum to.
    pub value: Money,
    /// The share of the document's charges that is in it.
    pub charges: Money,
    /// The expiry of the lot that it made.
    pub expires_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    pub business_date: NaiveDate,
    pub lots: Vec<NewLot>,
    /// In the order of their sequence numbers.
    pub entries: Vec<NewEntry>,
    /// Sorted by place.
    pub balances: Vec<NewBalance>,
    /// One for each line of the command.
    pub lines: Vec<LineOutcome>,
}
