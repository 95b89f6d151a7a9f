//! `larder db status`: every state that a database can be in, its exit code, and what it says to do next.

use larder::module::Module;

use crate::db::{Ground, execute, migrations_of_both, texts};
use crate::support::Engine;
use crate::support::place::Place;
use crate::support::try_connect;

on_both! {
    async fn what_was_applied_and_what_is_pending(engine: Engine) {
        let Some(ground) = Ground::empty(engine).await else { return };
        // Nothing is there: an empty database, or no file at all, which looking does not make.
        let empty = ground.run(&["status"]);
        empty.says(2, "10 pending. Apply them with `larder db deploy --db inventory`");
        assert!(!ground.place.path("data").exists());
        ground.run(&["deploy"]).is(0);
        let status = ground.run(&["status"]);
        status.says(0, "inventory  up to date").says(0, "auth       up to date");
        for name in migrations_of_both() {
            assert!(status.stdout.lines().any(|line| line.contains("applied") && line.ends_with(&name)), "{}", status.stdout);
        }
        // One of them was taken back.
        ground.run(&["down", "--db", "inventory", "--yes"]).is(0);
        let status = ground.run(&["status"]);
        status.says(2, "1 pending. Apply them with `larder db deploy --db inventory`");
        let object = ground.run(&["status", "--json"]).json();
        assert_eq!((&object["exit"], &object["databases"][0]["state"], &object["databases"][1]["state"]), (&2.into(), &"up_to_date".into(), &"pending".into()));
        assert!(object["databases"][1]["next"].as_str().is_some_and(|next| next.contains("larder db deploy")), "{object}");
        ground.remove().await;
    }

    async fn edited_missing_and_out_of_order(engine: Engine) {
        let Some(ground) = Ground::deployed(engine).await else { return };
        let database = ground.connect(Module::Inventory).await;
        let names = Module::Inventory.migrations();
        // Edited: what was applied is not what the program has.
        execute(&database, &format!("UPDATE _larder_migrations SET checksum = 'x' WHERE version = '{}'", names[1])).await;
        let status = ground.run(&["status", "--db", "inventory"]);
        status.says(4, "other SQL than this program has for 1 migrations").says(4, "larder db repair NAME --db inventory");
        assert!(status.stdout.lines().any(|line| line.contains("edited") && line.ends_with(&names[1])), "{}", status.stdout);
        ground.run(&["deploy"]).says(4, &names[1]);
        ground.run(&["repair", &names[1], "--yes"]).is(0);
        ground.run(&["status"]).is(0);
        // Out of order: an earlier one is pending though later ones were applied.
        execute(&database, &format!("DELETE FROM seaql_migrations WHERE version = '{}'", names[2])).await;
        ground.run(&["status"]).says(4, "1 out of order.").says(4, "Give them later names");
        ground.run(&["deploy"]).says(4, "has later migrations than these");
        execute(&database, &format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{}', 1)", names[2])).await;
        // Missing: the database was migrated by a later program.
        execute(&database, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_later', 1)").await;
        let status = ground.run(&["status", "--db", "inventory"]);
        status.says(4, "newer than this program").says(4, "Run the version that made them");
        assert!(status.stdout.lines().any(|line| line.contains("missing") && line.ends_with("m99990101_000001_later")), "{}", status.stdout);
        assert_eq!(ground.run(&["status", "--json"]).json()["databases"][1]["state"], "missing");
        // The other module is not touched by any of it.
        ground.run(&["status", "--db", "auth"]).is(0);
        drop(database);
        ground.remove().await;
    }

    async fn the_other_modules_database(engine: Engine) {
        let Some(ground) = Ground::deployed(engine).await else { return };
        let swapped = Place::new(&[("AUTH_DATABASE_URL", &ground.url(Module::Inventory)), ("INVENTORY_DATABASE_URL", &ground.url(Module::Auth))]);
        let status = swapped.run(&["db", "status"]);
        status.says(4, "is the database of inventory; auth needs its own").says(4, "the two may be swapped");
        ground.run(&["status"]).is(0);
        ground.remove().await;
    }

    async fn looking_works_without_the_checksums_of_an_older_program(engine: Engine) {
        let Some(ground) = Ground::deployed(engine).await else { return };
        let database = ground.connect(Module::Inventory).await;
        execute(&database, "DROP TABLE _larder_migrations").await;
        ground.run(&["status"]).is(0);
        // The next deploy takes them as they are.
        ground.run(&["deploy"]).is(0);
        assert_eq!(texts(&database, "SELECT version FROM _larder_migrations ORDER BY 1").await, Module::Inventory.migrations());
        drop(database);
        ground.remove().await;
    }
}

#[tokio::test]
async fn a_role_that_can_only_read_sees_the_whole_status_and_nothing_is_written() {
    let Some(ground) = Ground::deployed(Engine::Postgres).await else { return };
    let Some(pair) = &ground.pair else { return };
    let reader = format!("larder_reader_{}", std::process::id());
    for base in [&pair.auth, &pair.inventory] {
        let admin = crate::support::connect(&base.admin_url()).await;
        execute(&admin, &format!("DO $$ BEGIN CREATE ROLE {reader} LOGIN PASSWORD 'reads'; EXCEPTION WHEN duplicate_object THEN NULL; END $$")).await;
        execute(&admin, &format!("ALTER ROLE {reader} SET default_transaction_read_only = on")).await;
        execute(&admin, &format!("GRANT CONNECT ON DATABASE {} TO {reader}", base.name())).await;
        execute(&admin, &format!("GRANT SELECT ON seaql_migrations, _larder_migrations, larder_module TO {reader}")).await;
        admin.close().await.expect("closed");
    }
    let as_reader = |url: String| {
        let (_, place) = url.rsplit_once('@').expect("a place");
        format!("postgres://{reader}:reads@{place}")
    };
    let place = Place::new(&[("AUTH_DATABASE_URL", &as_reader(pair.auth.app_url())), ("INVENTORY_DATABASE_URL", &as_reader(pair.inventory.app_url()))]);
    place.run(&["db", "status"]).says(0, "inventory  up to date");
    // The same role on a database that has nothing: 2, and nothing was made.
    let fresh = crate::support::postgres::Pair::make_empty().await.expect("Postgres");
    let admin = crate::support::connect(&fresh.inventory.admin_url()).await;
    execute(&admin, &format!("GRANT CONNECT ON DATABASE {} TO {reader}", fresh.inventory.name())).await;
    let place = Place::new(&[("INVENTORY_DATABASE_URL", &as_reader(fresh.inventory.app_url()))]);
    place.run(&["db", "status", "--db", "inventory"]).says(2, "10 pending");
    assert_eq!(texts(&admin, "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace").await, Vec::<String>::new());
    // It may not deploy either, and is told who may.
    let denied = place.run(&["db", "deploy", "--db", "inventory"]);
    denied.says(1, "a role that is read-only");
    admin.close().await.expect("closed");
    fresh.remove().await;
    let server = crate::support::connect(&pair.auth.server_url()).await;
    ground.remove().await;
    execute(&server, &format!("DROP ROLE {reader}")).await;
}

#[tokio::test]
async fn on_postgres_a_database_that_cannot_be_read_is_told_apart_and_each_says_what_to_do() {
    let Some(ground) = Ground::deployed(Engine::Postgres).await else { return };
    let Some(pair) = &ground.pair else { return };
    let told_within = |patience: &[(&str, &str)], url: &str, code: &str, next: &str| {
        let place = Place::new(&[patience, &[("INVENTORY_DATABASE_URL", url)]].concat());
        let ended = place.run(&["db", "status", "--db", "inventory", "--json"]);
        let object = ended.is(1).json();
        assert_eq!((&object["exit"], &object["error"]["code"]), (&1.into(), &code.into()), "{object}");
        assert!(object["error"]["next"].as_str().is_some_and(|says| says.contains(next)), "{object}");
        assert!(!ended.stderr.contains("only-for-tests"), "{}", ended.stderr);
    };
    let told = |url: &str, code: &str, next: &str| told_within(&[], url, code, next);
    let url = pair.inventory.app_url();
    told(&url.replace(pair.inventory.name(), "there_is_no_such_database"), "no_database", "scripts/postgres-roles.sql");
    // A server that trusts everybody has no wrong passwords.
    if !trusts(&url).await {
        told(&url.replace("only-for-tests", "wrong"), "no_login", "Correct user and password");
    }
    // Only a server that is not there is waited for.
    let soon = [("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS", "500")];
    told_within(&soon, "postgres://x:only-for-tests@127.0.0.1:1/x", "unreachable", "Is the server running");
    // A role that may connect and not read: the tables are there, so it is not an empty database.
    let admin = ground.connect(Module::Inventory).await;
    execute(&admin, "REVOKE ALL ON seaql_migrations, _larder_migrations, larder_module FROM larder_test_inventory_app").await;
    told(&url, "no_permission", "LARDER_MIGRATION_URL_INVENTORY");
    drop(admin);
    ground.remove().await;
}

/// Whether the server of the tests asks for passwords.
async fn trusts(url: &str) -> bool {
    try_connect(&url.replace("only-for-tests", "wrong")).await.is_ok()
}

#[test]
fn a_file_that_is_no_database_or_cannot_be_opened_is_told_as_such_sqlite() {
    let place = Place::new(&[("INVENTORY_DATABASE_URL", "sqlite://notes.txt")]);
    std::fs::write(place.path("notes.txt"), "milk, eggs, and quite a few other things that make no database ".repeat(100)).expect("a file");
    let object = place.run(&["db", "status", "--db", "inventory", "--json"]);
    object.says(1, "cannot be opened");
    let object = object.json();
    assert_eq!(object["error"]["code"], "not_a_database", "{object}");
}

#[tokio::test]
async fn a_database_that_cannot_be_seen_does_not_hide_the_other_sqlite() {
    let place = Place::new(&[("AUTH_DATABASE_URL", "sqlite://notes.txt")]);
    std::fs::write(place.path("notes.txt"), "milk, eggs ".repeat(100)).expect("a file");
    place.run(&["db", "deploy", "--db", "inventory"]).is(0);
    let ended = place.run(&["db", "status", "--json"]);
    let object = ended.is(1).json();
    assert_eq!((&object["databases"][0]["state"], &object["databases"][1]["state"]), (&"not_a_database".into(), &"up_to_date".into()), "{object}");
}

#[tokio::test]
async fn looking_changes_no_byte_of_a_file_sqlite() {
    let Some(ground) = Ground::deployed(Engine::Sqlite).await else { return };
    let bytes = || Module::ALL.map(|module| std::fs::read(ground.file(module)).expect("a file"));
    let before = bytes();
    for command in [["status", "--json"].as_slice(), &["plan"], &["drift"], &["repair", &Module::Auth.migrations()[0]]] {
        ground.run(command).is(0);
    }
    assert!(bytes() == before, "a look changed a file");
}

#[test]
fn a_wrong_command_line_is_an_error_and_not_what_2_means() {
    let place = Place::new(&[]);
    for arguments in [["db", "statuss"].as_slice(), &["db", "status", "--db", "stock"], &["db", "plan", "--from"], &["db"]] {
        assert_eq!(place.run(arguments).code, 1, "{arguments:?}");
    }
    let object = place.run(&["db", "status", "--jsno", "--json"]).json();
    assert_eq!((&object["exit"], &object["error"]["code"]), (&1.into(), &"usage".into()), "{object}");
    place.run(&["db", "--help"]).says(0, "Exit codes: 0 done, 1 error, 2 pending or would change, 3 lock not had in time");
    place.run(&["--version"]).is(0);
}
