//! What a posting is decided on, read under its locks: one text for each table, of one row or of any number, and sent together.
//!
//! CROSS JOIN says nothing to Postgres; SQLite, which keeps no statistics, takes it as the order in which to go: from what is given on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Instant, SiteId, Sites, TenantId, Txn};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult};
use serde::Deserialize;
use uuid::Uuid;

use super::command::{Command, Reversal, Touching};
use super::facts::{Hold, Holding, Key, Later, Lot, Place, Reserved, Snapshot, Truth};
use super::locking::{ID, id_rows, key_rows};
use super::protocol::{DocumentType, Locked, RulesSeen};
use super::reserve::ended;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::locations::LocationKind;
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::names::{DateKind, LotId, Word as _};
use crate::rows::{self, Asked, Kind, Reads, Relation, Told, given_row};

/// The time of a command that is decided.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock.
    pub now: Instant,
    /// What is later than this was recorded by a clock that is wrong, and is not gone by.
    pub latest: Instant,
    /// Whether the command happens now, so that only what is later than `latest` is later than it.
    pub happens_now: bool,
}

/// Reads the state that a command is decided on, under its locks. Its `now` is not before anything that it shows. Of what is
/// there, what only comes in needs nothing.
pub async fn load(txn: &Txn, locked: &Locked, command: &Command, rules: RulesSeen, moment: Moment) -> Result<Snapshot, Error> {
    let mut reads = Reads::new(txn);
    let truths = ask_truths(&mut reads, locked, command);
    let (revalued, needs_what_is_there) = (command.revalued_lots(), !command.only_brings());
    let there = needs_what_is_there && revalued.is_empty();
    let there = there.then(|| (ask_held(&mut reads, locked, moment.now), ask_later(&mut reads, locked, command, moment)));
    let beside = needs_what_is_there.then(|| Beside::ask(&mut reads, locked, command, moment));
    let mut told = reads.send(txn).await?;
    let truths = told_truths(&mut told, truths)?;
    let mut snapshot = Snapshot { closed_through: rules.closed_through, truths, ..Snapshot::empty(moment.now) };
    if let Some((held, later)) = there {
        keep_held(told.rows(held)?, &mut snapshot)?;
        snapshot.later = told_later(&mut told, later)?;
    }
    if let Some(beside) = beside {
        beside.keep(txn, locked, &mut told, &mut snapshot).await?;
    }
    if !revalued.is_empty() {
        held_of_lots(txn, locked, &revalued, &mut snapshot).await?;
    }
    snapshot.now = snapshot.seen().chain(command.follows()).filter(|at| *at <= moment.latest).fold(moment.now, Instant::max);
    if moment.happens_now && !command.finds_revalued() {
        let now = snapshot.now;
        snapshot.youngest = snapshot.youngest.into_iter().map(|((key, _), lot)| ((key, now), lot)).collect();
    }
    Ok(snapshot)
}

/// What only some commands need beside what is held.
struct Beside {
    finds: Vec<(Key, Instant)>,
    youngest: Option<Asked<YoungestRow>>,
    named: Option<Asked<LotRow>>,
    reserved: Option<Asked<ReservedRow>>,
    days: Option<Asked<DaysRow>>,
}

impl Beside {
    fn ask(reads: &mut Reads, locked: &Locked, command: &Command, moment: Moment) -> Self {
        let mut finds = command.finds();
        if moment.happens_now && !command.finds_revalued() {
            for (_, at) in &mut finds {
                *at = moment.latest;
            }
        }
        let (lots, reservations) = (command.named_lots(), command.reservations());
        Self {
            youngest: (!finds.is_empty()).then(|| ask_youngest(reads, locked, &finds, command.finds_revalued())),
            finds,
            named: (!lots.is_empty()).then(|| ask_lots(reads, locked, &lots)),
            reserved: (!reservations.is_empty()).then(|| ask_reserved(reads, locked, &reservations, moment.now)),
            days: command.needs_days().then(|| ask_days(reads, locked)),
        }
    }

