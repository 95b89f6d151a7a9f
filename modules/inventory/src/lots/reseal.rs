//! `POST /lots/{id}/reseal`: an opened lot becomes a part of the one that it came from again, as if it had not been opened: the
//! document of the opening is undone.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, FromValue as _, Permission, Text, Txn};
use serde::Deserialize;
use utoipa::ToSchema;

use super::read;
use crate::Inventory;
use crate::documents::{PostedAnswer, Undo, When, reverse};
use crate::error::Error;
use crate::http::{Answer, Id, OptionalBody};
use crate::idempotency::{Once, Task};
use crate::ledger::Counted;
use crate::names::{Code, DocumentId, LotId};

/// Why, where nothing is said.
const REASON: &str = "did_not_happen";

/// Why an opening is undone, and when.
#[derive(Clone, Debug)]
pub struct Request {
    pub reason: Option<Code>,
    pub at: When,
    pub counted: Counted,
    pub note: Option<String>,
}

/// Why an opening is undone, and when, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = ResealLot)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// The code of a reversal reason; `did_not_happen` where nothing is said.
    reason: Option<Code>,
    /// `original` where nothing is said: as if it had never been opened. That needs the permission `backdate` for an earlier
    /// business date than today's.
    at: Option<When>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// At most 2,000 characters.
    note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (reason, at, counted) = (fields.optional("reason"), fields.or("at", When::default()), fields.or("counted", Counted::default()));
        let note = fields.optional::<Text<1, 2000>>("note");
        Some(Self { reason: reason?, at: at?, counted: counted?, note: note?.map(|text| text.0) })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, lot: LotId, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(Permission::Adjust)?;
    let id = state.next_id();
    state.create_once(caller, once, (id, lot, request), |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(DocumentId, LotId, Request)>, txn: &Txn) -> Result<PostedAnswer, Error> {
    let (id, lot, request) = &task.input;
    let opened = read::find(txn, &task.caller, *lot, task.now).await?;
    if opened.opened_at.is_none() {
        return Err(Error::Conflict { code: "not_opened", detail: "This lot was not opened; name the one that the opening made.".to_owned() });
    }
    let reason = match &request.reason {
        Some(reason) => reason.clone(),
        None => Code::from_value(&REASON.into()).map_err(|_| Error::NotFound("reason"))?,
    };
    let (today, counted, note) = (request.at == When::Today, request.counted, request.note.clone());
    reverse(task, txn, &Undo { id: *id, document: opened.origin_document_id, reason, today, counted, note }).await
}

/// Seals an opened lot again: it becomes a part of the lot that it came from. The document of the opening is undone.
#[utoipa::path(
    tag = "stock",
    operation_id = "reseal_lot",
    params(
        ("id" = Uuid, Path, description = "The id of the lot that the opening made"),
        ("Idempotency-Key" = String, Header, description = "A new value for each lot that is sealed; the same value again answers the same"),
    ),
    request_body(content = Option<RequestShape>, description = "May be left out"),
    responses(
        (status = 201, description = "Posted: the reversal of the opening, its entries and the new balances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: it needs `use_stock`, `adjust`, and `backdate` where it was opened before today. `tenant_closed`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
        (status = 409, description = "`not_opened`; `lot_has_later_movements` with how many documents touch it in `lots`, and the first 100 of those that you may see; `already_reversed`: it is sealed already; `lot_on_hold`, `lot_revalued_after`, `counted_since`, `location_archived`, `period_closed`, `idempotency_in_progress`", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, of its fields `reason_not_found`, `reason_archived`; `idempotency_key_reused`", body = ProblemDocument<'_>),
        (status = 503, description = "`stock_busy`", body = ProblemDocument<'_>),
    )
)]
#[post("/lots/{id}/reseal")]
pub async fn reseal_lot(
    state: web::Data<Inventory>,
    caller: Caller,
    key: IdempotencyKey,
    id: Id,
    body: OptionalBody<Request>,
) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.0.fingerprint };
    execute(&state, &caller, once, id.0, body.0.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
