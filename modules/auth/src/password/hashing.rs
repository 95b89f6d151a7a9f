use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kernel::Ids;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::policy::Password;
use crate::error::Error;

/// Argon2id as OWASP's cheat sheet on password storage has it: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many hashings may run at once at the most; each holds its memory.
const MOST_PERMITS: usize = 4;
/// And at the least: one of them is kept for devices that are known.
const LEAST_PERMITS: usize = 2;
/// How many may wait for a permit, of known devices and of all others.
const QUEUE: usize = 64;
/// How long one waits for a permit before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who waits for a permit. Strangers can fill their own lane only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Common,
    /// Devices that are known: they have a permit that nobody else gets, and the others as well.
    Known,
}

/// Hashes and verifies passwords on blocking threads, a bounded number at a time.
pub(crate) struct Hasher {
    gate: Gate,
    /// What a log-in of nobody is compared with, so that it takes as long: random bytes in the place of a hash. (To make the hash of a random
    /// password would take each start as long and as much memory as a log-in.)
    nobody: String,
}

/// What came of comparing a password.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) right: bool,
    /// The hash to store from now on, where the password is right and its hash was made at another cost than today's.
    pub(crate) renewed: Option<String>,
}

impl Hasher {
    pub(crate) fn new(ids: &Ids) -> Self {
        let permits = std::thread::available_parallelism().map_or(1, usize::from).clamp(LEAST_PERMITS, MOST_PERMITS);
        let nobody = format!("{}{}${}", today(), STANDARD_NO_PAD.encode(ids.bytes::<16>()), STANDARD_NO_PAD.encode(ids.bytes::<32>()));
        Self { gate: Gate::new(permits, QUEUE, PATIENCE), nobody }
    }

    /// Hashes a new password into a PHC string.
    pub(crate) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String, Error> {
        self.gate.run(move || hash(&password, &salt)).await?
    }

    /// What stands in the place of a hash, and is the one of no password.
    pub(crate) fn of_nobody(&self) -> &str {
        &self.nobody
    }

    /// A place in a lane, or [`Error::Busy`] at once.
    pub(crate) fn enter(&self, lane: Lane) -> Result<Place<'_>, Error> {
        Ok(Place { nobody: &self.nobody, turn: self.gate.enter(lane)? })
    }

    /// Other work with passwords that takes a while: it shares the permits.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        self.gate.run(work).await
    }
}

/// A place in the queue of those whose password is to be verified.
pub(crate) struct Place<'a> {
    nobody: &'a str,
    turn: Turn<'a>,
}

impl Place<'_> {
    /// Whether the password is the one of `stored`. Exactly one hashing, also where there is nobody to compare with; a second one with
    /// `salt`, only where the password is right and its hash is of another cost than today's.
    pub(crate) async fn verify(self, password: Password, stored: Option<String>, salt: [u8; 16]) -> Result<Verified, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_owned());
        let work = move || {
            let right = verify(&password, &stored)? && known;
            let renewed = if right && !is_of_today(&stored) { Some(hash(&password, &salt)?) } else { None };
            Ok(Verified { right, renewed })
        };
        self.turn.run(work).await?
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::Cryptography("choosing the cost of a password hash"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Password, salt: &[u8; 16]) -> Result<String, Error> {
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), salt).map_err(|_| Error::Cryptography("hashing a password"))?;
    Ok(hash.to_string())
}

fn verify(password: &Password, stored: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored).map_err(|_| Error::Cryptography("reading a stored password hash"))?;
    match argon2()?.verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(Error::Cryptography("verifying a password")),
    }
}

/// Whether a hash was made at the cost that new ones have.
fn is_of_today(stored: &str) -> bool {
    stored.starts_with(&today())
}

/// What a hash of today's cost begins with.
fn today() -> String {
    format!("$argon2id$v={}$m={MEMORY_KIB},t={PASSES},p={LANES}$", u32::from(Version::V0x13))
}

/// Lets a bounded number of tasks work and a bounded number wait, in two lanes.
struct Gate {
    common: Entrance,
    known: Entrance,
    patience: Duration,
}

struct Entrance {
    permits: Arc<Semaphore>,
    places: Semaphore,
}

impl Entrance {
    fn new(permits: usize, queue: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(permits)), places: Semaphore::new(queue) }
    }
}

/// A place in the queue before the gate.
struct Turn<'a> {
    gate: &'a Gate,
    lane: Lane,
    place: SemaphorePermit<'a>,
}

impl Gate {
    /// Of `permits`, two at least, one is kept for the lane of known devices.
    fn new(permits: usize, queue: usize, patience: Duration) -> Self {
        Self { common: Entrance::new(permits.max(LEAST_PERMITS) - 1, queue), known: Entrance::new(1, queue), patience }
    }

    fn enter(&self, lane: Lane) -> Result<Turn<'_>, Error> {
        let entrance = match lane {
            Lane::Common => &self.common,
            Lane::Known => &self.known,
        };
        let place = entrance.places.try_acquire().map_err(|_| Error::Busy)?;
        Ok(Turn { gate: self, lane, place })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        self.enter(Lane::Common)?.run(work).await
    }

    async fn permit(&self, lane: Lane) -> Result<OwnedSemaphorePermit, AcquireError> {
        let common = self.common.permits.clone().acquire_owned();
        match lane {
            Lane::Common => common.await,
            Lane::Known => tokio::select! { biased; kept = self.known.permits.clone().acquire_owned() => kept, other = common => other },
        }
    }
}

