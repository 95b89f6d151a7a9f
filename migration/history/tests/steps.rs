//! Steps of migrations that no module has (yet): edited ones, ones that fail, and ones that are not transactional.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use migration_history::{Applied, Found, Lock, LockFile, Place, Problem, Recording, Schema, StepError, down, up};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// A migration of statements, with the engines that it has them for.
struct Plain {
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
    transactional: bool,
}

impl MigrationName for Plain {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Plain {
    fn use_transaction(&self) -> Option<bool> {
        Some(self.transactional)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        send(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        send(manager, self.down).await
    }
}

async fn send(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_raw(Statement::from_string(manager.get_database_backend(), *statement)).await?;
    }
    Ok(())
}

const MARKER: Plain = Plain {
    name: "m1_name",
    up: &["CREATE TABLE larder_module (name varchar(32) PRIMARY KEY)", "INSERT INTO larder_module VALUES ('tests')"],
    down: &["DROP TABLE larder_module"],
    transactional: true,
};
const SHELF: Plain = Plain { name: "m2_shelf", up: &["CREATE TABLE shelf (id bigint, code text)"], down: &["DROP TABLE shelf"], transactional: true };
const INDEX: Plain = Plain {
    name: "m3_index",
    up: &["CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix_shelf_code ON shelf (code)"],
    down: &["DROP INDEX CONCURRENTLY ix_shelf_code"],
    transactional: false,
};

fn schema(migrations: fn() -> Vec<Box<dyn MigrationTrait>>) -> Schema {
    Schema { module: "tests", migrations, lock_file: "", append_only: &[], waivers: &[] }
}

fn whole() -> Schema {
    schema(|| vec![Box::new(MARKER), Box::new(SHELF), Box::new(INDEX)])
}

/// Nothing takes that long but what never ends.
const HANGS: Duration = Duration::from_mins(10);

/// A database of its own on the test server; `None` where there is none.
struct Postgres {
    admin: DatabaseConnection,
    url: String,
    name: String,
}

#[expect(clippy::disallowed_methods, reason = "a test connects to what it is told to")]
async fn connect(url: &str) -> DatabaseConnection {
    Database::connect(url).await.expect("a connection")
}

#[expect(clippy::disallowed_methods, reason = "the tests' server is named by the environment")]
fn server() -> Option<String> {
    let url = std::env::var("LARDER_TEST_POSTGRES_INVENTORY").ok().filter(|url| !url.is_empty());
    assert!(url.is_some() || std::env::var("REQUIRE_POSTGRES").as_deref() != Ok("1"), "REQUIRE_POSTGRES=1, but there is no server");
    url
}

impl Postgres {
    async fn make() -> Option<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let server = server()?;
        let admin = connect(&server).await;
        let name = format!("larder_history_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database");
        let (place, query) = server.split_once('?').map_or((server.as_str(), String::new()), |(place, query)| (place, format!("?{query}")));
        let url = format!("{}/{name}{query}", place.rsplit_once('/').expect("a database").0);
        Some(Self { admin, url, name })
    }

    async fn up(&self, schema: &Schema) -> Result<Vec<String>, StepError> {
        self.up_within(schema, HANGS).await
    }

    async fn up_within(&self, schema: &Schema, table_patience: Duration) -> Result<Vec<String>, StepError> {
        let (locking, working) = (connect(&self.url).await, connect(&self.url).await);
        let lock = Lock::take(&locking, HANGS).await.expect("the lock");
        let recording = Recording::of(schema, DbBackend::Postgres).await?;
        let mut applied = Vec::new();
        let outcome =
            up(&Place::Postgres { connection: &working, lock: &lock, table_patience }, schema, &recording, None, &mut |step: Applied| applied.push(step.name))
                .await;
        lock.release().await?;
        working.close().await?;
        locking.close().await?;
        outcome.map(|()| applied)
    }

    async fn found(&self, schema: &Schema) -> Found {
        let connection = connect(&self.url).await;
        let recording = Recording::of(schema, DbBackend::Postgres).await.expect("recorded");
        let found = Found::look(&connection, schema, &recording.checksums()).await.expect("looked");
        connection.close().await.expect("closed");
        found
    }

    async fn remove(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // Those whom it ends the server waits five seconds for, and on a busy machine they may take longer.
        while let Err(error) = self.admin.execute_unprepared(&drop).await {
            assert!(error.to_string().contains("is being accessed by other users"), "{error}");
        }
    }
}

