//! From the names in a request to what they stand for: for all lines of a document at once, in a constant number of statements.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use kernel::{Instant, TenantId, Txn, Violation};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::conversion::{Conversions, GlobalUnit};
use crate::arithmetic::{Quantity, Ratio};
use crate::calendar::SiteDays;
use crate::catalog::reasons::ReasonKind;
use crate::error::Error;
use crate::ledger::{ItemRules, RulesSeen, Spot};
use crate::names::Word as _;
use crate::names::{Code, DateKind, DocumentId, ItemId, ItemRef, LocationId, LocationRef, Pick, ReasonId, Stage, TimeOfDay, UnitCode};
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// An area that stock may lie in, with its site.
#[derive(Clone, Debug)]
pub struct Area {
    pub id: LocationId,
    pub path: String,
    pub site_id: LocationId,
    pub days: SiteDays,
}

impl Area {
    pub fn spot(&self) -> Spot {
        Spot { location: self.id, days: self.days }
    }
}

/// Where a document is posted, what was seen of the rules, and the time.
#[derive(Clone, Debug)]
pub struct Ground {
    pub area: Area,
    pub rules: RulesSeen,
    /// Now, not before the last posting, and later than what was just counted.
    pub now: Instant,
}

/// How far the clocks of two servers may be apart before it is no longer taken for a difference of clocks.
const SKEW_SECONDS: i64 = 5;

/// The latest instant that the clock of another server may show now.
pub fn clocks_differ(now: Instant) -> Instant {
    now.plus(TimeDelta::seconds(SKEW_SECONDS))
}

impl Ground {
    /// What another server has just recorded happened before what this one records next, also where this one's clock is behind:
    /// goods that came in there can be thrown away here at once. What is posted after a count is no part of it, so it is later.
    fn now(now: Instant, last: Option<Instant>, counted: Option<Instant>) -> Instant {
        let close = |at: &Instant| *at <= clocks_differ(now);
        let after_count = counted.map(|at| at.plus(TimeDelta::microseconds(1)));
        [last, after_count].into_iter().flatten().filter(close).fold(now, Instant::max)
    }
}

#[derive(FromQueryResult)]
struct AreaRow {
    id: Uuid,
    path: String,
    kind: String,
    site_id: Uuid,
    archived_at: Option<DateTime<FixedOffset>>,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
    rules_version: i64,
    closed_through: Option<NaiveDate>,
    last_recorded_at: Option<DateTime<FixedOffset>>,
    last_counted_at: Option<DateTime<FixedOffset>>,
}

/// The area that a document names, and the rules of the ledger, which are read with it: before anything else, so that whatever
/// changes after is noticed at the head.
pub async fn area(txn: &Txn, tenant: TenantId, named: &LocationRef, now: Instant) -> Result<Ground, Error> {
    area_called(txn, tenant, named, "", now).await
}

/// The same for a request that names several: `prefix` comes before `location` and `location_id` in its fields.
pub async fn area_called(txn: &Txn, tenant: TenantId, named: &LocationRef, prefix: &str, now: Instant) -> Result<Ground, Error> {
    named_ground(txn, tenant, named, prefix, false, now).await
}

/// The same for a count, which may be of a whole site: its lines name their areas.
pub async fn area_or_site(txn: &Txn, tenant: TenantId, named: &LocationRef, now: Instant) -> Result<Ground, Error> {
    named_ground(txn, tenant, named, "", true, now).await
}

async fn named_ground(txn: &Txn, tenant: TenantId, named: &LocationRef, prefix: &str, or_site: bool, now: Instant) -> Result<Ground, Error> {
    let mut filter = Filter::tenant("area.tenant_id", tenant);
    match named {
        LocationRef::Id { location_id } => filter.and("area.id = ?", *location_id),
        LocationRef::Path { location } => filter.and("area.path = ?", location.as_str()),
    }
    let refuse = |code, detail: &str| Error::invalid(format!("/{prefix}{}", named.field()), code, detail);
    let row = area_row(txn, filter).await?.ok_or_else(|| refuse("location_not_found", "there is no such location"))?;
    match row.kind.as_str() {
        "area" => {}
        "site" if or_site => {}
        "site" => return Err(refuse("not_an_area", "this is a site; stock lies in its areas")),
        _ => return Err(refuse("not_an_area", "goods in transit are moved by transfers only")),
    }
    if row.archived_at.is_some() {
        return Err(refuse("location_archived", "this location is archived"));
    }
    row.ground(now)
}

