//! Undoing documents through HTTP: what a reversal does, and what can't be undone.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::receipts::{NOBODY, RECEIPTS, area, close_through, column, flaws, millionths, money_in, pairs, refused, rows, site, with};
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
