//! The rows of transfers: where they go, what was asked for, and what became of each lot.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::TransferStatus;
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::ledger::UnderWay;
use crate::names::Word as _;
use crate::names::{DocumentId, ItemId, LocationId, LotId};
use crate::rows::{self, Kind, Relation, given_row};

/// What became of a lot on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub item: ItemId,
    pub dispatched: Quantity,
    pub received: Quantity,
    pub lost: Quantity,
    pub cancelled: Quantity,
}

impl Tally {
    pub fn under_way(&self) -> Quantity {
        Quantity(self.dispatched.0 - self.received.0 - self.lost.0 - self.cancelled.0)
    }
}

/// A transfer whose row is locked until the transaction ends. Only [`lock`] makes one of a transfer that is there.
#[derive(Clone, Debug)]
pub struct LockedTransfer {
    tenant: TenantId,
    pub id: Uuid,
    pub version: i64,
    pub status: TransferStatus,
    pub from: LocationId,
    pub from_site: LocationId,
    pub to: LocationId,
    pub to_site: LocationId,
    /// `None` for a draft.
    pub dispatched_at: Option<Instant>,
    pub lots: BTreeMap<LotId, Tally>,
}

impl LockedTransfer {
    /// What is under way, to be received, lost or sent back; nothing of a draft.
    pub fn under_way(&self) -> Option<UnderWay> {
        let left = self.lots.iter().map(|(lot, tally)| (*lot, tally.under_way())).filter(|(_, left)| left.0 > 0);
        Some(UnderWay { dispatched_at: self.dispatched_at?, lots: left.collect() })
    }

    /// What the numbers say: cancelled where all is over and nothing ever arrived.
    pub fn status_by_numbers(&self) -> TransferStatus {
        if self.dispatched_at.is_none() {
            return TransferStatus::Draft;
        }
        let arrived = self.lots.values().any(|tally| tally.received.0 > 0);
        let under_way = self.lots.values().any(|tally| tally.under_way().0 > 0);
        match (under_way, arrived) {
            (true, false) => TransferStatus::InTransit,
            (true, true) => TransferStatus::PartiallyReceived,
            (false, true) => TransferStatus::Received,
            (false, false) => TransferStatus::Cancelled,
        }
    }
}

#[derive(FromQueryResult)]
struct TransferRow {
    version: i64,
    status: String,
    from_location_id: Uuid,
    from_site_id: Uuid,
    to_location_id: Uuid,
    to_site_id: Uuid,
    dispatched_at: Option<DateTime<FixedOffset>>,
}

#[derive(FromQueryResult)]
struct TallyRow {
    lot_id: Uuid,
    item_id: Uuid,
    dispatched: i64,
    received: i64,
    lost: i64,
    cancelled: i64,
}