    /// Puts what was told to what is held. The lots that something is found of are read now, where they are not known yet.
    async fn keep(self, txn: &Txn, locked: &Locked, told: &mut Told, snapshot: &mut Snapshot) -> Result<(), Error> {
        if let Some(lots) = self.named {
            keep_lots(told.rows(lots)?, snapshot)?;
        }
        if let Some(reserved) = self.reserved {
            snapshot.reservations = told_reserved(told, reserved)?;
        }
        if let Some(days) = self.days {
            keep_days(told.rows(days)?, snapshot)?;
        }
        if let Some(youngest) = self.youngest {
            snapshot.youngest = told_youngest(told, youngest, &self.finds)?;
            let unread: Vec<LotId> = snapshot.youngest.values().copied().filter(|lot| !snapshot.lots.contains_key(lot)).collect();
            if !unread.is_empty() {
                named(txn, locked, &unread, snapshot).await?;
            }
        }
        Ok(())
    }
}

#[derive(FromQueryResult, Deserialize)]
struct LotRow {
    id: Uuid,
    item_id: Uuid,
    origin_seq: i64,
    origin_line: i64,
    batch_code: Option<String>,
    received_at: DateTime<FixedOffset>,
    expires_on: Option<NaiveDate>,
    date_kind: String,
    opened_at: Option<DateTime<FixedOffset>>,
    hold: Option<String>,
    basis_quantity: i64,
    basis_value: i64,
    cost_floor_at: DateTime<FixedOffset>,
    revalued_position: Option<i64>,
    void: bool,
    version: i64,
}

impl LotRow {
    fn into_lot(self) -> Result<Lot, Error> {
        Ok(Lot {
            item: self.item_id,
            origin: (self.origin_seq, self.origin_line),
            batch_code: self.batch_code,
            received_at: self.received_at.into(),
            expires_on: self.expires_on,
            date_kind: DateKind::stored(&self.date_kind)?,
            opened: self.opened_at.is_some(),
            hold: self.hold.as_deref().map(Hold::stored).transpose()?,
            basis: Holding { quantity: Quantity(self.basis_quantity), value: Money(self.basis_value) },
            cost_floor_at: self.cost_floor_at.into(),
            revalued_position: self.revalued_position.unwrap_or(0),
            void: self.void,
            version: self.version,
        })
    }
}

const LOT_COLUMNS: &str = "lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind, \
     lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version";

#[derive(FromQueryResult, Deserialize)]
struct HeldRow {
    #[sea_orm(nested)]
    #[serde(flatten)]
    lot: LotRow,
    location_id: Uuid,
    quantity: i64,
    value: i64,
    reserved_quantity: Option<i64>,
}

impl HeldRow {
    fn keep(self, snapshot: &mut Snapshot) -> Result<Key, Error> {
        let (id, key) = (self.lot.id, Key { item: self.lot.item_id, location: self.location_id });
        snapshot.holdings.insert(Place { key, lot: id }, Holding { quantity: Quantity(self.quantity), value: Money(self.value) });
        // Where nothing is held nothing can be taken, whatever is set aside.
        snapshot.reserved.insert(key, Quantity(self.reserved_quantity.unwrap_or(0)));
        if let Entry::Vacant(unread) = snapshot.lots.entry(id) {
            unread.insert(self.lot.into_lot()?);
        }
        Ok(key)
    }
}

/// What is held at the locked keys, with its lots and what is set aside of it.
pub async fn held_at_keys(txn: &Txn, locked: &Locked, snapshot: &mut Snapshot) -> Result<(), Error> {
    let mut reads = Reads::new(txn);
    let held = ask_held(&mut reads, locked, snapshot.now);
    keep_held(reads.send(txn).await?.rows(held)?, snapshot)
}

fn ask_held(reads: &mut Reads, locked: &Locked, now: Instant) -> Asked<HeldRow> {
    let keys = key_rows(reads.backend(), &locked.keys);
    let sql = format!(
        "WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - {} AS reserved_quantity \
         FROM ({}) AS given CROSS JOIN stock_key WHERE stock_key.tenant_id = $3 AND stock_key.item_id = given.item_id AND stock_key.location_id = given.location_id) \
         SELECT {LOT_COLUMNS}, balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity FROM wanted CROSS JOIN balance CROSS JOIN lot \
         WHERE balance.tenant_id = $3 AND balance.item_id = wanted.item_id AND balance.location_id = wanted.location_id AND balance.quantity > 0 \
         AND lot.tenant_id = $3 AND lot.id = balance.lot_id",
        ended("stock_key", "$2"),
        keys.each(1)
    );
    let now: DateTime<FixedOffset> = now.into();
    reads.add(sql, [keys.into(), now.into(), locked.tenant.into()])
}

