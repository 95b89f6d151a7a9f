//! How a tenant begins, whoever founds it.

use auth_entity::{tenant, user};
use kernel::{Flaw, FromValue, Ids, Instant, Sites, Txn};
use sea_orm::{DbErr, EntityTrait as _, IntoActiveModel as _};
use serde_json::Value;
use uuid::Uuid;

use crate::email::EmailKey;
use crate::members::{self, Grant};
use crate::roles::Role;
use crate::sessions::{Member, NewSession, UserAgent};
use crate::tokens::Subject;
use crate::{State, TenantFacts, sessions};

/// What money is counted in: an ISO 4217 code.
#[derive(Clone)]
pub(crate) struct Currency(pub(crate) String);

impl FromValue for Currency {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        // Codes without a minor unit (gold, the test code) are no money that stock is bought with.
        let known = |code: &&str| iso_currency::Currency::from_code(code).is_some_and(|currency| currency.exponent().is_some());
        let code = value.as_str().filter(known);
        code.map(|code| Self(code.to_owned())).ok_or_else(|| Flaw::new("invalid_currency", "an ISO 4217 code in upper case, such as EUR, is expected"))
    }
}

/// A name of the IANA time zone database.
#[derive(Clone)]
pub(crate) struct TimeZone(pub(crate) String);

impl FromValue for TimeZone {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let zone = value.as_str().filter(|name| name.parse::<chrono_tz::Tz>().is_ok());
        zone.map(|name| Self(name.to_owned())).ok_or_else(|| Flaw::new("invalid_time_zone", "an IANA time zone such as Europe/Paris is expected"))
    }
}

/// A tenant that is about to be made, and the membership of its owner.
pub(crate) struct NewTenant {
    pub(crate) id: Uuid,
    pub(crate) membership_id: Uuid,
    name: String,
    currency: String,
    time_zone: String,
    now: Instant,
}

impl NewTenant {
    pub(crate) fn new(state: &State, name: String, currency: Currency, time_zone: TimeZone, now: Instant) -> Self {
        let [id, membership_id] = [(); 2].map(|()| state.ids.next(now));
        Self { id, membership_id, name, currency: currency.0, time_zone: time_zone.0, now }
    }

    /// What the other modules must know of it.
    pub(crate) fn facts(&self) -> TenantFacts {
        TenantFacts { tenant_id: self.id, currency: self.currency.clone(), time_zone: self.time_zone.clone() }
    }

    /// Its owner, everywhere.
    pub(crate) fn owner(&self, user_id: Uuid, epoch: i64) -> Member {
        Member { user_id, tenant_id: self.id, membership_id: self.membership_id, epoch, role: Role::Owner, sites: Sites::All }
    }

    /// Makes it, with its owner, who is there already.
    pub(crate) async fn insert(&self, txn: &Txn, ids: &Ids, user_id: Uuid) -> Result<(), DbErr> {
        let row = tenant::Model {
            id: self.id,
            version: 1,
            created_at: self.now.into(),
            updated_at: self.now.into(),
            name: self.name.clone(),
            currency: self.currency.clone(),
            time_zone: self.time_zone.clone(),
            closed_at: None,
            mfa_required: false,
        };
        tenant::Entity::insert(row.into_active_model()).exec_without_returning(txn).await?;
        let grant = Grant { role: Role::Owner, sites: Sites::All };
        members::repository::insert(txn, ids, self.now, self.membership_id, self.id, user_id, &grant).await
    }
}

/// Who founds a tenant, and what it is.
pub(crate) struct Owner {
    pub(crate) email: String,
    pub(crate) email_key: EmailKey,
    pub(crate) name: String,
    pub(crate) password_hash: String,
    pub(crate) tenant_name: String,
    pub(crate) currency: Currency,
    pub(crate) time_zone: TimeZone,
}

/// A user, the tenant that they own, and their first session in it: all of them new.
pub(crate) struct Founders {
    user: user::Model,
    tenant: NewTenant,
    member: Member,
    session: NewSession,
    ids: Ids,
}

impl Founders {
    pub(crate) fn new(state: &State, owner: Owner, user_agent: UserAgent, now: Instant) -> Self {
        let user = user::Model {
            id: state.ids.next(now),
            version: 1,
            created_at: now.into(),
            updated_at: now.into(),
            email: owner.email,
            email_key: owner.email_key.0,
            name: owner.name,
            password_hash: owner.password_hash,
            disabled_at: None,
            email_verified_at: None,
            erased_at: None,
        };
        let tenant = NewTenant::new(state, owner.tenant_name, owner.currency, owner.time_zone, now);
        let member = tenant.owner(user.id, state.epoch());
        Self { user, tenant, member, session: NewSession::begin(&state.ids, now, user_agent), ids: state.ids.clone() }
    }

    pub(crate) fn member(&self) -> Member {
        self.member.clone()
    }

    pub(crate) fn session_id(&self) -> Uuid {
        self.session.id
    }

    /// For the first tokens of that session.
    pub(crate) fn subject(&self) -> Subject {
        self.session.subject(&self.member)
    }

    pub(crate) fn facts(&self) -> TenantFacts {
        self.tenant.facts()
    }

    pub(crate) async fn insert(&self, txn: &Txn) -> Result<(), DbErr> {
        user::Entity::insert(self.user.clone().into_active_model()).exec_without_returning(txn).await?;
        self.tenant.insert(txn, &self.ids, self.user.id).await?;
        sessions::repository::insert(txn, self.session.row(&self.member)).await
    }
}

/// Finds a new tenant its place in the other modules, after it was committed.
pub(crate) async fn find_place(state: &State, facts: TenantFacts) {
    let tenant_id = facts.tenant_id;
    if let Err(problem) = state.homes.ensure(facts).await {
        // The tenant is there; the other module makes its place when it is first needed.
        tracing::warn!(error = %problem, %tenant_id, "the new tenant has no place in inventory yet");
    }
}
