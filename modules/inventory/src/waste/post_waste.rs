//! Records waste: what, how much, why, at which stage, where it went. Bound by nothing: what is expired is thrown away too.
//!
//! What came back on plates is no stock any more: such lines say what it was and what it weighed, and touch nothing. The ledger
//! is given only the lines that take stock.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, FromValue, Instant, Text, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::conversion::GlobalUnit;
use crate::catalog::lookup::{self, Items, Reason, Reasons, Units, Why};
use crate::catalog::reasons::ReasonKind;
use crate::catalog::units::Dimension;
use crate::documents::{Found, Heading, LINES, Lines, PLATE_WASTE_LINE, PostedAnswer, WASTE_LINE, answer, both, cells, every_line, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::{self, Counted, Effects, Posting, TakeLine, Waste};
use crate::names::Word as _;
use crate::names::{Code, Destination, ItemRef, LocationRef, LotId, ReasonId, Sku, Stage, UnitCode};

/// What was thrown away.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub what: What,
    pub reason: Code,
    pub stage: Option<Stage>,
    pub destination: Option<Destination>,
}

#[derive(Clone, Debug)]
pub enum What {
    Stock { item: ItemRef, quantity: Quantity, unit: Option<UnitCode>, lot_id: Option<LotId> },
    Plate { description: String, mass: Quantity, unit: Option<UnitCode> },
}

/// What was thrown away, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostWaste)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// When it happened; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that was thrown away: stock, by its item and `quantity`; or what came back on plates, by `description` and `mass`.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostWasteLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    /// The item's id; or name it by `sku`.
    item_id: Option<Uuid>,
    /// The item's article number; or name it by `item_id`.
    sku: Option<Sku>,
    /// How much of the item, in `unit`; above zero.
    quantity: Option<Quantity>,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot it came from; picked in the item's order where nothing is said.
    lot_id: Option<Uuid>,
    /// What came back on plates, at most 200 characters, instead of an item: it takes nothing from stock.
    description: Option<String>,
    /// What that weighed, in `mass_unit`; above zero.
    mass: Option<Quantity>,
    /// The code of a unit of mass; `g` where nothing is said.
    mass_unit: Option<UnitCode>,
    /// The code of a waste reason.
    reason: Code,
    /// Where in the work it was lost; the reason's own stage where nothing is said.
    stage: Option<Stage>,
    /// Where it went.
    destination: Option<Destination>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (heading, lines) = (Heading::read(fields), fields.list("lines", 1..=LINES));
        Some(Self { heading: heading?, lines: lines? })
    }
}

/// What a line is about, before its amount is read.
enum Named {
    Item(ItemRef),
    Plate(String),
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let named = fields.exactly_one(&["item_id", "sku", "description"], |fields, name| match name {
            "item_id" => fields.required("item_id").map(|item_id| Named::Item(ItemRef::Id { item_id })),
            "sku" => fields.required("sku").map(|sku| Named::Item(ItemRef::Sku { sku })),
            _ => fields.required::<Text<1, 200>>("description").map(|text| Named::Plate(text.0)),
        });
        let what = if matches!(named, Some(Named::Plate(_))) {
            for absent in [none::<Quantity>(fields, "quantity"), none::<UnitCode>(fields, "unit"), none::<Uuid>(fields, "lot_id")].into_iter().flatten() {
                fields.refuse(absent, "only_of_stock", "what came back on plates is no stock: say its mass");
            }
            let (mass, unit) = (fields.required("mass"), fields.optional("mass_unit"));
            named.zip(mass).zip(unit).and_then(|((named, mass), unit)| named.plate(mass, unit))
        } else {
            for absent in [none::<Quantity>(fields, "mass"), none::<UnitCode>(fields, "mass_unit")].into_iter().flatten() {
                fields.refuse(absent, "only_of_plate_waste", "what is taken from stock has a quantity");
            }
            let (quantity, unit, lot_id) = (fields.required("quantity"), fields.optional("unit"), fields.optional("lot_id"));
            named.zip(quantity).zip(unit.zip(lot_id)).and_then(|((named, quantity), (unit, lot_id))| named.stock(quantity, unit, lot_id))
        };
        let (reason, stage, destination) = (fields.required("reason"), fields.optional("stage"), fields.optional("destination"));
        Some(Self { what: what?, reason: reason?, stage: stage?, destination: destination? })
    }
}

