//! Receipts as they are now: as they were posted, with what was corrected since.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use kernel::{Fields, Instant, Permission, Text, Txn};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::{self, Ground, Items};
use crate::documents::lock_document;
use crate::error::Error;
use crate::http::need_site;
use crate::idempotency::Task;
use crate::ledger::{Counted, Detail, DocumentType, Header, Key, Kind, Permit, lot_places};
use crate::names::Word as _;
use crate::names::{DocumentId, ItemId, ItemRef, LotId};
use crate::rows;

/// What is said about a document that changes a receipt, beside its lines.
#[derive(Clone, Debug)]
pub struct Said {
    /// Now, where nothing is said.
    pub effective_at: Option<Instant>,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    pub counted: Counted,
}

impl Said {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (effective_at, counted) = (fields.optional("effective_at"), fields.or("counted", Counted::default()));
        let (external_ref, note) = (fields.optional::<Text<1, 200>>("external_ref"), fields.optional::<Text<1, 2000>>("note"));
        Some(Self { effective_at: effective_at?, external_ref: external_ref?.map(|text| text.0), note: note?.map(|text| text.0), counted: counted? })
    }
}

/// A receipt, or opening stock, that is posted and locked.
pub struct Received {
    pub id: DocumentId,
    pub ground: Ground,
    /// Whether the area that it was received in is archived now.
    pub archived: bool,
    /// By their numbers.
    pub lines: BTreeMap<i64, ReceivedLine>,
}

/// A line of a receipt as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedLine {
    pub item: ItemId,
    pub lot: LotId,
    /// As entered.
    pub entered: Quantity,
    pub unit: String,
    /// In the base unit.
    pub quantity: Quantity,
    /// What one `unit` costs, where the line says that and was not corrected.
    pub unit_price: Option<Money>,
    /// Whether it was received at a price per unit.
    pub by_unit: bool,
    /// What it costs before its discount.
    pub total: Money,
    pub discount: Money,
}

impl ReceivedLine {
    /// What it costs, without its share of charges.
    pub fn net(&self) -> Money {
        Money(self.total.0 - self.discount.0)
    }
}

