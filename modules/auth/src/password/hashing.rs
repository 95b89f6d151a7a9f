use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use kernel::Ids;
use tokio::sync::Semaphore;

use super::policy::Password;
use crate::error::Error;

/// Argon2id as OWASP's cheat sheet on password storage has it: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many hashings may run at once at the most; each holds its memory.
const MOST_PERMITS: usize = 4;
/// How many may wait for a permit.
const QUEUE: usize = 64;
/// How long one waits for a permit before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and verifies passwords on blocking threads, a bounded number at a time.
pub(crate) struct Hasher {
    gate: Gate,
    /// The hash that a log-in of nobody is compared with, so that it takes as long.
    nobody: String,
}

impl Hasher {
    pub(crate) async fn start(ids: &Ids) -> Result<Self, Error> {
        let permits = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_PERMITS);
        let gate = Gate::new(permits, QUEUE, PATIENCE);
        let (password, salt) = (Password::new(&kernel::hex(&ids.bytes::<32>())), ids.bytes());
        let nobody = gate.run(move || hash(&password, &salt)).await??;
        Ok(Self { gate, nobody })
    }

    /// Hashes a new password into a PHC string.
    pub(crate) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String, Error> {
        self.gate.run(move || hash(&password, &salt)).await?
    }

    /// Whether the password is the one of `stored`. Exactly one hashing, also where there is nobody to compare with.
    pub(crate) async fn verify(&self, password: Password, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let right = self.gate.run(move || verify(&password, &stored)).await??;
        Ok(known && right)
    }

    /// Other work with passwords that takes a while: it shares the permits.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        self.gate.run(work).await
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

/// Lets a bounded number of tasks work and a bounded number wait.
struct Gate {
    permits: Arc<Semaphore>,
    places: Semaphore,
    patience: Duration,
}

impl Gate {
    fn new(permits: usize, queue: usize, patience: Duration) -> Self {
        Self { permits: Arc::new(Semaphore::new(permits)), places: Semaphore::new(queue), patience }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = self.places.try_acquire().map_err(|_| Error::Busy)?;
        let permit = tokio::time::timeout(self.patience, self.permits.clone().acquire_owned()).await.map_err(|_| Error::Busy)?;
        let permit = permit.map_err(|_| Error::Interrupted)?;
        drop(place);
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

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_and_nobody_has_none() {
        let hasher = Hasher::start(&Ids::seeded(1)).await.expect("a hasher");
        let stored = hasher.hash(Password::new("turnip kettle 7"), [7; 16]).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(hasher.verify(Password::new("turnip kettle 7"), Some(stored.clone())).await.expect("verified"));
        assert!(!hasher.verify(Password::new("turnip kettle 8"), Some(stored.clone())).await.expect("verified"));
        assert!(!hasher.verify(Password::new(""), Some(stored)).await.expect("verified"));
        assert!(!hasher.verify(Password::new("turnip kettle 7"), None).await.expect("verified"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_work_runs_than_there_are_permits_also_when_clients_hang_up() {
        let gate = Arc::new(Gate::new(2, 64, Duration::from_secs(20)));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..40).map(|index| {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let work = gate.run(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    running.fetch_sub(1, Ordering::SeqCst);
                });
                if index % 2 == 0 { tokio::time::timeout(Duration::from_millis(3), work).await.ok().map(|_| ()) } else { work.await.ok() }
            })
        });
        join_all(tasks).await;
        assert!(most.load(Ordering::SeqCst) <= 2);
        while running.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(gate.permits.available_permits(), 2, "every permit comes back");
        assert_eq!(gate.places.available_permits(), 64, "every place comes back");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_and_a_long_wait_are_busy() {
        let gate = Arc::new(Gate::new(1, 2, Duration::from_millis(50)));
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let holder = tokio::spawn({
            let gate = gate.clone();
            async move { gate.run(move || wait.recv().is_ok()).await }
        });
        while gate.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let answers = join_all((0..3).map(|_| gate.run(|| ()))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy))));
        release.send(()).expect("the holder waits");
        assert!(holder.await.expect("a task").expect("worked"));
        assert!(gate.run(|| ()).await.is_ok());
    }
}
