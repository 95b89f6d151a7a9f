//! The rows of `item`.

use inventory_entity::{balance, item, ledger_entry, unit};
use kernel::{Instant, Limit, TenantId, Txn};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, LikeExpr, LockType};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, NotSet, QueryFilter, QueryOrder, QuerySelect, SelectTwo};
use uuid::Uuid;

use super::Item;
use crate::catalog::{Archived, taken};
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DateKind, ItemId, ItemKind, Pick};

/// Which items a list holds.
pub struct Wanted {
    /// What name or sku contain.
    pub text: Option<String>,
    pub archived: Archived,
    pub order: Order,
    pub limit: Limit,
}

/// In which order, and after which one.
pub enum Order {
    Sku { after: Option<String> },
    Change { since: Instant, after: Option<(Instant, ItemId)> },
}

pub async fn page(connection: &impl ConnectionTrait, tenant: TenantId, wanted: Wanted) -> Result<Vec<Item>, DbErr> {
    use item::Column::{ArchivedAt, Id, Sku, UpdatedAt};
    let mut query = of(tenant).filter(wanted.archived.condition(ArchivedAt)).limit(wanted.limit.probe());
    if let Some(text) = wanted.text {
        query = query.filter(containing(&text));
    }
    query = match wanted.order {
        Order::Sku { after } => match after {
            Some(after) => query.filter(Sku.gt(after)),
            None => query,
        }
        .order_by_asc(Sku),
        Order::Change { since, after } => {
            let query = query.filter(UpdatedAt.gte(since.utc().fixed_offset())).order_by_asc(UpdatedAt).order_by_asc(Id);
            match after {
                Some((at, id)) => {
                    let at = at.utc().fixed_offset();
                    query.filter(Condition::any().add(UpdatedAt.gt(at)).add(UpdatedAt.eq(at).and(Id.gt(id))))
                }
                None => query,
            }
        }
    };
    query.all(connection).await?.into_iter().map(|row| read(row).map(|(item, _)| item)).collect()
}

/// The name or the sku contains `text`, whatever the case. Not every database folds the case of letters beyond ASCII, so the
/// text is looked for as it is, in lower and in upper case.
fn containing(text: &str) -> Condition {
    let mut forms = [text.to_owned(), text.to_lowercase(), text.to_uppercase()].map(|form| form.to_ascii_lowercase()).to_vec();
    forms.sort_unstable();
    forms.dedup();
    let mut any = Condition::any();
    for form in forms {
        // Not a backslash: the engines write one differently.
        let literal = form.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        for column in [item::Column::Name, item::Column::Sku] {
            let pattern = LikeExpr::new(format!("%{literal}%")).escape('!');
            any = any.add(Expr::expr(Func::lower(Expr::col((item::Entity, column)))).like(pattern));
        }
    }
    any
}

/// The item, with the id of its base unit.
pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: ItemId) -> Result<Option<(Item, Uuid)>, DbErr> {
    of(tenant).filter(item::Column::Id.eq(id)).one(connection).await?.map(read).transpose()
}

/// The item, locked until the transaction ends.
pub async fn lock(txn: &Txn, tenant: TenantId, id: ItemId) -> Result<Option<(Item, Uuid)>, DbErr> {
    let row = item::Entity::find().filter(item::Column::TenantId.eq(tenant)).filter(item::Column::Id.eq(id));
    row.lock(LockType::NoKeyUpdate).one(txn).await?;
    find(txn, tenant, id).await
}

/// Whether any of it lies anywhere, in transit included.
pub async fn has_stock(txn: &Txn, tenant: TenantId, id: ItemId) -> Result<bool, DbErr> {
    let balances = balance::Entity::find().filter(balance::Column::TenantId.eq(tenant)).filter(balance::Column::ItemId.eq(id));
    Ok(balances.filter(balance::Column::Quantity.gt(0)).one(txn).await?.is_some())
}

/// Whether it was ever moved.
pub async fn has_entries(txn: &Txn, tenant: TenantId, id: ItemId) -> Result<bool, DbErr> {
    let entries = ledger_entry::Entity::find().filter(ledger_entry::Column::TenantId.eq(tenant)).filter(ledger_entry::Column::ItemId.eq(id));
    Ok(entries.one(txn).await?.is_some())
}

/// [`Error::Exists`] where the sku is taken.
pub async fn insert(txn: &Txn, tenant: TenantId, item: &Item, base_unit_id: Uuid) -> Result<(), Error> {
    let row = row(tenant, item, base_unit_id).into_active_model().reset_all();
    item::Entity::insert(row).exec_without_returning(txn).await.map(|_| ()).map_err(|error| sku_taken(error, item))
}

/// [`Error::Exists`] where the sku is taken.
pub async fn save(txn: &Txn, tenant: TenantId, item: &Item, base_unit_id: Uuid) -> Result<(), Error> {
    let changed = item::ActiveModel { id: NotSet, tenant_id: NotSet, ..row(tenant, item, base_unit_id).into_active_model().reset_all() };
    let update = item::Entity::update_many().set(changed).filter(item::Column::TenantId.eq(tenant)).filter(item::Column::Id.eq(item.id));
    update.exec(txn).await.map(|_| ()).map_err(|error| sku_taken(error, item))
}

fn sku_taken(error: DbErr, item: &Item) -> Error {
    taken(error, "ix_item_sku", "item.tenant_id, item.sku", "sku", &item.sku)
}

fn of(tenant: TenantId) -> SelectTwo<item::Entity, unit::Entity> {
    item::Entity::find().find_also_related(unit::Entity).filter(item::Column::TenantId.eq(tenant))
}

fn read((row, unit): (item::Model, Option<unit::Model>)) -> Result<(Item, Uuid), DbErr> {
    let unit = unit.ok_or_else(|| DbErr::RecordNotFound("the base unit of an item".to_owned()))?;
    let item = Item {
        id: row.id,
        base_unit: unit.code,
        kind: ItemKind::stored(&row.kind)?,
        pick: Pick::stored(&row.pick)?,
        track_lots: row.track_lots,
        track_expiry: row.track_expiry,
        date_kind: DateKind::stored(&row.date_kind)?,
        grace_days: row.grace_days,
        shelf_life_days: row.shelf_life_days,
        opened_shelf_life_days: row.opened_shelf_life_days,
        archived: row.archived_at.is_some(),
        archived_at: row.archived_at.map(Instant::from),
        version: row.version,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        sku: row.sku,
        name: row.name,
    };
    Ok((item, unit.id))
}

fn row(tenant: TenantId, item: &Item, base_unit_id: Uuid) -> item::Model {
    item::Model {
        id: item.id,
        tenant_id: tenant,
        version: item.version,
        created_at: item.created_at.into(),
        updated_at: item.updated_at.into(),
        sku: item.sku.clone(),
        name: item.name.clone(),
        base_unit_id,
        kind: item.kind.word().to_owned(),
        pick: item.pick.word().to_owned(),
        track_lots: item.track_lots,
        track_expiry: item.track_expiry,
        date_kind: item.date_kind.word().to_owned(),
        grace_days: item.grace_days,
        shelf_life_days: item.shelf_life_days,
        opened_shelf_life_days: item.opened_shelf_life_days,
        archived_at: item.archived_at.map(Into::into),
    }
}
