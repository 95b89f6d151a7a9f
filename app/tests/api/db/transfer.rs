//! `larder db transfer`: one module's database, moved to another engine.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::copy::{Table, Unequal};
use kernel::{Clock, Ids};
use larder::Surroundings;
use larder::module::Module;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use crate::db::{catalogue, dump, texts};
use crate::support::authenticator::Enrolled;
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, waste_body};
use crate::support::mailbox::{Mailbox, Mood};
use crate::support::postgres::Pair;
use crate::support::process::{Ended, Process, command, run};
use crate::support::{Api, Client, Engine, OWNER_EMAIL, PASSWORD, Stores, connect, fixed_clock, try_connect};

fn tables(module: Module) -> Vec<Box<dyn Table>> {
    match module {
        Module::Auth => auth::transfer::tables(),
        Module::Inventory => inventory::transfer::tables(),
    }
}

/// A database as `larder db transfer` and as the test itself names it.
struct Place {
    url: String,
    own: String,
}

impl Place {
    fn file(path: &Path) -> Self {
        let url = format!("sqlite://{}", path.display());
        Self { own: url.clone(), url }
    }

    async fn connect(&self) -> DatabaseConnection {
        connect(&self.own).await
    }
}

/// The places of a pair's databases, as the role that owns them.
fn places(pair: &Pair) -> [Place; 2] {
    [&pair.auth, &pair.inventory].map(|base| Place { url: base.owner_url(), own: base.admin_url() })
}

fn of_stores(stores: &Stores) -> [Place; 2] {
    match stores {
        Stores::Sqlite(folder) => ["auth.db", "inventory.db"].map(|name| Place::file(&folder.path().join(name))),
        Stores::Postgres(_, pair) => places(pair),
    }
}

fn arguments<'a>(module: Module, from: &'a str, to: &'a str) -> [&'a str; 8] {
    ["db", "transfer", "--from", from, "--to", to, "--db", module.name()]
}

