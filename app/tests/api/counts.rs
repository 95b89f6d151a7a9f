//! Counts through HTTP: who counts, what differs, what the ledger says afterwards, and what is refused.

use std::collections::BTreeSet;

use futures::future::join_all;
use kernel::Instant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{NOBODY, RECEIPTS, area, becomes, close_through, column, flaws, money_in, pairs, refused, revalued_at, rows, site, unit, user_of, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, Engine, Reply, START, fresh};

pub const COUNTS: &str = "/v1/inventory/counts";
const WASTE: &str = "/v1/inventory/waste";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";
/// Hours before now.
const EIGHT: &str = "2026-11-25T08:00:00Z";
const TEN: &str = "2026-11-25T10:00:00Z";
const ELEVEN: &str = "2026-11-25T11:00:00Z";

/// Opens a count of the walk-in and answers its id.
async fn open(client: &Client, more: Value) -> String {
    let mut body = json!({ "location": WALK_IN });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    text(&client.post(COUNTS, body).await.ok(201)["id"])
}

pub async fn put(client: &Client, id: &str, lines: Value) -> Reply {
    client.call("PUT", &format!("{COUNTS}/{id}/lines")).header("Idempotency-Key", &fresh("put")).json(&json!({ "lines": lines })).send().await
}

pub async fn step(client: &Client, id: &str, step: &str, body: Value) -> Reply {
    client.post(&format!("{COUNTS}/{id}/{step}"), body).await
}

async fn lines_of(client: &Client, id: &str) -> Vec<Value> {
    client.get(&format!("{COUNTS}/{id}/lines?limit=500")).await.ok(200)["data"].as_array().expect("lines").clone()
}

fn counted(sku: &str, quantity: &str, at: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity, "counted_at": at })
}

/// Counts lines of the walk-in and posts them.
async fn count(kitchen: &Kitchen, lines: Value) -> Value {
    let id = open(&kitchen.owner, json!({})).await;
    put(&kitchen.owner, &id, lines).await.ok(200);
    step(&kitchen.owner, &id, "post", json!({})).await.ok(201)
}

/// A thing at a price on Monday.
async fn bought(kitchen: &Kitchen, sku: &str, quantity: &str, price: &str) -> String {
    kitchen.item(sku, json!({})).await;
    text(&kitchen.receive_at(MONDAY, json!([{ "sku": sku, "quantity": quantity, "unit_price": price }])).await["entries"][0]["lot_id"])
}

/// Kind, quantity, value and time of every entry.
fn entries(posted: &Value) -> Vec<[String; 4]> {
    let entry = |entry: &Value| ["kind", "quantity", "value", "effective_at"].map(|name| text(&entry[name]));
    posted["entries"].as_array().expect("entries").iter().map(entry).collect()
}

fn these<const N: usize>(expected: [[&str; 4]; N]) -> Vec<[String; 4]> {
    expected.map(|entry| entry.map(str::to_owned)).to_vec()
}

async fn wasted_at(kitchen: &Kitchen, at: &str, sku: &str, quantity: &str) -> Reply {
    kitchen.owner.post(WASTE, with(waste_body(json!([{ "sku": sku, "quantity": quantity }])), "effective_at", at)).await
}

async fn number(api: &Api, sql: &str) -> i64 {
    let database = api.inventory_db();
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql.to_owned())).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).expect("a row").try_get("", "number").expect("a number")
}

/// I19: the ledger at the moment counted equals what was counted, for every posted line that is not marked. Where its entry had
/// to move, it equals what was kept as true of that later time.
async fn counts_are_true(api: &Api) -> i64 {
    let sums = "SELECT COALESCE(SUM(entry.quantity_delta), 0) FROM ledger_entry AS entry WHERE entry.tenant_id = truth.tenant_id AND entry.item_id = truth.item_id \
                AND entry.location_id = truth.location_id AND (truth.lot_id IS NULL OR entry.lot_id = truth.lot_id) AND entry.effective_at <= truth.counted_at";
    let unmarked = "FROM count_truth AS truth JOIN count_result_line AS line ON line.tenant_id = truth.tenant_id AND line.document_id = truth.document_id \
                    AND line.line_no = truth.line_no WHERE truth.marked_by IS NULL";
    let wrong = format!(
        "SELECT COUNT(*) AS number {unmarked} AND (({sums}) <> truth.quantity OR (NOT line.moved AND (truth.quantity <> line.quantity OR truth.counted_at <> line.counted_at)))"
    );
    assert_eq!(number(api, &wrong).await, 0, "I19: a posted count line is not true");
    let without = "SELECT COUNT(*) AS number FROM count_result_line AS line JOIN document ON document.tenant_id = line.tenant_id AND document.id = line.document_id \
                   WHERE document.status = 'posted' AND NOT line.superseded AND line.short_quantity = 0 AND NOT EXISTS (SELECT 1 FROM count_truth AS truth \
                   WHERE truth.tenant_id = line.tenant_id AND truth.document_id = line.document_id AND truth.line_no = line.line_no)";
    assert_eq!(number(api, without).await, 0, "I19: a posted count line is kept as true");
    number(api, &format!("SELECT COUNT(*) AS number {unmarked}")).await
}

