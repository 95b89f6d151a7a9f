//! A world in memory: what the database keeps, in the simplest way there is, with the list of all entries as the truth.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use kernel::Instant;
use uuid::Uuid;

use super::checks::{Checked, Wrong, wrong};
use super::steps::{AREAS, At, End, HOURS, Line, Step};
use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::ledger::command::{
    AdjustLine, Basis, Charge, Command, Correction, CostChange, CountLine, Counted, OldEntry, OnShort, OutputBasis, OutputLine, Price, ReceiveLine, Reversal,
    TakeLine, TouchedBy, Touching, UnderWay, VarianceKind, Work,
};
use crate::ledger::effects::{Effects, EntryKind};
use crate::ledger::facts::{Hold, Holding, ItemRules, Key, Later, Lot, Place, Reserved, Snapshot, Spot, Truth};
use crate::ledger::plan;
use crate::ledger::refusal::Refusal;
use crate::ledger::rule::{Rule, without};
use crate::names::{DateKind, Pick};

/// One rule left out, to see that its absence is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    Nothing,
    /// What follows the instant of a posting that lies back.
    Later,
    /// The counts that are posted.
    Truths,
    /// That a lot can't be taken before its cost was changed.
    CostFloor,
    /// That nothing is undone whose lots had a later change of cost.
    Revalued,
    /// That a lot is undone only where nothing else touches it.
    Touching,
    /// What is set aside for others.
    Reserved,
    /// That a change of cost is not earlier than the last movement.
    LastMoved,
    /// That a change of cost also reaches what is under way.
    InTransit,
    /// That a lot on hold is not picked.
    Hold,
    /// The periods that are closed.
    Closed,
    /// That what is undone may not be undone again.
    Undone,
    /// That what is found adds itself to what its lot cost.
    GainInBasis,
    /// What is left of a transfer.
    UnderWay,
    /// That a dispatch is undone only while all of it is under way.
    PartlyReceived,
    /// That a correction leaves to its transfer what is under way.
    UnderWayStays,
    /// The grace days of what is best before its date.
    Grace,
    /// That of lots received together the one leaves first that came to be first.
    Origin,
    /// That what is set aside may be taken by whom it is set aside for.
    OwnReservation,
    /// That what is found goes to the youngest lot.
    Youngest,
    /// That it goes to a lot that is or was here, where there is one.
    YoungestHere,
    /// That it is one that was received by then.
    YoungestReceived,
    /// That it is not one that was undone.
    YoungestNotVoid,
    /// That a reversal is not reversed.
    UndoneForGood,
    /// That a change of cost is undone by the opposite one, not by a reversal.
    CostIsNotReversed,
    /// That all of what goes into a transformation comes out of it.
    AllComesOut,
    /// A rule that the planner itself keeps.
    Plan(Rule),
}

#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub document: usize,
    pub line_no: i64,
    pub place: Place,
    pub at: Instant,
    pub business_date: NaiveDate,
    pub quantity: i64,
    pub value: i64,
    pub kind: EntryKind,
    /// Its kind, or for a reversal that of what it undoes.
    pub root: EntryKind,
}

impl Entry {
    /// The order at one instant: inbound, cost, outbound.
    pub fn class(&self) -> i64 {
        -self.quantity.signum()
    }
}

#[derive(Clone, Debug)]
pub struct Document {
    pub command: Command,
    pub made: Vec<Uuid>,
    pub variances: Vec<(Uuid, Money, VarianceKind)>,
    pub reversed: bool,
    /// The transfer that it is a step of.
    pub transfer: Option<usize>,
    /// What was posted of each line that takes: lot and quantity.
    pub picks: Vec<(i64, Uuid, i64)>,
}

#[derive(Clone, Debug, Default)]
pub struct TransferLot {
    pub dispatched: i64,
    pub gone: i64,
}

#[derive(Clone, Debug)]
pub struct Transfer {
    pub from: u8,
    pub to: u8,
    pub dispatched_at: Instant,
    pub lots: BTreeMap<Uuid, TransferLot>,
}

#[derive(Clone, Debug)]
pub struct TruthRow {
    pub truth: Truth,
    pub quantity: i64,
    pub marked: bool,
}

#[derive(Clone, Debug)]
pub struct Reservation {
    pub key: Key,
    pub rest: i64,
}

/// What happened, so that it can be done again.
#[derive(Clone, Debug)]
pub enum Event {
    Posted { transfer: Option<usize> },
    Held { lot: Uuid, hold: Option<Hold> },
    Reserved { id: Uuid, reservation: Reservation },
    Released { id: Uuid },
    Closed(Option<NaiveDate>),
}