/// Locks a transfer, before any stock key, and reads it in the next statements: while waiting, somebody else may have moved it
/// on. 404 where there is none.
pub async fn lock(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<LockedTransfer, Error> {
    if database::is_postgres(txn) {
        let locked = rows::execute(txn, "SELECT id FROM transfer WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE", [tenant.into(), id.into()]).await;
        locked.map_err(|error| if database::is_lock_timeout(&error) { Error::StockBusy } else { error.into() })?;
    }
    let sql = "SELECT transfer.version, transfer.status, transfer.from_location_id, transfer.to_location_id, transfer.dispatched_at, \
               origin.site_id AS from_site_id, goal.site_id AS to_site_id FROM transfer \
               JOIN location AS origin ON origin.tenant_id = transfer.tenant_id AND origin.id = transfer.from_location_id \
               JOIN location AS goal ON goal.tenant_id = transfer.tenant_id AND goal.id = transfer.to_location_id \
               WHERE transfer.tenant_id = $1 AND transfer.id = $2";
    let row = rows::one::<TransferRow>(txn, sql, [tenant.into(), id.into()]).await?.ok_or(Error::NotFound("transfer"))?;
    let sql = "SELECT lot_id, item_id, dispatched, received, lost, cancelled FROM transfer_lot WHERE tenant_id = $1 AND transfer_id = $2";
    let tallies = rows::all::<TallyRow>(txn, sql, [tenant.into(), id.into()]).await?;
    let tally = |row: TallyRow| {
        let (dispatched, received) = (Quantity(row.dispatched), Quantity(row.received));
        (row.lot_id, Tally { item: row.item_id, dispatched, received, lost: Quantity(row.lost), cancelled: Quantity(row.cancelled) })
    };
    Ok(LockedTransfer {
        tenant,
        id,
        version: row.version,
        status: TransferStatus::stored(&row.status)?,
        from: row.from_location_id,
        from_site: row.from_site_id,
        to: row.to_location_id,
        to_site: row.to_site_id,
        dispatched_at: row.dispatched_at.map(Instant::from),
        lots: tallies.into_iter().map(tally).collect(),
    })
}

/// When a transfer was changed.
#[derive(Clone, Copy, Debug)]
pub enum Changed {
    At(Instant),
    /// When a document was recorded, or the one that undoes it.
    With(DocumentId),
}

/// Writes a locked transfer as it is now. `status` is what the caller says: a draft may be cancelled, too.
pub async fn save(txn: &Txn, transfer: &LockedTransfer, status: TransferStatus, changed: Changed) -> Result<(), Error> {
    let postgres = database::is_postgres(txn);
    let cast = |place: &str, to: &str| if postgres { format!("{place}::{to}") } else { place.to_owned() };
    let (changed_at, changed) = match changed {
        Changed::At(at) => (cast("$5", "timestamptz"), DateTime::<FixedOffset>::from(at).into()),
        Changed::With(document) => {
            let recorded = "SELECT MAX(document.recorded_at) FROM document LEFT JOIN document_detail AS detail \
                            ON detail.tenant_id = document.tenant_id AND detail.document_id = document.id \
                            WHERE document.tenant_id = $1 AND (document.id = $5 OR detail.reverses_id = $5)";
            (format!("COALESCE(({recorded}), updated_at)"), document.into())
        }
    };
    let sql = format!(
        "UPDATE transfer SET status = $3, dispatched_at = {}, version = version + 1, updated_at = {changed_at} WHERE tenant_id = $1 AND id = $2",
        cast("$4", "timestamptz")
    );
    let dispatched_at = transfer.dispatched_at.map(DateTime::<FixedOffset>::from);
    rows::execute(txn, &sql, [transfer.tenant.into(), transfer.id.into(), status.word().into(), dispatched_at.into(), changed]).await?;
    write_tallies(txn, transfer).await
}

/// A draft has sent nothing: no lot of it is left.
async fn write_tallies(txn: &Txn, transfer: &LockedTransfer) -> Result<(), Error> {
    const TALLY: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("transfer_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("item_id", Kind::Uuid),
        ("dispatched", Kind::Int),
        ("received", Kind::Int),
        ("lost", Kind::Int),
        ("cancelled", Kind::Int),
    ]);
    if transfer.lots.is_empty() {
        let sql = "DELETE FROM transfer_lot WHERE tenant_id = $1 AND transfer_id = $2";
        rows::execute(txn, sql, [transfer.tenant.into(), transfer.id.into()]).await?;
        return Ok(());
    }
    let backend = txn.get_database_backend();
    let row = |(lot, tally): (&LotId, &Tally)| {
        let Tally { item, dispatched, received, lost, cancelled } = *tally;
        given_row!(backend, transfer.tenant, transfer.id, *lot, item, dispatched.0, received.0, lost.0, cancelled.0)
    };
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    let sql = format!(
        "INSERT INTO transfer_lot ({}) SELECT * FROM ({}) AS now WHERE true ON CONFLICT (tenant_id, transfer_id, lot_id) DO UPDATE SET \
         dispatched = excluded.dispatched, received = excluded.received, lost = excluded.lost, cancelled = excluded.cancelled",
        TALLY.names(),
        TALLY.select(backend, 1)
    );
    rows::execute(txn, &sql, [rows::parameter(transfer.lots.iter().map(row).collect())]).await?;
    Ok(())
}

/// A transfer that is made.
pub struct NewTransfer {
    pub id: Uuid,
    pub number: i64,
    pub from: LocationId,
    pub from_site: LocationId,
    pub to: LocationId,
    pub to_site: LocationId,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    pub created_by: Uuid,
    pub lines: Vec<NewLine>,
}

