//! Posts a count: the ledger says from then on what was counted.

use std::collections::BTreeSet;

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::posting::{About, PostedCount, Prepared, Source, not_approved};
use super::{CountStatus, Nothing, answers, locked, repository};
use crate::Inventory;
use crate::catalog::answers as common;
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted};

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen) -> Result<Answer<PostedCount>, Error> {
    caller.need(Permission::Count)?;
    let document = state.next_id();
    state.create_once(caller, once, (id, seen, document), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, Seen, Uuid)>, txn: &Txn) -> Result<PostedCount, Error> {
    let ((id, seen, document), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, *seen).await?;
    count.need("posted", &[CountStatus::Counting, CountStatus::Review, CountStatus::Approved])?;
    if count.needs_approval && count.status != CountStatus::Approved {
        return Err(not_approved());
    }
    let about = About { document: *document, source: Source::Counters, counted: Counted::default() };
    let mut prepared = Prepared::of(task, txn, &count, about).await?;
    let locked = ledger::lock(&task.state, txn, std::iter::once(&prepared.posting)).await?;
    let effects = prepared.decide(txn, &locked).await?;
    // Before it writes entries of its own.
    let moved = match count.reviewed_seq {
        Some(seq) => repository::moved_since(txn, tenant, *id, seq).await?,
        None => BTreeSet::new(),
    };
    let posted = prepared.apply(txn, &locked, effects).await?;
    count.document_id = Some(*document);
    count.go(CountStatus::Posted, prepared.now);
    repository::save(txn, tenant, &count).await?;
    Ok(PostedCount { count, posted, changed_since_review: prepared.numbers(&moved), reversal: None })
}

/// Posts a count as one document: each line sets right by what it differs from what the ledger says of the moment it was counted.
/// What was reviewed is what is posted; where nobody has reviewed it, what was counted.
#[utoipa::path(
    tag = "counts",
    operation_id = "post_count",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each count; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    responses(
        (status = 201, description = "Posted: the count, its document, its entries and the new balances", body = PostedCount),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`, `malformed_json`, `malformed_body`", body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`count_status` with the status that it is in as `count_status`, `count_not_approved`, `count_empty`, `too_many_lines`, `item_archived`, `location_archived`, `period_closed` with the lines of closed days in `lines`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request` with `lines` that can't be posted; in its `errors` also `cost_required`: there is no lot that what was found could cost the same as; `lot_not_found`, `lot_void`, `lot_not_received_yet`. `out_of_range`, `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/counts/{id}/post")]
pub async fn post_count(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: OptionalBody<Nothing>,
) -> Result<Answer<PostedCount>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.0.fingerprint };
    execute(&state, &caller, once, id.0, seen).await
}
