//! Undoing documents through HTTP: what a reversal does, and what can't be undone.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::invariants::hold;
use crate::later_costs::{charge, correct, number};
use crate::receipts::{NOBODY, area, close_through, column, flaws, millionths, pairs, refused, rows, site, with};
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, Reply, fresh};

const WASTE: &str = "/v1/inventory/waste";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

/// Where a posted document is undone.
pub fn path(posted: &Value) -> String {
    format!("/v1/inventory/documents/{}/reverse", text(&posted["document"]["id"]))
}

pub fn because() -> Value {
    json!({ "reason": "typing_error" })
}

pub async fn reverse(client: &Client, posted: &Value) -> Value {
    client.post(&path(posted), because()).await.ok(201)
}

async fn reverse_today(client: &Client, posted: &Value) -> Value {
    client.post(&path(posted), with(because(), "at", "today")).await.ok(201)
}

/// Sends a reversal that must be refused and sees that nothing was written by it.
async fn refusal(client: &Client, posted: &Value) -> Reply {
    refused(client, &path(posted), because()).await
}

async fn read(kitchen: &Kitchen, posted: &Value) -> Value {
    kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&posted["document"]["id"]))).await.ok(200)
}

/// Lot, quantity, value, time and business date of every entry of a document.
fn entries(document: &Value) -> Vec<(String, i64, i64, String, String)> {
    let entry = |entry: &Value| {
        let (lot, at, date) = (text(&entry["lot_id"]), text(&entry["effective_at"]), text(&entry["business_date"]));
        (lot, millionths(&entry["quantity"]), millionths(&entry["value"]), at, date)
    };
    document["entries"].as_array().expect("entries").iter().map(entry).collect()
}

/// The same with the signs turned: what an exact negation writes.
fn negated(document: &Value) -> Vec<(String, i64, i64, String, String)> {
    entries(document).into_iter().map(|(lot, quantity, value, at, date)| (lot, -quantity, -value, at, date)).collect()
}

fn at_time(body: Value, time: &str) -> Value {
    with(body, "effective_at", time)
}

