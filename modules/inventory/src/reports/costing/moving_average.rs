//! Moving average: all that lies in a pool has one price, which changes with everything that comes in at another.

use super::movement::Movement;
use super::pool::{Holding, Pool};

/// A pool at its moving average.
#[derive(Debug, Default)]
pub struct MovingAverage(Holding);

impl Pool for MovingAverage {
    fn receive(&mut self, entry: &Movement, value: i128) {
        self.0.add(entry.size(), value);
    }

    /// At the average that there is, which therefore stays.
    fn find(&mut self, entry: &Movement) {
        let value = if self.0.quantity > 0 { self.0.worth(entry.size()) } else { entry.value.into() };
        self.0.add(entry.size(), value);
    }

    fn revalue(&mut self, entry: &Movement) {
        self.0.revalue(entry.quantity.into(), entry.value.into());
    }

    fn take(&mut self, entry: &Movement) -> i128 {
        self.0.take(entry.size())
    }

    fn holding(&self) -> Holding {
        self.0
    }
}
