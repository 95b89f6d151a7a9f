//! The rows of counts and of their lines.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, Problem, TenantId, Txn, UserId, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::lines::{Counted, Slot};
use super::{CountAnswer, CountStatus, Uncounted};
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, ItemId, LocationId, LotId};
use crate::rows::{self, Kind, Relation, given_row};

#[derive(FromQueryResult)]
pub struct CountRow {
    pub id: Uuid,
    version: i64,
    created_at: DateTime<FixedOffset>,
    updated_at: DateTime<FixedOffset>,
    status: String,
    location_id: Uuid,
    location: String,
    site_id: Uuid,
    blind: bool,
    needs_approval: bool,
    uncounted: String,
    document_id: Option<Uuid>,
    started_at: Option<DateTime<FixedOffset>>,
    reviewed_at: Option<DateTime<FixedOffset>>,
    reviewed_seq: Option<i64>,
    approved_by: Option<Uuid>,
    external_ref: Option<String>,
    note: Option<String>,
    created_by: Uuid,
}

impl CountRow {
    pub fn into_answer(self) -> Result<CountAnswer, DbErr> {
        Ok(CountAnswer {
            id: self.id,
            status: CountStatus::stored(&self.status)?,
            location_id: self.location_id,
            location: self.location,
            site_id: self.site_id,
            blind: self.blind,
            needs_approval: self.needs_approval,
            uncounted: Uncounted::stored(&self.uncounted)?,
            document_id: self.document_id,
            started_at: self.started_at.map(Instant::from),
            reviewed_at: self.reviewed_at.map(Instant::from),
            reviewed_seq: self.reviewed_seq,
            approved_by: self.approved_by,
            external_ref: self.external_ref,
            note: self.note,
            created_by: self.created_by,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

/// Counts with the paths of their locations, before any WHERE.
pub const COUNTS: &str = "SELECT stock_count.id, stock_count.version, stock_count.created_at, stock_count.updated_at, stock_count.status, stock_count.location_id, \
     location.path AS location, stock_count.site_id, stock_count.blind, stock_count.needs_approval, stock_count.uncounted, stock_count.document_id, \
     stock_count.started_at, stock_count.reviewed_at, stock_count.reviewed_seq, stock_count.approved_by, stock_count.external_ref, stock_count.note, stock_count.created_by \
     FROM stock_count JOIN location ON location.tenant_id = stock_count.tenant_id AND location.id = stock_count.location_id";

pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: Uuid) -> Result<Option<CountAnswer>, Error> {
    let sql = format!("{COUNTS} WHERE stock_count.tenant_id = $1 AND stock_count.id = $2");
    let row = rows::one::<CountRow>(connection, &sql, [tenant.into(), id.into()]).await?;
    Ok(row.map(CountRow::into_answer).transpose()?)
}

/// The count, locked until the transaction ends: whatever is read of its lines after that stays so. SQLite has one writer.
pub async fn lock(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<Option<CountAnswer>, Error> {
    let lock = if database::is_postgres(txn) { "FOR NO KEY UPDATE OF stock_count" } else { "" };
    let sql = format!("{COUNTS} WHERE stock_count.tenant_id = $1 AND stock_count.id = $2 {lock}");
    let row = rows::one::<CountRow>(txn, &sql, [tenant.into(), id.into()]).await.map_err(busy)?;
    Ok(row.map(CountRow::into_answer).transpose()?)
}

fn busy(error: DbErr) -> Error {
    if database::is_lock_timeout(&error) {
        return Problem::new(503, "count_busy", "Others are working on this count; nothing was changed. Try again.").retry_after(1).into();
    }
    Error::Database(error)
}

pub async fn insert(txn: &Txn, tenant: TenantId, count: &CountAnswer) -> Result<(), Error> {
    const COUNT: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("version", Kind::Int),
        ("created_at", Kind::Instant),
        ("updated_at", Kind::Instant),
        ("status", Kind::Text),
        ("location_id", Kind::Uuid),
        ("site_id", Kind::Uuid),
        ("blind", Kind::Bool),
        ("needs_approval", Kind::Bool),
        ("uncounted", Kind::Text),
        ("external_ref", Kind::Text),
        ("note", Kind::Text),
        ("created_by", Kind::Uuid),
    ]);
    let backend = txn.get_database_backend();
    let row = given_row!(
        backend,
        count.id,
        tenant,
        count.version,
        count.created_at,
        count.updated_at,
        count.status.word(),
        count.location_id,
        count.site_id,
        count.blind,
        count.needs_approval,
        count.uncounted.word(),
        count.external_ref,
        count.note,
        count.created_by,
    );
    Ok(rows::insert(txn, "stock_count", COUNT, vec![row]).await?)
}

/// Writes a locked count as it is after a step.
pub async fn save(txn: &Txn, tenant: TenantId, count: &CountAnswer) -> Result<(), Error> {
    let time = |at: Option<Instant>| at.map(DateTime::<FixedOffset>::from);
    let sql = "UPDATE stock_count SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, \
               approved_by = $10, uncounted = $11 WHERE tenant_id = $1 AND id = $2";
    let values: [sea_orm::Value; 11] = [
        tenant.into(),
        count.id.into(),
        count.version.into(),
        DateTime::<FixedOffset>::from(count.updated_at).into(),
        count.status.word().into(),
        count.document_id.into(),
        time(count.started_at).into(),
        time(count.reviewed_at).into(),
        count.reviewed_seq.into(),
        count.approved_by.into(),
        count.uncounted.word().into(),
    ];
    rows::execute(txn, sql, values).await?;
    Ok(())
}

/// The areas of a count.
#[derive(Clone, Debug, FromQueryResult)]
pub struct AreaRow {
    pub id: Uuid,
    pub path: String,
    pub archived_at: Option<DateTime<FixedOffset>>,
}

/// The areas that lie in a location, itself too where it is one; what is for goods in transit is none.
pub async fn areas(txn: &Txn, tenant: TenantId, path: &str) -> Result<Vec<AreaRow>, Error> {
    let sql = "SELECT id, path, archived_at FROM location WHERE tenant_id = $1 AND kind = 'area' \
               AND (path = $2 OR substr(path, 1, length($2) + 1) = $2 || '/') ORDER BY path";
    Ok(rows::all(txn, sql, [tenant.into(), path.into()]).await?)
}

/// What is known of a lot that a line names.
#[derive(Clone, Debug)]
pub struct NamedLot {
    pub item: ItemId,
    pub received_at: Instant,
    pub void: bool,
}

pub async fn lots(txn: &Txn, tenant: TenantId, wanted: &BTreeSet<LotId>) -> Result<BTreeMap<LotId, NamedLot>, Error> {
    #[derive(FromQueryResult)]
    struct LotRow {
        id: Uuid,
        item_id: Uuid,
        received_at: DateTime<FixedOffset>,
        void: bool,
    }
    let backend = txn.get_database_backend();
    let sql = format!("SELECT id, item_id, received_at, void FROM lot WHERE tenant_id = $1 AND id IN ({})", ID.select(backend, 2));
    let wanted = rows::parameter(wanted.iter().map(|id| given_row!(backend, *id)).collect());
    let found = rows::all::<LotRow>(txn, &sql, [tenant.into(), wanted]).await?;
    Ok(found.into_iter().map(|row| (row.id, NamedLot { item: row.item_id, received_at: row.received_at.into(), void: row.void })).collect())
}

const ID: Relation = Relation(&[("id", Kind::Uuid)]);
/// The columns of a line that are answered or posted.
pub const LINE_COLUMNS: &str = "line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at, \
     line.counted_by, line.recount, line.uncounted, line.note";

#[derive(FromQueryResult)]
pub struct LineRow {
    pub item_id: Uuid,
    pub location_id: Uuid,
    pub lot_id: Option<Uuid>,
    entered_quantity: i64,
    entered_unit: String,
    quantity: i64,
    counted_at: DateTime<FixedOffset>,
    counted_by: Uuid,
    recount: bool,
    uncounted: bool,
    note: Option<String>,
}

impl LineRow {
    pub fn into_line(self) -> (Slot, Counted) {
        let slot = Slot { item: self.item_id, location: self.location_id, lot: self.lot_id };
        let counted = Counted {
            entered: Quantity(self.entered_quantity),
            unit: self.entered_unit,
            quantity: Quantity(self.quantity),
            counted_at: self.counted_at.into(),
            counted_by: self.counted_by,
            recount: self.recount,
            uncounted: self.uncounted,
            note: self.note,
        };
        (slot, counted)
    }
}

/// All lines of a count, in the order of its document: item, area, lot.
pub async fn lines(txn: &Txn, tenant: TenantId, count: Uuid) -> Result<BTreeMap<Slot, Counted>, Error> {
    let sql = format!("SELECT {LINE_COLUMNS} FROM stock_count_line AS line WHERE line.tenant_id = $1 AND line.count_id = $2");
    let found = rows::all::<LineRow>(txn, &sql, [tenant.into(), count.into()]).await?;
    Ok(found.into_iter().map(LineRow::into_line).collect())
}

/// The lines of a count that are about some items.
pub async fn lines_of_items(txn: &Txn, tenant: TenantId, count: Uuid, items: &BTreeSet<ItemId>) -> Result<BTreeMap<Slot, Counted>, Error> {
    let backend = txn.get_database_backend();
    let sql = format!(
        "SELECT {LINE_COLUMNS} FROM stock_count_line AS line WHERE line.tenant_id = $1 AND line.count_id = $2 AND line.item_id IN ({})",
        ID.select(backend, 3)
    );
    let wanted = rows::parameter(items.iter().map(|id| given_row!(backend, *id)).collect());
    let found = rows::all::<LineRow>(txn, &sql, [tenant.into(), count.into(), wanted]).await?;
    Ok(found.into_iter().map(LineRow::into_line).collect())
}

/// The lines of the document that a count became, with their quantities as they were counted.
pub async fn posted_lines(txn: &Txn, tenant: TenantId, document: DocumentId) -> Result<BTreeMap<Slot, Counted>, Error> {
    let sql = "SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at, line.counted_by, \
               false AS recount, false AS uncounted, NULL AS note FROM count_result_line AS line WHERE line.tenant_id = $1 AND line.document_id = $2";
    let found = rows::all::<LineRow>(txn, sql, [tenant.into(), document.into()]).await?;
    Ok(found.into_iter().map(LineRow::into_line).collect())
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

pub async fn number_of_lines(txn: &Txn, tenant: TenantId, count: Uuid) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) AS number FROM stock_count_line WHERE tenant_id = $1 AND count_id = $2";
    Ok(rows::one::<Number>(txn, sql, [tenant.into(), count.into()]).await?.map_or(0, |found| found.number))
}

/// Keeps for good that somebody has written lines of a count, whoever writes them after.
pub async fn add_counter(txn: &Txn, tenant: TenantId, count: Uuid, user: UserId) -> Result<(), Error> {
    let sql = "INSERT INTO stock_count_counter (tenant_id, count_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    rows::execute(txn, sql, [tenant.into(), count.into(), user.into()]).await?;
    Ok(())
}

/// Whether somebody has ever written lines of a count.
pub async fn has_counted(txn: &Txn, tenant: TenantId, count: Uuid, user: UserId) -> Result<bool, Error> {
    let sql = "SELECT COUNT(*) AS number FROM stock_count_counter WHERE tenant_id = $1 AND count_id = $2 AND user_id = $3";
    Ok(rows::one::<Number>(txn, sql, [tenant.into(), count.into(), user.into()]).await?.is_some_and(|found| found.number > 0))
}

/// Takes out of a locked count what nobody counted: which that is, is found anew.
pub async fn forget_uncounted(txn: &Txn, tenant: TenantId, count: Uuid) -> Result<(), Error> {
    let sql = "DELETE FROM stock_count_line WHERE tenant_id = $1 AND count_id = $2 AND uncounted";
    rows::execute(txn, sql, [tenant.into(), count.into()]).await?;
    Ok(())
}

const SLOT: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("lot_key", Kind::Uuid)]);