fn transfer(folder: &Path, module: Module, from: &Place, to: &Place) -> Ended {
    run(folder, &arguments(module, &from.url, &to.url), [])
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

async fn start(stores: &Arc<Stores>) -> Api {
    Api::start(stores.clone(), &[], Surroundings { clock: fixed_clock(), ids: Ids::System }).await
}

/// An installation with rows in every table.
async fn lived_in(stores: &Arc<Stores>) {
    let api = start(stores).await;
    let kitchen = Kitchen::open(&api).await;
    let site = kitchen.site["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let staff = api.member("staff", Some(&[site])).await;
    kitchen.item("MILK", json!({ "base_unit": "ml", "shelf_life_days": 10 })).await;
    let eggs = kitchen.item("EGGS", json!({ "name": "Œufs 🥚 d'or, \"frais\"" })).await;
    // More stored answers than are copied at a time.
    for number in 0..20 {
        kitchen.item(&format!("SPICE-{number}"), json!({})).await;
    }
    let tray = json!({ "unit": "tray", "quantity": "30", "of": "each" });
    kitchen.owner.post(&format!("/v1/inventory/items/{}/units", eggs["id"].as_str().expect("an id")), tray).await.ok(201);
    let lines = json!([{ "sku": "MILK", "quantity": "12", "unit": "l", "unit_price": "0.95" }, { "sku": "EGGS", "quantity": "7", "unit": "tray", "line_total": "31.337" }]);
    let charges = json!([{ "label": "delivery", "amount": "6.01", "basis": "value" }]);
    let receipt = json!({ "location": WALK_IN, "effective_at": "2026-11-24T23:59:59.999999Z", "external_ref": "Nº 7", "note": "a\nb", "lines": lines, "charges": charges });
    kitchen.owner.post("/v1/inventory/receipts", receipt).await.ok(201);
    staff.post("/v1/inventory/waste", waste_body(json!([{ "sku": "EGGS", "quantity": "11" }, { "sku": "MILK", "quantity": "0.001" }]))).await.ok(201);
    let below = format!("/v1/auth/tenants/{}", kitchen.owner.tenant_id);
    let invite = json!({ "email": "tom@example.org", "role": "staff", "site_ids": [site] });
    kitchen.owner.post_without_key(&format!("{below}/invites"), invite).await.ok(201);
    let key = json!({ "name": "till", "scopes": ["read", "use_stock"], "site_ids": [site] });
    kitchen.owner.post_without_key(&format!("{below}/api-keys"), key).await.ok(201);
    // The throttle keeps what was charged for a while.
    api.post("/v1/auth/login", json!({ "email": "nobody@example.org", "password": "wrong" })).await.refused(401, "invalid_credentials");
    import(&kitchen, DRY_STORE, 1, 12).await;
    every_kind_of_movement(&kitchen).await;
    let member = staff.get("/v1/auth/me").await.ok(200)["membership_id"].as_str().expect("an id").to_owned();
    kitchen.owner.post_without_key(&format!("{below}/members/{member}/reset-link"), json!({})).await.ok(201);
    half_a_log_in(&api, &staff).await;
    api.stop().await;
    with_a_letter(stores).await;
}

/// Half a log-in of a member who has a second factor.
async fn half_a_log_in(api: &Api, member: &Client) {
    Enrolled::of(member).await;
    let email = member.get("/v1/auth/me").await.ok(200)["user"]["email"].clone();
    assert_eq!(api.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.ok(200)["mfa_required"], true);
}

/// A letter that the mail server does not take.
async fn with_a_letter(stores: &Arc<Stores>) {
    let mailbox = Mailbox::open().await;
    mailbox.becomes(Mood::Refuses);
    let variables = mailbox.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let api = Api::start(stores.clone(), &variables, Surroundings { clock: fixed_clock(), ids: Ids::System }).await;
    let owner = api.log_in(OWNER_EMAIL).await;
    let invite = json!({ "email": "ann@example.org", "role": "staff", "all_sites": true });
    owner.post_without_key(&format!("/v1/auth/tenants/{}/invites", owner.tenant_id), invite).await.ok(201);
    mailbox.begun(1).await;
    api.stop().await;
}

/// A document of every kind, and what is left behind by them.
pub async fn every_kind_of_movement(kitchen: &Kitchen) {
    let post = async |path: &str, body: Value| {
        let reply = kitchen.owner.post(&format!("/v1/inventory{path}"), body).await;
        assert!(reply.status == 200 || reply.status == 201, "{path}: {} {}", reply.status, reply.text);
        serde_json::from_str::<Value>(&reply.text).expect("JSON")
    };
    let id = |answer: &Value| answer["document"]["id"].as_str().expect("an id").to_owned();
    let line = |quantity: &str| json!({ "sku": "OIL", "quantity": quantity });
    let with = |quantity: &str, name: &str, value: &str| {
        let mut line = line(quantity);
        line[name] = value.into();
        line
    };
    kitchen.item("OIL", json!({ "opened_shelf_life_days": 3 })).await;
    kitchen.item("DRESSING", json!({})).await;
    let receipt = kitchen.receive_at("2026-11-23T12:00:00Z", json!([with("40", "line_total", "80")])).await;
    let period = post("/periods", json!({ "last_day": "2026-11-23" })).await;
    post(&format!("/periods/{}/close", period["id"].as_str().expect("an id")), json!({})).await;
    let plates = json!({ "description": "left on plates", "mass": "1.5", "mass_unit": "kg", "reason": "plate" });
    post("/waste", json!({ "location": WALK_IN, "lines": [plates] })).await;
    let used = post("/usage", json!({ "location": WALK_IN, "purpose": "donation", "recipient": "Food bank", "lines": [line("2")] })).await;
    post("/usage", json!({ "location": DRY_STORE, "purpose": "service", "on_short": "record", "lines": [line("1")] })).await;
    post("/adjustments", json!({ "location": WALK_IN, "lines": [with("-1", "reason", "missing"), with("+2", "reason", "found")] })).await;
    let mut returned = with("1", "reason", "quality");
    returned["credit"] = "1".into();
    post("/vendor-returns", json!({ "location": WALK_IN, "lines": [returned] })).await;
    let transfer = post("/transfers", json!({ "from_location": WALK_IN, "to_location": DRY_STORE, "lines": [line("6")] })).await;
    let path = format!("/transfers/{}", transfer["transfer"]["id"].as_str().expect("an id"));
    post(&format!("{path}/dispatch"), json!({})).await;
    post(&format!("{path}/receive"), json!({ "lines": [line("2")] })).await;
    let output = json!({ "sku": "DRESSING", "quantity": "3" });
    post("/transformations", json!({ "location": WALK_IN, "kind": "cook", "inputs": [line("2")], "outputs": [output] })).await;
    let lot = receipt["entries"][0]["lot_id"].as_str().expect("a lot");
    post(&format!("/lots/{lot}/open"), json!({ "location": WALK_IN, "quantity": "1" })).await;
    kitchen.owner.patch(&format!("/v1/inventory/lots/{lot}"), version(kitchen, lot).await, json!({ "status": "hold", "note": "smells" })).await.ok(200);
    kitchen.owner.patch(&format!("/v1/inventory/lots/{lot}"), version(kitchen, lot).await, json!({ "status": "ok" })).await.ok(200);
    post("/reservations", json!({ "location": WALK_IN, "sku": "OIL", "quantity": "2" })).await;
    post(&format!("/documents/{}/reverse", id(&used)), json!({ "reason": "typing_error" })).await;
    post(&format!("/receipts/{}/charges", id(&receipt)), json!({ "charges": [{ "label": "customs", "amount": "4", "basis": "value" }] })).await;
    post(&format!("/receipts/{}/correct", id(&receipt)), json!({ "line": 1, "quantity": "41", "line_total": "82" })).await;
    let count = post("/counts", json!({ "location": DRY_STORE })).await;
    let path = format!("/counts/{}", count["id"].as_str().expect("an id"));
    kitchen.owner.call("PUT", &format!("/v1/inventory{path}/lines")).json(&json!({ "lines": [line("1")] })).send().await.ok(200);
    post(&format!("{path}/post"), json!({})).await;
}

async fn version(kitchen: &Kitchen, lot: &str) -> Option<i64> {
    kitchen.owner.get(&format!("/v1/inventory/lots/{lot}")).await.ok(200)["version"].as_i64()
}

/// Opening stock: so many rows, each a lot of its own.
async fn import(kitchen: &Kitchen, location: &str, number: usize, rows: usize) {
    let mut file = "sku,quantity,unit_cost,batch_code\n".to_owned();
    for row in 0..rows {
        let _ = writeln!(file, "SKU{:03},{}.{:03},{}.{:02},B{number}-{row}", row % 500, 1 + row % 97, row % 1000, row % 13, row % 100);
    }
    let path = format!("/v1/inventory/imports/opening-stock?location={location}&create_items=true");
    let report = kitchen.owner.post_csv(&path, file).await.ok(201);
    assert_eq!(report["posted"].as_u64(), u64::try_from(rows).ok(), "{report}");
}

/// A SQLite installation with so many entries of the ledger. Its clock is the system's, as that of whoever looks at it later.
async fn with_entries(stores: &Arc<Stores>, entries: usize) {
    const FILE: usize = 20_000;
    let surroundings = Surroundings { clock: Clock::System, ids: Ids::System };
    let api = Api::start(stores.clone(), &[], surroundings).await;
    let mut kitchen = Kitchen::open(&api).await;
    for number in 0..entries.div_ceil(FILE) {
        // A token may be too old after the file before.
        kitchen.owner = api.owner().await;
        import(&kitchen, WALK_IN, number, FILE.min(entries - number * FILE)).await;
    }
    api.stop().await;
}

async fn sqlite() -> Arc<Stores> {
    Arc::new(Stores::make(Engine::Sqlite).await.expect("files"))
}

async fn count(database: &DatabaseConnection, table: &str) -> i64 {
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), format!("SELECT COUNT(*) FROM \"{table}\""))).await;
    row.expect("a count").expect("a row").try_get_by_index(0).expect("a number")
}

