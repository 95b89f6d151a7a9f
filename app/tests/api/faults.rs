//! Every statement of every use case fails once, in every way: nothing is left of what failed, nothing that was answered is lost,
//! and what is sent again under its key is done once (I18, I8; support/trial.rs).
//!
//! A new use case is a line in [`USE_CASES`].

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::tables::{Contents, Saved};
use crate::support::trial::{Bench, Fault, Prepare};
use crate::support::{Api, Call, Engine, fresh, variable};

/// A request of each kind, with what it needs. Each is done when nothing happens to it.
pub const USE_CASES: &[(&str, Prepare)] = &[
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
    ("usage with a shortage", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let lines = json!([{ "sku": "X", "quantity": "9" }]);
            let body = json!({ "location": WALK_IN, "purpose": "donation", "recipient": "Food bank", "on_short": "record", "lines": lines });
            kitchen.owner.posting("/v1/inventory/usage", &body)
        })
    }),
    ("adjustment", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let line = |quantity: &str| json!({ "sku": "X", "quantity": quantity, "reason": "miscount" });
            let up = json!({ "sku": "X", "quantity": "+1", "unit_cost": "2", "reason": "found" });
            kitchen.owner.posting("/v1/inventory/adjustments", &json!({ "location": WALK_IN, "lines": [line("-1"), line("+2"), up] }))
        })
    }),
    ("return to a supplier", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let lines = json!([{ "sku": "X", "quantity": "2", "reason": "quality", "credit": "0.1" }]);
            kitchen.owner.posting("/v1/inventory/vendor-returns", &json!({ "location": WALK_IN, "lines": lines }))
        })
    }),
    ("direct transfer", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/transfers", &transfer_body(true))
        })
    }),
    ("dispatch", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let transfer = kitchen.owner.post("/v1/inventory/transfers", transfer_body(false)).await.ok(201);
            kitchen.owner.posting(&format!("/v1/inventory/transfers/{}/dispatch", text(&transfer["transfer"]["id"])), &json!({}))
        })
    }),
    ("arrival", |kitchen| {
        Box::pin(async move {
            let path = under_way(kitchen).await;
            kitchen.owner.posting(&format!("{path}/receive"), &json!({}))
        })
    }),
    ("cancellation of a transfer", |kitchen| {
        Box::pin(async move {
            let path = under_way(kitchen).await;
            kitchen.owner.posting(&format!("{path}/cancel"), &json!({}))
        })
    }),
    ("count", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201);
            let path = format!("/v1/inventory/counts/{}", text(&count["id"]));
            let lines = json!({ "lines": [{ "sku": "X", "quantity": "6" }] });
            kitchen.owner.call("PUT", &format!("{path}/lines")).json(&lines).send().await.ok(200);
            kitchen.owner.posting(&format!("{path}/post"), &json!({}))
        })
    }),
    ("reversal", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let waste = kitchen.waste(json!([{ "sku": "X", "quantity": "4" }])).await;
            let path = format!("/v1/inventory/documents/{}/reverse", text(&waste["document"]["id"]));
            kitchen.owner.posting(&path, &json!({ "reason": "typing_error" }))
        })
    }),
    ("later cost", |kitchen| {
        Box::pin(async move {
            let receipt = bought(kitchen).await;
            kitchen.waste(json!([{ "sku": "X", "quantity": "2" }])).await;
            kitchen.owner.posting(&format!("{receipt}/charges"), &json!({ "charges": [{ "label": "customs", "amount": "4", "basis": "value" }] }))
        })
    }),
    ("correction of a receipt", |kitchen| {
        Box::pin(async move {
            let receipt = bought(kitchen).await;
            kitchen.waste(json!([{ "sku": "X", "quantity": "2" }])).await;
            kitchen.owner.posting(&format!("{receipt}/correct"), &json!({ "line": 1, "quantity": "6", "line_total": "9" }))
        })
    }),
    ("transformation", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let body =
                json!({ "location": WALK_IN, "kind": "cook", "inputs": [{ "sku": "X", "quantity": "4" }], "outputs": [{ "sku": "Y", "quantity": "2" }] });
            kitchen.owner.posting("/v1/inventory/transformations", &body)
        })
    }),
    ("reservation", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/reservations", &json!({ "location": WALK_IN, "sku": "X", "quantity": "3" }))
        })
    }),
    ("usage from a reservation", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let reservation = kitchen.owner.post("/v1/inventory/reservations", json!({ "location": WALK_IN, "sku": "X", "quantity": "3" })).await.ok(201);
            let lines = json!([{ "sku": "X", "quantity": "4", "reservation_id": reservation["id"] }]);
            kitchen.owner.posting("/v1/inventory/usage", &json!({ "location": WALK_IN, "purpose": "event", "lines": lines }))
        })
    }),
    ("opening of a part of a lot", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let lots = kitchen.owner.get("/v1/inventory/lots").await.ok(200);
            kitchen.owner.posting(&format!("/v1/inventory/lots/{}/open", text(&lots["data"][0]["id"])), &json!({ "location": WALK_IN, "quantity": "1" }))
        })
    }),
    ("closing of a period", |kitchen| {
        Box::pin(async move {
            kitchen.item("X", json!({})).await;
            kitchen.receive_at("2026-11-23T12:00:00Z", json!([{ "sku": "X", "quantity": "8", "line_total": "4" }])).await;
            let period = kitchen.owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-24" })).await.ok(201);
            kitchen.owner.posting(&format!("/v1/inventory/periods/{}/close", text(&period["id"])), &json!({}))
        })
    }),
    ("loss on the way", |kitchen| {
        Box::pin(async move {
            let path = under_way(kitchen).await;
            let lines = json!([{ "sku": "X", "quantity": "1", "reason": "damaged" }]);
            kitchen.owner.posting(&format!("{path}/loss"), &json!({ "lines": lines }))
        })
    }),
    ("filling of a count", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201);
            let lines = json!({ "lines": [{ "sku": "X", "quantity": "6" }, { "sku": "Y", "quantity": "0" }] });
            let path = format!("/v1/inventory/counts/{}/lines", text(&count["id"]));
            kitchen.owner.call("PUT", &path).header("Idempotency-Key", &fresh("put")).json(&lines)
        })
    }),
    ("review of a count", |kitchen| {
        Box::pin(async move {
            let path = counting(kitchen).await;
            kitchen.owner.posting(&format!("{path}/review"), &json!({}))
        })
    }),
    ("approval of a count", |kitchen| {
        Box::pin(async move {
            let path = reviewed(kitchen).await;
            kitchen.owner.posting(&format!("{path}/approve"), &json!({}))
        })
    }),
    ("recount of a count", |kitchen| {
        Box::pin(async move {
            let path = reviewed(kitchen).await;
            kitchen.owner.posting(&format!("{path}/recount"), &json!({ "lines": [{ "sku": "X" }] }))
        })
    }),
    ("a count that is posted again", |kitchen| {
        Box::pin(async move {
            let path = counting(kitchen).await;
            kitchen.owner.post(&format!("{path}/post"), json!({})).await.ok(201);
            kitchen.owner.posting(&format!("{path}/repost"), &json!({ "reason": "typing_error" }))
        })
    }),
    ("sealing of an opened part", |kitchen| {
        Box::pin(async move {
            let lot = lot(kitchen).await;
            let opened = kitchen.owner.post(&format!("{lot}/open"), json!({ "location": WALK_IN, "quantity": "1" })).await.ok(201);
            let path = format!("/v1/inventory/lots/{}/reseal", text(&opened["entries"][1]["lot_id"]));
            kitchen.owner.posting(&path, &json!({ "reason": "typing_error" }))
        })
    }),
    ("recall of a lot", |kitchen| {
        Box::pin(async move {
            let lot = lot(kitchen).await;
            kitchen.owner.posting(&format!("{lot}/recall"), &json!({ "note": "salmonella" }))
        })
    }),
    ("hold of a lot", |kitchen| {
        Box::pin(async move {
            let lot = lot(kitchen).await;
            kitchen.owner.patching(&lot, 1, &json!({ "status": "hold" }))
        })
    }),
    ("reopening of a period", |kitchen| {
        Box::pin(async move {
            kitchen.item("X", json!({})).await;
            kitchen.receive_at("2026-11-23T12:00:00Z", json!([{ "sku": "X", "quantity": "8", "line_total": "4" }])).await;
            let period = kitchen.owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-24" })).await.ok(201);
            let path = format!("/v1/inventory/periods/{}", text(&period["id"]));
            kitchen.owner.post(&format!("{path}/close"), json!({})).await.ok(200);
            kitchen.owner.posting(&format!("{path}/reopen"), &json!({}))
        })
    }),
    ("release of a reservation", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let reservation = kitchen.owner.post("/v1/inventory/reservations", json!({ "location": WALK_IN, "sku": "X", "quantity": "3" })).await.ok(201);
            kitchen.owner.call("DELETE", &format!("/v1/inventory/reservations/{}", text(&reservation["id"])))
        })
    }),
    ("clearing of a shortage", |kitchen| {
        Box::pin(async move {
            let used = used_too_much(kitchen).await;
            let path = format!("/v1/inventory/shortages/{}/clear", text(&used["shortages"][0]["id"]));
            kitchen.owner.posting(&path, &json!({ "note": "was in the dry store" }))
        })
    }),
    ("reversal of a receipt that has cleared a shortage", |kitchen| {
        Box::pin(async move {
            used_too_much(kitchen).await;
            let lines = json!([{ "sku": "X", "quantity": "2", "line_total": "3" }]);
            let receipt = json!({ "location": WALK_IN, "lines": lines, "clear_shortages": true });
            let receipt = kitchen.owner.post("/v1/inventory/receipts", receipt).await.ok(201);
            let path = format!("/v1/inventory/documents/{}/reverse", text(&receipt["document"]["id"]));
            kitchen.owner.posting(&path, &json!({ "reason": "typing_error" }))
        })
    }),
    ("reading of the stock", |kitchen| Box::pin(reading(kitchen, "/stock?include=lots"))),
    ("reading of a report", |kitchen| Box::pin(reading(kitchen, "/reports/valuation?as_of=2026-11-25"))),
];

