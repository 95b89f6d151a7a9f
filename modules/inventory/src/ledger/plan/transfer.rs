//! Goods that change their place: the same lot, the same value, out here and in there.

use std::collections::BTreeMap;

use crate::arithmetic::Quantity;
use crate::ledger::command::{Command, TakeLine, UnderWay};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind};
use crate::ledger::facts::{Key, Place, Spot};
use crate::ledger::pick::{Binding, Taken, Taking, take};
use crate::ledger::plan::take::{from_here, outcomes};
use crate::ledger::refusal::Refusal;
use crate::ledger::rule::{Rule, holds};

/// At once to where it belongs, or onto the way there.
pub fn send(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine], to: Spot, may_move_held: bool) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &from_here(command, EntryKind::TransferOut, Binding::Bound { may_move_held }), lines)?;
    put(&mut draft, command, &taken, to)?;
    draft.finish(command, outcomes(&taken)?)
}

/// What is under way arrives, or comes back to where it was sent from.
pub fn arrive(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine], under_way: &UnderWay, to: Spot) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &on_the_way(command, EntryKind::TransferOut, under_way)?, lines)?;
    put(&mut draft, command, &taken, to)?;
    draft.finish(command, outcomes(&taken)?)
}

pub fn lose(mut draft: Draft<'_>, command: &Command, lines: &[TakeLine], under_way: &UnderWay) -> Result<Effects, Refusal> {
    let taken = take(&mut draft, &on_the_way(command, EntryKind::TransitLoss, under_way)?, lines)?;
    draft.finish(command, outcomes(&taken)?)
}

fn on_the_way<'c>(command: &Command, kind: EntryKind, under_way: &'c UnderWay) -> Result<Taking<'c>, Refusal> {
    if holds(Rule::AfterDispatch) && command.effective_at < under_way.dispatched_at {
        return Err(Refusal::BeforeDispatch { dispatched_at: under_way.dispatched_at });
    }
    let only: Option<&'c BTreeMap<_, Quantity>> = Some(&under_way.lots);
    Ok(Taking { only, ..from_here(command, kind, Binding::Free) })
}

fn put(draft: &mut Draft<'_>, command: &Command, taken: &[Taken], to: Spot) -> Result<(), Refusal> {
    let business_date = to.days.business_date(command.effective_at);
    for (line_no, taken) in (1..).zip(taken) {
        for (place, quantity, value) in &taken.parts {
            let there = Place { key: Key { location: to.location, ..place.key }, ..*place };
            let mark = Mark { line_no, kind: EntryKind::TransferIn, at: command.effective_at, business_date, reason: None };
            draft.record(there, quantity.0, value.0, mark)?;
        }
    }
    Ok(())
}
