//! The rows of `period`, and what keeps one from being closed.

use chrono::NaiveDate;
use inventory_entity::period;
use kernel::{Instant, TenantId, Txn};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, NotSet, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Period, PeriodStatus};
use crate::calendar::SiteDays;
use crate::catalog::lookup::site_days;
use crate::error::Error;
use crate::names::Word as _;
use crate::rows;

pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: Uuid) -> Result<Option<Period>, DbErr> {
    of(tenant).filter(period::Column::Id.eq(id)).one(connection).await?.map(Period::try_from).transpose()
}

/// The period, locked until the transaction ends: before the head, always.
pub async fn lock(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<Option<Period>, DbErr> {
    of(tenant).filter(period::Column::Id.eq(id)).lock(LockType::NoKeyUpdate).one(txn).await?.map(Period::try_from).transpose()
}

/// The latest first.
pub async fn page(connection: &impl ConnectionTrait, tenant: TenantId, before: Option<NaiveDate>, rows: u64) -> Result<Vec<Period>, DbErr> {
    let mut query = of(tenant).order_by_desc(period::Column::LastDay).limit(rows);
    if let Some(before) = before {
        query = query.filter(period::Column::LastDay.lt(before));
    }
    query.all(connection).await?.into_iter().map(Period::try_from).collect()
}

/// The last day of an open period before a date, if there is one.
pub async fn open_before(txn: &Txn, tenant: TenantId, date: NaiveDate) -> Result<Option<NaiveDate>, DbErr> {
    use period::Column::{LastDay, Status};
    let open = of(tenant).filter(Status.eq(PeriodStatus::Open.word())).filter(LastDay.lt(date)).order_by_asc(LastDay);
    Ok(open.one(txn).await?.map(|row| row.last_day))
}

/// [`Error::Exists`] where there is a period with this last day.
pub async fn insert(txn: &Txn, tenant: TenantId, period: &Period) -> Result<(), Error> {
    let row = row(tenant, period).into_active_model().reset_all();
    let inserted = period::Entity::insert(row).exec_without_returning(txn).await;
    let shown = period.last_day.to_string();
    inserted
        .map(|_| ())
        .map_err(|error| crate::catalog::taken(error, "ix_period_last_day", "period.tenant_id, period.last_day", "period with the last day", &shown))
}

pub async fn save(txn: &Txn, tenant: TenantId, period: &Period) -> Result<(), DbErr> {
    let changed = period::ActiveModel { id: NotSet, tenant_id: NotSet, ..row(tenant, period).into_active_model().reset_all() };
    let update = period::Entity::update_many().set(changed).filter(period::Column::TenantId.eq(tenant)).filter(period::Column::Id.eq(period.id));
    update.exec(txn).await.map(|_| ())
}

fn of(tenant: TenantId) -> Select<period::Entity> {
    period::Entity::find().filter(period::Column::TenantId.eq(tenant))
}

fn row(tenant: TenantId, period: &Period) -> period::Model {
    period::Model {
        id: period.id,
        tenant_id: tenant,
        version: period.version,
        created_at: period.created_at.into(),
        updated_at: period.updated_at.into(),
        first_day: period.first_day,
        last_day: period.last_day,
        status: period.status.word().to_owned(),
        closed_at: period.closed_at.map(Into::into),
        closed_by: period.closed_by,
    }
}

#[derive(FromQueryResult)]
struct SiteRow {
    path: String,
    time_zone: Option<String>,
    day_starts_at: Option<String>,
}

/// The sites at which a date is not over, archived ones included: goods may still be on the way back from them. A tenant without
/// a site goes by its own time zone.
pub async fn not_over_at(txn: &Txn, tenant: TenantId, date: NaiveDate, now: Instant) -> Result<Vec<String>, Error> {
    let sql = "SELECT path, time_zone, day_starts_at FROM location WHERE tenant_id = $1 AND kind = 'site' ORDER BY path";
    let sites = rows::all::<SiteRow>(txn, sql, [tenant.into()]).await?;
    let over = |days: SiteDays| days.business_date(now) > date;
    if sites.is_empty() {
        let zone = crate::catalog::locations::repository::tenant_time_zone(txn, tenant).await?;
        return Ok(if over(site_days(Some(&zone), Some("00:00"))?) { Vec::new() } else { vec![zone] });
    }
    let mut not_over = Vec::new();
    for site in sites {
        if !over(site_days(site.time_zone.as_deref(), site.day_starts_at.as_deref())?) {
            not_over.push(site.path);
        }
    }
    Ok(not_over)
}

/// A count that goes on: neither posted (and perhaps undone since) nor cancelled.
#[derive(Debug, Serialize, FromQueryResult)]
pub struct OpenCount {
    pub id: Uuid,
    pub location: String,
    pub status: String,
}

pub async fn open_counts(txn: &Txn, tenant: TenantId) -> Result<Vec<OpenCount>, DbErr> {
    let sql = "SELECT stock_count.id, location.path AS location, stock_count.status FROM stock_count \
               JOIN location ON location.tenant_id = stock_count.tenant_id AND location.id = stock_count.location_id \
               WHERE stock_count.tenant_id = $1 AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed') ORDER BY location.path, stock_count.id";
    rows::all(txn, sql, [tenant.into()]).await
}
