//! Requests at once, in every order of their statements, on Postgres: as good as one after the other (support/race.rs).
//!
//! A new kind of document gets its races here: against its like, against what takes the same stock, and against what bumps the
//! rules. The tests at the end take a rule out of the statements and show that the same races notice it.

use serde_json::{Value, json};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::race::{Course, Findings};
use crate::support::wire::Rewriting;
use crate::support::{Call, fresh};

fn receive(kitchen: &Kitchen, lines: &Value) -> Call {
    kitchen.owner.posting("/v1/inventory/receipts", &json!({ "location": WALK_IN, "lines": lines }))
}

fn waste(kitchen: &Kitchen, lines: &Value) -> Call {
    kitchen.owner.posting("/v1/inventory/waste", &waste_body(lines.clone()))
}

fn archive_item(kitchen: &Kitchen, item: &Value) -> Call {
    kitchen.owner.patching(&format!("/v1/inventory/items/{}", text(&item["id"])), 1, &json!({ "archived": true }))
}

async fn archive_walk_in(kitchen: &Kitchen) -> Call {
    let locations = kitchen.owner.get("/v1/inventory/locations").await.ok(200);
    let walk_in = locations["data"].as_array().expect("locations").iter().find(|location| location["path"] == WALK_IN).expect("the walk-in").clone();
    kitchen.owner.patching(&format!("/v1/inventory/locations/{}", text(&walk_in["id"])), 1, &json!({ "archived": true }))
}

fn of(quantity: &str) -> Value {
    json!([{ "sku": "X", "quantity": quantity }])
}

fn priced(quantity: &str) -> Value {
    json!([{ "sku": "X", "quantity": quantity, "line_total": "7" }])
}

