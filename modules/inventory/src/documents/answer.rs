//! What a posting answers: everything that it did, so that nothing has to be read back.

use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Caller, Instant, Outcome, Permission, Txn};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::{Items, site_of};
use crate::error::Error;
use crate::http::{HideCosts, Recheck, hide, need_site};
use crate::ledger::{Basis, DocumentType, EntryAnswer, Posted};
use crate::names::ReasonId;
use crate::names::Word as _;

/// A posted document with its entries and the balances that it left.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Posted)]
pub struct PostedAnswer {
    /// The document.
    pub document: DocumentAnswer,
    /// What it wrote into the ledger, in order.
    pub entries: Vec<EntryAnswer>,
    /// What now lies at every place that it touched.
    pub balances: Vec<BalanceAnswer>,
}

impl HideCosts for PostedAnswer {
    fn hide_costs(&mut self) {
        self.document.hide_costs();
        self.entries.hide_costs();
        self.balances.hide_costs();
    }
}

impl Recheck for PostedAnswer {
    /// The site, and `backdate` where it was needed.
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let document = &self.document;
            let (site_id, days) = site_of(txn, caller.tenant_id, document.location_id).await?;
            need_site(caller, site_id)?;
            if document.business_date < days.business_date(document.recorded_at) {
                caller.need(Permission::Backdate)?;
            }
            Ok(())
        })
    }
}

/// A document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Document)]
pub struct DocumentAnswer {
    /// Its id.
    pub id: Uuid,
    /// What kind of document it is.
    pub r#type: DocumentType,
    /// Its number, without gaps within its type: `R-000017`.
    pub number: String,
    /// `posted`.
    pub status: String,
    /// When it happened.
    pub effective_at: Instant,
    /// The business date of the site on which it happened.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The user who posted it.
    pub posted_by: Uuid,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// What the client calls it.
    pub external_ref: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// SHA-256 over its content.
    pub content_hash: String,
    /// SHA-256 over the document before it, its number, its last sequence number and its content.
    pub chain_hash: String,
    /// Grows with every change.
    pub version: i64,
    /// Its lines; left out in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineAnswer>,
    /// Charges on the whole of a receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<ChargeAnswer>,
}

impl HideCosts for DocumentAnswer {
    fn hide_costs(&mut self) {
        self.lines.hide_costs();
        // A charge is nothing but money: without its amount it has nothing to say.
        self.charges.clear();
    }
}

/// A line of a document. What a kind of document has no use for is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentLine)]
pub struct LineAnswer {
    /// Counted from one.
    pub line_no: i64,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The lot that it made, or that it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot_id: Option<Uuid>,
    /// As entered, in `unit`.
    pub quantity: Quantity,
    /// The unit of `quantity`.
    pub unit: String,
    /// The same in the item's base unit.
    pub base_quantity: Quantity,
    /// The item's base unit.
    pub base_unit: String,
    /// What one `unit` cost as it was entered, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What the line cost as it was entered, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_total: Option<Money>,
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
    /// What stands on the package, to the letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_code: Option<String>,
    /// Its date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub produced_on: Option<NaiveDate>,
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
        hide(&mut [&mut self.unit_price, &mut self.line_total, &mut self.discount, &mut self.charges, &mut self.value]);
    }
}

/// What a line of every kind of document has, as it is stored.
#[derive(FromQueryResult)]
pub struct LineBase {
    pub line_no: i64,
    pub item_id: Uuid,
    pub sku: String,
    pub base_unit: String,
    pub lot_id: Option<Uuid>,
    pub entered_quantity: i64,
    pub entered_unit: String,
    pub quantity: i64,
    pub value: i64,
}

impl LineBase {
    /// The line as it is answered; its kind adds the rest.
    pub fn answer(self) -> LineAnswer {
        LineAnswer {
            line_no: self.line_no,
            item_id: self.item_id,
            sku: self.sku,
            lot_id: self.lot_id,
            quantity: Quantity(self.entered_quantity),
            unit: self.entered_unit,
            base_quantity: Quantity(self.quantity),
            base_unit: self.base_unit,
            value: Some(Money(self.value)),
            ..LineAnswer::default()
        }
    }
}

/// A charge on a whole receipt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptCharge)]
pub struct ChargeAnswer {
    /// What it was for.
    pub label: String,
    /// In currency; negative for a rebate. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// By what it was shared out.
    pub basis: Basis,
}

/// What lies at a place, of one lot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Balance)]
pub struct BalanceAnswer {
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The lot's id.
    pub lot_id: Uuid,
    /// In `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
    /// What it is worth. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

impl HideCosts for BalanceAnswer {
    fn hide_costs(&mut self) {
        hide(&mut [&mut self.value]);
    }
}

/// The answer to a posting, from what was posted and the names of its request.
pub fn answer(
    posted: &Posted,
    location: &str,
    items: &Items,
    reason: impl Fn(ReasonId) -> Option<String>,
    lines: Vec<LineAnswer>,
    charges: Vec<ChargeAnswer>,
) -> Result<PostedAnswer, Error> {
    let entries = posted.entries.iter().map(|entry| {
        let (sku, unit) = items.names(entry.item_id);
        EntryAnswer {
            seq: entry.seq,
            document_id: entry.document_id,
            line_no: entry.line_no,
            kind: entry.kind,
            item_id: entry.item_id,
            sku,
            location_id: entry.location_id,
            lot_id: entry.lot_id,
            quantity: entry.quantity,
            unit,
            value: Some(entry.value),
            effective_at: entry.effective_at,
            business_date: entry.business_date,
            recorded_at: entry.recorded_at,
            actor_id: entry.actor_id,
            reason: entry.reason_id.and_then(&reason),
        }
    });
    let balances = posted.effects.balances.iter().map(|balance| {
        let (sku, unit) = items.names(balance.place.key.item);
        BalanceAnswer {
            item_id: balance.place.key.item,
            sku,
            location_id: balance.place.key.location,
            lot_id: balance.place.lot,
            quantity: balance.holding.quantity,
            unit,
            value: Some(balance.holding.value),
        }
    });
    let document = header(posted.document.clone(), location.to_owned(), lines, charges)?;
    Ok(PostedAnswer { document, entries: entries.collect(), balances: balances.collect() })
}

pub fn header(row: document::Model, location: String, lines: Vec<LineAnswer>, charges: Vec<ChargeAnswer>) -> Result<DocumentAnswer, Error> {
    let r#type = DocumentType::stored(&row.r#type)?;
    Ok(DocumentAnswer {
        id: row.id,
        r#type,
        number: r#type.show(row.number),
        status: row.status,
        effective_at: row.effective_at.into(),
        business_date: row.business_date,
        recorded_at: row.recorded_at.into(),
        posted_by: row.posted_by,
        location_id: row.location_id,
        location,
        external_ref: row.external_ref,
        note: row.note,
        content_hash: row.content_hash,
        chain_hash: row.chain_hash,
        version: row.version,
        lines,
        charges,
    })
}
