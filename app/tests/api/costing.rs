//! What the stock is worth by each method, through HTTP: the published numbers, the past, sites, and what is refused.

use chrono::TimeDelta;
use kernel::Instant;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, Value as SqlValue};
use serde_json::{Value, json};

use crate::receipts::{area, column, flaws, millionths, pairs, site, unit, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, START};

const RECEIPTS: &str = "/v1/inventory/receipts";
const WASTE: &str = "/v1/inventory/waste";
const RETURNS: &str = "/v1/inventory/vendor-returns";
const VALUATION: &str = "/v1/inventory/reports/valuation";
const METHODS: [&str; 5] = ["lot_actual", "fifo", "moving_average", "periodic_average", "last_price"];
const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

async fn valued(client: &Client, query: &str) -> Value {
    client.get(&format!("{VALUATION}?include=issued&{query}")).await.ok(200)
}

/// Quantity, value and issued value of an item's first row; nothing where it has none.
async fn row(client: &Client, sku: &str, query: &str) -> (String, String, String) {
    let report = valued(client, query).await;
    let row = report["data"].as_array().expect("rows").iter().find(|row| row["sku"] == sku).cloned().unwrap_or_default();
    (text(&row["quantity"]), text(&row["value"]), text(&row["issued_value"]))
}

fn told(quantity: &str, value: &str, issued: &str) -> (String, String, String) {
    (quantity.to_owned(), value.to_owned(), issued.to_owned())
}

async fn receive(client: &Client, location: &str, at: &str, lines: Value) -> Value {
    client.post(RECEIPTS, json!({ "location": location, "effective_at": at, "lines": lines })).await.ok(201)
}

async fn waste(client: &Client, location: &str, at: &str, sku: &str, quantity: &str) -> Value {
    let body = with(with(waste_body(json!([{ "sku": sku, "quantity": quantity }])), "location", location), "effective_at", at);
    client.post(WASTE, body).await.ok(201)
}

fn line(sku: &str, quantity: &str, unit_price: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity, "unit_price": unit_price, "confirm_zero": true })
}

/// The published cases that are about something else than a method, with the test that plays them or why none does.
const ELSEWHERE: &[(&str, &str)] = &[
    ("C10a", "later_costs.rs"),
    ("C10b", "later_costs.rs"),
    ("C11", "later_costs.rs"),
    ("C21", "catalog.rs"),
    ("C23", "what to order is suggested with purchasing, which is not built yet"),
    ("C24", "what to order is suggested with purchasing, which is not built yet"),
    ("C25", "usage.rs"),
    ("C27", "waste_report.rs"),
    ("C28", "usage.rs"),
];

/// A published case: what comes in (with its price), what leaves, and what of the first delivery goes back.
struct Case<'a> {
    id: &'a str,
    method: &'a str,
    events: Vec<(&'a str, &'a str, &'a str)>,
}

impl Case<'_> {
    /// Plays it, an hour between the events; answers what each issue was worth, and the item's row at the end.
    async fn play(&self, kitchen: &Kitchen) -> (Vec<i64>, Value) {
        kitchen.item(self.id, json!({ "base_unit": "g" })).await;
        let end = Instant::parse(START).expect("a time");
        let (mut issues, mut before, mut first) = (Vec::new(), 0, None);
        for (hour, (kind, quantity, price)) in (0..).zip(&self.events) {
            let at = end.plus(TimeDelta::hours(hour - 20)).to_string();
            if *kind == "in" {
                let received = receive(&kitchen.owner, WALK_IN, &at, json!([line(self.id, quantity, price)])).await;
                first.get_or_insert_with(|| received["entries"][0]["lot_id"].clone());
                continue;
            }
            if *kind == "vendor_return_of_first" {
                let lines = json!([{ "sku": self.id, "quantity": quantity, "lot_id": first, "reason": "quality" }]);
                kitchen.owner.post(RETURNS, json!({ "location": WALK_IN, "effective_at": at, "lines": lines })).await.ok(201);
            } else {
                waste(&kitchen.owner, WALK_IN, &at, self.id, quantity).await;
            }
            let now = millionths(&json!(row(&kitchen.owner, self.id, &format!("method={}&as_of={at}", self.method)).await.2));
            issues.push(now - before);
            before = now;
        }
        let report = valued(&kitchen.owner, &format!("method={}", self.method)).await;
        let row = report["data"].as_array().expect("rows").iter().find(|row| row["sku"] == self.id).cloned().expect("a row");
        assert_eq!(millionths(&row["issued_value"]), issues.iter().sum::<i64>(), "{}", self.id);
        (issues, row)
    }
}