/// Two lots of X: three worth 1, then five worth 4. There never was any of Y.
pub async fn stocked(kitchen: &Kitchen) {
    kitchen.item("X", json!({})).await;
    kitchen.item("Y", json!({})).await;
    kitchen.receive(json!([{ "sku": "X", "quantity": "3", "line_total": "1" }, { "sku": "X", "quantity": "5", "line_total": "4" }])).await;
}

pub fn transfer_body(direct: bool) -> Value {
    json!({ "from_location": WALK_IN, "to_location": DRY_STORE, "direct": direct, "lines": [{ "sku": "X", "quantity": "4" }] })
}

/// The path of a transfer of four of X that is under way.
async fn under_way(kitchen: &Kitchen) -> String {
    stocked(kitchen).await;
    let transfer = kitchen.owner.post("/v1/inventory/transfers", transfer_body(false)).await.ok(201);
    let path = format!("/v1/inventory/transfers/{}", text(&transfer["transfer"]["id"]));
    kitchen.owner.post(&format!("{path}/dispatch"), json!({})).await.ok(201);
    path
}

/// The path of a count of the walk-in, six of X.
async fn counting(kitchen: &Kitchen) -> String {
    stocked(kitchen).await;
    let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN, "needs_approval": false })).await.ok(201);
    let path = format!("/v1/inventory/counts/{}", text(&count["id"]));
    let lines = json!({ "lines": [{ "sku": "X", "quantity": "6" }] });
    kitchen.owner.call("PUT", &format!("{path}/lines")).json(&lines).send().await.ok(200);
    path
}

