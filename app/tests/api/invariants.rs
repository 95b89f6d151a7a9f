//! The ledger's invariants (design: ledger.md, I1 to I20) through HTTP, for the kinds of movement that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use kernel::{Ids, Instant};
use larder::Surroundings;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, Engine, START, Stores, fixed_clock, fresh};

#[derive(Debug, FromQueryResult)]
struct Sum {
    place: String,
    quantity: i64,
    value: i64,
}

async fn sums(api: &Api, sql: &str) -> BTreeMap<String, (i64, i64)> {
    let database = api.inventory_db();
    let rows = Sum::find_by_statement(Statement::from_string(database.get_database_backend(), sql)).all(database).await.expect("sums");
    rows.into_iter().map(|row| (row.place, (row.quantity, row.value))).collect()
}

/// A place as text, the same from both tables.
fn place(api: &Api) -> &'static str {
    match api.engine() {
        Engine::Sqlite => "hex(tenant_id) || hex(item_id) || hex(location_id) || hex(lot_id)",
        Engine::Postgres => "tenant_id::text || item_id::text || location_id::text || lot_id::text",
    }
}

/// I1, I2 and I4 over the whole database, I2 at every instant that ever was.
pub async fn hold(api: &Api) {
    let place = place(api);
    let entries = format!(
        "SELECT {place} AS place, CAST(SUM(quantity_delta) AS BIGINT) AS quantity, CAST(SUM(value_delta) AS BIGINT) AS value FROM ledger_entry GROUP BY 1"
    );
    let entries = sums(api, &entries).await;
    let balances = sums(api, &format!("SELECT {place} AS place, quantity, value FROM balance")).await;
    assert_eq!(entries, balances, "I1: entries sum to the balances");
    for (place, (quantity, value)) in &balances {
        assert!(*quantity >= 0 && *value >= 0 && (*quantity > 0 || *value == 0), "I2: {place} holds {quantity} worth {value}");
    }
    let running = format!(
        "SELECT {place} AS place, CAST(SUM(quantity_delta) OVER past AS BIGINT) AS quantity, CAST(SUM(value_delta) OVER past AS BIGINT) AS value, \
         CAST(COUNT(*) OVER past AS BIGINT) AS movements FROM ledger_entry \
         WINDOW past AS (PARTITION BY tenant_id, item_id, location_id, lot_id ORDER BY effective_at, CASE WHEN quantity_delta >= 0 THEN 0 ELSE 1 END, seq)"
    );
    // What stood on nothing: value beyond one millionth per movement, where the quantity was zero.
    let on_nothing = "CASE WHEN quantity = 0 AND abs(value) > movements THEN 1 ELSE 0 END";
    let lowest =
        format!("SELECT place, CAST(MIN(quantity) AS BIGINT) AS quantity, CAST(MAX({on_nothing}) AS BIGINT) AS value FROM ({running}) AS run GROUP BY place");
    for (place, (quantity, on_nothing)) in sums(api, &lowest).await {
        assert!(quantity >= 0, "I2: {place} once held {quantity}");
        assert_eq!(on_nothing, 0, "I2: {place} once held nothing that was worth something");
    }
    let lot = if api.engine() == Engine::Sqlite { "hex(lot.id)" } else { "lot.id::text" };
    // What came onto a lot is all that is no issue (an issue that is undone is none), and what no shelf took of its cost.
    let root = "CASE WHEN entry.kind = 'reversal' THEN (SELECT MIN(undone.kind) FROM document_detail AS detail \
        JOIN ledger_entry AS undone ON undone.tenant_id = detail.tenant_id AND undone.document_id = detail.reverses_id \
        WHERE detail.tenant_id = entry.tenant_id AND detail.document_id = entry.document_id AND undone.line_no = entry.line_no AND undone.lot_id = entry.lot_id \
        AND undone.location_id = entry.location_id AND undone.quantity_delta = -entry.quantity_delta AND undone.value_delta = -entry.value_delta) \
        ELSE entry.kind END";
    let came = format!(
        "SELECT entry.tenant_id, entry.lot_id, entry.quantity_delta, entry.value_delta FROM (SELECT entry.*, {root} AS root FROM ledger_entry AS entry) AS entry \
         WHERE entry.root NOT IN ('waste', 'usage', 'vendor_return', 'transit_loss', 'count_loss', 'transformation_in') \
         AND NOT (entry.root = 'adjustment' AND (entry.quantity_delta < 0) <> (entry.kind = 'reversal'))"
    );
    let varied = "SELECT COALESCE(SUM(amount), 0) FROM cost_variance AS variance WHERE variance.tenant_id = lot.tenant_id AND variance.lot_id = lot.id AND variance.kind <> 'return'";
    let of_lots = format!(
        "SELECT {lot} AS place, CAST(basis_quantity - COALESCE(SUM(came.quantity_delta), 0) AS BIGINT) AS quantity, \
         CAST(basis_value - COALESCE(SUM(came.value_delta), 0) - ({varied}) AS BIGINT) AS value \
         FROM lot LEFT JOIN ({came}) AS came ON came.tenant_id = lot.tenant_id AND came.lot_id = lot.id GROUP BY lot.tenant_id, lot.id, basis_quantity, basis_value"
    );
    for (lot, difference) in sums(api, &of_lots).await {
        assert_eq!(difference, (0, 0), "I4: all that came onto lot {lot} is on hand, issued or a variance");
    }
    crate::verify::holds(api).await;
}

