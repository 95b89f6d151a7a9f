//! Receives a delivery: every line makes a lot, and what it cost becomes the lot's value.

use std::sync::Arc;

use actix_web::{post, web};
use chrono::NaiveDate;
use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, FromFields, Instant, Text, Txn, Violation};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lines::{Entered, stored_lines};
use super::shortages;
use crate::Inventory;
use crate::arithmetic::{Money, Quantity, Ratio};
use crate::catalog::lookup::{self, Item, Items, Units};
use crate::documents::{Found, Heading, LINES, Lines, PostedAnswer, RECEIPT_CHARGE, answer, cells, need_lines};
use crate::error::Error;
use crate::http::Answer;
use crate::idempotency::{Done, Once, Task};
use crate::ledger::{self, Basis, Charge, Counted, Posting, Price, Receipt, ReceiveLine};
use crate::names::Word as _;
use crate::names::{BatchCode, ItemRef, LocationRef, UnitCode, words};

words!(
    /// Why a line costs nothing.
    Free { Donation = "donation", Sample = "sample", Promo = "promo" }
);

/// A delivery that came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub heading: Heading,
    pub lines: Vec<Line>,
    pub charges: Vec<ChargeLine>,
    /// Whether what was missing of its items here is settled by it.
    pub clear_shortages: bool,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub price: LinePrice,
    pub discount: Money,
    pub confirm_zero: bool,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
    pub produced_on: Option<NaiveDate>,
}

/// What a line costs: exactly one way to say it.
#[derive(Clone, Copy, Debug)]
pub enum LinePrice {
    Unit(Money),
    Total(Money),
    Free(Free),
}

#[derive(Clone, Debug)]
pub struct ChargeLine {
    pub label: String,
    pub amount: Money,
    pub basis: Basis,
}

/// A delivery that came in, as it is sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostReceipt)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct RequestShape {
    #[serde(flatten)]
    location: LocationRef,
    /// Suppliers come with purchasing; until then only null can be said.
    #[schema(value_type = Option<Uuid>)]
    supplier_id: Option<Uuid>,
    /// When it came in; now, where nothing is said. An earlier business date than today's needs the permission `backdate`.
    effective_at: Option<Instant>,
    /// The supplier's invoice or delivery note, at most 200 characters.
    external_ref: Option<String>,
    /// At most 2,000 characters.
    note: Option<String>,
    /// What is done where a posted count would no longer be true: `refuse` where nothing is said.
    counted: Option<Counted>,
    /// At least one.
    lines: Vec<LineShape>,
    /// Charges on the whole delivery, shared out over its lines; at most 50.
    charges: Option<Vec<ChargeShape>>,
    /// Whether the open shortages of its items here are cleared by it; they are only listed where nothing is said.
    clear_shortages: Option<bool>,
}

/// One line of a delivery. Exactly one of `unit_price`, `line_total` and `free`.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostReceiptLine)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct LineShape {
    #[serde(flatten)]
    item: ItemRef,
    /// How much, in `unit`; above zero.
    quantity: Quantity,
    /// A unit's code, the item's own units included; the item's base unit where nothing is said.
    unit: Option<UnitCode>,
    /// What one `unit` costs, in currency.
    unit_price: Option<Money>,
    /// What the line costs, in currency.
    line_total: Option<Money>,
    /// Why the line costs nothing.
    free: Option<Free>,
    /// Taken off the line, in currency.
    discount: Option<Money>,
    /// A price of zero is refused unless this says that it is meant.
    confirm_zero: Option<bool>,
    /// What stands on the package, kept to the letter.
    batch_code: Option<BatchCode>,
    /// The date on the package; counted from the item's shelf life where nothing is said.
    expires_on: Option<NaiveDate>,
    /// When it was made.
    produced_on: Option<NaiveDate>,
}

/// A charge on a whole delivery.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostReceiptCharge)]
#[expect(dead_code, reason = "the published shape; a test holds it equal to what is read")]
pub(crate) struct ChargeShape {
    /// At most 200 characters.
    label: String,
    /// In currency; negative for a rebate.
    amount: Money,
    /// By what it is shared out: `value` where nothing is said.
    basis: Option<Basis>,
}

