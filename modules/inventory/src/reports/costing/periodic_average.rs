//! Periodic average: one price for all that leaves in a day or a month, whenever in it:
//! (opening value + value that came in) / (opening quantity + quantity that came in).
//!
//! In a period that is not over, the price is that of what came in so far. Found goods, and goods that come back in the period
//! in which they left, have that price and do not make it. What a pool sends to another leaves at its price and belongs to what
//! came in there: one equation for each pool. They are solved by putting in, from nothing on, which only rises: exact where goods
//! go in one direction, and as near as [`ROUNDS`] rounds come where they go to and fro. Whatever the rounds gave, what leaves
//! one pool is what arrives in the other.

use std::collections::{BTreeMap, HashSet};

use chrono::{Datelike, NaiveDate};

use super::account::Books;
use super::movement::Movement;
use super::order::Step;
use super::pool::Holding;
use super::record::Record;
use super::share::share;

crate::names::words!(
    /// How long one price holds.
    PricePeriod { Day = "day", Month = "month" }
);

impl PricePeriod {
    /// The first day of the period that a business date lies in.
    fn first_day(self, date: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => date,
            Self::Month => date.with_day(1).unwrap_or(date),
        }
    }
}

/// After how many rounds the prices of pools that send goods to and fro are taken as they are.
const ROUNDS: usize = 256;

/// The books of the periodic average.
#[derive(Debug)]
pub struct PeriodicAverage {
    period: PricePeriod,
    /// The first day of the period that is going on.
    current: Option<NaiveDate>,
    /// What happened in it.
    steps: Vec<Step>,
    /// What there was at its beginning.
    pools: BTreeMap<usize, Holding>,
}

impl PeriodicAverage {
    pub fn by(period: PricePeriod) -> Self {
        Self { period, current: None, steps: Vec::new(), pools: BTreeMap::new() }
    }
}

impl Step {
    fn date(&self) -> NaiveDate {
        let (Self::Receive(entry) | Self::Find(entry) | Self::BringBack(entry) | Self::Revalue(entry) | Self::Move { out: entry, .. } | Self::Take(entry)) =
            self;
        entry.business_date
    }
}

impl Books for PeriodicAverage {
    fn step(&mut self, step: Step, record: &mut Record) {
        let period = self.period.first_day(step.date());
        if self.current.is_some_and(|current| current != period) {
            self.close(record);
        }
        self.current = Some(period);
        self.steps.push(step);
    }

    fn close(&mut self, record: &mut Record) {
        let steps = std::mem::take(&mut self.steps);
        let mut made = Made::by(&self.pools, &steps, record);
        made.solve();
        self.pools = made.apply(&steps, record);
    }

    fn worth(&self, pool: usize, quantity: i128, _: i128) -> i128 {
        self.pools.get(&pool).map_or(0, |holding| holding.worth(quantity))
    }
}

/// What makes the prices of a period.
#[derive(Debug, Default)]
struct Made {
    /// What each pool began with, and what came in from elsewhere than another pool.
    basis: BTreeMap<usize, Holding>,
    /// The sum of the cost changes of each pool.
    changes: BTreeMap<usize, i128>,
    /// What goes from one pool to another in the period.
    flows: BTreeMap<(usize, usize), Holding>,
    /// The sequence numbers of what came in without making the price.
    unpriced: HashSet<i64>,
}

impl Made {
    fn by(opening: &BTreeMap<usize, Holding>, steps: &[Step], record: &mut Record) -> Self {
        let mut made = Self { basis: opening.clone(), ..Self::default() };
        let mut taken = HashSet::new();
        for step in steps {
            match step {
                Step::Receive(entry) => made.receive(entry, entry.value.into()),
                Step::Revalue(entry) => {
                    made.basis.entry(entry.pool).or_default().quantity += i128::from(entry.quantity);
                    *made.changes.entry(entry.pool).or_default() += i128::from(entry.value);
                }
                Step::Move { out, into } => made.flows.entry((out.pool, into.pool)).or_default().quantity += out.size(),
                Step::Take(entry) => {
                    taken.insert((Some(entry.document), entry.location, entry.lot));
                }
                Step::BringBack(entry) if taken.contains(&(entry.undoes, entry.location, entry.lot)) => {
                    made.unpriced.insert(entry.seq);
                }
                Step::BringBack(entry) => {
                    let value = record.bring_back(entry).unwrap_or(entry.value.into());
                    made.receive(entry, value);
                }
                Step::Find(entry) => {
                    made.unpriced.insert(entry.seq);
                }
            }
        }
        made.price_what_is_found_alone(steps);
        made
    }

