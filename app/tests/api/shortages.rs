//! Shortages through HTTP: what was missing, and who clears it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::counts::{COUNTS, put, step};
use crate::invariants::hold;
use crate::receipts::{NOBODY, RECEIPTS, column, flaws, pairs, refused, rows, site, with};
use crate::support::Api;
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text};
use crate::usage::{USAGE, served};

const SHORTAGES: &str = "/v1/inventory/shortages";

/// Uses what is not there and answers the shortage.
async fn missing(kitchen: &Kitchen, sku: &str, quantity: &str) -> Value {
    let sent = with(served(json!([{ "sku": sku, "quantity": quantity }])), "on_short", "record");
    let posted = kitchen.owner.post(USAGE, sent).await.ok(201);
    with(posted["shortages"][0].clone(), "document_id", posted["document"]["id"].clone())
}

fn at(shortage: &Value) -> String {
    format!("{SHORTAGES}/{}", text(&shortage["id"]))
}

/// Undoes a document and answers the reversal.
async fn undone(kitchen: &Kitchen, document: &Value) -> Value {
    kitchen.owner.post(&format!("/v1/inventory/documents/{}/reverse", text(document)), json!({ "reason": "did_not_happen" })).await.ok(201)
}

fn delivery(skus: &[&str]) -> Value {
    json!({ "location": WALK_IN, "lines": skus.iter().map(|sku| json!({ "sku": sku, "quantity": "9", "unit_price": "1" })).collect::<Vec<_>>() })
}

