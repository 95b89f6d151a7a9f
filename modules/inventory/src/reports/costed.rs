//! The value by the methods that forget the lots: the ledger is read item by item in effective order, page by page, and no more
//! of it is held than a page and what an account keeps.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, FixedOffset, NaiveDate};
use kernel::{Caller, Txn};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult};
use uuid::Uuid;

use super::costing::{Account, Costing, Movement, Paid, Worth};
use super::paid::{PostedLine, Prices};
use super::undone::Undone;
use super::valuation::{Line, Request, Site, ValuationGroup};
use crate::arithmetic::Total;
use crate::error::Error;
use crate::ledger::EntryKind;
use crate::names::Word as _;
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// How many entries one statement reads.
const ENTRIES_AT_ONCE: usize = 10_000;
/// Of how many items it reads them at most.
const ITEMS_AT_ONCE: usize = 256;

/// The pool of the sites that the caller sees, where nothing is grouped; the other one holds all other sites.
const SEEN: usize = 0;
const UNSEEN: usize = 1;

#[derive(FromQueryResult)]
struct Item {
    id: Uuid,
    sku: String,
    name: String,
    unit: String,
}

#[derive(FromQueryResult)]
struct Place {
    id: Uuid,
    site_id: Uuid,
    site: String,
}

#[derive(FromQueryResult)]
struct Shown {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct Entry {
    place: i64,
    seq: i64,
    document_id: Uuid,
    line_no: i64,
    kind: String,
    location_id: Uuid,
    lot_id: Uuid,
    quantity_delta: i64,
    value_delta: i64,
    effective_at: DateTime<FixedOffset>,
    business_date: NaiveDate,
    paid_quantity: Option<i64>,
    paid_value: Option<i64>,
    paid_free: Option<bool>,
}

impl Entry {
    /// The line of a receipt that it is of.
    fn line(&self) -> Option<PostedLine> {
        let (quantity, value, is_free) = (self.paid_quantity?, self.paid_value?, self.paid_free?);
        Some(PostedLine { receipt: self.document_id, line_no: self.line_no, quantity, value, is_free })
    }
}

/// What is on hand, has value, or was issued, by sku and site.
pub async fn lines(reader: &Txn, caller: &Caller, request: &Request, costing: Costing, undone: &Undone) -> Result<Vec<Line>, Error> {
    let pools = Pools::read(reader, caller, request).await?;
    let items = items(reader, caller).await?;
    let mut pages = Pages::new(&items);
    let mut lines = Vec::new();
    let mut open: Option<(&Item, Account)> = None;
    let mut prices = Prices::default();
    while let Some(wanted) = pages.wanted() {
        // Of an item whose entries go on they are known.
        if costing == Costing::LastPrice && wanted.behind.is_none() {
            prices = Prices::read(reader, caller, request, wanted.items.iter().map(|item| item.id)).await?;
        }
        let (sql, values) = entries(reader, caller, request, costing, &wanted);
        let page = rows::all::<Entry>(reader, &sql, values).await?;
        for entry in &page {
            let Some(item) = usize::try_from(entry.place).ok().and_then(|place| wanted.items.get(place)) else { continue };
            let paid = entry.line().and_then(|line| prices.paid(line));
            let movement = pools.movement(entry, undone, paid)?;
            match &mut open {
                Some((opened, account)) if opened.id == item.id => account.enter(movement),
                _ => {
                    let mut account = Account::open(costing, pools.are_many);
                    account.enter(movement);
                    if let Some((item, account)) = open.replace((item, account)) {
                        pools.close(item, account, &mut lines);
                    }
                }
            }
        }
        pages.turn(&wanted, &page);
    }
    if let Some((item, account)) = open {
        pools.close(item, account, &mut lines);
    }
    Ok(lines)
}

/// What one statement reads.
struct Wanted<'a> {
    items: &'a [Item],
    /// The last entry that was read of the first item, which then is the only one.
    behind: Option<Behind>,
}

/// The place of an entry in its item's order.
#[derive(Clone, Copy)]
struct Behind {
    business_date: NaiveDate,
    effective_at: DateTime<FixedOffset>,
    seq: i64,
}

