//! `GET /lots/{id}/trace`: back to what a lot was made from and with which receipt that came, forward to all that was made of
//! it, every document that moved any of it, and where it lies now.

use std::collections::{BTreeMap, HashMap};

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Fields, FromFields, Instant, Permission, Query, Sites, TenantId, Whole};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::LotStatus;
use super::read::{self, LotParent};
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::expiry::is_expired;
use crate::http::Id;
use crate::ledger::{DocumentType, EntryKind};
use crate::names::{DateKind, LotId, Word as _};
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// How many rows of each part an answer holds at most.
pub const MOST_ROWS: i64 = 10_000;

/// How much of a trace is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// How many ancestors, descendants and movements at most: 1 to 10,000, which it is where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Whole<1, MOST_ROWS>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { limit: fields.or("limit", Whole(MOST_ROWS))? })
    }
}

/// Where a lot comes from and where it went. Whoever sees only some sites is told of those.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = LotTrace)]
pub struct TraceAnswer {
    /// The lot that is asked about.
    pub lot: TracedLot,
    /// What it was made from, the nearest first.
    pub ancestors: Vec<TracedLot>,
    /// What was made of it, the nearest first.
    pub descendants: Vec<TracedLot>,
    /// What moved the lot or a descendant, in the order of the ledger.
    pub movements: Vec<TracedMovement>,
    /// Where the lot and its descendants lie now.
    pub places: Vec<TracedPlace>,
    /// Whether there is more than the limit allowed.
    pub truncated: bool,
}

/// A lot of a trace.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedLot {
    /// Its id.
    pub lot_id: Uuid,
    /// How many steps it is away from the lot that is asked about.
    pub depth: i64,
    /// The item's id.
    pub item_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// The item's name.
    pub name: String,
    /// What stands on the package, to the letter.
    pub batch_code: Option<String>,
    /// Its date.
    pub expires_on: Option<NaiveDate>,
    /// Whether it may be used.
    pub status: LotStatus,
    /// When it was opened; only such a lot has it.
    pub opened_at: Option<Instant>,
    /// Whether the document that made it was undone.
    pub void: bool,
    /// The document that it came in with or was made by; null where that stands at a site that the caller may not see.
    pub origin: Option<TracedOrigin>,
    /// What went into it, and how much of each, as far as it came to the caller's sites.
    pub parents: Vec<LotParent>,
}

/// The document that a lot came in with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedOrigin {
    /// The document's id.
    pub document_id: Uuid,
    /// What kind of document it is.
    pub r#type: DocumentType,
    /// Its number.
    pub number: String,
    /// Its line, counted from one.
    pub line_no: i64,
    /// When it happened.
    pub effective_at: Instant,
    /// Where: the location's path.
    pub location: String,
    /// What it says of itself: of a receipt, the supplier's delivery note.
    pub external_ref: Option<String>,
}

/// A movement of a lot of a trace.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedMovement {
    /// Its place in the ledger.
    pub seq: i64,
    /// The lot's id.
    pub lot_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// What kind of movement it is.
    pub kind: EntryKind,
    /// The document's id.
    pub document_id: Uuid,
    /// What kind of document it is.
    pub r#type: DocumentType,
    /// The document's number.
    pub number: String,
    /// `posted`, or `reversed` by another document.
    pub status: String,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// The id of its site.
    pub site_id: Uuid,
    /// With the sign of the movement, in `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
    /// When it happened.
    pub effective_at: Instant,
    /// The site's business date on which it happened.
    pub business_date: NaiveDate,
    /// What it was used for.
    pub purpose: Option<String>,
    /// Who got a donation.
    pub recipient: Option<String>,
    /// The code of the reason.
    pub reason: Option<String>,
    /// The transfer that it is a step of.
    pub transfer_id: Option<Uuid>,
    /// What the client calls the document.
    pub external_ref: Option<String>,
}

/// Where a lot of a trace lies.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedPlace {
    /// The lot's id.
    pub lot_id: Uuid,
    /// The item's article number.
    pub sku: String,
    /// What stands on the package, to the letter.
    pub batch_code: Option<String>,
    /// The location's id.
    pub location_id: Uuid,
    /// The location's path.
    pub location: String,
    /// The id of its site.
    pub site_id: Uuid,
    /// How much, in `unit`.
    pub quantity: Quantity,
    /// The item's base unit.
    pub unit: String,
}

