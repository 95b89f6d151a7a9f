//! A search over random scripts: the pure core against an account of its own that is kept in the simplest way there is, the
//! list of all entries. A million commands at random times, with periods closed in between. A failing script is cut down to
//! what is needed before it is shown, with its seed.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use kernel::Instant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use uuid::Uuid;

use super::command::{Charge, Command, Price, ReceiveLine, WasteLine, Work};
use super::effects::{Effects, EntryKind};
use super::facts::{Holding, ItemRules, Key, Later, Lot, Place, Snapshot};
use super::{Basis, Refusal, plan};
use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::names::{DateKind, Pick};

#[derive(Clone, Debug)]
enum Step {
    /// Lines of (item, quantity, price of the line, days to expiry), and a charge.
    Receive { at: i64, lines: Vec<(u8, i64, i64, Option<i64>)>, charge: i64 },
    /// Lines of (item, quantity, the nth lot of that item by name).
    Waste { at: i64, lines: Vec<(u8, i64, Option<usize>)> },
    /// Closes everything through a day, counted from the first.
    Close { day: i64 },
}

/// Hours from the beginning of a world that lasts ten days.
const HOURS: i64 = 240;

fn instant(hour: i64) -> Instant {
    Instant::parse("2026-03-25T00:00:00Z").expect("a time").plus(TimeDelta::hours(hour))
}

fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 64 | number)
}

fn item(number: u8) -> ItemRules {
    let pick = [Pick::Fefo, Pick::Fifo, Pick::Manual][usize::from(number % 3)];
    ItemRules { id: id(1, number.into()), pick, track_lots: false, track_expiry: false, date_kind: DateKind::UseBy, shelf_life_days: None }
}

