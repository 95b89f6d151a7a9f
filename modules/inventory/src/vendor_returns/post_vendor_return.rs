//! Sends goods back: what they were worth leaves with them, and what is credited otherwise is a variance.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::{self, Items, Reasons, Units, Why};
use crate::catalog::reasons::ReasonKind;
use crate::documents::{Found, Heading, LINES, Lines, PostedAnswer, VENDOR_RETURN_LINE, answer, both, cells, every_line, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::{self, Counted, Effects, Posting, TakeLine, kinds};
use crate::names::{Code, ItemRef, LocationRef, LotId, UnitCode};

/// What goes back.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub lot_id: Option<LotId>,
    pub reason: Code,
    pub credit: Option<Money>,
}

/// What goes back, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostVendorReturn)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// When it left; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// The supplier's number for the return, at most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that goes back.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostVendorReturnLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot it came from; picked in the item's order where nothing is said.
    lot_id: Option<Uuid>,
    /// The code of a return reason.
    reason: Code,
    /// What the supplier credits for the line, in currency, zero or more; what it is worth where nothing is said. The difference
    /// is a variance of kind `return`.
    credit: Option<Money>,
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
        let (quantity, unit, lot_id) = (fields.required("quantity"), fields.optional("unit"), fields.optional("lot_id"));
        let (reason, credit) = (fields.required("reason"), fields.optional::<Money>("credit"));
        if matches!(credit, Some(Some(Money(..0)))) {
            fields.refuse("credit", "negative", "an amount of zero or more is expected");
        }
        Some(Self { item: item?, quantity: quantity?, unit: unit?, lot_id: lot_id?, reason: reason?, credit: credit? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::Receive)?;
    need_lines(state, request.lines.len())?;
    let id = state.next_id();
    state.post_once(caller, once, (id, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (id, request) = &task.input;
    let names = request.lines.iter().map(|line| &line.item);
    let units = Units::of(request.lines.iter().map(|line| line.unit.as_ref()));
    let why = Why::of(ReasonKind::Return, request.lines.iter().map(|line| &line.reason));
    let Some(Found { permit, header, early, items, reasons }) =
        request.heading.find::<kinds::VendorReturn, _>(task, txn, once, *id, (names, units), Some(why)).await?
    else {
        return Ok(None);
    };
    let resolved = resolve(request, &items, &reasons)?;
    let commands = resolved.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::vendor_return(permit, header, commands, request.lines.iter().map(|line| line.credit).collect());

    let locked = ledger::lock_rest(&task.state, txn, early, &posting).await?;
    let effects = posting.decide(txn, &locked).await?;
    let stored = [stored_lines(request, &resolved, &effects)];
    let (posted, writing) = ledger::prepare(txn, &locked, &posting, effects, &stored).await?;
    Ok(Some(Done { body: answer(&posted, posting.location(), &items, &reasons, &stored)?, writing: Some(writing) }))
}

/// A line by resolved names.
struct Resolved {
    command: TakeLine,
    unit: String,
}

fn resolve(request: &Request, items: &Items, reasons: &Reasons) -> Result<Vec<Resolved>, Error> {
    let resolve = |(index, line): (usize, &Line)| {
        let reason = reasons.named(&format!("/lines/{index}/reason"), &line.reason).map(|reason| reason.id);
        let (reason, (item, quantity, unit)) = both(reason, lookup::measure(index, &line.item, line.quantity, line.unit.as_ref(), items))?;
        Ok(Resolved { command: TakeLine { item: item.rules, quantity, lot: line.lot_id, reason: Some(reason), reservation: None }, unit })
    };
    every_line(request.lines.iter().enumerate().map(resolve))
}

fn stored_lines(request: &Request, resolved: &[Resolved], effects: &Effects) -> Lines {
    let cells = |(line_no, ((line, resolved), outcome)): (i64, ((&Line, &Resolved), &ledger::LineOutcome))| {
        cells![
            line_no,
            resolved.command.item.id,
            line.lot_id,
            line.quantity,
            resolved.unit.clone(),
            resolved.command.quantity,
            outcome.value,
            // What leaves has its value with a minus.
            line.credit.unwrap_or(Money(-outcome.value.0)),
            resolved.command.reason,
        ]
    };
    Lines::new(&VENDOR_RETURN_LINE, (1..).zip(request.lines.iter().zip(resolved).zip(&effects.lines)).map(cells).collect())
}

/// Records what goes back to a supplier and posts it at once.
#[utoipa::path(
    tag = "receiving",
    operation_id = "post_vendor_return",
    params(("Idempotency-Key" = String, Header, description = "A new value for each return; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries, the new balances, and the variances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short line in `short`; `lot_void`, `lot_revalued_after` with every such lot in `lots`; `counted_since` with the `counts`; `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `reason_not_found`, `reason_archived`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/vendor-returns")]
pub async fn post_vendor_return(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
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
