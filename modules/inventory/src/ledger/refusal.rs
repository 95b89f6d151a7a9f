//! Why the ledger refuses a posting.

use chrono::NaiveDate;
use kernel::{Instant, Problem, Violation};
use serde::Serialize;

use super::command::Touching;
use crate::arithmetic::{Money, Quantity};
use crate::names::{DocumentId, ItemId, LocationId, LotId};

/// A refusal of the pure core. It names every line that it is about, counted from zero as in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is less than was asked for.
    Insufficient(Vec<ShortLine>),
    /// More than the transfer has under way.
    MoreThanUnderWay(Vec<ShortLine>),
    /// The instant lies ahead.
    EffectiveInFuture { now: Instant },
    /// The business date is in a closed period: that of these lines, or of all where none is named.
    PeriodClosed { business_date: NaiveDate, closed_through: NaiveDate, lines: Vec<usize> },
    /// Lines that are wrong in themselves.
    Lines(Vec<LineFlaw>),
    /// Lots that can't be taken as they are.
    Lots(Vec<LotConflict>),
    /// Posted counts would no longer be true.
    CountedSince(Vec<CountedSince>),
    /// The lots that a document made are in use: each with what touches it.
    LotsInUse(Vec<LotInUse>),
    /// More would be taken off a lot's cost than ever came onto it.
    CostBelowZero { line: usize, lot_id: LotId, amount: Money, basis: Money },
    /// A corrected quantity is less than what is used already.
    BelowUsed { used: Quantity, requested: Quantity, received: Quantity },
    /// Goods can't arrive before they were sent.
    BeforeDispatch { dispatched_at: Instant },
    /// Sums of this posting leave what 64 bits hold.
    Overflow,
}

/// A line that asked for more than there was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShortLine {
    /// The line, counted from zero.
    pub line: usize,
    pub item_id: ItemId,
    pub location_id: LocationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot_id: Option<LotId>,
    /// In the item's base unit.
    pub requested: Quantity,
    /// What could be taken at the instant of the posting, in the item's base unit.
    pub available: Quantity,
}

/// A lot that a line can't have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LotConflict {
    /// The line, counted from zero.
    pub line: usize,
    pub lot_id: LotId,
    pub code: LotConflictCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_floor_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
    /// What the line asks for, in the item's base unit; nothing where it is about the cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Quantity>,
    /// What lies there of the lot for the whole time since, in the item's base unit: what could be taken, were it not for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Quantity>,
}

impl LotConflict {
    pub fn new(line: usize, lot_id: LotId, code: LotConflictCode) -> Self {
        Self { line, lot_id, code, cost_floor_at: None, expires_on: None, requested: None, available: None }
    }
}

crate::names::words!(
    /// Why a lot can't be had.
    LotConflictCode {
        /// Its cost was changed after the instant of this posting.
        RevaluedAfter = "lot_revalued_after",
        OnHold = "lot_on_hold",
        Expired = "lot_expired",
        /// The document that made it was undone.
        Void = "lot_void",
    }
);

/// A posted count that does not know what is posted now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedSince {
    /// The document of the count.
    pub document_id: DocumentId,
    /// As people read it.
    pub number: String,
    pub line_no: i64,
    pub item_id: ItemId,
    pub location_id: LocationId,
    pub counted_at: Instant,
    /// The lines of the request that it does not know, counted from zero.
    pub lines: Vec<usize>,
}

/// A lot that others have touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LotInUse {
    pub lot_id: LotId,
    /// The first of them, as far as the caller may see them.
    pub documents: Vec<Touching>,
    /// How many those are, named or not.
    pub number_of_documents: i64,
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFlaw {
    pub line: usize,
    pub field: &'static str,
    pub code: &'static str,
    pub detail: String,
}

impl LineFlaw {
    pub fn new(line: usize, field: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, field, code, detail: detail.into() }
    }

    /// At its field, or at the line where it is about the whole of it.
    fn violation(&self) -> Violation {
        let pointer = if self.field.is_empty() { format!("/lines/{}", self.line) } else { format!("/lines/{}/{}", self.line, self.field) };
        violation(&pointer, self.code, self.detail.clone())
    }
}

