//! What a refusal says beside its text: which line asked for what, and what there is, so that a program need not ask again.

use serde_json::{Value, json};

use crate::counts::{COUNTS, put, step};
use crate::receipts::{RECEIPTS, area, refused, site, with};
use crate::reversals::{because, path, reverse};
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Reply};
use crate::usage::USAGE;

const WASTE: &str = "/v1/inventory/waste";
const TRANSFERS: &str = "/v1/inventory/transfers";
const MONDAY: &str = "2026-11-23T12:00:00Z";

/// Whether everything that is expected stands in what was said, lists in full.
fn says(said: &Value, expected: &Value) -> bool {
    match (said, expected) {
        (Value::Object(said), Value::Object(expected)) => expected.iter().all(|(name, expected)| says(said.get(name).unwrap_or(&Value::Null), expected)),
        (Value::Array(said), Value::Array(expected)) => said.len() == expected.len() && said.iter().zip(expected).all(|(said, expected)| says(said, expected)),
        _ => said == expected,
    }
}

/// A refusal, its code (of the only thing that is wrong, where the request is invalid), and the facts that it must say.
type Case = (Reply, &'static str, Value);

/// Takes of two items in one document, the second time by its lot.
fn used(lot: &str, at: Option<&str>) -> Value {
    let lines = json!([{ "sku": "SALT", "quantity": "1" }, { "sku": "EGG", "quantity": "2", "lot_id": lot }]);
    let body = json!({ "location": WALK_IN, "purpose": "service", "lines": lines });
    at.map_or_else(|| body.clone(), |at| with(body.clone(), "effective_at", at))
}

async fn of_lots(kitchen: &Kitchen) -> Vec<Case> {
    let owner = &kitchen.owner;
    let egg = |more: Value| {
        let mut line = json!({ "sku": "EGG", "quantity": "6", "line_total": "6" });
        line.as_object_mut().expect("a line").extend(more.as_object().expect("more of it").clone());
        json!([line])
    };
    let lot_of = |posted: &Value| text(&posted["entries"][0]["lot_id"]);
    let held = lot_of(&kitchen.receive_at(MONDAY, egg(json!({}))).await);
    owner.patch(&format!("/v1/inventory/lots/{held}"), Some(1), json!({ "status": "hold", "note": "smells" })).await.ok(200);
    let expired = lot_of(&kitchen.receive_at(MONDAY, egg(json!({ "expires_on": "2026-11-24" }))).await);
    let charged = kitchen.receive_at(MONDAY, egg(json!({}))).await;
    let revalued = lot_of(&charged);
    let receipt = format!("{RECEIPTS}/{}", text(&charged["document"]["id"]));
    owner.post(&format!("{receipt}/charges"), json!({ "charges": [{ "label": "customs", "amount": "-2" }] })).await.ok(201);
    let conflict = |lot: &str, more: Value| {
        let mut said = json!({ "line": 1, "lot_id": lot, "requested": "2", "available": "6" });
        said.as_object_mut().expect("facts").extend(more.as_object().expect("more of them").clone());
        json!({ "line": 1, "lot_id": lot, "lots": [said] })
    };
    vec![
        (refused(owner, USAGE, used(&held, None)).await, "lot_on_hold", conflict(&held, json!({}))),
        (refused(owner, USAGE, used(&expired, None)).await, "lot_expired", conflict(&expired, json!({ "expires_on": "2026-11-24" }))),
        (
            refused(owner, USAGE, used(&revalued, Some("2026-11-24T12:00:00Z"))).await,
            "lot_revalued_after",
            conflict(&revalued, json!({ "cost_floor_at": "2026-11-25T12:00:00Z" })),
        ),
        // What the lot cost, and what was asked to be taken off it.
        (
            refused(owner, &format!("{receipt}/charges"), json!({ "charges": [{ "label": "rebate", "amount": "-4.5" }] })).await,
            "cost_below_zero",
            json!({ "lot_id": revalued, "line": 1, "amount": "-4.5", "basis": "4" }),
        ),
        (
            refused(owner, &format!("{receipt}/correct"), json!({ "line": 1, "line_total": "1" })).await,
            "cost_below_zero",
            json!({ "lot_id": revalued, "line": 1, "amount": "-5", "basis": "4" }),
        ),
    ]
}

async fn of_documents(kitchen: &Kitchen) -> Vec<Case> {
    let owner = &kitchen.owner;
    let ham = kitchen.receive_at(MONDAY, json!([{ "sku": "HAM", "quantity": "10", "line_total": "10" }])).await;
    let waste = kitchen.waste(json!([{ "sku": "HAM", "quantity": "4" }])).await;
    let correct = format!("{RECEIPTS}/{}/correct", text(&ham["document"]["id"]));
    let below = refused(owner, &correct, json!({ "line": 1, "quantity": "3" })).await;
    let undone = reverse(owner, &waste).await;
    let again = refused(owner, &path(&waste), because()).await;
    let body = json!({ "from_location": WALK_IN, "to_location": "annex/shelf", "lines": [{ "sku": "HAM", "quantity": "4" }] });
    let transfer = owner.post(TRANSFERS, body).await.ok(201)["transfer"].clone();
    let at = |step: &str| format!("{TRANSFERS}/{}/{step}", text(&transfer["id"]));
    let sent = owner.post(&at("dispatch"), json!({})).await.ok(201);
    owner.post(&at("receive"), json!({ "lines": [{ "sku": "HAM", "quantity": "1" }] })).await.ok(201);
    let gone = json!({ "lot_id": ham["entries"][0]["lot_id"], "dispatched": "4", "received": "1", "lost": "0", "cancelled": "0" });
    let shelf = owner.get("/v1/inventory/locations?limit=100").await.ok(200)["data"].as_array().expect("locations").clone();
    let shelf = shelf.iter().find(|location| location["path"] == "annex/shelf").expect("the shelf").clone();
    let archived = owner.patch(&format!("/v1/inventory/locations/{}", text(&shelf["id"])), Some(1), json!({ "archived": true })).await;
    let lies = json!([{ "location": "annex/shelf", "sku": "HAM", "lot_id": ham["entries"][0]["lot_id"], "quantity": "1", "unit": "each" }]);
    vec![
        (below, "below_used", json!({ "line": 1, "requested": "3", "received": "10", "used": "4" })),
        (again, "already_reversed", json!({ "reversed_by": { "document_id": undone["document"]["id"], "number": undone["document"]["number"] } })),
        (refused(owner, &path(&sent), because()).await, "transfer_received", json!({ "transfer_id": transfer["id"], "lots": [gone] })),
        (archived, "location_has_stock", json!({ "stock": lies })),
    ]
}

async fn of_times(kitchen: &Kitchen) -> Vec<Case> {
    let owner = &kitchen.owner;
    let id = text(&owner.post(COUNTS, json!({ "location": WALK_IN })).await.ok(201)["id"]);
    put(owner, &id, json!([{ "sku": "SALT", "quantity": "9", "counted_at": "2026-11-25T10:00:00Z" }])).await.ok(200);
    let count = step(owner, &id, "post", json!({})).await.ok(201);
    let lines = json!([{ "sku": "HAM", "quantity": "1" }, { "sku": "SALT", "quantity": "1" }, { "sku": "SALT", "quantity": "2" }]);
    let wasted = |at: &str| with(waste_body(lines.clone()), "effective_at", at);
    let since = refused(owner, WASTE, wasted("2026-11-25T09:00:00Z")).await;
    let seen = json!([{ "number": count["document"]["number"], "line_no": 1, "lines": [1, 2] }]);
    owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-23", "close": true })).await.ok(201);
    let closed = json!({ "business_date": "2026-11-23", "closed_through": "2026-11-23" });
    vec![(since, "counted_since", json!({ "counts": seen })), (refused(owner, WASTE, wasted(MONDAY)).await, "period_closed", closed)]
}

both_engines! {
    async fn a_refusal_names_the_lines_what_was_asked_and_what_is_there(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        site(&kitchen.owner, "annex", "Europe/Paris").await;
        area(&kitchen.owner, "annex", "shelf").await;
        kitchen.item("EGG", json!({ "date_kind": "use_by" })).await;
        for sku in ["HAM", "SALT"] {
            kitchen.item(sku, json!({})).await;
        }
        kitchen.receive_at(MONDAY, json!([{ "sku": "SALT", "quantity": "9", "line_total": "9" }])).await;
        let cases = [of_lots(&kitchen).await, of_documents(&kitchen).await, of_times(&kitchen).await].concat();
        for (reply, code, expected) in &cases {
            let said = if reply.status == 422 { text(&reply.body["errors"][0]["code"]) } else { reply.code().to_owned() };
            assert_eq!(&said, code, "{}", reply.text);
            assert!(says(&reply.body, expected), "{code} says {}\nand not {expected}", reply.text);
        }
        assert_eq!(cases.len(), 11);
    }

    async fn a_refusal_tells_no_cost_to_who_sees_none(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let receipt = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "6", "unit_price": "1" }])).await;
        let receipt = format!("{RECEIPTS}/{}", text(&receipt["document"]["id"]));
        kitchen.owner.post(&format!("{receipt}/charges"), json!({ "charges": [{ "label": "rebate", "amount": "-2" }] })).await.ok(201);
        // At the price that is stored, one egg would cost less than was taken off.
        let correct = json!({ "line": 1, "quantity": "1" });
        let reply = api.member("staff", None).await.post(&format!("{receipt}/correct"), correct).await;
        assert_eq!(reply.violations(), [("/quantity".to_owned(), "cost_below_zero".to_owned())], "{}", reply.text);
        assert!(reply.body.get("basis").is_none() && reply.body.get("amount").is_none(), "{}", reply.text);
    }
}
