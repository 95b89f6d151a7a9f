//! Who did what that no document tells.

mod list;

use kernel::Txn;
use sea_orm::{ConnectionTrait as _, DbErr};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::idempotency::Task;
use crate::rows::{self, Kind, Relation, given_row};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list::list_audit);
}

crate::names::words!(
    /// What was done.
    Action {
        PeriodClosed = "period.closed",
        PeriodReopened = "period.reopened",
    }
);

crate::names::words!(
    /// What it was done to.
    Subject { Period = "period" }
);

/// Records what the caller of a task did, in its transaction.
pub async fn record<I>(txn: &Txn, task: &Task<I>, action: Action, (subject, id): (Subject, Uuid), summary: String, details: Value) -> Result<(), DbErr> {
    use crate::names::Word as _;
    const EVENT: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("at", Kind::Instant),
        ("actor_id", Kind::Uuid),
        ("action", Kind::Text),
        ("subject", Kind::Text),
        ("subject_id", Kind::Uuid),
        ("summary", Kind::Text),
        ("details", Kind::Text),
    ]);
    let (caller, event) = (&task.caller, task.state.next_id());
    let backend = txn.get_database_backend();
    let row = given_row!(backend, event, caller.tenant_id, task.now, caller.user_id, action.word(), subject.word(), id, summary, details.to_string());
    rows::insert(txn, "audit_event", EVENT, vec![row]).await
}
