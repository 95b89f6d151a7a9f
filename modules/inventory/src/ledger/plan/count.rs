//! What was counted, against what the ledger said at the moment it was counted. Work goes on meanwhile: what moved after that
//! moment is left out of the comparison.

use std::collections::BTreeMap;

use kernel::Instant;

use crate::arithmetic::{Money, Quantity};
use crate::ledger::command::{Command, CountLine};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{CountOutcome, Effects, EntryKind, LineOutcome, NewTruth, Shortage};
use crate::ledger::facts::{Key, Lot, Place, Truth};
use crate::ledger::pick::order;
use crate::ledger::plan::adjust::named_gain;
use crate::ledger::refusal::{LineFlaw, Refusal};
use crate::ledger::rule::{Rule, holds};

pub fn count(mut draft: Draft<'_>, command: &Command, lines: &[CountLine]) -> Result<Effects, Refusal> {
    let (mut outcomes, mut flaws) = (Vec::with_capacity(lines.len()), Vec::new());
    let truths = by_key(&draft.snapshot.truths);
    for (index, line) in lines.iter().enumerate() {
        let key = Key { item: line.item.id, location: line.spot.location };
        let superseded = truths.get(&key).is_some_and(|truths| truths.iter().any(|truth| holds(Rule::Superseded) && supersedes(truth, line)));
        outcomes.push(count_line(&mut draft, index, line, superseded, &mut flaws)?);
    }
    if !flaws.is_empty() {
        return Err(Refusal::Lines(flaws));
    }
    draft.finish(command, outcomes)
}

fn count_line(draft: &mut Draft<'_>, index: usize, line: &CountLine, superseded: bool, flaws: &mut Vec<LineFlaw>) -> Result<LineOutcome, Refusal> {
    let key = Key { item: line.item.id, location: line.spot.location };
    let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
    let compared_at = if holds(Rule::AsOfCounting) { line.counted_at } else { draft.snapshot.now };
    let expected = all_at(draft, key, line, compared_at)?;
    let variance = line.quantity.0.checked_sub(expected).ok_or(Refusal::Overflow)?;
    let counted = CountOutcome { expected: Quantity(expected), variance: Quantity(variance), superseded, moved: false };
    if superseded {
        return Ok(LineOutcome { counted: Some(counted), ..LineOutcome::default() });
    }
    let before = draft.entries.len();
    let short = match variance {
        0 => 0,
        1.. => gain(draft, index, line, key, Quantity(variance), flaws)?,
        _ => lose(draft, index, line, key, variance.checked_neg().ok_or(Refusal::Overflow)?)?,
    };
    let written = draft.entries.get(before..).unwrap_or_default();
    let value = written.iter().try_fold(Money::ZERO, |sum, entry| sum.plus(entry.value)).ok_or(Refusal::Overflow)?;
    let stands_at = written.iter().map(|entry| entry.at).max().map_or(line.counted_at, |at| at.max(line.counted_at));
    if short > 0 {
        draft.shortages.push(Shortage { line_no, key, quantity: Quantity(short) });
    }
    if short == 0 || !holds(Rule::ShortIsNotTrue) {
        // Where the entry had to move, what the ledger then says is what has to stay.
        let quantity = all_at(draft, key, line, stands_at)?;
        draft.truths.push(NewTruth { line_no, key, lot: line.lot, counted_at: stands_at, quantity: Quantity(quantity) });
    }
    let counted = CountOutcome { moved: stands_at > line.counted_at, ..counted };
    Ok(LineOutcome { value, short: Quantity(short), counted: Some(counted), ..LineOutcome::default() })
}

/// What the ledger says of the counted stock at an instant, all of it together.
fn all_at(draft: &Draft<'_>, key: Key, line: &CountLine, at: Instant) -> Result<i64, Refusal> {
    let all: i128 = places(draft, key, line).into_iter().map(|place| draft.quantity_at(place, at)).sum();
    i64::try_from(all).map_err(|_| Refusal::Overflow)
}

/// Where the counted stock lies or lay.
fn places(draft: &Draft<'_>, key: Key, line: &CountLine) -> Vec<Place> {
    match line.lot {
        Some(lot) => vec![Place { key, lot }],
        None => draft.places(key).into_iter().collect(),
    }
}

/// Posted counts by what they are about: a count has as many lines as there may be of those.
fn by_key(truths: &[Truth]) -> BTreeMap<Key, Vec<&Truth>> {
    let mut by_key: BTreeMap<Key, Vec<&Truth>> = BTreeMap::new();
    for truth in truths {
        by_key.entry(truth.key).or_default().push(truth);
    }
    by_key
}

/// Whether a posted count of the item in that area is a later one of the same stock.
fn supersedes(truth: &Truth, line: &CountLine) -> bool {
    let same_stock = truth.lot.is_none() || line.lot.is_none() || truth.lot == line.lot;
    same_stock && truth.counted_at >= line.counted_at
}

fn mark(line: &CountLine, index: usize, kind: EntryKind, at: Instant) -> Mark {
    Mark { line_no: i64::try_from(index + 1).unwrap_or(i64::MAX), kind, at, business_date: line.spot.days.business_date(at), reason: None }
}

/// Where the entry of a count stands: when it was counted, unless the lot's cost was changed later.
fn stands_at(lot: &Lot, line: &CountLine) -> Instant {
    if holds(Rule::CountAfterFloor) { lot.cost_floor_at.max(line.counted_at) } else { line.counted_at }
}

/// What was found goes to the named lot, else to the youngest one that had been received by then, here, else anywhere.
fn gain(draft: &mut Draft<'_>, index: usize, line: &CountLine, key: Key, found: Quantity, flaws: &mut Vec<LineFlaw>) -> Result<i64, Refusal> {
    let lot = match line.lot {
        Some(named) => named_gain(draft, index, line.item.id, named, line.counted_at, flaws),
        None => {
            let youngest = draft.snapshot.youngest.get(&(key, line.counted_at)).copied();
            if youngest.is_none() {
                flaws.push(LineFlaw::new(
                    index,
                    "quantity",
                    "cost_required",
                    "there is no lot that this could cost the same as: adjust it upward with a unit cost",
                ));
            }
            youngest
        }
    };
    let Some(lot) = lot else { return Ok(0) };
    let at = draft.lot(lot).map_or(line.counted_at, |lot| stands_at(lot, line));
    draft.gain(Place { key, lot }, found, mark(line, index, EntryKind::Gain, at))?;
    Ok(0)
}

/// What is missing leaves in the order of picking, as far as later movements leave it. Answers what they do not.
fn lose(draft: &mut Draft<'_>, index: usize, line: &CountLine, key: Key, missing: i64) -> Result<i64, Refusal> {
    let mut sources: Vec<(Place, &Lot)> = places(draft, key, line).into_iter().filter_map(|place| draft.lot(place.lot).map(|lot| (place, lot))).collect();
    if holds(Rule::LossInOrder) {
        sources.sort_by_key(|(_, lot)| order(line.item.pick, lot));
    }
    let mut missing = missing;
    for (place, lot) in sources {
        let at = stands_at(lot, line);
        let left_by_later = if holds(Rule::LossLimit) { draft.takeable(place, at) } else { i64::MAX };
        let there = i128::from(left_by_later).min(draft.quantity_at(place, line.counted_at));
        let part = i64::try_from(there.min(i128::from(missing))).map_err(|_| Refusal::Overflow)?;
        if part > 0 {
            draft.take(place, Quantity(part), mark(line, index, EntryKind::CountLoss, at))?;
            missing -= part;
        }
    }
    Ok(missing)
}
