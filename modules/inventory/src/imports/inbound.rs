//! What the imports of goods that come in have in common: documents of many lines each, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::http::IdempotencyKey;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::columns::Takes;
use super::dates::DateFormat;
use super::places::{Grounds, forbidden, grounds};
use super::report::{ImportReport, ImportedDocument, RowReport};
use super::request::Asked;
use super::rows::Row;
use super::upload::{Csv, File, Imported, Outcomes, begin, finish};
use crate::Inventory;
use crate::arithmetic::Money;
use crate::catalog::lookup::{self, Ground, Items, NewItem};
use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::{self, Counted, Header, Inbound, Permit, Posting, Price, ReceiveLine};
use crate::names::{ItemRef, UnitCode, Word as _};
use crate::receiving::post_receipt::LinePrice;
use crate::receiving::{Entered, stored_lines};

/// What differs from one such import to another.
pub trait Arriving: Inbound {
    const TAKES: Takes;
    /// What a row costs.
    fn price(row: &Row) -> Price;
    /// Which field of a row a field of a line is.
    fn field(of_line: &'static str) -> &'static str {
        of_line
    }
}

/// What these imports are asked beside what all are.
#[derive(Clone, Debug)]
pub struct More {
    pub date_format: Option<DateFormat>,
    pub counted: Counted,
    /// The base unit of items that are made where the row names none; `None` where missing items are not made.
    pub create_items: Option<UnitCode>,
    /// Whether a price of zero is meant.
    pub confirm_zero: bool,
}

pub async fn import<K: Arriving>(state: &Inventory, caller: &Caller, key: IdempotencyKey, (asked, more): (Asked, More), csv: Csv) -> Result<Imported, Error> {
    let once = csv.once(key, &asked)?;
    caller.need(K::NEEDS)?;
    if more.create_items.is_some() {
        caller.need(Permission::ManageCatalogue)?;
    }
    let date_format = more.date_format;
    let file = File::read(K::TYPE.word(), K::TAKES, asked, more, date_format, &csv.bytes)?;
    file.take_in(state, caller, once, |task, txn| Box::pin(work::<K>(task, txn))).await
}

async fn work<K: Arriving>(task: &Task<File<More>>, txn: &Txn) -> Result<ImportReport, Error> {
    let file = &task.input;
    begin(task, txn).await?;
    let mut wrong = file.read.wrong.clone();
    let grounds = grounds(task, txn, &mut wrong).await?;
    let placed: Vec<&Row> = file.read.good.iter().filter(|row| grounds.contains_key(&row.place())).collect();
    let items_created = create_items(task, txn, &placed).await?;
    let refs: BTreeSet<ItemRef> = placed.iter().map(|row| ItemRef::Sku { sku: row.sku.clone() }).collect();
    let items = lookup::items(txn, task.caller.tenant_id, refs.iter()).await?;

    let batches = batches::<K>(task, &placed, &grounds, &items, &mut wrong)?;
    let locked = ledger::lock(&task.state, txn, batches.iter().map(|batch| &batch.posting)).await?;
    let mut documents = Vec::with_capacity(batches.len());
    // One after another, or all that a large file does would be held at once. None is decided by what another brought.
    for mut batch in batches {
        let effects = decide(task, txn, &locked, &mut batch, &mut wrong).await?;
        let Some(effects) = effects.filter(|_| !file.is_refused(&wrong)) else { continue };
        let stored = [stored_lines(batch.posting.received_lines(), &batch.entered, &effects)];
        let lines = effects.lines.len();
        let posted = ledger::apply(txn, &locked, &batch.posting, effects, &stored).await?;
        let (number, location) = (K::TYPE.show(posted.document.number), batch.posting.location().to_owned());
        documents.push(ImportedDocument { id: batch.posting.id(), number, location, lines, external_ref: batch.external_ref });
    }
    file.refuse(&wrong)?;
    finish(task, txn, Outcomes { wrong, items_created, documents, lines: None }).await
}

async fn create_items(task: &Task<File<More>>, txn: &Txn, placed: &[&Row]) -> Result<usize, Error> {
    let Some(default_unit) = &task.input.more.create_items else { return Ok(0) };
    let mut wanted: BTreeMap<&str, NewItem> = BTreeMap::new();
    for row in placed {
        wanted.entry(row.sku.as_str()).or_insert_with(|| NewItem {
            id: task.state.next_id(),
            sku: row.sku.as_str().to_owned(),
            name: row.name.clone().unwrap_or_else(|| row.sku.as_str().to_owned()),
            base_unit: row.unit.clone().unwrap_or_else(|| default_unit.clone()).into(),
        });
    }
    lookup::create_missing(txn, task.caller.tenant_id, task.now, wanted.into_values().collect()).await
}

/// One document to be posted.
struct Batch<K: Arriving> {
    posting: Posting<K>,
    entered: Vec<Entered>,
    /// The line of the file of each line of the document.
    file_lines: Vec<u64>,
    external_ref: Option<String>,
}

/// The lines that wait for documents: those of one area that are called the same, as many for each as one may have.
struct Pile<'a> {
    ground: &'a Ground,
    external_ref: Option<&'a str>,
    documents: Vec<Vec<(ReceiveLine, Entered, u64)>>,
}

