//! What every document that is posted says beside its lines.

use kernel::{Fields, Instant, Text, Txn};
use uuid::Uuid;

use crate::Inventory;
use crate::catalog::lookup;
use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::{Counted, Header, Kind, Permit};
use crate::names::LocationRef;

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

    /// Finds the place, and asks whether a document of this kind may be posted there at that time.
    pub async fn permitted<K: Kind, I>(&self, task: &Task<I>, txn: &Txn, id: Uuid) -> Result<(Permit<K>, Header), Error> {
        let ground = lookup::area(txn, task.caller.tenant_id, &self.location, task.now).await?;
        let permit = Permit::ask(&task.caller, ground.area, self.effective_at, ground.now)?;
        let (external_ref, note) = (self.external_ref.clone(), self.note.clone());
        Ok((permit, Header { external_ref, note, counted: self.counted, ..Header::plain(id, ground.rules) }))
    }
}

/// 422 where a document has more lines than this installation takes.
pub fn need_lines(state: &Inventory, lines: usize) -> Result<(), Error> {
    let most = state.config().lines_per_document;
    if lines <= most {
        return Ok(());
    }
    Err(Error::invalid("/lines", "wrong_length", format!("a document has at most {most} lines here")))
}