pub struct World {
    pub left_out: LeftOut,
    pub step: i64,
    pub closed_through: Option<NaiveDate>,
    pub closed_before: Vec<Option<NaiveDate>>,
    pub lots: BTreeMap<Uuid, Lot>,
    pub balances: BTreeMap<Place, Holding>,
    pub entries: Vec<Entry>,
    pub documents: Vec<Document>,
    pub transfers: Vec<Transfer>,
    pub truths: Vec<TruthRow>,
    pub reservations: BTreeMap<Uuid, Reservation>,
    pub journal: Vec<(Instant, Event)>,
}

pub fn instant(hour: i64) -> Instant {
    // Midnight of 2026-03-25 in UTC: the clocks of Europe change within these ten days.
    Instant::from_micros(1_774_396_800_000_000).plus(TimeDelta::hours(hour))
}

pub fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 64 | number)
}

pub fn item(number: u8) -> ItemRules {
    let pick = [Pick::Fefo, Pick::Fifo, Pick::Manual][usize::from(number % 3)];
    let date_kind = if number == 1 { DateKind::BestBefore } else { DateKind::UseBy };
    ItemRules {
        id: id(1, number.into()),
        pick,
        track_lots: false,
        track_expiry: false,
        date_kind,
        grace_days: 1,
        shelf_life_days: None,
        opened_shelf_life_days: Some(2),
    }
}

fn days(area: u8) -> SiteDays {
    let (zone, hour) = if area == 2 { (chrono_tz::America::New_York, 0) } else { (chrono_tz::Europe::Paris, 4) };
    SiteDays { zone, starts_at: NaiveTime::from_hms_opt(hour, 0, 0).expect("a time") }
}

pub fn spot(area: u8) -> Spot {
    Spot { location: id(2, area.into()), days: days(area) }
}

/// The area of a site for goods in transit: one for the two areas of the first, one for the other.
pub fn transit(area: u8) -> Spot {
    Spot { location: id(2, if area == 2 { 12 } else { 10 }), days: days(area) }
}

pub fn is_transit(location: Uuid) -> bool {
    location == transit(0).location || location == transit(2).location
}

impl World {
    pub fn new(left_out: LeftOut) -> Self {
        Self {
            left_out,
            step: 0,
            closed_through: None,
            closed_before: Vec::new(),
            lots: BTreeMap::new(),
            balances: BTreeMap::new(),
            entries: Vec::new(),
            documents: Vec::new(),
            transfers: Vec::new(),
            truths: Vec::new(),
            reservations: BTreeMap::new(),
            journal: Vec::new(),
        }
    }

    pub fn now(&self) -> Instant {
        instant(HOURS).plus(TimeDelta::seconds(self.step))
    }

    fn at(&self, at: At) -> Instant {
        at.map_or_else(|| self.now(), instant)
    }

    fn nth_lot(&self, nth: usize) -> Option<Uuid> {
        self.lots.keys().nth(nth % self.lots.len().max(1)).copied()
    }

    /// The nth lot of an item: mostly one that lies here.
    fn lot_here(&self, location: Uuid, item: ItemRules, nth: usize) -> Option<Uuid> {
        let key = Key { item: item.id, location };
        let range = Place { key, lot: Uuid::nil() }..=Place { key, lot: Uuid::max() };
        let here: Vec<Uuid> = self.balances.range(range).filter(|(_, holding)| holding.quantity.0 > 0).map(|(place, _)| place.lot).collect();
        if nth < 5 && !here.is_empty() {
            return Some(here[nth % here.len()]);
        }
        let all: Vec<Uuid> = self.lots.iter().filter(|(_, lot)| lot.item == item.id).map(|(id, _)| *id).collect();
        (!all.is_empty()).then(|| all[nth % all.len()])
    }

    /// Mostly about what is there, and for an item that is chosen by hand a lot of it.
    fn take_lines(&self, spot: Spot, lines: &[Line], reservation: Option<Uuid>) -> Vec<TakeLine> {
        let line = |line: &Line| {
            let rules = item(line.item);
            let by_hand = (rules.pick == Pick::Manual && line.quantity % 8 != 0).then_some(0);
            let lot = line.lot.or(by_hand).and_then(|nth| self.lot_here(spot.location, rules, nth));
            let key = Key { item: rules.id, location: spot.location };
            let range = Place { key, lot: lot.unwrap_or(Uuid::nil()) }..=Place { key, lot: lot.unwrap_or(Uuid::max()) };
            let there: i64 = self.balances.range(range).map(|(_, holding)| holding.quantity.0).sum();
            let quantity = if line.quantity % 16 == 0 { line.quantity.abs() } else { 1 + line.quantity.abs() % (there + there / 8 + 1) };
            let own = |id: &Uuid| self.reservations.get(id).is_some_and(|it| it.key == key);
            TakeLine { item: rules, quantity: Quantity(quantity), lot, reason: None, reservation: reservation.filter(own) }
        };
        lines.iter().map(line).collect()
    }

