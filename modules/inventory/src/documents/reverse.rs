//! Undoes a document: another one negates each of its entries, at its own time or today. What can't be undone says what to do
//! instead.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Permission, Text, Txn};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{PostedAnswer, answer};
use super::undone::{self, Known};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Items, Reasons, Why};
use crate::catalog::reasons::ReasonKind;
use crate::error::Error;
use crate::http::{Answer, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted, Detail, DocumentType, Effects, Header, Locked, LotConflictCode, OldEntry, Permit, Posting, Refusal, Reversal, kinds};
use crate::names::{Code, DocumentId, ItemRef, LotId};
use crate::shortages::{self, reopen::Reopening};
use crate::transfers::{self, undo::LockedTransfer};

crate::names::words!(
    /// When what is undone stands.
    #[derive(Default)]
    When {
        /// Each entry at its own time, so that it never was; today, where one of them lies in a closed period.
        #[default]
        Original = "original",
        /// All of them now.
        Today = "today",
    }
);

/// Why a document is undone, and when.
#[derive(Clone, Debug)]
pub struct Request {
    pub reason: Code,
    pub at: When,
    pub counted: Counted,
    pub note: Option<String>,
}

/// Why a document is undone, and when, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReverseDocument)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// The code of a reversal reason.
    reason: Code,
    /// `original` where nothing is said. Undoing what has an earlier business date than today at its own time needs the
    /// permission `backdate`.
    at: Option<When>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// At most 2,000 characters.
    note: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (reason, at, counted) = (fields.required("reason"), fields.or("at", When::default()), fields.or("counted", Counted::default()));
        let note = fields.optional::<Text<1, 2000>>("note");
        Some(Self { reason: reason?, at: at?, counted: counted?, note: note?.map(|text| text.0) })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, id: DocumentId, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(Permission::Adjust)?;
    let Request { reason, at, counted, note } = request;
    let undo = Undo { id: state.next_id(), document: id, reason, today: at == When::Today, counted, note };
    state.create_once(caller, once, undo, |task, txn| Box::pin(reverse(task, txn, &task.input))).await
}

/// One document that is to be undone.
#[derive(Clone, Debug)]
pub(crate) struct Undo {
    /// The reversal's id.
    pub id: DocumentId,
    pub document: DocumentId,
    /// The code of a reversal reason.
    pub reason: Code,
    /// All of it now, and not each entry at its own time.
    pub today: bool,
    pub counted: Counted,
    pub note: Option<String>,
}

/// Undoes a document inside a transaction.
pub(crate) async fn reverse<I>(task: &Task<I>, txn: &Txn, undo: &Undo) -> Result<PostedAnswer, Error> {
    let mut undoing = Undoing::prepare(task, txn, undo).await?;
    let locked = ledger::lock(&task.state, txn, std::iter::once(undoing.posting())).await?;
    let effects = undoing.decide(txn, &locked).await?;
    undoing.apply(task, txn, &locked, effects).await
}

/// A document that may be undone, and is locked. Its stock keys are not: whoever posts another document in the same transaction
/// locks those of both at once.
pub(crate) struct Undoing {
    posting: Posting<kinds::Reversal>,
    known: Known,
    transfer: Option<LockedTransfer>,
    /// How much it took of each lot, above zero.
    moved: Vec<(LotId, Quantity)>,
    reason: Code,
    items: Items,
    reasons: Reasons,
}

