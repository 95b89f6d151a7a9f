//! Each rule of the methods by an example that can be followed on paper. Quantities and values are millionths.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use kernel::Instant;
use uuid::Uuid;

use super::movement::{Movement, Paid};
use super::{Account, Costing, PricePeriod, Worth};
use crate::ledger::EntryKind as Kind;

const ALL: [Costing; 5] = [Costing::Fifo, Costing::MovingAverage, DAY, MONTH, Costing::LastPrice];
const AVERAGES: [Costing; 3] = [Costing::MovingAverage, DAY, MONTH];
const DAY: Costing = Costing::PeriodicAverage(PricePeriod::Day);
const MONTH: Costing = Costing::PeriodicAverage(PricePeriod::Month);

/// A history that is written down line by line, a day apart where nothing else is said.
#[derive(Default)]
struct History {
    entries: Vec<Movement>,
    day: i64,
}

impl History {
    /// The entry of a document of its own, on the next day.
    fn then(mut self, kind: Kind, quantity: i64, value: i64) -> Self {
        self.day += 1;
        self.with(kind, quantity, value)
    }

    /// The entry of a document of its own, at the instant of the last one.
    fn with(mut self, kind: Kind, quantity: i64, value: i64) -> Self {
        let start = Instant::parse("2026-11-01T12:00:00Z").expect("a time");
        let at = start.plus(TimeDelta::days(self.day));
        let number = self.entries.len() + 1;
        let id = Uuid::from_u128(number as u128);
        let paid = (kind == Kind::Receipt && value > 0).then_some(Paid { quantity, value });
        self.entries.push(Movement {
            seq: i64::try_from(number).expect("a number"),
            at,
            business_date: at.utc().date_naive(),
            kind,
            document: id,
            undoes: None,
            is_undone: false,
            location: Uuid::from_u128(1),
            lot: id,
            pool: 0,
            shown: true,
            quantity,
            value,
            paid,
        });
        self
    }

    /// Changes the last entry.
    fn but(mut self, change: impl FnOnce(&mut Movement)) -> Self {
        change(self.entries.last_mut().expect("an entry"));
        self
    }

    fn in_pool(self, pool: usize) -> Self {
        self.but(|entry| (entry.pool, entry.location) = (pool, Uuid::from_u128(1 + pool as u128)))
    }

    fn of_lot(self, lot: u128) -> Self {
        self.but(|entry| entry.lot = Uuid::from_u128(lot))
    }

    /// A transfer, the next day: out of one pool into another.
    fn moved(self, from: usize, to: usize, quantity: i64, value: i64) -> Self {
        let out = self.then(Kind::TransferOut, -quantity, -value).in_pool(from);
        let document = out.entries.last().expect("an entry").document;
        out.with(Kind::TransferIn, quantity, value).in_pool(to).but(|entry| entry.document = document)
    }

    /// Undoes the document of the nth entry (from 1), the next day or at its own instant.
    fn undone(mut self, number: usize, at_once: bool) -> Self {
        let document = self.entries[number - 1].document;
        let undone: Vec<Movement> = self.entries.iter().filter(|entry| entry.document == document).copied().collect();
        self.entries.iter_mut().filter(|entry| entry.document == document).for_each(|entry| entry.is_undone = true);
        self.day += 1;
        let reversal = Uuid::from_u128(1_000 + number as u128);
        for entry in undone {
            self = self.with(Kind::Reversal, -entry.quantity, -entry.value).but(|negated| {
                (negated.document, negated.undoes, negated.lot) = (reversal, Some(document), entry.lot);
                (negated.pool, negated.location) = (entry.pool, entry.location);
                if at_once {
                    (negated.at, negated.business_date) = (entry.at, entry.business_date);
                }
            });
        }
        self
    }

    fn by_pool(&self, costing: Costing) -> BTreeMap<usize, Worth> {
        let mut account = Account::open(costing, true);
        let mut entries = self.entries.clone();
        entries.sort_by_key(|entry| entry.at);
        for entry in entries {
            account.enter(entry);
        }
        account.close()
    }

