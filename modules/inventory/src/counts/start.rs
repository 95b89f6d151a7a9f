//! Begins counting.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::{CountAnswer, CountStatus, Nothing, answers, done, locked, repository};
use crate::Inventory;
use crate::catalog::answers as common;
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody, Seen};
use crate::idempotency::{Once, Task};

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen) -> Result<Answer<CountAnswer>, Error> {
    caller.need(Permission::Count)?;
    state.create_once(caller, once, (id, seen), |task, txn| Box::pin(work(task, txn))).await.map(done)
}

async fn work(task: &Task<(Uuid, Seen)>, txn: &Txn) -> Result<CountAnswer, Error> {
    let ((id, seen), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, *seen).await?;
    count.need("started", &[CountStatus::Open])?;
    count.started_at = Some(task.now);
    count.go(CountStatus::Counting, task.now);
    repository::save(txn, tenant, &count).await?;
    Ok(count)
}

/// Begins counting. The first line that is written does the same.
#[utoipa::path(
    tag = "counts",
    operation_id = "start_count",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = Option<String>, Header, description = common::KEY),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    responses(
        (status = 200, description = "The count", body = CountAnswer),
        (status = 400, description = "`idempotency_key_invalid`, `malformed_json`, `malformed_body`", body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = answers::STATUS, body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument<'_>),
        (status = 422, description = common::KEY_REUSED, body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/counts/{id}/start")]
pub async fn start_count(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: OptionalBody<Nothing>,
) -> Result<Answer<CountAnswer>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, seen).await
}
