//! Which lot is taken, and in which order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;
use kernel::Instant;

use super::command::{OnShort, TakeLine};
use super::draft::{Draft, Mark};
use super::effects::EntryKind;
use super::facts::{ItemRules, Key, Lot, Place, Spot};
use super::refusal::{LineFlaw, LotConflict, LotConflictCode, Refusal, ShortLine};
use super::rule::{Rule, holds};
use crate::arithmetic::{Money, Quantity};
use crate::names::{ItemId, LotId, Pick, ReservationId};

/// How lines are taken from one place at one instant.
pub struct Taking<'c> {
    pub spot: Spot,
    pub at: Instant,
    pub kind: EntryKind,
    pub binding: Binding,
    pub on_short: OnShort,
    /// Only these lots, and no more of each: what a transfer has under way.
    pub only: Option<&'c BTreeMap<LotId, Quantity>>,
}

/// Whether holds, expiry and reservations bind. What is thrown away, sent back or lost is bound by none of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    Free,
    Bound {
        /// A lot on hold may be moved by somebody who names it.
        may_move_held: bool,
    },
}

/// What a line got: the parts of each lot, with their values.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub parts: Vec<(Place, Quantity, Money)>,
    pub short: Quantity,
}

impl Taken {
    pub fn value(&self) -> Result<Money, Refusal> {
        self.parts.iter().try_fold(Money::ZERO, |sum, (_, _, value)| sum.plus(*value)).ok_or(Refusal::Overflow)
    }
}

/// Whether there is a date, the date, whether it is open, when it was received, its origin: the smallest leaves first.
type Order = (Option<Reverse<bool>>, Option<NaiveDate>, Option<Reverse<bool>>, Option<Instant>, (i64, i64));

/// The order in which the lots of an item leave.
pub fn order(pick: Pick, lot: &Lot) -> Order {
    let dated = holds(Rule::UndatedLast).then_some(Reverse(lot.expires_on.is_some()));
    let expires_on = lot.expires_on.filter(|_| holds(Rule::ByExpiry));
    let opened = holds(Rule::OpenedFirst).then_some(Reverse(lot.opened));
    let received_at = holds(Rule::ByReceipt).then_some(lot.received_at);
    match pick {
        // A lot without a date comes last, an opened one before a sealed one of the same date.
        Pick::Fefo => (dated, expires_on, opened, received_at, lot.origin),
        Pick::Fifo | Pick::Manual => (None, None, None, received_at, lot.origin),
    }
}

/// The places that lines are taken from, in order, and how much there is in all of them. What is used up leaves it, so that many
/// lines of an item with many lots look at each lot once and not at all lots each.
struct Queue {
    places: VecDeque<Place>,
    there: i128,
}

struct Picker<'d, 'a, 'c> {
    draft: &'d mut Draft<'a>,
    taking: &'c Taking<'c>,
    date: NaiveDate,
    /// What bound lines may still take of a key: what is takeable, less all that is set aside.
    available: BTreeMap<Key, i128>,
    /// What is left of the reservations that lines name: those may take it too.
    own: BTreeMap<ReservationId, i64>,
    left_of: BTreeMap<LotId, i64>,
    /// Where the lines of each item that name no lot go on.
    queues: BTreeMap<ItemId, Queue>,
    flaws: Vec<LineFlaw>,
    conflicts: Vec<LotConflict>,
    short: Vec<ShortLine>,
}

/// Takes what all lines ask for, those that name a lot first, and answers what each got; or every line that is wrong, or every
/// line that is short.
pub fn take(draft: &mut Draft<'_>, taking: &Taking<'_>, lines: &[TakeLine]) -> Result<Vec<Taken>, Refusal> {
    let date = taking.spot.days.business_date(taking.at);
    let left_of = taking.only.into_iter().flatten().map(|(lot, quantity)| (*lot, quantity.0)).collect();
    let mut picker = Picker {
        draft,
        taking,
        date,
        available: BTreeMap::new(),
        own: BTreeMap::new(),
        left_of,
        queues: BTreeMap::new(),
        flaws: Vec::new(),
        conflicts: Vec::new(),
        short: Vec::new(),
    };
    picker.set_aside(lines);
    let mut taken: Vec<Taken> = lines.iter().map(|_| Taken::default()).collect();
    let (named, picked): (Vec<_>, Vec<_>) = lines.iter().zip(&mut taken).enumerate().partition(|(_, (line, _))| line.lot.is_some() || !holds(Rule::NamedFirst));
    for (index, (line, got)) in named.into_iter().chain(picked) {
        if let Some(mut sources) = picker.sources(index, line) {
            *got = picker.take_line(index, line, &mut sources)?;
            if line.lot.is_none() {
                picker.queues.insert(line.item.id, sources);
            }
        }
    }
    picker.refusal().map_or(Ok(taken), Err)
}

