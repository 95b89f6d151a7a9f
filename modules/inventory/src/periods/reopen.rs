//! `POST /periods/{id}/reopen`: the last closed period, and no other.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::close::last_closed;
use super::{Period, PeriodStatus, Remark, repository};
use crate::Inventory;
use crate::audit::{self, Action, Subject};
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody, need_all_sites};
use crate::idempotency::{Once, Task};
use crate::ledger::{Kept, bump_rules, checkpoint_before, reopen_to};

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, remark: Remark) -> Result<Answer<Period>, Error> {
    caller.need(Permission::Close)?;
    need_all_sites(caller)?;
    let opened = state.create_once(caller, once, (id, remark), |task, txn| Box::pin(work(task, txn))).await?;
    Ok(Answer { status: 200, ..opened })
}

async fn work(task: &Task<(Uuid, Remark)>, txn: &Txn) -> Result<Period, Error> {
    let tenant = task.caller.tenant_id;
    let period = repository::lock(txn, tenant, task.input.0).await?.ok_or(Error::NotFound("period"))?;
    bump_rules(txn, tenant).await?;
    let last = last_closed(txn, tenant).await?;
    if period.status != PeriodStatus::Closed {
        return Err(Error::Conflict { code: "not_closed", detail: format!("The period that ends on {} is open.", period.last_day) });
    }
    if let Some(Kept { last_day, .. }) = last.filter(|last| last.period != period.id) {
        let detail = format!("Only the last closed period can be opened again: that which ends on {last_day}.");
        return Err(Error::Conflict { code: "not_last_closed", detail });
    }
    let before = match period.last_day.pred_opt() {
        Some(day) => checkpoint_before(txn, tenant, day).await?.map(|before| before.last_day),
        None => None,
    };
    let head = reopen_to(txn, tenant, period.id, before).await?;
    let reopened = Period {
        status: PeriodStatus::Open,
        closed_at: None,
        closed_by: None,
        version: period.version + 1,
        updated_at: task.now.max(period.updated_at),
        ..period.clone()
    };
    repository::save(txn, tenant, &reopened).await?;
    let details = serde_json::json!({
        "last_day": period.last_day, "closed_at": period.closed_at, "closed_by": period.closed_by, "last_seq": head.seq, "closed_through": head.closed_through,
        "note": task.input.1.note,
    });
    let summary = format!("opened the period through {} again", period.last_day);
    audit::record(txn, task, Action::PeriodReopened, (Subject::Period, period.id), summary, details).await?;
    Ok(reopened)
}

/// Opens the last closed period again.
#[utoipa::path(
    tag = "periods",
    operation_id = "reopen_period",
    request_body(content = Option<Remark>, description = "May be left out"),
    params(("id" = Uuid, Path, description = "The period's id"), ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 200, description = "The period, open again", body = Period),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: it needs `close`, and every site: the books are those of all. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`not_closed`; `not_last_closed`: a later one is closed; `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/periods/{id}/reopen")]
pub async fn reopen_period(
    state: web::Data<Inventory>,
    caller: Caller,
    key: IdempotencyKey,
    id: Id,
    body: OptionalBody<Remark>,
) -> Result<Answer<Period>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, body.0.request).await
}
