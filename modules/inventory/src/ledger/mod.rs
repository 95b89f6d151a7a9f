//! The one way stock changes. `plan` is pure: from a state and a command to effects or a refusal. The rest loads the state
//! under locks and applies the effects; nothing outside of this folder writes entries, lots, balances or stock keys.

mod command;
mod content;
mod draft;
mod effects;
mod facts;
mod feed;
mod load;
mod locking;
mod lot_state;
mod numbers;
mod past;
mod periods;
mod pick;
mod plan;
mod post;
mod protocol;
mod refusal;
mod repository;
mod reserve;
mod rule;
mod rules;
#[cfg(test)]
mod search;
pub mod verify;
mod writing;

use kernel::Routes;

pub use command::{
    AdjustLine, Basis, Charge, Command, Correction, CostChange, CountLine, Counted, OldEntry, OnShort, OutputBasis, OutputLine, Price, ReceiveLine, Reversal,
    TakeLine, TouchedBy, UnderWay, VarianceKind, Work,
};
pub use effects::{Effects, EntryKind, LineOutcome};
pub use facts::{Hold, Holding, ItemRules, Key, Lot, Place, Snapshot, Spot};
pub use feed::{EntryAnswer, FEW_BY_SEQ, entries_of_document};
pub use load::lot_places;
pub use locking::{Early, ask_early};
pub use lot_state::{EventRow, LotEvent, LotEventKind, LotState, lock_lot_states, lot_events, with_descendants, write_lot_states};
pub use numbers::next_transfer_number;
pub use past::Past;
pub use periods::{Kept, add_to_checkpoint, checkpoint_before, close_through, reopen_to, sum_up};
pub use plan::plan;
pub use post::{Detail, Header, Posted, Posting, apply, lock, lock_both, lock_lots, lock_lots_of_both, lock_rest, prepare};
pub use protocol::{DocumentType, Head, Inbound, Kind, Locked, OpeningStock, Permit, Receipt, RulesSeen, Waste};
pub use refusal::{LineFlaw, LotConflictCode, Refusal, ShortLine};
pub use reserve::{available, end_some, ended, lock_to_reserve, set_aside};
pub use rules::{bump_rules, need_rules};
pub use writing::{Writing, head_of};

/// The kinds of documents: what `Permit` and `Posting` are of.
pub mod kinds {
    pub use super::protocol::{
        Adjustment, Arrival, Correction, CostChange, Count, Dispatch, Opening, Reversal, Transfer, TransferCancel, Transformation, TransitLoss, Usage,
        VendorReturn,
    };
}

/// The hash before the first document.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub fn routes(routes: &mut impl Routes) {
    routes.service(feed::list_ledger);
}