impl Picker<'_, '_, '_> {
    fn key(&self, item: &ItemRules) -> Key {
        Key { item: item.id, location: self.taking.spot.location }
    }

    fn refusal(mut self) -> Option<Refusal> {
        self.flaws.sort_by_key(|flaw| flaw.line);
        self.conflicts.sort_by_key(|conflict| conflict.line);
        self.short.sort_by_key(|short| short.line);
        if !self.flaws.is_empty() {
            return Some(Refusal::Lines(self.flaws));
        }
        if !self.conflicts.is_empty() {
            return Some(Refusal::Lots(self.conflicts));
        }
        if self.short.is_empty() {
            return None;
        }
        let lot_left = |short: &ShortLine| short.lot_id.map(|lot| self.taking.only.and_then(|only| only.get(&lot)).map_or(0, |left| i128::from(left.0)));
        let all_left = |short: &ShortLine| -> i128 {
            let of_item = |lot: &LotId| self.draft.lot(*lot).is_some_and(|lot| lot.item == short.item_id);
            self.taking.only.into_iter().flatten().filter(|(lot, _)| of_item(lot)).map(|(_, left)| i128::from(left.0)).sum()
        };
        let beyond = |short: &ShortLine| i128::from(short.requested.0) > lot_left(short).unwrap_or_else(|| all_left(short));
        if self.taking.only.is_some() && self.short.iter().any(beyond) {
            return Some(Refusal::MoreThanUnderWay(self.short));
        }
        Some(Refusal::Insufficient(self.short))
    }

    /// What bound lines may take of each key: all that is takeable of lots that may be used, less the reservations of others.
    fn set_aside(&mut self, lines: &[TakeLine]) {
        if self.taking.binding == Binding::Free {
            return;
        }
        for (index, line) in lines.iter().enumerate() {
            let key = self.key(&line.item);
            if !self.available.contains_key(&key) {
                let there: i128 = self.candidates(&line.item).iter().map(|place| i128::from(self.draft.takeable(*place, self.taking.at))).sum();
                let reserved = self.draft.snapshot.reserved.get(&key).map_or(0, |reserved| reserved.0);
                self.available.insert(key, there - i128::from(reserved));
            }
            let Some(id) = line.reservation else { continue };
            match self.draft.snapshot.reservations.get(&id).filter(|reserved| reserved.key == key) {
                Some(reserved) => {
                    self.own.insert(id, reserved.rest.0);
                }
                None => {
                    let detail = "there is no active reservation of this item here under this id";
                    self.flaws.push(LineFlaw::new(index, "reservation_id", "reservation_not_found", detail));
                }
            }
        }
    }

    /// The lots that a line without a name may be taken from, in the order of the item.
    fn candidates(&self, item: &ItemRules) -> Vec<Place> {
        let mut candidates: Vec<(Place, &Lot)> = self
            .draft
            .places(self.key(item))
            .into_iter()
            .filter_map(|place| self.draft.lot(place.lot).map(|lot| (place, lot)))
            .filter(|(place, lot)| self.may_pick(item, place.lot, lot))
            .collect();
        candidates.sort_by_key(|(_, lot)| order(item.pick, lot));
        candidates.into_iter().map(|(place, _)| place).collect()
    }

    fn may_pick(&self, item: &ItemRules, id: LotId, lot: &Lot) -> bool {
        let there = !lot.void && lot.received_at <= self.taking.at && lot.cost_floor_at <= self.taking.at;
        let expired = holds(Rule::ExpiredIsNotPicked) && lot.is_expired(item, self.date);
        let usable = self.taking.binding == Binding::Free || (lot.hold.is_none() && !expired);
        there && usable && self.taking.only.is_none_or(|only| only.contains_key(&id))
    }

    /// The places that a line may be taken from, in order; none where it is refused.
    fn sources(&mut self, index: usize, line: &TakeLine) -> Option<Queue> {
        // Of an item whose lot is named, what others find is another thing from then on.
        let known = self.queues.remove(&line.item.id);
        if let Some(id) = line.lot {
            return self.named(index, line, id).map(|place| self.queue(vec![place]));
        }
        if holds(Rule::ManualIsNamed) && line.item.pick == Pick::Manual && self.taking.only.is_none() {
            self.flaws.push(LineFlaw::new(index, "lot_id", "lot_required", "the lots of this item are chosen by hand: name one"));
            return None;
        }
        Some(known.unwrap_or_else(|| self.queue(self.candidates(&line.item))))
    }

    fn queue(&self, places: Vec<Place>) -> Queue {
        let there = places.iter().map(|place| i128::from(self.most(*place))).sum();
        Queue { places: places.into(), there }
    }

    fn named(&mut self, index: usize, line: &TakeLine, id: LotId) -> Option<Place> {
        let Some(lot) = self.draft.lot(id).filter(|lot| lot.item == line.item.id) else {
            self.flaws.push(LineFlaw::new(index, "lot_id", "lot_not_found", "this item has no such lot"));
            return None;
        };
        if lot.received_at > self.taking.at {
            let detail = format!("this lot was received at {}, after the time of this document", lot.received_at);
            self.flaws.push(LineFlaw::new(index, "lot_id", "lot_not_received_yet", detail));
            return None;
        }
        let bound = self.taking.binding != Binding::Free;
        let may_move_held = holds(Rule::HeldMayBeMoved) && matches!(self.taking.binding, Binding::Bound { may_move_held: true });
        let code = if lot.void {
            Some(LotConflictCode::Void)
        } else if lot.cost_floor_at > self.taking.at {
            Some(LotConflictCode::RevaluedAfter)
        } else if bound && lot.hold.is_some() && !may_move_held {
            Some(LotConflictCode::OnHold)
        } else if holds(Rule::ExpiredIsNotNamed) && bound && lot.is_expired(&line.item, self.date) {
            Some(LotConflictCode::Expired)
        } else {
            None
        };
        if let Some(code) = code {
            let cost_floor_at = (code == LotConflictCode::RevaluedAfter).then_some(lot.cost_floor_at);
            let expires_on = lot.expires_on.filter(|_| code == LotConflictCode::Expired);
            let available = Quantity(self.most(Place { key: self.key(&line.item), lot: id }));
            let (requested, available) = (Some(line.quantity), Some(available));
            self.conflicts.push(LotConflict { cost_floor_at, expires_on, requested, available, ..LotConflict::new(index, id, code) });
            return None;
        }
        Some(Place { key: self.key(&line.item), lot: id })
    }

    /// How much of a place a line may have.
    fn most(&self, place: Place) -> i64 {
        let takeable = self.draft.takeable(place, self.taking.at);
        if self.taking.only.is_none() { takeable } else { takeable.min(self.left_of.get(&place.lot).copied().unwrap_or(0)) }
    }

    fn take_line(&mut self, index: usize, line: &TakeLine, sources: &mut Queue) -> Result<Taken, Refusal> {
        let key = self.key(&line.item);
        // What is on hold was not counted as available, so moving it takes nothing from that.
        let held = line.lot.and_then(|lot| self.draft.lot(lot)).is_some_and(|lot| lot.hold.is_some());
        let own = line.reservation.and_then(|id| self.own.get(&id)).copied().unwrap_or(0);
        let limit = match self.available.get(&key) {
            Some(available) if !held => (available + i128::from(own)).max(0),
            _ => i128::MAX,
        };
        let available = Quantity(i64::try_from(sources.there.min(limit)).unwrap_or(i64::MAX));
        if available < line.quantity && self.taking.on_short == OnShort::Refuse {
            let (item_id, location_id) = (key.item, key.location);
            self.short.push(ShortLine { line: index, item_id, location_id, lot_id: line.lot, requested: line.quantity, available });
            return Ok(Taken::default());
        }
        let take = line.quantity.min(available);
        let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let mark = Mark { line_no, kind: self.taking.kind, at: self.taking.at, business_date: self.date, reason: line.reason };
        let mut taken = Taken { parts: Vec::new(), short: Quantity(line.quantity.0 - take.0) };
        let mut wanted = take.0;
        sources.there -= i128::from(take.0);
        while wanted > 0
            && let Some(place) = sources.places.front().copied()
        {
            let part = Quantity(self.most(place).min(wanted));
            if part == Quantity::ZERO {
                sources.places.pop_front();
                continue;
            }
            let value = self.draft.take(place, part, mark)?;
            taken.parts.push((place, part, value));
            wanted -= part.0;
            if let Some(left) = self.left_of.get_mut(&place.lot) {
                *left -= part.0;
            }
        }
        let from_own = self.consume(line, key, take);
        if !held && let Some(available) = self.available.get_mut(&key) {
            *available -= i128::from(take.0 - from_own);
        }
        Ok(taken)
    }

    /// What a line takes, it takes from its reservation first; answers how much that was.
    fn consume(&mut self, line: &TakeLine, key: Key, take: Quantity) -> i64 {
        let Some((id, left)) = line.reservation.and_then(|id| self.own.get_mut(&id).map(|left| (id, left))) else { return 0 };
        let part = take.0.min(*left);
        *left -= part;
        if part > 0 {
            self.draft.taken.push((id, key, Quantity(part)));
        }
        part
    }
}
