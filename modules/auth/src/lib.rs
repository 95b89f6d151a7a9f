//! Who may come in: users, tenants, memberships, sessions and the keys that sign tokens. This module owns the auth database;
//! others get from it a verified caller and nothing else.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web;
use kernel::{Caller, Clock, Database, Ids, Problem, Routes, Sites, Violation};
use uuid::Uuid;

mod api_keys;
mod audit;
mod cache;
mod config;
mod credential;
mod devices;
mod email;
mod error;
mod following;
mod instance;
mod invites;
mod keys;
mod links;
mod mail;
mod members;
mod mfa;
mod notices;
mod pages;
mod password;
mod roles;
mod sessions;
mod signed_in;
mod tenants;
mod throttle;
mod tidy;
mod tokens;
pub mod transfer;
mod uncached;

pub mod admin;
pub mod jwks;
pub mod login;
pub mod login_mfa;
pub mod logout;
pub mod me;
pub mod own_sessions;
pub mod reauth;
pub mod recovery;
pub mod refresh;
pub mod register;
pub mod setup;
pub mod switch_tenant;
pub mod verify_email;

pub use config::Config;
pub use error::Error;
pub use following::following;
pub use keys::{PublicKey, SecretKey, Secrets};
pub use mail::{Carrier, Letter, Undelivered};
pub use roles::Role;
pub use sessions::UserAgent;
pub use tokens::Tokens;

/// The largest body that an endpoint of this module reads.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// What another module must know of a tenant to keep books for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantFacts {
    pub tenant_id: Uuid,
    /// ISO 4217.
    pub currency: String,
    /// A name of the IANA time zone database.
    pub time_zone: String,
}

/// Where a new tenant gets its place in the other modules. Asked after the tenant was committed here; doing it again must do
/// no harm.
pub trait TenantHome: Send + Sync + 'static {
    fn ensure(&self, facts: TenantFacts) -> Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + '_>>;

    /// Which of these are no sites of the tenant, or closed ones.
    fn unknown_sites(&self, tenant_id: Uuid, sites: BTreeSet<Uuid>) -> Pin<Box<dyn Future<Output = Result<BTreeSet<Uuid>, Problem>> + Send + '_>>;
}

/// The module's state.
#[derive(Clone)]
pub struct Auth(Arc<State>);

struct State {
    database: Database,
    clock: Clock,
    ids: Ids,
    homes: Arc<dyn TenantHome>,
    hasher: password::Hasher,
    policy: password::Policy,
    tokens: tokens::Authority,
    sessions: cache::Cache<sessions::Standing>,
    api_keys: cache::Cache<api_keys::Standing>,
    new_tenants: bool,
    subjects: audit::Subjects,
    throttle: throttle::Throttle,
    devices: devices::DeviceTokens,
    vault: Arc<keys::Vault>,
    followed: following::Followed,
    outbox: mail::Outbox,
    may_register: bool,
}

impl Auth {
    /// Takes over a migrated database. Checks that the secret is the key that this database was made with, and loads the signing
    /// keys or makes the first one. Where the secret is wrong or missing, nothing is changed. Without a `carrier` no mail is written.
    pub async fn open(
        database: Database,
        config: Config,
        secrets: Secrets,
        clock: Clock,
        ids: Ids,
        homes: Arc<dyn TenantHome>,
        carrier: Option<Arc<dyn Carrier>>,
    ) -> Result<Self, Error> {
        let read_at = clock.now();
        let instance::Opened { vault, epoch, keys } = instance::open(&database, secrets, &clock, &ids).await?;
        let vault = Arc::new(vault);
        let (secret, previous) = (vault.secret(), vault.previous());
        let hasher = password::Hasher::new(&ids);
        let public_url = Some(config.public_url).filter(|url| !url.is_empty());
        let state = State {
            hasher,
            policy: password::Policy::new(config.password_least_characters),
            tokens: tokens::Authority::new(config.issuer, config.audience, keys, tokens::Refreshing::new(secret)?.and(previous)?),
            sessions: cache::Cache::default(),
            api_keys: cache::Cache::default(),
            new_tenants: config.new_tenants,
            subjects: audit::Subjects::new(secret)?,
            throttle: throttle::Throttle::new(secret, &clock)?,
            devices: devices::DeviceTokens::new(secret)?.and(previous)?,
            followed: following::Followed::new(epoch, read_at),
            may_register: config.registration,
            outbox: mail::Outbox::new(&ids, &vault, carrier, public_url),
            vault,
            database,
            clock,
            ids,
            homes,
        };
        Ok(Self(Arc::new(state)))
    }

