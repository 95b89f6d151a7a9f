//! Sends a transfer: the goods leave their place and are under way.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Txn};
use serde::Deserialize;
use utoipa::ToSchema;

use super::TransferStatus;
use super::create::{Line, LineShape};
use super::repository::{self, Changed, LockedTransfer, Tally};
use super::step::{Goods, Resolved, Said, Step, StepAnswer, locked, may_move_held, moved, names, post};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Reasons};
use crate::documents::{LINES, need_lines};
use crate::error::Error;
use crate::http::{Answer, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::kinds::Dispatch;
use crate::ledger::{Counted, Permit, Posting};
use crate::names::{ItemRef, LocationRef, UnitCode};

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub said: Said,
    /// What was asked for, where there are none.
    pub lines: Vec<Line>,
}

/// What is sent, as the client says it.
#[derive(Deserialize, ToSchema)]
#[schema(as = DispatchTransfer)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// When it was sent; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this.
    counted: Option<Counted>,
    /// What is really sent; the lines of the draft where there are none.
    lines: Option<Vec<LineShape>>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (said, lines) = (Said::read(fields), fields.list("lines", 0..=LINES));
        Some(Self { said: said?, lines: lines? })
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
    need_draft(&transfer)?;
    let from = lookup::area_called(txn, tenant, &LocationRef::Id { location_id: transfer.from }, "from_", task.now).await?;
    lookup::area_called(txn, tenant, &LocationRef::Id { location_id: transfer.to }, "to_", task.now).await?;
    let transit = lookup::transit(txn, tenant, transfer.from_site, task.now).await?;
    let permit = Permit::<Dispatch>::ask(caller, from.area, request.said.effective_at, from.now)?;
    let (items, lines) = sent(txn, &transfer, request).await?;
    let header = request.said.header(task.input.document, from.rules, transfer.id);
    let commands = lines.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::dispatch(permit, header, commands, transit.area.spot(), may_move_held(caller));
    let (posted, answer) = post(task, txn, &mut posting, &lines, &items, &Reasons::default()).await?;
    for (lot, (item, dispatched)) in moved(&posted, transit.area.id)? {
        transfer.lots.insert(lot, Tally { item, dispatched, received: Quantity::ZERO, lost: Quantity::ZERO, cancelled: Quantity::ZERO });
    }
    transfer.dispatched_at = Some(posting.effective_at());
    repository::save(txn, &transfer, transfer.status_by_numbers(), Changed::At(posting.recorded_at())).await?;
    StepAnswer::of(txn, tenant, transfer.id, Some(answer)).await
}

fn need_draft(transfer: &LockedTransfer) -> Result<(), Error> {
    match (transfer.status, transfer.dispatched_at) {
        (TransferStatus::Draft, _) => Ok(()),
        (_, Some(at)) => Err(Error::Conflict { code: "already_dispatched", detail: format!("This transfer was dispatched at {at}.") }),
        (_, None) => Err(Error::Conflict { code: "transfer_finished", detail: "This transfer was cancelled before it was dispatched.".to_owned() }),
    }
}

/// What the request says is sent, or what the draft asks for: measured anew, since an item's units may have changed.
async fn sent(txn: &Txn, transfer: &LockedTransfer, request: &Request) -> Result<(Items, Vec<Resolved>), Error> {
    if request.lines.is_empty() {
        let asked = repository::lines(txn, transfer.tenant(), transfer.id).await?;
        let goods = |line: &repository::NewLine| {
            let unit = UnitCode::stored(&line.unit);
            Goods { item: ItemRef::Id { item_id: line.item }, quantity: line.entered, unit: Some(unit), lot_id: line.lot }
        };
        let goods: Vec<Goods> = asked.iter().map(goods).collect();
        let items = lookup::items(txn, transfer.tenant(), names(goods.iter())).await?;
        let lines = Resolved::all(goods.iter(), &items).map_err(Error::Invalid)?;
        return Ok((items, lines));
    }
    let items = lookup::items(txn, transfer.tenant(), names(request.lines.iter().map(|line| &line.goods))).await?;
    let mut lines = Resolved::all(request.lines.iter().map(|line| &line.goods), &items).map_err(Error::Invalid)?;
    for (line, asked) in lines.iter_mut().zip(&request.lines) {
        line.command.reservation = asked.reservation_id;
    }
    Ok((items, lines))
}

/// Sends a draft: its goods are under way.
#[utoipa::path(
    tag = "transfers",
    operation_id = "dispatch_transfer",
    params(
        ("id" = Uuid, Path, description = "The transfer's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each step; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the transfer that you have seen; refused where it has moved on"),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Sent: the transfer, the document, its entries and the new balances", body = StepAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: who sends needs the site that it leaves; `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`already_dispatched`, `transfer_finished`, `insufficient_stock` with every short line in `short`, `lot_on_hold`, `lot_expired`, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 412, description = "`version_mismatch`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `reservation_not_found`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transfers/{id}/dispatch")]
pub async fn dispatch_transfer(
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
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
