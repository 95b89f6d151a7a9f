//! What becomes of a transfer when one of its documents is undone. The entries are the ledger's; this is what is under way.

use kernel::Txn;
use sea_orm::DbErr;

use super::repository::{Changed, Tally, save};
pub use super::repository::{LockedTransfer, lock};
use crate::arithmetic::Quantity;
use crate::error::Error;
use crate::ledger::DocumentType;
use crate::names::{DocumentId, LotId};

/// Undoes a document of a locked transfer, of which `parts` are what it moved of each lot, above zero. An arrival, a loss or a
/// cancellation that is undone is under way again. A dispatch is undone only while all of it is under way (409
/// `transfer_received`): the transfer is a draft again. A transfer at once is cancelled.
pub async fn undo(txn: &Txn, transfer: &LockedTransfer, kind: DocumentType, document: DocumentId, parts: &[(LotId, Quantity)]) -> Result<(), Error> {
    let after = undone(transfer.clone(), kind, parts)?;
    save(txn, &after, after.status_by_numbers(), Changed::With(document)).await
}

fn undone(mut transfer: LockedTransfer, kind: DocumentType, parts: &[(LotId, Quantity)]) -> Result<LockedTransfer, Error> {
    let count: fn(&mut Tally) -> &mut Quantity = match kind {
        DocumentType::Arrival => |tally| &mut tally.received,
        DocumentType::TransitLoss => |tally| &mut tally.lost,
        DocumentType::TransferCancel => |tally| &mut tally.cancelled,
        DocumentType::Dispatch => return draft_again(transfer),
        DocumentType::Transfer => {
            for tally in transfer.lots.values_mut() {
                (tally.received, tally.cancelled) = (Quantity::ZERO, tally.dispatched);
            }
            return Ok(transfer);
        }
        _ => return Err(wrong("a document that is no step of a transfer")),
    };
    for (lot, quantity) in parts {
        let tally = transfer.lots.get_mut(lot).ok_or_else(|| wrong("a lot that was never sent"))?;
        let counted = count(tally);
        *counted = counted.minus(*quantity).filter(|rest| rest.0 >= 0).ok_or_else(|| wrong("more than was ever moved"))?;
    }
    Ok(transfer)
}

/// Whether a dispatch may be undone. Asked before the ledger is, which would only say that something is short on the way.
pub fn need_all_under_way(transfer: &LockedTransfer) -> Result<(), Error> {
    if transfer.lots.values().any(|tally| tally.under_way() != tally.dispatched) {
        let detail = "A part of this transfer has arrived, was lost or came back: undo that first.".to_owned();
        return Err(Error::Conflict { code: "transfer_received", detail });
    }
    Ok(())
}

fn draft_again(mut transfer: LockedTransfer) -> Result<LockedTransfer, Error> {
    need_all_under_way(&transfer)?;
    transfer.dispatched_at = None;
    transfer.lots.clear();
    Ok(transfer)
}

fn wrong(what: &str) -> Error {
    Error::Database(DbErr::Custom(format!("{what} is undone of a transfer")))
}
