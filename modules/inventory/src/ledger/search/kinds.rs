//! What the rules say of each kind of movement, worked out before its effects are applied, from what the world knows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::checks::{Checked, wrong};
use super::world::{World, item};
use crate::arithmetic::{Money, half_away_from_zero};
use crate::ledger::command::{Charge, Command, CountLine, Price, ReceiveLine, TakeLine, Work};
use crate::ledger::effects::{CountOutcome, Effects, EntryKind, NewEntry, NewTruth};
use crate::ledger::facts::{ItemRules, Key, Lot, Place};
use crate::names::{DateKind, LotId, Pick};

impl World {
    /// Everything that must be so of a posting, before it is applied.
    pub fn check_effects(&self, command: &Command, effects: &Effects) -> Checked {
        self.check_times(command, effects)?;
        if let Some((lines, bound)) = taking(command) {
            self.check_picks(command, effects, lines, bound)?;
        }
        self.check_gains(command, effects)?;
        match &command.work {
            Work::Receive { lines, charges } => check_charges(lines, charges, effects),
            Work::Use { lines, .. } => self.check_shortages(command, lines, effects),
            Work::ReturnToVendor { lines, credits } => check_credits(lines, credits, effects),
            Work::Count { lines } => self.check_count(lines, effects),
            Work::Transform { .. } => check_all_comes_out(effects),
            Work::Open { line, .. } => check_all_comes_out(effects).and_then(|()| self.check_opened(command, line, effects)),
            Work::ChangeCost { .. } => self.check_share(command, effects),
            Work::Correct(correction) => self.check_corrected(correction.lot, effects),
            _ => Ok(()),
        }
    }

    /// Nothing gets into a closed period (I11), lies ahead, stands before its lot was received or arrives before it was sent; the
    /// time from which on a lot costs what it costs does not go back.
    fn check_times(&self, command: &Command, effects: &Effects) -> Checked {
        // A count that is true of a closed day has got into it, with an entry or without.
        if let Work::Count { lines } = &command.work {
            let line = |truth: &NewTruth| lines.get(usize::try_from(truth.line_no - 1).ok()?);
            let day = |truth: &NewTruth| line(truth).map(|line| line.spot.days.business_date(truth.counted_at));
            if effects.truths.iter().filter_map(day).any(|day| self.closed_through.is_some_and(|closed| day <= closed)) {
                return wrong("I11", "something was counted in a closed period");
            }
        }
        for entry in &effects.entries {
            if self.closed_through.is_some_and(|closed| entry.business_date <= closed) {
                return wrong("I11", "something got into a closed period");
            }
            if entry.at > self.now() {
                return wrong("ahead", format!("{} lies ahead", entry.at));
            }
            if self.lots.get(&entry.place.lot).is_some_and(|lot| entry.at < lot.received_at) {
                return wrong("received", format!("lot {} moved at {}, before it was received", entry.place.lot, entry.at));
            }
        }
        if let Work::Arrive { under_way, .. } | Work::LoseInTransit { under_way, .. } = &command.work
            && effects.entries.iter().any(|entry| entry.at < under_way.dispatched_at)
        {
            return wrong("sent", format!("what was sent at {} arrived before", under_way.dispatched_at));
        }
        for changed in effects.changed_lots.iter().filter(|changed| changed.revalued) {
            let last = self.lots.get(&changed.id).map_or(command.effective_at, |lot| lot.cost_floor_at.max(command.effective_at));
            if changed.cost_floor_at < last {
                return wrong("floor", format!("lot {} costs this from {} on, and not from {last}", changed.id, changed.cost_floor_at));
            }
        }
        Ok(())
    }

