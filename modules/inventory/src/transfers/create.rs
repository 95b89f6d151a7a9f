//! Makes a transfer: at once, or as a draft that is sent and received later.

use std::collections::BTreeMap;

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Problem, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::repository::{self, NewTransfer, Tally};
use super::step::{Goods, Resolved, Said, StepAnswer, foreign_lots, may_move_held, moved, names, need_days, post};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Ground, Reasons, Units};
use crate::documents::{LINES, need_lines};
use crate::error::Error;
use crate::http::{Answer, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger::kinds::Transfer;
use crate::ledger::{Counted, Permit, Posting, next_transfer_number};
use crate::names::{ItemRef, LocationPath, LocationRef, LotId, ReservationId, UnitCode};
use crate::rows::Reads;

/// What is to be moved, from where and to where.
#[derive(Clone, Debug)]
pub struct Request {
    pub from: LocationRef,
    pub to: LocationRef,
    /// Whether it has happened already, in one go.
    pub direct: bool,
    pub said: Said,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub goods: Goods,
    pub reservation_id: Option<ReservationId>,
}

/// What is to be moved, as it is sent. Exactly one of `from_location_id` and `from_location`, and of `to_location_id` and
/// `to_location`.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateTransfer)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// Where the goods come from, by id.
    from_location_id: Option<Uuid>,
    /// Where the goods come from, by path.
    #[schema(value_type = Option<String>)]
    from_location: Option<LocationPath>,
    /// Where the goods go to, by id.
    to_location_id: Option<Uuid>,
    /// Where the goods go to, by path.
    #[schema(value_type = Option<String>)]
    to_location: Option<LocationPath>,
    /// `true`: it has happened, and both places change at once. `false`, also where nothing is said: a draft, which moves nothing
    /// until it is dispatched.
    direct: Option<bool>,
    /// When it happened; now, where nothing is said. An earlier business date than today's at either site needs the permission
    /// `backdate`. Only where it is direct.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a count that is posted did not see this. Only where it is direct.
    counted: Option<Counted>,
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that is to be moved.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// The lot; picked in the item's order where nothing is said. A lot on hold can be named by who may `approve`.
    lot_id: Option<Uuid>,
    /// The reservation that it is taken from. Not for a draft: it is named when the goods are dispatched.
    reservation_id: Option<Uuid>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let from = end(fields, "from_location_id", "from_location");
        let to = end(fields, "to_location_id", "to_location");
        let (direct, said, lines) = (fields.or("direct", false), Said::read(fields), fields.list::<Line>("lines", 1..=LINES));
        let request = Self { from: from?, to: to?, direct: direct?, said: said?, lines: lines? };
        if !request.direct {
            request.refuse_what_is_not_for_drafts(fields);
        }
        Some(request)
    }
}

fn end(fields: &mut Fields<'_>, by_id: &'static str, by_path: &'static str) -> Option<LocationRef> {
    fields.exactly_one(&[by_id, by_path], |fields, name| {
        if name == by_id {
            fields.required(by_id).map(|location_id| LocationRef::Id { location_id })
        } else {
            fields.required(by_path).map(|location| LocationRef::Path { location })
        }
    })
}

