//! Every statement of every use case fails once, in every way: nothing is left of what failed, nothing that was answered is lost,
//! and what is sent again under its key is done once (I18, I8; support/trial.rs).
//!
//! A new use case is a line in [`USE_CASES`].

use serde_json::json;

use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::trial::{Bench, Fault, Prepare, REFUSALS};
use crate::support::{Call, Engine, fresh, variable};

/// A request of each kind, with what it needs. Each is done when nothing happens to it.
const USE_CASES: &[(&str, Prepare)] = &[
    ("receipt", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let lines = json!([{ "sku": "X", "quantity": "2", "line_total": "3" }, { "sku": "Y", "quantity": "1", "line_total": "1" }]);
            let charges = json!([{ "label": "delivery", "amount": "1" }]);
            kitchen.owner.posting("/v1/inventory/receipts", &json!({ "location": WALK_IN, "lines": lines, "charges": charges }))
        })
    }),
    ("waste", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/waste", &waste_body(json!([{ "sku": "X", "quantity": "4" }])))
        })
    }),
    ("import of opening stock", |kitchen| {
        Box::pin(async move {
            kitchen.item("Y", json!({})).await;
            let path = format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&create_items=true");
            let file = "sku,quantity,unit_cost\nX,3,1.5\nY,2,0.5\n";
            kitchen.owner.call("POST", &path).header("Idempotency-Key", &fresh("key")).body("text/csv", file)
        })
    }),
    ("creation of an item", |kitchen| {
        Box::pin(async move { kitchen.owner.posting("/v1/inventory/items", &json!({ "sku": "X", "name": "Item X", "base_unit": "each" })) })
    }),
    ("archiving of an item", |kitchen| {
        Box::pin(async move {
            let item = kitchen.item("X", json!({})).await;
            kitchen.owner.patching(&format!("/v1/inventory/items/{}", text(&item["id"])), 1, &json!({ "archived": true }))
        })
    }),
    ("archiving of a location", |kitchen| {
        Box::pin(async move {
            let bar = json!({ "kind": "site", "code": "bar", "name": "Bar" });
            let bar = kitchen.owner.post("/v1/inventory/locations", bar).await.ok(201);
            kitchen.owner.patching(&format!("/v1/inventory/locations/{}", text(&bar["id"])), 1, &json!({ "archived": true }))
        })
    }),
    ("reading of the stock", |kitchen| Box::pin(reading(kitchen, "/stock?include=lots"))),
    ("reading of a report", |kitchen| Box::pin(reading(kitchen, "/reports/valuation?as_of=2026-11-25"))),
];

/// Two lots of X: three worth 1, then five worth 4. There never was any of Y.
async fn stocked(kitchen: &Kitchen) {
    kitchen.item("X", json!({})).await;
    kitchen.item("Y", json!({})).await;
    kitchen.receive(json!([{ "sku": "X", "quantity": "3", "line_total": "1" }, { "sku": "X", "quantity": "5", "line_total": "4" }])).await;
}

async fn reading(kitchen: &Kitchen, path: &str) -> Call {
    stocked(kitchen).await;
    kitchen.owner.call("GET", &format!("/v1/inventory{path}"))
}

/// A statement that took too long, one that lost against another, a deadlock, too many connections, a lock that was not had in
/// time, a full disk.
const FAILURES: [&str; 6] = ["57014", "40001", "40P01", "53300", "55P03", "53100"];

/// All of these at every statement with `LARDER_TEST_ALL_ORDERS=1`; else one at each, in turn.
async fn suffer(faults: &[Fault]) {
    let Some(bench) = Bench::open(Engine::Postgres).await else { return };
    let each = if variable("LARDER_TEST_ALL_ORDERS").is_some() { faults.len() } else { 1 };
    let mut trials = 0;
    for (name, prepare) in USE_CASES {
        let subject = bench.subject(name, *prepare).await;
        let steps = subject.steps().await;
        for step in 1..=steps {
            for fault in faults.iter().cycle().skip(step).take(each) {
                subject.suffer(step, *fault).await;
                trials += 1;
            }
        }
        println!("{name}: {steps} statements");
    }
    println!("{trials} trials of {faults:?}");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_fails_on_postgres_leaves_nothing() {
    suffer(&FAILURES.map(Fault::Fails)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_lost_loses_nothing_and_does_nothing_twice() {
    for fault in [Fault::Drops, Fault::LosesItsAnswer] {
        suffer(&[fault]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_sent_again_while_it_runs_is_done_once() {
    suffer(&[Fault::Outlasts]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_shut_down_under_a_request_loses_nothing() {
    suffer(&[Fault::Terminated]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_written_leaves_nothing_sqlite() {
    let Some(bench) = Bench::open(Engine::Sqlite).await else { return };
    for (name, prepare) in USE_CASES {
        let subject = bench.subject(name, *prepare).await;
        for how in REFUSALS {
            let refused = subject.refuse_rows(how).await;
            println!("{name}: {refused} rows, {how}");
            assert_eq!(refused > 0, !name.starts_with("reading"), "{name}");
        }
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_there_leaves_nothing_sqlite() {
    let Some(bench) = Bench::open(Engine::Sqlite).await else { return };
    for (name, prepare) in USE_CASES {
        let failed = bench.subject(name, *prepare).await.take_tables_away().await;
        println!("{name}: impossible without {failed} tables");
        assert!(failed > 0, "{name}");
    }
    bench.close().await;
}
