//! What stock is worth by the methods that books are kept in: pure functions of an item's movements, never stored.
//!
//! The ledger itself knows what each lot cost (`lot_actual`). The methods here look at the same entries and forget the lots:
//! goods lie in *pools* (one for the tenant, or one for each site), and a method says what leaves a pool with what is taken
//! from it. An [`Account`] is fed with the movements of one item in effective order, one after the other, and keeps no more of
//! them than those of one instant (of one period, for the periodic average).
//!
//! What comes in brings the value that the ledger gives it. What is found in a count brings none: nobody paid for it, so it
//! comes in at the report's own average. The storekeeper finds that a miscount changes no price; the auditor finds no profit in
//! goods that were never bought, only the loss of an earlier count taken back. Where nothing is on hand to have an average of,
//! and in `fifo`, which has layers and no average, it comes in at the ledger's rate, which is that of a lot that was bought.
//!
//! Values are whole millionths in 128 bits. Every taking is rounded once, a half away from zero, and the last unit takes what
//! is left, so that no value stays on nothing.

mod account;
#[cfg(test)]
mod examples;
mod fifo;
mod last_price;
mod movement;
mod moving_average;
mod order;
mod periodic_average;
mod pool;
mod record;
#[cfg(test)]
mod search;
mod share;

pub use account::{Account, Costing, Worth};
pub use movement::{ISSUES, Movement, Paid};
pub use periodic_average::PricePeriod;
