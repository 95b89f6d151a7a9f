//! Receiving through HTTP: what a delivery becomes, what it is worth, and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::future::join_all;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, Query, SimpleExpr};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text};
use crate::support::{Api, Client, Engine, Reply, fresh, on};

pub const RECEIPTS: &str = "/v1/inventory/receipts";
/// An id that nothing has.
pub const NOBODY: &str = "018f0000-0000-7000-8000-000000000000";

/// How many rows every table of the inventory database has, with where the ledger's heads are and what the balances sum to:
/// whatever is refused leaves it as it was, its idempotency key included.
pub async fn rows(api: &Api) -> BTreeMap<String, i64> {
    let database = api.inventory_db();
    let all = async |sql: &str| {
        let statement = Statement::from_string(database.get_database_backend(), sql.to_owned());
        database.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    let tables = match api.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Engine::Postgres => "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = 'public'",
    };
    let mut parts = vec![
        "SELECT 'heads' AS name, CAST(COALESCE(SUM(seq * 1000 + receipt_number + waste_number), 0) AS BIGINT) AS total FROM ledger_head".to_owned(),
        "SELECT 'balances' AS name, CAST(COALESCE(SUM(quantity + 7 * value), 0) AS BIGINT) AS total FROM balance".to_owned(),
    ];
    for row in all(tables).await {
        let name: String = row.try_get("", "name").expect("a table");
        parts.push(format!("SELECT '{name}' AS name, COUNT(*) AS total FROM {name}"));
    }
    let counted = all(&parts.join(" UNION ALL ")).await;
    counted.iter().map(|row| (row.try_get("", "name").expect("a name"), row.try_get("", "total").expect("a total"))).collect()
}

/// Sends what must be refused and sees that nothing was written by it.
pub async fn refused(client: &Client, path: &str, body: Value) -> Reply {
    let before = rows(client.api()).await;
    let reply = client.post(path, body.clone()).await;
    assert!(reply.status >= 400, "{body} was taken: {}", reply.text);
    assert_eq!(rows(client.api()).await, before, "{body} was refused and left something behind");
    reply
}

/// What is wrong with an invalid request, by pointer and code.
#[track_caller]
pub fn flaws(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!((reply.status, reply.code()), (422, "invalid_request"), "{}", reply.text);
    reply.violations()
}

pub fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())).to_vec()
}

/// A decimal text in millionths.
#[track_caller]
pub fn millionths(value: &Value) -> i64 {
    let shown = value.as_str().unwrap_or_else(|| panic!("no decimal text: {value}"));
    let (sign, digits) = shown.strip_prefix('-').map_or((1, shown), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<6}").parse::<i64>().expect("a decimal text")
}

/// Every field name of a document that speaks of money.
pub fn money_in(value: &Value) -> BTreeSet<String> {
    const MONEY: [&str; 9] = ["value", "unit_cost", "basis_value", "unit_price", "line_total", "charges", "discount", "amount", "total"];
    match value {
        Value::Object(fields) => {
            let own = fields.keys().filter(|name| MONEY.contains(&name.as_str())).cloned();
            own.chain(fields.values().flat_map(money_in)).collect()
        }
        Value::Array(values) => values.iter().flat_map(money_in).collect(),
        _ => BTreeSet::new(),
    }
}

pub fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

pub fn column(rows: &Value, name: &str) -> Vec<String> {
    rows.as_array().expect("rows").iter().map(|row| text(&row[name])).collect()
}

pub async fn user_of(client: &Client) -> Uuid {
    let me = client.get("/v1/auth/me").await.ok(200);
    text(&me["user"]["id"]).parse().expect("an id")
}

/// Changes a value behind the program's back, where `key` is `id`.
async fn arrange(database: &DatabaseConnection, table: &'static str, (key, id): (&'static str, Uuid), column: &'static str, value: impl Into<SimpleExpr>) {
    // Not imported for all: JSON values are expressions, too, and would be asked about null in SQL.
    use sea_orm::sea_query::ExprTrait as _;
    let update = Query::update().table(table).value(column, value).and_where(Expr::col(key).eq(id)).take();
    assert_eq!(database.execute(&update).await.expect("an update").rows_affected(), 1);
}

/// Gives a member another role, and waits until nobody may believe in the old one any more.
pub async fn becomes(api: &Api, member: &Client, role: &str) {
    arrange(api.auth_db(), "membership", ("user_id", user_of(member).await), "role", role).await;
    api.advance(TimeDelta::seconds(5));
}

/// Marks the cost of a lot as changed at a time, as a later change of it will.
pub async fn revalued_at(api: &Api, lot: &str, at: kernel::Instant) {
    let at = chrono::DateTime::<chrono::FixedOffset>::from(at);
    arrange(api.inventory_db(), "lot", ("id", lot.parse().expect("an id")), "cost_floor_at", at).await;
}

/// Closes every business date up to and including this one, as closing a period will.
pub async fn close_through(api: &Api, date: &str) {
    let date: chrono::NaiveDate = date.parse().expect("a date");
    let update = Query::update().table("ledger_head").value("closed_through", date).take();
    api.inventory_db().execute(&update).await.expect("a closed period");
}

pub async fn site(owner: &Client, code: &str, zone: &str) -> Uuid {
    let body = json!({ "kind": "site", "code": code, "name": code, "time_zone": zone });
    let site = owner.post("/v1/inventory/locations", body).await.ok(201);
    text(&site["id"]).parse().expect("an id")
}

pub async fn area(owner: &Client, parent: &str, code: &str) -> Value {
    owner.post("/v1/inventory/locations", json!({ "kind": "area", "code": code, "name": code, "parent": parent })).await.ok(201)
}

pub async fn unit(owner: &Client, item: &Value, unit: &str, quantity: &str, of: &str) {
    let path = format!("/v1/inventory/items/{}/units", text(&item["id"]));
    owner.post(&path, json!({ "unit": unit, "quantity": quantity, "of": of })).await.ok(201);
}

/// Whole milk in millilitres, a case of twelve litres.
pub async fn milk(kitchen: &Kitchen) -> Value {
    let item = kitchen.item("MILK", json!({ "name": "Whole milk", "base_unit": "ml", "track_expiry": true, "shelf_life_days": 10 })).await;
    unit(&kitchen.owner, &item, "case", "12", "l").await;
    item
}

fn body(lines: Value) -> Value {
    json!({ "location": WALK_IN, "lines": lines })
}

/// One piece of an item for one euro.
fn piece(sku: &str) -> Value {
    json!({ "sku": sku, "quantity": "1", "unit_price": "1" })
}

fn example() -> Value {
    json!({
        "location": "main/walk-in", "supplier_id": null, "external_ref": "INV-881", "effective_at": "2026-11-20T07:30:00Z",
        "lines": [{ "sku": "MILK", "quantity": "4", "unit": "case", "unit_price": "11.40", "batch_code": "L77", "expires_on": "2026-11-29" }],
        "charges": [{ "label": "delivery", "amount": "6.00", "basis": "value" }],
    })
}

/// What the lines of a receipt are worth.
async fn values(kitchen: &Kitchen, body: Value) -> Vec<String> {
    let posted = kitchen.owner.post(RECEIPTS, body).await.ok(201);
    assert_eq!(column(&posted["entries"], "value"), column(&posted["document"]["lines"], "value"));
    column(&posted["entries"], "value")
}