#[tokio::test]
async fn on_postgres_a_bare_migration_is_finished_by_the_next_deploy_wherever_it_was_killed() {
    let Some(postgres) = Postgres::make().await else { return };
    let before = schema(|| vec![Box::new(MARKER), Box::new(SHELF)]);
    assert_eq!(postgres.up(&before).await.expect("applied"), ["m1_name", "m2_shelf"]);
    let database = connect(&postgres.url).await;
    // As CREATE INDEX CONCURRENTLY leaves it when it fails or is killed: there, and invalid.
    database.execute_unprepared("INSERT INTO shelf VALUES (1, 'A'), (2, 'A')").await.expect("rows");
    let Err(StepError::Migration { name, undone: false, .. }) = postgres.up(&whole()).await else { panic!("two equal codes were indexed as unique") };
    assert_eq!(name, "m3_index");
    assert_eq!(postgres.found(&whole()).await.pending, ["m3_index"]);
    database.execute_unprepared("DELETE FROM shelf WHERE id = 2").await.expect("the cause");
    assert_eq!(postgres.up(&whole()).await.expect("applied"), ["m3_index"]);
    let valid = "SELECT 1 AS one FROM pg_index WHERE indexrelid = 'ix_shelf_code'::regclass AND indisvalid";
    assert!(database.query_one_raw(Statement::from_string(DbBackend::Postgres, valid)).await.expect("an answer").is_some(), "it was made anew");
    // Killed after the index was there and before the history said so.
    database.execute_unprepared("DELETE FROM seaql_migrations WHERE version = 'm3_index'").await.expect("forgotten");
    assert_eq!(postgres.up(&whole()).await.expect("applied"), ["m3_index"]);
    // And between the history and its checksum.
    database.execute_unprepared("DELETE FROM _larder_migrations WHERE version = 'm3_index'").await.expect("forgotten");
    assert_eq!(postgres.found(&whole()).await.unrecorded, ["m3_index"]);
    assert_eq!(postgres.up(&whole()).await.expect("nothing to do"), Vec::<String>::new());
    assert_eq!(postgres.found(&whole()).await, Found { applied: whole().names(), owner: Some("tests".into()), has_marker: true, ..Found::default() });
    // Its way back is bare as well.
    let recording = Recording::of(&whole(), DbBackend::Postgres).await.expect("recorded");
    let locking = connect(&postgres.url).await;
    let lock = Lock::take(&locking, HANGS).await.expect("the lock");
    let place = Place::Postgres { connection: &database, lock: &lock, table_patience: HANGS };
    down(&place, &whole(), &recording, 1, &mut |_| ()).await.expect("reverted");
    lock.release().await.expect("released");
    locking.close().await.expect("closed");
    assert_eq!(postgres.found(&whole()).await.pending, ["m3_index"]);
    database.close().await.expect("closed");
    postgres.remove().await;
}

#[tokio::test]
async fn on_postgres_an_index_that_a_killed_deploys_server_still_builds_is_waited_for() {
    let Some(postgres) = Postgres::make().await else { return };
    postgres.up(&schema(|| vec![Box::new(MARKER), Box::new(SHELF)])).await.expect("applied");
    // It waits for this transaction, which wrote before it began, and stays unfinished as long.
    let writing = connect(&postgres.url).await;
    let txn = writing.begin().await.expect("a transaction");
    txn.execute_unprepared("INSERT INTO shelf VALUES (1, 'A')").await.expect("a row");
    let url = postgres.url.clone();
    let building = tokio::spawn(async move { connect(&url).await.execute_unprepared(INDEX.up[0]).await });
    let watching = connect(&postgres.url).await;
    let is_there = "SELECT 1 AS one FROM pg_class WHERE relname = 'ix_shelf_code'";
    while watching.query_one_raw(Statement::from_string(DbBackend::Postgres, is_there)).await.expect("an answer").is_none() {
        assert!(!building.is_finished(), "it did not wait");
    }
    let (applied, ()) = tokio::join!(async { postgres.up(&whole()).await.expect("applied") }, async {
        // Long enough for a deploy that does not wait to go wrong; nothing rests on it otherwise.
        tokio::time::sleep(Duration::from_millis(500)).await;
        txn.commit().await.expect("done");
    });
    assert_eq!(applied, ["m3_index"]);
    building.await.expect("a task").expect("built");
    let valid = "SELECT 1 AS one FROM pg_index WHERE indexrelid = 'ix_shelf_code'::regclass AND indisvalid";
    assert!(watching.query_one_raw(Statement::from_string(DbBackend::Postgres, valid)).await.expect("an answer").is_some());
    watching.close().await.expect("closed");
    writing.close().await.expect("closed");
    postgres.remove().await;
}

