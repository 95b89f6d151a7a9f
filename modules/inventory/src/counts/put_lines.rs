//! Writes down what was counted: many lines at once, by many people at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actix_web::{put, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Outcome, Permission, Text, Txn, UserId, Violation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers;
use super::lines::{CountLineAnswer, Counted, Slot};
use super::repository::{self, AreaRow, NamedLot};
use super::{CountAnswer, CountStatus, done, ground, locked};
use crate::Inventory;
use crate::arithmetic::{AtLeastZero, Quantity};
use crate::catalog::answers as common;
use crate::catalog::lookup::{self, Ground, Items};
use crate::documents::LINES;
use crate::error::Error;
use crate::http::{Answer, HideCosts, Id, Recheck, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger;
use crate::names::{ItemRef, LocationId, LocationPath, LocationRef, LotId, UnitCode};

/// What was counted.
#[derive(Clone, Debug)]
pub struct Request {
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    /// What the count is of, where nothing is said.
    pub location: Option<LocationRef>,
    pub lot_id: Option<LotId>,
    /// `None` takes the line out.
    pub quantity: Option<Quantity>,
    pub unit: Option<UnitCode>,
    pub counted_at: Option<Instant>,
    pub add: bool,
    pub note: Option<String>,
}

/// What was counted, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PutCountLines)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// At least one. Lines that are not sent stay as they are.
    lines: Vec<LineShape>,
}

/// What was counted of an item, or of one of its lots, in an area.
#[derive(Deserialize, ToSchema)]
#[schema(as = PutCountLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// The area's path; where neither this nor `location_id` is given, the area that the count is of.
    location: Option<LocationPath>,
    /// The area's id.
    location_id: Option<Uuid>,
    /// The lot that was counted; all lots together where nothing is said. An item is counted in an area either by lot or as a whole.
    lot_id: Option<Uuid>,
    /// How much, in `unit`, zero or more. `null` takes the line out: it was not counted.
    #[schema(required)]
    quantity: Option<Quantity>,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// When it was counted; now, where nothing is said.
    counted_at: Option<Instant>,
    /// Whether it is counted in addition to what others have counted of the same; the later time counts then. Else it replaces that.
    /// What is added needs an Idempotency-Key: sent twice, it would count twice.
    add: Option<bool>,
    /// At most 500 characters.
    note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { lines: fields.list("lines", 1..=LINES)? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let location = optional_location(fields);
        let (lot_id, quantity, unit) = (fields.optional("lot_id"), fields.optional::<AtLeastZero>("quantity"), fields.optional("unit"));
        let (counted_at, add, note) = (fields.optional("counted_at"), fields.or("add", false), fields.optional::<Text<1, 500>>("note"));
        if !fields.is_present("quantity") {
            fields.refuse("quantity", "required", "this field is required; null takes the line out");
        }
        if add == Some(true) && quantity == Some(None) {
            fields.refuse("add", "nothing_to_add", "null takes the line out and adds nothing");
        }
        Some(Self {
            item: item?,
            location: location?,
            lot_id: lot_id?,
            quantity: quantity?.map(|quantity| quantity.0),
            unit: unit?,
            counted_at: counted_at?,
            add: add?,
            note: note?.map(|text| text.0),
        })
    }
}

/// A location that may be left out.
#[expect(clippy::option_option, reason = "as `Fields::optional`: what is wrong, and what is not there")]
pub fn optional_location(fields: &mut Fields<'_>) -> Option<Option<LocationRef>> {
    fields.one_at_most(&["location_id", "location"], |fields, name| match name {
        "location" => fields.required("location").map(|location| LocationRef::Path { location }),
        _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
    })
}

/// The count, and its lines as they are now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CountedLines)]
pub struct Response {
    /// The count.
    pub count: CountAnswer,
    /// The lines that were written, as they are now, by item, area and lot.
    pub lines: Vec<CountLineAnswer>,
    /// How many lines were taken out.
    pub removed: u64,
}

impl HideCosts for Response {}

impl Recheck for Response {
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        self.count.recheck(caller, txn)
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen, request: Request) -> Result<Answer<Response>, Error> {
    caller.need(Permission::Count)?;
    need_lines(state, request.lines.len())?;
    state.create_once(caller, once, (id, seen, request), |task, txn| Box::pin(work(task, txn))).await.map(done)
}

/// 422 where a count would have more lines than this installation takes.
fn need_lines(state: &Inventory, lines: usize) -> Result<(), Error> {
    let most = state.config().lines_per_count;
    if lines <= most { Ok(()) } else { Err(Error::invalid("/lines", "wrong_length", format!("a count has at most {most} lines here"))) }
}

