//! A search over random histories of an item: every method against a model that is kept in the simplest way there is, and
//! against what must hold whatever the numbers. A failing history is told by its seed.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kernel::Instant;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng};
use uuid::Uuid;

use super::account::Worth;
use super::movement::{Movement, Paid};
use super::{Account, Costing, PricePeriod};
use crate::ledger::EntryKind as Kind;

const METHODS: [Costing; 5] =
    [Costing::Fifo, Costing::MovingAverage, Costing::PeriodicAverage(PricePeriod::Day), Costing::PeriodicAverage(PricePeriod::Month), Costing::LastPrice];
const POOLS: usize = 3;

/// What a history is made of.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others")]
struct Mix {
    transfers: bool,
    gains: bool,
    costs: bool,
    reversals_later: bool,
    reversals_at_once: bool,
}

/// A history under construction: always such that no pool ever gives what it does not have.
struct History {
    random: StdRng,
    entries: Vec<Movement>,
    on_hand: [i64; POOLS],
    at: Instant,
    documents: u128,
}

fn start() -> Instant {
    Instant::parse("2026-01-30T00:00:00Z").expect("a time")
}

impl History {
    fn of(seed: u64, steps: usize, mix: Mix) -> Vec<Movement> {
        let mut history = Self { random: StdRng::seed_from_u64(seed), entries: Vec::new(), on_hand: [0; POOLS], at: start(), documents: 0 };
        for _ in 0..steps {
            history.step(mix);
        }
        history.entries
    }

    fn step(&mut self, mix: Mix) {
        if self.random.random_bool(0.6) {
            self.at = self.at.plus(TimeDelta::minutes(self.random.random_range(1..600)));
        }
        let pool = self.random.random_range(0..POOLS);
        let size = if self.random.random_bool(0.5) { self.random.random_range(1..=5) } else { self.random.random_range(1..=2_000) };
        match self.random.random_range(0..100) {
            0..35 => {
                let value = size * self.random.random_range(0..=40);
                let paid = (value > 0).then_some(Paid { quantity: size, value });
                let document = self.document();
                self.enter(Movement { paid, ..self.movement(Kind::Receipt, document, pool, size, value) });
            }
            35..45 if mix.transfers => {
                let into = self.random.random_range(0..POOLS);
                let size = size.min(self.on_hand[pool]);
                if size > 0 {
                    let document = self.document();
                    let value = self.random.random_range(0..=size * 40);
                    self.enter(self.movement(Kind::TransferOut, document, pool, -size, -value));
                    self.enter(self.movement(Kind::TransferIn, document, into, size, value));
                }
            }
            45..50 if mix.gains => {
                let value = size * self.random.random_range(0..=40);
                let document = self.document();
                self.enter(self.movement(Kind::Gain, document, pool, size, value));
            }
            50..55 if mix.costs => {
                let value = self.random.random_range(-3_000..=3_000);
                let document = self.document();
                self.enter(self.movement(Kind::CostAdjust, document, pool, 0, value));
            }
            55..62 if mix.reversals_later => self.reverse_later(),
            _ => {
                let all = self.random.random_bool(0.2);
                let size = if all { self.on_hand[pool] } else { size.min(self.on_hand[pool]) };
                if size > 0 {
                    let kind = [Kind::Waste, Kind::Usage, Kind::CountLoss, Kind::TransformationIn][self.random.random_range(0..4)];
                    let document = self.document();
                    let value = self.random.random_range(0..=size * 40);
                    self.enter(self.movement(kind, document, pool, -size, -value));
                }
            }
        }
        if mix.reversals_at_once && self.random.random_bool(0.1) {
            self.reverse_at_once();
        }
    }

    fn document(&mut self) -> Uuid {
        self.documents += 1;
        Uuid::from_u128(self.documents)
    }

    fn movement(&self, kind: Kind, document: Uuid, pool: usize, quantity: i64, value: i64) -> Movement {
        Movement {
            seq: 0,
            at: self.at,
            business_date: self.at.utc().date_naive(),
            kind,
            document,
            undoes: None,
            is_undone: false,
            location: Uuid::from_u128(pool as u128),
            lot: Uuid::from_u128(7),
            pool,
            shown: true,
            quantity,
            value,
            paid: None,
        }
    }