both_engines! {
    async fn the_example_of_the_documentation_comes_out_to_the_letter(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let lot = bought(&kitchen, "EGG", "10", "0.3").await;
        let made = kitchen.owner.post(COUNTS, json!({ "location": WALK_IN, "external_ref": "Nov", "note": "Monthly" })).await.ok(201);
        let id = text(&made["id"]);
        let user = json!(user_of(&kitchen.owner).await);
        let place = &made["location_id"];
        assert_eq!(made, json!({
            "id": id, "status": "open", "location_id": place, "location": "main/walk-in", "site_id": kitchen.site["id"], "blind": false, "needs_approval": false,
            "uncounted": "untouched", "document_id": null, "started_at": null, "reviewed_at": null, "reviewed_seq": null, "approved_by": null, "external_ref": "Nov", "note": "Monthly",
            "created_by": user, "version": 1, "created_at": START, "updated_at": START,
        }));
        let written = put(&kitchen.owner, &id, json!([{ "sku": "EGG", "quantity": "0.75", "unit": "dozen", "counted_at": TUESDAY }])).await.ok(200);
        let line = json!({
            "item_id": written["lines"][0]["item_id"], "sku": "EGG", "location_id": place, "location": "main/walk-in", "lot_id": null, "quantity": "0.75",
            "unit": "dozen", "base_quantity": "9", "base_unit": "each", "counted_at": TUESDAY, "counted_by": user, "recount": false, "uncounted": false, "note": null,
        });
        assert_eq!((&written["lines"], &written["removed"], &written["count"]["status"], &written["count"]["version"]), (&json!([line]), &json!(0), &json!("counting"), &json!(2)));
        wasted_at(&kitchen, TEN, "EGG", "4").await.ok(201);
        let review = step(&kitchen.owner, &id, "review", json!({})).await.ok(200);
        let differs = with(with(with(with(line.clone(), "expected", "10"), "variance", "-1"), "value", "-0.3"), "superseded", false);
        assert_eq!((&review["lines"], &review["counted_lines"], &review["differing_lines"], &review["value"]), (&json!([differs]), &json!(1), &json!(1), &json!("-0.3")));
        assert_eq!((&review["count"]["status"], &review["count"]["reviewed_seq"]), (&json!("review"), &json!(2)));
        let posted = step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        let document = &posted["document"];
        assert_eq!(entries(&posted), these([["count_loss", "-1", "-0.3", TUESDAY]]));
        assert_eq!((&document["number"], &document["type"], &document["effective_at"], &document["location"]), (&json!("C-000001"), &json!("count"), &json!(TUESDAY), &json!("main/walk-in")));
        assert_eq!((&document["count_id"], &document["external_ref"], &document["note"]), (&json!(id), &json!("Nov"), &json!("Monthly")));
        assert_eq!(document["lines"], json!([{
            "line_no": 1, "item_id": line["item_id"], "sku": "EGG", "location_id": place, "quantity": "0.75", "unit": "dozen", "base_quantity": "9", "base_unit": "each",
            "value": "-0.3", "counted_at": TUESDAY, "counted_by": user, "expected": "10", "variance": "-1", "superseded": false, "moved": false,
        }]));
        assert_eq!((&posted["count"]["status"], &posted["count"]["document_id"], &posted["changed_since_review"]), (&json!("posted"), &document["id"], &json!([])));
        assert_eq!(posted["balances"], json!([{ "item_id": line["item_id"], "sku": "EGG", "location_id": place, "lot_id": lot, "quantity": "5", "unit": "each", "value": "1.5" }]));
        let read = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&document["id"]))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &posted["entries"]));
        let shown = lines_of(&kitchen.owner, &id).await;
        assert_eq!((&shown[0]["expected"], &shown[0]["variance"]), (&json!("10"), &json!("-1")));
        let tag = kitchen.owner.get(&format!("{COUNTS}/{id}")).await;
        assert_eq!(tag.header("etag"), "\"4\"");
        assert_eq!(tag.ok(200), posted["count"]);
        hold(&api).await;
        assert_eq!(counts_are_true(&api).await, 1);
    }

    async fn a_later_posted_count_supersedes_an_earlier_one(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        assert_eq!(entries(&count(&kitchen, json!([counted("EGG", "7", TEN)])).await), these([["count_loss", "-3", "-3", TEN]]));
        let earlier = count(&kitchen, json!([counted("EGG", "2", TUESDAY)])).await;
        assert_eq!(entries(&earlier), these([]));
        let line = &earlier["document"]["lines"][0];
        assert_eq!((&line["superseded"], &line["expected"], &line["variance"], &line["value"]), (&json!(true), &json!("10"), &json!("-8"), &json!("0")));
        assert_eq!(kitchen.on_hand("EGG").await.0, "7");
        assert_eq!(counts_are_true(&api).await, 1);
        // Another lot's count supersedes none.
        let first = bought(&kitchen, "HAM", "5", "1").await;
        let second = text(&kitchen.receive_at(MONDAY, json!([{ "sku": "HAM", "quantity": "5", "unit_price": "1" }])).await["entries"][0]["lot_id"]);
        count(&kitchen, json!([with(counted("HAM", "4", TEN), "lot_id", first.as_str())])).await;
        assert_eq!(entries(&count(&kitchen, json!([with(counted("HAM", "3", TUESDAY), "lot_id", second.as_str())])).await), these([["count_loss", "-2", "-2", TUESDAY]]));
    }

    async fn a_posted_count_stays_true_unless_somebody_says_that_it_did_not_see_this(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let posted = count(&kitchen, json!([counted("EGG", "8", TUESDAY)])).await;
        let receipt = |at: &str| json!({ "location": WALK_IN, "effective_at": at, "lines": [{ "sku": "EGG", "quantity": "5", "unit_price": "1" }] });
        let waste = |at: &str| with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "effective_at", at);
        for (path, body) in [(RECEIPTS, receipt(MONDAY)), (WASTE, waste(MONDAY)), (WASTE, waste(TUESDAY)), (RECEIPTS, receipt(TUESDAY))] {
            let problem = refused(&kitchen.owner, path, body).await.refused(409, "counted_since");
            assert_eq!((&problem["counts"][0]["document_id"], &problem["counts"][0]["number"]), (&posted["document"]["id"], &json!("C-000001")));
        }
        kitchen.owner.post(WASTE, waste("2026-11-24T12:00:00.000001Z")).await.ok(201);
        assert_eq!(counts_are_true(&api).await, 1);
        kitchen.owner.post(RECEIPTS, with(receipt(MONDAY), "counted", "not_included")).await.ok(201);
        assert_eq!(counts_are_true(&api).await, 0);
        assert_eq!(number(&api, "SELECT COUNT(*) AS number FROM count_truth WHERE marked_by IS NOT NULL").await, 1);
        // What is marked binds nobody any more.
        kitchen.owner.post(WASTE, waste(MONDAY)).await.ok(201);
    }

    async fn what_is_found_goes_to_the_youngest_lot_here_else_anywhere(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "2", "1").await;
        let line = |price: &str| json!([{ "sku": "EGG", "quantity": "2", "unit_price": price }]);
        let here = text(&kitchen.receive_at(TUESDAY, line("2")).await["entries"][0]["lot_id"]);
        let elsewhere = json!({ "location": DRY_STORE, "effective_at": EIGHT, "lines": line("5") });
        let elsewhere = text(&kitchen.owner.post(RECEIPTS, elsewhere).await.ok(201)["entries"][0]["lot_id"]);
        // One that came after the count is not what was found.
        kitchen.receive_at(ELEVEN, line("9")).await;
        let posted = count(&kitchen, json!([counted("EGG", "7", TEN)])).await;
        assert_eq!((entries(&posted), &posted["entries"][0]["lot_id"]), (these([["gain", "3", "6", TEN]]), &json!(here)));

        kitchen.item("HAM", json!({})).await;
        let ham = json!({ "location": DRY_STORE, "effective_at": EIGHT, "lines": [{ "sku": "HAM", "quantity": "2", "unit_price": "5" }] });
        let ham = text(&kitchen.owner.post(RECEIPTS, ham).await.ok(201)["entries"][0]["lot_id"]);
        let posted = count(&kitchen, json!([counted("HAM", "1", TEN)])).await;
        assert_eq!((entries(&posted), &posted["entries"][0]["lot_id"]), (these([["gain", "1", "5", TEN]]), &json!(ham)));
        // A named lot gains itself, also where it never lay.
        let posted = count(&kitchen, json!([with(counted("EGG", "1", ELEVEN), "lot_id", elsewhere.as_str())])).await;
        assert_eq!(entries(&posted), these([["gain", "1", "5", ELEVEN]]));
        hold(&api).await;
        counts_are_true(&api).await;
    }

    async fn what_never_came_in_needs_a_cost(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("TRUFFLE", json!({})).await;
        kitchen.item("SALT", json!({})).await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("SALT", "0", TEN), counted("TRUFFLE", "1", TEN)])).await.ok(200);
        for path in ["review", "post"] {
            let reply = refused(&kitchen.owner, &format!("{COUNTS}/{id}/{path}"), json!({})).await;
            let found: Vec<_> = reply.violations().into_iter().map(|(_, code)| code).collect();
            assert_eq!(found, ["cost_required"]);
            let named = &reply.body["lines"][0];
            assert_eq!((&named["sku"], &named["location"], &named["code"]), (&json!("TRUFFLE"), &json!("main/walk-in"), &json!("cost_required")));
        }
        put(&kitchen.owner, &id, json!([{ "sku": "TRUFFLE", "quantity": null }])).await.ok(200);
        assert_eq!(entries(&step(&kitchen.owner, &id, "post", json!({})).await.ok(201)), these([]));
    }

    async fn what_is_missing_leaves_in_the_order_of_picking(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("CREAM", json!({})).await;
        let line = |expires_on: &str, price: &str| json!({ "sku": "CREAM", "quantity": "2", "unit_price": price, "expires_on": expires_on });
        kitchen.receive_at(MONDAY, json!([line("2026-12-24", "2"), line("2026-12-01", "3"), line("2026-11-20", "4")])).await;
        let posted = count(&kitchen, json!([counted("CREAM", "1", TUESDAY)])).await;
        assert_eq!(entries(&posted), these([["count_loss", "-2", "-8", TUESDAY], ["count_loss", "-2", "-6", TUESDAY], ["count_loss", "-1", "-2", TUESDAY]]));
        assert_eq!(posted["document"]["lines"][0]["value"], "-16");
    }

    async fn a_loss_beyond_what_later_movements_leave_is_a_shortage_until_the_next_count(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        wasted_at(&kitchen, EIGHT, "EGG", "8").await.ok(201);
        let posted = count(&kitchen, json!([counted("EGG", "5", TUESDAY)])).await;
        // Five are missing of ten, and eight went out after: of the ten only two can be missing.
        assert_eq!(entries(&posted), these([["count_loss", "-2", "-2", TUESDAY]]));
        let short = &posted["shortages"][0];
        assert_eq!((&short["quantity"], &short["line_no"], &posted["document"]["lines"][0]["short_quantity"]), (&json!("3"), &json!(1), &json!("3")));
        let open = "SELECT COUNT(*) AS number FROM shortage WHERE status = 'open' AND cleared_by_document_id IS NULL";
        assert_eq!(number(&api, open).await, 1);
        // An earlier count does not answer it, nor does one of something else.
        bought(&kitchen, "HAM", "1", "1").await;
        count(&kitchen, json!([counted("HAM", "1", TEN)])).await;
        assert_eq!(number(&api, open).await, 1);
        count(&kitchen, json!([counted("EGG", "0", TEN)])).await;
        assert_eq!(number(&api, open).await, 0);
        let cleared = "SELECT COUNT(*) AS number FROM shortage JOIN document ON document.tenant_id = shortage.tenant_id AND document.id = shortage.cleared_by_document_id \
                       WHERE shortage.status = 'cleared' AND document.type = 'count' AND document.number = 3";
        assert_eq!(number(&api, cleared).await, 1);
        hold(&api).await;
    }

    async fn where_the_cost_changed_later_the_entry_stands_there_and_is_marked(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let lot = bought(&kitchen, "EGG", "10", "1").await;
        revalued_at(&api, &lot, Instant::parse(ELEVEN).expect("a time")).await;
        let posted = count(&kitchen, json!([counted("EGG", "8", TUESDAY)])).await;
        assert_eq!((entries(&posted), &posted["document"]["lines"][0]["moved"]), (these([["count_loss", "-2", "-2", ELEVEN]]), &json!(true)));
        assert_eq!(counts_are_true(&api).await, 1);
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "9", "2026-11-25T11:30:00Z")])).await.ok(200);
        let found = step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        assert_eq!((entries(&found), &found["document"]["lines"][0]["moved"]), (these([["gain", "1", "1", "2026-11-25T11:30:00Z"]]), &json!(false)));
    }

    async fn what_was_not_counted_stays_unless_it_is_counted_as_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = bought(&kitchen, "EGG", "10", "1").await;
        bought(&kitchen, "HAM", "4", "1").await;
        bought(&kitchen, "SALT", "3", "1").await;
        kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "6", "unit_price": "2" }])).await;
        kitchen.owner.post(RECEIPTS, json!({ "location": DRY_STORE, "lines": [{ "sku": "HAM", "quantity": "7", "unit_price": "1" }] })).await.ok(201);
        // EGG by lot, of which one is not counted; HAM as a whole; SALT not at all.
        let lines = json!([with(counted("EGG", "10", TEN), "lot_id", egg.as_str()), counted("HAM", "4", TEN)]);
        let stays = count(&kitchen, lines.clone()).await;
        assert_eq!((entries(&stays), &stays["document"]["effective_at"]), (these([]), &json!(TEN)));
        let id = open(&kitchen.owner, json!({ "uncounted": "zero" })).await;
        let again = json!([with(counted("EGG", "10", ELEVEN), "lot_id", egg.as_str()), counted("HAM", "4", ELEVEN)]);
        put(&kitchen.owner, &id, again).await.ok(200);
        // What the count does is the count's to say, not that of whoever posts it.
        let reply = refused(&kitchen.owner, &format!("{COUNTS}/{id}/post"), json!({ "uncounted": "untouched" })).await;
        assert_eq!(flaws(&reply), pairs([("/uncounted", "unknown_field")]));
        let posted = step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        let gone: BTreeSet<_> = posted["entries"].as_array().expect("entries").iter().map(|entry| (text(&entry["sku"]), text(&entry["quantity"]))).collect();
        assert_eq!(gone, BTreeSet::from([("EGG".to_owned(), "-6".to_owned()), ("SALT".to_owned(), "-3".to_owned())]));
        assert_eq!(posted["document"]["lines"].as_array().map(Vec::len), Some(4));
        assert_eq!(kitchen.on_hand("HAM").await.0, "11");
        // With nothing counted at all, what lies there is gone; and nothing is no count.
        let id = open(&kitchen.owner, json!({ "location": DRY_STORE })).await;
        step(&kitchen.owner, &id, "start", json!({})).await.ok(200);
        step(&kitchen.owner, &id, "post", json!({})).await.refused(409, "count_empty");
        step(&kitchen.owner, &id, "review", json!({})).await.refused(409, "count_empty");
        let path = format!("{COUNTS}/{id}");
        assert_eq!(kitchen.owner.patch(&path, Some(2), json!({ "uncounted": "zero" })).await.ok(200)["uncounted"], "zero");
        assert_eq!(step(&kitchen.owner, &id, "post", json!({})).await.ok(201)["entries"][0]["quantity"], "-7");
        counts_are_true(&api).await;
        hold(&api).await;
    }

    async fn what_nobody_counted_is_posted_as_it_was_reviewed(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["EGG", "SALT"] {
            bought(&kitchen, sku, "3", "1").await;
        }
        kitchen.item("HAM", json!({})).await;
        let (staff, manager) = (api.member("staff", None).await, api.member("manager", None).await);
        let id = open(&staff, json!({ "needs_approval": true })).await;
        let path = format!("{COUNTS}/{id}");
        put(&staff, &id, json!([counted("EGG", "2", TEN)])).await.ok(200);
        staff.patch(&path, None, json!({ "uncounted": "zero" })).await.refused(428, "if_match_required");
        staff.patch(&path, Some(1), json!({ "uncounted": "zero" })).await.refused(412, "version_mismatch");
        assert_eq!(staff.patch(&path, Some(2), json!({ "uncounted": null })).await.violations(), pairs([("/uncounted", "not_nullable")]));
        assert_eq!(staff.patch(&path, Some(2), json!({ "uncounted": "some" })).await.violations(), pairs([("/uncounted", "invalid_choice")]));
        api.member("viewer", None).await.patch(&path, Some(2), json!({ "uncounted": "zero" })).await.refused(403, "forbidden");
        assert_eq!(staff.patch(&path, Some(2), json!({ "uncounted": "untouched" })).await.ok(200)["version"], 2);
        let changed = staff.patch(&path, Some(2), json!({ "uncounted": "zero" })).await;
        assert_eq!((changed.header("etag"), &changed.body["uncounted"], &changed.body["status"]), ("\"3\"", &json!("zero"), &json!("counting")));
        let review = step(&staff, &id, "review", json!({})).await.ok(200);
        let named = |lines: &Value| -> Vec<(String, String, bool)> {
            lines.as_array().expect("lines").iter().map(|line| (text(&line["sku"]), text(&line["variance"]), line["uncounted"] == true)).collect()
        };
        let expected = vec![("EGG".to_owned(), "-1".to_owned(), false), ("SALT".to_owned(), "-3".to_owned(), true)];
        let sorted = |mut lines: Vec<(String, String, bool)>| {
            lines.sort();
            lines
        };
        assert_eq!((sorted(named(&review["lines"])), &review["counted_lines"], &review["differing_lines"]), (expected.clone(), &json!(1), &json!(2)));
        // Whoever approves it sees the same.
        assert_eq!(sorted(named(&json!(lines_of(&manager, &id).await))), expected);
        staff.patch(&path, Some(4), json!({ "uncounted": "untouched" })).await.refused(409, "count_status");
        // What comes in after the review was reviewed by nobody.
        api.advance(chrono::TimeDelta::minutes(5));
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "4", "unit_price": "1" }, { "sku": "SALT", "quantity": "2", "unit_price": "1" }])).await;
        step(&manager, &id, "approve", json!({})).await.ok(200);
        refused(&staff, &format!("{path}/post"), json!({ "uncounted": "zero" })).await.refused(422, "invalid_request");
        let posted = step(&staff, &id, "post", json!({})).await.ok(201);
        let gone: BTreeSet<_> = posted["entries"].as_array().expect("entries").iter().map(|entry| (text(&entry["sku"]), text(&entry["quantity"]))).collect();
        assert_eq!(gone, BTreeSet::from([("EGG".to_owned(), "-1".to_owned()), ("SALT".to_owned(), "-3".to_owned())]));
        let salt = posted["document"]["lines"].as_array().expect("lines").iter().find(|line| line["sku"] == "SALT").expect("the salt");
        assert_eq!((&posted["changed_since_review"], &salt["expected"]), (&json!([salt["line_no"]]), &json!("3")));
        assert_eq!((kitchen.on_hand("HAM").await.0, kitchen.on_hand("SALT").await.0), ("4".to_owned(), "2".to_owned()));
        assert_eq!(counts_are_true(&api).await, 2);
        // Sent back, what nobody counted is found anew; and in a blind count it is not told to who may not know what is expected.
        let id = open(&staff, json!({ "uncounted": "zero", "blind": true })).await;
        put(&staff, &id, json!([counted("EGG", "2", ELEVEN)])).await.ok(200);
        step(&staff, &id, "review", json!({})).await.ok(200);
        step(&staff, &id, "review", json!({})).await.ok(200);
        assert_eq!((lines_of(&staff, &id).await.len(), lines_of(&manager, &id).await.len()), (1, 3));
        step(&staff, &id, "recount", json!({})).await.ok(200);
        assert_eq!(lines_of(&manager, &id).await.len(), 1);
        put(&staff, &id, json!([json!({ "sku": "HAM", "quantity": "4" })])).await.ok(200);
        step(&staff, &id, "review", json!({})).await.ok(200);
        let left: Vec<_> = named(&json!(lines_of(&manager, &id).await)).into_iter().filter(|(_, _, uncounted)| *uncounted).collect();
        assert_eq!(left, [("SALT".to_owned(), "-2".to_owned(), true)]);
        step(&staff, &id, "recount", json!({})).await.ok(200);
        let version = kitchen.owner.get(&format!("{COUNTS}/{id}")).await.ok(200)["version"].as_i64();
        staff.patch(&format!("{COUNTS}/{id}"), version, json!({ "uncounted": "untouched" })).await.ok(200);
        step(&staff, &id, "post", json!({})).await.ok(201);
        assert_eq!(kitchen.on_hand("SALT").await.0, "2");
        hold(&api).await;
    }

    async fn a_count_of_a_whole_site_is_one_document_of_lines_that_name_their_areas(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        area(&kitchen.owner, WALK_IN, "shelf").await;
        site(&kitchen.owner, "bar", "Europe/Paris").await;
        let cellar = text(&area(&kitchen.owner, "bar", "cellar").await["id"]);
        let id = open(&kitchen.owner, json!({ "location": "main" })).await;
        let line = |location: &str| with(counted("EGG", "1", TUESDAY), "location", location);
        let wrong = json!([counted("EGG", "1", TUESDAY), line("bar/cellar"), line("main"), line("main/in-transit"), with(counted("EGG", "1", TUESDAY), "location_id", cellar)]);
        let expected = [
            ("/lines/0/location", "required"),
            ("/lines/1/location", "location_not_counted"),
            ("/lines/2/location", "location_not_counted"),
            ("/lines/3/location", "location_not_counted"),
            ("/lines/4/location_id", "location_not_counted"),
        ];
        assert_eq!(flaws(&put(&kitchen.owner, &id, wrong).await), pairs(expected));
        put(&kitchen.owner, &id, json!([line(WALK_IN), line(DRY_STORE), line("main/walk-in/shelf")])).await.ok(200);
        let posted = step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        assert_eq!((&posted["document"]["location"], &posted["document"]["location_id"]), (&json!("main"), &kitchen.site["id"]));
        let mut found = entries(&posted);
        found.sort();
        assert_eq!(found, these([["count_loss", "-9", "-9", TUESDAY], ["gain", "1", "1", TUESDAY], ["gain", "1", "1", TUESDAY]]));
        // In an area, what lies below it may be counted, and is meant by nobody who names no area.
        let id = open(&kitchen.owner, json!({})).await;
        let written = put(&kitchen.owner, &id, json!([counted("EGG", "2", TEN), with(counted("EGG", "3", TEN), "location", "main/walk-in/shelf")])).await.ok(200);
        assert_eq!(column(&written["lines"], "location").into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([WALK_IN.to_owned(), "main/walk-in/shelf".to_owned()]));
        counts_are_true(&api).await;
    }

    async fn lines_replace_add_up_and_are_taken_out(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "tray", "30", "each").await;
        let id = open(&kitchen.owner, json!({})).await;
        let shown = async || {
            let lines = lines_of(&kitchen.owner, &id).await;
            lines.iter().map(|line| (text(&line["quantity"]), text(&line["unit"]), text(&line["base_quantity"]), line["recount"] == true, text(&line["counted_at"]))).collect::<Vec<_>>()
        };
        let is = |quantity: &str, unit: &str, base: &str, recount: bool, at: &str| vec![(quantity.to_owned(), unit.to_owned(), base.to_owned(), recount, at.to_owned())];
        let egg = |quantity: Value, unit: &str, at: &str, add: bool| json!({ "sku": "EGG", "quantity": quantity, "unit": unit, "counted_at": at, "add": add });
        put(&kitchen.owner, &id, json!([egg(json!("2"), "tray", TEN, true), egg(json!("1"), "tray", EIGHT, true)])).await.ok(200);
        assert_eq!(shown().await, is("3", "tray", "90", false, TEN));
        put(&kitchen.owner, &id, json!([egg(json!("5"), "each", ELEVEN, true)])).await.ok(200);
        assert_eq!(shown().await, is("95", "each", "95", false, ELEVEN));
        put(&kitchen.owner, &id, json!([egg(json!("3"), "tray", TUESDAY, false)])).await.ok(200);
        assert_eq!(shown().await, is("3", "tray", "90", true, TUESDAY));
        let path = format!("{COUNTS}/{id}/lines");
        let key = fresh("add");
        let add = async || kitchen.owner.call("PUT", &path).header("Idempotency-Key", &key).json(&json!({ "lines": [egg(json!("1"), "tray", TUESDAY, true)] })).send().await;
        let first = add().await;
        let again = add().await;
        assert_eq!((again.header("idempotent-replayed"), again.status, &again.body), ("true", 200, &first.body));
        assert_eq!(shown().await, is("4", "tray", "120", true, TUESDAY));
        assert_eq!(put(&kitchen.owner, &id, json!([egg(Value::Null, "tray", TUESDAY, false)])).await.ok(200)["removed"], 1);
        assert_eq!(put(&kitchen.owner, &id, json!([egg(Value::Null, "tray", TUESDAY, false)])).await.ok(200)["removed"], 0);
        assert_eq!(shown().await, []);
    }

    async fn what_is_added_needs_a_key_and_what_replaces_does_not(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let id = open(&kitchen.owner, json!({})).await;
        let keyless = async |line: Value| kitchen.owner.call("PUT", &format!("{COUNTS}/{id}/lines")).json(&json!({ "lines": [line] })).send().await;
        keyless(counted("EGG", "2", TEN)).await.ok(200);
        keyless(with(counted("EGG", "2", TEN), "add", true)).await.refused(400, "idempotency_key_required");
        keyless(counted("EGG", "2", TEN)).await.ok(200);
        assert_eq!(column(&json!(lines_of(&kitchen.owner, &id).await), "quantity"), ["2"]);
    }

    async fn everything_that_is_wrong_with_the_lines_is_told_at_once_and_none_is_written(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let lot = bought(&kitchen, "EGG", "10", "1").await;
        let ham = bought(&kitchen, "HAM", "10", "1").await;
        kitchen.item("SALT", json!({})).await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("HAM", "1", TEN)])).await.ok(200);
        let before = rows(&api).await;
        let read = json!([{ "sku": "EGG" }, { "sku": "EGG", "quantity": 3 }, { "sku": "EGG", "quantity": "-1" }, { "sku": "EGG", "quantity": "1000000001" },
            { "sku": "EGG", "quantity": null, "add": true }, { "quantity": "1", "what": 1 }]);
        let expected = [
            ("/lines/0/quantity", "required"),
            ("/lines/1/quantity", "decimal_string_required"),
            ("/lines/2/quantity", "negative"),
            ("/lines/3/quantity", "out_of_range"),
            ("/lines/4/add", "nothing_to_add"),
            ("/lines/5", "exactly_one"),
            ("/lines/5/what", "unknown_field"),
        ];
        assert_eq!(flaws(&put(&kitchen.owner, &id, read).await), pairs(expected));
        let lines = json!([
            counted("NONE", "1", TEN),
            with(counted("SALT", "1", TEN), "unit", "crate"),
            with(counted("SALT", "0", TEN), "unit", "kg"),
            with(counted("EGG", "1", TEN), "lot_id", NOBODY),
            with(counted("EGG", "1", TEN), "lot_id", ham.as_str()),
            with(counted("EGG", "1", "2026-11-20T12:00:00Z"), "lot_id", lot.as_str()),
            counted("SALT", "1", "2026-11-25T12:00:01Z"),
            counted("SALT", "1", TEN),
            counted("SALT", "2", TEN),
            with(counted("HAM", "1", TEN), "lot_id", ham.as_str()),
        ]);
        let expected = [
            ("/lines/0/sku", "item_not_found"),
            ("/lines/1/unit", "unit_unknown"),
            ("/lines/2/unit", "unit_unknown"),
            ("/lines/3/lot_id", "lot_not_found"),
            ("/lines/4/lot_id", "lot_not_found"),
            ("/lines/5/lot_id", "lot_not_received_yet"),
            ("/lines/6/counted_at", "counted_in_future"),
            ("/lines/8", "counted_twice"),
            ("/lines/9/lot_id", "lot_beside_whole"),
        ];
        assert_eq!(flaws(&put(&kitchen.owner, &id, lines).await), pairs(expected));
        // In one request, and either way round.
        let both = json!([counted("EGG", "1", TEN), with(counted("EGG", "1", TEN), "lot_id", lot.as_str())]);
        assert_eq!(flaws(&put(&kitchen.owner, &id, both).await), pairs([("/lines/0/lot_id", "lot_beside_whole"), ("/lines/1/lot_id", "lot_beside_whole")]));
        let most = json!([with(counted("EGG", "1000000000", TEN), "add", true), with(counted("EGG", "1", TEN), "add", true)]);
        assert_eq!(flaws(&put(&kitchen.owner, &id, most).await), pairs([("/lines/1/quantity", "out_of_range")]));
        assert_eq!(rows(&api).await, before);
        // From whole to lot in one request.
        let moved = json!([{ "sku": "HAM", "quantity": null }, with(counted("HAM", "1", TEN), "lot_id", ham.as_str())]);
        assert_eq!(put(&kitchen.owner, &id, moved).await.ok(200)["removed"], 1);
        assert_eq!(flaws(&put(&kitchen.owner, &id, json!([counted("HAM", "1", TEN)])).await), pairs([("/lines/0/lot_id", "lot_beside_whole")]));
    }

    async fn many_count_at_once_and_nothing_is_lost(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for number in 0..32 {
            kitchen.item(&format!("SKU{number}"), json!({})).await;
        }
        kitchen.item("EGG", json!({})).await;
        let id = open(&kitchen.owner, json!({})).await;
        // Each one its own thing and all of them the eggs, in any order.
        let replies = join_all((0..32).map(|number| {
            let mut lines = vec![json!({ "sku": format!("SKU{number}"), "quantity": number.to_string() }), json!({ "sku": "EGG", "quantity": "1.5", "add": true })];
            let others = (0..4).map(|more| (number * 7 + more) % 32).filter(|other| *other != number);
            lines.extend(others.map(|other| json!({ "sku": format!("SKU{other}"), "quantity": "0", "add": true })));
            if number % 2 == 0 {
                lines.reverse();
            }
            let (owner, id) = (kitchen.owner.clone(), id.clone());
            async move { put(&owner, &id, json!(lines)).await }
        }))
        .await;
        assert!(replies.iter().all(|reply| reply.status == 200), "{:?}", replies.iter().find(|reply| reply.status != 200));
        let lines = lines_of(&kitchen.owner, &id).await;
        assert_eq!(lines.len(), 33);
        for line in lines {
            let expected = text(&line["sku"]).strip_prefix("SKU").map_or_else(|| "48".to_owned(), str::to_owned);
            assert_eq!(text(&line["quantity"]), expected, "{line}");
        }
        let count = kitchen.owner.get(&format!("{COUNTS}/{id}")).await.ok(200);
        assert_eq!((&count["status"], &count["version"]), (&json!("counting"), &json!(2)));
    }

    async fn a_count_takes_one_step_after_the_other(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let owner = &kitchen.owner;
        let line = json!([counted("EGG", "9", TEN)]);
        let wrong = async |id: &str, status: &str, steps: &[&str]| {
            for name in steps {
                let body = if *name == "repost" { json!({ "reason": "typing_error" }) } else { json!({}) };
                let problem = refused(owner, &format!("{COUNTS}/{id}/{name}"), body).await.refused(409, "count_status");
                assert_eq!(problem["count_status"], status, "{name}");
            }
        };
        let id = open(owner, json!({})).await;
        wrong(&id, "open", &["review", "recount", "approve", "post", "repost"]).await;
        assert_eq!(step(owner, &id, "start", json!({})).await.ok(200)["started_at"], START);
        wrong(&id, "counting", &["start", "recount", "approve", "repost"]).await;
        put(owner, &id, line.clone()).await.ok(200);
        step(owner, &id, "review", json!({})).await.ok(200);
        wrong(&id, "review", &["start", "repost"]).await;
        put(owner, &id, line.clone()).await.refused(409, "count_status");
        let back = step(owner, &id, "recount", json!({})).await.ok(200);
        assert_eq!((&back["status"], &back["reviewed_at"], &back["reviewed_seq"]), (&json!("counting"), &Value::Null, &Value::Null));
        assert_eq!(lines_of(owner, &id).await[0]["recount"], true);
        step(owner, &id, "review", json!({})).await.ok(200);
        step(owner, &id, "review", json!({})).await.ok(200);
        let approved = step(owner, &id, "approve", json!({})).await.ok(200);
        assert_eq!(approved["approved_by"], json!(user_of(owner).await));
        wrong(&id, "approved", &["start", "review", "approve", "repost"]).await;
        let posted = step(owner, &id, "post", json!({})).await.ok(201);
        assert_eq!(posted["document"]["approved_by"], approved["approved_by"]);
        wrong(&id, "posted", &["start", "review", "recount", "approve", "post", "cancel"]).await;
        put(owner, &id, line.clone()).await.refused(409, "count_status");

        for steps in [&[][..], &["start"], &["start", "review"], &["start", "review", "approve"]] {
            let id = open(owner, json!({})).await;
            for name in steps {
                if *name == "review" {
                    put(owner, &id, line.clone()).await.ok(200);
                }
                step(owner, &id, name, json!({})).await.ok(200);
            }
            step(owner, &id, "cancel", json!({})).await.ok(200);
            wrong(&id, "cancelled", &["start", "review", "recount", "approve", "post", "repost", "cancel"]).await;
        }
        assert_eq!(kitchen.on_hand("EGG").await.0, "9");
    }

    async fn a_step_may_say_nothing_and_may_say_which_version_it_has_seen(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let id = open(&kitchen.owner, json!({})).await;
        let bare = |seen: &str| {
            let call = kitchen.owner.call("POST", &format!("{COUNTS}/{id}/start"));
            if seen.is_empty() { call } else { call.header("If-Match", seen) }
        };
        bare("\"2\"").send().await.refused(412, "version_mismatch");
        bare("two").send().await.refused(412, "version_mismatch");
        bare("").json(&json!({ "what": 1 })).send().await.refused(422, "invalid_request");
        bare("").body("text/plain", "{}").send().await.refused(415, "unsupported_media_type");
        bare("\"1\"").send().await.ok(200);
        step(&kitchen.owner, &id, "cancel", json!({})).await.ok(200);
    }

    async fn named_lines_are_counted_again_and_the_others_stay(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        bought(&kitchen, "HAM", "10", "1").await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "9", TEN), counted("HAM", "9", TEN)])).await.ok(200);
        step(&kitchen.owner, &id, "review", json!({})).await.ok(200);
        let lines = json!({ "lines": [{ "sku": "EGG" }, { "sku": "NONE" }, { "sku": "HAM", "location": DRY_STORE }, { "sku": "HAM", "lot_id": NOBODY }] });
        let expected = pairs([("/lines/1", "line_not_found"), ("/lines/2/location", "location_not_counted"), ("/lines/3", "line_not_found")]);
        assert_eq!(flaws(&refused(&kitchen.owner, &format!("{COUNTS}/{id}/recount"), lines).await), expected);
        step(&kitchen.owner, &id, "recount", json!({ "lines": [{ "sku": "HAM" }] })).await.ok(200);
        let again = kitchen.owner.get(&format!("{COUNTS}/{id}/lines?recount=true")).await.ok(200);
        assert_eq!(column(&again["data"], "sku"), ["HAM"]);
    }

    async fn what_moved_since_the_review_is_flagged(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let egg = bought(&kitchen, "EGG", "10", "1").await;
        bought(&kitchen, "HAM", "10", "1").await;
        let id = open(owner, json!({})).await;
        put(owner, &id, json!([with(counted("EGG", "9", TUESDAY), "lot_id", egg.as_str()), counted("HAM", "9", TUESDAY)])).await.ok(200);
        let flags = async || lines_of(owner, &id).await.iter().map(|line| (text(&line["sku"]), line["changed_since_review"].clone())).collect::<Vec<_>>();
        assert!(flags().await.iter().all(|(_, flag)| flag.is_null()));
        step(owner, &id, "review", json!({})).await.ok(200);
        assert!(flags().await.iter().all(|(_, flag)| flag == false));
        // Another lot of the eggs, and the ham.
        kitchen.receive_at(EIGHT, json!([{ "sku": "EGG", "quantity": "1", "unit_price": "1" }])).await;
        wasted_at(&kitchen, MONDAY, "HAM", "1").await.ok(201);
        let changed: BTreeSet<_> = flags().await.into_iter().filter(|(_, flag)| flag == true).map(|(sku, _)| sku).collect();
        assert_eq!(changed, BTreeSet::from(["HAM".to_owned()]));
        let posted = step(owner, &id, "post", json!({})).await.ok(201);
        let ham = posted["document"]["lines"].as_array().expect("lines").iter().find(|line| line["sku"] == "HAM").expect("the ham").clone();
        assert_eq!((&posted["changed_since_review"], &ham["expected"], &ham["variance"]), (&json!([ham["line_no"]]), &json!("9"), &json!("0")));
    }

    async fn a_blind_count_shows_what_is_expected_to_approvers_alone_until_it_is_posted(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let staff = api.member("buyer", None).await;
        let id = open(&staff, json!({ "blind": true })).await;
        put(&staff, &id, json!([counted("EGG", "9", TEN)])).await.ok(200);
        let shows = async |client: &Client| lines_of(client, &id).await[0].get("expected").is_some();
        assert!(shows(&kitchen.owner).await && !shows(&staff).await);
        let path = format!("{COUNTS}/{id}/review");
        let review = staff.post_with_key(&path, "key", json!({})).await.ok(200);
        assert_eq!((&review["lines"], review.get("differing_lines"), review.get("value"), &review["counted_lines"]), (&json!([]), None, None, &json!(1)));
        // The same answer under the same key, by what may be seen then.
        becomes(&api, &staff, "manager").await;
        let seen = staff.post_with_key(&path, "key", json!({})).await.ok(200);
        assert_eq!((&seen["lines"][0]["expected"], &seen["differing_lines"], &seen["value"]), (&json!("10"), &json!(1), &json!("-1")));
        becomes(&api, &staff, "staff").await;
        assert!(!shows(&staff).await);
        let posted = step(&staff, &id, "post", json!({})).await.ok(201);
        assert_eq!((&posted["document"]["lines"][0]["expected"], money_in(&posted)), (&json!("10"), [].into()));
        assert!(shows(&staff).await);
        // Without costs no value, also where nothing is blind.
        let id = open(&staff, json!({})).await;
        put(&staff, &id, json!([counted("EGG", "8", ELEVEN)])).await.ok(200);
        let review = step(&staff, &id, "review", json!({})).await.ok(200);
        assert_eq!((&review["lines"][0]["variance"], money_in(&review)), (&json!("-1"), [].into()));
    }

    async fn what_needs_approval_is_approved_by_somebody_who_did_not_count_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let (staff, manager, other) = (api.member("staff", None).await, api.member("manager", None).await, api.member("manager", None).await);
        let id = open(&staff, json!({ "needs_approval": true })).await;
        put(&staff, &id, json!([counted("EGG", "8", TEN)])).await.ok(200);
        put(&manager, &id, json!([json!({ "sku": "EGG", "quantity": "1", "counted_at": TEN, "add": true })])).await.ok(200);
        let post = format!("{COUNTS}/{id}/post");
        refused(&kitchen.owner, &post, json!({})).await.refused(409, "count_not_approved");
        step(&staff, &id, "review", json!({})).await.ok(200);
        refused(&kitchen.owner, &post, json!({})).await.refused(409, "count_not_approved");
        refused(&staff, &format!("{COUNTS}/{id}/approve"), json!({})).await.refused(403, "forbidden");
        refused(&manager, &format!("{COUNTS}/{id}/approve"), json!({})).await.refused(403, "own_count");
        step(&other, &id, "approve", json!({})).await.ok(200);
        // Counting again takes the approval back.
        step(&staff, &id, "recount", json!({})).await.ok(200);
        refused(&staff, &post, json!({})).await.refused(409, "count_not_approved");
        step(&staff, &id, "review", json!({})).await.ok(200);
        step(&other, &id, "approve", json!({})).await.ok(200);
        assert_eq!(step(&staff, &id, "post", json!({})).await.ok(201)["document"]["approved_by"], json!(user_of(&other).await));
        // Whoever may do everything may approve their own.
        let id = open(&kitchen.owner, json!({ "needs_approval": true })).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "9", ELEVEN)])).await.ok(200);
        step(&kitchen.owner, &id, "review", json!({})).await.ok(200);
        step(&kitchen.owner, &id, "approve", json!({})).await.ok(200);
    }

    async fn whoever_has_ever_counted_approves_nothing_of_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        bought(&kitchen, "HAM", "10", "1").await;
        let staff = api.member("staff", None).await;
        let (counts, takes_out, other) = (api.member("manager", None).await, api.member("manager", None).await, api.member("manager", None).await);
        let id = open(&staff, json!({ "needs_approval": true })).await;
        put(&counts, &id, json!([counted("EGG", "1", TEN)])).await.ok(200);
        // Somebody else adds nothing to it, and is who counted it last.
        put(&staff, &id, json!([with(counted("EGG", "0", TEN), "add", true), counted("HAM", "1", TEN)])).await.ok(200);
        assert_eq!(lines_of(&staff, &id).await[0]["counted_by"], json!(user_of(&staff).await));
        put(&takes_out, &id, json!([{ "sku": "HAM", "quantity": null }])).await.ok(200);
        step(&staff, &id, "review", json!({})).await.ok(200);
        let approve = format!("{COUNTS}/{id}/approve");
        for client in [&counts, &takes_out] {
            refused(client, &approve, json!({})).await.refused(403, "own_count");
        }
        // Nor where all of it was counted again by others.
        step(&staff, &id, "recount", json!({})).await.ok(200);
        put(&staff, &id, json!([counted("EGG", "9", ELEVEN)])).await.ok(200);
        step(&counts, &id, "review", json!({})).await.ok(200);
        for client in [&counts, &takes_out] {
            refused(client, &approve, json!({})).await.refused(403, "own_count");
        }
        // Who only looks at it may.
        step(&other, &id, "review", json!({})).await.ok(200);
        step(&other, &id, "approve", json!({})).await.ok(200);
    }

    async fn strangers_other_sites_and_lesser_roles_find_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let bar = site(&kitchen.owner, "bar", "Europe/Paris").await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "9", TEN)])).await.ok(200);
        let (stranger, elsewhere, viewer) = (api.other_tenant().await, api.member("manager", Some(&[bar])).await, api.member("viewer", None).await);
        // A tenant is made known by its first request of the catalogue.
        stranger.get("/v1/inventory/locations").await.ok(200);
        let before = rows(&api).await;
        for client in [&stranger, &elsewhere] {
            client.get(&format!("{COUNTS}/{id}")).await.refused(404, "not_found");
            client.get(&format!("{COUNTS}/{id}/lines")).await.refused(404, "not_found");
            assert_eq!(client.get(COUNTS).await.ok(200)["data"], json!([]));
            put(client, &id, json!([counted("EGG", "9", TEN)])).await.refused(404, "not_found");
            for name in ["start", "review", "recount", "approve", "post", "cancel"] {
                step(client, &id, name, json!({})).await.refused(404, "not_found");
            }
            step(client, &id, "repost", json!({ "reason": "typing_error" })).await.refused(404, "not_found");
            client.patch(&format!("{COUNTS}/{id}"), Some(2), json!({ "uncounted": "zero" })).await.refused(404, "not_found");
        }
        elsewhere.post(COUNTS, json!({ "location": WALK_IN })).await.refused(403, "forbidden");
        assert_eq!(flaws(&stranger.post(COUNTS, json!({ "location": WALK_IN })).await), pairs([("/location", "location_not_found")]));
        assert_eq!(flaws(&kitchen.owner.post(COUNTS, json!({ "location": "main/in-transit" })).await), pairs([("/location", "not_an_area")]));
        assert_eq!(viewer.get(&format!("{COUNTS}/{id}")).await.ok(200)["status"], "counting");
        viewer.post(COUNTS, json!({ "location": WALK_IN })).await.refused(403, "forbidden");
        put(&viewer, &id, json!([counted("EGG", "9", TEN)])).await.refused(403, "forbidden");
        for name in ["start", "review", "recount", "approve", "post", "cancel"] {
            step(&viewer, &id, name, json!({})).await.refused(403, "forbidden");
        }
        api.member("staff", None).await.post(&format!("{COUNTS}/{id}/repost"), json!({ "reason": "typing_error" })).await.refused(403, "forbidden");
        api.post(COUNTS, json!({ "location": WALK_IN })).await.refused(401, "token_invalid");
        assert_eq!(rows(&api).await, before);
        // A line may not name another tenant's lot.
        let lot = text(&kitchen.ledger().await[0]["lot_id"]);
        let theirs = Kitchen::of(stranger).await;
        theirs.item("EGG", json!({})).await;
        let own = open(&theirs.owner, json!({})).await;
        assert_eq!(flaws(&put(&theirs.owner, &own, json!([with(counted("EGG", "1", TEN), "lot_id", lot)])).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
    }

    async fn counts_are_listed_the_newest_first_page_by_page(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let mut made = Vec::new();
        for number in 0..7 {
            made.push(open(&kitchen.owner, json!({ "location": if number % 2 == 0 { WALK_IN } else { "main" } })).await);
        }
        step(&kitchen.owner, &made[0], "cancel", json!({})).await.ok(200);
        let all = async |query: &str| {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = kitchen.owner.get(&format!("{COUNTS}?limit=2{query}{cursor}")).await.ok(200);
                found.extend(column(&page["data"], "id"));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return found,
                }
            }
        };
        let sorted = |wanted: Vec<&String>| {
            let mut wanted: Vec<String> = wanted.into_iter().cloned().collect();
            wanted.sort_by(|one, other| other.cmp(one));
            wanted
        };
        assert_eq!(all("").await, sorted(made.iter().collect()));
        assert_eq!(all("&status=cancelled").await, [made[0].clone()]);
        assert_eq!(all(&format!("&location={WALK_IN}")).await, sorted(made.iter().step_by(2).collect()));
        assert_eq!(all(&format!("&status=open&location_id={}", text(&kitchen.site["id"]))).await, sorted(made[1..].iter().collect()));
        kitchen.owner.get(&format!("{COUNTS}?cursor=x")).await.refused(400, "invalid_cursor");
        kitchen.owner.get(&format!("{COUNTS}/{}/lines?cursor=x", made[1])).await.refused(400, "invalid_cursor");
        kitchen.owner.get(&format!("{COUNTS}?status=done")).await.refused(422, "invalid_request");
        kitchen.owner.get(&format!("{COUNTS}/{NOBODY}")).await.refused(404, "not_found");
    }

    async fn a_count_is_posted_once_whatever_is_sent_again(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let staff = api.member("staff", None).await;
        let id = open(&staff, json!({})).await;
        put(&staff, &id, json!([counted("EGG", "9", TUESDAY)])).await.ok(200);
        let path = format!("{COUNTS}/{id}/post");
        staff.post_without_key(&path, json!({})).await.refused(400, "idempotency_key_required");
        // It lies back, which whoever counts may do; also when it is answered again.
        let first = staff.post_with_key(&path, "key", json!({})).await.ok(201);
        let again = staff.post_with_key(&path, "key", json!({})).await;
        assert_eq!((again.header("idempotent-replayed"), again.status, &again.body), ("true", 201, &first));
        let other = format!("{COUNTS}/{NOBODY}/post");
        staff.post_with_key(&other, "key", json!({})).await.refused(422, "idempotency_key_reused");
        let ids: Vec<String> = {
            let (one, other) = (open(&kitchen.owner, json!({})).await, open(&kitchen.owner, json!({})).await);
            for id in [&one, &other] {
                put(&kitchen.owner, id, json!([counted("EGG", "5", TEN)])).await.ok(200);
            }
            vec![one, other]
        };
        // Both at once, each several times: one of each, and the stock is set right once.
        let replies = join_all((0..12).map(|turn| step(&kitchen.owner, &ids[turn % 2], "post", json!({})))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 2);
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.code() == "count_status"), "{replies:?}");
        assert_eq!(kitchen.on_hand("EGG").await.0, "5");
        assert_eq!(counts_are_true(&api).await, 2);
    }

    async fn a_closed_period_takes_no_count(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let (closed, straddling) = (open(&kitchen.owner, json!({})).await, open(&kitchen.owner, json!({})).await);
        put(&kitchen.owner, &closed, json!([counted("EGG", "9", MONDAY)])).await.ok(200);
        bought(&kitchen, "HAM", "1", "1").await;
        // The document stands today, one of its entries would not.
        put(&kitchen.owner, &straddling, json!([counted("EGG", "9", MONDAY), counted("HAM", "1", TEN)])).await.ok(200);
        close_through(&api, "2026-11-23").await;
        for id in [&closed, &straddling] {
            refused(&kitchen.owner, &format!("{COUNTS}/{id}/post"), json!({})).await.refused(409, "period_closed");
        }
        // Nor one without an entry: it would be true of a closed day from then on.
        let equal = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &equal, json!([counted("EGG", "10", MONDAY), counted("HAM", "1", TEN)])).await.ok(200);
        for name in ["review", "post"] {
            let problem = refused(&kitchen.owner, &format!("{COUNTS}/{equal}/{name}"), json!({})).await.refused(409, "period_closed");
            assert_eq!((&problem["business_date"], &problem["closed_through"]), (&json!("2026-11-23"), &json!("2026-11-23")));
            assert_eq!(column(&problem["lines"], "sku"), ["EGG"]);
        }
        put(&kitchen.owner, &closed, json!([counted("EGG", "9", "2026-11-24T03:00:00Z")])).await.ok(200);
        step(&kitchen.owner, &closed, "post", json!({})).await.ok(201);
        // A later count of the same stock stands: this one would post nothing, and is refused all the same.
        refused(&kitchen.owner, &format!("{COUNTS}/{straddling}/post"), json!({})).await.refused(409, "period_closed");
        let days = "SELECT COUNT(*) AS number FROM count_truth WHERE counted_at < '2026-11-24T03:00:00+00:00'";
        assert_eq!(number(&api, days).await, 0);
    }

    async fn what_was_archived_since_is_not_filled_again(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        let shelf = area(&kitchen.owner, WALK_IN, "shelf").await;
        // Nothing is archived beneath a count that goes on; what a posted one that is posted again would meet is arranged here.
        let archive = async |table: &str, thing: &Value| {
            let path = format!("/v1/inventory/{table}s/{}", text(&thing["id"]));
            kitchen.owner.patch(&path, Some(1), json!({ "archived": true })).await.refused(409, &format!("{table}_in_use"));
            let id = text(&thing["id"]).replace('-', "");
            let id = if api.engine() == Engine::Sqlite { format!("x'{id}'") } else { format!("'{id}'") };
            api.inventory_db().execute_unprepared(&format!("UPDATE {table} SET archived_at = updated_at WHERE id = {id}")).await.expect("archived");
        };
        let (whole, part) = (open(&kitchen.owner, json!({})).await, open(&kitchen.owner, json!({ "location": "main/walk-in/shelf" })).await);
        put(&kitchen.owner, &whole, json!([with(counted("EGG", "1", TEN), "location", "main/walk-in/shelf")])).await.ok(200);
        put(&kitchen.owner, &part, json!([counted("EGG", "0", TEN)])).await.ok(200);
        archive("location", &shelf).await;
        for id in [&whole, &part] {
            refused(&kitchen.owner, &format!("{COUNTS}/{id}/post"), json!({})).await.refused(409, "location_archived");
        }
        let line = json!([with(counted("EGG", "1", TEN), "location", "main/walk-in/shelf")]);
        assert_eq!(flaws(&put(&kitchen.owner, &whole, line).await), pairs([("/lines/0/location", "location_archived")]));
        put(&kitchen.owner, &part, json!([counted("EGG", "0", TEN)])).await.refused(409, "location_archived");
        let other = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &other, json!([counted("EGG", "1", TEN)])).await.ok(200);
        archive("item", &egg).await;
        refused(&kitchen.owner, &format!("{COUNTS}/{other}/post"), json!({})).await.refused(409, "item_archived");
    }

    async fn a_count_is_posted_again_against_what_the_ledger_says_now(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        bought(&kitchen, "SALT", "2", "1").await;
        let id = open(&kitchen.owner, json!({ "uncounted": "zero" })).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "8", TUESDAY)])).await.ok(200);
        let first = step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        assert_eq!(kitchen.on_hand("EGG").await.0, "8");
        // A delivery note turns up: two that were counted had come before.
        let late = json!({ "location": WALK_IN, "effective_at": MONDAY, "counted": "not_included", "lines": [{ "sku": "EGG", "quantity": "3", "unit_price": "1" }] });
        kitchen.owner.post(RECEIPTS, late).await.ok(201);
        assert_eq!(kitchen.on_hand("EGG").await.0, "11");
        assert_eq!(flaws(&refused(&kitchen.owner, &format!("{COUNTS}/{id}/repost"), json!({})).await), pairs([("/reason", "required")]));
        let again = step(&kitchen.owner, &id, "repost", json!({ "reason": "typing_error" })).await.ok(201);
        assert_eq!((&again["reversal"]["document"]["reverses_id"], &again["document"]["number"], &again["count"]["status"]), (&first["document"]["id"], &json!("C-000002"), &json!("posted")));
        assert_eq!(again["count"]["document_id"], again["document"]["id"]);
        let egg = again["document"]["lines"].as_array().expect("lines").iter().find(|line| line["sku"] == "EGG").expect("eggs");
        assert_eq!((&egg["expected"], &egg["variance"], &egg["base_quantity"]), (&json!("13"), &json!("-5"), &json!("8")));
        // What was not counted was counted as zero, and that is kept.
        assert_eq!((kitchen.on_hand("EGG").await.0, kitchen.on_hand("SALT").await.0), ("8".to_owned(), "0".to_owned()));
        let read = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&first["document"]["id"]))).await.ok(200);
        assert_eq!(read["document"]["status"], "reversed");
        assert_eq!(counts_are_true(&api).await, 2);
        // Undone by itself it is reversed, and can be posted again without another reversal.
        let undo = format!("/v1/inventory/documents/{}/reverse", text(&again["document"]["id"]));
        kitchen.owner.post(&undo, json!({ "reason": "typing_error" })).await.ok(201);
        assert_eq!(kitchen.owner.get(&format!("{COUNTS}/{id}")).await.ok(200)["status"], "reversed");
        assert_eq!((kitchen.on_hand("EGG").await.0, counts_are_true(&api).await), ("13".to_owned(), 0));
        let third = step(&kitchen.owner, &id, "repost", json!({ "reason": "typing_error" })).await.ok(201);
        assert_eq!((third.get("reversal"), kitchen.on_hand("EGG").await.0), (None, "8".to_owned()));
        assert_eq!(counts_are_true(&api).await, 2);
    }

    async fn a_count_is_undone_unless_a_later_one_or_what_took_of_it_stands_in_the_way(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let found = count(&kitchen, json!([counted("EGG", "12", TUESDAY)])).await;
        assert_eq!(entries(&found), these([["gain", "2", "2", TUESDAY]]));
        let undo = |posted: &Value| format!("/v1/inventory/documents/{}/reverse", text(&posted["document"]["id"]));
        let because = json!({ "reason": "typing_error" });
        // Of what it found one is used.
        let used = wasted_at(&kitchen, TEN, "EGG", "11").await.ok(201);
        refused(&kitchen.owner, &undo(&found), because.clone()).await.refused(409, "insufficient_stock");
        kitchen.owner.post(&undo(&used), because.clone()).await.ok(201);
        wasted_at(&kitchen, TEN, "EGG", "3").await.ok(201);
        // With later movements that it does not miss it is undone at its own time.
        let undone = kitchen.owner.post(&undo(&found), because.clone()).await.ok(201);
        assert_eq!(entries(&undone), these([["reversal", "-2", "-2", TUESDAY]]));
        assert_eq!((kitchen.on_hand("EGG").await, counts_are_true(&api).await), (("7".to_owned(), "7".to_owned()), 0));
        // A later count saw what this one had set right.
        let first = count(&kitchen, json!([counted("EGG", "9", TUESDAY)])).await;
        let second = count(&kitchen, json!([counted("EGG", "5", ELEVEN)])).await;
        let problem = refused(&kitchen.owner, &undo(&first), because.clone()).await.refused(409, "counted_since");
        assert_eq!(problem["counts"][0]["number"], second["document"]["number"]);
        kitchen.owner.post(&undo(&first), with(because, "counted", "not_included")).await.ok(201);
        assert_eq!((kitchen.on_hand("EGG").await.0, counts_are_true(&api).await), ("6".to_owned(), 0));
        assert_eq!(number(&api, "SELECT COUNT(*) AS number FROM stock_count WHERE status = 'reversed'").await, 2);
        hold(&api).await;
    }

    async fn a_line_that_was_counted_before_a_correction_is_marked_as_moved(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "12", "unit_price": "1" }])).await;
        let correct = format!("{RECEIPTS}/{}/correct", text(&bought["document"]["id"]));
        let corrected = kitchen.owner.post(&correct, json!({ "line": 1, "quantity": "10", "line_total": "20", "effective_at": ELEVEN })).await.ok(201);
        assert_eq!(entries(&corrected), these([["correction", "-2", "8", ELEVEN]]));
        // Counted before it: twelve were there then by the ledger, and two of those are gone since.
        let posted = count(&kitchen, json!([counted("EGG", "11", TEN)])).await;
        let line = &posted["document"]["lines"][0];
        assert_eq!((entries(&posted), &line["moved"], &line["expected"]), (these([["count_loss", "-1", "-2", ELEVEN]]), &json!(true), &json!("12")));
        // What is counted after it stands where it was counted.
        let later = count(&kitchen, json!([counted("EGG", "8", "2026-11-25T11:30:00Z")])).await;
        assert_eq!((entries(&later), &later["document"]["lines"][0]["moved"]), (these([["count_loss", "-1", "-2", "2026-11-25T11:30:00Z"]]), &json!(false)));
        assert_eq!(kitchen.on_hand("EGG").await, ("8".to_owned(), "16".to_owned()));
        counts_are_true(&api).await;
        hold(&api).await;
    }

    async fn a_count_before_a_later_one_is_not_posted_again_unawares(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        bought(&kitchen, "EGG", "10", "1").await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([counted("EGG", "8", TUESDAY)])).await.ok(200);
        step(&kitchen.owner, &id, "post", json!({})).await.ok(201);
        count(&kitchen, json!([counted("EGG", "7", TEN)])).await;
        refused(&kitchen.owner, &format!("{COUNTS}/{id}/repost"), json!({ "reason": "typing_error" })).await.refused(409, "counted_since");
        step(&kitchen.owner, &id, "repost", json!({ "reason": "typing_error", "counted": "not_included" })).await.ok(201);
        assert_eq!(counts_are_true(&api).await, 1);
        hold_sums(&api).await;
    }

    async fn posted_counts_stay_true_through_a_few_hundred_random_postings(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for (sku, pick) in [("FEFO", "fefo"), ("FIFO", "fifo"), ("LIQUID", "fefo")] {
            kitchen.item(sku, json!({ "pick": pick })).await;
        }
        let mut random = StdRng::seed_from_u64(19);
        let (mut documents, mut counts, mut most, mut codes) = (Vec::new(), Vec::new(), 0, BTreeSet::new());
        for turn in 0..240 {
            let reply = random_step(&kitchen, &mut random, &documents, &counts).await;
            assert!(reply.status < 500, "{}", reply.text);
            if reply.status == 201 {
                documents.push(text(&reply.body["document"]["id"]));
                if reply.body["document"]["type"] == "count" {
                    counts.push(text(&reply.body["count"]["id"]));
                    counts.dedup();
                }
            } else {
                codes.insert(reply.code().to_owned());
            }
            if turn % 20 == 19 {
                most = most.max(counts_are_true(&api).await);
                hold_sums(&api).await;
            }
        }
        assert!(most >= 10 && counts.len() > 30 && codes.contains("counted_since"), "{most} true lines of {} counts; refused: {codes:?}", counts.len());
    }

    async fn more_than_a_line_can_say_is_no_mistake_of_the_server(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "1" }, { "sku": "EGG", "quantity": "1", "line_total": "1" }])).await;
        let id = open(&kitchen.owner, json!({})).await;
        put(&kitchen.owner, &id, json!([{ "sku": "EGG", "quantity": "5" }])).await.ok(200);
        // As if ten thousand of the largest deliveries lay there.
        api.inventory_db().execute_unprepared("UPDATE balance SET quantity = 9000000000000000000").await.expect("two full places");
        let lines = lines_of(&kitchen.owner, &id).await;
        assert_eq!((&lines[0]["quantity"], lines[0].get("expected"), lines[0].get("variance")), (&json!("5"), None, None));
        for name in ["review", "post"] {
            step(&kitchen.owner, &id, name, json!({})).await.refused(422, "out_of_range");
        }
    }
}

