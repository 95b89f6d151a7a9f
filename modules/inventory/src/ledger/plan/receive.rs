//! Goods that come in: each line makes a lot, which is the layer of its cost.

use chrono::{Days, NaiveDate};

use crate::arithmetic::{Money, allocate};
use crate::ledger::command::{Basis, Charge, Command, Price, ReceiveLine};
use crate::ledger::draft::{Draft, Mark};
use crate::ledger::effects::{Effects, EntryKind, LineOutcome, NewLot};
use crate::ledger::facts::{Holding, ItemRules, Key, Place};
use crate::ledger::refusal::{LineFlaw, Refusal};
use crate::ledger::rule::{Rule, holds};

pub fn receive(mut draft: Draft<'_>, command: &Command, lines: &[ReceiveLine], charges: &[Charge]) -> Result<Effects, Refusal> {
    let business_date = command.spot.days.business_date(command.effective_at);
    let mut flaws = Vec::new();
    let net: Vec<Money> = lines.iter().enumerate().map(|(index, line)| net(index, line, &mut flaws)).collect();
    let shares = shares(lines, &net, charges, &mut flaws)?;
    let mut outcomes = Vec::with_capacity(lines.len());
    for (index, ((line, net), share)) in lines.iter().zip(&net).zip(&shares).enumerate() {
        let expires_on = line.expires_on.or_else(|| shelf_life_end(&line.item, business_date));
        tracked(index, &line.item, expires_on, line.batch_code.is_some(), &mut flaws);
        let value = net.plus(*share).filter(|value| value.fits_a_line()).ok_or(Refusal::Overflow)?;
        if holds(Rule::LineNotBelowZero) && value.0 < 0 {
            flaws.push(LineFlaw::new(index, "", "negative_line_value", "with its share of the charges this line would be worth less than nothing"));
        }
        let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let place = Place { key: Key { item: line.item.id, location: command.spot.location }, lot: line.lot };
        draft.lots.push(NewLot {
            id: line.lot,
            line_no,
            item: line.item.id,
            batch_code: line.batch_code.clone().map(String::from),
            received_at: command.effective_at,
            cost_floor_at: command.effective_at,
            produced_on: line.produced_on,
            expires_on,
            date_kind: line.item.date_kind,
            opened_at: None,
            basis: Holding { quantity: line.quantity, value },
            parents: Vec::new(),
        });
        draft.record(place, line.quantity.0, value.0, Mark { line_no, kind: EntryKind::Receipt, at: command.effective_at, business_date, reason: None })?;
        outcomes.push(LineOutcome { value, charges: *share, expires_on, ..LineOutcome::default() });
    }
    if !flaws.is_empty() {
        return Err(Refusal::Lines(flaws));
    }
    draft.finish(command, outcomes)
}

/// What an item asks of every lot of it that comes to be.
pub fn tracked(index: usize, item: &ItemRules, expires_on: Option<NaiveDate>, has_batch_code: bool, flaws: &mut Vec<LineFlaw>) {
    if item.track_expiry && expires_on.is_none() {
        flaws.push(LineFlaw::new(index, "expires_on", "expiry_required", "this item's expiry is tracked, and it has no shelf life to count from"));
    }
    if item.track_lots && !has_batch_code {
        flaws.push(LineFlaw::new(index, "batch_code", "batch_code_required", "this item's lots are tracked: name the batch"));
    }
}

/// The line's own value: its price less its discount.
fn net(index: usize, line: &ReceiveLine, flaws: &mut Vec<LineFlaw>) -> Money {
    let mut flaw = |field, code, detail: &str| flaws.push(LineFlaw { line: index, field, code, detail: detail.to_owned() });
    let (gross, field) = match line.price {
        Price::Unit { price, entered } => (Money::of_line(entered, price), "unit_price"),
        Price::Total(total) => (Some(total), "line_total"),
        Price::Free | Price::Unpriced => return Money::ZERO,
    };
    let Some(gross) = gross else {
        flaw(field, "out_of_range", "the value of this line is larger than a line can hold");
        return Money::ZERO;
    };
    if line.discount > gross {
        flaw("discount", "discount_too_large", "the discount is larger than the line");
        return Money::ZERO;
    }
    let net = Money(gross.0 - line.discount.0);
    if net == Money::ZERO && !line.confirm_zero {
        flaw(field, "zero_price_unconfirmed", "nothing to pay: say `free`, or `confirm_zero`: true where a price of zero is meant");
    }
    net
}

/// What of the charges falls on each line.
fn shares(lines: &[ReceiveLine], net: &[Money], charges: &[Charge], flaws: &mut Vec<LineFlaw>) -> Result<Vec<Money>, Refusal> {
    let by_quantity: Vec<i64> = lines.iter().map(|line| line.quantity.0).collect();
    let mut shares = vec![Money::ZERO; lines.len()];
    if charges.iter().any(|charge| charge.basis == Basis::Weight) {
        let unknown = lines.iter().enumerate().filter(|(_, line)| line.weight.is_none());
        let detail = "a charge by weight needs an item whose unit is one of mass, or can be converted into one";
        flaws.extend(unknown.map(|(line, _)| LineFlaw { line, field: "quantity", code: "weight_unknown", detail: detail.to_owned() }));
    }
    for charge in charges.iter().filter(|_| holds(Rule::ChargesInCost)) {
        let weights: Vec<i64> = match charge.basis {
            Basis::Value => net.iter().map(|value| value.0).collect(),
            Basis::Quantity => by_quantity.clone(),
            Basis::Equal => vec![1; lines.len()],
            Basis::Weight => lines.iter().map(|line| line.weight.unwrap_or(0)).collect(),
        };
        for (share, part) in shares.iter_mut().zip(allocate(charge.amount, &weights, &by_quantity)) {
            *share = share.plus(part).ok_or(Refusal::Overflow)?;
        }
    }
    Ok(shares)
}

/// The expiry that the item's shelf life gives, counted from the business date on which it came in.
pub fn shelf_life_end(item: &ItemRules, business_date: NaiveDate) -> Option<NaiveDate> {
    let days = u64::try_from(item.shelf_life_days?).ok()?;
    business_date.checked_add_days(Days::new(days))
}
