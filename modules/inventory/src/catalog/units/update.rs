//! `PATCH /units/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, patch};
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Unit, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::catalog::patch::replaceable;
use crate::error::Error;
use crate::http::versioned;
use crate::idempotency::Task;

/// What may change of a unit.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UpdateUnit)]
pub struct Request {
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = replaceable::<Text<1, 200>>(fields, "name")?;
        Some(Self { name: name.map(|name| name.0) })
    }
}

/// Renames a unit: what was posted in it keeps its meaning, so nothing else changes.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid, seen: IfMatch, request: Request) -> Result<Unit, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.write(caller, (id, seen, request), |task, txn| Box::pin(update(task, txn))).await
}

async fn update(task: &Task<(Uuid, IfMatch, Request)>, txn: &Txn) -> Result<Unit, Error> {
    let (tenant, (id, seen, request)) = (task.caller.tenant_id, &task.input);
    let before = repository::lock(txn, tenant, *id).await?.ok_or(Error::NotFound("unit"))?;
    seen.check(before.version)?;
    let name = request.name.clone().unwrap_or_else(|| before.name.clone());
    if name == before.name {
        return Ok(before);
    }
    let unit = Unit { name, version: before.version + 1, updated_at: task.now.max(before.updated_at), ..before };
    repository::save(txn, tenant, &unit).await?;
    Ok(unit)
}

/// Renames a unit of measure (JSON merge patch).
#[utoipa::path(
    operation_id = "update_unit",
    tag = "catalogue",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The unit's id."), ("If-Match" = String, Header, description = answers::IF_MATCH)),
    responses(
        (status = 200, description = "The unit as it is now.", body = Unit, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 428, description = answers::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
    )
)]
#[patch("/units/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let unit = execute(&state, &caller, *id, seen, body.request).await?;
    Ok(versioned(unit.version, &unit))
}