/// Goes through the entries of all items: those of many items at a time, as long as they fit a page, and an item that does not
/// fit it page by page.
struct Pages<'a> {
    /// Those that are not read to their end.
    items: &'a [Item],
    behind: Option<Behind>,
    /// How many items are tried at a time: as many as the last page held.
    width: usize,
}

impl<'a> Pages<'a> {
    fn new(items: &'a [Item]) -> Self {
        Self { items, behind: None, width: ITEMS_AT_ONCE }
    }

    fn wanted(&self) -> Option<Wanted<'a>> {
        let width = if self.behind.is_some() { 1 } else { self.width };
        let items = self.items.get(..width).unwrap_or(self.items);
        (!items.is_empty()).then_some(Wanted { items, behind: self.behind })
    }

    fn turn(&mut self, wanted: &Wanted<'a>, page: &[Entry]) {
        let last = page.last().filter(|_| page.len() >= ENTRIES_AT_ONCE);
        let read = match last {
            None => wanted.items.len(),
            Some(last) => usize::try_from(last.place).unwrap_or(0),
        };
        if self.behind.is_none() {
            self.width = if last.is_some() { read.max(1) } else { ITEMS_AT_ONCE.min(2 * self.width) };
        }
        self.behind = last.map(|last| Behind { business_date: last.business_date, effective_at: last.effective_at, seq: last.seq });
        self.items = self.items.get(read..).unwrap_or_default();
    }
}

/// All items that ever moved, by sku.
async fn items(reader: &Txn, caller: &Caller) -> Result<Vec<Item>, Error> {
    let sql = "SELECT item.id, item.sku, item.name, unit.code AS unit FROM item \
               JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
               WHERE item.tenant_id = $1 AND EXISTS (SELECT 1 FROM ledger_entry AS entry WHERE entry.tenant_id = item.tenant_id AND entry.item_id = item.id) \
               ORDER BY item.sku";
    Ok(rows::all(reader, sql, [caller.tenant_id.into()]).await?)
}

/// The statement that reads the entries of some items in effective order, at all sites: what one of them got from another has
/// the value that it left the other with.
fn entries(reader: &Txn, caller: &Caller, request: &Request, costing: Costing, wanted: &Wanted<'_>) -> (String, Vec<sea_orm::Value>) {
    const WANTED: Relation = Relation(&[("place", Kind::Int), ("id", Kind::Uuid)]);
    let backend = reader.get_database_backend();
    let mut filter = Filter::tenant("entry.tenant_id", caller.tenant_id);
    filter.bind(rows::parameter((0_i64..).zip(wanted.items).map(|(place, item)| given_row!(backend, place, item.id)).collect()));
    filter.and_plain("entry.item_id = wanted.id");
    request.until(&mut filter, "entry");
    let by_date = if costing.goes_by_date() { "entry.business_date, " } else { "" };
    if let Some(behind) = wanted.behind {
        let date = if costing.goes_by_date() { format!("{}, ", filter.bind(behind.business_date)) } else { String::new() };
        let (at, seq) = (filter.bind(behind.effective_at), filter.bind(behind.seq));
        filter.and_plain(&format!("({by_date}entry.effective_at, entry.seq) > ({date}{at}, {seq})"));
    }
    // What was paid is the price of the line less its discount; the charges on a delivery are no price.
    let (paid, lines) = match costing {
        Costing::LastPrice => (
            "line.quantity AS paid_quantity, line.value - line.charges AS paid_value, line.free IS NOT NULL AS paid_free",
            "LEFT JOIN receipt_line AS line ON line.tenant_id = entry.tenant_id AND line.document_id = entry.document_id AND line.line_no = entry.line_no \
             AND entry.kind = 'receipt'",
        ),
        _ => ("CAST(NULL AS BIGINT) AS paid_quantity, CAST(NULL AS BIGINT) AS paid_value, CAST(NULL AS BOOLEAN) AS paid_free", ""),
    };
    // For SQLite a CROSS JOIN is the order in which to go. Postgres would sort out the whole ledger for each page; what is
    // limited inside is read item by item.
    let (order, filter_sql) = (format!("{by_date}entry.effective_at, entry.seq"), filter.sql());
    let (joined, filtered) = match backend {
        DatabaseBackend::Sqlite => (format!("ledger_entry AS entry {lines}"), filter_sql),
        _ => (format!("LATERAL (SELECT * FROM ledger_entry AS entry {filter_sql} ORDER BY {order} LIMIT {ENTRIES_AT_ONCE}) AS entry {lines}"), ""),
    };
    let sql = format!(
        "SELECT wanted.place, entry.seq, entry.document_id, entry.line_no, entry.kind, entry.location_id, entry.lot_id, entry.quantity_delta, entry.value_delta, \
         entry.effective_at, entry.business_date, {paid} FROM ({}) AS wanted CROSS JOIN {joined} {filtered} \
         ORDER BY wanted.place, {order} LIMIT {ENTRIES_AT_ONCE}",
        WANTED.select(backend, 2)
    );
    (sql, filter.into_values())
}

