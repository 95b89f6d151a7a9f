//! Goods that become other goods: what goes in leaves its value to what comes out.

use chrono::{Days, NaiveDate};

use crate::arithmetic::{Money, allocate};
use crate::ledger::command::{Command, OutputBasis, OutputLine, TakeLine};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind, LineOutcome, NewLot};
use crate::ledger::facts::{Holding, Key, Place};
use crate::ledger::pick::{Binding, Taken, take};
use crate::ledger::plan::receive::{shelf_life_end, tracked};
use crate::ledger::plan::take::{from_here, outcomes};
use crate::ledger::refusal::{LineFlaw, Refusal};
use crate::ledger::rule::{Rule, holds};
use crate::names::{DateKind, LotId};

/// The lines of the effects are the inputs, then the outputs.
pub fn transform(mut draft: Draft<'_>, command: &Command, inputs: &[TakeLine], outputs: &[OutputLine], by: OutputBasis) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &from_here(command, EntryKind::TransformationIn, Binding::Bound { may_move_held: false }), inputs)?;
    let total = taken.iter().try_fold(Money::ZERO, |sum, taken| sum.plus(taken.value().ok()?)).ok_or(Refusal::Overflow)?;
    let mut flaws = Vec::new();
    let shares = allocate(total, &weights(inputs.len(), outputs, by, &mut flaws), &outputs.iter().map(|line| line.quantity.0).collect::<Vec<_>>());
    let business_date = command.spot.days.business_date(command.effective_at);
    let mut lines = outcomes(&taken)?;
    for ((index, line), value) in (inputs.len()..).zip(outputs).zip(shares) {
        let inherited = parents(&taken).filter_map(|(lot, _)| draft.lot(lot)?.expires_on).min();
        let expires_on = line.expires_on.or_else(|| shelf_life_end(&line.item, business_date)).or(inherited);
        let batch_code = line.batch_code.clone().map(String::from).or_else(|| only_batch(&draft, &taken));
        tracked(index, &line.item, expires_on, batch_code.is_some(), &mut flaws);
        let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
        draft.lots.push(NewLot {
            id: line.lot,
            line_no,
            item: line.item.id,
            batch_code,
            received_at: command.effective_at,
            cost_floor_at: command.effective_at,
            produced_on: Some(business_date),
            expires_on,
            date_kind: line.item.date_kind,
            opened_at: None,
            basis: Holding { quantity: line.quantity, value },
            parents: merged(&taken),
        });
        let place = Place { key: Key { item: line.item.id, location: command.spot.location }, lot: line.lot };
        let mark = Mark { line_no, kind: EntryKind::TransformationOut, at: command.effective_at, business_date, reason: None };
        draft.record(place, line.quantity.0, value.0, mark)?;
        lines.push(LineOutcome { value, expires_on, ..LineOutcome::default() });
    }
    if !flaws.is_empty() {
        return Err(Refusal::Lines(flaws));
    }
    draft.finish(command, lines)
}

/// By weight, or by what each would sell for.
fn weights(inputs: usize, outputs: &[OutputLine], by: OutputBasis, flaws: &mut Vec<LineFlaw>) -> Vec<i64> {
    let mut weights = Vec::with_capacity(outputs.len());
    for (index, line) in (inputs..).zip(outputs) {
        let weight = match by {
            OutputBasis::Weight => line.weight,
            OutputBasis::Value => line.sales_value.map(|value| value.0),
        };
        // A single output takes all of it, whatever it weighs.
        if weight.is_none() && outputs.len() > 1 {
            let (field, code, detail) = match by {
                OutputBasis::Weight => ("weight", "weight_unknown", "say what this output weighs, or share the value out by value"),
                OutputBasis::Value => ("sales_value", "required", "to share the value out by value, say what each output would sell for"),
            };
            flaws.push(LineFlaw::new(index, field, code, detail));
        }
        weights.push(weight.unwrap_or(0));
    }
    weights
}

fn parents(taken: &[Taken]) -> impl Iterator<Item = (LotId, crate::arithmetic::Quantity)> {
    taken.iter().flat_map(|taken| taken.parts.iter().map(|(place, quantity, _)| (place.lot, *quantity)))
}

