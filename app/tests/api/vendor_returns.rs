//! Returns to suppliers through HTTP: what goes back, and what is credited for it.

use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{column, flaws, money_in, pairs, refused, rows, site, with};
use crate::support::Api;
use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::usage::{lacking, short};

const RETURNS: &str = "/v1/inventory/vendor-returns";

fn body(lines: Value) -> Value {
    json!({ "location": WALK_IN, "lines": lines })
}

fn line(quantity: &str, credit: Value) -> Value {
    json!({ "sku": "HAM", "quantity": quantity, "reason": "quality", "credit": credit })
}

both_engines! {
    async fn what_is_credited_otherwise_than_it_was_worth_is_a_variance(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("HAM", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "HAM", "quantity": "2", "unit_price": "5" }, { "sku": "HAM", "quantity": "8", "unit_price": "6" }])).await;
        let lots = column(&bought["entries"], "lot_id");
        let posted = kitchen.owner.post(RETURNS, body(json!([line("3", json!("12.01")), line("1", Value::Null), line("1", json!("0")), line("1", json!("7"))]))).await.ok(201);
        assert_eq!((&posted["document"]["type"], &posted["document"]["number"]), (&json!("vendor_return"), &json!("VR-000001")));
        assert_eq!(column(&posted["entries"], "kind"), ["vendor_return"; 5]);
        assert_eq!(column(&posted["entries"], "value"), ["-10", "-6", "-6", "-6", "-6"]);
        assert_eq!(column(&posted["document"]["lines"], "value"), ["-16", "-6", "-6", "-6"]);
        // Where nothing is said the credit is the value.
        assert_eq!(column(&posted["document"]["lines"], "credit"), ["12.01", "6", "0", "7"]);
        // 12.01 over 2 and 1 are 8.006667 and 4.003333.
        let variances = posted["variances"].as_array().expect("variances");
        let found: Vec<_> = variances.iter().map(|it| (text(&it["lot_id"]), text(&it["amount"]), text(&it["kind"]))).collect();
        let expected = [(&lots[0], "1.993333"), (&lots[1], "1.996667"), (&lots[1], "6"), (&lots[1], "-1")];
        assert_eq!(found, expected.map(|(lot, amount)| (lot.clone(), amount.to_owned(), "return".to_owned())));
        assert_eq!(kitchen.on_hand("HAM").await, ("4".to_owned(), "24".to_owned()));
        let read = kitchen.owner.get(&format!("{RETURNS}/{}", text(&posted["document"]["id"]))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (&posted["document"], &posted["entries"]));
        assert_eq!(column(&kitchen.owner.get(RETURNS).await.ok(200)["data"], "number"), ["VR-000001"]);
        hold(&api).await;
    }

    async fn what_is_wrong_or_not_there_is_told_and_nothing_goes_back(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("HAM", json!({})).await;
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "2", "unit_price": "5" }])).await;
        let sent = body(json!([line("0", Value::Null), line("1", json!("-1")), line("1", json!(1)), { "sku": "HAM", "quantity": "1", "stage": "plate" }]));
        let mut expected = pairs([
            ("/lines/0/quantity", "not_positive"),
            ("/lines/1/credit", "negative"),
            ("/lines/2/credit", "decimal_string_required"),
            ("/lines/3/reason", "required"),
            ("/lines/3/stage", "unknown_field"),
        ]);
        let mut found = flaws(&refused(&kitchen.owner, RETURNS, sent).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let sent = body(json!([with(line("1", Value::Null), "reason", "spoiled"), with(line("1", Value::Null), "sku", "HEN")]));
        assert_eq!(flaws(&refused(&kitchen.owner, RETURNS, sent).await), pairs([("/lines/0/reason", "reason_not_found"), ("/lines/1/sku", "item_not_found")]));
        assert_eq!(short(refused(&kitchen.owner, RETURNS, body(json!([line("1", Value::Null), line("2", Value::Null)]))).await), lacking([(1, "2", "1")]));
    }

    async fn who_may_not_receive_sends_nothing_back(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("HAM", json!({})).await;
        kitchen.receive_at("2026-11-20T12:00:00Z", json!([{ "sku": "HAM", "quantity": "9", "unit_price": "5" }])).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        let sent = body(json!([line("1", json!("3"))]));
        let before = rows(&api).await;
        api.call("POST", RETURNS).header("Idempotency-Key", "k").json(&sent).send().await.refused(401, "token_invalid");
        assert_eq!(rows(&api).await, before);
        refused(&api.member("viewer", None).await, RETURNS, sent.clone()).await.refused(403, "forbidden");
        refused(&api.member("staff", Some(&[annex])).await, RETURNS, sent.clone()).await.refused(403, "forbidden");
        kitchen.owner.post_without_key(RETURNS, sent.clone()).await.refused(400, "idempotency_key_required");
        let staff = api.member("staff", None).await;
        refused(&staff, RETURNS, with(sent.clone(), "effective_at", "2026-11-24T12:00:00Z")).await.refused(403, "forbidden");
        let first = staff.post_with_key(RETURNS, "key", sent.clone()).await.ok(201);
        // Neither the value, nor the credit, nor their difference.
        assert_eq!((money_in(&first), first.get("variances"), first["document"]["lines"][0].get("credit")), ([].into(), None, None), "{first}");
        assert_eq!(staff.post_with_key(RETURNS, "key", sent.clone()).await.ok(201), first);
        staff.post_with_key(RETURNS, "key", body(json!([line("1", json!("4"))]))).await.refused(422, "idempotency_key_reused");
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("HAM", json!({})).await;
        other.owner.get(&format!("{RETURNS}/{}", text(&first["document"]["id"]))).await.refused(404, "not_found");
        let theirs = body(json!([with(line("1", Value::Null), "lot_id", first["entries"][0]["lot_id"].clone())]));
        assert_eq!(flaws(&refused(&other.owner, RETURNS, theirs).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
        assert_eq!(kitchen.on_hand("HAM").await.0, "8");
    }
}
