//! Usage through HTTP: what binds it, what is done where there is not enough, and what is refused.

use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, Query};
use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{NOBODY, RECEIPTS, area, column, flaws, milk, millionths, money_in, pairs, refused, revalued_at, rows, site, unit, user_of, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Reply};

pub const USAGE: &str = "/v1/inventory/usage";
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

/// Lines that are served out of the walk-in.
pub fn served(lines: Value) -> Value {
    json!({ "location": WALK_IN, "purpose": "service", "lines": lines })
}

fn take(sku: &str, quantity: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity })
}

/// Puts a lot on hold behind the program's back.
pub async fn put_on_hold(api: &Api, lot: &str) {
    // Not imported for all: JSON values are expressions, too.
    use sea_orm::sea_query::ExprTrait as _;
    let id: Uuid = lot.parse().expect("an id");
    let update = Query::update().table("lot").value("hold", "hold").and_where(Expr::col("id").eq(id)).take();
    assert_eq!(api.inventory_db().execute(&update).await.expect("an update").rows_affected(), 1);
}

/// Says that a document was a count of an item at its place, and that this is still true.
pub async fn counted(api: &Api, document: &Value, entry: &Value) {
    let id = |value: &Value| -> Uuid { text(value).parse().expect("an id") };
    let tenant = api.owner().await.tenant_id;
    let at = chrono::DateTime::<chrono::FixedOffset>::from(api.now());
    let columns = ["tenant_id", "document_id", "line_no", "item_id", "location_id", "counted_at", "quantity"];
    let values =
        [tenant.into(), id(&document["id"]).into(), 1_i64.into(), id(&entry["item_id"]).into(), id(&entry["location_id"]).into(), at.into(), 0_i64.into()];
    let insert = Query::insert().into_table("count_truth").columns(columns).values_panic(values).take();
    api.inventory_db().execute(&insert).await.expect("a count");
}

/// Receives one line at a time and answers its lot.
pub async fn lot_at(kitchen: &Kitchen, time: &str, line: Value) -> String {
    text(&kitchen.receive_at(time, json!([line])).await["entries"][0]["lot_id"])
}

/// Line, what was asked for and what there was, of every short line.
#[track_caller]
pub fn short(reply: Reply) -> Vec<(i64, String, String)> {
    let problem = reply.refused(409, "insufficient_stock");
    let lines = problem["short"].as_array().expect("short lines");
    lines.iter().map(|line| (line["line"].as_i64().expect("a line"), text(&line["requested"]), text(&line["available"]))).collect()
}

pub fn lacking<const N: usize>(expected: [(i64, &str, &str); N]) -> Vec<(i64, String, String)> {
    expected.map(|(line, requested, available)| (line, requested.to_owned(), available.to_owned())).to_vec()
}

/// Line, lot and code of every lot that could not be had.
#[track_caller]
fn conflicts(reply: Reply, code: &str) -> Vec<(i64, String, String)> {
    let problem = reply.refused(409, code);
    let lots = problem["lots"].as_array().expect("lots");
    lots.iter().map(|lot| (lot["line"].as_i64().expect("a line"), text(&lot["lot_id"]), text(&lot["code"]))).collect()
}