    /// I16: a line without a name takes all that can be taken of a lot before it touches the next.
    fn check_picks(&self, command: &Command, effects: &Effects, lines: &[TakeLine], bound: bool) -> Checked {
        if bound {
            self.check_usable(command, effects)?;
        }
        let mut taken: BTreeMap<Place, i64> = BTreeMap::new();
        for entry in effects.entries.iter().filter(|entry| entry.quantity.0 < 0) {
            *taken.entry(entry.place).or_default() -= entry.quantity.0;
        }
        for (line_no, line) in (1..).zip(lines).filter(|(_, line)| line.lot.is_none()) {
            let order = self.eligible(command, line.item, bound);
            let of_line: Vec<&NewEntry> = effects.entries.iter().filter(|entry| entry.line_no == line_no && entry.quantity.0 < 0).collect();
            if line.item.pick == Pick::Manual && !of_line.is_empty() {
                return wrong("manual", format!("line {line_no} names no lot of an item that is chosen by hand"));
            }
            let last = of_line.iter().filter_map(|entry| order.iter().position(|(place, _)| *place == entry.place)).max().unwrap_or(0);
            for (place, takeable) in order.iter().take(last) {
                if taken.get(place).copied().unwrap_or(0) < *takeable {
                    return wrong("I16", format!("line {line_no} skipped {place:?}"));
                }
            }
        }
        if bound { self.check_set_aside(command, lines, effects) } else { Ok(()) }
    }

    /// What is on hold or expired is taken by nobody who is bound; what is on hold is moved by who may and names it.
    fn check_usable(&self, command: &Command, effects: &Effects) -> Checked {
        let named: BTreeSet<Uuid> = command.named_lots().into_iter().collect();
        let may_move = matches!(command.work, Work::Move { may_move_held: true, .. });
        let date = command.spot.days.business_date(command.effective_at);
        for entry in effects.entries.iter().filter(|entry| entry.quantity.0 < 0) {
            let (id, Some(lot)) = (entry.place.lot, self.lots.get(&entry.place.lot)) else { continue };
            if lot.hold.is_some() && !(may_move && named.contains(&id)) {
                return wrong("on hold", format!("{id} is on hold and was taken"));
            }
            if is_expired(lot, date) {
                return wrong("expired", format!("{id} was taken on {date}; its date is {:?}", lot.expires_on));
            }
        }
        Ok(())
    }

    /// What bound lines take without a reservation is not set aside for anybody.
    fn check_set_aside(&self, command: &Command, lines: &[TakeLine], effects: &Effects) -> Checked {
        let keys: BTreeSet<Key> = lines.iter().map(|line| Key { item: line.item.id, location: command.spot.location }).collect();
        let is_held = |lot: &Uuid| self.lots.get(lot).is_some_and(|lot| lot.hold.is_some());
        for key in keys {
            let item = lines.iter().find(|line| line.item.id == key.item).map(|line| line.item);
            let Some(item) = item else { continue };
            let there: i64 = self.eligible(command, item, true).iter().map(|(_, takeable)| takeable).sum();
            let reserved = self.set_aside(key);
            let took: i64 = effects.entries.iter().filter(|e| e.place.key == key && e.quantity.0 < 0 && !is_held(&e.place.lot)).map(|e| -e.quantity.0).sum();
            let own: i64 = effects.taken.iter().filter(|(_, taken, _)| *taken == key).map(|(_, _, quantity)| quantity.0).sum();
            if took > 0 && took - own > 0 && took - own > there - reserved {
                return wrong("set aside", format!("{took} were taken of {there}, of which {reserved} are set aside ({own} of that for this)"));
            }
        }
        Ok(())
    }

    /// How much of an item is set aside somewhere.
    pub fn set_aside(&self, key: Key) -> i64 {
        self.reservations.values().filter(|reservation| reservation.key == key).map(|reservation| reservation.rest).sum()
    }