    /// Quantity, value and what was issued.
    fn worth(&self, costing: Costing) -> (i128, i128, i128) {
        self.of_pool(costing, 0)
    }

    fn of_pool(&self, costing: Costing, pool: usize) -> (i128, i128, i128) {
        let worth = self.by_pool(costing).get(&pool).copied().unwrap_or_default();
        (worth.quantity, worth.value, worth.issued)
    }
}

fn bought(quantity: i64, value: i64) -> History {
    History::default().then(Kind::Receipt, quantity, value)
}

#[test]
fn fifo_takes_the_oldest_and_an_average_takes_of_all() {
    let history = bought(10, 100).then(Kind::Receipt, 10, 200).then(Kind::Usage, -15, -999);
    assert_eq!(history.worth(Costing::Fifo), (5, 100, 200));
    assert_eq!(history.worth(Costing::MovingAverage), (5, 75, 225));
    assert_eq!(history.worth(Costing::LastPrice), (5, 100, 300));
}

#[test]
fn at_one_instant_what_comes_in_is_before_what_leaves() {
    let history = bought(10, 100).then(Kind::Usage, -10, 0).with(Kind::Receipt, 10, 200);
    for costing in AVERAGES {
        assert_eq!(history.worth(costing), (10, 150, 150), "{costing:?}");
    }
    assert_eq!(history.worth(Costing::Fifo), (10, 200, 100));
}

#[test]
fn a_cost_change_at_one_instant_is_before_what_leaves() {
    let history = bought(10, 100).then(Kind::Usage, -5, 0).with(Kind::CostAdjust, 0, 50).of_lot(1);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY] {
        assert_eq!(history.worth(costing), (5, 75, 75), "{costing:?}");
    }
}

#[test]
fn one_price_holds_for_a_day_or_a_month() {
    // Out at noon of the 2nd, more in on the 3rd.
    let history = bought(10, 100).with(Kind::Usage, -4, 0).then(Kind::Receipt, 10, 300).then(Kind::Usage, -4, 0);
    // 400 / 20 for both; 10 for the first, then (60 + 300) / 16.
    assert_eq!(history.worth(MONTH), (12, 240, 160));
    assert_eq!(history.worth(DAY), (12, 270, 130));
    assert_eq!(history.worth(Costing::MovingAverage), (12, 270, 130));
}

#[test]
fn a_month_begins_with_what_the_last_one_left() {
    let mut history = bought(10, 100).then(Kind::Usage, -5, 0);
    history.day = 35;
    let history = history.then(Kind::Receipt, 5, 150).then(Kind::Usage, -8, 0);
    // 50 of November and 150 are 20 each.
    assert_eq!(history.worth(MONTH), (2, 40, 210));
}

#[test]
fn the_last_unit_takes_what_is_left() {
    let history = bought(3, 100).then(Kind::Usage, -1, 0).then(Kind::Usage, -1, 0);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        let issued = history.worth(costing).2;
        assert!((66..=67).contains(&issued), "{costing:?} issued {issued}");
    }
    let history = history.then(Kind::Usage, -1, 0);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!(history.worth(costing), (0, 0, 100), "{costing:?}");
    }
}

#[test]
fn what_is_found_changes_no_average() {
    let history = bought(10, 100).then(Kind::Gain, 5, 999);
    for costing in AVERAGES {
        assert_eq!(history.worth(costing), (15, 150, 0), "{costing:?}");
    }
    assert_eq!(history.worth(Costing::Fifo), (15, 1099, 0));
    assert_eq!(history.worth(Costing::LastPrice), (15, 150, 0));
}

#[test]
fn what_is_found_where_nothing_is_has_the_ledgers_rate() {
    let history = bought(10, 100).then(Kind::Waste, -10, -100).then(Kind::Gain, 5, 60);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY] {
        assert_eq!(history.worth(costing), (5, 60, 100), "{costing:?}");
    }
    // In that month there is a price.
    assert_eq!(history.worth(MONTH), (5, 50, 100));
}

