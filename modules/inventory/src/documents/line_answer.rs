//! Lines as they are answered: the same from the cells that are about to be written and from those that are read back.

use chrono::NaiveDate;
use kernel::Instant;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::ChargeAnswer;
use super::lines::{Cell, Lines, PLATE_WASTE_LINE, RECEIPT_CHARGE, TRANSFORMATION_LINE};
use crate::arithmetic::{Money, Quantity};
use crate::http::{HideCosts, hide};
use crate::ledger::Basis;
use crate::names::{ItemId, ReasonId, Word as _};

/// A line of a document. What a kind of document has no use for is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentLine)]
pub struct LineAnswer {
    /// Counted from one.
    pub line_no: i64,
    /// The item's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<Uuid>,
    /// The item's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// `input`, `output` or `loss`, of a transformation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The lot that it made, or that it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot_id: Option<Uuid>,
    /// Where it was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Uuid>,
    /// As entered, in `unit`; with a sign where it sets stock right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// The unit of `quantity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The same in the item's base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_quantity: Option<Quantity>,
    /// The item's base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_unit: Option<String>,
    /// What one `unit` cost as it was entered, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What the line cost as it was entered, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_total: Option<Money>,
    /// What one `unit` costs, of what was found. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// What is credited for it. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<Money>,
    /// What comes onto the lot's cost. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// `donation`, `sample` or `promo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<String>,
    /// What was taken off, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Money>,
    /// Its share of the document's charges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charges: Option<Money>,
    /// What it put into the ledger, with the sign of the movement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// What was asked for and is not there, in the item's base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_quantity: Option<Quantity>,
    /// The reservation that it was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<Uuid>,
    /// The line of the receipt that it is about, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_line_no: Option<i64>,
    /// `charge` or `price`: where a change of cost comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What a cost was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What was left on plates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it weighed, in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass_g: Option<Quantity>,
    /// What an output weighs, in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<Quantity>,
    /// What stands on the package, to the letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_code: Option<String>,
    /// Its date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub produced_on: Option<NaiveDate>,
    /// When it was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<Instant>,
    /// The user who counted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_by: Option<Uuid>,
    /// What the ledger said when it was counted, in the item's base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Quantity>,
    /// What was counted less what was expected, in the item's base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance: Option<Quantity>,
    /// Whether a later count of the same stock was posted before, so that this line did nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<bool>,
    /// Whether its entry stands later than it was counted, because the cost of its lot changed in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<bool>,
    /// The code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where in the work it was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

impl HideCosts for LineAnswer {
    fn hide_costs(&mut self) {
        let amounts = [&mut self.unit_price, &mut self.line_total, &mut self.unit_cost, &mut self.credit];
        for amount in amounts {
            hide(&mut [amount]);
        }
        hide(&mut [&mut self.amount, &mut self.discount, &mut self.charges, &mut self.value]);
    }
}

/// The sku and base unit of an item, and the code of a reason, by id.
pub struct Names<'a> {
    pub item: &'a dyn Fn(ItemId) -> (String, String),
    pub reason: &'a dyn Fn(ReasonId) -> Option<String>,
}

/// The lines of a document in their order, and its charges.
pub fn line_answers(lines: &[Lines], names: &Names<'_>) -> Result<(Vec<LineAnswer>, Vec<ChargeAnswer>), DbErr> {
    let (mut answers, mut charges) = (Vec::new(), Vec::new());
    let transformed = lines.iter().any(|lines| lines.is_of(&TRANSFORMATION_LINE));
    for lines in lines {
        for cells in lines.named() {
            if lines.is_of(&RECEIPT_CHARGE) {
                charges.push(charge(cells)?);
            } else {
                answers.push(line(cells, names));
            }
            // What is described of a transformation is what got lost of it.
            if let Some(line) = answers.last_mut().filter(|_| transformed && lines.is_of(&PLATE_WASTE_LINE)) {
                line.role = Some("loss".to_owned());
            }
        }
    }
    answers.sort_by_key(|line| line.line_no);
    Ok((answers, charges))
}

