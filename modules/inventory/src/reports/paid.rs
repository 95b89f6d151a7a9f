//! What was paid for the lines of receipts, as they stood at the time that is asked about: a line that was entered wrongly cost
//! what it was corrected to, and where the invoice came at another price, that is what was paid.

use std::collections::HashMap;

use kernel::{Caller, Txn};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::costing::Paid;
use super::valuation::Request;
use crate::names::{DocumentId, ItemId};
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// A line as it was posted with its receipt.
#[derive(Clone, Copy, Debug)]
pub struct PostedLine {
    pub receipt: DocumentId,
    pub line_no: i64,
    /// In millionths of the base unit.
    pub quantity: i64,
    /// What it cost less its discount, without charges, in millionths of the currency.
    pub value: i64,
    pub is_free: bool,
}

/// What was said of lines after they were posted.
#[derive(Debug, Default)]
pub struct Prices {
    said: HashMap<(DocumentId, i64), Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// Quantity and value of the last correction.
    corrected: Option<(i64, i64)>,
    /// The sum of the differences between invoice and receipt.
    differences: i128,
}

#[derive(FromQueryResult)]
struct Row {
    receipt_id: Uuid,
    receipt_line_no: i64,
    /// Of a correction; a difference in price has none.
    quantity: Option<i64>,
    value: i64,
}

impl Prices {
    /// What was said of the lines of some items by the time that is asked about.
    pub async fn read(reader: &Txn, caller: &Caller, request: &Request, items: impl Iterator<Item = ItemId>) -> Result<Self, DbErr> {
        const WANTED: Relation = Relation(&[("id", Kind::Uuid)]);
        let backend = reader.get_database_backend();
        let mut filter = Filter::tenant("line.tenant_id", caller.tenant_id);
        filter.bind(rows::parameter(items.map(|item| given_row!(backend, item)).collect()));
        filter.and_plain("line.item_id = wanted.id");
        request.until(&mut filter, "document");
        let said = |columns: &str, table: &str, condition: &str| {
            format!(
                "SELECT detail.about_id AS receipt_id, line.receipt_line_no, document.position, {columns} FROM ({}) AS wanted CROSS JOIN {table} AS line \
                 JOIN document_detail AS detail ON detail.tenant_id = line.tenant_id AND detail.document_id = line.document_id \
                 JOIN document ON document.tenant_id = line.tenant_id AND document.id = line.document_id \
                 JOIN receipt_line AS received ON received.tenant_id = detail.tenant_id AND received.document_id = detail.about_id \
                 AND received.line_no = line.receipt_line_no {}{condition}",
                WANTED.select(backend, 2),
                filter.sql()
            )
        };
        let sql = format!(
            "{} UNION ALL {} ORDER BY position",
            said("line.quantity, line.line_total - received.discount AS value", "correction_line", ""),
            said("CAST(NULL AS BIGINT) AS quantity, line.amount AS value", "cost_change_line", " AND line.kind = 'price'"),
        );
        let mut prices = Self::default();
        for row in rows::all::<Row>(reader, &sql, filter.into_values()).await? {
            let said = prices.said.entry((row.receipt_id, row.receipt_line_no)).or_default();
            match row.quantity {
                Some(quantity) => said.corrected = Some((quantity, row.value)),
                None => said.differences += i128::from(row.value),
            }
        }
        Ok(prices)
    }

    /// What was paid for a line. `None` for what was given, and for what cost nothing: that says nothing of the price. (A gift
    /// that an invoice came for is none.)
    pub fn paid(&self, line: PostedLine) -> Option<Paid> {
        let said = self.said.get(&(line.receipt, line.line_no));
        if line.is_free && said.is_none() {
            return None;
        }
        let (quantity, value) = said.and_then(|said| said.corrected).unwrap_or((line.quantity, line.value));
        let value = i128::from(value) + said.map_or(0, |said| said.differences);
        let value = i64::try_from(value).ok()?;
        (quantity > 0 && value > 0).then_some(Paid { quantity, value })
    }
}
