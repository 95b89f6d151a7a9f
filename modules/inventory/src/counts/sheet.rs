//! What is written down while somebody counts: the lines that are named, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Instant, UserId, Violation};
use uuid::Uuid;

use super::CountAnswer;
use super::lines::{Counted, Slot};
use super::put_lines::Line;
use super::repository::{AreaRow, NamedLot};
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items};
use crate::names::{LocationId, LocationRef, LotId};

/// The areas of a count, and which of them a line means.
pub struct Areas {
    by_id: HashMap<LocationId, AreaRow>,
    by_path: HashMap<String, LocationId>,
    /// The count's own location, where it is an area.
    own: Option<LocationId>,
}

impl Areas {
    pub fn new(count: &CountAnswer, rows: Vec<AreaRow>) -> Self {
        let by_path = rows.iter().map(|row| (row.path.clone(), row.id)).collect();
        let by_id: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        Self { own: by_id.contains_key(&count.location_id).then_some(count.location_id), by_id, by_path }
    }

    pub fn path(&self, id: LocationId) -> String {
        self.by_id.get(&id).map(|area| area.path.clone()).unwrap_or_default()
    }

    pub fn is_archived(&self, id: LocationId) -> bool {
        self.by_id.get(&id).is_none_or(|area| area.archived_at.is_some())
    }

    /// The area of line `index`.
    pub fn named(&self, index: usize, named: Option<&LocationRef>) -> Result<LocationId, Violation> {
        let refuse = |field: &str, code: &'static str, detail: &str| Violation {
            pointer: format!("/lines/{index}/{field}"),
            code: code.into(),
            detail: detail.to_owned(),
        };
        let Some(named) = named else {
            return self.own.ok_or_else(|| refuse("location", "required", "a whole site is counted: every line says in which area"));
        };
        let found = match named {
            LocationRef::Id { location_id } => Some(*location_id).filter(|id| self.by_id.contains_key(id)),
            LocationRef::Path { location } => self.by_path.get(location.as_str()).copied(),
        };
        let id = found.ok_or_else(|| refuse(named.field(), "location_not_counted", "no area of this name lies in what is counted"))?;
        if self.is_archived(id) { Err(refuse(named.field(), "location_archived", "this area is archived")) } else { Ok(id) }
    }
}

/// What lines may name.
pub struct Known<'a> {
    pub items: &'a Items,
    pub areas: &'a Areas,
    pub lots: &'a BTreeMap<LotId, NamedLot>,
    pub now: Instant,
}

/// What a line says, without who says it.
pub struct Entered {
    entered: Quantity,
    unit: String,
    quantity: Quantity,
    /// The item's base unit.
    base_unit: String,
    at: Instant,
    note: Option<String>,
}

impl Known<'_> {
    /// A line by resolved names; `None` where it is to be taken out.
    pub fn resolve(&self, index: usize, line: &Line) -> Result<(Slot, Option<Entered>), Vec<Violation>> {
        let quantity = line.quantity.unwrap_or(Quantity::ZERO);
        let measured = lookup::measure_at_least_zero(index, &line.item, quantity, line.unit.as_ref(), self.items);
        let area = self.areas.named(index, line.location.as_ref());
        let at = line.counted_at.unwrap_or(self.now);
        let item = self.items.named(&line.item).map(|item| item.rules.id);
        let lot = line.lot_id.zip(item).and_then(|(lot, item)| self.wrong_lot(index, lot, item, at));
        let ahead = (at > self.now).then(|| {
            let detail = format!("nothing can have been counted after now, {}", self.now);
            Violation { pointer: format!("/lines/{index}/counted_at"), code: "counted_in_future".into(), detail }
        });
        match (measured, area, lot, ahead) {
            (Ok((item, base, unit)), Ok(location), None, None) => {
                let slot = Slot { item: item.rules.id, location, lot: line.lot_id };
                let entered =
                    line.quantity.map(|entered| Entered { entered, unit, quantity: base, base_unit: item.base_unit.clone(), at, note: line.note.clone() });
                Ok((slot, entered))
            }
            (measured, area, lot, ahead) => Err([measured.err(), area.err(), lot, ahead].into_iter().flatten().collect()),
        }
    }

    fn wrong_lot(&self, index: usize, named: LotId, item: Uuid, at: Instant) -> Option<Violation> {
        let lot = self.lots.get(&named).filter(|lot| lot.item == item);
        let (code, detail) = match lot {
            None => ("lot_not_found", "this item has no such lot".to_owned()),
            Some(lot) if lot.void => ("lot_void", "the document that made this lot was undone".to_owned()),
            Some(lot) if lot.received_at > at => ("lot_not_received_yet", format!("this lot was received at {}, after it was counted", lot.received_at)),
            Some(_) => return None,
        };
        Some(Violation { pointer: format!("/lines/{index}/lot_id"), code: code.into(), detail })
    }
}

