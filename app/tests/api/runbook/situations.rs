//! What is so before a block of the runbook is run: `<!-- test: … -->`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use super::scenario::{Scenario, list, root};
use crate::db::{execute, texts};
use crate::support::patience::HANGS;
use crate::support::process::{Process, command};
use crate::support::{Engine, connect};

pub const LAST: &str = "m20261128_000010_remember_the_last_document";
pub const LATER: &str = "m99990101_000001_later";
const CATALOGUE: &str = "m20261125_000002_create_catalogue";
/// The migration of the documents refers to locations.
const BUSY: &str = "LOCK TABLE location IN ROW EXCLUSIVE MODE";
/// The backends of a deploy, and those of them that wait for a lock.
const DEPLOYING: &str = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'larder db'";
const WAITING: &str = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'larder db' AND wait_event_type = 'Lock'";

/// What a preparation keeps up until the next one, or the next heading.
#[derive(Default)]
pub struct Held {
    pub server: Option<Process>,
    transaction: Option<(DatabaseConnection, DatabaseTransaction)>,
    pub process: Option<Child>,
}

impl Scenario {
    pub async fn prepare(&mut self, name: &str, rows: &[Vec<String>]) {
        let on_postgres = self.engine == Engine::Postgres;
        match name {
            "take the new migration away, as the program was built without it" => self.take_the_new_migration_away(),
            "a pending migration" => self.revert(1),
            "an empty inventory database" => self.empty(&["inventory"]),
            "the server runs" => self.serve(),
            "the server runs, and somebody is logged in" => {
                self.serve();
                self.log_in().await;
            }
            "each row is a start that is refused" => self.refused_starts(rows).await,
            "each row is a wrong URL" => self.wrong_urls(rows).await,
            "a table that is in the way of a migration" => {
                self.revert(8);
                self.sql("CREATE TABLE document (id int)").await;
            }
            "a deploy that was killed" => self.kill_a_deploy().await,
            "somebody who holds the lock" => self.hold_the_lock().await,
            "a migration that was edited after it was applied" => {
                let sets = "checksum = 'another', sql = replace(sql, '\"sku\"', '\"code\"')";
                self.sql(&format!("UPDATE _larder_migrations SET {sets} WHERE version = '{CATALOGUE}'")).await;
            }
            "a database of a later version" => self.sql(&applied(LATER)).await,
            "the later version" => self.sql(&not_applied(LATER)).await,
            "a database without checksums" => self.sql("DROP TABLE _larder_migrations").await,
            "a database without a history" => self.sql("DROP TABLE seaql_migrations").await,
            "these servers have other ports" if on_postgres => self.export_the_superuser(),
            "an embedded installation, and two empty databases" if on_postgres => self.make_an_embedded_installation(),
            "somebody who holds a table that a migration needs" if on_postgres => self.hold_a_table().await,
            "an index that was left unfinished" if on_postgres => {
                let superuser = connect(&format!("{}/inventory", self.superuser("inventory").trim_end_matches("/postgres"))).await;
                execute(&superuser, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_document_last_seq'::regclass").await;
            }
            "these servers have other ports"
            | "an embedded installation, and two empty databases"
            | "somebody who holds a table that a migration needs"
            | "an index that was left unfinished" => {}
            name => panic!("nobody knows how to prepare {name:?}"),
        }
    }

    pub async fn let_go(&mut self) {
        let Held { server, transaction, process } = std::mem::take(&mut self.held);
        drop(server);
        if let Some((connection, transaction)) = transaction {
            // It may have been ended by the text.
            let _ = transaction.rollback().await;
            let _ = connection.close().await;
        }
        if let Some(mut process) = process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// A connection to the inventory database, as the role that owns it.
    async fn owner(&self) -> DatabaseConnection {
        connect(&self.owners_url()).await
    }

    fn owners_url(&self) -> String {
        match self.engine {
            Engine::Postgres => self.variables()["LARDER_MIGRATION_URL_INVENTORY"].clone(),
            Engine::Sqlite => format!("sqlite://{}", self.path("data/inventory.db").display()),
        }
    }

    pub async fn sql(&self, statement: &str) {
        let owner = self.owner().await;
        execute(&owner, statement).await;
        owner.close().await.expect("closed");
    }

    /// The superuser's URL of a module's server.
    pub fn superuser(&self, module: &str) -> String {
        let said = self.bash("scripts/dev-postgres superuser-env").output().expect("dev-postgres").stdout;
        let said = String::from_utf8_lossy(&said).replace('\\', "");
        let prefix = format!("export LARDER_TEST_POSTGRES_{}=", module.to_ascii_uppercase());
        said.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a URL").to_owned()
    }

    fn export_the_superuser(&self) {
        self.export("AUTH_SUPERUSER_URL", &self.superuser("auth"));
        let url = self.superuser("inventory");
        self.export("SUPERUSER_URL", &url);
        // The text leaves it out; starting servers for each command takes a while.
        self.export("LARDER_SHADOW_URL", &url);
    }

    /// Databases with nothing in them, and the rights that come with them.
    fn empty(&self, modules: &[&str]) {
        for module in modules {
            let script = match self.engine {
                Engine::Postgres => format!("psql --quiet '{}' -c 'DROP DATABASE {module} WITH (FORCE)'\nscripts/dev-postgres start", self.superuser(module)),
                Engine::Sqlite => format!("rm -f data/{module}.db data/{module}.db-wal data/{module}.db-shm"),
            };
            let ended = self.bash(&script).output().expect("bash");
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        }
    }

    fn take_the_new_migration_away(&self) {
        let folder = self.path("migration/inventory/src");
        let added: Vec<_> = list(&folder).into_iter().filter(|file| file.to_string_lossy().ends_with("_add_lot_origin.rs")).collect();
        let [added] = added.as_slice() else { panic!("one new migration, not {added:?}") };
        let name = added.file_stem().expect("a name").to_string_lossy().into_owned();
        let entered = std::fs::read_to_string(folder.join("lib.rs")).expect("the list");
        assert_eq!(entered.matches(&name).count(), 4, "{entered}");
        std::fs::remove_file(added).expect("removed");
        std::fs::copy(root().join("migration/inventory/src/lib.rs"), folder.join("lib.rs")).expect("copied");
    }

    fn make_an_embedded_installation(&self) {
        self.empty(&["auth", "inventory"]);
        let seed = command(&self.path(""), &["db", "seed", "--set", "demo"], []).output().expect("the program");
        assert!(seed.status.success() && self.path("data/auth.db").exists(), "{}", String::from_utf8_lossy(&seed.stderr));
    }

    fn serve(&mut self) {
        let variables = self.variables();
        let server = Process::serve(&self.path(""), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.export("URL", &server.address);
        self.held.server = Some(server);
    }

    async fn log_in(&self) {
        let address = &self.held.server.as_ref().expect("a server").address;
        let body = json!({ "email": larder::demo::EMAIL, "password": larder::demo::PASSWORD });
        let answer = reqwest::Client::new().post(format!("{address}/v1/auth/login")).json(&body).send().await.expect("an answer");
        let answer: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        self.export("TOKEN", answer["access_token"].as_str().expect("a token"));
    }

    /// Takes back the last migrations of inventory.
    fn revert(&self, steps: usize) {
        self.done(&["db", "deploy"]);
        self.done(&["db", "down", "--db", "inventory", "--yes", "--steps", &steps.to_string()]);
    }

    /// In the middle of a migration on Postgres; on SQLite before its one transaction is through.
    async fn kill_a_deploy(&self) {
        self.revert(8);
        let owner = self.owner().await;
        let held = owner.begin().await.expect("a transaction");
        let statement = if self.engine == Engine::Postgres { BUSY } else { "UPDATE larder_module SET name = name" };
        held.execute_unprepared(statement).await.expect("held");
        let mut deploy = self.command(&["db", "deploy"], &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        if self.engine == Engine::Postgres {
            let superuser = connect(&self.superuser("inventory")).await;
            until(async || !texts(&superuser, WAITING).await.is_empty()).await;
            deploy.kill().expect("killed");
            held.rollback().await.expect("let go");
            // The server notices once the statement is through.
            until(async || texts(&superuser, DEPLOYING).await.is_empty()).await;
        } else {
            tokio::time::sleep(Duration::from_millis(300)).await;
            deploy.kill().expect("killed");
            held.rollback().await.expect("let go");
        }
        deploy.wait().expect("its end");
    }

    pub async fn hold_the_lock(&mut self) {
        let holder = if self.engine == Engine::Postgres {
            let connection = connect(&format!("{}?application_name=larder%20db", self.owners_url())).await;
            let held = connection.begin().await.expect("a transaction");
            let holder = first(&held, "SELECT pg_backend_pid()::text FROM pg_advisory_xact_lock(x'6c6172646572'::bigint)").await;
            self.held.transaction = Some((connection, held));
            holder
        } else {
            let mut process = Command::new("sqlite3");
            process.arg(self.path("data/inventory.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = process.spawn().expect("sqlite3");
            process.stdin.as_mut().expect("stdin").write_all(b"BEGIN IMMEDIATE;\n.print held\n").expect("written");
            let mut said = String::new();
            BufReader::new(process.stdout.as_mut().expect("stdout")).read_line(&mut said).expect("read");
            assert_eq!(said, "held\n");
            let holder = process.id().to_string();
            self.held.process = Some(process);
            holder
        };
        self.export("HOLDER", &holder);
    }

    /// As the server would.
    async fn hold_a_table(&mut self) {
        self.revert(8);
        let server = connect(&self.variables()["INVENTORY_DATABASE_URL"]).await;
        let held = server.begin().await.expect("a transaction");
        held.execute_unprepared(BUSY).await.expect("held");
        self.export("HOLDER", &first(&held, "SELECT pg_backend_pid()::text").await);
        self.held.transaction = Some((server, held));
    }
}

pub fn applied(name: &str) -> String {
    format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', 1)")
}

pub fn not_applied(name: &str) -> String {
    format!("DELETE FROM seaql_migrations WHERE version = '{name}'")
}

/// The first column of the first row.
async fn first(transaction: &DatabaseTransaction, sql: &str) -> String {
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.expect("an answer");
    row.expect("a row").try_get_by_index(0).expect("a text")
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + HANGS;
    while !is_so().await {
        assert!(Instant::now() < give_up, "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