fn slot_rows<'a>(txn: &Txn, slots: impl Iterator<Item = &'a Slot>) -> sea_orm::Value {
    let backend = txn.get_database_backend();
    rows::parameter(slots.map(|slot| given_row!(backend, slot.item, slot.location, slot.lot_key())).collect())
}

/// Takes lines out of a locked count.
pub async fn remove(txn: &Txn, tenant: TenantId, count: Uuid, slots: &BTreeSet<Slot>) -> Result<(), Error> {
    if slots.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "DELETE FROM stock_count_line WHERE tenant_id = $1 AND count_id = $2 AND (item_id, location_id, lot_key) IN ({})",
        SLOT.select(txn.get_database_backend(), 3)
    );
    rows::execute(txn, &sql, [tenant.into(), count.into(), slot_rows(txn, slots.iter())]).await?;
    Ok(())
}

/// Asks for some lines of a locked count to be counted again, or for all of them.
pub async fn ask_again(txn: &Txn, tenant: TenantId, count: Uuid, slots: Option<&BTreeSet<Slot>>) -> Result<(), Error> {
    let sql = "UPDATE stock_count_line SET recount = true WHERE tenant_id = $1 AND count_id = $2";
    match slots {
        None => rows::execute(txn, sql, [tenant.into(), count.into()]).await?,
        Some(slots) => {
            let sql = format!("{sql} AND (item_id, location_id, lot_key) IN ({})", SLOT.select(txn.get_database_backend(), 3));
            rows::execute(txn, &sql, [tenant.into(), count.into(), slot_rows(txn, slots.iter())]).await?
        }
    };
    Ok(())
}