fn keep_held(rows: Vec<HeldRow>, snapshot: &mut Snapshot) -> Result<(), Error> {
    for row in rows {
        row.keep(snapshot)?;
    }
    Ok(())
}

/// Where lots lie whose cost changes, and when they last moved. The lots were read before: whoever brings some of one back to where
/// nothing lay holds none of these keys, and shows only in the lot's version, which must not be younger than what is read of
/// the places. Where one lies at a key that is not locked, it has been moved
/// since the keys were looked up: the posting begins anew.
async fn held_of_lots(txn: &Txn, locked: &Locked, lots: &[LotId], snapshot: &mut Snapshot) -> Result<(), Error> {
    #[derive(FromQueryResult)]
    struct MovedRow {
        lot_id: Uuid,
        last_moved_at: DateTime<FixedOffset>,
    }
    let backend = txn.get_database_backend();
    let wanted = id_rows(backend, lots);
    let given = wanted.each(1);
    let sql = format!(
        "SELECT {LOT_COLUMNS}, balance.location_id, balance.quantity, balance.value, NULL AS reserved_quantity FROM ({given}) AS wanted CROSS JOIN lot CROSS JOIN balance \
         WHERE lot.tenant_id = $2 AND lot.id = wanted.id AND balance.tenant_id = $2 AND balance.lot_id = wanted.id AND balance.quantity > 0"
    );
    for row in rows::all::<HeldRow>(txn, &sql, [wanted.clone().into(), locked.tenant.into()]).await? {
        let key = row.keep(snapshot)?;
        if !locked.covers(locked.tenant, &[key]) {
            return Err(Error::RulesChanged);
        }
    }
    let sql = format!(
        "SELECT entry.lot_id, MAX(entry.effective_at) AS last_moved_at FROM ({given}) AS wanted \
         CROSS JOIN ledger_entry AS entry WHERE entry.tenant_id = $2 AND entry.lot_id = wanted.id GROUP BY entry.lot_id"
    );
    for row in rows::all::<MovedRow>(txn, &sql, [wanted.into(), locked.tenant.into()]).await? {
        snapshot.last_moved.insert(row.lot_id, row.last_moved_at.into());
    }
    Ok(())
}

/// Where lots lie, each place with its site: what is locked for them. What lies there is read again under the locks.
pub async fn lot_places(txn: &Txn, tenant: TenantId, lots: &[LotId]) -> Result<Vec<(Key, SiteId)>, Error> {
    #[derive(FromQueryResult)]
    struct PlaceRow {
        item_id: Uuid,
        location_id: Uuid,
        site_id: Uuid,
    }
    let wanted = id_rows(txn.get_database_backend(), lots);
    let sql = format!(
        "SELECT DISTINCT balance.item_id, balance.location_id, location.site_id FROM ({}) AS wanted CROSS JOIN balance CROSS JOIN location \
         WHERE balance.tenant_id = $2 AND balance.lot_id = wanted.id AND balance.quantity > 0 AND location.tenant_id = $2 AND location.id = balance.location_id",
        wanted.each(1)
    );
    let found = rows::all::<PlaceRow>(txn, &sql, [wanted.into(), tenant.into()]).await?;
    Ok(found.into_iter().map(|row| (Key { item: row.item_id, location: row.location_id }, row.site_id)).collect())
}

#[derive(FromQueryResult, Deserialize)]
struct LaterRow {
    item_id: Uuid,
    location_id: Uuid,
    lot_id: Uuid,
    effective_at: DateTime<FixedOffset>,
    quantity: i64,
}

