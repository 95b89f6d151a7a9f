//! The pure core: deciding a document from what was read, without a database. `cargo bench -p inventory`.

use chrono::{NaiveDate, NaiveTime};
use divan::Bencher;
use inventory::pure::{
    Basis, Charge, Command, Counted, DateKind, Holding, ItemRules, Key, Lot, Money, Pick, Place, Price, Quantity, ReceiveLine, SiteDays, Snapshot, Spot,
    TakeLine, Work, plan,
};
use kernel::Instant;
use uuid::Uuid;

fn main() {
    divan::main();
}

const ONE: i64 = 1_000_000;

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128(kind << 64 | number as u128)
}

fn spot() -> Spot {
    Spot { location: id(1, 0), days: SiteDays { zone: chrono_tz::Europe::Paris, starts_at: NaiveTime::MIN } }
}

fn item(number: usize) -> ItemRules {
    ItemRules {
        id: id(2, number),
        pick: Pick::Fefo,
        track_lots: true,
        track_expiry: true,
        date_kind: DateKind::UseBy,
        grace_days: 0,
        shelf_life_days: None,
        opened_shelf_life_days: None,
    }
}

fn now() -> Instant {
    Instant::from_micros(1_780_000_000_000_000)
}

/// Items, each with lots of ten that expire one after another.
fn stocked(items: usize, lots: usize) -> Snapshot {
    let mut snapshot = Snapshot::empty(now());
    let received_at = Instant::from_micros(now().micros() - 86_400 * ONE);
    for (number, place) in
        (0..items * lots).map(|number| (number, Place { key: Key { item: id(2, number % items), location: spot().location }, lot: id(3, number) }))
    {
        let holding = Holding { quantity: Quantity(10 * ONE), value: Money(25 * ONE) };
        let expires_on =
            NaiveDate::from_ymd_opt(2027, 1, 1).and_then(|first| first.checked_add_days(chrono::Days::new(u64::try_from(number / items).unwrap_or(0))));
        let lot = Lot {
            item: place.key.item,
            origin: (i64::try_from(number).unwrap_or(0), 1),
            batch_code: None,
            received_at,
            expires_on,
            date_kind: DateKind::UseBy,
            opened: false,
            hold: None,
            basis: holding,
            cost_floor_at: received_at,
            revalued_position: 0,
            void: false,
            version: 1,
        };
        snapshot.lots.insert(place.lot, lot);
        snapshot.holdings.insert(place, holding);
    }
    snapshot
}

fn command(work: Work) -> Command {
    Command { effective_at: now(), days: spot().days, spot: spot(), counted: Counted::default(), work }
}

/// Of each item so much that it takes from two lots of ten.
#[divan::bench(args = [1, 100, 1_000])]
fn waste_from_two_of_ten_lots(bencher: Bencher, lines: usize) {
    let line = |number| TakeLine { item: item(number), quantity: Quantity(15 * ONE), lot: None, reason: Some(id(4, 0)), reservation: None };
    let (snapshot, command) = (stocked(lines, 10), command(Work::Waste { lines: (0..lines).map(line).collect() }));
    bencher.counter(divan::counter::ItemsCount::new(lines)).bench(|| plan(divan::black_box(&snapshot), divan::black_box(&command)).is_ok());
}

/// With a charge that is shared out by value.
#[divan::bench(args = [1, 100, 1_000])]
fn receipt_with_a_charge(bencher: Bencher, lines: usize) {
    let line = |number| ReceiveLine {
        item: item(number),
        lot: id(3, number),
        quantity: Quantity(3 * ONE),
        price: Price::Unit { price: Money(1_250_000), entered: Quantity(3 * ONE) },
        discount: Money(0),
        confirm_zero: false,
        batch_code: None,
        expires_on: NaiveDate::from_ymd_opt(2027, 1, 1),
        produced_on: None,
        weight: None,
    };
    let charges = vec![Charge { amount: Money(12_345_678), basis: Basis::Value }];
    let (snapshot, command) = (Snapshot::empty(now()), command(Work::Receive { lines: (0..lines).map(line).collect(), charges }));
    bencher.counter(divan::counter::ItemsCount::new(lines)).bench(|| plan(divan::black_box(&snapshot), divan::black_box(&command)).is_ok());
}