/// I1 and I2 of what lies there now.
async fn hold_sums(api: &Api) {
    let sides = "SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value FROM ledger_entry \
                 UNION ALL SELECT item_id, location_id, lot_id, -quantity, -value FROM balance";
    let unequal = format!(
        "SELECT COUNT(*) AS number FROM (SELECT item_id FROM ({sides}) AS sides GROUP BY item_id, location_id, lot_id HAVING SUM(quantity) <> 0 OR SUM(value) <> 0) AS unequal"
    );
    assert_eq!(number(api, &unequal).await, 0, "I1");
    assert_eq!(number(api, "SELECT COUNT(*) AS number FROM balance WHERE quantity < 0 OR value < 0 OR (quantity = 0 AND value <> 0)").await, 0, "I2");
}

/// One random posting; what is refused for a rule of the ledger is part of the script.
async fn random_step(kitchen: &Kitchen, random: &mut StdRng, documents: &[String], counts: &[String]) -> Reply {
    let start = Instant::parse(START).expect("a time");
    let mut at = || start.plus(chrono::TimeDelta::minutes(-random.random_range(0..3_000)));
    let (at, other) = (at(), at());
    let location = if random.random_bool(0.7) { WALK_IN } else { DRY_STORE };
    let sku = |random: &mut StdRng| ["FEFO", "FIFO", "LIQUID"][random.random_range(0..3)];
    let quantity = |random: &mut StdRng| format!("{}.{:06}", random.random_range(0..9), random.random_range(1..999_999));
    let included = if random.random_bool(0.3) { "not_included" } else { "refuse" };
    match random.random_range(0..100) {
        0..30 => {
            let line = json!({ "sku": sku(random), "quantity": quantity(random), "line_total": quantity(random) });
            kitchen.owner.post(RECEIPTS, json!({ "location": location, "effective_at": at, "counted": included, "lines": [line] })).await
        }
        30..55 => {
            let line = json!({ "sku": sku(random), "quantity": quantity(random), "reason": "spoiled" });
            kitchen.owner.post(WASTE, json!({ "location": location, "effective_at": at, "counted": included, "lines": [line] })).await
        }
        55..62 if !documents.is_empty() => {
            let id = &documents[random.random_range(0..documents.len())];
            kitchen.owner.post(&format!("/v1/inventory/documents/{id}/reverse"), json!({ "reason": "typing_error", "counted": included })).await
        }
        62..68 if !counts.is_empty() => {
            let id = &counts[random.random_range(0..counts.len())];
            step(&kitchen.owner, id, "repost", json!({ "reason": "typing_error", "counted": included })).await
        }
        _ => {
            let uncounted = if random.random_bool(0.1) { "zero" } else { "untouched" };
            let id = open(&kitchen.owner, json!({ "location": location, "uncounted": uncounted })).await;
            let first = sku(random);
            let mut lines = vec![json!({ "sku": first, "quantity": quantity(random), "counted_at": at })];
            let second = sku(random);
            if second != first {
                lines.push(json!({ "sku": second, "quantity": quantity(random), "counted_at": other }));
            }
            if random.random_bool(0.3) {
                let lots = kitchen.owner.get(&format!("/v1/inventory/lots?sku={first}&limit=5")).await.ok(200);
                if let Some(lot) = lots["data"].as_array().and_then(|lots| lots.first()) {
                    lines[0]["lot_id"] = lot["id"].clone();
                }
            }
            let written = put(&kitchen.owner, &id, json!(lines)).await;
            if written.status != 200 {
                return written;
            }
            step(&kitchen.owner, &id, "post", json!({})).await
        }
    }
}
