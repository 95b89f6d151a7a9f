//! Records waste: what, how much, why, at which stage, where it went. Bound by nothing: what is expired is thrown away too.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Reasons};
use crate::catalog::reasons::ReasonKind;
use crate::documents::{Heading, LINES, Lines, PostedAnswer, WASTE_LINE, answer, cells, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Effects, Posting, TakeLine, Waste};
use crate::names::Word as _;
use crate::names::{Code, Destination, ItemRef, LocationRef, LotId, Stage, UnitCode};

/// What was thrown away.
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
    pub stage: Option<Stage>,
    pub destination: Option<Destination>,
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
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that was thrown away.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostWasteLine)]
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

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit, lot_id) = (fields.required("quantity"), fields.optional("unit"), fields.optional("lot_id"));
        let (reason, stage, destination) = (fields.required("reason"), fields.optional("stage"), fields.optional("destination"));
        Some(Self { item: item?, quantity: quantity?, unit: unit?, lot_id: lot_id?, reason: reason?, stage: stage?, destination: destination? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::Waste)?;
    need_lines(state, request.lines.len())?;
    let id = state.next_id();
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn) -> Result<PostedAnswer, Error> {
    let (id, request) = &task.input;
    let tenant = task.caller.tenant_id;
    let (permit, header) = request.heading.permitted::<Waste, _>(task, txn, *id).await?;
    let items = lookup::items(txn, tenant, request.lines.iter().map(|line| &line.item)).await?;
    let reasons = lookup::reasons(txn, tenant, ReasonKind::Waste).await?;
    let resolved = resolve(request, &items, &reasons)?;
    let posting = Posting::waste(permit, header, resolved.iter().map(|line| line.command.clone()).collect());

    let locked = ledger::lock(txn, std::iter::once(&posting)).await?;
    let effects = posting.decide(txn, &locked).await?;
    let stored = [stored_lines(request, &resolved, &effects)];
    let posted = ledger::apply(txn, &locked, &posting, effects, &stored).await?;
    answer(&posted, posting.location(), &items, &reasons, &stored)
}

/// A line by resolved names.
struct Resolved {
    command: TakeLine,
    unit: String,
    stage: Stage,
}

fn resolve(request: &Request, items: &Items, reasons: &Reasons) -> Result<Vec<Resolved>, Error> {
    let (mut resolved, mut violations) = (Vec::new(), Vec::new());
    for (index, line) in request.lines.iter().enumerate() {
        let reason = reasons.named(&format!("/lines/{index}/reason"), &line.reason);
        let stage = line.stage.or(reason.as_ref().ok().and_then(|reason| reason.stage));
        if reason.is_ok() && stage.is_none() {
            let detail = format!("the reason {} has no stage of its own: say at which it was lost", line.reason);
            violations.push(Violation { pointer: format!("/lines/{index}/stage"), code: "required".into(), detail });
        }
        let measured = lookup::measure(index, &line.item, line.quantity, line.unit.as_ref(), items);
        match (reason, stage, measured) {
            (Ok(reason), Some(stage), Ok((item, quantity, unit))) => {
                let command = TakeLine { item: item.rules, quantity, lot: line.lot_id, reason: Some(reason.id), reservation: None };
                resolved.push(Resolved { command, unit, stage });
            }
            (reason, _, measured) => violations.extend([reason.err(), measured.err()].into_iter().flatten()),
        }
    }
    if violations.is_empty() { Ok(resolved) } else { Err(Error::Invalid(violations)) }
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
            resolved.command.reason,
            resolved.stage.word(),
            line.destination.map(Destination::word),
        ]
    };
    Lines::new(&WASTE_LINE, (1..).zip(request.lines.iter().zip(resolved).zip(&effects.lines)).map(cells).collect())
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
        (status = 409, description = "`insufficient_stock` with every short line in `short`, `lot_revalued_after`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
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
