//! The invariants, each worked out from the list of entries alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kernel::Instant;
use uuid::Uuid;

use super::world::{Entry, World, is_transit};
use crate::ledger::command::{Command, Reversal, VarianceKind, Work};
use crate::ledger::effects::{Effects, EntryKind};
use crate::ledger::facts::{Key, Place};

/// What went wrong: the invariant or the rule that does not hold, by a name, and how that was seen.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub what: &'static str,
    pub detail: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.what, self.detail)
    }
}

pub type Checked<T = ()> = Result<T, Wrong>;

pub fn wrong<T>(what: &'static str, detail: impl Into<String>) -> Checked<T> {
    Err(Wrong { what, detail: detail.into() })
}

impl World {
    /// Everything that must hold after a posting, for what it touched; `index` is its document.
    pub fn check(&self, effects: &Effects, index: usize) -> Checked {
        for balance in &effects.balances {
            self.check_place(balance.place)?;
        }
        let mut lots: BTreeSet<Uuid> = effects.entries.iter().map(|entry| entry.place.lot).collect();
        lots.extend(effects.variances.iter().map(|variance| variance.lot));
        lots.extend(effects.changed_lots.iter().map(|lot| lot.id));
        for lot in lots {
            self.check_lot(lot)?;
        }
        self.check_truths(effects)?;
        if self.documents.get(index).is_some_and(|document| moves(&document.command)) {
            self.check_transfers()?;
        }
        self.check_reversal(index)
    }

    /// I1 and I2 for a place.
    fn check_place(&self, place: Place) -> Checked {
        let mut movements: Vec<&Entry> = self.entries.iter().filter(|entry| entry.place == place).collect();
        let holding = self.balances.get(&place).copied().unwrap_or_default();
        let (quantity, value) = movements.iter().fold((0, 0), |(quantity, value), entry| (quantity + entry.quantity, value + entry.value));
        if (quantity, value) != (holding.quantity.0, holding.value.0) {
            return wrong("I1", format!("{place:?}: entries sum to {quantity}, {value}; the balance is {holding:?}"));
        }
        if quantity < 0 || value < 0 || (quantity == 0 && value != 0) {
            return wrong("I2", format!("{place:?} holds {quantity} worth {value}"));
        }
        movements.sort_by_key(|entry| (entry.at, entry.class()));
        let (mut quantity, mut value) = (0, 0);
        let mut moved = 0;
        for (index, movement) in movements.iter().enumerate() {
            quantity += movement.quantity;
            value += movement.value;
            moved += 1;
            let last_of_instant = movements.get(index + 1).is_none_or(|next| next.at != movement.at);
            if quantity < 0 || (last_of_instant && quantity == 0 && value.abs() > moved) {
                return wrong("I2", format!("{place:?} held {quantity} worth {value} at {}", movement.at));
            }
        }
        Ok(())
    }

    /// I4 and I20 for a lot: all that came onto it is on hand, issued, or in a variance.
    fn check_lot(&self, id: Uuid) -> Checked {
        let Some(lot) = self.lots.get(&id) else { return wrong("lots", format!("there is no lot {id}")) };
        let of_lot = || self.entries.iter().filter(|entry| entry.place.lot == id);
        let on_hand = of_lot().fold((0, 0), |(quantity, value), entry| (quantity + entry.quantity, value + entry.value));
        let issued = of_lot().filter(|entry| is_issue(entry)).fold((0, 0), |(quantity, value), entry| (quantity - entry.quantity, value - entry.value));
        let variance: i64 = self
            .documents
            .iter()
            .flat_map(|document| &document.variances)
            .filter(|(lot, _, kind)| *lot == id && *kind != VarianceKind::Return)
            .map(|(_, amount, _)| amount.0)
            .sum();
        let came = (lot.basis.quantity.0, lot.basis.value.0);
        if came != (on_hand.0 + issued.0, on_hand.1 + issued.1 + variance) {
            return wrong("I4", format!("lot {id}: {came:?} came onto it, {on_hand:?} are on hand, {issued:?} issued, {variance} in variances"));
        }
        if lot.basis.value.0 < 0 {
            return wrong("cost", format!("lot {id} cost less than nothing: {came:?}"));
        }
        if lot.void && (came != (0, 0) || on_hand != (0, 0)) {
            return wrong("I20", format!("the void lot {id} holds {on_hand:?}"));
        }
        Ok(())
    }

    /// I19: every posted count line that is not marked is true; of those whose stock was touched.
    fn check_truths(&self, effects: &Effects) -> Checked {
        let touched: BTreeSet<Key> = effects.balances.iter().map(|balance| balance.place.key).chain(effects.truths.iter().map(|truth| truth.key)).collect();
        for row in self.truths.iter().filter(|row| !row.marked && touched.contains(&row.truth.key)) {
            let there = self.quantity_at(row.truth.key, row.truth.lot, row.truth.counted_at);
            if there != row.quantity {
                return wrong("I19", format!("{:?} says {}, the ledger {there}", row.truth, row.quantity));
            }
        }
        Ok(())
    }

