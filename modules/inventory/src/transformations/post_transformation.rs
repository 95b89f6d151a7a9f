//! Records that goods became other goods. What went in leaves its value to what came out; what got lost on the way is said and
//! costs nothing of its own: its value stays in the outputs.

use std::sync::Arc;

use actix_web::{post, web};
use chrono::NaiveDate;
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Text, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::{Money, Quantity, Ratio};
use crate::catalog::conversion::GlobalUnit;
use crate::catalog::lookup::{self, Item, Items, Reasons, Units, Why};
use crate::catalog::reasons::ReasonKind;
use crate::catalog::units::Dimension;
use crate::documents::{Found, Heading, LINES, Lines, PLATE_WASTE_LINE, PostedAnswer, TRANSFORMATION_LINE, answer, cells, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::kinds::Transformation;
use crate::ledger::{self, Counted, Effects, OutputBasis, OutputLine, Posting, Refusal, TakeLine};
use crate::names::Word as _;
use crate::names::{BatchCode, Code, ItemRef, LocationRef, LotId, Stage, UnitCode};

crate::names::words!(
    /// What was done.
    TransformationKind {
        Freeze = "freeze",
        Thaw = "thaw",
        Portion = "portion",
        Trim = "trim",
        Repack = "repack",
        Relabel = "relabel",
        Split = "split",
        Merge = "merge",
        Cook = "cook",
    }
);

/// What became what.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub kind: TransformationKind,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub loss: Vec<Loss>,
    pub allocate_by: OutputBasis,
}

#[derive(Clone, Debug)]
pub struct Input {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub lot_id: Option<LotId>,
}

#[derive(Clone, Debug)]
pub struct Output {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
    /// In grams.
    pub weight: Option<Quantity>,
    pub sales_value: Option<Money>,
}

#[derive(Clone, Debug)]
pub struct Loss {
    pub of: LossOf,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub reason: Code,
}

/// What got lost: an item, or something that was never one.
#[derive(Clone, Debug)]
pub enum LossOf {
    Item(ItemRef),
    Description(String),
}

/// What became what, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostTransformation)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// What was done.
    kind: TransformationKind,
    /// When it happened; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this.
    counted: Option<Counted>,
    /// What went in, at least one. Lines are numbered inputs first, then outputs, then loss.
    inputs: Vec<InputShape>,
    /// What came out, at least one. Each makes a lot.
    outputs: Vec<OutputShape>,
    /// What got lost on the way.
    loss: Option<Vec<LossShape>>,
    /// By what the value of the inputs is shared out over several outputs; by weight where nothing is said.
    allocate_by: Option<OutputBasis>,
}

/// One thing that went in.
#[derive(Deserialize, ToSchema)]
#[schema(as = TransformationInput)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct InputShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot; picked in the item's order where nothing is said.
    lot_id: Option<Uuid>,
}

/// One thing that came out.
#[derive(Deserialize, ToSchema)]
#[schema(as = TransformationOutput)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct OutputShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// What stands on the package, to the letter; where nothing is said that of the inputs, if it is one.
    batch_code: Option<BatchCode>,
    /// The date of what came out. Where nothing is said by the item's shelf life, else the earliest date of the inputs.
    expires_on: Option<NaiveDate>,
    /// What it weighs, in grams, above zero; where nothing is said by the item's units, as far as they convert into grams.
    weight: Option<Quantity>,
    /// What it would sell for, in currency, zero or more: to share the value out by value.
    sales_value: Option<Money>,
}

/// One thing that got lost. Exactly one of `item_id`, `sku` and `description`.
#[derive(Deserialize, ToSchema)]
#[schema(as = TransformationLoss)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LossShape {
    /// The item that got lost, by id.
    item_id: Option<Uuid>,
    /// The item that got lost, by its article number.
    sku: Option<String>,
    /// What got lost, where it is no item: bones, peel. At most 200 characters.
    description: Option<String>,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code; the item's base unit where nothing is said. A unit of mass where it is described.
    unit: Option<UnitCode>,
    /// The code of a waste reason.
    reason: Code,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (heading, kind) = (Heading::read(fields), fields.required("kind"));
        let (inputs, outputs, loss) = (fields.list("inputs", 1..=LINES), fields.list("outputs", 1..=LINES), fields.list("loss", 0..=LINES));
        let allocate_by = fields.or("allocate_by", OutputBasis::default());
        Some(Self { heading: heading?, kind: kind?, inputs: inputs?, outputs: outputs?, loss: loss?, allocate_by: allocate_by? })
    }
}

