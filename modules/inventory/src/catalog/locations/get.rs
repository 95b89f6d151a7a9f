//! `GET /locations/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission};
use uuid::Uuid;

use super::{Location, repository, visible};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::versioned;
use crate::names::LocationId;

/// One location.
pub async fn execute(state: &Inventory, caller: &Caller, id: LocationId) -> Result<Location, Error> {
    caller.need(Permission::Read)?;
    visible(repository::find(state.database().reader(), caller.tenant_id, id).await?, caller)
}

/// Answers a location.
#[utoipa::path(
    operation_id = "get_location",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The location's id.")),
    responses(
        (status = 200, description = "The location.", body = Location, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[get("/locations/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>) -> Result<HttpResponse, Error> {
    let location = execute(&state, &caller, *id).await?;
    Ok(versioned(location.version, &location))
}
