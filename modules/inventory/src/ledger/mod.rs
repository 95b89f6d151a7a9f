//! The one way stock changes.

mod refusal;

pub use refusal::{LineFlaw, Refusal, ShortLine};

/// The hash before the first document.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