impl Turn<'_> {
    /// Works as soon as there is a permit, or [`Error::Busy`].
    async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = tokio::time::timeout(self.gate.patience, self.gate.permit(self.lane)).await.map_err(|_| Error::Busy)?;
        let permit = permit.map_err(|_| Error::Interrupted)?;
        drop(self.place);
        let task = tokio::task::spawn_blocking(move || {
            // The permit lives as long as the work, which goes on when the client has hung up.
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| Error::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    async fn verified(hasher: &Hasher, password: &str, stored: Option<&str>) -> (bool, Option<String>) {
        let place = hasher.enter(Lane::Common).expect("a place");
        let verified = place.verify(Password::new(password), stored.map(str::to_owned), [8; 16]).await.expect("verified");
        (verified.right, verified.renewed)
    }

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_and_nobody_has_none() {
        let hasher = Hasher::new(&Ids::seeded(1));
        let stored = hasher.hash(Password::new("turnip kettle 7"), [7; 16]).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verified(&hasher, "turnip kettle 7", Some(&stored)).await, (true, None));
        assert_eq!(verified(&hasher, "turnip kettle 8", Some(&stored)).await, (false, None));
        assert_eq!(verified(&hasher, "", Some(&stored)).await, (false, None));
        assert_eq!(verified(&hasher, "turnip kettle 7", None).await, (false, None));
        assert!(is_of_today(hasher.of_nobody()) && hasher.of_nobody().len() == stored.len(), "{}", hasher.of_nobody());
        assert_ne!(hasher.of_nobody(), Hasher::new(&Ids::seeded(2)).of_nobody());
    }

    #[tokio::test]
    async fn a_right_password_with_a_hash_of_another_cost_is_hashed_anew_and_a_wrong_one_is_not() {
        let hasher = Hasher::new(&Ids::seeded(1));
        for (memory, passes) in [(8_192, 2), (MEMORY_KIB, 1), (MEMORY_KIB + 1_024, PASSES)] {
            let params = Params::new(memory, passes, LANES, None).expect("a cost");
            let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let stored = other.hash_password_with_salt(b"turnip kettle 7", &[7; 16]).expect("a hash").to_string();
            assert_eq!(verified(&hasher, "turnip kettle 8", Some(&stored)).await, (false, None));
            let (right, renewed) = verified(&hasher, "turnip kettle 7", Some(&stored)).await;
            let renewed = renewed.filter(|_| right).expect("another hash");
            assert_eq!(verified(&hasher, "turnip kettle 7", Some(&renewed)).await, (true, None));
        }
    }

    /// Invariant 17: each permit is the memory of one hashing.
    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_work_runs_than_there_are_permits_also_when_clients_hang_up() {
        let gate = Arc::new(Gate::new(3, 64, Duration::from_secs(20)));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..80).map(|index| {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let turn = gate.enter(if index % 3 == 0 { Lane::Known } else { Lane::Common }).ok()?;
                let work = turn.run(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    running.fetch_sub(1, Ordering::SeqCst);
                });
                if index % 2 == 0 { tokio::time::timeout(Duration::from_millis(3), work).await.ok().map(|_| ()) } else { work.await.ok() }
            })
        });
        join_all(tasks).await;
        assert!(most.load(Ordering::SeqCst) <= 3);
        while running.load(Ordering::SeqCst) > 0 || free(&gate) < (2, 1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(free(&gate), (2, 1), "every permit comes back");
        assert_eq!((gate.common.places.available_permits(), gate.known.places.available_permits()), (64, 64), "every place comes back");
    }

    /// The permits that are free: of the common lane, and the one that is kept.
    fn free(gate: &Gate) -> (usize, usize) {
        (gate.common.permits.available_permits(), gate.known.permits.available_permits())
    }

    /// Holds a permit until it is told to give it back.
    fn hold(gate: &Arc<Gate>, lane: Lane) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<bool, Error>>) {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let gate = gate.clone();
        (release, tokio::spawn(async move { gate.enter(lane)?.run(move || wait.recv().is_ok()).await }))
    }

    async fn until(gate: &Gate, permits: (usize, usize)) {
        while free(gate) != permits {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_and_a_long_wait_are_busy() {
        let gate = Arc::new(Gate::new(2, 2, Duration::from_millis(50)));
        let (release, holder) = hold(&gate, Lane::Common);
        until(&gate, (0, 1)).await;
        let answers = join_all((0..3).map(|_| gate.run(|| ()))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy))));
        release.send(()).expect("the holder waits");
        assert!(holder.await.expect("a task").expect("worked"));
        assert!(gate.run(|| ()).await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_fills_the_common_lane_leaves_known_devices_their_queue_and_their_permit() {
        let gate = Arc::new(Gate::new(2, 1, Duration::from_mins(10)));
        let (release, holder) = hold(&gate, Lane::Common);
        until(&gate, (0, 1)).await;
        // Whoever has a permit leaves the queue a moment later.
        while gate.common.places.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        let waiting = gate.enter(Lane::Common).expect("a place");
        assert!(matches!(gate.enter(Lane::Common).err(), Some(Error::Busy)));
        assert!(gate.enter(Lane::Known).expect("a place").run(|| true).await.expect("worked"));
        release.send(()).expect("the holder waits");
        assert!(holder.await.expect("a task").expect("worked"));
        // With their own taken they use the others as well, which nobody else may do the other way round.
        let (release, holder) = hold(&gate, Lane::Known);
        until(&gate, (1, 0)).await;
        while gate.known.places.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(gate.enter(Lane::Known).expect("a place").run(|| true).await.expect("worked"));
        assert!(waiting.run(|| true).await.expect("worked"));
        release.send(()).expect("the holder waits");
        assert!(holder.await.expect("a task").expect("worked"));
    }
}