both_engines! {
    async fn a_person_clears_a_shortage_once_with_a_note(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        let found = missing(&kitchen, "EGG", "4").await;
        let read = kitchen.owner.get(&at(&found)).await;
        assert_eq!(read.header("etag"), "\"1\"");
        let read = read.ok(200);
        let expected = json!({
            "id": found["id"], "status": "open", "document_id": read["document_id"], "document_number": "U-000001", "line_no": 1, "item_id": egg["id"],
            "sku": "EGG", "location_id": found["location_id"], "location": "main/walk-in", "quantity": "4", "unit": "each",
            "cleared_by_document_id": null, "cleared_by": null, "cleared_at": null, "note": null, "version": 1,
            "created_at": read["created_at"], "updated_at": read["created_at"],
        });
        assert_eq!(read, expected);
        let clear = format!("{}/clear", at(&found));
        assert_eq!(flaws(&refused(&kitchen.owner, &clear, json!({})).await), pairs([("/note", "required")]));
        assert_eq!(flaws(&refused(&kitchen.owner, &clear, json!({ "note": " " })).await), pairs([("/note", "wrong_length")]));
        refused(&api.member("viewer", None).await, &clear, json!({ "note": "x" })).await.refused(403, "forbidden");
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        for stranger in [api.member("staff", Some(&[annex])).await, api.other_tenant().await] {
            stranger.get(&at(&found)).await.refused(404, "not_found");
            assert_eq!(stranger.get(SHORTAGES).await.ok(200)["data"], json!([]));
            stranger.post(&clear, json!({ "note": "x" })).await.refused(404, "not_found");
        }
        api.call("POST", &clear).json(&json!({ "note": "x" })).send().await.refused(401, "token_invalid");
        kitchen.owner.post(&format!("{SHORTAGES}/{NOBODY}/clear"), json!({ "note": "x" })).await.refused(404, "not_found");

        api.advance(TimeDelta::seconds(1));
        let staff = api.member("staff", None).await;
        let cleared = staff.post_with_key(&clear, "key", json!({ "note": "Were in the dry store" })).await.ok(200);
        assert_eq!((&cleared["status"], &cleared["note"], &cleared["version"]), (&json!("cleared"), &json!("Were in the dry store"), &json!(2)));
        assert!(cleared["cleared_by"].is_string() && cleared["cleared_at"].is_string() && cleared["cleared_by_document_id"].is_null());
        assert_eq!(kitchen.owner.get(&at(&found)).await.ok(200), cleared);
        let again = staff.post_with_key(&clear, "key", json!({ "note": "Were in the dry store" })).await;
        assert_eq!((again.status, again.header("idempotent-replayed"), &again.body), (200, "true", &cleared));
        refused(&staff, &clear, json!({ "note": "x" })).await.refused(409, "shortage_cleared");
        // Stock does not change by it.
        assert_eq!(kitchen.ledger().await, Vec::<Value>::new());
    }

    async fn a_receipt_lists_what_was_missing_and_clears_it_where_that_is_asked_for(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["EGG", "HAM", "RICE"] {
            kitchen.item(sku, json!({})).await;
        }
        let (eggs, ham, more_eggs) = (missing(&kitchen, "EGG", "4").await, missing(&kitchen, "HAM", "1").await, missing(&kitchen, "EGG", "2").await);
        let ids = |shortages: &[&Value]| { let mut ids: Vec<_> = shortages.iter().map(|it| text(&it["id"])).collect(); ids.sort(); ids };
        let listed = |rows: &Value| { let mut ids = column(rows, "id"); ids.sort(); ids };
        // Elsewhere, or of another item: nothing to offer.
        for sent in [delivery(&["RICE"]), with(delivery(&["EGG"]), "location", DRY_STORE)] {
            let posted = kitchen.owner.post(RECEIPTS, with(sent, "clear_shortages", true)).await.ok(201);
            assert_eq!((posted.get("open_shortages"), posted.get("cleared_shortages")), (None, None));
        }
        let offered = kitchen.owner.post(RECEIPTS, delivery(&["EGG", "RICE"])).await.ok(201);
        assert_eq!((listed(&offered["open_shortages"]), offered.get("cleared_shortages")), (ids(&[&eggs, &more_eggs]), None));
        assert_eq!(offered["open_shortages"][0], kitchen.owner.get(&at(&offered["open_shortages"][0])).await.ok(200));

        let sent = with(delivery(&["EGG"]), "clear_shortages", true);
        let posted = kitchen.owner.post_with_key(RECEIPTS, "key", sent.clone()).await.ok(201);
        assert_eq!((posted.get("open_shortages"), listed(&posted["cleared_shortages"])), (None, ids(&[&eggs, &more_eggs])));
        for cleared in posted["cleared_shortages"].as_array().expect("shortages") {
            assert_eq!((&cleared["status"], &cleared["cleared_by_document_id"]), (&json!("cleared"), &posted["document"]["id"]));
            assert_eq!(kitchen.owner.get(&at(cleared)).await.ok(200), *cleared);
        }
        assert_eq!(kitchen.owner.post_with_key(RECEIPTS, "key", sent.clone()).await.ok(201), posted);
        assert_eq!(kitchen.owner.post(RECEIPTS, sent).await.ok(201).get("cleared_shortages"), None);
        let open = kitchen.owner.get(&format!("{SHORTAGES}?status=open")).await.ok(200);
        assert_eq!(listed(&open["data"]), ids(&[&ham]));
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, with(delivery(&["EGG"]), "clear_shortages", "maybe")).await), pairs([("/clear_shortages", "wrong_type")]));
    }

    async fn shortages_are_listed_page_by_page_and_by_what_they_are(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let mut made = Vec::new();
        for number in 0..5 {
            made.insert(0, text(&missing(&kitchen, if number == 2 { "HAM" } else { "EGG" }, "1").await["id"]));
            api.advance(TimeDelta::seconds(1));
        }
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = kitchen.owner.get(&format!("{SHORTAGES}?limit=2{cursor}")).await.ok(200);
            found.extend(column(&page["data"], "id"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, made);
        kitchen.owner.post(&format!("{SHORTAGES}/{}/clear", made[0]), json!({ "note": "Found" })).await.ok(200);
        let listed = async |query: &str| column(&kitchen.owner.get(&format!("{SHORTAGES}?{query}")).await.ok(200)["data"], "id");
        assert_eq!((listed("sku=HAM").await, listed("status=cleared").await), (made[2..3].to_vec(), made[..1].to_vec()));
        assert_eq!(listed(&format!("item_id={}&status=open", text(&egg["id"]))).await, [&made[1..2], &made[3..]].concat());
        assert_eq!((listed("location=main").await, listed("location=main/dry-store").await), (made.clone(), vec![]));
        let reservations = kitchen.owner.get(&format!("{SHORTAGES}?limit=1")).await.ok(200);
        let foreign = text(&reservations["next_cursor"]);
        kitchen.owner.get(&format!("/v1/inventory/reservations?cursor={foreign}")).await.refused(400, "invalid_cursor");
        let before = rows(&api).await;
        kitchen.owner.get(&format!("{SHORTAGES}?status=lost")).await.refused(422, "invalid_request");
        assert_eq!(rows(&api).await, before);
    }

    async fn what_a_receipt_has_cleared_is_open_again_once_that_is_undone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (found, other) = (missing(&kitchen, "EGG", "4").await, missing(&kitchen, "EGG", "1").await);
        api.advance(TimeDelta::seconds(1));
        let receipt = kitchen.owner.post(RECEIPTS, with(delivery(&["EGG"]), "clear_shortages", true)).await.ok(201);
        let cleared = kitchen.owner.get(&at(&found)).await.ok(200);
        assert_eq!((&cleared["status"], &cleared["cleared_by_document_id"]), (&json!("cleared"), &receipt["document"]["id"]));
        // What is found not to have happened itself is not missing either way.
        let not_missing = undone(&kitchen, &other["document_id"]).await;
        assert_eq!((not_missing.get("reopened_shortages"), not_missing.get("cleared_shortages")), (None, None));
        let reversal = undone(&kitchen, &receipt["document"]["id"]).await;
        let open = kitchen.owner.get(&at(&found)).await.ok(200);
        assert_eq!((&reversal["reopened_shortages"], reversal.get("cleared_shortages")), (&json!([open]), None));
        assert_eq!((&open["status"], &open["version"]), (&json!("open"), &json!(3)));
        assert_eq!([&open["cleared_by_document_id"], &open["cleared_by"], &open["cleared_at"]], [&Value::Null; 3]);
        assert_eq!(kitchen.owner.get(&at(&other)).await.ok(200)["status"], "cleared");
        let audit = kitchen.owner.get("/v1/inventory/audit?action=shortage.reopened").await.ok(200);
        assert_eq!((column(&audit["data"], "subject"), column(&audit["data"], "subject_id")), (vec!["shortage".to_owned()], vec![text(&found["id"])]));
        assert_eq!(audit["data"][0]["details"], json!({
            "cleared_by_document_id": receipt["document"]["id"], "cleared_by": cleared["cleared_by"], "cleared_at": cleared["cleared_at"],
            "reversal_id": reversal["document"]["id"],
        }));
        // As open as it was before.
        let again = kitchen.owner.post(RECEIPTS, with(delivery(&["EGG"]), "clear_shortages", true)).await.ok(201);
        assert_eq!(column(&again["cleared_shortages"], "id"), vec![text(&found["id"])]);
        hold(&api).await;
    }

    async fn a_count_of_all_lots_clears_what_was_missing_until_it_is_undone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await["entries"][0]["lot_id"].clone();
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "line_total": "2" }])).await;
        let found = missing(&kitchen, "EGG", "9").await;
        let status = async || text(&kitchen.owner.get(&at(&found)).await.ok(200)["status"]);
        let count = async |line: Value| {
            api.advance(TimeDelta::seconds(1));
            let id = text(&kitchen.owner.post(COUNTS, json!({ "location": WALK_IN })).await.ok(201)["id"]);
            put(&kitchen.owner, &id, json!([line])).await.ok(200);
            (id.clone(), step(&kitchen.owner, &id, "post", json!({})).await.ok(201))
        };
        // There may be more of another lot.
        let (_, of_one_lot) = count(json!({ "sku": "EGG", "lot_id": lot, "quantity": "0" })).await;
        assert_eq!((status().await.as_str(), of_one_lot.get("cleared_shortages")), ("open", None));
        let (id, posted) = count(json!({ "sku": "EGG", "quantity": "0" })).await;
        assert_eq!(status().await, "cleared");
        assert_eq!(posted["cleared_shortages"], json!([kitchen.owner.get(&at(&found)).await.ok(200)]));
        let reversal = undone(&kitchen, &posted["document"]["id"]).await;
        assert_eq!(status().await, "open");
        assert_eq!(reversal["reopened_shortages"], json!([kitchen.owner.get(&at(&found)).await.ok(200)]));
        let again = step(&kitchen.owner, &id, "repost", json!({ "reason": "typing_error" })).await.ok(201);
        assert_eq!(status().await, "cleared");
        assert_eq!((column(&again["cleared_shortages"], "id"), again.get("reversal")), (vec![text(&found["id"])], None));
        step(&kitchen.owner, &id, "repost", json!({ "reason": "typing_error" })).await.ok(201);
        assert_eq!(status().await, "cleared");
        hold(&api).await;
    }

    async fn what_undoes_the_finding_of_a_shortage_clears_it_and_says_so(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let found = missing(&kitchen, "EGG", "4").await;
        let reversal = undone(&kitchen, &found["document_id"]).await;
        let cleared = kitchen.owner.get(&at(&found)).await.ok(200);
        assert_eq!((&cleared["status"], &cleared["cleared_by_document_id"]), (&json!("cleared"), &reversal["document"]["id"]));
        assert_eq!((&reversal["cleared_shortages"], reversal.get("reopened_shortages")), (&json!([cleared]), None));
    }

    async fn a_receipt_lists_what_is_still_open_where_it_cannot_clear_all(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lines: Vec<Value> = (0..501).map(|_| json!({ "sku": "EGG", "quantity": "1" })).collect();
        kitchen.owner.post(USAGE, with(served(json!(lines)), "on_short", "record")).await.ok(201);
        let posted = kitchen.owner.post(RECEIPTS, with(delivery(&["EGG"]), "clear_shortages", true)).await.ok(201);
        let (open, cleared) = (column(&posted["open_shortages"], "id"), column(&posted["cleared_shortages"], "id"));
        assert_eq!((open.len(), cleared.len()), (1, 500));
        assert_eq!(column(&kitchen.owner.get(&format!("{SHORTAGES}?status=open")).await.ok(200)["data"], "id"), open);
    }
}
