//! Costs that come later, and receipts that were wrong: what is still on hand takes its share, the rest is a variance.

use kernel::Instant;

use crate::arithmetic::{Money, Quantity, allocate, half_away_from_zero, sum};
use crate::ledger::command::{Command, Correction, CostChange, VarianceKind};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind, LineOutcome, Variance};
use crate::ledger::facts::{Holding, Key, Place};
use crate::ledger::refusal::{LotConflict, LotConflictCode, Refusal};
use crate::ledger::rule::{Rule, holds};
use crate::names::LotId;

/// Each lot takes `half_away(amount · on hand / basis quantity)` onto what is on hand, in transit included.
pub fn change(mut draft: Draft<'_>, command: &Command, changes: &[CostChange]) -> Result<Effects, Refusal> {
    let mut outcomes = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        let at = stands_at(&draft, command, index, change.lot)?;
        let places = draft.places_of(change.lot);
        let on_hand = sum(places.iter().map(|(_, holding)| holding.quantity.0)).ok_or(Refusal::Overflow)?;
        let lot = draft.changed(change.lot).ok_or(Refusal::Overflow)?;
        let product = i128::from(change.amount.0) * i128::from(on_hand);
        let whole = if holds(Rule::ShareOnHand) { lot.basis.quantity.0 } else { on_hand };
        let share = half_away_from_zero(product, i128::from(whole.max(1))).map(Money).ok_or(Refusal::Overflow)?;
        lot.basis.value = lot.basis.value.plus(change.amount).filter(|value| value.fits_a_line()).ok_or(Refusal::Overflow)?;
        if holds(Rule::CostNotBelowZero) && lot.basis.value.0 < 0 {
            let (amount, basis) = (change.amount, Money(lot.basis.value.0 - change.amount.0));
            return Err(Refusal::CostBelowZero { line: index, lot_id: change.lot, amount, basis });
        }
        if on_hand > 0 || holds(Rule::FloorWithoutStock) {
            lot.cost_floor_at = at;
        }
        lot.revalued = true;
        let weights: Vec<i64> = places.iter().map(|(_, holding)| holding.quantity.0).collect();
        let mut applied = Money::ZERO;
        for ((place, holding), part) in places.iter().zip(allocate(share, &weights, &[])) {
            // No balance goes below nothing.
            let part = if holds(Rule::BalanceNotBelowZero) { Money(part.0.max(-holding.value.0)) } else { part };
            if part == Money::ZERO {
                continue;
            }
            draft.record(*place, 0, part.0, mark(&draft, command, change.line_no, EntryKind::CostAdjust, *place, at))?;
            applied = applied.plus(part).ok_or(Refusal::Overflow)?;
        }
        vary(&mut draft, change.lot, change.amount.0 - applied.0);
        outcomes.push(LineOutcome { value: applied, ..LineOutcome::default() });
    }
    draft.finish(command, outcomes)
}

