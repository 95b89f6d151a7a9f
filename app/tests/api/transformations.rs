//! Transformations through HTTP: what went in leaves its value to what came out.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{NOBODY, becomes, close_through, column, flaws, money_in, pairs, refused, site, unit, with};
use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::support::{Api, fresh};

const TRANSFORMATIONS: &str = "/v1/inventory/transformations";

fn of(kind: &str, inputs: Value, outputs: Value) -> Value {
    json!({ "location": WALK_IN, "kind": kind, "inputs": inputs, "outputs": outputs })
}

fn some(sku: &str, quantity: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity })
}

/// Kind, sku, quantity and value of every entry.
fn moves(posted: &Value) -> Vec<[String; 4]> {
    let entries = posted["entries"].as_array().expect("entries");
    entries.iter().map(|entry| ["kind", "sku", "quantity", "value"].map(|name| text(&entry[name]))).collect()
}

fn all<const N: usize>(moves: [[&str; 4]; N]) -> Vec<[String; 4]> {
    moves.map(|each| each.map(str::to_owned)).to_vec()
}

/// Beef for 20 a kilogram, in the walk-in; what becomes of it is counted in grams, too.
async fn butchery(api: &Api) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    for sku in ["BEEF", "FILLET", "BONES"] {
        kitchen.item(sku, json!({ "base_unit": "g" })).await;
    }
    let line = json!({ "sku": "BEEF", "quantity": "5", "unit": "kg", "unit_price": "20", "batch_code": "L7", "expires_on": "2026-12-01" });
    kitchen.receive(json!([line])).await;
    kitchen
}

#[derive(FromQueryResult)]
struct Parent {
    quantity: i64,
}

/// What lots were made from, in millionths.
async fn parents(api: &Api) -> Vec<i64> {
    let database = api.inventory_db();
    let statement = Statement::from_string(database.get_database_backend(), "SELECT quantity FROM lot_parent ORDER BY quantity");
    Parent::find_by_statement(statement).all(database).await.expect("parents").into_iter().map(|parent| parent.quantity).collect()
}