/// The name of a field that must not be there, where it is.
fn none<T: FromValue>(fields: &mut Fields<'_>, name: &'static str) -> Option<&'static str> {
    fields.optional::<T>(name).flatten().map(|_| name)
}

impl Named {
    fn plate(self, mass: Quantity, unit: Option<UnitCode>) -> Option<What> {
        if let Self::Plate(description) = self { Some(What::Plate { description, mass, unit }) } else { None }
    }

    fn stock(self, quantity: Quantity, unit: Option<UnitCode>, lot_id: Option<LotId>) -> Option<What> {
        if let Self::Item(item) = self { Some(What::Stock { item, quantity, unit, lot_id }) } else { None }
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::Waste)?;
    need_lines(state, request.lines.len())?;
    let id = state.next_id();
    state.post_once(caller, once, (id, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (id, request) = &task.input;
    let names = request.lines.iter().filter_map(Line::item);
    // What came back on plates is weighed.
    let is_weighed = request.lines.iter().any(|line| line.item().is_none());
    let units = if is_weighed { Units::All } else { Units::of(request.lines.iter().map(Line::unit)) };
    let why = Why::of(ReasonKind::Waste, request.lines.iter().map(|line| &line.reason));
    let Some(Found { permit, header, early, items, reasons }) = request.heading.find::<Waste, _>(task, txn, once, *id, (names, units), Some(why)).await? else {
        return Ok(None);
    };
    let (taken, plates) = resolve(request, &items, &reasons)?;
    let sent: Vec<usize> = taken.iter().map(|line| line.index).collect();
    let mut posting = Posting::waste(permit, header, taken.iter().map(|line| line.command.clone()).collect());

    let locked = ledger::lock_rest(&task.state, txn, early, &posting).await?;
    let decided = posting.decide(txn, &locked).await;
    // Refusals and entries name the lines as they were sent.
    let effects = decided.map_err(|error| error.at_lines(&sent))?.at_lines(&sent);
    let stored = [stored_lines(&taken, &effects), stored_plates(&plates)];
    let (posted, writing) = ledger::prepare(txn, &locked, &posting, effects, &stored).await?;
    Ok(Some(Done { body: answer(&posted, posting.location(), &items, &reasons, &stored)?, writing: Some(writing) }))
}

impl Line {
    fn item(&self) -> Option<&ItemRef> {
        if let What::Stock { item, .. } = &self.what { Some(item) } else { None }
    }

    fn unit(&self) -> Option<&UnitCode> {
        let (What::Stock { unit, .. } | What::Plate { unit, .. }) = &self.what;
        unit.as_ref()
    }
}

/// A line that takes from stock, by resolved names.
struct Resolved {
    /// Its place in the request, counted from zero.
    index: usize,
    command: TakeLine,
    entered: Quantity,
    unit: String,
    stage: Stage,
    destination: Option<Destination>,
}

/// A line about what came back on plates, by resolved names.
struct Plate {
    index: usize,
    description: String,
    grams: Quantity,
    reason: ReasonId,
    stage: Stage,
    destination: Option<Destination>,
}

enum Either {
    Taken(Resolved),
    Plate(Plate),
}

fn resolve(request: &Request, items: &Items, reasons: &Reasons) -> Result<(Vec<Resolved>, Vec<Plate>), Error> {
    let resolve = |(index, line): (usize, &Line)| {
        let why = reasons.named(&format!("/lines/{index}/reason"), &line.reason).and_then(|reason| staged(index, line, reason));
        let destination = line.destination;
        match &line.what {
            What::Stock { item, quantity, unit, lot_id } => {
                let measured = lookup::measure(index, item, *quantity, unit.as_ref(), items);
                let ((reason, stage), (item, base, unit)) = both(why, measured)?;
                let command = TakeLine { item: item.rules, quantity: base, lot: *lot_id, reason: Some(reason), reservation: None };
                Ok(Either::Taken(Resolved { index, command, entered: *quantity, unit, stage, destination }))
            }
            What::Plate { description, mass, unit } => {
                let ((reason, stage), grams) = both(why, in_grams(index, *mass, unit.as_ref(), items.units()))?;
                Ok(Either::Plate(Plate { index, description: description.clone(), grams, reason, stage, destination }))
            }
        }
    };
    let (mut taken, mut plates) = (Vec::new(), Vec::new());
    for line in every_line(request.lines.iter().enumerate().map(resolve))? {
        match line {
            Either::Taken(line) => taken.push(line),
            Either::Plate(line) => plates.push(line),
        }
    }
    Ok((taken, plates))
}

/// The reason with the stage that the line says, else that of the reason.
fn staged(index: usize, line: &Line, reason: &Reason) -> Result<(ReasonId, Stage), Violation> {
    let missing = || {
        let detail = format!("the reason {} has no stage of its own: say at which it was lost", line.reason);
        Violation { pointer: format!("/lines/{index}/stage"), code: "required".into(), detail }
    };
    line.stage.or(reason.stage).map(|stage| (reason.id, stage)).ok_or_else(missing)
}

/// What a mass is in grams, rounded once. The factor of a unit of mass is to the gram.
fn in_grams(index: usize, mass: Quantity, unit: Option<&UnitCode>, units: &[GlobalUnit]) -> Result<Quantity, Violation> {
    let refuse = |field: &str, code: &'static str, detail: String| Violation { pointer: format!("/lines/{index}/{field}"), code: code.into(), detail };
    let unit = unit.map_or("g", UnitCode::as_str);
    let found = units.iter().find(|known| known.code == unit && known.dimension == Dimension::Mass);
    let factor = found.ok_or_else(|| refuse("mass_unit", "unit_unknown", format!("{unit} is no unit of mass")))?.factor;
    let grams = factor.apply(mass).filter(|grams| grams.0 <= Quantity::MOST_PER_LINE);
    let grams = grams.ok_or_else(|| refuse("mass", "out_of_range", "a line holds at most 1000000000 g".to_owned()))?;
    if grams == Quantity::ZERO {
        return Err(refuse("mass", "rounds_to_zero", "this is less than a millionth of a gram".to_owned()));
    }
    Ok(grams)
}

/// Counted from one.
fn line_no(index: usize) -> i64 {
    i64::try_from(index + 1).unwrap_or(i64::MAX)
}

fn stored_lines(taken: &[Resolved], effects: &Effects) -> Lines {
    let cells = |(line, outcome): (&Resolved, &ledger::LineOutcome)| {
        cells![
            line_no(line.index),
            line.command.item.id,
            line.command.lot,
            line.entered,
            line.unit.clone(),
            line.command.quantity,
            outcome.value,
            line.command.reason,
            line.stage.word(),
            line.destination.map(Destination::word),
        ]
    };
    Lines::new(&WASTE_LINE, taken.iter().zip(&effects.lines).map(cells).collect())
}

fn stored_plates(plates: &[Plate]) -> Lines {
    let cells = |line: &Plate| {
        cells![line_no(line.index), line.description.clone(), line.grams, line.reason, line.stage.word(), line.destination.map(Destination::word),]
    };
    Lines::new(&PLATE_WASTE_LINE, plates.iter().map(cells).collect())
}

/// Records waste and posts it at once.
#[utoipa::path(
    tag = "waste",
    operation_id = "post_waste",
    params(("Idempotency-Key" = String, Header, description = "A new value for each thing thrown away; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries and the new balances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short line in `short`; `lot_void`, `lot_revalued_after` with every such lot in `lots`; `counted_since` with the `counts`; `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `reason_not_found`, `reason_archived`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `only_of_stock`, `only_of_plate_waste`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/waste")]
pub async fn post_waste(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, body.request).await
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
