//! What one module needs to know of the other, and neither may ask itself. Only `app` knows both.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::OnceLock;

use auth::Auth;
use inventory::Inventory;
use kernel::{Authenticate, Caller, Problem};
use uuid::Uuid;

/// Made before the modules, because each of them is given it, and filled once they are there.
#[derive(Default)]
pub struct Bridge {
    auth: OnceLock<Auth>,
    inventory: OnceLock<Inventory>,
}

impl Bridge {
    pub fn join(&self, auth: Auth, inventory: Inventory) {
        // A bridge is filled once, by the application that made it.
        let _ = self.auth.set(auth);
        let _ = self.inventory.set(inventory);
    }
}

fn early() -> Problem {
    Problem::new(503, "database_unavailable", "This server is still starting.").retry_after(1)
}

impl inventory::TenantSource for Bridge {
    fn tenant(&self, id: Uuid) -> Pin<Box<dyn Future<Output = Result<Option<inventory::TenantFacts>, Problem>> + Send + '_>> {
        Box::pin(async move {
            let tenant = self.auth.get().ok_or_else(early)?.tenant(id).await.map_err(Problem::from)?;
            Ok(tenant.map(|facts| inventory::TenantFacts { tenant_id: facts.tenant_id, currency: facts.currency, time_zone: facts.time_zone }))
        })
    }
}

impl auth::TenantHome for Bridge {
    fn ensure(&self, facts: auth::TenantFacts) -> Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + '_>> {
        Box::pin(async move {
            let facts = inventory::TenantFacts { tenant_id: facts.tenant_id, currency: facts.currency, time_zone: facts.time_zone };
            self.inventory.get().ok_or_else(early)?.ensure_tenant(facts).await.map_err(Problem::from)
        })
    }

    fn unknown_sites(&self, tenant_id: Uuid, sites: BTreeSet<Uuid>) -> Pin<Box<dyn Future<Output = Result<BTreeSet<Uuid>, Problem>> + Send + '_>> {
        Box::pin(async move { self.inventory.get().ok_or_else(early)?.unknown_sites(tenant_id, sites).await.map_err(Problem::from) })
    }
}

impl Authenticate for Bridge {
    fn authenticate<'a>(&'a self, bearer: &'a str) -> Pin<Box<dyn Future<Output = Result<Caller, Problem>> + Send + 'a>> {
        Box::pin(async move { self.auth.get().ok_or_else(early)?.authenticate(bearer).await })
    }
}