both_engines! {
    async fn trimming_shares_the_value_out_by_weight_and_what_is_lost_costs_nothing_of_its_own(api: Api) {
        let kitchen = butchery(&api).await;
        let loss = json!([
            { "description": "sinew", "quantity": "0.05", "unit": "kg", "reason": "trimmings" },
            { "sku": "BEEF", "quantity": "10", "reason": "preparation_error" },
        ]);
        let outputs = json!([some("FILLET", "800"), json!({ "sku": "BONES", "quantity": "0.14", "unit": "kg" })]);
        let sent = with(of("trim", json!([{ "sku": "BEEF", "quantity": "1", "unit": "kg" }]), outputs), "loss", loss);
        let made = kitchen.owner.post(TRANSFORMATIONS, with(sent, "external_ref", "T1")).await.ok(201);
        // 20 over 940 g: 17.02127659… and 2.97872340…
        let expected = all([
            ["transformation_in", "BEEF", "-1000", "-20"],
            ["transformation_out", "FILLET", "800", "17.021277"],
            ["transformation_out", "BONES", "140", "2.978723"],
        ]);
        assert_eq!(moves(&made), expected);
        let document = &made["document"];
        let named = ["type", "number", "purpose", "external_ref", "location"].map(|name| text(&document[name]));
        assert_eq!(named, ["transformation", "F-000001", "trim", "T1", WALK_IN].map(str::to_owned));
        let lines = &document["lines"];
        assert_eq!(column(lines, "role"), ["input", "output", "output", "loss", "loss"]);
        assert_eq!(column(lines, "value"), ["-20", "17.021277", "2.978723", "", "0"]);
        assert_eq!(column(lines, "weight_g"), ["", "800", "140", "", ""]);
        let (described, of_item) = (&lines[3], &lines[4]);
        let expected = json!({ "line_no": 4, "role": "loss", "description": "sinew", "mass_g": "50", "reason": "trimmings", "stage": "preparation" });
        assert_eq!(*described, expected);
        assert_eq!((&of_item["sku"], &of_item["quantity"], &of_item["reason"]), (&json!("BEEF"), &json!("10"), &json!("preparation_error")));
        // Both lots have the date and the batch of the beef.
        assert_eq!((column(lines, "expires_on")[1..3].to_vec(), column(lines, "batch_code")[1..3].to_vec()), (vec!["2026-12-01".to_owned(); 2], vec!["L7".to_owned(); 2]));
        assert_eq!(parents(&api).await, [1_000_000_000, 1_000_000_000]);
        assert_eq!((kitchen.on_hand("BEEF").await, kitchen.on_hand("FILLET").await), (("4000".into(), "80".into()), ("800".into(), "17.021277".into())));
        let path = format!("{TRANSFORMATIONS}/{}", text(&document["id"]));
        let read = kitchen.owner.get(&path).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &made["entries"]));
        assert_eq!(kitchen.owner.get(TRANSFORMATIONS).await.ok(200)["data"][0]["number"], "F-000001");
        hold(&api).await;
    }

    async fn value_is_shared_out_by_what_each_would_sell_for(api: Api) {
        let kitchen = butchery(&api).await;
        let output = |sku: &str, value: &str| with(some(sku, "500"), "sales_value", value);
        let sent = with(of("portion", json!([some("BEEF", "1000")]), json!([output("FILLET", "30"), output("BONES", "2")])), "allocate_by", "value");
        let made = kitchen.owner.post(TRANSFORMATIONS, sent.clone()).await.ok(201);
        assert_eq!(column(&made["entries"], "value"), ["-20", "18.75", "1.25"]);
        // What is said of the weight goes before what the units say.
        let weighed = |sku: &str, grams: &str| with(some(sku, "500"), "weight", grams);
        let sent = of("portion", json!([some("BEEF", "1000")]), json!([weighed("FILLET", "100"), weighed("BONES", "300")]));
        assert_eq!(column(&kitchen.owner.post(TRANSFORMATIONS, sent).await.ok(201)["entries"], "value"), ["-20", "5", "15"]);
        hold(&api).await;
    }

    async fn what_is_frozen_lasts_longer_and_what_is_thawed_shorter(api: Api) {
        let kitchen = butchery(&api).await;
        let until = |date: &str| json!([with(some("BEEF", "1000"), "expires_on", date)]);
        let frozen = kitchen.owner.post(TRANSFORMATIONS, of("freeze", json!([some("BEEF", "1000")]), until("2027-05-01"))).await.ok(201);
        let lot = text(&frozen["document"]["lines"][1]["lot_id"]);
        assert_eq!((column(&frozen["entries"], "value"), &frozen["document"]["lines"][1]["expires_on"]), (vec!["-20".to_owned(), "20".to_owned()], &json!("2027-05-01")));
        // A third of the frozen lot is thawed and must be used by the day after tomorrow.
        let input = json!([with(some("BEEF", "333"), "lot_id", lot.as_str())]);
        let thawed = kitchen.owner.post(TRANSFORMATIONS, of("thaw", input, json!([with(some("BEEF", "333"), "expires_on", "2026-11-27")]))).await.ok(201);
        assert_eq!((column(&thawed["entries"], "value"), column(&thawed["document"]["lines"], "batch_code")[1].as_str()), (vec!["-6.66".to_owned(), "6.66".to_owned()], "L7"));
        // What expires first is taken first: the thawed.
        let used = kitchen.owner.post("/v1/inventory/waste", json!({ "location": WALK_IN, "lines": [with(some("BEEF", "333"), "reason", "spoiled")] })).await.ok(201);
        assert_eq!(used["entries"][0]["lot_id"], thawed["document"]["lines"][1]["lot_id"]);
        assert_eq!(kitchen.on_hand("BEEF").await, ("4667".to_owned(), "93.34".to_owned()));
        hold(&api).await;
    }

    async fn several_lots_become_one_and_one_becomes_several(api: Api) {
        let kitchen = butchery(&api).await;
        kitchen.receive(json!([{ "sku": "BEEF", "quantity": "1000", "line_total": "10", "batch_code": "L8", "expires_on": "2026-12-05" }])).await;
        let soup = kitchen.item("SOUP", json!({ "kind": "prepared", "base_unit": "l", "shelf_life_days": 3 })).await;
        let made = kitchen.owner.post(TRANSFORMATIONS, of("cook", json!([some("BEEF", "6000")]), json!([some("SOUP", "7")]))).await.ok(201);
        // A single output takes all of it, whatever it weighs: 100 and 10.
        assert_eq!((column(&made["entries"], "value"), &made["document"]["lines"][1]["expires_on"]), (vec!["-100".to_owned(), "-10".to_owned(), "110".to_owned()], &json!("2026-11-28")));
        assert!(made["document"]["lines"][1]["batch_code"].is_null());
        assert_eq!(parents(&api).await, [1_000_000_000, 5_000_000_000]);
        let halves = json!([some("SOUP", "3"), some("SOUP", "4")]);
        let split = of("split", json!([some("SOUP", "7")]), halves);
        let expected = pairs([("/outputs/0/weight", "weight_unknown"), ("/outputs/1/weight", "weight_unknown")]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, split.clone()).await), expected);
        unit(&kitchen.owner, &soup, "kg", "1", "l").await;
        let split = kitchen.owner.post(TRANSFORMATIONS, split).await.ok(201);
        assert_eq!(column(&split["entries"], "value"), ["-110", "47.142857", "62.857143"]);
        assert_eq!(kitchen.on_hand("SOUP").await, ("7".to_owned(), "110".to_owned()));
        hold(&api).await;
    }

    async fn more_links_between_lots_than_anybody_could_trace_are_refused(api: Api) {
        let kitchen = butchery(&api).await;
        let lot = |number: u32| json!({ "sku": "BONES", "quantity": "1", "line_total": "0.01", "batch_code": format!("B{number}") });
        kitchen.receive((0..101).map(lot).collect()).await;
        let become_of = |outputs: u32| of("merge", json!([some("BONES", "101")]), (0..outputs).map(|_| some("FILLET", "1")).collect());
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, become_of(100)).await), pairs([("/outputs", "wrong_length")]));
        kitchen.owner.post(TRANSFORMATIONS, become_of(99)).await.ok(201);
        assert_eq!(parents(&api).await.len(), 9_999);
        hold(&api).await;
    }

    async fn every_mistake_is_told_with_its_place(api: Api) {
        let kitchen = butchery(&api).await;
        kitchen.item("PIE", json!({ "track_lots": true, "track_expiry": true })).await;
        let sent = with(
            of("trim", json!([some("BEEF", "1"), some("NONE", "1")]), json!([some("NONE", "1"), with(some("BONES", "1"), "unit", "l")])),
            "loss",
            json!([
                { "sku": "BEEF", "quantity": "1", "unit": "l", "reason": "trimmings" },
                { "description": "steam", "quantity": "1", "unit": "l", "reason": "nothing" },
                { "description": "steam", "quantity": "1", "reason": "trimmings" },
                { "sku": "NONE", "quantity": "1", "reason": "lost" },
            ]),
        );
        let expected = pairs([
            ("/inputs/1/sku", "item_not_found"),
            ("/outputs/0/sku", "item_not_found"),
            ("/outputs/1/unit", "unit_unknown"),
            ("/loss/0/unit", "unit_unknown"),
            ("/loss/1/unit", "unit_unknown"),
            ("/loss/1/reason", "reason_not_found"),
            ("/loss/2/unit", "required"),
            ("/loss/3/sku", "item_not_found"),
            ("/loss/3/reason", "reason_not_found"),
        ]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, sent).await), expected);
        let input = json!([some("BEEF", "1")]);
        let untracked = of("cook", input.clone(), json!([some("BONES", "1"), some("PIE", "1")]));
        let found = flaws(&refused(&kitchen.owner, TRANSFORMATIONS, with(untracked, "allocate_by", "value")).await);
        assert!(found.contains(&("/outputs/0/sales_value".to_owned(), "required".to_owned())), "{found:?}");
        let named = of("cook", json!([with(some("BEEF", "1"), "lot_id", NOBODY)]), json!([some("BONES", "1")]));
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, named).await), pairs([("/inputs/0/lot_id", "lot_not_found")]));
        let short = of("cook", json!([some("BEEF", "4000"), some("BEEF", "1001")]), json!([some("BONES", "1")]));
        let problem = refused(&kitchen.owner, TRANSFORMATIONS, short).await.refused(409, "insufficient_stock");
        assert_eq!((&problem["short"][0]["line"], &problem["short"][0]["available"]), (&json!(1), &json!("1000")));
        let (early, ahead) = ("2026-11-25T11:00:00Z", "2026-11-26T12:00:00Z");
        let all = of("cook", input.clone(), json!([some("BONES", "1")]));
        refused(&kitchen.owner, TRANSFORMATIONS, with(all.clone(), "effective_at", early)).await.refused(409, "insufficient_stock");
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, with(all.clone(), "effective_at", ahead)).await), pairs([("/effective_at", "effective_in_future")]));
        let empty = json!({ "location": "main/in-transit", "kind": "burn", "inputs": [], "outputs": [with(some("BONES", "1"), "sales_value", "-1")], "loss": [{ "sku": "BEEF", "description": "x", "quantity": "1", "reason": "trimmings" }] });
        let expected = pairs([("/kind", "invalid_choice"), ("/inputs", "wrong_length"), ("/outputs/0/sales_value", "negative"), ("/loss/0", "exactly_one")]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, empty).await), expected);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFORMATIONS, with(all.clone(), "location", "main/in-transit")).await), pairs([("/location", "not_an_area")]));
        api.inventory_db().execute_unprepared("UPDATE lot SET hold = 'recall'").await.expect("a recall");
        refused(&kitchen.owner, TRANSFORMATIONS, all.clone()).await.refused(409, "insufficient_stock");
        let lot = text(&kitchen.ledger().await[0]["lot_id"]);
        let held = of("cook", json!([with(some("BEEF", "1"), "lot_id", lot.as_str())]), json!([some("BONES", "1")]));
        refused(&kitchen.owner, TRANSFORMATIONS, held.clone()).await.refused(409, "lot_on_hold");
        api.inventory_db().execute_unprepared("UPDATE lot SET hold = NULL").await.expect("a release");
        api.advance(TimeDelta::days(7));
        let kitchen = Kitchen { owner: api.owner().await, ..kitchen };
        refused(&kitchen.owner, TRANSFORMATIONS, held.clone()).await.refused(409, "lot_expired");
        close_through(&api, "2026-11-26").await;
        refused(&kitchen.owner, TRANSFORMATIONS, with(held, "effective_at", ahead)).await.refused(409, "period_closed");
    }

    async fn only_who_may_use_stock_there_transforms_it(api: Api) {
        let kitchen = butchery(&api).await;
        let annex = site(&kitchen.owner, "annex", "UTC").await;
        let sent = of("freeze", json!([some("BEEF", "10")]), json!([with(some("BEEF", "10"), "expires_on", "2027-01-01")]));
        api.call("POST", TRANSFORMATIONS).header("Idempotency-Key", "k").json(&sent).send().await.refused(401, "token_invalid");
        kitchen.owner.post_without_key(TRANSFORMATIONS, sent.clone()).await.refused(400, "idempotency_key_required");
        refused(&api.member("viewer", None).await, TRANSFORMATIONS, sent.clone()).await.refused(403, "forbidden");
        let far = api.member("staff", Some(&[annex])).await;
        refused(&far, TRANSFORMATIONS, sent.clone()).await.refused(403, "forbidden");
        let staff = api.member("staff", None).await;
        let key = fresh("freeze");
        let made = staff.post_with_key(TRANSFORMATIONS, &key, sent.clone()).await.ok(201);
        assert_eq!(money_in(&made), [].into());
        assert_eq!(staff.post_with_key(TRANSFORMATIONS, &key, sent.clone()).await.ok(201), made);
        staff.post_with_key(TRANSFORMATIONS, &key, with(sent.clone(), "kind", "thaw")).await.refused(422, "idempotency_key_reused");
        let path = format!("{TRANSFORMATIONS}/{}", text(&made["document"]["id"]));
        far.get(&path).await.refused(404, "not_found");
        refused(&staff, TRANSFORMATIONS, with(sent.clone(), "effective_at", "2026-11-24T12:00:00Z")).await.refused(403, "forbidden");
        becomes(&api, &staff, "viewer").await;
        staff.post_with_key(TRANSFORMATIONS, &key, sent.clone()).await.refused(403, "forbidden");
        let other = Kitchen::of(api.other_tenant().await).await;
        let foreign = made["entries"][0]["item_id"].clone();
        let stolen = of("freeze", json!([{ "item_id": foreign, "quantity": "1" }]), json!([{ "item_id": foreign, "quantity": "1" }]));
        let expected = pairs([("/inputs/0/item_id", "item_not_found"), ("/outputs/0/item_id", "item_not_found")]);
        assert_eq!(flaws(&refused(&other.owner, TRANSFORMATIONS, stolen).await), expected);
        other.owner.get(&path).await.refused(404, "not_found");
        let counts: BTreeMap<_, _> = crate::receipts::rows(&api).await;
        assert_eq!(counts["transformation_line"], 2);
    }
}