/// The same when it was reviewed.
async fn reviewed(kitchen: &Kitchen) -> String {
    let path = counting(kitchen).await;
    kitchen.owner.post(&format!("{path}/review"), json!({})).await.ok(200);
    path
}

/// The path of a lot of X.
async fn lot(kitchen: &Kitchen) -> String {
    stocked(kitchen).await;
    let lots = kitchen.owner.get("/v1/inventory/lots").await.ok(200);
    format!("/v1/inventory/lots/{}", text(&lots["data"][0]["id"]))
}

/// Nine of X are used, of eight.
async fn used_too_much(kitchen: &Kitchen) -> Value {
    stocked(kitchen).await;
    let body = json!({ "location": WALK_IN, "purpose": "service", "on_short": "record", "lines": [{ "sku": "X", "quantity": "9" }] });
    kitchen.owner.post("/v1/inventory/usage", body).await.ok(201)
}

/// The path of a receipt of eight of X.
async fn bought(kitchen: &Kitchen) -> String {
    kitchen.item("X", json!({})).await;
    let receipt = kitchen.receive(json!([{ "sku": "X", "quantity": "8", "line_total": "5" }])).await;
    format!("/v1/inventory/receipts/{}", text(&receipt["document"]["id"]))
}

pub async fn reading(kitchen: &Kitchen, path: &str) -> Call {
    stocked(kitchen).await;
    kitchen.owner.call("GET", &format!("/v1/inventory{path}"))
}

/// A statement that took too long, one that lost against another, a deadlock, too many connections, a lock that was not had in
/// time, a full disk.
const FAILURES: [&str; 6] = ["57014", "40001", "40P01", "53300", "55P03", "53100"];