impl Received {
    /// Locks a posted receipt or opening stock and reads it. A change of it needs what posting it needs: 409 `already_reversed`
    /// where it is undone, 404 where there is none.
    pub async fn lock<I>(task: &Task<I>, txn: &Txn, id: DocumentId) -> Result<Self, Error> {
        #[derive(FromQueryResult)]
        struct Row {
            r#type: String,
            site_id: Uuid,
            archived_at: Option<DateTime<FixedOffset>>,
        }
        let (caller, tenant) = (&task.caller, task.caller.tenant_id);
        let sql = "SELECT document.type, document.site_id, location.archived_at FROM document \
                   JOIN location ON location.tenant_id = document.tenant_id AND location.id = document.location_id \
                   WHERE document.tenant_id = $1 AND document.id = $2 AND document.type IN ('receipt', 'opening_stock')";
        let row = rows::one::<Row>(txn, sql, [tenant.into(), id.into()]).await?;
        let row = row.filter(|row| caller.sites.contain(row.site_id)).ok_or(Error::NotFound("receipt"))?;
        caller.need(DocumentType::stored(&row.r#type)?.needs())?;
        lock_document(txn, tenant, id).await?;
        let ground = lookup::area_of(txn, tenant, id, task.now).await?;
        Ok(Self { id, ground, archived: row.archived_at.is_some(), lines: lines(task, txn, id).await? })
    }

    /// Asks whether a document that changes this receipt may be posted.
    pub fn permitted<K: Kind, I>(&self, task: &Task<I>, id: DocumentId, said: &Said) -> Result<(Permit<K>, Header), Error> {
        let permit = Permit::ask(&task.caller, self.ground.area.clone(), said.effective_at, self.ground.now)?;
        let (external_ref, note) = (said.external_ref.clone(), said.note.clone());
        let detail = Detail { about_id: Some(self.id), ..Detail::default() };
        Ok((permit, Header { external_ref, note, counted: said.counted, detail, ..Header::plain(id, self.ground.rules) }))
    }

    /// The items of its lines.
    pub async fn items<I>(&self, task: &Task<I>, txn: &Txn) -> Result<Items, Error> {
        let mut ids: Vec<ItemId> = self.lines.values().map(|line| line.item).collect();
        ids.sort_unstable();
        ids.dedup();
        let named: Vec<ItemRef> = ids.into_iter().map(|item_id| ItemRef::Id { item_id }).collect();
        lookup::items(txn, task.caller.tenant_id, named.iter()).await
    }
}

/// Where lots lie: what is locked. The caller must have every site of it, since what lies there is answered.
pub async fn places<I>(task: &Task<I>, txn: &Txn, lots: &[LotId]) -> Result<Vec<Key>, Error> {
    let places = lot_places(txn, task.caller.tenant_id, lots).await?;
    for (_, site) in &places {
        need_site(&task.caller, *site)?;
    }
    Ok(places.into_iter().map(|(key, _)| key).collect())
}

async fn lines<I>(task: &Task<I>, txn: &Txn, id: DocumentId) -> Result<BTreeMap<i64, ReceivedLine>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        line_no: i64,
        item_id: Uuid,
        lot_id: Uuid,
        entered_quantity: i64,
        entered_unit: String,
        quantity: i64,
        unit_price: Option<i64>,
        discount: i64,
        charges: i64,
        value: i64,
    }
    #[derive(FromQueryResult)]
    struct CorrectedRow {
        receipt_line_no: i64,
        entered_quantity: i64,
        entered_unit: String,
        quantity: i64,
        line_total: i64,
    }
    let tenant = task.caller.tenant_id;
    let sql = "SELECT line_no, item_id, lot_id, entered_quantity, entered_unit, quantity, unit_price, discount, charges, value FROM receipt_line \
               WHERE tenant_id = $1 AND document_id = $2";
    let line = |row: Row| ReceivedLine {
        item: row.item_id,
        lot: row.lot_id,
        entered: Quantity(row.entered_quantity),
        unit: row.entered_unit,
        quantity: Quantity(row.quantity),
        unit_price: row.unit_price.map(Money),
        by_unit: row.unit_price.is_some(),
        total: Money(row.value - row.charges + row.discount),
        discount: Money(row.discount),
    };
    let found = rows::all::<Row>(txn, sql, [tenant.into(), id.into()]).await?;
    let mut lines: BTreeMap<i64, ReceivedLine> = found.into_iter().map(|row| (row.line_no, line(row))).collect();
    let sql = "SELECT line.receipt_line_no, line.entered_quantity, line.entered_unit, line.quantity, line.line_total FROM document_detail AS detail \
               JOIN correction_line AS line ON line.tenant_id = detail.tenant_id AND line.document_id = detail.document_id \
               JOIN document ON document.tenant_id = detail.tenant_id AND document.id = detail.document_id \
               WHERE detail.tenant_id = $1 AND detail.about_id = $2 ORDER BY document.position";
    for row in rows::all::<CorrectedRow>(txn, sql, [tenant.into(), id.into()]).await? {
        if let Some(line) = lines.get_mut(&row.receipt_line_no) {
            (line.entered, line.unit, line.quantity) = (Quantity(row.entered_quantity), row.entered_unit, Quantity(row.quantity));
            (line.unit_price, line.total) = (None, Money(row.line_total));
        }
    }
    Ok(lines)
}

/// 403 for a caller who enters money that comes onto lots, and may not see what they cost: a refusal would say it.
pub fn need_costs(caller: &kernel::Caller) -> Result<(), Error> {
    caller.need(Permission::SeeCosts)?;
    Ok(())
}