fn millions(values: &[&str]) -> Vec<i64> {
    values.iter().map(|value| millionths(&json!(value))).collect()
}

/// One entry of the ledger, of a kind that no document makes yet.
struct Entry<'a> {
    seq: i64,
    document: Uuid,
    kind: &'a str,
    location: &'a Value,
    quantity: i64,
    value: i64,
    at: &'a str,
}

impl Entry<'_> {
    /// Writes it behind the program's back, for the item and lot of a posted entry.
    async fn write(self, api: &Api, tenant: Uuid, like: &Value) {
        let id = |value: &Value| -> SqlValue { text(value).parse::<Uuid>().expect("an id").into() };
        let at = chrono::DateTime::<chrono::FixedOffset>::from(Instant::parse(self.at).expect("a time"));
        let row: Vec<(&str, SqlValue)> = vec![
            ("tenant_id", tenant.into()),
            ("seq", self.seq.into()),
            ("document_id", self.document.into()),
            ("line_no", 1_i64.into()),
            ("kind", self.kind.into()),
            ("item_id", id(&like["item_id"])),
            ("location_id", id(self.location)),
            ("lot_id", id(&like["lot_id"])),
            ("quantity_delta", (self.quantity * 1_000_000).into()),
            ("value_delta", (self.value * 1_000_000).into()),
            ("effective_at", at.into()),
            ("business_date", at.date_naive().into()),
            ("recorded_at", at.into()),
            ("actor_id", api.id().into()),
        ];
        let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
        let insert = Query::insert().into_table("ledger_entry").columns(columns).values_panic(values.into_iter().map(Into::into)).take();
        api.inventory_db().execute(&insert).await.expect("an entry");
    }
}

