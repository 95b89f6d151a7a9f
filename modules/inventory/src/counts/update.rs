//! `PATCH /counts/{id}`: what a count does with what is not counted, as long as nobody has reviewed it.

use actix_web::{HttpResponse, patch, web};
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CountAnswer, CountStatus, Uncounted, locked, repository};
use crate::Inventory;
use crate::catalog::answers as common;
use crate::catalog::patch::replaceable;
use crate::error::Error;
use crate::http::{Id, Seen, versioned};
use crate::idempotency::Task;

/// What may be said of a count.
#[derive(Debug, ToSchema)]
#[schema(as = UpdateCount)]
pub struct Request {
    /// What becomes of stock that lies there and was not counted.
    #[schema(nullable = false)]
    pub uncounted: Option<Uncounted>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { uncounted: replaceable(fields, "uncounted")? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, id: Uuid, seen: IfMatch, request: Request) -> Result<CountAnswer, Error> {
    caller.need(Permission::Count)?;
    state.write(caller, (id, seen, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, IfMatch, Request)>, txn: &Txn) -> Result<CountAnswer, Error> {
    let ((id, seen, request), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, Seen(Some(*seen))).await?;
    count.need("changed", &[CountStatus::Open, CountStatus::Counting])?;
    let uncounted = request.uncounted.unwrap_or(count.uncounted);
    if uncounted != count.uncounted {
        count.uncounted = uncounted;
        count.go(count.status, task.now);
        repository::save(txn, tenant, &count).await?;
    }
    Ok(count)
}

/// Changes what a count does with what is not counted, until it is reviewed (JSON merge patch).
#[utoipa::path(
    tag = "counts",
    operation_id = "update_count",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The count's id"), ("If-Match" = String, Header, description = common::IF_MATCH)),
    responses(
        (status = 200, description = "The count", body = CountAnswer, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`count_status` with the status that it is in as `count_status`", body = ProblemDocument<'_>),
        (status = 412, description = common::MISMATCH, body = ProblemDocument<'_>),
        (status = 428, description = common::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
        (status = 503, description = "`count_busy`: others are working on this count", body = ProblemDocument<'_>),
    )
)]
#[patch("/counts/{id}")]
pub async fn update_count(state: web::Data<Inventory>, caller: Caller, id: Id, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let count = execute(&state, &caller, id.0, seen, body.request).await?;
    Ok(versioned(count.version, &count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, Request>();
    }
}
