//! Who did what that no document tells.

mod list;

use kernel::{Routes, Txn};
use sea_orm::{ConnectionTrait as _, DbErr};
use serde_json::Value;
use uuid::Uuid;

use crate::idempotency::Task;
use crate::rows::{self, Kind, Relation, given_row};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::list_audit);
}

crate::names::words!(
    /// What was done.
    Action {
        PeriodClosed = "period.closed",
        PeriodReopened = "period.reopened",
        /// The document that had cleared it is undone.
        ShortageReopened = "shortage.reopened",
    }
);

crate::names::words!(
    /// What it was done to.
    Subject { Period = "period", Shortage = "shortage" }
);

/// Something that was done.
pub struct Event {
    pub action: Action,
    /// To what kind of thing, and its id.
    pub subject: (Subject, Uuid),
    /// In a sentence.
    pub summary: String,
    /// As an object.
    pub details: Value,
}

/// Records what the caller of a task did, in its transaction.
pub async fn record<I>(txn: &Txn, task: &Task<I>, action: Action, subject: (Subject, Uuid), summary: String, details: Value) -> Result<(), DbErr> {
    record_all(txn, task, vec![Event { action, subject, summary, details }]).await
}

/// The same of many things at once.
pub async fn record_all<I>(txn: &Txn, task: &Task<I>, events: Vec<Event>) -> Result<(), DbErr> {
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
    let caller = &task.caller;
    let backend = txn.get_database_backend();
    let row = |event: Event| {
        let ((subject, subject_id), id) = (event.subject, task.state.next_id());
        let (action, details) = (event.action.word(), event.details.to_string());
        given_row!(backend, id, caller.tenant_id, task.now, caller.user_id, action, subject.word(), subject_id, event.summary, details)
    };
    rows::insert(txn, "audit_event", EVENT, events.into_iter().map(row).collect()).await
}
