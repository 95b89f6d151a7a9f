//! The pure core: from a state and a command to its effects, or a refusal. No async, no database, no clock.

use chrono::{Days, NaiveDate};

use super::command::{Basis, Charge, Command, Price, ReceiveLine, WasteLine, Work};
use super::effects::{Effects, EntryKind, LineOutcome, NewBalance, NewEntry, NewLot};
use super::facts::{Holding, Key, Place, Snapshot};
use super::pick::Shelf;
use super::refusal::{LineFlaw, Refusal};
use crate::arithmetic::{Money, allocate};

pub fn plan(snapshot: &Snapshot, command: &Command) -> Result<Effects, Refusal> {
    if command.effective_at > snapshot.now {
        return Err(Refusal::EffectiveInFuture { now: snapshot.now });
    }
    let business_date = command.days.business_date(command.effective_at);
    if let Some(closed_through) = snapshot.closed_through.filter(|closed| business_date <= *closed) {
        return Err(Refusal::PeriodClosed { business_date, closed_through });
    }
    match &command.work {
        Work::Receive { lines, charges } => receive(command, business_date, lines, charges),
        Work::Waste { lines } => waste(snapshot, command, business_date, lines),
    }
}

fn receive(command: &Command, business_date: NaiveDate, lines: &[ReceiveLine], charges: &[Charge]) -> Result<Effects, Refusal> {
    let mut flaws = Vec::new();
    let net: Vec<Money> = lines.iter().enumerate().map(|(index, line)| net(index, line, &mut flaws)).collect();
    let shares = shares(lines, &net, charges, &mut flaws)?;
    let mut effects = Effects { business_date, lots: Vec::new(), entries: Vec::new(), balances: Vec::new(), lines: Vec::new() };
    for (index, ((line, net), share)) in lines.iter().zip(&net).zip(&shares).enumerate() {
        let mut flaw = |field, code, detail: &str| flaws.push(LineFlaw { line: index, field, code, detail: detail.to_owned() });
        let expires_on = line.expires_on.or_else(|| shelf_life_end(line, business_date));
        if line.item.track_expiry && expires_on.is_none() {
            flaw("expires_on", "expiry_required", "this item's expiry is tracked, and it has no shelf life to count from");
        }
        if line.item.track_lots && line.batch_code.is_none() {
            flaw("batch_code", "batch_code_required", "this item's lots are tracked: name the batch");
        }
        let value = net.plus(*share).filter(|value| value.fits_a_line()).ok_or(Refusal::Overflow)?;
        if value.0 < 0 {
            flaw("", "negative_line_value", "with its share of the charges this line would be worth less than nothing");
        }
        let line_no = i64::try_from(index + 1).unwrap_or(i64::MAX);
        let place = Place { key: Key { item: line.item.id, location: command.location }, lot: line.lot };
        effects.lots.push(NewLot {
            id: line.lot,
            line_no,
            item: line.item.id,
            batch_code: line.batch_code.clone(),
            received_at: command.effective_at,
            produced_on: line.produced_on,
            expires_on,
            date_kind: line.item.date_kind,
            basis_quantity: line.quantity,
            basis_value: value,
        });
        effects.entries.push(NewEntry { line_no, kind: EntryKind::Receipt, place, quantity: line.quantity, value, reason: None });
        effects.balances.push(NewBalance { place, holding: Holding { quantity: line.quantity, value }, exists: false });
        effects.lines.push(LineOutcome { value, charges: *share, expires_on });
    }
    if !flaws.is_empty() {
        return Err(Refusal::Lines(flaws));
    }
    effects.balances.sort_by_key(|balance| balance.place);
    Ok(effects)
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
    for charge in charges {
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
fn shelf_life_end(line: &ReceiveLine, business_date: NaiveDate) -> Option<NaiveDate> {
    let days = u64::try_from(line.item.shelf_life_days?).ok()?;
    business_date.checked_add_days(Days::new(days))
}

fn waste(snapshot: &Snapshot, command: &Command, business_date: NaiveDate, lines: &[WasteLine]) -> Result<Effects, Refusal> {
    let mut shelf = Shelf::new(snapshot, command.effective_at);
    let taken = shelf.take(command.location, lines)?;
    let value = |entries: &Vec<NewEntry>| entries.iter().try_fold(Money::ZERO, |sum, entry| sum.plus(entry.value)).ok_or(Refusal::Overflow);
    let outcomes: Result<Vec<LineOutcome>, Refusal> = taken.iter().map(|entries| Ok(LineOutcome { value: value(entries)?, ..Default::default() })).collect();
    let balances = shelf.touched().map(|(place, holding)| NewBalance { place, holding, exists: true }).collect();
    Ok(Effects { business_date, lots: Vec::new(), entries: taken.into_iter().flatten().collect(), balances, lines: outcomes? })
}
