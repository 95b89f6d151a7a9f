//! The rows of inbound lines: the same for receipts and for opening stock.

use chrono::NaiveDate;

use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::Items;
use crate::documents::{LineAnswer, LineBase, Lines, RECEIPT_LINE, cells};
use crate::ledger::{Effects, LineOutcome, Price, ReceiveLine};
use crate::names::{ItemId, LotId};

/// A stored line.
#[derive(Clone, Debug)]
pub struct LineRow {
    pub line_no: i64,
    pub item_id: ItemId,
    pub lot_id: LotId,
    pub entered_quantity: i64,
    pub entered_unit: String,
    pub quantity: i64,
    pub unit_price: Option<i64>,
    pub line_total: Option<i64>,
    pub free: Option<&'static str>,
    pub discount: i64,
    pub charges: i64,
    pub value: i64,
    pub batch_code: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub produced_on: Option<NaiveDate>,
}

/// What a line said in the words of its sender.
#[derive(Clone, Debug)]
pub struct Entered {
    pub quantity: Quantity,
    pub unit: String,
    pub free: Option<&'static str>,
}

/// The rows of a decided document.
pub fn line_rows(lines: &[ReceiveLine], entered: &[Entered], effects: &Effects) -> Vec<LineRow> {
    let row = |(line_no, ((line, entered), outcome)): (i64, ((&ReceiveLine, &Entered), &LineOutcome))| LineRow {
        line_no,
        item_id: line.item.id,
        lot_id: line.lot,
        entered_quantity: entered.quantity.0,
        entered_unit: entered.unit.clone(),
        quantity: line.quantity.0,
        unit_price: if let Price::Unit { price: Money(price), .. } = line.price { Some(price) } else { None },
        line_total: if let Price::Total(Money(total)) = line.price { Some(total) } else { None },
        free: entered.free,
        discount: line.discount.0,
        charges: outcome.charges.0,
        value: outcome.value.0,
        batch_code: line.batch_code.as_ref().map(|code| code.as_str().to_owned()),
        expires_on: outcome.expires_on,
        produced_on: line.produced_on,
    };
    (1..).zip(lines.iter().zip(entered).zip(&effects.lines)).map(row).collect()
}

/// The rows as they are stored and hashed.
pub fn stored_lines(rows: &[LineRow]) -> Lines {
    let cells = |row: &LineRow| {
        cells![
            row.line_no,
            row.item_id,
            row.lot_id,
            row.entered_quantity,
            row.entered_unit.clone(),
            row.quantity,
            row.unit_price,
            row.line_total,
            row.free,
            row.discount,
            row.charges,
            row.value,
            row.batch_code.clone(),
            row.expires_on,
            row.produced_on,
        ]
    };
    Lines::new(&RECEIPT_LINE, rows.iter().map(cells).collect())
}

impl LineRow {
    /// The line as it is answered, by the names that the request's items have.
    pub fn answer(&self, items: &Items) -> LineAnswer {
        let (sku, base_unit) = items.names(self.item_id);
        let base = LineBase {
            line_no: self.line_no,
            item_id: self.item_id,
            sku,
            base_unit,
            lot_id: Some(self.lot_id),
            entered_quantity: self.entered_quantity,
            entered_unit: self.entered_unit.clone(),
            quantity: self.quantity,
            value: self.value,
        };
        LineAnswer {
            unit_price: self.unit_price.map(Money),
            line_total: self.line_total.map(Money),
            free: self.free.map(str::to_owned),
            discount: Some(Money(self.discount)).filter(|discount| discount.0 != 0),
            charges: Some(Money(self.charges)).filter(|charges| charges.0 != 0),
            batch_code: self.batch_code.clone(),
            expires_on: self.expires_on,
            produced_on: self.produced_on,
            ..base.answer()
        }
    }
}
