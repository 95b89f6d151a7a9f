//! A document while it is planned: what is on hand as its entries change it, and all that it does so far.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kernel::Instant;

use super::command::{Command, Counted, Work};
use super::effects::{ChangedLot, Effects, EntryKind, LineOutcome, NewBalance, NewEntry, NewLot, NewTruth, Shortage, Variance};
use super::facts::{Holding, Key, Later, Lot, Place, Snapshot, Truth};
use super::protocol::DocumentType;
use super::refusal::{CountedSince, Refusal};
use super::rule::{Rule, holds};
use crate::arithmetic::{Money, Quantity, half_away_from_zero, split};
use crate::names::{DocumentId, LotId, ReasonId, ReservationId};

pub struct Draft<'a> {
    pub snapshot: &'a Snapshot,
    pub entries: Vec<NewEntry>,
    pub lots: Vec<NewLot>,
    pub variances: Vec<Variance>,
    pub shortages: Vec<Shortage>,
    pub truths: Vec<NewTruth>,
    pub taken: Vec<(ReservationId, Key, Quantity)>,
    holdings: BTreeMap<Place, Holding>,
    later: BTreeMap<Place, Vec<Later>>,
    touched: BTreeSet<Place>,
    changed: BTreeMap<LotId, ChangedLot>,
}

/// What an entry is beside its place and amounts.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub line_no: i64,
    pub kind: EntryKind,
    pub at: Instant,
    pub business_date: NaiveDate,
    pub reason: Option<ReasonId>,
}

