//! `larder db deploy`: one at a time, killed at any moment, behind a pooler.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larder::module::Module;
use rand::RngExt as _;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, SqliteTransactionMode, TransactionOptions, TransactionTrait as _};
use serde_json::Value;

use crate::db::{Ground, execute, migrations_of_both, texts};
use crate::support::patience::HANGS;
use crate::support::place::Place;
use crate::support::postgres::{Base, Pair};
use crate::support::process::command;
use crate::support::{Engine, connect};

const LOCKS: &str =
    "SELECT pid::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A deploy that may be killed.
fn start(place: &Place) -> Child {
    command(place.folder.path(), &["db", "deploy"], place.variables()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program")
}

fn kill(mut deploy: Child) {
    deploy.kill().expect("killed");
    deploy.wait().expect("its end");
}

/// Asks again until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + HANGS;
    while !is_so().await {
        assert!(Instant::now() < give_up, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

on_both! {
    async fn of_two_deploys_at_once_one_applies_and_the_other_finds_nothing_to_do(engine: Engine) {
        let Some(ground) = Ground::empty(engine).await else { return };
        let ended: Vec<_> = std::thread::scope(|threads| {
            let deploys: Vec<_> = (0..2).map(|_| threads.spawn(|| ground.run(&["deploy", "--json"]))).collect();
            deploys.into_iter().map(|deploy| deploy.join().expect("a deploy")).collect()
        });
        let mut applied: Vec<String> = Vec::new();
        for ended in ended {
            let object = ended.is(0).json();
            applied.extend(object["migrations"].as_array().expect("migrations").iter().filter_map(|line| line["migration"].as_str().map(str::to_owned)));
        }
        applied.sort();
        let mut all = migrations_of_both();
        all.sort();
        assert_eq!(applied, all, "each migration was applied once, by one of the two");
        ground.run(&["deploy"]).says(0, "inventory  up to date");
        ground.run(&["status"]).is(0);
        ground.remove().await;
    }
}

/// A trigger of the server that holds a deploy up where the test says: at a command of a tag, on an object, once so many
/// migrations were applied.
async fn hold_up(admin: &DatabaseConnection, event: &str, condition: &str) {
    execute(
        admin,
        &format!(
            "CREATE FUNCTION hold_up() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN PERFORM pg_advisory_xact_lock(4711); END IF; END $$"
        ),
    )
    .await;
    execute(admin, &format!("CREATE EVENT TRIGGER hold_up ON {event} WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION hold_up()")).await;
}

async fn let_go(admin: &DatabaseConnection) {
    execute(admin, "DROP EVENT TRIGGER hold_up").await;
    execute(admin, "DROP FUNCTION hold_up()").await;
}

async fn applied(admin: &DatabaseConnection) -> Vec<String> {
    texts(admin, "SELECT version FROM seaql_migrations ORDER BY 1").await
}

/// Kills a deploy that stands where `event` and `condition` say, with `before` migrations applied, and deploys again.
async fn killed_at(event: &str, condition: &str, before: usize, unfinished: &[&str]) {
    let Some(ground) = Ground::empty(Engine::Postgres).await else { return };
    let admin = ground.connect(Module::Inventory).await;
    let gate = admin.begin().await.expect("a transaction");
    gate.execute_unprepared("SELECT pg_advisory_xact_lock(4711)").await.expect("the gate");
    hold_up(&admin, event, condition).await;
    let deploy = start(&ground.place);
    let waits = "SELECT pid::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("the deploy at the gate", async || !texts(&admin, waits).await.is_empty()).await;
    let held = ground.run(&["status", "--db", "inventory"]);
    held.is(2);
    kill(deploy);
    let_go(&admin).await;
    assert_eq!(applied(&admin).await.len(), before);
    for table in unfinished {
        assert_eq!(
            texts(&admin, &format!("SELECT relname::text FROM pg_class WHERE relname = '{table}'")).await,
            Vec::<String>::new(),
            "{table} is half a migration"
        );
    }
    // At once: what the server still does for the killed one is waited for.
    ground.run(&["deploy"]).is(0);
    gate.rollback().await.expect("the gate opens");
    ground.run(&["status"]).is(0);
    ground.run(&["drift"]).is(0);
    drop(admin);
    ground.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_deploy_killed_inside_a_migration_leaves_nothing_of_it_and_the_next_goes_on() {
    let at = "EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.balance')";
    killed_at("ddl_command_end", at, 3, &["ledger_entry", "ledger_head", "balance"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_deploy_killed_between_migrations_keeps_the_first_and_the_next_goes_on() {
    // Before the first statement of the third: two are through.
    let at = "xpath_exists('/row[n=2]', query_to_xml('SELECT count(*) AS n FROM _larder_migrations', false, true, ''))";
    let at = &format!("to_regclass('_larder_migrations') IS NOT NULL AND {at}");
    killed_at("ddl_command_start", at, 2, &["document", "ledger_entry"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_killed_at_any_moment_leaves_a_file_with_all_or_nothing_on_sqlite() {
    const ROUNDS: u64 = 30;
    let place = Place::new(&[]);
    let file = place.path("data/inventory.db");
    // Only this system tells who is in a transaction.
    let is_told = Path::new("/proc/locks").exists();
    let (mut nothing, mut all, mut caught) = (0, 0, 0);
    let mut round = 0;
    // Rounds go on until the moments have met it before, in the middle of and after its work.
    while round < ROUNDS || nothing == 0 || all == 0 || caught == 0 && is_told {
        let _ = std::fs::remove_dir_all(place.path("data"));
        let mut deploy = start(&place);
        let us = format!("process {} ", deploy.id());
        let is_at_work = || migration_history::holder_of_file(&file).is_some_and(|holder| holder.starts_with(&us));
        let mut goes_on = || deploy.try_wait().expect("a status").is_none();
        if round % 2 == 0 {
            while goes_on() && !is_at_work() {}
        } else {
            let pause = match round {
                0..ROUNDS => Duration::from_millis(round * 3),
                _ if nothing == 0 => Duration::ZERO,
                // Twice as long each time.
                _ => Duration::from_millis(100 << ((round - ROUNDS) / 2).min(14)),
            };
            let over = Instant::now() + pause;
            while goes_on() && Instant::now() < over {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        caught += usize::from(is_at_work());
        kill(deploy);
        round += 1;
        assert!(round < 20 * ROUNDS, "{nothing} {all} {caught}: the moments have missed the deploy");
        let status = place.run(&["db", "status", "--json"]).json();
        for module in Module::ALL {
            let lines = status["migrations"].as_array().expect("lines");
            let of = |state: &str| lines.iter().filter(|line| line["db"] == module.name() && line["state"] == state).count();
            // Never some of a module's migrations.
            assert!(of("pending") == 0 || of("applied") == 0, "{status}");
            if of("applied") > 0 { all += 1 } else { nothing += 1 }
        }
        place.run(&["db", "deploy"]).is(0);
        place.run(&["db", "status"]).is(0);
    }
    place.run(&["db", "drift"]).is(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holder_of_a_files_lock_is_named_on_sqlite() {
    let ground = Ground::deployed(Engine::Sqlite).await.expect("SQLite");
    ground.run(&["down", "--db", "inventory", "--yes"]).is(0);
    let place = ground.place.with("LARDER_DATABASE_DEPLOY_LOCK_TIMEOUT_SECONDS", "1");
    let holder = connect(&format!("sqlite://{}", place.path("data/inventory.db").display())).await;
    let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let txn = holder.begin_with_options(options).await.expect("the lock");
    let ended = place.run(&["db", "deploy"]);
    ended.says(3, "is being migrated by").says(3, "gave up after 1 s").says(3, "Wait until it is done");
    if Path::new("/proc/locks").exists() {
        ended.says(3, &format!("process {} (", std::process::id()));
        // Its arguments are in no message: they may hold a password.
        assert!(!ended.stderr.contains("--nocapture") && !ended.stderr.contains("--exact"), "{}", ended.stderr);
    }
    // Whoever else would write waits as well, and says the same.
    place.run(&["db", "down", "--db", "inventory", "--yes"]).says(3, "is being migrated by");
    let name = Module::Inventory.migrations().remove(0);
    place.run(&["db", "repair", &name, "--yes"]).says(3, "is being migrated by");
    txn.rollback().await.expect("released");
    place.run(&["db", "deploy"]).is(0);
}

#[tokio::test]
async fn on_postgres_a_migration_that_fails_names_itself_and_leaves_nothing() {
    let Some(ground) = Ground::empty(Engine::Postgres).await else { return };
    let admin = ground.connect(Module::Inventory).await;
    execute(&admin, "CREATE TABLE document (id int)").await;
    let ended = ground.run(&["deploy", "--db", "inventory"]);
    ended.says(1, "m20261125_000003_create_documents failed, and nothing of it was kept").says(1, "Clear up the cause and deploy again");
    assert_eq!(applied(&admin).await.len(), 2, "those before it stay");
    execute(&admin, "DROP TABLE document").await;
    ground.run(&["deploy"]).is(0);
    ground.run(&["drift"]).is(0);
    drop(admin);
    ground.remove().await;
}

#[tokio::test]
async fn on_postgres_an_index_that_was_left_unfinished_is_named_after_a_deploy() {
    let Some(ground) = Ground::deployed(Engine::Postgres).await else { return };
    let admin = ground.connect(Module::Inventory).await;
    execute(&admin, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_document_last_seq'::regclass").await;
    ground.run(&["deploy", "--db", "inventory"]).says(4, "ix_document_last_seq").says(4, "REINDEX INDEX CONCURRENTLY");
    execute(&admin, "REINDEX INDEX ix_document_last_seq").await;
    ground.run(&["deploy"]).is(0);
    drop(admin);
    ground.remove().await;
}

/// pgbouncer in front of the test's server, in transaction mode.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    /// `None` where pgbouncer is not installed and nobody demanded it. `leads` says which database a name leads to.
    async fn start(mode: &str, leads: &[(&str, &Base)]) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].into_iter().find(|path| Path::new(path).exists());
        if program.is_none() {
            assert!(crate::support::variable("REQUIRE_PGBOUNCER").as_deref() != Some("1"), "REQUIRE_PGBOUNCER=1, but pgbouncer is not installed");
            println!("SKIPPED: pgbouncer is not installed");
        }
        let program = program?;
        for _ in 0..100 {
            // None of those that the system gives to whoever asks for any: another test would have it before the pooler does.
            let port = rand::rng().random_range(20_000..32_000);
            if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
                continue;
            }
            let mut pooler = Self::start_at(program, port, mode, leads);
            if pooler.is_there().await {
                return Some(pooler);
            }
        }
        panic!("pgbouncer does not start");
    }

    fn start_at(program: &str, port: u16, mode: &str, leads: &[(&str, &Base)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("pgbouncer.ini"), settings(folder.path(), port, mode, leads)).expect("a file");
        let users =
            ["auth", "inventory"].iter().flat_map(|module| ["app", "owner"].map(|kind| format!("\"larder_test_{module}_{kind}\" \"only-for-tests\"\n")));
        std::fs::write(folder.path().join("users.txt"), users.collect::<String>()).expect("a file");
        let mut start = Command::new(program);
        // It does not run as root.
        if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder.path()).expect("a folder")) == 0 {
            Command::new("chown").arg("-R").arg("nobody").arg(folder.path()).status().expect("chown");
            start.args(["-u", "nobody"]);
        }
        let child = start.arg(folder.path().join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgbouncer");
        Self { child, port, _folder: folder }
    }

    /// Waits until it can be connected to; false where it has ended, because somebody has the port.
    async fn is_there(&mut self) -> bool {
        let mut goes_on = true;
        until("the pooler", async || {
            let answers = std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            goes_on = self.child.try_wait().expect("a status").is_none();
            answers || !goes_on
        })
        .await;
        goes_on
    }

    /// A database through the pooler.
    fn url(&self, url: &str) -> String {
        let (user, place) = url.rsplit_once('@').expect("a place");
        let database = place.rsplit('/').next().expect("a database");
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }
}

fn settings(folder: &Path, port: u16, mode: &str, leads: &[(&str, &Base)]) -> String {
    let mut databases = String::new();
    for (name, base) in leads {
        let url = base.app_url();
        let (_, place) = url.rsplit_once('@').expect("a place");
        let (server, database) = place.split_once('/').expect("a database");
        let (host, port) = server.rsplit_once(':').expect("a port");
        let _ = writeln!(databases, "{name} = host={host} port={port} dbname={database}");
    }
    let folder = folder.display();
    format!(
        "[databases]\n{databases}[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = plain\nauth_file = {folder}/users.txt\n\
         pool_mode = {mode}\nunix_socket_dir =\nlogfile = {folder}/log\npidfile = {folder}/pid\n\
         ignore_startup_parameters = extra_float_digits,options\ndefault_pool_size = 3\n"
    )
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_transaction_pooler_on_postgres_the_lock_is_never_orphaned() {
    let Some(pair) = Pair::make_empty().await else { return };
    let Some(pooler) = Pooler::start("transaction", &[(pair.auth.name(), &pair.auth), (pair.inventory.name(), &pair.inventory)]).await else { return };
    let through = |url: String| pooler.url(&url);
    let place = Place::new(&[("AUTH_DATABASE_URL", &through(pair.auth.app_url())), ("INVENTORY_DATABASE_URL", &through(pair.inventory.app_url()))]);
    // The owner's URL leads past the pooler, the server's through it.
    let place = place.with("LARDER_MIGRATION_URL_AUTH", &pair.auth.owner_url()).with("LARDER_MIGRATION_URL_INVENTORY", &pair.inventory.owner_url());
    let admin = connect(&pair.inventory.admin_url()).await;
    for _ in 0..3 {
        let gate = admin.begin().await.expect("a transaction");
        gate.execute_unprepared("SELECT pg_advisory_xact_lock(4711)").await.expect("the gate");
        hold_up(&admin, "ddl_command_end", "true").await;
        let deploy = start(&place);
        until("a deploy with the lock", async || texts(&admin, LOCKS).await.len() >= 3).await;
        kill(deploy);
        gate.rollback().await.expect("the gate opens");
        until("the end of its lock", async || texts(&admin, LOCKS).await.is_empty()).await;
        let_go(&admin).await;
    }
    place.run(&["db", "deploy"]).is(0);
    assert_eq!(texts(&admin, LOCKS).await, Vec::<String>::new());
    place.run(&["db", "status"]).is(0);
    drop(admin);
    pair.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_leads_to_another_database_on_postgres_is_noticed_after_the_deploy() {
    let Some(pair) = Pair::make_empty().await else { return };
    let name = pair.inventory.name();
    let other = Pair::make_empty().await.expect("Postgres");
    let Some(pooler) = Pooler::start("session", &[(name, &other.inventory)]).await else { return };
    let place =
        Place::new(&[("INVENTORY_DATABASE_URL", &pooler.url(&pair.inventory.app_url())), ("LARDER_MIGRATION_URL_INVENTORY", &pair.inventory.owner_url())]);
    place.run(&["db", "deploy", "--db", "inventory"]).says(1, "which is another database than the one that LARDER_MIGRATION_URL_INVENTORY migrated");
    let Some(straight) = Pooler::start("session", &[(name, &pair.inventory)]).await else { return };
    let place = place.with("INVENTORY_DATABASE_URL", &straight.url(&pair.inventory.app_url()));
    place.run(&["db", "deploy", "--db", "inventory"]).is(0);
    drop((pooler, straight));
    other.remove().await;
    pair.remove().await;
}

#[tokio::test]
async fn on_postgres_a_role_of_the_pooler_that_the_server_does_not_know_stops_no_deploy() {
    let Some(pair) = Pair::make_empty().await else { return };
    let poolers = pair.inventory.app_url().replace("larder_test_inventory_app", "larder_test_inventory_app.tenant-7");
    let place = Place::new(&[("INVENTORY_DATABASE_URL", &poolers), ("LARDER_MIGRATION_URL_INVENTORY", &pair.inventory.owner_url())]);
    let ended = place.run(&["db", "deploy", "--db", "inventory"]);
    ended.says(0, "the server's URL names a role that this database does not know");
    pair.remove().await;
}

#[tokio::test]
async fn with_json_an_error_is_an_object_as_well_sqlite() {
    let place = Place::new(&[("USE_IN_MEMORY_REPOSITORIES", "true")]);
    let ended = place.run(&["db", "deploy", "--json"]);
    let object: Value = ended.is(1).json();
    assert_eq!((&object["exit"], &object["error"]["code"]), (&1.into(), &"refused".into()));
    assert!(ended.stderr.contains("in memory"), "{}", ended.stderr);
}

#[tokio::test]
async fn on_postgres_a_schema_of_the_url_is_opened_to_the_servers_role_and_rights_that_are_wrong_are_told() {
    let Some(pair) = Pair::make_empty().await else { return };
    let in_schema = |url: String| format!("{url}?schema=My-Kitchen");
    let place = Place::new(&[
        ("AUTH_DATABASE_URL", &in_schema(pair.auth.app_url())),
        ("INVENTORY_DATABASE_URL", &in_schema(pair.inventory.app_url())),
        ("LARDER_MIGRATION_URL_AUTH", &in_schema(pair.auth.owner_url())),
        ("LARDER_MIGRATION_URL_INVENTORY", &in_schema(pair.inventory.owner_url())),
        ("LARDER_SECRET_KEY", crate::support::SECRET_KEY),
    ]);
    let deploy = place.run(&["db", "deploy"]);
    deploy.is(0);
    assert!(!deploy.stderr.contains("WARN"), "{}", deploy.stderr);
    drop(place.serve(&[]));
    let admin = connect(&pair.inventory.admin_url()).await;
    execute(&admin, "GRANT ALL ON ALL TABLES IN SCHEMA \"My-Kitchen\" TO PUBLIC").await;
    place.run(&["db", "deploy"]).says(0, "may still change what is only added to");
    execute(&admin, "REVOKE ALL ON ALL TABLES IN SCHEMA \"My-Kitchen\" FROM PUBLIC, larder_test_inventory_app").await;
    place.run(&["db", "deploy"]).says(0, "may not read these tables");
    execute(&admin, "REVOKE USAGE ON SCHEMA \"My-Kitchen\" FROM larder_test_inventory_app").await;
    let as_server = Place::new(&[("INVENTORY_DATABASE_URL", &in_schema(pair.inventory.app_url()))]);
    as_server.run(&["db", "status", "--db", "inventory"]).says(1, "The server's role needs USAGE on the schema");
    drop(admin);
    pair.remove().await;
}

#[tokio::test]
async fn on_postgres_a_lock_on_the_history_is_not_waited_for_for_ever() {
    let Some(ground) = Ground::deployed(Engine::Postgres).await else { return };
    let admin = ground.connect(Module::Inventory).await;
    let txn = admin.begin().await.expect("a transaction");
    txn.execute_unprepared("LOCK TABLE seaql_migrations IN ACCESS EXCLUSIVE MODE").await.expect("the lock");
    let Ground { place, pair } = ground;
    let place = place.with("LARDER_DATABASE_LOCK_TIMEOUT_MS", "300");
    for command in ["status", "deploy", "drift", "plan"] {
        place.run(&["db", command, "--db", "inventory"]).says(1, "lock timeout");
    }
    txn.rollback().await.expect("released");
    drop(admin);
    if let Some(pair) = pair {
        pair.remove().await;
    }
}

#[tokio::test]
async fn a_file_that_is_refused_stays_as_it_was_to_the_byte_sqlite() {
    let place = Place::new(&[("INVENTORY_DATABASE_URL", "sqlite://other.db")]);
    let made = Command::new("sqlite3")
        .arg(place.path("other.db"))
        .arg("CREATE TABLE seaql_migrations (version, applied_at); INSERT INTO seaql_migrations VALUES ('m1_theirs', 1)")
        .status();
    assert!(made.expect("sqlite3 is installed").success());
    let before = std::fs::read(place.path("other.db")).expect("the file");
    let name = Module::Inventory.migrations().remove(0);
    for command in [["deploy"].as_slice(), &["down", "--yes"], &["repair", &name], &["baseline", "--to", &name]] {
        place.run(&[&["db"], command, &["--db", "inventory"]].concat()).says(4, "not a database of Larder");
    }
    assert!(std::fs::read(place.path("other.db")).expect("the file") == before, "it was changed");
}

#[test]
fn what_could_not_be_said_is_no_success_sqlite() {
    let place = Place::new(&[]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let mut plan = command(place.folder.path(), &["db", "plan"], []);
    assert_eq!(plan.stdout(full).stderr(Stdio::null()).status().expect("an end").code(), Some(1));
    let object = Place::new(&[("LARDER_MODE", "prod")]).run(&["db", "status", "--json"]);
    assert_eq!(object.is(1).json()["error"]["code"], "settings");
}