pub async fn execute(state: &Inventory, caller: &Caller, id: LotId, request: Request) -> Result<TraceAnswer, Error> {
    caller.need(Permission::Read)?;
    let reader = state.database().reader();
    let now = state.now();
    read::find(reader, caller, id, now).await?;
    let limit = request.limit.0;
    let (back, more_back) = relatives(reader, caller.tenant_id, id, Way::Back, limit).await?;
    let (forward, more_forward) = relatives(reader, caller.tenant_id, id, Way::Forward, limit).await?;
    let mut lots = lots(reader, caller, back.iter().chain(&forward), now).await?;
    let lot = lots.remove(&id).ok_or(Error::NotFound("lot"))?;
    let own = TracedLot { depth: 0, ..lot };
    let moved: Vec<LotId> = std::iter::once(id).chain(forward.keys().copied().filter(|lot| *lot != id)).collect();
    let (movements, more_movements) = movements(reader, caller, &moved, None, limit).await?;
    let (places, more_places) = places(reader, caller, &moved, limit).await?;
    let of = |depths: &BTreeMap<LotId, i64>| {
        let mut all: Vec<TracedLot> = depths.iter().filter_map(|(lot, depth)| lots.get(lot).map(|lot| TracedLot { depth: *depth, ..lot.clone() })).collect();
        all.sort_by_key(|lot| (lot.depth, lot.lot_id));
        all
    };
    let (ancestors, descendants) = (of(&back), of(&forward));
    Ok(TraceAnswer { lot: own, ancestors, descendants, movements, places, truncated: more_back || more_forward || more_movements || more_places })
}

#[derive(Clone, Copy)]
enum Way {
    Back,
    Forward,
}

/// The lots that a lot was made from, or that were made of it, through any number of steps, each with how many those are; itself
/// among them. Also whether there are more than `limit`.
async fn relatives(reader: &impl ConnectionTrait, tenant: TenantId, lot: LotId, way: Way, limit: i64) -> Result<(BTreeMap<LotId, i64>, bool), Error> {
    #[derive(FromQueryResult)]
    struct LinkRow {
        near: Uuid,
        far: Uuid,
    }
    let (near, far) = match way {
        Way::Back => ("lot_id", "parent_id"),
        Way::Forward => ("parent_id", "lot_id"),
    };
    // UNION leaves out what was found before, so that even a ring would end.
    let sql = format!(
        "WITH RECURSIVE link (near, far) AS (SELECT {near}, {far} FROM lot_parent WHERE tenant_id = $1 AND {near} = $2 \
         UNION SELECT next.{near}, next.{far} FROM link JOIN lot_parent AS next ON next.tenant_id = $1 AND next.{near} = link.far) \
         SELECT near, far FROM link LIMIT {}",
        limit.saturating_add(1)
    );
    let links = rows::all::<LinkRow>(reader, &sql, [tenant.into(), lot.into()]).await?;
    let more = links.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    let mut by_near: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for link in links.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        by_near.entry(link.near).or_default().push(link.far);
    }
    let mut depths = BTreeMap::from([(lot, 0)]);
    let (mut level, mut depth) = (vec![lot], 0);
    while !level.is_empty() {
        depth += 1;
        let next: Vec<Uuid> = level.iter().filter_map(|near| by_near.get(near)).flatten().copied().collect();
        level = next.into_iter().filter(|far| depths.insert_new(*far, depth)).collect();
    }
    Ok((depths, more))
}

/// Inserting what is not there yet.
trait InsertNew {
    fn insert_new(&mut self, key: LotId, value: i64) -> bool;
}

impl InsertNew for BTreeMap<LotId, i64> {
    fn insert_new(&mut self, key: LotId, value: i64) -> bool {
        if self.contains_key(&key) {
            return false;
        }
        self.insert(key, value);
        true
    }
}

const ID: Relation = Relation(&[("id", Kind::Uuid)]);

/// The WHERE of what is about some lots.
fn about(backend: sea_orm::DatabaseBackend, table: &str, tenant: TenantId, lots: impl Iterator<Item = LotId>) -> (Filter, String) {
    let mut filter = Filter::tenant(&format!("{table}.tenant_id"), tenant);
    filter.bind(rows::parameter(lots.map(|lot| given_row!(backend, lot)).collect()));
    (filter, ID.select(backend, 2))
}

#[derive(FromQueryResult)]
struct LotRow {
    id: Uuid,
    item_id: Uuid,
    sku: String,
    name: String,
    grace_days: i64,
    batch_code: Option<String>,
    expires_on: Option<NaiveDate>,
    date_kind: String,
    hold: Option<String>,
    opened_at: Option<DateTime<FixedOffset>>,
    void: bool,
    origin_line: i64,
    document_id: Uuid,
    document_type: String,
    document_number: i64,
    effective_at: DateTime<FixedOffset>,
    location: String,
    external_ref: Option<String>,
    site_id: Uuid,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
}

