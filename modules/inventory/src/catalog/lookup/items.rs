//! The items that a request names, with the ways their units convert; and those that an import makes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::Deserialize;
use uuid::Uuid;

use crate::arithmetic::Ratio;
use crate::catalog::conversion::{Conversions, GlobalUnit};
use crate::catalog::units::repository::{ALL_UNITS, UnitRow};
use crate::error::Error;
use crate::ledger::ItemRules;
use crate::names::{DateKind, ItemId, ItemRef, Pick, UnitCode, Word as _};
use crate::rows::{self, Asked, Kind, Reads, Relation, Told, given_row};

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
    units: Arc<[GlobalUnit]>,
}

impl Items {
    pub fn named(&self, named: &ItemRef) -> Option<&Arc<Item>> {
        match named {
            ItemRef::Id { item_id } => self.by_id.get(item_id),
            ItemRef::Sku { sku } => self.by_sku.get(sku.as_str()),
        }
    }

    /// All units of the tenant, where those were asked for.
    pub fn units(&self) -> &[GlobalUnit] {
        &self.units
    }

    /// The sku and the base unit of an item that was found.
    pub fn names(&self, id: ItemId) -> (String, String) {
        self.by_id.get(&id).map(|item| (item.sku.clone(), item.base_unit.clone())).unwrap_or_default()
    }
}

#[derive(FromQueryResult, Deserialize)]
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
    /// One of its own units, where it has some: then it has a row for each.
    own_unit: Option<String>,
    numerator: Option<i64>,
    denominator: Option<i64>,
}

impl ItemRow {
    fn own_unit(&self) -> Result<Option<(String, Ratio)>, DbErr> {
        let (Some(code), Some(numerator), Some(denominator)) = (&self.own_unit, self.numerator, self.denominator) else { return Ok(None) };
        let factor = Ratio::new(numerator.into(), denominator.into()).ok_or_else(|| DbErr::Type("an item unit without a factor".to_owned()))?;
        Ok(Some((code.clone(), factor)))
    }
}

/// Items that were asked for, with the ways their units convert.
pub struct AskedItems {
    items: Asked<ItemRow>,
    units: Option<Asked<UnitRow>>,
}

/// Which units of the tenant a request needs beside the base units of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    All,
    /// No line names a unit.
    None,
}

impl Units {
    /// For lines with these units.
    pub fn of<'a>(mut named: impl Iterator<Item = Option<&'a UnitCode>>) -> Self {
        if named.any(|unit| unit.is_some()) { Self::All } else { Self::None }
    }
}

/// Asks for all items that are named together with other things.
pub fn ask_items<'a>(reads: &mut Reads, tenant: TenantId, named: impl Iterator<Item = &'a ItemRef>, units: Units) -> AskedItems {
    const ID: Relation = Relation(&[("id", Kind::Uuid)]);
    const SKU: Relation = Relation(&[("sku", Kind::Text)]);
    let backend = reads.backend();
    let (mut ids, mut skus) = (Vec::new(), Vec::new());
    for named in named {
        match named {
            ItemRef::Id { item_id } => ids.push(given_row!(backend, *item_id)),
            ItemRef::Sku { sku } => skus.push(given_row!(backend, sku.as_str())),
        }
    }
    let of = |column: &str, given: String| {
        format!(
            "SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days, \
             item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator \
             FROM item JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
             LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id AND own.item_id = item.id WHERE item.tenant_id = $1 AND item.{column} IN ({given})"
        )
    };
    let mut values: Vec<sea_orm::Value> = vec![tenant.into()];
    let mut selects = Vec::new();
    if !ids.is_empty() || skus.is_empty() {
        let ids = ID.rows(backend, ids);
        selects.push(of("id", ids.each(values.len() + 1)));
        values.push(ids.into());
    }
    if !skus.is_empty() {
        let skus = SKU.rows(backend, skus);
        selects.push(of("sku", skus.each(values.len() + 1)));
        values.push(skus.into());
    }
    // Not ALL: an item may be named both ways.
    let items = reads.add(selects.join(" UNION "), values);
    AskedItems { items, units: (units == Units::All).then(|| reads.add(ALL_UNITS, [tenant.into()])) }
}

impl AskedItems {
    pub fn told(self, told: &mut Told) -> Result<Items, Error> {
        let units = self.units.map(|units| told.rows(units)).transpose()?.unwrap_or_default();
        let units = units.into_iter().map(GlobalUnit::try_from).collect::<Result<Arc<[GlobalUnit]>, _>>()?;
        let found = told.rows(self.items)?;
        let mut own: HashMap<ItemId, Vec<(String, Ratio)>> = HashMap::new();
        for row in &found {
            own.entry(row.id).or_default().extend(row.own_unit()?);
        }
        let mut items = Items { units: units.clone(), ..Items::default() };
        for row in found {
            // The first of its rows brings all of its units.
            let Some(own) = own.remove(&row.id) else { continue };
            let item = Arc::new(item(row, &units, own)?);
            items.by_id.insert(item.rules.id, item.clone());
            items.by_sku.insert(item.sku.clone(), item);
        }
        Ok(items)
    }
}

/// All items that are named, with the ways their units convert: one statement.
pub async fn items(txn: &Txn, tenant: TenantId, named: impl Iterator<Item = &ItemRef>) -> Result<Items, Error> {
    let mut reads = Reads::new(txn);
    let asked = ask_items(&mut reads, tenant, named, Units::All);
    asked.told(&mut reads.send(txn).await?)
}

fn item(row: ItemRow, units: &Arc<[GlobalUnit]>, own: Vec<(String, Ratio)>) -> Result<Item, DbErr> {
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
    let conversions = Conversions::new(&row.base_unit, units.clone(), own);
    Ok(Item { rules, sku: row.sku, base_unit: row.base_unit, archived: row.archived_at.is_some(), conversions })
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
