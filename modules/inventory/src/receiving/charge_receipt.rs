//! Costs that come after the goods: freight, an invoice at another price. What is still on hand takes its share, the rest is a
//! variance.

use std::collections::BTreeMap;

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Text, Txn, Violation, Whole};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::post_receipt::weight;
use super::received::{Received, ReceivedLine, Said, need_costs, places};
use crate::Inventory;
use crate::arithmetic::{Money, allocate};
use crate::catalog::lookup::{Items, Reasons};
use crate::documents::{COST_CHANGE_LINE, Lines, PostedAnswer, answer, cells};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Basis, CostChange, Counted, Posting, Refusal, kinds};
use crate::names::{DocumentId, ItemRef, LotId};

/// What came onto a receipt.
#[derive(Clone, Debug)]
pub struct Request {
    pub charges: Vec<Charge>,
    pub price_differences: Vec<PriceDifference>,
    pub said: Said,
}

#[derive(Clone, Debug)]
pub struct Charge {
    pub label: String,
    pub amount: Money,
    pub basis: Basis,
}

#[derive(Clone, Debug)]
pub struct PriceDifference {
    pub line: i64,
    pub amount: Money,
}

/// What came onto a receipt, as it is sent: at least one of `charges` and `price_differences`.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChargeReceipt)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// Shared out over the lines of the receipt as they are now; at most 50.
    charges: Option<Vec<ChargeShape>>,
    /// What lines cost more, or less, than was received; at most 1,000.
    price_differences: Option<Vec<PriceDifferenceShape>>,
    /// When it came; now, where nothing is said. Of a lot that moved later, or whose cost was changed later, it counts from then on.
    effective_at: Option<Instant>,
    /// The invoice, at most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// Without a meaning here: no quantity is changed.
    counted: Option<Counted>,
}

/// A charge that came later.
#[derive(Deserialize, ToSchema)]
#[schema(as = LaterCharge)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct ChargeShape {
    /// At most 200 characters.
    label: String,
    /// In currency, not zero; negative for a rebate, or to take back a charge.
    amount: Money,
    /// By what it is shared out: `value` where nothing is said.
    basis: Option<Basis>,
}

/// What a line costs more, or less.
#[derive(Deserialize, ToSchema)]
#[schema(as = PriceDifference)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct PriceDifferenceShape {
    /// The line of the receipt, counted from one.
    line: i64,
    /// In currency, not zero; negative where it costs less.
    amount: Money,
}

const CHARGES: usize = 50;
const PRICE_DIFFERENCES: usize = 1_000;

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let charges: Option<Vec<Charge>> = fields.list("charges", 0..=CHARGES);
        let price_differences: Option<Vec<PriceDifference>> = fields.list("price_differences", 0..=PRICE_DIFFERENCES);
        let said = Said::read(fields);
        let (charges, price_differences) = (charges?, price_differences?);
        if charges.is_empty() && price_differences.is_empty() {
            fields.refuse("", "required", "say charges, price_differences, or both");
        }
        Some(Self { charges, price_differences, said: said? })
    }
}

impl FromFields for Charge {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (label, amount, basis) = (fields.required::<Text<1, 200>>("label"), not_zero(fields), fields.or("basis", Basis::Value));
        Some(Self { label: label?.0, amount: amount?, basis: basis? })
    }
}

impl FromFields for PriceDifference {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (line, amount) = (fields.required::<Whole<1, { i64::MAX }>>("line"), not_zero(fields));
        Some(Self { line: line?.0, amount: amount? })
    }
}

fn not_zero(fields: &mut Fields<'_>) -> Option<Money> {
    let amount: Money = fields.required("amount")?;
    if amount == Money::ZERO {
        fields.refuse("amount", "zero", "an amount other than zero is expected");
        return None;
    }
    Some(amount)
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, receipt: DocumentId, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(Permission::Receive)?;
    need_costs(caller)?;
    let input = (state.next_id(), receipt, request);
    state.create_once(caller, once, input, |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, DocumentId, Request)>, txn: &Txn) -> Result<PostedAnswer, Error> {
    let (id, receipt, request) = &task.input;
    let received = Received::lock(task, txn, *receipt).await?;
    let (permit, header) = received.permitted::<kinds::CostChange, _>(task, *id, &request.said)?;
    let items = received.items(task, txn).await?;
    let shares = shares(request, &received.lines, &items)?;
    let changes = changes(&shares)?;
    let lots: Vec<LotId> = changes.iter().map(|change| change.lot).collect();
    let keys = places(task, txn, &lots).await?;
    let mut posting = Posting::cost_change(permit, header, changes, keys);

    let locked = ledger::lock(&task.state, txn, std::iter::once(&posting)).await?;
    let effects = posting.decide(txn, &locked).await.map_err(|error| place(error, request, &shares))?;
    let stored = [stored_lines(&shares)];
    let posted = ledger::apply(txn, &locked, &posting, effects, &stored).await?;
    answer(&posted, posting.location(), &items, &Reasons::default(), &stored)
}

/// What of one charge, or of one difference in price, comes onto the lot of one line.
struct Share<'a> {
    line_no: i64,
    line: &'a ReceivedLine,
    kind: &'static str,
    label: &'a str,
    amount: Money,
}

