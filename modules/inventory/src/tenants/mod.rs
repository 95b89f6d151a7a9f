//! What inventory knows of a tenant: its currency and time zone, and the units and reasons it starts with.

mod ensure;
mod seeds;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, RwLock};

use inventory_entity::tenant_settings;
use kernel::{Problem, TenantId};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::Inventory;
use crate::error::Error;

/// What auth knows of a tenant and inventory needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantFacts {
    pub tenant_id: Uuid,
    /// ISO 4217.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
}

/// Asks for a tenant's facts where this database does not have them yet. `app` implements it over auth.
pub trait TenantSource: Send + Sync + 'static {
    fn tenant(&self, id: Uuid) -> Pin<Box<dyn Future<Output = Result<Option<TenantFacts>, Problem>> + Send + '_>>;
}

/// The tenants that are known to be set up here. What is cached never changes once there: the currency is fixed.
pub struct Tenants {
    source: Arc<dyn TenantSource>,
    known: RwLock<HashMap<TenantId, Arc<Settings>>>,
}

/// The settings of a tenant.
#[derive(Clone, Debug)]
pub struct Settings {
    pub currency: iso_currency::Currency,
}

impl Settings {
    /// How many digits the currency has behind the point.
    pub fn exponent(&self) -> u32 {
        self.currency.exponent().map_or(0, u32::from)
    }
}

/// How many tenants are remembered; past that the memory is emptied and filled again.
const REMEMBERED: usize = 100_000;

impl Tenants {
    pub fn new(source: Arc<dyn TenantSource>) -> Self {
        Self { source, known: RwLock::default() }
    }

    fn get(&self, id: TenantId) -> Option<Arc<Settings>> {
        self.known.read().ok()?.get(&id).cloned()
    }

    fn put(&self, id: TenantId, settings: Settings) -> Arc<Settings> {
        let settings = Arc::new(settings);
        if let Ok(mut known) = self.known.write() {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(id, settings.clone());
        }
        settings
    }
}

impl Inventory {
    /// Makes sure that the tenant's settings, head, units and reasons are here, asking auth where they are not: a crash between
    /// the two databases heals with the first write.
    pub(crate) async fn ensure_known(&self, id: TenantId) -> Result<Arc<Settings>, Error> {
        if let Some(settings) = self.inner.tenants.get(id) {
            return Ok(settings);
        }
        let row = tenant_settings::Entity::find_by_id(id).one(self.database().reader()).await?;
        if let Some(row) = row.filter(|row| row.seed_version >= seeds::VERSION) {
            return Ok(self.inner.tenants.put(id, Settings { currency: currency(&row.currency)? }));
        }
        let facts = self.inner.tenants.source.tenant(id).await?.ok_or(Error::TenantUnknown)?;
        let settings = Settings { currency: currency(&facts.currency)? };
        self.ensure_tenant(facts).await?;
        Ok(self.inner.tenants.put(id, settings))
    }
}

fn currency(code: &str) -> Result<iso_currency::Currency, Error> {
    iso_currency::Currency::from_code(code).ok_or_else(|| Error::invalid("/currency", "unknown_currency", "an ISO 4217 code such as EUR is expected"))
}