/// How many rows a database has in all tables that are transferred.
async fn rows(database: &DatabaseConnection) -> i64 {
    let mut rows = 0;
    for table in catalogue(database).await {
        rows += count(database, &table).await;
    }
    rows
}

const ENTRIES: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_of_100_000_entries_moves_from_files_to_postgres_and_is_served_from_there() {
    let Some(pair) = Pair::make_empty().await else { return };
    let from = sqlite().await;
    let begun = Instant::now();
    with_entries(&from, ENTRIES).await;
    println!("made in {:?}", begun.elapsed());

    // The server is set up for the new databases already: its roles are those that it will have.
    let to = Arc::new(Stores::Postgres(tempfile::tempdir().expect("a folder"), Box::new(pair)));
    let Stores::Postgres(_, pair) = &*to else { unreachable!() };
    let mut variables = to.variables();
    variables.insert("LARDER_MIGRATION_URL_AUTH".into(), pair.auth.owner_url());
    variables.insert("LARDER_MIGRATION_URL_INVENTORY".into(), pair.inventory.owner_url());
    let variables = || variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let [auth, inventory] = of_stores(&from);
    for (module, from, url) in [(Module::Auth, auth, pair.auth.app_url()), (Module::Inventory, inventory, pair.inventory.app_url())] {
        let begun = Instant::now();
        // A machine that is busy with other tests takes its time.
        let out = command(to.folder().path(), &arguments(module, &from.url, &url), variables()).output().expect("the program");
        let said = String::from_utf8(out.stdout).expect("a text");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        println!("{module} moved in {:?}", begun.elapsed());
        assert!(said.contains(&format!("Set {} to ", module.url_variable())), "{said}");
        assert_eq!(said.contains("the same secret key as before"), module == Module::Auth, "{said}");
        if module == Module::Inventory {
            let told = |state: &str| said.lines().filter(|line| line.starts_with(state) && line.contains("ledger_entry")).count();
            assert!(told("copied") >= 10 && told("proved") >= 10, "{said}");
            assert!(said.contains(&format!("proved   ledger_entry     {ENTRIES} of {ENTRIES}")), "{said}");
            assert!(said.contains(&format!("among them {ENTRIES} ledger entries and {ENTRIES} balances; the entries sum to the balances")), "{said}");
        }
    }
    let (_, inventory) = to.connect().await;
    assert_eq!((count(&inventory, "ledger_entry").await, count(&inventory, "balance").await), (100_000, 100_000));

    let process = Process::serve(to.folder().path(), &[], variables());
    let api = Api::of_process(to.clone(), &process).await;
    let owner = api.log_in(OWNER_EMAIL).await;
    let stock = owner.get("/v1/inventory/stock?limit=500").await.ok(200);
    assert_eq!((stock["data"].as_array().map(Vec::len), &stock["data"][0]["sku"]), (Some(500), &json!("SKU000")));
    let waste = owner.post("/v1/inventory/waste", waste_body(json!([{ "sku": "SKU007", "quantity": "1" }]))).await.ok(201);
    assert_eq!(waste["entries"][0]["seq"], ENTRIES + 1);
    // A deploy would have taken these rights from the server's role, too.
    let app = connect(&pair.inventory.app_url()).await;
    assert!(app.execute_unprepared("UPDATE ledger_entry SET value_delta = 0").await.is_err_and(|error| error.to_string().contains("permission denied")));
    app.close().await.expect("closed");
    drop(process);
    to.remove().await;
}