    fn enter(&mut self, entry: Movement) {
        self.on_hand[entry.pool] += entry.quantity;
        let seq = i64::try_from(self.entries.len() + 1).expect("a number");
        self.entries.push(Movement { seq, ..entry });
    }

    /// Undoes an earlier document of any kind now, where the goods for it are there.
    fn reverse_later(&mut self) {
        let candidates: Vec<Uuid> = self.entries.iter().filter(|entry| Self::can_be_undone(entry) && entry.at < self.at).map(|entry| entry.document).collect();
        if candidates.is_empty() {
            return;
        }
        let document = candidates[self.random.random_range(0..candidates.len())];
        self.reverse(document);
    }

    fn reverse_at_once(&mut self) {
        let last = self.entries.last().filter(|entry| Self::can_be_undone(entry) && entry.at == self.at).map(|entry| entry.document);
        if let Some(document) = last {
            self.reverse(document);
        }
    }

    fn can_be_undone(entry: &Movement) -> bool {
        !entry.is_undone && entry.quantity != 0 && !matches!(entry.kind, Kind::Reversal | Kind::CostAdjust)
    }

    fn reverse(&mut self, document: Uuid) {
        let undone: Vec<Movement> = self.entries.iter().filter(|entry| entry.document == document).copied().collect();
        let mut after = self.on_hand;
        for entry in &undone {
            after[entry.pool] -= entry.quantity;
        }
        if after.iter().any(|on_hand| *on_hand < 0) {
            return;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.document == document) {
            entry.is_undone = true;
        }
        let reversal = self.document();
        for entry in undone {
            let negated = self.movement(Kind::Reversal, reversal, entry.pool, -entry.quantity, -entry.value);
            self.enter(Movement { undoes: Some(document), ..negated });
        }
    }
}

fn account(costing: Costing, entries: &[Movement], has_many_pools: bool) -> BTreeMap<usize, Worth> {
    let mut account = Account::open(costing, has_many_pools);
    let pool = |entry: &Movement| if has_many_pools { entry.pool } else { 0 };
    for entry in entries {
        account.enter(Movement { pool: pool(entry), ..*entry });
    }
    account.close()
}

/// The sole pool's worth.
fn sole(costing: Costing, entries: &[Movement]) -> Worth {
    account(costing, entries, false).get(&0).copied().unwrap_or_default()
}

/// Every history of a mix: of short and of long ones, in all about `movements` movements.
fn search(mix: Mix, movements: usize, check: impl Fn(&[Movement]) -> Result<(), String>) {
    let (mut read, mut seed) = (0, 0);
    while read < movements {
        let steps = [3, 8, 40, 150][usize::try_from(seed % 4).expect("a number")];
        let entries = History::of(seed, steps, mix);
        if let Err(failure) = check(&entries) {
            let shown = if entries.len() <= 12 { format!("{entries:#?}") } else { format!("{} movements", entries.len()) };
            panic!("seed {seed} of {mix:?}: {failure}\n{shown}");
        }
        (read, seed) = (read + entries.len(), seed + 1);
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}

fn half_away(value: i128, part: i128, whole: i128) -> i128 {
    (2 * value * part + whole) / (2 * whole)
}

/// The entries in the order of the rule: instant, inbound, outbound, sequence number.
fn ordered(entries: &[Movement]) -> Vec<Movement> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| (entry.at, entry.quantity < 0, entry.seq));
    entries
}

/// Value on hand and value issued, by an average that is worked out anew at every step.
fn simple_moving_average(entries: &[Movement]) -> (i128, i128) {
    let (mut quantity, mut value, mut issued) = (0_i128, 0_i128, 0_i128);
    for entry in ordered(entries) {
        let moved = match entry.kind {
            Kind::Receipt => entry.value.into(),
            _ if quantity + i128::from(entry.quantity) == 0 => -value,
            _ => -half_away(value, (-entry.quantity).into(), quantity),
        };
        quantity += i128::from(entry.quantity);
        value += moved;
        issued -= if entry.is_issue() { moved } else { 0 };
    }
    (value, issued)
}

