//! What a receipt offers to clear: what was used of its items, before they were here.

use std::collections::BTreeSet;

use kernel::Txn;

use crate::error::Error;
use crate::idempotency::Task;
use crate::ledger::Posted;
use crate::names::ItemId;
use crate::shortages::repository::{self, Clearing};
use crate::shortages::{Shortage, ShortageStatus};

/// The open shortages of what was received, the oldest of them, and those that were cleared by it.
#[derive(Default)]
pub struct Offered {
    pub open: Vec<Shortage>,
    pub cleared: Vec<Shortage>,
}

/// Lists the open shortages of the items at the place of a receipt; and clears them, where that is asked for. Read and written
/// under the receipt's stock keys. One that somebody else clears meanwhile is no longer listed.
pub async fn offer<I>(txn: &Txn, task: &Task<I>, posted: &Posted, items: BTreeSet<ItemId>, clear: bool) -> Result<Offered, Error> {
    let (tenant, document) = (task.caller.tenant_id, &posted.document);
    let open = repository::open_at(txn, tenant, document.location_id, items.iter().copied()).await?;
    if !clear || open.is_empty() {
        return Ok(Offered { open, cleared: Vec::new() });
    }
    let (by, at) = (task.caller.user_id, document.recorded_at.into());
    let clearing = Clearing { by, document: Some(document.id), note: None, at };
    let settled = repository::clear(txn, tenant, open.iter().map(|shortage| shortage.id), clearing).await?;
    let cleared = |shortage: Shortage| Shortage {
        status: ShortageStatus::Cleared,
        cleared_by: Some(by),
        cleared_by_document_id: Some(document.id),
        cleared_at: Some(at),
        version: shortage.version + 1,
        updated_at: at,
        ..shortage
    };
    // As many as are cleared at once: there may be more.
    let rest = if open.len() < repository::OFFERED { Vec::new() } else { repository::open_at(txn, tenant, document.location_id, items.into_iter()).await? };
    Ok(Offered { open: rest, cleared: open.into_iter().filter(|shortage| settled.contains(&shortage.id)).map(cleared).collect() })
}
