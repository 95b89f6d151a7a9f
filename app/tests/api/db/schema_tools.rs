//! `larder db lint | generate | new | dev | check`, and the part of `repair` that is in a checkout: as people run them.
//!
//! What only reads runs in this checkout; what changes files, in a copy of those that it works on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use kernel::Clock;
use larder::module::Module;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::{Ended, command, run};
use crate::support::{connect, variable};

/// What the tools need of the environment: rustfmt is called.
const SURROUNDINGS: [&str; 4] = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the checkout")
}

/// With a shadow server. `None`, with a word about it, where there is none and nobody demanded it.
fn variables() -> Option<BTreeMap<String, String>> {
    let Some(server) = variable("LARDER_TEST_POSTGRES_INVENTORY") else {
        assert!(variable("REQUIRE_POSTGRES").as_deref() != Some("1"), "REQUIRE_POSTGRES=1, but LARDER_TEST_POSTGRES_INVENTORY names no server");
        println!("SKIPPED: LARDER_TEST_POSTGRES_INVENTORY names no Postgres server");
        return None;
    };
    let mut variables = surroundings();
    variables.insert("LARDER_SHADOW_URL".into(), server);
    Some(variables)
}

fn surroundings() -> BTreeMap<String, String> {
    SURROUNDINGS.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect()
}

fn in_folder(folder: &Path, arguments: &[&str], variables: &BTreeMap<String, String>) -> Ended {
    let arguments = [&["db"], arguments].concat();
    run(folder, &arguments, variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Stdout as the one JSON object that it is to be.
#[track_caller]
fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// What the tools work on, without what they do not look at.
struct Copy {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Copy {
    fn make(variables: BTreeMap<String, String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["entity", "migration", "scripts"] {
            copy(&root().join(name), &folder.path().join(name));
        }
        for name in ["Cargo.toml", "rustfmt.toml"] {
            std::fs::copy(root().join(name), folder.path().join(name)).expect("copied");
        }
        Self { folder, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        in_folder(self.folder.path(), arguments, &self.variables)
    }

    #[track_caller]
    fn ends_with(&self, code: i32, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}\n{}", ended.stdout, ended.stderr);
        ended
    }

    /// Every file below `entity` and `migration`, with its text and when it was written.
    fn files(&self) -> BTreeMap<PathBuf, (String, SystemTime)> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.path("entity"), self.path("migration")]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let written = path.metadata().expect("a file").modified().expect("a time");
                    found.insert(path.clone(), (std::fs::read_to_string(&path).expect("text"), written));
                }
            }
        }
        found
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("copied");
        }
    }
}

const LOCK: &str = "migration/inventory/migrations.lock";
const LOT: &str = "entity/inventory/src/lot.rs";
const CATALOGUE: &str = "m20261125_000002_create_catalogue";
/// The last one.
const LAST: &str = "m20261128_000010_remember_the_last_document";

/// The lock file with another checksum for a migration on Postgres.
fn edited(text: &str, name: &str) -> String {
    let other = "0".repeat(64);
    let line = |line: &str| {
        let fields: Vec<_> = line.split(' ').collect();
        if fields[0] == name { [name, "postgres", &other, "sqlite", fields[4]].join(" ") } else { line.to_owned() }
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// The lock file without the line of a migration.
fn without(text: &str, name: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(name)).collect()
}

#[test]
fn the_migrations_are_taken_by_the_linter_which_needs_no_database_and_no_checkout() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = [("AUTH_DATABASE_URL", "postgres://a@127.0.0.1:1/a"), ("INVENTORY_DATABASE_URL", "postgres://a@127.0.0.1:1/i")];
    let ended = run(folder.path(), &["db", "lint"], nowhere);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "auth       nothing to refuse\ninventory  nothing to refuse\n"), "{}", ended.stderr);
    let ended = run(folder.path(), &["db", "lint", "--db", "auth", "--json"], nowhere);
    assert_eq!(json(&ended), serde_json::json!({ "findings": [], "exit": 0 }));
}

#[test]
fn a_clean_checkout_is_what_the_migrations_give() {
    let Some(variables) = variables() else { return };
    let ended = in_folder(&root(), &["generate", "--check"], &variables);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "entities and migrations.lock are what the migrations give\n"), "{}", ended.stderr);
    // The generator prints; none of it is among the answer.
    let ended = in_folder(&root(), &["generate", "--check", "--json"], &variables);
    assert_eq!(json(&ended), serde_json::json!({ "files": [], "exit": 0 }), "{}", ended.stderr);
}