/// The same by a queue in which every millionth stands with what it cost (prices here are whole millionths for a millionth).
fn simple_fifo(entries: &[Movement]) -> (i128, i128) {
    let mut queue = std::collections::VecDeque::new();
    let mut issued = 0;
    for entry in ordered(entries) {
        if entry.quantity > 0 {
            queue.extend((0..entry.quantity).map(|_| i128::from(entry.value / entry.quantity)));
        } else {
            let value: i128 = queue.drain(..usize::try_from(-entry.quantity).expect("a number")).sum();
            issued += if entry.is_issue() { value } else { 0 };
        }
    }
    (queue.iter().sum(), issued)
}

/// The same by one price for each day.
fn simple_daily_average(entries: &[Movement]) -> (i128, i128) {
    let mut days: BTreeMap<_, Vec<Movement>> = BTreeMap::new();
    for entry in ordered(entries) {
        days.entry(entry.business_date).or_default().push(entry);
    }
    let (mut quantity, mut value, mut issued) = (0_i128, 0_i128, 0_i128);
    for day in days.values() {
        for entry in day.iter().filter(|entry| entry.quantity > 0) {
            (quantity, value) = (quantity + i128::from(entry.quantity), value + i128::from(entry.value));
        }
        let (of, priced) = (quantity, value);
        for entry in day.iter().filter(|entry| entry.quantity < 0) {
            let size = i128::from(-entry.quantity);
            let left = if size == quantity { value } else { half_away(priced, size, of).min(value) };
            (quantity, value) = (quantity - size, value - left);
            issued += if entry.is_issue() { left } else { 0 };
        }
    }
    (value, issued)
}

/// The same by the last price paid.
fn simple_last_price(entries: &[Movement]) -> (i128, i128) {
    let (mut quantity, mut actual, mut issued, mut last) = (0_i128, 0_i128, 0_i128, None::<Paid>);
    for entry in ordered(entries) {
        quantity += i128::from(entry.quantity);
        actual += i128::from(entry.value);
        last = entry.paid.or(last);
        if entry.is_issue() {
            let size = i128::from(-entry.quantity);
            issued += last.map_or(-i128::from(entry.value), |paid| half_away(paid.value.into(), size, paid.quantity.into()));
        }
    }
    (last.map_or(actual, |paid| half_away(paid.value.into(), quantity, paid.quantity.into())), issued)
}

/// A method kept in the simplest way: value on hand and value issued.
type Model = fn(&[Movement]) -> (i128, i128);

#[test]
fn receipts_and_issues_are_valued_as_by_the_simplest_models() {
    search(Mix::default(), 200_000, |entries| {
        let models: [(Costing, Model); 4] = [
            (Costing::MovingAverage, simple_moving_average),
            (Costing::Fifo, simple_fifo),
            (Costing::PeriodicAverage(PricePeriod::Day), simple_daily_average),
            (Costing::LastPrice, simple_last_price),
        ];
        for (costing, model) in models {
            let worth = sole(costing, entries);
            same(&format!("{costing:?}"), (worth.value, worth.issued), model(entries))?;
        }
        Ok(())
    });
}

/// Whatever happens: the quantity is the ledger's, no value is negative, and none lies on nothing.
#[test]
fn every_pool_holds_what_the_ledger_says_and_never_less_than_nothing() {
    let mix = Mix { transfers: true, gains: true, costs: true, reversals_later: true, reversals_at_once: true };
    search(mix, 200_000, |entries| {
        for (costing, many) in METHODS.into_iter().flat_map(|costing| [(costing, false), (costing, true)]) {
            let mut quantities: BTreeMap<usize, i128> = BTreeMap::new();
            for entry in entries {
                *quantities.entry(if many { entry.pool } else { 0 }).or_default() += i128::from(entry.quantity);
            }
            for (pool, worth) in account(costing, entries, many) {
                same(&format!("{costing:?} in {pool}"), worth.quantity, quantities[&pool])?;
                // What nobody paid for has the ledger's own value, which these histories make up.
                let is_made_up = costing == Costing::LastPrice;
                if !is_made_up && (worth.value < 0 || (worth.quantity == 0 && worth.value != 0)) {
                    return Err(format!("{costing:?} has {worth:?} in {pool}"));
                }
            }
        }
        Ok(())
    });
}

