//! The account of one item by one method: fed with its movements in effective order, it says what each pool is worth.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Instant;

use super::fifo::Fifo;
use super::last_price::LastPrice;
use super::movement::Movement;
use super::moving_average::MovingAverage;
use super::order::{Order, Step};
use super::periodic_average::{PeriodicAverage, PricePeriod};
use super::pool::Pool;
use super::record::Record;

/// A method of costing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costing {
    Fifo,
    MovingAverage,
    PeriodicAverage(PricePeriod),
    LastPrice,
}

impl Costing {
    /// Whether movements are to come by business date first: a period ends at each site with its own day.
    pub fn goes_by_date(self) -> bool {
        matches!(self, Self::PeriodicAverage(_))
    }
}

/// What an account says of a pool, of what is asked about alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    pub quantity: i128,
    pub value: i128,
    /// What was used up so far, as the method priced it.
    pub issued: i128,
}

/// What a method keeps of one item.
pub trait Books {
    fn step(&mut self, step: Step, record: &mut Record);

    /// Ends what is still open.
    fn close(&mut self, _record: &mut Record) {}

    /// What so much of a pool is worth, of which the ledger says `actual`.
    fn worth(&self, pool: usize, quantity: i128, actual: i128) -> i128;
}

/// The account of one item.
pub struct Account {
    books: Box<dyn Books>,
    order: Order,
    record: Record,
    goes_by_date: bool,
    /// The movements of the instant that is still going on.
    instant: Vec<Movement>,
}

impl Account {
    pub fn open(costing: Costing, has_many_pools: bool) -> Self {
        let books: Box<dyn Books> = match costing {
            Costing::Fifo => Box::new(Running::<Fifo>::default()),
            Costing::MovingAverage => Box::new(Running::<MovingAverage>::default()),
            Costing::PeriodicAverage(period) => Box::new(PeriodicAverage::by(period)),
            Costing::LastPrice => Box::new(Running::<LastPrice>::default()),
        };
        Self { books, order: Order::of(has_many_pools), record: Record::default(), goes_by_date: costing.goes_by_date(), instant: Vec::new() }
    }

    /// The next movement: at no earlier instant than the one before it (on no earlier date, where the method goes by date).
    pub fn enter(&mut self, entry: Movement) {
        let when = |entry: &Movement| -> (Option<NaiveDate>, Instant) { (self.goes_by_date.then_some(entry.business_date), entry.at) };
        if self.instant.last().is_some_and(|last| when(last) != when(&entry)) {
            self.end_instant();
        }
        self.instant.push(entry);
    }

    fn end_instant(&mut self) {
        let entries = std::mem::take(&mut self.instant);
        for entry in &entries {
            self.record.count(entry);
        }
        for step in self.order.steps(entries) {
            self.books.step(step, &mut self.record);
        }
    }

    /// Ends the account; what each pool is worth.
    pub fn close(mut self) -> BTreeMap<usize, Worth> {
        self.end_instant();
        self.books.close(&mut self.record);
        let worth = |(pool, tally): (&usize, &super::record::Tally)| {
            let value = self.books.worth(*pool, tally.actual.quantity, tally.actual.value);
            (*pool, Worth { quantity: tally.actual.quantity, value, issued: tally.issued })
        };
        self.record.tallies.iter().map(worth).collect()
    }
}

/// The books of a method that prices every movement as it comes.
#[derive(Default)]
struct Running<P> {
    pools: BTreeMap<usize, P>,
}

impl<P: Pool> Running<P> {
    fn pool(&mut self, entry: &Movement) -> &mut P {
        self.pools.entry(entry.pool).or_default()
    }
}

impl<P: Pool> Books for Running<P> {
    fn step(&mut self, step: Step, record: &mut Record) {
        match step {
            Step::Receive(entry) => self.pool(&entry).receive(&entry, entry.value.into()),
            Step::Find(entry) => self.pool(&entry).find(&entry),
            Step::BringBack(entry) => {
                let value = record.bring_back(&entry).unwrap_or(entry.value.into());
                self.pool(&entry).bring_back(&entry, value);
            }
            Step::Revalue(entry) => self.pool(&entry).revalue(&entry),
            Step::Move { out, into } => {
                let value = self.pool(&out).take(&out);
                self.pool(&into).receive(&into, value);
            }
            Step::Take(entry) => {
                let value = self.pool(&entry).take(&entry);
                record.left(&entry, value);
            }
        }
    }

    fn worth(&self, pool: usize, quantity: i128, actual: i128) -> i128 {
        self.pools.get(&pool).map_or(0, |pool| pool.worth(quantity, actual))
    }
}