/// Two lots of X: three worth 1, then five worth 4.
async fn two_lots(kitchen: &Kitchen) -> Value {
    let item = kitchen.item("X", json!({})).await;
    kitchen.receive(json!([{ "sku": "X", "quantity": "3", "line_total": "1" }, { "sku": "X", "quantity": "5", "line_total": "4" }])).await;
    item
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_postings_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    two_wastes(&course).await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("two wastes of what is there for one", async |kitchen| {
        two_lots(kitchen).await;
        vec![waste(kitchen, &of("5")), waste(kitchen, &of("4"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("two receipts of what was never there", async |kitchen| {
        kitchen.item("X", json!({})).await;
        vec![receive(kitchen, &priced("2")), receive(kitchen, &priced("3"))]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("a receipt and waste of it", async |kitchen| {
        kitchen.item("X", json!({})).await;
        vec![receive(kitchen, &priced("2")), waste(kitchen, &of("2"))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[201, 409]).assert_serial();
    let race = course.race("two wastes of two items, each in its order", async |kitchen| {
        two_lots(kitchen).await;
        kitchen.item("Y", json!({})).await;
        kitchen.receive(json!([{ "sku": "Y", "quantity": "6", "line_total": "2" }])).await;
        let line = |sku: &str| json!({ "sku": sku, "quantity": "4" });
        vec![waste(kitchen, &json!([line("X"), line("Y")])), waste(kitchen, &json!([line("Y"), line("X")]))]
    });
    race.await.assert_answered(&[201, 409]).assert_serial();
    let race = course.race("a receipt that is sent twice", async |kitchen| {
        kitchen.item("X", json!({})).await;
        let receipt = receive(kitchen, &priced("2"));
        vec![receipt.clone(), receipt]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("two corrections of a refused waste under one key", async |kitchen| {
        two_lots(kitchen).await;
        let too_much = waste(kitchen, &of("9"));
        vec![too_much.clone(), too_much.clone().json(&waste_body(of("8")))]
    });
    race.await.assert_answered(&[409, 201]).assert_serial();
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_posting_and_an_archiving_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    receipt_and_archiving(&course).await.assert_answered(&[201, 409]).assert_answered(&[422, 200]).assert_serial();
    let race = course.race("waste of the last and the archiving of its item", async |kitchen| {
        let item = two_lots(kitchen).await;
        vec![waste(kitchen, &of("8")), archive_item(kitchen, &item)]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[201, 200]).assert_serial();
    let race = course.race("a receipt and the archiving of its location", async |kitchen| {
        kitchen.item("X", json!({})).await;
        vec![receive(kitchen, &priced("2")), archive_walk_in(kitchen).await]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[422, 200]).assert_serial();
    let race = course.race("two archivings of one item", async |kitchen| {
        let item = kitchen.item("X", json!({})).await;
        vec![archive_item(kitchen, &item), archive_item(kitchen, &item)]
    });
    race.await.assert_answered(&[200, 412]).assert_serial();
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_beside_a_posting_sees_all_of_it_or_nothing() {
    let Some(course) = Course::open(None).await else { return };
    for path in ["/reports/valuation", "/stock?include=lots", "/lots", "/ledger", "/documents"] {
        let name = format!("waste and GET {path}");
        let race = course.race(&name, async |kitchen| {
            two_lots(kitchen).await;
            vec![waste(kitchen, &of("4")), kitchen.owner.call("GET", &format!("/v1/inventory{path}"))]
        });
        race.await.assert_answered(&[201, 200]).assert_serial();
    }
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("two wastes and a receipt", async |kitchen| {
        two_lots(kitchen).await;
        vec![waste(kitchen, &of("5")), waste(kitchen, &of("4")), receive(kitchen, &priced("2"))]
    });
    race.await.assert_answered(&[201, 201, 201]).assert_answered(&[201, 409, 201]).assert_serial();
    let race = course.race("waste of the last, a receipt and an archiving", async |kitchen| {
        let item = two_lots(kitchen).await;
        vec![waste(kitchen, &of("8")), receive(kitchen, &priced("2")), archive_item(kitchen, &item)]
    });
    race.await.assert_answered(&[201, 422, 200]).assert_answered(&[201, 201, 409]).assert_serial();
    course.close().await;
}

async fn two_wastes(course: &Course) -> Findings {
    let race = course.race("two wastes of two lots", async |kitchen| {
        two_lots(kitchen).await;
        vec![waste(kitchen, &of("2")), waste(kitchen, &of("4"))]
    });
    race.await
}

async fn receipt_and_archiving(course: &Course) -> Findings {
    let race = course.race("a receipt and the archiving of its item", async |kitchen| {
        let item = kitchen.item("X", json!({})).await;
        vec![receive(kitchen, &priced("2")), archive_item(kitchen, &item)]
    });
    race.await
}

const LOCK: &str = " FOR NO KEY UPDATE OF stock_key";

/// Stock keys are read and not locked.
fn without_the_lock(sql: &str) -> Option<String> {
    sql.contains(LOCK).then(|| sql.replace(LOCK, ""))
}

/// The lock moves into the statement that reads the balances, which then reads those from before it waited.
fn reading_with_the_lock(sql: &str) -> Option<String> {
    const KEYS: &str = "stock_key.location_id = given.location_id";
    let reads = sql.contains(" AS reserved_quantity FROM (") && sql.contains(KEYS);
    if reads { Some(sql.replace(KEYS, &format!("{KEYS}{LOCK}"))) } else { without_the_lock(sql) }
}

/// The head is advanced whatever the rules are by now.
fn without_the_rules(sql: &str) -> Option<String> {
    const RULES: &str = " AND rules_version = $";
    let (before, rest) = sql.split_once(RULES)?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(digits);
    Some(format!("{before} AND ${number}::bigint IS NOT NULL{rest}"))
}

/// An archiving leaves no trace at the head.
fn without_the_bump(sql: &str) -> Option<String> {
    sql.contains("rules_version = rules_version + 1").then(|| sql.replace("rules_version + 1", "rules_version + 0"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_is_taken_out_is_missed() {
    for rewriting in [without_the_lock, reading_with_the_lock] as [Rewriting; 2] {
        let Some(course) = Course::open(Some(rewriting)).await else { return };
        let findings = two_wastes(&course).await;
        assert!(course.wire().rewritten() > 0, "no statement is written as this test believes");
        findings.assert_noticed();
        course.close().await;
    }
    for rewriting in [without_the_rules, without_the_bump] as [Rewriting; 2] {
        let Some(course) = Course::open(Some(rewriting)).await else { return };
        let findings = receipt_and_archiving(&course).await;
        assert!(course.wire().rewritten() > 0, "no statement is written as this test believes");
        findings.assert_answered(&[201, 200]).assert_noticed();
        course.close().await;
    }
}

fn use_stock(kitchen: &Kitchen, lines: &Value) -> Call {
    kitchen.owner.posting("/v1/inventory/usage", &json!({ "location": WALK_IN, "purpose": "service", "lines": lines }))
}

fn transfer(kitchen: &Kitchen, from: &str, to: &str, quantity: &str) -> Call {
    let body = json!({ "from_location": from, "to_location": to, "direct": true, "lines": of(quantity) });
    kitchen.owner.posting("/v1/inventory/transfers", &body)
}

fn reverse(kitchen: &Kitchen, posted: &Value) -> Call {
    let path = format!("/v1/inventory/documents/{}/reverse", text(&posted["document"]["id"]));
    kitchen.owner.posting(&path, &json!({ "reason": "typing_error" }))
}

fn charge(kitchen: &Kitchen, receipt: &Value) -> Call {
    let path = format!("/v1/inventory/receipts/{}/charges", text(&receipt["document"]["id"]));
    kitchen.owner.posting(&path, &json!({ "charges": [{ "label": "customs", "amount": "8", "basis": "value" }] }))
}

fn adjust(kitchen: &Kitchen, location: &str, quantity: &str) -> Call {
    let line = json!({ "sku": "X", "quantity": quantity, "reason": "found" });
    kitchen.owner.posting("/v1/inventory/adjustments", &json!({ "location": location, "lines": [line] }))
}

fn reserve(kitchen: &Kitchen, quantity: &str) -> Call {
    kitchen.owner.posting("/v1/inventory/reservations", &json!({ "location": WALK_IN, "sku": "X", "quantity": quantity }))
}

/// A count of the walk-in that is ready to be posted: so many were counted an hour ago.
async fn counted(kitchen: &Kitchen, quantity: &str) -> Call {
    let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201);
    let path = format!("/v1/inventory/counts/{}", text(&count["id"]));
    let lines = json!({ "lines": [{ "sku": "X", "quantity": quantity, "counted_at": "2026-11-25T11:00:00Z" }] });
    kitchen.owner.call("PUT", &format!("{path}/lines")).json(&lines).send().await.ok(200);
    kitchen.owner.posting(&format!("{path}/post"), &json!({}))
}

/// A period up to yesterday that is ready to be closed.
async fn closing(kitchen: &Kitchen) -> Call {
    let period = kitchen.owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-24" })).await.ok(201);
    kitchen.owner.posting(&format!("/v1/inventory/periods/{}/close", text(&period["id"])), &json!({}))
}

/// Eight of X since Monday, in one lot.
async fn since_monday(kitchen: &Kitchen) -> Value {
    kitchen.item("X", json!({})).await;
    kitchen.receive_at("2026-11-23T12:00:00Z", json!([{ "sku": "X", "quantity": "8", "line_total": "4" }])).await
}

fn yesterday(kitchen: &Kitchen, quantity: &str) -> Call {
    let body = json!({ "location": WALK_IN, "effective_at": "2026-11-24T12:00:00Z", "purpose": "service", "lines": of(quantity) });
    kitchen.owner.posting("/v1/inventory/usage", &body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn movements_of_every_kind_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("transfers in opposite directions", async |kitchen| {
        since_monday(kitchen).await;
        kitchen
            .owner
            .post("/v1/inventory/transfers", json!({ "from_location": WALK_IN, "to_location": DRY_STORE, "direct": true, "lines": of("4") }))
            .await
            .ok(201);
        vec![transfer(kitchen, WALK_IN, DRY_STORE, "2"), transfer(kitchen, DRY_STORE, WALK_IN, "3")]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("usage and a transfer of the same", async |kitchen| {
        since_monday(kitchen).await;
        vec![use_stock(kitchen, &of("5")), transfer(kitchen, WALK_IN, DRY_STORE, "4")]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("two reversals of one document", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![reverse(kitchen, &receipt), reverse(kitchen, &receipt)]
    });
    race.await.assert_answered(&[201, 409]).assert_serial();
    let race = course.race("a reversal and usage of what it takes away", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![reverse(kitchen, &receipt), use_stock(kitchen, &of("1"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a reversal of usage and a later cost of its lot", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        let used = kitchen.owner.post("/v1/inventory/usage", json!({ "location": WALK_IN, "purpose": "service", "lines": of("8") })).await.ok(201);
        vec![reverse(kitchen, &used), charge(kitchen, &receipt)]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a later cost and a transfer of its lot", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![charge(kitchen, &receipt), transfer(kitchen, WALK_IN, DRY_STORE, "3")]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("gains of one lot in two places", async |kitchen| {
        since_monday(kitchen).await;
        kitchen
            .owner
            .post("/v1/inventory/transfers", json!({ "from_location": WALK_IN, "to_location": DRY_STORE, "direct": true, "lines": of("4") }))
            .await
            .ok(201);
        vec![adjust(kitchen, WALK_IN, "+1"), adjust(kitchen, DRY_STORE, "+3")]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("two reservations of what is there for one", async |kitchen| {
        since_monday(kitchen).await;
        vec![reserve(kitchen, "5"), reserve(kitchen, "4")]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a reservation and usage of the same", async |kitchen| {
        since_monday(kitchen).await;
        vec![reserve(kitchen, "5"), use_stock(kitchen, &of("4"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_and_a_posting_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("a count and usage now", async |kitchen| {
        since_monday(kitchen).await;
        vec![counted(kitchen, "6").await, use_stock(kitchen, &of("3"))]
    });
    race.await.assert_serial();
    let race = course.race("a count and usage of yesterday", async |kitchen| {
        since_monday(kitchen).await;
        vec![counted(kitchen, "6").await, yesterday(kitchen, "3")]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[201, 201]).assert_serial();
    let race = course.race("two counts of the same", async |kitchen| {
        since_monday(kitchen).await;
        vec![counted(kitchen, "6").await, counted(kitchen, "7").await]
    });
    race.await.assert_serial();
    course.close().await;
}

/// A count of the walk-in of so many now, ready to be posted, with what becomes of what was not counted.
async fn counting(kitchen: &Kitchen, lines: &Value, uncounted: &str) -> Call {
    let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN, "uncounted": uncounted })).await.ok(201);
    let path = format!("/v1/inventory/counts/{}", text(&count["id"]));
    kitchen.owner.call("PUT", &format!("{path}/lines")).json(&json!({ "lines": lines })).send().await.ok(200);
    kitchen.owner.posting(&format!("{path}/post"), &json!({}))
}

/// The others run while time stands still: here what one request does is later than what the other took for now when it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_says_no_time_is_not_refused_for_what_happened_while_it_waited() {
    let Some(course) = Course::ticking().await else { return };
    let race = course.race("usage and a later cost of its lot", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![use_stock(kitchen, &of("1")), charge(kitchen, &receipt)]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("what was found elsewhere and a later cost of the lot that it goes to", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![adjust(kitchen, DRY_STORE, "+1"), charge(kitchen, &receipt)]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    let race = course.race("usage and a count of what was not counted as nothing", async |kitchen| {
        since_monday(kitchen).await;
        kitchen.item("Y", json!({})).await;
        let nothing_of_another = json!([{ "sku": "Y", "quantity": "0" }]);
        vec![use_stock(kitchen, &of("1")), counting(kitchen, &nothing_of_another, "zero").await]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a receipt and a count of what was not counted as nothing", async |kitchen| {
        since_monday(kitchen).await;
        kitchen.item("Y", json!({})).await;
        let nothing_of_another = json!([{ "sku": "Y", "quantity": "0" }]);
        vec![receive(kitchen, &priced("2")), counting(kitchen, &nothing_of_another, "zero").await]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    course.close().await;
}

fn draft(kitchen: &Kitchen, quantity: &str) -> Call {
    kitchen.owner.posting("/v1/inventory/transfers", &json!({ "from_location": WALK_IN, "to_location": DRY_STORE, "lines": of(quantity) }))
}

/// A draft of a transfer of so many; answers its path.
async fn drafted(kitchen: &Kitchen, quantity: &str) -> String {
    let made = draft(kitchen, quantity).send().await.ok(201);
    format!("/v1/inventory/transfers/{}", text(&made["transfer"]["id"]))
}

/// The same once all of it was sent.
async fn sent(kitchen: &Kitchen, quantity: &str) -> String {
    let path = drafted(kitchen, quantity).await;
    kitchen.owner.post(&format!("{path}/dispatch"), json!({})).await.ok(201);
    path
}

fn arrival(kitchen: &Kitchen, transfer: &str, quantity: &str) -> Call {
    kitchen.owner.posting(&format!("{transfer}/receive"), &json!({ "lines": of(quantity) }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_of_transfers_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("a dispatch and usage of the same", async |kitchen| {
        since_monday(kitchen).await;
        let path = drafted(kitchen, "4").await;
        vec![kitchen.owner.posting(&format!("{path}/dispatch"), &json!({})), use_stock(kitchen, &of("5"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("two arrivals of what is under way for one", async |kitchen| {
        since_monday(kitchen).await;
        let path = sent(kitchen, "4").await;
        vec![arrival(kitchen, &path, "3"), arrival(kitchen, &path, "2")]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("an arrival of a part and the cancellation", async |kitchen| {
        since_monday(kitchen).await;
        let path = sent(kitchen, "4").await;
        vec![arrival(kitchen, &path, "3"), kitchen.owner.posting(&format!("{path}/cancel"), &json!({}))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("an arrival and the reversal of its dispatch", async |kitchen| {
        since_monday(kitchen).await;
        let path = drafted(kitchen, "4").await;
        let dispatched = kitchen.owner.post(&format!("{path}/dispatch"), json!({})).await.ok(201);
        vec![arrival(kitchen, &path, "4"), reverse(kitchen, &dispatched)]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("an arrival and a later cost of what is under way", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        let path = sent(kitchen, "4").await;
        vec![arrival(kitchen, &path, "4"), charge(kitchen, &receipt)]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    course.close().await;
}

fn lot_of(receipt: &Value) -> String {
    format!("/v1/inventory/lots/{}", text(&receipt["entries"][0]["lot_id"]))
}

fn opening(kitchen: &Kitchen, receipt: &Value, quantity: &str) -> Call {
    kitchen.owner.posting(&format!("{}/open", lot_of(receipt)), &json!({ "location": WALK_IN, "quantity": quantity }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_a_lot_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("a correction of a receipt and usage of its lot", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        let path = format!("/v1/inventory/receipts/{}/correct", text(&receipt["document"]["id"]));
        vec![kitchen.owner.posting(&path, &json!({ "line": 1, "quantity": "6", "line_total": "9" })), use_stock(kitchen, &of("7"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a transformation and usage of what goes in", async |kitchen| {
        since_monday(kitchen).await;
        kitchen.item("Y", json!({})).await;
        let outputs = json!([{ "sku": "Y", "quantity": "2" }]);
        let body = json!({ "location": WALK_IN, "kind": "cook", "inputs": of("5"), "outputs": outputs });
        vec![kitchen.owner.posting("/v1/inventory/transformations", &body), use_stock(kitchen, &of("4"))]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("the opening of a part and usage of all", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![opening(kitchen, &receipt, "2"), use_stock(kitchen, &of("8"))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("the sealing of a part and usage of it", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        let opened = opening(kitchen, &receipt, "2").send().await.ok(201);
        let path = format!("/v1/inventory/lots/{}/reseal", text(&opened["entries"][1]["lot_id"]));
        vec![kitchen.owner.posting(&path, &json!({ "reason": "typing_error" })), use_stock(kitchen, &of("1"))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[409, 201]).assert_serial();
    let race = course.race("a recall and usage", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        vec![kitchen.owner.posting(&format!("{}/recall", lot_of(&receipt)), &json!({})), use_stock(kitchen, &of("1"))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[201, 409]).assert_serial();
    let race = course.race("a hold and the reversal of usage", async |kitchen| {
        let receipt = since_monday(kitchen).await;
        let used = use_stock(kitchen, &of("2")).send().await.ok(201);
        let version = kitchen.owner.get(&lot_of(&receipt)).await.ok(200)["version"].as_i64().expect("a version");
        vec![kitchen.owner.patching(&lot_of(&receipt), version, &json!({ "status": "hold" })), reverse(kitchen, &used)]
    });
    race.await.assert_answered(&[200, 201]).assert_serial();
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_and_what_it_needs_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let import = |kitchen: &Kitchen| {
        let path = format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&create_items=true");
        kitchen.owner.call("POST", &path).header("Idempotency-Key", &fresh("key")).body("text/csv", "sku,quantity,unit_cost\nX,3,1.5\n")
    };
    let race = course.race("an import and the creation of its item", async |kitchen| {
        let item = json!({ "sku": "X", "name": "X", "base_unit": "each" });
        vec![import(kitchen), kitchen.owner.posting("/v1/inventory/items", &item)]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[201, 201]).assert_serial();
    let race = course.race("an import and usage of what it brings", async |kitchen| {
        since_monday(kitchen).await;
        vec![import(kitchen), use_stock(kitchen, &of("10"))]
    });
    race.await.assert_answered(&[201, 201]).assert_answered(&[201, 409]).assert_serial();
    course.close().await;
}

/// A count of the walk-in that somebody has begun; answers its path.
async fn begun(kitchen: &Kitchen) -> String {
    let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201);
    format!("/v1/inventory/counts/{}", text(&count["id"]))
}

/// So many of X are counted, beside what was counted before.
fn add_to(kitchen: &Kitchen, count: &str, quantity: &str) -> Call {
    let lines = json!({ "lines": [{ "sku": "X", "quantity": quantity, "add": true, "counted_at": "2026-11-25T11:00:00Z" }] });
    kitchen.owner.call("PUT", &format!("{count}/lines")).header("Idempotency-Key", &fresh("put")).json(&lines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_count_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("two who fill one count", async |kitchen| {
        since_monday(kitchen).await;
        let count = begun(kitchen).await;
        vec![add_to(kitchen, &count, "2"), add_to(kitchen, &count, "3")]
    });
    race.await.assert_answered(&[200, 200]).assert_serial();
    let race = course.race("a line of a count and the archiving of its item", async |kitchen| {
        let item = kitchen.item("X", json!({})).await;
        let count = begun(kitchen).await;
        vec![add_to(kitchen, &count, "2"), archive_item(kitchen, &item)]
    });
    race.await.assert_answered(&[200, 409]).assert_answered(&[422, 200]).assert_serial();
    let race = course.race("the opening of a count and the archiving of its location", async |kitchen| {
        let open = kitchen.owner.posting("/v1/inventory/counts", &json!({ "location": WALK_IN }));
        vec![open, archive_walk_in(kitchen).await]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[422, 200]).assert_serial();
    course.close().await;
}

/// So many of X are counted on a line of the count, whatever was said of it before.
fn fill(kitchen: &Kitchen, count: &str, quantity: &str) -> Call {
    let lines = json!({ "lines": [{ "sku": "X", "quantity": quantity, "counted_at": "2026-11-25T11:00:00Z" }] });
    kitchen.owner.call("PUT", &format!("{count}/lines")).json(&lines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_filled_while_it_goes_on_to_its_end_has_the_line_or_not() {
    let Some(course) = Course::open(None).await else { return };
    for step in ["review", "post", "cancel"] {
        let name = format!("a line of a count and its {step}");
        let race = course.race(&name, async |kitchen| {
            since_monday(kitchen).await;
            let count = begun(kitchen).await;
            fill(kitchen, &count, "6").send().await.ok(200);
            vec![fill(kitchen, &count, "5"), kitchen.owner.posting(&format!("{count}/{step}"), &json!({}))]
        });
        race.await.assert_serial();
    }
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_or_reserved_and_an_archiving_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("a reservation and the archiving of its item", async |kitchen| {
        let item = kitchen.item("X", json!({})).await;
        vec![reserve(kitchen, "2"), archive_item(kitchen, &item)]
    });
    race.await.assert_serial();
    let race = course.race("a reservation and the archiving of its location", async |kitchen| {
        kitchen.item("X", json!({})).await;
        vec![reserve(kitchen, "2"), archive_walk_in(kitchen).await]
    });
    race.await.assert_serial();
    let race = course.race("a transfer of the last and the archiving of where it was", async |kitchen| {
        since_monday(kitchen).await;
        vec![transfer(kitchen, WALK_IN, DRY_STORE, "8"), archive_walk_in(kitchen).await]
    });
    race.await.assert_answered(&[201, 409]).assert_answered(&[201, 200]).assert_serial();
    let race = course.race("a draft of a transfer and the archiving of where it begins", async |kitchen| {
        kitchen.item("X", json!({})).await;
        vec![draft(kitchen, "8"), archive_walk_in(kitchen).await]
    });
    race.await.assert_serial();
    course.close().await;
}

/// What was found at eleven went to the only lot; once another lies there that was received before, posting the count again finds it in that one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_posted_again_locks_its_lots_before_the_head() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("a count that is posted again and what is found elsewhere of the younger lot", async |kitchen| {
        since_monday(kitchen).await;
        let post = counted(kitchen, "9").await;
        let count = post.send().await.ok(201)["count"]["id"].clone();
        let there = json!({ "location": DRY_STORE, "effective_at": "2026-11-25T10:00:00Z", "lines": priced("4") });
        kitchen.owner.post("/v1/inventory/receipts", there).await.ok(201);
        transfer(kitchen, DRY_STORE, WALK_IN, "2").send().await.ok(201);
        let repost = kitchen.owner.posting(&format!("/v1/inventory/counts/{}/repost", text(&count)), &json!({ "reason": "typing_error" }));
        vec![repost, adjust(kitchen, DRY_STORE, "+1")]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    course.close().await;
}

/// A count that found no difference has no entry, so nobody who undoes it locks what it counted; who marks it holds the head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_undone_and_marked_at_once_waits_for_nobody_behind_the_head() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("the reversal of a count without a difference and a receipt that it does not include", async |kitchen| {
        since_monday(kitchen).await;
        let posted = counted(kitchen, "8").await.send().await.ok(201);
        let body = json!({ "location": WALK_IN, "effective_at": "2026-11-25T10:00:00Z", "counted": "not_included", "lines": priced("2") });
        vec![reverse(kitchen, &posted), kitchen.owner.posting("/v1/inventory/receipts", &body)]
    });
    race.await.assert_answered(&[201, 201]).assert_serial();
    course.close().await;
}

async fn posting_and_closing(course: &Course) -> Findings {
    let race = course.race("usage of yesterday and the closing of that day", async |kitchen| {
        since_monday(kitchen).await;
        vec![yesterday(kitchen, "3"), closing(kitchen).await]
    });
    race.await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_and_a_posting_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    posting_and_closing(&course).await.assert_answered(&[201, 200]).assert_answered(&[409, 200]).assert_serial();
    let race = course.race("two closings of one period", async |kitchen| {
        since_monday(kitchen).await;
        let closing = closing(kitchen).await;
        vec![closing.clone(), closing.header("Idempotency-Key", "another")]
    });
    race.await.assert_serial();
    let race = course.race("a reversal, a closing and usage", async |kitchen| {
        since_monday(kitchen).await;
        let used = kitchen
            .owner
            .post("/v1/inventory/usage", json!({ "location": WALK_IN, "effective_at": "2026-11-24T12:00:00Z", "purpose": "service", "lines": of("2") }))
            .await
            .ok(201);
        vec![reverse(kitchen, &used), closing(kitchen).await, use_stock(kitchen, &of("7"))]
    });
    race.await.assert_serial();
    course.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_closed_or_opened_and_what_would_get_into_it_at_once_are_as_one_after_the_other() {
    let Some(course) = Course::open(None).await else { return };
    let race = course.race("an import of yesterday and the closing of that day", async |kitchen| {
        since_monday(kitchen).await;
        let path = format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&effective_at=2026-11-24T12:00:00Z");
        let import = kitchen.owner.call("POST", &path).header("Idempotency-Key", &fresh("key")).body("text/csv", "sku,quantity,unit_cost\nX,3,1.5\n");
        vec![import, closing(kitchen).await]
    });
    race.await.assert_answered(&[201, 200]).assert_answered(&[409, 200]).assert_serial();
    let race = course.race("usage of yesterday and the opening of that day", async |kitchen| {
        since_monday(kitchen).await;
        let closed = closing(kitchen).await.send().await.ok(200);
        let reopening = kitchen.owner.posting(&format!("/v1/inventory/periods/{}/reopen", text(&closed["id"])), &json!({}));
        vec![yesterday(kitchen, "3"), reopening]
    });
    race.await.assert_answered(&[201, 200]).assert_answered(&[409, 200]).assert_serial();
    course.close().await;
}

/// A close that slips past a posting is noticed where the head does not look at the rules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_slips_past_a_posting_is_noticed() {
    for rewriting in [without_the_rules, without_the_bump] as [Rewriting; 2] {
        let Some(course) = Course::open(Some(rewriting)).await else { return };
        let findings = posting_and_closing(&course).await;
        assert!(course.wire().rewritten() > 0, "no statement is written as this test believes");
        findings.assert_noticed();
        course.close().await;
    }
}
