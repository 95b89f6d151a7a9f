//! Sends what is written, apart from every request: a mail server that is slow or away delays nobody.

use std::sync::Arc;
use std::time::Duration;

use auth_entity::outbox;
use chrono::TimeDelta;
use kernel::problem::chain;
use kernel::{Instant, Txn};
use tokio::time::{sleep, timeout};

use super::{ASKED_FOR_LINK, ASKED_TO_REGISTER, Carrier, Letter, Undelivered, repository};
use crate::error::Error;
use crate::recovery::forgot;
use crate::register::ask;
use crate::{Auth, State};

/// So often it is looked, also where nobody says that something was written: by another replica, or before a restart.
const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// So many are looked at in one go.
const BATCH: u64 = 20;
/// So long one try takes at the most: less than the first wait, or two replicas would try the same letter at once.
const PATIENCE: Duration = Duration::from_secs(40);
/// The wait after the first try; it doubles with every further one,
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
/// up to this.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// How long a letter waits that was tried so often before.
fn wait_after(tries: i64) -> TimeDelta {
    let doublings = u32::try_from(tries.max(0)).unwrap_or(u32::MAX);
    2_i32.checked_pow(doublings).and_then(|factor| FIRST_WAIT.checked_mul(factor)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

impl Auth {
    /// Sends letters for as long as it is polled; for ever does nothing where there is no mail server. Any number of replicas may do it: each
    /// letter is tried by one of them at a time. It is sent once, and twice only where its sender ends between the mail server's answer and
    /// writing that down.
    pub async fn deliver_mail(&self) {
        let Some(carrier) = self.0.outbox.carrier.clone() else { return std::future::pending().await };
        loop {
            match round(&self.0, &carrier).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "mail could not be looked at"),
            }
            tokio::select! { () = self.0.outbox.written.notified() => {}, () = sleep(LOOKED_EVERY) => {} }
        }
    }
}

/// Tries what is due. Whether there is more.
async fn round(state: &Arc<State>, carrier: &Arc<dyn Carrier>) -> Result<bool, Error> {
    let due = repository::due(state.database.reader(), state.clock.now(), BATCH).await?;
    let more = due.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
    for row in due {
        // Where the server is away, the others need not find that out one after the other.
        if !try_one(state, carrier, row).await? {
            return Ok(false);
        }
    }
    Ok(more)
}

/// Whether it makes sense to go on with the next one.
async fn try_one(state: &Arc<State>, carrier: &Arc<dyn Carrier>, row: outbox::Model) -> Result<bool, Error> {
    let (id, kind, now) = (row.id, row.kind.clone(), state.clock.now());
    if Instant::from(row.expires_at) <= now {
        if done(state, row).await? {
            tracing::warn!(%id, kind, "a letter could not be sent in time and is given up");
        }
        return Ok(true);
    }
    let claim = state.database.write((row.clone(), now), |(row, now), txn: &Txn| {
        Box::pin(async move { Ok::<_, Error>(repository::claim(txn, row, *now, wait_after(row.tries)).await?) })
    });
    if !claim.await? {
        return Ok(true);
    }
    let message = match state.outbox.open(&row) {
        Ok(message) => message,
        Err(error) => {
            tracing::warn!(%id, kind, error = %chain(&error), "a letter cannot be read");
            return Ok(true);
        }
    };
    let answered = match row.kind.as_str() {
        ASKED_FOR_LINK => Some(forgot::answer(state, row.clone(), message.to.clone()).await),
        ASKED_TO_REGISTER => Some(ask::answer(state, row.clone(), message.to.clone(), message.text.clone()).await),
        _ => None,
    };
    if let Some(answered) = answered {
        if let Err(error) = answered {
            tracing::warn!(%id, error = %chain(&error), "a link that was asked for could not be made");
        }
        return Ok(true);
    }
    let letter = Letter { id, written_at: row.created_at.into(), to: message.to, subject: message.subject, text: message.text };
    let carried = timeout(PATIENCE, carrier.carry(letter)).await.unwrap_or(Err(Undelivered::Unreachable("the mail server took too long")));
    match carried {
        Ok(()) => done(state, row).await.map(|_| true),
        Err(why) => {
            tracing::warn!(%id, kind, tries = row.tries + 1, %why, "a letter could not be sent; it is tried again");
            Ok(!matches!(why, Undelivered::Unreachable(_)))
        }
    }
}

/// It is sent, or of no use any more.
async fn done(state: &Arc<State>, row: outbox::Model) -> Result<bool, Error> {
    state.database.write(row.id, |id, txn| Box::pin(async move { Ok::<_, Error>(repository::delete(txn, *id).await?) })).await
}

/// As [`done`], within a transaction.
pub(crate) async fn answered(txn: &Txn, row: &outbox::Model) -> Result<bool, Error> {
    Ok(repository::delete(txn, row.id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_to_an_hour_and_none_is_shorter_than_a_try() {
        let minutes: Vec<_> = (0..9).map(|tries| wait_after(tries).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(wait_after(i64::MAX), LONGEST_WAIT);
        assert!(wait_after(0).to_std().expect("positive") > PATIENCE);
    }
}
