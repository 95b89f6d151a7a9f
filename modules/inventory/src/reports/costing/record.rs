//! What is to be told of each pool, and what has to be remembered for reversals.

use std::collections::{BTreeMap, HashMap};

use super::movement::Movement;
use super::pool::Holding;
use crate::names::{DocumentId, LocationId, LotId};

/// The account of what a method took.
#[derive(Debug, Default)]
pub struct Record {
    /// By pool.
    pub tallies: BTreeMap<usize, Tally>,
    taken: HashMap<(DocumentId, LocationId, LotId), Taken>,
}

/// What of a pool is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What lies there, with the ledger's own value.
    pub actual: Holding,
    /// What was used up, less what came back of it.
    pub issued: i128,
}

/// What left with an entry that is undone at another time.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    holding: Holding,
    is_issue: bool,
}

impl Record {
    /// Counts what the ledger says of a movement.
    pub fn count(&mut self, entry: &Movement) {
        let tally = self.tallies.entry(entry.pool).or_default();
        if entry.shown {
            tally.actual.add(entry.quantity.into(), entry.value.into());
        }
    }

    /// An entry left with this value.
    pub fn left(&mut self, entry: &Movement, value: i128) {
        if entry.shown && entry.is_issue() {
            self.tallies.entry(entry.pool).or_default().issued += value;
        }
        if entry.is_undone {
            let taken = self.taken.entry((entry.document, entry.location, entry.lot)).or_default();
            taken.holding.add(entry.size(), value);
            taken.is_issue = entry.is_issue();
        }
    }

    /// What an entry brings back of what it undoes; `None` where that did not leave.
    pub fn bring_back(&mut self, entry: &Movement) -> Option<i128> {
        let taken = self.taken.get_mut(&(entry.undoes?, entry.location, entry.lot)).filter(|taken| taken.holding.quantity > 0)?;
        let value = taken.holding.take(entry.size());
        if taken.is_issue && entry.shown {
            self.tallies.entry(entry.pool).or_default().issued -= value;
        }
        Some(value)
    }
}