#[tokio::test]
async fn on_postgres_an_unfinished_index_of_somebody_else_is_told_and_not_touched() {
    let Some(postgres) = Postgres::make().await else { return };
    postgres.up(&whole()).await.expect("applied");
    let database = connect(&postgres.url).await;
    database.execute_unprepared("CREATE INDEX by_hand ON shelf (id)").await.expect("an index");
    database.execute_unprepared("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_hand'::regclass").await.expect("unfinished");
    let Err(StepError::InvalidIndexes(names)) = postgres.up(&whole()).await else { panic!("it was not noticed") };
    assert_eq!(names, ["by_hand"]);
    database.close().await.expect("closed");
    postgres.remove().await;
}

#[tokio::test]
async fn on_postgres_a_migration_does_not_queue_long_behind_who_holds_its_table() {
    const CODE: Plain = Plain { name: "m3_code", up: &["ALTER TABLE shelf ADD COLUMN note text"], down: &[], transactional: true };
    let Some(postgres) = Postgres::make().await else { return };
    postgres.up(&schema(|| vec![Box::new(MARKER), Box::new(SHELF)])).await.expect("applied");
    let at_work = connect(&postgres.url).await;
    let txn = at_work.begin().await.expect("a transaction");
    txn.execute_unprepared("INSERT INTO shelf VALUES (1, 'A')").await.expect("a row");
    let more = schema(|| vec![Box::new(MARKER), Box::new(SHELF), Box::new(CODE)]);
    let Err(StepError::Migration { undone: true, error, .. }) = postgres.up_within(&more, Duration::from_millis(300)).await else {
        panic!("it did not wait, or waited for ever")
    };
    assert!(error.to_string().contains("lock timeout"), "{error}");
    txn.commit().await.expect("done");
    assert_eq!(postgres.up(&more).await.expect("applied"), ["m3_code"]);
    at_work.close().await.expect("closed");
    postgres.remove().await;
}

#[tokio::test]
async fn on_postgres_a_lock_that_is_held_is_not_given_and_its_holder_is_named() {
    let Some(postgres) = Postgres::make().await else { return };
    let (one, other) = (connect(&postgres.url).await, connect(&postgres.url).await);
    let lock = Lock::take(&one, Duration::ZERO).await.expect("the lock");
    let Err(refused) = Lock::take(&other, Duration::from_millis(200)).await else { panic!("two have it") };
    assert!(refused.to_string().starts_with("it is being migrated by process "), "{refused}");
    drop(lock);
    drop(one);
    Lock::take(&other, HANGS).await.expect("the lock").release().await.expect("released");
    other.close().await.expect("closed");
    postgres.remove().await;
}

async fn memory() -> DatabaseConnection {
    connect("sqlite::memory:").await
}

async fn up_on_sqlite(connection: &DatabaseConnection, schema: &Schema) -> Result<(), StepError> {
    let recording = Recording::of(schema, DbBackend::Sqlite).await?;
    let txn = connection.begin().await?;
    up(&Place::Sqlite { txn: &txn }, schema, &recording, None, &mut |_| ()).await?;
    Ok(txn.commit().await?)
}

async fn found_on_sqlite(connection: &DatabaseConnection, schema: &Schema) -> Found {
    let recording = Recording::of(schema, DbBackend::Sqlite).await.expect("recorded");
    Found::look(connection, schema, &recording.checksums()).await.expect("looked")
}

