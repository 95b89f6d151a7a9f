//! Who is calling, and what they may do.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;

pub type TenantId = Uuid;
pub type UserId = Uuid;
pub type SiteId = Uuid;

/// One thing that a member may do. Which role holds which is auth's table; what an operation needs is the use case's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Permission {
    Read,
    SeeCosts,
    Receive,
    Waste,
    UseStock,
    Transfer,
    Count,
    Order,
    ManageCatalogue,
    Adjust,
    Approve,
    Backdate,
    Close,
    ManageMembers,
    Admin,
}

impl Permission {
    pub const ALL: [Self; 15] = [
        Self::Read,
        Self::SeeCosts,
        Self::Receive,
        Self::Waste,
        Self::UseStock,
        Self::Transfer,
        Self::Count,
        Self::Order,
        Self::ManageCatalogue,
        Self::Adjust,
        Self::Approve,
        Self::Backdate,
        Self::Close,
        Self::ManageMembers,
        Self::Admin,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::SeeCosts => "see_costs",
            Self::Receive => "receive",
            Self::Waste => "waste",
            Self::UseStock => "use_stock",
            Self::Transfer => "transfer",
            Self::Count => "count",
            Self::Order => "order",
            Self::ManageCatalogue => "manage_catalogue",
            Self::Adjust => "adjust",
            Self::Approve => "approve",
            Self::Backdate => "backdate",
            Self::Close => "close",
            Self::ManageMembers => "manage_members",
            Self::Admin => "admin",
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    pub fn holds(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.holds(*permission))
    }

    /// Whether `others` hold all of these.
    pub fn within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// What both hold.
    #[must_use]
    pub fn shared(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | 1 << permission as u32))
    }
}

/// The sites that a caller may see and touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sites {
    All,
    Only(BTreeSet<SiteId>),
}

impl Sites {
    pub fn contain(&self, site: SiteId) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(&site),
        }
    }

    /// Whether all of these are among `others`.
    pub fn within(&self, others: &Self) -> bool {
        match (self, others) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(these), Self::Only(others)) => these.is_subset(others),
        }
    }

    /// Those that are in both.
    #[must_use]
    pub fn shared(&self, others: &Self) -> Self {
        match (self, others) {
            (sites, Self::All) | (Self::All, sites) => sites.clone(),
            (Self::Only(these), Self::Only(others)) => Self::Only(these & others),
        }
    }
}

/// The verified caller: everything another module may know about who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant_id: TenantId,
    /// Who acts: written into documents, entries and stored answers.
    pub user_id: UserId,
    pub session_id: Option<Uuid>,
    pub permissions: Permissions,
    pub sites: Sites,
}

impl Caller {
    /// 403 `forbidden` where the caller does not hold `permission`.
    pub fn need(&self, permission: Permission) -> Result<(), Problem> {
        if self.permissions.holds(permission) {
            return Ok(());
        }
        Err(Problem::new(403, "forbidden", format!("This needs the permission `{}`, which your role does not hold.", permission.name())))
    }

    pub fn sees_costs(&self) -> bool {
        self.permissions.holds(Permission::SeeCosts)
    }
}

/// Turns a bearer token into a caller. `app` implements it over auth; the modules that are called know only this.
pub trait Authenticate: Send + Sync + 'static {
    fn authenticate<'a>(&'a self, bearer: &'a str) -> Pin<Box<dyn Future<Output = Result<Caller, Problem>> + Send + 'a>>;
}

/// What is registered with actix so that the middleware finds it by type.
#[derive(Clone)]
pub struct Authenticator(pub Arc<dyn Authenticate>);

/// Set by [`crate::http::authenticated`] before any handler or body parser runs, so that 401 comes before everything else.
impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(unauthenticated))
    }
}

/// 401 for a request without a bearer token.
pub fn unauthenticated() -> Problem {
    Problem::new(401, "token_invalid", "This needs a bearer token in the header Authorization; POST /v1/auth/login gives one.")
}
