//! Sends a count back to those who count.

use std::collections::BTreeSet;

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Permission, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lines::Slot;
use super::put_lines::optional_location;
use super::sheet::Areas;
use super::{CountAnswer, CountStatus, answers, done, locked, repository};
use crate::Inventory;
use crate::catalog::{answers as common, lookup};
use crate::documents::LINES;
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody, Seen};
use crate::idempotency::{Once, Task};
use crate::names::{ItemRef, LocationPath, LocationRef, LotId};

/// What is to be counted again: these lines, or all of them.
#[derive(Clone, Debug)]
pub struct Request {
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    pub location: Option<LocationRef>,
    pub lot_id: Option<LotId>,
}

/// What is to be counted again, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = RecountCount)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// All lines, where none are named.
    lines: Option<Vec<LineShape>>,
}

/// A line of the count by what it is about.
#[derive(Deserialize, ToSchema)]
#[schema(as = RecountLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// The area's path; where neither this nor `location_id` is given, the area that the count is of.
    location: Option<LocationPath>,
    /// The area's id.
    location_id: Option<Uuid>,
    /// The lot, where it was counted by lot.
    lot_id: Option<Uuid>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { lines: fields.list("lines", 0..=LINES)? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (item, location, lot_id) = (ItemRef::read(fields), optional_location(fields), fields.optional("lot_id"));
        Some(Self { item: item?, location: location?, lot_id: lot_id? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen, request: Request) -> Result<Answer<CountAnswer>, Error> {
    caller.need(Permission::Count)?;
    state.create_once(caller, once, (id, seen, request), |task, txn| Box::pin(work(task, txn))).await.map(done)
}

async fn work(task: &Task<(Uuid, Seen, Request)>, txn: &Txn) -> Result<CountAnswer, Error> {
    let ((id, seen, request), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, *seen).await?;
    count.need("counted again", &[CountStatus::Review, CountStatus::Approved])?;
    let named = if request.lines.is_empty() { None } else { Some(named(task, txn, &count).await?) };
    repository::forget_uncounted(txn, tenant, *id).await?;
    repository::ask_again(txn, tenant, *id, named.as_ref()).await?;
    (count.reviewed_at, count.reviewed_seq, count.approved_by) = (None, None, None);
    count.go(CountStatus::Counting, task.now);
    repository::save(txn, tenant, &count).await?;
    Ok(count)
}

/// The lines that are named, all of which the count must have.
async fn named(task: &Task<(Uuid, Seen, Request)>, txn: &Txn, count: &CountAnswer) -> Result<BTreeSet<Slot>, Error> {
    let ((id, _, request), tenant) = (&task.input, task.caller.tenant_id);
    let areas = Areas::new(count, repository::areas(txn, tenant, &count.location).await?);
    let items = lookup::items(txn, tenant, request.lines.iter().map(|line| &line.item)).await?;
    let wanted = request.lines.iter().filter_map(|line| items.named(&line.item)).map(|item| item.rules.id).collect();
    let there = repository::lines_of_items(txn, tenant, *id, &wanted).await?;
    let (mut slots, mut violations) = (BTreeSet::new(), Vec::new());
    for (index, line) in request.lines.iter().enumerate() {
        let slot = areas.named(index, line.location.as_ref()).map(|location| {
            let item = items.named(&line.item).map(|item| item.rules.id);
            item.map(|item| Slot { item, location, lot: line.lot_id }).filter(|slot| there.contains_key(slot))
        });
        match slot {
            Ok(Some(slot)) => {
                slots.insert(slot);
            }
            Ok(None) => {
                let detail = "this count has no such line".to_owned();
                violations.push(Violation { pointer: format!("/lines/{index}"), code: "line_not_found".into(), detail });
            }
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Ok(slots) } else { Err(Error::Invalid(violations)) }
}

/// Sends a count back: some lines or all of them are to be counted again, and are marked so. What was counted stays until it is
/// replaced; the zeros of what nobody counted are found anew by the next review.
#[utoipa::path(
    tag = "counts",
    operation_id = "recount_count",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = Option<String>, Header, description = common::KEY),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    request_body(content = Option<RequestShape>, description = "May be left out: then all lines are counted again"),
    responses(
        (status = 200, description = "The count", body = CountAnswer),
        (status = 400, description = common::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = answers::STATUS, body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_counted`, `location_archived`, `line_not_found`; `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/counts/{id}/recount")]
pub async fn recount_count(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: OptionalBody<Request>,
) -> Result<Answer<CountAnswer>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, seen, body.0.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shapes_are_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
        crate::http::assert_shape::<Line, LineShape>();
    }
}
