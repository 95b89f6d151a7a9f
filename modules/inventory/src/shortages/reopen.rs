//! What a document cleared is open again where that document is undone.

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, Txn, database};
use sea_orm::{ConnectionTrait as _, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::{Shortage, repository};
use crate::audit::{self, Action, Event, Subject};
use crate::error::Error;
use crate::idempotency::Task;
use crate::names::DocumentId;
use crate::rows::{self, Kind, Relation, given_row};

/// A document that is undone, and by what.
pub struct Reopening {
    pub cleared_by: DocumentId,
    /// The number of that document: `R-000017`.
    pub number: String,
    pub reversal: DocumentId,
}

/// Opens the shortages again that the document cleared, but for those whose own document is undone as well. Who had cleared them,
/// and when, is in the audit. The document is locked, so that nobody else does the same. Answers them as they are then.
pub async fn reopen<I>(task: &Task<I>, txn: &Txn, undone: &Reopening, at: Instant) -> Result<Vec<Shortage>, Error> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    #[derive(FromQueryResult)]
    struct ClearedRow {
        id: Uuid,
        cleared_by: Option<Uuid>,
        cleared_at: Option<DateTime<FixedOffset>>,
    }
    let tenant = task.caller.tenant_id;
    let sql = "SELECT shortage.id, shortage.cleared_by, shortage.cleared_at FROM shortage \
               JOIN document ON document.tenant_id = shortage.tenant_id AND document.id = shortage.document_id \
               WHERE shortage.tenant_id = $1 AND shortage.cleared_by_document_id = $2 AND document.status = 'posted' ORDER BY shortage.id";
    let cleared = rows::all::<ClearedRow>(txn, sql, [tenant.into(), undone.cleared_by.into()]).await?;
    if cleared.is_empty() {
        return Ok(Vec::new());
    }
    let backend = txn.get_database_backend();
    let now = if database::is_postgres(txn) { "$2::timestamptz" } else { "$2" };
    let sql = format!(
        "UPDATE shortage SET status = 'open', cleared_by = NULL, cleared_by_document_id = NULL, cleared_at = NULL, updated_at = {now}, version = version + 1 \
         WHERE tenant_id = $1 AND id IN ({})",
        ID.select(backend, 3)
    );
    let given = rows::parameter(cleared.iter().map(|row| given_row!(backend, row.id)).collect());
    let moment: DateTime<FixedOffset> = at.into();
    rows::execute(txn, &sql, [tenant.into(), moment.into(), given]).await?;
    let event = |row: ClearedRow| Event {
        action: Action::ShortageReopened,
        subject: (Subject::Shortage, row.id),
        summary: format!("{} is undone, which had cleared it", undone.number),
        details: json!({
            "cleared_by_document_id": undone.cleared_by,
            "cleared_by": row.cleared_by,
            "cleared_at": row.cleared_at.map(Instant::from),
            "reversal_id": undone.reversal,
        }),
    };
    let ids: Vec<Uuid> = cleared.iter().map(|row| row.id).collect();
    audit::record_all(txn, task, cleared.into_iter().map(event).collect()).await?;
    Ok(repository::of_ids(txn, tenant, ids.into_iter()).await?)
}