#[test]
fn a_clean_checkout_passes_every_check_on_both_engines() {
    let Some(variables) = variables() else { return };
    let ended = in_folder(&root(), &["check", "--db", "inventory"], &variables);
    let checks = ["names", "checksums", "transactions", "sqlite", "postgres", "entities"];
    let expected = checks.map(|check| format!("inventory  {check:<13} ok\n")).concat();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected.as_str()), "{}", ended.stderr);
    let ended = in_folder(&root(), &["check", "--json"], &variables);
    let answer = json(&ended);
    let states: Vec<_> = answer["checks"].as_array().expect("checks").iter().map(|check| check["state"].as_str()).collect();
    assert_eq!((ended.code, states), (0, vec![Some("ok"); 12]));
}

#[test]
fn without_a_postgres_nothing_is_generated_and_the_rest_is_checked() {
    let mut variables = surroundings();
    variables.insert("DEV_POSTGRES_BIN".into(), "/nonexistent".into());
    let ended = in_folder(&root(), &["generate", "--check"], &variables);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("no Postgres is at hand") && ended.stderr.contains("LARDER_SHADOW_URL"), "{}", ended.stderr);
    let ended = in_folder(&root(), &["check", "--db", "auth"], &variables);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for line in ["auth       sqlite        ok", "auth       postgres      skipped", "auth       entities      skipped", "no Postgres is at hand"] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
}

#[test]
fn a_shadow_server_that_is_down_is_named_without_its_password() {
    let mut variables = surroundings();
    variables.insert("LARDER_SHADOW_URL".into(), "postgres://nobody:hunter2@127.0.0.1:1/x".into());
    variables.insert("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS".into(), "500".into());
    let ended = in_folder(&root(), &["generate", "--check"], &variables);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("postgres://nobody@127.0.0.1:1/x (LARDER_SHADOW_URL)") && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
    variables.insert("LARDER_SHADOW_URL".into(), "sqlite://x.db".into());
    assert!(in_folder(&root(), &["check"], &variables).stderr.contains("LARDER_SHADOW_URL: the URL of a Postgres server is expected"));
}

#[test]
fn outside_of_a_checkout_nothing_is_done_to_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [["generate", "--check"].as_slice(), &["check"], &["dev"], &["new", "add_supplier", "--db", "inventory"]] {
        let ended = in_folder(folder.path(), arguments, &surroundings());
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(ended.stderr.contains("lies in no checkout of Larder"), "{}", ended.stderr);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn generating_what_is_there_already_touches_no_file() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    let before = place.files();
    place.ends_with(0, &["generate"]);
    assert!(place.files() == before, "a file was written");
}

#[test]
fn a_changed_a_missing_and_a_superfluous_file_are_told_and_made_right() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    let right = place.files();
    place.write(LOT, &place.read(LOT).replace("pub void: bool", "pub void: Option<bool>"));
    std::fs::remove_file(place.path("entity/auth/src/prelude.rs")).expect("removed");
    place.write("entity/inventory/src/supplier.rs", "// its table is gone\n");
    place.write(LOCK, &without(&place.read(LOCK), LAST));
    let wrong = place.files();

    let ended = place.ends_with(2, &["generate", "--check"]);
    for line in [
        "inventory  differs      migration/inventory/migrations.lock",
        "inventory  differs      entity/inventory/src/lot.rs",
        "inventory  is too many  entity/inventory/src/supplier.rs",
        "auth       is missing   entity/auth/src/prelude.rs",
        "-    pub void: Option<bool>,\n+    pub void: bool,",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    assert!(place.files() == wrong, "--check has written");
    let checked = place.ends_with(2, &["check", "--json", "--db", "inventory"]);
    let checks = json(&checked);
    assert_eq!(checks["checks"][1]["problems"][0], format!("{LAST} is not in migrations.lock: `larder db generate` adds it"));
    assert_eq!(checks["checks"][5]["problems"][0], "entity/inventory/src/lot.rs is not what `larder db generate` gives");

    let answer = json(&place.ends_with(0, &["generate", "--json"]));
    let states: Vec<_> = answer["files"].as_array().expect("files").iter().map(|file| file["state"].as_str().expect("a state")).collect();
    assert_eq!(states, ["written", "added", "written", "removed"]);
    let texts = |files: &BTreeMap<PathBuf, (String, SystemTime)>| files.iter().map(|(path, (text, _))| (path.clone(), text.clone())).collect::<Vec<_>>();
    assert_eq!(texts(&place.files()), texts(&right));
    let unchanged = |(path, (_, written)): (&PathBuf, &(String, SystemTime))| right[path].1 == *written;
    assert_eq!(place.files().iter().filter(|file| !unchanged(*file)).count(), 3, "only what was wrong is written");
}

#[test]
fn an_entity_that_is_not_what_the_migrations_give_is_drift() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    place.ends_with(0, &["deploy"]);
    place.ends_with(0, &["drift"]);
    let file = "entity/inventory/src/lot.rs";
    place.write(file, &place.read(file).replace("pub void: bool,\n", ""));
    let told = place.ends_with(4, &["drift"]);
    assert!(told.stdout.contains(&format!("inventory  entity {file}: differs; `larder db generate`")), "{}", told.stdout);
    place.ends_with(0, &["drift", "--db", "auth"]);
}