/// What moved at the locked keys after the earliest instant of a command. Of one that takes at that instant alone, only of lots of which some came in
/// since: of another there was never less than there is now. (Of one that happens now all of it: its own instant is after what it sees.)
fn ask_later(reads: &mut Reads, locked: &Locked, command: &Command, moment: Moment) -> Asked<LaterRow> {
    let backend = reads.backend();
    let of_key = |entry: &str, wanted: &str| {
        let is_later = few_since(backend, &format!("{entry}.effective_at"), ">", 2);
        format!("{entry}.tenant_id = $3 AND {entry}.item_id = {wanted}.item_id AND {entry}.location_id = {wanted}.location_id AND {is_later}")
    };
    let given = key_rows(backend, &locked.keys);
    let keys = given.each(1);
    let (with, wanted, of_lot) = if moment.happens_now || !command.takes_at_one_instant() {
        (String::new(), format!("({keys}) AS wanted"), "")
    } else {
        let came = format!(
            "SELECT DISTINCT came.item_id, came.location_id, came.lot_id FROM ({keys}) AS wanted CROSS JOIN ledger_entry AS came WHERE {} AND came.quantity_delta > 0",
            of_key("came", "wanted")
        );
        (format!("WITH came_since AS MATERIALIZED ({came}) "), "came_since AS wanted".to_owned(), "AND entry.lot_id = wanted.lot_id")
    };
    let sql = format!(
        "{with}SELECT entry.item_id, entry.location_id, entry.lot_id, entry.effective_at, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity FROM {wanted} \
         CROSS JOIN ledger_entry AS entry WHERE {} {of_lot} GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at",
        of_key("entry", "wanted")
    );
    let since: DateTime<FixedOffset> = command.since().into();
    reads.add(sql, [given.into(), since.into(), locked.tenant.into()])
}

/// The condition that a row's instant is after that of a parameter (`>` or `>=`), where few are. Postgres takes a third of all to be: against that it would
/// not keep the plan, and would make another each time that it sees the parameter. Of a time between two of which it does not know one it takes one in
/// two hundred (decision 0018).
fn few_since(backend: DatabaseBackend, column: &str, after: &str, parameter: usize) -> String {
    if backend == DatabaseBackend::Sqlite {
        return format!("{column} {after} ${parameter}");
    }
    format!("{column} {after} (SELECT CAST(${parameter} AS TIMESTAMPTZ)) AND {column} <= 'infinity'")
}

fn told_later(told: &mut Told, asked: Asked<LaterRow>) -> Result<BTreeMap<Place, Vec<Later>>, Error> {
    let mut later: BTreeMap<Place, Vec<Later>> = BTreeMap::new();
    for row in told.rows(asked)? {
        let place = Place { key: Key { item: row.item_id, location: row.location_id }, lot: row.lot_id };
        later.entry(place).or_default().push(Later { at: row.effective_at.into(), quantity: row.quantity });
    }
    for moves in later.values_mut() {
        moves.sort_unstable_by_key(|moved| moved.at);
    }
    Ok(later)
}

#[derive(FromQueryResult, Deserialize)]
struct TruthRow {
    item_id: Uuid,
    location_id: Uuid,
    lot_id: Option<Uuid>,
    counted_at: DateTime<FixedOffset>,
    document_id: Uuid,
    number: i64,
    line_no: i64,
}

/// The posted count lines that stand at or after a command's earliest instant and are still true: of the keys that it names, where it brings goods to them
/// alone (many documents of an import are under the same locks), else of all that are locked.
fn ask_truths(reads: &mut Reads, locked: &Locked, command: &Command) -> Asked<TruthRow> {
    let backend = reads.backend();
    let keys = if command.only_brings() { key_rows(backend, &command.keys()) } else { key_rows(backend, &locked.keys) };
    let sql = format!(
        "SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no FROM ({}) AS wanted \
         CROSS JOIN count_truth AS truth CROSS JOIN document \
         WHERE truth.tenant_id = $3 AND truth.item_id = wanted.item_id AND truth.location_id = wanted.location_id AND {} AND truth.marked_by IS NULL \
         AND document.tenant_id = $3 AND document.id = truth.document_id",
        keys.each(1),
        few_since(backend, "truth.counted_at", ">=", 2)
    );
    let since: DateTime<FixedOffset> = command.since().into();
    reads.add(sql, [keys.into(), since.into(), locked.tenant.into()])
}

fn told_truths(told: &mut Told, asked: Asked<TruthRow>) -> Result<Vec<Truth>, Error> {
    let truth = |row: TruthRow| Truth {
        key: Key { item: row.item_id, location: row.location_id },
        lot: row.lot_id,
        counted_at: row.counted_at.into(),
        document: row.document_id,
        number: row.number,
        line_no: row.line_no,
    };
    let mut truths: Vec<Truth> = told.rows(asked)?.into_iter().map(truth).collect();
    truths.sort_unstable_by_key(|truth| (truth.counted_at, truth.document, truth.line_no));
    Ok(truths)
}

#[derive(FromQueryResult, Deserialize)]
struct YoungestRow {
    place: i64,
    lot_id: Option<Uuid>,
}