fn step(random: &mut StdRng) -> Step {
    let at = random.random_range(0..HOURS);
    let quantity = |random: &mut StdRng| if random.random_bool(0.5) { random.random_range(1..=9) } else { random.random_range(1..=3_000_000) };
    match random.random_range(0..100) {
        0..45 => {
            let expiry = |random: &mut StdRng| random.random_bool(0.7).then(|| random.random_range(0..4));
            let line = |random: &mut StdRng| (random.random_range(0..3), quantity(random), random.random_range(0..200), expiry(random));
            Step::Receive { at, lines: (0..random.random_range(1..4)).map(|_| line(random)).collect(), charge: random.random_range(0..3) * 7 }
        }
        45..98 => {
            let lot = |random: &mut StdRng| random.random_bool(0.3).then(|| random.random_range(0..6));
            let line = |random: &mut StdRng| (random.random_range(0..3), quantity(random), lot(random));
            Step::Waste { at, lines: (0..random.random_range(1..4)).map(|_| line(random)).collect() }
        }
        _ => Step::Close { day: at / 48 },
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    at: Instant,
    quantity: i64,
    value: i64,
    inbound: bool,
}

struct World {
    days: SiteDays,
    location: Uuid,
    closed_through: Option<NaiveDate>,
    lots: BTreeMap<Uuid, Lot>,
    basis: BTreeMap<Uuid, (i64, i64)>,
    balances: BTreeMap<Place, Holding>,
    entries: Vec<Entry>,
    /// Whether the last step was posted.
    posted: bool,
}

impl World {
    fn new() -> Self {
        let days = SiteDays { zone: chrono_tz::Europe::Paris, starts_at: NaiveTime::from_hms_opt(4, 0, 0).expect("a time") };
        Self {
            days,
            location: id(2, 1),
            closed_through: None,
            lots: BTreeMap::new(),
            basis: BTreeMap::new(),
            balances: BTreeMap::new(),
            entries: Vec::new(),
            posted: false,
        }
    }

    fn snapshot(&self, at: Instant) -> Snapshot {
        let mut sums: BTreeMap<(Place, Instant), i64> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.at > at) {
            *sums.entry((entry.place, entry.at)).or_default() += entry.quantity;
        }
        let mut later: BTreeMap<Place, Vec<Later>> = BTreeMap::new();
        for ((place, at), quantity) in sums {
            later.entry(place).or_default().push(Later { at, quantity });
        }
        let holdings = self.balances.iter().filter(|(_, holding)| holding.quantity.0 > 0).map(|(place, holding)| (*place, *holding)).collect();
        Snapshot { now: instant(HOURS), closed_through: self.closed_through, lots: self.lots.clone(), holdings, later }
    }

    /// What can be taken from a place at a time, found by walking through all that ever happened there.
    fn takeable(&self, place: Place, at: Instant) -> i64 {
        let mut movements: Vec<&Entry> = self.entries.iter().filter(|entry| entry.place == place).collect();
        movements.sort_by_key(|entry| (entry.at, !entry.inbound));
        let (mut running, mut lowest) = (0, None::<i64>);
        let mut before = 0;
        for movement in &movements {
            running += movement.quantity;
            if movement.at <= at {
                before = running;
            } else {
                lowest = Some(lowest.map_or(running, |lowest| lowest.min(running)));
            }
        }
        lowest.map_or(before, |lowest| lowest.min(before)).max(0)
    }

    fn command(&self, step: &Step) -> Option<Command> {
        let (at, work) = match step {
            Step::Close { .. } => return None,
            Step::Receive { at, lines, charge } => {
                let line = |(index, (number, quantity, price, expiry)): (usize, &(u8, i64, i64, Option<i64>))| ReceiveLine {
                    item: item(*number),
                    lot: id(3, (self.lots.len() + index) as u128),
                    quantity: Quantity(*quantity),
                    price: Price::Total(Money(*price)),
                    discount: Money::ZERO,
                    confirm_zero: true,
                    batch_code: None,
                    expires_on: expiry.map(|days| instant(*at).plus(TimeDelta::days(days)).utc().date_naive()),
                    produced_on: None,
                    weight: None,
                };
                let charges = vec![Charge { amount: Money(*charge), basis: Basis::Value }];
                (*at, Work::Receive { lines: lines.iter().enumerate().map(line).collect(), charges })
            }
            Step::Waste { at, lines } => {
                let lot = |number: u8, nth: usize| self.lots.iter().filter(|(_, lot)| lot.item == item(number).id).nth(nth).map(|(id, _)| *id);
                let line = |(number, quantity, nth): &(u8, i64, Option<usize>)| WasteLine {
                    item: item(*number),
                    quantity: Quantity(*quantity),
                    lot: nth.and_then(|nth| lot(*number, nth)),
                    reason: id(4, 1),
                };
                (*at, Work::Waste { lines: lines.iter().map(line).collect() })
            }
        };
        Some(Command { effective_at: instant(at), days: self.days, location: self.location, work })
    }

    fn run(&mut self, step: &Step) -> Result<(), String> {
        self.posted = false;
        if let Step::Close { day } = step {
            let through = self.days.business_date(instant(day * 24));
            self.closed_through = Some(self.closed_through.map_or(through, |closed| closed.max(through)));
            return Ok(());
        }
        let Some(command) = self.command(step) else { return Ok(()) };
        let snapshot = self.snapshot(command.effective_at);
        match plan(&snapshot, &command) {
            Ok(effects) => {
                self.posted = true;
                self.check_picks(&command, &effects)?;
                self.apply(&command, &effects)?;
                self.check(&effects)
            }
            Err(Refusal::Insufficient(short)) => self.check_shortage(&command, &short),
            Err(Refusal::Lines(flaws)) => self.check_flaws(&command, &flaws),
            Err(Refusal::PeriodClosed { business_date, closed_through }) if business_date <= closed_through && self.closed_through == Some(closed_through) => {
                Ok(())
            }
            Err(other) => Err(format!("an unexpected refusal: {other:?}")),
        }
    }

    fn apply(&mut self, command: &Command, effects: &Effects) -> Result<(), String> {
        if self.closed_through.is_some_and(|closed| effects.business_date <= closed) {
            return Err("something got into a closed period (I11)".into());
        }
        for lot in &effects.lots {
            let origin = (i64::try_from(self.entries.len()).unwrap_or(0), lot.line_no);
            self.lots.insert(lot.id, Lot { item: lot.item, origin, received_at: lot.received_at, expires_on: lot.expires_on, cost_floor_at: lot.received_at });
            self.basis.insert(lot.id, (lot.basis_quantity.0, lot.basis_value.0));
        }
        for entry in &effects.entries {
            let inbound = entry.kind == EntryKind::Receipt;
            self.entries.push(Entry { place: entry.place, at: command.effective_at, quantity: entry.quantity.0, value: entry.value.0, inbound });
        }
        for balance in &effects.balances {
            if balance.exists != self.balances.contains_key(&balance.place) {
                return Err("a balance is updated that is not there, or inserted that is".into());
            }
            self.balances.insert(balance.place, balance.holding);
        }
        Ok(())
    }

    /// I1, I2 and I4 for what was touched.
    fn check(&self, effects: &Effects) -> Result<(), String> {
        for balance in &effects.balances {
            let place = balance.place;
            let holding = self.balances.get(&place).copied().unwrap_or_default();
            let mut movements: Vec<&Entry> = self.entries.iter().filter(|entry| entry.place == place).collect();
            let (quantity, value) = movements.iter().fold((0, 0), |(quantity, value), entry| (quantity + entry.quantity, value + entry.value));
            if (quantity, value) != (holding.quantity.0, holding.value.0) {
                return Err(format!("{place:?}: entries sum to {quantity}, {value}; the balance is {holding:?} (I1)"));
            }
            if quantity < 0 || value < 0 || (quantity == 0 && value != 0) {
                return Err(format!("{place:?} holds {quantity} worth {value} (I2)"));
            }
            movements.sort_by_key(|entry| (entry.at, !entry.inbound));
            let (mut quantity, mut value) = (0, 0);
            for (count, movement) in (1..).zip(&movements) {
                quantity += movement.quantity;
                value += movement.value;
                if quantity < 0 || (quantity == 0 && value.abs() > count) {
                    return Err(format!("{place:?} held {quantity} worth {value} at {} (I2)", movement.at));
                }
            }
            let of_lot = |entry: &&Entry| entry.place.lot == place.lot;
            let came: i64 = self.entries.iter().filter(of_lot).filter(|entry| entry.inbound).map(|entry| entry.value).sum();
            let went: i64 = self.entries.iter().filter(of_lot).filter(|entry| !entry.inbound).map(|entry| -entry.value).sum();
            let (_, basis) = self.basis.get(&place.lot).copied().unwrap_or_default();
            if came != basis || basis != holding.value.0 + went {
                return Err(format!("lot {}: origin {basis} is not {} on hand and {went} issued (I4)", place.lot, holding.value.0));
            }
        }
        Ok(())
    }

    /// The lots that an unnamed line may be taken from, in the order of the item, with what can be taken.
    fn eligible(&self, rules: ItemRules, at: Instant) -> Vec<(Place, i64)> {
        let mut lots: Vec<(&Uuid, &Lot)> = self.lots.iter().filter(|(_, lot)| lot.item == rules.id && lot.received_at <= at).collect();
        lots.sort_by(|(_, a), (_, b)| {
            let by_date = || match (a.expires_on, b.expires_on) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            let first = if rules.pick == Pick::Fefo { by_date() } else { std::cmp::Ordering::Equal };
            first.then(a.received_at.cmp(&b.received_at)).then(a.origin.cmp(&b.origin))
        });
        let place = |lot: Uuid| Place { key: Key { item: rules.id, location: self.location }, lot };
        lots.into_iter().map(|(id, _)| (place(*id), self.takeable(place(*id), at))).collect()
    }

    /// I16: an unnamed line takes all that can be taken of a lot before it touches the next.
    fn check_picks(&self, command: &Command, effects: &Effects) -> Result<(), String> {
        let Work::Waste { lines } = &command.work else { return Ok(()) };
        let mut taken: BTreeMap<Place, i64> = BTreeMap::new();
        for entry in &effects.entries {
            *taken.entry(entry.place).or_default() -= entry.quantity.0;
        }
        for (line_no, line) in (1..).zip(lines) {
            let of_line = || effects.entries.iter().filter(move |entry| entry.line_no == line_no);
            if of_line().map(|entry| -entry.quantity.0).sum::<i64>() != line.quantity.0 {
                return Err(format!("line {line_no} took another quantity than it asked for"));
            }
            if line.lot.is_some() {
                continue;
            }
            let order = self.eligible(line.item, command.effective_at);
            let last = of_line().filter_map(|entry| order.iter().position(|(place, _)| *place == entry.place)).max().unwrap_or(0);
            for (place, takeable) in order.iter().take(last) {
                if taken.get(place).copied().unwrap_or(0) < *takeable {
                    return Err(format!("line {line_no} skipped {place:?} (I16)"));
                }
            }
        }
        Ok(())
    }

    /// A line is refused for its lot only where that was received later, or had to be named.
    fn check_flaws(&self, command: &Command, flaws: &[super::refusal::LineFlaw]) -> Result<(), String> {
        let Work::Waste { lines } = &command.work else { return Err(format!("a receipt is refused: {flaws:?}")) };
        for flaw in flaws {
            let Some(line) = lines.get(flaw.line) else { return Err("a flaw of no line".into()) };
            let received_later = line.lot.and_then(|lot| self.lots.get(&lot)).is_some_and(|lot| lot.received_at > command.effective_at);
            let right = match flaw.code {
                "lot_not_received_yet" => received_later,
                "lot_required" => line.lot.is_none() && line.item.pick == Pick::Manual,
                _ => false,
            };
            if !right {
                return Err(format!("line {} is refused for {}", flaw.line, flaw.code));
            }
        }
        Ok(())
    }

    /// A line is refused only where it is really short, counting what the lines before it took.
    fn check_shortage(&self, command: &Command, short: &[super::refusal::ShortLine]) -> Result<(), String> {
        let Work::Waste { lines } = &command.work else { return Err("a receipt can't be short".into()) };
        let rules = |line: usize| lines.get(line).map(|line| line.item);
        for line in short {
            let Some(rules) = rules(line.line) else { return Err("a shortage of no line".into()) };
            let wanted: i64 = lines.iter().filter(|line| line.item.id == rules.id).map(|line| line.quantity.0).sum();
            let there: i64 = self.eligible(rules, command.effective_at).iter().map(|(_, takeable)| takeable).sum();
            let named_there =
                line.lot_id.map_or(i64::MAX, |lot| self.takeable(Place { key: Key { item: rules.id, location: self.location }, lot }, command.effective_at));
            if line.lot_id.is_none() && there >= wanted {
                return Err(format!("line {} is refused though {there} are there for {wanted}", line.line));
            }
            if line.available.0 > there.min(named_there) || line.requested.0 <= line.available.0 {
                return Err(format!("line {} says {:?}, there are {there}", line.line, line.available));
            }
        }
        Ok(())
    }
}