/// Where the goods that a site has sent wait until they arrive: no document of a user names it.
pub async fn transit(txn: &Txn, tenant: TenantId, site: LocationId, now: Instant) -> Result<Ground, Error> {
    let mut filter = Filter::tenant("area.tenant_id", tenant);
    filter.and("area.site_id = ?", site);
    filter.and("area.kind = ?", "transit");
    area_row(txn, filter).await?.ok_or_else(|| DbErr::RecordNotFound("the goods in transit of a site".to_owned()))?.ground(now)
}

/// The area of a document that is posted, archived or not, and the rules of the ledger: read first, as for a new document.
pub async fn area_of(txn: &Txn, tenant: TenantId, document: DocumentId, now: Instant) -> Result<Ground, Error> {
    let mut filter = Filter::tenant("area.tenant_id", tenant);
    filter.and("area.id = (SELECT document.location_id FROM document WHERE document.tenant_id = area.tenant_id AND document.id = ?)", document);
    area_row(txn, filter).await?.ok_or(Error::NotFound("document"))?.ground(now)
}

async fn area_row(txn: &Txn, filter: Filter) -> Result<Option<AreaRow>, DbErr> {
    let sql = format!(
        "SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version, head.closed_through, \
         (SELECT MAX(last.recorded_at) FROM document AS last WHERE last.tenant_id = head.tenant_id AND last.last_seq = head.seq) AS last_recorded_at, \
         (SELECT MAX(last.effective_at) FROM document AS last WHERE last.tenant_id = head.tenant_id AND last.last_seq = head.seq AND last.type = 'count') AS last_counted_at \
         FROM location AS area JOIN location AS site ON site.tenant_id = area.tenant_id AND site.id = area.site_id \
         JOIN ledger_head AS head ON head.tenant_id = area.tenant_id {}",
        filter.sql()
    );
    rows::one::<AreaRow>(txn, &sql, filter.into_values()).await
}

impl AreaRow {
    fn ground(self, now: Instant) -> Result<Ground, Error> {
        let rules = RulesSeen { version: self.rules_version, closed_through: self.closed_through };
        let days = site_days(self.time_zone.as_deref(), self.day_starts_at.as_deref())?;
        let now = Ground::now(now, self.last_recorded_at.map(Instant::from), self.last_counted_at.map(Instant::from));
        Ok(Ground { area: Area { id: self.id, path: self.path, site_id: self.site_id, days }, rules, now })
    }
}

#[derive(FromQueryResult)]
struct SiteRow {
    location_id: Uuid,
    site_id: Uuid,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
}

/// The site of a location, archived or not, and its days.
pub async fn site_of(txn: &Txn, tenant: TenantId, location: LocationId) -> Result<(LocationId, SiteDays), Error> {
    sites_of(txn, tenant, [location]).await?.remove(&location).ok_or(Error::NotFound("location"))
}

/// The sites of locations, archived or not, and their days, by location.
pub async fn sites_of(
    txn: &Txn,
    tenant: TenantId,
    locations: impl IntoIterator<Item = LocationId>,
) -> Result<BTreeMap<LocationId, (LocationId, SiteDays)>, Error> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    let backend = txn.get_database_backend();
    let ids = ID.select(backend, 2);
    let sql = format!(
        "SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at FROM location \
         JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id \
         WHERE location.tenant_id = $1 AND location.id IN ({ids})"
    );
    let given = rows::parameter(locations.into_iter().map(|location| given_row!(backend, location)).collect());
    let found = rows::all::<SiteRow>(txn, &sql, [tenant.into(), given]).await?;
    found.into_iter().map(|row| Ok((row.location_id, (row.site_id, site_days(row.time_zone.as_deref(), row.day_starts_at.as_deref())?)))).collect()
}