    /// I3: what waits in transit is what the transfers have under way, and all moving of a lot sums to nothing.
    fn check_transfers(&self) -> Checked {
        let mut under_way: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (id, lot) in self.transfers.iter().flat_map(|transfer| &transfer.lots) {
            if lot.dispatched < lot.gone || lot.gone < 0 {
                return wrong("I3", format!("of lot {id} {} were sent and {} arrived or were lost", lot.dispatched, lot.gone));
            }
            *under_way.entry(*id).or_default() += lot.dispatched - lot.gone;
        }
        let mut waiting: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (place, holding) in self.balances.iter().filter(|(place, _)| is_transit(place.key.location)) {
            *waiting.entry(place.lot).or_default() += holding.quantity.0;
        }
        under_way.retain(|_, quantity| *quantity != 0);
        waiting.retain(|_, quantity| *quantity != 0);
        if under_way != waiting {
            return wrong("I3", format!("{waiting:?} wait in transit, {under_way:?} are under way"));
        }
        let mut moved: BTreeMap<(usize, Uuid), (i64, i64)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| matches!(entry.root, EntryKind::TransferIn | EntryKind::TransferOut)) {
            let sum = moved.entry((entry.document, entry.place.lot)).or_default();
            *sum = (sum.0 + entry.quantity, sum.1 + entry.value);
        }
        match moved.iter().find(|(_, sum)| **sum != (0, 0)) {
            Some(unequal) => wrong("I3", format!("a transfer does not sum to nothing: {unequal:?}")),
            None => Ok(()),
        }
    }

    /// I5: a reversal and what it undoes sum to nothing at every place, and at every instant unless all of it is of now: where
    /// that was asked for, or some of it lies in a closed period.
    fn check_reversal(&self, index: usize) -> Checked {
        let Some(document) = self.documents.get(index) else { return Ok(()) };
        let Work::Reverse(reversal) = &document.command.work else { return Ok(()) };
        let today = reversal.today || reversal.entries.iter().any(|old| self.closed_through.is_some_and(|closed| old.business_date <= closed));
        let mut sums: BTreeMap<(Place, Instant), (i64, i64)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.document == index && entry.kind != EntryKind::Rounding) {
            let sum = sums.entry((entry.place, entry.at)).or_default();
            *sum = (sum.0 + entry.quantity, sum.1 + entry.value);
        }
        for old in &reversal.entries {
            let at = if today { document.command.effective_at } else { old.at };
            let sum = sums.entry((old.place, at)).or_default();
            *sum = (sum.0 + old.quantity.0, sum.1 + old.value.0);
        }
        if let Some(left) = sums.iter().find(|(_, sum)| **sum != (0, 0)) {
            return wrong("I5", format!("a document and its reversal leave {left:?}"));
        }
        self.check_undone_variances(index, reversal)?;
        self.check_crumbs(index)
    }

    /// I5 for what the ledger does not hold: what was credited less is owed again.
    fn check_undone_variances(&self, index: usize, reversal: &Reversal) -> Checked {
        let mine = self.documents.get(index).into_iter().flat_map(|document| &document.variances);
        let mut left: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (lot, amount, _) in mine.filter(|(_, _, kind)| *kind != VarianceKind::Rounding).chain(&reversal.variances) {
            *left.entry(*lot).or_default() += amount.0;
        }
        match left.iter().find(|(_, amount)| **amount != 0) {
            Some((lot, amount)) => wrong("I5", format!("the variances of a document and its reversal leave {amount} for lot {lot}")),
            None => Ok(()),
        }
    }

    /// What is rounded is at most one millionth for each movement of the place.
    fn check_crumbs(&self, index: usize) -> Checked {
        for crumb in self.entries.iter().filter(|entry| entry.document == index && entry.kind == EntryKind::Rounding) {
            let movements = self.entries.iter().filter(|entry| entry.place == crumb.place && entry.quantity != 0).count();
            if crumb.value.unsigned_abs() > movements as u64 {
                return wrong("crumbs", format!("{} was rounded off after {movements} movements", crumb.value));
            }
        }
        Ok(())
    }
}

/// Whether goods change their place by this, or did by what it undoes, or are under way where it changes something.
fn moves(command: &Command) -> bool {
    match &command.work {
        Work::Move { .. } | Work::Arrive { .. } | Work::LoseInTransit { .. } | Work::Correct(_) => true,
        Work::Reverse(reversal) => reversal.entries.iter().any(|entry| is_transit(entry.place.key.location)),
        _ => false,
    }
}

/// Whether an entry takes value out of a lot for good, or undoes that.
fn is_issue(entry: &Entry) -> bool {
    match entry.root {
        EntryKind::Waste | EntryKind::Usage | EntryKind::VendorReturn | EntryKind::TransitLoss | EntryKind::CountLoss | EntryKind::TransformationIn => true,
        // Downward, or the undoing of that.
        EntryKind::Adjustment => (entry.quantity < 0) != (entry.kind == EntryKind::Reversal),
        _ => false,
    }
}
