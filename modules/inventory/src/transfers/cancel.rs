//! Calls a transfer off: a draft is not sent, and what is under way comes back to where it was sent from.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Txn};
use serde::Deserialize;
use utoipa::ToSchema;

use super::TransferStatus;
use super::repository::{self, Changed};
use super::step::{Said, Step, StepAnswer, everything, locked, moved, need_under_way, post};
use crate::Inventory;
use crate::catalog::lookup::{self, Reasons};
use crate::error::Error;
use crate::http::{Answer, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::kinds::TransferCancel;
use crate::ledger::{Counted, Permit, Posting};
use crate::names::LocationRef;

/// That it is called off.
#[derive(Clone, Debug)]
pub struct Request {
    pub said: Said,
}

/// That a transfer is called off, as it is sent. A draft posts nothing, so nothing of this is kept of it.
#[derive(Deserialize, ToSchema)]
#[schema(as = CancelTransfer)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// When the goods were back; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this.
    counted: Option<Counted>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Said::read(fields).map(|said| Self { said })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, step: Step<Request>) -> Result<Answer<StepAnswer>, Error> {
    caller.need(Permission::Transfer)?;
    state.create_once(caller, once, step, |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<Step<Request>>, txn: &Txn) -> Result<StepAnswer, Error> {
    let (caller, tenant, request) = (&task.caller, task.caller.tenant_id, &task.input.request);
    let mut transfer = locked(task, txn).await?;
    if transfer.status == TransferStatus::Draft {
        repository::save(txn, &transfer, TransferStatus::Cancelled, Changed::At(task.now)).await?;
        return StepAnswer::of(txn, tenant, transfer.id, None).await;
    }
    let under_way = need_under_way(&transfer)?;
    let from = lookup::area_called(txn, tenant, &LocationRef::Id { location_id: transfer.from }, "from_", task.now).await?;
    let transit = lookup::transit(txn, tenant, transfer.from_site, task.now).await?;
    let permit = Permit::<TransferCancel>::ask(caller, from.area, request.said.effective_at, from.now)?;
    let (items, lines) = everything(txn, &transfer).await?;
    let header = request.said.header(task.input.document, from.rules, transfer.id);
    let commands = lines.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::cancel(permit, header, commands, under_way, transit.area.spot());
    let (posted, answer) = post(task, txn, &mut posting, &lines, &items, &Reasons::default()).await?;
    for (lot, (_, cancelled)) in moved(&posted, transit.area.id)? {
        if let Some(tally) = transfer.lots.get_mut(&lot) {
            tally.cancelled.0 += cancelled.0;
        }
    }
    repository::save(txn, &transfer, transfer.status_by_numbers(), Changed::At(posting.recorded_at())).await?;
    StepAnswer::of(txn, tenant, transfer.id, Some(answer)).await
}

/// Calls a transfer off: a draft is cancelled, and what is under way comes back at what it is worth now.
#[utoipa::path(
    tag = "transfers",
    operation_id = "cancel_transfer",
    params(
        ("id" = Uuid, Path, description = "The transfer's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each step; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the transfer that you have seen; refused where it has moved on"),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Called off: the transfer, and where something was under way the document, its entries and the new balances", body = StepAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: where something is under way, it needs the site that it left; `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`transfer_finished`, `insufficient_stock` where less was under way at that time, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 412, description = "`version_mismatch`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `before_dispatch`, `location_archived`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transfers/{id}/cancel")]
pub async fn cancel_transfer(
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
