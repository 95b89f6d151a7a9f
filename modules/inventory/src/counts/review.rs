//! Fixes what the ledger knows at this moment, and says what differs from it.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Outcome, Permission, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::lines::CountLineAnswer;
use super::posting::{About, Prepared, Source};
use super::{CountAnswer, CountStatus, Nothing, answers, done, locked, repository};
use crate::Inventory;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::answers as common;
use crate::error::Error;
use crate::http::{Answer, HideCosts, Id, OptionalBody, Recheck, Seen, hide};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted, Effects};

/// What a count would do if it were posted now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CountReview)]
pub struct Response {
    /// The count.
    pub count: CountAnswer,
    /// How many lines were counted.
    pub counted_lines: i64,
    /// How many of them differ. Left out, with `lines` empty, of a blind count for whoever may not approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differing_lines: Option<i64>,
    /// What all differences together are worth, in currency. Left out without `see_costs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The lines that differ from what the ledger says, and those that a later count has superseded; by item, area and lot. Where the
    /// count takes what was not counted for zero, those are among them.
    pub lines: Vec<CountLineAnswer>,
}

impl HideCosts for Response {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
        self.lines.hide_costs();
    }
}

impl Recheck for Response {
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        self.count.recheck(caller, txn)
    }
}

impl Response {
    fn seen_by(mut self, caller: &Caller) -> Self {
        if !self.count.shows_expected(caller) {
            (self.differing_lines, self.value, self.lines) = (None, None, Vec::new());
        }
        self
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: Uuid, seen: Seen) -> Result<Answer<Response>, Error> {
    caller.need(Permission::Count)?;
    let document = state.next_id();
    let answer = state.create_once(caller, once, (id, seen, document), |task, txn| Box::pin(work(task, txn))).await?;
    // What is stored is the whole of it: a replay shows what the caller may see at that time.
    let Answer { status, body, replayed } = done(answer);
    Ok(Answer { status, body: body.seen_by(caller), replayed })
}

/// A rehearsal: the count is planned as if it were posted, under the same locks. Nothing of it is written but the zeros of what
/// nobody counted: whoever approves the count finds them among its lines, and they are what is posted.
async fn work(task: &Task<(Uuid, Seen, Uuid)>, txn: &Txn) -> Result<Response, Error> {
    let ((id, seen, document), tenant) = (&task.input, task.caller.tenant_id);
    let mut count = locked(txn, &task.caller, *id, *seen).await?;
    count.need("reviewed", &[CountStatus::Counting, CountStatus::Review])?;
    repository::forget_uncounted(txn, tenant, *id).await?;
    (count.reviewed_at, count.reviewed_seq) = (None, None);
    let about = About { document: *document, source: Source::Counters, counted: Counted::default() };
    let mut prepared = Prepared::of(task, txn, &count, about).await?;
    let locked = ledger::lock(&task.state, txn, std::iter::once(&prepared.posting)).await?;
    let effects = prepared.decide(txn, &locked).await?;
    (count.reviewed_at, count.reviewed_seq) = (Some(prepared.now), Some(repository::head_seq(txn, tenant).await?));
    count.go(CountStatus::Review, prepared.now);
    repository::save(txn, tenant, &count).await?;
    let uncounted = prepared.lines.iter().filter(|(_, line)| line.uncounted).map(|(slot, line)| (slot, line));
    repository::write(txn, tenant, *id, uncounted).await?;
    let lines = differing(&prepared, &effects);
    let value = lines.iter().filter_map(|line| line.value).try_fold(Money::ZERO, |sum, value| sum.plus(value));
    let counted_lines = number(prepared.lines.iter().filter(|(_, line)| !line.uncounted).count());
    Ok(Response { counted_lines, differing_lines: Some(number(lines.len())), value, lines, count })
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn differing(prepared: &Prepared, effects: &Effects) -> Vec<CountLineAnswer> {
    let lines = prepared.lines.iter().zip(&effects.lines).filter_map(|((slot, line), outcome)| {
        let counted = outcome.counted?;
        let differs = counted.variance != Quantity::ZERO || counted.superseded;
        differs.then(|| CountLineAnswer {
            expected: Some(counted.expected),
            variance: Some(counted.variance),
            value: Some(outcome.value),
            short_quantity: Some(outcome.short).filter(|short| *short != Quantity::ZERO),
            superseded: Some(counted.superseded),
            ..CountLineAnswer::new(*slot, line, prepared.items.names(slot.item), prepared.areas.path(slot.location))
        })
    });
    lines.collect()
}

/// Reviews a count: says what differs from the ledger and what that is worth, and remembers how far the ledger was. May be done again.
#[utoipa::path(
    tag = "counts",
    operation_id = "review_count",
    params(
        ("id" = Uuid, Path, description = "The count's id"),
        ("Idempotency-Key" = Option<String>, Header, description = common::KEY),
        ("If-Match" = Option<String>, Header, description = answers::SEEN),
    ),
    responses(
        (status = 200, description = "The count, and what differs", body = Response),
        (status = 400, description = "`idempotency_key_invalid`, `malformed_json`, `malformed_body`", body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = common::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`count_status`, `count_empty`, `too_many_lines`, `item_archived`, `location_archived`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request` with `lines` that can't be posted; in its `errors` also `cost_required`: there is no lot that what was found could cost the same as; `lot_not_found`, `lot_void`, `lot_not_received_yet`. `out_of_range`, `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = answers::BUSY, body = ProblemDocument<'_>),
    )
)]
#[post("/counts/{id}/review")]
pub async fn review_count(
    state: web::Data<Inventory>,
    caller: Caller,
    id: Id,
    key: IdempotencyKey,
    seen: Seen,
    body: OptionalBody<Nothing>,
) -> Result<Answer<Response>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, seen).await
}
