//! How somebody comes in whom nobody has invited, with a tenant of their own: off by default.

pub(crate) mod ask;
pub(crate) mod confirm;
mod newcomer;
mod returning;

use serde::{Deserialize, Serialize};

/// What is kept until the address is confirmed, sealed.
#[derive(Clone, Serialize, Deserialize)]
struct Application {
    email: String,
    name: String,
    tenant_name: String,
    currency: String,
    time_zone: String,
}
