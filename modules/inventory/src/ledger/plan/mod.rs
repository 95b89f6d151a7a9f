//! The pure core: from a state and a command to its effects, or a refusal. No async, no database, no clock.

mod adjust;
mod cost;
mod count;
mod receive;
mod reverse;
mod take;
mod transfer;
mod transform;

use chrono::NaiveDate;

use super::command::{Command, Work};
use super::draft::Draft;
use super::effects::Effects;
use super::facts::Snapshot;
use super::refusal::Refusal;
use super::rule::{Rule, holds};

/// What `command` does to the state that `snapshot` shows, or why it may not.
pub fn plan(snapshot: &Snapshot, command: &Command) -> Result<Effects, Refusal> {
    if holds(Rule::NotAhead) && (command.effective_at > snapshot.now || command.since() > snapshot.now) {
        return Err(Refusal::EffectiveInFuture { now: snapshot.now });
    }
    let business_date = command.days.business_date(command.effective_at);
    // A reversal of what is closed is posted today.
    if let Some(closed_through) = snapshot.closed_through.filter(|closed| business_date <= *closed) {
        return Err(Refusal::PeriodClosed { business_date, closed_through, lines: Vec::new() });
    }
    if let Some(closed_through) = snapshot.closed_through.filter(|_| holds(Rule::ClosedTakesNoCount)) {
        counted_in_open_days(command, closed_through)?;
    }
    let draft = Draft::new(snapshot);
    match &command.work {
        Work::Receive { lines, charges } => receive::receive(draft, command, lines, charges),
        Work::Waste { lines } => take::waste(draft, command, lines),
        Work::Use { lines, on_short } => take::usage(draft, command, lines, *on_short),
        Work::ReturnToVendor { lines, credits } => take::return_to_vendor(draft, command, lines, credits),
        Work::Adjust { lines } => adjust::adjust(draft, command, lines),
        Work::Move { lines, to, may_move_held } => transfer::send(draft, command, lines, *to, *may_move_held),
        Work::Arrive { lines, under_way, to } => transfer::arrive(draft, command, lines, under_way, *to),
        Work::LoseInTransit { lines, under_way } => transfer::lose(draft, command, lines, under_way),
        Work::Count { lines } => count::count(draft, command, lines),
        Work::Reverse(reversal) => reverse::reverse(draft, command, reversal),
        Work::ChangeCost { changes } => cost::change(draft, command, changes),
        Work::Correct(correction) => cost::correct(draft, command, *correction),
        Work::Transform { inputs, outputs, by } => transform::transform(draft, command, inputs, outputs, *by),
        Work::Open { line, child } => transform::open(draft, command, line, *child),
    }
}

/// A line of a count is true of its day also where it differs in nothing and so has no entry: none may be of a closed one.
fn counted_in_open_days(command: &Command, closed_through: NaiveDate) -> Result<(), Refusal> {
    let Work::Count { lines } = &command.work else { return Ok(()) };
    let days = lines.iter().map(|line| line.spot.days.business_date(line.counted_at)).enumerate();
    let closed: Vec<(usize, NaiveDate)> = days.filter(|(_, date)| *date <= closed_through).collect();
    match closed.iter().map(|(_, date)| *date).min() {
        Some(business_date) => Err(Refusal::PeriodClosed { business_date, closed_through, lines: closed.into_iter().map(|(line, _)| line).collect() }),
        None => Ok(()),
    }
}
