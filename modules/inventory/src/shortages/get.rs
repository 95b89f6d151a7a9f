//! `GET /shortages/{id}`.

use actix_web::{HttpResponse, get, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission};
use uuid::Uuid;

use super::{Shortage, repository};
use crate::Inventory;
use crate::error::Error;
use crate::http::{Id, versioned};

/// One shortage.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid) -> Result<Shortage, Error> {
    caller.need(Permission::Read)?;
    let found = repository::find(state.database().reader(), caller.tenant_id, &caller.sites, id).await?;
    found.ok_or(Error::NotFound("shortage"))
}

/// Reads a shortage.
#[utoipa::path(
    tag = "usage",
    operation_id = "get_shortage",
    params(("id" = Uuid, Path, description = "The shortage's id")),
    responses(
        (status = 200, description = "The shortage", body = Shortage, headers(("ETag" = String, description = "The version"))),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
    )
)]
#[get("/shortages/{id}")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<HttpResponse, Error> {
    let found = execute(&state, &caller, id.0).await?;
    Ok(versioned(found.version, &found))
}
