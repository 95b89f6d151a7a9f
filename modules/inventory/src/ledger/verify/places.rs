//! What lies where: the entries of each place summed, at every instant and at the end (I1, I2), and where something was counted (I19).

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use super::Telling;
use super::difference::{Check, Difference, Findings};
use super::stored::ENTRIES;
use super::truths::{Truth, Truths};
use crate::arithmetic::{Money, Quantity};
use crate::ledger::facts::{Key, Place};
use crate::names::LotId;
use crate::rows;

/// How many balances are read at a time.
const BALANCES: i64 = 5_000;

/// Goes through all entries, one item at one location after the other, in the order of time. Answers the number of places.
pub async fn check(txn: &Txn, tenant: TenantId, findings: &mut Findings, progress: &mut Telling<'_>) -> Result<u64, DbErr> {
    let mut movements = Movements { txn, tenant, after: None };
    let mut balances = Balances { txn, tenant, after: None, page: Vec::new().into_iter(), next: None, begun: false };
    let mut truths = Truths::new(txn, tenant);
    let mut current: Option<Shelf> = None;
    let mut places = 0;
    while let Some(page) = movements.page().await? {
        for movement in page {
            progress.read(1);
            let key = Key { item: movement.item_id, location: movement.location_id };
            if current.as_ref().is_some_and(|shelf| shelf.key != key)
                && let Some(shelf) = current.take()
            {
                counted(tenant, &mut truths, Some((shelf.key, None)), Some(&shelf), findings).await?;
                places += shelf.end(txn, tenant, &mut balances, findings).await?;
            }
            // What was counted at the instant of an entry has seen it.
            counted(tenant, &mut truths, Some((key, Some(movement.effective_at.into()))), current.as_ref(), findings).await?;
            current.get_or_insert_with(|| Shelf { key, quantity: 0, lots: BTreeMap::new() }).move_by(&movement);
        }
    }
    if let Some(shelf) = current {
        counted(tenant, &mut truths, Some((shelf.key, None)), Some(&shelf), findings).await?;
        places += shelf.end(txn, tenant, &mut balances, findings).await?;
    }
    counted(tenant, &mut truths, None, None, findings).await?;
    while let Some(balance) = balances.next_to(None).await? {
        places += 1;
        Sums::default().hold_against(txn, tenant, Some(&balance), balance.place(), findings).await?;
    }
    Ok(places)
}

/// Holds what was counted up to an end against what lies there so far: nothing, where nothing ever moved.
async fn counted(
    tenant: TenantId,
    truths: &mut Truths<'_>,
    end: Option<(Key, Option<Instant>)>,
    shelf: Option<&Shelf>,
    findings: &mut Findings,
) -> Result<(), DbErr> {
    while let Some(truth) = truths.next_before(end).await? {
        let found = shelf.filter(|shelf| shelf.key == truth.key()).map_or(0, |shelf| shelf.says(&truth));
        if found != i128::from(truth.quantity) {
            let about = format!("what was counted by the document {}", truth.document_id);
            findings.add(Difference::new(Check::Count, tenant, about, show(found, |found| Quantity(found).to_string()), Quantity(truth.quantity)));
        }
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Movement {
    seq: i64,
    item_id: Uuid,
    location_id: Uuid,
    lot_id: Uuid,
    quantity_delta: i64,
    value_delta: i64,
    effective_at: DateTime<FixedOffset>,
}

/// The entries, by item, location and time.
struct Movements<'t> {
    txn: &'t Txn,
    tenant: TenantId,
    after: Option<(Uuid, Uuid, DateTime<FixedOffset>, i64)>,
}

impl Movements<'_> {
    async fn page(&mut self) -> Result<Option<Vec<Movement>>, DbErr> {
        let mut values: Vec<sea_orm::Value> = vec![self.tenant.into(), ENTRIES.into()];
        let mut behind = "";
        if let Some((item, location, at, seq)) = self.after {
            behind = "AND (item_id, location_id, effective_at, seq) > ($3, $4, $5, $6)";
            values.extend([item.into(), location.into(), at.into(), seq.into()]);
        }
        let sql = format!(
            "SELECT seq, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at FROM ledger_entry \
             WHERE tenant_id = $1 {behind} ORDER BY item_id, location_id, effective_at, seq LIMIT $2"
        );
        let page = rows::all::<Movement>(self.txn, &sql, values).await?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(None) };
        // SQLite compares instants as texts: one that this program did not write would be read again and again.
        if self.after.is_some_and(|(.., seq)| seq == first.seq) {
            return Err(DbErr::Custom(format!("the instant of the entry {} is written in another way than Larder writes it", first.seq)));
        }
        self.after = Some((last.item_id, last.location_id, last.effective_at, last.seq));
        Ok(Some(page))
    }
}

