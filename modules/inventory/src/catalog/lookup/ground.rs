//! Where a document is posted, and what was seen of the rules.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use kernel::{Instant, TenantId, Txn};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::Deserialize;
use uuid::Uuid;

use crate::calendar::SiteDays;
use crate::error::Error;
use crate::ledger::{RulesSeen, Spot};
use crate::names::{DocumentId, LocationId, LocationRef, TimeOfDay};
use crate::rows::{self, Asked, Filter, Kind, Reads, Relation, Told, given_row};

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

#[derive(FromQueryResult, Deserialize)]
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
    let mut reads = Reads::new(txn);
    let asked = ask_area_called(&mut reads, tenant, named, prefix);
    asked.told(&mut reads.send(txn).await?, now)
}

/// The same for a count, which may be of a whole site: its lines name their areas.
pub async fn area_or_site(txn: &Txn, tenant: TenantId, named: &LocationRef, now: Instant) -> Result<Ground, Error> {
    let mut reads = Reads::new(txn);
    let asked = ask_named(&mut reads, tenant, named, "", true);
    asked.told(&mut reads.send(txn).await?, now)
}

/// An area that was asked for, with the rules of the ledger.
pub struct AskedGround<'a> {
    named: &'a LocationRef,
    prefix: &'a str,
    or_site: bool,
    row: Asked<AreaRow>,
}

/// Asks for an area together with other things.
pub fn ask_area<'a>(reads: &mut Reads, tenant: TenantId, named: &'a LocationRef) -> AskedGround<'a> {
    ask_area_called(reads, tenant, named, "")
}

/// The same for a request that names several.
pub fn ask_area_called<'a>(reads: &mut Reads, tenant: TenantId, named: &'a LocationRef, prefix: &'a str) -> AskedGround<'a> {
    ask_named(reads, tenant, named, prefix, false)
}

fn ask_named<'a>(reads: &mut Reads, tenant: TenantId, named: &'a LocationRef, prefix: &'a str, or_site: bool) -> AskedGround<'a> {
    let mut filter = Filter::tenant("area.tenant_id", tenant);
    match named {
        LocationRef::Id { location_id } => filter.and("area.id = ?", *location_id),
        LocationRef::Path { location } => filter.and("area.path = ?", location.as_str()),
    }
    AskedGround { named, prefix, or_site, row: reads.add(area_sql(&filter), filter.into_values()) }
}

impl AskedGround<'_> {
    pub fn told(self, told: &mut Told, now: Instant) -> Result<Ground, Error> {
        let refuse = |code, detail: &str| Error::invalid(format!("/{}{}", self.prefix, self.named.field()), code, detail);
        let row = told.rows(self.row)?.pop().ok_or_else(|| refuse("location_not_found", "there is no such location"))?;
        match row.kind.as_str() {
            "area" => {}
            "site" if self.or_site => {}
            "site" => return Err(refuse("not_an_area", "this is a site; stock lies in its areas")),
            _ => return Err(refuse("not_an_area", "goods in transit are moved by transfers only")),
        }
        if row.archived_at.is_some() {
            return Err(refuse("location_archived", "this location is archived"));
        }
        row.ground(now)
    }
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
    rows::one::<AreaRow>(txn, &area_sql(&filter), filter.into_values()).await
}

fn area_sql(filter: &Filter) -> String {
    format!(
        "SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version, head.closed_through, \
         head.last_recorded_at, head.last_counted_at FROM location AS area JOIN location AS site ON site.tenant_id = area.tenant_id AND site.id = area.site_id \
         JOIN ledger_head AS head ON head.tenant_id = area.tenant_id {}",
        filter.sql()
    )
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
    let given = ID.rows(backend, locations.into_iter().map(|location| given_row!(backend, location)).collect());
    let ids = given.each(2);
    let sql = format!(
        "SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at FROM location \
         JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id \
         WHERE location.tenant_id = $1 AND location.id IN ({ids})"
    );
    let found = rows::all::<SiteRow>(txn, &sql, [tenant.into(), given.into()]).await?;
    found.into_iter().map(|row| Ok((row.location_id, (row.site_id, site_days(row.time_zone.as_deref(), row.day_starts_at.as_deref())?)))).collect()
}

/// The days of a site, from what is stored.
pub fn site_days(zone: Option<&str>, starts_at: Option<&str>) -> Result<SiteDays, DbErr> {
    let wrong = || DbErr::Type("a site without a time zone or a start of its days".to_owned());
    let zone = zone.and_then(|zone| zone.parse().ok()).ok_or_else(wrong)?;
    let starts_at: NaiveTime = starts_at.and_then(TimeOfDay::parse).ok_or_else(wrong)?.0;
    Ok(SiteDays { zone, starts_at })
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