/// Writes lines of a locked count, whether or not they were there.
pub async fn write<'a>(txn: &Txn, tenant: TenantId, count: Uuid, lines: impl Iterator<Item = (&'a Slot, &'a Counted)>) -> Result<(), Error> {
    const LINE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("count_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_key", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("counted_at", Kind::Instant),
        ("counted_by", Kind::Uuid),
        ("recount", Kind::Bool),
        ("uncounted", Kind::Bool),
        ("note", Kind::Text),
    ]);
    let backend = txn.get_database_backend();
    let row = |(slot, line): (&Slot, &Counted)| {
        given_row!(
            backend,
            tenant,
            count,
            slot.item,
            slot.location,
            slot.lot_key(),
            slot.lot,
            line.entered.0,
            line.unit,
            line.quantity.0,
            line.counted_at,
            line.counted_by,
            line.recount,
            line.uncounted,
            line.note,
        )
    };
    let given: Vec<_> = lines.map(row).collect();
    if given.is_empty() {
        return Ok(());
    }
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    let sql = format!(
        "INSERT INTO stock_count_line ({}) SELECT * FROM ({}) AS now WHERE true \
         ON CONFLICT (tenant_id, count_id, item_id, location_id, lot_key) DO UPDATE SET entered_quantity = excluded.entered_quantity, \
         entered_unit = excluded.entered_unit, quantity = excluded.quantity, counted_at = excluded.counted_at, counted_by = excluded.counted_by, \
         recount = excluded.recount, uncounted = excluded.uncounted, note = excluded.note",
        LINE.names(),
        LINE.select(backend, 1)
    );
    rows::execute(txn, &sql, [rows::parameter(given)]).await?;
    Ok(())
}

