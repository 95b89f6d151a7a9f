use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use kernel::Instant;
use uuid::Uuid;

use super::Standing;

/// How long something that was read may be believed.
pub(crate) const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How many sessions are remembered.
const MOST: usize = 20_000;

/// The sessions that were found standing in the last seconds.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// Goes up with every invalidation.
    generation: u64,
    sessions: HashMap<Uuid, Entry>,
}

struct Entry {
    read_at: Instant,
    standing: Arc<Standing>,
}

impl Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        // A clock that was set back must not make an entry live longer.
        self.read_at <= now && now < self.read_at.plus(FRESH)
    }
}

/// A read that has begun.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    session_id: Uuid,
    read_at: Instant,
    generation: u64,
}

impl Cache {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, session_id: Uuid, now: Instant) -> Option<Arc<Standing>> {
        self.entries().sessions.get(&session_id).filter(|entry| entry.is_fresh(now)).map(|entry| entry.standing.clone())
    }

    /// To be called before the database is asked.
    pub(crate) fn begin(&self, session_id: Uuid, now: Instant) -> Ticket {
        Ticket { session_id, read_at: now, generation: self.entries().generation }
    }

    /// Remembers what was read, unless something was invalidated since: it may have been read before.
    pub(crate) fn fill(&self, ticket: Ticket, standing: Arc<Standing>) {
        let mut entries = self.entries();
        if entries.generation != ticket.generation {
            return;
        }
        if entries.sessions.len() >= MOST {
            entries.sessions.retain(|_, entry| entry.is_fresh(ticket.read_at));
        }
        if entries.sessions.len() >= MOST {
            entries.sessions.clear();
        }
        entries.sessions.insert(ticket.session_id, Entry { read_at: ticket.read_at, standing });
    }

    /// To be called after the end of a session was committed and before that is answered.
    pub(crate) fn forget(&self, session_id: Uuid) {
        let mut entries = self.entries();
        entries.generation += 1;
        entries.sessions.remove(&session_id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::standing;
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn fill(cache: &Cache, ticket: Ticket) {
        cache.fill(ticket, Arc::new(standing()));
    }

    #[test]
    fn what_was_read_is_believed_for_five_seconds_from_before_the_read() {
        let (cache, id) = (Cache::default(), Uuid::from_u128(1));
        fill(&cache, cache.begin(id, at(1000)));
        assert!(cache.get(id, at(5999)).is_some());
        assert!(cache.get(id, at(6000)).is_none());
        assert!(cache.get(id, at(999)).is_none(), "the clock was set back");
    }

    #[test]
    fn a_read_that_an_invalidation_overtook_is_not_remembered() {
        let (cache, id) = (Cache::default(), Uuid::from_u128(1));
        let ticket = cache.begin(id, at(0));
        cache.forget(id);
        fill(&cache, ticket);
        assert!(cache.get(id, at(1)).is_none());
        fill(&cache, cache.begin(id, at(2)));
        assert!(cache.get(id, at(3)).is_some());
        cache.forget(id);
        assert!(cache.get(id, at(4)).is_none());
    }

    #[test]
    fn it_holds_a_bounded_number_of_sessions() {
        let cache = Cache::default();
        for number in 0..=MOST {
            fill(&cache, cache.begin(Uuid::from_u128(number as u128), at(0)));
        }
        assert!(cache.entries().sessions.len() <= MOST);
    }
}