fn failure(script: &[Step]) -> Option<String> {
    let mut world = World::new();
    script.iter().find_map(|step| world.run(step).err())
}

/// Takes steps out one by one, as long as it still fails.
fn shrink(mut script: Vec<Step>) -> Vec<Step> {
    let mut index = 0;
    while index < script.len() {
        let mut shorter = script.clone();
        shorter.remove(index);
        if failure(&shorter).is_some() { script = shorter } else { index += 1 }
    }
    script
}

fn search(first_seed: u64, scripts: u64, steps: usize) {
    let mut posted = 0;
    for seed in first_seed..first_seed + scripts {
        let mut random = StdRng::seed_from_u64(seed);
        let script: Vec<Step> = (0..steps).map(|_| step(&mut random)).collect();
        let mut world = World::new();
        let mut fails = false;
        for step in &script {
            fails |= world.run(step).is_err();
            posted += u64::from(world.posted);
        }
        if fails {
            let script = shrink(script);
            panic!("seed {seed}: {}\n{script:#?}", failure(&script).unwrap_or_default());
        }
    }
    let all = scripts * u64::try_from(steps).expect("a number");
    assert!(posted > all / 3, "only {posted} of {all} commands were posted: the rest shows nothing but refusals");
}

/// Four quarters of a million, so that they run side by side.
#[test]
fn a_million_random_commands_first_quarter() {
    search(0, 10_000, 25);
}
#[test]
fn a_million_random_commands_second_quarter() {
    search(1_000_000, 5_000, 50);
}
#[test]
fn a_million_random_commands_third_quarter() {
    search(2_000_000, 2_500, 100);
}
#[test]
fn a_million_random_commands_fourth_quarter() {
    search(3_000_000, 2_500, 100);
}