/// All use cases with `LARDER_TEST_ALL_ORDERS=1`; else every third, another third for each kind of fault.
fn some(faults: &[Fault]) -> impl Iterator<Item = &'static (&'static str, Prepare)> {
    let phase = match faults.first() {
        Some(Fault::Drops | Fault::Terminated) => 1,
        Some(Fault::LosesItsAnswer) => 2,
        _ => 0,
    };
    let all = variable("LARDER_TEST_ALL_ORDERS").is_some();
    USE_CASES.iter().enumerate().filter(move |(index, _)| all || index % 3 == phase).map(|(_, case)| case)
}

/// All of these at every statement with `LARDER_TEST_ALL_ORDERS=1`; else one at each, in turn, and all at the last, the COMMIT.
async fn suffer(faults: &[Fault]) {
    let Some(bench) = Bench::open(Engine::Postgres, None).await else { return };
    let all = variable("LARDER_TEST_ALL_ORDERS").is_some();
    let mut trials = 0;
    for (name, prepare) in some(faults) {
        let subject = bench.subject(name, *prepare).await;
        let steps = subject.steps().await;
        for step in 1..=steps {
            let each = if all || step == steps { faults.len() } else { 1 };
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
    suffer(&[Fault::Drops, Fault::LosesItsAnswer, Fault::Terminated]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_sent_again_while_it_runs_is_done_once() {
    suffer(&[Fault::Outlasts]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_written_leaves_nothing_sqlite() {
    let Some(bench) = Bench::open(Engine::Sqlite, None).await else { return };
    for (name, prepare) in USE_CASES {
        let subject = bench.subject(name, *prepare).await;
        let refused = subject.refuse_rows(variable("LARDER_TEST_ALL_ORDERS").is_some()).await;
        println!("{name}: {refused} rows");
        assert_eq!(refused > 0, !name.starts_with("reading"), "{name}");
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_there_leaves_nothing_sqlite() {
    let Some(bench) = Bench::open(Engine::Sqlite, None).await else { return };
    for (name, prepare) in USE_CASES {
        let failed = bench.subject(name, *prepare).await.take_tables_away().await;
        println!("{name}: impossible without {failed} tables");
        assert!(failed > 0, "{name}");
    }
    bench.close().await;
}

/// What the answer is stored under is not the key of the request.
fn storing_under_another_key(sql: &str) -> Option<String> {
    const INSERT: &str = "INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at) VALUES (";
    let (before, values) = sql.split_once(INSERT)?;
    let values: Vec<_> = values.splitn(4, ", ").collect();
    let &[tenant, actor, key, rest] = values.as_slice() else { panic!("{sql}") };
    Some(format!("{before}{INSERT}{tenant}, {actor}, {key} || gen_random_uuid()::text, {rest}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_forgets_its_keys_is_found_out() {
    let Some(bench) = Bench::open(Engine::Postgres, Some(storing_under_another_key)).await else { return };
    let (name, prepare) = USE_CASES[0];
    let subject = bench.subject(name, prepare).await;
    let commit = subject.steps().await;
    let suffered = AssertUnwindSafe(subject.suffer(commit, Fault::LosesItsAnswer)).catch_unwind().await;
    let noticed = suffered.expect_err("it was done twice, and nothing was noticed");
    assert!(noticed.downcast_ref::<String>().is_some_and(|noticed| noticed.contains("sent again")), "something else was noticed");
    bench.close().await;
}

both_engines! {
    async fn one_row_too_many_is_found_and_what_is_put_back_is_what_was_saved(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        stocked(&kitchen).await;
        let saved = Saved::take(api.inventory_db(), "stocked", api.stores().folder().path()).await;
        assert!(saved.contents.0.values().flatten().count() > 30);
        for _ in 0..2 {
            let number = &kitchen.waste(json!([{ "sku": "X", "quantity": "4" }])).await["document"]["number"];
            assert_eq!(number, "W-000001");
            let wasted = Contents::of(api.inventory_db()).await;
            let found = saved.contents.difference(&wasted);
            for expected in ["+ ledger_entry", "+ document", "- balance", "+ balance", "- ledger_head"] {
                assert!(found.contains(expected), "{expected}:\n{found}");
            }
            saved.put_back().await;
            assert_eq!(saved.contents.difference(&Contents::of(api.inventory_db()).await), "");
        }
        // The ledger guards itself as before.
        api.inventory_db().execute_unprepared("DELETE FROM ledger_entry").await.expect_err("entries are never deleted");
    }
}