impl FromFields for Input {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit, lot_id) = (fields.required("quantity"), fields.optional("unit"), fields.optional("lot_id"));
        Some(Self { item: item?, quantity: quantity?, unit: unit?, lot_id: lot_id? })
    }
}

impl FromFields for Output {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit) = (fields.required("quantity"), fields.optional("unit"));
        let (batch_code, expires_on) = (fields.optional("batch_code"), fields.optional("expires_on"));
        let (weight, sales_value) = (fields.optional("weight"), fields.optional("sales_value"));
        if matches!(sales_value, Some(Some(Money(..0)))) {
            fields.refuse("sales_value", "negative", "an amount of zero or more is expected");
            return None;
        }
        Some(Self {
            item: item?,
            quantity: quantity?,
            unit: unit?,
            batch_code: batch_code?,
            expires_on: expires_on?,
            weight: weight?,
            sales_value: sales_value?,
        })
    }
}

impl FromFields for Loss {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let of = fields.exactly_one(&["item_id", "sku", "description"], |fields, name| match name {
            "item_id" => fields.required("item_id").map(|item_id| LossOf::Item(ItemRef::Id { item_id })),
            "sku" => fields.required("sku").map(|sku| LossOf::Item(ItemRef::Sku { sku })),
            _ => fields.required::<Text<1, 200>>("description").map(|text| LossOf::Description(text.0)),
        });
        let (quantity, unit, reason) = (fields.required("quantity"), fields.optional("unit"), fields.required("reason"));
        Some(Self { of: of?, quantity: quantity?, unit: unit?, reason: reason? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(Permission::UseStock)?;
    let lines = request.inputs.len() + request.outputs.len() + request.loss.len();
    need_lines(state, lines).map_err(|error| at("/inputs", error))?;
    let ids = Ids { document: state.next_id(), lots: request.outputs.iter().map(|_| state.next_id()).collect() };
    state.post_once(caller, once, (ids, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

struct Ids {
    document: Uuid,
    lots: Vec<LotId>,
}

async fn work(task: &Task<(Ids, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (ids, request) = &task.input;
    let why = (!request.loss.is_empty()).then(|| Why::of(ReasonKind::Waste, request.loss.iter().map(|loss| &loss.reason)));
    let found = request.heading.find::<Transformation, _>(task, txn, once, ids.document, (request.names(), Units::All), why).await?;
    let Some(Found { permit, mut header, early, items, reasons }) = found else { return Ok(None) };
    header.detail.purpose = Some(request.kind.word());
    let resolved = resolve(request, &ids.lots, &items, &reasons)?;
    let (inputs, outputs) = (resolved.inputs.iter().map(|input| input.line.clone()), resolved.outputs.iter().map(|output| output.line.clone()));
    let mut posting = Posting::transformation(permit, header, inputs.collect(), outputs.collect(), request.allocate_by);

    let locked = ledger::lock_rest(&task.state, txn, early, &posting).await?;
    let effects = posting.decide(txn, &locked).await.map_err(|error| in_words_of_the_request(error, request.inputs.len()))?;
    need_links(&effects)?;
    let stored = stored_lines(request, &resolved, &effects);
    let (posted, writing) = ledger::prepare(txn, &locked, &posting, effects, &stored).await?;
    Ok(Some(Done { body: answer(&posted, posting.location(), &items, &reasons, &stored)?, writing: Some(writing) }))
}

/// Each lot that came out knows each lot that went in: so many such links one transformation makes at the most.
const MOST_LINKS: usize = 10_000;

/// 422 where so many lots went into so many others that their trace would help nobody.
fn need_links(effects: &Effects) -> Result<(), Error> {
    let links: usize = effects.lots.iter().map(|lot| lot.parents.len()).sum();
    if links <= MOST_LINKS {
        return Ok(());
    }
    let detail = format!("each output comes from each lot of the inputs, which makes {links} links; one transformation has at most {MOST_LINKS}");
    Err(Error::invalid("/outputs", "wrong_length", detail))
}

impl Request {
    /// All items that are named.
    fn names(&self) -> impl Iterator<Item = &ItemRef> {
        let lost = self.loss.iter().filter_map(|loss| if let LossOf::Item(item) = &loss.of { Some(item) } else { None });
        self.inputs.iter().map(|input| &input.item).chain(self.outputs.iter().map(|output| &output.item)).chain(lost)
    }
}

/// A line by resolved names, with what its unit is called.
struct Resolved<L> {
    line: L,
    unit: String,
}

struct AllResolved {
    inputs: Vec<Resolved<TakeLine>>,
    outputs: Vec<Resolved<OutputLine>>,
    loss: Vec<ResolvedLoss>,
}

enum ResolvedLoss {
    Item { item: Uuid, quantity: Quantity, unit: String, reason: Option<Uuid> },
    Described { description: String, grams: Quantity, reason: Option<Uuid>, stage: Stage },
}

/// Everything by resolved names, or everything that is wrong with them.
fn resolve(request: &Request, lots: &[LotId], items: &Items, reasons: &Reasons) -> Result<AllResolved, Error> {
    let mut violations = Vec::new();
    let mut resolved = AllResolved { inputs: Vec::new(), outputs: Vec::new(), loss: Vec::new() };
    for (index, input) in request.inputs.iter().enumerate() {
        match lookup::measure(index, &input.item, input.quantity, input.unit.as_ref(), items) {
            Ok((item, quantity, unit)) => {
                let line = TakeLine { item: item.rules, quantity, lot: input.lot_id, reason: None, reservation: None };
                resolved.inputs.push(Resolved { line, unit });
            }
            Err(violation) => violations.push(among("/inputs", violation)),
        }
    }
    for ((index, output), lot) in request.outputs.iter().enumerate().zip(lots) {
        match lookup::measure(index, &output.item, output.quantity, output.unit.as_ref(), items) {
            Ok((item, quantity, unit)) => resolved.outputs.push(Resolved { line: output_line(output, *lot, item, quantity), unit }),
            Err(violation) => violations.push(among("/outputs", violation)),
        }
    }
    for (index, loss) in request.loss.iter().enumerate() {
        match resolve_loss(index, loss, items, reasons) {
            Ok(gone) => resolved.loss.push(gone),
            Err(wrong) => violations.extend(wrong),
        }
    }
    if violations.is_empty() { Ok(resolved) } else { Err(Error::Invalid(violations)) }
}

fn output_line(output: &Output, lot: LotId, item: &Arc<Item>, quantity: Quantity) -> OutputLine {
    OutputLine {
        item: item.rules,
        lot,
        quantity,
        batch_code: output.batch_code.clone(),
        expires_on: output.expires_on,
        weight: output.weight.or_else(|| weight(item, quantity)).map(|grams| grams.0),
        sales_value: output.sales_value,
    }
}

/// What a quantity weighs in grams, where the item converts into them.
fn weight(item: &Arc<Item>, quantity: Quantity) -> Option<Quantity> {
    Ratio::ONE.over(item.conversions.factor("g")?)?.apply(quantity)
}

fn resolve_loss(index: usize, loss: &Loss, items: &Items, reasons: &Reasons) -> Result<ResolvedLoss, Vec<Violation>> {
    let why = reasons.named(&format!("/loss/{index}/reason"), &loss.reason);
    let reason = why.as_ref().ok().map(|reason| reason.id);
    let stage = why.as_ref().ok().and_then(|reason| reason.stage).unwrap_or(Stage::Preparation);
    let gone = match &loss.of {
        LossOf::Item(named) => lookup::measure(index, named, loss.quantity, loss.unit.as_ref(), items)
            .map(|(item, quantity, unit)| ResolvedLoss::Item { item: item.rules.id, quantity, unit, reason })
            .map_err(|violation| among("/loss", violation)),
        LossOf::Description(description) => {
            grams(index, loss, items.units()).map(|grams| ResolvedLoss::Described { description: description.clone(), grams, reason, stage })
        }
    };
    match (gone, why) {
        (Ok(gone), Ok(_)) => Ok(gone),
        (gone, why) => Err([gone.err(), why.err()].into_iter().flatten().collect()),
    }
}

/// What is no item is weighed.
fn grams(index: usize, loss: &Loss, units: &[GlobalUnit]) -> Result<Quantity, Violation> {
    let refuse =
        |field: &str, code: &'static str, detail: &str| Violation { pointer: format!("/loss/{index}/{field}"), code: code.into(), detail: detail.to_owned() };
    let unit = loss.unit.as_ref().ok_or_else(|| refuse("unit", "required", "say in which unit of mass"))?;
    let unit = units.iter().find(|known| known.code == unit.as_str() && known.dimension == Dimension::Mass);
    let unit = unit.ok_or_else(|| refuse("unit", "unit_unknown", "what is no item is weighed: a unit of mass is expected"))?;
    let grams = unit.factor.apply(loss.quantity).filter(|grams| grams.0 <= Quantity::MOST_PER_LINE);
    let grams = grams.ok_or_else(|| refuse("quantity", "out_of_range", "a line holds at most 1000000000 g"))?;
    if grams == Quantity::ZERO { Err(refuse("quantity", "rounds_to_zero", "this is less than a millionth of one gram")) } else { Ok(grams) }
}

/// A violation of a line, in the list that the line is in.
fn among(list: &str, violation: Violation) -> Violation {
    let rest = violation.pointer.strip_prefix("/lines").unwrap_or(&violation.pointer);
    Violation { pointer: format!("{list}{rest}"), ..violation }
}

fn at(list: &str, error: Error) -> Error {
    match error {
        Error::Invalid(violations) => Error::Invalid(violations.into_iter().map(|violation| among(list, violation)).collect()),
        other => other,
    }
}

/// The ledger knows lines: the inputs, then the outputs. The request has two lists.
fn in_words_of_the_request(error: Error, inputs: usize) -> Error {
    let Error::Refused(Refusal::Lines(flaws)) = error else { return error };
    let violation = |(line, field, code, detail): (usize, &str, &'static str, String)| {
        let (list, index) = line.checked_sub(inputs).map_or(("inputs", line), |index| ("outputs", index));
        Violation { pointer: format!("/{list}/{index}/{field}"), code: code.into(), detail }
    };
    Error::Invalid(flaws.into_iter().map(|flaw| violation((flaw.line, flaw.field, flaw.code, flaw.detail))).collect())
}

fn stored_lines(request: &Request, resolved: &AllResolved, effects: &Effects) -> [Lines; 2] {
    let mut numbers = 1_i64..;
    let mut outcomes = effects.lines.iter();
    let mut next = || (numbers.next().unwrap_or(i64::MAX), outcomes.next().cloned().unwrap_or_default());
    let (mut lines, mut described) = (Vec::new(), Vec::new());
    for (input, Resolved { line, unit }) in request.inputs.iter().zip(&resolved.inputs) {
        let (line_no, outcome) = next();
        let unsaid = (None::<i64>, None::<&str>, None::<NaiveDate>, None::<Uuid>);
        lines.push(cells![
            line_no,
            line.item.id,
            line.lot,
            input.quantity,
            unit.clone(),
            line.quantity,
            outcome.value,
            "input",
            unsaid.0,
            unsaid.1,
            unsaid.2,
            unsaid.3
        ]);
    }
    for ((output, Resolved { line, unit }), lot) in request.outputs.iter().zip(&resolved.outputs).zip(&effects.lots) {
        let (line_no, outcome) = next();
        let (batch_code, reason) = (lot.batch_code.clone(), None::<Uuid>);
        lines.push(cells![
            line_no,
            line.item.id,
            line.lot,
            output.quantity,
            unit.clone(),
            line.quantity,
            outcome.value,
            "output",
            line.weight,
            batch_code,
            outcome.expires_on,
            reason,
        ]);
    }
    for (loss, resolved) in request.loss.iter().zip(&resolved.loss) {
        let (line_no, _) = next();
        match resolved {
            ResolvedLoss::Item { item, quantity, unit, reason } => lines.push(cells![
                line_no,
                *item,
                None::<Uuid>,
                loss.quantity,
                unit.clone(),
                *quantity,
                Money::ZERO,
                "loss",
                None::<i64>,
                None::<&str>,
                None::<NaiveDate>,
                *reason,
            ]),
            ResolvedLoss::Described { description, grams, reason, stage } => {
                described.push(cells![line_no, description.clone(), *grams, *reason, stage.word(), None::<&str>]);
            }
        }
    }
    [Lines::new(&TRANSFORMATION_LINE, lines), Lines::new(&PLATE_WASTE_LINE, described)]
}

/// Records that goods became other goods, and posts it at once.
#[utoipa::path(
    tag = "transformations",
    operation_id = "post_transformation",
    params(("Idempotency-Key" = String, Header, description = "A new value for each thing that is done; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries and the new balances. `purpose` of the document is its `kind`", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short input in `short`, `lot_on_hold`, `lot_expired`, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `reason_not_found`, `reason_archived`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `expiry_required`, `batch_code_required`, `weight_unknown`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transformations")]
pub async fn post_transformation(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shapes_are_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
        crate::http::assert_shape::<Input, InputShape>();
        crate::http::assert_shape::<Output, OutputShape>();
        crate::http::assert_shape::<Loss, LossShape>();
    }
}
