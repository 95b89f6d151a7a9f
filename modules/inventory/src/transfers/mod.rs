//! Goods that go from one place to another: at once, or sent, under way and received.

mod repository;
pub mod undo;

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