    fn new_lot(&self, index: usize) -> Uuid {
        id(3, (self.lots.len() * 4 + index) as u128 + ((self.documents.len() as u128) << 32))
    }

    /// The command of a step, and the transfer that it belongs to; none where there is nothing that it could be about.
    pub fn command(&self, step: &Step) -> Option<(Command, Option<usize>)> {
        let at_area = |at: At, area: u8, work: Work| {
            Some((Command { effective_at: self.at(at), days: days(area), spot: spot(area), counted: Counted::Refuse, work }, None))
        };
        match step {
            Step::NotIncluded(step) => self.command(step).map(|(command, transfer)| (Command { counted: Counted::NotIncluded, ..command }, transfer)),
            Step::Receive { at, area, lines, charge } => at_area(*at, *area, self.receive(*at, lines, *charge)),
            Step::Waste { at, area, lines } => at_area(*at, *area, Work::Waste { lines: self.take_lines(spot(*area), lines, None) }),
            Step::Use { at, area, lines, record, reservation } => {
                let named = reservation.and_then(|nth| self.reservations.keys().nth(nth).copied());
                let on_short = if *record { OnShort::Record } else { OnShort::Refuse };
                at_area(*at, *area, Work::Use { lines: self.take_lines(spot(*area), lines, named), on_short })
            }
            Step::Return { at, area, lines, credit } => {
                let credits = lines.iter().map(|_| credit.map(Money)).collect();
                at_area(*at, *area, Work::ReturnToVendor { lines: self.take_lines(spot(*area), lines, None), credits })
            }
            Step::Adjust { at, area, lines } => at_area(*at, *area, Work::Adjust { lines: self.adjust_lines(spot(*area), lines) }),
            Step::Move { at, area, to, lines } => {
                let work = Work::Move { lines: self.take_lines(spot(*area), lines, None), to: spot(*to), may_move_held: false };
                (area != to).then(|| at_area(*at, *area, work)).flatten()
            }
            Step::Dispatch { at, area, to, lines } => {
                let work = Work::Move { lines: self.take_lines(spot(*area), lines, None), to: transit(*area), may_move_held: true };
                let (command, _) = (area != to).then(|| at_area(*at, *area, work)).flatten()?;
                Some((command, Some(self.transfers.len())))
            }
            Step::Arrive { at, transfer, part, end } => self.arrive(*at, *transfer, *part, *end),
            Step::Count { lines } => self.count(lines),
            Step::Reverse { document, today } => self.reverse(*document, *today),
            Step::Revalue { at, lot, amount } => {
                let lot = self.nth_lot(*lot)?;
                let changes = vec![CostChange { line_no: 1, lot, amount: Money(*amount) }];
                (*amount != 0).then(|| at_area(*at, 0, Work::ChangeCost { changes })).flatten()
            }
            Step::Correct { at, receipt, line, quantity, value } => self.correct(*at, *receipt, *line, *quantity, *value),
            Step::Transform { at, area, inputs, outputs } => {
                let output = |(index, (line, weight, expiry)): (usize, &(Line, i64, Option<i64>))| OutputLine {
                    item: item(line.item),
                    lot: self.new_lot(index),
                    quantity: Quantity(line.quantity.max(1)),
                    batch_code: None,
                    expires_on: expiry.map(|days| self.at(*at).plus(TimeDelta::days(days)).utc().date_naive()),
                    weight: Some(*weight),
                    sales_value: None,
                };
                let outputs = outputs.iter().enumerate().map(output).collect();
                at_area(*at, *area, Work::Transform { inputs: self.take_lines(spot(*area), inputs, None), outputs, by: OutputBasis::Weight })
            }
            Step::Open { at, area, line } => {
                let line = self.take_lines(spot(*area), std::slice::from_ref(line), None).pop().filter(|line| line.lot.is_some())?;
                at_area(*at, *area, Work::Open { line, child: self.new_lot(0) })
            }
            Step::Hold { .. } | Step::Reserve { .. } | Step::Release { .. } | Step::Close { .. } | Step::Reopen => None,
        }
    }

    fn receive(&self, at: At, lines: &[(Line, i64, Option<i64>)], charge: i64) -> Work {
        let line = |(index, (line, price, expiry)): (usize, &(Line, i64, Option<i64>))| ReceiveLine {
            item: item(line.item),
            lot: self.new_lot(index),
            quantity: Quantity(line.quantity),
            price: Price::Total(Money(*price)),
            discount: Money::ZERO,
            confirm_zero: true,
            batch_code: None,
            expires_on: expiry.map(|days| self.at(at).plus(TimeDelta::days(days)).utc().date_naive()),
            produced_on: None,
            weight: None,
        };
        let charges = vec![Charge { amount: Money(charge), basis: Basis::Value }];
        Work::Receive { lines: lines.iter().enumerate().map(line).collect(), charges }
    }

