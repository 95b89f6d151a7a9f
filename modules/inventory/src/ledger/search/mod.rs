//! A search over random scripts: the pure core against a world that is kept in the simplest way there is, the list of all
//! entries. Commands of every kind at random times, with periods closed in between. A failing script is cut down to what is
//! needed before it is shown, with its seed. Each rule is also left out once (`absence`), to see that the search finds that.

mod absence;
mod checks;
mod kinds;
mod refusals;
mod steps;
mod world;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;

use self::checks::{Checked, Wrong, wrong};
use self::steps::{Range, Step, about_the_one_before, simpler, step};
use self::world::{Event, LeftOut, World};
use super::command::{Command, OnShort, TakeLine, Work};
use super::plan;
use crate::arithmetic::Quantity;

/// What became of the commands of a search.
#[derive(Debug, Default)]
struct Tally {
    commands: u64,
    posted: BTreeMap<&'static str, u64>,
    refused: BTreeMap<String, u64>,
}

impl Tally {
    /// Every kind of command was posted and every refusal met often enough to say something.
    fn assert_covers(&self) {
        const KINDS: usize = 14;
        assert_eq!(self.posted.len(), KINDS, "{self:#?}");
        assert!(self.posted.values().all(|posted| *posted >= 2), "{self:#?}");
        for refusal in
            ["BeforeDispatch", "BelowUsed", "CostBelowZero", "CountedSince", "Insufficient", "Lines", "Lots", "LotsInUse", "MoreThanUnderWay", "PeriodClosed"]
        {
            assert!(self.refused.get(refusal).is_some_and(|refused| *refused >= 1), "{refusal}: {self:#?}");
        }
    }
}

impl World {
    fn run(&mut self, step: &Step, tally: &mut Tally) -> Checked {
        self.step += 1;
        self.set(step);
        let Some((command, transfer)) = self.command(step) else { return Ok(()) };
        tally.commands += 1;
        match self.planned(&command) {
            Ok(effects) => {
                *tally.posted.entry(name(&command)).or_default() += 1;
                self.check_effects(&command, &effects)?;
                self.apply(&command, transfer, &effects)?;
                self.journal.push((self.now(), Event::Posted { transfer }));
                self.check(&effects, self.documents.len() - 1)
            }
            Err(refusal) => {
                let name = format!("{refusal:?}").split(['(', ' ']).next().unwrap_or_default().to_owned();
                *tally.refused.entry(name).or_default() += 1;
                self.check_refusal(&command, &refusal)
            }
        }
    }

    /// I6: what happened, done again in an empty world with the picks that are recorded, gives the same entries and balances.
    fn check_replay(&self) -> Checked {
        let mut again = World::new(LeftOut::Nothing);
        let mut recorded = self.documents.iter();
        for (now, event) in &self.journal {
            again.step = (now.micros() - world::instant(steps::HOURS).micros()) / 1_000_000;
            let Event::Posted { transfer } = event else {
                again.happens(event.clone());
                continue;
            };
            let Some(document) = recorded.next() else { return wrong("I6", "a document is missing") };
            let command = with_picks(&document.command, &document.picks);
            let refused = |refusal| Wrong { what: "I6", detail: format!("refused when done again: {refusal:?}") };
            let effects = plan(&again.snapshot(&command), &command).map_err(refused)?;
            again.apply(&command, *transfer, &effects)?;
        }
        // Within a document what comes in follows the order of its lines, and those are now in the order of the picks.
        let entries = |world: &World| {
            let mut all: Vec<_> = world.entries.iter().map(|e| (e.document, e.place, e.at, e.business_date, e.kind, e.quantity, e.value)).collect();
            all.sort_unstable();
            all
        };
        if entries(self) == entries(&again) && self.balances == again.balances { Ok(()) } else { wrong("I6", "done again, it is another ledger") }
    }
}

fn name(command: &Command) -> &'static str {
    match &command.work {
        Work::Receive { .. } => "receive",
        Work::Waste { .. } => "waste",
        Work::Use { .. } => "use",
        Work::ReturnToVendor { .. } => "return to vendor",
        Work::Adjust { .. } => "adjust",
        Work::Move { .. } => "move",
        Work::Arrive { .. } => "arrive",
        Work::LoseInTransit { .. } => "lose in transit",
        Work::Count { .. } => "count",
        Work::Reverse(_) => "reverse",
        Work::ChangeCost { .. } => "change cost",
        Work::Correct(_) => "correct",
        Work::Transform { .. } => "transform",
        Work::Open { .. } => "open",
    }
}

/// The command with every lot named that it took, in the order in which it took them.
fn with_picks(command: &Command, picks: &[(i64, uuid::Uuid, i64)]) -> Command {
    let named = |lines: &[TakeLine]| -> Vec<TakeLine> {
        let line = |(line_no, lot, quantity): &(i64, uuid::Uuid, i64)| {
            let line = lines.get(usize::try_from(line_no - 1).ok()?)?;
            Some(TakeLine { lot: Some(*lot), quantity: Quantity(*quantity), ..line.clone() })
        };
        picks.iter().filter_map(line).collect()
    };
    let mut command = command.clone();
    match &mut command.work {
        Work::Waste { lines } | Work::Move { lines, .. } => *lines = named(lines),
        Work::Use { lines, on_short } => (*lines, *on_short) = (named(lines), OnShort::Refuse),
        Work::Transform { inputs, .. } => *inputs = named(inputs),
        _ => {}
    }
    command
}

