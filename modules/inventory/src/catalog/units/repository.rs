//! The rows of `unit`.

use inventory_entity::{tenant_settings, unit};
use kernel::{Limit, TenantId, Txn};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, NotSet, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Dimension, Unit};
use crate::arithmetic::Ratio;
use crate::catalog::conversion::GlobalUnit;
use crate::catalog::taken;
use crate::error::Error;
use crate::names::Word as _;
use crate::rows;

/// Keeps others from changing what converts into what until the transaction ends: units, units of items, base units. Taken
/// before any row of an item.
pub async fn lock_conversions(txn: &Txn, tenant: TenantId) -> Result<(), DbErr> {
    tenant_settings::Entity::find_by_id(tenant).lock(LockType::NoKeyUpdate).one(txn).await.map(|_| ())
}

/// The units after a code, in the order of codes.
pub async fn page(connection: &impl ConnectionTrait, tenant: TenantId, after: Option<String>, limit: Limit) -> Result<Vec<Unit>, DbErr> {
    let mut query = of(tenant).order_by_asc(unit::Column::Code).limit(limit.probe());
    if let Some(after) = after {
        query = query.filter(unit::Column::Code.gt(after));
    }
    query.all(connection).await?.into_iter().map(Unit::try_from).collect()
}

/// All units of a tenant, its only parameter, as [`UnitRow`]s.
pub const ALL_UNITS: &str = "SELECT code, dimension, numerator, denominator FROM unit WHERE tenant_id = $1";

/// A unit as conversions know it.
#[derive(FromQueryResult, Deserialize)]
pub struct UnitRow {
    code: String,
    dimension: String,
    numerator: i64,
    denominator: i64,
}

impl TryFrom<UnitRow> for GlobalUnit {
    type Error = DbErr;

    fn try_from(row: UnitRow) -> Result<Self, DbErr> {
        let factor = Ratio::new(row.numerator.into(), row.denominator.into()).ok_or_else(|| DbErr::Type("a unit without a factor".to_owned()))?;
        Ok(Self { dimension: Dimension::stored(&row.dimension)?, code: row.code, factor })
    }
}

/// All units of the tenant, as conversions know them.
pub async fn all(connection: &impl ConnectionTrait, tenant: TenantId) -> Result<Vec<GlobalUnit>, DbErr> {
    rows::all::<UnitRow>(connection, ALL_UNITS, [tenant.into()]).await?.into_iter().map(GlobalUnit::try_from).collect()
}

pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: Uuid) -> Result<Option<Unit>, DbErr> {
    of(tenant).filter(unit::Column::Id.eq(id)).one(connection).await?.map(Unit::try_from).transpose()
}

pub async fn find_by_code(connection: &impl ConnectionTrait, tenant: TenantId, code: &str) -> Result<Option<Unit>, DbErr> {
    of(tenant).filter(unit::Column::Code.eq(code)).one(connection).await?.map(Unit::try_from).transpose()
}

/// The unit, locked until the transaction ends.
pub async fn lock(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<Option<Unit>, DbErr> {
    of(tenant).filter(unit::Column::Id.eq(id)).lock(LockType::NoKeyUpdate).one(txn).await?.map(Unit::try_from).transpose()
}

/// [`Error::Exists`] where the code is taken.
pub async fn insert(txn: &Txn, tenant: TenantId, unit: &Unit) -> Result<(), Error> {
    let row = row(tenant, unit).into_active_model().reset_all();
    let inserted = unit::Entity::insert(row).exec_without_returning(txn).await;
    inserted.map(|_| ()).map_err(|error| taken(error, "ix_unit_code", "unit.tenant_id, unit.code", "unit", &unit.code))
}

pub async fn save(txn: &Txn, tenant: TenantId, unit: &Unit) -> Result<(), DbErr> {
    let changed = unit::ActiveModel { id: NotSet, tenant_id: NotSet, ..row(tenant, unit).into_active_model().reset_all() };
    let update = unit::Entity::update_many().set(changed).filter(unit::Column::TenantId.eq(tenant)).filter(unit::Column::Id.eq(unit.id));
    update.exec(txn).await.map(|_| ())
}

fn of(tenant: TenantId) -> sea_orm::Select<unit::Entity> {
    unit::Entity::find().filter(unit::Column::TenantId.eq(tenant))
}

impl TryFrom<unit::Model> for Unit {
    type Error = DbErr;

    fn try_from(row: unit::Model) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.id,
            dimension: Dimension::stored(&row.dimension)?,
            code: row.code,
            name: row.name,
            num: row.numerator,
            den: row.denominator,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

fn row(tenant: TenantId, unit: &Unit) -> unit::Model {
    unit::Model {
        id: unit.id,
        tenant_id: tenant,
        version: unit.version,
        created_at: unit.created_at.into(),
        updated_at: unit.updated_at.into(),
        code: unit.code.clone(),
        name: unit.name.clone(),
        dimension: unit.dimension.word().to_owned(),
        numerator: unit.num,
        denominator: unit.den,
    }
}
