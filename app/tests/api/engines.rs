//! The engine table, row by row, and every start that must be refused. Where a start must fail, a real process shows it.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::Value;

use crate::support::place::Place;
use crate::support::postgres::Pair;
use crate::support::process::Process;
use crate::support::{SECRET_KEY, SETUP_TOKEN, connect, try_connect};

async fn ready(process: &Process) -> Value {
    let answer = reqwest::get(format!("{}/health/ready", process.address)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

async fn execute(database: &DatabaseConnection, sql: &str) -> Result<(), sea_orm::DbErr> {
    database.execute_unprepared(sql).await.map(drop)
}

#[tokio::test]
async fn without_urls_both_are_files_in_the_data_directory_made_and_migrated_at_the_start() {
    let place = Place::new(&[]);
    let process = place.serve(&[]);
    ready(&process).await;
    for file in ["data/auth.db", "data/inventory.db", "data/secret.key"] {
        assert!(place.path(file).exists(), "{file}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.path("data")).expect("a folder").permissions());
    assert_eq!(mode & 0o777, 0o700, "password hashes lie in there");
    let token = process.line();
    assert!(token.strip_prefix("setup token: ").is_some_and(|token| token.len() >= 16), "{token}");
    assert!(process.line().contains("/v1/auth/setup"));
    let log = process.log();
    assert!(!log.contains(token.trim_start_matches("setup token: ")), "the token is in no log");
    // The token is told once; the data and its key stay.
    let again = place.serve(&[]);
    ready(&again).await;
    assert!(again.is_silent());
}

#[tokio::test]
async fn in_memory_mode_ignores_the_urls_and_says_so() {
    let place = Place::new(&[("USE_IN_MEMORY_REPOSITORIES", "true"), ("AUTH_DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/nothing")]);
    let process = place.serve(&[]);
    ready(&process).await;
    assert!(!place.path("data").exists(), "nothing is written");
    let log = process.log();
    assert!(log.contains("AUTH_DATABASE_URL and INVENTORY_DATABASE_URL are ignored"), "{log}");
    assert!(!log.contains("hunter2"));
}

#[tokio::test]
async fn sqlite_urls_are_files_where_they_say() {
    let place = Place::new(&[("AUTH_DATABASE_URL", "sqlite://one/a.db"), ("INVENTORY_DATABASE_URL", "sqlite:two/i.db?mode=rwc")]);
    ready(&place.serve(&[])).await;
    assert!(place.path("one/a.db").exists() && place.path("two/i.db").exists());
    assert!(!place.path("data/auth.db").exists());
}

#[tokio::test]
async fn postgres_urls_with_a_schema_are_taken() {
    let Some(pair) = Pair::make().await else { return };
    let place = Place::on(&pair)
        .with("AUTH_DATABASE_URL", &format!("{}?schema=public", pair.auth.app_url()))
        .with("INVENTORY_DATABASE_URL", &format!("{}?schema=public", pair.inventory.app_url().replace("postgres://", "postgresql://")));
    let process = place.serve(&[]);
    assert_eq!(ready(&process).await["databases"]["auth"], "up");
    let log = process.log();
    assert!(log.contains("postgres://larder_test_auth_app@") && !log.contains("only-for-tests"), "{log}");
    pair.remove().await;
}

#[tokio::test]
async fn each_module_may_be_on_its_own_engine() {
    let Some(pair) = Pair::make().await else { return };
    let auth_on_postgres = Place::new(&[("AUTH_DATABASE_URL", &pair.auth.app_url())]);
    ready(&auth_on_postgres.serve(&[])).await;
    assert!(auth_on_postgres.path("data/inventory.db").exists() && !auth_on_postgres.path("data/auth.db").exists());
    let inventory_on_postgres = Place::new(&[("INVENTORY_DATABASE_URL", &pair.inventory.app_url())]);
    ready(&inventory_on_postgres.serve(&[])).await;
    assert!(inventory_on_postgres.path("data/auth.db").exists() && !inventory_on_postgres.path("data/inventory.db").exists());
    pair.remove().await;
}

#[tokio::test]
async fn pending_migrations_on_postgres_stop_the_start_with_their_list_and_the_command() {
    let Some(pair) = Pair::make_empty().await else { return };
    let place = Place::on(&pair).with_owners(&pair);
    let message = place.refused(&[]);
    for migration in larder::module::Module::Auth.migrations() {
        assert!(message.contains(&migration), "{message}");
    }
    assert!(message.contains("larder db deploy --db auth"), "{message}");
    assert!(message.contains("has pending migrations"), "{message}");
    // Looking changed nothing, and neither did the refused start.
    let status = place.run(&["db", "status"]);
    assert_eq!(status.code, 2, "{}", status.stderr);
    assert!(!status.stdout.contains("applied"), "{}", status.stdout);
    // Both ways to allow it, and the way to forbid it where it is allowed.
    let allowed = Place::on(&pair).with_owners(&pair).with("LARDER_DATABASE_MIGRATE_ON_START", "true");
    assert!(allowed.refused(&["--migrate", "check"]).contains("has pending migrations"));
    ready(&allowed.serve(&[])).await;
    ready(&place.serve(&[])).await;
    pair.remove().await;
}

#[tokio::test]
async fn the_command_line_may_apply_migrations_or_look_away_from_them() {
    let Some(pair) = Pair::make_empty().await else { return };
    let place = Place::on(&pair).with_owners(&pair);
    let pending = place.run(&["serve", "--port", "0", "--migrate", "off"]);
    // It goes past the check, and fails where it first needs a table.
    assert_eq!(pending.code, 1);
    assert!(pending.stderr.contains("starting with pending migrations"), "{}", pending.stderr);
    ready(&place.serve(&["--migrate", "apply"])).await;
    pair.remove().await;
    let files = Place::new(&[]);
    assert!(files.refused(&["--migrate", "check"]).contains("has pending migrations"));
}

#[tokio::test]
async fn one_database_for_both_is_refused() {
    let place = Place::new(&[("AUTH_DATABASE_URL", "sqlite://./x.db"), ("INVENTORY_DATABASE_URL", "sqlite://x.db")]);
    let message = place.refused(&[]);
    assert!(message.contains("INVENTORY_DATABASE_URL") && message.contains("the same database"), "{message}");
    let place = Place::new(&[("AUTH_DATABASE_URL", "postgres://a:hunter2@h/x"), ("INVENTORY_DATABASE_URL", "postgresql://b:hunter2@H:5432/x?schema=public")]);
    let message = place.refused(&[]);
    assert!(message.contains("the same database") && !message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn the_other_modules_database_is_refused_and_left_alone() {
    let place = Place::new(&[]);
    ready(&place.serve(&[])).await;
    let swapped = Place::new(&[
        ("AUTH_DATABASE_URL", &format!("sqlite://{}", place.path("data/inventory.db").display())),
        ("INVENTORY_DATABASE_URL", &format!("sqlite://{}", place.path("data/auth.db").display())),
    ]);
    let message = swapped.refused(&[]);
    assert!(message.contains("AUTH_DATABASE_URL") && message.contains("the database of inventory; auth needs its own"), "{message}");
    assert_eq!(swapped.run(&["db", "deploy"]).code, 4);
    ready(&place.serve(&[])).await;

    let Some(pair) = Pair::make().await else { return };
    let swapped = Place::new(&[("AUTH_DATABASE_URL", &pair.inventory.admin_url()), ("INVENTORY_DATABASE_URL", &pair.auth.admin_url())]);
    assert!(swapped.refused(&[]).contains("the database of inventory; auth needs its own"));
    assert_eq!(swapped.run(&["db", "status"]).code, 4);
    pair.remove().await;
}

#[tokio::test]
async fn a_history_without_a_marker_is_known_by_its_names() {
    let place = Place::new(&[]);
    ready(&place.serve(&[])).await;
    let database = connect(&format!("sqlite://{}", place.path("data/inventory.db").display())).await;
    execute(&database, "DELETE FROM larder_module").await.expect("deleted");
    let swapped = Place::new(&[("AUTH_DATABASE_URL", &format!("sqlite://{}", place.path("data/inventory.db").display()))]);
    assert!(swapped.refused(&[]).contains("the database of inventory"));
    execute(&database, "UPDATE seaql_migrations SET version = 'x' || version").await.expect("updated");
    assert!(swapped.refused(&[]).contains("not a database of Larder"));
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_refused() {
    let place = Place::new(&[]);
    ready(&place.serve(&[])).await;
    let database = connect(&format!("sqlite://{}", place.path("data/inventory.db").display())).await;
    execute(&database, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_from_the_future', 1)").await.expect("inserted");
    let message = place.refused(&[]);
    assert!(message.contains("newer than this program") && message.contains("m99990101_000001_from_the_future"), "{message}");
    // Who rolls an application back, and knows that the newer one has only added things, says so.
    let older = place.serve(&["--migrate", "off"]);
    ready(&older).await;
    let log = older.log();
    assert!(log.contains("is newer than this program"), "{log}");
    let status = place.run(&["db", "status", "--db", "inventory"]);
    assert_eq!(status.code, 4);
    assert!(status.stdout.lines().any(|line| line.contains("missing") && line.contains("from_the_future")), "{}", status.stdout);
    assert_eq!(place.run(&["db", "status", "--db", "auth"]).code, 0);
    assert_eq!(place.run(&["db", "deploy"]).code, 4);
}

#[test]
fn production_is_refused_without_its_urls_or_key_and_in_memory() {
    let whole = || {
        Place::new(&[
            ("LARDER_MODE", "production"),
            ("LARDER_SECRET_KEY", SECRET_KEY),
            ("AUTH_DATABASE_URL", "sqlite://a.db"),
            ("INVENTORY_DATABASE_URL", "sqlite://i.db"),
        ])
    };
    drop(whole().serve(&[]));
    for name in ["LARDER_SECRET_KEY", "AUTH_DATABASE_URL", "INVENTORY_DATABASE_URL"] {
        let mut place = whole();
        place.variables.remove(name);
        let message = place.refused(&[]);
        assert!(message.contains(name) && message.contains("production mode needs it"), "{message}");
        assert_eq!(std::fs::read_dir(place.folder.path()).expect("the folder").count(), 0, "nothing is made");
    }
    assert!(whole().with("USE_IN_MEMORY_REPOSITORIES", "true").refused(&[]).contains("USE_IN_MEMORY_REPOSITORIES"));
    let message = whole().with("LARDER_SETUP_TOKEN", "twenty-characters-ok").refused(&[]);
    assert!(message.contains("LARDER_SETUP_TOKEN") && message.contains("32 characters") && !message.contains("twenty-characters-ok"), "{message}");
}

#[test]
fn a_wrong_setting_stops_the_start_with_key_origin_and_expectation() {
    let message = Place::new(&[("LARDER_SERVER_PORT", "http")]).refused(&[]);
    assert!(message.contains("`server.port`, from the environment variable LARDER_SERVER_PORT: found `http`, a whole number is expected"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    let place = Place::new(&[]);
    std::fs::write(place.path("larder.toml"), "[server]\nprot = 80\n").expect("a file");
    let message = place.refused(&[]);
    assert!(message.contains("`server.prot`, from the file larder.toml"), "{message}");
    std::fs::write(place.path("other.toml"), "[server]\nport = 0\n").expect("a file");
    drop(place.serve(&["--config", "other.toml"]));
    assert!(Place::new(&[("LARDER_CONFIG", "nowhere.toml")]).refused(&[]).contains("nowhere.toml cannot be read"));
}

#[tokio::test]
async fn a_wrong_or_missing_secret_key_stops_the_start_and_changes_nothing() {
    let place = Place::new(&[]);
    ready(&place.serve(&[])).await;
    let key = std::fs::read(place.path("data/secret.key")).expect("the key");
    let other =
        Place { folder: place.folder, variables: BTreeMap::from([("LARDER_SECRET_KEY".to_owned(), "another-key-of-more-than-32-bytes-0123".to_owned())]) };
    let message = other.refused(&[]);
    assert!(message.contains("secret key is not the one") && !message.contains("another-key"), "{message}");
    std::fs::remove_file(other.path("data/secret.key")).expect("removed");
    let place = Place { folder: other.folder, variables: BTreeMap::new() };
    assert!(place.refused(&[]).contains("secret key is missing"));
    assert!(!place.path("data/secret.key").exists(), "no new key beside old data");
    std::fs::write(place.path("data/secret.key"), key).expect("restored");
    std::fs::set_permissions(place.path("data/secret.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    ready(&place.serve(&[])).await;
}

#[test]
fn a_port_that_is_taken_and_a_database_that_is_away_are_told_as_such() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = Place::new(&[]).run(&["serve", "--port", &port]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", ended.stderr);
    let place = Place::new(&[("AUTH_DATABASE_URL", &format!("postgres://ann:hunter2@127.0.0.1:{port}/x")), ("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS", "300")]);
    let message = place.refused(&[]);
    assert!(message.contains(&format!("postgres://ann@127.0.0.1:{port}/x (AUTH_DATABASE_URL) cannot be opened")) && !message.contains("hunter2"), "{message}");
}

#[test]
fn deploy_and_status_tell_a_line_per_migration_and_may_be_repeated() {
    let place = Place::new(&[]);
    let status = place.run(&["db", "status"]);
    assert_eq!(status.code, 2, "{}", status.stderr);
    assert!(!place.path("data").exists(), "status makes nothing");
    let migrations: Vec<_> = larder::module::Module::ALL.into_iter().flat_map(larder::module::Module::migrations).collect();
    let pending: Vec<_> = status.stdout.lines().filter(|line| line.contains(" pending      ")).collect();
    assert_eq!(pending.len(), migrations.len(), "{}", status.stdout);
    assert!(status.stdout.contains("10 pending. Apply them with `larder db deploy --db inventory`"), "{}", status.stdout);
    let deploy = place.run(&["db", "deploy"]);
    assert_eq!(deploy.code, 0, "{}", deploy.stderr);
    for (line, migration) in deploy.stdout.lines().zip(&migrations) {
        assert!(line.contains("applied") && line.contains(migration) && line.ends_with("ms"), "{line}");
    }
    let again = place.run(&["db", "deploy", "--json"]);
    assert_eq!(again.code, 0);
    assert_eq!(serde_json::from_str::<Value>(&again.stdout).expect("JSON")["migrations"], serde_json::json!([]));
    let status = place.run(&["db", "status", "--json", "--db", "auth"]);
    assert_eq!(status.code, 0);
    let lines = serde_json::from_str::<Value>(&status.stdout).expect("JSON");
    assert!(lines["migrations"].as_array().expect("lines").iter().all(|line| line["db"] == "auth" && line["state"] == "applied"));
}

#[tokio::test]
async fn two_deploys_at_once_both_succeed_and_one_does_the_work() {
    let Some(pair) = Pair::make_empty().await else { return };
    let place = std::sync::Arc::new(Place::on(&pair).with_owners(&pair));
    let deploys: Vec<_> = (0..2)
        .map(|_| {
            let place = place.clone();
            std::thread::spawn(move || place.run(&["db", "deploy", "--json"]))
        })
        .collect();
    let mut applied = 0;
    for deploy in deploys {
        let ended = deploy.join().expect("a deploy");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        applied += serde_json::from_str::<Value>(&ended.stdout).expect("JSON")["migrations"].as_array().expect("lines").len();
    }
    assert_eq!(applied, larder::module::Module::ALL.into_iter().map(|module| module.migrations().len()).sum::<usize>());
    pair.remove().await;

    let place = std::sync::Arc::new(Place::new(&[]));
    let deploys: Vec<_> = (0..2)
        .map(|_| {
            let place = place.clone();
            std::thread::spawn(move || place.run(&["db", "deploy"]))
        })
        .collect();
    for deploy in deploys {
        let ended = deploy.join().expect("a deploy");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_deploy_that_cannot_have_the_lock_ends_with_3_and_names_who_has_it() {
    let Some(pair) = Pair::make_empty().await else { return };
    let place = Place::on(&pair).with_owners(&pair).with("LARDER_DATABASE_DEPLOY_LOCK_TIMEOUT_SECONDS", "1");
    let holder = connect(&format!("{}?application_name=somebody-deploys", pair.auth.admin_url())).await;
    let txn = sea_orm::TransactionTrait::begin(&holder).await.expect("a transaction");
    txn.execute_raw(Statement::from_string(txn.get_database_backend(), "SELECT pg_advisory_xact_lock(x'6c6172646572'::bigint)")).await.expect("the lock");
    let ended = place.run(&["db", "deploy"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("somebody-deploys"), "{}", ended.stderr);
    txn.rollback().await.expect("rolled back");
    assert_eq!(place.run(&["db", "deploy"]).code, 0);
    drop(holder);
    pair.remove().await;
}

#[tokio::test]
async fn a_schema_that_a_url_names_is_made_and_used() {
    let Some(pair) = Pair::make_empty().await else { return };
    let url = |url: String| format!("{url}?schema=kitchen");
    let place = Place::new(&[("AUTH_DATABASE_URL", &url(pair.auth.owner_url())), ("INVENTORY_DATABASE_URL", &url(pair.inventory.owner_url()))]);
    assert_eq!(place.run(&["db", "deploy"]).code, 0);
    ready(&place.serve(&[])).await;
    let database = connect(&pair.auth.admin_url()).await;
    execute(&database, "SELECT name FROM kitchen.larder_module").await.expect("the marker in the schema");
    assert!(execute(&database, "SELECT name FROM public.larder_module").await.is_err());
    drop(database);
    pair.remove().await;
}

#[tokio::test]
async fn the_runtime_role_can_only_add_to_what_is_only_added_to_and_owns_nothing() {
    let Some(pair) = Pair::make().await else { return };
    for (base, tables) in [(&pair.auth, auth_migration::APPEND_ONLY), (&pair.inventory, inventory_migration::APPEND_ONLY)] {
        let runtime = connect(&base.app_url()).await;
        for table in tables {
            execute(&runtime, &format!("SELECT * FROM {table} LIMIT 1")).await.expect("reading");
            for statement in [
                format!("UPDATE {table} SET tenant_id = tenant_id"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
                format!("DROP TABLE {table}"),
            ] {
                let error = execute(&runtime, &statement).await.expect_err(&statement).to_string();
                assert!(error.contains("permission denied") || error.contains("must be owner"), "{statement}: {error}");
            }
        }
        for statement in ["INSERT INTO seaql_migrations VALUES ('x', 1)", "DELETE FROM larder_module", "CREATE TABLE mine (id int)"] {
            let error = execute(&runtime, statement).await.expect_err(statement).to_string();
            assert!(error.contains("permission denied"), "{statement}: {error}");
        }
        runtime.close().await.expect("closed");
    }
    pair.remove().await;
}

#[tokio::test]
async fn the_role_of_one_module_cannot_open_the_others_database() {
    let Some(pair) = Pair::make().await else { return };
    for (base, other) in [(&pair.auth, &pair.inventory), (&pair.inventory, &pair.auth)] {
        for url in [base.app_url(), base.owner_url()] {
            try_connect(&url).await.expect("its own").close().await.expect("closed");
        }
        // Also on one server, where they are known and their passwords are right, they may not connect.
        for url in base.urls_as(other).await {
            let error = try_connect(&url).await.expect_err("refused").to_string();
            assert!(error.contains(&format!("permission denied for database \"{}\"", base.name())), "{error}");
        }
    }
    pair.remove().await;
}

#[test]
fn the_file_of_defaults_is_the_documentation_of_every_key() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/production.example.toml");
    let variables = [
        ("AUTH_DATABASE_URL", "postgres://a@h/a"),
        ("INVENTORY_DATABASE_URL", "postgres://a@h/i"),
        ("LARDER_SECRET_KEY", SECRET_KEY),
        ("LARDER_SETUP_TOKEN", SETUP_TOKEN),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    larder::Settings::load(Some(&example), &variables).unwrap_or_else(|refusal| panic!("{refusal}"));
}