#[derive(FromQueryResult)]
struct Balance {
    item_id: Uuid,
    location_id: Uuid,
    lot_id: Uuid,
    quantity: i64,
    value: i64,
}

impl Balance {
    fn place(&self) -> Place {
        Place { key: Key { item: self.item_id, location: self.location_id }, lot: self.lot_id }
    }
}

/// The balances, by place.
struct Balances<'t> {
    txn: &'t Txn,
    tenant: TenantId,
    after: Option<(Uuid, Uuid, Uuid)>,
    page: std::vec::IntoIter<Balance>,
    next: Option<Balance>,
    begun: bool,
}

impl Balances<'_> {
    /// The next one up to and including those of a key.
    async fn next_to(&mut self, key: Option<Key>) -> Result<Option<Balance>, DbErr> {
        if !self.begun {
            self.begun = true;
            self.next = self.read().await?;
        }
        if self.next.as_ref().is_some_and(|next| key.is_none_or(|key| next.place().key <= key)) {
            let following = self.read().await?;
            return Ok(std::mem::replace(&mut self.next, following));
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Option<Balance>, DbErr> {
        if let Some(balance) = self.page.next() {
            return Ok(Some(balance));
        }
        let mut values: Vec<sea_orm::Value> = vec![self.tenant.into(), BALANCES.into()];
        let mut behind = "";
        if let Some((item, location, lot)) = self.after {
            behind = "AND (item_id, location_id, lot_id) > ($3, $4, $5)";
            values.extend([item.into(), location.into(), lot.into()]);
        }
        let sql = format!(
            "SELECT item_id, location_id, lot_id, quantity, value FROM balance WHERE tenant_id = $1 {behind} ORDER BY item_id, location_id, lot_id LIMIT $2"
        );
        let page = rows::all::<Balance>(self.txn, &sql, values).await?;
        self.after = page.last().map(|last| (last.item_id, last.location_id, last.lot_id)).or(self.after);
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

/// The lots of one item at one location.
struct Shelf {
    key: Key,
    /// Of all lots so far.
    quantity: i128,
    lots: BTreeMap<LotId, Sums>,
}

/// What the entries of a place sum to so far.
#[derive(Default)]
struct Sums {
    quantity: i128,
    value: i128,
    movements: i128,
    /// Of the last entry.
    at: Option<Instant>,
    seq: i64,
    /// The first instant that broke a rule: the entry it ended with, what was held then.
    broken: Option<(i64, i128, i128)>,
}

impl Shelf {
    /// How much of what was counted lies here so far.
    fn says(&self, truth: &Truth) -> i128 {
        match truth.lot_id {
            Some(lot) => self.lots.get(&lot).map_or(0, |sums| sums.quantity),
            None => self.quantity,
        }
    }

    fn move_by(&mut self, movement: &Movement) {
        self.quantity += i128::from(movement.quantity_delta);
        let sums = self.lots.entry(movement.lot_id).or_default();
        let at = Instant::from(movement.effective_at);
        // At one instant what comes in comes before what goes out: what counts is what stands at its end.
        if sums.at.is_some_and(|before| before != at) {
            sums.end_instant();
        }
        sums.at = Some(at);
        sums.seq = movement.seq;
        sums.movements += 1;
        sums.quantity += i128::from(movement.quantity_delta);
        sums.value += i128::from(movement.value_delta);
    }

    /// Holds the lots against their balances, those without entries as well. Answers their number.
    async fn end(mut self, txn: &Txn, tenant: TenantId, balances: &mut Balances<'_>, findings: &mut Findings) -> Result<u64, DbErr> {
        let mut places = 0;
        while let Some(balance) = balances.next_to(Some(self.key)).await? {
            let own = if balance.place().key == self.key { self.lots.remove(&balance.lot_id) } else { None };
            own.unwrap_or_default().hold_against(txn, tenant, Some(&balance), balance.place(), findings).await?;
            places += 1;
        }
        for (lot, sums) in self.lots {
            sums.hold_against(txn, tenant, None, Place { key: self.key, lot }, findings).await?;
            places += 1;
        }
        Ok(places)
    }
}

impl Sums {
    fn end_instant(&mut self) {
        let on_nothing = self.quantity == 0 && self.value.abs() > self.movements;
        if self.broken.is_none() && (self.quantity < 0 || on_nothing) {
            self.broken = Some((self.seq, self.quantity, self.value));
        }
    }

    async fn hold_against(mut self, txn: &Txn, tenant: TenantId, balance: Option<&Balance>, place: Place, findings: &mut Findings) -> Result<(), DbErr> {
        self.end_instant();
        let (quantity, value) = balance.map_or((0, 0), |balance| (balance.quantity, balance.value));
        if (i128::from(quantity), i128::from(value)) != (self.quantity, self.value) {
            let about = name(txn, tenant, place, findings.has_room(Check::Sum)).await?;
            let found = if balance.is_some() { format!("a balance of {}", worth(quantity.into(), value.into())) } else { "no balance".to_owned() };
            let unequal = Difference::new(Check::Sum, tenant, about, found, format!("{}, the sum of its entries", worth(self.quantity, self.value)));
            findings.add(if self.seq > 0 { unequal.at(self.seq) } else { unequal });
        }
        let impossible = quantity < 0 || value < 0 || (quantity == 0 && value != 0);
        if impossible || self.broken.is_some() {
            let about = name(txn, tenant, place, findings.has_room(Check::Sign)).await?;
            let (seq, found) = match self.broken {
                Some((seq, quantity, value)) => (Some(seq), format!("{} after this entry, in the order of time", worth(quantity, value))),
                None => (None, format!("a balance of {}", worth(quantity.into(), value.into()))),
            };
            let sign = Difference::new(Check::Sign, tenant, about, found, "nothing below zero, and nothing worth anything at quantity zero");
            findings.add(Difference { seq, ..sign });
        }
        Ok(())
    }
}

fn show(number: i128, shown: fn(i64) -> String) -> String {
    i64::try_from(number).map_or_else(|_| format!("{number} millionths"), shown)
}

fn worth(quantity: i128, value: i128) -> String {
    format!("{} worth {}", show(quantity, |quantity| Quantity(quantity).to_string()), show(value, |value| Money(value).to_string()))
}

#[derive(FromQueryResult)]
struct NameRow {
    sku: Option<String>,
    location: Option<String>,
    batch_code: Option<String>,
}

/// A place as people know it, where somebody is going to read it.
async fn name(txn: &Txn, tenant: TenantId, place: Place, is_read: bool) -> Result<String, DbErr> {
    let Place { key: Key { item, location }, lot } = place;
    if !is_read {
        return Ok(String::new());
    }
    let sql = "SELECT (SELECT sku FROM item WHERE tenant_id = $1 AND id = $2) AS sku, \
         (SELECT path FROM location WHERE tenant_id = $1 AND id = $3) AS location, \
         (SELECT batch_code FROM lot WHERE tenant_id = $1 AND id = $4) AS batch_code";
    let row = rows::one::<NameRow>(txn, sql, [tenant.into(), item.into(), location.into(), lot.into()]).await?;
    let NameRow { sku, location: path, batch_code } = row.unwrap_or(NameRow { sku: None, location: None, batch_code: None });
    let batch = batch_code.map(|code| format!(" ({code})")).unwrap_or_default();
    let (sku, path) = (sku.unwrap_or_else(|| item.to_string()), path.unwrap_or_else(|| location.to_string()));
    Ok(format!("{sku} at {path}, lot {lot}{batch}"))
}
