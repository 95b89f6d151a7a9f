//! Failures of one account in one hour are two events at the most: the first at once, and how many more there were when the hour is
//! over. So a flood of wrong passwords does not make the audit grow.

use auth_entity::throttle;
use chrono::TimeDelta;
use kernel::{Instant, Txn};

use super::repository::{self, Change, Stored};
use super::rules::Tally;
use crate::State;
use crate::audit::{Act, Concerned, Witness};
use crate::email::EmailKey;
use crate::error::Error;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Something that failed for somebody.
pub(super) struct Failure {
    pub(super) act: Act,
    pub(super) key: String,
    /// The pseudonym of the address that was tried.
    pub(super) subject: String,
    pub(super) now: Instant,
    pub(super) witness: Witness,
}

impl Failure {
    pub(super) fn of(state: &State, act: Act, account: &EmailKey) -> Self {
        let subject = state.subjects.pseudonym(account);
        let key = state.throttle.key(act.name(), &[subject.as_bytes()]);
        Self { act, key, subject, now: state.clock.now(), witness: Witness::new(&state.clock, &state.ids) }
    }

    /// Answers the how manieth it is in this hour.
    pub(super) async fn record(&self, txn: &Txn) -> Result<i64, Error> {
        let before = repository::hold(txn, &[&self.key]).await?.get(&self.key).copied();
        let hour = Instant::from_micros(self.now.micros() - self.now.micros().rem_euclid(HOUR.num_microseconds().unwrap_or(i64::MAX)));
        let in_this_hour = before.filter(|before| before.tally.since >= hour);
        if in_this_hour.is_none() {
            if let Some(Stored { tally, .. }) = before {
                tell_further(txn, &self.witness, self.act.name(), &self.subject, &tally).await?;
            }
            self.witness.refused(self.act, Concerned::subject(&self.subject)).record(txn).await?;
        }
        let count = in_this_hour.map_or(1, |stored| stored.tally.count + 1);
        let tally = Tally { count, count_before: 0, since: self.now.max(hour), drained_at: self.now };
        let change = Change { key: &self.key, kind: self.act.name(), before, tally, forgotten_at: hour.plus(HOUR), subject: Some(&self.subject) };
        repository::write(txn, vec![change]).await?;
        Ok(count)
    }
}

/// Those beside the first, which was told when it happened.
async fn tell_further(txn: &Txn, witness: &Witness, act: &str, subject: &str, tally: &Tally) -> Result<(), Error> {
    if tally.count > 1 {
        witness.refused_often(act, tally.count - 1, tally.since, Concerned::subject(subject)).record(txn).await?;
    }
    Ok(())
}

/// Tells what a row that is about to be deleted still has to tell.
pub(super) async fn tell_the_rest(txn: &Txn, witness: &Witness, row: throttle::Model) -> Result<(), Error> {
    let Some(subject) = row.subject.clone() else { return Ok(()) };
    let act = row.kind.clone();
    tell_further(txn, witness, &act, &subject, &Stored::from(row).tally).await
}