/// The youngest lot that a gain can go to: here, else anywhere. `revalued` says whether one whose cost was changed later will do.
pub async fn youngest(txn: &Txn, locked: &Locked, finds: &[(Key, Instant)], revalued: bool) -> Result<BTreeMap<(Key, Instant), LotId>, Error> {
    let mut reads = Reads::new(txn);
    let asked = ask_youngest(&mut reads, locked, finds, revalued);
    told_youngest(&mut reads.send(txn).await?, asked, finds)
}

fn ask_youngest(reads: &mut Reads, locked: &Locked, finds: &[(Key, Instant)], revalued: bool) -> Asked<YoungestRow> {
    const FOUND: Relation = Relation(&[("place", Kind::Int), ("item_id", Kind::Uuid), ("location_id", Kind::Uuid), ("at", Kind::Instant)]);
    let backend = reads.backend();
    let floor = if revalued { "" } else { "AND lot.cost_floor_at <= wanted.at" };
    let last = |here: &str| {
        format!(
            "(SELECT lot.id FROM lot WHERE lot.tenant_id = $2 AND lot.item_id = wanted.item_id AND NOT lot.void AND lot.received_at <= wanted.at {floor} {here} \
             ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC LIMIT 1)"
        )
    };
    let here = "AND EXISTS (SELECT 1 FROM balance WHERE balance.tenant_id = lot.tenant_id AND balance.item_id = lot.item_id \
                AND balance.location_id = wanted.location_id AND balance.lot_id = lot.id)";
    let given = FOUND.rows(backend, (0_i64..).zip(finds).map(|(place, (key, at))| given_row!(backend, place, key.item, key.location, *at)).collect());
    let sql = format!("SELECT wanted.place, COALESCE({}, {}) AS lot_id FROM ({}) AS wanted", last(here), last(""), given.each(1));
    reads.add(sql, [given.into(), locked.tenant.into()])
}

fn told_youngest(told: &mut Told, asked: Asked<YoungestRow>, finds: &[(Key, Instant)]) -> Result<BTreeMap<(Key, Instant), LotId>, Error> {
    let mut youngest = BTreeMap::new();
    for row in told.rows(asked)? {
        let wanted = usize::try_from(row.place).ok().and_then(|place| finds.get(place));
        if let (Some(wanted), Some(lot)) = (wanted, row.lot_id) {
            youngest.insert(*wanted, lot);
        }
    }
    Ok(youngest)
}

async fn named(txn: &Txn, locked: &Locked, lots: &[LotId], snapshot: &mut Snapshot) -> Result<(), Error> {
    let mut reads = Reads::new(txn);
    let asked = ask_lots(&mut reads, locked, lots);
    keep_lots(reads.send(txn).await?.rows(asked)?, snapshot)
}

fn ask_lots(reads: &mut Reads, locked: &Locked, lots: &[LotId]) -> Asked<LotRow> {
    let wanted = id_rows(reads.backend(), lots);
    let sql = format!("SELECT {LOT_COLUMNS} FROM ({}) AS wanted CROSS JOIN lot WHERE lot.tenant_id = $2 AND lot.id = wanted.id", wanted.each(1));
    reads.add(sql, [wanted.into(), locked.tenant.into()])
}

fn keep_lots(rows: Vec<LotRow>, snapshot: &mut Snapshot) -> Result<(), Error> {
    for row in rows {
        snapshot.lots.insert(row.id, row.into_lot()?);
    }
    Ok(())
}

#[derive(FromQueryResult, Deserialize)]
struct ReservedRow {
    id: Uuid,
    item_id: Uuid,
    location_id: Uuid,
    rest: i64,
}

/// The reservations that are named, as far as they are active and have not ended. They change only under the lock of their key.
fn ask_reserved(reads: &mut Reads, locked: &Locked, wanted: &[Uuid], now: Instant) -> Asked<ReservedRow> {
    let given = id_rows(reads.backend(), wanted);
    let sql = format!(
        "SELECT reservation.id, reservation.item_id, reservation.location_id, reservation.quantity - reservation.taken AS rest FROM ({}) AS wanted \
         CROSS JOIN reservation WHERE reservation.tenant_id = $3 AND reservation.id = wanted.id \
         AND reservation.status = 'active' AND (reservation.ends_at IS NULL OR reservation.ends_at > $2)",
        given.each(1)
    );
    let now: DateTime<FixedOffset> = now.into();
    reads.add(sql, [given.into(), now.into(), locked.tenant.into()])
}