/// The days of a site, from what is stored.
pub fn site_days(zone: Option<&str>, starts_at: Option<&str>) -> Result<SiteDays, DbErr> {
    let wrong = || DbErr::Type("a site without a time zone or a start of its days".to_owned());
    let zone = zone.and_then(|zone| zone.parse().ok()).ok_or_else(wrong)?;
    let starts_at: NaiveTime = starts_at.and_then(TimeOfDay::parse).ok_or_else(wrong)?.0;
    Ok(SiteDays { zone, starts_at })
}

/// An item as a document needs it.
#[derive(Debug)]
pub struct Item {
    pub rules: ItemRules,
    pub sku: String,
    pub base_unit: String,
    pub archived: bool,
    pub conversions: Conversions,
}

/// The items that a request names.
#[derive(Debug, Default)]
pub struct Items {
    by_id: BTreeMap<ItemId, Arc<Item>>,
    by_sku: HashMap<String, Arc<Item>>,
}

impl Items {
    pub fn named(&self, named: &ItemRef) -> Option<&Arc<Item>> {
        match named {
            ItemRef::Id { item_id } => self.by_id.get(item_id),
            ItemRef::Sku { sku } => self.by_sku.get(sku.as_str()),
        }
    }

    /// The sku and the base unit of an item that was found.
    pub fn names(&self, id: ItemId) -> (String, String) {
        self.by_id.get(&id).map(|item| (item.sku.clone(), item.base_unit.clone())).unwrap_or_default()
    }
}

#[derive(FromQueryResult)]
struct ItemRow {
    id: Uuid,
    sku: String,
    base_unit: String,
    pick: String,
    track_lots: bool,
    track_expiry: bool,
    date_kind: String,
    grace_days: i64,
    shelf_life_days: Option<i64>,
    opened_shelf_life_days: Option<i64>,
    archived_at: Option<DateTime<FixedOffset>>,
}

#[derive(FromQueryResult)]
struct ItemUnitRow {
    item_id: Uuid,
    code: String,
    numerator: i64,
    denominator: i64,
}

/// All items that are named, with the ways their units convert: three statements.
pub async fn items(txn: &Txn, tenant: TenantId, named: impl Iterator<Item = &ItemRef>) -> Result<Items, Error> {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    const SKU: Relation = Relation(&[("sku", Kind::Text)]);
    const COLUMNS: &str = "item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days, item.shelf_life_days, item.opened_shelf_life_days, item.archived_at";
    let backend = txn.get_database_backend();
    let (mut ids, mut skus) = (Vec::new(), Vec::new());
    for named in named {
        match named {
            ItemRef::Id { item_id } => ids.push(given_row!(backend, *item_id)),
            ItemRef::Sku { sku } => skus.push(given_row!(backend, sku.as_str())),
        }
    }
    let unit = "JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id";
    let sql = format!(
        "SELECT {COLUMNS} FROM item {unit} WHERE item.tenant_id = $1 AND item.id IN ({}) \
         UNION SELECT {COLUMNS} FROM item {unit} WHERE item.tenant_id = $1 AND item.sku IN ({})",
        ID.select(backend, 2),
        SKU.select(backend, 3)
    );
    let found = rows::all::<ItemRow>(txn, &sql, [tenant.into(), rows::parameter(ids), rows::parameter(skus)]).await?;

    let wanted = rows::parameter(found.iter().map(|row| given_row!(backend, row.id)).collect());
    let sql = format!("SELECT item_id, code, numerator, denominator FROM item_unit WHERE tenant_id = $1 AND item_id IN ({})", ID.select(backend, 2));
    let mut own: HashMap<Uuid, Vec<(String, Ratio)>> = HashMap::new();
    for row in rows::all::<ItemUnitRow>(txn, &sql, [tenant.into(), wanted]).await? {
        let factor = Ratio::new(row.numerator.into(), row.denominator.into()).ok_or_else(|| DbErr::Type("an item unit without a factor".to_owned()))?;
        own.entry(row.item_id).or_default().push((row.code, factor));
    }

    let units: Arc<[GlobalUnit]> = super::units::repository::all(txn, tenant).await?.into();
    let mut items = Items::default();
    for row in found {
        let item = Arc::new(item(row, &units, &mut own)?);
        items.by_id.insert(item.rules.id, item.clone());
        items.by_sku.insert(item.sku.clone(), item);
    }
    Ok(items)
}