/// One random posting; what is refused for a rule of the ledger is part of the script.
async fn random_step(kitchen: &Kitchen, random: &mut StdRng, start: Instant) -> u16 {
    let at = start.plus(chrono::TimeDelta::minutes(-random.random_range(0..20_000)));
    let location = if random.random_bool(0.7) { WALK_IN } else { DRY_STORE };
    let sku = |random: &mut StdRng| ["FEFO", "FIFO", "LIQUID"][random.random_range(0..3)];
    let quantity =
        |random: &mut StdRng| if random.random_bool(0.5) { random.random_range(1..9).to_string() } else { format!("0.{:06}", random.random_range(1..999_999)) };
    let count = random.random_range(1..4);
    if random.random_bool(0.45) {
        let lines: Vec<Value> = (0..count)
            .map(|_| {
                let expires_on = random.random_bool(0.6).then(|| format!("2026-12-{:02}", random.random_range(1..9)));
                let price = format!("{}.{:03}", random.random_range(0..30), random.random_range(1..999));
                json!({ "sku": sku(random), "quantity": quantity(random), "line_total": price, "expires_on": expires_on })
            })
            .collect();
        let charges = json!([{ "label": "delivery", "amount": format!("{}.01", random.random_range(0..5)), "basis": "value" }]);
        return kitchen
            .owner
            .post("/v1/inventory/receipts", json!({ "location": location, "effective_at": at, "lines": lines, "charges": charges }))
            .await
            .status;
    }
    let lines: Vec<Value> = (0..count).map(|_| json!({ "sku": sku(random), "quantity": quantity(random), "reason": "spoiled" })).collect();
    kitchen.owner.post("/v1/inventory/waste", json!({ "location": location, "effective_at": at, "lines": lines })).await.status
}

/// A number of millionths.
fn millionths(value: &Value) -> i64 {
    let text = text(value);
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let magnitude = whole.trim_start_matches('-').parse::<i64>().expect("digits") * 1_000_000 + format!("{part:0<6}").parse::<i64>().expect("digits");
    if text.starts_with('-') { -magnitude } else { magnitude }
}