/// The lines of some items while a request is written onto them. A line of the request has the number that its sender gives it.
pub struct Sheet {
    by: UserId,
    lines: BTreeMap<Slot, Counted>,
    stored: BTreeSet<Slot>,
    /// Which line of the request last spoke of a slot.
    spoken: BTreeMap<Slot, usize>,
    /// What is wrong, each with the line of the request.
    violations: Vec<(usize, Violation)>,
}

/// What is to be written.
pub struct Checked {
    pub written: BTreeMap<Slot, Counted>,
    pub removed: BTreeSet<Slot>,
    /// How many of those that are written were not there.
    pub new: usize,
}

impl Sheet {
    pub fn new(lines: BTreeMap<Slot, Counted>, by: UserId) -> Self {
        Self { by, stored: lines.keys().copied().collect(), lines, spoken: BTreeMap::new(), violations: Vec::new() }
    }

    pub fn wrong(&mut self, index: usize, violations: Vec<Violation>) {
        self.violations.extend(violations.into_iter().map(|violation| (index, violation)));
    }

    fn refuse(&mut self, index: usize, field: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = if field.is_empty() { format!("/lines/{index}") } else { format!("/lines/{index}/{field}") };
        self.violations.push((index, Violation { pointer, code: code.into(), detail: detail.into() }));
    }

    pub fn put(&mut self, index: usize, slot: Slot, line: Option<Entered>, add: bool) {
        let before = self.spoken.insert(slot, index);
        if let Some(before) = before.filter(|_| !add) {
            let detail = format!("line {before} of this request says something else of the same item, area and lot; say \"add\": true where both count");
            return self.refuse(index, "", "counted_twice", detail);
        }
        let Some(line) = line else {
            self.lines.remove(&slot);
            return;
        };
        match self.lines.get_mut(&slot).filter(|_| add) {
            Some(sum) => {
                if sum.add(line, self.by).is_none() {
                    self.refuse(index, "quantity", "out_of_range", "together with what was counted before this is more than a line holds");
                }
            }
            None => {
                let recount = self.stored.contains(&slot) && !add;
                let Entered { entered, unit, quantity, base_unit: _, at: counted_at, note } = line;
                self.lines.insert(slot, Counted { entered, unit, quantity, counted_at, counted_by: self.by, recount, uncounted: false, note });
            }
        }
    }

    /// Everything that is wrong, or what is to be written: an item is counted in an area either by lot or as a whole.
    pub fn checked(mut self) -> Result<Checked, Vec<(usize, Violation)>> {
        let slots: Vec<(Slot, usize)> = self.spoken.iter().map(|(slot, index)| (*slot, *index)).collect();
        for (slot, index) in slots {
            if self.lines.contains_key(&slot) && self.is_mixed(slot) {
                let detail = "this item is counted in this area both by lot and as a whole: take one of the two out";
                self.refuse(index, "lot_id", "lot_beside_whole", detail);
            }
        }
        if !self.violations.is_empty() {
            return Err(self.violations);
        }
        let (mut written, mut removed, mut new) = (BTreeMap::new(), BTreeSet::new(), 0);
        for slot in self.spoken.into_keys() {
            let was_there = self.stored.contains(&slot);
            match self.lines.remove(&slot) {
                Some(line) => {
                    new += usize::from(!was_there);
                    written.insert(slot, line);
                }
                None if was_there => {
                    removed.insert(slot);
                }
                None => {}
            }
        }
        Ok(Checked { written, removed, new })
    }

    /// Whether there is a line of the other sort beside this one. (A whole comes before all lots of its item and area.)
    fn is_mixed(&self, slot: Slot) -> bool {
        let whole = Slot { lot: None, ..slot };
        if slot.lot.is_some() {
            return self.lines.contains_key(&whole);
        }
        let last = Slot { lot: Some(Uuid::max()), ..slot };
        self.lines.range(whole..=last).any(|(other, _)| other.lot.is_some())
    }
}

impl Counted {
    /// Adds what somebody else counted. `None` where that is more than a line holds.
    fn add(&mut self, more: Entered, by: UserId) -> Option<()> {
        self.quantity = self.quantity.plus(more.quantity).filter(|sum| sum.0 <= Quantity::MOST_PER_LINE)?;
        // Of two units there is no sum but in the base unit.
        (self.entered, self.unit) = match self.entered.plus(more.entered) {
            Some(sum) if self.unit == more.unit => (sum, more.unit),
            _ => (self.quantity, more.base_unit),
        };
        self.counted_at = self.counted_at.max(more.at);
        self.counted_by = by;
        self.note = more.note.or_else(|| self.note.take());
        Some(())
    }
}
