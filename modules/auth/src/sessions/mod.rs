//! Sessions: who is behind a token, as the database has it.

mod device;
pub(crate) mod repository;
mod rotation;

use std::sync::Arc;

use auth_entity::session;
use chrono::TimeDelta;
pub use device::UserAgent;
use kernel::{Caller, Ids, Instant, Sites, hex};
pub(crate) use rotation::{Rotation, Verdict};
use sea_orm::Set;
use uuid::Uuid;

use crate::Auth;
use crate::error::Error;
use crate::members::Grant;
use crate::roles::Role;
use crate::tokens::{Claims, Subject};

/// A session ends this long after the log-in, whatever happens,
pub(crate) const LIFE: TimeDelta = TimeDelta::days(30);
/// and this long after it was last used.
pub(crate) const IDLE: TimeDelta = TimeDelta::days(14);

/// So long after a log-in or a reauth its user counts as one who has shown who they are.
pub(crate) const FRESH: TimeDelta = TimeDelta::minutes(10);

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
    pub(crate) used_counter: i64,
    pub(crate) nonce: String,
    pub(crate) epoch: i64,
    pub(crate) authenticated_at: Instant,
    pub(crate) last_used_at: Instant,
    pub(crate) rotated_at: Option<Instant>,
    pub(crate) expires_at: Instant,
    /// When its user last showed a second factor.
    pub(crate) mfa_at: Option<Instant>,
    /// Whether its user logs in with one,
    pub(crate) mfa_enrolled: bool,
    /// and whether its tenant lets in nobody else.
    pub(crate) mfa_required: bool,
}

impl Standing {
    pub(crate) fn rotation(&self) -> Rotation {
        Rotation { counter: self.counter, used_counter: self.used_counter, rotated_at: self.rotated_at }
    }

    /// For tokens of this session with a counter.
    pub(crate) fn subject(&self, counter: i64) -> Subject {
        Subject {
            user_id: self.user_id,
            tenant_id: self.tenant_id,
            membership_id: self.membership_id,
            session_id: self.session_id,
            counter,
            nonce: self.nonce.clone(),
            expires_at: self.expires_at,
            epoch: self.epoch,
            role: self.role,
            sites: self.sites.clone(),
        }
    }

    /// What its member may do.
    pub(crate) fn grant(&self) -> Grant {
        Grant { role: self.role, sites: self.sites.clone() }
    }

    /// 403 `reauth_required` where its user has not shown lately who they are, with every factor that they have.
    pub(crate) fn need_fresh(&self, now: Instant) -> Result<(), Error> {
        let is_fresh = |at: Instant| now < at.plus(FRESH);
        let with_all = !self.mfa_enrolled || self.mfa_at.is_some_and(is_fresh);
        if is_fresh(self.authenticated_at) && with_all { Ok(()) } else { Err(Error::ReauthRequired) }
    }

    /// 403 `reauth_required` where its user has not shown who they are, with every factor that they have, since that moment or at it.
    pub(crate) fn need_shown_since(&self, moment: Instant) -> Result<(), Error> {
        let with_all = !self.mfa_enrolled || self.mfa_at.is_some_and(|at| moment <= at);
        if moment <= self.authenticated_at && with_all { Ok(()) } else { Err(Error::ReauthRequired) }
    }

    /// 403 `mfa_enrollment_required` where its tenant lets in only who has a second factor, and its user has none.
    pub(crate) fn need_enrolled(&self) -> Result<(), Error> {
        if self.mfa_required && !self.mfa_enrolled { Err(Error::MfaEnrollmentRequired) } else { Ok(()) }
    }

    /// Whether it still has time.
    pub(crate) fn lasts(&self, now: Instant) -> bool {
        now < self.expires_at && now < self.last_used_at.plus(IDLE)
    }

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
            && self.lasts(now)
    }
}

/// A session that begins.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    nonce: String,
    user_agent: UserAgent,
    now: Instant,
    /// When its user last showed who they are.
    authenticated_at: Instant,
    /// When they last showed a second factor.
    mfa_at: Option<Instant>,
    expires_at: Instant,
}

impl NewSession {
    /// After a log-in.
    pub(crate) fn begin(ids: &Ids, now: Instant, user_agent: UserAgent) -> Self {
        Self { id: ids.next(now), nonce: hex(&ids.bytes::<16>()), user_agent, now, authenticated_at: now, mfa_at: None, expires_at: now.plus(LIFE) }
    }

    /// After a log-in with a second factor.
    pub(crate) fn with_second_factor(self) -> Self {
        Self { mfa_at: Some(self.now), ..self }
    }