/// What is asked for.
pub struct NewLine {
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub entered: Quantity,
    pub unit: String,
    /// In the base unit.
    pub quantity: Quantity,
}

/// Makes a transfer: a draft, or, with the lots that it has moved already, one that is done.
pub async fn insert(txn: &Txn, tenant: TenantId, new: NewTransfer, moved: Option<(Instant, BTreeMap<LotId, Tally>)>, now: Instant) -> Result<(), Error> {
    const TRANSFER: Relation = Relation(&[
        ("id", Kind::Uuid),
        ("tenant_id", Kind::Uuid),
        ("version", Kind::Int),
        ("created_at", Kind::Instant),
        ("updated_at", Kind::Instant),
        ("number", Kind::Int),
        ("status", Kind::Text),
        ("from_location_id", Kind::Uuid),
        ("to_location_id", Kind::Uuid),
        ("dispatched_at", Kind::Instant),
        ("external_ref", Kind::Text),
        ("note", Kind::Text),
        ("created_by", Kind::Uuid),
    ]);
    const LINE: Relation = Relation(&[
        ("tenant_id", Kind::Uuid),
        ("transfer_id", Kind::Uuid),
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
    ]);
    let backend = txn.get_database_backend();
    let (dispatched_at, lots) = moved.map_or((None, BTreeMap::new()), |(at, lots)| (Some(at), lots));
    let NewTransfer { id, number, from, from_site, to, to_site, external_ref, note, created_by, lines } = new;
    let transfer = LockedTransfer { tenant, id, version: 1, status: TransferStatus::Draft, from, from_site, to, to_site, dispatched_at, lots };
    let status = transfer.status_by_numbers().word();
    let row = given_row!(backend, id, tenant, 1_i64, now, now, number, status, from, to, dispatched_at, external_ref, note, created_by);
    rows::insert(txn, "transfer", TRANSFER, vec![row]).await?;
    let line = |(line_no, line): (i64, &NewLine)| given_row!(backend, tenant, id, line_no, line.item, line.lot, line.entered.0, line.unit, line.quantity.0);
    rows::insert(txn, "transfer_line", LINE, (1..).zip(&lines).map(line).collect()).await?;
    if transfer.lots.is_empty() { Ok(()) } else { write_tallies(txn, &transfer).await }
}

#[derive(FromQueryResult)]
struct LineRow {
    item_id: Uuid,
    lot_id: Option<Uuid>,
    entered_quantity: i64,
    entered_unit: String,
    quantity: i64,
}

/// What was asked for, in order. A draft's quantity in the base unit is as it was when the draft was made.
pub async fn lines(txn: &Txn, tenant: TenantId, transfer: Uuid) -> Result<Vec<NewLine>, DbErr> {
    let sql = "SELECT item_id, lot_id, entered_quantity, entered_unit, quantity FROM transfer_line WHERE tenant_id = $1 AND transfer_id = $2 ORDER BY line_no";
    let found = rows::all::<LineRow>(txn, sql, [tenant.into(), transfer.into()]).await?;
    let line = |row: LineRow| {
        let (entered, quantity) = (Quantity(row.entered_quantity), Quantity(row.quantity));
        NewLine { item: row.item_id, lot: row.lot_id, entered, unit: row.entered_unit, quantity }
    };
    Ok(found.into_iter().map(line).collect())
}

#[derive(FromQueryResult)]
struct OfItem {
    id: Uuid,
    item_id: Uuid,
}

/// The items of lots that are named, as far as those are there.
pub async fn items_of(txn: &Txn, tenant: TenantId, lots: impl Iterator<Item = LotId>) -> Result<BTreeMap<LotId, ItemId>, DbErr> {
    const WANTED: Relation = Relation(&[("id", Kind::Uuid)]);
    let backend = txn.get_database_backend();
    let wanted: Vec<_> = lots.map(|lot| given_row!(backend, lot)).collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!("SELECT lot.id, lot.item_id FROM lot WHERE lot.tenant_id = $2 AND lot.id IN ({})", WANTED.select(backend, 1));
    let found = rows::all::<OfItem>(txn, &sql, [rows::parameter(wanted), tenant.into()]).await?;
    Ok(found.into_iter().map(|row| (row.id, row.item_id)).collect())
}
