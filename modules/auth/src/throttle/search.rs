//! Looks for an order of tries in which the rules do not hold. Everybody tries at random: the user from devices that are known and
//! from others, strangers from other addresses and from the same ones, with tries in flight at the same time, on two replicas whose
//! clocks differ.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::rules::{Before, Limit, Tally, wait};
use super::*;

const SECRET: &str = "the secret key of the search for throttling";

fn throttle() -> Throttle {
    Throttle::new(&SecretKey::parse(SECRET).expect("a key"), &Clock::System).expect("a throttle")
}

fn address(number: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, number])
}

fn start() -> Instant {
    Instant::from_micros(1_795_000_000_000_000)
}

/// The database: what is stored of each limit, changed by one at a time, as its locks have it.
#[derive(Default)]
struct Model {
    tallies: BTreeMap<String, (Limit, Tally)>,
    /// How often each of them was written since it was made.
    versions: BTreeMap<String, i64>,
    /// How many rows were ever written.
    writes: usize,
}

/// A try that was charged.
#[derive(Clone)]
struct InFlight {
    keys: Vec<(Limit, String)>,
    charged_at: Instant,
    found: BTreeMap<String, Before>,
}

impl Model {
    fn wait(&self, keys: &[(Limit, String)], now: Instant) -> TimeDelta {
        let tallies = keys.iter().filter_map(|(limit, key)| self.tallies.get(key).map(|(_, tally)| (*limit, tally)));
        wait(tallies, now).map_or(TimeDelta::zero(), |(_, wait)| wait)
    }

    fn charge(&mut self, keys: Vec<(Limit, String)>, now: Instant) -> Result<InFlight, TimeDelta> {
        let wait = self.wait(&keys, now);
        if wait > TimeDelta::zero() {
            return Err(wait);
        }
        let mut found = BTreeMap::new();
        for (limit, key) in &keys {
            let before = self.tallies.get(key).map(|(_, tally)| *tally);
            let charged = limit.charged(before.as_ref(), now);
            let charged_version = self.write(*limit, key, charged);
            found.extend(before.map(|tally| (key.clone(), Before { charged_version, charged, tally })));
        }
        Ok(InFlight { keys, charged_at: now, found })
    }

    fn write(&mut self, limit: Limit, key: &str, tally: Tally) -> i64 {
        self.tallies.insert(key.to_owned(), (limit, tally));
        self.writes += 1;
        let version = self.versions.entry(key.to_owned()).or_default();
        *version += 1;
        *version
    }

    fn succeed(&mut self, tried: &InFlight, now: Instant) {
        for (limit, key) in &tried.keys {
            if limit.ends_with_success() {
                self.tallies.remove(key);
                self.versions.remove(key);
            } else {
                self.take_back(*limit, key, tried, now);
            }
        }
    }

    fn give_back(&mut self, tried: &InFlight, now: Instant) {
        for (limit, key) in &tried.keys {
            self.take_back(*limit, key, tried, now);
        }
    }

    fn take_back(&mut self, limit: Limit, key: &str, tried: &InFlight, now: Instant) {
        if let Some((_, tally)) = self.tallies.get(key) {
            let tally = limit.undone(tally, self.versions[key], tried.found.get(key), tried.charged_at, now);
            self.write(limit, key, tally);
        }
    }

    fn forget(&mut self, now: Instant) {
        self.tallies.retain(|_, (limit, tally)| now < limit.forgotten_at(tally));
        self.versions.retain(|key, _| self.tallies.contains_key(key));
    }
}

fn keys(throttle: &Throttle, account: &str, origin: Origin) -> Vec<(Limit, String)> {
    let account = EmailKey::of(account);
    origin.limits().iter().map(|limit| (*limit, throttle.key_of(*limit, &account, origin))).collect()
}

