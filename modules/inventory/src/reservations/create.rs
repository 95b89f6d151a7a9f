//! `POST /reservations`.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Text, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reservation, ReservationStatus, repository};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup;
use crate::error::Error;
use crate::http::{Answer, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Key, Refusal, ShortLine};
use crate::names::{ItemRef, LocationRef, UnitCode};
use crate::rows::Reads;

/// What is to be set aside.
#[derive(Clone, Debug)]
pub struct Request {
    pub location: LocationRef,
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    pub ends_at: Option<Instant>,
}

/// What is to be set aside, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateReservation)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// Until when; without an end where nothing is said.
    ends_at: Option<Instant>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (location, item) = (LocationRef::read(fields), ItemRef::read(fields));
        let (quantity, unit) = (fields.required("quantity"), fields.optional("unit"));
        let (external_ref, note) = (fields.optional::<Text<1, 200>>("external_ref"), fields.optional::<Text<1, 2000>>("note"));
        let ends_at = fields.optional("ends_at");
        Some(Self {
            location: location?,
            item: item?,
            quantity: quantity?,
            unit: unit?,
            external_ref: external_ref?.map(|text| text.0),
            note: note?.map(|text| text.0),
            ends_at: ends_at?,
        })
    }
}

/// Sets a quantity aside, where so much can be used now and is set aside for nobody else.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Reservation>, Error> {
    caller.need(Permission::UseStock)?;
    let id = state.next_id();
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn) -> Result<Reservation, Error> {
    let ((id, request), tenant) = (&task.input, task.caller.tenant_id);
    let mut reads = Reads::new(txn);
    let (ground, items) =
        (lookup::ask_area(&mut reads, tenant, &request.location), lookup::ask_items(&mut reads, tenant, std::iter::once(&request.item), lookup::Units::All));
    let mut told = reads.send(txn).await?;
    let ground = ground.told(&mut told, task.now)?;
    need_site(&task.caller, ground.area.site_id)?;
    let items = items.told(&mut told)?;
    let (spot, now) = (ground.area.spot(), ground.now);
    let measured = lookup::measure(0, &request.item, request.quantity, request.unit.as_ref(), &items).map_err(of_no_line);
    let ends = request.ends_at.filter(|end| *end <= now).map(|end| Violation {
        pointer: "/ends_at".to_owned(),
        code: "ends_in_past".into(),
        detail: format!("{end} is not after now, {now}"),
    });
    let (item, quantity, _) = match (measured, ends) {
        (Ok(measured), None) => measured,
        (measured, ends) => return Err(Error::Invalid([measured.err(), ends].into_iter().flatten().collect())),
    };
    let key = Key { item: item.rules.id, location: spot.location };
    let locked = ledger::lock_to_reserve(txn, tenant, key, now).await?;
    let available = ledger::available(txn, &locked, spot, &item.rules, now).await?;
    if available < quantity {
        let short = ShortLine { line: 0, item_id: key.item, location_id: key.location, lot_id: None, requested: quantity, available };
        return Err(Error::Refused(Refusal::Insufficient(vec![short])));
    }
    ledger::set_aside(txn, &locked, key, quantity.0).await?;
    let made = Reservation {
        id: *id,
        status: ReservationStatus::Active,
        item_id: key.item,
        sku: item.sku.clone(),
        location_id: key.location,
        location: ground.area.path.clone(),
        quantity,
        taken: Quantity::ZERO,
        left: quantity,
        unit: item.base_unit.clone(),
        external_ref: request.external_ref.clone(),
        note: request.note.clone(),
        ends_at: request.ends_at,
        reserved_by: task.caller.user_id,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    repository::insert(txn, tenant, &made).await?;
    Ok(made)
}

/// The same violation of a request that is one line itself.
fn of_no_line(violation: Violation) -> Violation {
    Violation { pointer: violation.pointer.trim_start_matches("/lines/0").to_owned(), ..violation }
}

/// Sets a quantity of an item at a location aside: what others use does not touch it.
#[utoipa::path(
    tag = "usage",
    operation_id = "create_reservation",
    params(("Idempotency-Key" = String, Header, description = "A new value for each reservation; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "It is set aside", body = Reservation),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = ProblemDocument<'_>),
        (status = 409, description = "`insufficient_stock` with what is `available` in `short`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `ends_in_past`; `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[post("/reservations")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Reservation>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