/// The documents, in the order of the file: a document stands where its first row does.
fn batches<K: Arriving>(
    task: &Task<File<More>>,
    placed: &[&Row],
    grounds: &Grounds,
    items: &Items,
    wrong: &mut Vec<RowReport>,
) -> Result<Vec<Batch<K>>, Error> {
    let mut piles: Vec<Pile<'_>> = Vec::new();
    let mut places: HashMap<(Uuid, Option<&str>), usize> = HashMap::new();
    for row in placed {
        let Some(ground) = grounds.get(&row.place()) else { continue };
        let external_ref = row.external_ref.as_deref();
        match line::<K>(task, row, items) {
            Ok((line, entered)) => {
                let place = *places.entry((ground.area.id, external_ref)).or_insert_with(|| {
                    piles.push(Pile { ground, external_ref, documents: Vec::new() });
                    piles.len() - 1
                });
                if let Some(pile) = piles.get_mut(place) {
                    pile.add((line, entered, row.line), task.state.config().import_lines_per_document);
                }
            }
            Err(report) => wrong.push(report),
        }
    }
    let mut batches = Vec::new();
    for pile in piles {
        batches.extend(pile.batches(task, wrong)?);
    }
    Ok(batches)
}

impl Pile<'_> {
    fn add(&mut self, line: (ReceiveLine, Entered, u64), most: usize) {
        match self.documents.last_mut().filter(|lines| lines.len() < most) {
            Some(lines) => lines.push(line),
            None => self.documents.push(vec![line]),
        }
    }

    fn batches<K: Arriving>(self, task: &Task<File<More>>, wrong: &mut Vec<RowReport>) -> Result<Vec<Batch<K>>, Error> {
        let file = &task.input;
        let external_ref = self.external_ref.map(str::to_owned);
        let mut batches = Vec::with_capacity(self.documents.len());
        for lines in self.documents {
            let permit = match Permit::ask(&task.caller, self.ground.area.clone(), file.asked.effective_at, self.ground.now) {
                Ok(permit) => permit,
                Err(error) if !file.skips() => return Err(error),
                Err(_) => {
                    wrong.extend(lines.iter().map(|(_, _, line)| forbidden(file, *line)));
                    continue;
                }
            };
            let plain = Header::plain(task.state.next_id(), self.ground.rules);
            let header = Header { external_ref: external_ref.clone(), counted: file.more.counted, ..plain };
            let (lines, (entered, file_lines)) = lines.into_iter().map(|(line, entered, file_line)| (line, (entered, file_line))).unzip();
            batches.push(Batch { posting: Posting::receive(permit, header, lines, Vec::new()), entered, file_lines, external_ref: external_ref.clone() });
        }
        Ok(batches)
    }
}

fn line<K: Arriving>(task: &Task<File<More>>, row: &Row, items: &Items) -> Result<(ReceiveLine, Entered), RowReport> {
    let file = &task.input;
    let named = ItemRef::Sku { sku: row.sku.clone() };
    let measured = lookup::measure(0, &named, row.quantity, row.unit.as_ref(), items);
    let (item, quantity, unit) = measured.map_err(|violation| {
        let field = violation.pointer.rsplit('/').next().unwrap_or_default();
        // Where missing items are made, one is missing still only because there is no such unit to count it in.
        if let Some(default_unit) = file.more.create_items.as_ref().filter(|_| violation.code == "item_not_found") {
            let unit = row.unit.as_ref().unwrap_or(default_unit);
            return RowReport::about(row.line, &file.columns, "unit", "unit_unknown", format!("{}: there is no unit {unit}", row.sku));
        }
        RowReport::about(row.line, &file.columns, field, &violation.code, format!("{}: {}", row.sku, violation.detail))
    })?;
    let line = ReceiveLine {
        item: item.rules,
        lot: task.state.next_id(),
        quantity,
        price: K::price(row),
        discount: Money::ZERO,
        confirm_zero: file.more.confirm_zero,
        batch_code: row.batch_code.clone(),
        expires_on: row.expires_on,
        produced_on: None,
        weight: None,
    };
    let free = if let Some(LinePrice::Free(free)) = row.price { Some(free.word()) } else { None };
    Ok((line, Entered { quantity: row.quantity, unit, free }))
}

/// Decides a document; lines that the core finds wrong are taken out where that is wanted, and it is decided again.
async fn decide<K: Arriving>(
    task: &Task<File<More>>,
    txn: &Txn,
    locked: &ledger::Locked,
    batch: &mut Batch<K>,
    wrong: &mut Vec<RowReport>,
) -> Result<Option<ledger::Effects>, Error> {
    loop {
        match batch.posting.decide(txn, locked).await {
            Ok(effects) if effects.entries.is_empty() => return Ok(None),
            Ok(effects) => return Ok(Some(effects)),
            Err(Error::Refused(ledger::Refusal::Lines(flaws))) => {
                let out: BTreeSet<usize> = flaws.iter().map(|flaw| flaw.line).collect();
                for flaw in flaws {
                    let line = batch.file_lines.get(flaw.line).copied().unwrap_or_default();
                    wrong.push(RowReport::about(line, &task.input.columns, K::field(flaw.field), flaw.code, flaw.detail));
                }
                if !task.input.skips() {
                    return Ok(None);
                }
                let keep = |place: usize| !out.contains(&place);
                batch.posting.keep_lines(keep);
                let mut place = 0..;
                batch.entered.retain(|_| place.next().is_some_and(keep));
                let mut place = 0..;
                batch.file_lines.retain(|_| place.next().is_some_and(keep));
            }
            Err(error) => return Err(error),
        }
    }
}
