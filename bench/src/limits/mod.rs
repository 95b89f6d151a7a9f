//! What Larder is held against: the databases themselves, with no more than must be said to them.

pub mod constant;
pub mod pgbench;
pub mod sqlite;