async fn work(task: &Task<(Uuid, Seen, Request)>, txn: &Txn) -> Result<Response, Error> {
    let ((id, seen, request), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, *seen).await?;
    count.need("counted on", &[CountStatus::Open, CountStatus::Counting])?;
    let Ground { now, rules, .. } = ground(txn, tenant, &count, task.now).await?;
    let areas = Areas::new(&count, repository::areas(txn, tenant, &count.location).await?);
    let items = lookup::items(txn, tenant, request.lines.iter().map(|line| &line.item)).await?;
    let lots = repository::lots(txn, tenant, &request.lines.iter().filter_map(|line| line.lot_id).collect()).await?;
    let named = request.lines.iter().filter_map(|line| items.named(&line.item)).map(|item| item.rules.id).collect();
    let stored = repository::lines_of_items(txn, tenant, *id, &named).await?;

    let mut sheet = Sheet::new(stored, task.caller.user_id);
    let known = Known { items: &items, areas: &areas, lots: &lots, now };
    for (index, line) in request.lines.iter().enumerate() {
        match known.resolve(index, line) {
            Ok((slot, counted)) => sheet.put(index, slot, counted, line.add),
            Err(violations) => sheet.violations.extend(violations),
        }
    }
    let sheet = sheet.checked()?;
    let grown = i64::try_from(sheet.new).unwrap_or(i64::MAX) - i64::try_from(sheet.removed.len()).unwrap_or(0);
    let lines = repository::number_of_lines(txn, tenant, *id).await? + grown;
    need_lines(&task.state, usize::try_from(lines).unwrap_or(0))?;

    repository::remove(txn, tenant, *id, &sheet.removed).await?;
    repository::write(txn, tenant, *id, sheet.written.iter()).await?;
    repository::add_counter(txn, tenant, *id, task.caller.user_id).await?;
    if count.status == CountStatus::Open {
        count.started_at = Some(now);
        count.go(CountStatus::Counting, now);
        repository::save(txn, tenant, &count).await?;
    }
    // An item or an area that is archived meanwhile is in use by this count, or must not be counted any more.
    ledger::need_rules(txn, tenant, rules).await?;
    let answer = |(slot, line): (&Slot, &Counted)| CountLineAnswer::new(*slot, line, items.names(slot.item), areas.path(slot.location));
    let removed = u64::try_from(sheet.removed.len()).unwrap_or(u64::MAX);
    Ok(Response { lines: sheet.written.iter().map(answer).collect(), count, removed })
}

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
struct Known<'a> {
    items: &'a Items,
    areas: &'a Areas,
    lots: &'a BTreeMap<LotId, NamedLot>,
    now: Instant,
}

/// What a line says, without who says it.
struct Entered {
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
    fn resolve(&self, index: usize, line: &Line) -> Result<(Slot, Option<Entered>), Vec<Violation>> {
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

/// The lines of some items while a request is written onto them.
struct Sheet {
    by: UserId,
    lines: BTreeMap<Slot, Counted>,
    stored: BTreeSet<Slot>,
    /// Which line of the request last spoke of a slot.
    spoken: BTreeMap<Slot, usize>,
    violations: Vec<Violation>,
}

/// What is to be written.
struct Checked {
    written: BTreeMap<Slot, Counted>,
    removed: BTreeSet<Slot>,
    /// How many of those that are written were not there.
    new: usize,
}

impl Sheet {
    fn new(lines: BTreeMap<Slot, Counted>, by: UserId) -> Self {
        Self { by, stored: lines.keys().copied().collect(), lines, spoken: BTreeMap::new(), violations: Vec::new() }
    }

    fn refuse(&mut self, index: usize, field: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = if field.is_empty() { format!("/lines/{index}") } else { format!("/lines/{index}/{field}") };
        self.violations.push(Violation { pointer, code: code.into(), detail: detail.into() });
    }

    fn put(&mut self, index: usize, slot: Slot, line: Option<Entered>, add: bool) {
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
    fn checked(mut self) -> Result<Checked, Error> {
        let slots: Vec<(Slot, usize)> = self.spoken.iter().map(|(slot, index)| (*slot, *index)).collect();
        for (slot, index) in slots {
            if self.lines.contains_key(&slot) && self.is_mixed(slot) {
                let detail = "this item is counted in this area both by lot and as a whole: take one of the two out";
                self.refuse(index, "lot_id", "lot_beside_whole", detail);
            }
        }
        if !self.violations.is_empty() {
            return Err(Error::Invalid(self.violations));
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

/// Writes lines of a count: each replaces what was counted of the same item, area and lot, or adds to it. All of them, or none.
#[utoipa::path(
    tag = "counts",
    operation_id = "put_count_lines",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Needed where a line says `add`: a new value for each request; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    request_body = RequestShape,
    responses(
        (status = 200, description = "The count, and the lines that were written", body = Response),
        (status = 400, description = "`idempotency_key_required`: a line says `add`, `idempotency_key_invalid`", body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`count_status` with the status that it is in as `count_status`, `location_archived`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = common::KEY_REUSED, body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[put("/counts/{id}/lines")]
pub async fn put_count_lines(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: Body<Request>,
) -> Result<Answer<Response>, Error> {
    // To write the same line again changes nothing; to add to it again does.
    let key = if body.request.lines.iter().any(|line| line.add) { key.required()? } else { key };
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, id.0, seen, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shapes_are_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
        crate::http::assert_shape::<Line, LineShape>();
    }
}