both_engines! {
    async fn the_example_of_the_documentation_comes_out_to_the_letter(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = milk(&kitchen).await;
        let made = kitchen.owner.post(RECEIPTS, example()).await;
        assert_eq!(made.header("idempotent-replayed"), "");
        let made = made.ok(201);
        let (document, entry) = (&made["document"], &made["entries"][0]);
        let (id, lot, place, user) = (&document["id"], &entry["lot_id"], &document["location_id"], json!(user_of(&kitchen.owner).await));
        let (content, chain) = (text(&document["content_hash"]), text(&document["chain_hash"]));
        let expected = json!({
            "document": {
                "id": id, "type": "receipt", "number": "R-000001", "status": "posted", "effective_at": "2026-11-20T07:30:00Z",
                "business_date": "2026-11-20", "recorded_at": "2026-11-25T12:00:00Z", "posted_by": user, "location_id": place,
                "location": "main/walk-in", "external_ref": "INV-881", "note": null, "content_hash": content, "chain_hash": chain, "version": 1,
                "lines": [{
                    "line_no": 1, "item_id": item["id"], "sku": "MILK", "lot_id": lot, "quantity": "4", "unit": "case", "base_quantity": "48000",
                    "base_unit": "ml", "unit_price": "11.4", "charges": "6", "value": "51.6", "batch_code": "L77", "expires_on": "2026-11-29",
                }],
                "charges": [{ "label": "delivery", "amount": "6", "basis": "value" }],
            },
            "entries": [{
                "seq": 1, "document_id": id, "line_no": 1, "kind": "receipt", "item_id": item["id"], "sku": "MILK", "location_id": place, "lot_id": lot,
                "quantity": "48000", "unit": "ml", "value": "51.6", "effective_at": "2026-11-20T07:30:00Z", "business_date": "2026-11-20",
                "recorded_at": "2026-11-25T12:00:00Z", "actor_id": user, "reason": null,
            }],
            "balances": [{
                "item_id": item["id"], "sku": "MILK", "location_id": place, "lot_id": lot, "quantity": "48000", "unit": "ml", "value": "51.6",
            }],
        });
        assert_eq!(made, expected);
        assert!([&content, &chain].iter().all(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())) && content != chain);
        assert_eq!(kitchen.ledger().await, std::slice::from_ref(entry));
        assert_eq!(kitchen.on_hand("MILK").await, ("48000".into(), "51.6".into()));
        let read = kitchen.owner.get(&format!("{RECEIPTS}/{}", text(id))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &made["entries"]));
    }

    async fn who_may_not_receive_is_refused_and_writes_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let before = rows(&api).await;
        let nobody = api.call("POST", RECEIPTS).header("Idempotency-Key", "k").json(&body(json!([piece("EGG")]))).send().await;
        assert_eq!(nobody.header("www-authenticate"), "Bearer");
        nobody.refused(401, "token_invalid");
        api.post(RECEIPTS, json!("no request at all")).await.refused(401, "token_invalid");
        assert_eq!(rows(&api).await, before);

        let viewer = api.member("viewer", None).await;
        refused(&viewer, RECEIPTS, body(json!([piece("EGG")]))).await.refused(403, "forbidden");
        for role in ["manager", "buyer", "staff"] {
            let member = api.member(role, None).await;
            let made = member.post(RECEIPTS, body(json!([piece("EGG")]))).await.ok(201);
            assert_eq!(made["document"]["posted_by"], json!(user_of(&member).await), "{role}");
        }
        assert_eq!(kitchen.on_hand("EGG").await.0, "3");
    }

    async fn staff_receives_and_sees_no_money_until_its_role_lets_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        milk(&kitchen).await;
        let staff = api.member("staff", None).await;
        let mut sent = example();
        sent["effective_at"] = Value::Null;
        sent["lines"][0]["discount"] = "0.60".into();
        sent["lines"].as_array_mut().expect("lines").push(json!({ "sku": "MILK", "quantity": "1", "unit": "l", "line_total": "2" }));
        let first = staff.post_with_key(RECEIPTS, "key", sent.clone()).await.ok(201);
        assert_eq!(money_in(&first), BTreeSet::new(), "{first}");
        assert_eq!((&first["entries"][0]["quantity"], &first["balances"].as_array().map(Vec::len)), (&json!("48000"), &Some(2)));
        assert_eq!(kitchen.on_hand("MILK").await, ("49000".into(), "53".into()));

        let again = staff.post_with_key(RECEIPTS, "key", sent.clone()).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));

        // What was hidden is not lost: the stored answer has it, and the present role decides.
        becomes(&api, &staff, "buyer").await;
        let seen = staff.post_with_key(RECEIPTS, "key", sent.clone()).await;
        assert_eq!(seen.header("idempotent-replayed"), "true");
        let seen = seen.ok(201);
        let all = ["amount", "charges", "discount", "line_total", "unit_price", "value"];
        assert_eq!(money_in(&seen), all.map(str::to_owned).into());
        // (45 + 2) : 6 = 45 : 5.744681 = 2 : 0.255319.
        assert_eq!(column(&seen["document"]["lines"], "charges"), ["5.744681", "0.255319"]);
        assert_eq!(column(&seen["entries"], "value"), ["50.744681", "2.255319"]);

        becomes(&api, &staff, "staff").await;
        assert_eq!(staff.post_with_key(RECEIPTS, "key", sent).await.body, first);
    }

    async fn a_site_that_is_not_ones_own_takes_no_delivery(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        let cellar = area(&kitchen.owner, "annex", "cellar").await;
        for role in ["staff", "manager"] {
            let member = api.member(role, Some(&[annex])).await;
            refused(&member, RECEIPTS, body(json!([piece("EGG")]))).await.refused(403, "forbidden");
            for named in [json!({ "location": "annex/cellar" }), json!({ "location_id": cellar["id"] })] {
                member.post(RECEIPTS, with(named, "lines", json!([piece("EGG")]))).await.ok(201);
            }
            let whole_site = json!({ "location": "annex", "lines": [piece("EGG")] });
            assert_eq!(flaws(&refused(&member, RECEIPTS, whole_site).await), pairs([("/location", "not_an_area")]));
        }
        // Nowhere at all: a member of no site.
        let nowhere = api.member("staff", Some(&[])).await;
        refused(&nowhere, RECEIPTS, json!({ "location": "annex/cellar", "lines": [piece("EGG")] })).await.refused(403, "forbidden");
    }

    async fn names_of_another_tenant_do_not_exist(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        let stranger = api.other_tenant().await;
        site(&stranger, "there", "Europe/Paris").await;
        let place = area(&stranger, "there", "cellar").await;
        let truffle = stranger.post("/v1/inventory/items", json!({ "sku": "TRUFFLE", "name": "Truffle", "base_unit": "g" })).await.ok(201);
        let mine = json!([{ "item_id": egg["id"], "quantity": "1", "unit_price": "1" }]);

        for (named, pointer) in [(json!({ "location_id": place["id"] }), "/location_id"), (json!({ "location": "there/cellar" }), "/location")] {
            let refused = refused(&kitchen.owner, RECEIPTS, with(named, "lines", mine.clone())).await;
            assert_eq!(flaws(&refused), pairs([(pointer, "location_not_found")]));
        }
        let theirs = json!([
            { "item_id": egg["id"], "quantity": "1", "unit_price": "1" },
            { "item_id": truffle["id"], "quantity": "1", "unit_price": "1" },
            { "sku": "TRUFFLE", "quantity": "1", "unit_price": "1" },
            { "item_id": NOBODY, "quantity": "1", "unit_price": "1" },
        ]);
        let expected = pairs([("/lines/1/item_id", "item_not_found"), ("/lines/2/sku", "item_not_found"), ("/lines/3/item_id", "item_not_found")]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(theirs)).await), expected);
        let supplier = with(body(mine), "supplier_id", NOBODY);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, supplier).await), pairs([("/supplier_id", "supplier_not_found")]));
    }

    async fn a_line_says_in_exactly_one_way_what_it_costs(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        for prices in [
            json!({}),
            json!({ "unit_price": null, "line_total": null, "free": null }),
            json!({ "unit_price": "1", "line_total": "1" }),
            json!({ "unit_price": "1", "free": "donation" }),
            json!({ "line_total": "1", "free": "donation" }),
            json!({ "unit_price": "1", "line_total": "1", "free": "donation" }),
        ] {
            let line = with(with(prices, "sku", "EGG"), "quantity", "1");
            assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(json!([piece("EGG"), line]))).await), pairs([("/lines/1", "exactly_one")]));
        }
        // The same of the names of items and locations.
        let both = json!({ "location": WALK_IN, "location_id": NOBODY, "lines": [{ "quantity": "1", "unit_price": "1" }] });
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, both).await), pairs([("", "exactly_one"), ("/lines/0", "exactly_one")]));
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, json!({ "lines": [piece("EGG")] })).await), pairs([("", "exactly_one")]));
    }

    async fn json_numbers_are_refused_and_so_is_what_is_no_amount(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let line = |field: &str, value: Value| with(piece("EGG"), field, value);
        let mut total = line("line_total", json!(2));
        total.as_object_mut().expect("a line").remove("unit_price");
        let lines = json!([line("quantity", json!(4)), line("unit_price", json!(1.5)), total, line("discount", json!(0))]);
        let numbers = with(body(lines), "charges", json!([{ "label": "ice", "amount": 6 }]));
        let expected = pairs([
            ("/lines/0/quantity", "decimal_string_required"),
            ("/lines/1/unit_price", "decimal_string_required"),
            ("/lines/2/line_total", "decimal_string_required"),
            ("/lines/3/discount", "decimal_string_required"),
            ("/charges/0/amount", "decimal_string_required"),
        ]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, numbers).await), expected);

        for (field, value, code) in [
            ("quantity", json!("0"), "not_positive"),
            ("quantity", json!("-1"), "not_positive"),
            ("quantity", json!("1.0000001"), "too_precise"),
            ("quantity", json!("1000000000.000001"), "out_of_range"),
            ("quantity", json!("1,5"), "invalid_decimal"),
            ("quantity", json!("1e3"), "invalid_decimal"),
            ("quantity", json!(null), "required"),
            ("quantity", json!(["1"]), "wrong_type"),
            ("unit_price", json!("-0.01"), "negative"),
            ("unit_price", json!("100000000000.000001"), "out_of_range"),
            ("unit_price", json!(""), "invalid_decimal"),
            ("discount", json!("-1"), "negative"),
            ("discount", json!(true), "wrong_type"),
        ] {
            let refused = refused(&kitchen.owner, RECEIPTS, body(json!([line(field, value.clone())]))).await;
            assert_eq!(flaws(&refused), pairs([(&format!("/lines/0/{field}"), code)]), "{value}");
        }
    }

    async fn everything_that_is_wrong_is_told_at_once_with_its_place(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let sent = json!({
            "location": WALK_IN, "effective_at": "yesterday", "external_ref": "x".repeat(201), "note": 7, "tenant_id": NOBODY, "draft": true,
            "lines": [
                { "sku": "E G G", "quantity": "0", "unit": "", "unit_price": "x", "confirm_zero": "yes" },
                7,
                { "item_id": "EGG", "unit_price": "1", "batch_code": " L1", "expires_on": "2026-02-30", "produced_on": "1.2.2026", "colour": "red" },
                { "sku": "EGG", "quantity": "1", "free": "gift" },
            ],
            "charges": [{ "label": "", "amount": "x", "basis": "length", "vat": "1" }, {}],
        });
        let mut expected = pairs([
            ("/effective_at", "invalid_time"),
            ("/external_ref", "wrong_length"),
            ("/note", "wrong_type"),
            ("/tenant_id", "unknown_field"),
            ("/draft", "unknown_field"),
            ("/lines/0/sku", "invalid_code"),
            ("/lines/0/quantity", "not_positive"),
            ("/lines/0/unit", "invalid_code"),
            ("/lines/0/unit_price", "invalid_decimal"),
            ("/lines/0/confirm_zero", "wrong_type"),
            ("/lines/1", "wrong_type"),
            ("/lines/2/item_id", "invalid_id"),
            ("/lines/2/quantity", "required"),
            ("/lines/2/batch_code", "invalid_batch_code"),
            ("/lines/2/expires_on", "invalid_date"),
            ("/lines/2/produced_on", "invalid_date"),
            ("/lines/2/colour", "unknown_field"),
            ("/lines/3/free", "invalid_choice"),
            ("/charges/0/label", "wrong_length"),
            ("/charges/0/amount", "invalid_decimal"),
            ("/charges/0/basis", "invalid_choice"),
            ("/charges/0/vat", "unknown_field"),
            ("/charges/1/label", "required"),
            ("/charges/1/amount", "required"),
        ]);
        let mut found = flaws(&refused(&kitchen.owner, RECEIPTS, sent).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        for (lines, code) in [(json!([]), "wrong_length"), (Value::Null, "required"), (json!({}), "wrong_type")] {
            assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines)).await), pairs([("/lines", code)]));
        }
        let charges = json!((0..51).map(|_| json!({ "label": "ice", "amount": "1" })).collect::<Vec<_>>());
        let refused = refused(&kitchen.owner, RECEIPTS, with(body(json!([piece("EGG")])), "charges", charges)).await;
        assert_eq!(flaws(&refused), pairs([("/charges", "wrong_length")]));
    }

    async fn every_line_that_names_or_measures_wrongly_is_told(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("FLOUR", json!({ "base_unit": "kg" })).await;
        let old = kitchen.item("OLD", json!({})).await;
        kitchen.owner.patch(&format!("/v1/inventory/items/{}", text(&old["id"])), Some(1), json!({ "archived": true })).await.ok(200);
        let line = |sku: &str, quantity: &str, unit: &str| json!({ "sku": sku, "quantity": quantity, "unit": unit, "unit_price": "1" });
        let lines = json!([
            line("NOTHING", "1", "kg"),
            line("FLOUR", "1", "kg"),
            line("FLOUR", "1", "case"),
            line("FLOUR", "1", "l"),
            line("FLOUR", "0.000001", "mg"),
            line("FLOUR", "1000000000", "t"),
            line("OLD", "1", "each"),
            { "item_id": old["id"], "quantity": "1", "unit_price": "1" },
        ]);
        let expected = pairs([
            ("/lines/0/sku", "item_not_found"),
            ("/lines/2/unit", "unit_unknown"),
            ("/lines/3/unit", "unit_unknown"),
            ("/lines/4/quantity", "rounds_to_zero"),
            ("/lines/5/quantity", "out_of_range"),
            ("/lines/6/sku", "item_archived"),
            ("/lines/7/item_id", "item_archived"),
        ]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines)).await), expected);
        // Half a millionth is rounded up, once: 500 mg are 0.0005 kg, half a milligram is the least that there is.
        let least = kitchen.receive(json!([line("FLOUR", "0.5", "mg"), line("FLOUR", "500", "mg"), line("FLOUR", "3", "lb")])).await;
        assert_eq!(column(&least["entries"], "quantity"), ["0.000001", "0.0005", "1.360777"]);
        assert_eq!(column(&least["document"]["lines"], "quantity"), ["0.5", "500", "3"]);
        assert_eq!(column(&least["document"]["lines"], "unit"), ["mg", "mg", "lb"]);
    }

    async fn nothing_to_pay_must_be_meant(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lines = json!([
            { "sku": "EGG", "quantity": "1", "unit_price": "0" },
            { "sku": "EGG", "quantity": "1", "line_total": "0.00" },
            { "sku": "EGG", "quantity": "0.4", "unit_price": "0.000001" },
            { "sku": "EGG", "quantity": "2", "unit_price": "1", "discount": "2" },
            { "sku": "EGG", "quantity": "1", "unit_price": "0", "confirm_zero": false },
        ]);
        let expected = pairs([
            ("/lines/0/unit_price", "zero_price_unconfirmed"),
            ("/lines/1/line_total", "zero_price_unconfirmed"),
            ("/lines/2/unit_price", "zero_price_unconfirmed"),
            ("/lines/3/unit_price", "zero_price_unconfirmed"),
            ("/lines/4/unit_price", "zero_price_unconfirmed"),
        ]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines.clone())).await), expected);

        let meant: Vec<_> = lines.as_array().expect("lines").iter().map(|line| with(line.clone(), "confirm_zero", true)).collect();
        assert_eq!(values(&kitchen, body(json!(meant))).await, ["0"; 5]);
        let free = ["donation", "sample", "promo"].map(|kind| json!({ "sku": "EGG", "quantity": "1", "free": kind }));
        let given = kitchen.receive(json!(free)).await;
        assert_eq!(column(&given["document"]["lines"], "free"), ["donation", "sample", "promo"]);
        assert_eq!((column(&given["entries"], "value"), column(&given["balances"], "value")), (vec!["0".to_owned(); 3], vec!["0".to_owned(); 3]));
        assert!(given["document"]["lines"].as_array().expect("lines").iter().all(|line| line.get("unit_price").is_none() && line.get("line_total").is_none()));
        assert_eq!(kitchen.on_hand("EGG").await, ("8.4".into(), "0".into()));
    }

    async fn a_discount_is_taken_off_and_never_more_than_the_line(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lines = json!([
            { "sku": "EGG", "quantity": "10", "unit_price": "0.30", "discount": "0.25" },
            { "sku": "EGG", "quantity": "10", "line_total": "3", "discount": "2.999999" },
            { "sku": "EGG", "quantity": "10", "line_total": "3", "discount": "0" },
        ]);
        let made = kitchen.receive(lines).await;
        assert_eq!(column(&made["entries"], "value"), ["2.75", "0.000001", "3"]);
        assert_eq!(column(&made["document"]["lines"], "discount"), ["0.25", "2.999999", ""]);

        let lines = json!([
            { "sku": "EGG", "quantity": "10", "unit_price": "0.30", "discount": "3.000001" },
            { "sku": "EGG", "quantity": "10", "line_total": "3", "discount": "3.000001" },
        ]);
        let expected = pairs([("/lines/0/discount", "discount_too_large"), ("/lines/1/discount", "discount_too_large")]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines)).await), expected);
        // What costs nothing gets no cheaper.
        let free = |discount: &str| body(json!([{ "sku": "EGG", "quantity": "10", "free": "sample", "discount": discount }]));
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, free("0.000001")).await), pairs([("/lines/0/discount", "discount_too_large")]));
        assert_eq!(values(&kitchen, free("0")).await, ["0"]);
    }

    async fn charges_are_shared_out_by_value_quantity_weight_or_equally(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let eggs = kitchen.item("EGG", json!({})).await;
        // A gram is a fiftieth of an egg.
        unit(&kitchen.owner, &eggs, "g", "0.02", "each").await;
        kitchen.item("FLOUR", json!({ "base_unit": "kg" })).await;
        let lines = json!([
            { "sku": "EGG", "quantity": "30", "line_total": "20" },
            { "sku": "FLOUR", "quantity": "500", "unit": "g", "line_total": "10" },
        ]);
        let charged = |amount: &str, basis: Value| with(body(lines.clone()), "charges", json!([{ "label": "freight", "amount": amount, "basis": basis }]));
        for (amount, basis, expected) in [
            ("1", json!("value"), ["20.666667", "10.333333"]),
            ("1", Value::Null, ["20.666667", "10.333333"]),
            ("-1", json!("value"), ["19.333333", "9.666667"]),
            ("0.000001", json!("equal"), ["20.000001", "10"]),
            ("-0.000003", json!("equal"), ["19.999998", "9.999999"]),
            // 30 pieces and half a kilogram: by what is counted.
            ("6.1", json!("quantity"), ["26", "10.1"]),
            // 1,500 g and 500 g.
            ("4", json!("weight"), ["23", "11"]),
            ("0", json!("weight"), ["20", "10"]),
        ] {
            assert_eq!(values(&kitchen, charged(amount, basis.clone())).await, expected, "{amount} by {basis}");
        }
        // Lines worth nothing share by quantity.
        let free = json!([{ "sku": "EGG", "quantity": "3", "free": "sample" }, { "sku": "EGG", "quantity": "1", "free": "promo" }]);
        let freight = json!([{ "label": "freight", "amount": "4", "basis": "value" }]);
        assert_eq!(values(&kitchen, with(body(free), "charges", freight)).await, ["3", "1"]);
    }

    async fn a_charge_by_weight_needs_items_that_weigh_something(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        milk(&kitchen).await;
        kitchen.item("FLOUR", json!({ "base_unit": "g" })).await;
        let lines = json!([piece("FLOUR"), piece("EGG"), piece("MILK")]);
        let sent = with(body(lines), "charges", json!([{ "label": "freight", "amount": "4", "basis": "weight" }]));
        let expected = pairs([("/lines/1/quantity", "weight_unknown"), ("/lines/2/quantity", "weight_unknown")]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, sent).await), expected);
    }

    async fn charges_add_up_to_the_millionth(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("SPICE", json!({ "base_unit": "g" })).await;
        let prices = ["0.333333", "7.77", "0.000001", "12.345678", "3", "0.07", "99.999999"];
        let quantity = |number: usize| format!("{}.000{number}", 3 * number + 1);
        let line = |(number, price): (usize, &&str)| json!({ "sku": "SPICE", "quantity": quantity(number), "unit": "oz", "line_total": price });
        let lines: Vec<_> = prices.iter().enumerate().map(line).collect();
        let charges = json!([
            { "label": "freight", "amount": "10", "basis": "weight" },
            { "label": "ice", "amount": "0.000005", "basis": "equal" },
            { "label": "customs", "amount": "33.333331", "basis": "value" },
            { "label": "pallets", "amount": "1.000001", "basis": "quantity" },
        ]);
        let made = kitchen.owner.post(RECEIPTS, with(body(json!(lines)), "charges", charges)).await.ok(201);
        let sum = |rows: &Value, name: &str| rows.as_array().expect("rows").iter().map(|row| millionths(&row[name])).sum::<i64>();
        assert_eq!(sum(&made["document"]["lines"], "charges"), 44_333_337);
        let goods: i64 = prices.iter().map(|price| millionths(&json!(price))).sum();
        assert_eq!(sum(&made["entries"], "value"), goods + 44_333_337);
        assert_eq!(sum(&made["balances"], "value"), goods + 44_333_337);
    }

    async fn a_rebate_leaves_no_line_worth_less_than_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lines = json!([{ "sku": "EGG", "quantity": "1", "line_total": "0.40" }, { "sku": "EGG", "quantity": "1", "line_total": "10" }]);
        let rebate = |amount: &str| with(body(lines.clone()), "charges", json!([{ "label": "rebate", "amount": amount, "basis": "equal" }]));
        let refused = refused(&kitchen.owner, RECEIPTS, rebate("-0.800002")).await;
        assert_eq!(flaws(&refused).into_iter().map(|(_, code)| code).collect::<Vec<_>>(), ["negative_line_value"]);
        assert_eq!(values(&kitchen, rebate("-0.80")).await, ["0", "9.6"]);
    }

    async fn what_is_wrong_with_a_whole_line_points_at_the_line(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let sent = with(body(json!([piece("EGG"), piece("EGG")])), "charges", json!([{ "label": "rebate", "amount": "-2.000001", "basis": "equal" }]));
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, sent).await), pairs([("/lines/0", "negative_line_value")]));
    }

    async fn a_price_per_pack_is_never_divided_down_to_a_piece(api: Api) {
        // H02, grocy#2196: 2 packs of 12 at 13.99 are 27.98, not 24 pieces at 1.17.
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "pack", "12", "each").await;
        let made = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "unit": "pack", "unit_price": "13.99" }])).await;
        assert_eq!((&made["entries"][0]["quantity"], &made["entries"][0]["value"]), (&json!("24"), &json!("27.98")));

        kitchen.item("NUTS", json!({ "base_unit": "g" })).await;
        let lines = json!([
            { "sku": "NUTS", "quantity": "3", "unit": "lb", "unit_price": "0.333333" },
            { "sku": "NUTS", "quantity": "3", "unit": "lb", "line_total": "1" },
            { "sku": "NUTS", "quantity": "0.5", "unit": "oz", "unit_price": "0.000001" },
            { "sku": "NUTS", "quantity": "0.333333", "unit": "kg", "unit_price": "2.999999" },
        ]);
        let made = kitchen.receive(lines).await;
        assert_eq!(column(&made["entries"], "quantity"), ["1360.77711", "1360.77711", "14.174762", "333.333"]);
        // 0.333333 × 2.999999 = 0.999998666667; half a millionth goes away from zero.
        assert_eq!(column(&made["entries"], "value"), ["0.999999", "1", "0.000001", "0.999999"]);
    }

    async fn a_missing_expiry_is_counted_from_the_business_date(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        milk(&kitchen).await;
        let line = json!({ "sku": "MILK", "quantity": "1", "unit": "l", "unit_price": "1" });
        for (at, business_date, expires_on) in [
            // 02:30 in Paris is still the day before, until the site's day begins at 04:00.
            ("2026-11-25T01:30:00Z", "2026-11-24", "2026-12-04"),
            ("2026-11-25T02:59:59.999999Z", "2026-11-24", "2026-12-04"),
            ("2026-11-25T03:00:00Z", "2026-11-25", "2026-12-05"),
            ("2026-11-25T13:00:00+01:00", "2026-11-25", "2026-12-05"),
            // In summer Paris is two hours ahead.
            ("2026-07-01T01:59:59Z", "2026-06-30", "2026-07-10"),
            ("2026-07-01T02:00:00Z", "2026-07-01", "2026-07-11"),
        ] {
            let made = kitchen.receive_at(at, json!([line.clone()])).await;
            let found = (&made["entries"][0]["business_date"], &made["document"]["business_date"], &made["document"]["lines"][0]["expires_on"]);
            assert_eq!(found, (&json!(business_date), &json!(business_date), &json!(expires_on)), "{at}");
            let lot = kitchen.owner.get(&format!("/v1/inventory/lots/{}", text(&made["entries"][0]["lot_id"]))).await.ok(200);
            assert_eq!(lot["expires_on"], expires_on, "{at}");
        }
        // A printed date is not argued with, and an item without a shelf life has none.
        let printed = with(with(line, "expires_on", "2026-11-01"), "produced_on", "2026-10-01");
        let made = kitchen.receive(json!([printed])).await;
        let kept = &made["document"]["lines"][0];
        assert_eq!((&kept["expires_on"], &kept["produced_on"]), (&json!("2026-11-01"), &json!("2026-10-01")));
        kitchen.item("SALT", json!({})).await;
        assert_eq!(kitchen.receive(json!([piece("SALT")])).await["document"]["lines"][0].get("expires_on"), None);
    }

    async fn what_is_tracked_must_be_said(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("FISH", json!({ "track_expiry": true, "track_lots": true })).await;
        kitchen.item("CHEESE", json!({ "track_expiry": true, "shelf_life_days": 0 })).await;
        let lines = json!([piece("FISH"), piece("CHEESE"), with(piece("FISH"), "expires_on", "2026-11-26"), with(piece("FISH"), "batch_code", "F1")]);
        let expected = pairs([
            ("/lines/0/expires_on", "expiry_required"),
            ("/lines/0/batch_code", "batch_code_required"),
            ("/lines/2/batch_code", "batch_code_required"),
            ("/lines/3/expires_on", "expiry_required"),
        ]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines)).await), expected);
        let said = with(with(piece("FISH"), "expires_on", "2026-11-26"), "batch_code", "F1");
        let made = kitchen.receive(json!([said, piece("CHEESE")])).await;
        assert_eq!(column(&made["document"]["lines"], "expires_on"), ["2026-11-26", "2026-11-25"]);
    }

    async fn batch_codes_are_kept_to_the_letter(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let longest = "ß".repeat(128);
        let codes = ["0898984", "00392/174", "l77", "L77", "Lot 7 – Ä\\\"'%_", "1e3", "-0", "true", longest.as_str()];
        let lines = codes.map(|code| with(piece("EGG"), "batch_code", code));
        let made = kitchen.receive(json!(lines)).await;
        assert_eq!(column(&made["document"]["lines"], "batch_code"), codes);
        for (index, code) in codes.iter().enumerate() {
            let lot = text(&made["entries"][index]["lot_id"]);
            assert_eq!(kitchen.owner.get(&format!("/v1/inventory/lots/{lot}")).await.ok(200)["batch_code"], *code);
        }
        let found = kitchen.owner.get("/v1/inventory/lots?batch_code=L77").await.ok(200);
        assert_eq!(column(&found["data"], "id"), [text(&made["entries"][3]["lot_id"])]);

        for wrong in ["", " 7", "7 ", "a\tb", "a\u{0}b", "ß".repeat(129).as_str()] {
            let refused = refused(&kitchen.owner, RECEIPTS, body(json!([with(piece("EGG"), "batch_code", wrong)]))).await;
            assert_eq!(flaws(&refused), pairs([("/lines/0/batch_code", "invalid_batch_code")]), "{wrong:?}");
        }
    }

    async fn nothing_was_received_tomorrow(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let at = |time: &str| with(body(json!([piece("EGG")])), "effective_at", time);
        for later in ["2026-11-25T12:00:00.000001Z", "2026-11-25T13:00:01+01:00", "2026-11-26T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, at(later)).await), pairs([("/effective_at", "effective_in_future")]), "{later}");
        }
        let now = kitchen.owner.post(RECEIPTS, at("2026-11-25T13:00:00+01:00")).await.ok(201);
        assert_eq!(now["document"]["effective_at"], "2026-11-25T12:00:00Z");
        // Finer than a microsecond is cut off.
        let fine = kitchen.owner.post(RECEIPTS, at("2026-11-25T11:00:00.123456789Z")).await.ok(201);
        assert_eq!(fine["entries"][0]["effective_at"], "2026-11-25T11:00:00.123456Z");
        api.advance(TimeDelta::microseconds(1));
        kitchen.owner.post(RECEIPTS, at("2026-11-25T12:00:00.000001Z")).await.ok(201);
    }

    async fn an_earlier_day_needs_the_right_to_back_date(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let at = |time: &str| with(body(json!([piece("EGG")])), "effective_at", time);
        for role in ["staff", "buyer"] {
            let member = api.member(role, None).await;
            refused(&member, RECEIPTS, at("2026-11-24T12:00:00Z")).await.refused(403, "forbidden");
            // 03:59:59 in Paris is yesterday's business day, 04:00 is today's.
            refused(&member, RECEIPTS, at("2026-11-25T02:59:59Z")).await.refused(403, "forbidden");
            member.post(RECEIPTS, at("2026-11-25T03:00:00Z")).await.ok(201);
        }
        api.member("manager", None).await.post(RECEIPTS, at("2026-11-24T12:00:00Z")).await.ok(201);
        // The day before begins to be another one only at four.
        api.advance(TimeDelta::hours(15) - TimeDelta::seconds(1));
        let staff = api.member("staff", None).await;
        staff.post(RECEIPTS, at("2026-11-25T03:00:00Z")).await.ok(201);
        api.advance(TimeDelta::seconds(1));
        refused(&staff, RECEIPTS, at("2026-11-25T03:00:00Z")).await.refused(403, "forbidden");
    }

    async fn stock_lies_in_living_areas_only(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let shelf = area(&kitchen.owner, DRY_STORE, "shelf").await;
        let at = format!("/v1/inventory/locations/{}", text(&shelf["id"]));
        kitchen.owner.patch(&at, Some(1), json!({ "archived": true })).await.ok(200);
        for (named, code) in [
            (json!({ "location": "main" }), "not_an_area"),
            (json!({ "location_id": kitchen.site["id"] }), "not_an_area"),
            (json!({ "location": "main/in-transit" }), "not_an_area"),
            (json!({ "location": "main/dry-store/shelf" }), "location_archived"),
            (json!({ "location_id": shelf["id"] }), "location_archived"),
            (json!({ "location": "main/nowhere" }), "location_not_found"),
            (json!({ "location": "walk-in" }), "location_not_found"),
            (json!({ "location": "MAIN/WALK-IN" }), "location_not_found"),
            (json!({ "location_id": NOBODY }), "location_not_found"),
        ] {
            let pointer = if named["location"].is_null() { "/location_id" } else { "/location" };
            let refused = refused(&kitchen.owner, RECEIPTS, with(named.clone(), "lines", json!([piece("EGG")]))).await;
            assert_eq!(flaws(&refused), pairs([(pointer, code)]), "{named}");
        }
    }

    async fn what_no_database_can_hold_is_refused_before_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        for (sent, pointer) in [
            (with(body(json!([piece("EGG")])), "note", "a\u{0}b"), "/note"),
            (with(body(json!([piece("EGG")])), "external_ref", "\u{0}"), "/external_ref"),
            (body(json!([with(piece("EGG"), "sku", "E\u{0}")])), "/lines/0/sku"),
            (body(json!([with(piece("EGG"), "expires_on", "0000-01-01")])), "/lines/0/expires_on"),
            (body(json!([with(piece("EGG"), "produced_on", "-001-01-01")])), "/lines/0/produced_on"),
            (with(body(json!([piece("EGG")])), "effective_at", "0000-01-01T00:00:00Z"), "/effective_at"),
        ] {
            let refused = refused(&kitchen.owner, RECEIPTS, sent).await;
            let found: Vec<_> = flaws(&refused).into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(found, [pointer]);
        }
    }

    async fn a_path_with_a_control_character_names_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let refused = refused(&kitchen.owner, RECEIPTS, json!({ "location": "main/\u{0}", "lines": [piece("EGG")] })).await;
        assert_eq!(flaws(&refused).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), ["/location"]);
        for path in ["/v1/inventory/stock", "/v1/inventory/reports/valuation"] {
            let reply = kitchen.owner.get(&format!("{path}?location=main%00")).await;
            assert!(reply.status == 200 || reply.status == 422, "{path}: {}", reply.text);
        }
    }

    async fn a_line_and_a_document_hold_only_so_much(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("GOLD", json!({ "base_unit": "g" })).await;
        let lines = json!([
            { "sku": "GOLD", "quantity": "1000000000", "unit_price": "100.000001" },
            { "sku": "GOLD", "quantity": "1000000000", "unit_price": "100000000000" },
        ]);
        let expected = pairs([("/lines/0/unit_price", "out_of_range"), ("/lines/1/unit_price", "out_of_range")]);
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines)).await), expected);

        let most = json!([{ "sku": "GOLD", "quantity": "1000000000", "unit_price": "100" }]);
        let freight = |amount: &str| with(body(most.clone()), "charges", json!([{ "label": "freight", "amount": amount }]));
        refused(&kitchen.owner, RECEIPTS, freight("0.000001")).await.refused(422, "out_of_range");
        assert_eq!(values(&kitchen, freight("0")).await, ["100000000000"]);
        assert_eq!(values(&kitchen, freight("-100000000000")).await, ["0"]);
        assert_eq!(kitchen.on_hand("GOLD").await, ("2000000000".into(), "100000000000".into()));
    }

    async fn lines_of_one_item_make_lots_of_their_own_and_refusals_leave_no_gap(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let first = kitchen.receive(json!([piece("EGG"), piece("EGG"), with(piece("EGG"), "unit_price", "2")])).await;
        let lots: BTreeSet<_> = column(&first["entries"], "lot_id").into_iter().collect();
        assert_eq!(lots.len(), 3);
        assert_eq!(first["entries"].as_array().expect("entries").iter().map(|entry| entry["seq"].as_i64()).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert_eq!(column(&first["balances"], "quantity"), ["1", "1", "1"]);
        refused(&kitchen.owner, RECEIPTS, body(json!([with(piece("EGG"), "unit_price", "0")]))).await.refused(422, "invalid_request");
        let second = kitchen.receive(json!([piece("EGG")])).await;
        assert_eq!((&second["document"]["number"], &second["entries"][0]["seq"]), (&json!("R-000002"), &json!(4)));
        // The answer names what was touched, not all there is.
        assert_eq!(second["balances"].as_array().map(Vec::len), Some(1));
        assert_eq!(kitchen.on_hand("EGG").await, ("4".into(), "5".into()));
        assert_ne!(first["document"]["chain_hash"], second["document"]["chain_hash"]);
    }

    async fn a_key_is_required_and_has_a_shape(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (owner, sent) = (&kitchen.owner, body(json!([piece("EGG")])));
        let before = rows(&api).await;
        owner.post_without_key(RECEIPTS, sent.clone()).await.refused(400, "idempotency_key_required");
        for key in ["", "two words", &"k".repeat(256)] {
            owner.post_with_key(RECEIPTS, key, sent.clone()).await.refused(400, "idempotency_key_invalid");
        }
        let twice = owner.call("POST", RECEIPTS).header("Idempotency-Key", "a").header("Idempotency-Key", "b").json(&sent).send().await;
        twice.refused(400, "idempotency_key_invalid");
        assert_eq!(rows(&api).await, before);
        owner.post_with_key(RECEIPTS, &"k".repeat(255), sent).await.ok(201);
    }

    async fn a_request_is_done_once_under_its_key(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        milk(&kitchen).await;
        let first = kitchen.owner.post_with_key(RECEIPTS, "key", example()).await.ok(201);
        let before = rows(&api).await;
        api.advance(TimeDelta::days(1));
        let owner = api.owner().await;
        let again = owner.post_with_key(RECEIPTS, "key", example()).await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.ok(201), first);

        // White space and the order of fields are not what is asked for.
        let spaced = format!("\n{}\t", serde_json::to_string_pretty(&example()).expect("JSON"));
        let again = owner.call("POST", RECEIPTS).header("Idempotency-Key", "key").body("application/json; charset=utf-8", spaced).send().await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));

        for other in [with(example(), "note", "another"), with(example(), "external_ref", "INV-882"), with(example(), "charges", json!([]))] {
            owner.post_with_key(RECEIPTS, "key", other).await.refused(422, "idempotency_key_reused");
        }
        // The same key for another kind of request is another request, too.
        let waste = json!({ "location": WALK_IN, "lines": [{ "sku": "MILK", "quantity": "1", "reason": "spoiled" }] });
        owner.post_with_key("/v1/inventory/waste", "key", waste).await.refused(422, "idempotency_key_reused");
        assert_eq!(rows(&api).await, before);
        assert_eq!(owner.post_with_key(RECEIPTS, "key-2", example()).await.ok(201)["document"]["number"], "R-000002");
    }

    async fn a_failed_post_leaves_its_key_free(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let owner = &kitchen.owner;
        let before = rows(&api).await;
        for wrong in [
            body(json!([with(piece("EGG"), "quantity", "0")])),
            body(json!([piece("HEN")])),
            body(json!([piece("EGG"), with(piece("EGG"), "unit_price", "0")])),
            with(body(json!([piece("EGG")])), "effective_at", "2026-11-26T00:00:00Z"),
            with(body(json!([piece("EGG")])), "location", "main"),
        ] {
            let reply = owner.post_with_key(RECEIPTS, "key", wrong).await;
            flaws(&reply);
            assert_eq!(rows(&api).await, before);
        }
        let made = owner.post_with_key(RECEIPTS, "key", body(json!([piece("EGG")]))).await;
        assert_eq!(made.header("idempotent-replayed"), "");
        assert_eq!(made.ok(201)["document"]["number"], "R-000001");
    }

    async fn keys_of_different_users_and_tenants_do_not_meet(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (staff, stranger) = (api.member("staff", None).await, api.other_tenant().await);
        let other = Kitchen::of(stranger.clone()).await;
        other.item("EGG", json!({})).await;
        let mut numbers = Vec::new();
        for client in [&kitchen.owner, &staff, &stranger] {
            let made = client.post_with_key(RECEIPTS, "key", body(json!([piece("EGG")]))).await;
            assert_eq!(made.header("idempotent-replayed"), "");
            numbers.push(text(&made.ok(201)["document"]["number"]));
        }
        assert_eq!(numbers, ["R-000001", "R-000002", "R-000001"]);
        assert_eq!((kitchen.on_hand("EGG").await.0, other.on_hand("EGG").await.0), ("2".into(), "1".into()));
        assert_eq!(other.ledger().await.len(), 1);
    }

    async fn one_key_sent_many_times_at_once_is_one_delivery(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let posts = (0..16).map(|_| kitchen.owner.post_with_key(RECEIPTS, "key", body(json!([piece("EGG")]))));
        let replies = join_all(posts).await;
        assert_eq!(replies.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count(), 1);
        let bodies: Vec<_> = replies.into_iter().map(|reply| reply.ok(201)).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!(kitchen.ledger().await.len(), 1);
        assert_eq!(kitchen.on_hand("EGG").await, ("1".into(), "1".into()));
    }

    async fn a_back_dated_delivery_changes_nothing_that_was_posted(api: Api) {
        // I9.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let line = |quantity: &str, price: &str, expires_on: &str| json!({ "sku": "EGG", "quantity": quantity, "unit_price": price, "expires_on": expires_on });
        let bought = kitchen.receive_at("2026-11-23T08:00:00Z", json!([line("10", "1", "2026-12-24")])).await;
        let wasted = kitchen.waste(json!([{ "sku": "EGG", "quantity": "4" }])).await;
        assert_eq!(wasted["entries"][0]["value"], "-4");
        let documents = [format!("{RECEIPTS}/{}", text(&bought["document"]["id"])), format!("/v1/inventory/waste/{}", text(&wasted["document"]["id"]))];
        let read = async || {
            let lot = kitchen.owner.get(&format!("/v1/inventory/lots/{}", text(&bought["entries"][0]["lot_id"]))).await.ok(200);
            let [first, second] = &documents;
            (kitchen.owner.get(first).await.ok(200), kitchen.owner.get(second).await.ok(200), lot)
        };
        let (ledger, before) = (kitchen.ledger().await, read().await);

        // Earlier, cheaper to take, and dearer: it would have been picked first.
        let late = kitchen.receive_at("2026-11-20T08:00:00Z", json!([line("5", "7", "2026-11-26")])).await;
        assert_eq!((&late["entries"][0]["seq"], &late["entries"][0]["business_date"]), (&json!(3), &json!("2026-11-20")));
        let after = kitchen.ledger().await;
        assert_eq!((&after[..2], after.len()), (&ledger[..], 3));
        assert_eq!(read().await, before);
        assert_eq!(kitchen.on_hand("EGG").await, ("11".into(), "41".into()));
    }

    async fn a_closed_period_takes_no_delivery(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        close_through(&api, "2026-11-22").await;
        let at = |time: &str| with(body(json!([piece("EGG")])), "effective_at", time);
        // 02:59:59 UTC is 03:59:59 in Paris, and so still the 22nd.
        for closed in ["2026-11-22T12:00:00Z", "2026-11-23T02:59:59Z", "2026-01-01T12:00:00Z"] {
            refused(&kitchen.owner, RECEIPTS, at(closed)).await.refused(409, "period_closed");
        }
        kitchen.owner.post(RECEIPTS, at("2026-11-23T03:00:00Z")).await.ok(201);
    }

    async fn what_is_no_json_is_told_by_its_status(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let before = rows(&api).await;
        let send = async |kind: &str, sent: &str| kitchen.owner.call("POST", RECEIPTS).header("Idempotency-Key", &fresh("key")).body(kind, sent).send().await;
        for broken in ["", "{", "{\"location\":}", "[1,]", "\u{feff}{}", "{} {}"] {
            send("application/json", broken).await.refused(400, "malformed_json");
        }
        for (kind, whole) in [("text/plain", "{}"), ("application/x-www-form-urlencoded", "a=b"), ("text/csv", "a;b")] {
            send(kind, whole).await.refused(415, "unsupported_media_type");
        }
        kitchen.owner.call("POST", RECEIPTS).header("Idempotency-Key", "k").send().await.refused(415, "unsupported_media_type");
        for (other, code) in [("[]", "wrong_type"), ("7", "wrong_type"), ("null", "wrong_type")] {
            assert_eq!(flaws(&send("application/json", other).await), pairs([("", code)]), "{other}");
        }
        assert_eq!(rows(&api).await, before);
        let right = body(json!([piece("EGG")])).to_string();
        send("Application/JSON; charset=utf-8", &right).await.ok(201);
    }
}