/// What a stranger is charged to together with others.
const SHARED: [Limit; 3] = [Limit::AddressInAMinute, Limit::AddressInAnHour, Limit::Account];
const VICTIM: &str = "olga@example.org";

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Seconds pass.
    Pass(u32),
    /// A stranger guesses at the victim's password from an address.
    Guess {
        address: u8,
    },
    /// A stranger tries at other accounts, known ones of their own or not.
    Spray {
        account: u8,
        address: u8,
    },
    /// Somebody begins to log in rightly, to the victim's account or another, from an address or a known device; how that ends is another step.
    Begin {
        account: u8,
        address: u8,
        known: bool,
    },
    /// A log-in that was begun succeeds,
    Succeed(usize),
    /// or nobody had time to look at it,
    GiveBack(usize),
    /// or its client hangs up.
    HangUp(usize),
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let (account, address) = (0_u8..4, 0_u8..6);
    prop_oneof![
        3 => prop_oneof![0_u32..3, 0_u32..200, 0_u32..2_000, 0_u32..100_000].prop_map(Step::Pass),
        6 => (0_u8..40).prop_map(|address| Step::Guess { address }),
        4 => (account.clone(), address.clone()).prop_map(|(account, address)| Step::Spray { account, address }),
        4 => (account, address, any::<bool>()).prop_map(|(account, address, known)| Step::Begin { account, address, known }),
        4 => (0_usize..8).prop_map(Step::Succeed),
        1 => (0_usize..8).prop_map(Step::GiveBack),
        1 => (0_usize..8).prop_map(Step::HangUp),
        1 => Just(Step::Forget),
    ]
}