/// How many charges a delivery may have.
const CHARGES: usize = 50;

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let heading = Heading::read(fields);
        let supplier: Option<Option<Uuid>> = fields.optional("supplier_id");
        if let Some(Some(_)) = supplier {
            fields.refuse("supplier_id", "supplier_not_found", "there is no such supplier");
        }
        let (lines, charges) = (fields.list("lines", 1..=LINES), fields.list("charges", 0..=CHARGES));
        let clear_shortages = fields.or("clear_shortages", false);
        Some(Self { heading: heading?, lines: lines?, charges: charges?, clear_shortages: clear_shortages? })
    }
}

impl FromFields for Line {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit) = (fields.required("quantity"), fields.optional("unit"));
        let price = fields.exactly_one(&["unit_price", "line_total", "free"], |fields, name| match name {
            "unit_price" => not_negative(fields, "unit_price").map(LinePrice::Unit),
            "line_total" => not_negative(fields, "line_total").map(LinePrice::Total),
            _ => fields.required("free").map(LinePrice::Free),
        });
        let discount = if fields.is_present("discount") { not_negative(fields, "discount") } else { fields.or("discount", Money::ZERO) };
        if matches!((price, discount), (Some(LinePrice::Free(_)), Some(Money(1..)))) {
            fields.refuse("discount", "discount_too_large", "a free line costs nothing that a discount could be taken off");
        }
        let confirm_zero = fields.or("confirm_zero", false);
        let (batch_code, expires_on, produced_on) = (fields.optional("batch_code"), fields.optional("expires_on"), fields.optional("produced_on"));
        Some(Self {
            item: item?,
            quantity: quantity?,
            unit: unit?,
            price: price?,
            discount: discount?,
            confirm_zero: confirm_zero?,
            batch_code: batch_code?,
            expires_on: expires_on?,
            produced_on: produced_on?,
        })
    }
}

impl FromFields for ChargeLine {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (label, amount, basis) = (fields.required::<Text<1, 200>>("label"), fields.required("amount"), fields.or("basis", Basis::Value));
        Some(Self { label: label?.0, amount: amount?, basis: basis? })
    }
}

pub(super) fn not_negative(fields: &mut Fields<'_>, name: &'static str) -> Option<Money> {
    let amount = fields.or(name, Money::ZERO)?;
    if amount.0 < 0 {
        fields.refuse(name, "negative", "an amount of zero or more is expected");
        return None;
    }
    Some(amount)
}

pub async fn execute(state: &Inventory, caller: &Caller, once: Once, request: Request) -> Result<Answer<PostedAnswer>, Error> {
    caller.need(kernel::Permission::Receive)?;
    need_lines(state, request.lines.len())?;
    let ids = Ids { document: state.next_id(), lots: request.lines.iter().map(|_| state.next_id()).collect() };
    state.post_once(caller, once, (ids, request), |task, txn, once| Box::pin(work(task, txn, once))).await
}

struct Ids {
    document: Uuid,
    lots: Vec<Uuid>,
}

async fn work(task: &Task<(Ids, Request)>, txn: &Txn, once: &Once) -> Result<Option<Done<PostedAnswer>>, Error> {
    let (ids, request) = &task.input;
    let names = request.lines.iter().map(|line| &line.item);
    let Some(Found { permit, header, early, items, reasons }) =
        request.heading.find::<Receipt, _>(task, txn, once, ids.document, (names, Units::All), None).await?
    else {
        return Ok(None);
    };
    let (lines, entered) = resolve(request, &ids.lots, &items)?;
    let charges = request.charges.iter().map(|charge| Charge { amount: charge.amount, basis: charge.basis }).collect();
    let mut posting = Posting::receive(permit, header, lines, charges);

    let locked = ledger::lock_rest(&task.state, txn, early, &posting).await?;
    let effects = posting.decide(txn, &locked).await?;
    let stored = [stored_lines(posting.received_lines(), &entered, &effects), stored_charges(request)];
    let posted = ledger::apply(txn, &locked, &posting, effects, &stored).await?;
    let received = posting.received_lines().iter().map(|line| line.item.id).collect();
    let offered = shortages::offer(txn, task, &posted, received, request.clear_shortages).await?;
    let answer = answer(&posted, posting.location(), &items, &reasons, &stored)?;
    Ok(Some(PostedAnswer { open_shortages: offered.open, cleared_shortages: offered.cleared, ..answer }.into()))
}

