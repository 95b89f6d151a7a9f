//! `DELETE /reservations/{id}`.

use actix_web::{delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::{Reservation, ReservationStatus, repository};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::http::Id;
use crate::idempotency::Task;
use crate::ledger::{self, Key};

/// Gives back what is left of a reservation; once.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid) -> Result<Reservation, Error> {
    caller.need(Permission::UseStock)?;
    state.write(caller, id, |task, txn| Box::pin(release(task, txn))).await
}

async fn release(task: &Task<Uuid>, txn: &Txn) -> Result<Reservation, Error> {
    let (tenant, sites) = (task.caller.tenant_id, &task.caller.sites);
    let find = || repository::find(txn, tenant, sites, task.input, task.now);
    let seen = find().await?.ok_or(Error::NotFound("reservation"))?;
    let key = Key { item: seen.item_id, location: seen.location_id };
    let locked = ledger::lock_to_reserve(txn, tenant, key, task.now).await?;
    // What was left may have been taken while this waited.
    let found = find().await?.ok_or(Error::NotFound("reservation"))?;
    match found.status {
        ReservationStatus::Active => {}
        ReservationStatus::Released => return Err(over("reservation_released", "This reservation was released before.")),
        ReservationStatus::Fulfilled => return Err(over("reservation_fulfilled", "All of this reservation was taken.")),
        ReservationStatus::Ended => return Err(over("reservation_ended", "The time of this reservation is over.")),
    }
    ledger::set_aside(txn, &locked, key, -found.left.0).await?;
    let updated_at = task.now.max(found.updated_at);
    let released = Reservation { status: ReservationStatus::Released, left: Quantity::ZERO, version: found.version + 1, updated_at, ..found };
    repository::release(txn, tenant, &released).await?;
    Ok(released)
}

fn over(code: &'static str, detail: &str) -> Error {
    Error::Conflict { code, detail: format!("{detail} There is nothing to give back.") }
}

/// Releases a reservation: what is left of it is free again.
#[utoipa::path(
    tag = "usage",
    operation_id = "release_reservation",
    params(("id" = Uuid, Path, description = "The reservation's id")),
    responses(
        (status = 200, description = "The reservation as it is now", body = Reservation),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`reservation_released`, `reservation_fulfilled`, `reservation_ended`: nothing is left of it", body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[delete("/reservations/{id}")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<web::Json<Reservation>, Error> {
    execute(&state, &caller, id.0).await.map(web::Json)
}
