//! The rows of `item_unit`, and how the units of an item convert.

use inventory_entity::item_unit;
use kernel::{Limit, TenantId, Txn};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::ItemUnit;
use crate::arithmetic::{MILLION, Quantity, Ratio};
use crate::catalog::conversion::Conversions;
use crate::catalog::{items, taken, units};
use crate::error::Error;
use crate::names::ItemId;

/// The units of an item after a code, in the order of codes.
pub async fn page(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    item: &items::Item,
    after: Option<String>,
    limit: Limit,
) -> Result<Vec<ItemUnit>, DbErr> {
    let mut query = of(tenant, item.id).order_by_asc(item_unit::Column::Code).limit(limit.probe());
    if let Some(after) = after {
        query = query.filter(item_unit::Column::Code.gt(after));
    }
    query.all(connection).await?.into_iter().map(|row| read(row, &item.base_unit)).collect()
}

/// Whether the item has units of its own.
pub async fn has_any(connection: &impl ConnectionTrait, tenant: TenantId, item: ItemId) -> Result<bool, DbErr> {
    Ok(of(tenant, item).one(connection).await?.is_some())
}

/// Whether any item has a unit of this code.
pub async fn is_used(connection: &impl ConnectionTrait, tenant: TenantId, code: &str) -> Result<bool, DbErr> {
    let query = item_unit::Entity::find().filter(item_unit::Column::TenantId.eq(tenant)).filter(item_unit::Column::Code.eq(code));
    Ok(query.one(connection).await?.is_some())
}

/// How the units of an item convert; `None` where there is no such item.
pub async fn conversions(connection: &impl ConnectionTrait, tenant: TenantId, item: ItemId) -> Result<Option<Conversions>, DbErr> {
    let Some((item, _)) = items::repository::find(connection, tenant, item).await? else { return Ok(None) };
    let globals = units::repository::all(connection, tenant).await?;
    let own = of(tenant, item.id).all(connection).await?.into_iter().map(|row| Ok((row.code.clone(), factor(&row)?)));
    Ok(Some(Conversions::new(&item.base_unit, globals.into(), own.collect::<Result<Vec<_>, DbErr>>()?)))
}

/// [`Error::Exists`] where the item has a unit of this code.
pub async fn insert(txn: &Txn, tenant: TenantId, item: ItemId, unit: &ItemUnit) -> Result<(), Error> {
    let row = item_unit::Model {
        id: unit.id,
        tenant_id: tenant,
        version: 1,
        created_at: unit.created_at.into(),
        updated_at: unit.created_at.into(),
        item_id: item,
        code: unit.unit.clone(),
        numerator: unit.num,
        denominator: unit.den,
    };
    let inserted = item_unit::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(txn).await;
    let columns = "item_unit.tenant_id, item_unit.item_id, item_unit.code";
    inserted.map(|_| ()).map_err(|error| taken(error, "ix_item_unit_item_id_code", columns, "unit", &unit.unit))
}

/// Whether there was such a unit.
pub async fn delete(txn: &Txn, tenant: TenantId, item: ItemId, code: &str) -> Result<bool, DbErr> {
    use item_unit::Column::{Code, ItemId, TenantId};
    let delete = item_unit::Entity::delete_many().filter(TenantId.eq(tenant)).filter(ItemId.eq(item)).filter(Code.eq(code));
    Ok(delete.exec(txn).await?.rows_affected > 0)
}

fn of(tenant: TenantId, item: ItemId) -> sea_orm::Select<item_unit::Entity> {
    item_unit::Entity::find().filter(item_unit::Column::TenantId.eq(tenant)).filter(item_unit::Column::ItemId.eq(item))
}

fn factor(row: &item_unit::Model) -> Result<Ratio, DbErr> {
    Ratio::new(row.numerator.into(), row.denominator.into()).ok_or_else(|| DbErr::Type("an item unit without a factor".to_owned()))
}

fn read(row: item_unit::Model, base_unit: &str) -> Result<ItemUnit, DbErr> {
    let quantity = factor(&row)?.apply(Quantity(MILLION)).ok_or_else(|| DbErr::Type("an item unit that is too large".to_owned()))?;
    Ok(ItemUnit {
        id: row.id,
        unit: row.code,
        quantity,
        base_unit: base_unit.to_owned(),
        num: row.numerator,
        den: row.denominator,
        created_at: row.created_at.into(),
    })
}
