//! `larder db down`: every migration can be taken back, and what it did not make stays.

use std::collections::BTreeMap;

use larder::module::Module;
use serde_json::json;

use crate::db::{Ground, dump, texts};
use crate::support::process::Process;
use crate::support::{Engine, connect};

on_both! {
    async fn every_migration_can_be_taken_back(engine: Engine) {
        let Some(ground) = Ground::deployed(engine).await else { return };
        // A kitchen at work leaves rows in most tables.
        let process = ground.place.serve(&[]);
        let token = process.line();
        let token = token.trim_start_matches("setup token: ").to_owned();
        fill(&process, &token).await;
        drop(process);
        for module in Module::ALL {
            let database = connect(&ground.url(module)).await;
            let mut left = module.migrations();
            let mut before = dump(&database).await;
            assert!(before.values().filter(|rows| !rows.is_empty()).count() > 2, "{before:?}");
            while let Some(name) = left.pop() {
                let down = ground.run(&["down", "--db", module.name(), "--yes"]);
                down.says(0, &name);
                let after = dump(&database).await;
                let took_tables = after.len() < before.len();
                // The marker of the module is in no dump, and no index is: `check` takes those back, and compares.
                let is_in_no_dump = ["_name_module", "_index_movements"].iter().any(|end| name.ends_with(end));
                assert!(took_tables || after != before || is_in_no_dump, "{name} took nothing back");
                for (table, rows) in &after {
                    // One that added columns takes those back, which stand last, and nothing else.
                    let is_kept = |(row, before): (&String, &String)| before.starts_with(row.trim_end_matches(')'));
                    let is_left = rows.len() == before[table].len() && rows.iter().zip(&before[table]).all(is_kept);
                    assert!(is_left, "{name} changed {table}");
                }
                before = after;
            }
            assert_eq!(before, BTreeMap::new(), "nothing of {module} is left");
            assert_eq!(texts(&database, "SELECT version FROM _larder_migrations").await, Vec::<String>::new());
            ground.run(&["down", "--db", module.name(), "--yes"]).says(0, "nothing is applied");
            ground.run(&["deploy", "--db", module.name()]).is(0);
            drop(database);
        }
        ground.run(&["status"]).is(0);
        ground.run(&["drift"]).is(0);
        ground.remove().await;
    }
}

async fn fill(process: &Process, token: &str) {
    let http = reqwest::Client::new();
    let setup = json!({
        "setup_token": token, "email": "maya@example.com", "password": "seven copper pans by the window", "name": "Maya",
        "tenant_name": "Bistro Alba", "currency": "EUR", "time_zone": "Europe/Paris",
    });
    let post = async |path: &str, token: &str, body: serde_json::Value| {
        let sent = http.post(format!("{}/v1/{path}", process.address)).json(&body);
        // The set-up takes neither.
        let sent = if token.is_empty() { sent } else { sent.bearer_auth(token).header("Idempotency-Key", crate::support::fresh("key")) };
        let answer = sent.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    let tokens = post("auth/setup", "", setup).await;
    let token = tokens["access_token"].as_str().expect("a token");
    post("inventory/locations", token, json!({ "kind": "site", "code": "main", "name": "Main", "time_zone": "Europe/Paris" })).await;
    post("inventory/locations", token, json!({ "kind": "area", "code": "walk-in", "name": "Walk-in", "parent": "main" })).await;
    post("inventory/items", token, json!({ "sku": "MILK", "name": "Milk", "base_unit": "ml", "kind": "ingredient" })).await;
    let line = json!({ "sku": "MILK", "quantity": "4", "unit": "l", "unit_price": "0.95" });
    post("inventory/receipts", token, json!({ "location": "main/walk-in", "lines": [line] })).await;
    let line = json!({ "sku": "MILK", "quantity": "1", "unit": "l", "reason": "spoiled" });
    post("inventory/waste", token, json!({ "location": "main/walk-in", "lines": [line] })).await;
}

#[tokio::test]
async fn what_destroys_wants_to_be_meant_and_is_refused_in_production_sqlite() {
    let ground = Ground::deployed(Engine::Sqlite).await.expect("SQLite");
    ground.run(&["down", "--db", "inventory"]).says(1, "say --yes if that is meant");
    ground.run(&["down", "--yes"]).says(1, "--db auth or --db inventory is needed");
    ground.run(&["status"]).is(0);
    let production = [
        ("LARDER_MODE", "production"),
        ("LARDER_SECRET_KEY", crate::support::SECRET_KEY),
        ("AUTH_DATABASE_URL", "sqlite://data/auth.db"),
        ("INVENTORY_DATABASE_URL", "sqlite://data/inventory.db"),
    ];
    let Ground { mut place, .. } = ground;
    place.variables = production.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    place.run(&["db", "down", "--db", "inventory", "--yes"]).says(1, "refused in production mode");
    place.run(&["db", "status"]).is(0);
}
