//! `larder db`, run as the program that people run. One file for each command.

/// Makes two tests of one function: on SQLite and on Postgres.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($engine:ident: Engine) $body:block)+) => {
        $(mod $name {
            use super::*;

            async fn test($engine: Engine) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(Engine::Postgres).await;
            }
        })+
    };
}

mod deploy;
mod down;
mod drift;
mod plan;
mod repair;
mod schema_tools;
mod seed;
mod status;
pub mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use larder::module::Module;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::Value;

use crate::support::place::Place;
use crate::support::postgres::Pair;
use crate::support::process::Ended;
use crate::support::{Engine, connect};

/// What each database has of its own, and no copy has of another.
const OF_ITS_OWN: [&str; 3] = ["seaql_migrations", "_larder_migrations", "larder_module"];

/// Databases of both modules that nobody has migrated, on one engine, and a place to run the program on them.
pub struct Ground {
    pub place: Place,
    pub pair: Option<Pair>,
}

impl Ground {
    /// `None` where there is no Postgres and nobody demanded one.
    pub async fn empty(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(Self { place: Place::new(&[]), pair: None }),
            Engine::Postgres => Some(Self::on(Pair::make_empty().await?)),
        }
    }

    fn on(pair: Pair) -> Self {
        Self { place: Place::on(&pair).with_owners(&pair), pair: Some(pair) }
    }

    /// The same, deployed.
    pub async fn deployed(engine: Engine) -> Option<Self> {
        if engine == Engine::Postgres {
            return Some(Self::on(Pair::make().await?));
        }
        let ground = Self::empty(engine).await?;
        ground.run(&["deploy"]).is(0);
        Some(ground)
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.place.run(&[&["db"], arguments].concat())
    }

    pub fn file(&self, module: Module) -> std::path::PathBuf {
        self.place.path(&format!("data/{module}.db"))
    }

    /// Of a user who may do anything.
    pub fn url(&self, module: Module) -> String {
        match (&self.pair, module) {
            (None, module) => format!("sqlite://{}", self.file(module).display()),
            (Some(pair), Module::Auth) => pair.auth.admin_url(),
            (Some(pair), Module::Inventory) => pair.inventory.admin_url(),
        }
    }

    pub async fn connect(&self, module: Module) -> DatabaseConnection {
        connect(&self.url(module)).await
    }

    pub async fn execute(&self, module: Module, sql: &str) {
        let database = self.connect(module).await;
        execute(&database, sql).await;
        database.close().await.expect("closed");
    }

    /// What a query answers, of one row.
    pub async fn text(&self, module: Module, sql: &str) -> String {
        let database = self.connect(module).await;
        let text = texts(&database, sql).await.pop().expect("a row");
        database.close().await.expect("closed");
        text
    }

    /// Runs a script of `larder db plan` as somebody does by hand.
    pub fn run_by_hand(&self, module: Module, script: &str) {
        let mut command = match (&self.pair, module) {
            (Some(pair), module) => {
                let mut psql = Command::new("psql");
                let url = if module == Module::Auth { pair.auth.owner_url() } else { pair.inventory.owner_url() };
                psql.args([&url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]);
                psql
            }
            (None, module) => {
                std::fs::create_dir_all(self.place.path("data")).expect("a folder");
                let mut sqlite = Command::new("sqlite3");
                sqlite.arg("-bail").arg(self.file(module));
                sqlite
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("psql and sqlite3 are installed");
        child.stdin.take().expect("stdin").write_all(script.as_bytes()).expect("the script");
        assert!(child.wait().expect("an end").success());
    }

    /// The script of `larder db plan` for an empty database.
    pub fn script(&self, module: Module) -> String {
        let plan = self.run(&["plan", "--from", "empty", "--db", module.name()]);
        plan.is(0);
        plan.stdout
    }

    pub async fn remove(self) {
        if let Some(pair) = self.pair {
            pair.remove().await;
        }
    }
}

impl Ended {
    /// Fails with all that was said where the exit code is another.
    #[track_caller]
    pub fn is(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The same, and what it says has a text.
    #[track_caller]
    pub fn says(&self, code: i32, text: &str) -> &Self {
        self.is(code);
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in\n{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

pub async fn execute(database: &DatabaseConnection, sql: &str) {
    database.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The first column of a query, as text.
pub async fn texts(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// The tables of a module.
pub async fn catalogue(database: &DatabaseConnection) -> BTreeSet<String> {
    let sql = match database.get_database_backend() {
        DbBackend::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
        _ => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    texts(database, sql).await.into_iter().filter(|table| !OF_ITS_OWN.contains(&table.as_str())).collect()
}

/// Every row of every table, to the letter that the engine has stored.
pub async fn dump(database: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
    let mut dump = BTreeMap::new();
    for table in catalogue(database).await {
        let row = match database.get_database_backend() {
            DbBackend::Postgres => "t::text".to_owned(),
            _ => {
                let columns = texts(database, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
                columns.iter().map(|column| format!("quote(\"{column}\")")).collect::<Vec<_>>().join(" || '|' || ")
            }
        };
        let rows = texts(database, &format!("SELECT {row} FROM \"{table}\" AS t ORDER BY 1")).await;
        dump.insert(table, rows);
    }
    dump
}

pub fn migrations_of_both() -> Vec<String> {
    Module::ALL.into_iter().flat_map(Module::migrations).collect()
}
