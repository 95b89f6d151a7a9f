//! Use cases that have a budget beside the ones that faults.rs has. Together they are every operation of the module, which a test holds them to.

use serde_json::json;

use crate::faults::{self, reading, stocked};
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::trial::Prepare;
use crate::support::{Call, fresh};

/// A list, as it is after a use case of faults.rs.
macro_rules! list {
    ($name:literal, $path:literal, after $use_case:literal) => {
        ($name, |kitchen| {
            Box::pin(async move {
                after(kitchen, $use_case).await;
                kitchen.owner.call("GET", concat!("/v1/inventory", $path))
            })
        })
    };
}

/// What a list has first, by its id, and what is below that; as it is after a use case of faults.rs.
macro_rules! first {
    ($name:literal, $path:literal, $below:literal, after $use_case:literal) => {
        ($name, |kitchen| {
            Box::pin(async move {
                after(kitchen, $use_case).await;
                let first = first_path(kitchen, $path).await;
                kitchen.owner.call("GET", &format!("{first}{}", $below))
            })
        })
    };
}

pub const OTHERS: &[(&str, Prepare)] = &[
    ("creation of a count", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/counts", &json!({ "location": WALK_IN }))
        })
    }),
    ("change of a count", |kitchen| {
        Box::pin(async move {
            let count = count(kitchen).await;
            kitchen.owner.patching(&count, 1, &json!({ "uncounted": "zero" }))
        })
    }),
    ("start of a count", |kitchen| {
        Box::pin(async move {
            let count = count(kitchen).await;
            kitchen.owner.posting(&format!("{count}/start"), &json!({}))
        })
    }),
    ("cancellation of a count", |kitchen| {
        Box::pin(async move {
            let count = count(kitchen).await;
            kitchen.owner.posting(&format!("{count}/cancel"), &json!({}))
        })
    }),
    list!("list of counts", "/counts", after "filling of a count"),
    first!("a count", "/counts", "", after "filling of a count"),
    first!("the lines of a count", "/counts", "/lines", after "filling of a count"),
    ("import of a count", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            importing(kitchen, "counts", "sku,quantity\nX,6\nY,0\n")
        })
    }),
    ("import of a receipt", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            importing(kitchen, "receipts", "sku,quantity,line_total\nX,2,3\nY,1,1\n")
        })
    }),
    ("waste of one lot", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/waste", &waste_body(json!([{ "sku": "X", "quantity": "1" }])))
        })
    }),
    ("waste of two items", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.item("Z", json!({})).await;
            kitchen.receive(json!([{ "sku": "Z", "quantity": "1", "line_total": "1" }])).await;
            kitchen.owner.posting("/v1/inventory/waste", &waste_body(json!([{ "sku": "X", "quantity": "1" }, { "sku": "Z", "quantity": "1" }])))
        })
    }),
    ("usage at an earlier time", |kitchen| {
        Box::pin(async move {
            kitchen.item("X", json!({})).await;
            kitchen.receive_at("2026-11-23T12:00:00Z", json!([{ "sku": "X", "quantity": "8", "line_total": "4" }])).await;
            let lines = json!([{ "sku": "X", "quantity": "2" }]);
            let body = json!({ "location": WALK_IN, "purpose": "service", "effective_at": "2026-11-24T12:00:00Z", "lines": lines });
            kitchen.owner.posting("/v1/inventory/usage", &body)
        })
    }),
    ("list of stock", |kitchen| Box::pin(reading(kitchen, "/stock"))),
    ("list of stock, a later page", |kitchen| Box::pin(later_page(kitchen, "/stock?limit=1"))),
    ("list of stock at a past date", |kitchen| Box::pin(reading(kitchen, "/stock?as_of=2026-11-25"))),
    ("stock of an item by its sku", |kitchen| Box::pin(reading(kitchen, "/stock?sku=X&include=lots"))),
    ("feed of the ledger", |kitchen| Box::pin(reading(kitchen, "/ledger?after_seq=1"))),
    ("feed of the ledger for an item", |kitchen| Box::pin(reading(kitchen, "/ledger?sku=X"))),
    ("feed of the ledger between days", |kitchen| Box::pin(reading(kitchen, "/ledger?from=2026-11-24&to=2026-11-25"))),
    ("list of lots", |kitchen| Box::pin(reading(kitchen, "/lots"))),
    ("list of lots of an item that is in stock", |kitchen| Box::pin(reading(kitchen, "/lots?sku=X&in_stock=true"))),
    ("list of lots that expire", |kitchen| Box::pin(reading(kitchen, "/lots?expiring_before=2026-12-01&in_stock=true"))),
    first!("a lot", "/lots", "", after "waste"),
    first!("where a lot came from and went to", "/lots", "/trace", after "waste"),
    ("list of documents", |kitchen| Box::pin(reading(kitchen, "/documents"))),
    ("list of documents, a later page", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.receive(json!([{ "sku": "X", "quantity": "1", "line_total": "1" }])).await;
            next_page(kitchen, "/documents?limit=1").await
        })
    }),
    ("list of documents of a place between days", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let areas = kitchen.owner.get("/v1/inventory/locations?kind=area").await.ok(200);
            let path = format!("/v1/inventory/documents?location_id={}&from=2026-11-24&to=2026-11-25", text(&areas["data"][0]["id"]));
            kitchen.owner.call("GET", &path)
        })
    }),
    ("a document", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            let receipt = kitchen.receive(json!([{ "sku": "X", "quantity": "1", "line_total": "1" }])).await;
            kitchen.owner.call("GET", &format!("/v1/inventory/documents/{}", text(&receipt["document"]["id"])))
        })
    }),
    list!("list of receipts", "/receipts", after "receipt"),
    first!("a receipt", "/receipts", "", after "receipt"),
    list!("list of waste", "/waste", after "waste"),
    first!("waste that was recorded", "/waste", "", after "waste"),
    list!("list of usage", "/usage", after "usage with a shortage"),
    first!("usage that was recorded", "/usage", "", after "usage with a shortage"),
    list!("list of adjustments", "/adjustments", after "adjustment"),
    first!("an adjustment", "/adjustments", "", after "adjustment"),
    list!("list of returns to suppliers", "/vendor-returns", after "return to a supplier"),
    first!("a return", "/vendor-returns", "", after "return to a supplier"),
    list!("list of transformations", "/transformations", after "transformation"),
    first!("what a transformation did", "/transformations", "", after "transformation"),
    list!("list of shortages", "/shortages", after "usage with a shortage"),
    list!("list of shortages of an item", "/shortages?sku=X&status=open", after "usage with a shortage"),
    first!("a shortage", "/shortages", "", after "usage with a shortage"),
    list!("list of reservations", "/reservations", after "reservation"),
    list!("list of reservations of an item", "/reservations?sku=X&status=active", after "reservation"),
    first!("what is set aside", "/reservations", "", after "reservation"),
    ("creation of a transfer", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/transfers", &faults::transfer_body(false))
        })
    }),
    list!("list of transfers", "/transfers", after "direct transfer"),
    first!("a transfer", "/transfers", "", after "direct transfer"),
    ("creation of a period", |kitchen| {
        Box::pin(async move {
            stocked(kitchen).await;
            kitchen.owner.posting("/v1/inventory/periods", &json!({ "last_day": "2026-11-24" }))
        })
    }),
    list!("list of periods", "/periods", after "closing of a period"),
    first!("a period", "/periods", "", after "closing of a period"),
    ("value now", |kitchen| Box::pin(reading(kitchen, "/reports/valuation"))),
    ("value of all together", |kitchen| Box::pin(reading(kitchen, "/reports/valuation?group_by=total"))),
    ("value of all together at a past date", |kitchen| Box::pin(reading(kitchen, "/reports/valuation?group_by=total&as_of=2026-11-25"))),
    list!("value behind a closed period", "/reports/valuation?group_by=total&as_of=2026-11-25", after "closing of a period"),
    ("value by the first in", |kitchen| Box::pin(reading(kitchen, "/reports/valuation?method=fifo"))),
    list!("report on waste", "/reports/waste?from=2026-11-01&to=2026-11-30", after "waste"),
    list!("what was audited", "/audit", after "reopening of a period"),
    ("search for an item", |kitchen| Box::pin(reading(kitchen, "/items?q=X"))),
    ("list of items, a later page", |kitchen| Box::pin(later_page(kitchen, "/items?limit=1"))),
    ("an item", |kitchen| {
        Box::pin(async move {
            let item = item(kitchen).await;
            kitchen.owner.call("GET", &item)
        })
    }),
    ("conversion of a quantity", |kitchen| {
        Box::pin(async move {
            let item = item(kitchen).await;
            kitchen.owner.call("GET", &format!("{item}/convert?quantity=2&from=each&to=each"))
        })
    }),
    ("creation of a unit of an item", |kitchen| {
        Box::pin(async move {
            let item = item(kitchen).await;
            kitchen.owner.posting(&format!("{item}/units"), &crate_of_twelve())
        })
    }),
    ("list of units of an item", |kitchen| {
        Box::pin(async move {
            let item = item(kitchen).await;
            kitchen.owner.post(&format!("{item}/units"), crate_of_twelve()).await.ok(201);
            kitchen.owner.call("GET", &format!("{item}/units"))
        })
    }),
    ("removal of a unit of an item", |kitchen| {
        Box::pin(async move {
            let item = item(kitchen).await;
            kitchen.owner.post(&format!("{item}/units"), crate_of_twelve()).await.ok(201);
            kitchen.owner.call("DELETE", &format!("{item}/units/crate"))
        })
    }),
    ("creation of a location", |kitchen| {
        Box::pin(async move { kitchen.owner.posting("/v1/inventory/locations", &json!({ "kind": "site", "code": "bar", "name": "Bar" })) })
    }),
    list!("list of locations", "/locations", after "waste"),
    first!("a location", "/locations", "", after "waste"),
    ("creation of a reason", |kitchen| {
        Box::pin(async move { kitchen.owner.posting("/v1/inventory/reasons", &json!({ "kind": "waste", "code": "burnt", "name": "Burnt" })) })
    }),
    list!("list of reasons", "/reasons", after "waste"),
    first!("a reason", "/reasons", "", after "waste"),
    ("change of a reason", |kitchen| {
        Box::pin(async move {
            let reason = first_path(kitchen, "/reasons").await;
            kitchen.owner.patching(&reason, 1, &json!({ "name": "Another name" }))
        })
    }),
    ("creation of a unit", |kitchen| {
        Box::pin(async move {
            let unit = json!({ "code": "scoop", "name": "Scoop", "dimension": "mass", "quantity": "30", "of": "g" });
            kitchen.owner.posting("/v1/inventory/units", &unit)
        })
    }),
    list!("list of units", "/units", after "waste"),
    first!("a unit", "/units", "", after "waste"),
    ("change of a unit", |kitchen| {
        Box::pin(async move {
            let unit = first_path(kitchen, "/units").await;
            kitchen.owner.patching(&unit, 1, &json!({ "name": "Another name" }))
        })
    }),
];

