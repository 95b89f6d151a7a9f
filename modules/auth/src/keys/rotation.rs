//! When signing keys come and go. A key is published for a day before it signs, and for an hour after, so that nobody ever sees a token
//! of a key that they could not know.

use auth_entity::signing_key;
use chrono::TimeDelta;
use kernel::Instant;

/// How long a key is published before it signs: whoever keeps `/jwks.json` for less than that knows it in time.
const PENDING: TimeDelta = TimeDelta::hours(24);
/// How long a key signs.
const ACTIVE: TimeDelta = TimeDelta::days(90);
/// How long it is trusted after that: more than the life of the last token that it signed.
const RETIRED: TimeDelta = TimeDelta::hours(1);

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is published and will sign.
    Pending,
    /// It signs; there is one of these.
    Active,
    /// It has signed.
    Retired,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// `None` for one of a newer version.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Retired].into_iter().find(|status| status.name() == name)
    }
}

/// One key, as far as its time is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aged {
    pub(crate) kid: String,
    pub(crate) status: Status,
    created_at: Instant,
    activated_at: Instant,
    retired_at: Instant,
}

impl Aged {
    pub(crate) fn of(row: &signing_key::Model) -> Option<Self> {
        let created_at = Instant::from(row.created_at);
        let activated_at = row.activated_at.map_or(created_at, Instant::from);
        let retired_at = row.retired_at.map_or(activated_at, Instant::from);
        Some(Self { kid: row.kid.clone(), status: Status::parse(&row.status)?, created_at, activated_at, retired_at })
    }
}

/// What is to be done about keys, beside what their age asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    WhatIsDue,
    /// The next key signs as soon as it has been published for a day, however young the present one is.
    Next,
    /// The next key signs at once. Who has not read it yet does so when they meet its first token.
    AtOnce,
}

/// One thing that is done to keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The new key is published.
    Publish,
    /// The key that signs is retired, and this one signs.
    Promote(String),
    /// This one is no longer trusted.
    Forget(String),
}