fn account(number: u8) -> String {
    if number == 0 { VICTIM.to_owned() } else { format!("cook-{number}@example.org") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants 13 and 28: whatever strangers do, from whatever addresses, a device that is known is let try at once.
    #[test]
    fn no_stranger_holds_up_a_known_device(steps in prop::collection::vec(step(), 0..300)) {
        let (throttle, mut model, mut now) = (throttle(), Model::default(), start());
        let device = keys(&throttle, VICTIM, Origin::Known(Uuid::from_u128(1)));
        for step in steps {
            match step {
                Step::Pass(seconds) => now = now.plus(TimeDelta::seconds(seconds.into())),
                Step::Guess { address: from } => drop(model.charge(keys(&throttle, VICTIM, Origin::Unknown(address(from))), now)),
                Step::Spray { account: number, address: from } => drop(model.charge(keys(&throttle, &account(number), Origin::Unknown(address(from))), now)),
                // Strangers have known devices too: of their own accounts.
                Step::Begin { account: number, .. } => drop(model.charge(keys(&throttle, &account(number), Origin::Known(Uuid::from_u128(99))), now)),
                _ => model.forget(now),
            }
            prop_assert_eq!(model.wait(&device, now), TimeDelta::zero());
        }
    }

    /// Invariant 25: with log-ins that succeed, that nobody had time for and that hang up in between, guesses wait at least as long as they
    /// would if there were nothing else. Account and address aside, which a success is meant to clear.
    #[test]
    fn what_others_rightly_do_gives_back_nothing_of_the_guesses(steps in prop::collection::vec(step(), 0..300)) {
        let (throttle, mut real, mut alone, mut now) = (throttle(), Model::default(), Model::default(), start());
        let mut begun: Vec<InFlight> = Vec::new();
        let shared = |keys: Vec<(Limit, String)>| keys.into_iter().filter(|(limit, _)| SHARED.contains(limit)).collect::<Vec<_>>();
        for step in steps {
            let mut guess = |account: &str, from: u8, real: &mut Model| {
                let keys = shared(keys(&throttle, account, Origin::Unknown(address(from))));
                prop_assert!(real.wait(&keys, now) >= alone.wait(&keys, now), "a guess waits for less than it would alone");
                if real.charge(keys.clone(), now).is_ok() {
                    prop_assert!(alone.charge(keys, now).is_ok());
                }
                Ok(())
            };
            match step {
                Step::Pass(seconds) => now = now.plus(TimeDelta::seconds(seconds.into())),
                Step::Guess { address: from } => guess(VICTIM, from, &mut real)?,
                Step::Spray { account: number, address: from } => guess(&account(number), from, &mut real)?,
                Step::Begin { account: number, address: from, known } => {
                    let origin = if known { Origin::Known(Uuid::from_u128(from.into())) } else { Origin::Unknown(address(from)) };
                    begun.extend(real.charge(keys(&throttle, &account(number), origin), now));
                }
                Step::Succeed(which) if which < begun.len() => real.succeed(&begun.remove(which), now),
                Step::GiveBack(which) if which < begun.len() => real.give_back(&begun.remove(which), now),
                Step::HangUp(which) if which < begun.len() => drop(begun.remove(which)),
                Step::Forget => {
                    real.forget(now);
                    alone.forget(now);
                }
                _ => {}
            }
            for (key, (limit, guessed)) in &alone.tallies {
                let Some((_, all)) = real.tallies.get(key) else { return Err(TestCaseError::fail(format!("{limit:?} has forgotten guesses"))) };
                let counts_them = all.since != guessed.since || all.count >= guessed.count && all.count_before >= guessed.count_before;
                let drains_as_late = *limit != Limit::Account || all.drained_at >= guessed.drained_at.min(now);
                prop_assert!(counts_them && drains_as_late, "{:?}: {:?} does not hold {:?}", limit, all, guessed);
            }
        }
    }

    /// Invariant 14, and what is refused: a try counts where it is let through, on whichever replica, and only there.
    #[test]
    fn each_try_counts_once_and_a_refusal_not_at_all(tries in prop::collection::vec((0_u8..6, 0_u32..400, any::<bool>()), 0..200)) {
        let (throttle, mut model, mut now, mut charged) = (throttle(), Model::default(), start(), 0);
        let mut last = BTreeMap::new();
        for (from, seconds, is_behind) in tries {
            now = now.plus(TimeDelta::seconds(seconds.into()));
            // The other replica's clock is behind by two seconds.
            let here = if is_behind { now.plus(-TimeDelta::seconds(2)) } else { now };
            let (before, writes) = (model.tallies.clone(), model.writes);
            match model.charge(keys(&throttle, VICTIM, Origin::Unknown(address(from))), here) {
                Ok(_) => {
                    charged += 1;
                    last.insert(from, here);
                }
                Err(_) => prop_assert!(model.tallies == before && model.writes == writes, "a refusal changed something"),
            }
        }
        let account = model.tallies.values().find(|(limit, _)| *limit == Limit::Account).map_or(0, |(_, tally)| tally.count);
        // Two hundred tries take less than the day after which they are forgotten.
        prop_assert_eq!(account, charged);
    }

    /// Nothing locks for ever: who stops trying is let try within a day, from one address and account within a quarter of an hour.
    #[test]
    fn every_wait_ends(steps in prop::collection::vec(step(), 0..300)) {
        let (throttle, mut model, mut now) = (throttle(), Model::default(), start());
        for step in steps {
            if let Step::Pass(seconds) = step {
                now = now.plus(TimeDelta::seconds((seconds % 300).into()));
            }
            if let Step::Guess { address: from } | Step::Spray { address: from, .. } = step {
                drop(model.charge(keys(&throttle, VICTIM, Origin::Unknown(address(from))), now));
            }
        }
        for from in 0..40 {
            let all = keys(&throttle, VICTIM, Origin::Unknown(address(from)));
            let wait = model.wait(&all, now);
            prop_assert!(wait <= TimeDelta::hours(24));
            prop_assert_eq!(model.wait(&all, now.plus(wait)), TimeDelta::zero(), "a wait that is over is over");
            let own: Vec<_> = all.into_iter().filter(|(limit, _)| *limit == Limit::AccountAndAddress).collect();
            prop_assert!(model.wait(&own, now) <= TimeDelta::minutes(15));
        }
    }
}

/// Codes of one user, tried at two replicas of which one's clock is behind: how many are let through of tries after such gaps, in
/// milliseconds.
fn codes_let_through(gaps: impl IntoIterator<Item = (u32, bool)>) -> usize {
    let (throttle, mut model, mut now, mut through) = (throttle(), Model::default(), start(), 0);
    let keys = vec![(Limit::Codes, throttle.key_of_codes(Uuid::from_u128(1)))];
    for (gap, is_behind) in gaps {
        now = now.plus(TimeDelta::milliseconds(gap.into()));
        let here = if is_behind { now.plus(-TimeDelta::seconds(2)) } else { now };
        through += usize::from(model.charge(keys.clone(), here).is_ok());
    }
    through
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 15: however ten thousand guesses are spread over a day.
    #[test]
    fn of_ten_thousand_guesses_of_a_code_in_a_day_fewer_than_two_hundred_are_looked_at(gaps in prop::collection::vec((0_u32..17_280, any::<bool>()), 10_000)) {
        prop_assert!(codes_let_through(gaps) < 200);
    }
}

#[test]
fn who_tries_a_code_all_day_as_soon_as_they_may_gets_few_tries() {
    let every_second = codes_let_through((0..24 * 3_600).map(|_| (1_000, false)));
    assert!((100..115).contains(&every_second), "{every_second}");
}

/// How many guesses are let through when somebody with so many addresses tries again as soon as they may, for so long. Whole seconds.
fn guesses(addresses: u8, lasting: TimeDelta) -> usize {
    let (throttle, mut model) = (throttle(), Model::default());
    let end = start().plus(lasting);
    let (mut now, mut through) = (start(), 0);
    while now < end {
        let mut soonest = end;
        for from in 0..addresses {
            match model.charge(keys(&throttle, VICTIM, Origin::Unknown(address(from))), now) {
                Ok(_) => {
                    through += 1;
                    soonest = now;
                }
                Err(wait) => soonest = soonest.min(now.plus(wait)),
            }
        }
        now = soonest;
    }
    through
}

#[test]
fn a_day_of_guesses_at_one_account_is_few_from_one_address_and_not_many_from_everywhere() {
    // Five, ten that double up to a quarter of an hour, then four an hour; a hundred at the most.
    assert_eq!(guesses(1, TimeDelta::minutes(1)), 10);
    assert!(guesses(1, TimeDelta::hours(24)) <= 110);
    assert_eq!(guesses(200, TimeDelta::seconds(1)), 20);
    assert_eq!(guesses(200, TimeDelta::hours(1)), 20 + 19);
    assert_eq!(guesses(200, TimeDelta::hours(24)), 100);
}

fn waits(limit: Limit, tries: i64) -> Vec<i64> {
    let (mut tally, mut now, mut waits) = (None, start(), Vec::new());
    for _ in 0..tries {
        let opens = tally.as_ref().map_or(now, |tally| limit.opens_at(tally, now));
        waits.push((opens.utc() - now.utc()).num_seconds().max(0));
        now = now.max(opens);
        tally = Some(limit.charged(tally.as_ref(), now));
    }
    waits
}

#[test]
fn five_tries_are_free_and_then_the_wait_doubles_from_a_second_to_a_quarter_of_an_hour() {
    let expected = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
    assert_eq!(waits(Limit::AccountAndAddress, 18), expected);
    assert_eq!(waits(Limit::AccountAndDevice, 18), expected);
    assert_eq!(waits(Limit::Codes, 18), expected);
}

#[test]
fn twenty_failures_of_an_account_are_free_and_then_one_drains_every_three_minutes() {
    let waits = waits(Limit::Account, 101);
    assert!(waits[..20].iter().all(|wait| *wait == 0) && waits[20..100].iter().all(|wait| *wait == 180), "{waits:?}");
    assert_eq!(waits[100], 24 * 3_600, "and after a hundred only a quiet day helps");
}

#[test]
fn a_try_that_is_given_back_or_succeeds_leaves_waits_and_the_time_of_forgetting_as_they_were() {
    let (throttle, mut model) = (throttle(), Model::default());
    let guess = keys(&throttle, VICTIM, Origin::Unknown(address(1)));
    for _ in 0..7 {
        let now = start().plus(model.wait(&guess, start()));
        model.charge(guess.clone(), now).map_err(|wait| wait.num_seconds()).ok();
    }
    for (ends, limits) in [(Model::give_back as fn(&mut Model, &InFlight, Instant), &Limit::OF_UNKNOWN[..]), (Model::succeed, &SHARED[..])] {
        let before = model.tallies.clone();
        let now = start().plus(TimeDelta::hours(20));
        let tried = model.charge(guess.clone(), now).expect("charged");
        ends(&mut model, &tried, now.plus(TimeDelta::seconds(1)));
        for (key, (limit, tally)) in before.iter().filter(|(_, (limit, _))| limits.contains(limit)) {
            assert_eq!(model.tallies.get(key), Some(&(*limit, *tally)));
        }
    }
}

/// The moments at which somebody is let through who tries all the time, in seconds.
fn let_through(limit: Limit, seconds: i64) -> Vec<i64> {
    let (mut tally, mut through) = (None, Vec::new());
    for second in 0..seconds {
        let now = start().plus(TimeDelta::seconds(second));
        while tally.as_ref().is_none_or(|tally| limit.opens_at(tally, now) <= now) {
            tally = Some(limit.charged(tally.as_ref(), now));
            through.push(second);
        }
    }
    through
}

#[test]
fn an_address_has_thirty_tries_in_a_minute_and_three_hundred_in_an_hour() {
    for (limit, length, most) in [(Limit::AddressInAMinute, 60, 30), (Limit::AddressInAnHour, 3_600, 300)] {
        let through = let_through(limit, length * 6);
        assert_eq!(through.iter().filter(|second| **second == 0).count(), most);
        let in_span = |from: i64| through.iter().filter(|second| (from..from + length).contains(*second)).count();
        // Where they all came at the end of a window, that they were spread over it evenly is wrong, but never by as many again.
        let worst = (0..length * 5).map(in_span).max().expect("a span");
        assert!(worst < most * 2, "{limit:?}: {worst}");
        let all = i64::try_from(through.len()).expect("a number");
        assert!(all <= i64::try_from(most).expect("a number") * 7, "{limit:?}: {all}");
    }
}

#[test]
fn keys_tell_limits_accounts_and_origins_apart_and_a_64_is_one_address() {
    let throttle = throttle();
    let key = |limit, account: &str, origin| throttle.key_of(limit, &EmailKey::of(account), origin);
    let unknown = |address: &str| Origin::Unknown(address.parse().expect("an address"));
    let one = key(Limit::AccountAndAddress, VICTIM, unknown("192.0.2.1"));
    assert_eq!(one.len(), 64);
    assert_eq!(one, key(Limit::AccountAndAddress, &VICTIM.to_uppercase(), unknown("::ffff:192.0.2.1")));
    assert_ne!(one, key(Limit::AccountAndAddress, VICTIM, unknown("192.0.2.2")));
    assert_ne!(one, key(Limit::AccountAndAddress, "mia@example.org", unknown("192.0.2.1")));
    assert_ne!(one, key(Limit::AccountAndDevice, VICTIM, unknown("192.0.2.1")));
    assert_eq!(key(Limit::Account, VICTIM, unknown("192.0.2.1")), key(Limit::Account, VICTIM, unknown("192.0.2.2")));
    assert_eq!(key(Limit::AddressInAMinute, VICTIM, unknown("2001:db8::1")), key(Limit::AddressInAMinute, "x", unknown("2001:db8::2")));
    assert_ne!(key(Limit::AddressInAMinute, VICTIM, unknown("192.0.2.1")), key(Limit::AddressInAnHour, VICTIM, unknown("192.0.2.1")));
}