fn told_reserved(told: &mut Told, asked: Asked<ReservedRow>) -> Result<BTreeMap<Uuid, Reserved>, Error> {
    let reserved = |row: ReservedRow| (row.id, Reserved { key: Key { item: row.item_id, location: row.location_id }, rest: Quantity(row.rest) });
    Ok(told.rows(asked)?.into_iter().map(reserved).collect())
}

/// How many documents that touch lots are named; that one is in the way is enough to refuse.
const MOST_TOUCHING: i64 = 100;

/// A reversal with those who touch the lots that its document made: how many of each lot, and the first of those that stand at the
/// sites of whoever undoes it. Of more than that many the lots of the others are left out. Asked after the lots were read: who gains of one elsewhere
/// from then on changes its version, and who takes of one waits for the locks.
pub async fn touched(txn: &Txn, locked: &Locked, reversal: &Reversal) -> Result<Reversal, Error> {
    #[derive(FromQueryResult)]
    struct TouchingRow {
        lot_id: Uuid,
        document_id: Uuid,
        r#type: String,
        number: i64,
        seen: i64,
        of_lot: i64,
    }
    let mut reversal = reversal.clone();
    if reversal.made.is_empty() {
        return Ok(reversal);
    }
    let backend = txn.get_database_backend();
    let lots = id_rows(backend, &reversal.made.keys().copied().collect::<Vec<LotId>>());
    let (seen, sites) = match &reversal.sites {
        Sites::All => ("CAST($3 AS TEXT) IS NOT NULL".to_owned(), Vec::new()),
        Sites::Only(sites) => (format!("document.site_id IN ({})", ID.select(backend, 3)), sites.iter().map(|site| given_row!(backend, *site)).collect()),
    };
    let sql = format!(
        "SELECT wanted.id AS lot_id, document.id AS document_id, document.type, document.number, CAST(CASE WHEN {seen} THEN 1 ELSE 0 END AS BIGINT) AS seen, \
         COUNT(*) OVER (PARTITION BY wanted.id) AS of_lot FROM ({}) AS wanted \
         CROSS JOIN ledger_entry AS entry CROSS JOIN document \
         WHERE entry.tenant_id = $4 AND entry.lot_id = wanted.id AND document.tenant_id = $4 AND document.id = entry.document_id AND document.id <> $2 AND document.status = 'posted' AND document.type <> 'reversal' \
         GROUP BY wanted.id, document.id, document.type, document.number, document.site_id ORDER BY 5 DESC, MIN(entry.seq) LIMIT {MOST_TOUCHING}",
        lots.each(1)
    );
    let values = [lots.into(), reversal.document.into(), rows::parameter(sites), locked.tenant.into()];
    for row in rows::all::<TouchingRow>(txn, &sql, values).await? {
        let touched = reversal.made.entry(row.lot_id).or_default();
        touched.number = row.of_lot;
        if row.seen == 1 {
            touched.named.push(Touching { document_id: row.document_id, number: DocumentType::stored(&row.r#type)?.show(row.number) });
        }
    }
    Ok(reversal)
}

#[derive(FromQueryResult, Deserialize)]
struct DaysRow {
    location_id: Uuid,
    kind: String,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
}

/// The days of the sites of the locked keys, and which of those are areas for goods in transit.
fn ask_days(reads: &mut Reads, locked: &Locked) -> Asked<DaysRow> {
    let keys = key_rows(reads.backend(), &locked.keys);
    let sql = format!(
        "SELECT DISTINCT location.id AS location_id, location.kind, site.time_zone, site.day_starts_at FROM ({}) AS wanted CROSS JOIN location CROSS JOIN location AS site \
         WHERE location.tenant_id = $2 AND location.id = wanted.location_id AND site.tenant_id = $2 AND site.id = location.site_id",
        keys.each(1)
    );
    reads.add(sql, [keys.into(), locked.tenant.into()])
}

fn keep_days(rows: Vec<DaysRow>, snapshot: &mut Snapshot) -> Result<(), Error> {
    for row in rows {
        snapshot.days.insert(row.location_id, site_days(row.time_zone.as_deref(), row.day_starts_at.as_deref())?);
        if LocationKind::stored(&row.kind)? == LocationKind::Transit {
            snapshot.in_transit.insert(row.location_id);
        }
    }
    Ok(())
}
