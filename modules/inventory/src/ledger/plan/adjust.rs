//! Stock that is set right, for a reason.

use crate::arithmetic::Money;
use crate::ledger::command::{AdjustLine, Command, TakeLine};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind, LineOutcome, NewLot};
use crate::ledger::facts::{Holding, Key, Place};
use crate::ledger::pick::{Binding, take};
use crate::ledger::plan::receive::{shelf_life_end, tracked};
use crate::ledger::plan::take::{from_here, outcomes};
use crate::ledger::refusal::{LineFlaw, LotConflict, LotConflictCode, Refusal};
use crate::ledger::rule::{Rule, holds};
use crate::names::LotId;

pub fn adjust(mut draft: Draft<'_>, command: &Command, lines: &[AdjustLine]) -> Result<Effects, Refusal> {
    let mut results: Vec<LineOutcome> = lines.iter().map(|_| LineOutcome::default()).collect();
    let downward: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| !line.up).map(|(index, _)| index).collect();
    let (mut flaws, mut conflicts) = (Vec::new(), Vec::new());
    let took = take_down(&mut draft, command, lines, &downward)?;
    for (index, outcome) in downward.into_iter().zip(took) {
        if let Some(result) = results.get_mut(index) {
            *result = outcome;
        }
    }
    for (index, (line, result)) in lines.iter().zip(&mut results).enumerate().filter(|(_, (line, _))| line.up) {
        if holds(Rule::CostMakesLot) && line.unit_cost.is_some() {
            *result = make_lot(&mut draft, command, index, line, &mut flaws)?;
        } else if let Some(lot) = gaining_lot(&draft, command, index, line, &mut flaws, &mut conflicts) {
            let place = Place { key: Key { item: line.item.id, location: command.spot.location }, lot };
            let value = draft.gain(place, line.quantity, mark(command, index, EntryKind::Gain, line))?;
            *result = LineOutcome { value, ..LineOutcome::default() };
        }
    }
    if !flaws.is_empty() {
        return Err(Refusal::Lines(flaws));
    }
    if !conflicts.is_empty() {
        return Err(Refusal::Lots(conflicts));
    }
    draft.finish(command, results)
}

fn mark(command: &Command, index: usize, kind: EntryKind, line: &AdjustLine) -> Mark {
    let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
    Mark { line_no, kind, at: command.effective_at, business_date: command.spot.days.business_date(command.effective_at), reason: Some(line.reason) }
}

fn take_down(draft: &mut Draft<'_>, command: &Command, lines: &[AdjustLine], downward: &[usize]) -> Result<Vec<LineOutcome>, Refusal> {
    let line = |line: &AdjustLine| TakeLine { item: line.item, quantity: line.quantity, lot: line.lot, reason: Some(line.reason), reservation: None };
    let wanted: Vec<TakeLine> = lines.iter().filter(|line| !line.up).map(line).collect();
    let before = draft.entries.len();
    let taken = take(draft, &from_here(command, EntryKind::Adjustment, Binding::Free), &wanted).map_err(|refusal| refusal.at_lines(downward))?;
    // Entries carry the numbers of the lines as they were sent.
    for entry in draft.entries.iter_mut().skip(before) {
        let sent = usize::try_from(entry.line_no - 1).ok().and_then(|index| downward.get(index));
        entry.line_no = sent.and_then(|index| i64::try_from(index + 1).ok()).unwrap_or(entry.line_no);
    }
    outcomes(&taken)
}

/// With a cost of its own what is found is always a new lot.
fn make_lot(draft: &mut Draft<'_>, command: &Command, index: usize, line: &AdjustLine, flaws: &mut Vec<LineFlaw>) -> Result<LineOutcome, Refusal> {
    if line.lot.is_some() {
        flaws.push(LineFlaw::new(index, "lot_id", "lot_and_cost", "with a cost of its own this makes a new lot: name a lot, or a cost"));
    }
    let Some(value) = line.unit_cost.and_then(|(cost, entered)| Money::of_line(entered, cost)) else {
        flaws.push(LineFlaw::new(index, "unit_cost", "out_of_range", "the value of this line is larger than a line can hold"));
        return Ok(LineOutcome::default());
    };
    let business_date = command.spot.days.business_date(command.effective_at);
    let expires_on = line.expires_on.or_else(|| shelf_life_end(&line.item, business_date));
    tracked(index, &line.item, expires_on, line.batch_code.is_some(), flaws);
    let mark = mark(command, index, EntryKind::Adjustment, line);
    draft.lots.push(NewLot {
        id: line.new_lot,
        line_no: mark.line_no,
        item: line.item.id,
        batch_code: line.batch_code.clone().map(String::from),
        received_at: command.effective_at,
        cost_floor_at: command.effective_at,
        produced_on: None,
        expires_on,
        date_kind: line.item.date_kind,
        opened_at: None,
        basis: Holding { quantity: line.quantity, value },
        parents: Vec::new(),
    });
    let place = Place { key: Key { item: line.item.id, location: command.spot.location }, lot: line.new_lot };
    draft.record(place, line.quantity.0, value.0, mark)?;
    Ok(LineOutcome { value, expires_on, ..LineOutcome::default() })
}

/// The lot that is named, else the youngest: what is found has its rate.
fn gaining_lot(
    draft: &Draft<'_>,
    command: &Command,
    index: usize,
    line: &AdjustLine,
    flaws: &mut Vec<LineFlaw>,
    conflicts: &mut Vec<LotConflict>,
) -> Option<LotId> {
    let Some(named) = line.lot else {
        let found = draft.snapshot.youngest.get(&(Key { item: line.item.id, location: command.spot.location }, command.effective_at)).copied();
        if found.is_none() {
            flaws.push(LineFlaw::new(index, "unit_cost", "cost_required", "there is no lot that this could cost the same as: say what a unit costs"));
        }
        return found;
    };
    named_gain(draft, index, line.item.id, named, command.effective_at, flaws).filter(|lot| {
        let revalued = draft.lot(*lot).is_some_and(|lot| lot.cost_floor_at > command.effective_at);
        if revalued {
            let cost_floor_at = draft.lot(*lot).map(|lot| lot.cost_floor_at);
            let requested = Some(line.quantity);
            conflicts.push(LotConflict { cost_floor_at, requested, ..LotConflict::new(index, *lot, LotConflictCode::RevaluedAfter) });
        }
        !revalued
    })
}

/// A named lot that something was found of.
pub fn named_gain(draft: &Draft<'_>, index: usize, item: crate::names::ItemId, named: LotId, at: kernel::Instant, flaws: &mut Vec<LineFlaw>) -> Option<LotId> {
    let Some(lot) = draft.lot(named).filter(|lot| lot.item == item) else {
        flaws.push(LineFlaw::new(index, "lot_id", "lot_not_found", "this item has no such lot"));
        return None;
    };
    if holds(Rule::VoidNeverGains) && lot.void {
        flaws.push(LineFlaw::new(index, "lot_id", "lot_void", "the document that made this lot was undone"));
        return None;
    }
    if holds(Rule::ReceivedBefore) && lot.received_at > at {
        let detail = format!("this lot was received at {}, after the time of this line", lot.received_at);
        flaws.push(LineFlaw::new(index, "lot_id", "lot_not_received_yet", detail));
        return None;
    }
    Some(named)
}
