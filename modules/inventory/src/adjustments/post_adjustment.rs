//! Sets stock right, up or down, without counting all of it. What is found costs what its lot costs, or makes a lot at a cost of
//! its own.

use actix_web::{post, web};
use chrono::NaiveDate;
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::{Money, Quantity, SignedQuantity};
use crate::catalog::lookup::{self, Items, Reasons, Units, Why};
use crate::catalog::reasons::ReasonKind;
use crate::documents::{ADJUSTMENT_LINE, Found, Heading, LINES, Lines, PostedAnswer, answer, both, cells, every_line, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::{self, AdjustLine, Counted, Effects, Posting, kinds};
use crate::names::{BatchCode, Code, DocumentId, ItemRef, LocationRef, LotId, UnitCode};

/// What is set right.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    pub quantity: SignedQuantity,
    pub unit: Option<UnitCode>,
    pub lot_id: Option<LotId>,
    pub reason: Code,
    pub unit_cost: Option<Money>,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
}

/// What is set right, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostAdjustment)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// From when on it is so; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
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

/// One thing that is set right.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostAdjustmentLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much there is more (`"3"`, `"+3"`) or less (`"-3"`) than the ledger says, in `unit`.
    quantity: SignedQuantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot; where nothing is said, what is missing is picked in the item's order, and what is found belongs to the youngest.
    lot_id: Option<Uuid>,
    /// The code of an adjust reason.
    reason: Code,
    /// What one `unit` of what was found costs, in currency: it makes a lot. Where nothing is said it costs what its lot costs.
    unit_cost: Option<Money>,
    /// What stands on the package, kept to the letter; only with `unit_cost`.
    batch_code: Option<BatchCode>,
    /// The date on the package; only with `unit_cost`. Counted from the item's shelf life where nothing is said.
    expires_on: Option<NaiveDate>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (heading, lines) = (Heading::read(fields), fields.list("lines", 1..=LINES));
        Some(Self { heading: heading?, lines: lines? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit, lot_id) = (fields.required::<SignedQuantity>("quantity"), fields.optional("unit"), fields.optional("lot_id"));
        let (reason, unit_cost) = (fields.required("reason"), fields.optional::<Money>("unit_cost"));
        let (batch_code, expires_on) = (fields.optional("batch_code"), fields.optional("expires_on"));
        match unit_cost {
            Some(Some(Money(..0))) => fields.refuse("unit_cost", "negative", "an amount of zero or more is expected"),
            Some(Some(_)) if quantity.is_some_and(|quantity| !quantity.is_up()) => {
                fields.refuse("unit_cost", "only_upward", "what is missing takes its lot's cost with it; only what is found can have one of its own");
            }
            Some(None) => {
                let stated = [("batch_code", matches!(batch_code, Some(Some(_)))), ("expires_on", matches!(expires_on, Some(Some(_))))];
                for (name, _) in stated.into_iter().filter(|(_, stated)| *stated) {
                    fields.refuse(name, "only_of_new_lots", "this belongs to a lot, and only a line with a unit_cost makes one");
                }
            }
            _ => {}
        }
        Some(Self {
            item: item?,
            quantity: quantity?,
            unit: unit?,
            lot_id: lot_id?,
            reason: reason?,
            unit_cost: unit_cost?,
            batch_code: batch_code?,
            expires_on: expires_on?,
        })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::Adjust)?;
    need_lines(state, request.lines.len())?;
    let ids = Ids { document: state.next_id(), lots: request.lines.iter().map(|_| state.next_id()).collect() };
    state.post_once(caller, once, (ids, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

struct Ids {
    document: DocumentId,
    lots: Vec<LotId>,
}

async fn work(task: &Task<(Ids, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (ids, request) = &task.input;
    let names = request.lines.iter().map(|line| &line.item);
    let why = Why::of(ReasonKind::Adjust, request.lines.iter().map(|line| &line.reason));
    let Some(Found { permit, header, early, items, reasons }) =
        request.heading.find::<kinds::Adjustment, _>(task, txn, once, ids.document, (names, Units::All), Some(why)).await?
    else {
        return Ok(None);
    };
    let resolved = resolve(request, &ids.lots, &items, &reasons)?;
    let mut posting = Posting::adjustment(permit, header, resolved.iter().map(|line| line.command.clone()).collect());

    let locked = ledger::lock_rest(&task.state, txn, early, &posting).await?;
    let effects = posting.decide(txn, &locked).await?;
    let stored = [stored_lines(request, &resolved, &effects)];
    let (posted, writing) = ledger::prepare(txn, &locked, &posting, effects, &stored).await?;
    Ok(Some(Done { body: answer(&posted, posting.location(), &items, &reasons, &stored)?, writing: Some(writing) }))
}

/// A line by resolved names.
struct Resolved {
    command: AdjustLine,
    unit: String,
}

fn resolve(request: &Request, lots: &[LotId], items: &Items, reasons: &Reasons) -> Result<Vec<Resolved>, Error> {
    let resolve = |((index, line), new_lot): ((usize, &Line), &LotId)| {
        let entered = line.quantity.size();
        let reason = reasons.named(&format!("/lines/{index}/reason"), &line.reason).map(|reason| reason.id);
        let (reason, (item, quantity, unit)) = both(reason, lookup::measure(index, &line.item, entered, line.unit.as_ref(), items))?;
        let command = AdjustLine {
            item: item.rules,
            quantity,
            up: line.quantity.is_up(),
            lot: line.lot_id,
            reason,
            unit_cost: line.unit_cost.map(|cost| (cost, entered)),
            new_lot: *new_lot,
            batch_code: line.batch_code.clone(),
            expires_on: line.expires_on,
        };
        Ok(Resolved { command, unit })
    };
    every_line(request.lines.iter().enumerate().zip(lots).map(resolve))
}

/// A line has the lot that it made, or that it named.
fn stored_lines(request: &Request, resolved: &[Resolved], effects: &Effects) -> Lines {
    let cells = |(line_no, ((line, resolved), outcome)): (i64, ((&Line, &Resolved), &ledger::LineOutcome))| {
        let command = &resolved.command;
        cells![
            line_no,
            command.item.id,
            if command.unit_cost.is_some() { Some(command.new_lot) } else { command.lot },
            Quantity::from(line.quantity),
            resolved.unit.clone(),
            line.quantity.signed(command.quantity),
            outcome.value,
            line.unit_cost,
            command.reason,
            command.batch_code.clone().map(String::from),
            outcome.expires_on,
        ]
    };
    Lines::new(&ADJUSTMENT_LINE, (1..).zip(request.lines.iter().zip(resolved).zip(&effects.lines)).map(cells).collect())
}

/// Sets stock right and posts it at once.
#[utoipa::path(
    tag = "adjustments",
    operation_id = "post_adjustment",
    params(("Idempotency-Key" = String, Header, description = "A new value for each adjustment; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries and the new balances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short line in `short`; `lot_void`, `lot_revalued_after` with every such lot in `lots`; `counted_since` with the `counts`; `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `reason_not_found`, `reason_archived`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `lot_void`, `cost_required`, `lot_and_cost`, `only_upward`, `only_of_new_lots`, `expiry_required`, `batch_code_required`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/adjustments")]
pub async fn post_adjustment(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
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