fn line<'a>(cells: impl Iterator<Item = (&'static str, &'a Cell)>, names: &Names<'_>) -> LineAnswer {
    let mut line = LineAnswer::default();
    for cell in cells {
        read(&mut line, cell, names);
    }
    line
}

fn read(line: &mut LineAnswer, cell: (&'static str, &Cell), names: &Names<'_>) {
    match cell {
        ("line_no", Cell::Int(number)) => line.line_no = number.unwrap_or(0),
        ("item_id", Cell::Uuid(Some(id))) => {
            let (sku, base_unit) = (names.item)(*id);
            (line.item_id, line.sku, line.base_unit) = (Some(*id), Some(sku), Some(base_unit));
        }
        ("reason_id", Cell::Uuid(id)) => line.reason = id.and_then(|id| (names.reason)(id)),
        ("role", Cell::Text(text)) => line.role.clone_from(text),
        ("lot_id", Cell::Uuid(id)) => line.lot_id = *id,
        ("location_id", Cell::Uuid(id)) => line.location_id = *id,
        ("entered_quantity", Cell::Int(number)) => line.quantity = number.map(Quantity),
        ("entered_unit", Cell::Text(text)) => line.unit.clone_from(text),
        ("quantity", Cell::Int(number)) => line.base_quantity = number.map(Quantity),
        ("unit_price", Cell::Int(number)) => line.unit_price = number.map(Money),
        ("line_total", Cell::Int(number)) => line.line_total = number.map(Money),
        ("unit_cost", Cell::Int(number)) => line.unit_cost = number.map(Money),
        ("credit", Cell::Int(number)) => line.credit = number.map(Money),
        ("amount", Cell::Int(number)) => line.amount = number.map(Money),
        ("free", Cell::Text(text)) => line.free.clone_from(text),
        ("discount", Cell::Int(number)) => line.discount = number.map(Money).filter(|money| money.0 != 0),
        ("charges", Cell::Int(number)) => line.charges = number.map(Money).filter(|money| money.0 != 0),
        ("value", Cell::Int(number)) => line.value = number.map(Money),
        ("short_quantity", Cell::Int(number)) => line.short_quantity = number.map(Quantity).filter(|quantity| quantity.0 != 0),
        ("reservation_id", Cell::Uuid(id)) => line.reservation_id = *id,
        ("receipt_line_no", Cell::Int(number)) => line.receipt_line_no = *number,
        ("kind", Cell::Text(text)) => line.kind.clone_from(text),
        ("label", Cell::Text(text)) => line.label.clone_from(text),
        ("description", Cell::Text(text)) => line.description.clone_from(text),
        ("grams", Cell::Int(number)) => line.mass_g = number.map(Quantity),
        ("weight", Cell::Int(number)) => line.weight_g = number.map(Quantity),
        ("batch_code", Cell::Text(text)) => line.batch_code.clone_from(text),
        ("expires_on", Cell::Date(date)) => line.expires_on = *date,
        ("produced_on", Cell::Date(date)) => line.produced_on = *date,
        ("counted_at", Cell::Instant(instant)) => line.counted_at = *instant,
        ("counted_by", Cell::Uuid(id)) => line.counted_by = *id,
        ("expected", Cell::Int(number)) => line.expected = number.map(Quantity),
        ("variance", Cell::Int(number)) => line.variance = number.map(Quantity),
        ("superseded", Cell::Bool(is)) => line.superseded = *is,
        ("moved", Cell::Bool(is)) => line.moved = *is,
        ("stage", Cell::Text(text)) => line.stage.clone_from(text),
        ("destination", Cell::Text(text)) => line.destination.clone_from(text),
        _ => {}
    }
}

fn charge<'a>(cells: impl Iterator<Item = (&'static str, &'a Cell)>) -> Result<ChargeAnswer, DbErr> {
    let (mut label, mut amount, mut basis) = (String::new(), None, Basis::Value);
    for cell in cells {
        match cell {
            ("label", Cell::Text(Some(text))) => label.clone_from(text),
            ("amount", Cell::Int(number)) => amount = number.map(Money),
            ("basis", Cell::Text(Some(text))) => basis = Basis::stored(text)?,
            _ => {}
        }
    }
    Ok(ChargeAnswer { label, amount, basis })
}
