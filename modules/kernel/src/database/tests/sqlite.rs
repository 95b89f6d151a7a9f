use std::time::Duration;

use futures::future::join_all;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait as _};

use super::super::{PATIENCE, code};
use super::*;

/// A database file with its writer, and the way to it for others.
struct File {
    folder: tempfile::TempDir,
    database: Database,
}

impl File {
    async fn open() -> Self {
        Self::open_with(PATIENCE, Duration::ZERO, |options| options).await
    }

    async fn open_with(patience: Duration, busy: Duration, more: fn(SqliteConnectOptions) -> SqliteConnectOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = connect(options(&folder, busy, more)).await;
        run(&writer, TABLE).await.expect("a table");
        let reader = connect(options(&folder, busy, more)).await;
        Self { database: Database::with_patience(reader, writer, patience), folder }
    }

    /// A connection as another program has it, which waits for no lock.
    async fn outsider(&self) -> DatabaseConnection {
        connect(options(&self.folder, Duration::ZERO, |options| options)).await
    }

    async fn notes(&self) -> Vec<i64> {
        notes(self.database.reader()).await
    }

    /// Whether work holds the lock for writing before its first statement.
    async fn writes_immediately(&self) -> bool {
        let outsider = self.outsider().await;
        let write = self.database.write(outsider, |outsider, _| {
            Box::pin(async move {
                match outsider.begin_with_options(immediate()).await {
                    Ok(txn) => txn.rollback().await.map(|()| false).map_err(Failure::from),
                    Err(error) => Ok(code(&error).as_deref() == Some("5")),
                }
            })
        });
        write.await.expect("an answer")
    }
}

fn options(folder: &tempfile::TempDir, busy: Duration, more: fn(SqliteConnectOptions) -> SqliteConnectOptions) -> ConnectOptions {
    let path = folder.path().join("test.db");
    let mut options = ConnectOptions::new("sqlite:test");
    options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(move |options| {
        more(options.filename(&path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal).busy_timeout(busy).foreign_keys(true))
    });
    options
}

fn immediate() -> TransactionOptions {
    TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() }
}

async fn in_memory() -> Database {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    let connection = connect(options).await;
    run(&connection, TABLE).await.expect("a table");
    Database::new(connection.clone(), connection)
}

/// Work under which the whole transaction ends, as SQLite ends it where the disk fails.
async fn note_and_lose_all(database: &Database, number: i64) -> Result<(), Failure> {
    let write = database.write(number, |number, txn| {
        Box::pin(async move {
            insert(txn, *number).await?;
            Ok(run(txn, "ROLLBACK").await?)
        })
    });
    write.await
}

/// Fills about `pages` pages of 4 KiB with one row.
async fn fill(database: &Database, pages: usize) -> Result<(), Failure> {
    let write =
        database.write(pages, |pages, txn| Box::pin(async move { Ok(run(txn, &format!("INSERT INTO filler VALUES (zeroblob({}))", pages * 4096)).await?) }));
    write.await
}

/// Notes the number, and answers how many notes of others are committed by then.
async fn note_and_look(database: &Database, outsider: DatabaseConnection, number: i64) -> Result<usize, Failure> {
    let write = database.write((outsider, number), |(outsider, number), txn| {
        Box::pin(async move {
            insert(txn, *number).await?;
            Ok(notes(outsider).await.len())
        })
    });
    write.await
}

#[tokio::test]
async fn those_who_wait_share_a_commit() {
    let file = File::open().await;
    let outsider = file.outsider().await;
    let mut writes = Vec::new();
    for number in 0..100 {
        writes.push(started(note_and_look(&file.database, outsider.clone(), number)).await);
    }
    let seen: Vec<usize> = join_all(writes).await.into_iter().map(|answer| answer.expect("written")).collect();
    // Two commits for a hundred requests: after 64 and after the rest.
    assert_eq!(seen, [vec![0; 64], vec![64; 36]].concat());
    assert_eq!(file.notes().await.len(), 100);
}

