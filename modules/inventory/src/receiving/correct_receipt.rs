//! Corrects a line of a receipt that was entered wrongly, also after a part of it was used.

use actix_web::{post, web};
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, Txn, Violation, Whole};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::post_receipt::not_negative;
use super::received::{Received, ReceivedLine, Said, need_costs, places};
use crate::Inventory;
use crate::arithmetic::{Money, Quantity, half_away_from_zero};
use crate::catalog::lookup::{self, Item, Items, Reasons};
use crate::documents::{CORRECTION_LINE, Lines, PostedAnswer, answer, cells};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Correction, Counted, Effects, Holding, Posting, Refusal, kinds};
use crate::names::{DocumentId, ItemRef, UnitCode};

/// A line as it should have been entered; what is not said stays as it was.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: i64,
    pub quantity: Option<Quantity>,
    pub unit: Option<UnitCode>,
    pub price: Option<CorrectPrice>,
    pub confirm_zero: bool,
    pub said: Said,
}

#[derive(Clone, Copy, Debug)]
pub enum CorrectPrice {
    Unit(Money),
    Total(Money),
}

/// A line as it should have been entered, as it is sent. What is not said stays as it was: of a line that was entered at a price
/// per unit that price, else what the line cost.
#[derive(Deserialize, ToSchema)]
#[schema(as = CorrectReceipt)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    /// The line of the receipt, counted from one.
    line: i64,
    /// How much it should have been, in `unit`; above zero.
    quantity: Option<Quantity>,
    /// The unit of `quantity`.
    unit: Option<UnitCode>,
    /// What one `unit` costs, in currency; or say `line_total`.
    unit_price: Option<Money>,
    /// What the line costs, in currency, before its discount; or say `unit_price`.
    line_total: Option<Money>,
    /// A price of zero is refused unless this says that it is meant.
    confirm_zero: Option<bool>,
    /// When it was corrected; now, where nothing is said. Where the lot moved later, or its cost was changed later, it counts from then on.
    effective_at: Option<Instant>,
    /// At most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (line, quantity, unit) = (fields.required::<Whole<1, { i64::MAX }>>("line"), fields.optional("quantity"), fields.optional("unit"));
        let price = fields.one_at_most(&["unit_price", "line_total"], |fields, name| match name {
            "unit_price" => not_negative(fields, "unit_price").map(CorrectPrice::Unit),
            _ => not_negative(fields, "line_total").map(CorrectPrice::Total),
        });
        let (confirm_zero, said) = (fields.or("confirm_zero", false), Said::read(fields));
        let (quantity, unit, price): (Option<Quantity>, Option<UnitCode>, Option<CorrectPrice>) = (quantity?, unit?, price?);
        if quantity.is_none() && unit.is_none() && price.is_none() {
            fields.refuse("", "required", "say what was wrong: quantity, unit, unit_price or line_total");
        }
        Some(Self { line: line?.0, quantity, unit, price, confirm_zero: confirm_zero?, said: said? })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, receipt: DocumentId, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(Permission::Receive)?;
    if request.price.is_some() {
        need_costs(caller)?;
    }
    let input = (state.next_id(), receipt, request);
    state.create_once(caller, once, input, |task, txn| Box::pin(work(task, txn))).await
}

async fn work(task: &Task<(Uuid, DocumentId, Request)>, txn: &Txn) -> Result<PostedAnswer, Error> {
    let (id, receipt, request) = &task.input;
    let received = Received::lock(task, txn, *receipt).await?;
    let (permit, header) = received.permitted::<kinds::Correction, _>(task, *id, &request.said)?;
    let items = received.items(task, txn).await?;
    let line = received.lines.get(&request.line);
    let line = line.ok_or_else(|| Error::invalid("/line", "line_not_found", format!("the receipt has no line {}", request.line)))?;
    let corrected = corrected(request, line, &items)?;
    if corrected.quantity > line.quantity {
        need_in_use(&received, line, &items)?;
    }
    let holding = |line: &ReceivedLine| Holding { quantity: line.quantity, value: line.net() };
    let correction = Correction { item: line.item, lot: line.lot, was: holding(line), is: holding(&corrected) };
    let keys = places(task, txn, &[line.lot]).await?;
    let mut posting = Posting::correction(permit, header, correction, keys);

    let locked = ledger::lock(&task.state, txn, std::iter::once(&posting)).await?;
    let effects = posting.decide(txn, &locked).await.map_err(|error| place(error, request))?;
    let stored = [stored_line(request.line, &corrected, &effects)];
    let posted = ledger::apply(txn, &locked, &posting, effects, &stored).await?;
    answer(&posted, posting.location(), &items, &Reasons::default(), &stored)
}

/// The line as if it had been entered with what is said now.
fn corrected(request: &Request, line: &ReceivedLine, items: &Items) -> Result<ReceivedLine, Error> {
    let mut corrected = line.clone();
    corrected.entered = request.quantity.unwrap_or(line.entered);
    corrected.unit = request.unit.as_ref().map_or_else(|| line.unit.clone(), ToString::to_string);
    if (corrected.entered, &corrected.unit) != (line.entered, &line.unit) {
        corrected.quantity = measure(request, &corrected, items)?;
    }
    let unit_price = if let Some(CorrectPrice::Unit(price)) = request.price { Some(price) } else { line.unit_price };
    let total = match request.price {
        Some(CorrectPrice::Total(total)) => Some(total),
        Some(CorrectPrice::Unit(price)) => Money::of_line(corrected.entered, price),
        None => kept_total(&corrected, line, unit_price),
    };
    let field = match request.price {
        Some(CorrectPrice::Unit(_)) => "/unit_price",
        Some(CorrectPrice::Total(_)) => "/line_total",
        None => "/quantity",
    };
    corrected.total = total.ok_or_else(|| Error::invalid(field, "out_of_range", "the value of this line is larger than a line can hold"))?;
    if corrected.total < corrected.discount {
        return Err(Error::invalid(field, "discount_too_large", "the discount of this line is larger than the line"));
    }
    if request.price.is_some() && corrected.net() == Money::ZERO && line.net() != Money::ZERO && !request.confirm_zero {
        return Err(Error::invalid(field, "zero_price_unconfirmed", "nothing to pay: say `confirm_zero`: true where a price of zero is meant"));
    }
    if (corrected.quantity, corrected.total, &corrected.unit) == (line.quantity, line.total, &line.unit) && corrected.entered == line.entered {
        return Err(Error::invalid("", "nothing_to_correct", "the line is like this already"));
    }
    Ok(corrected)
}

