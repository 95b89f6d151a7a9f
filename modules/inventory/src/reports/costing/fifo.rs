//! First in, first out by date: what came in first leaves first, whichever lot was really taken.

use std::collections::VecDeque;

use super::movement::Movement;
use super::pool::{Holding, Pool};
use super::share::share;
use crate::names::LotId;

/// A pool as layers, the oldest first.
#[derive(Debug, Default)]
pub struct Fifo {
    layers: VecDeque<Layer>,
    holding: Holding,
}

/// What is left of one movement that came in.
#[derive(Debug)]
struct Layer {
    lot: LotId,
    rest: Holding,
}

impl Fifo {
    /// Takes the oldest layers first.
    fn take_oldest(&mut self, mut quantity: i128) -> i128 {
        let mut value = 0;
        while quantity > 0 {
            let Some(layer) = self.layers.front_mut() else { break };
            let part = quantity.min(layer.rest.quantity);
            value += layer.rest.take(part);
            quantity -= part;
            if layer.rest.quantity == 0 {
                self.layers.pop_front();
            }
        }
        value
    }

    /// Takes of the layers of a lot, as far as they go; answers how much and with which value.
    fn take_of_lot(&mut self, lot: LotId, quantity: i128) -> Holding {
        let mut taken = Holding::default();
        for layer in self.layers.iter_mut().filter(|layer| layer.lot == lot) {
            let part = (quantity - taken.quantity).min(layer.rest.quantity);
            taken.add(part, layer.rest.take(part));
        }
        self.layers.retain(|layer| layer.rest.quantity > 0);
        taken
    }

    /// Changes what the layers of a lot are worth, by quantity; those of all lots, where none of its own is left. No layer goes
    /// below nothing. Answers the change that was made.
    fn change(&mut self, lot: LotId, value: i128) -> i128 {
        let has_own = self.layers.iter().any(|layer| layer.lot == lot);
        let meant = |layer: &&mut Layer| !has_own || layer.lot == lot;
        let (mut quantity, mut left, mut changed) = (0, value, 0);
        for layer in self.layers.iter_mut().filter(meant) {
            quantity += layer.rest.quantity;
        }
        for layer in self.layers.iter_mut().filter(meant) {
            let part = share(left, layer.rest.quantity, quantity);
            (quantity, left) = (quantity - layer.rest.quantity, left - part);
            let part = part.max(-layer.rest.value);
            layer.rest.value += part;
            changed += part;
        }
        changed
    }
}

impl Pool for Fifo {
    fn receive(&mut self, entry: &Movement, value: i128) {
        let rest = Holding { quantity: entry.size(), value };
        self.layers.push_back(Layer { lot: entry.lot, rest });
        self.holding.add(rest.quantity, rest.value);
    }

    /// In front of all others: what left was the oldest, and so it is again.
    fn bring_back(&mut self, entry: &Movement, value: i128) {
        let rest = Holding { quantity: entry.size(), value };
        self.layers.push_front(Layer { lot: entry.lot, rest });
        self.holding.add(rest.quantity, rest.value);
    }

    /// A change belongs to the goods of its lot, as long as there are any. What a correction takes away is taken from them,
    /// too, and what it adds lies with them.
    fn revalue(&mut self, entry: &Movement) {
        let quantity = i128::from(entry.quantity);
        let mut change = i128::from(entry.value);
        if quantity > 0 {
            match self.layers.iter_mut().find(|layer| layer.lot == entry.lot) {
                Some(layer) => layer.rest.quantity += quantity,
                None => self.layers.push_back(Layer { lot: entry.lot, rest: Holding { quantity, value: 0 } }),
            }
        } else if quantity < 0 {
            let of_lot = self.take_of_lot(entry.lot, -quantity);
            let taken = of_lot.value + self.take_oldest(-quantity - of_lot.quantity);
            change += taken;
            self.holding.value -= taken;
        }
        self.holding.quantity += quantity;
        self.holding.value += self.change(entry.lot, change);
    }

    fn take(&mut self, entry: &Movement) -> i128 {
        let value = self.take_oldest(entry.size());
        self.holding.add(-entry.size(), -value);
        value
    }

    fn holding(&self) -> Holding {
        self.holding
    }
}
