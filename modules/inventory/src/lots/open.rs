//! `POST /lots/{id}/open`: a part of a lot is opened at a location and becomes a lot of its own with the shorter life.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read;
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Reasons};
use crate::documents::{Heading, Lines, PostedAnswer, TRANSFORMATION_LINE, answer, cells};
use crate::error::Error;
use crate::http::{Answer, Id};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted, Effects, Posting, Refusal, TakeLine, kinds};
use crate::names::{ItemRef, LocationRef, LotId, UnitCode};

/// How much of a lot is opened, and where.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
}

/// How much of a lot is opened, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = OpenLot)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// When it was opened; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// `not_included` where a posted count did not see this; else the posting is refused.
    counted: Option<Counted>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let heading = Heading::read(fields);
        let (quantity, unit) = (fields.required("quantity"), fields.optional("unit"));
        Some(Self { heading: heading?, quantity: quantity?, unit: unit? })
    }
}

/// The ids of what is made, the lot and what is asked.
type Input = (Uuid, Uuid, LotId, Request);

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, lot: LotId, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::UseStock)?;
    let input: Input = (state.next_id(), state.next_id(), lot, request);
    state.create_once(caller, once, input, |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<Input>, txn: &Txn) -> Result<PostedAnswer, Error> {
    let (id, child, lot, request) = &task.input;
    let (permit, header) = request.heading.permitted::<kinds::Opening, _>(task, txn, *id).await?;
    let found = read::find(txn, &task.caller, *lot, task.now).await?;
    let named = ItemRef::Id { item_id: found.item_id };
    let items = lookup::items(txn, task.caller.tenant_id, std::iter::once(&named)).await?;
    let measured = lookup::measure(0, &named, request.quantity, request.unit.as_ref(), &items);
    let (item, quantity, unit) = measured.map_err(|violation| Error::Invalid(vec![of_the_whole(violation)]))?;
    let line = TakeLine { item: item.rules, quantity, lot: Some(*lot), reason: None, reservation: None };
    let mut posting = Posting::opening(permit, header, line.clone(), *child);

    let locked = ledger::lock(&task.state, txn, std::iter::once(&posting)).await?;
    let effects = posting.decide(txn, &locked).await.map_err(about_the_lot)?;
    let stored = [stored_lines(request, &line, &unit, *child, &effects)];
    let posted = ledger::apply(txn, &locked, &posting, effects, &stored).await?;
    answer(&posted, posting.location(), &items, &Reasons::default(), &stored)
}

/// There are no lines in this request: what is wrong with the one of the document is wrong with a field of the request.
fn of_the_whole(violation: Violation) -> Violation {
    let pointer = violation.pointer.strip_prefix("/lines/0").filter(|field| ["/quantity", "/unit"].contains(field)).unwrap_or_default().to_owned();
    Violation { pointer, ..violation }
}

fn about_the_lot(error: Error) -> Error {
    let Error::Refused(Refusal::Lines(flaws)) = &error else { return error };
    match flaws.first() {
        Some(flaw) if flaw.code == "lot_not_received_yet" => Error::invalid("/effective_at", flaw.code, flaw.detail.clone()),
        Some(flaw) if flaw.field == "lot_id" => Error::Conflict { code: flaw.code, detail: flaw.detail.clone() },
        _ => error,
    }
}

/// What was taken from the lot, and what became of it.
fn stored_lines(request: &Request, line: &TakeLine, unit: &str, child: LotId, effects: &Effects) -> Lines {
    let opened = effects.lots.iter().find(|lot| lot.id == child);
    let (batch_code, expires_on) = opened.map(|lot| (lot.batch_code.clone(), lot.expires_on)).unwrap_or_default();
    let value = |index: usize| effects.lines.get(index).map(|outcome| outcome.value);
    let none = None::<i64>;
    let input = cells![
        1_i64,
        line.item.id,
        line.lot,
        request.quantity,
        unit,
        line.quantity,
        value(0),
        "input",
        none,
        None::<String>,
        None::<chrono::NaiveDate>,
        None::<Uuid>,
    ];
    let output = cells![2_i64, line.item.id, child, request.quantity, unit, line.quantity, value(1), "output", none, batch_code, expires_on, None::<Uuid>];
    Lines::new(&TRANSFORMATION_LINE, vec![input, output])
}

/// Opens a part of a lot: it becomes a lot of its own, with the earlier of the printed date and that of the shelf life once opened.
#[utoipa::path(
    tag = "stock",
    operation_id = "open_lot",
    params(
        ("id" = Uuid, Path, description = "The lot's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each opening; the same value again answers the same"),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Opened: the document, its entries and the new balances; its second line has the opened lot", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`insufficient_stock` with what there is in `short`, `already_open`, `lot_on_hold`, `lot_expired`, `lot_void`, `lot_revalued_after`, `counted_since`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `lot_not_received_yet`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[post("/lots/{id}/open")]
pub async fn open_lot(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, id: Id, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, id.0, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
