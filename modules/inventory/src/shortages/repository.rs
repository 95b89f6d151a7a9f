//! The rows of `shortage`. The ledger makes them.

use std::collections::HashSet;

use chrono::{DateTime, FixedOffset};
use inventory_entity::shortage;
use kernel::{Instant, Sites, TenantId, Txn, UserId, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::{Shortage, ShortageStatus};
use crate::arithmetic::Quantity;
use crate::ledger::DocumentType;
use crate::names::{DocumentId, ItemId, LocationId, Word as _};
use crate::rows::{self, Filter, Kind, Relation, given_row};

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    shortage: shortage::Model,
    sku: String,
    unit: String,
    location: String,
    document_type: String,
    document_number: i64,
}

/// The shortages that a filter keeps, in the order and up to the number that `tail` says.
pub async fn select(connection: &impl ConnectionTrait, filter: Filter, tail: &str) -> Result<Vec<Shortage>, DbErr> {
    let sql = format!(
        "SELECT shortage.*, item.sku, unit.code AS unit, location.path AS location, document.type AS document_type, document.number AS document_number \
         FROM shortage JOIN item ON item.tenant_id = shortage.tenant_id AND item.id = shortage.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = shortage.tenant_id AND location.id = shortage.location_id \
         JOIN document ON document.tenant_id = shortage.tenant_id AND document.id = shortage.document_id {} {tail}",
        filter.sql()
    );
    rows::all::<Row>(connection, &sql, filter.into_values()).await?.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Shortage, DbErr> {
    let Row { shortage: row, sku, unit, location, document_type, document_number } = row;
    Ok(Shortage {
        id: row.id,
        status: ShortageStatus::stored(&row.status)?,
        document_id: row.document_id,
        document_number: DocumentType::stored(&document_type)?.show(document_number),
        line_no: row.line_no,
        item_id: row.item_id,
        sku,
        location_id: row.location_id,
        location,
        quantity: Quantity(row.quantity),
        unit,
        cleared_by_document_id: row.cleared_by_document_id,
        cleared_by: row.cleared_by,
        cleared_at: row.cleared_at.map(Instant::from),
        note: row.note,
        version: row.version,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    })
}

/// A shortage at one of the caller's sites.
pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, sites: &Sites, id: Uuid) -> Result<Option<Shortage>, DbErr> {
    let mut filter = Filter::tenant("shortage.tenant_id", tenant);
    filter.and("shortage.id = ?", id);
    filter.and_sites(connection.get_database_backend(), "location.site_id", sites);
    Ok(select(connection, filter, "").await?.pop())
}

/// Those of one document by its lines: their ids, made of both, are in no order.
const OLDEST_FIRST: &str = "ORDER BY shortage.created_at, shortage.document_id, shortage.line_no";

/// How many shortages a receipt offers to clear: the oldest.
pub const OFFERED: usize = 500;

/// The open shortages of items at a location, the oldest first.
pub async fn open_at(txn: &Txn, tenant: TenantId, location: LocationId, items: impl Iterator<Item = ItemId>) -> Result<Vec<Shortage>, DbErr> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    let backend = txn.get_database_backend();
    let mut filter = Filter::tenant("shortage.tenant_id", tenant);
    filter.and("shortage.location_id = ?", location);
    let given = filter.bind(rows::parameter(items.map(|item| given_row!(backend, item)).collect()));
    let ids = ID.select(backend, given.trim_start_matches('$').parse().unwrap_or(0));
    filter.and_plain(&format!("shortage.status = 'open' AND shortage.item_id IN ({ids})"));
    select(txn, filter, &format!("{OLDEST_FIRST} LIMIT {OFFERED}")).await
}

/// Those of these ids, the oldest first. None is asked for where there are none.
pub async fn of_ids(txn: &Txn, tenant: TenantId, ids: impl ExactSizeIterator<Item = Uuid>) -> Result<Vec<Shortage>, DbErr> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    if ids.len() == 0 {
        return Ok(Vec::new());
    }
    let backend = txn.get_database_backend();
    let mut filter = Filter::tenant("shortage.tenant_id", tenant);
    let given = filter.bind(rows::parameter(ids.map(|id| given_row!(backend, id)).collect()));
    filter.and_plain(&format!("shortage.id IN ({})", ID.select(backend, given.trim_start_matches('$').parse().unwrap_or(0))));
    select(txn, filter, OLDEST_FIRST).await
}

/// Those of a document that its reversal has cleared, the oldest first.
pub async fn cleared_by(txn: &Txn, tenant: TenantId, undone: DocumentId, reversal: DocumentId) -> Result<Vec<Shortage>, DbErr> {
    let mut filter = Filter::tenant("shortage.tenant_id", tenant);
    filter.and("shortage.document_id = ?", undone);
    filter.and("shortage.cleared_by_document_id = ?", reversal);
    select(txn, filter, OLDEST_FIRST).await
}

/// By what shortages are cleared.
#[derive(Clone, Copy, Debug)]
pub struct Clearing<'a> {
    pub by: UserId,
    pub document: Option<DocumentId>,
    pub note: Option<&'a str>,
    pub at: Instant,
}

/// Clears those that are still open, and answers which those were.
pub async fn clear(txn: &Txn, tenant: TenantId, ids: impl Iterator<Item = Uuid>, clearing: Clearing<'_>) -> Result<HashSet<Uuid>, DbErr> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    #[derive(FromQueryResult)]
    struct ClearedRow {
        id: Uuid,
    }
    let backend = txn.get_database_backend();
    let (at, document) = if database::is_postgres(txn) { ("$5::timestamptz", "$3::uuid") } else { ("$5", "$3") };
    let sql = format!(
        "UPDATE shortage SET status = 'cleared', cleared_by = $2, cleared_by_document_id = {document}, note = $4, cleared_at = {at}, updated_at = {at}, \
         version = version + 1 WHERE tenant_id = $1 AND status = 'open' AND id IN ({}) RETURNING id",
        ID.select(backend, 6)
    );
    let given = rows::parameter(ids.map(|id| given_row!(backend, id)).collect());
    let moment: DateTime<FixedOffset> = clearing.at.into();
    let note = clearing.note.map(str::to_owned);
    let values = [tenant.into(), clearing.by.into(), clearing.document.into(), note.into(), moment.into(), given];
    Ok(rows::all::<ClearedRow>(txn, &sql, values).await?.into_iter().map(|row| row.id).collect())
}