/// I16, from what can be read: every document took from the lots in the item's order, each to its end before the next.
async fn picks_skip_nothing(kitchen: &Kitchen) {
    let lots = kitchen.owner.get("/v1/inventory/lots?limit=500&in_stock=false").await.ok(200);
    let lots: Vec<Value> = lots["data"].as_array().expect("lots").clone();
    let ledger = kitchen.ledger().await;
    let instant = |entry: &Value| Instant::parse(&text(&entry["effective_at"])).expect("a time");
    let mut checked = 0;
    let wastes: BTreeSet<String> = ledger.iter().filter(|entry| entry["kind"] == "waste").map(|entry| text(&entry["document_id"])).collect();
    for document in wastes {
        let own: Vec<&Value> = ledger.iter().filter(|entry| entry["document_id"] == document.as_str()).collect();
        let (first, at) = (own[0]["seq"].as_i64(), instant(own[0]));
        for (sku, location) in own.iter().map(|entry| (text(&entry["sku"]), text(&entry["location_id"]))).collect::<BTreeSet<_>>() {
            // What could be taken of a lot, from the entries before this document: the lowest that ever was from then on.
            let takeable = |lot: &Value| {
                let here = |entry: &&Value| entry["seq"].as_i64() < first && entry["lot_id"] == lot["id"] && entry["location_id"] == location.as_str();
                let mut movements: Vec<(Instant, i64)> = ledger.iter().filter(here).map(|entry| (instant(entry), millionths(&entry["quantity"]))).collect();
                movements.sort_by_key(|(at, quantity)| (*at, -quantity));
                let (mut running, mut lowest) = (0, i64::MAX);
                let last_before = movements.iter().filter(|(then, _)| *then <= at).count();
                for (place, (_, quantity)) in (1..).zip(&movements) {
                    running += quantity;
                    if place >= last_before {
                        lowest = lowest.min(running);
                    }
                }
                if last_before == 0 { 0 } else { lowest.max(0) }
            };
            let mut order: Vec<&Value> =
                lots.iter().filter(|lot| lot["sku"] == sku.as_str() && Instant::parse(&text(&lot["received_at"])).expect("a time") <= at).collect();
            let origin = |lot: &Value| ledger.iter().find(|entry| entry["lot_id"] == lot["id"]).and_then(|entry| entry["seq"].as_i64());
            let date = |lot: &Value| if sku == "FIFO" { String::new() } else { lot["expires_on"].as_str().unwrap_or("9999-12-31").to_owned() };
            order.sort_by_key(|lot| (date(lot), Instant::parse(&text(&lot["received_at"])), origin(lot)));
            let taken = |lot: &Value| -> i64 {
                let of_lot = own.iter().filter(|entry| entry["lot_id"] == lot["id"] && entry["location_id"] == location.as_str());
                of_lot.map(|entry| -millionths(&entry["quantity"])).sum()
            };
            let last = order.iter().rposition(|lot| taken(lot) > 0).expect("a lot");
            for lot in &order[..last] {
                assert_eq!(taken(lot), takeable(lot), "I16: {document} left some of {} and took of a later lot", lot["id"]);
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "only {checked} picks went past a first lot");
}

async fn stocked(api: &Api) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    kitchen.item("FEFO", json!({})).await;
    kitchen.item("FIFO", json!({ "pick": "fifo", "base_unit": "g" })).await;
    kitchen.item("LIQUID", json!({ "base_unit": "ml", "shelf_life_days": 4 })).await;
    kitchen
}

async fn random_script(kitchen: &Kitchen, seed: u64, steps: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let start = Instant::parse(START).expect("a time");
    let mut posted = 0;
    for _ in 0..steps {
        let status = random_step(kitchen, &mut random, start).await;
        assert!([201, 409].contains(&status), "seed {seed}: {status}");
        posted += usize::from(status == 201);
    }
    assert!(posted > steps / 3, "seed {seed}: only {posted} of {steps} were posted");
}

both_engines! {
    async fn random_scripts_keep_sums_signs_and_lots(api: Api) {
        let kitchen = stocked(&api).await;
        for seed in 0..3 {
            random_script(&kitchen, seed, 120).await;
            hold(&api).await;
        }
        picks_skip_nothing(&kitchen).await;
        // The feed has every number once.
        let ledger = kitchen.ledger().await;
        assert!(ledger.iter().zip(1..).all(|(entry, seq)| entry["seq"] == seq));
    }

    async fn of_32_takers_as_many_succeed_as_there_is_for(api: Api) {
        let kitchen = stocked(&api).await;
        kitchen.receive(json!([{ "sku": "FEFO", "quantity": "40", "line_total": "10" }, { "sku": "FEFO", "quantity": "13", "line_total": "7" }])).await;
        let take = || kitchen.owner.post("/v1/inventory/waste", waste_body(json!([{ "sku": "FEFO", "quantity": "3" }])));
        let replies = join_all((0..32).map(|_| take())).await;
        // I7: 53 over 3.
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 17);
        assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "insufficient_stock"));
        assert_eq!(kitchen.on_hand("FEFO").await.0, "2");
        hold(&api).await;
    }

    async fn takers_of_many_items_in_any_order_never_lock_each_other_out(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let skus: Vec<String> = (0..6).map(|number| format!("SKU{number}")).collect();
        for sku in &skus {
            kitchen.item(sku, json!({})).await;
        }
        let receive = |seed: u64| {
            let (kitchen, skus) = (kitchen.clone(), skus.clone());
            async move {
                let mut random = StdRng::seed_from_u64(seed);
                let mut statuses = Vec::new();
                for round in 0..4 {
                    let lines: Vec<Value> = (0..4).map(|_| json!({ "sku": skus[random.random_range(0..skus.len())], "quantity": "2", "line_total": "1", "reason": "spoiled" })).collect();
                    let body = |keep: &str| {
                        let strip = |line: &Value| { let mut line = line.clone(); line.as_object_mut().expect("a line").remove(keep); line };
                        json!({ "location": WALK_IN, "lines": lines.iter().map(strip).collect::<Vec<_>>() })
                    };
                    let reply = if round % 2 == 0 {
                        kitchen.owner.post("/v1/inventory/receipts", body("reason")).await
                    } else {
                        kitchen.owner.post("/v1/inventory/waste", body("line_total")).await
                    };
                    statuses.push((reply.status, reply.code().to_owned()));
                }
                statuses
            }
        };
        let statuses: Vec<_> = join_all((0..32).map(receive)).await.into_iter().flatten().collect();
        let wrong: Vec<_> = statuses.iter().filter(|(status, code)| *status != 201 && code != "insufficient_stock").collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        hold(&api).await;
    }

    async fn of_32_requests_with_one_key_one_is_done_and_all_are_answered(api: Api) {
        let kitchen = stocked(&api).await;
        let key = fresh("same");
        let body = json!({ "location": WALK_IN, "lines": [{ "sku": "FEFO", "quantity": "1", "line_total": "2" }] });
        let replies = join_all((0..32).map(|_| kitchen.owner.post_with_key("/v1/inventory/receipts", &key, body.clone()))).await;
        // I8: whoever waited too long for the first may ask again.
        let answered: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.code() == "idempotency_in_progress"), "{replies:?}");
        let documents: BTreeSet<String> = answered.iter().map(|reply| reply.body.to_string()).collect();
        assert_eq!((documents.len(), answered.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count()), (1, 1));
        assert_eq!(kitchen.on_hand("FEFO").await, ("1".to_owned(), "2".to_owned()));
    }

    async fn a_refused_posting_leaves_no_row_and_its_key_free(api: Api) {
        let kitchen = stocked(&api).await;
        kitchen.receive(json!([{ "sku": "FEFO", "quantity": "2", "line_total": "1" }])).await;
        let before = rows(&api).await;
        let key = fresh("corrected");
        let waste = |quantity: &str| waste_body(json!([{ "sku": "FEFO", "quantity": "1" }, { "sku": "FIFO", "quantity": quantity }]));
        kitchen.owner.post_with_key("/v1/inventory/waste", &key, waste("1")).await.refused(409, "insufficient_stock");
        kitchen.owner.post_with_key("/v1/inventory/waste", &key, json!({ "location": "main/cellar", "lines": [] })).await.refused(422, "invalid_request");
        let tomorrow = json!({ "location": WALK_IN, "effective_at": "2026-11-26T12:00:00Z", "lines": [{ "sku": "FEFO", "quantity": "1", "line_total": "1" }] });
        kitchen.owner.post_with_key("/v1/inventory/receipts", &key, tomorrow).await.refused(422, "invalid_request");
        // I18
        assert_eq!(rows(&api).await, before);
        kitchen.owner.post_with_key("/v1/inventory/waste", &key, waste_body(json!([{ "sku": "FEFO", "quantity": "1" }]))).await.ok(201);
    }

    async fn a_posting_that_fails_among_others_takes_none_of_them_along(api: Api) {
        // On SQLite all of these share a transaction of the writer; each is its own savepoint.
        let kitchen = stocked(&api).await;
        let post = |number: usize| {
            let owner = kitchen.owner.clone();
            async move {
                let quantity = if number.is_multiple_of(3) { "0.0000001" } else { "1" };
                let unit = if number % 3 == 1 { "furlong" } else { "each" };
                let lines = json!([{ "sku": "FEFO", "quantity": quantity, "unit": unit, "line_total": "1" }]);
                owner.post("/v1/inventory/receipts", json!({ "location": WALK_IN, "lines": lines })).await.status
            }
        };
        let statuses = join_all((0..30).map(post)).await;
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 10);
        assert_eq!(kitchen.on_hand("FEFO").await, ("10".to_owned(), "10".to_owned()));
        hold(&api).await;
    }

    async fn no_row_of_one_tenant_is_there_for_another(api: Api) {
        let kitchen = stocked(&api).await;
        let receipt = kitchen.receive(json!([{ "sku": "FEFO", "quantity": "2", "line_total": "1" }])).await;
        let waste = kitchen.waste(json!([{ "sku": "FEFO", "quantity": "1" }])).await;
        let stranger = api.other_tenant().await;
        let id = |value: &Value| text(value);
        let lot = id(&receipt["entries"][0]["lot_id"]);
        let (item, location) = (id(&receipt["entries"][0]["item_id"]), id(&receipt["entries"][0]["location_id"]));
        for path in [
            format!("/receipts/{}", id(&receipt["document"]["id"])),
            format!("/documents/{}", id(&receipt["document"]["id"])),
            format!("/waste/{}", id(&waste["document"]["id"])),
            format!("/lots/{lot}"),
            format!("/items/{item}"),
            format!("/locations/{location}"),
        ] {
            kitchen.owner.get(&format!("/v1/inventory{path}")).await.ok(200);
            stranger.get(&format!("/v1/inventory{path}")).await.refused(404, "not_found");
        }
        for list in ["/stock", "/lots", "/ledger", "/documents", "/receipts", "/waste", "/items", "/locations"] {
            assert_eq!(stranger.get(&format!("/v1/inventory{list}")).await.ok(200)["data"], json!([]), "{list}");
        }
        assert_eq!(stranger.get("/v1/inventory/reports/valuation").await.ok(200)["total"], "0");
        // Naming them changes nothing and locks nothing.
        let before = rows(&api).await;
        Kitchen::of(stranger.clone()).await.item("OWN", json!({})).await;
        let own = rows(&api).await;
        let foreign_item = json!({ "location": WALK_IN, "lines": [{ "item_id": item, "quantity": "1", "line_total": "1" }] });
        let foreign_location = json!({ "location_id": location, "lines": [{ "sku": "OWN", "quantity": "1", "line_total": "1" }] });
        for body in [foreign_item, foreign_location] {
            stranger.post("/v1/inventory/receipts", body).await.refused(422, "invalid_request");
        }
        let foreign_lot = waste_body(json!([{ "sku": "OWN", "quantity": "1", "lot_id": lot }]));
        let refused = stranger.post("/v1/inventory/waste", foreign_lot).await;
        assert_eq!(refused.violations(), [("/lines/0/lot_id".to_owned(), "lot_not_found".to_owned())]);
        assert_eq!(rows(&api).await, own);
        assert_ne!(own, before);
        assert_eq!(kitchen.on_hand("FEFO").await.0, "1");
    }

    async fn the_ledger_refuses_to_be_changed_by_sql(api: Api) {
        let kitchen = stocked(&api).await;
        kitchen.receive(json!([{ "sku": "FEFO", "quantity": "2", "line_total": "1" }])).await;
        let database = api.inventory_db();
        let mut attempts = vec!["UPDATE ledger_entry SET value_delta = 0", "DELETE FROM ledger_entry"];
        match api.engine() {
            Engine::Postgres => attempts.push("TRUNCATE ledger_entry"),
            // As on every connection of the program; another one must say so itself.
            Engine::Sqlite => attempts.push("PRAGMA recursive_triggers = ON; INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry"),
        }
        for attempt in attempts {
            let error = database.execute_unprepared(attempt).await.expect_err(attempt);
            assert!(error.to_string().contains("never changed or deleted"), "{attempt}: {error}");
        }
        hold(&api).await;
    }

    async fn every_document_is_linked_to_the_one_before(api: Api) {
        let kitchen = stocked(&api).await;
        let mut chain = "0".repeat(64);
        for number in 1..=3_i64 {
            let posted = kitchen.receive(json!([{ "sku": "FEFO", "quantity": "2", "line_total": "1" }, { "sku": "FIFO", "quantity": "1", "line_total": "1" }])).await;
            let document = &posted["document"];
            let last_seq = posted["entries"][1]["seq"].as_i64().expect("a number");
            chain = link(&chain, number, last_seq, &text(&document["content_hash"]));
            assert_eq!(document["chain_hash"], chain);
        }
    }

    async fn a_documents_hash_is_that_of_its_content(api: Api) {
        let kitchen = stocked(&api).await;
        let line = json!({ "sku": "FEFO", "quantity": "2", "unit": "dozen", "unit_price": "1.5", "batch_code": "L1", "expires_on": "2026-12-01" });
        let body = json!({ "location": WALK_IN, "external_ref": "INV-1", "lines": [line], "charges": [{ "label": "delivery", "amount": "0.5" }] });
        let posted = kitchen.owner.post("/v1/inventory/receipts", body).await.ok(201);
        let (document, entry) = (&posted["document"], &posted["entries"][0]);
        let micros = |time: &Value| Instant::parse(&text(time)).expect("a time").micros();
        // The content as it is hashed, in its own order; the raw text, because the order is part of it.
        let content = format!(
            r#"{{"id":{id},"type":"receipt","effective_at":{at},"business_date":"2026-11-25","recorded_at":{at},"posted_at":{at},"posted_by":{actor},"site_id":{site},"location_id":{location},"external_ref":"INV-1","lines":{{"receipt_charge":[{{"line_no":1,"label":"delivery","amount":500000,"basis":"value"}}],"receipt_line":[{{"line_no":1,"item_id":{item},"lot_id":{lot},"entered_quantity":2000000,"entered_unit":"dozen","quantity":24000000,"unit_price":1500000,"discount":0,"charges":500000,"value":3500000,"batch_code":"L1","expires_on":"2026-12-01"}}]}},"entries":[[1,"receipt",{item},{location},{lot},24000000,3500000,{at},"2026-11-25",null]]}}"#,
            id = document["id"],
            at = micros(&document["effective_at"]),
            actor = document["posted_by"],
            site = kitchen.site["id"],
            location = document["location_id"],
            item = entry["item_id"],
            lot = entry["lot_id"],
        );
        assert_eq!(document["content_hash"], kernel::hex(&Sha256::digest(content)));
    }

    async fn sums_that_are_larger_than_any_line_can_still_be_read(api: Api) {
        let kitchen = stocked(&api).await;
        let line = json!({ "sku": "FEFO", "quantity": "1000000000", "line_total": "100000000000" });
        let lines: Vec<Value> = (0..100).map(|_| line.clone()).collect();
        kitchen.receive(json!(lines)).await;
        let valuation = kitchen.owner.get("/v1/inventory/reports/valuation").await.ok(200);
        assert_eq!((&valuation["total"], &valuation["data"][0]["quantity"], &valuation["data"][0]["unit_cost"]), (&json!("10000000000000"), &json!("100000000000"), &json!("100")));
        let then = kitchen.owner.get("/v1/inventory/reports/valuation?as_of=2026-11-25").await.ok(200);
        assert_eq!(then["data"], valuation["data"]);
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots").await.ok(200);
        assert_eq!((&stock["data"][0]["quantity"], &stock["data"][0]["value"], &stock["data"][0]["available"]), (&json!("100000000000"), &json!("10000000000000"), &json!("100000000000")));
    }

    async fn a_large_stock_is_listed_page_by_page_now_and_in_the_past(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let rows = (0..2_000).map(|row| format!("SKU{row:04},{},2026-12-{:02}\n", row + 1, row % 28 + 1));
        let file = std::iter::once("sku,quantity,expires_on\n".to_owned()).chain(rows).collect::<String>();
        kitchen.owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&create_items=true"), file).await.ok(201);
        for query in ["", "&as_of=2026-11-25", "&as_of=2026-11-25T12:00:00Z", "&location=main", "&expiring_before=2026-12-02&include=lots"] {
            let (mut skus, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = kitchen.owner.get(&format!("/v1/inventory/stock?limit=500{query}{cursor}")).await.ok(200);
                skus.extend(page["data"].as_array().expect("rows").iter().map(|row| text(&row["sku"])));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            let expected: Vec<String> = (0..2_000).filter(|row| !query.contains("expiring") || row % 28 == 0).map(|row| format!("SKU{row:04}")).collect();
            assert_eq!(skus, expected, "{query}");
        }
    }

    async fn the_days_of_a_site_stay_once_something_was_posted_there(api: Api) {
        let kitchen = stocked(&api).await;
        let path = format!("/v1/inventory/locations/{}", text(&kitchen.site["id"]));
        let changed = kitchen.owner.patch(&path, Some(1), json!({ "time_zone": "Pacific/Kiritimati", "day_starts_at": "00:00" })).await.ok(200);
        assert_eq!(kitchen.receive(json!([{ "sku": "FEFO", "quantity": "5", "line_total": "10" }])).await["document"]["business_date"], "2026-11-26");
        // In Pago Pago it is still the 25th: wasting the same there would leave less than nothing on that date.
        let version = changed["version"].as_i64();
        kitchen.owner.patch(&path, version, json!({ "time_zone": "Pacific/Pago_Pago" })).await.refused(409, "site_days_fixed");
        kitchen.owner.patch(&path, version, json!({ "day_starts_at": "05:00" })).await.refused(409, "site_days_fixed");
        kitchen.owner.patch(&path, version, json!({ "name": "Atoll" })).await.ok(200);
    }

    async fn the_days_of_a_site_stay_once_goods_were_moved_there(api: Api) {
        let kitchen = stocked(&api).await;
        let bar = json!({ "kind": "site", "code": "bar", "name": "Bar", "time_zone": "Pacific/Kiritimati", "day_starts_at": "00:00" });
        let bar = kitchen.owner.post("/v1/inventory/locations", bar).await.ok(201);
        let path = format!("/v1/inventory/locations/{}", text(&bar["id"]));
        kitchen.owner.post("/v1/inventory/locations", json!({ "kind": "area", "code": "shelf", "name": "Shelf", "parent": "bar" })).await.ok(201);
        let changed = kitchen.owner.patch(&path, Some(1), json!({ "day_starts_at": "01:00" })).await.ok(200);
        kitchen.receive(json!([{ "sku": "FEFO", "quantity": "5", "line_total": "10" }])).await;
        let body = json!({ "from_location": WALK_IN, "to_location": "bar/shelf", "direct": true, "lines": [{ "sku": "FEFO", "quantity": "2" }] });
        let moved = kitchen.owner.post("/v1/inventory/transfers", body).await.ok(201);
        // The document is of the site that sent; what arrived has the date of the other one.
        assert_eq!((&moved["document"]["business_date"], &moved["entries"][1]["business_date"]), (&json!("2026-11-25"), &json!("2026-11-26")));
        let version = changed["version"].as_i64();
        kitchen.owner.patch(&path, version, json!({ "time_zone": "Pacific/Pago_Pago" })).await.refused(409, "site_days_fixed");
        kitchen.owner.patch(&path, version, json!({ "day_starts_at": "05:00" })).await.refused(409, "site_days_fixed");
        kitchen.owner.patch(&path, version, json!({ "name": "Atoll" })).await.ok(200);
    }

    async fn a_replay_checks_the_callers_rights_again(api: Api) {
        let kitchen = stocked(&api).await;
        let elsewhere = kitchen.owner.post("/v1/inventory/locations", json!({ "kind": "site", "code": "bar", "name": "Bar" })).await.ok(201);
        let id = |site: &Value| text(&site["id"]).parse::<sea_orm::prelude::Uuid>().expect("an id");
        let manager = api.member("manager", Some(&[id(&kitchen.site)])).await;
        let body = |at: Option<&str>| json!({ "location": WALK_IN, "effective_at": at, "lines": [{ "sku": "FEFO", "quantity": "1", "line_total": "1" }] });
        let (today, yesterday) = (fresh("today"), fresh("yesterday"));
        manager.post_with_key("/v1/inventory/receipts", &today, body(None)).await.ok(201);
        manager.post_with_key("/v1/inventory/receipts", &yesterday, body(Some("2026-11-24T12:00:00Z"))).await.ok(201);
        // To the role of staff: what was back-dated is not answered again.
        let database = api.auth_db();
        let change = async |sql: String| {
            database.execute_unprepared(&sql).await.expect("a change");
            api.advance(chrono::TimeDelta::seconds(6));
        };
        change("UPDATE membership SET role = 'staff' WHERE role = 'manager'".into()).await;
        let replay = manager.post_with_key("/v1/inventory/receipts", &today, body(None)).await;
        assert_eq!((replay.status, replay.header("idempotent-replayed")), (201, "true"));
        assert!(!replay.text.contains("\"value\""), "{}", replay.text);
        manager.post_with_key("/v1/inventory/receipts", &yesterday, body(Some("2026-11-24T12:00:00Z"))).await.refused(403, "forbidden");
        // To another site: nothing of this one is answered again.
        let site = match api.engine() {
            Engine::Sqlite => format!("x'{}'", id(&elsewhere).simple()),
            Engine::Postgres => format!("'{}'", id(&elsewhere)),
        };
        change(format!("UPDATE membership_site SET site_id = {site}")).await;
        manager.post_with_key("/v1/inventory/receipts", &today, body(None)).await.refused(403, "forbidden");
    }

    async fn answers_are_forgotten_after_thirty_days(api: Api) {
        let kitchen = stocked(&api).await;
        let key = fresh("old");
        let body = json!({ "location": WALK_IN, "lines": [{ "sku": "FEFO", "quantity": "1", "line_total": "1" }] });
        let first = kitchen.owner.post_with_key("/v1/inventory/receipts", &key, body.clone()).await.ok(201);
        api.advance(chrono::TimeDelta::days(29));
        // The program forgets at every start and every hour.
        let api = api.restart().await;
        let owner = api.owner().await;
        assert_eq!(owner.post_with_key("/v1/inventory/receipts", &key, body.clone()).await.ok(201), first);
        api.advance(chrono::TimeDelta::days(2));
        let api = api.restart().await;
        let owner = api.owner().await;
        let again = async || owner.post_with_key("/v1/inventory/receipts", &key, body.clone()).await;
        let mut reply = again().await;
        // At the start is soon after it, on whatever machine.
        while !reply.header("idempotent-replayed").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            reply = again().await;
        }
        assert_ne!(reply.ok(201)["document"]["id"], first["document"]["id"]);
        api.stop().await;
    }

    async fn a_stranger_who_names_the_same_rows_neither_waits_nor_holds_up(api: Api) {
        let kitchen = stocked(&api).await;
        let receipt = kitchen.receive(json!([{ "sku": "FEFO", "quantity": "100", "line_total": "1" }])).await;
        let (item, location) = (text(&receipt["entries"][0]["item_id"]), text(&receipt["entries"][0]["location_id"]));
        let stranger = api.other_tenant().await;
        let body = json!({ "location_id": location, "lines": [{ "item_id": item, "quantity": "1", "reason": "spoiled" }] });
        let own = join_all((0..16).map(|_| kitchen.owner.post("/v1/inventory/waste", body.clone())));
        let foreign = join_all((0..16).map(|_| stranger.post("/v1/inventory/waste", body.clone())));
        let (own, foreign) = futures::join!(own, foreign);
        assert!(own.iter().all(|reply| reply.status == 201), "{own:?}");
        assert!(foreign.iter().all(|reply| reply.violations() == [("/location_id".to_owned(), "location_not_found".to_owned())]), "{foreign:?}");
        assert_eq!(kitchen.on_hand("FEFO").await.0, "84");
        // I15: no row of the stranger's came to be.
        let keys = sums(&api, "SELECT 'keys' AS place, CAST(COUNT(DISTINCT tenant_id) AS BIGINT) AS quantity, CAST(0 AS BIGINT) AS value FROM stock_key").await;
        assert_eq!(keys["keys"].0, 1);
    }
}