/// A server that takes documents of three lines and bodies of two kilobytes.
mod a_small_server_takes_only_small_documents {
    use super::*;

    const SMALL: [(&str, &str); 2] = [("LARDER_INVENTORY_LINES_PER_DOCUMENT", "3"), ("LARDER_SERVER_BODY_LIMIT_BYTES", "2048")];

    async fn test(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lines = |count: usize| json!((0..count).map(|_| piece("EGG")).collect::<Vec<_>>());
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, body(lines(4))).await), pairs([("/lines", "wrong_length")]));
        let wasted = (0..4).map(|_| json!({ "sku": "EGG", "quantity": "1", "reason": "spoiled" })).collect::<Vec<_>>();
        assert_eq!(flaws(&refused(&kitchen.owner, "/v1/inventory/waste", body(json!(wasted))).await), pairs([("/lines", "wrong_length")]));
        kitchen.owner.post(RECEIPTS, body(lines(3))).await.ok(201);

        let padded = |spaces: usize| format!("{}{}", body(lines(1)), " ".repeat(spaces));
        let fits = 2048 - padded(0).len();
        let send =
            async |sent: String| kitchen.owner.call("POST", RECEIPTS).header("Idempotency-Key", &fresh("key")).body("application/json", sent).send().await;
        send(padded(fits + 1)).await.refused(413, "body_too_large");
        assert_eq!(kitchen.ledger().await.len(), 3);
        send(padded(fits)).await.ok(201);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        on(Engine::Sqlite, &SMALL, test).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        on(Engine::Postgres, &SMALL, test).await;
    }
}

