//! Adjustments through HTTP: stock that is set right, down and up.

use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{NOBODY, close_through, column, flaws, money_in, pairs, refused, rows, site, unit, with};
use crate::support::Api;
use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::usage::{lacking, lot_at, short};

const ADJUSTMENTS: &str = "/v1/inventory/adjustments";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

fn body(lines: Value) -> Value {
    json!({ "location": WALK_IN, "lines": lines })
}

fn line(sku: &str, quantity: &str, reason: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity, "reason": reason })
}

both_engines! {
    async fn what_is_missing_leaves_and_what_is_found_costs_what_its_lot_costs(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "pack", "12", "each").await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "24", "line_total": "6" }])).await;
        let lot = &bought["entries"][0]["lot_id"];
        let sent = body(json!([
            line("EGG", "-3", "missing"),
            line("EGG", "+2", "found"),
            with(line("EGG", "1", "unrecorded"), "unit", "pack"),
        ]));
        let posted = kitchen.owner.post(ADJUSTMENTS, sent).await.ok(201);
        assert_eq!((&posted["document"]["type"], &posted["document"]["number"]), (&json!("adjustment"), &json!("A-000001")));
        assert_eq!(column(&posted["entries"], "kind"), ["adjustment", "gain", "gain"]);
        assert_eq!(column(&posted["entries"], "quantity"), ["-3", "2", "12"]);
        assert_eq!(column(&posted["entries"], "value"), ["-0.75", "0.5", "3"]);
        assert_eq!(column(&posted["entries"], "reason"), ["missing", "found", "unrecorded"]);
        assert_eq!(column(&posted["entries"], "lot_id"), [text(lot), text(lot), text(lot)]);
        // Lines have their sign, as entered and in the base unit.
        let lines = &posted["document"]["lines"];
        assert_eq!((column(lines, "quantity"), column(lines, "base_quantity")), (vec!["-3".into(), "2".into(), "1".into()], vec!["-3".into(), "2".into(), "12".into()]));
        assert_eq!(column(lines, "value"), ["-0.75", "0.5", "3"]);
        assert_eq!(posted["balances"], json!([{
            "item_id": egg["id"], "sku": "EGG", "location_id": posted["document"]["location_id"], "lot_id": lot, "quantity": "35", "unit": "each", "value": "8.75",
        }]));
        let read = kitchen.owner.get(&format!("{ADJUSTMENTS}/{}", text(&posted["document"]["id"]))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (&posted["document"], &posted["entries"]));
        assert_eq!(column(&kitchen.owner.get(ADJUSTMENTS).await.ok(200)["data"], "number"), ["A-000001"]);
        hold(&api).await;
    }

    async fn a_cost_of_its_own_makes_a_lot_and_without_any_lot_it_is_asked_for(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let cream = kitchen.item("CREAM", json!({ "shelf_life_days": 5 })).await;
        unit(&kitchen.owner, &cream, "case", "6", "each").await;
        let found = line("CREAM", "1", "found");
        assert_eq!(flaws(&refused(&kitchen.owner, ADJUSTMENTS, body(json!([found.clone()]))).await), pairs([("/lines/0/unit_cost", "cost_required")]));
        let priced = json!({ "sku": "CREAM", "quantity": "2", "unit": "case", "reason": "found", "unit_cost": "7.5", "batch_code": "L7" });
        let posted = kitchen.owner.post(ADJUSTMENTS, body(json!([priced, with(found.clone(), "unit_cost", "0")]))).await.ok(201);
        assert_eq!(column(&posted["entries"], "kind"), ["adjustment", "adjustment"]);
        assert_eq!((column(&posted["entries"], "quantity"), column(&posted["entries"], "value")), (vec!["12".into(), "1".into()], vec!["15".into(), "0".into()]));
        let (first, made) = (&posted["document"]["lines"][0], &posted["entries"]);
        assert_eq!((&first["unit_cost"], &first["batch_code"], &first["expires_on"]), (&json!("7.5"), &json!("L7"), &json!("2026-11-30")));
        // Each line says the lot that it made.
        assert_eq!(column(&posted["document"]["lines"], "lot_id"), column(made, "lot_id"));
        assert_ne!(made[0]["lot_id"], made[1]["lot_id"]);
        let lot = kitchen.owner.get(&format!("/v1/inventory/lots/{}", text(&made[0]["lot_id"]))).await.ok(200);
        assert_eq!((&lot["batch_code"], &lot["expires_on"]), (&json!("L7"), &json!("2026-11-30")));
        // What is found now belongs to the youngest of them, or to the one that is named, at its rate.
        let again = kitchen.owner.post(ADJUSTMENTS, body(json!([found.clone(), with(found, "lot_id", made[0]["lot_id"].clone())]))).await.ok(201);
        assert_eq!(column(&again["entries"], "lot_id"), [text(&made[1]["lot_id"]), text(&made[0]["lot_id"])]);
        assert_eq!(column(&again["entries"], "value"), ["0", "1.25"]);
        // A line that named no lot names none afterwards.
        assert_eq!((again["document"]["lines"][0].get("lot_id"), &again["document"]["lines"][1]["lot_id"]), (None, &made[0]["lot_id"]));
        hold(&api).await;
    }

    async fn downward_lots_are_picked_in_order_and_lines_keep_their_numbers(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("CREAM", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let cream = |date: &str, price: &str| json!({ "sku": "CREAM", "quantity": "2", "unit_price": price, "expires_on": date });
        let late = lot_at(&kitchen, MONDAY, cream("2026-12-24", "1")).await;
        let soon = lot_at(&kitchen, TUESDAY, cream("2026-12-01", "3")).await;
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "5", "unit_price": "2" }])).await;
        let sent = body(json!([line("HAM", "1", "found"), line("CREAM", "-3", "missing"), line("HAM", "-7", "missing")]));
        // The lines of a refusal are those that were sent. What is found in the same document does not help.
        assert_eq!(short(refused(&kitchen.owner, ADJUSTMENTS, sent).await), lacking([(2, "7", "5")]));
        let posted = kitchen.owner.post(ADJUSTMENTS, body(json!([line("HAM", "1", "found"), line("CREAM", "-3", "missing")]))).await.ok(201);
        let entries = posted["entries"].as_array().expect("entries");
        let cream: Vec<_> = entries.iter().filter(|entry| entry["sku"] == "CREAM").collect();
        assert_eq!(cream.iter().map(|entry| (entry["line_no"].as_i64(), text(&entry["lot_id"]), text(&entry["value"]))).collect::<Vec<_>>(), [
            (Some(2), soon, "-6".to_owned()),
            (Some(2), late, "-1".to_owned()),
        ]);
        assert_eq!(entries.iter().filter(|entry| entry["sku"] == "HAM").map(|entry| entry["line_no"].as_i64()).collect::<Vec<_>>(), [Some(1)]);
        hold(&api).await;
    }

    async fn everything_that_is_wrong_is_told_at_once_with_its_place(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("TRACKED", json!({ "track_lots": true, "track_expiry": true })).await;
        let lot = lot_at(&kitchen, TUESDAY, json!({ "sku": "EGG", "quantity": "9", "unit_price": "1" })).await;
        let sent = body(json!([
            line("EGG", "0", "found"),
            { "sku": "EGG", "quantity": -3, "reason": "missing" },
            with(line("EGG", "-1", "missing"), "unit_cost", "1"),
            with(line("EGG", "1", "found"), "unit_cost", "-1"),
            with(with(line("EGG", "1", "found"), "batch_code", "L"), "expires_on", "2026-12-01"),
            { "sku": "EGG", "quantity": "1" },
            line("EGG", "1000000001", "found"),
            with(line("EGG", "1", "found"), "lot_id", "x"),
        ]));
        let mut expected = pairs([
            ("/lines/0/quantity", "zero_quantity"),
            ("/lines/1/quantity", "decimal_string_required"),
            ("/lines/2/unit_cost", "only_upward"),
            ("/lines/3/unit_cost", "negative"),
            ("/lines/4/batch_code", "only_of_new_lots"),
            ("/lines/4/expires_on", "only_of_new_lots"),
            ("/lines/5/reason", "required"),
            ("/lines/6/quantity", "out_of_range"),
            ("/lines/7/lot_id", "invalid_id"),
        ]);
        let mut found = flaws(&refused(&kitchen.owner, ADJUSTMENTS, sent).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let sent = body(json!([line("EGG", "1", "spoiled"), line("HEN", "-1", "eaten"), with(line("EGG", "-0.5", "missing"), "unit", "ml")]));
        // A reason of another kind is none for this.
        let expected = pairs([("/lines/0/reason", "reason_not_found"), ("/lines/1/reason", "reason_not_found"), ("/lines/1/sku", "item_not_found"), ("/lines/2/unit", "unit_unknown")]);
        assert_eq!(flaws(&refused(&kitchen.owner, ADJUSTMENTS, sent).await), expected);
        let sent = body(json!([
            with(with(line("EGG", "1", "found"), "unit_cost", "1"), "lot_id", lot.as_str()),
            with(line("EGG", "1", "found"), "lot_id", NOBODY),
            with(line("TRACKED", "1", "found"), "unit_cost", "1"),
        ]));
        let refusal = refused(&kitchen.owner, ADJUSTMENTS, sent).await;
        let expected = pairs([("/lines/0/lot_id", "lot_and_cost"), ("/lines/1/lot_id", "lot_not_found"), ("/lines/2/batch_code", "batch_code_required"), ("/lines/2/expires_on", "expiry_required")]);
        let mut found = flaws(&refusal);
        found.sort();
        assert_eq!(found, expected);
        let early = with(body(json!([with(line("EGG", "1", "found"), "lot_id", lot.as_str())])), "effective_at", MONDAY);
        assert_eq!(flaws(&refused(&kitchen.owner, ADJUSTMENTS, early).await), pairs([("/lines/0/lot_id", "lot_not_received_yet")]));
    }

    async fn who_may_not_adjust_is_refused_and_writes_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        kitchen.receive_at("2026-11-20T12:00:00Z", json!([{ "sku": "EGG", "quantity": "9", "unit_price": "1" }])).await;
        let sent = body(json!([line("EGG", "-1", "missing")]));
        let before = rows(&api).await;
        api.call("POST", ADJUSTMENTS).header("Idempotency-Key", "k").json(&sent).send().await.refused(401, "token_invalid");
        assert_eq!(rows(&api).await, before);
        for role in ["viewer", "staff", "buyer"] {
            refused(&api.member(role, None).await, ADJUSTMENTS, sent.clone()).await.refused(403, "forbidden");
        }
        refused(&api.member("manager", Some(&[annex])).await, ADJUSTMENTS, sent.clone()).await.refused(403, "forbidden");
        kitchen.owner.post_without_key(ADJUSTMENTS, sent.clone()).await.refused(400, "idempotency_key_required");
        close_through(&api, "2026-11-22").await;
        refused(&kitchen.owner, ADJUSTMENTS, with(sent.clone(), "effective_at", "2026-11-21T12:00:00Z")).await.refused(409, "period_closed");
        let manager = api.member("manager", None).await;
        let first = manager.post_with_key(ADJUSTMENTS, "key", sent.clone()).await.ok(201);
        assert_eq!(manager.post_with_key(ADJUSTMENTS, "key", sent.clone()).await.ok(201), first);
        manager.post_with_key(ADJUSTMENTS, "key", body(json!([line("EGG", "-2", "missing")]))).await.refused(422, "idempotency_key_reused");
        let seen = api.member("staff", None).await.get(&format!("{ADJUSTMENTS}/{}", text(&first["document"]["id"]))).await.ok(200);
        assert_eq!(money_in(&seen), [].into(), "{seen}");
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("EGG", json!({})).await;
        other.owner.get(&format!("{ADJUSTMENTS}/{}", text(&first["document"]["id"]))).await.refused(404, "not_found");
        let theirs = body(json!([with(line("EGG", "1", "found"), "lot_id", first["entries"][0]["lot_id"].clone())]));
        assert_eq!(flaws(&refused(&other.owner, ADJUSTMENTS, theirs).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
        assert_eq!(kitchen.on_hand("EGG").await, ("8".to_owned(), "8".to_owned()));
    }
}
