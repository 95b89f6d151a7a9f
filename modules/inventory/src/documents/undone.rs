//! What is read of a document that is to be undone.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Instant, Problem, SiteId, TenantId, Txn, database};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::ledger::{DocumentType, EntryKind, FEW_BY_SEQ, Key, OldEntry, Place, TouchedBy, VarianceKind};
use crate::names::{DocumentId, LocationId, LotId, Word as _};
use crate::rows;

/// What a document is, which never changes.
pub struct Known {
    pub id: DocumentId,
    pub of: DocumentType,
    pub number: i64,
    pub site_id: SiteId,
    pub effective_at: Instant,
    pub business_date: NaiveDate,
    /// Its place in the chain; 0 for those from before places were counted.
    pub position: i64,
    pub transfer_id: Option<Uuid>,
    pub count_id: Option<Uuid>,
}

/// Finds a document, without locking it.
pub async fn find(txn: &Txn, tenant: TenantId, id: DocumentId) -> Result<Option<Known>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        r#type: String,
        number: i64,
        site_id: Uuid,
        effective_at: DateTime<FixedOffset>,
        business_date: NaiveDate,
        position: Option<i64>,
        transfer_id: Option<Uuid>,
        count_id: Option<Uuid>,
    }
    let sql = "SELECT document.type, document.number, document.site_id, document.effective_at, document.business_date, document.position, \
               detail.transfer_id, detail.count_id FROM document \
               LEFT JOIN document_detail AS detail ON detail.tenant_id = document.tenant_id AND detail.document_id = document.id \
               WHERE document.tenant_id = $1 AND document.id = $2";
    let Some(row) = rows::one::<Row>(txn, sql, [tenant.into(), id.into()]).await? else { return Ok(None) };
    Ok(Some(Known {
        id,
        of: DocumentType::stored(&row.r#type)?,
        number: row.number,
        site_id: row.site_id,
        effective_at: row.effective_at.into(),
        business_date: row.business_date,
        position: row.position.unwrap_or(0),
        transfer_id: row.transfer_id,
        count_id: row.count_id,
    }))
}

/// Locks a posted document until the transaction ends, so that it is undone, charged and corrected by one after the other:
/// 409 `already_reversed` where it is undone.
pub async fn lock_document(txn: &Txn, tenant: TenantId, id: DocumentId) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct Row {
        status: String,
    }
    // SQLite has one writer and nothing to lock.
    let lock = if database::is_postgres(txn) { " FOR NO KEY UPDATE" } else { "" };
    let sql = format!("SELECT status FROM document WHERE tenant_id = $1 AND id = $2{lock}");
    let row = rows::one::<Row>(txn, &sql, [tenant.into(), id.into()]).await.map_err(busy)?.ok_or(Error::NotFound("document"))?;
    if row.status == "posted" { Ok(()) } else { Err(already_reversed(txn, tenant, id).await?) }
}

/// 409 `already_reversed`, with the document that did it.
async fn already_reversed(txn: &Txn, tenant: TenantId, id: DocumentId) -> Result<Error, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        r#type: String,
        number: i64,
    }
    let sql = "SELECT document.id, document.type, document.number FROM document_detail AS detail \
               JOIN document ON document.tenant_id = detail.tenant_id AND document.id = detail.document_id \
               WHERE detail.tenant_id = $1 AND detail.reverses_id = $2";
    let Some(row) = rows::one::<Row>(txn, sql, [tenant.into(), id.into()]).await? else { return Ok(Error::AlreadyReversed) };
    let number = DocumentType::stored(&row.r#type)?.show(row.number);
    let problem = Problem::new(409, "already_reversed", format!("This document was reversed before, by {number}."));
    Ok(Error::Problem(problem.fact("reversed_by", serde_json::json!({ "document_id": row.id, "number": number }))))
}

