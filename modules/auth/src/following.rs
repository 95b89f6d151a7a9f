//! How a running server follows what other servers and the command line change of the installation: its epoch, and its signing keys.

use std::sync::{Mutex, PoisonError};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use chrono::TimeDelta;
use kernel::{Instant, Problem};

use crate::cache::FRESH;
use crate::error::Error;
use crate::{Auth, State, instance};

/// A token of a key that nobody here knows is a reason to look again, but not more often than this: anybody can make one up.
const AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(1);

/// What was read, and when.
pub(crate) struct Followed {
    last: Mutex<Last>,
    /// One reads, and the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy)]
struct Last {
    epoch: i64,
    /// From before the read.
    read_at: Instant,
}

impl Last {
    fn is_older_than(&self, age: TimeDelta, now: Instant) -> bool {
        // A clock that was set back must not make it live longer.
        now < self.read_at || self.read_at.plus(age) <= now
    }
}

impl Followed {
    pub(crate) fn new(epoch: i64, read_at: Instant) -> Self {
        Self { last: Mutex::new(Last { epoch, read_at }), turn: tokio::sync::Mutex::new(()) }
    }

    fn last(&self) -> Last {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The installation's epoch, as read at most five seconds before the request began.
    pub(crate) fn epoch(&self) -> i64 {
        self.followed.last().epoch
    }

    /// Reads anew what is older than five seconds. Fails closed: what could not be read is not believed any longer.
    pub(crate) async fn follow(&self) -> Result<(), Error> {
        self.read_if_older_than(FRESH).await.map(|_| ())
    }

    /// Whether a signing key that is not known here may be known now.
    pub(crate) async fn look_for_key(&self) -> Result<bool, Error> {
        self.read_if_older_than(AT_MOST_EVERY).await
    }

    async fn read_if_older_than(&self, age: TimeDelta) -> Result<bool, Error> {
        if !self.followed.last().is_older_than(age, self.clock.now()) {
            return Ok(false);
        }
        let _turn = self.followed.turn.lock().await;
        let now = self.clock.now();
        if self.followed.last().is_older_than(age, now) {
            let known = self.tokens.keys();
            let (epoch, keys) = instance::read(&self.database, &self.vault, Some(&known)).await?;
            self.tokens.trust(keys);
            *self.followed.last.lock().unwrap_or_else(PoisonError::into_inner) = Last { epoch, read_at: now };
        }
        Ok(true)
    }
}

/// The gate of every endpoint of this module: what follows is decided on what was true five seconds ago at the most.
pub async fn following(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(auth) = request.app_data::<web::Data<Auth>>().cloned() {
        auth.0.follow().await.map_err(Problem::from)?;
    }
    next.call(request).await
}
