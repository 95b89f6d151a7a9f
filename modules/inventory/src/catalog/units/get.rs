//! `GET /units/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission};
use uuid::Uuid;

use super::{Unit, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::versioned;

/// One unit.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid) -> Result<Unit, Error> {
    caller.need(Permission::Read)?;
    repository::find(state.database().reader(), caller.tenant_id, id).await?.ok_or(Error::NotFound("unit"))
}

/// Answers a unit of measure.
#[utoipa::path(
    operation_id = "get_unit",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The unit's id.")),
    responses(
        (status = 200, description = "The unit.", body = Unit, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[get("/units/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>) -> Result<HttpResponse, Error> {
    let unit = execute(&state, &caller, *id).await?;
    Ok(versioned(unit.version, &unit))
}