impl Refusal {
    /// The same about some lines of a document: `sent` says which line of the request each of them is.
    pub fn at_lines(mut self, sent: &[usize]) -> Self {
        let place = |line: &mut usize| *line = sent.get(*line).copied().unwrap_or(*line);
        match &mut self {
            Self::Insufficient(short) | Self::MoreThanUnderWay(short) => short.iter_mut().for_each(|short| place(&mut short.line)),
            Self::Lines(flaws) => flaws.iter_mut().for_each(|flaw| place(&mut flaw.line)),
            Self::Lots(conflicts) => conflicts.iter_mut().for_each(|conflict| place(&mut conflict.line)),
            Self::PeriodClosed { lines, .. } => lines.iter_mut().for_each(place),
            Self::CountedSince(counts) => counts.iter_mut().flat_map(|count| &mut count.lines).for_each(place),
            _ => {}
        }
        self
    }

    pub fn problem(&self) -> Problem {
        match self {
            Self::Insufficient(short) => {
                Problem::new(409, "insufficient_stock", format!("{} lines ask for more than there is; nothing was posted.", short.len())).fact("short", short)
            }
            Self::MoreThanUnderWay(short) => {
                Problem::new(409, "more_than_under_way", format!("{} lines name more than this transfer has under way.", short.len())).fact("short", short)
            }
            Self::EffectiveInFuture { now } => {
                Problem::invalid(vec![violation("/effective_at", "effective_in_future", format!("nothing can have happened after now, {now}"))])
            }
            Self::PeriodClosed { business_date, closed_through, lines } => {
                let detail = format!("{business_date} lies in a closed period: all is closed through {closed_through}.");
                let problem = Problem::new(409, "period_closed", detail).fact("business_date", business_date).fact("closed_through", closed_through);
                if lines.is_empty() { problem } else { problem.fact("lines", lines) }
            }
            Self::Lines(flaws) => Problem::invalid(flaws.iter().map(LineFlaw::violation).collect()),
            Self::Lots(conflicts) => lots(conflicts),
            Self::CountedSince(counts) => {
                let detail = "A count that was posted since would no longer be true. Say \"counted\": \"not_included\" where it did not see this.";
                Problem::new(409, "counted_since", detail).fact("counts", counts)
            }
            Self::LotsInUse(lots) => {
                let detail = "The lots that this document made have later movements: undo those first.";
                Problem::new(409, "lot_has_later_movements", detail).fact("lots", lots)
            }
            Self::CostBelowZero { line, lot_id, amount, basis } => {
                let detail = "More would be taken off than this lot ever cost.".to_owned();
                let problem = Problem::invalid(vec![violation(&format!("/lines/{line}"), "cost_below_zero", detail)]);
                problem.fact("lot_id", lot_id).fact("line", line).fact("amount", amount).fact("basis", basis)
            }
            Self::BelowUsed { used, requested, received } => {
                let problem = Problem::new(409, "below_used", format!("{used} of this line are used already; it can't have been less."));
                problem.fact("used", used).fact("requested", requested).fact("received", received)
            }
            Self::BeforeDispatch { dispatched_at } => {
                Problem::invalid(vec![violation("/effective_at", "before_dispatch", format!("these goods were sent at {dispatched_at}"))])
            }
            Self::Overflow => Problem::new(422, "out_of_range", "The sums of this document are larger than the ledger can hold."),
        }
    }
}

fn lots(conflicts: &[LotConflict]) -> Problem {
    use crate::names::Word as _;
    let Some(first) = conflicts.first() else { return Problem::new(409, "lot_void", "This lot can't be had.") };
    let detail = match first.code {
        LotConflictCode::RevaluedAfter => "The cost of this lot was changed later than the time of this document.",
        LotConflictCode::OnHold => "This lot is on hold or recalled.",
        LotConflictCode::Expired => "This lot is expired; throw it away, or name another.",
        LotConflictCode::Void => "The document that made this lot was undone.",
    };
    Problem::new(409, first.code.word(), detail).fact("lot_id", first.lot_id).fact("line", first.line).fact("lots", conflicts)
}

fn violation(pointer: &str, code: &'static str, detail: String) -> Violation {
    Violation { pointer: pointer.to_owned(), code: code.into(), detail }
}