impl LotRow {
    fn answer(self, parents: Vec<LotParent>, sites: &Sites, now: Instant) -> Result<TracedLot, Error> {
        let today = site_days(self.time_zone.as_deref(), self.day_starts_at.as_deref())?.business_date(now);
        let expired = is_expired(self.expires_on, DateKind::stored(&self.date_kind)?, self.grace_days, today);
        let r#type = DocumentType::stored(&self.document_type)?;
        let origin = TracedOrigin {
            document_id: self.document_id,
            r#type,
            number: r#type.show(self.document_number),
            line_no: self.origin_line,
            effective_at: self.effective_at.into(),
            location: self.location,
            external_ref: self.external_ref,
        };
        Ok(TracedLot {
            lot_id: self.id,
            depth: 0,
            item_id: self.item_id,
            sku: self.sku,
            name: self.name,
            batch_code: self.batch_code,
            expires_on: self.expires_on,
            status: LotStatus::of_lot(self.hold.as_deref(), expired)?,
            opened_at: self.opened_at.map(Instant::from),
            void: self.void,
            origin: Some(origin).filter(|_| sites.contain(self.site_id)),
            parents,
        })
    }
}

/// What there is to say of lots; of those only that came to the caller's sites.
async fn lots(
    reader: &impl ConnectionTrait,
    caller: &Caller,
    wanted: impl Iterator<Item = (&LotId, &i64)>,
    now: Instant,
) -> Result<HashMap<LotId, TracedLot>, Error> {
    let backend = reader.get_database_backend();
    let wanted: Vec<LotId> = wanted.map(|(lot, _)| *lot).collect();
    let (mut filter, ids) = about(backend, "lot", caller.tenant_id, wanted.iter().copied());
    filter.and_plain(&format!("lot.id IN ({ids})"));
    filter.and_lot_sites(backend, "lot.tenant_id", "lot.id", &caller.sites);
    let sql = format!(
        "SELECT lot.id, lot.item_id, item.sku, item.name, item.grace_days, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, lot.void, \
         lot.origin_line, document.id AS document_id, document.type AS document_type, document.number AS document_number, document.effective_at, \
         location.path AS location, document.external_ref, document.site_id, site.time_zone, site.day_starts_at \
         FROM lot JOIN item ON item.tenant_id = lot.tenant_id AND item.id = lot.item_id \
         JOIN document ON document.tenant_id = lot.tenant_id AND document.id = lot.origin_document_id \
         JOIN location ON location.tenant_id = document.tenant_id AND location.id = document.location_id \
         JOIN location AS site ON site.tenant_id = document.tenant_id AND site.id = document.site_id {}",
        filter.sql()
    );
    let found = rows::all::<LotRow>(reader, &sql, filter.into_values()).await?;
    let mut parents = read::parents(reader, caller, &wanted).await?;
    let traced = |row: LotRow| {
        let id = row.id;
        let parents = parents.remove(&id).unwrap_or_default();
        row.answer(parents, &caller.sites, now).map(|lot| (id, lot))
    };
    found.into_iter().map(traced).collect()
}

#[derive(FromQueryResult)]
struct MovementRow {
    seq: i64,
    lot_id: Uuid,
    sku: String,
    kind: String,
    document_id: Uuid,
    document_type: String,
    document_number: i64,
    status: String,
    location_id: Uuid,
    location: String,
    site_id: Uuid,
    quantity: i64,
    unit: String,
    effective_at: DateTime<FixedOffset>,
    business_date: NaiveDate,
    purpose: Option<String>,
    recipient: Option<String>,
    reason: Option<String>,
    transfer_id: Option<Uuid>,
    external_ref: Option<String>,
}

impl MovementRow {
    fn answer(self) -> Result<TracedMovement, Error> {
        let r#type = DocumentType::stored(&self.document_type)?;
        Ok(TracedMovement {
            seq: self.seq,
            lot_id: self.lot_id,
            sku: self.sku,
            kind: EntryKind::stored(&self.kind)?,
            document_id: self.document_id,
            r#type,
            number: r#type.show(self.document_number),
            status: self.status,
            location_id: self.location_id,
            location: self.location,
            site_id: self.site_id,
            quantity: Quantity(self.quantity),
            unit: self.unit,
            effective_at: self.effective_at.into(),
            business_date: self.business_date,
            purpose: self.purpose,
            recipient: self.recipient,
            reason: self.reason,
            transfer_id: self.transfer_id,
            external_ref: self.external_ref,
        })
    }
}

