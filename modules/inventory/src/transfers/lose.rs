//! Records what was lost on the way, and why.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::repository::{self, Changed};
use super::step::{Goods, Resolved, Said, Step, StepAnswer, locked, moved, names, need_days, need_under_way, post};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Reasons, Why};
use crate::catalog::reasons::ReasonKind;
use crate::documents::{LINES, need_lines};
use crate::error::Error;
use crate::http::{Answer, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::kinds::TransitLoss;
use crate::ledger::{Counted, Permit, Posting};
use crate::names::{Code, ItemRef, LocationRef, UnitCode};

/// What was lost.
#[derive(Clone, Debug)]
pub struct Request {
    pub said: Said,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub goods: Goods,
    pub reason: Code,
}

/// What was lost on the way, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = LoseTransfer)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// When it was lost; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this.
    counted: Option<Counted>,
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that was lost on the way.
#[derive(Deserialize, ToSchema)]
#[schema(as = LoseLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot; of those under way in the item's order where nothing is said.
    lot_id: Option<Uuid>,
    /// The code of a reason of the kind `discrepancy`.
    reason: Code,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (said, lines) = (Said::read(fields), fields.list("lines", 1..=LINES));
        Some(Self { said: said?, lines: lines? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (goods, reason) = (Goods::read(fields), fields.required("reason"));
        Some(Self { goods: goods?, reason: reason? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, step: Step<Request>) -> Result<Answer<StepAnswer>, Error> {
    caller.need(Permission::Transfer)?;
    need_lines(state, step.request.lines.len())?;
    state.create_once(caller, once, step, |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<Step<Request>>, txn: &Txn) -> Result<StepAnswer, Error> {
    let (caller, tenant, request) = (&task.caller, task.caller.tenant_id, &task.input.request);
    let mut transfer = locked(task, txn).await?;
    let under_way = need_under_way(&transfer)?;
    let transit = lookup::transit(txn, tenant, transfer.from_site, task.now).await?;
    // Until it arrives it is the sender's; who can only receive says of their own place that less came than was sent.
    let ground = if caller.sites.contain(transfer.from_site) {
        transit.clone()
    } else {
        lookup::area_called(txn, tenant, &LocationRef::Id { location_id: transfer.to }, "to_", task.now).await?
    };
    let effective_at = request.said.effective_at.unwrap_or(ground.now);
    need_days(caller, [&transit.area], effective_at, ground.now)?;
    let permit = Permit::<TransitLoss>::ask(caller, ground.area, request.said.effective_at, ground.now)?;
    let items = lookup::items(txn, tenant, names(request.lines.iter().map(|line| &line.goods))).await?;
    let reasons = lookup::reasons(txn, tenant, Why::of(ReasonKind::Discrepancy, request.lines.iter().map(|line| &line.reason))).await?;
    let lines = resolve(request, &items, &reasons)?;
    let header = request.said.header(task.input.document, transit.rules, transfer.id);
    let commands = lines.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::transit_loss(permit, header, commands, under_way, transit.area.spot());
    let (posted, answer) = post(task, txn, &mut posting, &lines, &items, &reasons).await?;
    for (lot, (_, lost)) in moved(&posted, transit.area.id)? {
        if let Some(tally) = transfer.lots.get_mut(&lot) {
            tally.lost.0 += lost.0;
        }
    }
    repository::save(txn, &transfer, transfer.status_by_numbers(), Changed::At(posting.recorded_at())).await?;
    StepAnswer::of(txn, tenant, transfer.id, Some(answer)).await
}

fn resolve(request: &Request, items: &Items, reasons: &Reasons) -> Result<Vec<Resolved>, Error> {
    let mut violations: Vec<Violation> = Vec::new();
    let mut why = Vec::new();
    for (index, line) in request.lines.iter().enumerate() {
        match reasons.named(&format!("/lines/{index}/reason"), &line.reason) {
            Ok(reason) => why.push(reason.id),
            Err(violation) => violations.push(violation),
        }
    }
    let lines = Resolved::all(request.lines.iter().map(|line| &line.goods), items).map_err(|more| violations.extend(more));
    match lines {
        Ok(mut lines) if violations.is_empty() => {
            for (line, reason) in lines.iter_mut().zip(why) {
                line.command.reason = Some(reason);
            }
            Ok(lines)
        }
        _ => Err(Error::Invalid(violations)),
    }
}

/// Records what was lost on the way: it will not arrive.
#[utoipa::path(
    tag = "transfers",
    operation_id = "lose_transfer",
    params(
        ("id" = Uuid, Path, description = "The transfer's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each step; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the transfer that you have seen; refused where it has moved on"),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Recorded: the transfer, the document, its entries and the new balances", body = StepAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: it needs one of the two sites; `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`not_dispatched`, `transfer_finished`, `more_than_under_way` with every such line in `short`, `insufficient_stock` where less was under way at that time, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 412, description = "`version_mismatch`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `before_dispatch`, `reason_not_found`, `reason_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_found`, `location_archived`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transfers/{id}/loss")]
pub async fn lose_transfer(
    state: web::Data<Inventory>,
    caller: Caller,
    id: crate::http::Id,
    seen: Seen,
    key: IdempotencyKey,
    body: Body<Request>,
) -> Result<Answer<StepAnswer>, Error> {
    let (once, step) = Step::asked(&state, &id, seen, key, body)?;
    execute(&state, &caller, once, step).await
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