fn item(row: ItemRow, units: &Arc<[GlobalUnit]>, own: &mut HashMap<Uuid, Vec<(String, Ratio)>>) -> Result<Item, DbErr> {
    let rules = ItemRules {
        id: row.id,
        pick: Pick::stored(&row.pick)?,
        track_lots: row.track_lots,
        track_expiry: row.track_expiry,
        date_kind: DateKind::stored(&row.date_kind)?,
        grace_days: row.grace_days,
        shelf_life_days: row.shelf_life_days,
        opened_shelf_life_days: row.opened_shelf_life_days,
    };
    let conversions = Conversions::new(&row.base_unit, units.clone(), own.remove(&row.id).unwrap_or_default());
    Ok(Item { rules, sku: row.sku, base_unit: row.base_unit, archived: row.archived_at.is_some(), conversions })
}

/// A reason for something.
#[derive(Clone, Debug)]
pub struct Reason {
    pub id: ReasonId,
    pub stage: Option<Stage>,
    pub archived: bool,
}

/// The tenant's reasons of one kind.
#[derive(Debug, Default)]
pub struct Reasons {
    kind: &'static str,
    by_code: HashMap<String, Reason>,
    codes: HashMap<ReasonId, String>,
}

impl Reasons {
    /// The reason that is named at `pointer`, unless there is none or it is archived.
    pub fn named(&self, pointer: &str, code: &Code) -> Result<&Reason, Violation> {
        let refuse = |refused: &'static str, detail: String| Violation { pointer: pointer.to_owned(), code: refused.into(), detail };
        let reason = self.by_code.get(code.as_str());
        let reason = reason.ok_or_else(|| refuse("reason_not_found", format!("there is no {} reason {code}", self.kind)))?;
        if reason.archived { Err(refuse("reason_archived", format!("the reason {code} is archived"))) } else { Ok(reason) }
    }

    pub fn code(&self, id: ReasonId) -> Option<String> {
        self.codes.get(&id).cloned()
    }
}

#[derive(FromQueryResult)]
struct ReasonRow {
    id: Uuid,
    code: String,
    stage: Option<String>,
    archived_at: Option<DateTime<FixedOffset>>,
}

/// The tenant's reasons of a kind.
pub async fn reasons(txn: &Txn, tenant: TenantId, kind: ReasonKind) -> Result<Reasons, Error> {
    let sql = "SELECT id, code, stage, archived_at FROM reason WHERE tenant_id = $1 AND kind = $2";
    let mut reasons = Reasons { kind: kind.word(), ..Reasons::default() };
    for row in rows::all::<ReasonRow>(txn, sql, [tenant.into(), kind.word().into()]).await? {
        let stage = row.stage.as_deref().map(Stage::stored).transpose()?;
        reasons.codes.insert(row.id, row.code.clone());
        reasons.by_code.insert(row.code, Reason { id: row.id, stage, archived: row.archived_at.is_some() });
    }
    Ok(reasons)
}

/// The item of line `index` and its quantity in the base unit, rounded once; with the unit that was meant.
pub fn measure<'a>(
    index: usize,
    named: &ItemRef,
    quantity: Quantity,
    unit: Option<&UnitCode>,
    items: &'a Items,
) -> Result<(&'a Arc<Item>, Quantity, String), Violation> {
    let (item, factor, unit) = measured_in(index, named, unit, items)?;
    let refuse = |field: &str, code: &'static str, detail: String| Violation { pointer: format!("/lines/{index}/{field}"), code: code.into(), detail };
    let base = factor.apply(quantity).filter(|base| base.0 <= Quantity::MOST_PER_LINE);
    let base = base.ok_or_else(|| refuse("quantity", "out_of_range", format!("a line holds at most 1000000000 {}", item.base_unit)))?;
    if base == Quantity::ZERO {
        return Err(refuse("quantity", "rounds_to_zero", format!("this is less than a millionth of one {}", item.base_unit)));
    }
    Ok((item, base, unit))
}