on_both! {
    async fn every_table_of_the_schema_is_listed(engine: Engine) {
        let Some(stores) = Stores::make(engine).await else { return };
        let stores = Arc::new(stores);
        start(&stores).await.stop().await;
        let (auth, inventory) = stores.connect().await;
        for (module, database) in [(Module::Auth, auth), (Module::Inventory, inventory)] {
            let listed: Vec<_> = tables(module).iter().map(|table| table.name().to_owned()).collect();
            let names: BTreeSet<_> = listed.iter().cloned().collect();
            assert_eq!((names.len(), &names), (listed.len(), &catalogue(&database).await), "modules/{module}/src/transfer.rs");
            database.close().await.expect("closed");
        }
        stores.remove().await;
    }
}

/// Areas by the thousand whose parent's id sorts behind theirs.
const MANY_AREAS: &str = "WITH RECURSIVE number (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number WHERE value < 5000) \
     INSERT INTO location (id, tenant_id, version, created_at, updated_at, parent_id, site_id, kind, code, path, name) \
     SELECT randomblob(16), tenant_id, 1, created_at, updated_at, id, site_id, 'area', 'shelf-' || value, path || '/shelf-' || value, 'Shelf' \
     FROM location, number WHERE path = 'main/zone'";
const THEIR_PARENT: &str = "INSERT INTO location (id, tenant_id, version, created_at, updated_at, parent_id, site_id, kind, code, path, name) \
     SELECT x'ffffffffffff7fffbfffffffffffffff', tenant_id, 1, created_at, updated_at, id, site_id, 'area', 'zone', 'main/zone', 'Zone' FROM location WHERE path = 'main'";