#[test]
fn a_cost_change_takes_no_value_below_nothing_and_puts_none_on_nothing() {
    let less = bought(10, 100).then(Kind::CostAdjust, 0, -150).of_lot(1);
    let none = bought(10, 100).then(Kind::Usage, -10, 0).then(Kind::CostAdjust, 0, 50).of_lot(1);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!(less.worth(costing), (10, 0, 0), "{costing:?}");
    }
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY] {
        assert_eq!(none.worth(costing), (0, 0, 100), "{costing:?}");
    }
    // All that the month cost left with what left in it.
    assert_eq!(none.worth(MONTH), (0, 0, 150));
}

#[test]
fn in_fifo_a_cost_change_belongs_to_the_layer_of_its_lot() {
    let two = || bought(10, 100).then(Kind::Receipt, 10, 200);
    let first = two().then(Kind::CostAdjust, 0, 50).of_lot(1).then(Kind::Usage, -10, 0);
    assert_eq!(first.worth(Costing::Fifo), (10, 200, 150));
    // Where nothing of it is left, to all that is.
    let gone = two().then(Kind::Usage, -10, 0).then(Kind::CostAdjust, 0, 50).of_lot(1);
    assert_eq!(gone.worth(Costing::Fifo), (10, 250, 100));
}

#[test]
fn a_correction_changes_quantity_and_value() {
    // 10 for 100 were 8 for 120.
    let history = bought(10, 100).then(Kind::Correction, -2, 20).of_lot(1);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!(history.worth(costing), (8, 120, 0), "{costing:?}");
    }
    // And 12 for 90.
    let history = bought(10, 100).then(Kind::Correction, 2, -10).of_lot(1);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!(history.worth(costing), (12, 90, 0), "{costing:?}");
    }
}

#[test]
fn what_is_undone_at_its_own_instant_never_was() {
    // Meanwhile more came in: with the waste, the average would be another.
    let history = bought(10, 100).then(Kind::Waste, -5, -50).then(Kind::Receipt, 10, 300).undone(2, true);
    for costing in AVERAGES {
        assert_eq!(history.worth(costing), (20, 400, 0), "{costing:?}");
    }
}

#[test]
fn what_is_undone_later_brings_back_what_it_took() {
    // Not what its lot cost: what the report took.
    let history = bought(10, 100).then(Kind::Waste, -5, -99).then(Kind::Receipt, 10, 400).undone(2, false);
    assert_eq!(history.worth(Costing::MovingAverage), (20, 500, 0));
    assert_eq!(history.worth(DAY), (20, 500, 0));
    assert_eq!(history.worth(MONTH), (20, 500, 0));
    // What came back leaves first again.
    let history = history.then(Kind::Usage, -10, 0);
    assert_eq!(history.worth(Costing::Fifo), (10, 400, 100));
}

#[test]
fn a_receipt_that_is_undone_later_leaves_at_the_average() {
    let history = bought(10, 100).then(Kind::Receipt, 10, 300).undone(1, false);
    // At 20, not at 10; and it was not used up.
    assert_eq!(history.worth(Costing::MovingAverage), (10, 200, 0));
    assert_eq!(history.worth(Costing::LastPrice), (10, 300, 0));
}

#[test]
fn the_price_of_an_undone_receipt_is_no_last_price() {
    let history = bought(10, 100).then(Kind::Receipt, 10, 300).then(Kind::Receipt, 10, 500).undone(3, false);
    assert_eq!(history.worth(Costing::LastPrice), (20, 600, 0));
    assert_eq!(history.undone(2, false).worth(Costing::LastPrice), (10, 100, 0));
}

#[test]
fn what_nobody_ever_paid_for_is_worth_what_its_lots_cost() {
    let history = History::default().then(Kind::TransformationOut, 10, 70).then(Kind::Waste, -5, -35);
    assert_eq!(history.worth(Costing::LastPrice), (5, 35, 35));
}

#[test]
fn what_is_transformed_is_not_issued() {
    let history = bought(10, 100).then(Kind::TransformationIn, -4, -40);
    for costing in ALL {
        assert_eq!(history.worth(costing), (6, 60, 0), "{costing:?}");
    }
}