/// The chain as ledger.md says: previous, number, seq, content.
fn link(previous: &str, number: i64, last_seq: i64, content: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(last_seq.to_be_bytes());
    hash.update(content.as_bytes());
    kernel::hex(&hash.finalize())
}

/// How many rows every table of the inventory database has.
async fn rows(api: &Api) -> BTreeMap<String, (i64, i64)> {
    let tables = [
        "document",
        "receipt_line",
        "receipt_charge",
        "waste_line",
        "idempotency",
        "import",
        "lot",
        "ledger_entry",
        "balance",
        "stock_key",
        "item",
        "location",
        "unit",
        "reason",
    ];
    let counts: Vec<String> = tables
        .iter()
        .map(|table| format!("SELECT '{table}' AS place, CAST(COUNT(*) AS BIGINT) AS quantity, CAST(0 AS BIGINT) AS value FROM {table}"))
        .collect();
    let head = "SELECT 'head' AS place, CAST(SUM(seq) AS BIGINT) AS quantity, CAST(SUM(receipt_number + waste_number) AS BIGINT) AS value FROM ledger_head";
    sums(api, &format!("{} UNION ALL {head}", counts.join(" UNION ALL "))).await
}

/// I17: one script, the same identifiers and the same clock give the same bytes on both engines, hashes included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_write_the_same_bytes() {
    let mut ledgers = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(stores) = Stores::make(engine).await else { return };
        let surroundings = Surroundings { clock: fixed_clock(), ids: Ids::seeded(17) };
        let api = Api::start(Arc::new(stores), &[], surroundings).await;
        let kitchen = stocked(&api).await;
        random_script(&kitchen, 99, 150).await;
        ledgers.push(record(&kitchen.owner).await);
        api.stop().await;
        api.stores().remove().await;
    }
    let [sqlite, postgres] = ledgers.as_slice() else { panic!("two engines") };
    assert_eq!(sqlite.len(), postgres.len());
    for (page, (sqlite, postgres)) in sqlite.iter().zip(postgres).enumerate() {
        assert_eq!(sqlite, postgres, "page {page}");
    }
}

/// Everything that can be read, as text; request ids are no part of it.
async fn record(client: &Client) -> Vec<String> {
    let mut pages = Vec::new();
    for list in [
        "/ledger?limit=500",
        "/documents?limit=500",
        "/lots?limit=500&in_stock=false",
        "/stock?limit=500&include=lots",
        "/reports/valuation",
        "/reports/valuation?as_of=2026-11-20",
        "/reports/waste?from=2026-11-20&to=2026-11-25",
        "/items",
        "/locations",
        "/units",
        "/reasons",
    ] {
        pages.push(client.get(&format!("/v1/inventory{list}")).await.text);
    }
    pages
}
