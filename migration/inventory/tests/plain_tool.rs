//! The plain command line of a migration crate, which sea-orm-cli calls for `migrate … -d migration/inventory`.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use inventory_migration::SCHEMA;
use migration_history::{Found, Lock, Recording};
use sea_orm_migration::sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};

fn tool(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inventory-migration"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn done(output: &Output) {
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(why), "{said}");
}

#[expect(clippy::disallowed_methods, reason = "a test connects to what it is told to")]
async fn connect(url: &str) -> DatabaseConnection {
    Database::connect(url).await.expect("a connection")
}

async fn found(url: &str) -> Found {
    let connection = connect(url).await;
    let recording = Recording::of(&SCHEMA, connection.get_database_backend()).await.expect("recorded");
    let found = Found::look(&connection, &SCHEMA, &recording.checksums()).await.expect("looked");
    connection.close().await.expect("closed");
    found
}

async fn is_up_to_date(url: &str) {
    let expected = Found { applied: SCHEMA.names(), owner: Some("inventory".into()), has_marker: true, ..Found::default() };
    assert_eq!(found(url).await, expected, "every checksum is there, and right");
}

async fn every_command_keeps_history_and_checksums_in_step(url: &str) {
    let run = |arguments: &[&str]| tool(&[arguments, &["-u", url]].concat(), &[]).output().expect("the tool");
    done(&run(&["up", "-n", "2"]));
    assert_eq!(found(url).await.pending.len(), SCHEMA.names().len() - 2);
    done(&run(&["up"]));
    is_up_to_date(url).await;
    done(&run(&["status"]));
    done(&run(&["down"]));
    let after = found(url).await;
    assert_eq!((after.pending.len(), after.unrecorded.len()), (1, 0));
    for command in ["up", "refresh", "fresh"] {
        done(&run(&[command]));
        is_up_to_date(url).await;
    }
    done(&run(&["reset"]));
    assert_eq!(found(url).await, Found { pending: SCHEMA.names(), ..Found::default() });
    // No command means up.
    done(&run(&[]));
    is_up_to_date(url).await;
    for command in ["down", "fresh", "refresh", "reset"] {
        refused(
            &tool(&[command, "-u", url], &[("LARDER_MODE", "production")]).output().expect("the tool"),
            "In production mode nothing is done that drops tables.",
        );
    }
    is_up_to_date(url).await;
    done(&tool(&["up", "-u", url], &[("LARDER_MODE", "production")]).output().expect("the tool"));
    refused(&tool(&["up", "-u", url], &[("AUTH_DATABASE_URL", url)]).output().expect("the tool"), "This is the database of AUTH_DATABASE_URL");
}

#[tokio::test]
async fn the_url_that_is_given_is_the_one_however_it_is_written_and_none_is_an_error_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = |name: &str| format!("sqlite://{}?mode=rwc", folder.path().join(name).display());
    let real = url("real.db");
    for (number, given) in [|url: &str| vec![format!("-u{url}")], |url: &str| vec![format!("-u={url}")], |url: &str| vec!["-vu".to_owned(), url.to_owned()]]
        .into_iter()
        .enumerate()
    {
        let scratch = url(&format!("scratch-{number}.db"));
        let arguments = given(&scratch);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(["up"]).collect();
        done(&tool(&arguments, &[("INVENTORY_DATABASE_URL", &real)]).output().expect("the tool"));
        is_up_to_date(&scratch).await;
    }
    assert!(!folder.path().join("real.db").exists());
    refused(&tool(&["status"], &[]).output().expect("the tool"), "No database: give -u URL");
}

async fn the_other_modules_database_is_left_alone(url: &str) {
    done(&tool(&["up", "-u", url], &[]).output().expect("the tool"));
    let database = connect(url).await;
    database.execute_unprepared("UPDATE larder_module SET name = 'auth'").await.expect("renamed");
    for command in ["fresh", "refresh", "reset", "down", "up", "status"] {
        refused(&tool(&[command, "-u", url], &[]).output().expect("the tool"), "This is the database of auth");
    }
    database.execute_unprepared("UPDATE larder_module SET name = 'inventory'").await.expect("renamed");
    database.close().await.expect("closed");
    is_up_to_date(url).await;
}

#[tokio::test]
async fn the_other_modules_database_is_left_alone_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    the_other_modules_database_is_left_alone(&format!("sqlite://{}?mode=rwc", folder.path().join("i.db").display())).await;
}

#[tokio::test]
async fn the_other_modules_database_is_left_alone_on_postgres() {
    let Some(postgres) = Postgres::make("others").await else { return };
    the_other_modules_database_is_left_alone(&postgres.url).await;
    postgres.remove().await;
}

#[tokio::test]
async fn every_command_keeps_history_and_checksums_in_step_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    every_command_keeps_history_and_checksums_in_step(&format!("sqlite://{}?mode=rwc", folder.path().join("i.db").display())).await;
}

/// A database of its own on the tests' server; `None` where there is none.
struct Postgres {
    admin: DatabaseConnection,
    name: String,
    url: String,
}

impl Postgres {
    #[expect(clippy::disallowed_methods, reason = "the tests' server is named by the environment")]
    async fn make(purpose: &str) -> Option<Self> {
        let server = std::env::var("LARDER_TEST_POSTGRES_INVENTORY").ok().filter(|url| !url.is_empty());
        assert!(server.is_some() || std::env::var("REQUIRE_POSTGRES").as_deref() != Ok("1"), "REQUIRE_POSTGRES=1, but there is no server");
        let server = server?;
        let admin = connect(&server).await;
        let name = format!("larder_plain_{purpose}_{}", std::process::id());
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database");
        let (place, query) = server.split_once('?').map_or((server.as_str(), String::new()), |(place, query)| (place, format!("?{query}")));
        let url = format!("{}/{name}{query}", place.rsplit_once('/').expect("a database").0);
        Some(Self { admin, name, url })
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
async fn every_command_keeps_history_and_checksums_in_step_on_postgres() {
    let Some(postgres) = Postgres::make("steps").await else { return };
    every_command_keeps_history_and_checksums_in_step(&postgres.url).await;
    postgres.remove().await;
}

#[tokio::test]
async fn on_postgres_the_plain_up_waits_for_the_lock_of_a_deploy() {
    let Some(postgres) = Postgres::make("lock").await else { return };
    let deploying = connect(&postgres.url).await;
    let lock = Lock::take(&deploying, Duration::ZERO).await.expect("the lock");
    let mut up = tool(&["up", "-u", &postgres.url], &[]).spawn().expect("the tool");
    // It has asked for the lock: its connection is there, between two tries.
    let asks =
        "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory_xact_lock%' AND pid <> pg_backend_pid()";
    let watching = connect(&postgres.url).await;
    let give_up = Instant::now() + Duration::from_mins(10);
    let statement = |sql: &str| sea_orm_migration::sea_orm::Statement::from_string(sea_orm_migration::sea_orm::DatabaseBackend::Postgres, sql);
    // Ours is one; the tool's is another.
    while watching.query_all_raw(statement(asks)).await.expect("an answer").len() < 2 {
        assert!(Instant::now() < give_up && up.try_wait().expect("a status").is_none(), "it does not ask for the lock");
    }
    assert_eq!(found(&postgres.url).await.pending, SCHEMA.names(), "nothing was applied beside a deploy");
    lock.release().await.expect("released");
    done(&up.wait_with_output().expect("its end"));
    is_up_to_date(&postgres.url).await;
    deploying.close().await.expect("closed");
    watching.close().await.expect("closed");
    postgres.remove().await;
}