/// The movements of lots in the order of the ledger, of one kind or of all, and whether there are more than `limit`.
pub async fn movements(
    reader: &impl ConnectionTrait,
    caller: &Caller,
    lots: &[LotId],
    kind: Option<EntryKind>,
    limit: i64,
) -> Result<(Vec<TracedMovement>, bool), Error> {
    let backend = reader.get_database_backend();
    let (mut filter, ids) = about(backend, "entry", caller.tenant_id, lots.iter().copied());
    filter.and_given("entry.kind = ?", kind.map(EntryKind::word));
    filter.and_sites(backend, "location.site_id", &caller.sites);
    let probe = limit.saturating_add(1);
    let sql = format!(
        "SELECT entry.seq, entry.lot_id, item.sku, entry.kind, entry.document_id, document.type AS document_type, document.number AS document_number, \
         document.status, entry.location_id, location.path AS location, location.site_id, entry.quantity_delta AS quantity, unit.code AS unit, entry.effective_at, \
         entry.business_date, detail.purpose, detail.recipient, reason.code AS reason, detail.transfer_id, document.external_ref \
         FROM ({ids}) AS wanted CROSS JOIN ledger_entry AS entry \
         JOIN document ON document.tenant_id = entry.tenant_id AND document.id = entry.document_id \
         JOIN item ON item.tenant_id = entry.tenant_id AND item.id = entry.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = entry.tenant_id AND location.id = entry.location_id \
         LEFT JOIN document_detail AS detail ON detail.tenant_id = entry.tenant_id AND detail.document_id = entry.document_id \
         LEFT JOIN reason ON reason.tenant_id = entry.tenant_id AND reason.id = entry.reason_id \
         {} AND entry.lot_id = wanted.id ORDER BY entry.seq LIMIT {probe}",
        filter.sql()
    );
    let mut found = rows::all::<MovementRow>(reader, &sql, filter.into_values()).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let found: Result<Vec<_>, Error> = found.into_iter().map(MovementRow::answer).collect();
    Ok((found?, more))
}

#[derive(FromQueryResult)]
struct PlaceRow {
    lot_id: Uuid,
    sku: String,
    batch_code: Option<String>,
    location_id: Uuid,
    location: String,
    site_id: Uuid,
    quantity: i64,
    unit: String,
}

/// Where lots lie now, and whether there are more places than `limit`.
pub async fn places(reader: &impl ConnectionTrait, caller: &Caller, lots: &[LotId], limit: i64) -> Result<(Vec<TracedPlace>, bool), Error> {
    let backend = reader.get_database_backend();
    let (mut filter, ids) = about(backend, "balance", caller.tenant_id, lots.iter().copied());
    filter.and_plain("balance.quantity > 0");
    filter.and_sites(backend, "location.site_id", &caller.sites);
    let probe = limit.saturating_add(1);
    let sql = format!(
        "SELECT balance.lot_id, item.sku, lot.batch_code, balance.location_id, location.path AS location, location.site_id, balance.quantity, unit.code AS unit \
         FROM ({ids}) AS wanted CROSS JOIN balance \
         JOIN lot ON lot.tenant_id = balance.tenant_id AND lot.id = balance.lot_id \
         JOIN item ON item.tenant_id = balance.tenant_id AND item.id = balance.item_id \
         JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
         JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id \
         {} AND balance.lot_id = wanted.id ORDER BY location.path, item.sku, lot.origin_seq, lot.origin_line LIMIT {probe}",
        filter.sql()
    );
    let mut found = rows::all::<PlaceRow>(reader, &sql, filter.into_values()).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let place = |row: PlaceRow| {
        let PlaceRow { lot_id, sku, batch_code, location_id, location, site_id, quantity, unit } = row;
        TracedPlace { lot_id, sku, batch_code, location_id, location, site_id, quantity: Quantity(quantity), unit }
    };
    Ok((found.into_iter().map(place).collect(), more))
}

/// Traces a lot: back to what it was made from, forward to what was made of it, all that moved it, and where it lies.
#[utoipa::path(
    tag = "stock",
    operation_id = "trace_lot",
    params(("id" = Uuid, Path, description = "The lot's id"), Request),
    responses(
        (status = 200, description = "The trace", body = TraceAnswer),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or not yours to see", body = ProblemDocument<'_>),
    )
)]
#[get("/lots/{id}/trace")]
pub async fn trace_lot(state: web::Data<Inventory>, caller: Caller, id: Id, query: Query<Request>) -> Result<web::Json<TraceAnswer>, Error> {
    execute(&state, &caller, id.0, query.0).await.map(web::Json)
}
