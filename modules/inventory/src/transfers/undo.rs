//! What becomes of a transfer when one of its documents is undone. The entries are the ledger's; this is what is under way.

use kernel::{Problem, Txn};
use sea_orm::DbErr;
use serde_json::json;

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
    let gone: Vec<_> = transfer.lots.iter().filter(|(_, tally)| tally.under_way() != tally.dispatched).map(|(lot, tally)| gone(*lot, *tally)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(409, "transfer_received", "A part of this transfer has arrived, was lost or came back: undo that first.");
    Err(Error::Problem(problem.fact("transfer_id", transfer.id).fact("lots", gone)))
}

/// What became of a lot that is not under way as it was sent, in its item's base unit.
fn gone(lot: LotId, tally: Tally) -> serde_json::Value {
    let Tally { item, dispatched, received, lost, cancelled } = tally;
    json!({ "lot_id": lot, "item_id": item, "dispatched": dispatched, "received": received, "lost": lost, "cancelled": cancelled })
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::TransferStatus::{self, Cancelled, Draft, InTransit, PartiallyReceived, Received};
    use super::*;

    const LOT: LotId = Uuid::from_u128(1);

    /// Dispatched, received, lost, cancelled of the only lot.
    fn tally(transfer: &LockedTransfer) -> Option<[i64; 4]> {
        transfer.lots.get(&LOT).map(|tally| [tally.dispatched.0, tally.received.0, tally.lost.0, tally.cancelled.0])
    }

    fn after(numbers: [i64; 4], kind: DocumentType, part: i64) -> Result<(Option<[i64; 4]>, TransferStatus), &'static str> {
        match undone(LockedTransfer::of_one_lot(LOT, numbers), kind, &[(LOT, Quantity(part))]) {
            Ok(transfer) => Ok((tally(&transfer), transfer.status_by_numbers())),
            Err(Error::Problem(problem)) if problem.code == "transfer_received" => Err("transfer_received"),
            Err(_) => Err("a fault of the program"),
        }
    }

    #[test]
    fn what_arrived_was_lost_or_came_back_is_under_way_again() {
        assert_eq!(after([9, 4, 0, 0], DocumentType::Arrival, 4), Ok((Some([9, 0, 0, 0]), InTransit)));
        assert_eq!(after([9, 9, 0, 0], DocumentType::Arrival, 4), Ok((Some([9, 5, 0, 0]), PartiallyReceived)));
        assert_eq!(after([9, 5, 4, 0], DocumentType::TransitLoss, 1), Ok((Some([9, 5, 3, 0]), PartiallyReceived)));
        assert_eq!(after([9, 0, 0, 9], DocumentType::TransferCancel, 9), Ok((Some([9, 0, 0, 0]), InTransit)));
    }

    #[test]
    fn a_dispatch_is_undone_while_all_of_it_is_under_way() {
        assert_eq!(after([9, 0, 0, 0], DocumentType::Dispatch, 9), Ok((None, Draft)));
        for begun in [[9, 1, 0, 0], [9, 0, 1, 0], [9, 0, 0, 1]] {
            assert_eq!(after(begun, DocumentType::Dispatch, 9), Err("transfer_received"), "{begun:?}");
        }
    }

    #[test]
    fn a_transfer_at_once_is_cancelled() {
        assert_eq!(LockedTransfer::of_one_lot(LOT, [9, 9, 0, 0]).status_by_numbers(), Received);
        assert_eq!(after([9, 9, 0, 0], DocumentType::Transfer, 9), Ok((Some([9, 0, 0, 9]), Cancelled)));
    }

    #[test]
    fn more_than_was_moved_is_never_undone() {
        assert_eq!(after([9, 3, 0, 0], DocumentType::Arrival, 4), Err("a fault of the program"));
        assert_eq!(after([9, 3, 0, 0], DocumentType::Waste, 1), Err("a fault of the program"));
    }
}
