//! Where identifiers and other randomness come from.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest as _, Sha256};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::instant::Instant;

/// A source of randomness: the operating system's; a seeded one that makes a script reproducible to the byte; or one whose
/// identifiers follow from the step of a script, while all else that it gives is the operating system's.
#[derive(Clone, Debug)]
pub enum Ids {
    System,
    Seeded(Arc<Mutex<StdRng>>),
    OfSteps(Steps),
}

impl Ids {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            // Keys and salts must be secret also where identifiers are known to everybody.
            Self::System | Self::OfSteps(_) => rand::rng().fill_bytes(&mut bytes),
            Self::Seeded(generator) => generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A UUIDv7. The operating system's follow one another in the order in which one process made them, within a millisecond
    /// too and where the clock goes back, so that lists by identifier are in the order of making. Those of two processes do
    /// not, so an identifier is still never a tie-break.
    pub fn next(&self, now: Instant) -> Uuid {
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        match self {
            Self::System => {
                let order = MADE_IN_ORDER.lock().unwrap_or_else(PoisonError::into_inner);
                let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
                Uuid::new_v7(Timestamp::from_unix(&*order, millis / 1000, nanos))
            }
            Self::Seeded(_) => uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid(),
            Self::OfSteps(steps) => steps.next(),
        }
    }
}

/// What the identifiers of one millisecond are counted with.
static MADE_IN_ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// Identifiers that are the same wherever and whenever a script is played: each follows from the name of its step and its
/// place within that step, and not from what was done before. So a script that was interrupted goes on with the same ones.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<Mutex<Place>>);

#[derive(Debug, Default)]
struct Place {
    step: String,
    /// How many identifiers of this step were given out.
    given: u64,
}

impl Steps {
    /// What to hand to whoever makes identifiers.
    pub fn ids(&self) -> Ids {
        Ids::OfSteps(self.clone())
    }

    /// From now on identifiers are those of this step.
    pub fn begin(&self, step: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Place { step: step.to_owned(), given: 0 };
    }

    /// The identifier at a place of a step, counted from 0.
    pub fn id(step: &str, place: u64) -> Uuid {
        // Two steps whose names continue each other must not meet: the place has a fixed length and stands first.
        let digest = Sha256::new().chain_update(place.to_be_bytes()).chain_update(step).finalize();
        let mut bytes = [0; 10];
        bytes.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
        uuid::Builder::from_unix_timestamp_millis(MADE_AT_MILLIS, &bytes).into_uuid()
    }

    fn next(&self) -> Uuid {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.given += 1;
        Self::id(&place.step, place.given - 1)
    }
}

/// The time in an identifier of a step: 2026-01-01T00:00:00Z, before anything that is made while Larder runs.
const MADE_AT_MILLIS: u64 = 1_767_225_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifiers_of_a_step_do_not_depend_on_what_was_done_before_or_when() {
        let steps = Steps::default();
        let (ids, now) = (steps.ids(), Instant::from_micros(0));
        steps.begin("one");
        let one = [ids.next(now), ids.next(now)];
        steps.begin("two");
        let two = ids.next(now);
        steps.begin("one");
        let later = now.plus(chrono::TimeDelta::days(400));
        assert_eq!([ids.next(later), ids.next(later)], one);
        assert_eq!(one, [Steps::id("one", 0), Steps::id("one", 1)]);
        assert!(one[0] != one[1] && !one.contains(&two));
        assert_eq!((two.get_version_num(), two.get_variant()), (7, uuid::Variant::RFC4122));
    }

    #[test]
    fn identifiers_are_in_the_order_of_making_also_within_a_millisecond_and_when_the_clock_goes_back() {
        let now = Instant::from_micros(1_800_000_000_000_000);
        let at = [now, now, now, now.plus(chrono::TimeDelta::days(-1)), now.plus(chrono::TimeDelta::milliseconds(1)), now];
        let made: Vec<Uuid> = at.iter().cycle().take(10_000).map(|at| Ids::System.next(*at)).collect();
        assert!(made.is_sorted_by(|one, next| one < next), "{made:?}");
        assert_eq!((made[0].get_version_num(), made[0].get_variant()), (7, uuid::Variant::RFC4122));
        // The first six bytes are the time.
        assert_eq!(made[0].as_u128() >> 80, 1_800_000_000_000);
    }

    #[test]
    fn other_randomness_than_identifiers_is_never_that_of_a_step() {
        let steps = Steps::default();
        steps.begin("one");
        let salt = steps.ids().bytes::<16>();
        steps.begin("one");
        assert_ne!(steps.ids().bytes::<16>(), salt);
    }
}