    /// The lots that an unnamed line may be taken from, in the order of the item, with what can be taken.
    pub fn eligible(&self, command: &Command, rules: ItemRules, bound: bool) -> Vec<(Place, i64)> {
        let (at, date) = (command.effective_at, command.spot.days.business_date(command.effective_at));
        let usable = |lot: &Lot| !bound || (lot.hold.is_none() && !is_expired(lot, date));
        let fits = |lot: &Lot| !lot.void && lot.received_at <= at && lot.cost_floor_at <= at && usable(lot);
        let place = |lot: Uuid| Place { key: Key { item: rules.id, location: command.spot.location }, lot };
        self.in_order(rules, fits).into_iter().map(|(id, _)| (place(id), self.takeable(place(id), at))).collect()
    }

    /// The lots of an item in the order in which they leave.
    fn in_order(&self, rules: ItemRules, fits: impl Fn(&Lot) -> bool) -> Vec<(Uuid, &Lot)> {
        let mut lots: Vec<(Uuid, &Lot)> = self.lots.iter().filter(|(_, lot)| lot.item == rules.id && fits(lot)).map(|(id, lot)| (*id, lot)).collect();
        lots.sort_by(|(_, a), (_, b)| {
            let by_date = || match (a.expires_on, b.expires_on) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            let fefo = || by_date().then(b.opened.cmp(&a.opened));
            let first = if rules.pick == Pick::Fefo { fefo() } else { Ordering::Equal };
            first.then(a.received_at.cmp(&b.received_at)).then(a.origin.cmp(&b.origin))
        });
        lots
    }

    /// Whether lines together ask for no more of an item than there is for them.
    pub fn could_be_had(&self, command: &Command, lines: &[TakeLine], rules: ItemRules, bound: bool) -> bool {
        let of_item = || lines.iter().filter(|line| line.item.id == rules.id);
        let key = Key { item: rules.id, location: command.spot.location };
        let there: i64 = self.eligible(command, rules, bound).iter().map(|(_, takeable)| takeable).sum();
        let own = of_item().next().and_then(|line| line.reservation).filter(|id| of_item().all(|line| line.reservation == Some(*id)));
        let own = own.and_then(|id| self.reservations.get(&id)).map_or(0, |reservation| reservation.rest);
        let others = if bound { self.set_aside(key) - own } else { 0 };
        let mut of_lot: BTreeMap<Uuid, i64> = BTreeMap::new();
        for line in of_item() {
            if let Some(lot) = line.lot {
                *of_lot.entry(lot).or_default() += line.quantity.0;
            }
        }
        let wanted: i64 = of_item().map(|line| line.quantity.0).sum();
        wanted <= there - others && of_lot.iter().all(|(lot, wanted)| *wanted <= self.takeable(Place { key, lot: *lot }, command.effective_at))
    }

    /// What usage does not get is a shortage, and only what is not there.
    fn check_shortages(&self, command: &Command, lines: &[TakeLine], effects: &Effects) -> Checked {
        for (line_no, line) in (1..).zip(lines) {
            let short: i64 = effects.shortages.iter().filter(|shortage| shortage.line_no == line_no).map(|shortage| shortage.quantity.0).sum();
            let (took, _) = sum_of_line(effects, line_no);
            if short - took != line.quantity.0 {
                return wrong("shortage", format!("line {line_no} asked for {}, {} were taken, and the shortage is {short}", line.quantity, -took));
            }
            if short > 0 && self.could_be_had(command, lines, line.item, true) {
                return wrong("shortage", format!("line {line_no} is short of {short}, and all of it is there"));
            }
        }
        Ok(())
    }

    /// What was found is of the lot that is named, else of the youngest one received by then, here, else anywhere; and it has the
    /// rate of its lot, which is one.
    fn check_gains(&self, command: &Command, effects: &Effects) -> Checked {
        let mut costs: BTreeMap<LotId, (i64, i64)> = BTreeMap::new();
        for entry in effects.entries.iter().filter(|entry| entry.kind == EntryKind::Gain) {
            let Some(lot) = self.lots.get(&entry.place.lot) else { return wrong("youngest", "something was found of no lot") };
            let cost = costs.entry(entry.place.lot).or_insert((lot.basis.quantity.0, lot.basis.value.0));
            let worth = half_away_from_zero(i128::from(cost.1) * i128::from(entry.quantity.0), i128::from(cost.0.max(1)));
            if worth != Some(entry.value.0) {
                return wrong("rate", format!("{} found are worth {}, of a lot of which {cost:?} came", entry.quantity, entry.value));
            }
            *cost = (cost.0 + entry.quantity.0, cost.1 + entry.value.0);
            self.check_youngest(command, entry)?;
        }
        Ok(())
    }