/// What was received becomes what it should have been: what is left is worth `half_away(value · rest / quantity)`.
pub fn correct(mut draft: Draft<'_>, command: &Command, correction: Correction) -> Result<Effects, Refusal> {
    let at = stands_at(&draft, command, 0, correction.lot)?;
    let lot = draft.changed(correction.lot).ok_or(Refusal::Overflow)?;
    let more = Quantity(correction.is.quantity.0 - correction.was.quantity.0);
    let dearer = Money(correction.is.value.0 - correction.was.value.0);
    let basis_before = lot.basis;
    let quantity = lot.basis.quantity.plus(more).ok_or(Refusal::Overflow)?;
    let value = lot.basis.value.plus(dearer).filter(|value| value.fits_a_line()).ok_or(Refusal::Overflow)?;
    if holds(Rule::CostNotBelowZero) && value.0 < 0 {
        return Err(Refusal::CostBelowZero { line: 0, lot_id: correction.lot, amount: dearer, basis: basis_before.value });
    }
    lot.basis = Holding { quantity, value };
    lot.cost_floor_at = at;
    lot.revalued = true;

    let places = draft.places_of(correction.lot);
    let on_hand = sum(places.iter().map(|(_, holding)| holding.quantity.0)).ok_or(Refusal::Overflow)?;
    let worth = sum(places.iter().map(|(_, holding)| holding.value.0)).ok_or(Refusal::Overflow)?;
    let used = basis_before.quantity.0 - on_hand;
    let under_way = places.iter().filter(|(place, _)| is_under_way(&draft, *place)).map(|(_, holding)| holding.quantity.0);
    let under_way = sum(under_way).ok_or(Refusal::Overflow)?;
    let rest = on_hand.checked_add(more.0).ok_or(Refusal::Overflow)?;
    if holds(Rule::NotBelowUsed) && rest < under_way {
        let (requested, received) = (correction.is.quantity, correction.was.quantity);
        return Err(Refusal::BelowUsed { used: Quantity(used + under_way), requested, received });
    }
    let at_rate = half_away_from_zero(i128::from(value.0) * i128::from(rest), i128::from(quantity.0.max(1))).map(Money).ok_or(Refusal::Overflow)?;
    let target = if holds(Rule::RestAtCorrectRate) { at_rate } else { Money(worth + dearer.0) };
    let origin = Place { key: Key { item: correction.item, location: command.spot.location }, lot: correction.lot };
    let after = spread(&draft, origin, &places, more);
    let weights: Vec<i64> = after.iter().map(|(_, _, quantity)| *quantity).collect();
    let before_kind = |more: i64| if more == 0 { EntryKind::CostAdjust } else { EntryKind::Correction };
    for ((place, before, quantity), share) in after.iter().zip(allocate(target, &weights, &[])) {
        let more = quantity - before.quantity.0;
        // What holds nothing is worth nothing, also where all of it is gone.
        let share = if *quantity == 0 { 0 } else { share.0 };
        let dearer = share - before.value.0;
        if more != 0 || dearer != 0 {
            draft.record(*place, more, dearer, mark(&draft, command, 1, before_kind(more), *place, at))?;
        }
    }
    let onto_shelves = if rest == 0 { -worth } else { target.0 - worth };
    vary(&mut draft, correction.lot, dearer.0 - onto_shelves);
    draft.finish(command, vec![LineOutcome { value: Money(onto_shelves), ..LineOutcome::default() }])
}

fn is_under_way(draft: &Draft<'_>, place: Place) -> bool {
    draft.snapshot.in_transit.contains(&place.key.location)
}

/// The places of a lot as they are after more or less of it came in: more lies where it was received, less is taken from there
/// first, then from the others in order. What is under way stays: its transfer says how much that is.
fn spread(draft: &Draft<'_>, origin: Place, places: &[(Place, Holding)], more: Quantity) -> Vec<(Place, Holding, i64)> {
    let mut after: Vec<(Place, Holding, i64)> = places.iter().map(|(place, holding)| (*place, *holding, holding.quantity.0)).collect();
    if !after.iter().any(|(place, _, _)| *place == origin) {
        after.push((origin, Holding::default(), 0));
    }
    after.sort_by_key(|(place, _, _)| (*place != origin, place.key.location));
    let mut left = more.0;
    for (_, _, quantity) in after.iter_mut().filter(|(place, _, _)| !is_under_way(draft, *place)) {
        let part = left.max(-*quantity);
        *quantity += part;
        left -= part;
    }
    after.sort_by_key(|(place, _, _)| place.key.location);
    after
}

/// Not before the last change of its cost and not before its last movement: nothing that is posted changes its value.
fn stands_at(draft: &Draft<'_>, command: &Command, index: usize, id: LotId) -> Result<Instant, Refusal> {
    let lot = draft.lot(id).ok_or(Refusal::Overflow)?;
    if holds(Rule::VoidCostsNothing) && lot.void {
        return Err(Refusal::Lots(vec![LotConflict::new(index, id, LotConflictCode::Void)]));
    }
    let moved = draft.snapshot.last_moved.get(&id).copied();
    Ok([Some(lot.cost_floor_at).filter(|_| holds(Rule::FloorStays)), moved].into_iter().flatten().fold(command.effective_at, Instant::max))
}

fn mark(draft: &Draft<'_>, command: &Command, line_no: i64, kind: EntryKind, place: Place, at: Instant) -> Mark {
    let days = draft.snapshot.days.get(&place.key.location).copied().unwrap_or(command.spot.days);
    Mark { line_no, kind, at, business_date: days.business_date(at), reason: None }
}

fn vary(draft: &mut Draft<'_>, lot: LotId, amount: i64) {
    if amount != 0 {
        draft.variances.push(Variance { lot, amount: Money(amount), kind: VarianceKind::Cost });
    }
}
