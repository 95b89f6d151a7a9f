//! The rows of `location`.

use std::collections::BTreeSet;

use inventory_entity::{location, tenant_settings};
use kernel::{Instant, Limit, Sites, TenantId, Txn};
use sea_orm::sea_query::{ExprTrait, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, NotSet, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::{Location, LocationKind};
use crate::arithmetic::Quantity;
use crate::catalog::{Archived, taken};
use crate::error::Error;
use crate::names::{ItemId, LocationId, LotId, Word as _};
use crate::rows;

/// Which locations a list holds.
pub struct Wanted {
    pub kind: Option<LocationKind>,
    pub site_id: Option<LocationId>,
    /// The path of a site: that site and what lies in it.
    pub site: Option<String>,
    pub sites: Sites,
    pub archived: Archived,
    /// The path of the last one that was answered.
    pub after: Option<String>,
    pub limit: Limit,
}

/// The locations in the order of their paths.
pub async fn page(connection: &impl ConnectionTrait, tenant: TenantId, wanted: Wanted) -> Result<Vec<Location>, DbErr> {
    use location::Column::{ArchivedAt, Kind, Path, SiteId};
    let mut query = of(tenant).filter(wanted.archived.condition(ArchivedAt)).order_by_asc(Path).limit(wanted.limit.probe());
    if let Some(kind) = wanted.kind {
        query = query.filter(Kind.eq(kind.word()));
    }
    if let Some(id) = wanted.site_id {
        query = query.filter(SiteId.eq(id));
    }
    if let Some(path) = wanted.site {
        let (first, end) = below(&path);
        query = query.filter(Path.eq(path).or(Path.gte(first).and(Path.lt(end))));
    }
    if let Sites::Only(sites) = wanted.sites {
        query = query.filter(SiteId.is_in(sites));
    }
    if let Some(after) = wanted.after {
        query = query.filter(Path.gt(after));
    }
    query.all(connection).await?.into_iter().map(Location::try_from).collect()
}

/// The first path below a location, and the first one after all of those: `0` follows `/`, and paths are compared by bytes.
fn below(path: &str) -> (String, String) {
    (format!("{path}/"), format!("{path}0"))
}

pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: LocationId) -> Result<Option<Location>, DbErr> {
    of(tenant).filter(location::Column::Id.eq(id)).one(connection).await?.map(Location::try_from).transpose()
}

/// Which of these are sites that are not archived.
pub async fn open_sites(connection: &impl ConnectionTrait, tenant: TenantId, ids: &BTreeSet<LocationId>) -> Result<BTreeSet<LocationId>, DbErr> {
    let sites = of(tenant).filter(location::Column::Kind.eq(LocationKind::Site.word())).filter(location::Column::ArchivedAt.is_null());
    let found = sites.filter(location::Column::Id.is_in(ids.iter().copied())).select_only().column(location::Column::Id);
    Ok(found.into_tuple::<LocationId>().all(connection).await?.into_iter().collect())
}

/// The location, locked until the transaction ends. What lies in another is locked after it.
pub async fn lock(txn: &Txn, tenant: TenantId, id: LocationId) -> Result<Option<Location>, DbErr> {
    of(tenant).filter(location::Column::Id.eq(id)).lock(LockType::NoKeyUpdate).one(txn).await?.map(Location::try_from).transpose()
}

/// The location of a path, locked until the transaction ends.
pub async fn lock_by_path(txn: &Txn, tenant: TenantId, path: &str) -> Result<Option<Location>, DbErr> {
    of(tenant).filter(location::Column::Path.eq(path)).lock(LockType::NoKeyUpdate).one(txn).await?.map(Location::try_from).transpose()
}

/// What lies in it, or below it, in transit included: the first twenty lots, with the path of where each lies.
pub async fn stock(txn: &Txn, tenant: TenantId, location: &Location) -> Result<Vec<Value>, DbErr> {
    #[derive(FromQueryResult)]
    struct Lying {
        location: String,
        item_id: ItemId,
        sku: String,
        lot_id: LotId,
        quantity: i64,
        unit: String,
    }
    let sql = "SELECT location.path AS location, item.id AS item_id, item.sku, balance.lot_id, balance.quantity, unit.code AS unit FROM location \
               JOIN balance ON balance.tenant_id = location.tenant_id AND balance.location_id = location.id \
               JOIN item ON item.tenant_id = balance.tenant_id AND item.id = balance.item_id \
               JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
               WHERE location.tenant_id = $1 AND (location.path = $2 OR (location.path >= $3 AND location.path < $4)) AND balance.quantity > 0 \
               ORDER BY location.path, item.sku, balance.lot_id LIMIT 20";
    let (first, end) = below(&location.path);
    let lying = rows::all::<Lying>(txn, sql, [tenant.into(), location.path.clone().into(), first.into(), end.into()]).await?;
    let tell = |Lying { location, item_id, sku, lot_id, quantity, unit }| json!({ "location": location, "item_id": item_id, "sku": sku, "lot_id": lot_id, "quantity": Quantity(quantity), "unit": unit });
    Ok(lying.into_iter().map(tell).collect())
}