/// The lines in base units, or everything that is wrong with their names.
fn resolve(request: &Request, lots: &[Uuid], items: &Items) -> Result<(Vec<ReceiveLine>, Vec<Entered>), Error> {
    let (mut lines, mut entered, mut violations) = (Vec::new(), Vec::new(), Vec::new());
    for ((index, line), lot) in request.lines.iter().enumerate().zip(lots) {
        match resolve_line(index, line, *lot, items) {
            Ok((line, words)) => {
                lines.push(line);
                entered.push(words);
            }
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Ok((lines, entered)) } else { Err(Error::Invalid(violations)) }
}

fn resolve_line(index: usize, line: &Line, lot: Uuid, items: &Items) -> Result<(ReceiveLine, Entered), Violation> {
    let (item, quantity, unit) = lookup::measure(index, &line.item, line.quantity, line.unit.as_ref(), items)?;
    let price = match line.price {
        LinePrice::Unit(price) => Price::Unit { price, entered: line.quantity },
        LinePrice::Total(total) => Price::Total(total),
        LinePrice::Free(_) => Price::Free,
    };
    let free = if let LinePrice::Free(free) = line.price { Some(free.word()) } else { None };
    let receive = ReceiveLine {
        item: item.rules,
        lot,
        quantity,
        price,
        discount: line.discount,
        confirm_zero: line.confirm_zero,
        batch_code: line.batch_code.clone(),
        expires_on: line.expires_on,
        produced_on: line.produced_on,
        weight: weight(item, quantity),
    };
    Ok((receive, Entered { quantity: line.quantity, unit, free }))
}

/// What a quantity weighs in millionths of a gram, where the item converts into grams.
pub(super) fn weight(item: &Arc<Item>, quantity: Quantity) -> Option<i64> {
    let grams = Ratio::ONE.over(item.conversions.factor("g")?)?;
    grams.apply(quantity).map(|quantity| quantity.0)
}

fn stored_charges(request: &Request) -> Lines {
    let cells = |(line_no, charge): (i64, &ChargeLine)| cells![line_no, charge.label.as_str(), charge.amount, charge.basis.word()];
    Lines::new(&RECEIPT_CHARGE, (1..).zip(&request.charges).map(cells).collect())
}

/// Receives a delivery and posts it at once.
#[utoipa::path(
    tag = "receiving",
    operation_id = "post_receipt",
    params(("Idempotency-Key" = String, Header, description = "A new value for each delivery; the same value again answers the same")),
    request_body = RequestShape,
    responses(
        (status = 201, description = "Posted: the document, its entries and the new balances", body = PostedAnswer),
        (status = 400, description = "`idempotency_key_required`, `idempotency_key_invalid`", body = kernel::problem::ProblemDocument),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 409, description = "`counted_since` with the `counts`, `period_closed`, `idempotency_in_progress`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, in its `errors` also `location_not_found`, `not_an_area`, `location_archived`, `item_not_found`, `item_archived`, `unit_unknown`, `rounds_to_zero`, `supplier_not_found`, `discount_too_large`, `zero_price_unconfirmed`, `negative_line_value`, `expiry_required`, `batch_code_required`, `weight_unknown`, `effective_in_future`; `idempotency_key_reused`, `out_of_range`", body = kernel::problem::ProblemDocument),
        (status = 503, description = "`stock_busy`", body = kernel::problem::ProblemDocument),
    )
)]
#[post("/receipts")]
pub async fn post_receipt(state: web::Data<Inventory>, caller: Caller, key: IdempotencyKey, body: Body<Request>) -> Result<Answer<PostedAnswer>, Error> {
    let once = Once { key: key.required()?, fingerprint: body.fingerprint };
    execute(&state, &caller, once, body.request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shapes_are_what_is_read() {
        crate::http::assert_shape::<Request, RequestShape>();
        crate::http::assert_shape::<Line, LineShape>();
        crate::http::assert_shape::<ChargeLine, ChargeShape>();
    }
}
