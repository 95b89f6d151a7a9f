//! What Larder is held against: the databases themselves, with no more than must be said to them.

pub mod pgbench;
pub mod posting;
pub mod server;
pub mod sqlite;
