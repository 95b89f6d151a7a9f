//! What is asked of the ledger, in base units and resolved names.

use chrono::NaiveDate;
use kernel::Instant;

use super::facts::{ItemRules, Key};
use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::names::{BatchCode, LocationId, LotId, ReasonId};

/// One document to be posted.
#[derive(Clone, Debug)]
pub struct Command {
    pub effective_at: Instant,
    /// The days of the site that the location belongs to.
    pub days: SiteDays,
    pub location: LocationId,
    pub work: Work,
}

#[derive(Clone, Debug)]
pub enum Work {
    /// Goods come in: a receipt, or the stock that was there when Larder began.
    Receive { lines: Vec<ReceiveLine>, charges: Vec<Charge> },
    /// Goods are thrown away.
    Waste { lines: Vec<WasteLine> },
}

#[derive(Clone, Debug)]
pub struct ReceiveLine {
    pub item: ItemRules,
    /// The lot that this line makes.
    pub lot: LotId,
    /// In the base unit, above zero.
    pub quantity: Quantity,
    pub price: Price,
    /// Taken off this line, zero or more.
    pub discount: Money,
    /// Whether a price of zero is meant.
    pub confirm_zero: bool,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
    pub produced_on: Option<NaiveDate>,
    /// The weight of one line in grams × 10^6, for charges by weight; `None` where it is not known.
    pub weight: Option<i64>,
}

/// What a line costs: exactly one way to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Per entered unit, with the entered quantity.
    Unit {
        price: Money,
        entered: Quantity,
    },
    Total(Money),
    Free,
    /// Not known, worth nothing until somebody says: opening stock without a cost.
    Unpriced,
}

/// A charge on a whole receipt, shared out over its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Negative for a rebate.
    pub amount: Money,
    pub basis: Basis,
}

crate::names::words!(
    /// By what a charge is shared out over the lines.
    Basis { Value = "value", Quantity = "quantity", Weight = "weight", Equal = "equal" }
);

#[derive(Clone, Debug)]
pub struct WasteLine {
    pub item: ItemRules,
    /// In the base unit, above zero.
    pub quantity: Quantity,
    /// The lot that is named; else it is picked.
    pub lot: Option<LotId>,
    pub reason: ReasonId,
}

impl Command {
    /// The stock keys that this touches, sorted and without repetition: what must be locked.
    pub fn keys(&self) -> Vec<Key> {
        let key = |item: &ItemRules| Key { item: item.id, location: self.location };
        let mut keys: Vec<Key> = match &self.work {
            Work::Receive { lines, .. } => lines.iter().map(|line| key(&line.item)).collect(),
            Work::Waste { lines } => lines.iter().map(|line| key(&line.item)).collect(),
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The lots that lines name.
    pub fn named_lots(&self) -> Vec<LotId> {
        match &self.work {
            Work::Receive { .. } => Vec::new(),
            Work::Waste { lines } => lines.iter().filter_map(|line| line.lot).collect(),
        }
    }

    /// Whether this takes from what is there, so that the state must be read.
    pub fn takes(&self) -> bool {
        matches!(self.work, Work::Waste { .. })
    }
}
