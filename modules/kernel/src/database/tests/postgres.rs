use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;

use super::super::{PATIENCE, code};
use super::*;

/// A schema of the server's own database, for one test.
struct Schema {
    name: String,
    admin: DatabaseConnection,
    database: Database,
}

impl Schema {
    /// `None`, with a word about it, where there is no server and nobody demanded one.
    async fn make(test: &str) -> Option<Self> {
        Self::with_patience(test, PATIENCE).await
    }

    async fn with_patience(test: &str, patience: Duration) -> Option<Self> {
        let Some(url) = variable("LARDER_TEST_POSTGRES_INVENTORY") else {
            assert!(variable("REQUIRE_POSTGRES").as_deref() != Some("1"), "REQUIRE_POSTGRES=1, but LARDER_TEST_POSTGRES_INVENTORY names no server");
            println!("SKIPPED: LARDER_TEST_POSTGRES_INVENTORY names no Postgres server");
            return None;
        };
        let name = format!("kernel_{}_{test}", std::process::id());
        let admin = connect(options(&url, "public")).await;
        run(&admin, &format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")).await.expect("a schema");
        let pool = connect(options(&url, &name)).await;
        run(&pool, TABLE).await.expect("a table");
        Some(Self { name, admin, database: Database::with_patience(pool.clone(), pool, patience) })
    }

    async fn notes(&self) -> Vec<i64> {
        column(&self.admin, &format!("SELECT number FROM {}.note ORDER BY number", self.name)).await
    }

    async fn remove(self) {
        run(&self.admin, &format!("DROP SCHEMA {} CASCADE", self.name)).await.expect("removed");
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where these tests read the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn options(url: &str, schema: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false).set_schema_search_path(schema);
    options
}

/// How often work was tried, and how it fails the first `failing` times: with an error of the database, or by asking for
/// another try.
struct Attempts {
    tried: AtomicU32,
    failing: u32,
    code: Option<&'static str>,
}

fn attempts(failing: u32, code: Option<&'static str>) -> Arc<Attempts> {
    Arc::new(Attempts { tried: AtomicU32::new(0), failing, code })
}

async fn note_after(database: &Database, attempts: Arc<Attempts>) -> Result<(), Failure> {
    let write = database.write(attempts, |attempts, txn| {
        Box::pin(async move {
            insert(txn, 1).await?;
            if attempts.tried.fetch_add(1, Ordering::Relaxed) >= attempts.failing {
                return Ok(());
            }
            let Some(code) = attempts.code else { return Err(Failure::Changed) };
            Ok(run(txn, &format!("DO $$ BEGIN RAISE EXCEPTION 'meant by the test' USING ERRCODE = '{code}'; END $$")).await?)
        })
    });
    write.await
}

#[tokio::test]
async fn work_that_asks_for_another_try_gets_it() {
    let Some(schema) = Schema::make("again").await else { return };
    let attempts = attempts(2, None);
    note_after(&schema.database, attempts.clone()).await.expect("written");
    assert_eq!(attempts.tried.load(Ordering::Relaxed), 3);
    assert_eq!(schema.notes().await, [1]);
    schema.remove().await;
}

#[tokio::test]
async fn work_is_tried_eight_times_at_the_least_however_slow_it_is_and_not_for_ever() {
    let Some(schema) = Schema::with_patience("bounded", Duration::ZERO).await else { return };
    for code in [None, Some("40001")] {
        let attempts = attempts(100, code);
        note_after(&schema.database, attempts.clone()).await.expect_err("never written");
        assert_eq!(attempts.tried.load(Ordering::Relaxed), 8);
    }
    assert_eq!(schema.notes().await, [0_i64; 0]);
    schema.remove().await;
}

#[tokio::test]
async fn work_under_which_many_change_something_is_tried_until_they_are_through() {
    let Some(schema) = Schema::with_patience("many", Duration::from_hours(1)).await else { return };
    let attempts = attempts(20, None);
    note_after(&schema.database, attempts.clone()).await.expect("written");
    assert_eq!(attempts.tried.load(Ordering::Relaxed), 21);
    assert_eq!(schema.notes().await, [1]);
    schema.remove().await;
}

#[tokio::test]
async fn a_serialization_failure_is_tried_again() {
    let Some(schema) = Schema::make("serialization").await else { return };
    let attempts = attempts(1, Some("40001"));
    note_after(&schema.database, attempts.clone()).await.expect("written");
    assert_eq!(attempts.tried.load(Ordering::Relaxed), 2);
    assert_eq!(schema.notes().await, [1]);
    schema.remove().await;
}

#[tokio::test]
async fn other_errors_are_answered_at_once() {
    let Some(schema) = Schema::make("once").await else { return };
    let attempts = attempts(1, Some("22012"));
    note_after(&schema.database, attempts.clone()).await.expect_err("a division by zero");
    assert_eq!(attempts.tried.load(Ordering::Relaxed), 1);
    assert_eq!(schema.notes().await, [0_i64; 0]);
    schema.remove().await;
}

/// Takes two rows, and at its first try waits in between until somebody else has taken one, too.
struct Crossing {
    rows: [i64; 2],
    tried: Arc<AtomicU32>,
    met: Arc<Barrier>,
}

async fn cross(database: &Database, crossing: Crossing) -> Result<(), Failure> {
    let write = database.write((crossing, AtomicU32::new(0)), |(crossing, own), txn| {
        Box::pin(async move {
            crossing.tried.fetch_add(1, Ordering::Relaxed);
            let [first, second] = crossing.rows;
            run(txn, &format!("SET LOCAL deadlock_timeout = '50ms'; UPDATE counter SET taken = taken + 1 WHERE id = {first}")).await?;
            if own.fetch_add(1, Ordering::Relaxed) == 0 {
                crossing.met.wait().await;
            }
            Ok(run(txn, &format!("UPDATE counter SET taken = taken + 1 WHERE id = {second}")).await?)
        })
    });
    write.await
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let Some(schema) = Schema::make("deadlock").await else { return };
    run(schema.database.reader(), "CREATE TABLE counter (id BIGINT, taken BIGINT); INSERT INTO counter VALUES (1, 0), (2, 0)").await.expect("rows");
    let (tried, met) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(2)));
    let crossing = |rows| Crossing { rows, tried: tried.clone(), met: met.clone() };
    let (one, other) = tokio::join!(cross(&schema.database, crossing([1, 2])), cross(&schema.database, crossing([2, 1])));
    one.expect("written");
    other.expect("written");
    assert!(tried.load(Ordering::Relaxed) > 2, "there was no deadlock");
    assert_eq!(column::<i64>(schema.database.reader(), "SELECT taken FROM counter").await, [2, 2]);
    schema.remove().await;
}

