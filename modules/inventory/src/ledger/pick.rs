//! Which lot is taken, and in which order. Waste is bound by nothing: what is on hold or expired is thrown away all the same.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Instant;

use super::command::WasteLine;
use super::effects::{EntryKind, NewEntry};
use super::facts::{Holding, Key, Lot, Place, Snapshot};
use super::refusal::{LineFlaw, Refusal, ShortLine};
use crate::arithmetic::{Money, Quantity, split};
use crate::names::{LocationId, LotId, Pick};

/// What is left of each place while a document is planned.
pub struct Shelf<'a> {
    snapshot: &'a Snapshot,
    effective_at: Instant,
    left: BTreeMap<Place, Left>,
}

struct Left {
    holding: Holding,
    takeable: Quantity,
    touched: bool,
}

/// The order in which the lots of an item leave.
fn order(pick: Pick, lot: &Lot) -> (Option<Reverse<bool>>, Option<NaiveDate>, Instant, (i64, i64)) {
    match pick {
        // A lot without a date comes last.
        Pick::Fefo => (Some(Reverse(lot.expires_on.is_some())), lot.expires_on, lot.received_at, lot.origin),
        Pick::Fifo | Pick::Manual => (None, None, lot.received_at, lot.origin),
    }
}

impl<'a> Shelf<'a> {
    pub fn new(snapshot: &'a Snapshot, effective_at: Instant) -> Self {
        let left = |(place, holding): (&Place, &Holding)| (*place, Left { holding: *holding, takeable: snapshot.takeable(place), touched: false });
        Self { snapshot, effective_at, left: snapshot.holdings.iter().map(left).collect() }
    }

    /// Takes what all lines ask for, those that name a lot first, and answers the entries of each line; or every line that is
    /// wrong, or every line that is short.
    pub fn take(&mut self, location: LocationId, lines: &[WasteLine]) -> Result<Vec<Vec<NewEntry>>, Refusal> {
        let mut taken: Vec<Vec<NewEntry>> = lines.iter().map(|_| Vec::new()).collect();
        let (mut flaws, mut short) = (Vec::new(), Vec::new());
        let (named, picked): (Vec<_>, Vec<_>) = lines.iter().zip(&mut taken).enumerate().partition(|(_, (line, _))| line.lot.is_some());
        for (index, (line, entries)) in named.into_iter().chain(picked) {
            let key = Key { item: line.item.id, location };
            match self.sources(index, line, key) {
                Err(Unusable::Flaw(flaw)) => flaws.push(flaw),
                Err(Unusable::Refused(refusal)) => return Err(refusal),
                Ok(sources) => match self.take_line(index, line, key, &sources) {
                    Ok(made) => *entries = made,
                    Err(line) => short.push(line),
                },
            }
        }
        if !flaws.is_empty() {
            flaws.sort_by_key(|flaw| flaw.line);
            return Err(Refusal::Lines(flaws));
        }
        if !short.is_empty() {
            short.sort_by_key(|line| line.line);
            return Err(Refusal::Insufficient(short));
        }
        Ok(taken)
    }

    /// The places that a line may be taken from, in order.
    fn sources(&self, index: usize, line: &WasteLine, key: Key) -> Result<Vec<Place>, Unusable> {
        if let Some(lot) = line.lot {
            return self.named(index, line, lot).map(|()| vec![Place { key, lot }]);
        }
        if line.item.pick == Pick::Manual {
            let detail = "the lots of this item are chosen by hand: name one".to_owned();
            return Err(Unusable::Flaw(LineFlaw { line: index, field: "lot_id", code: "lot_required", detail }));
        }
        let usable = |lot: &Lot| lot.received_at <= self.effective_at && lot.cost_floor_at <= self.effective_at;
        let here = self.left.range(Place { key, lot: LotId::nil() }..=Place { key, lot: LotId::max() });
        let mut candidates: Vec<(Place, &Lot)> =
            here.filter_map(|(place, _)| self.snapshot.lots.get(&place.lot).map(|lot| (*place, lot))).filter(|(_, lot)| usable(lot)).collect();
        candidates.sort_by_key(|(_, lot)| order(line.item.pick, lot));
        Ok(candidates.into_iter().map(|(place, _)| place).collect())
    }

    fn named(&self, index: usize, line: &WasteLine, id: LotId) -> Result<(), Unusable> {
        let flaw = |code, detail: String| Err(Unusable::Flaw(LineFlaw { line: index, field: "lot_id", code, detail }));
        let Some(lot) = self.snapshot.lots.get(&id).filter(|lot| lot.item == line.item.id) else {
            return flaw("lot_not_found", "this item has no such lot".to_owned());
        };
        if lot.received_at > self.effective_at {
            return flaw("lot_not_received_yet", format!("this lot was received at {}, after the time of this document", lot.received_at));
        }
        if lot.cost_floor_at > self.effective_at {
            return Err(Unusable::Refused(Refusal::LotRevaluedAfter { line: index, lot: id, cost_floor_at: lot.cost_floor_at }));
        }
        Ok(())
    }

    fn take_line(&mut self, index: usize, line: &WasteLine, key: Key, sources: &[Place]) -> Result<Vec<NewEntry>, ShortLine> {
        let available: i128 = sources.iter().filter_map(|place| self.left.get(place)).map(|left| i128::from(left.takeable.0)).sum();
        if available < i128::from(line.quantity.0) {
            let available = Quantity(i64::try_from(available).unwrap_or(i64::MAX));
            return Err(ShortLine { line: index, item_id: key.item, location_id: key.location, lot_id: line.lot, requested: line.quantity, available });
        }
        let mut wanted = line.quantity.0;
        let mut entries = Vec::new();
        for place in sources {
            let Some(left) = self.left.get_mut(place).filter(|left| left.takeable.0 > 0) else { continue };
            let take = Quantity(wanted.min(left.takeable.0));
            let value = left.take(take);
            let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
            entries.push(NewEntry {
                line_no,
                kind: EntryKind::Waste,
                place: *place,
                quantity: Quantity(-take.0),
                value: Money(-value.0),
                reason: Some(line.reason),
            });
            wanted -= take.0;
            if wanted == 0 {
                break;
            }
        }
        Ok(entries)
    }

    /// The places that were taken from, as they are afterwards.
    pub fn touched(&self) -> impl Iterator<Item = (Place, Holding)> {
        self.left.iter().filter(|(_, left)| left.touched).map(|(place, left)| (*place, left.holding))
    }
}

enum Unusable {
    Flaw(LineFlaw),
    Refused(Refusal),
}

impl Left {
    /// Takes a part and answers its value. `take` is at most what is takeable, which is at most what is there.
    fn take(&mut self, take: Quantity) -> Money {
        let value = split(self.holding.value, take, self.holding.quantity);
        self.holding = Holding { quantity: Quantity(self.holding.quantity.0 - take.0), value: Money(self.holding.value.0 - value.0) };
        self.takeable = Quantity(self.takeable.0 - take.0);
        self.touched = true;
        value
    }
}
