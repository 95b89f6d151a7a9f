//! `larder db seed`: made-up data that stays.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::demo;
use rand::RngExt as _;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;

use crate::db::dump;
use crate::support::patience::HANGS;
use crate::support::process::{Ended, Process, command, run};
use crate::support::{Api, Engine, Stores};

const SEED: [&str; 4] = ["db", "seed", "--set", "demo"];

type Dump = BTreeMap<String, Vec<String>>;

fn seed(stores: &Stores, more: &[(&str, &str)]) -> Ended {
    let mut variables = stores.variables();
    variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    run(stores.folder().path(), &SEED, variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

#[track_caller]
fn done(ended: Ended) -> String {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout
}

#[track_caller]
fn refused(ended: &Ended, why: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
}

async fn both(stores: &Stores) -> [Dump; 2] {
    let (auth, inventory) = stores.connect().await;
    let dumps = [dump(&auth).await, dump(&inventory).await];
    auth.close().await.expect("closed");
    inventory.close().await.expect("closed");
    dumps
}

/// The ids of all rows that have one, by table; those of the installation's own keys are random and must be.
async fn ids(stores: &Stores) -> BTreeMap<String, Vec<String>> {
    let (auth, inventory) = stores.connect().await;
    let mut ids = BTreeMap::new();
    for database in [&auth, &inventory] {
        for table in ["user", "tenant", "membership", "session", "audit_event", "unit", "item", "item_unit", "location", "reason", "document", "lot"] {
            if let Some(found) = of_table(database, table).await {
                ids.insert(table.to_owned(), found);
            }
        }
    }
    auth.close().await.expect("closed");
    inventory.close().await.expect("closed");
    ids
}

async fn of_table(database: &DatabaseConnection, table: &str) -> Option<Vec<String>> {
    let id = if kernel::database::is_postgres(database) { "replace(id::text, '-', '')" } else { "lower(hex(id))" };
    let sql = format!("SELECT {id} FROM \"{table}\" ORDER BY 1");
    let rows = database.query_all_raw(sea_orm::Statement::from_string(database.get_database_backend(), sql)).await.ok()?;
    Some(rows.iter().map(|row| row.try_get_by_index(0).expect("an id")).collect())
}

/// How many rows there are by table.
fn sizes(dumps: &[Dump; 2]) -> BTreeMap<&str, usize> {
    dumps.iter().flatten().map(|(table, rows)| (table.as_str(), rows.len())).collect()
}

/// What every installation is seeded with.
async fn clean() -> (BTreeMap<String, Vec<String>>, [Dump; 2]) {
    let stores = Stores::make(Engine::Sqlite).await.expect("files");
    done(seed(&stores, &[]));
    (ids(&stores).await, both(&stores).await)
}

on_both! {
    async fn a_second_run_changes_nothing_and_every_id_is_that_of_any_other_installation(engine: Engine) {
        let Some(stores) = Stores::make(engine).await else { return };
        let stores = Arc::new(stores);
        let said = done(seed(&stores, &[]));
        assert!(said.contains("received R-000001: six lines") && said.contains(demo::PASSWORD), "{said}");
        let once = both(&stores).await;
        // All of the story is there, and no stored answer, which could be forgotten.
        let size = sizes(&once);
        assert_eq!((size["item"], size["item_unit"], size["document"], size["ledger_entry"], size["idempotency"]), (8, 7, 3, 10, 0));
        assert_eq!(done(seed(&stores, &[])), "everything is there already; nothing was changed\n");
        assert_eq!(both(&stores).await, once);
        let (clean_ids, _) = clean().await;
        assert_eq!(ids(&stores).await, clean_ids);

        // Whoever works in the kitchen goes on from there, and a further run leaves that alone.
        let variables = stores.variables();
        let serve = || Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let process = serve();
        let api = Api::of_process(stores.clone(), &process).await;
        let log_in = json!({ "email": demo::EMAIL, "password": demo::PASSWORD });
        let tokens = api.post("/v1/auth/login", log_in).await.ok(200);
        let owner = crate::support::Client::of(&api, &tokens);
        let stock = owner.get("/v1/inventory/stock").await.ok(200);
        assert_eq!(stock["data"].as_array().map(Vec::len), Some(8));
        let lines = json!([{ "sku": "EGGS", "quantity": "180", "reason": "other", "stage": "storage" }]);
        owner.post("/v1/inventory/waste", json!({ "location": "main/walk-in", "lines": lines })).await.ok(201);
        let item = stock["data"][0]["item_id"].as_str().expect("an id").to_owned();
        owner.patch(&format!("/v1/inventory/items/{item}"), Some(1), json!({ "name": "Renamed" })).await.ok(200);
        drop(process);
        let worked = both(&stores).await;
        assert_eq!(done(seed(&stores, &[])), "everything is there already; nothing was changed\n");
        assert_eq!(both(&stores).await, worked);
        stores.remove().await;
    }
}

/// Seeds until both databases are open, and then for so long; answers how long that was.
fn seed_for(stores: &Stores, time: Duration) -> Duration {
    let variables = stores.variables();
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut seeding = command(stores.folder().path(), &SEED, variables).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
    let log = BufReader::new(seeding.stderr.take().expect("a log"));
    let opened = log.lines().map_while(Result::ok).find(|line| line.contains("database opened") && line.contains("inventory"));
    assert!(opened.is_some(), "the databases were not opened");
    let begun = Instant::now();
    while begun.elapsed() < time && seeding.try_wait().expect("a status").is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = seeding.kill();
    seeding.wait().expect("an end");
    begun.elapsed()
}

/// Which part of its work a kill has met.
enum Cut {
    /// None: it had done nothing.
    Before,
    Within,
    /// None: it was through.
    After,
}

/// Seeds for so long and then once more, and holds what is there to what every installation has.
async fn cut_after(engine: Engine, time: Duration, (clean_ids, clean_dump): &(BTreeMap<String, Vec<String>>, [Dump; 2])) -> Cut {
    let stores = Stores::make(engine).await.expect("databases");
    seed_for(&stores, time);
    let said = done(seed(&stores, &[]));
    assert_eq!(ids(&stores).await, *clean_ids);
    assert_eq!(sizes(&both(&stores).await), sizes(clean_dump));
    stores.remove().await;
    match (said.contains("set up the kitchen of"), said.contains("log in as")) {
        (true, _) => Cut::Before,
        (false, true) => Cut::Within,
        (false, false) => Cut::After,
    }
}

on_both! {
    async fn killed_at_any_moment_and_run_again_it_is_as_if_run_once(engine: Engine) {
        const KILLS: u32 = 16;
        let clean = clean().await;
        let Some(stores) = Stores::make(engine).await else { return };
        let whole = seed_for(&stores, HANGS);
        stores.remove().await;
        let mut interrupted = 0;
        for kill in 0..KILLS {
            // Somewhere in each part of the time.
            let part = whole / KILLS;
            let cut = cut_after(engine, part * kill + part.mul_f64(rand::rng().random_range(0.0..1.0)), &clean).await;
            interrupted += u32::from(matches!(cut, Cut::Within));
        }
        // No part met the story: what each kill met says where it must lie, until a machine that is now quicker, now slower has moved it.
        let (mut early, mut late, mut more) = (Duration::ZERO, whole * 2, 0);
        while interrupted == 0 {
            more += 1;
            assert!(more < 200, "no kill was in the middle of the story");
            let middle = (early + late) / 2;
            match cut_after(engine, middle, &clean).await {
                Cut::Before => early = middle,
                Cut::Within => interrupted += 1,
                Cut::After => late = middle,
            }
            if late < early + Duration::from_millis(1) {
                (early, late) = (Duration::ZERO, whole * 2);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_of_the_kitchen_is_added_with_the_same_ids_sqlite() {
    let (clean_ids, _) = clean().await;
    let stores = Stores::make(Engine::Sqlite).await.expect("files");
    done(seed(&stores, &[]));
    // As after a kill between the two databases: nothing of the kitchen is in inventory.
    for file in ["inventory.db", "inventory.db-wal", "inventory.db-shm"] {
        let _ = std::fs::remove_file(stores.folder().path().join(file));
    }
    let said = done(seed(&stores, &[]));
    assert!(!said.contains("set up the kitchen of") && said.contains("received R-000001"), "{said}");
    assert_eq!(ids(&stores).await, clean_ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_refused_where_it_would_do_harm_or_nothing_sqlite() {
    let stores = Arc::new(Stores::make(Engine::Sqlite).await.expect("files"));
    let folder = stores.folder().path();
    let url = |name: &str| format!("sqlite://{}", folder.join(name).display());
    let (auth, inventory) = (url("auth.db"), url("inventory.db"));
    let production = [("LARDER_MODE", "production"), ("AUTH_DATABASE_URL", auth.as_str()), ("INVENTORY_DATABASE_URL", inventory.as_str())];
    refused(&seed(&stores, &production), "production mode refuses made-up data");
    refused(&seed(&stores, &[("USE_IN_MEMORY_REPOSITORIES", "true")]), "larder demo");
    let variables = stores.variables();
    let unknown = run(folder, &["db", "seed", "--set", "demos"], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    refused(&unknown, "there is no set `demos`; there is demo");
    let half = run(folder, &["db", "seed", "--set", "demo", "--db", "auth"], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    refused(&half, "leave --db away");
    assert!(!folder.join("auth.db").exists());

    let process = Process::serve(folder, &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Api::of_process(stores.clone(), &process).await.owner().await;
    drop(process);
    let before = both(&stores).await;
    refused(&seed(&stores, &[]), "set up already, by somebody else");
    assert_eq!(both(&stores).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_migrations_of_postgres_are_left_to_a_deploy() {
    let Some(pair) = crate::support::postgres::Pair::make_empty().await else { return };
    let stores = Stores::Postgres(tempfile::tempdir().expect("a folder"), Box::new(pair));
    let ended = seed(&stores, &[]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("larder db deploy --db auth"), "{}", ended.stderr);
    stores.remove().await;
}
