//! Records what was used: cooked, eaten by staff, tasted, served at an event or given away. Bound by holds, expiry dates and
//! what is set aside for others.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Text, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Units};
use crate::documents::{Found, Heading, LINES, Lines, PostedAnswer, USAGE_LINE, answer, cells, every_line, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::{self, Counted, Detail, Effects, Header, OnShort, Posting, TakeLine, kinds};
use crate::names::{ItemRef, LocationRef, LotId, ReservationId, UnitCode, Word as _, words};

words!(
    /// What goods were used for.
    Purpose {
        /// What guests are served.
        Service = "service",
        StaffMeal = "staff_meal",
        Sample = "sample",
        Event = "event",
        /// Given away; `recipient` says to whom.
        Donation = "donation",
    }
);

/// What was used.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub purpose: Purpose,
    pub recipient: Option<String>,
    pub on_short: OnShort,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub lot_id: Option<LotId>,
    pub reservation_id: Option<ReservationId>,
}

/// What was used, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostUsage)]
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
    /// What it was used for.
    purpose: Purpose,
    /// Who got a donation, at most 200 characters; only of donations, and of each.
    recipient: Option<String>,
    /// What is done where there is not enough: `refuse` where nothing is said.
    on_short: Option<OnShort>,
    /// At least one.
    lines: Vec<LineShape>,
}

/// One thing that was used.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostUsageLine)]
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
    /// The reservation of this item here that it is taken from, as far as that goes.
    reservation_id: Option<Uuid>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let heading = Heading::read(fields);
        let (purpose, recipient) = (fields.required("purpose"), fields.optional::<Text<1, 200>>("recipient"));
        match (purpose, &recipient) {
            (Some(Purpose::Donation), Some(None)) => fields.refuse("recipient", "required", "a donation has somebody who gets it"),
            (Some(Purpose::Service | Purpose::StaffMeal | Purpose::Sample | Purpose::Event), Some(Some(_))) => {
                fields.refuse("recipient", "only_of_donations", "only a donation has somebody who gets it");
            }
            _ => {}
        }
        let (on_short, lines) = (fields.or("on_short", OnShort::default()), fields.list("lines", 1..=LINES));
        Some(Self { heading: heading?, purpose: purpose?, recipient: recipient?.map(|text| text.0), on_short: on_short?, lines: lines? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit) = (fields.required("quantity"), fields.optional("unit"));
        let (lot_id, reservation_id) = (fields.optional("lot_id"), fields.optional("reservation_id"));
        Some(Self { item: item?, quantity: quantity?, unit: unit?, lot_id: lot_id?, reservation_id: reservation_id? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::UseStock)?;
    need_lines(state, request.lines.len())?;
    let id = state.next_id();
    state.post_once(caller, once, (id, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (id, request) = &task.input;
    let names = request.lines.iter().map(|line| &line.item);
    let units = Units::of(request.lines.iter().map(|line| line.unit.as_ref()));
    let Some(Found { permit, header, early, items, reasons }) = request.heading.find::<kinds::Usage, _>(task, txn, once, *id, (names, units), None).await?
    else {
        return Ok(None);
    };
    let detail = Detail { purpose: Some(request.purpose.word()), recipient: request.recipient.clone(), ..Detail::default() };
    let resolved = resolve(request, &items)?;
    let commands = resolved.iter().map(|line| line.command.clone()).collect();
    let mut posting = Posting::usage(permit, Header { detail, ..header }, commands, request.on_short);

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

fn resolve(request: &Request, items: &Items) -> Result<Vec<Resolved>, Error> {
    let resolve = |(index, line): (usize, &Line)| {
        let (item, quantity, unit) = lookup::measure(index, &line.item, line.quantity, line.unit.as_ref(), items).map_err(|flaw| vec![flaw])?;
        let command = TakeLine { item: item.rules, quantity, lot: line.lot_id, reason: None, reservation: line.reservation_id };
        Ok(Resolved { command, unit })
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
            outcome.short,
            line.reservation_id,
        ]
    };
    Lines::new(&USAGE_LINE, (1..).zip(request.lines.iter().zip(resolved).zip(&effects.lines)).map(cells).collect())
}

/// Records what was used and posts it at once.
#[utoipa::path(
    tag = "usage",
    operation_id = "post_usage",
    params(("Idempotency-Key" = String, Header, description = "A new value for each thing that was used; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries, the new balances, and what was missing", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`insufficient_stock` with every short line in `short`; `lot_on_hold`, `lot_expired`, `lot_void`, `lot_revalued_after` with every such lot in `lots`; `counted_since` with the `counts`; `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_found`, `lot_required`, `lot_not_received_yet`, `reservation_not_found`, `only_of_donations`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/usage")]
pub async fn post_usage(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
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
