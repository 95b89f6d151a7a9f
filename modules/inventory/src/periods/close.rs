//! `POST /periods/{id}/close`: nothing is posted any more on its days or before, and what stood where at its end is kept.

use actix_web::{post, web};
use chrono::NaiveDate;
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Problem, TenantId, Txn};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{Period, PeriodStatus, Remark, repository};
use crate::Inventory;
use crate::audit::{self, Action, Subject};
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody, need_all_sites};
use crate::idempotency::{Once, Task};
use crate::ledger::{Kept, add_to_checkpoint, bump_rules, checkpoint_before, close_through, sum_up};

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, remark: Remark) -> Result<Answer<Period>, Error> {
    caller.need(Permission::Close)?;
    need_all_sites(caller)?;
    let closed = state.create_once(caller, once, (id, remark), |task, txn| Box::pin(work(task, txn))).await?;
    Ok(Answer { status: 200, ..closed })
}

async fn work(task: &Task<(Uuid, Remark)>, txn: &Txn) -> Result<Period, Error> {
    let period = repository::lock(txn, task.caller.tenant_id, task.input.0).await?.ok_or(Error::NotFound("period"))?;
    close(task, txn, period, task.input.1.note.as_deref()).await
}

/// The last closed period.
pub async fn last_closed(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<Option<Kept>, DbErr> {
    const END: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
        Some(date) => date,
        None => NaiveDate::MAX,
    };
    checkpoint_before(connection, tenant, END).await
}

/// Closes a period whose row is locked or new.
///
/// Every posting of the tenant waits for whoever holds the head, so what may take long is done before it is taken: what was posted until
/// then is summed up, and under the head's lock, where nothing is posted, only what came meanwhile is added. What may refuse is asked before
/// the sum, to spare it, and again under the lock, where the answer holds.
pub async fn close<I>(task: &Task<I>, txn: &Txn, period: Period, note: Option<&str>) -> Result<Period, Error> {
    let tenant = task.caller.tenant_id;
    let before = may_close(task, txn, &period).await?;
    let summed = sum_up(txn, tenant, period.id, period.last_day, before).await?;
    bump_rules(txn, tenant).await?;
    if may_close(task, txn, &period).await? != before {
        // Another period was closed or opened: the sum began at a checkpoint that is no longer the last one.
        return Err(Error::RulesChanged);
    }
    let head = close_through(txn, tenant, period.last_day).await?;
    add_to_checkpoint(txn, tenant, period.id, period.last_day, summed).await?;
    let closed = Period {
        first_day: before.and_then(|before| before.last_day.succ_opt()),
        status: PeriodStatus::Closed,
        closed_at: Some(task.now),
        closed_by: Some(task.caller.user_id),
        version: period.version + 1,
        updated_at: task.now.max(period.updated_at),
        ..period
    };
    repository::save(txn, tenant, &closed).await?;
    let details = serde_json::json!({ "first_day": closed.first_day, "last_day": closed.last_day, "last_seq": head.seq, "note": note });
    audit::record(txn, task, Action::PeriodClosed, (Subject::Period, closed.id), format!("closed through {}", closed.last_day), details).await?;
    Ok(closed)
}

/// Whether a period may be closed. Answers the one before it.
async fn may_close<I>(task: &Task<I>, txn: &Txn, period: &Period) -> Result<Option<Kept>, Error> {
    let tenant = task.caller.tenant_id;
    let refuse = |code, detail: String| Err(Error::Conflict { code, detail });
    if period.status == PeriodStatus::Closed {
        return refuse("already_closed", format!("the period that ends on {} is closed already.", period.last_day));
    }
    let sites = repository::not_over_at(txn, tenant, period.last_day, task.now).await?;
    if !sites.is_empty() {
        let detail = format!("{} is not over yet at {}", period.last_day, sites.join(", "));
        return Err(Error::invalid("/last_day", "day_not_over", detail));
    }
    let before = last_closed(txn, tenant).await?;
    if let Some(Kept { last_day, .. }) = before.filter(|before| before.last_day >= period.last_day) {
        return refuse("period_not_after_last", format!("All is closed through {last_day}, and {} with it.", period.last_day));
    }
    if let Some(earlier) = repository::open_before(txn, tenant, period.last_day).await? {
        return refuse("earlier_period_open", format!("The period that ends on {earlier} is open; close that first."));
    }
    let counts = repository::open_counts(txn, tenant).await?;
    if !counts.is_empty() {
        let detail = format!("{} counts are open: post or cancel them first.", counts.len());
        return Err(Error::Problem(Problem::new(409, "count_open", detail).fact("counts", counts)));
    }
    Ok(before)
}

/// Closes a period.
#[utoipa::path(
    tag = "periods",
    operation_id = "close_period",
    request_body(content = Option<Remark>, description = "May be left out"),
    params(("id" = Uuid, Path, description = "The period's id"), ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 200, description = "The period, closed", body = Period),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: it needs `close`, and every site: the books are those of all. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`already_closed`; `count_open` with the open counts in `counts`; `earlier_period_open`; `period_not_after_last`; `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, of its fields `day_not_over`; `idempotency_key_reused`", body = ProblemDocument<'_>),
    )
)]
#[post("/periods/{id}/close")]
pub async fn close_period(
    state: web::Data<Inventory>,
    caller: Caller,
    key: IdempotencyKey,
    id: Id,
    body: OptionalBody<Remark>,
) -> Result<Answer<Period>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, body.0.request).await
}
