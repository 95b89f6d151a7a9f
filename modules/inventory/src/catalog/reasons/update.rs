//! `PATCH /reasons/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, patch};
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reason, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::catalog::patch::{Change, clearable, replaceable};
use crate::error::Error;
use crate::http::versioned;
use crate::idempotency::Task;
use crate::names::Stage;

/// What may change of a reason: kind and code stay, because documents name it by them.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UpdateReason)]
pub struct Request {
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// Where in the work it happens; null for nowhere in particular.
    #[schema(value_type = Option<Stage>)]
    pub stage: Change<Stage>,
    /// Whether better work could have avoided it.
    #[schema(nullable = false)]
    pub avoidable: Option<bool>,
    /// An archived reason is not offered and not taken any more.
    #[schema(nullable = false)]
    pub archived: Option<bool>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, stage) = (replaceable::<Text<1, 200>>(fields, "name"), clearable(fields, "stage"));
        let (avoidable, archived) = (replaceable(fields, "avoidable"), replaceable(fields, "archived"));
        Some(Self { name: name?.map(|name| name.0), stage: stage?, avoidable: avoidable?, archived: archived? })
    }
}

/// Changes a reason.
pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid, seen: IfMatch, request: Request) -> Result<Reason, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.write(caller, (id, seen, request), |task, txn| Box::pin(update(task, txn))).await
}

async fn update(task: &Task<(Uuid, IfMatch, Request)>, txn: &Txn) -> Result<Reason, Error> {
    let (tenant, (id, seen, request)) = (task.caller.tenant_id, &task.input);
    let before = repository::lock(txn, tenant, *id).await?.ok_or(Error::NotFound("reason"))?;
    seen.check(before.version)?;
    let mut reason = before.clone();
    reason.name = request.name.clone().unwrap_or(reason.name);
    request.stage.apply(&mut reason.stage);
    reason.avoidable = request.avoidable.unwrap_or(reason.avoidable);
    reason.set_archived(request.archived.unwrap_or(reason.archived), task.now);
    if reason == before {
        return Ok(before);
    }
    reason.version += 1;
    reason.updated_at = task.now.max(before.updated_at);
    repository::save(txn, tenant, &reason).await?;
    Ok(reason)
}

/// Changes or archives a reason (JSON merge patch).
#[utoipa::path(
    operation_id = "update_reason",
    tag = "catalogue",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The reason's id."), ("If-Match" = String, Header, description = answers::IF_MATCH)),
    responses(
        (status = 200, description = "The reason as it is now.", body = Reason, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 428, description = answers::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
    )
)]
#[patch("/reasons/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let reason = execute(&state, &caller, *id, seen, body.request).await?;
    Ok(versioned(reason.version, &reason))
}