    fn adjust_lines(&self, spot: Spot, lines: &[(Line, Option<i64>)]) -> Vec<AdjustLine> {
        let line = |(index, (line, cost)): (usize, &(Line, Option<i64>))| {
            let down = (line.quantity < 0).then(|| self.take_lines(spot, std::slice::from_ref(line), None).remove(0));
            let named = line.lot.filter(|_| cost.is_none()).and_then(|nth| self.lot_here(spot.location, item(line.item), nth));
            AdjustLine {
                item: item(line.item),
                quantity: down.as_ref().map_or(Quantity(line.quantity.abs()), |down| down.quantity),
                up: down.is_none(),
                lot: down.map_or(named, |down| down.lot),
                reason: id(4, 1),
                unit_cost: cost.map(|cost| (Money(cost), Quantity(line.quantity.abs()))),
                new_lot: self.new_lot(index),
                batch_code: None,
                expires_on: None,
            }
        };
        lines.iter().enumerate().map(line).collect()
    }

    fn arrive(&self, at: At, transfer: usize, part: Option<i64>, end: End) -> Option<(Command, Option<usize>)> {
        let index = transfer % self.transfers.len().max(1);
        let transfer = self.transfers.get(index)?;
        let left = |lot: &TransferLot| if self.left_out == LeftOut::UnderWay { lot.dispatched } else { lot.dispatched - lot.gone };
        let lots: BTreeMap<Uuid, Quantity> = transfer.lots.iter().map(|(id, lot)| (*id, Quantity(left(lot)))).filter(|(_, left)| left.0 > 0).collect();
        let line = |(lot, left): (&Uuid, &Quantity)| {
            let number = (0..super::steps::ITEMS).find(|number| Some(item(*number).id) == self.lots.get(lot).map(|lot| lot.item))?;
            Some(TakeLine {
                item: item(number),
                quantity: Quantity(part.map_or(left.0, |part| 1 + part % (left.0 + 1))),
                lot: Some(*lot),
                reason: None,
                reservation: None,
            })
        };
        let mut lines: Vec<TakeLine> = lots.iter().filter_map(line).collect();
        if part.is_some() {
            lines.truncate(1);
        }
        if lines.is_empty() {
            return None;
        }
        let under_way = UnderWay { dispatched_at: transfer.dispatched_at, lots };
        let (work, home) = match end {
            End::Arrives => (Work::Arrive { lines, under_way, to: spot(transfer.to) }, transfer.to),
            End::Back => (Work::Arrive { lines, under_way, to: spot(transfer.from) }, transfer.from),
            End::Lost => (Work::LoseInTransit { lines, under_way }, transfer.from),
        };
        let command = Command { effective_at: self.at(at), days: days(home), spot: transit(transfer.from), counted: Counted::Refuse, work };
        Some((command, Some(index)))
    }

    fn count(&self, lines: &[(u8, Line, i64)]) -> Option<(Command, Option<usize>)> {
        let mut seen: BTreeSet<(u8, u8, Option<Uuid>)> = BTreeSet::new();
        let mut counted = Vec::new();
        for (area, line, hour) in lines {
            let lot = line.lot.and_then(|nth| self.lot_here(spot(*area).location, item(line.item), nth));
            // One line for each item, area and lot, and none without a lot beside one with a lot.
            let beside = |(at, of, other): &(u8, u8, Option<Uuid>)| (at, of) == (area, &line.item) && (other.is_none() || lot.is_none() || *other == lot);
            if seen.iter().any(beside) {
                continue;
            }
            seen.insert((*area, line.item, lot));
            let key = Key { item: item(line.item).id, location: spot(*area).location };
            let there: i64 = self
                .entries
                .iter()
                .filter(|e| e.place.key == key && lot.is_none_or(|lot| e.place.lot == lot) && e.at <= instant(*hour))
                .map(|e| e.quantity)
                .sum();
            // Often near what is there.
            let quantity = if line.quantity % 3 == 0 { line.quantity } else { (there + line.quantity % 7 - 3).max(0) };
            counted.push(CountLine {
                item: item(line.item),
                spot: spot(*area),
                lot,
                quantity: Quantity(quantity),
                counted_at: instant(*hour),
                not_counted: false,
            });
        }
        let effective_at = counted.iter().map(|line| line.counted_at).max()?;
        let work = Work::Count { lines: counted };
        Some((Command { effective_at, days: days(0), spot: spot(0), counted: Counted::Refuse, work }, None))
    }