/// Which pool each location belongs to, and which locations are asked about.
///
/// One pool for the tenant, as far as the caller sees it: what lies elsewhere is a pool of its own, so that no price at a site
/// that somebody may not see is in what is shown. Grouped by site, each site is a pool. A location that is asked for has its
/// part of the pool, by quantity.
struct Pools {
    are_many: bool,
    locations: HashMap<Uuid, (usize, bool)>,
    /// The sites of the pools, where each is one.
    sites: BTreeMap<usize, Site>,
}

impl Pools {
    async fn read(reader: &Txn, caller: &Caller, request: &Request) -> Result<Self, Error> {
        let all = "SELECT location.id, location.site_id, site.path AS site FROM location \
                   JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id \
                   WHERE location.tenant_id = $1 ORDER BY site.path";
        let all = rows::all::<Place>(reader, all, [caller.tenant_id.into()]).await?;
        let mut filter = Filter::tenant("location.tenant_id", caller.tenant_id);
        filter.and_location(request.location.as_ref());
        filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
        let sql = format!("SELECT location.id FROM location {}", filter.sql());
        let shown: HashSet<Uuid> = rows::all::<Shown>(reader, &sql, filter.into_values()).await?.into_iter().map(|row| row.id).collect();

        let mut numbers: HashMap<Uuid, usize> = HashMap::new();
        let mut pools = Self { are_many: false, locations: HashMap::new(), sites: BTreeMap::new() };
        for place in all {
            let pool = match request.group_by {
                None | Some(ValuationGroup::Total) if caller.sites.contain(place.site_id) => SEEN,
                None | Some(ValuationGroup::Total) => UNSEEN,
                Some(ValuationGroup::Site) => {
                    let next = numbers.len();
                    let pool = *numbers.entry(place.site_id).or_insert(next);
                    pools.sites.entry(pool).or_insert(Site { id: place.site_id, path: place.site });
                    pool
                }
            };
            pools.are_many |= pool != SEEN;
            pools.locations.insert(place.id, (pool, shown.contains(&place.id)));
        }
        Ok(pools)
    }

    fn movement(&self, entry: &Entry, undone: &Undone, paid: Option<Paid>) -> Result<Movement, Error> {
        let (pool, shown) = self.locations.get(&entry.location_id).copied().unwrap_or((SEEN, false));
        Ok(Movement {
            seq: entry.seq,
            at: entry.effective_at.into(),
            business_date: entry.business_date,
            kind: EntryKind::stored(&entry.kind)?,
            document: entry.document_id,
            undoes: undone.undone_by(entry.document_id),
            is_undone: undone.contains(entry.document_id),
            location: entry.location_id,
            lot: entry.lot_id,
            pool,
            shown,
            quantity: entry.quantity_delta,
            value: entry.value_delta,
            paid,
        })
    }

    /// Ends the account of an item and adds its lines.
    fn close(&self, item: &Item, account: Account, lines: &mut Vec<Line>) {
        let line = |(pool, worth): (usize, Worth)| Line {
            item_id: item.id,
            sku: item.sku.clone(),
            name: item.name.clone(),
            unit: item.unit.clone(),
            site: self.sites.get(&pool).cloned(),
            quantity: Total(worth.quantity),
            value: Total(worth.value),
            issued: Total(worth.issued),
        };
        lines.extend(account.close().into_iter().map(line).filter(Line::says_something));
    }
}
