//! Opens a count of an area or of a whole site.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CountAnswer, Uncounted, repository};
use crate::Inventory;
use crate::catalog::{answers as common, lookup};
use crate::error::Error;
use crate::http::{Answer, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger;
use crate::names::LocationRef;

/// What is to be counted.
#[derive(Clone, Debug)]
pub struct Request {
    pub location: LocationRef,
    pub blind: bool,
    pub needs_approval: bool,
    pub uncounted: Uncounted,
    pub external_ref: Option<String>,
    pub note: Option<String>,
}

/// A count, as it is asked for.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateCount)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// An area, with what lies in it, or a whole site: then every line names its area.
    #[serde(flatten)]
    location: LocationRef,
    /// Whether what the ledger says is kept from whoever may not approve, until it is posted; no, where nothing is said.
    blind: Option<bool>,
    /// Whether it is posted only after somebody has approved it; no, where nothing is said.
    needs_approval: Option<bool>,
    /// What becomes of stock that lies there and was not counted; `untouched`, where nothing is said. It can be changed until the
    /// count is reviewed.
    uncounted: Option<Uncounted>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let location = LocationRef::read(fields);
        let (blind, needs_approval) = (fields.or("blind", false), fields.or("needs_approval", false));
        let uncounted = fields.or("uncounted", Uncounted::default());
        let (external_ref, note) = (fields.optional::<Text<1, 200>>("external_ref"), fields.optional::<Text<1, 2000>>("note"));
        Some(Self {
            location: location?,
            blind: blind?,
            needs_approval: needs_approval?,
            uncounted: uncounted?,
            external_ref: external_ref?.map(|text| text.0),
            note: note?.map(|text| text.0),
        })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<CountAnswer>, Error> {
    caller.need(Permission::Count)?;
    let id = state.next_id();
    state.create_once(caller, once, (id, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, Request)>, txn: &Txn) -> Result<CountAnswer, Error> {
    let ((id, request), tenant) = (&task.input, task.caller.tenant_id);
    let ground = lookup::area_or_site(txn, tenant, &request.location, task.now).await?;
    need_site(&task.caller, ground.area.site_id)?;
    let count = CountAnswer {
        blind: request.blind,
        needs_approval: request.needs_approval,
        uncounted: request.uncounted,
        external_ref: request.external_ref.clone(),
        note: request.note.clone(),
        ..CountAnswer::open(*id, &ground.area, task.caller.user_id, task.now)
    };
    repository::insert(txn, tenant, &count).await?;
    ledger::need_rules(txn, tenant, ground.rules).await?;
    Ok(count)
}

/// Opens a count. Nothing of the stock is touched before it is posted, and work goes on meanwhile.
#[utoipa::path(
    tag = "counts",
    operation_id = "create_count",
    params(("Idempotency-Key" = Option<String>, Header, description = common::KEY)),
    request_body = RequestShape,
    responses(
        (status = 201, description = "The count", body = CountAnswer),
        (status = 400, description = common::KEY_INVALID, body = ProblemDocument<'_>),
        (status = 403, description = common::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 409, description = "`idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`; `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[post("/counts")]
pub async fn create_count(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<CountAnswer>, Error> {
    execute(&state, &caller, Once { key, fingerprint: body.fingerprint }, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
