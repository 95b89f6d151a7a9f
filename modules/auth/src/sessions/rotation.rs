//! What a refresh token is worth when it comes back: a pure rule, so that every order of answers that are lost, tabs that share
//! a token and thieves can be searched.
//!
//! A token carries the counter of its session as it was when the token was made, and each refresh moves the counter on by one. Who
//! presents the present counter gets the next. Who is one behind may have lost the answer: they get the same successor again, as
//! long as nobody used it or for [`GRACE`]. Whoever is further behind holds a copy, and nobody can tell who of the two is the
//! thief: the session ends. (RFC 9700, section 4.14.2; the grace is what keeps two tabs and lost answers from ending it.)

use chrono::TimeDelta;
use kernel::Instant;

/// How long the one before the present token is still answered with the same successor, though that was used.
pub(crate) const GRACE: TimeDelta = TimeDelta::seconds(10);

/// What is stored of a session that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// How often it was refreshed.
    pub(crate) counter: i64,
    /// The last counter of which an access token was accepted.
    pub(crate) used_counter: i64,
    /// When it was refreshed last.
    pub(crate) rotated_at: Option<Instant>,
}

/// What is done with a token that was made for this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The counter moves on.
    Rotate,
    /// The successor is given once more.
    Repeat,
    /// It was used before: the session ends.
    Reused,
    /// The database was restored from before it was made: the session ends.
    Ahead,
}

impl Rotation {
    pub(crate) fn judge(&self, presented: i64, now: Instant) -> Verdict {
        if presented == self.counter {
            return Verdict::Rotate;
        }
        if presented > self.counter {
            return Verdict::Ahead;
        }
        let successor_unused = self.used_counter < self.counter;
        let just_rotated = self.rotated_at.is_some_and(|at| now <= at.plus(GRACE));
        if presented == self.counter - 1 && (successor_unused || just_rotated) { Verdict::Repeat } else { Verdict::Reused }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn rotation(counter: i64, used_counter: i64) -> Rotation {
        Rotation { counter, used_counter, rotated_at: Some(at(100)) }
    }

    #[test]
    fn the_present_token_rotates_and_the_one_before_it_gets_the_same_successor_for_a_while_or_until_that_is_used() {
        assert_eq!(rotation(3, 3).judge(3, at(1000)), Verdict::Rotate);
        assert_eq!(rotation(3, 3).judge(2, at(110)), Verdict::Repeat);
        assert_eq!(rotation(3, 3).judge(2, at(111)), Verdict::Reused);
        assert_eq!(rotation(3, 2).judge(2, at(100_000)), Verdict::Repeat, "the answer was lost");
        assert_eq!(rotation(3, 3).judge(1, at(101)), Verdict::Reused);
        assert_eq!(rotation(3, 3).judge(4, at(101)), Verdict::Ahead);
        assert_eq!(Rotation { counter: 0, used_counter: 0, rotated_at: None }.judge(0, at(0)), Verdict::Rotate);
    }

    /// A session as the server keeps it, and the refresh tokens that people hold.
    struct World {
        stored: Rotation,
        now: i64,
        ended: bool,
    }

    impl World {
        fn new() -> Self {
            Self { stored: Rotation { counter: 0, used_counter: 0, rotated_at: None }, now: 0, ended: false }
        }

        /// Presents a token; the counter that the answer holds.
        fn refresh(&mut self, presented: i64) -> Option<i64> {
            if self.ended {
                return None;
            }
            match self.stored.judge(presented, at(self.now)) {
                Verdict::Rotate => {
                    self.stored = Rotation { counter: presented + 1, rotated_at: Some(at(self.now)), ..self.stored };
                    Some(self.stored.counter)
                }
                Verdict::Repeat => Some(self.stored.counter),
                Verdict::Reused | Verdict::Ahead => {
                    self.ended = true;
                    None
                }
            }
        }

        /// Uses an access token of a counter.
        fn use_access(&mut self, counter: i64) {
            if !self.ended && counter == self.stored.counter {
                self.stored.used_counter = counter;
            }
        }
    }

    #[derive(Clone, Debug)]
    struct Step {
        /// Which tab, or which of client and thief.
        who: bool,
        wait: i64,
        /// Whether the answer arrives.
        arrives: bool,
        uses: bool,
    }

    fn steps(least_wait: i64) -> impl Strategy<Value = Vec<Step>> {
        let step = (any::<bool>(), least_wait..40_i64, any::<bool>(), any::<bool>());
        prop::collection::vec(step.prop_map(|(who, wait, arrives, uses)| Step { who, wait, arrives, uses }), 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Answers may be lost at any time and be asked for again at any time: a client that is alone stays signed in.
        #[test]
        fn a_client_is_never_signed_out_by_lost_answers(steps in steps(0)) {
            let (mut world, mut held) = (World::new(), 0);
            for step in steps {
                world.now += step.wait;
                let answered = world.refresh(held);
                prop_assert!(answered.is_some(), "{:?} with {held}", world.stored);
                if let Some(counter) = answered.filter(|_| step.arrives) {
                    held = counter;
                    if step.uses {
                        world.use_access(counter);
                    }
                }
            }
        }

        /// Two tabs that share what they hold refresh at the same moment, from the same token.
        #[test]
        fn two_tabs_that_refresh_within_the_grace_stay_signed_in(waits in prop::collection::vec((0..10_i64, 0..2_000_i64), 1..40)) {
            let (mut world, mut held) = (World::new(), 0);
            for (between, after) in waits {
                let one = world.refresh(held);
                if let Some(counter) = one {
                    world.use_access(counter);
                }
                world.now += between;
                let other = world.refresh(held);
                prop_assert!(one.is_some() && one == other);
                held = other.unwrap_or(held);
                world.now += after;
            }
        }

        /// A thief copies the token at some time. Both go on and use what they get; as soon as one of them is behind, beyond the
        /// grace, the session is over for both.
        #[test]
        fn a_copy_that_is_used_ends_the_session(before in 0_usize..5, steps in steps(11)) {
            let (mut world, mut held) = (World::new(), [0, 0]);
            for _ in 0..before {
                held[0] = world.refresh(held[0]).expect("alone");
                world.use_access(held[0]);
                world.now += 11;
            }
            held[1] = held[0];
            for step in steps {
                world.now += step.wait;
                let who = usize::from(step.who);
                let behind = held[who] < world.stored.counter;
                let answered = world.refresh(held[who]);
                prop_assert_eq!(answered.is_none(), behind || world.ended);
                match answered {
                    Some(counter) => {
                        held[who] = counter;
                        world.use_access(counter);
                    }
                    None => break,
                }
            }
        }
    }
}