#[tokio::test]
async fn failing_work_leaves_nothing() {
    let Some(schema) = Schema::make("failing").await else { return };
    let (before, failing) = (started(note(&schema.database, 1)).await, started(note_and_refuse(&schema.database, 2)).await);
    let (panicking, after) = (started(note_and_panic(&schema.database, 3)).await, started(note(&schema.database, 4)).await);
    before.await.expect("written");
    assert!(matches!(failing.await, Err(Failure::Refused)));
    assert!(matches!(panicking.await, Err(Failure::Database(DbErr::Custom(_)))));
    after.await.expect("written");
    assert_eq!(schema.notes().await, [1, 4]);
    schema.remove().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_the_work() {
    let Some(schema) = Schema::make("hung_up").await else { return };
    let (done, finished) = tokio::sync::oneshot::channel::<()>();
    let write = schema.database.write(done, |_, txn| Box::pin(insert(txn, 1)));
    drop(started(write).await);
    // The input is dropped with the work, when that is over.
    finished.await.expect_err("nothing was sent");
    assert_eq!(schema.notes().await, [1]);
    schema.remove().await;
}

#[tokio::test]
async fn a_transaction_that_cannot_begin_is_unavailable() {
    let Some(schema) = Schema::make("begin").await else { return };
    schema.database.reader().clone().close().await.expect("closed");
    assert_unavailable(note(&schema.database, 1).await);
    schema.remove().await;
}

#[tokio::test]
async fn a_commit_that_is_cut_off_is_unavailable() {
    let Some(schema) = Schema::make("commit").await else { return };
    let write = schema.database.write(schema.admin.clone(), |admin, txn| {
        Box::pin(async move {
            insert(txn, 1).await?;
            let own = column::<i32>(txn, "SELECT pg_backend_pid()").await;
            // With a timeout it waits until the other has ended.
            Ok::<_, Failure>(run(admin, &format!("SELECT pg_terminate_backend({}, 600000)", own[0])).await?)
        })
    });
    assert_unavailable(write.await);
    assert_eq!(schema.notes().await, [0_i64; 0]);
    note(&schema.database, 2).await.expect("written");
    assert_eq!(schema.notes().await, [2]);
    schema.remove().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_unavailable() {
    let Some(schema) = Schema::make("slow").await else { return };
    let write = schema.database.write((), |(), txn| {
        Box::pin(async move {
            run(txn, "SET LOCAL statement_timeout = '20ms'").await?;
            Ok::<_, Failure>(run(txn, "SELECT pg_sleep(600)").await?)
        })
    });
    let error = write.await.expect_err("too slow");
    let Failure::Database(error) = error else { panic!("{error:?}") };
    assert_eq!(code(&error).as_deref(), Some("57014"));
    assert!(is_unavailable(&error));
    schema.remove().await;
}
