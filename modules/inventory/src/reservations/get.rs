//! `GET /reservations/{id}`.

use actix_web::{HttpResponse, get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission};
use uuid::Uuid;

use super::{Reservation, repository};
use crate::Inventory;
use crate::error::Error;
use crate::http::{Id, versioned};

/// One reservation.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid) -> Result<Reservation, Error> {
    caller.need(Permission::Read)?;
    let found = repository::find(state.database().reader(), caller.tenant_id, &caller.sites, id, state.now()).await?;
    found.ok_or(Error::NotFound("reservation"))
}

/// Reads a reservation.
#[utoipa::path(
    tag = "usage",
    operation_id = "get_reservation",
    params(("id" = Uuid, Path, description = "The reservation's id")),
    responses(
        (status = 200, description = "The reservation", body = Reservation, headers(("ETag" = String, description = "The version"))),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
    )
)]
#[get("/reservations/{id}")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<HttpResponse, Error> {
    let found = execute(&state, &caller, id.0).await?;
    Ok(versioned(found.version, &found))
}
