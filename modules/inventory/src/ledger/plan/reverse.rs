//! A document is undone by another one that negates each of its entries.

use std::collections::BTreeMap;

use crate::arithmetic::{Money, Quantity};
use crate::ledger::command::{Command, OldEntry, Reversal};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind, NewEntry, Variance};
use crate::ledger::facts::{Holding, Place};
use crate::ledger::refusal::{LotConflict, LotConflictCode, LotInUse, Refusal, ShortLine};
use crate::ledger::rule::{Rule, holds};
use crate::names::LotId;

pub fn reverse(mut draft: Draft<'_>, command: &Command, reversal: &Reversal) -> Result<Effects, Refusal> {
    may_be_undone(&draft, reversal)?;
    let closed = draft.snapshot.closed_through.filter(|_| holds(Rule::ClosedIsUndoneNow));
    let is_closed = |entry: &OldEntry| closed.is_some_and(|closed| entry.business_date <= closed);
    let today = reversal.today || reversal.entries.iter().any(is_closed) || !holds(Rule::AtItsOwnTime);
    // First what comes back, then what leaves: so nothing is short that the document itself returns.
    let leaves = |old: &&OldEntry| old.quantity.0 > 0;
    let mut undone: Vec<&OldEntry> = reversal.entries.iter().collect();
    if holds(Rule::ComesBackFirst) {
        undone.sort_by_key(leaves);
    }
    let mut short = Vec::new();
    for old in undone {
        let now = if holds(Rule::AllOfThemNow) { today } else { reversal.today || is_closed(old) };
        let mark = mark(&draft, command, reversal, old, now);
        if leaves(&old) {
            let available = draft.takeable(old.place, mark.at);
            if available < old.quantity.0 {
                short.push(short_line(old, available));
                continue;
            }
        }
        draft.record(old.place, -old.quantity.0, -old.value.0, mark)?;
        if holds(Rule::GainLeavesBasis) && old.kind == EntryKind::Gain {
            leave_basis(&mut draft, old)?;
        }
    }
    if !short.is_empty() {
        return Err(Refusal::Insufficient(short));
    }
    for lot in reversal.made.keys().filter(|_| holds(Rule::MadeIsVoid)) {
        if let Some(lot) = draft.changed(*lot) {
            lot.void = true;
            lot.basis = Holding::default();
        }
    }
    // Also a lot of which nothing changes but what is on hand: whoever changes its cost meanwhile must see that.
    for old in &reversal.entries {
        draft.changed(old.place.lot);
    }
    for (lot, amount, kind) in reversal.variances.iter().filter(|_| holds(Rule::VariancesAreUndone)) {
        draft.variances.push(Variance { lot: *lot, amount: Money(-amount.0), kind: *kind });
    }
    if holds(Rule::CrumbsAreRounded) {
        round(&mut draft);
    }
    draft.finish(command, Vec::new())
}

/// Its lots must cost what they cost then, and those that it made must be untouched. An opened lot that is on hold or recalled
/// must be released first: it would be hidden in the one that it came from.
fn may_be_undone(draft: &Draft<'_>, reversal: &Reversal) -> Result<(), Refusal> {
    let held = |id: &&LotId| draft.lot(**id).is_some_and(|lot| lot.opened && lot.hold.is_some());
    // What it made is what comes off again: all of it.
    let on_hold = |id: &LotId| {
        let made = || reversal.entries.iter().filter(|old| old.place.lot == *id);
        let asked = |quantity: i64| made().next().map(|_| Quantity(quantity));
        let (requested, available) = (made().map(|old| old.quantity.0).sum(), made().map(|old| draft.holding(old.place).quantity.0).sum());
        LotConflict { requested: asked(requested), available: asked(available), ..LotConflict::new(0, *id, LotConflictCode::OnHold) }
    };
    let on_hold: Vec<LotConflict> = reversal.made.keys().filter(held).map(on_hold).collect();
    if !on_hold.is_empty() {
        return Err(Refusal::Lots(on_hold));
    }
    let revalued = |old: &&OldEntry| draft.lot(old.place.lot).is_some_and(|lot| lot.revalued_position > reversal.position);
    let conflict = |old: &OldEntry| LotConflict {
        cost_floor_at: draft.lot(old.place.lot).map(|lot| lot.cost_floor_at),
        // What comes back asks for nothing.
        requested: (old.quantity.0 > 0).then_some(old.quantity),
        available: (old.quantity.0 > 0).then(|| draft.holding(old.place).quantity),
        ..LotConflict::new(usize::try_from(old.line_no - 1).unwrap_or(0), old.place.lot, LotConflictCode::RevaluedAfter)
    };
    let conflicts: Vec<LotConflict> = reversal.entries.iter().filter(revalued).map(conflict).collect();
    if !conflicts.is_empty() {
        return Err(Refusal::Lots(conflicts));
    }
    let in_use = reversal.made.iter().filter(|(_, touched)| touched.number > 0);
    let in_use = in_use.map(|(lot, touched)| LotInUse { lot_id: *lot, documents: touched.named.clone(), number_of_documents: touched.number });
    let in_use: Vec<LotInUse> = in_use.collect();
    if in_use.is_empty() { Ok(()) } else { Err(Refusal::LotsInUse(in_use)) }
}

fn mark(draft: &Draft<'_>, command: &Command, reversal: &Reversal, old: &OldEntry, today: bool) -> Mark {
    let days = draft.snapshot.days.get(&old.place.key.location).copied().unwrap_or(command.spot.days);
    let (at, business_date) = if today { (command.effective_at, days.business_date(command.effective_at)) } else { (old.at, old.business_date) };
    Mark { line_no: old.line_no, kind: EntryKind::Reversal, at, business_date, reason: Some(reversal.reason) }
}

fn short_line(old: &OldEntry, available: i64) -> ShortLine {
    ShortLine {
        line: usize::try_from(old.line_no - 1).unwrap_or(0),
        item_id: old.place.key.item,
        location_id: old.place.key.location,
        lot_id: Some(old.place.lot),
        requested: old.quantity,
        available: Quantity(available),
    }
}

/// A gain that is undone leaves the basis again.
fn leave_basis(draft: &mut Draft<'_>, old: &OldEntry) -> Result<(), Refusal> {
    let Some(lot) = draft.changed(old.place.lot) else { return Ok(()) };
    let quantity = lot.basis.quantity.minus(old.quantity).ok_or(Refusal::Overflow)?;
    lot.basis = Holding { quantity, value: Money(lot.basis.value.0.checked_sub(old.value.0).ok_or(Refusal::Overflow)?) };
    Ok(())
}

/// Where splitting left a crumb, so that a place would be worth less than nothing or something at quantity zero, an entry of
/// value alone goes before all others, mirrored in a variance.
fn round(draft: &mut Draft<'_>) {
    let mut first: BTreeMap<Place, NewEntry> = BTreeMap::new();
    for entry in &draft.entries {
        first
            .entry(entry.place)
            .and_modify(|first| {
                if entry.at < first.at {
                    *first = *entry
                }
            })
            .or_insert(*entry);
    }
    for (place, entry) in first.into_iter().rev() {
        let Holding { quantity, value } = draft.holding(place);
        if value.0 < 0 || (quantity == Quantity::ZERO && value != Money::ZERO) {
            let crumb = Money(-value.0);
            draft.rounding_first(NewEntry { kind: EntryKind::Rounding, quantity: Quantity::ZERO, value: crumb, ..entry });
        }
    }
}
