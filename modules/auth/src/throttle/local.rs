//! What this process lets through to the database at all: enough for people, too little for a flood. What counts is in the
//! database; this spares it.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use kernel::Clock;
use uuid::Uuid;

use super::network::Network;
use crate::error::Error;

/// So many tries at once from one address, or one /64,
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);
/// and then one after each such span. A /56 has twice as many, a /48 four times, and one device as many as an address.
const EACH: Duration = Duration::from_millis(100);
/// How many networks or devices are remembered by each of these limits.
const MOST_KEYS: usize = 50_000;
/// How often those are looked through that need not be remembered any more, at the most.
const LOOKED_THROUGH_EVERY: TimeDelta = TimeDelta::seconds(1);

pub(crate) struct Local {
    clock: Clock,
    /// Of what one subscriber has at least, of a /56 and of a /48.
    networks: [Bounded<Network>; 3],
    devices: Bounded<Uuid>,
}

impl Local {
    pub(crate) fn new(clock: &Clock) -> Self {
        let networks = [0, 1, 3].map(|more| Bounded::new(clock, NonZeroU32::MIN.saturating_add(more)));
        Self { clock: clock.clone(), networks, devices: Bounded::new(clock, NonZeroU32::MIN) }
    }

    /// Lets a try from an address through, or [`Error::RateLimited`].
    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), Error> {
        // The widest first: a network that is refused makes no entries of the smaller ones in it.
        Network::all_of(address).iter().try_for_each(|network| {
            let [narrow, wide, widest] = &self.networks;
            let limiter = match network.bits {
                48 => widest,
                56 => wide,
                _ => narrow,
            };
            limiter.admit(network, &self.clock)
        })
    }

    /// The same of a try from a device that has a token of this installation.
    pub(crate) fn admit_device(&self, id: Uuid) -> Result<(), Error> {
        self.devices.admit(&id, &self.clock)
    }
}

/// The injected clock, in the form that the limiter asks for.
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.now().micros()).unwrap_or(0))
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Ticks, NoOpMiddleware<Duration>>;

/// A limiter that remembers a bounded number of keys.
struct Bounded<K: std::hash::Hash + Eq + Clone> {
    limiter: Limiter<K>,
    looked_through_at: AtomicI64,
}

impl<K: std::hash::Hash + Eq + Clone> Bounded<K> {
    fn new(clock: &Clock, times: NonZeroU32) -> Self {
        let burst = BURST.saturating_mul(times);
        let quota = Quota::with_period(EACH / times.get()).unwrap_or_else(|| Quota::per_second(BURST)).allow_burst(burst);
        Self { limiter: RateLimiter::hashmap_with_clock(quota, Ticks(clock.clone())), looked_through_at: AtomicI64::new(i64::MIN) }
    }

    fn admit(&self, key: &K, clock: &Clock) -> Result<(), Error> {
        if self.limiter.len() >= MOST_KEYS && !self.has_made_room(clock) {
            // More networks at once than can be told apart: the limits of the database hold all the same.
            return Ok(());
        }
        let asked_at = Ticks(clock.clone());
        self.limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(governor::clock::Clock::now(&asked_at));
            Error::RateLimited(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX))
        })
    }

    /// Forgets the keys that have their whole burst again.
    fn has_made_room(&self, clock: &Clock) -> bool {
        let now = clock.now().micros();
        let before = self.looked_through_at.load(Ordering::Relaxed);
        let is_due = before.saturating_add(LOOKED_THROUGH_EVERY.num_microseconds().unwrap_or(0)) <= now;
        // Only one of those who come at the same time goes through all of them.
        if is_due && self.looked_through_at.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.limiter.retain_recent();
        }
        self.limiter.len() < MOST_KEYS
    }
}

#[cfg(test)]
mod tests {
    use kernel::Instant;

    use super::*;

    fn at(second: i64) -> Clock {
        Clock::fixed(Instant::from_micros((1_795_000_000 + second) * 1_000_000))
    }

    fn address(network: u64, host: u64) -> IpAddr {
        std::net::Ipv6Addr::from(u128::from(0x2001_0db8_0001_0000 + network) << 64 | u128::from(host)).into()
    }

    fn admitted(local: &Local, addresses: impl Iterator<Item = IpAddr>) -> usize {
        addresses.filter(|address| local.admit_address(*address).is_ok()).count()
    }

    #[test]
    fn an_address_has_a_burst_and_then_ten_a_second() {
        let clock = at(0);
        let local = Local::new(&clock);
        let v4: IpAddr = "192.0.2.7".parse().expect("an address");
        assert_eq!(admitted(&local, std::iter::repeat_n(v4, 1_000)), 600);
        assert!(matches!(local.admit_address(v4), Err(Error::RateLimited(wait)) if wait == TimeDelta::milliseconds(100)));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(admitted(&local, std::iter::repeat_n(v4, 1_000)), 10);
        assert!(local.admit_address("192.0.2.8".parse().expect("an address")).is_ok());
    }

    #[test]
    fn other_hosts_of_a_64_and_other_networks_of_a_56_and_a_48_share_theirs() {
        let clock = at(0);
        assert_eq!(admitted(&Local::new(&clock), (0..5_000).map(|host| address(1, host))), 600);
        assert_eq!(admitted(&Local::new(&clock), (0..5_000).map(|network| address(network % 256, 1))), 1_200);
        assert_eq!(admitted(&Local::new(&clock), (0..9_000).map(|network| address(network * 7 % 65_536, 1))), 2_400);
    }

    #[test]
    fn it_remembers_a_bounded_number_of_networks_and_lets_through_whom_it_cannot_tell_apart() {
        let clock = at(0);
        let local = Local::new(&clock);
        let v4 = |number: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(number));
        let many = u32::try_from(MOST_KEYS).expect("a number") + 1_000;
        assert_eq!(admitted(&local, (0..many).map(v4)), usize::try_from(many).expect("a number"));
        assert!(local.networks[0].limiter.len() <= MOST_KEYS);
        clock.advance(TimeDelta::minutes(2));
        assert_eq!(admitted(&local, (0..1_000).map(|_| v4(u32::MAX))), 600, "there is room again for those of now");
    }
}
