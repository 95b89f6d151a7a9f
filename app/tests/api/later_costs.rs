//! Costs that come after the goods, and receipts that were wrong, through HTTP.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::receipts::{NOBODY, column, flaws, millionths, money_in, pairs, refused, rows, site, unit, with};
use crate::reversals::reverse;
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, Reply, fresh};

const WASTE: &str = "/v1/inventory/waste";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

fn charges_path(receipt: &Value) -> String {
    format!("/v1/inventory/receipts/{}/charges", text(&receipt["document"]["id"]))
}

fn correct_path(receipt: &Value) -> String {
    format!("/v1/inventory/receipts/{}/correct", text(&receipt["document"]["id"]))
}

fn freight(amount: &str) -> Value {
    json!({ "charges": [{ "label": "freight", "amount": amount }] })
}

/// Brings an amount onto a receipt, by value.
pub async fn charge(client: &Client, receipt: &Value, amount: &str) -> Reply {
    client.post(&charges_path(receipt), freight(amount)).await
}

pub async fn correct(client: &Client, receipt: &Value, body: Value) -> Reply {
    client.post(&correct_path(receipt), body).await
}

/// The `number` that a statement answers.
pub async fn number(api: &Api, sql: &str) -> i64 {
    let database = api.inventory_db();
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql.to_owned())).await;
    row.expect("a statement").expect("a row").try_get("", "number").expect("a number")
}

/// What a document could not bring onto lots, in millionths.
fn variance(posted: &Value) -> i64 {
    posted["variances"].as_array().into_iter().flatten().map(|variance| millionths(&variance["amount"])).sum()
}

async fn holds(kitchen: &Kitchen, sku: &str, quantity: &str, value: &str) {
    assert_eq!(kitchen.on_hand(sku).await, (quantity.to_owned(), value.to_owned()), "{sku}");
}

async fn basis(api: &Api, receipt: &Value, line: usize) -> (i64, i64) {
    let lot = text(&receipt["document"]["lines"][line]["lot_id"]).replace('-', "");
    let id = if api.engine() == crate::support::Engine::Sqlite { format!("x'{lot}'") } else { format!("'{lot}'::uuid") };
    let of = |column: &str| format!("SELECT {column} AS number FROM lot WHERE id = {id}");
    (number(api, &of("basis_quantity")).await, number(api, &of("basis_value")).await)
}

async fn throw(kitchen: &Kitchen, sku: &str, quantity: &str) -> Value {
    kitchen.waste(json!([{ "sku": sku, "quantity": quantity }])).await
}