    /// Out of another session of the same user: it ends when that would have ended, and its user has shown who they are when
    /// they did so there.
    pub(crate) fn after(self, other: &Standing) -> Self {
        Self { authenticated_at: other.authenticated_at, mfa_at: other.mfa_at, expires_at: other.expires_at, ..self }
    }

    pub(crate) fn row(&self, member: &Member) -> session::ActiveModel {
        session::ActiveModel {
            id: Set(self.id),
            tenant_id: Set(member.tenant_id),
            user_id: Set(member.user_id),
            membership_id: Set(member.membership_id),
            counter: Set(0),
            created_at: Set(self.now.into()),
            authenticated_at: Set(self.authenticated_at.into()),
            last_used_at: Set(self.now.into()),
            expires_at: Set(self.expires_at.into()),
            revoked_at: Set(None),
            nonce: Set(self.nonce.clone()),
            used_counter: Set(0),
            rotated_at: Set(None),
            user_agent: Set(self.user_agent.0.clone()),
            mfa_at: Set(self.mfa_at.map(Into::into)),
        }
    }

    /// For its first tokens.
    pub(crate) fn subject(&self, member: &Member) -> Subject {
        Subject {
            user_id: member.user_id,
            tenant_id: member.tenant_id,
            membership_id: member.membership_id,
            session_id: self.id,
            counter: 0,
            nonce: self.nonce.clone(),
            expires_at: self.expires_at,
            epoch: member.epoch,
            role: member.role,
            sites: member.sites.clone(),
        }
    }
}

/// Whose session it is, and what they may do.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user_id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) membership_id: Uuid,
    pub(crate) epoch: i64,
    pub(crate) role: Role,
    pub(crate) sites: Sites,
}

/// The token proves the session; session, membership, user and tenant are read, at most [`crate::cache::FRESH`] ago. Fails closed: where
/// the database does not answer, nobody gets in.
pub(crate) async fn authenticate(auth: &Auth, bearer: &str) -> Result<Arc<Standing>, Error> {
    let state = &auth.0;
    let claims = match state.tokens.verify(bearer, state.clock.now()) {
        Err(Error::TokenInvalid) if state.tokens.is_of_unknown_key(bearer) && state.look_for_key().await? => state.tokens.verify(bearer, state.clock.now())?,
        outcome => outcome?,
    };
    // From before the read: what is read may be that old.
    let now = state.clock.now();
    // A token that is ahead of what is remembered was made since by another replica.
    let standing = match state.sessions.get(claims.sid, now).filter(|known| known.counter >= claims.counter) {
        Some(known) => known,
        None => {
            let ticket = state.sessions.begin(claims.sid, now);
            let standing = repository::standing(state.database.reader(), claims.sid).await?.ok_or(Error::SessionRevoked)?;
            let standing = Arc::new(standing);
            state.sessions.fill(ticket, standing.clone());
            standing
        }
    };
    if !standing.carries(&claims, now) {
        return Err(Error::SessionRevoked);
    }
    // Before it is answered: from now on the refresh token before this one is no longer asked for by whoever lost an answer.
    if claims.counter == standing.counter && standing.used_counter < claims.counter {
        let (session_id, counter) = (claims.sid, claims.counter);
        let used = state
            .database
            .write((session_id, counter), |(id, counter), txn| Box::pin(async move { Ok::<_, Error>(repository::mark_used(txn, *id, *counter).await?) }));
        used.await?;
        state.sessions.forget(session_id);
    }
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        let id = Uuid::from_u128;
        Standing {
            session_id: id(4),
            tenant_id: id(2),
            user_id: id(1),
            membership_id: id(3),
            role: Role::Owner,
            sites: Sites::All,
            counter: 3,
            used_counter: 3,
            nonce: String::new(),
            epoch: 1,
            authenticated_at: Instant::from_micros(0),
            last_used_at: Instant::from_micros(0),
            rotated_at: None,
            expires_at: Instant::from_micros(0).plus(LIFE),
            mfa_at: None,
            mfa_enrolled: false,
            mfa_required: false,
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
    fn who_has_a_second_factor_is_fresh_only_with_it() {
        let start = Instant::from_micros(0);
        let now = start.plus(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        let with = |mfa_at| Standing { mfa_enrolled: true, mfa_at, ..standing() };
        assert!(standing().need_fresh(now).is_ok() && standing().need_fresh(start.plus(FRESH)).is_err());
        assert!(with(Some(start)).need_fresh(now).is_ok());
        assert!(with(None).need_fresh(now).is_err(), "a session from before it was enrolled");
        assert!(with(Some(start.plus(-TimeDelta::minutes(5)))).need_fresh(now).is_err());
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