both_engines! {
    async fn the_published_numbers_come_out(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let case = async |id, method, events: &[(&'static str, &'static str, &'static str)]| {
            let (issues, row) = Case { id, method, events: events.to_vec() }.play(&kitchen).await;
            (issues, text(&row["quantity"]), text(&row["value"]), row["unit_cost"].clone())
        };
        // support.apicbase.com/help/how-does-apicbase-manage-your-inventory
        let apicbase = [("in", "6", "25"), ("out", "3", ""), ("out", "2", ""), ("in", "6", "24"), ("out", "4", "")];
        assert_eq!(case("C01", "fifo", &apicbase).await, (millions(&["75", "50", "97"]), "3".into(), "72".into(), json!("24")));
        // The R package FinCal, cogs
        let cogs = [("in", "2", "2"), ("in", "3", "3"), ("in", "5", "5"), ("out", "7", "")];
        assert_eq!(case("C02a", "fifo", &cogs).await, (millions(&["23"]), "3".into(), "15".into(), json!("5")));
        assert_eq!(case("C02b", "moving_average", &cogs).await, (millions(&["26.6"]), "3".into(), "11.4".into(), json!("3.8")));
        // qammunity.org/1499166
        let sales = [("in", "21", "42"), ("out", "14", ""), ("in", "18", "44"), ("out", "6", ""), ("in", "24", "47"), ("out", "21", "")];
        let (issues, quantity, value, _) = case("C04", "fifo", &sales).await;
        assert_eq!((issues.iter().sum::<i64>(), quantity, value), (1_768_000_000, "22".into(), "1034".into()));
        // instantcertcredit.com/courses/5/lesson/318, which rounds to whole dollars
        let (issues, quantity, value, _) =
            case("C06", "moving_average", &[("in", "500", "2.4"), ("out", "300", ""), ("in", "100", "3.5"), ("out", "250", ""), ("in", "300", "4")]).await;
        assert_eq!((issues[0], quantity, value), (720_000_000, "350".into(), "1338.333333".into()));
        // odoo, TestStockValuationAVCO.test_normal_1 and TestStockValuationFIFO.test_normal_1
        let normal = [("in", "10", "10"), ("in", "10", "20"), ("out", "15", "")];
        assert_eq!(case("C08a", "moving_average", &normal).await, (millions(&["225"]), "5".into(), "75".into(), json!("15")));
        assert_eq!(case("C08b", "fifo", &normal).await, (millions(&["200"]), "5".into(), "100".into(), json!("20")));
        // odoo, TestStockValuationFIFO.test_return_receipt_1: 8 of the first for 80 and 10 for 200
        let returned = [("in", "10", "10"), ("in", "10", "20"), ("vendor_return_of_first", "2", "")];
        assert_eq!(case("C09", "fifo", &returned).await, (millions(&["20"]), "18".into(), "280".into(), json!("15.555556")));
        // odoo, TestStockValuationAVCO.test_rounding_slv_1
        let rounding = [("in", "1", "1.00"), ("in", "1", "1.00"), ("in", "1", "1.01"), ("out", "3", "")];
        assert_eq!(case("C12", "moving_average", &rounding).await, (millions(&["3.01"]), "0".into(), "0".into(), Value::Null));
        // erpnext, test_remove_multiple_bins
        let bins = [("in", "1", "10"), ("in", "2", "20"), ("in", "1", "20"), ("in", "5", "20"), ("out", "4", "")];
        assert_eq!(case("C14", "fifo", &bins).await, (millions(&["70"]), "5".into(), "100".into(), json!("20")));
        // Microsoft Business Central, costing methods
        let thrice = [("in", "1", "10"), ("in", "1", "20"), ("in", "1", "30"), ("out", "1", ""), ("out", "1", ""), ("out", "1", "")];
        assert_eq!(case("C15a", "fifo", &thrice).await, (millions(&["10", "20", "30"]), "0".into(), "0".into(), Value::Null));
        assert_eq!(case("C15b", "moving_average", &thrice).await, (millions(&["20", "20", "20"]), "0".into(), "0".into(), Value::Null));
        // tryton, scenario_stock_average_cost_price
        let average = [("in", "1", "100"), ("in", "1", "200"), ("in", "1", "200"), ("in", "1", "200")];
        assert_eq!(case("C19", "moving_average", &average).await, (vec![], "4".into(), "700".into(), json!("175")));
    }

    async fn every_published_case_of_an_average_or_of_fifo_comes_out(api: Api) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases/costing.json");
        // The collection of published cases lies beside the repository where it is developed, and not in it.
        let Ok(published) = std::fs::read_to_string(file) else { return };
        let published: Value = serde_json::from_str(&published).expect("JSON");
        let cases = published["cases"].as_array().expect("cases");
        let kitchen = Kitchen::open(&api).await;
        let mut played = Vec::new();
        for case in cases {
            let id = text(&case["id"]);
            let method = match case["method"].as_str() {
                Some("lot_fifo") => "fifo",
                Some("moving_average") => "moving_average",
                _ if ELSEWHERE.iter().any(|(known, _)| *known == id) => continue,
                other => panic!("{id}: nothing plays {other:?}"),
            };
            let same = cases.iter().find(|other| !case["same_as"].is_null() && other["id"] == case["same_as"]).unwrap_or(case);
            let event = |event: &Value| match event.as_array().map(Vec::as_slice) {
                Some([kind, quantity, price]) if kind == "in" => ("in", text(quantity), text(price)),
                Some([kind, quantity]) if kind == "out" || kind == "waste" => ("out", text(quantity), String::new()),
                Some([kind, quantity]) if kind == "vendor_return_of_first" => ("vendor_return_of_first", text(quantity), String::new()),
                _ => panic!("{id}: nothing plays {event}"),
            };
            let events: Vec<_> = same["ev"].as_array().expect("events").iter().map(event).collect();
            let events = events.iter().map(|(kind, quantity, price)| (*kind, quantity.as_str(), price.as_str())).collect();
            let expected = &case["expect"];
            let (issues, row) = Case { id: &id, method, events }.play(&kitchen).await;
            if let Some(outs) = expected["outs"].as_array() {
                assert_eq!(issues, outs.iter().map(millionths).collect::<Vec<_>>(), "{id}");
            }
            for (name, found) in [("outs_sum", issues.iter().sum::<i64>()), ("first_out", issues.first().copied().unwrap_or_default())] {
                assert!(expected[name].is_null() || millionths(&expected[name]) == found, "{id} {name}: {found}");
            }
            for (name, field) in [("qty", "quantity"), ("value", "value"), ("unit_cost", "unit_cost")] {
                assert!(expected[name].is_null() || millionths(&expected[name]) == millionths(&row[field]), "{id} {name}: {row}");
            }
            if !expected["value_round_0"].is_null() {
                assert_eq!((millionths(&row["value"]) + 500_000) / 1_000_000 * 1_000_000, millionths(&expected["value_round_0"]), "{id}");
            }
            played.push(id);
        }
        let wanted = ["C01", "C02a", "C02b", "C04", "C06", "C08a", "C08b", "C09", "C12", "C14", "C15a", "C15b", "C19"];
        assert!(wanted.iter().all(|id| played.iter().any(|played| played == id)), "{played:?}");
    }

    async fn the_answer_says_how_it_was_found(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        kitchen.receive_at(MONDAY, json!([line("EGG", "3", "1")])).await;
        kitchen.receive_at(TUESDAY, json!([line("EGG", "3", "2.005")])).await;
        waste(&kitchen.owner, WALK_IN, "2026-11-25T08:00:00Z", "EGG", "2").await;
        let expected = json!({
            "as_of": "2026-11-25T12:00:00Z", "currency": "EUR", "method": "periodic_average", "period": "month", "total": "6.01", "rounding": "0",
            "issued_value": "3.005",
            "data": [{
                "item_id": egg["id"], "sku": "EGG", "name": "Item EGG", "quantity": "4", "unit": "each", "value": "6.01", "unit_cost": "1.5025",
                "issued_value": "3.005",
            }],
        });
        assert_eq!(valued(&kitchen.owner, "method=periodic_average").await, expected);
        assert_eq!(valued(&kitchen.owner, "method=periodic_average&period=month").await, expected);
        let by_site = valued(&kitchen.owner, "method=fifo&group_by=site").await;
        assert_eq!(
            by_site["data"],
            json!([{
                "item_id": egg["id"], "sku": "EGG", "name": "Item EGG", "site_id": kitchen.site["id"], "site": "main", "quantity": "4", "unit": "each",
                "value": "7.015", "unit_cost": "1.75375", "issued_value": "2",
            }])
        );
        assert_eq!((&by_site["group_by"], &by_site["period"], &by_site["total"], &by_site["rounding"]), (&json!("site"), &Value::Null, &json!("7.02"), &json!("0.005")));
        // Nothing of it is stored: asked again it is the same, and the ledger's own value is untouched.
        assert_eq!(valued(&kitchen.owner, "method=fifo&group_by=site").await, by_site);
        assert_eq!(row(&kitchen.owner, "EGG", "").await, told("4", "7.015", "2"));
        assert_eq!(valued(&kitchen.owner, "group_by=site").await["data"], by_site["data"]);
    }

    async fn what_is_asked_wrongly_is_refused_by_name(api: Api) {
        let owner = api.owner().await;
        for (query, expected) in [
            ("method=lifo", vec![("?method", "invalid_choice")]),
            ("method=periodic_average&period=week", vec![("?period", "invalid_choice")]),
            ("period=month", vec![("?period", "not_with_this_method")]),
            ("method=moving_average&period=day", vec![("?period", "not_with_this_method")]),
            ("method=lot_actual&period=", vec![("?period", "invalid_choice"), ("?period", "not_with_this_method")]),
            ("method=fifo&group_by=item", vec![("?group_by", "invalid_choice")]),
            ("method=fifo&location=main&location_id=018f0000-0000-7000-8000-000000000000", vec![("?", "exactly_one")]),
            ("method=fifo&as_of=now&colour=red", vec![("?as_of", "invalid_as_of"), ("?colour", "unknown_field")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
            assert_eq!(flaws(&owner.get(&format!("{VALUATION}?{query}")).await), expected, "{query}");
        }
        assert_eq!(flaws(&owner.get(&format!("{VALUATION}?method=fifo&method=fifo")).await), pairs([("?method", "given_twice")]));
        for method in METHODS {
            assert_eq!(valued(&owner, &format!("method={method}")).await["data"], json!([]), "{method}");
            api.get(&format!("{VALUATION}?method={method}")).await.refused(401, "token_invalid");
        }
    }

    async fn who_may_not_see_costs_sees_none_by_any_method(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([line("EGG", "3", "1")])).await;
        let (staff, viewer) = (api.member("staff", None).await, api.member("viewer", None).await);
        for method in METHODS {
            staff.get(&format!("{VALUATION}?method={method}")).await.refused(403, "forbidden");
            assert_eq!(row(&viewer, "EGG", &format!("method={method}")).await, told("3", "3", "0"), "{method}");
        }
        // And nobody sees another tenant's.
        let stranger = api.other_tenant().await;
        for method in METHODS {
            assert_eq!(valued(&stranger, &format!("method={method}")).await["data"], json!([]), "{method}");
        }
    }

    async fn the_past_is_valued_as_it_was_and_a_back_dated_delivery_changes_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        receive(owner, WALK_IN, MONDAY, json!([line("EGG", "10", "1")])).await;
        waste(owner, WALK_IN, TUESDAY, "EGG", "4").await;
        receive(owner, WALK_IN, "2026-11-25T08:00:00Z", json!([line("EGG", "6", "3")])).await;
        waste(owner, WALK_IN, "2026-11-25T10:00:00Z", "EGG", "8").await;
        let average = async |as_of: &str| row(owner, "EGG", &format!("method=moving_average{as_of}")).await;
        assert_eq!(average("").await, told("4", "8", "20"));
        for (as_of, expected) in [
            ("&as_of=2026-11-22", told("", "", "")),
            ("&as_of=2026-11-23T11:59:59.999999Z", told("", "", "")),
            ("&as_of=2026-11-23", told("10", "10", "0")),
            ("&as_of=2026-11-24", told("6", "6", "4")),
            ("&as_of=2026-11-25T09:00:00Z", told("12", "24", "4")),
            ("&as_of=2026-11-25", told("4", "8", "20")),
        ] {
            assert_eq!(average(as_of).await, expected, "{as_of}");
        }
        assert_eq!(row(owner, "EGG", "method=fifo&as_of=2026-11-25").await, told("4", "12", "16"));
        assert_eq!(row(owner, "EGG", "method=last_price&as_of=2026-11-24").await, told("6", "6", "4"));
        assert_eq!(row(owner, "EGG", "method=last_price").await, told("4", "12", "28"));
        // (10 + 18) : 16 for all that left in November; by the day 1 on Tuesday and 2 on Wednesday.
        assert_eq!(row(owner, "EGG", "method=periodic_average").await, told("4", "7", "21"));
        assert_eq!(row(owner, "EGG", "method=periodic_average&period=day").await, told("4", "8", "20"));
        assert_eq!(row(owner, "EGG", "method=periodic_average&as_of=2026-11-24").await, told("6", "6", "4"));

        let posted = kitchen.ledger().await;
        receive(owner, WALK_IN, "2026-11-24T08:00:00Z", json!([line("EGG", "10", "2")])).await;
        assert_eq!(kitchen.ledger().await[..posted.len()], posted);
        // 20 for 30 on Tuesday, of which 4 leave with 6; 22 for 42 on Wednesday, of which 8 leave.
        assert_eq!(average("&as_of=2026-11-23").await, told("10", "10", "0"));
        assert_eq!(average("&as_of=2026-11-24").await, told("16", "24", "6"));
        assert_eq!(average("").await, told("14", "26.727273", "21.272727"));
        assert_eq!(row(owner, "EGG", "").await.2, "16");
    }

    async fn at_one_instant_what_comes_in_is_there_for_what_leaves(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive_at(MONDAY, json!([line("EGG", "10", "1")])).await;
        waste(&kitchen.owner, WALK_IN, TUESDAY, "EGG", "10").await;
        // Recorded later, at the very instant of the waste.
        kitchen.receive_at(TUESDAY, json!([line("EGG", "10", "2")])).await;
        assert_eq!(row(&kitchen.owner, "EGG", "method=moving_average").await, told("10", "15", "15"));
        assert_eq!(row(&kitchen.owner, "EGG", "method=fifo").await, told("10", "20", "10"));
    }

    async fn the_last_price_is_what_was_paid_and_nothing_that_was_given(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "case", "12", "each").await;
        let price = async || row(&kitchen.owner, "EGG", "method=last_price").await;
        let hour = |hour: u32| format!("2026-11-24T{hour:02}:00:00Z");
        let get = async |at: u32, body: Value| {
            let body = with(with(body, "location", WALK_IN), "effective_at", hour(at));
            kitchen.owner.post(RECEIPTS, body).await.ok(201);
        };
        // Nobody ever paid: what the lots cost, which is nothing here.
        get(1, json!({ "lines": [{ "sku": "EGG", "quantity": "12", "free": "donation" }] })).await;
        assert_eq!(price().await, told("12", "0", "0"));
        waste(&kitchen.owner, WALK_IN, &hour(2), "EGG", "6").await;
        // A case for 6 less 1.20, and 3 for bringing it: 0.40 each.
        let bought = json!({ "sku": "EGG", "quantity": "1", "unit": "case", "unit_price": "6", "discount": "1.20" });
        get(3, json!({ "lines": [bought], "charges": [{ "label": "delivery", "amount": "3", "basis": "value" }] })).await;
        assert_eq!(price().await, told("18", "7.2", "0"));
        // What is free, or costs nothing, says nothing of the price.
        get(4, json!({ "lines": [{ "sku": "EGG", "quantity": "12", "free": "sample" }] })).await;
        get(5, json!({ "lines": [line("EGG", "10", "0")] })).await;
        assert_eq!(price().await, told("40", "16", "0"));
        waste(&kitchen.owner, WALK_IN, &hour(6), "EGG", "10").await;
        // The latest by date, not by when it was recorded.
        get(8, json!({ "lines": [line("EGG", "10", "0.5")] })).await;
        get(7, json!({ "lines": [line("EGG", "10", "9")] })).await;
        assert_eq!(price().await, told("50", "25", "4"));
        assert_eq!(row(&kitchen.owner, "EGG", &format!("method=last_price&as_of={}", hour(7))).await, told("40", "360", "4"));
    }

    async fn the_last_price_is_that_of_the_line_as_it_stood(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let price = async |as_of: &str| row(&kitchen.owner, "EGG", &format!("method=last_price{as_of}")).await;
        kitchen.item("EGG", json!({})).await;
        let post = async |receipt: &Value, path: &str, at: &str, body: Value| {
            let path = format!("{RECEIPTS}/{}/{path}", text(&receipt["document"]["id"]));
            kitchen.owner.post(&path, with(body, "effective_at", at)).await.ok(201)
        };
        // Meant was ten.
        let mistyped = kitchen.receive_at(MONDAY, json!([line("EGG", "10", "100")])).await;
        post(&mistyped, "correct", TUESDAY, json!({ "line": 1, "unit_price": "10" })).await;
        assert_eq!(price("").await, told("10", "100", "0"));
        for (as_of, value) in [("2026-11-23", "1000"), ("2026-11-24T11:59:59.999999Z", "1000"), (TUESDAY, "100"), ("2026-11-24", "100")] {
            assert_eq!(price(&format!("&as_of={as_of}")).await, told("10", value, "0"), "{as_of}");
        }
        // The last correction counts, with its quantity, and what left before is priced by it, too.
        waste(&kitchen.owner, WALK_IN, "2026-11-25T06:00:00Z", "EGG", "10").await;
        kitchen.receive_at("2026-11-22T12:00:00Z", json!([line("EGG", "5", "7")])).await;
        post(&mistyped, "correct", "2026-11-25T07:00:00Z", json!({ "line": 1, "quantity": "20", "line_total": "60" })).await;
        waste(&kitchen.owner, WALK_IN, "2026-11-25T07:30:00Z", "EGG", "10").await;
        assert_eq!(price("").await, told("5", "15", "60"));
        // An invoice at another price is what was paid; freight is none.
        post(&mistyped, "charges", "2026-11-25T08:00:00Z", json!({ "price_differences": [{ "line": 1, "amount": "20" }], "charges": [{ "label": "freight", "amount": "7" }] })).await;
        assert_eq!(price("").await, told("5", "20", "80"));
        assert_eq!(price("&as_of=2026-11-25T07:59:59Z").await, told("5", "15", "60"));
        // A discount stays a discount, and a price of nothing says nothing of the price.
        let discounted = kitchen.receive_at("2026-11-25T09:00:00Z", json!([{ "sku": "EGG", "quantity": "5", "unit_price": "3", "discount": "5" }])).await;
        post(&discounted, "correct", "2026-11-25T09:30:00Z", json!({ "line": 1, "unit_price": "4" })).await;
        assert_eq!(price("").await, told("10", "30", "80"));
        post(&discounted, "correct", "2026-11-25T10:00:00Z", json!({ "line": 1, "unit_price": "1", "confirm_zero": true })).await;
        assert_eq!(price("").await, told("10", "40", "80"));
        // What was given is no price until an invoice comes for it.
        let given = kitchen.receive_at("2026-11-25T10:30:00Z", json!([{ "sku": "EGG", "quantity": "10", "free": "sample" }])).await;
        assert_eq!(price("").await, told("20", "80", "80"));
        post(&given, "charges", "2026-11-25T11:00:00Z", json!({ "price_differences": [{ "line": 1, "amount": "10" }] })).await;
        assert_eq!(price("").await, told("20", "20", "80"));
    }

    async fn a_member_of_one_site_sees_prices_of_that_site_alone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let annex = site(owner, "annex", "Europe/Paris").await;
        area(owner, "annex", "cellar").await;
        for sku in ["EGG", "HAM"] {
            kitchen.item(sku, json!({})).await;
        }
        receive(owner, WALK_IN, MONDAY, json!([line("EGG", "10", "1"), line("HAM", "1", "7")])).await;
        receive(owner, "annex/cellar", MONDAY, json!([line("EGG", "10", "3")])).await;
        waste(owner, WALK_IN, TUESDAY, "EGG", "2").await;
        waste(owner, "annex/cellar", TUESDAY, "EGG", "5").await;
        let there = api.member("viewer", Some(&[annex])).await;
        for (method, whole, part) in [
            // By their lots; oldest first of one pool (10 at 1 before 10 at 3: 7 leave at 1); all at 2; at the last price.
            ("lot_actual", ("23", "17"), ("15", "15")),
            ("fifo", ("33", "7"), ("15", "15")),
            ("moving_average", ("26", "14"), ("15", "15")),
            ("periodic_average", ("26", "14"), ("15", "15")),
            ("last_price", ("39", "21"), ("15", "15")),
        ] {
            assert_eq!(row(owner, "EGG", &format!("method={method}")).await, told("13", whole.0, whole.1), "{method}");
            let own = valued(&there, &format!("method={method}")).await;
            assert_eq!(column(&own["data"], "sku"), ["EGG"], "{method}");
            assert_eq!((&own["total"], &own["issued_value"]), (&json!(part.0), &json!(part.1)), "{method}");
            assert_eq!(valued(&there, &format!("method={method}&location=main")).await["data"], json!([]), "{method}");
            // Grouped by site, each site has the prices of what came to it, whoever asks.
            let by_site = valued(owner, &format!("method={method}&group_by=site")).await;
            assert_eq!((column(&by_site["data"], "sku"), column(&by_site["data"], "site")), (["EGG", "EGG", "HAM"].map(str::to_owned).to_vec(), ["annex", "main", "main"].map(str::to_owned).to_vec()), "{method}");
            assert_eq!((column(&by_site["data"], "value"), column(&by_site["data"], "issued_value")), (["15", "8", "7"].map(str::to_owned).to_vec(), ["15", "2", "0"].map(str::to_owned).to_vec()), "{method}");
            let own = valued(&there, &format!("method={method}&group_by=site")).await;
            assert_eq!(own["data"], json!([by_site["data"][0]]), "{method}");
            // The total alone is the same, at a place and in the past, too.
            for of in ["", "&location=main", "&as_of=2026-11-24", "&include=issued"] {
                for caller in [owner, &there] {
                    let all = caller.get(&format!("{VALUATION}?method={method}{of}")).await.ok(200);
                    let total = caller.get(&format!("{VALUATION}?method={method}{of}&group_by=total")).await.ok(200);
                    assert_eq!(total["data"], json!([]), "{method}{of}");
                    for told in ["total", "rounding", "issued_value", "currency"] {
                        assert_eq!(total[told], all[told], "{method}{of}: {told}");
                    }
                }
            }
        }
        let nowhere = api.member("viewer", Some(&[])).await;
        for method in METHODS {
            assert_eq!(valued(&nowhere, &format!("method={method}&group_by=site")).await["data"], json!([]), "{method}");
        }
    }

    async fn a_location_has_its_part_at_the_prices_of_the_whole(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        receive(&kitchen.owner, WALK_IN, MONDAY, json!([line("EGG", "10", "1")])).await;
        receive(&kitchen.owner, DRY_STORE, MONDAY, json!([line("EGG", "30", "2")])).await;
        waste(&kitchen.owner, DRY_STORE, TUESDAY, "EGG", "10").await;
        // 40 for 70 are 1.75 each.
        for (location, quantity, value, issued) in [("main", "30", "52.5", "17.5"), (WALK_IN, "10", "17.5", "0"), (DRY_STORE, "20", "35", "17.5")] {
            let query = format!("method=moving_average&location={location}");
            assert_eq!(row(&kitchen.owner, "EGG", &query).await, told(quantity, value, issued), "{location}");
        }
        assert_eq!(row(&kitchen.owner, "EGG", &format!("location={WALK_IN}")).await, told("10", "10", "0"));
        assert_eq!(valued(&kitchen.owner, "method=moving_average&location=nowhere").await["data"], json!([]));
    }

    async fn between_sites_goods_carry_the_value_that_the_report_gives_them(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        site(owner, "annex", "Europe/Paris").await;
        let cellar = area(owner, "annex", "cellar").await;
        kitchen.item("EGG", json!({})).await;
        let first = receive(owner, WALK_IN, MONDAY, json!([line("EGG", "10", "1")])).await;
        receive(owner, WALK_IN, MONDAY, json!([line("EGG", "10", "3")])).await;
        let like = &first["entries"][0];
        let (walk_in, cellar, document) = (&like["location_id"], &cellar["id"], api.id());
        for (seq, document, kind, location, quantity, value, at) in [
            (3, document, "transfer_out", walk_in, -5, -5, TUESDAY),
            (4, document, "transfer_in", cellar, 5, 5, TUESDAY),
            (5, api.id(), "cost_adjust", walk_in, 0, 15, TUESDAY),
            (6, api.id(), "gain", cellar, 1, 1, "2026-11-24T13:00:00Z"),
            (7, api.id(), "usage", cellar, -2, -2, "2026-11-24T14:00:00Z"),
        ] {
            Entry { seq, document, kind, location, quantity, value, at }.write(&api, owner.tenant_id, like).await;
        }
        let by_site = async |method: &str| {
            let report = valued(owner, &format!("method={method}&group_by=site&as_of=2026-11-24")).await;
            (column(&report["data"], "quantity"), column(&report["data"], "value"), column(&report["data"], "issued_value"))
        };
        let both = |annex: &str, main: &str| vec![annex.to_owned(), main.to_owned()];
        // Five of the lot cost 5; by the report, 2.75 each with the change of cost, and so does the one that was found.
        assert_eq!(by_site("moving_average").await, (both("4", "15"), both("11", "41.25"), both("5.5", "0")));
        assert_eq!(by_site("periodic_average").await, (both("4", "15"), both("11", "41.25"), both("5.5", "0")));
        assert_eq!(by_site("lot_actual").await, (both("4", "15"), both("4", "50"), both("2", "0")));
        // For the tenant nothing has moved: 21 for 57.75 with the one that was found, less two.
        assert_eq!(row(owner, "EGG", "method=periodic_average&as_of=2026-11-24").await, told("19", "52.25", "5.5"));
    }

    async fn a_ledger_of_many_pages_is_read_to_its_end(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["A", "B", "C"] {
            kitchen.item(sku, json!({})).await;
        }
        receive(&kitchen.owner, WALK_IN, MONDAY, json!([line("A", "5", "1")])).await;
        let lines: Vec<Value> = (0..2_000).map(|number| line("B", "1", if number % 2 == 0 { "1" } else { "3" })).collect();
        // More than twice a page of 10,000 entries, many at each instant.
        for number in 0..11 {
            receive(&kitchen.owner, WALK_IN, &format!("2026-11-{:02}T12:00:00Z", 2 + number), json!(lines)).await;
        }
        receive(&kitchen.owner, WALK_IN, MONDAY, json!([line("C", "7", "1")])).await;
        waste(&kitchen.owner, WALK_IN, TUESDAY, "B", "500").await;
        for (method, b) in [
            ("lot_actual", told("21500", "43000", "1000")),
            ("fifo", told("21500", "43000", "1000")),
            ("moving_average", told("21500", "43000", "1000")),
            ("periodic_average", told("21500", "43000", "1000")),
            ("last_price", told("21500", "64500", "1500")),
        ] {
            let query = format!("method={method}");
            assert_eq!(row(&kitchen.owner, "A", &query).await, told("5", "5", "0"), "{method}");
            assert_eq!(row(&kitchen.owner, "B", &query).await, b, "{method}");
            assert_eq!(row(&kitchen.owner, "C", &query).await, told("7", "7", "0"), "{method}");
        }
    }
}
