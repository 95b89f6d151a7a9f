//! Last price: everything at what was last paid for it. No book value, but what it would cost to buy it again.

use super::movement::{Movement, Paid};
use super::pool::{Holding, Pool};
use super::share::share;
use crate::names::DocumentId;

/// A pool at the last price paid. What nobody ever paid for is worth what its lots cost.
#[derive(Debug, Default)]
pub struct LastPrice {
    /// By the ledger's own values.
    actual: Holding,
    /// The last price, and those before it that count again where the later ones are undone.
    prices: Vec<(DocumentId, Paid)>,
}

impl LastPrice {
    fn price(&self) -> Option<Paid> {
        self.prices.last().map(|(_, paid)| *paid)
    }
}

impl Paid {
    /// What so much costs at this price.
    fn of(self, quantity: i128) -> i128 {
        share(self.value.into(), quantity, self.quantity.into())
    }
}

impl Pool for LastPrice {
    fn receive(&mut self, entry: &Movement, _: i128) {
        self.actual.add(entry.size(), entry.value.into());
        let Some(paid) = entry.paid else { return };
        if !entry.is_undone {
            self.prices.clear();
        }
        self.prices.push((entry.document, paid));
    }

    fn revalue(&mut self, entry: &Movement) {
        self.actual.add(entry.quantity.into(), entry.value.into());
    }

    fn take(&mut self, entry: &Movement) -> i128 {
        let value = self.price().map_or(-i128::from(entry.value), |paid| paid.of(entry.size()));
        self.actual.add(entry.quantity.into(), entry.value.into());
        if let Some(undone) = entry.undoes {
            self.prices.retain(|(document, _)| *document != undone);
        }
        value
    }

    fn holding(&self) -> Holding {
        Holding { quantity: self.actual.quantity, value: self.worth(self.actual.quantity, self.actual.value) }
    }

    fn worth(&self, quantity: i128, actual: i128) -> i128 {
        self.price().map_or(actual, |paid| paid.of(quantity.max(0)))
    }
}
