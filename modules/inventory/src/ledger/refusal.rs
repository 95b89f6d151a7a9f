//! Why the ledger refuses a posting.

use chrono::NaiveDate;
use kernel::{Instant, Problem, Violation};
use serde::Serialize;

use crate::arithmetic::Quantity;
use crate::names::{ItemId, LocationId, LotId};

/// A refusal of the pure core. It names every line that it is about, counted from zero as in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is less than was asked for.
    Insufficient(Vec<ShortLine>),
    /// The instant lies ahead.
    EffectiveInFuture { now: Instant },
    /// The business date is in a closed period.
    PeriodClosed { business_date: NaiveDate, closed_through: NaiveDate },
    /// Lines that are wrong in themselves.
    Lines(Vec<LineFlaw>),
    /// A named lot had its cost changed after the instant of this posting.
    LotRevaluedAfter { line: usize, lot: LotId, cost_floor_at: Instant },
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

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFlaw {
    pub line: usize,
    pub field: &'static str,
    pub code: &'static str,
    pub detail: String,
}

impl LineFlaw {
    /// At its field, or at the line where it is about the whole of it.
    fn violation(&self) -> Violation {
        let pointer = if self.field.is_empty() { format!("/lines/{}", self.line) } else { format!("/lines/{}/{}", self.line, self.field) };
        violation(&pointer, self.code, self.detail.clone())
    }
}

impl Refusal {
    pub fn problem(&self) -> Problem {
        match self {
            Self::Insufficient(short) => {
                Problem::new(409, "insufficient_stock", format!("{} lines ask for more than there is; nothing was posted.", short.len())).fact("short", short)
            }
            Self::EffectiveInFuture { now } => {
                Problem::invalid(vec![violation("/effective_at", "effective_in_future", format!("nothing can have happened after now, {now}"))])
            }
            Self::PeriodClosed { business_date, closed_through } => {
                Problem::new(409, "period_closed", format!("{business_date} lies in a closed period: all is closed through {closed_through}."))
            }
            Self::Lines(flaws) => Problem::invalid(flaws.iter().map(LineFlaw::violation).collect()),
            Self::LotRevaluedAfter { line, lot, cost_floor_at } => {
                let detail = format!("The cost of the lot of line {line} was changed as of {cost_floor_at}; it can't be taken at an earlier time.");
                Problem::new(409, "lot_revalued_after", detail).fact("lot_id", lot).fact("line", line)
            }
            Self::Overflow => Problem::new(422, "out_of_range", "The sums of this document are larger than the ledger can hold."),
        }
    }
}

fn violation(pointer: &str, code: &'static str, detail: String) -> Violation {
    Violation { pointer: pointer.to_owned(), code: code.into(), detail }
}