    fn check_youngest(&self, command: &Command, entry: &NewEntry) -> Checked {
        let line = usize::try_from(entry.line_no - 1).unwrap_or(0);
        let (named, at, may_be_revalued) = match &command.work {
            Work::Adjust { lines } => (lines[line].lot, command.effective_at, false),
            Work::Count { lines } => (lines[line].lot, lines[line].counted_at, true),
            _ => return Ok(()),
        };
        if self.lots.get(&entry.place.lot).is_some_and(|lot| at < lot.received_at) {
            return wrong("received", format!("line {} found something of a lot at {at}, before it was received", entry.line_no));
        }
        let is_here = |lot: &Uuid| self.entries.iter().any(|moved| moved.place == Place { lot: *lot, ..entry.place });
        let rank = |id: &Uuid, lot: &Lot| (is_here(id), lot.received_at, lot.origin);
        let Some(found) = self.lots.get(&entry.place.lot).map(|lot| rank(&entry.place.lot, lot)) else { return Ok(()) };
        let fits = |lot: &Lot| lot.item == entry.place.key.item && !lot.void && lot.received_at <= at && (may_be_revalued || lot.cost_floor_at <= at);
        match self.lots.iter().find(|(id, lot)| named.is_none() && fits(lot) && rank(id, lot) > found) {
            Some((younger, _)) => wrong("youngest", format!("what was found is of lot {}, not of {younger}", entry.place.lot)),
            None => Ok(()),
        }
    }

    /// A count posts the difference to what the ledger said at the moment counted; a loss as far as later movements leave it, in the
    /// order of picking.
    fn check_count(&self, lines: &[CountLine], effects: &Effects) -> Checked {
        for ((line_no, line), outcome) in (1..).zip(lines).zip(&effects.lines) {
            let Some(counted) = outcome.counted else { return wrong("count", format!("nothing is said of line {line_no}")) };
            if counted.superseded {
                continue;
            }
            let key = Key { item: line.item.id, location: line.spot.location };
            let difference = line.quantity.0 - self.quantity_at(key, line.lot, line.counted_at);
            let short: i64 = effects.shortages.iter().filter(|shortage| shortage.line_no == line_no).map(|shortage| shortage.quantity.0).sum();
            let (posted, _) = sum_of_line(effects, line_no);
            if posted - short != difference {
                return wrong("count", format!("line {line_no} posted {posted} and is short of {short}; what was counted differs by {difference}"));
            }
            self.check_lost(line_no, line, effects, (-difference).max(0), short)?;
            check_truth(line_no, line, counted, effects, short)?;
            for entry in effects.entries.iter().filter(|entry| entry.line_no == line_no) {
                let floor = self.lots.get(&entry.place.lot).map_or(line.counted_at, |lot| lot.cost_floor_at);
                if entry.at != line.counted_at.max(floor) {
                    return wrong("count's time", format!("line {line_no} was counted at {} and stands at {}", line.counted_at, entry.at));
                }
            }
        }
        Ok(())
    }