    fn reverse(&self, document: usize, today: bool) -> Option<(Command, Option<usize>)> {
        // The newest ones first: they are the ones that can be undone.
        let index = self.documents.len().checked_sub(1 + document % self.documents.len().max(1))?;
        let document = self.documents.get(index)?;
        let may_not_be_undone = match document.command.work {
            Work::Reverse(_) => self.left_out != LeftOut::UndoneForGood,
            Work::ChangeCost { .. } | Work::Correct(_) => self.left_out != LeftOut::CostIsNotReversed,
            _ => false,
        };
        if may_not_be_undone || (document.reversed && self.left_out != LeftOut::Undone) {
            return None;
        }
        if let (Work::Move { .. }, Some(transfer)) = (&document.command.work, document.transfer.and_then(|transfer| self.transfers.get(transfer)))
            && self.left_out != LeftOut::PartlyReceived
            && transfer.lots.values().any(|lot| lot.gone != 0)
        {
            return None;
        }
        // The last ones first: their order must not matter.
        let entries: Vec<OldEntry> = self.entries.iter().filter(|entry| entry.document == index).rev().map(old).collect();
        let touching = |lot: &Uuid| {
            let mut others: Vec<usize> = self.entries.iter().filter(|e| e.place.lot == *lot && e.document != index).map(|e| e.document).collect();
            others.sort_unstable();
            others.dedup();
            others.retain(|other| {
                let other = &self.documents[*other];
                !other.reversed && !matches!(other.command.work, Work::Reverse(_))
            });
            if self.left_out == LeftOut::Touching {
                others.clear();
            }
            let named: Vec<_> = others.into_iter().map(|other| Touching { document_id: id(9, other as u128), number: other.to_string() }).collect();
            TouchedBy { number: i64::try_from(named.len()).unwrap_or(i64::MAX), named }
        };
        let reversal = Reversal {
            document: id(9, index as u128),
            position: position(index),
            entries,
            made: document.made.iter().map(|lot| (*lot, touching(lot))).collect(),
            sites: kernel::Sites::All,
            variances: document.variances.clone(),
            reason: id(4, 2),
            today,
        };
        let command = Command {
            effective_at: self.now(),
            days: document.command.days,
            spot: document.command.spot,
            counted: Counted::Refuse,
            work: Work::Reverse(reversal),
        };
        Some((command, document.transfer))
    }

    fn correct(&self, at: At, receipt: usize, line: usize, quantity: i64, value: i64) -> Option<(Command, Option<usize>)> {
        let receipts: Vec<&Document> =
            self.documents.iter().filter(|document| matches!(document.command.work, Work::Receive { .. }) && !document.reversed).collect();
        let document = receipts.get(receipt % receipts.len().max(1))?;
        let Work::Receive { lines, .. } = &document.command.work else { return None };
        let line = &lines[line % lines.len()];
        let corrections = self.documents.iter().filter_map(|document| if let Work::Correct(it) = &document.command.work { Some(it) } else { None });
        let origin = self.entries.iter().find(|e| e.place.lot == line.lot && e.kind == EntryKind::Receipt)?;
        let received = Holding { quantity: Quantity(origin.quantity), value: Money(origin.value) };
        let was = corrections.rev().find(|it| it.lot == line.lot).map_or(received, |it| it.is);
        let correction = Correction { item: line.item.id, lot: line.lot, was, is: Holding { quantity: Quantity(quantity), value: Money(value) } };
        let command = Command {
            effective_at: self.at(at),
            days: document.command.days,
            spot: document.command.spot,
            counted: Counted::Refuse,
            work: Work::Correct(correction),
        };
        Some((command, None))
    }

    /// What the planner makes of a command, with what is left out left out.
    pub fn planned(&self, command: &Command) -> Result<Effects, Refusal> {
        let snapshot = self.snapshot(command);
        match self.left_out {
            LeftOut::Plan(rule) => without(rule, || plan(&snapshot, command)),
            LeftOut::AllComesOut => plan(&snapshot, command).map(|effects| each_rounded_down(command, effects)),
            _ => plan(&snapshot, command),
        }
    }

