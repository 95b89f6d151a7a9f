//! `larder doctor`: each thing that may be wrong, broken on purpose.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::mailbox::Mailbox;
use crate::support::place::Place;
use crate::support::postgres::Pair;
use crate::support::{connect, tables};

/// The checks that find something, and what all of them say.
fn wrong(place: &Place) -> (Vec<String>, String) {
    let ended = place.run(&["doctor", "--json"]);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{} {}", ended.stdout, ended.stderr));
    let checks = answer["checks"].as_array().expect("checks");
    let wrong: Vec<_> = checks.iter().filter(|check| check["state"] == "wrong").map(|check| check["check"].as_str().expect("a name").to_owned()).collect();
    assert!(checks.iter().all(|check| (check["state"] == "wrong") == check["next"].is_string()), "{answer}");
    assert_eq!((ended.code, &answer["exit"]), (i32::from(!wrong.is_empty()), &Value::from(i32::from(!wrong.is_empty()))), "{answer}");
    (wrong, ended.stdout)
}

fn set_mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test]
async fn an_embedded_installation_is_looked_at_before_and_after_its_first_start() {
    let place = Place::new(&[]);
    assert_eq!(wrong(&place).0, Vec::<String>::new());
    assert_eq!(std::fs::read_dir(place.folder.path()).expect("the folder").count(), 0, "looking makes nothing");
    drop(place.serve(&[]));
    assert_eq!(wrong(&place).0, Vec::<String>::new());
    let told = place.run(&["doctor"]);
    assert!(told.code == 0 && told.stdout.lines().count() >= 6 && told.stdout.lines().all(|line| line.contains(" fine ")), "{}", told.stdout);

    // Others may look into the folder.
    set_mode(&place.path("data"), 0o755);
    let (checks, says) = wrong(&place);
    assert_eq!(checks, ["files", "files"], "{says}");
    assert!(says.contains("chmod 700"), "{says}");
    set_mode(&place.path("data"), 0o700);

    // The key: readable by others, another one, and gone.
    let key = place.path("data/secret.key");
    set_mode(&key, 0o640);
    assert_eq!(wrong(&place).0, ["secret key"]);
    let right = std::fs::read(&key).expect("the key");
    std::fs::write(&key, "another-key-of-more-than-32-bytes-0123").expect("written");
    set_mode(&key, 0o600);
    let (checks, says) = wrong(&place);
    assert!(checks == ["secret key"] && !says.contains("another-key"), "{says}");
    std::fs::remove_file(&key).expect("removed");
    assert_eq!(wrong(&place).0, ["secret key"]);
    assert!(!key.exists(), "and no other is made");
    std::fs::write(&key, right).expect("written");
    set_mode(&key, 0o600);
    assert_eq!(wrong(&place).0, Vec::<String>::new());

    // Where people reach it.
    let place = place.with("LARDER_AUTH_PUBLIC_URL", "http://stock.example.com");
    assert_eq!(wrong(&place).0, ["public_url"]);
    let place = place.with("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com");
    assert_eq!(wrong(&place).0, ["proxies"]);
    let place = place.with("LARDER_TRUSTED_PROXIES", "0.0.0.0/0");
    assert_eq!(wrong(&place).0, ["proxies"]);
    let place = place.with("LARDER_TRUSTED_PROXIES", "127.0.0.1");
    assert_eq!(wrong(&place).0, Vec::<String>::new());

    // Somebody took a migration back.
    assert_eq!(place.run(&["db", "down", "--db", "inventory", "--yes"]).code, 0);
    let (checks, says) = wrong(&place);
    assert!(checks == ["migrations"] && says.contains("larder db deploy --db inventory"), "{says}");
}