both_engines! {
    /// C10a of Odoo's stock_landed_costs/tests/test_stockvaluationlayer.py, LCFIFO.test_normal_1.
    async fn a_later_cost_goes_with_what_is_on_hand(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({ "pick": "fifo" })).await;
        let first = kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "10" }])).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "20" }])).await;
        let charged = charge(&kitchen.owner, &first, "100").await.ok(201);
        throw(&kitchen, "EGG", "1").await;
        holds(&kitchen, "EGG", "19", "380").await;
        assert_eq!(variance(&charged), 0);
        let (id, lot, item) = (&charged["document"]["id"], &first["entries"][0]["lot_id"], &first["entries"][0]["item_id"]);
        let line = json!([{ "line_no": 1, "item_id": item, "sku": "EGG", "base_unit": "each", "lot_id": lot, "receipt_line_no": 1, "kind": "charge",
            "label": "freight", "amount": "100" }]);
        assert_eq!(charged["document"]["lines"], line);
        let document = &charged["document"];
        assert_eq!((&document["type"], &document["number"], &document["about_id"]), (&json!("cost_change"), &json!("K-000001"), &first["document"]["id"]));
        let entry = &charged["entries"][0];
        assert_eq!((&entry["kind"], &entry["quantity"], &entry["value"], &entry["line_no"]), (&json!("cost_adjust"), &json!("0"), &json!("100"), &json!(1)));
        assert_eq!((&charged["balances"][0]["quantity"], &charged["balances"][0]["value"]), (&json!("10"), &json!("200")));
        let read = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(id))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &charged["entries"]));
    }

    /// C10b: LCFIFO.test_alreadyout_1.
    async fn a_later_cost_of_what_is_gone_is_a_variance(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let first = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "10", "unit_price": "10" }])).await;
        throw(&kitchen, "EGG", "10").await;
        let charged = charge(&kitchen.owner, &first, "100").await.ok(201);
        assert_eq!((&charged["entries"], &charged["balances"]), (&json!([]), &json!([])));
        assert_eq!(charged["variances"], json!([{ "lot_id": first["entries"][0]["lot_id"], "amount": "100", "kind": "cost" }]));
        holds(&kitchen, "EGG", "0", "0").await;
        // Also where nothing lies, the cost is what it is from then on.
        let named = json!([{ "sku": "EGG", "quantity": "1", "lot_id": first["entries"][0]["lot_id"] }]);
        refused(&kitchen.owner, WASTE, with(waste_body(named), "effective_at", TUESDAY)).await.refused(409, "lot_revalued_after");
    }

    /// C11: LCFIFO.test_rounding_1 to 3, in millionths. Who gets the one that is left over is ours to say: the first.
    async fn equal_shares_sum_to_the_charge(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["A", "B", "C"] {
            kitchen.item(sku, json!({})).await;
        }
        let line = |sku: &str| json!({ "sku": sku, "quantity": "1", "unit_price": "1" });
        let bought = kitchen.receive(json!([line("A"), line("B"), line("C")])).await;
        for (amount, expected) in [("0.01", [3_334, 3_333, 3_333]), ("0.0098", [3_267, 3_267, 3_266]), ("0.000485", [162, 162, 161])] {
            let body = json!({ "charges": [{ "label": "duty", "amount": amount, "basis": "equal" }] });
            let charged = kitchen.owner.post(&charges_path(&bought), body).await.ok(201);
            let shares: Vec<i64> = column(&charged["entries"], "value").into_iter().map(|value| millionths(&json!(value))).collect();
            assert_eq!(shares, expected);
        }
    }

    async fn a_part_that_is_gone_leaves_its_share_as_a_variance(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        throw(&kitchen, "EGG", "1").await;
        let charged = charge(&kitchen.owner, &bought, "1").await.ok(201);
        assert_eq!((&charged["entries"][0]["value"], variance(&charged)), (&json!("0.666667"), 333_333));
        assert_eq!(basis(&api, &bought, 0).await, (3_000_000, 4_000_000));
        // The opposite amount undoes it.
        let back = charge(&kitchen.owner, &bought, "-1").await.ok(201);
        assert_eq!((&back["entries"][0]["value"], variance(&back)), (&json!("-0.666667"), -333_333));
        holds(&kitchen, "EGG", "2", "2").await;
        assert_eq!(basis(&api, &bought, 0).await, (3_000_000, 3_000_000));
    }

    async fn charges_are_shared_out_by_what_they_say_over_the_lines_as_they_are_now(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("RICE", json!({ "base_unit": "kg" })).await;
        kitchen.item("SALT", json!({ "base_unit": "g" })).await;
        let lines = json!([{ "sku": "RICE", "quantity": "3", "line_total": "1" }, { "sku": "SALT", "quantity": "10000", "line_total": "3" }]);
        let bought = kitchen.receive(lines).await;
        // A typing error: one kilogram of salt it was, for the same money.
        correct(&kitchen.owner, &bought, json!({ "line": 2, "quantity": "1000" })).await.ok(201);
        for (basis, shares) in [("value", ["1", "3"]), ("quantity", ["0.011964", "3.988036"]), ("weight", ["3", "1"]), ("equal", ["2", "2"])] {
            let body = json!({ "charges": [{ "label": "freight", "amount": "4", "basis": basis }] });
            let charged = kitchen.owner.post(&charges_path(&bought), body).await.ok(201);
            assert_eq!(column(&charged["entries"], "value"), shares, "{basis}");
            assert_eq!(column(&charged["document"]["lines"], "amount"), shares, "{basis}");
        }
        // Several at once: a row for each lot and charge, an entry for each lot.
        let body = json!({
            "charges": [{ "label": "freight", "amount": "4", "basis": "equal" }, { "label": "duty", "amount": "2", "basis": "equal" }],
            "price_differences": [{ "line": 2, "amount": "-0.5" }],
        });
        let charged = kitchen.owner.post(&charges_path(&bought), body).await.ok(201);
        assert_eq!(column(&charged["document"]["lines"], "amount"), ["2", "1", "2", "1", "-0.5"]);
        assert_eq!(column(&charged["document"]["lines"], "label"), ["freight", "duty", "freight", "duty", "price"]);
        assert_eq!(column(&charged["document"]["lines"], "kind"), ["charge", "charge", "charge", "charge", "price"]);
        let numbers: Vec<i64> = charged["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["line_no"].as_i64()).collect();
        assert_eq!((column(&charged["entries"], "value"), numbers), (vec!["3".to_owned(), "2.5".to_owned()], vec![1, 3]));
    }

    async fn a_charge_by_weight_needs_weights(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        let body = json!({ "charges": [{ "label": "freight", "amount": "1", "basis": "weight" }], "price_differences": [{ "line": 2, "amount": "1" }] });
        let reply = refused(&kitchen.owner, &charges_path(&bought), body).await;
        assert_eq!(flaws(&reply), pairs([("/charges/0/basis", "weight_unknown"), ("/price_differences/0/line", "line_not_found")]));
    }

    async fn no_lot_costs_less_than_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let line = |sku: &str| json!({ "sku": sku, "quantity": "1", "line_total": "1" });
        let bought = kitchen.receive(json!([line("EGG"), line("HAM")])).await;
        let reply = refused(&kitchen.owner, &charges_path(&bought), freight("-2.000001")).await;
        assert_eq!(flaws(&reply), pairs([("/charges/0/amount", "cost_below_zero")]));
        assert_eq!(reply.body["lot_id"], bought["entries"][0]["lot_id"]);
        let body = json!({ "price_differences": [{ "line": 1, "amount": "1" }, { "line": 2, "amount": "-1.000001" }] });
        let reply = refused(&kitchen.owner, &charges_path(&bought), body).await;
        assert_eq!(flaws(&reply), pairs([("/price_differences/1/amount", "cost_below_zero")]));
        charge(&kitchen.owner, &bought, "-2").await.ok(201);
        holds(&kitchen, "EGG", "1", "0").await;
    }

    /// Two pieces for a millionth: the first takes it along, so nothing is left that a rebate could come off.
    async fn no_balance_goes_below_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "line_total": "0.000001" }])).await;
        throw(&kitchen, "EGG", "1").await;
        let charged = charge(&kitchen.owner, &bought, "-0.000001").await.ok(201);
        assert_eq!((&charged["entries"], variance(&charged)), (&json!([]), -1));
        holds(&kitchen, "EGG", "1", "0").await;
        assert_eq!(basis(&api, &bought, 0).await, (2_000_000, 0));
    }

    async fn a_change_counts_from_the_last_movement_on_and_nothing_is_taken_before_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        kitchen.owner.post(WASTE, with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "effective_at", TUESDAY)).await.ok(201);
        // Asked for on Monday it would be worth more on Tuesday than what was thrown away took along.
        let charged = kitchen.owner.post(&charges_path(&bought), with(freight("3"), "effective_at", MONDAY)).await.ok(201);
        assert_eq!((&charged["document"]["effective_at"], &charged["entries"][0]["effective_at"]), (&json!(MONDAY), &json!(TUESDAY)));
        assert_eq!(charged["entries"][0]["business_date"], "2026-11-24");
        let named = json!([{ "sku": "EGG", "quantity": "1", "lot_id": bought["entries"][0]["lot_id"] }]);
        let early = with(waste_body(named.clone()), "effective_at", "2026-11-24T11:59:59Z");
        refused(&kitchen.owner, WASTE, early).await.refused(409, "lot_revalued_after");
        let unnamed = with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "effective_at", MONDAY);
        refused(&kitchen.owner, WASTE, unnamed).await.refused(409, "insufficient_stock");
        let taken = kitchen.owner.post(WASTE, with(waste_body(named), "effective_at", TUESDAY)).await.ok(201);
        assert_eq!(taken["entries"][0]["value"], "-2");
        let later = with(freight("3"), "effective_at", "2026-11-25T13:00:00Z");
        assert_eq!(flaws(&refused(&kitchen.owner, &charges_path(&bought), later).await), pairs([("/effective_at", "effective_in_future")]));
    }

    async fn who_may_charge_and_what_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        let thrown = throw(&kitchen, "EGG", "1").await;
        let (path, before) = (charges_path(&bought), rows(&api).await);
        api.call("POST", &path).header("Idempotency-Key", "k").json(&freight("1")).send().await.refused(401, "token_invalid");
        kitchen.owner.post_without_key(&path, freight("1")).await.refused(400, "idempotency_key_required");
        assert_eq!(rows(&api).await, before);
        for role in ["viewer", "staff"] {
            refused(&api.member(role, None).await, &path, freight("1")).await.refused(403, "forbidden");
        }
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        refused(&api.member("buyer", Some(&[annex])).await, &path, freight("1")).await.refused(404, "not_found");
        let stranger = api.other_tenant().await;
        // The first request of a tenant makes what every tenant begins with.
        stranger.post(&path, freight("1")).await.refused(404, "not_found");
        refused(&stranger, &path, freight("1")).await.refused(404, "not_found");
        for id in [NOBODY.to_owned(), text(&thrown["document"]["id"])] {
            refused(&kitchen.owner, &format!("/v1/inventory/receipts/{id}/charges"), freight("1")).await.refused(404, "not_found");
        }
        let one = |charge: Value| json!({ "charges": [charge] });
        for (body, pointer, code) in [
            (json!({}), "", "required"),
            (json!({ "charges": [], "price_differences": [] }), "", "required"),
            (one(json!({ "label": "x", "amount": "0" })), "/charges/0/amount", "zero"),
            (one(json!({ "label": "x", "amount": 1 })), "/charges/0/amount", "decimal_string_required"),
            (one(json!({ "amount": "1" })), "/charges/0/label", "required"),
            (one(json!({ "label": "x", "amount": "1", "basis": "beauty" })), "/charges/0/basis", "invalid_choice"),
            (json!({ "price_differences": [{ "line": 0, "amount": "1" }] }), "/price_differences/0/line", "out_of_range"),
            (json!({ "price_differences": [{ "line": 1, "amount": "0" }] }), "/price_differences/0/amount", "zero"),
            (with(freight("1"), "lines", json!([])), "/lines", "unknown_field"),
        ] {
            assert_eq!(flaws(&refused(&kitchen.owner, &path, body).await), pairs([(pointer, code)]));
        }
        let (key, buyer) = (fresh("key"), api.member("buyer", None).await);
        let first = buyer.post_with_key(&path, &key, freight("1")).await.ok(201);
        let again = buyer.post_with_key(&path, &key, freight("1")).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));
        let other = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        reverse(&kitchen.owner, &other).await;
        refused(&kitchen.owner, &charges_path(&other), freight("1")).await.refused(409, "already_reversed");
    }

    async fn opening_stock_gets_its_cost_later(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}"), "sku,quantity\nEGG,5\n").await.ok(201);
        let found = kitchen.owner.get("/v1/inventory/documents").await.ok(200)["data"][0].clone();
        let opening = json!({ "document": found });
        let body = json!({ "price_differences": [{ "line": 1, "amount": "10" }] });
        // What posting it needs, changing its cost needs.
        refused(&api.member("buyer", None).await, &charges_path(&opening), body.clone()).await.refused(403, "forbidden");
        kitchen.owner.post(&charges_path(&opening), body).await.ok(201);
        holds(&kitchen, "EGG", "5", "10").await;
        correct(&kitchen.owner, &opening, json!({ "line": 1, "quantity": "4" })).await.ok(201);
        holds(&kitchen, "EGG", "4", "10").await;
    }

    async fn a_quantity_that_was_typed_wrongly_is_mended_after_a_part_was_used(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "100", "unit_price": "1" }])).await;
        throw(&kitchen, "EGG", "4").await;
        let corrected = correct(&kitchen.owner, &bought, json!({ "line": 1, "quantity": "10" })).await.ok(201);
        let (document, entry) = (&corrected["document"], &corrected["entries"][0]);
        assert_eq!((&document["type"], &document["number"], &document["about_id"]), (&json!("correction"), &json!("RC-000001"), &bought["document"]["id"]));
        let line = json!([{ "line_no": 1, "item_id": entry["item_id"], "sku": "EGG", "lot_id": entry["lot_id"], "quantity": "10", "unit": "each",
            "base_quantity": "10", "base_unit": "each", "line_total": "10", "value": "-90", "receipt_line_no": 1 }]);
        assert_eq!(document["lines"], line);
        assert_eq!((&entry["kind"], &entry["quantity"], &entry["value"]), (&json!("correction"), &json!("-90"), &json!("-90")));
        assert_eq!(variance(&corrected), 0);
        holds(&kitchen, "EGG", "6", "6").await;
        assert_eq!(basis(&api, &bought, 0).await, (10_000_000, 10_000_000));
        let read = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&document["id"]))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &corrected["entries"]));
    }

    async fn a_price_that_was_typed_wrongly_is_mended_and_what_left_with_it_is_a_variance(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let body = json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "10", "unit_price": "10" }], "charges": [{ "label": "x", "amount": "5" }] });
        let bought = kitchen.owner.post("/v1/inventory/receipts", body).await.ok(201);
        throw(&kitchen, "EGG", "4").await;
        // 10 at 10 and 5 for delivery; it should have been 10 at 1. The charge stays.
        let corrected = correct(&kitchen.owner, &bought, json!({ "line": 1, "unit_price": "1" })).await.ok(201);
        assert_eq!((column(&corrected["entries"], "value"), variance(&corrected)), (vec!["-54".to_owned()], -36_000_000));
        assert_eq!((&corrected["entries"][0]["kind"], &corrected["entries"][0]["quantity"]), (&json!("cost_adjust"), &json!("0")));
        holds(&kitchen, "EGG", "6", "9").await;
        throw(&kitchen, "EGG", "6").await;
        let gone = correct(&kitchen.owner, &bought, json!({ "line": 1, "line_total": "20" })).await.ok(201);
        assert_eq!((&gone["entries"], variance(&gone)), (&json!([]), 10_000_000));
        assert_eq!(basis(&api, &bought, 0).await, (10_000_000, 25_000_000));
    }

    async fn a_line_was_never_less_than_what_is_used_of_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        throw(&kitchen, "EGG", "4").await;
        let problem = refused(&kitchen.owner, &correct_path(&bought), json!({ "line": 1, "quantity": "3.999999" })).await.refused(409, "below_used");
        assert_eq!(problem["used"], "4");
        correct(&kitchen.owner, &bought, json!({ "line": 1, "quantity": "4" })).await.ok(201);
        holds(&kitchen, "EGG", "0", "0").await;
        correct(&kitchen.owner, &bought, json!({ "line": 1, "quantity": "5" })).await.ok(201);
        holds(&kitchen, "EGG", "1", "1").await;
    }

    async fn a_second_correction_begins_where_the_first_ended(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &item, "box", "6", "each").await;
        let lines = json!([
            { "sku": "EGG", "quantity": "10", "line_total": "100" },
            { "sku": "EGG", "quantity": "10", "unit_price": "3", "discount": "6" },
        ]);
        let bought = kitchen.receive(lines).await;
        // Entered by its total, a line keeps it; by its price per unit, that.
        for (line, body, expected) in [
            (1, json!({ "quantity": "8" }), (8, 100)),
            (1, json!({ "line_total": "80" }), (8, 80)),
            (1, json!({ "quantity": "9" }), (9, 80)),
            (2, json!({ "quantity": "20" }), (20, 54)),
            (2, json!({ "quantity": "2", "unit": "box" }), (12, 0)),
            (2, json!({ "unit_price": "15" }), (12, 24)),
            (2, json!({ "unit": "each", "quantity": "4" }), (4, 54)),
        ] {
            correct(&kitchen.owner, &bought, with(body, "line", line)).await.ok(201);
            let (quantity, value) = expected;
            let line = usize::try_from(line).expect("a line") - 1;
            assert_eq!(basis(&api, &bought, line).await, (quantity * 1_000_000, value * 1_000_000));
        }
        holds(&kitchen, "EGG", "13", "134").await;
        let again = json!({ "line": 1, "quantity": "9", "line_total": "80" });
        assert_eq!(flaws(&refused(&kitchen.owner, &correct_path(&bought), again).await), pairs([("", "nothing_to_correct")]));
    }

    async fn who_may_correct_and_what_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "5", "discount": "2" }])).await;
        let path = correct_path(&bought);
        let quantity = |quantity: &str| json!({ "line": 1, "quantity": quantity });
        let before = rows(&api).await;
        api.call("POST", &path).header("Idempotency-Key", "k").json(&quantity("4")).send().await.refused(401, "token_invalid");
        kitchen.owner.post_without_key(&path, quantity("4")).await.refused(400, "idempotency_key_required");
        assert_eq!(rows(&api).await, before);
        refused(&api.member("viewer", None).await, &path, quantity("4")).await.refused(403, "forbidden");
        let stranger = api.other_tenant().await;
        stranger.post(&path, quantity("4")).await.refused(404, "not_found");
        refused(&stranger, &path, quantity("4")).await.refused(404, "not_found");
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        refused(&api.member("buyer", Some(&[annex])).await, &path, quantity("4")).await.refused(404, "not_found");
        refused(&kitchen.owner, &format!("/v1/inventory/receipts/{NOBODY}/correct"), quantity("4")).await.refused(404, "not_found");
        for (body, pointer, code) in [
            (json!({ "line": 1 }), "", "required"),
            (json!({ "quantity": "1" }), "/line", "required"),
            (json!({ "line": 2, "quantity": "1" }), "/line", "line_not_found"),
            (quantity("0"), "/quantity", "not_positive"),
            (json!({ "line": 1, "unit": "case" }), "/unit", "unit_unknown"),
            (json!({ "line": 1, "unit_price": "1", "line_total": "1" }), "", "exactly_one"),
            (json!({ "line": 1, "line_total": "-1" }), "/line_total", "negative"),
            (json!({ "line": 1, "line_total": "1.999999" }), "/line_total", "discount_too_large"),
            (json!({ "line": 1, "line_total": "2" }), "/line_total", "zero_price_unconfirmed"),
            (json!({ "line": 1, "quantity": "1000000000", "unit_price": "1000" }), "/unit_price", "out_of_range"),
            (json!({ "line": 1, "lot_id": NOBODY, "quantity": "4" }), "/lot_id", "unknown_field"),
        ] {
            assert_eq!(flaws(&refused(&kitchen.owner, &path, body).await), pairs([(pointer, code)]));
        }
        // Who does not see costs corrects quantities and sees no money.
        let staff = api.member("staff", None).await;
        refused(&staff, &path, json!({ "line": 1, "line_total": "9" })).await.refused(403, "forbidden");
        let (key, sent) = (fresh("key"), with(quantity("4"), "note", "two were broken"));
        let first = staff.post_with_key(&path, &key, sent.clone()).await.ok(201);
        assert_eq!((money_in(&first), &first["document"]["note"]), ([].into(), &json!("two were broken")));
        let again = staff.post_with_key(&path, &key, sent).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));
        holds(&kitchen, "EGG", "4", "3").await;
        correct(&kitchen.owner, &bought, json!({ "line": 1, "line_total": "2", "confirm_zero": true })).await.ok(201);
        holds(&kitchen, "EGG", "4", "0").await;
        charge(&kitchen.owner, &bought, "-0.000001").await.refused(422, "invalid_request");
        let other = kitchen.receive(json!([{ "sku": "EGG", "quantity": "3", "line_total": "3" }])).await;
        reverse(&kitchen.owner, &other).await;
        refused(&kitchen.owner, &correct_path(&other), quantity("4")).await.refused(409, "already_reversed");
    }

    async fn a_discount_is_not_told_to_who_sees_no_costs(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1", "discount": "7.654321" }])).await;
        let staff = api.member("staff", None).await;
        let reply = refused(&staff, &correct_path(&bought), json!({ "line": 1, "quantity": "2" })).await;
        assert_eq!(flaws(&reply), pairs([("/quantity", "discount_too_large")]));
        assert!(!reply.text.contains("7.654321"), "{}", reply.text);
    }

    async fn a_correction_never_takes_off_what_a_rebate_took_off_before(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "10" }])).await;
        charge(&kitchen.owner, &bought, "-6").await.ok(201);
        let body = json!({ "line": 1, "line_total": "5.999999" });
        assert_eq!(flaws(&refused(&kitchen.owner, &correct_path(&bought), body).await), pairs([("/line_total", "cost_below_zero")]));
        correct(&kitchen.owner, &bought, json!({ "line": 1, "line_total": "6" })).await.ok(201);
        holds(&kitchen, "EGG", "1", "0").await;
    }

    async fn of_eight_who_correct_at_once_each_begins_where_another_ended(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        let path = correct_path(&bought);
        let bodies: Vec<Value> = (11..19).map(|quantity| json!({ "line": 1, "quantity": quantity.to_string() })).collect();
        let replies = futures::future::join_all(bodies.into_iter().map(|body| kitchen.owner.post(&path, body))).await;
        let numbers: BTreeMap<String, Value> = replies.into_iter().map(|reply| reply.ok(201)).map(|posted| (text(&posted["document"]["number"]), posted)).collect();
        let (_, last) = numbers.last_key_value().expect("eight corrections");
        let quantity = text(&last["document"]["lines"][0]["quantity"]);
        assert_eq!((numbers.len(), kitchen.on_hand("EGG").await), (8, (quantity.clone(), quantity)));
    }
}