#[test]
fn only_what_leaves_by_an_adjustment_is_issued() {
    let history = bought(10, 100).then(Kind::Adjustment, 10, 100).then(Kind::Adjustment, -4, -40);
    for costing in ALL {
        assert_eq!(history.worth(costing), (16, 160, 40), "{costing:?}");
    }
}

#[test]
fn the_ledgers_own_rounding_is_none_of_a_report() {
    let history = bought(10, 100).then(Kind::Rounding, 0, 1);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!(history.worth(costing), (10, 100, 0), "{costing:?}");
    }
}

#[test]
fn a_transfer_carries_the_reports_value_from_site_to_site() {
    // The lot that was sent cost 10 each; at the sending site the average is 20.
    let history = bought(10, 100).then(Kind::Receipt, 10, 300).moved(0, 1, 10, 100).then(Kind::Usage, -5, -50).in_pool(1);
    assert_eq!((history.of_pool(Costing::MovingAverage, 0), history.of_pool(Costing::MovingAverage, 1)), ((10, 200, 0), (5, 100, 100)));
    assert_eq!((history.of_pool(MONTH, 0), history.of_pool(MONTH, 1)), ((10, 200, 0), (5, 100, 100)));
    assert_eq!((history.of_pool(Costing::Fifo, 0), history.of_pool(Costing::Fifo, 1)), ((10, 300, 0), (5, 50, 50)));
}

#[test]
fn what_is_sent_on_at_the_same_instant_has_arrived() {
    let mut together = bought(10, 100).moved(0, 1, 10, 0).moved(1, 2, 4, 0);
    let at = together.entries[1].at;
    together.entries.iter_mut().skip(1).for_each(|entry| entry.at = at);
    for costing in [Costing::Fifo, Costing::MovingAverage, DAY, MONTH] {
        assert_eq!((together.of_pool(costing, 1), together.of_pool(costing, 2)), ((6, 60, 0), (4, 40, 0)), "{costing:?}");
    }
}

#[test]
fn what_waits_in_transit_is_the_sending_sites() {
    // Out of the store into the area for goods in transit, which is of the same site, and on the next day into the other site.
    let history = bought(10, 100).moved(0, 0, 4, 40);
    assert_eq!(history.of_pool(Costing::MovingAverage, 0), (10, 100, 0));
    let history = history.then(Kind::Receipt, 10, 300).moved(0, 1, 4, 40);
    assert_eq!((history.of_pool(Costing::MovingAverage, 0), history.of_pool(Costing::MovingAverage, 1)), ((16, 320, 0), (4, 80, 0)));
}

#[test]
fn a_transfer_that_is_undone_later_is_a_transfer_back() {
    let history = bought(10, 100).moved(0, 1, 10, 100).then(Kind::Receipt, 10, 300).in_pool(1).undone(2, false);
    // Ten go back at the average of 20, and nothing is lost between the sites.
    assert_eq!((history.of_pool(Costing::MovingAverage, 0), history.of_pool(Costing::MovingAverage, 1)), ((10, 200, 0), (10, 200, 0)));
}

#[test]
fn where_sites_send_to_and_fro_in_a_month_the_prices_hold_for_both() {
    // A buys 10 for 100 and sends 5 to B, which has 5 for 200 and sends 5 back.
    let history = bought(10, 100).then(Kind::Receipt, 5, 200).in_pool(1).moved(0, 1, 5, 0).moved(1, 0, 5, 0);
    let (a, b) = (history.of_pool(MONTH, 0), history.of_pool(MONTH, 1));
    // a = (100 + 5b) / 15 and b = (200 + 5a) / 10 make a = 16 and b = 28.
    assert_eq!((a, b), ((10, 160, 0), (5, 140, 0)));
}

#[test]
fn a_part_of_a_pool_is_worth_its_part() {
    let history = bought(10, 100).then(Kind::Receipt, 10, 200).but(|entry| entry.shown = false).then(Kind::Usage, -5, 0);
    // Of 15 for 225 five are asked about.
    assert_eq!(history.worth(Costing::MovingAverage), (5, 75, 75));
    // Of 5 for 50 and 10 for 200.
    assert_eq!(history.worth(Costing::Fifo), (5, 83, 50));
}