both_engines! {
    async fn what_is_served_leaves_with_its_value_and_can_be_read_back(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = milk(&kitchen).await;
        let bought = kitchen.receive(json!([{ "sku": "MILK", "quantity": "4", "unit": "case", "unit_price": "12.90" }])).await;
        let sent = json!({ "location": "main/walk-in", "purpose": "service", "external_ref": "TICKET-7", "lines": [{ "sku": "MILK", "quantity": "750", "unit": "ml" }] });
        let made = kitchen.owner.post(USAGE, sent).await.ok(201);
        let (id, lot, place) = (&made["document"]["id"], &bought["entries"][0]["lot_id"], &bought["document"]["location_id"]);
        let user = json!(user_of(&kitchen.owner).await);
        let expected = json!({
            "document": {
                "id": id, "type": "usage", "number": "U-000001", "status": "posted", "effective_at": "2026-11-25T12:00:00Z", "business_date": "2026-11-25",
                "recorded_at": "2026-11-25T12:00:00Z", "posted_by": user, "location_id": place, "location": "main/walk-in", "external_ref": "TICKET-7",
                "note": null, "version": 1, "purpose": "service",
                "content_hash": made["document"]["content_hash"], "chain_hash": made["document"]["chain_hash"],
                "lines": [{
                    "line_no": 1, "item_id": item["id"], "sku": "MILK", "quantity": "750", "unit": "ml", "base_quantity": "750", "base_unit": "ml",
                    "value": "-0.80625",
                }],
            },
            "entries": [{
                "seq": 2, "document_id": id, "line_no": 1, "kind": "usage", "item_id": item["id"], "sku": "MILK", "location_id": place, "lot_id": lot,
                "quantity": "-750", "unit": "ml", "value": "-0.80625", "effective_at": "2026-11-25T12:00:00Z", "business_date": "2026-11-25",
                "recorded_at": "2026-11-25T12:00:00Z", "actor_id": user, "reason": null,
            }],
            "balances": [{
                "item_id": item["id"], "sku": "MILK", "location_id": place, "lot_id": lot, "quantity": "47250", "unit": "ml", "value": "50.79375",
            }],
        });
        assert_eq!(made, expected);
        let read = kitchen.owner.get(&format!("{USAGE}/{}", text(id))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (&made["document"], &made["entries"]));
        let listed = kitchen.owner.get(USAGE).await.ok(200);
        assert_eq!((column(&listed["data"], "number"), &listed["next_cursor"]), (vec!["U-000001".to_owned()], &Value::Null));
        // A document of another kind is none of these.
        kitchen.owner.get(&format!("{USAGE}/{}", text(&bought["document"]["id"]))).await.refused(404, "not_found");
        kitchen.owner.get(&format!("/v1/inventory/waste/{}", text(id))).await.refused(404, "not_found");
    }

    async fn the_last_piece_takes_what_is_left_of_the_value(api: Api) {
        // H02, grocy#2196 and grocy#1460: two packs of twelve at 13.99 are 27.98; half of it is 13.99, and pieces leave nothing behind.
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "pack", "12", "each").await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "unit": "pack", "unit_price": "13.99" }])).await;
        assert_eq!((&bought["entries"][0]["quantity"], &bought["entries"][0]["value"]), (&json!("24"), &json!("27.98")));
        let use_up = async |quantity: &str| -millionths(&kitchen.owner.post(USAGE, served(json!([take("EGG", quantity)]))).await.ok(201)["entries"][0]["value"]);
        let mut sum = use_up("12").await;
        assert_eq!(kitchen.on_hand("EGG").await, ("12".to_owned(), "13.99".to_owned()));
        for _ in 0..12 {
            sum += use_up("1").await;
        }
        assert_eq!(sum, 27_980_000);
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
    }

    async fn the_last_day_is_the_sites_own_and_a_date_stays_a_date(api: Api) {
        // H03, odoo#98368, openboxes#6163, openboxes#5155. Qatar is three hours ahead.
        let kitchen = Kitchen::open(&api).await;
        site(&kitchen.owner, "doha", "Asia/Qatar").await;
        area(&kitchen.owner, "doha", "store").await;
        kitchen.item("LABAN", json!({})).await;
        let line = json!({ "sku": "LABAN", "quantity": "5", "unit_price": "1", "expires_on": "2025-03-30" });
        let bought = json!({ "location": "doha/store", "effective_at": "2025-03-20T08:00:00Z", "lines": [line] });
        let bought = kitchen.owner.post(RECEIPTS, bought).await.ok(201);
        let lot = text(&bought["entries"][0]["lot_id"]);
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots").await.ok(200);
        let read = kitchen.owner.get(&format!("/v1/inventory/lots/{lot}")).await.ok(200);
        for date in [&bought["document"]["lines"][0]["expires_on"], &stock["data"][0]["lots"][0]["expires_on"], &read["expires_on"]] {
            assert_eq!(date, "2025-03-30");
        }
        let at = |time: &str, line: Value| json!({ "location": "doha/store", "purpose": "service", "effective_at": time, "lines": [line] });
        let used = kitchen.owner.post(USAGE, at("2025-03-30T20:59:59Z", take("LABAN", "1"))).await.ok(201);
        assert_eq!(used["document"]["business_date"], "2025-03-30");
        let late = "2025-03-30T21:00:00Z";
        assert_eq!(short(refused(&kitchen.owner, USAGE, at(late, take("LABAN", "1"))).await), lacking([(0, "1", "0")]));
        let named = refused(&kitchen.owner, USAGE, at(late, with(take("LABAN", "1"), "lot_id", lot.as_str()))).await;
        assert_eq!(named.body["lots"][0]["expires_on"], "2025-03-30");
        assert_eq!(conflicts(named, "lot_expired"), [(0, lot, "lot_expired".to_owned())]);
    }

    async fn a_use_by_date_ends_it_and_a_best_before_date_only_after_its_grace(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("FISH", json!({})).await;
        kitchen.item("RICE", json!({ "date_kind": "best_before", "grace_days": 2 })).await;
        let line = |sku: &str, date: &str| json!({ "sku": sku, "quantity": "4", "unit_price": "1", "expires_on": date });
        // Today is the 25th.
        kitchen.receive_at(MONDAY, json!([line("FISH", "2026-11-24"), line("RICE", "2026-11-22"), line("RICE", "2026-11-23")])).await;
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("FISH", "1"), take("RICE", "5")]))).await), lacking([(0, "1", "0"), (1, "5", "4")]));
        kitchen.owner.post(USAGE, served(json!([take("RICE", "4")]))).await.ok(201);
        // Yesterday the fish was good.
        kitchen.owner.post(USAGE, with(served(json!([take("FISH", "1")])), "effective_at", TUESDAY)).await.ok(201);
    }

    async fn holds_expiry_and_reservations_bind_usage_and_none_of_what_gets_rid_of_things(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let line = |sku: &str, date: Value| json!({ "sku": sku, "quantity": "9", "unit_price": "1", "expires_on": date });
        let mut lots = Vec::new();
        for (sku, date) in [("HELD", Value::Null), ("OLD", json!("2026-11-24")), ("SET-ASIDE", Value::Null)] {
            kitchen.item(sku, json!({})).await;
            lots.push(lot_at(&kitchen, MONDAY, line(sku, date)).await);
        }
        put_on_hold(&api, &lots[0]).await;
        let reserved = json!({ "location": WALK_IN, "sku": "SET-ASIDE", "quantity": "9" });
        owner.post("/v1/inventory/reservations", reserved).await.ok(201);

        for sku in ["HELD", "OLD", "SET-ASIDE"] {
            assert_eq!(short(refused(owner, USAGE, served(json!([take(sku, "1")]))).await), lacking([(0, "1", "0")]), "{sku}");
        }
        let named = |sku: &str, lot: &str| with(take(sku, "1"), "lot_id", lot);
        for (sku, lot, code) in [("HELD", &lots[0], "lot_on_hold"), ("OLD", &lots[1], "lot_expired")] {
            let reply = refused(owner, USAGE, served(json!([named(sku, lot)]))).await;
            assert_eq!(conflicts(reply, code), [(0, lot.clone(), code.to_owned())]);
        }
        // A named lot is set aside as much as a picked one.
        assert_eq!(short(refused(owner, USAGE, served(json!([named("SET-ASIDE", &lots[2])]))).await), lacking([(0, "1", "0")]));
        // Recording what is missing does not get round any of them.
        let recorded = owner.post(USAGE, with(served(json!([take("HELD", "1"), take("OLD", "1"), take("SET-ASIDE", "1")])), "on_short", "record")).await.ok(201);
        assert_eq!((&recorded["entries"], column(&recorded["shortages"], "quantity")), (&json!([]), vec!["1".to_owned(), "1".to_owned(), "1".to_owned()]));

        for (sku, lot) in [("HELD", &lots[0]), ("OLD", &lots[1]), ("SET-ASIDE", &lots[2])] {
            for line in [take(sku, "1"), named(sku, lot)] {
                owner.post("/v1/inventory/waste", waste_body(json!([line.clone()]))).await.ok(201);
                let returned = json!({ "location": WALK_IN, "lines": [with(line.clone(), "reason", "quality")] });
                owner.post("/v1/inventory/vendor-returns", returned).await.ok(201);
                let less = json!({ "location": WALK_IN, "lines": [with(with(line, "reason", "missing"), "quantity", "-1")] });
                owner.post("/v1/inventory/adjustments", less).await.ok(201);
            }
            assert_eq!(kitchen.on_hand(sku).await.0, "3", "{sku}");
        }
        hold(&api).await;
    }

    async fn what_is_on_hold_is_no_part_of_what_is_available(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let held = lot_at(&kitchen, MONDAY, json!({ "sku": "EGG", "quantity": "4", "unit_price": "1" })).await;
        let free = lot_at(&kitchen, TUESDAY, json!({ "sku": "EGG", "quantity": "6", "unit_price": "2" })).await;
        put_on_hold(&api, &held).await;
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots").await.ok(200);
        assert_eq!((&stock["data"][0]["quantity"], &stock["data"][0]["available"]), (&json!("10"), &json!("6")));
        assert_eq!(column(&stock["data"][0]["lots"], "status"), ["hold", "ok"]);
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("EGG", "7")]))).await), lacking([(0, "7", "6")]));
        // It is skipped, though it came first.
        let used = kitchen.owner.post(USAGE, served(json!([take("EGG", "6")]))).await.ok(201);
        assert_eq!(column(&used["entries"], "lot_id"), [free]);
    }

    async fn what_is_missing_is_recorded_where_that_is_asked_for(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "tray", "30", "each").await;
        kitchen.item("HAM", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "20", "line_total": "5" }])).await;
        let sent = served(json!([{ "sku": "EGG", "quantity": "1", "unit": "tray" }, take("HAM", "2"), take("EGG", "1")]));
        assert_eq!(short(refused(&kitchen.owner, USAGE, sent.clone()).await), lacking([(0, "30", "20"), (1, "2", "0")]));
        let posted = kitchen.owner.post(USAGE, with(sent, "on_short", "record")).await.ok(201);
        assert_eq!(column(&posted["entries"], "quantity"), ["-20"]);
        assert_eq!(column(&posted["document"]["lines"], "base_quantity"), ["30", "2", "1"]);
        assert_eq!(column(&posted["document"]["lines"], "short_quantity"), ["10", "2", "1"]);
        assert_eq!(column(&posted["document"]["lines"], "value"), ["-5", "0", "0"]);
        let shortages = &posted["shortages"];
        assert_eq!((column(shortages, "sku"), column(shortages, "quantity")), (vec!["EGG".into(), "HAM".into(), "EGG".into()], vec!["10".into(), "2".into(), "1".into()]));
        assert_eq!(shortages.as_array().expect("shortages").iter().map(|it| it["line_no"].as_i64()).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
        let read = kitchen.owner.get(&format!("{USAGE}/{}", text(&posted["document"]["id"]))).await.ok(200);
        assert_eq!(read["document"], posted["document"]);
        // Where there is enough nothing is missing.
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "1", "line_total": "1" }])).await;
        let enough = kitchen.owner.post(USAGE, with(served(json!([take("HAM", "1")])), "on_short", "record")).await.ok(201);
        assert_eq!((enough.get("shortages"), enough["document"]["lines"][0].get("short_quantity")), (None, None));
        hold(&api).await;
    }

    async fn a_donation_says_who_gets_it_and_nothing_else_does(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "20", "line_total": "5" }])).await;
        for purpose in ["service", "staff_meal", "sample", "event"] {
            let sent = with(served(json!([take("EGG", "1")])), "purpose", purpose);
            assert_eq!(flaws(&refused(&kitchen.owner, USAGE, with(sent.clone(), "recipient", "The shelter")).await), pairs([("/recipient", "only_of_donations")]));
            assert_eq!(kitchen.owner.post(USAGE, sent).await.ok(201)["document"]["purpose"], purpose);
        }
        let sent = with(served(json!([take("EGG", "1")])), "purpose", "donation");
        for recipient in [json!({}), json!({ "recipient": null })] {
            let mut sent = sent.clone();
            sent.as_object_mut().expect("a body").extend(recipient.as_object().expect("fields").clone());
            assert_eq!(flaws(&refused(&kitchen.owner, USAGE, sent).await), pairs([("/recipient", "required")]));
        }
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, with(sent.clone(), "recipient", "x".repeat(201))).await), pairs([("/recipient", "wrong_length")]));
        let given = kitchen.owner.post(USAGE, with(sent, "recipient", "The shelter")).await.ok(201);
        assert_eq!((&given["document"]["purpose"], &given["document"]["recipient"]), (&json!("donation"), &json!("The shelter")));
        let read = kitchen.owner.get(&format!("{USAGE}/{}", text(&given["document"]["id"]))).await.ok(200);
        assert_eq!(read["document"], given["document"]);
    }

    async fn everything_that_is_wrong_is_told_at_once_with_its_place(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("WINE", json!({ "pick": "manual" })).await;
        let sent = json!({
            "purpose": "lunch", "on_short": "maybe", "counted": "yes",
            "lines": [{ "sku": "EGG", "quantity": 1, "reason": "x", "reservation_id": "R1" }, { "quantity": "-1", "lot_id": 7 }],
        });
        let mut expected = pairs([
            ("", "exactly_one"),
            ("/purpose", "invalid_choice"),
            ("/on_short", "invalid_choice"),
            ("/counted", "invalid_choice"),
            ("/lines/0/quantity", "decimal_string_required"),
            ("/lines/0/reason", "unknown_field"),
            ("/lines/0/reservation_id", "invalid_id"),
            ("/lines/1", "exactly_one"),
            ("/lines/1/quantity", "not_positive"),
            ("/lines/1/lot_id", "invalid_id"),
        ]);
        let mut found = flaws(&refused(&kitchen.owner, USAGE, sent).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, json!({ "location": WALK_IN, "lines": [take("EGG", "1")] })).await), pairs([("/purpose", "required")]));
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, served(json!([]))).await), pairs([("/lines", "wrong_length")]));
        let lines = json!([take("HEN", "1"), { "sku": "EGG", "quantity": "1", "unit": "ml" }, with(take("EGG", "1"), "item_id", Value::Null)]);
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, served(lines)).await), pairs([("/lines/0/sku", "item_not_found"), ("/lines/1/unit", "unit_unknown")]));
        let lines = json!([take("WINE", "1"), with(take("EGG", "1"), "lot_id", NOBODY), with(take("EGG", "1"), "reservation_id", NOBODY)]);
        let expected = pairs([("/lines/0/lot_id", "lot_required"), ("/lines/1/lot_id", "lot_not_found"), ("/lines/2/reservation_id", "reservation_not_found")]);
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, served(lines)).await), expected);
    }

    async fn who_may_not_use_stock_is_refused_and_writes_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "9", "unit_price": "1" }])).await;
        let sent = served(json!([take("EGG", "1")]));
        let before = rows(&api).await;
        api.call("POST", USAGE).header("Idempotency-Key", "k").json(&sent).send().await.refused(401, "token_invalid");
        assert_eq!(rows(&api).await, before);
        refused(&api.member("viewer", None).await, USAGE, sent.clone()).await.refused(403, "forbidden");
        refused(&api.member("staff", Some(&[annex])).await, USAGE, sent.clone()).await.refused(403, "forbidden");
        let staff = api.member("staff", None).await;
        refused(&staff, USAGE, with(sent.clone(), "effective_at", TUESDAY)).await.refused(403, "forbidden");
        let posted = staff.post(USAGE, sent.clone()).await.ok(201);
        assert_eq!(money_in(&posted), [].into(), "{posted}");
        let id = text(&posted["document"]["id"]);
        let seen = api.member("viewer", Some(&[annex])).await.get(&format!("{USAGE}/{id}")).await;
        seen.refused(404, "not_found");
        api.get(USAGE).await.refused(401, "token_invalid");
        // Another tenant's names do not exist.
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("EGG", json!({})).await;
        other.owner.get(&format!("{USAGE}/{id}")).await.refused(404, "not_found");
        assert_eq!(other.owner.get(USAGE).await.ok(200)["data"], json!([]));
        let (lot, item) = (text(&posted["entries"][0]["lot_id"]), &posted["entries"][0]["item_id"]);
        let lines = json!([with(take("EGG", "1"), "lot_id", lot)]);
        assert_eq!(flaws(&refused(&other.owner, USAGE, served(lines)).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
        let lines = json!([{ "item_id": item, "quantity": "1" }]);
        assert_eq!(flaws(&refused(&other.owner, USAGE, served(lines)).await), pairs([("/lines/0/item_id", "item_not_found")]));
        assert_eq!(kitchen.on_hand("EGG").await.0, "8");
    }

    async fn a_usage_that_is_sent_twice_happens_once(api: Api) {
        // C28, square/connect-api-examples#135, grocy#2619.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "unit_price": "0.30" }])).await;
        let owner = &kitchen.owner;
        let before = rows(&api).await;
        owner.post_without_key(USAGE, served(json!([take("EGG", "1")]))).await.refused(400, "idempotency_key_required");
        owner.post_with_key(USAGE, "retry", served(json!([take("EGG", "2")]))).await.refused(409, "insufficient_stock");
        assert_eq!(rows(&api).await, before);
        let first = owner.post_with_key(USAGE, "retry", served(json!([take("EGG", "1")]))).await.ok(201);
        let again = owner.post_with_key(USAGE, "retry", served(json!([take("EGG", "1")]))).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));
        owner.post_with_key(USAGE, "retry", served(json!([take("EGG", "2")]))).await.refused(422, "idempotency_key_reused");
        assert_eq!(kitchen.ledger().await.len(), 2);
        // A recorded shortage is answered again as it was.
        let short = with(served(json!([take("EGG", "1")])), "on_short", "record");
        let first = owner.post_with_key(USAGE, "short", short.clone()).await.ok(201);
        assert_eq!(owner.post_with_key(USAGE, "short", short).await.ok(201), first);
        assert_eq!(column(&first["shortages"], "quantity"), ["1"]);
    }

    async fn a_count_that_was_posted_since_is_not_made_untrue_by_accident(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive_at(MONDAY, json!([{ "sku": "EGG", "quantity": "9", "unit_price": "1" }])).await;
        counted(&api, &bought["document"], &bought["entries"][0]).await;
        let owner = &kitchen.owner;
        let early = |body: Value| with(body, "effective_at", TUESDAY);
        let all = [
            (USAGE, early(served(json!([take("EGG", "1")])))),
            ("/v1/inventory/waste", early(waste_body(json!([take("EGG", "1")])))),
            ("/v1/inventory/vendor-returns", early(json!({ "location": WALK_IN, "lines": [with(take("EGG", "1"), "reason", "quality")] }))),
            ("/v1/inventory/adjustments", early(json!({ "location": WALK_IN, "lines": [with(take("EGG", "-1"), "reason", "missing")] }))),
            (RECEIPTS, early(json!({ "location": WALK_IN, "lines": [with(take("EGG", "1"), "unit_price", "1")] }))),
        ];
        for (path, sent) in &all {
            let problem = refused(owner, path, sent.clone()).await.refused(409, "counted_since");
            assert_eq!(problem["counts"][0]["document_id"], bought["document"]["id"], "{path}");
        }
        let (path, sent) = &all[0];
        owner.post(path, with(sent.clone(), "counted", "not_included")).await.ok(201);
        // The count is marked: nothing more is asked.
        owner.post(path, sent.clone()).await.ok(201);
    }

    async fn a_lot_whose_cost_was_changed_later_is_not_had_before(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = lot_at(&kitchen, MONDAY, json!({ "sku": "EGG", "quantity": "5", "unit_price": "1" })).await;
        revalued_at(&api, &lot, api.now().plus(chrono::TimeDelta::hours(-1))).await;
        let named = with(served(json!([with(take("EGG", "1"), "lot_id", lot.as_str())])), "effective_at", TUESDAY);
        assert_eq!(conflicts(refused(&kitchen.owner, USAGE, named).await, "lot_revalued_after"), [(0, lot, "lot_revalued_after".to_owned())]);
    }

    async fn ten_of_twenty_at_once_get_the_ten_that_there_are(api: Api) {
        // C25, odoo#32857.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "4", "unit_price": "1" }, { "sku": "EGG", "quantity": "6", "unit_price": "2" }])).await;
        let replies = join_all((0..20).map(|_| kitchen.owner.post(USAGE, served(json!([take("EGG", "1")]))))).await;
        let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
        assert_eq!((made.len(), refused.len()), (10, 10));
        for reply in refused {
            assert_eq!(short(reply), lacking([(0, "1", "0")]));
        }
        assert_eq!(kitchen.on_hand("EGG").await, ("0".to_owned(), "0".to_owned()));
        let mut numbers: Vec<_> = made.iter().map(|reply| text(&reply.body["document"]["number"])).collect();
        numbers.sort();
        assert_eq!(numbers, (1..=10).map(|number| format!("U-{number:06}")).collect::<Vec<_>>());
    }

    async fn of_32_takers_as_many_succeed_as_there_is_for_and_a_shortage_takes_the_rest(api: Api) {
        // I7: 53 over 3.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let lines = |sku: &str| json!([{ "sku": sku, "quantity": "40", "line_total": "10" }, { "sku": sku, "quantity": "13", "line_total": "7" }]);
        kitchen.receive(lines("EGG")).await;
        kitchen.receive(lines("HAM")).await;
        let use_of = |sku: &str, on_short: &str| kitchen.owner.post(USAGE, with(served(json!([take(sku, "3")])), "on_short", on_short));
        let (refusing, recording) = futures::join!(
            join_all((0..32).map(|_| use_of("EGG", "refuse")).collect::<Vec<_>>()),
            join_all((0..32).map(|_| use_of("HAM", "record")).collect::<Vec<_>>()),
        );
        assert_eq!(refusing.iter().filter(|reply| reply.status == 201).count(), 17);
        assert!(refusing.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "insufficient_stock"));
        assert_eq!(kitchen.on_hand("EGG").await.0, "2");
        // 32 times 3 were wanted and 53 were there.
        assert!(recording.iter().all(|reply| reply.status == 201));
        let missing = recording.iter().flat_map(|reply| reply.body["shortages"].as_array().cloned().unwrap_or_default());
        assert_eq!(missing.map(|shortage| millionths(&shortage["quantity"])).sum::<i64>(), 43_000_000);
        assert_eq!(kitchen.on_hand("HAM").await, ("0".to_owned(), "0".to_owned()));
        hold(&api).await;
    }

    async fn what_lies_elsewhere_is_not_served_here(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let there = json!({ "location": DRY_STORE, "lines": [{ "sku": "EGG", "quantity": "5", "unit_price": "1" }] });
        kitchen.owner.post(RECEIPTS, there).await.ok(201);
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("EGG", "1")]))).await), lacking([(0, "1", "0")]));
    }
}
