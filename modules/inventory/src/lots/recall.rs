//! `POST /lots/{id}/recall`: a lot and all that was made of it, at once; answered with what lies where and what was used
//! already, for whom.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Outcome, Permission, Text, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::read;
use super::trace::{MOST_ROWS, TracedMovement, TracedPlace, movements, places};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Answer, HideCosts, Id, OptionalBody, Recheck, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger::{EntryKind, Hold, LotEvent, LotEventKind, lock_lot_states, with_descendants, write_lot_states};
use crate::names::LotId;

/// What is recalled beside the lot itself.
#[derive(Debug, ToSchema)]
#[schema(as = RecallLot)]
pub struct Request {
    /// Whether all that was made of it is recalled, too; it is where nothing is said.
    #[schema(value_type = Option<bool>)]
    pub include_descendants: bool,
    /// Why: 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (include, note) = (fields.or("include_descendants", true), fields.optional::<Text<1, 2000>>("note"));
        Some(Self { include_descendants: include?, note: note?.map(|note| note.0) })
    }
}

/// What a recall found. Whoever sees only some sites is told of those; recalled are the lots everywhere.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = LotRecall)]
pub struct RecallAnswer {
    /// The lots that are recalled now and were not before.
    pub recalled: Vec<Uuid>,
    /// Those that were recalled before.
    pub already_recalled: Vec<Uuid>,
    /// Where they lie.
    pub places: Vec<TracedPlace>,
    /// What was used of them, with purpose and recipient; what was undone is left out.
    pub used: Vec<TracedMovement>,
    /// Whether there are more places or uses than 10,000.
    pub truncated: bool,
}

impl HideCosts for RecallAnswer {}

impl Recheck for RecallAnswer {
    fn recheck<'a>(&'a self, caller: &'a Caller, _: &'a Txn) -> Outcome<'a, (), Error> {
        let mut sites = self.places.iter().map(|place| place.site_id).chain(self.used.iter().map(|used| used.site_id));
        let checked = sites.try_for_each(|site| need_site(caller, site));
        Box::pin(async { checked })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: LotId, request: Request) -> Result<Answer<RecallAnswer>, Error> {
    caller.need(Permission::Approve)?;
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(LotId, Request)>, txn: &Txn) -> Result<RecallAnswer, Error> {
    let (caller, (id, request)) = (&task.caller, &task.input);
    if read::find(txn, caller, *id, task.now).await?.void {
        return Err(Error::Conflict { code: "lot_void", detail: "The document that made this lot was undone.".to_owned() });
    }
    let all = family(txn, task).await?;
    let states = lock_lot_states(txn, caller.tenant_id, &all).await?;
    // More may have been made of it while the locks were waited for; under the head's no more is.
    if family(txn, task).await? != all {
        return Err(Error::RulesChanged);
    }
    let (already, mut new): (Vec<_>, Vec<_>) = states.into_iter().filter(|state| !state.void).partition(|state| state.hold == Some(Hold::Recall));
    for state in &mut new {
        state.hold = Some(Hold::Recall);
    }
    let event = |lot| LotEvent { lot, kind: LotEventKind::Recall, expires_on: (None, None), note: request.note.clone() };
    let events: Vec<LotEvent> = new.iter().map(|state| event(state.id)).collect();
    write_lot_states(txn, caller.tenant_id, &new, &events, caller.user_id, task.now).await?;
    let (places, more_places) = places(txn, caller, &all, MOST_ROWS).await?;
    let (mut used, more_used) = movements(txn, caller, &all, Some(EntryKind::Usage), MOST_ROWS).await?;
    used.retain(|used| used.status == "posted");
    Ok(RecallAnswer {
        recalled: new.into_iter().map(|state| state.id).collect(),
        already_recalled: already.into_iter().map(|state| state.id).collect(),
        places,
        used,
        truncated: more_places || more_used,
    })
}

async fn family(txn: &Txn, task: &Task<(LotId, Request)>) -> Result<Vec<LotId>, Error> {
    let (id, request) = &task.input;
    if request.include_descendants { with_descendants(txn, task.caller.tenant_id, *id).await } else { Ok(vec![*id]) }
}

/// Recalls a lot and all that was made of it.
#[utoipa::path(
    tag = "stock",
    operation_id = "recall_lot",
    request_body(content = Option<Request>, description = "May be left out: then all that was made of it is recalled, too"),
    params(("id" = Uuid, Path, description = "The lot's id"), ("Idempotency-Key" = Option<String>, Header, description = answers::KEY)),
    responses(
        (status = 201, description = "Recalled: what lies where, and what was used already", body = RecallAnswer),
        (status = 400, description = answers::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`lot_void`: the document that made it was undone; `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = answers::KEY_REUSED, body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[post("/lots/{id}/recall")]
pub async fn recall_lot(
    state: web::Data<Inventory>,
    caller: Caller,
    key: IdempotencyKey,
    id: Id,
    body: OptionalBody<Request>,
) -> Result<Answer<RecallAnswer>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.0.fingerprint }, id.0, body.0.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, Request>();
    }
}