/// What goes wrong in a script, and after how many steps.
fn failure(script: &[Step], left_out: LeftOut) -> Option<(usize, Wrong)> {
    let mut world = World::new(left_out);
    let tally = &mut Tally::default();
    let failed = (1..).zip(script).find_map(|(steps, step)| Some((steps, world.run(step, tally).err()?)));
    failed.or_else(|| if left_out == LeftOut::Nothing { Some((script.len(), world.check_replay().err()?)) } else { None })
}

/// Takes steps out one by one, and makes those that stay simpler, as long as it still fails in the same way.
fn shrink(mut script: Vec<Step>, left_out: LeftOut) -> Vec<Step> {
    let Some((steps, wrong)) = failure(&script, left_out) else { return script };
    script.truncate(steps);
    let still_fails = |script: &[Step]| failure(script, left_out).is_some_and(|(_, now)| now.what == wrong.what);
    // What is simpler may need less, so as long as something can go, more is tried.
    loop {
        let before = script.len();
        script = with_simpler_steps(with_fewer_steps(script, &still_fails), &still_fails);
        if script.len() == before {
            return script;
        }
    }
}

fn with_fewer_steps(mut script: Vec<Step>, still_fails: &impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut index = 0;
    while index < script.len() {
        let (before, after) = (&script[..index], &script[index + 1..]);
        let without = [before, after].concat();
        let renumbered = before.iter().cloned().chain(after.iter().map(about_the_one_before)).collect();
        match [without, renumbered].into_iter().find(|script| still_fails(script)) {
            Some(shorter) => script = shorter,
            None => index += 1,
        }
    }
    script
}

fn with_simpler_steps(mut script: Vec<Step>, still_fails: &impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut index = 0;
    while index < script.len() {
        let simpler = simpler(&script[index]).into_iter().map(|step| {
            let mut with = script.clone();
            with[index] = step;
            with
        });
        match simpler.into_iter().find(|script| still_fails(script)) {
            Some(simpler) => script = simpler,
            None => index += 1,
        }
    }
    script
}

fn show(script: &[Step]) -> String {
    script.iter().map(|step| format!("{step:?}")).collect::<Vec<_>>().join("\n")
}

fn script(seed: u64, steps: usize, range: Range<'_>) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..steps).map(|_| step(&mut random, range)).collect()
}

/// Runs scripts until `commands` commands were planned.
fn search(first_seed: u64, steps: usize, commands: u64) -> Tally {
    let mut tally = Tally::default();
    let mut seed = first_seed;
    while tally.commands < commands {
        let steps = script(seed, steps, Range::ALL);
        let mut world = World::new(LeftOut::Nothing);
        let run = steps.iter().try_for_each(|step| world.run(step, &mut tally)).and_then(|()| world.check_replay());
        if let Err(wrong) = run {
            let script = shrink(steps, LeftOut::Nothing);
            panic!("seed {seed}: {}\n{}", failure(&script, LeftOut::Nothing).map_or(wrong, |(_, wrong)| wrong), show(&script));
        }
        seed += 1;
    }
    tally
}

/// How many commands each of the ten searches plans: five million together where the tests are built with
/// `LARDER_TEST_ALL_ORDERS`, else a tenth of that.
const COMMANDS: u64 = if option_env!("LARDER_TEST_ALL_ORDERS").is_some() { 500_000 } else { 50_000 };

/// Declares the tenths of the search, so that they run side by side.
macro_rules! tenths {
    ($($name:ident: seeds from $seed:literal, scripts of $steps:literal steps;)+) => {
        $(
            #[test]
            fn $name() {
                let tally = search($seed, $steps, COMMANDS);
                println!("seeds from {}: {tally:#?}", $seed);
                tally.assert_covers();
            }
        )+
    };
}

tenths!(
    random_commands_tenth_0: seeds from 0, scripts of 25 steps;
    random_commands_tenth_1: seeds from 1_000_000, scripts of 25 steps;
    random_commands_tenth_2: seeds from 2_000_000, scripts of 35 steps;
    random_commands_tenth_3: seeds from 3_000_000, scripts of 35 steps;
    random_commands_tenth_4: seeds from 4_000_000, scripts of 35 steps;
    random_commands_tenth_5: seeds from 5_000_000, scripts of 35 steps;
    random_commands_tenth_6: seeds from 6_000_000, scripts of 40 steps;
    random_commands_tenth_7: seeds from 7_000_000, scripts of 40 steps;
    random_commands_tenth_8: seeds from 8_000_000, scripts of 45 steps;
    random_commands_tenth_9: seeds from 9_000_000, scripts of 50 steps;
);
