//! What was thrown away in some days, through HTTP: by item, reason and location, and against what came in.

use serde_json::{Value, json};

use crate::receipts::{RECEIPTS, area, flaws, pairs, site, unit, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client};

const REPORT: &str = "/v1/inventory/reports/waste";
const WASTE: &str = "/v1/inventory/waste";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";
const THESE_DAYS: &str = "from=2026-11-23&to=2026-11-25";

async fn report(client: &Client, query: &str) -> Value {
    client.get(&format!("{REPORT}?{query}")).await.ok(200)
}

async fn receive(client: &Client, location: &str, at: &str, sku: &str, quantity: &str, total: &str) -> Value {
    let lines = json!([{ "sku": sku, "quantity": quantity, "line_total": total }]);
    client.post(RECEIPTS, json!({ "location": location, "effective_at": at, "lines": lines })).await.ok(201)
}

async fn waste(client: &Client, location: &str, at: &str, lines: Value) -> Value {
    client.post(WASTE, with(with(waste_body(lines), "location", location), "effective_at", at)).await.ok(201)
}

fn lost(sku: &str, quantity: &str, reason: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity, "reason": reason })
}

fn left(mass: &str) -> Value {
    json!({ "description": "mash", "mass": mass, "mass_unit": "kg", "reason": "plate" })
}

/// Of the days from Monday to Wednesday: 4 eggs (of 40) worth 0.5 for two reasons at two places, 250 g of beef (of 1 kg) worth 3,
/// a ham that came in before, and 1.2 kg from plates. What was before them, and what was undone, is none of it.
async fn story(api: &Api) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    let owner = &kitchen.owner;
    for (sku, base) in [("EGG", "each"), ("BEEF", "g")] {
        kitchen.item(sku, json!({ "base_unit": base })).await;
    }
    owner
        .post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&create_items=true"), "sku,quantity,unit_cost\nHAM,3,2\n".to_owned())
        .await
        .ok(201);
    receive(owner, WALK_IN, "2026-11-22T12:00:00Z", "EGG", "6", "0.6").await;
    waste(owner, WALK_IN, "2026-11-22T13:00:00Z", json!([lost("EGG", "2", "damaged"), left("9")])).await;
    receive(owner, WALK_IN, MONDAY, "EGG", "30", "3").await;
    receive(owner, WALK_IN, MONDAY, "BEEF", "1000", "12").await;
    receive(owner, DRY_STORE, TUESDAY, "EGG", "10", "2").await;
    waste(owner, WALK_IN, TUESDAY, json!([lost("EGG", "3", "damaged"), lost("BEEF", "250", "trimmings"), left("1.2")])).await;
    waste(owner, DRY_STORE, TUESDAY, json!([lost("EGG", "1", "spoiled")])).await;
    kitchen.waste(json!([with(lost("HAM", "1", "recall"), "stage", "storage")])).await;
    let undone = waste(owner, WALK_IN, TUESDAY, json!([lost("EGG", "5", "damaged"), lost("BEEF", "1", "plate"), left("0.5")])).await;
    let path = format!("/v1/inventory/documents/{}/reverse", text(&undone["document"]["id"]));
    owner.post(&path, json!({ "reason": "did_not_happen", "at": "today" })).await.ok(201);
    kitchen
}

/// A row without the ids and names that tests have no say in.
fn plain(report: &Value) -> Vec<Value> {
    let mut rows = report["data"].as_array().expect("rows").clone();
    for row in &mut rows {
        let row = row.as_object_mut().expect("a row");
        for name in ["item_id", "reason_id", "location_id"] {
            assert!(row.remove(name).is_none_or(|id| text(&id).len() == 36), "{name}");
        }
        assert!(row.remove("name").is_some_and(|name| !text(&name).is_empty()));
    }
    rows
}