both_engines! {
    async fn each_entry_is_negated_at_its_own_time(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let thrown = kitchen.owner.post(WASTE, at_time(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), TUESDAY)).await.ok(201);
        let undone = reverse(&kitchen.owner, &thrown).await;
        let (id, document) = (&thrown["document"]["id"], &undone["document"]);
        assert_eq!(entries(&undone), negated(&thrown));
        let entry = &undone["entries"][0];
        assert_eq!((&entry["kind"], &entry["line_no"], &entry["reason"]), (&json!("reversal"), &json!(1), &json!("typing_error")));
        let expected = json!({ "type": "reversal", "number": "V-000001", "status": "posted", "reverses_id": id, "reason": "typing_error", "effective_at": TUESDAY,
            "business_date": "2026-11-24", "location": WALK_IN });
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&document[field], value, "{field}");
        }
        let balance = json!([{ "item_id": item["id"], "sku": "EGG", "location_id": document["location_id"], "lot_id": entry["lot_id"], "quantity": "3",
            "unit": "each", "value": "1" }]);
        assert_eq!(undone["balances"], balance);
        let before = read(&kitchen, &thrown).await;
        assert_eq!((&before["document"]["status"], &before["document"]["reversed_by_id"]), (&json!("reversed"), &document["id"]));
        assert_eq!(before["entries"], thrown["entries"]);
        let after = read(&kitchen, &undone).await;
        assert_eq!((&after["document"], &after["entries"]), (document, &undone["entries"]));
        // And then what it came in by.
        assert_eq!(entries(&reverse(&kitchen.owner, &bought).await), negated(&bought));
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
    }

    async fn undone_today_every_entry_stands_now(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let thrown = kitchen.owner.post(WASTE, at_time(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), TUESDAY)).await.ok(201);
        let undone = reverse_today(&kitchen.owner, &thrown).await;
        let (lot, document) = (text(&thrown["entries"][0]["lot_id"]), &undone["document"]);
        let now = text(&document["recorded_at"]);
        assert!(now.starts_with("2026-11-25T12:00:00"), "{now}");
        assert_eq!(entries(&undone), [(lot, 1_000_000, 333_333, now.clone(), "2026-11-25".to_owned())]);
        assert_eq!((&document["effective_at"], &document["business_date"]), (&json!(now), &json!("2026-11-25")));
    }

    async fn what_lies_in_a_closed_period_is_undone_today(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let thrown = |at: &str| kitchen.owner.post(WASTE, at_time(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), at));
        let (closed, open) = (thrown(TUESDAY).await.ok(201), thrown("2026-11-25T09:00:00Z").await.ok(201));
        close_through(&api, "2026-11-24").await;
        let undone = reverse(&kitchen.owner, &closed).await;
        let now = text(&undone["document"]["recorded_at"]);
        assert_eq!(column(&undone["entries"], "effective_at"), [now]);
        assert_eq!(column(&undone["entries"], "business_date"), ["2026-11-25"]);
        assert_eq!(entries(&reverse(&kitchen.owner, &open).await), negated(&open));
        assert_eq!(kitchen.on_hand("EGG").await, ("3".to_owned(), "1".to_owned()));
    }

    async fn what_made_a_lot_is_undone_after_all_that_touched_it_and_the_lot_is_void(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let lot = text(&bought["entries"][0]["lot_id"]);
        let mut touching = Vec::new();
        for _ in 0..2 {
            touching.push(kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await);
        }
        while let Some(last) = touching.last() {
            let named = |posted: &Value| json!({ "document_id": posted["document"]["id"], "number": posted["document"]["number"] });
            let problem = refusal(&kitchen.owner, &bought).await.refused(409, "lot_has_later_movements");
            let named: Vec<_> = touching.iter().map(named).collect();
            assert_eq!(problem["lots"], json!([{ "lot_id": lot, "documents": named, "number_of_documents": named.len() }]));
            reverse(&kitchen.owner, last).await;
            touching.pop();
        }
        let undone = reverse(&kitchen.owner, &bought).await;
        assert_eq!((&undone["balances"][0]["quantity"], &undone["balances"][0]["value"]), (&json!("0"), &json!("0")));
        let void = number(&api, "SELECT COUNT(*) AS number FROM lot WHERE void AND basis_quantity = 0 AND basis_value = 0").await;
        assert_eq!(void, 1);
        refused(&kitchen.owner, WASTE, waste_body(json!([{ "sku": "EGG", "quantity": "1" }]))).await.refused(409, "insufficient_stock");
    }

    async fn of_what_touches_a_lot_those_of_ones_own_sites_are_named_and_a_hundred_of_them(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        site(&kitchen.owner, "annex", "Europe/Paris").await;
        area(&kitchen.owner, "annex", "shelf").await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "200", "line_total": "200" }])).await;
        let moved = json!({ "from_location": WALK_IN, "to_location": "annex/shelf", "direct": true, "lines": [{ "sku": "EGG", "quantity": "4" }] });
        let moved = kitchen.owner.post("/v1/inventory/transfers", moved).await.ok(201);
        let there = with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "location", "annex/shelf");
        kitchen.owner.post(WASTE, there).await.ok(201);
        let home = text(&kitchen.site["id"]).parse().expect("an id");
        let here = api.member("manager", Some(&[home])).await;
        let problem = refusal(&here, &bought).await.refused(409, "lot_has_later_movements");
        let own = json!([{ "document_id": moved["document"]["id"], "number": moved["document"]["number"] }]);
        assert_eq!((&problem["lots"][0]["documents"], &problem["lots"][0]["number_of_documents"]), (&own, &json!(2)));
        for _ in 0..100 {
            kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        }
        for client in [&here, &kitchen.owner] {
            let problem = refusal(client, &bought).await.refused(409, "lot_has_later_movements");
            let lot = &problem["lots"][0];
            assert_eq!((lot["documents"].as_array().map(Vec::len), &lot["number_of_documents"]), (Some(100), &json!(102)));
        }
    }

    async fn what_comes_back_comes_before_what_leaves(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "line_total": "2" }])).await;
        let line = |quantity: &str| json!({ "sku": "EGG", "quantity": quantity, "lot_id": bought["entries"][0]["lot_id"], "reason": "unrecorded" });
        let adjusted = json!({ "location": WALK_IN, "lines": [line("+3"), line("-2")] });
        let adjusted = kitchen.owner.post("/v1/inventory/adjustments", adjusted).await.ok(201);
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "2" }])).await;
        assert_eq!(kitchen.on_hand("EGG").await, ("1".to_owned(), "1".to_owned()));
        // One is left: the three that were found can leave again because the two that were missing come back before.
        let undone = reverse(&kitchen.owner, &adjusted).await;
        assert_eq!((column(&undone["entries"], "quantity"), column(&undone["entries"], "value")), (vec!["2".into(), "-3".into()], vec!["2".into(), "-3".into()]));
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
        hold(&api).await;
    }

    async fn a_crumb_that_splitting_left_is_rounded_away_first(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "line_total": "0.000001" }])).await;
        let lot = &bought["entries"][0]["lot_id"];
        let thrown = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let found = json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "+1", "reason": "found" }] });
        let found = kitchen.owner.post("/v1/inventory/adjustments", found).await.ok(201);
        let again = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let value = |posted: &Value| text(&posted["entries"][0]["value"]);
        assert_eq!([value(&thrown), value(&found), value(&again)], ["-0.000001", "0.000001", "-0.000001"]);
        assert_eq!(kitchen.on_hand("EGG").await, ("1".to_owned(), "0".to_owned()));
        // What was found was worth a millionth, and what is left is worth nothing.
        let undone = reverse(&kitchen.owner, &found).await;
        let shown: Vec<_> = undone["entries"].as_array().expect("entries").iter().map(|entry| ["kind", "quantity", "value"].map(|name| text(&entry[name]))).collect();
        assert_eq!(shown, [["rounding", "0", "0.000001"], ["reversal", "-1", "-0.000001"]]);
        assert_eq!(undone["variances"], json!([{ "lot_id": lot, "amount": "-0.000001", "kind": "rounding" }]));
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
        hold(&api).await;
    }

    async fn what_was_gone_in_between_is_undone_today_only(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let thrown = kitchen.owner.post(WASTE, at_time(waste_body(json!([{ "sku": "EGG", "quantity": "3" }])), TUESDAY)).await.ok(201);
        reverse_today(&kitchen.owner, &thrown).await;
        let problem = refusal(&kitchen.owner, &bought).await.refused(409, "insufficient_stock");
        let short = json!([{ "line": 0, "item_id": bought["entries"][0]["item_id"], "location_id": bought["entries"][0]["location_id"],
            "lot_id": bought["entries"][0]["lot_id"], "requested": "3", "available": "0" }]);
        assert_eq!(problem["short"], short);
        assert!(text(&problem["detail"]).contains("today"), "{problem}");
        reverse_today(&kitchen.owner, &bought).await;
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
    }

    async fn a_document_whose_lot_was_charged_later_is_not_undone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        let before = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        charge(&kitchen.owner, &bought, "6").await.ok(201);
        let after = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let problem = refusal(&kitchen.owner, &before).await.refused(409, "lot_revalued_after");
        assert_eq!(problem["lot_id"], bought["entries"][0]["lot_id"]);
        assert!(text(&problem["detail"]).contains("adjustment"), "{problem}");
        // What was posted after the charge took its value of it.
        assert_eq!(entries(&reverse(&kitchen.owner, &after).await), negated(&after));
        assert_eq!(kitchen.on_hand("EGG").await, ("2".to_owned(), "6".to_owned()));
    }

    async fn reversals_cost_changes_and_corrections_say_what_to_do_instead(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let undone = reverse(&kitchen.owner, &kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await).await;
        let charged = charge(&kitchen.owner, &bought, "6").await.ok(201);
        let corrected = correct(&kitchen.owner, &bought, json!({ "line": 1, "quantity": "4" })).await.ok(201);
        for (posted, instead) in [(&undone, "posted again"), (&charged, "opposite amounts"), (&corrected, "correct the line")] {
            let problem = refusal(&kitchen.owner, posted).await.refused(409, "not_reversible");
            assert!(text(&problem["detail"]).contains(instead), "{problem}");
        }
    }

    async fn who_may_undo_and_what_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "9", "line_total": "9" }])).await;
        let thrown = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let (path, before) = (path(&thrown), rows(&api).await);
        api.call("POST", &path).header("Idempotency-Key", "k").json(&because()).send().await.refused(401, "token_invalid");
        kitchen.owner.post_without_key(&path, because()).await.refused(400, "idempotency_key_required");
        assert_eq!(rows(&api).await, before);
        // Undoing sets stock right: it needs `adjust` beside what the document needs.
        for role in ["viewer", "staff", "buyer"] {
            refused(&api.member(role, None).await, &path, because()).await.refused(403, "forbidden");
        }
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        let elsewhere = api.member("manager", Some(&[annex])).await;
        refused(&elsewhere, &path, because()).await.refused(404, "not_found");
        let stranger = api.other_tenant().await;
        // The first request of a tenant makes what every tenant begins with.
        stranger.post(&path, because()).await.refused(404, "not_found");
        refused(&stranger, &path, because()).await.refused(404, "not_found");
        for id in [NOBODY, "x"] {
            refused(&kitchen.owner, &format!("/v1/inventory/documents/{id}/reverse"), because()).await.refused(404, "not_found");
        }
        for (body, pointer, code) in [
            (json!({}), "/reason", "required"),
            (json!({ "reason": "spoiled" }), "/reason", "reason_not_found"),
            (with(because(), "at", "tomorrow"), "/at", "invalid_choice"),
            (with(because(), "counted", "maybe"), "/counted", "invalid_choice"),
            (with(because(), "note", ""), "/note", "wrong_length"),
            (with(because(), "lines", json!([])), "/lines", "unknown_field"),
        ] {
            assert_eq!(flaws(&refused(&kitchen.owner, &path, body).await), pairs([(pointer, code)]));
        }
        let key = fresh("key");
        let first = kitchen.owner.post_with_key(&path, &key, because()).await.ok(201);
        let again = kitchen.owner.post_with_key(&path, &key, because()).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));
        kitchen.owner.post_with_key(&path, &key, with(because(), "at", "today")).await.refused(422, "idempotency_key_reused");
        refusal(&kitchen.owner, &thrown).await.refused(409, "already_reversed");
        assert_eq!(first["document"]["note"], Value::Null);
        let home = text(&kitchen.site["id"]).parse().expect("an id");
        let thrown = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let body = with(because(), "note", "entered twice");
        let undone = api.member("manager", Some(&[home])).await.post(&self::path(&thrown), body).await.ok(201);
        assert_eq!((&undone["document"]["note"], &undone["document"]["number"]), (&json!("entered twice"), &json!("V-000002")));
    }

    async fn nothing_comes_back_to_what_is_archived(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "1" }])).await;
        let thrown = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let place = format!("/v1/inventory/locations/{}", text(&thrown["document"]["location_id"]));
        for (path, code) in [(format!("/v1/inventory/items/{}", text(&item["id"])), "item_archived"), (place, "location_archived")] {
            let archived = kitchen.owner.patch(&path, Some(1), json!({ "archived": true })).await.ok(200);
            refusal(&kitchen.owner, &thrown).await.refused(409, code);
            kitchen.owner.patch(&path, archived["version"].as_i64(), json!({ "archived": false })).await.ok(200);
        }
        reverse(&kitchen.owner, &thrown).await;
    }

    async fn of_one_who_undoes_a_receipt_and_one_who_takes_of_it_one_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        for _ in 0..8 {
            let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "1" }])).await;
            let path = path(&bought);
            let take = waste_body(json!([{ "sku": "EGG", "quantity": "1" }]));
            let (undone, taken) = futures::future::join(kitchen.owner.post(&path, because()), kitchen.owner.post(WASTE, take)).await;
            match (undone.status, undone.code(), taken.status, taken.code()) {
                (201, _, 409, "insufficient_stock") | (409, "lot_has_later_movements", 201, _) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
        }
    }

    async fn of_one_who_undoes_a_receipt_and_one_who_charges_it_one_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        for _ in 0..8 {
            let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "1" }])).await;
            let path = path(&bought);
            let (undone, charged) = futures::future::join(kitchen.owner.post(&path, because()), charge(&kitchen.owner, &bought, "1")).await;
            match (undone.status, undone.code(), charged.status, charged.code()) {
                (201, _, 409, "already_reversed") | (409, "lot_revalued_after", 201, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn of_32_who_undo_a_document_exactly_one_does(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "1" }])).await;
        let thrown = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let path = path(&thrown);
        let replies = join_all((0..32).map(|_| kitchen.owner.post(&path, because()))).await;
        let (done, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
        assert_eq!(done.len(), 1);
        for reply in refused {
            reply.refused(409, "already_reversed");
        }
        assert_eq!(kitchen.on_hand("EGG").await, ("3".to_owned(), "1".to_owned()));
    }
}
