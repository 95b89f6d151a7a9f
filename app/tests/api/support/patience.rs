//! How long the tests wait: so long that a slow machine decides none of them. A test that is about a limit sets that limit itself.

use std::time::{Duration, Instant};

/// Nothing takes that long but what never ends.
pub const HANGS: Duration = Duration::from_mins(30);

/// The program's limits that count time, each as far as it goes: for servers of this process and for processes.
pub const PATIENT: [(&str, &str); 11] = [
    ("LARDER_SERVER_REQUEST_TIMEOUT_SECONDS", "3600"),
    ("LARDER_SERVER_HEADER_TIMEOUT_SECONDS", "600"),
    ("LARDER_SERVER_KEEP_ALIVE_SECONDS", "3600"),
    ("LARDER_SERVER_READY_TIMEOUT_MS", "600000"),
    ("LARDER_SERVER_SHUTDOWN_SECONDS", "3600"),
    ("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS", "600000"),
    // Nor does a connection that idled make a round trip that another run has not.
    ("LARDER_DATABASE_PING_AFTER_IDLE_SECONDS", "86400"),
    ("LARDER_DATABASE_STATEMENT_TIMEOUT_MS", "3600000"),
    ("LARDER_DATABASE_LOCK_TIMEOUT_MS", "3600000"),
    ("LARDER_DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS", "3600000"),
    ("LARDER_DATABASE_DEPLOY_LOCK_TIMEOUT_SECONDS", "3600"),
];

/// The one that is left out for processes: their tests hold files on purpose, and most of them want to see that given up.
pub const PATIENT_WITH_FILES: (&str, &str) = ("LARDER_DATABASE_SQLITE_BUSY_TIMEOUT_MS", "600000");

/// The log of a process: without the driver's warning that a connection took its time, where stderr is compared.
pub const LOG_FILTER: (&str, &str) = ("LARDER_LOG_FILTER", "info,actix_server=warn,sea_orm_migration=warn,sqlx=error");

/// Waits until something is so that happens beside the test.
#[track_caller]
pub fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let give_up = Instant::now() + HANGS;
    async move {
        while !is_so().await {
            assert!(Instant::now() < give_up, "never: {what}");
            tokio::task::yield_now().await;
        }
    }
}
