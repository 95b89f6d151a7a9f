//! What is asked of the ledger, in base units and resolved names.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{Instant, Sites};

use super::effects::EntryKind;
use super::facts::{Holding, ItemRules, Key, Place, Spot};
use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::names::{BatchCode, DocumentId, ItemId, LotId, ReasonId, ReservationId};

/// One document to be posted.
#[derive(Clone, Debug)]
pub struct Command {
    pub effective_at: Instant,
    /// The days of the site that the document belongs to.
    pub days: SiteDays,
    /// Where it happens: what is taken is taken from here, what comes in comes in here.
    pub spot: Spot,
    pub counted: Counted,
    pub work: Work,
}

crate::names::words!(
    /// What is done where a posted count would no longer be true.
    #[derive(Default)]
    Counted {
        /// The posting is refused, naming the count.
        #[default]
        Refuse = "refuse",
        /// The count did not see what is posted now: its line is marked.
        NotIncluded = "not_included",
    }
);

crate::names::words!(
    /// What usage does where there is not enough.
    #[derive(Default)]
    OnShort {
        /// Nothing is posted.
        #[default]
        Refuse = "refuse",
        /// What there is, is posted, and the rest recorded as a shortage.
        Record = "record",
    }
);

#[derive(Clone, Debug)]
pub enum Work {
    /// Goods come in: a receipt, or the stock that was there when Larder began.
    Receive { lines: Vec<ReceiveLine>, charges: Vec<Charge> },
    /// Goods are thrown away.
    Waste { lines: Vec<TakeLine> },
    /// Goods are used.
    Use { lines: Vec<TakeLine>, on_short: OnShort },
    /// Goods go back to who sold them; a credit for each line, where one is agreed.
    ReturnToVendor { lines: Vec<TakeLine>, credits: Vec<Option<Money>> },
    /// Stock is set right, up or down.
    Adjust { lines: Vec<AdjustLine> },
    /// Goods go to another place: at once, or on the way to it.
    Move { lines: Vec<TakeLine>, to: Spot, may_move_held: bool },
    /// What is under way arrives, or comes back. The command's spot is where it is under way.
    Arrive { lines: Vec<TakeLine>, under_way: UnderWay, to: Spot },
    /// What was under way is lost.
    LoseInTransit { lines: Vec<TakeLine>, under_way: UnderWay },
    /// What was counted.
    Count { lines: Vec<CountLine> },
    /// A document is undone.
    Reverse(Reversal),
    /// The cost of lots changes.
    ChangeCost { changes: Vec<CostChange> },
    /// A line of a receipt was wrong.
    Correct(Correction),
    /// Goods become other goods.
    Transform { inputs: Vec<TakeLine>, outputs: Vec<OutputLine>, by: OutputBasis },
    /// A part of a lot is opened: a lot of its own from now on.
    Open { line: TakeLine, child: LotId },
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

/// A line that takes from what is there.
#[derive(Clone, Debug)]
pub struct TakeLine {
    pub item: ItemRules,
    /// In the base unit, above zero.
    pub quantity: Quantity,
    /// The lot that is named; else it is picked.
    pub lot: Option<LotId>,
    pub reason: Option<ReasonId>,
    /// The reservation that it is taken from.
    pub reservation: Option<ReservationId>,
}

#[derive(Clone, Debug)]
pub struct AdjustLine {
    pub item: ItemRules,
    /// In the base unit, above zero; `up` says which way.
    pub quantity: Quantity,
    pub up: bool,
    pub lot: Option<LotId>,
    pub reason: ReasonId,
    /// What one entered unit costs, with the entered quantity: only upward, and then it makes a lot.
    pub unit_cost: Option<(Money, Quantity)>,
    /// The lot that it makes where it makes one.
    pub new_lot: LotId,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
}

/// What a transfer has under way.
#[derive(Clone, Debug)]
pub struct UnderWay {
    pub dispatched_at: Instant,
    pub lots: BTreeMap<LotId, Quantity>,
}

#[derive(Clone, Debug)]
pub struct CountLine {
    pub item: ItemRules,
    pub spot: Spot,
    pub lot: Option<LotId>,
    /// In the base unit, zero or more.
    pub quantity: Quantity,
    pub counted_at: Instant,
    /// Whether nobody counted it: it is taken for nothing at the time of posting.
    pub not_counted: bool,
}

/// A document that is to be undone, as it stands in the ledger.
#[derive(Clone, Debug)]
pub struct Reversal {
    pub document: DocumentId,
    /// Its place in the chain.
    pub position: i64,
    pub entries: Vec<OldEntry>,
    /// The lots that it made, each with the other documents that are live and touch it.
    pub made: BTreeMap<LotId, TouchedBy>,
    /// At which sites those are named to whoever undoes it.
    pub sites: Sites,
    pub variances: Vec<(LotId, Money, VarianceKind)>,
    pub reason: ReasonId,
    /// All of it now, and not each entry at its own time.
    pub today: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldEntry {
    pub line_no: i64,
    pub kind: EntryKind,
    pub place: Place,
    pub quantity: Quantity,
    pub value: Money,
    pub at: Instant,
    pub business_date: NaiveDate,
}

/// The documents that touch a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchedBy {
    /// How many those are, also at sites where none is named.
    pub number: i64,
    /// The first of those that are named.
    pub named: Vec<Touching>,
}

/// A document that touches a lot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Touching {
    pub document_id: DocumentId,
    /// As people read it.
    pub number: String,
}