    fn check_lost(&self, line_no: i64, line: &CountLine, effects: &Effects, missing: i64, short: i64) -> Checked {
        let key = Key { item: line.item.id, location: line.spot.location };
        let mut left = missing;
        for (lot, facts) in self.in_order(line.item, |_| true).into_iter().filter(|(lot, _)| line.lot.is_none_or(|named| named == *lot)) {
            let place = Place { key, lot };
            let limit = self.takeable(place, line.counted_at.max(facts.cost_floor_at)).min(self.quantity_at(key, Some(lot), line.counted_at)).max(0);
            let lost: i64 = effects.entries.iter().filter(|e| e.line_no == line_no && e.place == place && e.quantity.0 < 0).map(|e| -e.quantity.0).sum();
            if lost > limit {
                return wrong("I2", format!("line {line_no} lost {lost} of {place:?}, of which later movements leave {limit}"));
            }
            if lost != limit.min(left) {
                return wrong("I16", format!("line {line_no} lost {lost} of {place:?}, and {left} of {limit} were missing"));
            }
            left -= lost;
        }
        if short == left { Ok(()) } else { wrong("shortage", format!("line {line_no} is short of {short}, and of {missing} missing {left} are left")) }
    }

    /// A change of cost raises all that is on hand by one rate, wherever it lies, as far as nothing goes below zero.
    fn check_share(&self, command: &Command, effects: &Effects) -> Checked {
        let Work::ChangeCost { changes } = &command.work else { return Ok(()) };
        for change in changes.iter().filter(|change| change.amount.0 > 0) {
            let there: i64 = self.balances.iter().filter(|(place, _)| place.lot == change.lot).map(|(_, holding)| holding.quantity.0).sum();
            let whole = self.lots.get(&change.lot).map_or(1, |lot| lot.basis.quantity.0.max(1));
            let share = half_away_from_zero(i128::from(change.amount.0) * i128::from(there), i128::from(whole));
            let applied: i64 = effects.entries.iter().map(|entry| entry.value.0).sum();
            if share != Some(applied) {
                return wrong("rate", format!("{applied} of {} came onto {there} of {whole}", change.amount));
            }
        }
        Ok(())
    }

    /// What is left of a line that was corrected has the rate of the correction.
    fn check_corrected(&self, lot: LotId, effects: &Effects) -> Checked {
        let on_hand = self.balances.iter().filter(|(place, _)| place.lot == lot);
        let before = on_hand.fold((0, 0), |(quantity, value), (_, holding)| (quantity + holding.quantity.0, value + holding.value.0));
        let after = effects.entries.iter().fold(before, |(quantity, value), entry| (quantity + entry.quantity.0, value + entry.value.0));
        let Some(changed) = effects.changed_lots.iter().find(|changed| changed.id == lot) else { return wrong("rate", "nothing was corrected") };
        let worth = half_away_from_zero(i128::from(changed.basis.value.0) * i128::from(after.0), i128::from(changed.basis.quantity.0.max(1)));
        if worth == Some(after.1) { Ok(()) } else { wrong("rate", format!("{after:?} are left of {:?}", changed.basis)) }
    }

    /// What is opened keeps as long as is printed, or as what is open keeps, whichever is shorter.
    fn check_opened(&self, command: &Command, line: &TakeLine, effects: &Effects) -> Checked {
        let printed = line.lot.and_then(|lot| self.lots.get(&lot)).and_then(|lot| lot.expires_on);
        let opened_on = command.spot.days.business_date(command.effective_at);
        let once_opened = line.item.opened_shelf_life_days.and_then(|days| opened_on.checked_add_days(Days::new(days.unsigned_abs())));
        let expected = [printed, once_opened].into_iter().flatten().min();
        match effects.lots.first() {
            Some(child) if child.expires_on == expected => Ok(()),
            child => wrong("opened", format!("{:?} is not the earlier one of {printed:?} and {once_opened:?}", child.map(|child| child.expires_on))),
        }
    }
}

