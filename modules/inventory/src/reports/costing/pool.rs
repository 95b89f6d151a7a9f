//! What a method keeps of the goods of one pool.

use super::movement::Movement;
use super::share::share;

/// The goods of one item in one pool, by a method that prices every movement as it comes.
pub trait Pool: Default {
    /// Goods come in, worth `value`.
    fn receive(&mut self, entry: &Movement, value: i128);

    /// Goods are found in a count.
    fn find(&mut self, entry: &Movement) {
        self.receive(entry, entry.value.into());
    }

    /// Goods come back that left before, with the value that they left with.
    fn bring_back(&mut self, entry: &Movement, value: i128) {
        self.receive(entry, value);
    }

    /// The goods' cost changes, and with a correction how many there are.
    fn revalue(&mut self, entry: &Movement);

    /// Goods leave; answers the value that leaves with them.
    fn take(&mut self, entry: &Movement) -> i128;

    /// How much there is, and what all of it is worth.
    fn holding(&self) -> Holding;

    /// What a part of the pool is worth, of which the ledger itself says `actual`.
    fn worth(&self, quantity: i128, _actual: i128) -> i128 {
        self.holding().worth(quantity)
    }
}

/// A quantity and its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub quantity: i128,
    pub value: i128,
}

impl Holding {
    /// The value of so much of it, at its average.
    pub fn worth(self, quantity: i128) -> i128 {
        match quantity {
            _ if quantity == self.quantity => self.value,
            1.. if self.quantity > 0 => share(self.value, quantity, self.quantity),
            _ => 0,
        }
    }

    pub fn add(&mut self, quantity: i128, value: i128) {
        self.quantity += quantity;
        self.value += value;
    }

    /// Takes so much at the average; the last unit takes all that is left.
    pub fn take(&mut self, quantity: i128) -> i128 {
        let value = if quantity >= self.quantity { self.value } else { share(self.value, quantity, self.quantity) };
        self.add(-quantity, -value);
        value
    }

    /// Changes what it is worth, never below nothing, and never to something where there is nothing.
    pub fn revalue(&mut self, quantity: i128, value: i128) {
        self.quantity += quantity;
        self.value = if self.quantity > 0 { (self.value + value).max(0) } else { 0 };
    }
}
