//! A refusal is right: nothing is refused that the rules allow.

use super::checks::{Checked, wrong};
use super::kinds::{is_expired, taking};
use super::world::World;
use crate::ledger::command::{Command, Reversal, Work};
use crate::ledger::facts::Place;
use crate::ledger::refusal::{LotConflict, LotConflictCode, Refusal, ShortLine};

impl World {
    /// A line is short only where it is, and what is refused for a lot is so for a reason.
    pub fn check_refusal(&self, command: &Command, refusal: &Refusal) -> Checked {
        match (refusal, &command.work) {
            (Refusal::Insufficient(short), Work::Reverse(reversal)) => self.check_short_reversal(reversal, command, short),
            (Refusal::Insufficient(short), _) => self.check_short(command, short),
            (Refusal::Lots(conflicts), _) => conflicts.iter().try_for_each(|conflict| self.check_conflict(command, conflict)),
            (Refusal::Lines(flaws), Work::Adjust { lines }) => {
                let has_cost = |line: usize| lines.get(line).is_some_and(|line| line.unit_cost.is_some());
                match flaws.iter().find(|flaw| flaw.code == "cost_required" && has_cost(flaw.line)) {
                    Some(flaw) => wrong("refused", format!("line {} says what a unit costs", flaw.line)),
                    None => Ok(()),
                }
            }
            (Refusal::PeriodClosed { .. }, Work::Reverse(_)) => wrong("refused", "what is closed can be undone today"),
            (Refusal::PeriodClosed { business_date, closed_through, .. }, _) if business_date > closed_through => wrong("refused", "the period is open"),
            (Refusal::CountedSince(counts), _) if counts.is_empty() => wrong("refused", "for no count"),
            _ => Ok(()),
        }
    }

    fn check_short(&self, command: &Command, short: &[ShortLine]) -> Checked {
        let Some((lines, bound)) = taking(command) else { return Ok(()) };
        for line in short {
            let Some(asked) = lines.get(line.line) else { return wrong("refused", "for a shortage of no line") };
            if self.could_be_had(command, lines, asked.item, bound) {
                return wrong("refused", format!("line {} asks for {}, and all of it is there", line.line, line.requested));
            }
            if line.requested <= line.available {
                return wrong("refused", format!("line {} is short of {} with {}", line.line, line.requested, line.available));
            }
        }
        Ok(())
    }

    /// What a document brings back counts for what its reversal takes away: only what would go below zero is short.
    fn check_short_reversal(&self, reversal: &Reversal, command: &Command, short: &[ShortLine]) -> Checked {
        let today = reversal.today || reversal.entries.iter().any(|old| self.closed_through.is_some_and(|closed| old.business_date <= closed));
        for line in short {
            let is_here = |place: &Place| Some(place.lot) == line.lot_id && place.key.location == line.location_id;
            let undone = reversal.entries.iter().filter(|old| is_here(&old.place));
            let mut movements: Vec<_> = undone.map(|old| (if today { command.effective_at } else { old.at }, -old.quantity.0)).collect();
            movements.extend(self.entries.iter().filter(|entry| is_here(&entry.place)).map(|entry| (entry.at, entry.quantity)));
            // At one instant, what comes in before what goes out.
            movements.sort_by_key(|(at, quantity)| (*at, -quantity));
            let mut running = 0;
            let lowest = movements.iter().map(|(_, quantity)| {
                running += quantity;
                running
            });
            if lowest.min().is_none_or(|lowest| lowest >= 0) {
                return wrong("refused", format!("line {} can be undone with what comes back", line.line));
            }
        }
        Ok(())
    }

    fn check_conflict(&self, command: &Command, conflict: &LotConflict) -> Checked {
        let Some(lot) = self.lots.get(&conflict.lot_id) else { return wrong("refused", "for a lot that is not there") };
        let Some((_, bound)) = taking(command) else { return Ok(()) };
        let may_move = matches!(command.work, Work::Move { may_move_held: true, .. });
        let is_right = match conflict.code {
            LotConflictCode::RevaluedAfter => lot.cost_floor_at > command.effective_at,
            LotConflictCode::OnHold => bound && lot.hold.is_some() && !may_move,
            LotConflictCode::Expired => bound && is_expired(lot, command.spot.days.business_date(command.effective_at)),
            LotConflictCode::Void => lot.void,
        };
        if is_right { Ok(()) } else { wrong("refused", format!("for lot {}, which is not {:?}", conflict.lot_id, conflict.code)) }
    }
}