/// What lies in some areas, by lot.
pub async fn lying(txn: &Txn, tenant: TenantId, areas: &[AreaRow]) -> Result<Vec<Slot>, Error> {
    #[derive(FromQueryResult)]
    struct Lying {
        item_id: ItemId,
        location_id: LocationId,
        lot_id: LotId,
    }
    let backend = txn.get_database_backend();
    let sql = format!(
        "SELECT item_id, location_id, lot_id FROM balance WHERE tenant_id = $1 AND location_id IN ({}) AND quantity > 0 ORDER BY item_id, location_id, lot_id",
        ID.select(backend, 2)
    );
    let areas = rows::parameter(areas.iter().map(|area| given_row!(backend, area.id)).collect());
    let found = rows::all::<Lying>(txn, &sql, [tenant.into(), areas]).await?;
    Ok(found.into_iter().map(|row| Slot { item: row.item_id, location: row.location_id, lot: Some(row.lot_id) }).collect())
}

/// The last sequence number of the ledger.
pub async fn head_seq(txn: &Txn, tenant: TenantId) -> Result<i64, Error> {
    let sql = "SELECT seq AS number FROM ledger_head WHERE tenant_id = $1";
    Ok(rows::one::<Number>(txn, sql, [tenant.into()]).await?.map_or(0, |found| found.number))
}

