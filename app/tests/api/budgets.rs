//! What every use case costs the database of its module: its statements, its locks and its plans, in a committed file per use case and
//! engine (budgets/; auth has folders of its own there). A new round trip, a lock that was not taken before or an index that is no longer used shows as a difference.
//!
//! The statements are those of a kitchen with a few rows (statements are the same text for any number of lines); their plans are made
//! beside twenty other tenants with thousands of movements (support/representative.rs). On another version of Postgres than that of CI plans
//! differ, and only the statements are compared.
//!
//! Beside that rules hold for every plan and every statement, whatever the files say ([`rules`]).

mod auth;
mod mail;
mod rules;
mod use_cases;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use larder::module::Module;
use sea_orm::DatabaseConnection;
use similar::TextDiff;

use crate::faults::USE_CASES;
use crate::support::contract::Operation;
use crate::support::statements::{Sent, sent};
use crate::support::tables::{run, tables, texts};
use crate::support::trial::{Bench, Prepare};
use crate::support::wire::Text;
use crate::support::{Call, Engine, plans, representative, sql, variable};
use crate::tenant_keys::tables_by_tenant;
use rules::Rules;
use use_cases::OTHERS;

/// What is sent again under its key, and answered again.
const REPLAYED: [&str; 2] = ["waste", "receipt"];

/// What the use cases of a module send, and which of its operations none of them is about.
struct Collected {
    all: Vec<(String, Sent)>,
    without: BTreeSet<String>,
}

impl Collected {
    fn nothing(bench: &Bench, scope: &str) -> Self {
        let operations = bench.api().contract().operations();
        Self { all: Vec::new(), without: operations.iter().filter(|operation| operation.path.starts_with(scope)).map(name).collect() }
    }

    /// Adds what a use case sends; answers the request.
    async fn add(&mut self, bench: &Bench, use_case: &str, prepare: impl AsyncFn() -> Call) -> Call {
        let (request, sent) = settled(bench, use_case, prepare).await;
        self.without.remove(&name(request.operation().expect("an operation")));
        self.all.push((use_case.to_owned(), sent));
        request
    }

    async fn add_all(&mut self, bench: &Bench, use_cases: impl Iterator<Item = &(&'static str, Prepare)>) {
        for (use_case, prepare) in use_cases {
            let prepare = async || {
                bench.clear().await;
                prepare(bench.kitchen()).await
            };
            let request = self.add(bench, use_case, prepare).await;
            if REPLAYED.contains(use_case) {
                self.all.push((format!("{use_case}, sent again"), sent(bench, use_case, request).await));
            }
        }
    }

    /// All of it, once every operation has a use case.
    fn complete(self) -> Vec<(String, Sent)> {
        assert!(self.without.is_empty(), "operations without a budget: {:#?}", self.without);
        self.all
    }
}

fn name(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

/// A request, and what it sends. What the program does of its own accord may come in between, and what it remembers of who is calling may be there or not: what is
/// sent twice in succession counts.
async fn settled(bench: &Bench, use_case: &str, prepare: impl AsyncFn() -> Call) -> (Call, Sent) {
    const TRIES: usize = 6;
    let texts = |sent: &Sent| sent.trips.iter().flatten().map(|text| text.sql.clone()).collect::<Vec<_>>();
    let request = prepare().await;
    let mut last = sent(bench, use_case, request.clone()).await;
    if bench.is_of_inventory() {
        return (request, last);
    }
    for _ in 1..TRIES {
        let request = prepare().await;
        let next = sent(bench, use_case, request.clone()).await;
        if texts(&next) == texts(&last) {
            return (request, next);
        }
        last = next;
    }
    panic!("{use_case} sends something else each time: {:#?}", texts(&last));
}

/// The plans of statements, each asked for once.
struct Planner<'a> {
    database: &'a DatabaseConnection,
    plans: BTreeMap<String, Vec<String>>,
}

impl Planner<'_> {
    async fn plan(&mut self, text: &Text) -> Vec<String> {
        if !self.plans.contains_key(&text.sql) {
            self.plans.insert(text.sql.clone(), plans::plan(self.database, text).await);
        }
        self.plans[&text.sql].clone()
    }
}

/// The file of one use case.
async fn written(engine: Engine, name: &str, sent: &Sent, tables: &[String], planner: &mut Planner<'_>) -> String {
    let statements: usize = sent.trips.iter().map(Vec::len).sum();
    let trips = if engine == Engine::Postgres { format!(", round trips: {}", sent.trips.len()) } else { String::new() };
    let mut file = format!("-- {name}\n-- statements: {statements}{trips}\n");
    for held in &sent.held {
        let _ = writeln!(file, "-- held at COMMIT: {held}");
    }
    for (trip, texts) in sent.trips.iter().enumerate() {
        for (place, text) in texts.iter().enumerate() {
            let number = if texts.len() == 1 { format!("{}", trip + 1) } else { format!("{}.{}", trip + 1, place + 1) };
            let locks = sql::locks(&text.sql, tables).join("; ");
            let _ = writeln!(file, "\n-- {number}{}{locks}", if locks.is_empty() { "" } else { ": " });
            let types = plans::type_names(planner.database, &text.types).await;
            if !types.is_empty() {
                let types: Vec<_> = types.iter().enumerate().map(|(place, name)| format!("${} {name}", place + 1)).collect();
                let _ = writeln!(file, "-- {}", types.join(", "));
            }
            let _ = writeln!(file, "{};", sql::in_lines(&text.sql));
            for line in planner.plan(text).await {
                let _ = writeln!(file, "{PLAN} {line}");
            }
        }
    }
    file
}

