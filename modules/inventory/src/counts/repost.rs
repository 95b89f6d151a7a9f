//! Posts a count once more with what was counted, after something that it did not know was posted or undone.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::posting::{About, PostedCount, Prepared, Source};
use super::{CountStatus, answers, locked, repository};
use crate::Inventory;
use crate::catalog::answers as common;
use crate::documents::{Undo, Undoing};
use crate::error::Error;
use crate::http::{Answer, Id, Seen};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted};
use crate::names::Code;

/// Why it is posted once more.
#[derive(Clone, Debug)]
pub struct Request {
    pub reason: Code,
    pub counted: Counted,
    pub note: Option<String>,
}

/// Why it is posted once more, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = RepostCount)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// The code of a reversal reason: the document that it became is undone for it.
    reason: Code,
    /// What is done where another posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// Of the reversal; at most 2,000 characters.
    note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (reason, counted, note) = (fields.required("reason"), fields.or("counted", Counted::default()), fields.optional::<Text<1, 2000>>("note"));
        Some(Self { reason: reason?, counted: counted?, note: note?.map(|text| text.0) })
    }
}

/// What is posted once more.
#[derive(Clone, Debug)]
struct Again {
    count: Uuid,
    seen: Seen,
    request: Request,
    reversal: Uuid,
    document: Uuid,
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen, request: Request) -> Result<Answer<PostedCount>, Error> {
    caller.need(Permission::Count)?;
    caller.need(Permission::Adjust)?;
    let again = Again { count: id, seen, request, reversal: state.next_id(), document: state.next_id() };
    state.create_once(caller, once, again, |task, txn| Box::pin(work(task, txn))).await
}

/// The stock keys of both documents are locked at once, and the lots of both before the reversal takes the head. What the reversal
/// wrote is read by the count, which is decided after it.
async fn work(task: &Task<Again>, txn: &Txn) -> Result<PostedCount, Error> {
    let (again, tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, again.count, again.seen).await?;
    count.need("posted again", &[CountStatus::Posted, CountStatus::Reversed])?;
    let before = count.document_id.ok_or(Error::NotFound("document"))?;
    let about = About { document: again.document, source: Source::Document(before), counted: again.request.counted };
    let undoing = if count.status == CountStatus::Posted {
        let Request { reason, counted, note } = again.request.clone();
        let undo = Undo { id: again.reversal, document: before, reason, today: false, counted, note };
        Some(Undoing::prepare(task, txn, &undo).await?)
    } else {
        None
    };
    let mut prepared = Prepared::of(task, txn, &count, about).await?;
    let (locked, reversal, effects) = match undoing {
        Some(mut undoing) => {
            let locked = ledger::lock_both(&task.state, txn, undoing.posting(), &prepared.posting).await?;
            let undone = undoing.decide(txn, &locked).await?;
            let lots = ledger::lock_lots_of_both(txn, &locked, &undone, &prepared.posting).await?;
            let reversal = undoing.apply(task, txn, &locked, undone).await?;
            let effects = prepared.decide(txn, &locked).await?;
            // Another lot came to be meanwhile: it can't be locked after the head.
            if !effects.changed_lots.iter().all(|lot| lots.contains(&lot.id)) {
                return Err(Error::RulesChanged);
            }
            (locked, Some(reversal), effects)
        }
        None => {
            let locked = ledger::lock(&task.state, txn, std::iter::once(&prepared.posting)).await?;
            let effects = prepared.decide(txn, &locked).await?;
            (locked, None, effects)
        }
    };
    let posted = prepared.apply(txn, &locked, effects).await?;
    count.document_id = Some(again.document);
    count.go(CountStatus::Posted, prepared.now);
    repository::save(txn, tenant, &count).await?;
    Ok(PostedCount { count, posted, changed_since_review: Vec::new(), reversal })
}

/// Undoes the document of a count and posts the count again with the quantities that were counted, in one transaction: each line is
/// compared with what the ledger now says of the moment it was counted. Where the document is undone already, it is only posted.
#[utoipa::path(
    tag = "counts",
    operation_id = "repost_count",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = String, Header, description = "A new value for each time it is posted; the same value again answers the same"),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the count, its new document, what that did, and the reversal of the one before", body = PostedCount),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: it needs `count`, `adjust`, and `backdate` where the document stands before today. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`count_status` with the status that it is in as `count_status`, `counted_since` with the later counts in `counts`, `insufficient_stock`: what the count found is used already; `lot_revalued_after`, `already_reversed`, `item_archived`, `location_archived`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request` with `lines` that can't be posted; in its `errors` also `cost_required`, `lot_not_found`, `lot_void`, `lot_not_received_yet`, `reason_not_found`, `reason_archived`. `out_of_range`, `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/counts/{id}/repost")]
pub async fn repost_count(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: Body<Request>,
) -> Result<Answer<PostedCount>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, id.0, seen, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