/// Of which lots where something moved after a sequence number, among what a count is about.
pub async fn moved_since(txn: &Txn, tenant: TenantId, count: Uuid, seq: i64) -> Result<BTreeSet<Slot>, Error> {
    #[derive(FromQueryResult)]
    struct Moved {
        item_id: ItemId,
        location_id: LocationId,
        lot_id: Option<LotId>,
    }
    let sql = "SELECT DISTINCT line.item_id, line.location_id, line.lot_id FROM ledger_entry AS entry \
               JOIN stock_count_line AS line ON line.tenant_id = entry.tenant_id AND line.item_id = entry.item_id AND line.location_id = entry.location_id \
               AND (line.lot_id IS NULL OR line.lot_id = entry.lot_id) \
               WHERE entry.tenant_id = $1 AND entry.seq > $2 AND entry.quantity_delta <> 0 AND line.count_id = $3";
    let found = rows::all::<Moved>(txn, sql, [tenant.into(), seq.into(), count.into()]).await?;
    Ok(found.into_iter().map(|row| Slot { item: row.item_id, location: row.location_id, lot: row.lot_id }).collect())
}

/// Clears the open shortages of what was counted after them: the stock is what was counted. Those of the count itself stay.
pub async fn clear_shortages(
    txn: &Txn,
    tenant: TenantId,
    document: DocumentId,
    now: Instant,
    counted: &BTreeMap<(ItemId, LocationId), Instant>,
) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct ClearedRow {
        id: Uuid,
    }
    const COUNTED: Relation = Relation(&[("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("counted_at", Kind::Instant)]);
    let backend = txn.get_database_backend();
    let at = if database::is_postgres(txn) { "$4::timestamptz" } else { "$4" };
    let sql = format!(
        "UPDATE shortage SET status = 'cleared', cleared_by_document_id = $3, cleared_at = {at}, updated_at = {at}, version = shortage.version + 1 \
         FROM ({}) AS counted WHERE shortage.tenant_id = $2 AND shortage.status = 'open' AND shortage.document_id <> $3 \
         AND shortage.item_id = counted.item_id AND shortage.location_id = counted.location_id \
         AND EXISTS (SELECT 1 FROM document WHERE document.tenant_id = shortage.tenant_id AND document.id = shortage.document_id \
         AND document.effective_at <= counted.counted_at) RETURNING id",
        COUNTED.select(backend, 1)
    );
    let given = counted.iter().map(|((item, location), at)| given_row!(backend, *item, *location, *at)).collect();
    let now: DateTime<FixedOffset> = now.into();
    let cleared = rows::all::<ClearedRow>(txn, &sql, [rows::parameter(given), tenant.into(), document.into(), now.into()]).await?;
    Ok(cleared.into_iter().map(|row| row.id).collect())
}
