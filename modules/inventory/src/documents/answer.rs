//! What a posting answers: everything that it did, so that nothing has to be read back.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use inventory_entity::{document, document_detail};
use kernel::{Caller, Instant, Outcome, Permission, Txn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::line_answer::{LineAnswer, Names, line_answers};
use super::lines::Lines;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::{Items, Reasons, sites_of};
use crate::error::Error;
use crate::http::{HideCosts, Recheck, hide, need_site};
use crate::ledger::{Basis, Detail, DocumentType, EntryAnswer, Head, Posted, VarianceKind};
use crate::names::Word as _;
use crate::shortages::Shortage;

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
    /// What was asked for and is not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortages: Vec<ShortageAnswer>,
    /// What the ledger does not hold of the cost of lots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variances: Vec<VarianceAnswer>,
    /// What was missing of the items here before they were received, and is not cleared yet: the oldest, at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_shortages: Vec<Shortage>,
    /// What was missing before and this has cleared: of a receipt, where that was asked for, the oldest 500 at most; of a count, all that
    /// was missing of what it says how much there is of; of a reversal, what the document that it undoes had found missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared_shortages: Vec<Shortage>,
    /// What the document had cleared that this undoes, and is missing again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopened_shortages: Vec<Shortage>,
}

impl HideCosts for PostedAnswer {
    fn hide_costs(&mut self) {
        self.document.hide_costs();
        self.entries.hide_costs();
        self.balances.hide_costs();
        // A variance is nothing but money.
        self.variances.clear();
    }
}

impl Recheck for PostedAnswer {
    /// Every site that it tells of, and `backdate` where it was needed.
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let document = &self.document;
            let entries = self.entries.iter().map(|entry| (entry.location_id, entry.business_date));
            let days: BTreeSet<_> = entries.chain([(document.location_id, document.business_date)]).collect();
            let sites = sites_of(txn, caller.tenant_id, days.iter().map(|(location, _)| *location)).await?;
            for (site, _) in sites.values() {
                need_site(caller, *site)?;
            }
            let lies_back = |location, date| sites.get(&location).is_some_and(|(_, days)| date < days.business_date(document.recorded_at));
            if days.iter().any(|(location, date)| lies_back(*location, *date)) {
                caller.need(Permission::Backdate)?;
            }
            Ok(())
        })
    }

    fn unnumbered(&self) -> Option<Uuid> {
        self.document.chain_hash.is_empty().then_some(self.document.id)
    }

    fn number(&mut self, head: &Head) {
        self.document.number = self.document.r#type.show(head.number());
        head.link().clone_into(&mut self.document.chain_hash);
        let seqs = head.sequence(self.entries.len());
        self.entries.iter_mut().zip(seqs).for_each(|(entry, seq)| entry.seq = seq);
    }
}

/// What only some kinds of documents say.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentDetail)]
pub struct DetailAnswer {
    /// The document that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses_id: Option<Uuid>,
    /// The document that undid this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed_by_id: Option<Uuid>,
    /// The code of the reason for which it undoes another document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The receipt whose cost this changes, or which this corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about_id: Option<Uuid>,
    /// The transfer that this is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<Uuid>,
    /// The count that this posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_id: Option<Uuid>,
    /// What goods were used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Who got a donation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The user who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Uuid>,
}

impl From<&Detail> for DetailAnswer {
    fn from(detail: &Detail) -> Self {
        let Detail { reverses_id, reason_id: _, about_id, transfer_id, count_id, purpose, recipient, approved_by } = detail.clone();
        let purpose = purpose.map(str::to_owned);
        Self { reverses_id, reversed_by_id: None, reason: None, about_id, transfer_id, count_id, purpose, recipient, approved_by }
    }
}

impl From<document_detail::Model> for DetailAnswer {
    fn from(row: document_detail::Model) -> Self {
        Self {
            reverses_id: row.reverses_id,
            reversed_by_id: None,
            reason: None,
            about_id: row.about_id,
            transfer_id: row.transfer_id,
            count_id: row.count_id,
            purpose: row.purpose,
            recipient: row.recipient,
            approved_by: row.approved_by,
        }
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
    /// `posted`, or `reversed` by another document.
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
    /// What only some kinds of documents say.
    #[serde(flatten)]
    pub detail: DetailAnswer,
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

/// What was asked for and is not there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PostedShortage)]
pub struct ShortageAnswer {
    /// Its id, to clear it by.
    pub id: Uuid,
    /// The line of the document, counted from one.
    pub line_no: i64,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The location's id.
    pub location_id: Uuid,
    /// How much is missing, in `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
}

/// What the ledger does not hold of a lot's cost.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CostVariance)]
pub struct VarianceAnswer {
    /// The lot's id.
    pub lot_id: Uuid,
    /// In currency.
    pub amount: Money,
    /// What it comes from.
    pub kind: VarianceKind,
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
pub fn answer(posted: &Posted, location: &str, items: &Items, reasons: &Reasons, lines: &[Lines]) -> Result<PostedAnswer, Error> {
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
            reason: entry.reason_id.and_then(|reason| reasons.code(reason)),
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
    let shortages = posted.effects.shortages.iter().map(|shortage| {
        let (sku, unit) = items.names(shortage.key.item);
        let (id, line_no, quantity) = (shortage.id(posted.document.id), shortage.line_no, shortage.quantity);
        ShortageAnswer { id, line_no, item_id: shortage.key.item, sku, location_id: shortage.key.location, quantity, unit }
    });
    let variances = posted.effects.variances.iter().map(|it| VarianceAnswer { lot_id: it.lot, amount: it.amount, kind: it.kind });
    let names = Names { item: &|id| items.names(id), reason: &|id| reasons.code(id) };
    let (lines, charges) = line_answers(lines, &names)?;
    Ok(PostedAnswer {
        document: header(posted.document.clone(), location.to_owned(), posted.detail.clone(), lines, charges)?,
        entries: entries.collect(),
        balances: balances.collect(),
        shortages: shortages.collect(),
        variances: variances.collect(),
        open_shortages: Vec::new(),
        cleared_shortages: Vec::new(),
        reopened_shortages: Vec::new(),
    })
}

pub fn header(
    row: document::Model,
    location: String,
    detail: DetailAnswer,
    lines: Vec<LineAnswer>,
    charges: Vec<ChargeAnswer>,
) -> Result<DocumentAnswer, Error> {
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
        detail,
        lines,
        charges,
    })
}