#[tokio::test]
async fn work_runs_in_the_order_in_which_it_was_queued() {
    let file = File::open().await;
    let mut writes = Vec::new();
    for number in [5, 3, 8, 1, 9, 2, 7] {
        writes.push(started(note(&file.database, number)).await);
    }
    // Who asks first for the answer makes no difference.
    writes.reverse();
    join_all(writes).await.into_iter().for_each(|answer| answer.expect("written"));
    let order: Vec<i64> = column(file.database.reader(), "SELECT number FROM note ORDER BY rowid").await;
    assert_eq!(order, [5, 3, 8, 1, 9, 2, 7]);
}

#[tokio::test]
async fn failing_work_leaves_nothing_and_its_neighbours_stay() {
    let file = File::open().await;
    let before = started(note(&file.database, 1)).await;
    let failing = started(note_and_refuse(&file.database, 2)).await;
    let after = started(note(&file.database, 3)).await;
    before.await.expect("written");
    assert!(matches!(failing.await, Err(Failure::Refused)));
    after.await.expect("written");
    assert_eq!(file.notes().await, [1, 3]);
}

#[tokio::test]
async fn a_panic_is_an_error_for_its_work_alone() {
    let file = File::open().await;
    let before = started(note(&file.database, 1)).await;
    let panicking = started(note_and_panic(&file.database, 2)).await;
    let after = started(note(&file.database, 3)).await;
    before.await.expect("written");
    assert!(matches!(panicking.await, Err(Failure::Database(DbErr::Custom(_)))));
    after.await.expect("written");
    assert_eq!(file.notes().await, [1, 3]);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_the_work() {
    let file = File::open().await;
    drop(started(note(&file.database, 1)).await);
    note(&file.database, 2).await.expect("written");
    assert_eq!(file.notes().await, [1, 2]);
}

#[tokio::test]
async fn work_that_asks_for_another_try_is_answered_at_once() {
    let file = File::open().await;
    let (tries, mut counted) = tokio::sync::mpsc::unbounded_channel();
    let write = file.database.write(tries, |tries, _| {
        Box::pin(async move {
            tries.send(()).expect("counted");
            Err::<(), _>(Failure::Changed)
        })
    });
    assert!(matches!(write.await, Err(Failure::Changed)));
    assert_eq!(counted.recv_many(&mut Vec::new(), 100).await, 1);
}

#[tokio::test]
async fn a_full_disk_undoes_the_shared_transaction_and_leaves_the_rest_of_the_queue() {
    let file = File::open_with(Duration::ZERO, Duration::ZERO, |options| options.pragma("max_page_count", "40")).await;
    file.database.write((), |(), txn| Box::pin(async move { Ok::<_, Failure>(run(txn, "CREATE TABLE filler (bytes BLOB)").await?) })).await.expect("a table");
    fill(&file.database, 20).await.expect("room for it");

    let before = started(note(&file.database, 1)).await;
    let too_large = started(fill(&file.database, 30)).await;
    let after = started(note(&file.database, 3)).await;
    assert_unavailable(before.await);
    assert_unavailable(too_large.await);
    after.await.expect("written in a transaction of its own");
    assert_eq!(file.notes().await, [3]);

    assert!(file.writes_immediately().await);
    let make_room = file.database.write((), |(), txn| Box::pin(async move { Ok::<_, Failure>(run(txn, "DELETE FROM filler").await?) }));
    make_room.await.expect("deleted");
    fill(&file.database, 30).await.expect("room for it");
}

#[tokio::test]
async fn a_full_disk_is_unavailable() {
    let file = File::open().await;
    let outsider = file.outsider().await;
    run(&outsider, "PRAGMA max_page_count = 4").await.expect("a limit");
    let error = run(&outsider, "CREATE TABLE filler AS SELECT zeroblob(100000)").await.expect_err("no room");
    assert_eq!(code(&error).as_deref(), Some("13"));
    assert!(is_unavailable(&error));
}

#[tokio::test]
async fn nobody_runs_in_a_transaction_that_ended_under_its_work() {
    let file = File::open().await;
    let before = started(note(&file.database, 1)).await;
    let losing = started(note_and_lose_all(&file.database, 2)).await;
    let failing = started(note_and_refuse(&file.database, 3)).await;
    let after = started(note(&file.database, 4)).await;
    assert_unavailable(before.await);
    assert_unavailable(losing.await);
    assert!(matches!(failing.await, Err(Failure::Refused)));
    after.await.expect("written");
    assert_eq!(file.notes().await, [4]);
    assert!(file.writes_immediately().await);
}

#[tokio::test]
async fn a_panic_after_the_transaction_ended_does_not_hide_it() {
    let file = File::open().await;
    let before = started(note(&file.database, 1)).await;
    let write = file.database.write((), |(), txn| {
        Box::pin(async move {
            run(txn, "ROLLBACK").await?;
            panic!("meant by the test");
            #[expect(unreachable_code, reason = "says what the work would give back")]
            Ok::<(), Failure>(())
        })
    });
    let panicking = started(write).await;
    let after = started(note(&file.database, 3)).await;
    assert_unavailable(before.await);
    assert_unavailable(panicking.await);
    after.await.expect("written");
    assert_eq!(file.notes().await, [3]);
    assert!(file.writes_immediately().await);
}

#[tokio::test]
async fn a_commit_that_fails_undoes_all_and_tells_all() {
    let file = File::open().await;
    let tables = "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)";
    run(&file.outsider().await, tables).await.expect("tables");
    let before = started(note(&file.database, 1)).await;
    // Refused at the commit only.
    let orphan = file.database.write((), |(), txn| Box::pin(async move { Ok::<_, Failure>(run(txn, "INSERT INTO child VALUES (7)").await?) }));
    let orphan = started(orphan).await;
    assert_unavailable(before.await);
    assert_unavailable(orphan.await);
    assert_eq!(file.notes().await, [0_i64; 0]);
    assert!(file.writes_immediately().await);
    note(&file.database, 2).await.expect("written");
    assert_eq!(file.notes().await, [2]);
}

#[tokio::test]
async fn a_file_that_another_program_holds_is_waited_for() {
    let file = File::open_with(Duration::from_mins(10), Duration::ZERO, |options| options).await;
    let held = file.outsider().await.begin_with_options(immediate()).await.expect("the lock");
    let waiting = started(note(&file.database, 1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    held.rollback().await.expect("released");
    waiting.await.expect("written");
    assert_eq!(file.notes().await, [1]);
}

#[tokio::test]
async fn a_file_that_is_held_too_long_fails_all_who_wait_at_once() {
    let file = File::open_with(Duration::from_millis(100), Duration::from_millis(400), |options| options).await;
    let held = file.outsider().await.begin_with_options(immediate()).await.expect("the lock");
    let first = started(note(&file.database, 0)).await;
    let mut others = Vec::new();
    for number in 1..5 {
        others.push(started(note(&file.database, number)).await);
    }
    assert_unavailable(first.await);
    held.rollback().await.expect("released");
    // The file is free: who had still to wait for it in turn would be written now.
    for other in others {
        assert_unavailable(other.await);
    }
    note(&file.database, 7).await.expect("written");
    assert_eq!(file.notes().await, [7]);
}

#[tokio::test]
async fn a_memory_database_keeps_its_tables_when_its_connection_is_replaced() {
    let database = in_memory().await;
    note(&database, 1).await.expect("written");
    let before = started(note(&database, 2)).await;
    let losing = started(note_and_lose_all(&database, 3)).await;
    let after = started(note(&database, 4)).await;
    assert_unavailable(before.await);
    assert_unavailable(losing.await);
    after.await.expect("written");
    assert_eq!(notes(database.reader()).await, [1, 4]);
    // The next transaction is one: its failing work is undone alone.
    let (written, refused) = (started(note(&database, 5)).await, started(note_and_refuse(&database, 6)).await);
    written.await.expect("written");
    assert!(matches!(refused.await, Err(Failure::Refused)));
    assert_eq!(notes(database.reader()).await, [1, 4, 5]);
}