/// Whether an area in it is in use. A site's goods in transit are archived with it.
pub async fn has_children(txn: &Txn, tenant: TenantId, id: LocationId) -> Result<bool, DbErr> {
    use location::Column::{ArchivedAt, Kind, ParentId};
    let children = of(tenant).filter(ParentId.eq(id)).filter(ArchivedAt.is_null()).filter(Kind.ne(LocationKind::Transit.word()));
    Ok(children.one(txn).await?.is_some())
}

/// Whether anything was ever posted at a site, or moved to it by a document of another one.
pub async fn was_posted_at(txn: &Txn, tenant: TenantId, site: LocationId) -> Result<bool, DbErr> {
    #[derive(FromQueryResult)]
    struct Found {
        #[expect(dead_code, reason = "only whether there is a row is asked")]
        id: LocationId,
    }
    let sql = "SELECT area.id FROM location AS area WHERE area.tenant_id = $1 AND area.site_id = $2 \
               AND (EXISTS (SELECT 1 FROM document WHERE document.tenant_id = area.tenant_id AND document.site_id = area.site_id) \
               OR EXISTS (SELECT 1 FROM ledger_entry AS entry WHERE entry.tenant_id = area.tenant_id AND entry.location_id = area.id)) LIMIT 1";
    Ok(rows::one::<Found>(txn, sql, [tenant.into(), site.into()]).await?.is_some())
}

/// The area of a site for goods in transit.
pub async fn transit_of(txn: &Txn, tenant: TenantId, site: LocationId) -> Result<Option<Location>, DbErr> {
    use location::Column::{Kind, SiteId};
    let transit = of(tenant).filter(SiteId.eq(site)).filter(Kind.eq(LocationKind::Transit.word()));
    transit.one(txn).await?.map(Location::try_from).transpose()
}

/// The time zone that a site has where nothing is said.
pub async fn tenant_time_zone(txn: &Txn, tenant: TenantId) -> Result<String, DbErr> {
    let settings = tenant_settings::Entity::find_by_id(tenant).one(txn).await?;
    settings.map(|settings| settings.time_zone).ok_or_else(|| DbErr::RecordNotFound("the settings of a tenant".to_owned()))
}

/// [`Error::Exists`] where the path is taken.
pub async fn insert(txn: &Txn, tenant: TenantId, location: &Location) -> Result<(), Error> {
    let row = row(tenant, location).into_active_model().reset_all();
    let inserted = location::Entity::insert(row).exec_without_returning(txn).await;
    inserted.map(|_| ()).map_err(|error| taken(error, "ix_location_path", "location.tenant_id, location.path", "location", &location.path))
}

pub async fn save(txn: &Txn, tenant: TenantId, location: &Location) -> Result<(), DbErr> {
    let changed = location::ActiveModel { id: NotSet, tenant_id: NotSet, ..row(tenant, location).into_active_model().reset_all() };
    let update = location::Entity::update_many().set(changed).filter(location::Column::TenantId.eq(tenant)).filter(location::Column::Id.eq(location.id));
    update.exec(txn).await.map(|_| ())
}

fn of(tenant: TenantId) -> sea_orm::Select<location::Entity> {
    location::Entity::find().filter(location::Column::TenantId.eq(tenant))
}

impl TryFrom<location::Model> for Location {
    type Error = DbErr;

    fn try_from(row: location::Model) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.id,
            kind: LocationKind::stored(&row.kind)?,
            code: row.code,
            path: row.path,
            name: row.name,
            parent_id: row.parent_id,
            site_id: row.site_id,
            time_zone: row.time_zone,
            day_starts_at: row.day_starts_at,
            archived: row.archived_at.is_some(),
            archived_at: row.archived_at.map(Instant::from),
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

fn row(tenant: TenantId, location: &Location) -> location::Model {
    location::Model {
        id: location.id,
        tenant_id: tenant,
        version: location.version,
        created_at: location.created_at.into(),
        updated_at: location.updated_at.into(),
        parent_id: location.parent_id,
        site_id: location.site_id,
        kind: location.kind.word().to_owned(),
        code: location.code.clone(),
        path: location.path.clone(),
        name: location.name.clone(),
        time_zone: location.time_zone.clone(),
        day_starts_at: location.day_starts_at.clone(),
        archived_at: location.archived_at.map(Into::into),
    }
}