both_engines! {
    /// C27 of the published cases (grocy/grocy#1319): another program divided eggs by packs and said 500.
    async fn half_of_a_pack_is_half_of_what_was_bought(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "pack", "10", "each").await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "unit": "pack", "unit_price": "3" }])).await;
        kitchen.waste(json!([lost("EGG", "5", "damaged")])).await;
        let told = report(&kitchen.owner, "from=2026-11-25&to=2026-11-25").await;
        let row = json!({
            "item_id": egg["id"], "sku": "EGG", "name": "Item EGG", "lines": 1, "avoidable_lines": 1, "quantity": "5", "avoidable_quantity": "5", "unit": "each",
            "value": "1.5", "avoidable_value": "1.5", "received": "10", "wasted_pct_of_purchases": "50",
        });
        let expected = json!({
            "from": "2026-11-25", "to": "2026-11-25", "group_by": "item", "currency": "EUR", "lines": 1, "total": "1.5", "rounding": "0", "avoidable_value": "1.5",
            "plate_waste": { "lines": 0, "mass_g": "0", "avoidable_mass_g": "0" }, "data": [row],
        });
        assert_eq!(told, expected);
    }

    async fn what_was_thrown_away_is_told_by_item_by_reason_and_by_location(api: Api) {
        let kitchen = story(&api).await;
        let by = async |group: &str| report(&kitchen.owner, &format!("{THESE_DAYS}&group_by={group}")).await;
        let by_item = report(&kitchen.owner, THESE_DAYS).await;
        assert_eq!(by("item").await, by_item);
        assert_eq!(plain(&by_item), [
            json!({ "sku": "BEEF", "lines": 1, "avoidable_lines": 0, "quantity": "250", "avoidable_quantity": "0", "unit": "g", "value": "3", "avoidable_value": "0",
                "received": "1000", "wasted_pct_of_purchases": "25" }),
            json!({ "sku": "EGG", "lines": 2, "avoidable_lines": 2, "quantity": "4", "avoidable_quantity": "4", "unit": "each", "value": "0.5", "avoidable_value": "0.5",
                "received": "40", "wasted_pct_of_purchases": "10" }),
            // What was there at the opening was not bought in these days.
            json!({ "sku": "HAM", "lines": 1, "avoidable_lines": 0, "quantity": "1", "avoidable_quantity": "0", "unit": "each", "value": "2", "avoidable_value": "0",
                "received": "0" }),
        ]);
        let reason = |code: &str, avoidable: i64, value: &str| {
            json!({ "reason": code, "lines": 1, "avoidable_lines": avoidable, "value": value, "avoidable_value": if avoidable == 1 { value } else { "0" } })
        };
        let by_reason = by("reason").await;
        assert_eq!(plain(&by_reason), [reason("damaged", 1, "0.3"), reason("recall", 0, "2"), reason("spoiled", 1, "0.2"), reason("trimmings", 0, "3")]);
        let by_location = by("location").await;
        assert_eq!(plain(&by_location), [
            json!({ "location": DRY_STORE, "lines": 1, "avoidable_lines": 1, "value": "0.2", "avoidable_value": "0.2" }),
            json!({ "location": WALK_IN, "lines": 3, "avoidable_lines": 1, "value": "5.3", "avoidable_value": "0.3" }),
        ]);
        for told in [by_item, by_reason, by_location] {
            assert_eq!((&told["lines"], &told["total"], &told["rounding"], &told["avoidable_value"]), (&json!(4), &json!("5.5"), &json!("0"), &json!("0.5")), "{told}");
            assert_eq!(told["plate_waste"], json!({ "lines": 1, "mass_g": "1200", "avoidable_mass_g": "1200" }), "{told}");
        }
        // A day is a business date of the site, both ends included.
        for (days, eggs) in [("from=2026-11-22&to=2026-11-22", "2"), ("from=2026-11-24&to=2026-11-24", "4"), ("from=2026-11-22&to=2026-11-24", "6")] {
            let told = report(&kitchen.owner, days).await;
            let egg = told["data"].as_array().expect("rows").iter().find(|row| row["sku"] == "EGG").expect("eggs").clone();
            assert_eq!(egg["quantity"], eggs, "{days}");
        }
        assert_eq!(report(&kitchen.owner, "from=2026-11-23&to=2026-11-23").await["data"], json!([]));
    }

    async fn what_a_receipt_brought_in_is_what_it_was_corrected_to(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let received = receive(&kitchen.owner, WALK_IN, MONDAY, "EGG", "30", "3").await;
        waste(&kitchen.owner, WALK_IN, TUESDAY, json!([lost("EGG", "4", "damaged")])).await;
        let percent = async || report(&kitchen.owner, "from=2026-11-23&to=2026-11-24").await["data"][0]["wasted_pct_of_purchases"].clone();
        assert_eq!(percent().await, "13.33");
        let path = format!("{RECEIPTS}/{}/correct", text(&received["document"]["id"]));
        kitchen.owner.post(&path, json!({ "line": 1, "quantity": "6" })).await.ok(201);
        assert_eq!(percent().await, "66.67");
        // What was undone was never bought.
        let again = receive(&kitchen.owner, WALK_IN, MONDAY, "EGG", "10", "3").await;
        assert_eq!(percent().await, "25");
        let path = format!("/v1/inventory/documents/{}/reverse", text(&again["document"]["id"]));
        kitchen.owner.post(&path, json!({ "reason": "did_not_happen", "at": "today" })).await.ok(201);
        assert_eq!(percent().await, "66.67");
    }

    async fn everybody_sees_the_waste_of_their_sites_and_only_some_what_it_cost(api: Api) {
        let kitchen = story(&api).await;
        let owner = &kitchen.owner;
        let annex = site(owner, "annex", "Europe/Paris").await;
        area(owner, "annex", "cellar").await;
        receive(owner, "annex/cellar", TUESDAY, "EGG", "8", "8").await;
        waste(owner, "annex/cellar", TUESDAY, json!([lost("EGG", "1", "damaged"), left("0.25")])).await;
        let egg = |told: &Value| {
            let row = told["data"].as_array().expect("rows").iter().find(|row| row["sku"] == "EGG").cloned().unwrap_or_default();
            (text(&row["quantity"]), text(&row["received"]), text(&row["wasted_pct_of_purchases"]))
        };
        let row = |quantity: &str, received: &str, percent: &str| (quantity.to_owned(), received.to_owned(), percent.to_owned());
        assert_eq!(egg(&report(owner, THESE_DAYS).await), row("5", "48", "10.42"));
        let there = api.member("viewer", Some(&[annex])).await;
        let own = report(&there, THESE_DAYS).await;
        assert_eq!((egg(&own), own["data"].as_array().map(Vec::len), &own["total"]), (row("1", "8", "12.5"), Some(1), &json!("1")));
        assert_eq!(own["plate_waste"], json!({ "lines": 1, "mass_g": "250", "avoidable_mass_g": "250" }));
        let nowhere = api.member("viewer", Some(&[])).await;
        assert_eq!(report(&nowhere, &format!("{THESE_DAYS}&group_by=location")).await["data"], json!([]));
        assert_eq!(report(&api.other_tenant().await, THESE_DAYS).await["data"], json!([]));

        let staff = api.member("staff", None).await;
        for group in ["item", "reason", "location"] {
            let query = format!("{THESE_DAYS}&group_by={group}");
            let (mut seen, told) = (report(owner, &query).await, report(&staff, &query).await);
            for name in ["total", "rounding", "avoidable_value"] {
                seen.as_object_mut().expect("a report").remove(name).expect("what it cost");
            }
            for row in seen["data"].as_array_mut().expect("rows") {
                for name in ["value", "avoidable_value"] {
                    row.as_object_mut().expect("a row").remove(name).expect("what it cost");
                }
            }
            assert_eq!(told, seen, "{group}");
        }
    }

    async fn days_that_are_none_are_refused_by_name(api: Api) {
        let owner = api.owner().await;
        for (query, expected) in [
            ("", pairs([("?from", "required"), ("?to", "required")])),
            ("from=2026-11-24", pairs([("?to", "required")])),
            ("from=2026-11-25&to=2026-11-24", pairs([("?to", "before_from")])),
            ("from=2026-11-24&to=2026-11-24&group_by=site", pairs([("?group_by", "invalid_choice")])),
            ("from=2026-11-24&to=2026-11-24&as_of=2026-11-24", pairs([("?as_of", "unknown_field")])),
        ] {
            assert_eq!(flaws(&owner.get(&format!("{REPORT}?{query}")).await), expected, "{query}");
        }
        api.get(&format!("{REPORT}?{THESE_DAYS}")).await.refused(401, "token_invalid");
        let none = report(&owner, "from=2026-11-24&to=2026-11-24").await;
        assert_eq!((&none["data"], &none["total"], &none["lines"]), (&json!([]), &json!("0"), &json!(0)));
    }
}
