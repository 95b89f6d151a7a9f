//! What a posting does: the whole of it, before anything is written.

use chrono::NaiveDate;
use kernel::Instant;

use super::command::VarianceKind;
use super::facts::{Holding, Key, Place};
use crate::arithmetic::{Money, Quantity};
use crate::names::{DateKind, DocumentId, ItemId, LotId, ReasonId, ReservationId};

crate::names::words!(
    /// What kind of movement an entry is.
    EntryKind {
        Receipt = "receipt",
        Waste = "waste",
        Usage = "usage",
        VendorReturn = "vendor_return",
        TransferOut = "transfer_out",
        TransferIn = "transfer_in",
        TransitLoss = "transit_loss",
        CountLoss = "count_loss",
        /// What was found, by a count or an adjustment, at the rate of its lot.
        Gain = "gain",
        /// An adjustment downward, or upward with a cost of its own.
        Adjustment = "adjustment",
        TransformationIn = "transformation_in",
        TransformationOut = "transformation_out",
        /// A later cost: value without quantity.
        CostAdjust = "cost_adjust",
        /// A receipt's line that was wrong.
        Correction = "correction",
        /// The millionths that splitting left: value without quantity.
        Rounding = "rounding",
        Reversal = "reversal",
    }
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
    pub at: Instant,
    /// The business date of its instant, at the site of its location.
    pub business_date: NaiveDate,
    pub reason: Option<ReasonId>,
}

/// A lot that a line makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLot {
    pub id: LotId,
    pub line_no: i64,
    pub item: ItemId,
    pub batch_code: Option<String>,
    pub received_at: Instant,
    pub cost_floor_at: Instant,
    pub produced_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    pub date_kind: DateKind,
    pub opened_at: Option<Instant>,
    pub basis: Holding,
    /// What it was made from, and how much of each.
    pub parents: Vec<(LotId, Quantity)>,
}

/// A lot that was there, as it is afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLot {
    pub id: LotId,
    /// The version that this was decided on.
    pub seen: i64,
    pub basis: Holding,
    pub cost_floor_at: Instant,
    /// Whether this document changes its cost.
    pub revalued: bool,
    pub void: bool,
}

/// A balance as it is afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewBalance {
    pub place: Place,
    pub holding: Holding,
    /// Whether something was there: else a row may be missing, or be there with nothing.
    pub held: bool,
}

/// What the ledger does not hold of a lot's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variance {
    pub lot: LotId,
    pub amount: Money,
    pub kind: VarianceKind,
}

/// What was asked for and not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub line_no: i64,
    pub key: Key,
    pub quantity: Quantity,
}

impl Shortage {
    /// A shortage's id is made of its document's and its line's.
    pub fn id(&self, document: DocumentId) -> uuid::Uuid {
        uuid::Uuid::from_u128(document.as_u128() ^ u128::from(self.line_no.unsigned_abs()))
    }
}

/// A line of a count that is true from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewTruth {
    pub line_no: i64,
    pub key: Key,
    pub lot: Option<LotId>,
    pub counted_at: Instant,
    pub quantity: Quantity,
}

/// What became of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineOutcome {
    /// What the line is worth: what its entries sum to.
    pub value: Money,
    /// The share of the document's charges that is in it.
    pub charges: Money,
    /// The expiry of the lot that it made.
    pub expires_on: Option<NaiveDate>,
    /// What was asked for and is not there.
    pub short: Quantity,
    pub counted: Option<CountOutcome>,
}

/// What became of a line of a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountOutcome {
    /// What the ledger said at the moment it was counted.
    pub expected: Quantity,
    /// Counted less expected.
    pub variance: Quantity,
    /// A later count is posted: nothing was done.
    pub superseded: bool,
    /// The lot's cost was changed later than it was counted: its entry stands where that was.
    pub moved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    /// The business date of the document.
    pub business_date: NaiveDate,
    pub lots: Vec<NewLot>,
    /// Sorted by id.
    pub changed_lots: Vec<ChangedLot>,
    /// In the order of their sequence numbers.
    pub entries: Vec<NewEntry>,
    /// Sorted by place.
    pub balances: Vec<NewBalance>,
    /// One for each line of the command.
    pub lines: Vec<LineOutcome>,
    pub variances: Vec<Variance>,
    pub shortages: Vec<Shortage>,
    pub truths: Vec<NewTruth>,
    /// Count lines that are no longer taken for true: document and line.
    pub marked: Vec<(DocumentId, i64)>,
    /// The count that is undone with all its truths.
    pub untrue: Option<DocumentId>,
    /// What was taken from reservations.
    pub taken: Vec<(ReservationId, Key, Quantity)>,
}

impl Effects {
    /// The same of a document of which the ledger was given only some lines: `sent` says which line of the request each is,
    /// counted from zero.
    #[must_use]
    pub fn at_lines(mut self, sent: &[usize]) -> Self {
        let place = |line_no: &mut i64| {
            let line = usize::try_from(*line_no - 1).ok().and_then(|index| sent.get(index));
            *line_no = line.and_then(|line| i64::try_from(line + 1).ok()).unwrap_or(*line_no);
        };
        self.entries.iter_mut().for_each(|entry| place(&mut entry.line_no));
        self.lots.iter_mut().for_each(|lot| place(&mut lot.line_no));
        self.shortages.iter_mut().for_each(|shortage| place(&mut shortage.line_no));
        self.truths.iter_mut().for_each(|truth| place(&mut truth.line_no));
        self
    }
}