/// A count line is kept as true unless it is short, with what was counted where its entry did not have to move.
fn check_truth(line_no: i64, line: &CountLine, counted: CountOutcome, effects: &Effects, short: i64) -> Checked {
    match effects.truths.iter().find(|truth| truth.line_no == line_no) {
        Some(_) if short > 0 => wrong("I19", format!("line {line_no} is short of {short}, and kept as true")),
        None if short == 0 => wrong("I19", format!("line {line_no} is not kept as true")),
        Some(truth) if !counted.moved && truth.quantity != line.quantity => {
            wrong("I19", format!("line {line_no} counted {}, and {} is kept as true", line.quantity, truth.quantity))
        }
        _ => Ok(()),
    }
}

/// What was received is worth its lines and its charges.
fn check_charges(lines: &[ReceiveLine], charges: &[Charge], effects: &Effects) -> Checked {
    let lines: i64 = lines.iter().map(|line| if let Price::Total(total) = line.price { total.0 - line.discount.0 } else { 0 }).sum();
    let charges: i64 = charges.iter().map(|charge| charge.amount.0).sum();
    let value: i64 = effects.entries.iter().map(|entry| entry.value.0).sum();
    if value == lines + charges { Ok(()) } else { wrong("charges", format!("what came in is worth {value}, for {lines} and charges of {charges}")) }
}

/// What went back is worth its credit and a variance.
fn check_credits(lines: &[TakeLine], credits: &[Option<Money>], effects: &Effects) -> Checked {
    let mut owed = 0;
    for (line_no, credit) in (1..).zip(credits).take(lines.len()) {
        let (_, value) = sum_of_line(effects, line_no);
        owed += credit.map_or(0, |credit| -value - credit.0);
    }
    let variance: i64 = effects.variances.iter().map(|variance| variance.amount.0).sum();
    if variance == owed { Ok(()) } else { wrong("credit", format!("the credit is less by {owed}, the variance is {variance}")) }
}

/// What goes into a transformation comes out of it in value, and what comes out remembers what went in.
fn check_all_comes_out(effects: &Effects) -> Checked {
    let mut went_in: BTreeMap<LotId, i64> = BTreeMap::new();
    for entry in effects.entries.iter().filter(|entry| entry.quantity.0 < 0) {
        *went_in.entry(entry.place.lot).or_default() -= entry.quantity.0;
    }
    for lot in &effects.lots {
        let parents: BTreeMap<LotId, i64> = lot.parents.iter().map(|(parent, quantity)| (*parent, quantity.0)).collect();
        if parents != went_in {
            return wrong("trace", format!("lot {} was made of {went_in:?} and remembers {parents:?}", lot.id));
        }
    }
    let left: i64 = effects.entries.iter().map(|entry| entry.value.0).sum();
    if left == 0 { Ok(()) } else { wrong("value lost", format!("what came out is worth {left} more than what went in")) }
}

/// The quantity and the value of a line's entries.
fn sum_of_line(effects: &Effects, line_no: i64) -> (i64, i64) {
    let of_line = effects.entries.iter().filter(|entry| entry.line_no == line_no);
    of_line.fold((0, 0), |(quantity, value), entry| (quantity + entry.quantity.0, value + entry.value.0))
}

/// Past its date, and past the grace of its item where that is one that it is best before.
pub fn is_expired(lot: &Lot, date: NaiveDate) -> bool {
    let grace = (0..super::steps::ITEMS).map(item).find(|rules| rules.id == lot.item).map_or(0, |rules| rules.grace_days.unsigned_abs());
    let days = if lot.date_kind == DateKind::BestBefore { grace } else { 0 };
    lot.expires_on.is_some_and(|last| last + Days::new(days) < date)
}

/// The lines that take, and whether holds, expiry and reservations bind them.
pub fn taking(command: &Command) -> Option<(&[TakeLine], bool)> {
    match &command.work {
        Work::Waste { lines } | Work::ReturnToVendor { lines, .. } => Some((lines, false)),
        Work::Use { lines, .. } | Work::Move { lines, .. } | Work::Transform { inputs: lines, .. } => Some((lines, true)),
        Work::Open { line, .. } => Some((std::slice::from_ref(line), true)),
        _ => None,
    }
}