/// What is to be done now. `new` names the key that is made if one is needed.
pub(crate) fn steps(keys: &[Aged], new: &str, wish: Wish, now: Instant) -> Vec<Step> {
    let of = |status| keys.iter().filter(move |key| key.status == status);
    let old = of(Status::Retired).filter(|key| key.retired_at.plus(RETIRED) <= now).map(|key| Step::Forget(key.kid.clone()));
    let ends = of(Status::Active).map(|key| key.activated_at.plus(ACTIVE)).next();
    let next = match (of(Status::Pending).min_by_key(|key| key.created_at), ends) {
        (Some(next), None) => vec![Step::Promote(next.kid.clone())],
        (Some(next), Some(ends)) => {
            let may = next.created_at.plus(PENDING) <= now && (wish == Wish::Next || ends <= now);
            if may || wish == Wish::AtOnce { vec![Step::Promote(next.kid.clone())] } else { Vec::new() }
        }
        (None, Some(ends)) if wish == Wish::WhatIsDue && now < ends.plus(-PENDING) => Vec::new(),
        (None, Some(_)) if wish != Wish::AtOnce => vec![Step::Publish],
        (None, _) => vec![Step::Publish, Step::Promote(new.to_owned())],
    };
    old.chain(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Instant {
        Instant::from_micros(0).plus(TimeDelta::hours(hours))
    }

    fn key(kid: &str, status: Status, since_hours: i64) -> Aged {
        Aged { kid: kid.into(), status, created_at: at(since_hours), activated_at: at(since_hours), retired_at: at(since_hours) }
    }

    fn due(keys: &[Aged], now_hours: i64) -> Vec<Step> {
        steps(keys, "new", Wish::WhatIsDue, at(now_hours))
    }

    #[test]
    fn the_next_key_is_published_a_day_before_the_ninety_days_are_over() {
        let keys = [key("one", Status::Active, 0)];
        assert_eq!(due(&keys, 89 * 24 - 1), []);
        assert_eq!(due(&keys, 89 * 24), [Step::Publish]);
        // A server that was off for a year does not sign with what nobody has seen.
        assert_eq!(due(&keys, 365 * 24), [Step::Publish]);
    }

    #[test]
    fn it_signs_when_it_was_published_for_a_day_and_the_one_before_has_had_its_time() {
        let keys = [key("one", Status::Active, 0), key("two", Status::Pending, 89 * 24 + 12)];
        assert_eq!(due(&keys, 90 * 24 + 11), []);
        assert_eq!(due(&keys, 90 * 24 + 12), [Step::Promote("two".into())]);
        let early = [key("one", Status::Active, 0), key("two", Status::Pending, 0)];
        assert_eq!(due(&early, 90 * 24 - 1), []);
        assert_eq!(due(&early, 90 * 24), [Step::Promote("two".into())]);
    }

    #[test]
    fn one_that_has_signed_is_trusted_for_an_hour() {
        let keys = [key("one", Status::Retired, 10), key("two", Status::Active, 10)];
        assert_eq!(due(&keys, 10), []);
        assert_eq!(due(&keys, 11), [Step::Forget("one".into())]);
    }

    #[test]
    fn who_wishes_it_has_the_next_one_sooner() {
        let wish = |keys: &[Aged], wish, hours| steps(keys, "new", wish, at(hours));
        let one = [key("one", Status::Active, 0)];
        assert_eq!(wish(&one, Wish::Next, 5), [Step::Publish]);
        assert_eq!(wish(&one, Wish::AtOnce, 5), [Step::Publish, Step::Promote("new".into())]);
        let two = [key("one", Status::Active, 0), key("two", Status::Pending, 5)];
        assert_eq!(wish(&two, Wish::Next, 28), []);
        assert_eq!(wish(&two, Wish::Next, 29), [Step::Promote("two".into())]);
        assert_eq!(wish(&two, Wish::AtOnce, 6), [Step::Promote("two".into())]);
    }

    #[test]
    fn where_the_one_that_signs_was_removed_another_does_at_once() {
        assert_eq!(due(&[key("two", Status::Pending, 5)], 6), [Step::Promote("two".into())]);
        assert_eq!(due(&[key("one", Status::Retired, 6)], 6), [Step::Publish, Step::Promote("new".into())]);
    }

    /// Whatever is tidied up when: whoever read the keys within the last day knows the one that signs, and a key that has signed is
    /// known for longer than its tokens live.
    #[test]
    fn at_any_time_the_key_that_signs_was_known_for_a_day() {
        for every_hours in [1, 7, 30, 24 * 40] {
            let mut keys = vec![key("0", Status::Active, 0)];
            let mut made = 0;
            let mut last_promoted = 0;
            for now in (0_i64..24 * 400).step_by(every_hours) {
                for step in due(&keys, now) {
                    match step {
                        Step::Publish => {
                            made += 1;
                            keys.push(key(&made.to_string(), Status::Pending, now));
                        }
                        Step::Promote(kid) => {
                            for key in &mut keys {
                                if key.status == Status::Active {
                                    (key.status, key.retired_at) = (Status::Retired, at(now));
                                }
                                if key.kid == kid {
                                    assert!(key.created_at.plus(PENDING) <= at(now), "{kid} signs after less than a day");
                                    (key.status, key.activated_at) = (Status::Active, at(now));
                                }
                            }
                            last_promoted = now;
                        }
                        Step::Forget(kid) => keys.retain(|key| key.kid != kid || key.retired_at.plus(RETIRED) > at(now)),
                    }
                }
                assert_eq!(keys.iter().filter(|key| key.status == Status::Active).count(), 1);
                assert!(keys.iter().filter(|key| key.status == Status::Pending).count() <= 1);
            }
            assert!(made >= 2 && last_promoted > 0, "every {every_hours} h: {made}");
        }
    }
}