impl Request {
    /// What a draft could not keep its word on is refused rather than forgotten.
    fn refuse_what_is_not_for_drafts(&self, fields: &mut Fields<'_>) {
        let detail = "a draft moves nothing yet: say this when it is dispatched";
        for (name, given) in [("effective_at", self.said.effective_at.is_some()), ("counted", self.said.counted != Counted::default())] {
            if given {
                fields.refuse(name, "not_for_drafts", detail);
            }
        }
        if self.lines.iter().any(|line| line.reservation_id.is_some()) {
            fields.refuse("lines", "not_for_drafts", "reservations are named when a draft is dispatched");
        }
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (goods, reservation_id) = (Goods::read(fields), fields.optional("reservation_id"));
        Some(Self { goods: goods?, reservation_id: reservation_id? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<StepAnswer>, Error> {
    caller.need(Permission::Transfer)?;
    need_lines(state, request.lines.len())?;
    let ids = Ids { transfer: state.next_id(), document: state.next_id() };
    state.create_once(caller, once, (ids, request), |task, txn| Box::pin(work(task, txn))).await
}

struct Ids {
    transfer: Uuid,
    document: Uuid,
}

async fn work(task: &Task<(Ids, Request)>, txn: &Txn) -> Result<StepAnswer, Error> {
    let (ids, request) = &task.input;
    let tenant = task.caller.tenant_id;
    let mut reads = Reads::new(txn);
    let (from, to) = (lookup::ask_area_called(&mut reads, tenant, &request.from, "from_"), lookup::ask_area_called(&mut reads, tenant, &request.to, "to_"));
    let items = lookup::ask_items(&mut reads, tenant, names(request.lines.iter().map(|line| &line.goods)), Units::All);
    let mut told = reads.send(txn).await?;
    let (from, to) = (from.told(&mut told, task.now)?, to.told(&mut told, task.now)?);
    if from.area.id == to.area.id {
        return Err(Error::invalid(format!("/to_{}", request.to.field()), "same_location", "goods go from one place to another"));
    }
    let items = items.told(&mut told)?;
    let mut lines = Resolved::all(request.lines.iter().map(|line| &line.goods), &items).map_err(Error::Invalid)?;
    for (line, asked) in lines.iter_mut().zip(&request.lines) {
        line.command.reservation = asked.reservation_id;
    }
    if !request.direct {
        make_draft(task, txn, &from, &to, &lines).await?;
        return StepAnswer::of(txn, tenant, ids.transfer, None).await;
    }
    need_site(&task.caller, to.area.site_id)?;
    let effective_at = request.said.effective_at.unwrap_or(to.now);
    need_days(&task.caller, [&from.area, &to.area], effective_at, to.now)?;
    let permit = Permit::<Transfer>::ask(&task.caller, from.area.clone(), request.said.effective_at, to.now)?;
    let header = request.said.header(ids.document, from.rules, ids.transfer);
    let commands = lines.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::transfer(permit, header, commands, to.area.spot(), may_move_held(&task.caller));
    let (posted, answer) = post(task, txn, &mut posting, &lines, &items, &Reasons::default()).await?;
    let tally = |(lot, (item, moved)): (LotId, (Uuid, Quantity))| {
        (lot, Tally { item, dispatched: moved, received: moved, lost: Quantity::ZERO, cancelled: Quantity::ZERO })
    };
    let lots: BTreeMap<_, _> = moved(&posted, to.area.id)?.into_iter().map(tally).collect();
    insert(task, txn, &from, &to, &lines, Some((posting.effective_at(), lots))).await?;
    StepAnswer::of(txn, tenant, ids.transfer, Some(answer)).await
}

/// Whoever may send or may receive can ask for goods; nothing has moved.
async fn make_draft(task: &Task<(Ids, Request)>, txn: &Txn, from: &Ground, to: &Ground, lines: &[Resolved]) -> Result<(), Error> {
    if !task.caller.sites.contain(from.area.site_id) && !task.caller.sites.contain(to.area.site_id) {
        return Err(Problem::new(403, "forbidden", "You have no access to either of these sites.").into());
    }
    let foreign = foreign_lots(txn, task.caller.tenant_id, lines).await?;
    if !foreign.is_empty() {
        return Err(Error::Invalid(foreign));
    }
    insert(task, txn, from, to, lines, None).await
}

/// The number takes the head: last of all locks.
async fn insert(
    task: &Task<(Ids, Request)>,
    txn: &Txn,
    from: &Ground,
    to: &Ground,
    lines: &[Resolved],
    moved: Option<(Instant, BTreeMap<LotId, Tally>)>,
) -> Result<(), Error> {
    let (ids, request) = &task.input;
    let tenant = task.caller.tenant_id;
    let new = NewTransfer {
        id: ids.transfer,
        number: next_transfer_number(txn, tenant, from.rules).await?,
        from: from.area.id,
        from_site: from.area.site_id,
        to: to.area.id,
        to_site: to.area.site_id,
        external_ref: request.said.external_ref.clone(),
        note: request.said.note.clone(),
        created_by: task.caller.user_id,
        lines: lines.iter().map(Resolved::asked).collect(),
    };
    repository::insert(txn, tenant, new, moved, to.now).await
}

/// Moves goods at once, or makes a draft of a transfer that is dispatched and received later.
#[utoipa::path(
    tag = "transfers",
    operation_id = "create_transfer",
    params(("Idempotency-Key" = String, Header, description = "A new value for each transfer; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "The transfer; where it is direct with its document, its entries and the new balances", body = StepAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: who moves goods at once needs both sites, who makes a draft one of them; `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short line in `short`, `lot_on_hold`, `lot_expired`, `lot_revalued_after`, `lot_void`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `same_location`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `not_for_drafts`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `reservation_not_found`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/transfers")]
pub async fn create_transfer(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<StepAnswer>, Error> {
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
