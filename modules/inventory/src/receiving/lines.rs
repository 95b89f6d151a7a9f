//! The rows of inbound lines: the same for receipts and for opening stock.

use chrono::NaiveDate;
use kernel::{TenantId, Txn};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;

use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::Items;
use crate::documents::{LineAnswer, LineBase};
use crate::ledger::{Effects, LineOutcome, Price, ReceiveLine};
use crate::names::{DocumentId, ItemId, LotId};
use crate::rows::{self, Kind, Relation, given_row};

/// A stored line; also what the document's content hash covers, in this order.
#[derive(Clone, Debug, Serialize)]
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

pub async fn write_lines(txn: &Txn, tenant: TenantId, document: DocumentId, lines: &[LineRow]) -> Result<(), DbErr> {
    const LINE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("unit_price", Kind::Int),
        ("line_total", Kind::Int),
        ("free", Kind::Text),
        ("discount", Kind::Int),
        ("charges", Kind::Int),
        ("value", Kind::Int),
        ("batch_code", Kind::Text),
        ("expires_on", Kind::Date),
        ("produced_on", Kind::Date),
    ]);
    let backend = txn.get_database_backend();
    let row = |line: &LineRow| {
        given_row!(
            backend,
            tenant,
            document,
            line.line_no,
            line.item_id,
            line.lot_id,
            line.entered_quantity,
            line.entered_unit,
            line.quantity,
            line.unit_price,
            line.line_total,
            line.free,
            line.discount,
            line.charges,
            line.value,
            line.batch_code,
            line.expires_on,
            line.produced_on,
        )
    };
    rows::insert(txn, "receipt_line", LINE, lines.iter().map(row).collect()).await
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