/// From one engine to the other and back to the first.
async fn there_and_back(engine: Engine) {
    let Some(pair) = Pair::make_empty().await else { return };
    let stores = Arc::new(Stores::make(engine).await.expect("databases"));
    lived_in(&stores).await;
    let folder = stores.folder().path();
    let files = |name: &str| [format!("{name}-auth.db"), format!("{name}-inventory.db")].map(|file| Place::file(&folder.join(file)));
    let (there, back) = match engine {
        Engine::Sqlite => (places(&pair), files("back")),
        Engine::Postgres => (files("there"), places(&pair)),
    };
    let begin = of_stores(&stores);
    if engine == Engine::Sqlite {
        let inventory = begin[1].connect().await;
        inventory.execute_unprepared(THEIR_PARENT).await.expect("an area");
        inventory.execute_unprepared(MANY_AREAS).await.expect("areas");
        inventory.close().await.expect("closed");
    }
    for (module, ((begin, there), back)) in Module::ALL.into_iter().zip(begin.iter().zip(&there).zip(&back)) {
        done(transfer(folder, module, begin, there));
        refused(&transfer(folder, module, begin, there), "which is not empty: its table");
        done(transfer(folder, module, there, back));
        let (first, last) = (begin.connect().await, back.connect().await);
        let (first_rows, last_rows) = (dump(&first).await, dump(&last).await);
        let empty: Vec<_> = first_rows.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
        assert!(empty.is_empty(), "this test shows nothing of {empty:?}");
        assert_eq!(first_rows, last_rows);
        first.close().await.expect("closed");
        last.close().await.expect("closed");
    }
    pair.remove().await;
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_from_files_to_postgres_and_back_is_the_same_to_the_letter() {
    there_and_back(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_from_postgres_to_files_and_back_is_the_same_to_the_letter() {
    there_and_back(Engine::Postgres).await;
}

/// Kills the command in the middle of the copy and of the proof, and looks at what it leaves: nothing, or all where it was through before
/// the kill; then that is tried again with another target.
async fn killed_and_run_again(first: Place, mut another: impl AsyncFnMut() -> Place) {
    let from = sqlite().await;
    with_entries(&from, 10_000).await;
    let folder = from.folder().path();
    let [_, place] = of_stores(&from);
    let source = place.connect().await;
    let whole = rows(&source).await;
    source.close().await.expect("closed");
    let mut to = first;
    for moment in ["copied   item ", "copied   ledger_entry", "proved   document"] {
        let mut late = 0;
        while killed_at(folder, moment, &place, &to).await == whole {
            late += 1;
            assert!(late < 20, "whenever it is killed at {moment:?}, it is through");
            to = another().await;
        }
    }
    done(transfer(folder, Module::Inventory, &place, &to));
    let target = to.connect().await;
    assert_eq!(rows(&target).await, whole);
    target.close().await.expect("closed");
}

/// How many rows are left: none, or all.
async fn killed_at(folder: &Path, moment: &str, from: &Place, to: &Place) -> i64 {
    let mut child = command(folder, &arguments(Module::Inventory, &from.url, &to.url), []).stdout(Stdio::piped()).spawn().expect("the program");
    let said = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok).find(|line| line.starts_with(moment));
    child.kill().expect("killed");
    child.wait().expect("an end");
    assert!(said.is_some(), "it never said {moment:?}");
    let (source, target) = (from.connect().await, to.connect().await);
    let (whole, left) = (rows(&source).await, rows(&target).await);
    assert!(left == 0 || left == whole, "killed at {said:?} it leaves {left} of {whole}");
    source.close().await.expect("closed");
    target.close().await.expect("closed");
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_transfer_to_postgres_leaves_nothing_and_can_be_run_again() {
    let Some(first) = Pair::make_empty().await else { return };
    let [_, to] = places(&first);
    let mut pairs = vec![first];
    killed_and_run_again(to, async || {
        let pair = Pair::make_empty().await.expect("Postgres");
        let [_, to] = places(&pair);
        pairs.push(pair);
        to
    })
    .await;
    for pair in pairs {
        pair.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_transfer_to_a_file_leaves_nothing_and_can_be_run_again_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut targets = (0..).map(|number| Place::file(&folder.path().join(format!("to-{number}.db"))));
    let first = targets.next().expect("a place");
    killed_and_run_again(first, async || targets.next().expect("a place")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_not_empty_and_a_wrong_source_are_refused_sqlite() {
    let stores = sqlite().await;
    lived_in(&stores).await;
    let folder = stores.folder().path();
    let [auth, inventory] = of_stores(&stores);
    let new = || Place::file(&folder.join("new/target.db"));

    done(transfer(folder, Module::Inventory, &inventory, &new()));
    let before = std::fs::metadata(folder.join("new/target.db")).expect("a file").modified().expect("a time");
    let again = transfer(folder, Module::Inventory, &inventory, &new());
    refused(&again, "which is not empty: its table tenant_settings has 1 row");
    refused(&again, "Give an empty database");
    assert_eq!(std::fs::metadata(folder.join("new/target.db")).expect("a file").modified().expect("a time"), before);
    std::fs::remove_dir_all(folder.join("new")).expect("removed");

    refused(&transfer(folder, Module::Auth, &inventory, &new()), "which is the database of inventory, not of auth");
    refused(&transfer(folder, Module::Inventory, &auth, &new()), "which is the database of auth, not of inventory");
    refused(&transfer(folder, Module::Inventory, &Place::file(&folder.join("none.db")), &new()), "there is no such file");
    let same = Place::file(&folder.join("x/../inventory.db"));
    refused(&transfer(folder, Module::Inventory, &inventory, &same), "mean the same database");
    refused(&run(folder, &["db", "transfer", "--from", &auth.url, "--to", &new().url], []), "--db auth or --db inventory is needed");
    refused(&run(folder, &arguments(Module::Auth, "mysql://x", &new().url), []), "--from: a URL that begins with postgres://");
    assert!(!folder.join("new").exists() && !folder.join("none.db").exists());
    // The other module's database as the target.
    refused(&transfer(folder, Module::Inventory, &inventory, &auth), "--to means");

    let database = inventory.connect().await;
    let last = texts(&database, "SELECT MAX(version) FROM seaql_migrations").await;
    database.execute_unprepared(&format!("DELETE FROM seaql_migrations WHERE version = '{}'", last[0])).await.expect("forgotten");
    database.close().await.expect("closed");
    let pending = transfer(folder, Module::Inventory, &inventory, &new());
    refused(&pending, &last[0]);
    refused(&pending, "larder db deploy --db inventory");
    assert!(!folder.join("new").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_is_told_and_json_is_one_object_sqlite() {
    let stores = sqlite().await;
    with_entries(&stores, 10_000).await;
    let folder = stores.folder().path();
    let [_, inventory] = of_stores(&stores);
    let writer = inventory.connect().await;
    let mut round = 0;
    // Where the copy was through before something was written, nothing went on meanwhile: once more.
    while !is_told(folder, &inventory, &writer, round).await {
        round += 1;
        assert!(round < 20, "what is written meanwhile is never told");
    }
    writer.close().await.expect("closed");
}

/// Writes while the database is transferred; answers whether that is told.
async fn is_told(folder: &Path, inventory: &Place, writer: &DatabaseConnection, round: usize) -> bool {
    let file = folder.join(format!("target-{round}.db"));
    let target = Place::file(&file);
    let arguments = [&arguments(Module::Inventory, &inventory.url, &target.url)[..], &["--json"]].concat();
    let mut child = command(folder, &arguments, []).stdout(std::process::Stdio::piped()).spawn().expect("the program");
    // The source is read as it was before the target is migrated.
    while !is_migrated(&file).await && child.try_wait().expect("a status").is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let name = format!("written meanwhile {round}");
    writer.execute_unprepared(&format!("UPDATE item SET name = '{name}'")).await.expect("written");
    let out = child.wait_with_output().expect("an end");
    let object: Value = serde_json::from_slice(&out.stdout).expect("one object");
    let lines = object["transfer"].as_array().expect("lines");
    let proof = lines.last().expect("a proof");
    assert_eq!((&object["exit"], &proof["state"], &proof["entries"]), (&json!(0), &json!("equal"), &json!(10_000)));
    // Copied and proved, once for each table.
    assert_eq!(lines.len(), 2 * tables(Module::Inventory).len() + 1);
    let target = target.connect().await;
    assert!(texts(&target, "SELECT name FROM item").await.iter().all(|found| *found != name));
    target.close().await.expect("closed");
    proof["source_went_on"].as_bool().expect("whether it went on")
}

async fn is_migrated(file: &Path) -> bool {
    let Ok(database) = try_connect(&format!("sqlite://{}", file.display())).await else { return false };
    let found = texts(&database, "SELECT name FROM sqlite_schema WHERE name = 'stock_key'").await;
    database.close().await.expect("closed");
    !found.is_empty()
}

/// What comparing finds in the inventory databases of two files.
async fn compared(one: &DatabaseConnection, other: &DatabaseConnection) -> Option<Unequal> {
    let (one, other) = (one.begin().await.expect("begun"), other.begin().await.expect("begun"));
    for table in tables(Module::Inventory) {
        if let Err(unequal) = table.compare(&one, &other, &mut |_| ()).await {
            return Some(unequal);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_differs_is_found_in_whatever_column_sqlite() {
    let stores = sqlite().await;
    lived_in(&stores).await;
    let folder = stores.folder().path();
    let [_, inventory] = of_stores(&stores);
    done(transfer(folder, Module::Inventory, &inventory, &Place::file(&folder.join("copy.db"))));
    let (one, other) = (inventory.connect().await, Place::file(&folder.join("copy.db")).connect().await);
    assert!(compared(&one, &other).await.is_none());
    // Where somebody has every right, nothing guards the ledger.
    for table in inventory_migration::APPEND_ONLY {
        for name in ["no_update", "no_delete"] {
            other.execute_unprepared(&format!("DROP TRIGGER {table}_{name}")).await.expect("dropped");
        }
    }
    other.execute_unprepared("PRAGMA ignore_check_constraints = ON").await.expect("ignored");
    let begin = dump(&other).await;
    for table in tables(Module::Inventory) {
        let table = table.name();
        let columns = texts(&other, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
        for column in columns {
            let txn = other.begin().await.expect("begun");
            // A small change, of a kind that the column can have.
            let kind = texts(&one, &format!("SELECT type FROM pragma_table_info('{table}') WHERE name = '{column}'")).await.remove(0);
            let changed = match kind.to_ascii_lowercase() {
                kind if kind.starts_with("timestamp") => "'2026-11-24T12:00:00.000001+00:00'".to_owned(),
                kind if kind.starts_with("date") => "'2027-01-01'".to_owned(),
                kind if kind.starts_with("bool") => format!("1 - \"{column}\""),
                kind if kind.starts_with("uuid") || kind.contains("blob") => "x'00000000000070008000000000000001'".to_owned(),
                // Further than the next: numbers that are unique have neighbours.
                kind if kind.contains("int") => format!("coalesce(\"{column}\", 0) + 1000"),
                _ => format!("coalesce(\"{column}\", '') || ' '"),
            };
            txn.execute_unprepared("PRAGMA defer_foreign_keys = ON").await.expect("deferred");
            txn.execute_unprepared(&format!("UPDATE \"{table}\" SET \"{column}\" = {changed} WHERE rowid = (SELECT MAX(rowid) FROM \"{table}\")"))
                .await
                .unwrap_or_else(|error| panic!("{table}.{column}: {error}"));
            let outer = one.begin().await.expect("begun");
            let listed = tables(Module::Inventory).into_iter().find(|listed| listed.name() == table).expect("listed");
            match listed.compare(&outer, &txn, &mut |_| ()).await {
                Err(Unequal::Columns { table: found, columns, .. }) => assert_eq!((found, columns.as_slice()), (table, [column].as_slice())),
                // It is part of the key.
                Err(Unequal::Row { table: found, .. }) => assert_eq!(found, table, "{column}"),
                other => panic!("a change of {table}.{column} was not found: {other:?}"),
            }
            outer.rollback().await.expect("undone");
            txn.rollback().await.expect("undone");
        }
    }
    assert_eq!(dump(&other).await, begin);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_does_not_add_up_is_found_and_nothing_of_it_is_kept_on_either_engine() {
    let stores = sqlite().await;
    lived_in(&stores).await;
    let folder = stores.folder().path();
    let [_, inventory] = of_stores(&stores);
    let target = Place::file(&folder.join("target.db"));
    let source = inventory.connect().await;
    for wrong in [
        "UPDATE balance SET quantity = quantity + 1 WHERE rowid = (SELECT MIN(rowid) FROM balance)",
        "UPDATE balance SET value = value + 1 WHERE rowid = (SELECT MIN(rowid) FROM balance WHERE quantity > 0)",
        "DELETE FROM balance WHERE rowid = (SELECT MIN(rowid) FROM balance WHERE quantity > 0)",
        "INSERT INTO balance SELECT tenant_id, item_id, location_id, randomblob(16), 1, 0 FROM balance LIMIT 1",
    ] {
        let txn = source.begin().await.expect("begun");
        txn.execute_unprepared(wrong).await.expect("changed");
        let broken = inventory::transfer::broken_invariants(&txn).await.expect("an answer");
        assert_eq!(broken, ["in 1 places (a lot at a location) the sum of the entries is not the balance (I1)"], "{wrong}");
        txn.rollback().await.expect("undone");
    }
    // What no engine lets in as long as its checks are on.
    for wrong in ["UPDATE balance SET quantity = -quantity", "UPDATE balance SET value = -value", "UPDATE balance SET quantity = 0"] {
        let txn = source.begin().await.expect("begun");
        txn.execute_unprepared("PRAGMA ignore_check_constraints = ON").await.expect("no checks");
        txn.execute_unprepared(&format!("{wrong} WHERE rowid = (SELECT MIN(rowid) FROM balance WHERE quantity > 0 AND value > 0)")).await.expect("changed");
        let broken = inventory::transfer::broken_invariants(&txn).await.expect("an answer");
        assert!(broken.iter().any(|says| says.starts_with("in 1 places") && says.ends_with("(I2)")), "{wrong}: {broken:?}");
        txn.rollback().await.expect("undone");
    }
    source.execute_unprepared("UPDATE balance SET value = value + 1 WHERE quantity > 0").await.expect("changed");
    source.close().await.expect("closed");
    is_not_proved(folder, &inventory, &target).await;
    if let Some(pair) = Pair::make_empty().await {
        let [_, target] = places(&pair);
        is_not_proved(folder, &inventory, &target).await;
        pair.remove().await;
    }
}

async fn is_not_proved(folder: &Path, from: &Place, to: &Place) {
    let ended = transfer(folder, Module::Inventory, from, to);
    refused(&ended, "the copy could not be proved, and nothing of it was kept");
    refused(&ended, "(I1)");
    let target = to.connect().await;
    assert_eq!(rows(&target).await, 0);
    target.close().await.expect("closed");
}

#[tokio::test]
async fn a_column_that_somebody_added_is_named_and_not_left_behind_sqlite() {
    let stores = sqlite().await;
    lived_in(&stores).await;
    let folder = stores.folder().path();
    let [_, inventory] = of_stores(&stores);
    let source = inventory.connect().await;
    source.execute_unprepared("ALTER TABLE item ADD COLUMN secret_notes text").await.expect("a column");
    source.close().await.expect("closed");
    let ended = transfer(folder, Module::Inventory, &inventory, &Place::file(&folder.join("target.db")));
    refused(&ended, "item.secret_notes");
    assert!(!folder.join("target.db").exists());
}
