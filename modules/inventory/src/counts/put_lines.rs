//! Writes down what was counted: many lines at once, by many people at once.

use actix_web::{put, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Outcome, Permission, Text, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers;
use super::lines::{CountLineAnswer, Counted, Slot};
use super::sheet::{Areas, Known, Sheet};
use super::{CountAnswer, CountStatus, done, ground, locked, repository};
use crate::Inventory;
use crate::arithmetic::{AtLeastZero, Quantity};
use crate::catalog::answers as common;
use crate::catalog::lookup::{self, Ground};
use crate::documents::LINES;
use crate::error::Error;
use crate::http::{Answer, HideCosts, Id, Recheck, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger;
use crate::names::{ItemRef, LocationPath, LocationRef, LotId, UnitCode};

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
            Err(violations) => sheet.wrong(index, violations),
        }
    }
    let sheet = sheet.checked().map_err(|wrong| Error::Invalid(wrong.into_iter().map(|(_, violation)| violation).collect()))?;
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
        (status = 422, description = "`invalid_request`, in its `errors` also `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `location_not_counted`, `location_archived`, `lot_not_found`, `lot_void`, `lot_not_received_yet`, `counted_in_future`, `counted_twice`, `lot_beside_whole`, `nothing_to_add`; `idempotency_key_reused`", body = ProblemDocument<'_>),
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