/// What a line costs of which only the quantity changes: by its price per unit, where it was entered at one.
fn kept_total(corrected: &ReceivedLine, line: &ReceivedLine, unit_price: Option<Money>) -> Option<Money> {
    match unit_price {
        Some(price) => Money::of_line(corrected.entered, price),
        None if line.by_unit => {
            let product = i128::from(line.total.0) * i128::from(corrected.entered.0);
            half_away_from_zero(product, i128::from(line.entered.0.max(1))).map(Money).filter(|total| total.fits_a_line())
        }
        None => Some(line.total),
    }
}

/// The quantity in the base unit.
fn measure(request: &Request, corrected: &ReceivedLine, items: &Items) -> Result<Quantity, Error> {
    let item = item(corrected, items)?;
    let Some(factor) = item.conversions.factor(&corrected.unit) else {
        let detail = format!("{} is not counted in {}; its base unit is {}", item.sku, corrected.unit, item.base_unit);
        return Err(Error::invalid("/unit", "unit_unknown", detail));
    };
    let field = if request.quantity.is_some() { "/quantity" } else { "/unit" };
    let base = factor.apply(corrected.entered).filter(|base| base.0 <= Quantity::MOST_PER_LINE);
    let base = base.ok_or_else(|| Error::invalid(field, "out_of_range", format!("a line holds at most 1000000000 {}", item.base_unit)))?;
    if base == Quantity::ZERO {
        return Err(Error::invalid(field, "rounds_to_zero", format!("this is less than a millionth of one {}", item.base_unit)));
    }
    Ok(base)
}

fn item<'a>(line: &ReceivedLine, items: &'a Items) -> Result<&'a std::sync::Arc<Item>, Error> {
    items.named(&ItemRef::Id { item_id: line.item }).ok_or(Error::NotFound("item"))
}

/// More comes in only where stock may lie.
fn need_in_use(received: &Received, line: &ReceivedLine, items: &lookup::Items) -> Result<(), Error> {
    if received.archived {
        let detail = format!("`{}` is archived; take it into use again first.", received.ground.area.path);
        return Err(Error::Conflict { code: "location_archived", detail });
    }
    let item = item(line, items)?;
    if item.archived {
        return Err(Error::Conflict { code: "item_archived", detail: format!("{} is archived; take it into use again first.", item.sku) });
    }
    Ok(())
}

/// The ledger's refusal at the field that it is about.
fn place(error: Error, request: &Request) -> Error {
    let (lot_id, amount, basis) = match &error {
        Error::Refused(Refusal::CostBelowZero { lot_id, amount, basis, .. }) => (lot_id, amount, basis),
        Error::Refused(refusal @ Refusal::BelowUsed { .. }) => return Error::Problem(refusal.problem().fact("line", request.line)),
        _ => return error,
    };
    let pointer = match request.price {
        Some(CorrectPrice::Unit(_)) => "/unit_price",
        Some(CorrectPrice::Total(_)) => "/line_total",
        None => "/quantity",
    };
    let detail = "more was taken off this lot since than it would cost then".to_owned();
    let violation = Violation { pointer: pointer.to_owned(), code: "cost_below_zero".into(), detail };
    let problem = kernel::Problem::invalid(vec![violation]).fact("lot_id", lot_id).fact("line", request.line);
    // Whoever says no price need not see costs.
    if request.price.is_none() {
        return Error::Problem(problem);
    }
    Error::Problem(problem.fact("amount", amount).fact("basis", basis))
}

fn stored_line(receipt_line_no: i64, line: &ReceivedLine, effects: &Effects) -> Lines {
    let value = effects.lines.first().map_or(Money::ZERO, |outcome| outcome.value);
    let cells = cells![1_i64, line.item, line.lot, line.entered, line.unit.clone(), line.quantity, value, receipt_line_no, line.total];
    Lines::new(&CORRECTION_LINE, vec![cells])
}

/// Corrects a line of a receipt, or of opening stock.
#[utoipa::path(
    tag = "receiving",
    operation_id = "correct_receipt",
    params(
        ("id" = Uuid, Path, description = "The id of the receipt, or of the opening stock"),
        ("Idempotency-Key" = String, Header, description = "A new value for each correction; the same value again answers the same")
    ),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the correction, its entries, the new balances, and in `variances` what is gone already", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`: it needs what posting the receipt needs, every site where its goods lie, and `see_costs` where it says a price. `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`below_used` with the `line`, what is `requested`, what was `received` and what is `used`; `already_reversed`, `lot_void`; `counted_since` with the counts in `counts`; `location_archived`, `item_archived`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `line_not_found`, `nothing_to_correct`, `cost_below_zero`, `unit_unknown`, `rounds_to_zero`, `discount_too_large`, `zero_price_unconfirmed`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/receipts/{id}/correct")]
pub async fn correct_receipt(
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
