//! The generator against a real Postgres: what a new migration changes, and that plain sea-orm-cli gives the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migration_history::Schema;
use migration_tools::generate::{changes, entity_arguments, sea_orm_cli};
use sea_orm::ConnectionTrait as _;
use sea_orm_migration::MigratorTraitSelf as _;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string_len_null;
use tempfile::TempDir;

use crate::{connect, variable};

/// A migration after those that there are.
struct AddOrigin;

impl MigrationName for AddOrigin {
    fn name(&self) -> &'static str {
        "m99991231_235959_add_origin"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddOrigin {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("lot").add_column(string_len_null("origin", 64)).take()).await
    }
}

fn one_more() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = (inventory_migration::SCHEMA.migrations)();
    all.push(Box::new(AddOrigin));
    all
}

const ONE_MORE: Schema = Schema { migrations: one_more, ..inventory_migration::SCHEMA };

/// The URL of a server on which databases can be made; none where nobody demands one.
fn server() -> Option<String> {
    let url = variable("LARDER_TEST_POSTGRES_INVENTORY");
    assert!(url.is_some() || variable("REQUIRE_POSTGRES").as_deref() != Some("1"), "REQUIRE_POSTGRES=1, but LARDER_TEST_POSTGRES_INVENTORY names no server");
    if url.is_none() {
        println!("SKIPPED: LARDER_TEST_POSTGRES_INVENTORY names no Postgres server");
    }
    url
}

/// An empty database, which goes with this value.
struct Base {
    server: String,
    name: String,
}

impl Base {
    async fn make(server: String, test: &str) -> Self {
        let base = Self { server, name: format!("larder_test_tools_{test}_{}", std::process::id()) };
        base.remove().await;
        base.execute(&format!("CREATE DATABASE {} TEMPLATE template0", base.name)).await;
        base
    }

    async fn execute(&self, sql: &str) {
        let connection = connect(&self.server).await;
        connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.expect("closed");
    }

    fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (place, _) = base.rsplit_once('/').expect("a URL with a database");
        format!("{place}/{}{}{query}", self.name, if query.is_empty() { "" } else { "?" })
    }

    async fn migrate(&self, schema: &Schema) {
        let connection = connect(&self.url()).await;
        schema.up(&connection, None).await.expect("migrated");
        connection.close().await.expect("closed");
    }

    async fn remove(&self) {
        let connection = connect(&self.server).await;
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Those whom it ends the server waits five seconds for, and on a busy machine they may take longer.
        while let Err(error) = connection.execute_unprepared(&drop).await {
            assert!(error.to_string().contains("is being accessed by other users"), "{error}");
        }
        connection.close().await.expect("closed");
    }
}

/// Also where the test fails: nothing can be awaited here.
impl Drop for Base {
    fn drop(&mut self) {
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(self.remove());
            });
        });
    }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../entity/inventory/src")
}

/// Below the checkout, so that rustfmt finds its settings.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

async fn generated(base: &Base) -> TempDir {
    let folder = folder();
    let arguments = [entity_arguments(folder.path()), vec!["--database-url".into(), base.url()]].concat();
    sea_orm_cli(&arguments).await.expect("generated");
    folder
}

/// By the tool that people have installed; none where they do not, and nobody demands it.
fn generated_by_plain_tool(base: &Base) -> Option<TempDir> {
    let is_there = Command::new("sea-orm-cli").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    assert!(is_there || variable("REQUIRE_SEA_ORM_CLI").as_deref() != Some("1"), "REQUIRE_SEA_ORM_CLI=1, but there is no sea-orm-cli");
    if !is_there {
        println!("SKIPPED: sea-orm-cli is not installed");
        return None;
    }
    let folder = folder();
    let mut command = Command::new("sea-orm-cli");
    command.args(["generate", "entity", "-u", &base.url(), "-o"]).arg(folder.path()).arg("--lib").env_remove("DATABASE_SCHEMA").stdout(Stdio::null());
    assert!(command.status().expect("sea-orm-cli").success());
    Some(folder)
}

fn differing(one: &Path, other: &Path) -> Vec<String> {
    let found = changes(one, other).expect("both folders");
    found.iter().map(|change| change.path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn without_a_new_migration_nothing_changes_and_the_plain_tool_says_the_same() {
    let Some(server) = server() else { return };
    let base = Base::make(server, "same").await;
    base.migrate(&inventory_migration::SCHEMA).await;
    assert_eq!(differing(&committed(), generated(&base).await.path()), Vec::<String>::new());
    if let Some(plain) = generated_by_plain_tool(&base) {
        assert_eq!(differing(&committed(), plain.path()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_new_migration_changes_exactly_the_entity_concerned_by_this_program_and_by_the_plain_tool() {
    let Some(server) = server() else { return };
    let base = Base::make(server, "more").await;
    base.migrate(&ONE_MORE).await;
    let ours = generated(&base).await;
    assert_eq!(differing(&committed(), ours.path()), ["lot.rs"]);
    let lot = std::fs::read_to_string(ours.path().join("lot.rs")).expect("an entity");
    assert!(lot.contains("pub origin: Option<String>"), "{lot}");
    if let Some(plain) = generated_by_plain_tool(&base) {
        assert_eq!(differing(ours.path(), plain.path()), Vec::<String>::new());
    }
}