/// Each parent once, with all that was taken of it.
fn merged(taken: &[Taken]) -> Vec<(LotId, crate::arithmetic::Quantity)> {
    let mut all = std::collections::BTreeMap::new();
    for (lot, quantity) in parents(taken).filter(|_| holds(Rule::ParentsAreKept)) {
        all.entry(lot).or_insert(crate::arithmetic::Quantity::ZERO).0 += quantity.0;
    }
    all.into_iter().collect()
}

/// The batch of what went in, where it was one.
fn only_batch(draft: &Draft<'_>, taken: &[Taken]) -> Option<String> {
    let mut batches = parents(taken).map(|(lot, _)| draft.lot(lot).and_then(|lot| lot.batch_code.clone()));
    let first = batches.next()??;
    batches.all(|batch| batch.as_ref() == Some(&first)).then_some(first)
}

/// A part of a lot becomes a lot of its own with the shorter life of what is open; it keeps the place that it had in the order
/// of picking, and can't be taken before it was opened.
pub fn open(mut draft: Draft<'_>, command: &Command, line: &TakeLine, child: LotId) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &from_here(command, EntryKind::TransformationIn, Binding::Bound { may_move_held: false }), std::slice::from_ref(line))?;
    let business_date = command.spot.days.business_date(command.effective_at);
    let value = taken.iter().try_fold(Money::ZERO, |sum, taken| sum.plus(taken.value().ok()?)).ok_or(Refusal::Overflow)?;
    let Some(parent) = line.lot.and_then(|lot| draft.lot(lot)) else {
        return Err(Refusal::Lines(vec![LineFlaw::new(0, "lot_id", "lot_required", "say which lot is opened")]));
    };
    if parent.opened {
        return Err(Refusal::Lines(vec![LineFlaw::new(0, "lot_id", "already_open", "this lot is open already")]));
    }
    let (expires_on, date_kind) = once_opened(parent.expires_on, parent.date_kind, line.item.opened_shelf_life_days, business_date);
    draft.lots.push(NewLot {
        id: child,
        line_no: 2,
        item: line.item.id,
        batch_code: parent.batch_code.clone(),
        received_at: parent.received_at,
        cost_floor_at: command.effective_at,
        produced_on: None,
        expires_on,
        date_kind,
        opened_at: Some(command.effective_at),
        basis: Holding { quantity: line.quantity, value },
        parents: merged(&taken),
    });
    let place = Place { key: Key { item: line.item.id, location: command.spot.location }, lot: child };
    let mark = Mark { line_no: 2, kind: EntryKind::TransformationOut, at: command.effective_at, business_date, reason: None };
    draft.record(place, line.quantity.0, value.0, mark)?;
    let mut lines = outcomes(&taken)?;
    lines.push(LineOutcome { value, expires_on, ..LineOutcome::default() });
    draft.finish(command, lines)
}

/// The earlier of the printed date and that of the shelf life once opened, which is never the later one (grocy#1342). A date
/// that opening sets is one not to use it after.
fn once_opened(printed: Option<NaiveDate>, kind: DateKind, days: Option<i64>, opened_on: NaiveDate) -> (Option<NaiveDate>, DateKind) {
    let opened = days.and_then(|days| opened_on.checked_add_days(Days::new(u64::try_from(days).ok()?)));
    match opened {
        Some(opened) if printed.is_none_or(|printed| opened < printed || !holds(Rule::OpeningShortens)) => (Some(opened), DateKind::UseBy),
        _ => (printed, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_never_makes_a_date_later() {
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let opened_on = date("2021-02-16");
        let expiry = |printed: Option<&str>, days| once_opened(printed.map(date), DateKind::BestBefore, days, opened_on);
        assert_eq!(expiry(Some("2021-02-20"), Some(14)), (Some(date("2021-02-20")), DateKind::BestBefore));
        assert_eq!(expiry(Some("2021-03-30"), Some(3)), (Some(date("2021-02-19")), DateKind::UseBy));
        assert_eq!(expiry(None, Some(3)), (Some(date("2021-02-19")), DateKind::UseBy));
        assert_eq!(expiry(Some("2021-03-30"), None), (Some(date("2021-03-30")), DateKind::BestBefore));
    }
}