/// What a line of a plan begins with.
const PLAN: &str = "-->";

fn folder(module: Module, engine: Engine) -> PathBuf {
    let (name, budgets) = (if engine == Engine::Postgres { "postgres" } else { "sqlite" }, Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/budgets"));
    if module == Module::Auth { budgets.join("auth").join(name) } else { budgets.join(name) }
}

fn file_name(use_case: &str) -> String {
    format!("{}.sql", use_case.replace(", ", "_").replace(' ', "_"))
}

fn without_plans(file: &str) -> String {
    file.split_inclusive('\n').filter(|line| !line.starts_with(PLAN)).collect()
}

/// Writes the files where that is asked for; answers how they differ else.
fn differences(module: Module, engine: Engine, files: &BTreeMap<String, String>, with_plans: bool) -> String {
    let folder = folder(module, engine);
    std::fs::create_dir_all(&folder).expect("a folder");
    let committed = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> = committed.chain(files.keys().cloned()).collect();
    let mut differences = String::new();
    for name in names {
        let path = folder.join(&name);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let new = files.get(&name).cloned().unwrap_or_default();
        if variable("UPDATE_BUDGETS").is_some() {
            if new.is_empty() {
                std::fs::remove_file(&path).expect("removed")
            } else {
                std::fs::write(&path, new).expect("written")
            }
            continue;
        }
        let (old, new) = if with_plans { (old, new) } else { (without_plans(&old), without_plans(&new)) };
        if old != new {
            let diff = TextDiff::from_lines(&old, &new);
            let _ = writeln!(differences, "{}", diff.unified_diff().context_radius(4).header(&format!("committed {name}"), &format!("sent {name}")));
        }
    }
    differences
}

/// Whether plans are those of CI: of Debian 12.
async fn plans_are_compared(database: &DatabaseConnection, engine: Engine) -> bool {
    const VERSION: &str = "15";
    if engine == Engine::Sqlite {
        return true;
    }
    let version = texts(database, "SHOW server_version").await.remove(0);
    let is_that = version.split('.').next() == Some(VERSION);
    if !is_that {
        println!("Postgres {version}: its plans are not compared, those of {VERSION} are committed");
        assert!(variable("UPDATE_BUDGETS").is_none(), "UPDATE_BUDGETS takes plans, and those of Postgres {VERSION}; this is {version}");
    }
    is_that
}

async fn hold(engine: Engine) {
    let Some(bench) = Bench::open(engine, None).await else { return };
    let mut collected = Collected::nothing(&bench, "/v1/inventory/");
    collected.add_all(&bench, USE_CASES.iter().chain(OTHERS)).await;
    let (tables, _) = tables_by_tenant(bench.database()).await;
    let rules = Rules::new(engine, &tables);
    compare(Module::Inventory, engine, bench, &collected.complete(), &tables, Some(rules)).await;
}

/// Auth has no rules for plans: what it asks is of one user, one session or one tenant, of which there are few rows.
async fn hold_auth(engine: Engine) {
    let Some(bench) = Bench::on(Module::Auth, engine, None).await else { return };
    let mut collected = Collected::nothing(&bench, "/v1/auth/");
    collected.add_all(&bench, auth::USE_CASES.iter()).await;
    mail::add(&mut collected, engine).await;
    let tables = tables(bench.database()).await.into_iter().filter(|table| !FEW.contains(&table.as_str())).collect::<Vec<_>>();
    compare(Module::Auth, engine, bench, &collected.complete(), &tables, None).await;
}

/// Tables that tell of the schema and the installation: a few rows each, which are there.
const FEW: [&str; 5] = ["_larder_migrations", "instance", "larder_module", "seaql_migrations", "signing_key"];

async fn compare(module: Module, engine: Engine, bench: Bench, all: &[(String, Sent)], tables: &[String], mut rules: Option<Rules<'_>>) {
    bench.clear().await;
    let database = bench.database();
    if engine == Engine::Postgres {
        run(database, "DROP SCHEMA pristine CASCADE").await;
    }
    representative::fill(database, tables, &tables.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut planner = Planner { database, plans: BTreeMap::new() };
    let mut files = BTreeMap::new();
    for (name, sent) in all {
        files.insert(file_name(name), written(engine, name, sent, tables, &mut planner).await);
        for text in sent.trips.iter().flatten() {
            if let Some(rules) = &mut rules {
                rules.look_at(name, &text.sql, &planner.plan(text).await);
            }
        }
    }
    let with_plans = plans_are_compared(database, engine).await;
    let differences = differences(module, engine, &files, with_plans);
    bench.close().await;
    println!("{} use cases, {} statements", all.len(), number_of_statements(&files));
    if let Some(rules) = rules {
        rules.hold();
    }
    assert!(
        differences.is_empty(),
        "{differences}\nThese budgets differ. Where that is meant, write them anew, and commit them:\n\
         UPDATE_BUDGETS=1 scripts/test budgets"
    );
}

fn number_of_statements(files: &BTreeMap<String, String>) -> usize {
    files.values().map(|file| without_plans(file).lines().filter(|line| line.ends_with(';')).count()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_case_keeps_to_its_budget_and_no_plan_breaks_a_rule_sqlite() {
    hold(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_case_keeps_to_its_budget_and_no_plan_breaks_a_rule_on_postgres() {
    hold(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_case_of_auth_keeps_to_its_budget_sqlite() {
    hold_auth(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_case_of_auth_keeps_to_its_budget_on_postgres() {
    hold_auth(Engine::Postgres).await;
}