#[tokio::test]
async fn a_settings_file_with_secrets_is_for_its_owner_only() {
    let place = Place::new(&[]);
    let file = place.path("larder.toml");
    let written = |text: &str, mode: u32| {
        std::fs::write(&file, text).expect("written");
        set_mode(&file, mode);
    };
    set_mode(place.folder.path(), 0o755);
    // Nobody may know these; a URL without a password tells nothing.
    let without = "[database]\nauth_url = \"sqlite://a.db\"\ninventory_url = \"sqlite://i.db\"\n[mail]\npassword = \"\"\n";
    let with = "setup_token = \"hunter2-hunter2-hunter2\"\nshadow_url = \"postgres://ann:hunter2@db/x\"\n[mail]\npassword = \"hunter2\"\n";
    for (text, mode, folder, is_wrong) in [
        (without, 0o644, 0o755, false),
        (with, 0o644, 0o755, true),
        (with, 0o640, 0o755, true),
        (with, 0o600, 0o755, false),
        (with, 0o400, 0o755, false),
        (with, 0o644, 0o700, false),
    ] {
        written(text, mode);
        set_mode(place.folder.path(), folder);
        let (checks, says) = wrong(&place);
        assert_eq!(checks, if is_wrong { vec!["files"] } else { vec![] }, "{mode:o} in {folder:o}: {says}");
        assert!(says.contains("larder.toml") && !says.contains("hunter2"), "{says}");
        assert_eq!(says.contains("with mail.password, setup_token, shadow_url"), is_wrong, "{says}");
    }
    // One that is named, from elsewhere.
    written(with, 0o644);
    let named = Place::new(&[("LARDER_CONFIG", file.to_str().expect("a path"))]);
    assert_eq!(wrong(&named).0, Vec::<String>::new(), "in a folder that others do not enter");
    set_mode(place.folder.path(), 0o755);
    let (checks, says) = wrong(&named);
    assert!(checks == ["files"] && says.contains("chmod 600"), "{says}");
}

#[tokio::test]
async fn on_postgres_it_looks_at_role_and_clock_as_well() {
    let Some(pair) = Pair::make().await else { return };
    let place = Place::on(&pair);
    drop(place.serve(&[]));
    let (checks, says) = wrong(&place);
    assert_eq!(checks, Vec::<String>::new(), "{says}");
    assert!(says.contains("\"check\":\"clock\"") && says.contains("\"check\":\"role\""), "{says}");
    let root = Place::on(&pair).with("AUTH_DATABASE_URL", &pair.auth.admin_url());
    let (checks, says) = wrong(&root);
    assert!(checks == ["role"] && says.contains("AUTH_DATABASE_URL"), "{says}");
    let other = Place::on(&pair).with("LARDER_SECRET_KEY", "another-key-of-more-than-32-bytes-0123");
    assert_eq!(wrong(&other).0, ["secret key"]);
    let away = Place::on(&pair).with("INVENTORY_DATABASE_URL", "postgres://ann:hunter2@127.0.0.1:1/x").with("LARDER_DATABASE_ACQUIRE_TIMEOUT_MS", "300");
    let (checks, says) = wrong(&away);
    assert!(checks == ["database"] && !says.contains("hunter2"), "{says}");
    let auth = connect(&pair.auth.admin_url()).await;
    assert_eq!(tables::texts(&auth, "SELECT status FROM signing_key").await, ["active"], "nothing was changed");
    auth.close().await.expect("closed");
    pair.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_looks_whether_the_mail_server_is_there() {
    let mailbox = Mailbox::open().await;
    let place = mailbox.variables().into_iter().fold(Place::new(&[("LARDER_TRUSTED_PROXIES", "127.0.0.1")]), |place, (name, value)| place.with(name, &value));
    let (checks, says) = wrong(&place);
    assert!(checks.is_empty() && says.contains("takes letters"), "{says}");
    assert!(mailbox.rest().is_empty(), "it hands none over");
    // Nobody listens there.
    let (checks, says) = wrong(&place.with("LARDER_MAIL_PORT", "1"));
    assert!(checks == ["mail"] && says.contains("no connection to the mail server"), "{says}");
}