/// Locks the count that a document posted, before the document itself, as whoever posts it again does.
pub async fn lock_count(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<(), Error> {
    if database::is_postgres(txn) {
        let sql = "SELECT id FROM stock_count WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE";
        rows::execute(txn, sql, [tenant.into(), id.into()]).await.map_err(busy)?;
    }
    Ok(())
}

fn busy(error: sea_orm::DbErr) -> Error {
    if database::is_lock_timeout(&error) { Error::StockBusy } else { Error::Database(error) }
}

/// A count whose document is undone is no longer posted.
pub async fn mark_count(txn: &Txn, tenant: TenantId, id: Uuid, now: Instant) -> Result<(), Error> {
    let at = if database::is_postgres(txn) { "$3::timestamptz" } else { "$3" };
    let sql = format!("UPDATE stock_count SET status = 'reversed', version = version + 1, updated_at = {at} WHERE tenant_id = $1 AND id = $2");
    let now: DateTime<FixedOffset> = now.into();
    rows::execute(txn, &sql, [tenant.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// The entries of a document, and the lots that it made, of which nobody has asked yet who touches them.
pub async fn entries(txn: &Txn, tenant: TenantId, document: DocumentId) -> Result<(Vec<OldEntry>, BTreeMap<LotId, TouchedBy>), Error> {
    #[derive(FromQueryResult)]
    struct Row {
        line_no: i64,
        kind: String,
        item_id: Uuid,
        location_id: Uuid,
        lot_id: Uuid,
        quantity_delta: i64,
        value_delta: i64,
        effective_at: DateTime<FixedOffset>,
        business_date: NaiveDate,
        origin_document_id: Uuid,
    }
    let sql = format!(
        "SELECT entry.line_no, entry.kind, entry.item_id, entry.location_id, entry.lot_id, entry.quantity_delta, entry.value_delta, \
         entry.effective_at, entry.business_date, lot.origin_document_id FROM ledger_entry AS entry \
         JOIN lot ON lot.tenant_id = entry.tenant_id AND lot.id = entry.lot_id \
         WHERE entry.tenant_id = $1 AND entry.document_id = $2 ORDER BY {FEW_BY_SEQ}"
    );
    let (mut entries, mut made) = (Vec::new(), BTreeMap::new());
    for row in rows::all::<Row>(txn, &sql, [tenant.into(), document.into()]).await? {
        if row.origin_document_id == document {
            made.insert(row.lot_id, TouchedBy::default());
        }
        entries.push(OldEntry {
            line_no: row.line_no,
            kind: EntryKind::stored(&row.kind)?,
            place: Place { key: Key { item: row.item_id, location: row.location_id }, lot: row.lot_id },
            quantity: Quantity(row.quantity_delta),
            value: Money(row.value_delta),
            at: row.effective_at.into(),
            business_date: row.business_date,
        });
    }
    Ok((entries, made))
}

pub async fn variances(txn: &Txn, tenant: TenantId, document: DocumentId) -> Result<Vec<(LotId, Money, VarianceKind)>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        lot_id: Uuid,
        amount: i64,
        kind: String,
    }
    let sql = "SELECT lot_id, amount, kind FROM cost_variance WHERE tenant_id = $1 AND document_id = $2 ORDER BY number";
    let rows = rows::all::<Row>(txn, sql, [tenant.into(), document.into()]).await?;
    rows.into_iter().map(|row| Ok((row.lot_id, Money(row.amount), VarianceKind::stored(&row.kind)?))).collect()
}

/// A place that a document touched.
pub struct Touched {
    pub path: String,
    pub site_id: SiteId,
    pub archived: bool,
    pub days: SiteDays,
}

/// Every place that a document touched, by its id.
pub async fn places(txn: &Txn, tenant: TenantId, document: DocumentId) -> Result<BTreeMap<LocationId, Touched>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        path: String,
        site_id: Uuid,
        archived_at: Option<DateTime<FixedOffset>>,
        time_zone: Option<String>,
        day_starts_at: Option<String>,
    }
    let sql = "SELECT location.id, location.path, location.site_id, location.archived_at, site.time_zone, site.day_starts_at FROM location \
               JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id \
               WHERE location.tenant_id = $1 AND location.id IN (SELECT entry.location_id FROM ledger_entry AS entry WHERE entry.tenant_id = $1 AND entry.document_id = $2)";
    let touched = |row: Row| {
        let days = site_days(row.time_zone.as_deref(), row.day_starts_at.as_deref())?;
        Ok((row.id, Touched { path: row.path, site_id: row.site_id, archived: row.archived_at.is_some(), days }))
    };
    rows::all::<Row>(txn, sql, [tenant.into(), document.into()]).await?.into_iter().map(touched).collect()
}
