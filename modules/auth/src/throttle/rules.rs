//! What a try of a password is charged to, and how long the next one has to wait. Pure: no database, no clock.

use chrono::TimeDelta;
use kernel::Instant;
use serde::{Deserialize, Serialize};

/// So many tries are free before each has to wait for longer than the one before; no other limit is lower.
pub(super) const FREE: i64 = 5;
/// The wait after the last free try; it doubles with every further one,
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(1);
/// up to this.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(15);

/// So many tries one address has in a minute,
const IN_A_MINUTE: i64 = 30;
/// and in an hour.
const IN_AN_HOUR: i64 = 300;

/// So many failures of one account, wherever they come from, before unknown devices wait,
const ACCOUNT_FREE: i32 = 20;
/// each until one of them has drained, which takes this long.
const ACCOUNT_DRAINS_IN: TimeDelta = TimeDelta::minutes(3);
/// With so many failures that nothing has made forgotten, only known devices are let try.
const ACCOUNT_MOST: i64 = 100;

/// What was not charged for this long is forgotten: nothing locks for ever.
const FORGOTTEN_IN: TimeDelta = TimeDelta::hours(24);

/// One thing that tries are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Limit {
    /// One account from one address.
    AccountAndAddress,
    /// One account from one known device.
    AccountAndDevice,
    /// One address, whatever the account, in a minute
    AddressInAMinute,
    /// and in an hour.
    AddressInAnHour,
    /// One account from all unknown devices.
    Account,
    /// All second factors of one user, wherever they are shown.
    Codes,
}

impl Limit {
    /// What an unknown device is charged to.
    pub(crate) const OF_UNKNOWN: [Self; 4] = [Self::AccountAndAddress, Self::AddressInAMinute, Self::AddressInAnHour, Self::Account];
    /// What a known device is charged to: nothing that a stranger is charged to.
    pub(crate) const OF_KNOWN: [Self; 1] = [Self::AccountAndDevice];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountAndAddress => "account_address",
            Self::AccountAndDevice => "account_device",
            Self::AddressInAMinute => "address_minute",
            Self::AddressInAnHour => "address_hour",
            Self::Account => "account",
            Self::Codes => "codes",
        }
    }

    /// Whether a success makes all of it forgotten, and not its own unit alone.
    pub(crate) fn ends_with_success(self) -> bool {
        matches!(self, Self::AccountAndAddress | Self::AccountAndDevice | Self::Codes)
    }

    /// How many tries are free, and in how long a time: what an answer says of the limit.
    pub(crate) fn policy(self) -> (i64, TimeDelta) {
        match self {
            Self::AccountAndAddress | Self::AccountAndDevice | Self::Codes => (FREE, FORGOTTEN_IN),
            Self::AddressInAMinute => (IN_A_MINUTE, TimeDelta::minutes(1)),
            Self::AddressInAnHour => (IN_AN_HOUR, TimeDelta::hours(1)),
            Self::Account => (ACCOUNT_FREE.into(), ACCOUNT_DRAINS_IN * ACCOUNT_FREE),
        }
    }

    fn window(self) -> Option<Window> {
        match self {
            Self::AddressInAMinute => Some(Window { length: TimeDelta::minutes(1), most: IN_A_MINUTE }),
            Self::AddressInAnHour => Some(Window { length: TimeDelta::hours(1), most: IN_AN_HOUR }),
            _ => None,
        }
    }

    /// From when on one more try may be charged; not after `now` where it may at once.
    pub(crate) fn opens_at(self, tally: &Tally, now: Instant) -> Instant {
        if now >= self.forgotten_at(tally) {
            return now;
        }
        match self.window() {
            Some(window) => window.opens_at(&window.moved_to(tally, now), now),
            None if self == Self::Account && tally.count >= ACCOUNT_MOST => self.forgotten_at(tally),
            None if self == Self::Account => tally.drained_at.plus(-ACCOUNT_DRAINS_IN * (ACCOUNT_FREE - 1)),
            None => tally.since.plus(wait_after(tally.count)),
        }
    }

    /// With one more try.
    pub(crate) fn charged(self, tally: Option<&Tally>, now: Instant) -> Tally {
        let tally = tally.filter(|tally| now < self.forgotten_at(tally)).copied().unwrap_or_else(|| Tally::empty(now));
        if let Some(window) = self.window() {
            let moved = window.moved_to(&tally, now);
            return Tally { count: moved.count + 1, ..moved };
        }
        // The clock of another replica may be ahead of this one.
        Tally { count: tally.count + 1, since: tally.since.max(now), drained_at: tally.drained_at.max(now).plus(ACCOUNT_DRAINS_IN), ..tally }
    }

    /// Without the try that was charged at `charged_at`, as far as it still counts: never more than that one try.
    fn taken_back(self, tally: &Tally, charged_at: Instant, now: Instant) -> Tally {
        if let Some(window) = self.window() {
            return window.taken_back(&window.moved_to(tally, now), charged_at);
        }
        if now >= charged_at.plus(FORGOTTEN_IN) {
            // It may be forgotten, and what counts now be another's.
            return *tally;
        }
        // As if its unit had begun to drain at once: what drained since was perhaps another's.
        let left = (charged_at.utc() + ACCOUNT_DRAINS_IN - now.utc()).clamp(TimeDelta::zero(), ACCOUNT_DRAINS_IN);
        Tally { count: (tally.count - 1).max(0), drained_at: tally.drained_at.plus(-left), ..*tally }
    }

    /// Without a try, where it has `before` and the row is at `version` by now: exactly as it was, where nobody has changed it since, so that
    /// neither a wait nor the time until it is forgotten begins anew; else as far as can be told.
    pub(crate) fn undone(self, tally: &Tally, version: i64, before: Option<&Before>, charged_at: Instant, now: Instant) -> Tally {
        // Versions begin anew with a row that was forgotten; what it counts since is later.
        let untouched = before.filter(|before| before.charged_version == version && before.charged == *tally);
        untouched.map_or_else(|| self.taken_back(tally, charged_at, now), |before| before.tally)
    }

    /// From when on the tally says nothing more.
    pub(crate) fn forgotten_at(self, tally: &Tally) -> Instant {
        self.window().map_or_else(|| tally.since.plus(FORGOTTEN_IN), |window| tally.since.plus(window.length * 2))
    }
}