impl Undoing {
    /// Locks the document and asks whether the caller may undo it: that needs what posting it needs, `adjust`, and every site
    /// that it touched.
    pub(crate) async fn prepare<I>(task: &Task<I>, txn: &Txn, undo: &Undo) -> Result<Self, Error> {
        let (caller, tenant) = (&task.caller, task.caller.tenant_id);
        let known = undone::find(txn, tenant, undo.document).await?;
        let known = known.filter(|known| caller.sites.contain(known.site_id)).ok_or(Error::NotFound("document"))?;
        caller.need(known.of.needs())?;
        reversible(&known)?;
        let transfer = lock(txn, task, &known).await?;

        let ground = lookup::area_of(txn, tenant, known.id, task.now).await?;
        let (entries, made) = undone::entries(txn, tenant, known.id).await?;
        let places = undone::places(txn, tenant, known.id).await?;
        for place in places.values() {
            need_site(caller, place.site_id)?;
        }
        if let Some(place) = places.values().find(|place| place.archived) {
            let detail = format!("`{}` is archived; take it into use again first.", place.path);
            return Err(Error::Conflict { code: "location_archived", detail });
        }
        let items = items(txn, task, &entries).await?;
        let reasons = lookup::reasons(txn, tenant, Why::of(ReasonKind::Reversal, [&undo.reason])).await?;
        let reason = reasons.named("/reason", &undo.reason).map_err(|violation| Error::Invalid(vec![violation]))?.id;

        // What is closed stays as it is, also for a document without entries.
        let dates = entries.iter().map(|entry| entry.business_date).chain([known.business_date]);
        let closed = dates.min().zip(ground.rules.closed_through).is_some_and(|(first, closed)| first <= closed);
        let today = undo.today || closed;
        let before_today =
            |entry: &OldEntry| places.get(&entry.place.key.location).is_some_and(|place| entry.business_date < place.days.business_date(ground.now));
        if !today && entries.iter().any(before_today) {
            caller.need(Permission::Backdate)?;
        }
        let said = (!today).then_some(known.effective_at);
        let permit = Permit::ask(caller, ground.area, said, ground.now)?;
        let detail = Detail { reverses_id: Some(known.id), reason_id: Some(reason), ..Detail::default() };
        let header = Header { note: undo.note.clone(), counted: undo.counted, detail, ..Header::plain(undo.id, ground.rules) };
        let moved = entries.iter().filter(|entry| entry.quantity.0 < 0).map(|entry| (entry.place.lot, Quantity(-entry.quantity.0))).collect();
        let variances = undone::variances(txn, tenant, known.id).await?;
        let reversal = Reversal { document: known.id, position: known.position, entries, made, sites: caller.sites.clone(), variances, reason, today };
        let posting = Posting::reversal(permit, header, reversal);
        Ok(Self { posting, known, transfer, moved, reason: undo.reason.clone(), items, reasons })
    }

    /// To lock by.
    pub(crate) fn posting(&self) -> &Posting<kinds::Reversal> {
        &self.posting
    }

    /// Decides the reversal under its locks. Nothing is written yet.
    pub(crate) async fn decide(&mut self, txn: &Txn, locked: &Locked) -> Result<Effects, Error> {
        self.posting.decide(txn, locked).await.map_err(instead)
    }

    /// Posts the reversal as it was decided.
    pub(crate) async fn apply<I>(self, task: &Task<I>, txn: &Txn, locked: &Locked, effects: Effects) -> Result<PostedAnswer, Error> {
        let tenant = self.posting.tenant();
        let mut posted = ledger::apply(txn, locked, &self.posting, effects, &[]).await?;
        if let Some(transfer) = &self.transfer {
            transfers::undo::undo(txn, transfer, self.known.of, self.known.id, &self.moved).await?;
        }
        if let Some(count) = self.known.count_id {
            undone::mark_count(txn, tenant, count, self.posting.recorded_at()).await?;
        }
        let reopened_shortages = if matches!(self.known.of, DocumentType::Receipt | DocumentType::Count) {
            let what = Reopening { cleared_by: self.known.id, number: self.known.of.show(self.known.number), reversal: self.posting.id() };
            shortages::reopen::reopen(task, txn, &what, self.posting.recorded_at()).await?
        } else {
            Vec::new()
        };
        let cleared_shortages = if matches!(self.known.of, DocumentType::Usage | DocumentType::Count) {
            shortages::repository::cleared_by(txn, tenant, self.known.id, self.posting.id()).await?
        } else {
            Vec::new()
        };
        posted.detail.reason = Some(self.reason.into());
        let answer = answer(&posted, self.posting.location(), &self.items, &self.reasons, &[])?;
        Ok(PostedAnswer { cleared_shortages, reopened_shortages, ..answer })
    }
}