/// All shares other than zero, by the lines of the receipt.
fn shares<'a>(request: &'a Request, lines: &'a BTreeMap<i64, ReceivedLine>, items: &Items) -> Result<Vec<Share<'a>>, Error> {
    let by_quantity: Vec<i64> = lines.values().map(|line| line.quantity.0).collect();
    let (mut shares, mut violations) = (Vec::new(), Vec::new());
    for (index, charge) in request.charges.iter().enumerate() {
        let weights: Vec<i64> = match charge.basis {
            Basis::Value => lines.values().map(|line| line.net().0).collect(),
            Basis::Quantity => by_quantity.clone(),
            Basis::Equal => vec![1; lines.len()],
            Basis::Weight => lines.values().map(|line| weigh(line, items).unwrap_or(0)).collect(),
        };
        if charge.basis == Basis::Weight && lines.values().any(|line| weigh(line, items).is_none()) {
            let detail = "a charge by weight needs items whose units are of mass, or can be converted into one".to_owned();
            violations.push(Violation { pointer: format!("/charges/{index}/basis"), code: "weight_unknown".into(), detail });
        }
        for ((line_no, line), amount) in lines.iter().zip(allocate(charge.amount, &weights, &by_quantity)) {
            shares.push(Share { line_no: *line_no, line, kind: "charge", label: &charge.label, amount });
        }
    }
    for (index, difference) in request.price_differences.iter().enumerate() {
        match lines.get(&difference.line) {
            Some(line) => shares.push(Share { line_no: difference.line, line, kind: "price", label: "price", amount: difference.amount }),
            None => {
                let detail = format!("the receipt has no line {}", difference.line);
                violations.push(Violation { pointer: format!("/price_differences/{index}/line"), code: "line_not_found".into(), detail });
            }
        }
    }
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    shares.retain(|share| share.amount != Money::ZERO);
    shares.sort_by_key(|share| share.line_no);
    Ok(shares)
}

fn weigh(line: &ReceivedLine, items: &Items) -> Option<i64> {
    weight(items.named(&ItemRef::Id { item_id: line.item })?, line.quantity)
}

/// One change for each lot: the sum of its shares, under the number of the first of them.
fn changes(shares: &[Share<'_>]) -> Result<Vec<CostChange>, Error> {
    let mut changes: Vec<CostChange> = Vec::new();
    for (number, share) in (1..).zip(shares) {
        match changes.last_mut().filter(|change| change.lot == share.line.lot) {
            Some(change) => change.amount = change.amount.plus(share.amount).ok_or(Error::Refused(Refusal::Overflow))?,
            None => changes.push(CostChange { line_no: number, lot: share.line.lot, amount: share.amount }),
        }
    }
    Ok(changes)
}

/// A lot that would cost less than nothing, at the field that takes the most off it.
fn place(error: Error, request: &Request, shares: &[Share<'_>]) -> Error {
    let Error::Refused(Refusal::CostBelowZero { lot_id, amount, basis, .. }) = &error else { return error };
    let line_no = shares.iter().find(|share| share.line.lot == *lot_id).map(|share| share.line_no);
    let difference = request.price_differences.iter().position(|difference| Some(difference.line) == line_no && difference.amount.0 < 0);
    let charge = request.charges.iter().position(|charge| charge.amount.0 < 0);
    let pointer = match (difference, charge) {
        (Some(index), _) => format!("/price_differences/{index}/amount"),
        (None, index) => format!("/charges/{}/amount", index.unwrap_or(0)),
    };
    let detail = format!("with this the lot of line {} would cost less than nothing", line_no.unwrap_or(0));
    let violation = Violation { pointer, code: "cost_below_zero".into(), detail };
    let problem = kernel::Problem::invalid(vec![violation]).fact("lot_id", lot_id).fact("line", line_no);
    // Only who may see costs gets here.
    Error::Problem(problem.fact("amount", amount).fact("basis", basis))
}

fn stored_lines(shares: &[Share<'_>]) -> Lines {
    let cells = |(number, share): (i64, &Share<'_>)| cells![number, share.line.item, share.line.lot, share.line_no, share.kind, share.label, share.amount];
    Lines::new(&COST_CHANGE_LINE, (1..).zip(shares).map(cells).collect())
}

/// Brings costs that came later onto a receipt, or onto opening stock.
#[utoipa::path(
    tag = "receiving",
    operation_id = "charge_receipt",
    params(
        ("id" = Uuid, Path, description = "The id of the receipt, or of the opening stock"),
        ("Idempotency-Key" = String, Header, description = "A new value for each invoice; the same value again answers the same")
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the change of cost, its entries, the new balances, and in `variances` what is gone already", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: it needs what posting the receipt needs, `see_costs`, and every site where its goods lie. `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`already_reversed`, `lot_void`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `zero`, `line_not_found`, `cost_below_zero`, `weight_unknown`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/receipts/{id}/charges")]
pub async fn charge_receipt(
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
    fn the_published_shapes_are_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
        crate::http::assert_shape::<Charge, ChargeShape>();
        crate::http::assert_shape::<PriceDifference, PriceDifferenceShape>();
    }
}
