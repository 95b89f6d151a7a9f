//! Which lot a row means that names a batch code.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{TenantId, Txn};
use sea_orm::{ConnectionTrait as _, FromQueryResult};
use uuid::Uuid;

use crate::error::Error;
use crate::names::{ItemId, LocationId, LotId};
use crate::rows::{self, Kind, Relation, given_row};

/// The lots of items by batch code, each with the areas that it lies in.
#[derive(Debug, Default)]
pub struct Batches(BTreeMap<(ItemId, String), BTreeMap<LotId, BTreeSet<LocationId>>>);

/// Why a batch code names no lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear {
    NoLot,
    /// Several lots bear it.
    Several(usize),
}

#[derive(FromQueryResult)]
struct BatchRow {
    id: Uuid,
    item_id: Uuid,
    batch_code: String,
    location_id: Option<Uuid>,
}

impl Batches {
    pub async fn find(txn: &Txn, tenant: TenantId, wanted: &BTreeSet<(ItemId, &str)>) -> Result<Self, Error> {
        const WANTED: Relation = Relation(&[("item_id", Kind::Uuid), ("batch_code", Kind::Text)]);
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let backend = txn.get_database_backend();
        let sql = format!(
            "SELECT lot.id, lot.item_id, lot.batch_code, balance.location_id FROM ({}) AS wanted \
             JOIN lot ON lot.tenant_id = $2 AND lot.item_id = wanted.item_id AND lot.batch_code = wanted.batch_code AND NOT lot.void \
             LEFT JOIN balance ON balance.tenant_id = lot.tenant_id AND balance.item_id = lot.item_id AND balance.lot_id = lot.id AND balance.quantity > 0",
            WANTED.select(backend, 1)
        );
        let given = rows::parameter(wanted.iter().map(|(item, code)| given_row!(backend, *item, *code)).collect());
        let mut batches = Self::default();
        for row in rows::all::<BatchRow>(txn, &sql, [given, tenant.into()]).await? {
            let lots = batches.0.entry((row.item_id, row.batch_code)).or_default();
            lots.entry(row.id).or_default().extend(row.location_id);
        }
        Ok(batches)
    }

    /// The one lot of this code: among those that lie in the area, or else among all.
    pub fn lot(&self, item: ItemId, code: &str, area: LocationId) -> Result<LotId, Unclear> {
        let lots = self.0.get(&(item, code.to_owned())).ok_or(Unclear::NoLot)?;
        let here: Vec<LotId> = lots.iter().filter(|(_, areas)| areas.contains(&area)).map(|(lot, _)| *lot).collect();
        let lots = if here.is_empty() { lots.keys().copied().collect() } else { here };
        if let [lot] = lots.as_slice() { Ok(*lot) } else { Err(Unclear::Several(lots.len())) }
    }
}