fn crate_of_twelve() -> serde_json::Value {
    json!({ "unit": "crate", "quantity": "12", "of": "each" })
}

/// Does what a use case of faults.rs does.
async fn after(kitchen: &Kitchen, use_case: &str) {
    let (_, prepare) = faults::USE_CASES.iter().find(|(name, _)| *name == use_case).expect("a use case");
    let answer = prepare(kitchen).await.send().await;
    assert!((200..300).contains(&answer.status), "{use_case}: {}", answer.text);
}

/// The path of what a list has first.
async fn first_path(kitchen: &Kitchen, list: &str) -> String {
    let page = kitchen.owner.get(&format!("/v1/inventory{list}")).await.ok(200);
    format!("/v1/inventory{list}/{}", text(&page["data"][0]["id"]))
}

/// The path of an item.
async fn item(kitchen: &Kitchen) -> String {
    let item = kitchen.item("X", json!({})).await;
    format!("/v1/inventory/items/{}", text(&item["id"]))
}

/// The path of a count that nobody has begun.
async fn count(kitchen: &Kitchen) -> String {
    stocked(kitchen).await;
    let count = kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201);
    format!("/v1/inventory/counts/{}", text(&count["id"]))
}

fn importing(kitchen: &Kitchen, what: &str, file: &str) -> Call {
    let path = format!("/v1/inventory/imports/{what}?location={WALK_IN}");
    kitchen.owner.call("POST", &path).header("Idempotency-Key", &fresh("key")).body("text/csv", file)
}

async fn later_page(kitchen: &Kitchen, path: &str) -> Call {
    stocked(kitchen).await;
    kitchen.receive(json!([{ "sku": "Y", "quantity": "1", "line_total": "1" }])).await;
    next_page(kitchen, path).await
}

async fn next_page(kitchen: &Kitchen, path: &str) -> Call {
    let page = kitchen.owner.get(&format!("/v1/inventory{path}")).await.ok(200);
    let cursor = text(&page["next_cursor"]);
    assert!(!cursor.is_empty(), "{path}: no later page: {page}");
    kitchen.owner.call("GET", &format!("/v1/inventory{path}&cursor={cursor}"))
}
