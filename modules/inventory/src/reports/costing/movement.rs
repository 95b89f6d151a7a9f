//! A movement of one item, as the methods see it.

use chrono::NaiveDate;
use kernel::Instant;

use super::share::share;
use crate::ledger::EntryKind;
use crate::names::{DocumentId, LocationId, LotId};

/// Those that use goods up, where they leave: what `issued_value` sums. What is transformed or moved is still there.
pub const ISSUES: [EntryKind; 6] =
    [EntryKind::Usage, EntryKind::Waste, EntryKind::VendorReturn, EntryKind::CountLoss, EntryKind::TransitLoss, EntryKind::Adjustment];

/// What was paid for a line that came in, and for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// In millionths of the base unit, above zero.
    pub quantity: i64,
    /// In millionths of the currency, above zero.
    pub value: i64,
}

/// One ledger entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    pub seq: i64,
    pub at: Instant,
    /// The business date of its site.
    pub business_date: NaiveDate,
    pub kind: EntryKind,
    pub document: DocumentId,
    /// The document that a reversal undoes.
    pub undoes: Option<DocumentId>,
    /// Whether a reversal undoes this movement's document.
    pub is_undone: bool,
    pub location: LocationId,
    pub lot: LotId,
    /// The pool that its location belongs to.
    pub pool: usize,
    /// Whether its location is among those that are asked about.
    pub shown: bool,
    /// In millionths of the base unit, with the sign of the movement.
    pub quantity: i64,
    /// In millionths of the currency, as the ledger has it.
    pub value: i64,
    /// The price of the receipt line, where it has one.
    pub paid: Option<Paid>,
}

impl Movement {
    /// Whether goods go from one location to another; `knows` says which undone documents are transfers.
    pub fn is_transfer(&self, knows: impl Fn(DocumentId) -> bool) -> bool {
        matches!(self.kind, EntryKind::TransferOut | EntryKind::TransferIn) || (self.kind == EntryKind::Reversal && self.undoes.is_some_and(knows))
    }

    /// Whether it changes what goods cost. A correction of a receipt may change how many there are, too.
    pub fn is_cost(&self) -> bool {
        matches!(self.kind, EntryKind::CostAdjust | EntryKind::Correction) || self.quantity == 0
    }

    /// Whether it uses goods up.
    pub fn is_issue(&self) -> bool {
        self.quantity < 0 && ISSUES.contains(&self.kind)
    }

    /// How much it moves, whichever way.
    pub fn size(&self) -> i128 {
        i128::from(self.quantity.unsigned_abs())
    }

    /// The part of it that moves `size`, with its share of the value.
    pub fn part(&self, size: i128) -> Self {
        if size >= self.size() {
            return *self;
        }
        let value = share(self.value.into(), size, self.size());
        let narrow = |wide: i128| i64::try_from(wide).unwrap_or(i64::MAX);
        Self { quantity: self.quantity.signum() * narrow(size), value: narrow(value), ..*self }
    }

    /// What is left of it without that part.
    pub fn without(&self, part: &Self) -> Self {
        Self { quantity: self.quantity - part.quantity, value: self.value - part.value, ..*self }
    }
}