/// SQLite has one writer, so nobody there waits for a row; on Postgres somebody else may hold it for too long.
mod who_waits_too_long_is_told_to_come_again {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn for_stock() {
        on(Engine::Postgres, &[("LARDER_DATABASE_LOCK_TIMEOUT_MS", "200")], async |api: Api| {
            let kitchen = Kitchen::open(&api).await;
            kitchen.item("EGG", json!({})).await;
            kitchen.receive(json!([piece("EGG")])).await;
            let other = api.inventory_db().begin().await.expect("a transaction");
            other.execute_unprepared("SELECT * FROM stock_key FOR UPDATE").await.expect("locks");
            let waste = json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "1", "reason": "spoiled" }] });
            for (path, sent) in [(RECEIPTS, body(json!([piece("EGG")]))), ("/v1/inventory/waste", waste.clone())] {
                let busy = kitchen.owner.post_with_key(path, "key", sent).await;
                assert_eq!(busy.header("retry-after"), "1");
                busy.refused(503, "stock_busy");
            }
            // Who waits behind another is told the same, though Postgres does not say what that one waits for.
            let call = || kitchen.owner.post("/v1/inventory/waste", waste.clone());
            let (one, two) = tokio::join!(call(), call());
            one.refused(503, "stock_busy");
            two.refused(503, "stock_busy");
            other.rollback().await.expect("free");
            kitchen.owner.post_with_key("/v1/inventory/waste", "key", waste).await.ok(201);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn but_not_for_what_was_answered_before_nor_where_one_may_not_post() {
        on(Engine::Postgres, &[("LARDER_DATABASE_LOCK_TIMEOUT_MS", "200")], async |api: Api| {
            let kitchen = Kitchen::open(&api).await;
            let item = kitchen.item("EGG", json!({})).await;
            kitchen.receive(json!([piece("EGG")])).await;
            let by_sku = json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "0.5", "reason": "spoiled" }] });
            let by_id = json!({ "location": WALK_IN, "lines": [{ "item_id": item["id"], "quantity": "0.25", "reason": "spoiled" }] });
            let other_site = json!({ "kind": "site", "code": "bar", "name": "Bar" });
            let other_site = kitchen.owner.post("/v1/inventory/locations", other_site).await.ok(201);
            let stranger = api.member("manager", Some(&[text(&other_site["id"]).parse().expect("an id")])).await;
            let here = api.member("manager", Some(&[text(&kitchen.site["id"]).parse().expect("an id")])).await;
            let mut first = Vec::new();
            for (client, sent) in [(&kitchen.owner, &by_sku), (&here, &by_id)] {
                first.push(client.post_with_key("/v1/inventory/waste", "key", sent.clone()).await.ok(201));
            }

            let other = api.inventory_db().begin().await.expect("a transaction");
            other.execute_unprepared("SELECT * FROM stock_key FOR UPDATE").await.expect("locks");
            for ((client, sent), first) in [(&kitchen.owner, &by_sku), (&here, &by_id)].into_iter().zip(first) {
                client.post("/v1/inventory/waste", sent.clone()).await.refused(503, "stock_busy");
                assert_eq!(client.post_with_key("/v1/inventory/waste", "key", sent.clone()).await.ok(201), first);
            }
            for sent in [&by_sku, &by_id] {
                stranger.post("/v1/inventory/waste", sent.clone()).await.refused(403, "forbidden");
            }
            other.rollback().await.expect("free");
        })
        .await;
    }

    /// Which is no key of a request that somebody else works on, and no stock.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn for_a_table_that_is_changed() {
        on(Engine::Postgres, &[("LARDER_DATABASE_LOCK_TIMEOUT_MS", "200")], async |api: Api| {
            let kitchen = Kitchen::open(&api).await;
            let other = api.inventory_db().begin().await.expect("a transaction");
            other.execute_unprepared("LOCK TABLE idempotency").await.expect("locks");
            let item = json!({ "sku": "EGG", "name": "Egg", "base_unit": "each" });
            kitchen.owner.post("/v1/inventory/items", item).await.refused(503, "database_unavailable");
            other.rollback().await.expect("free");
        })
        .await;
    }
}
