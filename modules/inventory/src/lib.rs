//! Inventory: the catalogue, the ledger, receiving, waste and what can be read from them. It never signs and never sees a
//! password; who is calling comes in as a verified [`kernel::Caller`].

mod adjustments;
mod arithmetic;
mod audit;
mod calendar;
mod catalog;
mod config;
mod counts;
mod documents;
mod error;
mod expiry;
mod http;
mod idempotency;
mod imports;
mod ledger;
mod lots;
mod names;
mod periods;
pub mod presence;
mod receiving;
mod reports;
mod reservations;
mod rows;
mod shortages;
mod stock;
mod tenants;
pub mod transfer;
mod transfers;
mod transformations;
mod usage;
mod vendor_returns;
mod waste;

use std::sync::Arc;

use kernel::{Clock, Database, Ids, Routes};

/// The use cases that others call in process: a request, and what is done with it.
pub mod use_cases {
    pub use crate::catalog::item_units::create as create_item_unit;
    pub use crate::catalog::items::create as create_item;
    pub use crate::catalog::locations::create as create_location;
    pub use crate::receiving::post_receipt;
    pub use crate::reports::valuation;
    pub use crate::waste::post_waste;
}

/// The types that hold the order of a posting, for the tests that must not compile (in `ledger/`). No use for anybody else.
#[doc(hidden)]
pub mod protocol {
    pub use crate::ledger::{Header, Locked, Permit, Posting, Receipt, ReceiveLine, TakeLine, Waste};
}

/// The pure core, for its benchmark (`benches/`). No use for anybody else.
#[doc(hidden)]
pub mod pure {
    pub use crate::arithmetic::{Money, Quantity};
    pub use crate::calendar::SiteDays;
    pub use crate::ledger::{Basis, Charge, Command, Counted, Holding, ItemRules, Key, Lot, Place, Price, ReceiveLine, Snapshot, Spot, TakeLine, Work, plan};
    pub use crate::names::{DateKind, Pick};
}

pub use config::Config;
pub use error::Error;
pub use idempotency::Once;
pub use ledger::verify;
pub use tenants::{TenantFacts, TenantSource};

/// The module: its database, reachable by nobody else, and what it is given from outside.
#[derive(Clone)]
pub struct Inventory {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    config: Config,
    clock: Clock,
    ids: Ids,
    tenants: tenants::Tenants,
}

impl Inventory {
    pub fn new(database: Database, config: Config, clock: Clock, ids: Ids, tenants: Arc<dyn TenantSource>) -> Self {
        Self { inner: Arc::new(Inner { database, config, clock, ids, tenants: tenants::Tenants::new(tenants) }) }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), sea_orm::DbErr> {
        self.database().reader().ping().await
    }

    fn database(&self) -> &Database {
        &self.inner.database
    }

    fn config(&self) -> &Config {
        &self.inner.config
    }

    fn now(&self) -> kernel::Instant {
        self.inner.clock.now()
    }

    fn next_id(&self) -> uuid::Uuid {
        self.inner.ids.next(self.now())
    }
}

/// All operations of this module; `app` mounts them under `/v1/inventory`, behind the caller.
pub fn routes(routes: &mut impl Routes) {
    // A path is looked for among them in this order, and one with an id in it is a pattern to be tried: what is asked for most has none before it.
    stock::routes(routes);
    ledger::routes(routes);
    waste::routes(routes);
    usage::routes(routes);
    adjustments::routes(routes);
    vendor_returns::routes(routes);
    transformations::routes(routes);
    imports::routes(routes);
    reports::routes(routes);
    audit::routes(routes);
    receiving::routes(routes);
    catalog::routes(routes);
    counts::routes(routes);
    transfers::routes(routes);
    reservations::routes(routes);
    shortages::routes(routes);
    documents::routes(routes);
    lots::routes(routes);
    periods::routes(routes);
}