    fn receive(&mut self, entry: &Movement, value: i128) {
        self.basis.entry(entry.pool).or_default().add(entry.size(), value);
    }

    /// Where a pool has nothing but what was found, that has the ledger's rate.
    fn price_what_is_found_alone(&mut self, steps: &[Step]) {
        let found = steps.iter().filter_map(|step| if let Step::Find(entry) = step { Some(entry) } else { None });
        let alone: Vec<&Movement> = found.filter(|entry| self.total(entry.pool).quantity <= 0).collect();
        for entry in alone {
            self.unpriced.remove(&entry.seq);
            self.receive(entry, entry.value.into());
        }
    }

    /// All that makes the price of a pool.
    fn total(&self, pool: usize) -> Holding {
        let mut total = self.basis.get(&pool).copied().unwrap_or_default();
        for (_, flow) in self.flows.iter().filter(|((_, into), _)| *into == pool) {
            total.add(flow.quantity, flow.value);
        }
        total.revalue(0, self.changes.get(&pool).copied().unwrap_or(0));
        total
    }

    /// Finds the value of what goes between the pools.
    fn solve(&mut self) {
        let pairs: Vec<(usize, usize)> = self.flows.keys().copied().collect();
        for _ in 0..ROUNDS {
            let mut is_solved = true;
            for pair in &pairs {
                let total = self.total(pair.0);
                let Some(flow) = self.flows.get_mut(pair) else { continue };
                let value = at_price_of(total, flow.quantity);
                is_solved &= value == flow.value;
                flow.value = value;
            }
            if is_solved {
                return;
            }
        }
    }

    /// Goes through the period with its prices; what there is at its end.
    fn apply(mut self, steps: &[Step], record: &mut Record) -> BTreeMap<usize, Holding> {
        let pools: HashSet<usize> = self.basis.keys().copied().chain(self.flows.keys().flat_map(|(out, into)| [*out, *into])).collect();
        let prices: BTreeMap<usize, Holding> = pools.into_iter().map(|pool| (pool, self.total(pool))).collect();
        let mut rest = prices.clone();
        let price = |entry: &Movement| at_price_of(prices.get(&entry.pool).copied().unwrap_or_default(), entry.size());
        for step in steps {
            match step {
                Step::Take(entry) => {
                    let value = take(rest.entry(entry.pool).or_default(), entry.size(), price(entry));
                    record.left(entry, value);
                }
                Step::Move { out, into } => {
                    let planned = self.flows.get_mut(&(out.pool, into.pool)).map_or(0, |flow| flow.take(out.size()));
                    let value = take(rest.entry(out.pool).or_default(), out.size(), planned);
                    rest.entry(into.pool).or_default().revalue(0, value - planned);
                }
                Step::Find(entry) if self.unpriced.contains(&entry.seq) => rest.entry(entry.pool).or_default().add(entry.size(), price(entry)),
                Step::BringBack(entry) if self.unpriced.contains(&entry.seq) => {
                    let value = record.bring_back(entry).unwrap_or_else(|| price(entry));
                    rest.entry(entry.pool).or_default().add(entry.size(), value);
                }
                Step::Receive(_) | Step::Revalue(_) | Step::Find(_) | Step::BringBack(_) => {}
            }
        }
        rest
    }
}

/// What so much costs at the price that a pool has; nothing where it has none.
fn at_price_of(total: Holding, quantity: i128) -> i128 {
    if total.quantity > 0 { share(total.value, quantity, total.quantity) } else { 0 }
}

/// Takes so much at a value that was worked out, all of what is left with the last unit, and never more than there is.
fn take(rest: &mut Holding, quantity: i128, value: i128) -> i128 {
    let value = if quantity >= rest.quantity { rest.value } else { value.min(rest.value) };
    rest.add(-quantity, -value);
    value
}