/// A number that looks random and is the same every time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("a number") % sides
    }
}

/// What every lot ever cost, and where that is: on hand, gone, or a variance. One row for each lot that does not add up.
const OUT_OF_BALANCE: &str = "SELECT COUNT(*) AS number FROM (SELECT lot.id, lot.void, lot.basis_value, lot.basis_quantity, \
     (SELECT COALESCE(SUM(balance.value), 0) FROM balance WHERE balance.lot_id = lot.id) AS on_hand, \
     (SELECT COALESCE(SUM(balance.quantity), 0) FROM balance WHERE balance.lot_id = lot.id) AS quantity, \
     (SELECT COALESCE(SUM(-entry.value_delta), 0) FROM ledger_entry AS entry JOIN document ON document.id = entry.document_id \
      LEFT JOIN document_detail AS detail ON detail.document_id = document.id LEFT JOIN document AS undone ON undone.id = detail.reverses_id \
      WHERE entry.lot_id = lot.id AND entry.kind <> 'rounding' AND COALESCE(undone.type, document.type) = 'waste') AS issued, \
     (SELECT COALESCE(SUM(-entry.quantity_delta), 0) FROM ledger_entry AS entry JOIN document ON document.id = entry.document_id \
      LEFT JOIN document_detail AS detail ON detail.document_id = document.id LEFT JOIN document AS undone ON undone.id = detail.reverses_id \
      WHERE entry.lot_id = lot.id AND COALESCE(undone.type, document.type) = 'waste') AS gone, \
     (SELECT COALESCE(SUM(variance.amount), 0) FROM cost_variance AS variance WHERE variance.lot_id = lot.id AND variance.kind IN ('cost', 'rounding')) AS variance \
     FROM lot) AS lots \
     WHERE basis_value <> on_hand + issued + variance OR basis_quantity <> quantity + gone OR (void AND (basis_value <> 0 OR on_hand <> 0 OR issued <> 0 OR variance <> 0))";