#[test]
fn changed_sql_of_a_locked_migration_is_exit_4_and_nothing_is_written() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    place.write(LOCK, &without(&edited(&place.read(LOCK), CATALOGUE), LAST));
    place.write(LOT, "");
    let before = place.files();
    for arguments in [["generate"].as_slice(), &["generate", "--check"]] {
        let ended = place.ends_with(4, arguments);
        assert!(ended.stderr.contains(CATALOGUE) && ended.stderr.contains("larder db repair"), "{}", ended.stderr);
    }
    assert!(place.files() == before, "something was written");
    let ended = place.ends_with(4, &["check", "--db", "inventory"]);
    assert!(ended.stdout.contains(&format!("checksums     failed: sends other SQL than migrations.lock says: {CATALOGUE}")), "{}", ended.stdout);
}

#[test]
fn a_locked_migration_that_is_gone_or_has_moved_is_exit_4() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    let text = place.read(LOCK);
    let gone = "m20261126_000009_gone";
    place.write(LOCK, &format!("{text}{}", text.lines().last().expect("a line").replace(LAST, gone)));
    assert!(place.ends_with(4, &["generate"]).stderr.contains(&format!("there is no such migration: {gone}")));
    assert!(place.ends_with(4, &["check"]).stdout.contains(&format!("names         failed: in migrations.lock, and there is no such migration: {gone}")));
    place.write(LOCK, &without(&text, CATALOGUE));
    let ended = place.ends_with(4, &["generate", "--json"]);
    assert_eq!(json(&ended)["error"]["code"], "not_frozen");
    assert!(ended.stderr.contains(&format!("whose end is where new ones belong: {CATALOGUE}")), "{}", ended.stderr);
}

#[test]
fn repair_shows_the_line_of_the_lock_file_and_writes_it_only_when_told() {
    let place = Copy::make(surroundings());
    let right = place.read(LOCK);
    place.ends_with(0, &["deploy"]);
    place.write(LOCK, &edited(&right, CATALOGUE));
    let shown = place.ends_with(2, &["repair", CATALOGUE]);
    assert!(shown.stdout.contains(&format!("- postgres {}", "0".repeat(64))) && shown.stdout.contains("+ postgres "), "{}", shown.stdout);
    assert!(!shown.stdout.contains("sqlite   "), "that engine's is right: {}", shown.stdout);
    assert_eq!(place.read(LOCK), edited(&right, CATALOGUE), "showing changes nothing");
    let accepted = place.ends_with(0, &["repair", CATALOGUE, "--yes", "--json"]);
    assert_eq!(json(&accepted)["difference"].as_array().map(Vec::len), Some(2));
    assert_eq!(place.read(LOCK), right);
    assert!(place.ends_with(0, &["repair", CATALOGUE]).stdout.contains("migrations.lock has nothing to repair"));
}

/// A new one is named by the system's clock, and must come last.
#[test]
fn no_migration_is_named_after_a_time_to_come() {
    let now = Clock::System.now().utc().format("m%Y%m%d_%H%M%S").to_string();
    for name in Module::ALL.into_iter().flat_map(Module::migrations) {
        assert!(*name <= *now, "{name} is named after a time that comes after {now}: of this clock, or of who named it, one is wrong");
    }
}

#[test]
fn a_new_migration_is_a_file_in_every_list() {
    for module in ["auth", "inventory"] {
        let place = Copy::make(surroundings());
        let before = place.files();
        let answer = json(&place.ends_with(0, &["new", "add_supplier", "--db", module, "--json"]));
        let file = answer["files"][0]["file"].as_str().expect("a file").to_owned();
        let name = Path::new(&file).file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        assert!(name.ends_with("_add_supplier") && name.len() == "mYYYYMMDD_HHMMSS_add_supplier".len(), "{file}");
        assert!(place.read(&file).contains("Some(true)") && !place.read(&file).contains("todo!"));
        let list = place.read(&format!("migration/{module}/src/lib.rs"));
        for line in [format!("mod {name};"), format!("Box::new({name}::Migration)"), format!("(\"{name}\", {name}::WAIVERS)")] {
            assert_eq!(list.matches(&line).count(), 1, "{line}: {list}");
        }
        let changed: Vec<_> = place.files().into_iter().filter(|(path, file)| before.get(path) != Some(file)).map(|(path, _)| path).collect();
        assert_eq!(changed, [place.path(&format!("migration/{module}/src/lib.rs")), place.path(&file)], "nothing else is touched");
        // The program that runs here was built without it.
        let mut variables = surroundings();
        variables.insert("DEV_POSTGRES_BIN".into(), "/nonexistent".into());
        let ended = in_folder(place.folder.path(), &["check", "--db", module], &variables);
        assert!(ended.code == 4 && ended.stdout.contains(&format!("{name} is a file and not a migration of this program")), "{ended:?}");
    }
}

