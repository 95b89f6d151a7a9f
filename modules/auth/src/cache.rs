//! What was read from the database and may be believed for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use kernel::Instant;
use uuid::Uuid;

/// How long something that was read may be believed.
pub(crate) const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How many are remembered.
const MOST: usize = 20_000;

/// What was found standing in the last seconds: sessions, or API keys.
pub(crate) struct Cache<T>(Mutex<Entries<T>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::new(Entries { generation: 0, standing: HashMap::new() }))
    }
}

struct Entries<T> {
    /// Goes up with every invalidation.
    generation: u64,
    standing: HashMap<Uuid, Entry<T>>,
}

struct Entry<T> {
    read_at: Instant,
    value: Arc<T>,
}

impl<T> Entry<T> {
    fn is_fresh(&self, now: Instant) -> bool {
        // A clock that was set back must not make an entry live longer.
        self.read_at <= now && now < self.read_at.plus(FRESH)
    }
}

/// A read that has begun.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    id: Uuid,
    read_at: Instant,
    generation: u64,
}

impl<T> Cache<T> {
    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: Uuid, now: Instant) -> Option<Arc<T>> {
        self.entries().standing.get(&id).filter(|entry| entry.is_fresh(now)).map(|entry| entry.value.clone())
    }

    /// To be called before the database is asked.
    pub(crate) fn begin(&self, id: Uuid, now: Instant) -> Ticket {
        Ticket { id, read_at: now, generation: self.entries().generation }
    }

    /// Remembers what was read, unless something was invalidated since: it may have been read before.
    pub(crate) fn fill(&self, ticket: Ticket, value: Arc<T>) {
        let mut entries = self.entries();
        if entries.generation != ticket.generation {
            return;
        }
        if entries.standing.len() >= MOST {
            entries.standing.retain(|_, entry| entry.is_fresh(ticket.read_at));
        }
        if entries.standing.len() >= MOST {
            entries.standing.clear();
        }
        entries.standing.insert(ticket.id, Entry { read_at: ticket.read_at, value });
    }

    /// To be called after an end was committed and before that is answered.
    pub(crate) fn forget(&self, id: Uuid) {
        let mut entries = self.entries();
        entries.generation += 1;
        entries.standing.remove(&id);
    }

    /// The same, where it ends or changes for nobody knows how many.
    pub(crate) fn forget_everybody(&self) {
        let mut entries = self.entries();
        entries.generation += 1;
        entries.standing.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn fill(cache: &Cache<()>, ticket: Ticket) {
        cache.fill(ticket, Arc::new(()));
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
        fill(&cache, cache.begin(id, at(5)));
        let ticket = cache.begin(Uuid::from_u128(2), at(6));
        cache.forget_everybody();
        fill(&cache, ticket);
        assert!(cache.get(id, at(7)).is_none() && cache.get(Uuid::from_u128(2), at(7)).is_none());
    }

    #[test]
    fn it_holds_a_bounded_number() {
        let cache = Cache::default();
        for number in 0..=MOST {
            fill(&cache, cache.begin(Uuid::from_u128(number as u128), at(0)));
        }
        assert!(cache.entries().standing.len() <= MOST);
    }
}