/// The same where nothing may be there: zero of a unit is zero.
pub fn measure_at_least_zero<'a>(
    index: usize,
    named: &ItemRef,
    quantity: Quantity,
    unit: Option<&UnitCode>,
    items: &'a Items,
) -> Result<(&'a Arc<Item>, Quantity, String), Violation> {
    if quantity != Quantity::ZERO {
        return measure(index, named, quantity, unit, items);
    }
    measured_in(index, named, unit, items).map(|(item, _, unit)| (item, Quantity::ZERO, unit))
}

/// The item of line `index`, and how many base units one of its unit is.
fn measured_in<'a>(index: usize, named: &ItemRef, unit: Option<&UnitCode>, items: &'a Items) -> Result<(&'a Arc<Item>, Ratio, String), Violation> {
    let refuse = |field: &str, code: &'static str, detail: String| Violation { pointer: format!("/lines/{index}/{field}"), code: code.into(), detail };
    let item = items.named(named).ok_or_else(|| refuse(named.field(), "item_not_found", "there is no such item".to_owned()))?;
    if item.archived {
        return Err(refuse(named.field(), "item_archived", format!("{} is archived", item.sku)));
    }
    let unit = unit.map_or(item.base_unit.as_str(), UnitCode::as_str);
    let factor = item
        .conversions
        .factor(unit)
        .ok_or_else(|| refuse("unit", "unit_unknown", format!("{} is not counted in {unit}; its base unit is {}", item.sku, item.base_unit)))?;
    Ok((item, factor, unit.to_owned()))
}

/// An item that an import makes where it is missing.
#[derive(Clone, Debug)]
pub struct NewItem {
    pub id: ItemId,
    pub sku: String,
    pub name: String,
    pub base_unit: String,
}

/// Makes the items whose sku is not there yet and answers how many those were. Rows that name a base unit which the tenant does
/// not have make no item: their lines then say that there is none.
pub async fn create_missing(txn: &Txn, tenant: TenantId, now: Instant, wanted: Vec<NewItem>) -> Result<usize, Error> {
    const NEW: Relation = Relation(&[("id", Kind::Uuid), ("sku", Kind::Text), ("name", Kind::Text), ("base_unit", Kind::Text)]);
    let backend = txn.get_database_backend();
    let given = rows::parameter(wanted.iter().map(|item| given_row!(backend, item.id, item.sku, item.name, item.base_unit)).collect());
    let sql = format!(
        "INSERT INTO item (id, tenant_id, version, created_at, updated_at, sku, name, base_unit_id, kind, pick, track_lots, track_expiry, date_kind, grace_days) \
         SELECT wanted.id, unit.tenant_id, 1, {now}, {now}, wanted.sku, wanted.name, unit.id, 'ingredient', 'fefo', false, false, 'use_by', 0 \
         FROM ({}) AS wanted JOIN unit ON unit.tenant_id = $2 AND unit.code = wanted.base_unit WHERE true ORDER BY wanted.sku ON CONFLICT (tenant_id, sku) DO NOTHING",
        NEW.select(backend, 1),
        now = if backend == sea_orm::DatabaseBackend::Sqlite { "$3" } else { "$3::timestamptz" }
    );
    let at: DateTime<FixedOffset> = now.into();
    let made = rows::execute(txn, &sql, [given, tenant.into(), at.into()]).await?;
    Ok(usize::try_from(made.rows_affected()).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_not_before_the_last_posting_of_a_server_whose_clock_is_a_little_ahead() {
        let now = Instant::from_micros(1_000_000_000);
        let at = |seconds: i64| now.plus(TimeDelta::seconds(seconds));
        for (last, expected) in [(None, now), (Some(at(-60)), now), (Some(at(3)), at(3)), (Some(at(SKEW_SECONDS)), at(SKEW_SECONDS)), (Some(at(3_600)), now)] {
            assert_eq!(Ground::now(now, last, None), expected, "{last:?}");
        }
        let after = |at: Instant| at.plus(TimeDelta::microseconds(1));
        assert_eq!(Ground::now(now, Some(now), Some(now)), after(now), "what is posted after a count is no part of it");
        assert_eq!(Ground::now(now, Some(at(2)), Some(at(2))), after(at(2)));
        assert_eq!(Ground::now(now, Some(now), Some(at(-60))), now);
    }
}
