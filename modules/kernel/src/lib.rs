//! What two modules of Larder must agree on: who is calling, what an error looks like, how a request is read, what a page
//! is, how a transaction runs, where time and identifiers come from. The kernel knows no module and no table.

pub mod caller;
pub mod client;
pub mod copy;
pub mod database;
pub mod guard;
pub mod http;
pub mod ids;
pub mod instant;
pub mod json;
pub mod page;
pub mod problem;
pub mod reading;
pub mod routes;

pub use caller::{Authenticate, Caller, Permission, Permissions, SiteId, Sites, TenantId, UserId, unauthenticated};
pub use client::{ClientAddress, Forwarding};
pub use database::{Database, Outcome, Retry, Txn, WriteError};
pub use guard::Exposure;
pub use ids::{Ids, Steps};
pub use instant::{Clock, Instant};
pub use page::{Cursor, Limit, Listing, Page};
pub use problem::{Problem, Violation};
pub use reading::{Body, Fields, Fingerprint, Flaw, FromFields, FromValue, Query, Text, Whole, hex};
pub use routes::Routes;