impl<'a> Draft<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            entries: Vec::new(),
            lots: Vec::new(),
            variances: Vec::new(),
            shortages: Vec::new(),
            truths: Vec::new(),
            taken: Vec::new(),
            holdings: snapshot.holdings.clone(),
            later: snapshot.later.clone(),
            touched: BTreeSet::new(),
            changed: BTreeMap::new(),
        }
    }

    pub fn lot(&self, id: LotId) -> Option<&'a Lot> {
        self.snapshot.lots.get(&id)
    }

    pub fn holding(&self, place: Place) -> Holding {
        self.holdings.get(&place).copied().unwrap_or_default()
    }

    /// All places of a key where something lies, or moved after the command's earliest instant as far as that was read, by lot.
    pub fn places(&self, key: Key) -> BTreeSet<Place> {
        let range = Place { key, lot: LotId::nil() }..=Place { key, lot: LotId::max() };
        self.holdings.range(range.clone()).map(|(place, _)| *place).chain(self.later.range(range).map(|(place, _)| *place)).collect()
    }

    /// All places of a lot where something lies, ordered by location.
    pub fn places_of(&self, lot: LotId) -> Vec<(Place, Holding)> {
        let mut places: Vec<_> = self.holdings.iter().filter(|(place, holding)| place.lot == lot && holding.quantity.0 > 0).map(|(p, h)| (*p, *h)).collect();
        places.sort_by_key(|(place, _)| place.key.location);
        places
    }

    /// What lay at a place at the end of an instant: what lies there now, less all that came after. For commands that were read all of it
    /// ([`Command::takes_at_one_instant`]).
    pub fn quantity_at(&self, place: Place, at: Instant) -> i128 {
        let after: i128 = self.later.get(&place).into_iter().flatten().filter(|later| later.at > at).map(|later| i128::from(later.quantity)).sum();
        i128::from(self.holding(place).quantity.0) - after
    }

    /// The most that can be taken from a place at an instant without making the quantity negative then or at any later one: the
    /// lowest running quantity from then on. At one instant what comes in comes before what goes out, so the sum of an instant
    /// is what stands at its end.
    pub fn takeable(&self, place: Place, at: Instant) -> i64 {
        let mut running = self.holding(place).quantity.0;
        let mut lowest = running;
        // Backwards from today: what stood before each later instant.
        for later in self.later.get(&place).into_iter().flatten().rev().take_while(|later| later.at > at) {
            running -= later.quantity;
            lowest = lowest.min(running);
        }
        lowest.max(0)
    }

    /// Takes a part of what lies at a place, with its share of the value, and answers that value. `take` is at most what is
    /// takeable.
    pub fn take(&mut self, place: Place, take: Quantity, mark: Mark) -> Result<Money, Refusal> {
        let holding = self.holding(place);
        // Of what lies there, not of what ever came onto the lot: so the last unit takes the rest.
        let whole = if holds(Rule::LastTakesRest) { holding } else { self.lot(place.lot).map_or(holding, |lot| lot.basis) };
        let value = split(whole.value, take, whole.quantity);
        self.record(place, -take.0, -value.0, mark)?;
        Ok(value)
    }

    /// Writes an entry down, and what it makes of what is on hand.
    pub fn record(&mut self, place: Place, quantity: i64, value: i64, mark: Mark) -> Result<(), Refusal> {
        let holding = self.holding(place);
        let quantity_now = holding.quantity.0.checked_add(quantity).ok_or(Refusal::Overflow)?;
        let value_now = holding.value.0.checked_add(value).ok_or(Refusal::Overflow)?;
        self.holdings.insert(place, Holding { quantity: Quantity(quantity_now), value: Money(value_now) });
        self.touched.insert(place);
        let later = self.later.entry(place).or_default();
        match later.binary_search_by_key(&mark.at, |later| later.at) {
            Ok(index) => {
                if let Some(same) = later.get_mut(index) {
                    same.quantity += quantity;
                }
            }
            Err(index) => later.insert(index, Later { at: mark.at, quantity }),
        }
        let Mark { line_no, kind, at, business_date, reason } = mark;
        self.entries.push(NewEntry { line_no, kind, place, quantity: Quantity(quantity), value: Money(value), at, business_date, reason });
        Ok(())
    }

    /// A lot that was there, as this document leaves it; its version is checked when it is written.
    pub fn changed(&mut self, id: LotId) -> Option<&mut ChangedLot> {
        let lot = self.snapshot.lots.get(&id)?;
        let as_it_is = || ChangedLot { id, seen: lot.version, basis: lot.basis, cost_floor_at: lot.cost_floor_at, revalued: false, void: lot.void };
        Some(self.changed.entry(id).or_insert_with(as_it_is))
    }

    /// What is found of a lot is worth what the lot costs: half_away(basis value · found / basis quantity). It adds itself to
    /// the basis, so a lot keeps one rate.
    pub fn gain(&mut self, place: Place, found: Quantity, mark: Mark) -> Result<Money, Refusal> {
        let lot = self.changed(place.lot).ok_or(Refusal::Overflow)?;
        let cost = if holds(Rule::GainAtRate) { lot.basis.value } else { Money::ZERO };
        let product = i128::from(cost.0) * i128::from(found.0);
        let worth = half_away_from_zero(product, i128::from(lot.basis.quantity.0.max(1))).map(Money).filter(|money| money.fits_a_line());
        let worth = worth.ok_or(Refusal::Overflow)?;
        let quantity = lot.basis.quantity.plus(found).ok_or(Refusal::Overflow)?;
        lot.basis = Holding { quantity, value: lot.basis.value.plus(worth).ok_or(Refusal::Overflow)? };
        self.record(place, found.0, worth.0, mark)?;
        Ok(worth)
    }

    /// Puts an entry without quantity before all others, mirrored as a variance: millionths that splitting left.
    pub fn rounding_first(&mut self, entry: NewEntry) {
        self.entries.insert(0, entry);
        let lot = entry.place.lot;
        if holds(Rule::CrumbsAreMirrored) {
            self.variances.push(Variance { lot, amount: Money(-entry.value.0), kind: super::command::VarianceKind::Rounding });
        }
        if let Some(holding) = self.holdings.get_mut(&entry.place) {
            holding.value = Money(holding.value.0 + entry.value.0);
        }
    }

    /// The effects, unless an entry lies in a closed period or makes a posted count untrue.
    pub fn finish(self, command: &Command, lines: Vec<LineOutcome>) -> Result<Effects, Refusal> {
        if let Some(closed_through) = self.snapshot.closed_through {
            let closed = || self.entries.iter().filter(|entry| entry.business_date <= closed_through);
            if let Some(business_date) = closed().map(|entry| entry.business_date).min() {
                let lines: BTreeSet<usize> = closed().filter_map(|entry| line_of(command, entry)).collect();
                return Err(Refusal::PeriodClosed { business_date, closed_through, lines: lines.into_iter().collect() });
            }
        }
        let marked = self.counted(command)?;
        let untrue = if let Work::Reverse(reversal) = &command.work { Some(reversal.document) } else { None };
        let holdings = &self.holdings;
        let balance = |place: &Place| NewBalance {
            place: *place,
            holding: holdings.get(place).copied().unwrap_or_default(),
            held: self.snapshot.holdings.contains_key(place),
        };
        Ok(Effects {
            business_date: command.days.business_date(command.effective_at),
            balances: self.touched.iter().map(balance).collect(),
            lots: self.lots,
            changed_lots: self.changed.into_values().collect(),
            entries: self.entries,
            lines,
            variances: self.variances,
            shortages: self.shortages,
            truths: self.truths,
            marked,
            untrue,
            taken: self.taken,
        })
    }

    /// The count lines that stop being true: none where that is refused. A count does this to no other: what is counted at or
    /// before another count of the same stock posts nothing.
    fn counted(&self, command: &Command) -> Result<Vec<(DocumentId, i64)>, Refusal> {
        if matches!(command.work, Work::Count { .. }) {
            return Ok(Vec::new());
        }
        let own = if let Work::Reverse(reversal) = &command.work { Some(reversal.document) } else { None };
        let mut moving: BTreeMap<Key, Vec<&NewEntry>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.quantity.0 != 0) {
            moving.entry(entry.place.key).or_default().push(entry);
        }
        let moves = |truth: &Truth| {
            let here = moving.get(&truth.key).into_iter().flatten();
            here.copied().filter(|entry| entry.at <= truth.counted_at).collect::<Vec<_>>()
        };
        let (mut since, mut marked) = (Vec::new(), Vec::new());
        for truth in self.snapshot.truths.iter().filter(|truth| Some(truth.document) != own) {
            let moved = moves(truth);
            if moved.is_empty() {
                continue;
            }
            since.push(CountedSince {
                document_id: truth.document,
                number: DocumentType::Count.show(truth.number),
                line_no: truth.line_no,
                item_id: truth.key.item,
                location_id: truth.key.location,
                counted_at: truth.counted_at,
                lines: moved.iter().filter_map(|entry| line_of(command, entry)).collect::<BTreeSet<_>>().into_iter().collect(),
            });
            // A line about one lot stays true where another lot moves.
            if holds(Rule::NotIncludedMarks) && truth.lot.is_none_or(|lot| moved.iter().any(|entry| entry.place.lot == lot)) {
                marked.push((truth.document, truth.line_no));
            }
        }
        if since.is_empty() || command.counted == Counted::NotIncluded { Ok(marked) } else { Err(Refusal::CountedSince(since)) }
    }
}

/// The line of the request that an entry is of, counted from zero; of a reversal, that of the document that is undone. What changes
/// the cost of lots names them in other ways.
fn line_of(command: &Command, entry: &NewEntry) -> Option<usize> {
    match command.work {
        Work::ChangeCost { .. } | Work::Correct(_) => None,
        _ => usize::try_from(entry.line_no - 1).ok(),
    }
}