    /// What is loaded for a command: the same rows as from a database, and no more.
    pub fn snapshot(&self, command: &Command) -> Snapshot {
        let since = command.since();
        let mut keys = command.keys();
        let revalued = command.revalued_lots();
        keys.extend(self.balances.keys().filter(|place| revalued.contains(&place.lot)).map(|place| place.key));
        let with_transit = self.left_out != LeftOut::InTransit;
        let at_keys = |place: &Place| {
            if revalued.is_empty() { keys.contains(&place.key) } else { revalued.contains(&place.lot) && (with_transit || !is_transit(place.key.location)) }
        };
        let held = || self.balances.iter().filter(|(place, holding)| holding.quantity.0 > 0 && at_keys(place));
        let brings = command.only_brings();
        let holdings: BTreeMap<Place, Holding> = held().filter(|_| !brings).map(|(place, holding)| (*place, *holding)).collect();
        let mut later: BTreeMap<Place, BTreeMap<Instant, i64>> = BTreeMap::new();
        if !brings && revalued.is_empty() && self.left_out != LeftOut::Later {
            for entry in self.entries.iter().filter(|entry| entry.at > since && keys.contains(&entry.place.key)) {
                *later.entry(entry.place).or_default().entry(entry.at).or_default() += entry.quantity;
            }
            if command.takes_at_one_instant() {
                let came = |place: &Place| self.entries.iter().any(|entry| entry.place == *place && entry.at > since && entry.quantity > 0);
                later.retain(|place, _| came(place));
            }
        }
        let youngest: BTreeMap<(Key, Instant), Uuid> =
            command.finds().into_iter().filter_map(|(key, at)| Some(((key, at), self.youngest(key, at, command.finds_revalued())?))).collect();
        let named = command.named_lots().into_iter().chain(holdings.keys().map(|place| place.lot)).chain(youngest.values().copied());
        let lots = named.filter_map(|lot| Some((lot, self.seen(self.lots.get(&lot)?)))).collect();
        let true_at = |row: &&TruthRow| !row.marked && row.truth.counted_at >= since && keys.contains(&row.truth.key) && self.left_out != LeftOut::Truths;
        let mut reserved: BTreeMap<Key, Quantity> = BTreeMap::new();
        for reservation in self.reservations.values().filter(|_| self.left_out != LeftOut::Reserved) {
            reserved.entry(reservation.key).or_default().0 += reservation.rest;
        }
        let moved = |lot: &Uuid| self.entries.iter().filter(|entry| entry.place.lot == *lot).map(|entry| entry.at).max().map(|at| (*lot, at));
        let last_moved = if self.left_out == LeftOut::LastMoved { BTreeMap::new() } else { revalued.iter().filter_map(moved).collect() };
        let own_rest = |it: &Reservation| Quantity(if self.left_out == LeftOut::OwnReservation { 0 } else { it.rest });
        let row = |(place, sums): (Place, BTreeMap<Instant, i64>)| (place, sums.into_iter().map(|(at, quantity)| Later { at, quantity }).collect());
        Snapshot {
            now: self.now(),
            closed_through: self.closed_through.filter(|_| self.left_out != LeftOut::Closed),
            lots,
            holdings,
            later: later.into_iter().map(row).collect(),
            truths: self.truths.iter().filter(true_at).map(|row| row.truth.clone()).collect(),
            reserved,
            reservations: self.reservations.iter().map(|(id, it)| (*id, Reserved { key: it.key, rest: own_rest(it) })).collect(),
            youngest,
            last_moved,
            days: (0..AREAS).flat_map(|area| [spot(area), transit(area)]).map(|spot| (spot.location, spot.days)).collect(),
            in_transit: [transit(0), transit(2)].map(|spot| spot.location).into_iter().filter(|_| self.left_out != LeftOut::UnderWayStays).collect(),
        }
    }

    fn seen(&self, lot: &Lot) -> Lot {
        let mut lot = lot.clone();
        match self.left_out {
            LeftOut::CostFloor => lot.cost_floor_at = lot.received_at,
            LeftOut::Revalued => lot.revalued_position = 0,
            LeftOut::Hold => lot.hold = None,
            LeftOut::Grace => lot.date_kind = DateKind::UseBy,
            LeftOut::Origin => lot.origin = (-lot.origin.0, -lot.origin.1),
            _ => {}
        }
        lot
    }

    fn youngest(&self, key: Key, at: Instant, revalued: bool) -> Option<Uuid> {
        let not_void = |lot: &Lot| !lot.void || self.left_out == LeftOut::YoungestNotVoid;
        let received = |lot: &Lot| lot.received_at <= at || self.left_out == LeftOut::YoungestReceived;
        let fits = |lot: &Lot| lot.item == key.item && not_void(lot) && received(lot) && (revalued || lot.cost_floor_at <= at);
        let here = |lot: &Uuid| self.balances.contains_key(&Place { key, lot: *lot });
        let last = |only_here: bool| {
            let fitting = self.lots.iter().filter(|(id, lot)| fits(lot) && (!only_here || here(id)));
            let by_age = |(_, lot): &(&Uuid, &Lot)| (lot.received_at, lot.origin);
            if self.left_out == LeftOut::Youngest { fitting.min_by_key(by_age) } else { fitting.max_by_key(by_age) }.map(|(id, _)| *id)
        };
        last(self.left_out != LeftOut::YoungestHere).or_else(|| last(false))
    }

    /// What lies or lay at a place at the end of an instant.
    pub fn quantity_at(&self, key: Key, lot: Option<Uuid>, at: Instant) -> i64 {
        let counts = |entry: &&Entry| entry.place.key == key && lot.is_none_or(|lot| entry.place.lot == lot) && entry.at <= at;
        self.entries.iter().filter(counts).map(|entry| entry.quantity).sum()
    }

