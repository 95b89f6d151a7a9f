//! What the migrations of the program do not need yet, and the differ has to be right about.

use migration_history::Schema;
use migration_tools::drift::differences;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement, TransactionTrait as _};
use sea_orm_migration::prelude::*;

use crate::{connect, variable};

struct MakeTable;
struct AddIndex;

#[async_trait::async_trait]
impl MigrationTrait for MakeTable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("CREATE TABLE shelf (id integer PRIMARY KEY, place text NOT NULL)").await.map(drop)
    }
}

impl MigrationName for MakeTable {
    fn name(&self) -> &'static str {
        "m1_make_table"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddIndex {
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let concurrently = if manager.get_database_backend() == sea_orm::DbBackend::Postgres { "CONCURRENTLY" } else { "" };
        manager.get_connection().execute_unprepared(&format!("CREATE INDEX {concurrently} ix_shelf_place ON shelf (place)")).await.map(drop)
    }
}

impl MigrationName for AddIndex {
    fn name(&self) -> &'static str {
        "m2_add_index"
    }
}

const SCHEMA: Schema = Schema { module: "tests", migrations: || vec![Box::new(MakeTable), Box::new(AddIndex)], lock_file: "", append_only: &[], waivers: &[] };

async fn postgres() -> Option<DatabaseConnection> {
    let url = variable("LARDER_TEST_POSTGRES_INVENTORY");
    assert!(url.is_some() || variable("REQUIRE_POSTGRES").as_deref() != Some("1"), "REQUIRE_POSTGRES=1, but LARDER_TEST_POSTGRES_INVENTORY names no server");
    let Some(url) = url else {
        println!("SKIPPED: LARDER_TEST_POSTGRES_INVENTORY names no Postgres server");
        return None;
    };
    Some(connect(&url).await)
}

async fn lines(connection: &(impl ConnectionTrait + sea_orm::TransactionTrait), names: &[String]) -> Vec<String> {
    differences(connection, &SCHEMA, names).await.expect("compared").iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_is_built_concurrently_is_compared_in_a_transaction_which_goes_on() {
    let Some(connection) = postgres().await else { return };
    // Never committed: nothing is left on the server.
    let txn = connection.begin().await.expect("a transaction");
    txn.execute_unprepared("CREATE SCHEMA \"of a test\"; SET LOCAL search_path TO \"of a test\"").await.expect("a schema");
    txn.execute_unprepared("CREATE TABLE shelf (id integer PRIMARY KEY, place text NOT NULL)").await.expect("a table");
    assert_eq!(lines(&txn, &SCHEMA.names()).await, ["index ix_shelf_place: is missing"]);
    txn.execute_unprepared("CREATE INDEX ix_shelf_place ON shelf (place)").await.expect("an index");
    assert_eq!(lines(&txn, &SCHEMA.names()).await, Vec::<String>::new());
    let statement = Statement::from_string(txn.get_database_backend(), "SELECT current_schema()::text || ' ' || current_setting('lock_timeout') AS path");
    let row = txn.query_one_raw(statement).await.expect("an answer").expect("a row");
    assert_eq!(row.try_get::<String>("", "path").expect("a text"), "of a test 0");
    txn.rollback().await.expect("rolled back");
}

#[tokio::test]
async fn only_the_named_migrations_are_expected_also_on_sqlite() {
    #[expect(clippy::disallowed_methods, reason = "a database in memory that nobody else has")]
    let connection = sea_orm::Database::connect("sqlite::memory:").await.expect("a database");
    connection.execute_unprepared("CREATE TABLE shelf (id integer PRIMARY KEY, place text NOT NULL)").await.expect("a table");
    assert_eq!(lines(&connection, &SCHEMA.names_up_to("m1_make_table").expect("a name")).await, Vec::<String>::new());
    assert_eq!(lines(&connection, &SCHEMA.names()).await, ["index ix_shelf_place: is missing"]);
    assert_eq!(lines(&connection, &[]).await, ["table shelf: is not of the migrations"]);
}
