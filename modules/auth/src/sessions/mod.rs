//! Sessions: who is behind a token, as the database has it.

mod cache;
pub(crate) mod repository;

use std::sync::Arc;

pub(crate) use cache::Cache;
use chrono::TimeDelta;
use kernel::{Caller, Instant, Sites};
use uuid::Uuid;

use crate::Auth;
use crate::error::Error;
use crate::roles::Role;
use crate::tokens::Claims;

/// A session ends this long after the log-in, whatever happens,
pub(crate) const LIFE: TimeDelta = TimeDelta::days(30);
/// and this long after it was last used.
const IDLE: TimeDelta = TimeDelta::days(14);

/// A session that may act, with what its member may do at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) session_id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) membership_id: Uuid,
    pub(crate) role: Role,
    pub(crate) sites: Sites,
    pub(crate) counter: i64,
    pub(crate) epoch: i64,
    pub(crate) last_used_at: Instant,
    pub(crate) expires_at: Instant,
}

impl Standing {
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            tenant_id: self.tenant_id,
            user_id: self.user_id,
            session_id: Some(self.session_id),
            permissions: self.role.permissions(),
            sites: self.sites.clone(),
        }
    }

    /// Whether this is the session that a token was made for, and still has time. A counter ahead of the stored one comes from
    /// after the backup that this database was restored from.
    fn carries(&self, claims: &Claims, now: Instant) -> bool {
        self.tenant_id == claims.tid
            && self.user_id == claims.sub
            && self.membership_id == claims.mid
            && self.epoch == claims.epoch
            && self.counter >= claims.counter
            && now < self.expires_at
            && now < self.last_used_at.plus(IDLE)
    }
}

/// The token proves the session; session, membership, user and tenant are read, at most [`cache::FRESH`] ago. Fails closed: where
/// the database does not answer, nobody gets in.
pub(crate) async fn authenticate(auth: &Auth, bearer: &str) -> Result<Arc<Standing>, Error> {
    let state = &auth.0;
    let claims = state.tokens.verify(bearer, state.clock.now())?;
    // From before the read: what is read may be that old.
    let now = state.clock.now();
    let standing = match state.sessions.get(claims.sid, now) {
        Some(known) => known,
        None => {
            let ticket = state.sessions.begin(claims.sid, now);
            let standing = repository::standing(state.database.reader(), claims.sid).await?.ok_or(Error::SessionRevoked)?;
            let standing = Arc::new(standing);
            state.sessions.fill(ticket, standing.clone());
            standing
        }
    };
    if standing.carries(&claims, now) { Ok(standing) } else { Err(Error::SessionRevoked) }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn standing() -> Standing {
        let id = Uuid::from_u128;
        Standing {
            session_id: id(4),
            tenant_id: id(2),
            user_id: id(1),
            membership_id: id(3),
            role: Role::Owner,
            sites: Sites::All,
            counter: 3,
            epoch: 1,
            last_used_at: Instant::from_micros(0),
            expires_at: Instant::from_micros(0).plus(LIFE),
        }
    }

    fn claims() -> Claims {
        let id = Uuid::from_u128;
        Claims {
            iss: String::new(),
            aud: String::new(),
            sub: id(1),
            iat: 0,
            nbf: 0,
            exp: 600,
            jti: id(5),
            sid: id(4),
            counter: 3,
            epoch: 1,
            tid: id(2),
            mid: id(3),
            role: Role::Owner,
            scope: String::new(),
            all_sites: true,
            sites: None,
        }
    }

    #[test]
    fn a_token_is_carried_by_its_own_session_only() {
        let now = Instant::from_micros(0).plus(TimeDelta::minutes(1));
        let other = Uuid::from_u128(99);
        assert!(standing().carries(&claims(), now));
        assert!(standing().carries(&Claims { counter: 2, ..claims() }, now));
        assert!(!standing().carries(&Claims { counter: 4, ..claims() }, now), "ahead of a restored database");
        assert!(!standing().carries(&Claims { epoch: 2, ..claims() }, now));
        assert!(!standing().carries(&Claims { tid: other, ..claims() }, now));
        assert!(!standing().carries(&Claims { sub: other, ..claims() }, now));
        assert!(!standing().carries(&Claims { mid: other, ..claims() }, now));
    }

    #[test]
    fn a_session_ends_when_it_lies_idle_and_at_its_absolute_end() {
        let start = Instant::from_micros(0);
        assert!(standing().carries(&claims(), start.plus(TimeDelta::days(14) - TimeDelta::seconds(1))));
        assert!(!standing().carries(&claims(), start.plus(TimeDelta::days(14))));
        let used = Standing { last_used_at: start.plus(TimeDelta::days(29)), ..standing() };
        assert!(used.carries(&claims(), start.plus(TimeDelta::days(30) - TimeDelta::seconds(1))));
        assert!(!used.carries(&claims(), start.plus(TimeDelta::days(30))));
    }
}
