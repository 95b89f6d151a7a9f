//! Counts that are made, counted and posted in one transaction: what a file says was there. Nothing of one is written before it
//! is decided.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Instant, Txn, Violation};
use uuid::Uuid;

use super::lines::{Counted, Slot};
use super::posting::{About, Prepared, Source};
use super::put_lines::Line;
use super::sheet::{Areas, Known, Sheet};
use super::{CountAnswer, CountStatus, repository};
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{Ground, Items};
use crate::documents::PostedAnswer;
use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::kinds::Count;
use crate::ledger::{self, Effects, LineFlaw, LineOutcome, Locked, Posting, Refusal};
use crate::names::{ItemRef, LotId, Sku, UnitCode};

/// What was counted of an item in an area, under the number that its sender gives it.
#[derive(Clone, Debug)]
pub struct NamedRow {
    pub number: usize,
    pub sku: Sku,
    pub lot_id: Option<LotId>,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
}

/// A count of an area with what was counted, on its way into the ledger.
pub struct AtOnce {
    count: CountAnswer,
    document: Uuid,
    ground: Ground,
    /// Under which number each line was sent.
    numbers: BTreeMap<Slot, usize>,
    prepared: Prepared,
}

/// A line as it was posted.
pub struct PostedRow {
    pub number: usize,
    pub slot: Slot,
    pub counted: Counted,
    pub outcome: LineOutcome,
}

impl AtOnce {
    /// Prepares a count of an area as of an instant. Rows that are wrong are left out and answered, each with its number; `None`
    /// where no row is left. It needs no approval: that is asked for when a count is made by hand.
    pub async fn prepare<I>(
        task: &Task<I>,
        txn: &Txn,
        (ground, at): (&Ground, Instant),
        items: &Items,
        mut rows: Vec<NamedRow>,
    ) -> Result<(Option<Self>, Vec<(usize, Violation)>), Error> {
        let tenant = task.caller.tenant_id;
        let by = task.caller.user_id;
        if at > ground.now {
            return Err(Error::Refused(Refusal::EffectiveInFuture { now: ground.now }));
        }
        let mut count = CountAnswer::open(task.state.next_id(), &ground.area, by, ground.now);
        count.started_at = Some(ground.now);
        let areas = Areas::new(&count, repository::areas(txn, tenant, &count.location).await?);
        let lots = repository::lots(txn, tenant, &rows.iter().filter_map(|row| row.lot_id).collect()).await?;
        let known = Known { items, areas: &areas, lots: &lots, now: ground.now };
        let mut wrong: Vec<(usize, Violation)> = Vec::new();
        // What is wrong about one row can be right without another: it is read again without those that are wrong.
        let (lines, numbers) = loop {
            let (mut sheet, mut numbers) = (Sheet::new(BTreeMap::new(), by), BTreeMap::new());
            for row in &rows {
                match known.resolve(row.number, &row.line(at)) {
                    Ok((slot, counted)) => {
                        numbers.entry(slot).or_insert(row.number);
                        sheet.put(row.number, slot, counted, false);
                    }
                    Err(violations) => sheet.wrong(row.number, violations),
                }
            }
            match sheet.checked() {
                Ok(checked) => break (checked.written, numbers),
                Err(found) => {
                    let out: BTreeSet<usize> = found.iter().map(|(number, _)| *number).collect();
                    rows.retain(|row| !out.contains(&row.number));
                    wrong.extend(found);
                }
            }
        };
        if lines.is_empty() {
            return Ok((None, wrong));
        }
        let document = task.state.next_id();
        let prepared = Prepared::with(task, txn, &count, about(document), ground.clone(), lines).await?;
        Ok((Some(Self { count, document, ground: ground.clone(), numbers, prepared }), wrong))
    }

    pub fn posting(&self) -> &Posting<Count> {
        &self.prepared.posting
    }

    /// Decides it. Lines that the core finds wrong are answered with their numbers.
    pub async fn decide(&mut self, txn: &Txn, locked: &Locked) -> Result<Result<Effects, Vec<(usize, LineFlaw)>>, Error> {
        let decided = self.prepared.posting.decide(txn, locked).await;
        self.prepared.now = self.prepared.posting.recorded_at();
        match decided {
            Ok(effects) => Ok(Ok(effects)),
            Err(Error::Refused(Refusal::Lines(flaws))) => {
                let number = |flaw: &LineFlaw| self.prepared.lines.get(flaw.line).and_then(|(slot, _)| self.numbers.get(slot)).copied();
                Ok(Err(flaws.into_iter().map(|flaw| (number(&flaw).unwrap_or_default(), flaw)).collect()))
            }
            Err(error) => Err(error),
        }
    }

    /// The same without some lines; `None` where none is left.
    pub async fn without<I>(self, task: &Task<I>, txn: &Txn, out: &BTreeSet<usize>) -> Result<Option<Self>, Error> {
        let kept = |(slot, _): &(Slot, Counted)| self.numbers.get(slot).is_none_or(|number| !out.contains(number));
        let lines: BTreeMap<Slot, Counted> = self.prepared.lines.iter().filter(|line| kept(line)).cloned().collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let prepared = Prepared::with(task, txn, &self.count, about(self.document), self.ground.clone(), lines).await?;
        Ok(Some(Self { prepared, ..self }))
    }

    /// Writes the count, and posts what was decided.
    pub async fn apply<I>(mut self, task: &Task<I>, txn: &Txn, locked: &Locked, effects: Effects) -> Result<(PostedAnswer, Vec<PostedRow>), Error> {
        let tenant = task.caller.tenant_id;
        repository::insert(txn, tenant, &self.count).await?;
        repository::write(txn, tenant, self.count.id, self.prepared.lines.iter().map(|(slot, line)| (slot, line))).await?;
        let outcomes = effects.lines.clone();
        let posted = self.prepared.apply(txn, locked, effects).await?;
        self.count.document_id = Some(self.document);
        self.count.go(CountStatus::Posted, self.prepared.now);
        repository::save(txn, tenant, &self.count).await?;
        let numbers = &self.numbers;
        let row = |((slot, counted), outcome): ((Slot, Counted), LineOutcome)| {
            let number = numbers.get(&slot).copied().unwrap_or_default();
            PostedRow { number, slot, counted, outcome }
        };
        Ok((posted, self.prepared.lines.into_iter().zip(outcomes).map(row).collect()))
    }
}

impl NamedRow {
    fn line(&self, at: Instant) -> Line {
        Line {
            item: ItemRef::Sku { sku: self.sku.clone() },
            location: None,
            lot_id: self.lot_id,
            quantity: Some(self.quantity),
            unit: self.unit.clone(),
            counted_at: Some(at),
            add: false,
            note: None,
        }
    }
}

fn about(document: Uuid) -> About {
    About { document, source: Source::Counters, counted: ledger::Counted::default() }
}
