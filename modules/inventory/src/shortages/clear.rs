//! `POST /shortages/{id}/clear`.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::repository::Clearing;
use super::{Shortage, ShortageStatus, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Answer, Id};
use crate::idempotency::{Once, Task};

/// Why a shortage is cleared.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = ClearShortage)]
pub struct Request {
    /// What became of it, 1 to 2,000 characters.
    pub note: String,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.required::<Text<1, 2000>>("note")?.0 })
    }
}

/// Clears a shortage, once. Stock does not change by it.
pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, request: Request) -> Result<Answer<Shortage>, Error> {
    caller.need(Permission::UseStock)?;
    let cleared = state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await?;
    // Nothing is made by it.
    Ok(Answer { status: 200, ..cleared })
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn) -> Result<Shortage, Error> {
    let ((id, request), caller) = (&task.input, &task.caller);
    let found = repository::find(txn, caller.tenant_id, &caller.sites, *id).await?.ok_or(Error::NotFound("shortage"))?;
    let at = task.now.max(found.updated_at);
    let clearing = Clearing { by: caller.user_id, document: None, note: Some(&request.note), at };
    if repository::clear(txn, caller.tenant_id, std::iter::once(*id), clearing).await?.is_empty() {
        return Err(Error::Conflict { code: "shortage_cleared", detail: "This shortage was cleared before.".to_owned() });
    }
    Ok(Shortage {
        status: ShortageStatus::Cleared,
        cleared_by: Some(caller.user_id),
        cleared_at: Some(at),
        note: Some(request.note.clone()),
        version: found.version + 1,
        updated_at: at,
        ..found
    })
}

/// Clears a shortage with a note. Stock does not change by it.
#[utoipa::path(
    tag = "usage",
    operation_id = "clear_shortage",
    params(("id" = Uuid, Path, description = "The shortage's id"), ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    request_body = Request,
    responses(
        (status = 200, description = "The shortage as it is now", body = Shortage),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`shortage_cleared`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = answers::KEY_REUSED, body = ProblemDocument<'_>),
    )
)]
#[post("/shortages/{id}/clear")]
pub async fn handler(state: web::Data<Inventory>, caller: Caller, id: Id, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Shortage>, Error> {
    let once = Once { key, fingerprint: body.fingerprint };
    execute(&state, &caller, once, id.0, body.request).await
}