    /// What can be taken from a place at a time, found by walking through all that ever happened there.
    pub fn takeable(&self, place: Place, at: Instant) -> i64 {
        let mut movements: Vec<&Entry> = self.entries.iter().filter(|entry| entry.place == place).collect();
        movements.sort_by_key(|entry| (entry.at, entry.class()));
        let (mut running, mut before, mut lowest) = (0, 0, None::<i64>);
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

    /// Applies what was planned, as the database would.
    pub fn apply(&mut self, command: &Command, transfer: Option<usize>, effects: &Effects) -> Checked {
        let (index, first_seq) = (self.documents.len(), i64::try_from(self.entries.len()).unwrap_or(0));
        for lot in &effects.lots {
            let made = Lot {
                item: lot.item,
                origin: (first_seq, lot.line_no),
                batch_code: lot.batch_code.clone(),
                received_at: lot.received_at,
                expires_on: lot.expires_on,
                date_kind: lot.date_kind,
                opened: lot.opened_at.is_some(),
                hold: None,
                basis: lot.basis,
                cost_floor_at: lot.cost_floor_at,
                revalued_position: 0,
                void: false,
                version: 1,
            };
            if self.lots.insert(lot.id, made).is_some() {
                return wrong("lots", "a lot is made twice");
            }
        }
        for changed in &effects.changed_lots {
            let Some(lot) = self.lots.get_mut(&changed.id) else { return wrong("lots", "a lot changes that is not there") };
            if lot.version != changed.seen {
                return wrong("lots", "a lot changes that was not seen as it is");
            }
            if self.left_out != LeftOut::GainInBasis || changed.revalued || changed.void {
                lot.basis = changed.basis;
            }
            (lot.cost_floor_at, lot.void) = (changed.cost_floor_at, changed.void);
            lot.version += 1;
            if changed.revalued {
                lot.revalued_position = position(index);
            }
        }
        for entry in &effects.entries {
            let root = if let (EntryKind::Reversal, Work::Reverse(reversal)) = (entry.kind, &command.work) {
                let undoes = |old: &&OldEntry| {
                    old.place == entry.place && old.line_no == entry.line_no && old.quantity.0 == -entry.quantity.0 && old.value.0 == -entry.value.0
                };
                reversal
                    .entries
                    .iter()
                    .find(undoes)
                    .map(|old| old.kind)
                    .ok_or_else(|| Wrong { what: "I5", detail: "a reversal that negates nothing".into() })?
            } else {
                entry.kind
            };
            self.entries.push(Entry {
                document: index,
                line_no: entry.line_no,
                place: entry.place,
                at: entry.at,
                business_date: entry.business_date,
                quantity: entry.quantity.0,
                value: entry.value.0,
                kind: entry.kind,
                root,
            });
        }
        for balance in &effects.balances {
            let held = self.balances.get(&balance.place).is_some_and(|holding| holding.quantity.0 > 0);
            if balance.held && !held {
                return wrong("balances", "a balance is updated that is not there");
            }
            self.balances.insert(balance.place, balance.holding);
        }
        self.keep_truths(index, effects);
        for (id, _, quantity) in &effects.taken {
            let Some(reservation) = self.reservations.get_mut(id) else { return wrong("reservations", "a reservation that is not there") };
            reservation.rest -= quantity.0;
            if reservation.rest < 0 {
                return wrong("reservations", "more is taken from a reservation than is left of it");
            }
        }
        self.move_transfer(command, transfer, effects);
        if let Work::Reverse(reversal) = &command.work
            && let Some(undone) = self.documents.iter_mut().enumerate().find(|(index, _)| id(9, *index as u128) == reversal.document)
        {
            undone.1.reversed = true;
        }
        let picks = effects.entries.iter().filter(|entry| entry.quantity.0 < 0).map(|entry| (entry.line_no, entry.place.lot, -entry.quantity.0)).collect();
        let variances = effects.variances.iter().map(|variance| (variance.lot, variance.amount, variance.kind)).collect();
        let made = effects.lots.iter().map(|lot| lot.id).collect();
        self.documents.push(Document { command: command.clone(), made, variances, reversed: false, transfer, picks });
        Ok(())
    }

    fn keep_truths(&mut self, index: usize, effects: &Effects) {
        for (document, line_no) in &effects.marked {
            for row in self.truths.iter_mut().filter(|row| row.truth.document == *document && row.truth.line_no == *line_no) {
                row.marked = true;
            }
        }
        self.truths.retain(|row| Some(row.truth.document) != effects.untrue);
        for truth in &effects.truths {
            let truth_row =
                Truth { key: truth.key, lot: truth.lot, counted_at: truth.counted_at, document: id(9, index as u128), number: 1, line_no: truth.line_no };
            self.truths.push(TruthRow { truth: truth_row, quantity: truth.quantity.0, marked: false });
        }
    }

    fn move_transfer(&mut self, command: &Command, transfer: Option<usize>, effects: &Effects) {
        let Some(index) = transfer else { return };
        if matches!(command.work, Work::Move { .. }) {
            let mut lots: BTreeMap<Uuid, TransferLot> = BTreeMap::new();
            for entry in effects.entries.iter().filter(|entry| entry.kind == EntryKind::TransferIn) {
                lots.entry(entry.place.lot).or_default().dispatched += entry.quantity.0;
            }
            let area = |spot_id: Uuid| (0..AREAS).find(|area| spot(*area).location == spot_id).unwrap_or(0);
            let from = area(command.spot.location);
            self.transfers.push(Transfer { from, to: (from + 1) % AREAS, dispatched_at: command.effective_at, lots });
            return;
        }
        let Some(transfer) = self.transfers.get_mut(index) else { return };
        let of_transit = |place: &Place| is_transit(place.key.location);
        for entry in effects.entries.iter().filter(|entry| of_transit(&entry.place)) {
            let lot = transfer.lots.entry(entry.place.lot).or_default();
            match (&command.work, entry.quantity.0) {
                // A dispatch that is undone was never sent.
                (Work::Reverse(_), ..0) => lot.dispatched += entry.quantity.0,
                (_, quantity) => lot.gone -= quantity,
            }
        }
    }

    /// Steps that are no documents.
    pub fn set(&mut self, step: &Step) {
        match step {
            Step::Hold { lot, on } => {
                if let Some(id) = self.nth_lot(*lot) {
                    self.event(Event::Held { lot: id, hold: on.then_some(Hold::Hold) });
                }
            }
            Step::Reserve { area, line } => {
                let key = Key { item: item(line.item).id, location: spot(*area).location };
                let there: i64 = self.balances.iter().filter(|(place, _)| place.key == key).map(|(_, holding)| holding.quantity.0).sum();
                let reserved: i64 = self.reservations.values().filter(|it| it.key == key).map(|it| it.rest).sum();
                let rest = line.quantity.min(there - reserved);
                if rest > 0 {
                    self.event(Event::Reserved { id: id(5, self.step.unsigned_abs().into()), reservation: Reservation { key, rest } });
                }
            }
            Step::Release { reservation } => {
                if let Some(id) = self.reservations.keys().nth(*reservation).copied() {
                    self.event(Event::Released { id });
                }
            }
            Step::Close { day } => {
                let through = days(0).business_date(instant(day * 24));
                if self.closed_through.is_none_or(|closed| closed < through) {
                    self.closed_before.push(self.closed_through);
                    self.event(Event::Closed(Some(through)));
                }
            }
            Step::Reopen => {
                if let Some(before) = self.closed_before.pop() {
                    self.event(Event::Closed(before));
                }
            }
            _ => {}
        }
    }

    fn event(&mut self, event: Event) {
        self.journal.push((self.now(), event.clone()));
        self.happens(event);
    }

    pub fn happens(&mut self, event: Event) {
        match event {
            Event::Held { lot, hold } => {
                if let Some(lot) = self.lots.get_mut(&lot) {
                    lot.hold = hold;
                    lot.version += 1;
                }
            }
            Event::Reserved { id, reservation } => {
                self.reservations.insert(id, reservation);
            }
            Event::Released { id } => {
                self.reservations.remove(&id);
            }
            Event::Closed(through) => self.closed_through = through,
            Event::Posted { .. } => {}
        }
    }
}

pub fn position(index: usize) -> i64 {
    i64::try_from(index + 1).unwrap_or(i64::MAX)
}

fn old(entry: &Entry) -> OldEntry {
    OldEntry {
        line_no: entry.line_no,
        kind: entry.kind,
        place: entry.place,
        quantity: Quantity(entry.quantity),
        value: Money(entry.value),
        at: entry.at,
        business_date: entry.business_date,
    }
}

/// What comes out of a transformation where each share of the value is rounded by itself, and none takes the rest.
fn each_rounded_down(command: &Command, mut effects: Effects) -> Effects {
    let Work::Transform { outputs, .. } = &command.work else { return effects };
    let total: i64 = effects.entries.iter().filter(|entry| entry.kind == EntryKind::TransformationIn).map(|entry| -entry.value.0).sum();
    let weights: i64 = outputs.iter().filter_map(|line| line.weight).sum();
    let out = effects.entries.iter_mut().filter(|entry| entry.kind == EntryKind::TransformationOut);
    for (entry, line) in out.zip(outputs).filter(|_| weights > 0) {
        entry.value = Money(total * line.weight.unwrap_or(0) / weights);
        for lot in effects.lots.iter_mut().filter(|lot| lot.id == line.lot) {
            lot.basis.value = entry.value;
        }
        for balance in effects.balances.iter_mut().filter(|balance| balance.place == entry.place) {
            balance.holding.value = entry.value;
        }
    }
    effects
}