crate::names::words!(
    /// What a difference between the ledger and what was paid comes from.
    VarianceKind {
        /// A cost that came when a part was gone.
        Cost = "cost",
        /// What a return was worth, less its credit.
        Return = "return",
        /// Millionths that splitting left.
        Rounding = "rounding",
    }
);

/// An amount that comes onto a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostChange {
    pub line_no: i64,
    pub lot: LotId,
    pub amount: Money,
}

/// A line of a receipt as it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    pub item: ItemId,
    pub lot: LotId,
    /// As it was received.
    pub was: Holding,
    /// As it should have been.
    pub is: Holding,
}

#[derive(Clone, Debug)]
pub struct OutputLine {
    pub item: ItemRules,
    pub lot: LotId,
    /// In the base unit, above zero.
    pub quantity: Quantity,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
    /// What it weighs in grams × 10^6, where that is known.
    pub weight: Option<i64>,
    /// What it would sell for, to share value out by.
    pub sales_value: Option<Money>,
}

crate::names::words!(
    /// By what the value of the inputs is shared out over the outputs.
    #[derive(Default)]
    OutputBasis { #[default] Weight = "weight", Value = "value" }
);

impl Command {
    /// The stock keys that this touches, sorted and without repetition: what must be locked. Those of a cost change are where
    /// its lots lie, which only the state can tell.
    pub fn keys(&self) -> Vec<Key> {
        let here = |item: &ItemRules| Key { item: item.id, location: self.spot.location };
        let there = |line: &TakeLine, to: &Spot| Key { item: line.item.id, location: to.location };
        let mut keys: Vec<Key> = match &self.work {
            Work::Receive { lines, .. } => lines.iter().map(|line| here(&line.item)).collect(),
            Work::Adjust { lines } => lines.iter().map(|line| here(&line.item)).collect(),
            Work::Waste { lines } | Work::Use { lines, .. } | Work::ReturnToVendor { lines, .. } | Work::LoseInTransit { lines, .. } => {
                lines.iter().map(|line| here(&line.item)).collect()
            }
            Work::Move { lines, to, .. } | Work::Arrive { lines, to, .. } => lines.iter().flat_map(|line| [here(&line.item), there(line, to)]).collect(),
            Work::Count { lines } => lines.iter().map(|line| Key { item: line.item.id, location: line.spot.location }).collect(),
            Work::Reverse(reversal) => reversal.entries.iter().map(|entry| entry.place.key).collect(),
            Work::ChangeCost { .. } => Vec::new(),
            Work::Correct(correction) => vec![Key { item: correction.item, location: self.spot.location }],
            Work::Transform { inputs, outputs, .. } => inputs.iter().map(|line| here(&line.item)).chain(outputs.iter().map(|line| here(&line.item))).collect(),
            Work::Open { line, .. } => vec![here(&line.item)],
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn take_lines(&self) -> &[TakeLine] {
        match &self.work {
            Work::Waste { lines }
            | Work::Use { lines, .. }
            | Work::ReturnToVendor { lines, .. }
            | Work::Move { lines, .. }
            | Work::Arrive { lines, .. }
            | Work::LoseInTransit { lines, .. }
            | Work::Transform { inputs: lines, .. } => lines,
            Work::Open { line, .. } => std::slice::from_ref(line),
            Work::Receive { .. } | Work::Adjust { .. } | Work::Count { .. } | Work::Reverse(_) | Work::ChangeCost { .. } | Work::Correct(_) => &[],
        }
    }

    /// The lots that this names, whether or not they lie where it happens.
    pub fn named_lots(&self) -> Vec<LotId> {
        let mut named: Vec<LotId> = self.take_lines().iter().filter_map(|line| line.lot).collect();
        match &self.work {
            Work::Adjust { lines } => named.extend(lines.iter().filter_map(|line| line.lot)),
            Work::Count { lines } => named.extend(lines.iter().filter_map(|line| line.lot)),
            Work::Reverse(reversal) => named.extend(reversal.entries.iter().map(|entry| entry.place.lot)),
            _ => named.extend(self.revalued_lots()),
        }
        named.sort_unstable();
        named.dedup();
        named
    }

    /// The lots whose cost this changes: their keys are wherever they lie.
    pub fn revalued_lots(&self) -> Vec<LotId> {
        match &self.work {
            Work::ChangeCost { changes } => changes.iter().map(|change| change.lot).collect(),
            Work::Correct(correction) => vec![correction.lot],
            _ => Vec::new(),
        }
    }

    /// The reservations that this takes from.
    pub fn reservations(&self) -> Vec<ReservationId> {
        self.take_lines().iter().filter_map(|line| line.reservation).collect()
    }

    /// Where something may be found, and when: a gain that names no lot needs the youngest one.
    pub fn finds(&self) -> Vec<(Key, Instant)> {
        match &self.work {
            Work::Adjust { lines } => {
                let found = lines.iter().filter(|line| line.up && line.lot.is_none() && line.unit_cost.is_none());
                found.map(|line| (Key { item: line.item.id, location: self.spot.location }, self.effective_at)).collect()
            }
            Work::Count { lines } => {
                let found = lines.iter().filter(|line| line.lot.is_none());
                found.map(|line| (Key { item: line.item.id, location: line.spot.location }, line.counted_at)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a found lot may have had its cost changed later than the time it is found at: a count's entry then moves.
    pub fn finds_revalued(&self) -> bool {
        matches!(self.work, Work::Count { .. })
    }

    /// The earliest instant that this writes at.
    pub fn since(&self) -> Instant {
        let earliest = match &self.work {
            Work::Count { lines } => lines.iter().map(|line| line.counted_at).min(),
            Work::Reverse(reversal) if !reversal.today => reversal.entries.iter().map(|entry| entry.at).min(),
            _ => None,
        };
        earliest.unwrap_or(self.effective_at)
    }

    /// Whether all that this takes of what lies at its keys leaves at [`Command::since`]. Counts and reversals have an instant for each line.
    pub fn takes_at_one_instant(&self) -> bool {
        !matches!(self.work, Work::Count { .. } | Work::Reverse(_))
    }

    /// It happens now, and what was not counted is nothing now.
    pub fn happens_at(&mut self, now: Instant) {
        self.effective_at = now;
        if let Work::Count { lines } = &mut self.work {
            lines.iter_mut().filter(|line| line.not_counted).for_each(|line| line.counted_at = now);
        }
    }

    /// What this can't come before: goods arrive after they were sent.
    pub fn follows(&self) -> Option<Instant> {
        match &self.work {
            Work::Arrive { under_way, .. } | Work::LoseInTransit { under_way, .. } => Some(under_way.dispatched_at),
            _ => None,
        }
    }

    /// Whether this writes at places of which it does not say the days.
    pub fn needs_days(&self) -> bool {
        matches!(self.work, Work::Reverse(_) | Work::ChangeCost { .. } | Work::Correct(_))
    }

    /// Whether this only brings in what was not there, so that what is there need not be read.
    pub fn only_brings(&self) -> bool {
        matches!(self.work, Work::Receive { .. })
    }
}