/// What came in is there or was taken, to the millionth: by each method, in one pool and in several, with all that goes between.
#[test]
fn nothing_is_lost_and_nothing_is_made() {
    search(Mix { transfers: true, reversals_at_once: true, ..Mix::default() }, 200_000, |entries| {
        for costing in [Costing::Fifo, Costing::MovingAverage, Costing::PeriodicAverage(PricePeriod::Day), Costing::PeriodicAverage(PricePeriod::Month)] {
            // Everything that leaves is told as issued.
            let entries: Vec<Movement> =
                entries.iter().map(|entry| Movement { kind: if entry.kind == Kind::TransformationIn { Kind::Waste } else { entry.kind }, ..*entry }).collect();
            let live = entries.iter().filter(|entry| entry.kind == Kind::Receipt && !entry.is_undone);
            let came: i128 = live.map(|entry| i128::from(entry.value)).sum();
            for many in [false, true] {
                let sum: i128 = account(costing, &entries, many).values().map(|worth| worth.value + worth.issued).sum();
                same(&format!("{costing:?} in {}", if many { "several pools" } else { "one pool" }), sum, came)?;
            }
        }
        Ok(())
    });
}

#[test]
fn what_is_undone_at_its_own_instant_never_happened() {
    let mix = Mix { transfers: true, gains: true, reversals_at_once: true, ..Mix::default() };
    search(mix, 200_000, |entries| {
        let without: Vec<Movement> = entries.iter().filter(|entry| !entry.is_undone && entry.undoes.is_none()).copied().collect();
        let worth = |costing, entries: &[Movement], many| -> Vec<Worth> {
            account(costing, entries, many).into_values().filter(|worth| *worth != Worth::default()).collect()
        };
        for (costing, many) in METHODS.into_iter().flat_map(|costing| [(costing, false), (costing, true)]) {
            same(&format!("{costing:?}"), worth(costing, entries, many), worth(costing, &without, many))?;
        }
        Ok(())
    });
}

#[test]
fn what_is_moved_within_the_tenant_changes_nothing_for_it() {
    search(Mix { transfers: true, gains: true, costs: true, reversals_later: true, ..Mix::default() }, 100_000, |entries| {
        let moved: Vec<Uuid> = entries.iter().filter(|entry| entry.kind == Kind::TransferOut).map(|entry| entry.document).collect();
        let is_move = |entry: &&Movement| moved.contains(&entry.document) || entry.undoes.is_some_and(|undone| moved.contains(&undone));
        let without: Vec<Movement> = entries.iter().filter(|entry| !is_move(entry)).copied().collect();
        for costing in METHODS {
            same(&format!("{costing:?}"), sole(costing, entries), sole(costing, &without))?;
        }
        Ok(())
    });
}

#[test]
fn in_which_order_one_instant_is_read_makes_no_difference() {
    let mix = Mix { transfers: true, gains: true, costs: true, reversals_later: true, reversals_at_once: true };
    search(mix, 100_000, |entries| {
        let mut shuffled = entries.to_vec();
        shuffled.shuffle(&mut StdRng::seed_from_u64(1));
        shuffled.sort_by_key(|entry| entry.at);
        for (costing, many) in METHODS.into_iter().flat_map(|costing| [(costing, false), (costing, true)]) {
            same(&format!("{costing:?}"), account(costing, &shuffled, many), account(costing, entries, many))?;
        }
        Ok(())
    });
}

/// A loss that is undone on a later day: the goods are back with what left, and nothing counts as issued.
#[test]
fn what_left_and_came_back_was_not_issued() {
    search(Mix { reversals_later: true, ..Mix::default() }, 100_000, |entries| {
        for costing in METHODS {
            let issues = entries.iter().filter(|entry| entry.is_issue() && !entry.is_undone).count();
            let worth = sole(costing, entries);
            if issues == 0 {
                same(&format!("{costing:?} issued"), worth.issued, 0)?;
            }
            if worth.issued < 0 {
                return Err(format!("{costing:?} issued {}", worth.issued));
            }
        }
        Ok(())
    });
}
