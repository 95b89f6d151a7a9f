//! What every document that is posted says beside its lines.

use kernel::{Fields, Instant, Text, Txn};
use uuid::Uuid;

use crate::Inventory;
use crate::catalog::lookup::{self, Ground, Items, Reasons, Units, Why};
use crate::error::Error;
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted, Early, Header, Kind, Permit};
use crate::names::{ItemRef, LocationRef};

/// How many lines a request can hold; how many a document may have is a setting, and not more.
pub const LINES: usize = 20_000;

#[derive(Clone, Debug)]
pub struct Heading {
    pub location: LocationRef,
    /// Now, where nothing is said.
    pub effective_at: Option<Instant>,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    pub counted: Counted,
}

impl Heading {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = LocationRef::read(fields);
        let effective_at = fields.optional("effective_at");
        let (external_ref, note) = (fields.optional::<Text<1, 200>>("external_ref"), fields.optional::<Text<1, 2000>>("note"));
        let counted = fields.or("counted", Counted::default());
        Some(Self {
            location: location?,
            effective_at: effective_at?,
            external_ref: external_ref?.map(|text| text.0),
            note: note?.map(|text| text.0),
            counted: counted?,
        })
    }

    /// Claims the key and finds, in one statement, what a document names: its place, where it must be permitted, its items, and its reasons where
    /// it gives some. Where one item is named, its stock key is locked with that. `None` where the key is taken.
    pub async fn find<'a, K: Kind, I>(
        &self,
        task: &Task<I>,
        txn: &Txn,
        once: &Once,
        id: Uuid,
        (items, units): (impl Iterator<Item = &'a ItemRef>, Units),
        reasons: Option<Why<'a>>,
    ) -> Result<Option<Found<K>>, Error> {
        let tenant = task.caller.tenant_id;
        let mut reads = once.claim(task, txn);
        let named: Vec<&ItemRef> = items.collect();
        let early = ledger::ask_early(&mut reads, &task.caller, &named, &self.location);
        let ground = lookup::ask_area(&mut reads, tenant, &self.location);
        let items = lookup::ask_items(&mut reads, tenant, named.into_iter(), units);
        let reasons = reasons.map(|why| lookup::ask_reasons(&mut reads, tenant, why));
        let told = reads.send(txn).await.map_err(|error| early.failed(error))?;
        let Some(mut told) = once.claimed(told) else { return Ok(None) };
        let early = early.told(&mut told)?;
        let (permit, header) = self.permitted_at(task, ground.told(&mut told, task.now)?, id)?;
        let (items, reasons) = (items.told(&mut told)?, reasons.map(|reasons| reasons.told(&mut told)).transpose()?.unwrap_or_default());
        Ok(Some(Found { permit, header, early, items, reasons }))
    }

    /// Finds the place, and asks whether a document of this kind may be posted there at that time.
    pub async fn permitted<K: Kind, I>(&self, task: &Task<I>, txn: &Txn, id: Uuid) -> Result<(Permit<K>, Header), Error> {
        let ground = lookup::area(txn, task.caller.tenant_id, &self.location, task.now).await?;
        self.permitted_at(task, ground, id)
    }

    fn permitted_at<K: Kind, I>(&self, task: &Task<I>, ground: Ground, id: Uuid) -> Result<(Permit<K>, Header), Error> {
        let permit = Permit::ask(&task.caller, ground.area, self.effective_at, ground.now)?;
        let (external_ref, note) = (self.external_ref.clone(), self.note.clone());
        Ok((permit, Header { external_ref, note, counted: self.counted, ..Header::plain(id, ground.rules) }))
    }
}

/// What a document names, found.
pub struct Found<K: Kind> {
    pub permit: Permit<K>,
    pub header: Header,
    pub early: Early,
    pub items: Items,
    /// None, where none were asked for.
    pub reasons: Reasons,
}

/// 422 where a document has more lines than this installation takes.
pub fn need_lines(state: &Inventory, lines: usize) -> Result<(), Error> {
    let most = state.config().lines_per_document;
    if lines <= most {
        return Ok(());
    }
    Err(Error::invalid("/lines", "wrong_length", format!("a document has at most {most} lines here")))
}