#[tokio::test]
async fn a_changed_comment_passes_and_changed_sql_is_edited_on_sqlite() {
    const COMMENTED: Plain = Plain { up: &["CREATE TABLE shelf ( -- where things stand\n id bigint, /* as it is called */ code text )"], ..SHELF };
    const REFORMATTED: Plain = Plain { up: &["CREATE TABLE shelf (id bigint,\n    code text)"], ..SHELF };
    const CHANGED: Plain = Plain { up: &["CREATE TABLE shelf (id bigint, code text NOT NULL)"], ..SHELF };
    let database = memory().await;
    up_on_sqlite(&database, &schema(|| vec![Box::new(MARKER), Box::new(REFORMATTED)])).await.expect("applied");
    let commented = schema(|| vec![Box::new(MARKER), Box::new(Plain { up: &["CREATE TABLE shelf (id bigint, /* bigint */ code text)"], ..SHELF })]);
    assert_eq!(found_on_sqlite(&database, &commented).await.problem(), None);
    assert_eq!(found_on_sqlite(&database, &schema(|| vec![Box::new(MARKER), Box::new(COMMENTED)])).await.problem(), None);
    let changed = schema(|| vec![Box::new(MARKER), Box::new(CHANGED)]);
    let found = found_on_sqlite(&database, &changed).await;
    assert_eq!(found.problem(), Some(Problem::Edited));
    assert!(found.edited.iter().all(|edited| edited.name == "m2_shelf" && edited.applied_sql.contains("code text\n)")), "{found:?}");
    assert!(matches!(up_on_sqlite(&database, &changed).await, Err(StepError::Refused(_))), "it is not deployed on top of");
}

#[tokio::test]
async fn a_migration_that_asks_the_database_cannot_be_recorded_sqlite() {
    struct Asks;
    impl MigrationName for Asks {
        fn name(&self) -> &'static str {
            "m1_asks"
        }
    }
    #[async_trait::async_trait]
    impl MigrationTrait for Asks {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.has_table("shelf").await.map(drop)
        }
    }
    let refused = Recording::of(&schema(|| vec![Box::new(Asks)]), DbBackend::Sqlite).await.expect_err("it asks");
    assert!(refused.to_string().contains("m1_asks sends something else than statements that change the schema"), "{refused}");
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_of_any_in_that_deploy_on_sqlite() {
    let database = memory().await;
    let failing = schema(|| vec![Box::new(MARKER), Box::new(Plain { up: &["CREATE TABLE shelf (id bigint)", "CREATE TABLE shelf (id bigint)"], ..SHELF })]);
    let Err(StepError::Migration { name, undone: true, .. }) = up_on_sqlite(&database, &failing).await else { panic!("two tables of one name") };
    assert_eq!(name, "m2_shelf");
    assert_eq!(found_on_sqlite(&database, &failing).await, Found { pending: failing.names(), ..Found::default() });
}

#[tokio::test]
async fn down_takes_back_the_last_and_forgets_its_checksum_on_sqlite() {
    let database = memory().await;
    let both = schema(|| vec![Box::new(MARKER), Box::new(SHELF)]);
    up_on_sqlite(&database, &both).await.expect("applied");
    let recording = Recording::of(&both, DbBackend::Sqlite).await.expect("recorded");
    let mut reverted = Vec::new();
    let txn = database.begin().await.expect("a transaction");
    down(&Place::Sqlite { txn: &txn }, &both, &recording, 1, &mut |step: Applied| reverted.push(step.name)).await.expect("reverted");
    txn.commit().await.expect("committed");
    assert_eq!(reverted, ["m2_shelf"]);
    let found = found_on_sqlite(&database, &both).await;
    assert_eq!((found.applied, found.pending, found.unrecorded), (vec!["m1_name".to_owned()], vec!["m2_shelf".to_owned()], Vec::new()));
    up_on_sqlite(&database, &both).await.expect("applied again");
}

#[tokio::test]
async fn the_lock_file_has_a_line_for_each_migration_on_both_engines_sqlite() {
    let both = schema(|| vec![Box::new(MARKER), Box::new(SHELF)]);
    let (postgres, sqlite) =
        (Recording::of(&both, DbBackend::Postgres).await.expect("recorded"), Recording::of(&both, DbBackend::Sqlite).await.expect("recorded"));
    let file = LockFile::of(&postgres, &sqlite);
    assert_eq!(file.migrations.iter().map(|locked| locked.name.as_str()).collect::<Vec<_>>(), ["m1_name", "m2_shelf"]);
    assert_eq!(LockFile::parse(&file.text()).as_ref(), Ok(&file));
    assert_eq!(file.checksums(DbBackend::Sqlite), sqlite.checksums());
}