#[test]
fn a_new_migration_that_cannot_be_is_refused_and_leaves_nothing() {
    let place = Copy::make(surroundings());
    let before = place.files();
    for (arguments, why) in [
        (["new", "add-supplier", "--db", "inventory"].as_slice(), "snake_case"),
        (&["new", "../x", "--db", "inventory"], "snake_case"),
        (&["new", "create_ledger", "--db", "inventory"], "m20261125_000004_create_ledger has this name already"),
        (&["new", "add_supplier"], "--db auth or --db inventory is needed"),
    ] {
        let ended = place.ends_with(1, arguments);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    assert!(place.files() == before);
    // Somebody's clock is wrong.
    place.write("migration/inventory/src/m99991231_235959_last.rs", "");
    let before = place.files();
    let ended = place.ends_with(1, &["new", "add_supplier", "--db", "inventory"]);
    assert!(ended.stderr.contains("would not come last: m99991231_235959_last does"), "{}", ended.stderr);
    let texts = |files: BTreeMap<PathBuf, (String, SystemTime)>| files.into_iter().map(|(path, (text, _))| (path, text)).collect::<Vec<_>>();
    assert_eq!(texts(place.files()), texts(before));
}

#[test]
fn dev_applies_generates_and_checks() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    place.write(LOT, "");
    let ended = place.ends_with(0, &["dev", "--db", "inventory"]);
    let lines = [
        format!("inventory  applied      {LAST} in "),
        format!("inventory  written      {LOT}"),
        "inventory  sqlite        ok".into(),
        "inventory  entities      ok".into(),
    ];
    let mut rest = ended.stdout.as_str();
    for line in lines {
        let at = rest.find(&line).unwrap_or_else(|| panic!("{line}, in this order: {}", ended.stdout));
        rest = &rest[at..];
    }
    assert!(place.path("data/inventory.db").exists() && !place.path("data/auth.db").exists());
    let answer = json(&place.ends_with(0, &["dev", "--json"]));
    assert!(answer["steps"].as_array().is_some_and(|steps| steps.len() >= 12), "{answer}");
}

#[test]
fn dev_stops_at_the_first_failure_with_its_code() {
    let Some(variables) = variables() else { return };
    let place = Copy::make(variables);
    place.write(LOCK, &edited(&place.read(LOCK), CATALOGUE));
    let ended = place.ends_with(4, &["dev"]);
    assert!(ended.stdout.contains("applied") && !ended.stdout.contains("checksums"), "{}", ended.stdout);
}

#[test]
fn dev_is_refused_in_production_mode() {
    let mut variables = surroundings();
    for (name, value) in [
        ("LARDER_MODE", "production"),
        ("LARDER_SECRET_KEY", crate::support::SECRET_KEY),
        ("LARDER_SETUP_TOKEN", crate::support::SETUP_TOKEN),
        ("AUTH_DATABASE_URL", "sqlite://a.db"),
        ("INVENTORY_DATABASE_URL", "sqlite://i.db"),
    ] {
        variables.insert(name.into(), value.into());
    }
    let place = Copy::make(variables);
    let ended = place.ends_with(1, &["dev"]);
    assert!(ended.stderr.contains("refused in production mode"), "{}", ended.stderr);
    assert!(!place.path("i.db").exists());
}

#[tokio::test]
async fn nothing_is_left_on_the_shadow_server_also_after_a_signal() {
    let Some(variables) = variables() else { return };
    let server = connect(&variables["LARDER_SHADOW_URL"]).await;
    let databases = async |process: u32| {
        let sql = format!("SELECT 1 AS found FROM pg_database WHERE datname LIKE 'larder\\_shadow\\_%\\_{process}\\_%'");
        server.query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await.expect("databases").len()
    };
    let (mut interrupted, mut rounds) = (false, 0);
    loop {
        let pairs = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut child = command(&root(), &["db", "check"], pairs).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        if interrupted {
            while databases(child.id()).await == 0 && child.try_wait().expect("a status").is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if child.try_wait().expect("a status").is_none() {
                let sent = std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().expect("kill");
                assert!(sent.success());
            }
        }
        let code = child.wait().expect("a status").code();
        assert_eq!(databases(child.id()).await, 0, "interrupted: {interrupted}");
        // It was through before the signal had come: that shows nothing, and is done again.
        if interrupted && code != Some(0) {
            assert_eq!(code, Some(1));
            return;
        }
        assert_eq!(code, Some(0));
        interrupted = true;
        rounds += 1;
        assert!(rounds < 100, "no signal has met it with a database");
    }
}
