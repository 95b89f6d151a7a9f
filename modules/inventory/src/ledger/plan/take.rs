//! Goods that leave: thrown away, used, sent back. Their value leaves with them, from the lot that they are taken from.

use crate::arithmetic::{Money, allocate};
use crate::ledger::command::{Command, OnShort, TakeLine, VarianceKind};
use crate::ledger::draft::Draft;
use crate::ledger::effects::{Effects, EntryKind, LineOutcome, Shortage, Variance};
use crate::ledger::facts::Key;
use crate::ledger::pick::{Binding, Taken, Taking, take};
use crate::ledger::refusal::Refusal;
use crate::ledger::rule::{Rule, holds};

/// Bound by nothing: what is on hold or expired is thrown away all the same.
pub fn waste(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine]) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &from_here(command, EntryKind::Waste, Binding::Free), lines)?;
    draft.finish(command, outcomes(&taken)?)
}

pub fn usage(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine], on_short: OnShort) -> Result<Effects, Refusal> {
    let taking = Taking { on_short, ..from_here(command, EntryKind::Usage, Binding::Bound { may_move_held: false }) };
    let taken = take(&mut draft, &taking, lines)?;
    for ((line_no, line), taken) in (1..).zip(lines).zip(&taken).filter(|(_, taken)| holds(Rule::ShortageOfUsage) && taken.short.0 > 0) {
        let key = Key { item: line.item.id, location: command.spot.location };
        draft.shortages.push(Shortage { line_no, key, quantity: taken.short });
    }
    draft.finish(command, outcomes(&taken)?)
}

/// What the goods were worth, less what is credited for them, is a variance.
pub fn return_to_vendor(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine], credits: &[Option<Money>]) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &from_here(command, EntryKind::VendorReturn, Binding::Free), lines)?;
    for (taken, credit) in taken.iter().zip(credits) {
        let Some(credit) = credit.filter(|_| holds(Rule::LessTheCredit)) else { continue };
        let weights: Vec<i64> = taken.parts.iter().map(|(_, quantity, _)| quantity.0).collect();
        for ((place, _, value), share) in taken.parts.iter().zip(allocate(credit, &weights, &[])) {
            let amount = Money(value.0.checked_sub(share.0).ok_or(Refusal::Overflow)?);
            if amount != Money::ZERO {
                draft.variances.push(Variance { lot: place.lot, amount, kind: VarianceKind::Return });
            }
        }
    }
    draft.finish(command, outcomes(&taken)?)
}

pub fn from_here(command: &Command, kind: EntryKind, binding: Binding) -> Taking<'static> {
    let binding = if holds(Rule::SomeAreNotBound) { binding } else { Binding::Bound { may_move_held: false } };
    Taking { spot: command.spot, at: command.effective_at, kind, binding, on_short: OnShort::Refuse, only: None }
}

/// What lines that take are worth: with the sign of the movement.
pub fn outcomes(taken: &[Taken]) -> Result<Vec<LineOutcome>, Refusal> {
    let outcome = |taken: &Taken| Ok(LineOutcome { value: Money(-taken.value()?.0), short: taken.short, ..LineOutcome::default() });
    taken.iter().map(outcome).collect()
}