/// The document, after the count or the transfer that it is a step of: whoever moves those on takes them in this order, too.
async fn lock<I>(txn: &Txn, task: &Task<I>, known: &Known) -> Result<Option<LockedTransfer>, Error> {
    let tenant = task.caller.tenant_id;
    if let Some(count) = known.count_id {
        undone::lock_count(txn, tenant, count).await?;
    }
    let transfer = match known.transfer_id {
        Some(transfer) => Some(transfers::undo::lock(txn, tenant, transfer).await?),
        None => None,
    };
    undone::lock_document(txn, tenant, known.id).await?;
    if let (Some(transfer), DocumentType::Dispatch) = (&transfer, known.of) {
        transfers::undo::need_all_under_way(transfer)?;
    }
    Ok(transfer)
}

/// Whether documents of this kind are undone by reversals at all; else what to do instead.
fn reversible(known: &Known) -> Result<(), Error> {
    let instead = match known.of {
        DocumentType::Reversal => "what it undid can be posted again as a new document",
        DocumentType::CostChange => "charge the receipt once more, with the opposite amounts",
        DocumentType::Correction => "correct the line of the receipt once more, to what it should be",
        _ => return Ok(()),
    };
    let detail = format!("{} can't be reversed: {instead}.", known.of.show(known.number));
    Err(Error::Conflict { code: "not_reversible", detail })
}

/// The items that a document touched, unless one is archived: an archived item has no stock.
async fn items<I>(txn: &Txn, task: &Task<I>, entries: &[OldEntry]) -> Result<Items, Error> {
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.place.key.item).collect();
    ids.sort_unstable();
    ids.dedup();
    let named: Vec<ItemRef> = ids.into_iter().map(|item_id| ItemRef::Id { item_id }).collect();
    let items = lookup::items(txn, task.caller.tenant_id, named.iter()).await?;
    match named.iter().filter_map(|named| items.named(named)).find(|item| item.archived) {
        Some(item) => Err(Error::Conflict { code: "item_archived", detail: format!("{} is archived; take it into use again first.", item.sku) }),
        None => Ok(items),
    }
}

/// The ledger's refusal, with what can be done instead where it is about a reversal in particular.
fn instead(error: Error) -> Error {
    let Error::Refused(refusal) = error else { return error };
    let detail = match &refusal {
        Refusal::Insufficient(_) => {
            "What came in by this document is not all there any more. Undo first what took it; where it is there now and was not in between, \
             say \"at\": \"today\"; else adjust the stock."
        }
        Refusal::Lots(lots) if lots.iter().any(|lot| lot.code == LotConflictCode::RevaluedAfter) => {
            "The cost of lots of this document was changed later, so its entries can no longer be negated. Set the stock right with an adjustment; \
             a line of a receipt can be corrected, and goods can be sent back."
        }
        _ => return Error::Refused(refusal),
    };
    let mut problem = refusal.problem();
    detail.clone_into(&mut problem.detail);
    Error::Problem(problem)
}

/// Undoes a document. Cost changes, corrections and reversals are undone in other ways, which the refusal names.
#[utoipa::path(
    tag = "documents",
    operation_id = "reverse_document",
    params(
        ("id" = Uuid, Path, description = "The id of the document that is undone"),
        ("Idempotency-Key" = String, Header, description = "A new value for each reversal; the same value again answers the same")
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the reversal, its entries and the new balances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: it needs what posting the document needs, `adjust`, every site that it touched, and `backdate` where it stands before today. `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`already_reversed` with the document in `reversed_by`; `not_reversible` with what to do instead; `lot_has_later_movements` with its lots in `lots`, how many documents touch each, and the first 100 of those that you may see; `lot_revalued_after`; `lot_on_hold` for the opening of a lot that is on hold now; `transfer_received` with what became of it in `lots`: a part of what was sent is not under way any more; `insufficient_stock` with every short line in `short`; `counted_since` with the counts in `counts`; `location_archived`, `item_archived`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `reason_not_found`, `reason_archived`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/documents/{id}/reverse")]
pub async fn reverse_document(
    state: web::Data<Inventory>,
    caller: Caller,
    id: crate::http::Id,
    key: IdempotencyKey,
    body: Body<Request>,
) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, id.0, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
    }
}
