//! One deploy at a time.
//!
//! Postgres: an advisory lock of a transaction on a connection of its own, that is open as long as the deploy runs. The lock of
//! a *transaction* and not of a session, because a pooler may give the session to somebody else and the lock with it; when the
//! program is killed, the transaction ends and so does the lock. Tried again and again and never waited for: a blocked waiter
//! would deadlock with `CREATE INDEX CONCURRENTLY`. SQLite: the transaction that migrates is the lock.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, Statement, TransactionTrait};

/// "larder" in ASCII.
const KEY: i64 = 0x6c61_7264_6572;
/// What the transaction of a migration holds, beside the lock of the deploy that it belongs to.
const WORK: i64 = KEY + 1;
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Held until it is dropped or released.
pub struct Lock(DatabaseTransaction);

#[derive(Debug)]
pub enum LockError {
    /// Somebody else has it.
    Held {
        holder: String,
        waited: Duration,
    },
    Database(DbErr),
}

impl fmt::Display for LockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { holder, waited } => write!(out, "it is being migrated by {holder}; gave up after {} s", waited.as_secs()),
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl From<DbErr> for LockError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl Lock {
    /// Takes the lock of a Postgres database, or gives up when it was held by others for so long.
    pub async fn take(connection: &DatabaseConnection, patience: Duration) -> Result<Self, LockError> {
        let give_up = Instant::now() + patience;
        let mut told = false;
        loop {
            // READ COMMITTED keeps no snapshot, for which CREATE INDEX CONCURRENTLY would wait.
            let txn = connection.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
            // It idles while others work, which a limit of the role on that must not end.
            txn.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            let row = query(&txn, &format!("SELECT pg_try_advisory_xact_lock({KEY}) AS had")).await?;
            if row.is_some_and(|row| row.try_get("", "had").unwrap_or(false)) {
                return Ok(Self(txn));
            }
            if Instant::now() >= give_up {
                let holder = holder(&txn).await.unwrap_or_else(|| "somebody else".into());
                return Err(LockError::Held { holder, waited: patience });
            }
            if !told {
                told = true;
                let holder = holder(&txn).await.unwrap_or_else(|| "somebody else".into());
                tracing::info!(holder, "waiting for another deploy");
            }
            txn.rollback().await?;
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// An error where the connection, and with it the lock, was lost.
    pub async fn is_still_held(&self) -> Result<(), DbErr> {
        query(&self.0, "SELECT 1 AS one").await.map(drop)
    }

    /// Gives it back at once. Dropping it does so as well, when its connection is next used or closed.
    pub async fn release(self) -> Result<(), DbErr> {
        self.0.rollback().await
    }
}

/// Claims, for a transaction, that it alone migrates; false where that of another deploy, though without its lock, still runs.
pub async fn claim_work(txn: &DatabaseTransaction) -> Result<bool, DbErr> {
    let row = query(txn, &format!("SELECT pg_try_advisory_xact_lock({WORK}) AS had")).await?;
    Ok(row.is_some_and(|row| row.try_get("", "had").unwrap_or(false)))
}

async fn query(txn: &DatabaseTransaction, sql: &str) -> Result<Option<sea_orm::QueryResult>, DbErr> {
    txn.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await
}

async fn holder(txn: &DatabaseTransaction) -> Option<String> {
    let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
    let sql = format!(
        "SELECT 'process ' || a.pid || ' of ' || coalesce(a.usename, '?') || coalesce(' at ' || host(a.client_addr), '') || ' (' || a.application_name || ')' AS holder \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {high} AND l.objid = {low} AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    query(txn, &sql).await.ok()??.try_get("", "holder").ok()
}

/// The program that holds the write lock of an SQLite file, where this system tells (Linux): its process and name.
pub fn holder_of_file(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    // In WAL mode the writer locks a byte of the `-shm` file, else a byte far out in the file itself.
    const WAL_WRITE_LOCK: &str = "120";
    const RESERVED: &str = "1073741825";
    let file = file.canonicalize().ok()?;
    let mut beside = file.as_os_str().to_owned();
    beside.push("-shm");
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|file| file.ino().to_string());
    let places = [(inode(Path::new(&beside)), WAL_WRITE_LOCK), (inode(&file), RESERVED)];
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // 1: POSIX  ADVISORY  WRITE 4711 08:01:131 120 120
    let process = locks.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [_, "POSIX" | "OFDLCK", _, "WRITE", process, at, from, _] => {
            let of = at.rsplit(':').next()?;
            let is_it = places.iter().any(|(inode, byte)| inode.as_deref() == Some(of) && from == byte);
            is_it.then(|| (*process).to_owned())
        }
        _ => None,
    })?;
    // The program's name and no more: its arguments may hold a password.
    let program = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("process {process} ({})", program.trim()))
}
