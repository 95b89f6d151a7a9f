//! Receives what is under way: all of it, or a part.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::repository::{self, Changed, LockedTransfer};
use super::step::{Goods, Resolved, Said, Step, StepAnswer, everything, locked, moved, names, need_days, need_under_way, post};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Reasons};
use crate::documents::{LINES, need_lines};
use crate::error::Error;
use crate::http::{Answer, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::kinds::Arrival;
use crate::ledger::{Counted, Permit, Posting};
use crate::names::{ItemRef, LocationRef, UnitCode};

/// What has arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub said: Said,
    /// All that is under way, where there are none.
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub goods: Goods,
}

/// What has arrived, as the client says it.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReceiveTransfer)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// When it arrived; now, where nothing is said. An earlier business date than today's at either site needs the permission
    /// `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this.
    counted: Option<Counted>,
    /// What has arrived; all that is under way, where there are none.
    lines: Option<Vec<LineShape>>,
}

/// One thing that has arrived.
#[derive(Deserialize, ToSchema)]
#[schema(as = ArriveLine)]
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
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (said, lines) = (Said::read(fields), fields.list("lines", 0..=LINES));
        Some(Self { said: said?, lines: lines? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Goods::read(fields).map(|goods| Self { goods })
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
    let to = lookup::area_called(txn, tenant, &LocationRef::Id { location_id: transfer.to }, "to_", task.now).await?;
    let transit = lookup::transit(txn, tenant, transfer.from_site, task.now).await?;
    let effective_at = request.said.effective_at.unwrap_or(to.now);
    need_days(caller, [&transit.area, &to.area], effective_at, to.now)?;
    let permit = Permit::<Arrival>::ask(caller, to.area, request.said.effective_at, to.now)?;
    let (items, lines) = arrived(txn, &transfer, request).await?;
    let header = request.said.header(task.input.document, to.rules, transfer.id);
    let commands = lines.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::arrival(permit, header, commands, under_way, transit.area.spot());
    let (posted, answer) = post(task, txn, &mut posting, &lines, &items, &Reasons::default()).await?;
    for (lot, (_, received)) in moved(&posted, transit.area.id)? {
        if let Some(tally) = transfer.lots.get_mut(&lot) {
            tally.received.0 += received.0;
        }
    }
    repository::save(txn, &transfer, transfer.status_by_numbers(), Changed::At(posting.recorded_at())).await?;
    StepAnswer::of(txn, tenant, transfer.id, Some(answer)).await
}

async fn arrived(txn: &Txn, transfer: &LockedTransfer, request: &Request) -> Result<(Items, Vec<Resolved>), Error> {
    if request.lines.is_empty() {
        return everything(txn, transfer).await;
    }
    let goods = || request.lines.iter().map(|line| &line.goods);
    let items = lookup::items(txn, transfer.tenant(), names(goods())).await?;
    let lines = Resolved::all(goods(), &items).map_err(Error::Invalid)?;
    Ok((items, lines))
}

/// Receives what is under way, or a part of it.
#[utoipa::path(
    tag = "transfers",
    operation_id = "receive_transfer",
    params(
        ("id" = Uuid, Path, description = "The transfer's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each step; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the transfer that you have seen; refused where it has moved on"),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Received: the transfer, the document, its entries and the new balances", body = StepAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: who receives needs the site that it goes to; `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`not_dispatched`, `transfer_finished`, `more_than_under_way` with every such line in `short`, `insufficient_stock` where less was under way at that time, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 412, description = "`version_mismatch`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `before_dispatch`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_found`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transfers/{id}/receive")]
pub async fn receive_transfer(
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
