//! The invariants, each worked out from the list of entries alone.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Instant;
use uuid::Uuid;

use super::world::{Entry, World, is_transit};
use crate::ledger::Refusal;
use crate::ledger::command::{Command, TakeLine, VarianceKind, Work};
use crate::ledger::effects::{Effects, EntryKind};
use crate::ledger::facts::{ItemRules, Key, Lot, Place};
use crate::names::Pick;

type Checked = Result<(), String>;

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
            return Err(format!("{place:?}: entries sum to {quantity}, {value}; the balance is {holding:?} (I1)"));
        }
        if quantity < 0 || value < 0 || (quantity == 0 && value != 0) {
            return Err(format!("{place:?} holds {quantity} worth {value} (I2)"));
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
                return Err(format!("{place:?} held {quantity} worth {value} at {} (I2)", movement.at));
            }
        }
        Ok(())
    }

    /// I4 and I20 for a lot: all that came onto it is on hand, issued, or in a variance.
    fn check_lot(&self, id: Uuid) -> Checked {
        let Some(lot) = self.lots.get(&id) else { return Err(format!("there is no lot {id}")) };
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
            return Err(format!("lot {id}: {came:?} came onto it, {on_hand:?} are on hand, {issued:?} issued, {variance} in variances (I4)"));
        }
        if lot.void && (came != (0, 0) || on_hand != (0, 0)) {
            return Err(format!("the void lot {id} holds {on_hand:?} (I20)"));
        }
        Ok(())
    }

    /// I19: every posted count line that is not marked is true; of those whose stock was touched.
    fn check_truths(&self, effects: &Effects) -> Checked {
        let touched: BTreeSet<Key> = effects.balances.iter().map(|balance| balance.place.key).chain(effects.truths.iter().map(|truth| truth.key)).collect();
        for row in self.truths.iter().filter(|row| !row.marked && touched.contains(&row.truth.key)) {
            let there = self.quantity_at(row.truth.key, row.truth.lot, row.truth.counted_at);
            if there != row.quantity {
                return Err(format!("{:?} says {}, the ledger {there} (I19)", row.truth, row.quantity));
            }
        }
        Ok(())
    }

    /// I3: what waits in transit is what the transfers have under way, and all moving of a lot sums to nothing.
    fn check_transfers(&self) -> Checked {
        let mut under_way: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (id, lot) in self.transfers.iter().flat_map(|transfer| &transfer.lots) {
            if lot.dispatched < lot.gone || lot.gone < 0 {
                return Err(format!("of lot {id} {} were sent and {} arrived or were lost (I3)", lot.dispatched, lot.gone));
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
            return Err(format!("{waiting:?} wait in transit, {under_way:?} are under way (I3)"));
        }
        let mut moved: BTreeMap<(usize, Uuid), (i64, i64)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| matches!(entry.root, EntryKind::TransferIn | EntryKind::TransferOut)) {
            let sum = moved.entry((entry.document, entry.place.lot)).or_default();
            *sum = (sum.0 + entry.quantity, sum.1 + entry.value);
        }
        match moved.iter().find(|(_, sum)| **sum != (0, 0)) {
            Some(unequal) => Err(format!("a transfer does not sum to nothing: {unequal:?} (I3)")),
            None => Ok(()),
        }
    }

    /// I5: a reversal and what it undoes sum to nothing at every place, and on every day unless it is of today.
    fn check_reversal(&self, index: usize) -> Checked {
        let Some(Work::Reverse(reversal)) = self.documents.get(index).map(|document| &document.command.work) else { return Ok(()) };
        let mut sums: BTreeMap<(Place, Option<Instant>), (i64, i64)> = BTreeMap::new();
        let mine: Vec<&Entry> = self.entries.iter().filter(|entry| entry.document == index && entry.kind != EntryKind::Rounding).collect();
        let today = mine.iter().all(|entry| entry.at == reversed_at(&self.documents[index].command));
        let when = |at: Instant| (!today).then_some(at);
        for entry in &mine {
            let sum = sums.entry((entry.place, when(entry.at))).or_default();
            *sum = (sum.0 + entry.quantity, sum.1 + entry.value);
        }
        for old in &reversal.entries {
            let sum = sums.entry((old.place, when(old.at))).or_default();
            *sum = (sum.0 + old.quantity.0, sum.1 + old.value.0);
        }
        match sums.iter().find(|(_, sum)| **sum != (0, 0)) {
            Some(left) => Err(format!("a document and its reversal leave {left:?} (I5)")),
            None => Ok(()),
        }
    }

    /// I11, and I16: a line without a name takes all that can be taken of a lot before it touches the next. Before the posting
    /// is applied.
    pub fn check_picks(&self, command: &Command, effects: &Effects) -> Checked {
        if effects.entries.iter().any(|entry| self.closed_through.is_some_and(|closed| entry.business_date <= closed)) {
            return Err("something got into a closed period (I11)".into());
        }
        let Some((lines, bound)) = taking(command) else { return Ok(()) };
        let mut taken: BTreeMap<Place, i64> = BTreeMap::new();
        for entry in effects.entries.iter().filter(|entry| entry.quantity.0 < 0) {
            *taken.entry(entry.place).or_default() -= entry.quantity.0;
        }
        for (line_no, line) in (1..).zip(lines).filter(|(_, line)| line.lot.is_none()) {
            let order = self.eligible(command, line.item, bound);
            let of_line = effects.entries.iter().filter(|entry| entry.line_no == line_no && entry.quantity.0 < 0);
            let last = of_line.filter_map(|entry| order.iter().position(|(place, _)| *place == entry.place)).max().unwrap_or(0);
            for (place, takeable) in order.iter().take(last) {
                if taken.get(place).copied().unwrap_or(0) < *takeable {
                    return Err(format!("line {line_no} skipped {place:?} (I16)"));
                }
            }
        }
        self.check_held(command, effects, bound)?;
        if bound { self.check_set_aside(command, lines, effects) } else { Ok(()) }
    }

    /// A lot on hold is taken by nobody who is bound, but moved by who may and names it.
    fn check_held(&self, command: &Command, effects: &Effects, bound: bool) -> Checked {
        let named: BTreeSet<Uuid> = command.named_lots().into_iter().collect();
        let may_move = matches!(command.work, Work::Move { may_move_held: true, .. });
        let held = |lot: &Uuid| self.lots.get(lot).is_some_and(|lot| lot.hold.is_some()) && !(may_move && named.contains(lot));
        match effects.entries.iter().map(|entry| entry.place.lot).find(held) {
            Some(lot) if bound => Err(format!("{lot} is on hold and was taken")),
            _ => Ok(()),
        }
    }

    /// A change of cost raises all that is on hand by one rate, wherever it lies, as far as nothing goes below zero.
    pub fn check_revaluation(&self, command: &Command, effects: &Effects) -> Checked {
        let Work::ChangeCost { changes } = &command.work else { return Ok(()) };
        for change in changes.iter().filter(|change| change.amount.0 > 0) {
            let there: i64 = self.balances.iter().filter(|(place, _)| place.lot == change.lot).map(|(_, holding)| holding.quantity.0).sum();
            let whole = self.lots.get(&change.lot).map_or(1, |lot| lot.basis.quantity.0);
            let share = crate::arithmetic::half_away_from_zero(i128::from(change.amount.0) * i128::from(there), i128::from(whole));
            let applied: i64 = effects.entries.iter().map(|entry| entry.value.0).sum();
            if share != Some(applied) {
                return Err(format!("{applied} of {} came onto {there} of {whole}: there is more than one rate", change.amount));
            }
        }
        Ok(())
    }

    /// What bound lines take without a reservation is not set aside for anybody.
    fn check_set_aside(&self, command: &Command, lines: &[TakeLine], effects: &Effects) -> Checked {
        let keys: BTreeSet<Key> = lines.iter().map(|line| Key { item: line.item.id, location: command.spot.location }).collect();
        for key in keys {
            let item = lines.iter().find(|line| line.item.id == key.item).map(|line| line.item);
            let Some(item) = item else { continue };
            let there: i64 = self.eligible(command, item, true).iter().map(|(_, takeable)| takeable).sum();
            let reserved: i64 = self.reservations.values().filter(|it| it.key == key).map(|it| it.rest).sum();
            let took: i64 =
                effects.entries.iter().filter(|e| e.place.key == key && e.quantity.0 < 0 && self.is_usable(e.place.lot)).map(|e| -e.quantity.0).sum();
            let own: i64 = effects.taken.iter().filter(|(_, taken, _)| *taken == key).map(|(_, _, quantity)| quantity.0).sum();
            if took > 0 && took - own > 0 && took - own > there - reserved {
                return Err(format!("{took} were taken of {there}, of which {reserved} are set aside ({own} of that for this)"));
            }
        }
        Ok(())
    }

    fn is_usable(&self, lot: Uuid) -> bool {
        self.lots.get(&lot).is_some_and(|lot| lot.hold.is_none())
    }

    /// The lots that an unnamed line may be taken from, in the order of the item, with what can be taken.
    fn eligible(&self, command: &Command, rules: ItemRules, bound: bool) -> Vec<(Place, i64)> {
        let (at, date) = (command.effective_at, command.spot.days.business_date(command.effective_at));
        let usable = |lot: &Lot| !bound || (lot.hold.is_none() && !lot.is_expired(&rules, date));
        let fits = |lot: &Lot| lot.item == rules.id && !lot.void && lot.received_at <= at && lot.cost_floor_at <= at && usable(lot);
        let mut lots: Vec<(&Uuid, &Lot)> = self.lots.iter().filter(|(_, lot)| fits(lot)).collect();
        lots.sort_by(|(_, a), (_, b)| {
            let by_date = || match (a.expires_on, b.expires_on) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            let fefo = || by_date().then(b.opened.cmp(&a.opened));
            let first = if rules.pick == Pick::Fefo { fefo() } else { std::cmp::Ordering::Equal };
            first.then(a.received_at.cmp(&b.received_at)).then(a.origin.cmp(&b.origin))
        });
        let place = |lot: Uuid| Place { key: Key { item: rules.id, location: command.spot.location }, lot };
        lots.into_iter().map(|(id, _)| (place(*id), self.takeable(place(*id), at))).collect()
    }

    /// A refusal is right: a line is short only where it is, and what is refused for a lot is so for a reason.
    pub fn check_refusal(&self, command: &Command, refusal: &Refusal) -> Checked {
        match (refusal, taking(command)) {
            (Refusal::Insufficient(short), Some((lines, bound))) => {
                for line in short {
                    let Some(asked) = lines.get(line.line) else { return Err("a shortage of no line".into()) };
                    let wanted: i64 = lines.iter().filter(|line| line.item.id == asked.item.id).map(|line| line.quantity.0).sum();
                    let there: i64 = self.eligible(command, asked.item, bound).iter().map(|(_, takeable)| takeable).sum();
                    let key = Key { item: asked.item.id, location: command.spot.location };
                    let reserved: i64 = if bound { self.reservations.values().filter(|it| it.key == key).map(|it| it.rest).sum() } else { 0 };
                    if asked.lot.is_none() && there - reserved >= wanted {
                        return Err(format!("line {} is refused though {there} are there for {wanted}", line.line));
                    }
                    if line.requested <= line.available {
                        return Err(format!("line {} is short of {} with {}", line.line, line.requested, line.available));
                    }
                }
                Ok(())
            }
            (Refusal::PeriodClosed { business_date, closed_through }, _) if business_date > closed_through => Err("refused for an open period".into()),
            (Refusal::CountedSince(counts), _) if counts.is_empty() => Err("refused for no count".into()),
            _ => Ok(()),
        }
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

fn reversed_at(command: &Command) -> Instant {
    command.effective_at
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

/// The lines that take, and whether holds, expiry and reservations bind them.
fn taking(command: &Command) -> Option<(&[TakeLine], bool)> {
    match &command.work {
        Work::Waste { lines } | Work::ReturnToVendor { lines, .. } => Some((lines, false)),
        Work::Use { lines, .. } | Work::Move { lines, .. } | Work::Transform { inputs: lines, .. } => Some((lines, true)),
        _ => None,
    }
}
