//! `POST /periods`: days that are to be closed, or are closed at once.

use actix_web::{post, web};
use chrono::NaiveDate;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::close::{close, last_closed};
use super::{Period, PeriodStatus, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Answer, need_all_sites};
use crate::idempotency::{Once, Task};

/// Up to which day.
#[derive(Debug, ToSchema)]
#[schema(as = CreatePeriod)]
pub struct Request {
    /// The last business date of the period, after that of the last closed one. It begins the day after that one.
    pub last_day: NaiveDate,
    /// Whether it is closed at once; it is not where nothing is said.
    #[schema(value_type = Option<bool>)]
    pub close: bool,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (last_day, close) = (fields.required("last_day"), fields.or("close", false));
        Some(Self { last_day: last_day?, close: close? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<Period>, Error> {
    caller.need(Permission::Close)?;
    need_all_sites(caller)?;
    let id = state.next_id();
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn) -> Result<Period, Error> {
    let (tenant, (id, request)) = (task.caller.tenant_id, &task.input);
    let before = last_closed(txn, tenant).await?.map(|before| before.last_day);
    if let Some(before) = before.filter(|before| *before >= request.last_day) {
        return Err(Error::invalid("/last_day", "period_not_after_last", format!("all is closed through {before}; a period ends after that")));
    }
    let period = Period {
        id: *id,
        first_day: before.and_then(|before| before.succ_opt()),
        last_day: request.last_day,
        status: PeriodStatus::Open,
        closed_at: None,
        closed_by: None,
        version: 1,
        created_at: task.now,
        updated_at: task.now,
    };
    repository::insert(txn, tenant, &period).await?;
    if request.close { close(task, txn, period, None).await } else { Ok(period) }
}

/// Makes a period, and closes it where that is asked for.
#[utoipa::path(
    tag = "periods",
    operation_id = "create_period",
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "The period", body = Period),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: it needs `close`, and every site: the books are those of all. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is a period with this last day. To close it: `count_open` with the open counts in `counts`, `earlier_period_open`, `period_not_after_last`. `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, of its fields `period_not_after_last` and, to close it, `day_not_over`; `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/periods")]
pub async fn create_period(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<Period>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, Request>();
    }
}