    /// Decides which token opens `POST /setup`, as long as it is open: the `given` one (at least 16 characters), or a new one
    /// where there is none yet. Answers the token only where this call made it, to be shown once.
    pub async fn announce_setup(&self, given: Option<String>) -> Result<Option<String>, Error> {
        setup::announce(self, given).await
    }

    /// Turns a bearer token, or an API key, into a caller. It proves the session or the key; what the caller may do is read from
    /// the database, at most five seconds old.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller, Problem> {
        self.0.follow().await?;
        if api_keys::is_one(bearer) {
            return Ok(api_keys::authenticate(self, bearer).await?);
        }
        let standing = sessions::authenticate(self, bearer).await?;
        standing.need_enrolled()?;
        Ok(standing.caller())
    }

    /// The same, also for members who have yet to enrol the second factor that their tenant requires.
    pub(crate) async fn authenticate_to_enrol(&self, bearer: &str) -> Result<Caller, Problem> {
        if api_keys::is_one(bearer) {
            return Ok(api_keys::authenticate(self, bearer).await?);
        }
        Ok(sessions::authenticate(self, bearer).await?.caller())
    }

    /// Whether the database answers, and how far its clock is ahead of this program's, see [`kernel::database::skew`].
    pub async fn reach(&self) -> Result<Option<chrono::TimeDelta>, sea_orm::DbErr> {
        kernel::database::skew(self.0.database.reader(), &self.0.clock).await
    }

    /// A tenant that is not closed.
    pub async fn tenant(&self, id: Uuid) -> Result<Option<TenantFacts>, Error> {
        let tenant = members::repository::open_tenant(self.0.database.reader(), id).await?;
        Ok(tenant.map(|tenant| TenantFacts { tenant_id: tenant.id, currency: tenant.currency, time_zone: tenant.time_zone }))
    }
}

impl State {
    /// Nobody is believed any more because of what was read before: to be called after what members may do was changed.
    fn forget_everybody(&self) {
        self.sessions.forget_everybody();
        self.api_keys.forget_everybody();
    }

    /// 422 `unknown_site` for a site that is not there.
    async fn need_sites(&self, tenant_id: Uuid, sites: &Sites) -> Result<(), Error> {
        let Sites::Only(sites) = sites else { return Ok(()) };
        let unknown = self.homes.unknown_sites(tenant_id, sites.clone()).await.map_err(Error::Refused)?;
        let Some(first) = unknown.first() else { return Ok(()) };
        let flaw = Violation { pointer: "/site_ids".into(), code: "unknown_site".into(), detail: format!("there is no open site {first}") };
        Err(Error::Refused(Problem::invalid(vec![flaw])))
    }
}

/// Runs a change to its end, with what has to follow it, also where the client hangs up meanwhile.
async fn settled<T: Send + 'static>(change: impl Future<Output = Result<T, Error>> + Send + 'static) -> Result<T, Error> {
    tokio::spawn(change).await.map_err(|_| Error::Interrupted)?
}

/// The endpoints, relative to the scope that they are mounted under. The app registers `web::Data<Auth>`.
pub fn routes(routes: &mut impl Routes) {
    routes.app_data(web::PayloadConfig::new(MOST_BODY_BYTES));
    routes.service(setup::handler).service(login::handler).service(refresh::handler).service(logout::handler).service(switch_tenant::handler);
    routes.service(own_sessions::list).service(own_sessions::end).service(own_sessions::end_others);
    routes.service(me::handler).service(me::password::handler).service(reauth::handler).service(jwks::handler);
    routes.service(members::read::list).service(members::read::handler).service(members::change::handler).service(members::remove::handler);
    routes.service(invites::create::handler).service(invites::read::list).service(invites::withdraw::handler).service(invites::accept::handler);
    routes.service(recovery::forgot::handler).service(recovery::reset::handler).service(verify_email::handler).service(members::reset_link::handler);
    routes.service(register::ask::handler).service(register::confirm::handler);
    routes.service(me::email::handler).service(me::notices::handler);
    routes.service(api_keys::create::handler).service(api_keys::read::list).service(api_keys::end::handler);
    routes.service(login_mfa::handler).service(mfa::begin::handler).service(mfa::confirm::handler).service(mfa::recovery_codes::handler);
    routes.service(mfa::remove::handler).service(members::reset_mfa::handler);
    routes.service(me::change::handler).service(me::export::handler).service(me::delete::handler).service(me::lost_device::handler);
    routes.service(tenants::read::list).service(tenants::create::handler).service(tenants::change::handler).service(tenants::close::handler);
    routes.service(tenants::audit::list);
}