both_engines! {
    /// I4 and I9: whatever is charged, corrected and undone, in whatever order, every lot's cost is all there, and what was
    /// posted stays as it was posted.
    async fn whatever_happens_to_a_lot_its_cost_adds_up(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({ "pick": "fifo" })).await;
        let mut dice = Dice(42);
        let (mut receipts, mut posted, mut refusals) = (Vec::new(), Vec::new(), BTreeMap::<String, usize>::new());
        let mut cost = 0;
        let mut ledger = Vec::new();
        for _ in 0..120 {
            api.advance(chrono::TimeDelta::seconds(1));
            let amount = (dice.throw(7) + 1).to_string();
            let any = |dice: &mut Dice, of: &Vec<Value>| of.get(dice.throw(of.len().max(1))).cloned();
            let reply = match dice.throw(6) {
                0 => {
                    let line = |dice: &mut Dice| json!({ "sku": "EGG", "quantity": (dice.throw(5) + 1).to_string(), "line_total": format!("0.00000{}", dice.throw(9) + 1) });
                    let body = json!({ "location": WALK_IN, "lines": [line(&mut dice), line(&mut dice)] });
                    kitchen.owner.post("/v1/inventory/receipts", body).await
                }
                1 | 2 => kitchen.owner.post(WASTE, waste_body(json!([{ "sku": "EGG", "quantity": amount }]))).await,
                3 => match any(&mut dice, &receipts) {
                    Some(receipt) => charge(&kitchen.owner, &receipt, &format!("{}0.00000{amount}", ["", "-"][dice.throw(2)])).await,
                    None => continue,
                },
                4 => match any(&mut dice, &receipts) {
                    Some(receipt) => {
                        let body = json!({ "line": dice.throw(2) + 1, "quantity": amount, "line_total": format!("0.00000{}", dice.throw(9) + 1) });
                        correct(&kitchen.owner, &receipt, body).await
                    }
                    None => continue,
                },
                _ => match any(&mut dice, &posted) {
                    Some(document) => {
                        let at = ["original", "today"][dice.throw(2)];
                        let body = json!({ "reason": "other", "at": at });
                        kitchen.owner.post(&crate::reversals::path(&document), body).await
                    }
                    None => continue,
                },
            };
            if reply.status != 201 {
                assert!(matches!(reply.status, 409 | 422), "{}", reply.text);
                *refusals.entry(reply.code().to_owned()).or_default() += 1;
                continue;
            }
            let document = reply.body;
            match document["document"]["type"].as_str() {
                Some("receipt") => receipts.push(document.clone()),
                Some("cost_change") => cost += 1,
                _ => {}
            }
            posted.push(document);
            assert_eq!(number(&api, OUT_OF_BALANCE).await, 0);
            let now = kitchen.ledger().await;
            assert_eq!(now.get(..ledger.len()), Some(ledger.as_slice()), "what was posted has changed");
            ledger = now;
        }
        // The dice have thrown something of everything.
        assert!(cost > 3 && posted.len() > 60, "{cost} {}", posted.len());
        for code in ["insufficient_stock", "lot_has_later_movements", "lot_revalued_after", "already_reversed", "not_reversible"] {
            assert!(refusals.contains_key(code), "{code} is not among {refusals:?}");
        }
    }
}
