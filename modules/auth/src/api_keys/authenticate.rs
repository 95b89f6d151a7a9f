//! What an API key may do at this moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use kernel::{Caller, Instant, Permissions, Sites};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::token::Token;
use super::{read_scopes, repository};
use crate::error::Error;
use crate::{Auth, members};

/// The last use is written down at most so often.
const USED_AT_MOST_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A key that may act, with what it may do at present: what it was made for, as far as its maker may.
pub(crate) struct Standing {
    id: Uuid,
    tenant_id: Uuid,
    user_id: Uuid,
    permissions: Permissions,
    sites: Sites,
    expires_at: Option<Instant>,
    /// In microseconds; the least number where it was never used.
    last_used: AtomicI64,
}

impl Standing {
    fn caller(&self) -> Caller {
        Caller { tenant_id: self.tenant_id, user_id: self.user_id, session_id: None, permissions: self.permissions, sites: self.sites.clone() }
    }

    fn lasts(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it is time to write down that it was used. Says so to one of those who ask at once.
    fn is_to_be_marked(&self, now: Instant) -> bool {
        let last = self.last_used.load(Ordering::Relaxed);
        let due = last.saturating_add(USED_AT_MOST_EVERY.num_microseconds().unwrap_or(i64::MAX)) <= now.micros();
        due && self.last_used.compare_exchange(last, now.micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Turns a key into a caller. The key, its maker and their membership are read, at most [`crate::cache::FRESH`] ago. Fails closed.
pub(crate) async fn authenticate(auth: &Auth, bearer: &str) -> Result<Caller, Error> {
    let state = &auth.0;
    let token = Token::read(bearer).ok_or(Error::ApiKeyInvalid)?;
    // From before the read: what is read may be that old.
    let now = state.clock.now();
    let id = token.cache_id();
    let standing = match state.api_keys.get(id, now) {
        Some(known) => known,
        None => {
            let ticket = state.api_keys.begin(id, now);
            let standing = Arc::new(read(auth, &token).await?);
            state.api_keys.fill(ticket, standing.clone());
            standing
        }
    };
    if !standing.lasts(now) {
        return Err(Error::ApiKeyInvalid);
    }
    if standing.is_to_be_marked(now) {
        mark_used(auth, standing.id, now);
    }
    Ok(standing.caller())
}

async fn read(auth: &Auth, token: &Token) -> Result<Standing, Error> {
    let reader = auth.0.database.reader();
    let (key, membership) = repository::by_prefix(reader, token.prefix()).await?.ok_or(Error::ApiKeyInvalid)?;
    if !bool::from(key.secret_hash.as_bytes().ct_eq(token.hash().as_bytes())) {
        return Err(Error::ApiKeyInvalid);
    }
    let maker = members::repository::grant(reader, &membership).await?.ok_or(Error::ApiKeyInvalid)?;
    let (last_used, expires_at) = (key.last_used_at, key.expires_at);
    let (id, tenant_id, scopes) = (key.id, key.tenant_id, read_scopes(&key.scopes));
    let found = repository::with_sites(reader, tenant_id, vec![key]).await?;
    let sites = found.into_iter().next().map(|found| found.sites).ok_or(Error::ApiKeyInvalid)?;
    Ok(Standing {
        id,
        tenant_id,
        user_id: membership.user_id,
        permissions: scopes.shared(maker.role.permissions()),
        sites: sites.shared(&maker.sites),
        expires_at: expires_at.map(Instant::from),
        last_used: AtomicI64::new(last_used.map_or(i64::MIN, |at| Instant::from(at).micros())),
    })
}

/// Beside the request, which does not wait for it. Where it fails, the next minute has another chance.
fn mark_used(auth: &Auth, id: Uuid, now: Instant) {
    let state = auth.0.clone();
    tokio::spawn(async move {
        let mark = state
            .database
            .write((id, now), |(id, now), txn| Box::pin(async move { Ok::<_, Error>(repository::mark_used(txn, *id, *now, USED_AT_MOST_EVERY).await?) }));
        if let Err(error) = mark.await {
            tracing::warn!(error = %kernel::problem::chain(&error), api_key_id = %id, "the use of an API key could not be written down");
        }
    });
}
