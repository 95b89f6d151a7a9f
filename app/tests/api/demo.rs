//! `larder demo`: the made-up kitchen that a newcomer sees first.

use std::collections::BTreeMap;

use larder::{Application, Settings, Surroundings, demo};
use serde_json::Value;

use crate::support::process::run_until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_loads_a_kitchen_that_can_be_looked_at_with_what_it_prints() {
    let surroundings = Surroundings::system();
    let application = Application::build(Settings::in_memory().expect("settings"), surroundings.clone()).await.expect("an application");
    let story = demo::load(&application, &surroundings.clock).await.expect("a kitchen");
    let address = application.address();
    let welcome = demo::welcome(&address, &story);
    let stopper = application.stopper();
    let server = tokio::spawn(application.run_until_stopped());

    let http = reqwest::Client::new();
    let log_in = serde_json::json!({ "email": demo::EMAIL, "password": demo::PASSWORD });
    let tokens: Value = http.post(format!("{address}/v1/auth/login")).json(&log_in).send().await.expect("an answer").json().await.expect("tokens");
    let token = tokens["access_token"].as_str().expect("a token");
    let get = async |path: &str| -> Value {
        http.get(format!("{address}/v1/inventory{path}")).bearer_auth(token).send().await.expect("an answer").json().await.expect("JSON")
    };
    let stock = get("/stock?include=lots").await;
    let quantities: BTreeMap<&str, &str> = stock["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["sku"].as_str().expect("a sku"), row["quantity"].as_str().expect("a quantity")))
        .collect();
    assert_eq!(quantities.len(), 8);
    assert_eq!((quantities["MILK"], quantities["SALMON"], quantities["EGGS"]), ("47250", "3100", "180"));
    let valuation = get("/reports/valuation").await;
    let total = valuation["total"].as_str().expect("a total");
    assert!(welcome.contains(&format!("worth {total} EUR")), "{welcome}");
    assert!(welcome.contains(demo::PASSWORD) && welcome.contains(&story.access_token) && welcome.contains(&format!("{address}/docs")), "{welcome}");
    let ledger = get("/ledger").await;
    assert_eq!(ledger["data"].as_array().map(Vec::len), Some(10));
    stopper.at_once().await;
    server.await.expect("the server's task").expect("the server");
}

#[test]
fn the_command_serves_the_demo_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run_until(folder.path(), &["demo"], "Every operation, to try in the browser");
    assert!(said.first().is_some_and(|line| line.starts_with("listening on http://127.0.0.1:")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("Log in as")), "{said:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