/// How long until each of these limits may be charged once more, and which of them is the last; `None` where that is now.
pub(crate) fn wait<'a>(tallies: impl IntoIterator<Item = (Limit, &'a Tally)>, now: Instant) -> Option<(Limit, TimeDelta)> {
    let (opens_at, limit) = tallies.into_iter().map(|(limit, tally)| (limit.opens_at(tally, now), limit)).max()?;
    Some((limit, opens_at.utc() - now.utc())).filter(|(_, wait)| *wait > TimeDelta::zero())
}

fn wait_after(count: i64) -> TimeDelta {
    match u32::try_from(count - FREE) {
        Err(_) => TimeDelta::zero(),
        Ok(doublings) => 2_i32.checked_pow(doublings).and_then(|factor| FIRST_WAIT.checked_mul(factor)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT),
    }
}

/// What a try found when it was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// The version of the row that the charge made,
    pub(crate) charged_version: i64,
    /// with this in it.
    pub(crate) charged: Tally,
    pub(crate) tally: Tally,
}

/// What one limit has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Tries: since it was last forgotten, or in the present window.
    pub(crate) count: i64,
    /// Tries in the window before.
    pub(crate) count_before: i64,
    /// When it was last charged, or when the window began.
    pub(crate) since: Instant,
    /// When everything has drained.
    pub(crate) drained_at: Instant,
}

impl Tally {
    fn empty(now: Instant) -> Self {
        Self { count: 0, count_before: 0, since: now, drained_at: now }
    }
}

/// A number of tries in a span of time that moves on: those of the window before count as far as it still reaches into the span,
/// as if they had been spread evenly. Windows begin at whole multiples of their length, whoever tries first. So it is never twice as many
/// in any such span, and no more in the long run.
#[derive(Clone, Copy)]
struct Window {
    length: TimeDelta,
    most: i64,
}

impl Window {
    fn micros(self) -> i64 {
        self.length.num_microseconds().unwrap_or(i64::MAX)
    }

    fn begin(self, at: Instant) -> Instant {
        Instant::from_micros(at.micros() - at.micros().rem_euclid(self.micros()))
    }

    fn moved_to(self, tally: &Tally, now: Instant) -> Tally {
        let begin = self.begin(now);
        let kept = self.begin(tally.since);
        if begin <= kept {
            return Tally { since: kept, ..*tally };
        }
        let count_before = if begin == kept.plus(self.length) { tally.count } else { 0 };
        Tally { count: 0, count_before, since: begin, ..*tally }
    }

    fn opens_at(self, tally: &Tally, now: Instant) -> Instant {
        if tally.count >= self.most {
            // In the next window, these are those of the window before.
            return tally.since.plus(self.length).plus(self.until_room(tally.count, self.most - 1));
        }
        let opens = tally.since.plus(self.until_room(tally.count_before, self.most - 1 - tally.count));
        opens.max(now)
    }

    /// How far into a window no more than `room` of the `before` still count.
    fn until_room(self, before: i64, room: i64) -> TimeDelta {
        if before <= room {
            return TimeDelta::zero();
        }
        TimeDelta::microseconds(self.micros() - room * self.micros() / before)
    }

    fn taken_back(self, tally: &Tally, charged_at: Instant) -> Tally {
        let begin = self.begin(charged_at);
        if begin == tally.since {
            return Tally { count: (tally.count - 1).max(0), ..*tally };
        }
        if begin.plus(self.length) == tally.since {
            return Tally { count_before: (tally.count_before - 1).max(0), ..*tally };
        }
        *tally
    }
}
