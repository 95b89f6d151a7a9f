//! Goods that go from one place to another: at once, or sent, under way and received.

pub mod cancel;
pub mod create;
pub mod dispatch;
pub mod lose;
mod read;
pub mod receive;
mod repository;
mod step;
pub mod undo;

use kernel::Routes;
use sea_orm::DbErr;

use crate::names::Word as _;

pub fn routes(routes: &mut impl Routes) {
    routes.service(create::create_transfer).service(read::list_transfers).service(read::get_transfer);
    routes.service(dispatch::dispatch_transfer).service(receive::receive_transfer).service(lose::lose_transfer).service(cancel::cancel_transfer);
}

crate::names::words!(
    /// How far a transfer is.
    TransferStatus {
        /// Asked for; nothing has moved.
        Draft = "draft",
        /// Sent; nothing has arrived.
        InTransit = "in_transit",
        /// A part has arrived, and a part is under way.
        PartiallyReceived = "partially_received",
        /// Nothing is under way any more, and something has arrived.
        Received = "received",
        /// Nothing is under way any more, and nothing has arrived.
        Cancelled = "cancelled",
    }
);

/// The database has room for sixteen characters: this is the one word that is kept as another.
const PARTLY: &str = "partly_received";

impl TransferStatus {
    /// As it is kept.
    fn kept(self) -> &'static str {
        if self == Self::PartiallyReceived { PARTLY } else { self.word() }
    }

    /// From what is kept.
    fn of_kept(word: &str) -> Result<Self, DbErr> {
        if word == PARTLY { Ok(Self::PartiallyReceived) } else { Self::stored(word) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_fits_into_its_column_and_is_read_back() {
        for word in TransferStatus::WORDS {
            let status = TransferStatus::of(word).expect("a status");
            assert!(status.kept().len() <= 16, "{word}");
            assert_eq!(TransferStatus::of_kept(status.kept()).expect("a status"), status);
        }
    }
}
