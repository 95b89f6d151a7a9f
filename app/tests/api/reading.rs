//! What can be read of the stock, the lots, the ledger, the documents and their value, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::receipts::{NOBODY, RECEIPTS, area, column, flaws, millionths, money_in, pairs, refused, rows, site, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::tables::texts;
use crate::support::{Api, Client};

const STOCK: &str = "/v1/inventory/stock";
const LOTS: &str = "/v1/inventory/lots";
const LEDGER: &str = "/v1/inventory/ledger";
const DOCUMENTS: &str = "/v1/inventory/documents";
const WASTE: &str = "/v1/inventory/waste";
const VALUATION: &str = "/v1/inventory/reports/valuation";
const LISTS: [&str; 6] = [STOCK, LOTS, LEDGER, DOCUMENTS, RECEIPTS, WASTE];

const MONDAY: &str = "2026-11-23T12:00:00Z";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

async fn get(client: &Client, path: &str) -> Value {
    client.get(path).await.ok(200)
}

async fn receive(client: &Client, location: &str, at: &str, lines: Value) -> Value {
    client.post(RECEIPTS, json!({ "location": location, "effective_at": at, "lines": lines })).await.ok(201)
}

fn line(sku: &str, quantity: &str, unit_price: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity, "unit_price": unit_price })
}

fn data(page: &Value) -> &Vec<Value> {
    page["data"].as_array().expect("rows")
}

/// One field of every row of a list.
async fn listed(client: &Client, path: &str, name: &str) -> Vec<String> {
    let page = get(client, path).await;
    assert_eq!(page["next_cursor"], Value::Null);
    column(&page["data"], name)
}

/// All pages of a list, with something done after each.
async fn walk(client: &Client, list: &str, mut after: impl AsyncFnMut(&[Value])) -> Vec<Vec<Value>> {
    let (mut pages, mut next) = (Vec::new(), list.to_owned());
    loop {
        let page = get(client, &next).await;
        after(data(&page)).await;
        pages.push(data(&page).clone());
        let Some(cursor) = page["next_cursor"].as_str() else { return pages };
        next = format!("{list}{}cursor={cursor}", if list.contains('?') { '&' } else { '?' });
    }
}

fn sizes(pages: &[Vec<Value>]) -> Vec<usize> {
    pages.iter().map(Vec::len).collect()
}

/// The keys of all rows, none of which may come twice.
#[track_caller]
fn once(pages: &[Vec<Value>], key: impl Fn(&Value) -> String) -> BTreeSet<String> {
    let all: Vec<_> = pages.iter().flatten().map(key).collect();
    let unique: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(unique.len(), all.len(), "something came twice: {all:?}");
    unique
}

fn id(row: &Value) -> String {
    text(&row["id"])
}

fn place(row: &Value) -> String {
    format!("{} at {}", text(&row["sku"]), text(&row["location"]))
}

/// Everything that can be read, by path.
async fn everything(client: &Client) -> BTreeMap<String, Value> {
    let mut read = BTreeMap::new();
    for list in LISTS {
        let page = get(client, &format!("{list}?limit=500{}", if list == STOCK { "&include=lots" } else { "" })).await;
        for row in data(&page).iter().filter(|row| row.get("id").is_some()) {
            let path = format!("{list}/{}", id(row));
            read.insert(path.clone(), get(client, &path).await);
        }
        read.insert(list.to_owned(), page);
    }
    read
}

/// A kitchen in which something happened on three days: two deliveries into the walk-in, one into the dry store, and waste.
async fn used(api: &Api) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    for sku in ["EGG", "HAM"] {
        kitchen.item(sku, json!({})).await;
    }
    let dear = json!({
        "location": WALK_IN, "effective_at": MONDAY, "external_ref": "INV-1", "note": "By hand",
        "lines": [with(line("EGG", "10", "0.30"), "discount", "0.10"), { "sku": "HAM", "quantity": "3", "line_total": "12", "batch_code": "H/1" }],
        "charges": [{ "label": "delivery", "amount": "1.50" }],
    });
    kitchen.owner.post(RECEIPTS, dear).await.ok(201);
    receive(&kitchen.owner, DRY_STORE, TUESDAY, json!([with(line("EGG", "5", "0.40"), "expires_on", "2026-12-24")])).await;
    kitchen.waste(json!([{ "sku": "HAM", "quantity": "1" }, { "sku": "EGG", "quantity": "2", "reason": "damaged" }])).await;
    kitchen.receive(json!([line("HAM", "7", "3")])).await;
    kitchen
}

both_engines! {
    async fn stock_tells_what_lies_where_and_in_which_lots(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({ "name": "Egg, large" })).await;
        let made = kitchen.receive_at(MONDAY, json!([
            line("EGG", "6", "0.25"),
            with(with(line("EGG", "2.5", "0.30"), "expires_on", "2026-12-24"), "batch_code", "L/2"),
            with(line("EGG", "1", "0.40"), "expires_on", "2026-11-24"),
        ])).await;
        let lot = |index: usize| made["entries"][index]["lot_id"].clone();
        let row = json!({
            "item_id": egg["id"], "sku": "EGG", "name": "Egg, large", "location_id": made["document"]["location_id"], "location": "main/walk-in",
            "quantity": "9.5", "reserved": "0", "available": "8.5", "unit": "each", "value": "2.65",
        });
        assert_eq!(get(&kitchen.owner, STOCK).await, json!({ "data": [row], "next_cursor": null }));
        // The first to expire first, what never does last.
        let stock_lot = |index: usize, batch_code: Value, expires_on: Value, expired: bool, quantity: &str, value: &str| {
            json!({
                "lot_id": lot(index), "batch_code": batch_code, "expires_on": expires_on, "expired": expired,
                "status": if expired { "expired" } else { "ok" }, "opened_at": null, "received_at": MONDAY, "quantity": quantity, "value": value,
            })
        };
        let lots = json!([
            stock_lot(2, Value::Null, json!("2026-11-24"), true, "1", "0.4"),
            stock_lot(1, json!("L/2"), json!("2026-12-24"), false, "2.5", "0.75"),
            stock_lot(0, Value::Null, Value::Null, false, "6", "1.5"),
        ]);
        assert_eq!(get(&kitchen.owner, &format!("{STOCK}?include=lots")).await["data"], json!([with(row, "lots", lots)]));

        // What is empty is not listed, neither the lot nor, in the end, the place.
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "3.5" }])).await;
        let page = get(&kitchen.owner, &format!("{STOCK}?include=lots")).await;
        assert_eq!(column(&page["data"][0]["lots"], "quantity"), ["6"]);
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "6" }])).await;
        assert_eq!(get(&kitchen.owner, STOCK).await["data"], json!([]));
    }

    async fn what_is_expired_is_not_available_and_grace_is_for_best_before(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("FISH", json!({ "date_kind": "use_by", "grace_days": 3 })).await;
        kitchen.item("RICE", json!({ "date_kind": "best_before", "grace_days": 3 })).await;
        for sku in ["FISH", "RICE"] {
            let lines = ["2026-11-21", "2026-11-22", "2026-11-24", "2026-11-25"].map(|date| with(line(sku, "1", "1"), "expires_on", date));
            kitchen.receive(json!(lines)).await;
        }
        let read = async |client: &Client| {
            let page = get(client, &format!("{STOCK}?include=lots")).await;
            let expired = |row: &Value| row["lots"].as_array().expect("lots").iter().map(|lot| lot["expired"] == true).collect::<Vec<_>>();
            (column(&page["data"], "available"), data(&page).iter().map(expired).collect::<Vec<_>>())
        };
        // The last day itself still counts.
        let today = (vec!["1".to_owned(), "3".to_owned()], vec![vec![true, true, true, false], vec![true, false, false, false]]);
        assert_eq!(read(&kitchen.owner).await, today);
        // The business day ends at four in the morning, in Paris.
        api.advance(TimeDelta::hours(15) - TimeDelta::seconds(1));
        assert_eq!(read(&api.owner().await).await, today);
        api.advance(TimeDelta::seconds(1));
        let tomorrow = (vec!["0".to_owned(), "2".to_owned()], vec![vec![true; 4], vec![true, true, false, false]]);
        assert_eq!(read(&api.owner().await).await, tomorrow);
    }

    async fn stock_that_expires_soon_counts_only_those_lots(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["FISH", "RICE", "SALT"] {
            kitchen.item(sku, json!({})).await;
        }
        kitchen.receive(json!([
            with(line("FISH", "1", "5"), "expires_on", "2026-11-26"),
            with(line("FISH", "2", "5"), "expires_on", "2026-11-27"),
            with(line("RICE", "4", "1"), "expires_on", "2026-11-27"),
            line("SALT", "8", "1"),
        ])).await;
        let soon = async |date: &str| {
            let page = get(&kitchen.owner, &format!("{STOCK}?include=lots&expiring_before={date}")).await;
            let lots: usize = data(&page).iter().map(|row| row["lots"].as_array().map_or(0, Vec::len)).sum();
            (column(&page["data"], "sku"), column(&page["data"], "quantity"), column(&page["data"], "value"), lots)
        };
        let some = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(soon("2026-11-26").await, (vec![], vec![], vec![], 0));
        assert_eq!(soon("2026-11-27").await, (some(&["FISH"]), some(&["1"]), some(&["5"]), 1));
        assert_eq!(soon("2026-11-28").await, (some(&["FISH", "RICE"]), some(&["3", "4"]), some(&["15", "4"]), 3));
        assert_eq!(listed(&kitchen.owner, &format!("{LOTS}?expiring_before=2026-11-27"), "sku").await, ["FISH"]);
    }

    async fn stock_is_found_by_item_and_by_place(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let egg = kitchen.item("EGG", json!({})).await;
        kitchen.item("EGG-2", json!({})).await;
        site(owner, "main-2", "Europe/Paris").await;
        let other = area(owner, "main-2", "cellar").await;
        area(owner, "main", "walk-in-2").await;
        let shelf = area(owner, WALK_IN, "shelf").await;
        for path in [WALK_IN, DRY_STORE, "main/walk-in-2", "main/walk-in/shelf", "main-2/cellar"] {
            receive(owner, path, MONDAY, json!([line("EGG", "1", "1"), line("EGG-2", "1", "1")])).await;
        }
        let places = async |query: String| listed(owner, &format!("{STOCK}?{query}"), "location").await;
        let all = ["main-2/cellar", "main/dry-store", "main/walk-in", "main/walk-in-2", "main/walk-in/shelf"];
        for query in ["sku=EGG".to_owned(), format!("item_id={}", id(&egg)), format!("sku=EGG&item_id={}", id(&egg))] {
            let found = places(query).await;
            assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), all.map(str::to_owned).into());
        }
        assert_eq!(places("sku=egg".to_owned()).await, [""; 0]);
        assert_eq!(places(format!("item_id={}&sku=EGG-2", id(&egg))).await, [""; 0]);
        // A site or an area stands for all that lies below it, and for nothing that only begins with the same letters.
        let at = |query: &str| format!("sku=EGG&{query}");
        assert_eq!(places(at("location=main-2")).await, ["main-2/cellar"]);
        assert_eq!(places(at("location=main")).await.len(), 4);
        assert_eq!(places(at(&format!("location_id={}", id(&kitchen.site)))).await.len(), 4);
        assert_eq!(places(at("location=main/walk-in")).await, ["main/walk-in", "main/walk-in/shelf"]);
        assert_eq!(places(at(&format!("location_id={}", id(&shelf)))).await, ["main/walk-in/shelf"]);
        assert_eq!(places(at(&format!("location_id={}", id(&other)))).await, ["main-2/cellar"]);
        for nowhere in ["location=main/walk", "location=nowhere", "location=%25", "location=main/walk_in", &format!("location_id={NOBODY}")] {
            assert_eq!(places(at(nowhere)).await, [""; 0], "{nowhere}");
        }
        let value = async |query: &str| text(&get(owner, &format!("{VALUATION}?{query}")).await["total"]);
        assert_eq!((value("location=main").await, value("location=main/walk-in").await, value("location=main-2").await), ("8".into(), "4".into(), "2".into()));
        assert_eq!(value(&format!("location_id={}", id(&shelf))).await, "2");
        assert_eq!(value("location=main/walk").await, "0");
    }

    async fn stock_of_the_past_is_what_lay_there_then(api: Api) {
        let kitchen = used(&api).await;
        let stock = async |as_of: &str| {
            let page = get(&kitchen.owner, &format!("{STOCK}?include=lots&as_of={as_of}")).await;
            let row = |row: &Value| (place(row), text(&row["quantity"]), text(&row["value"]), row["lots"].as_array().map_or(0, Vec::len));
            data(&page).iter().map(row).collect::<Vec<_>>()
        };
        let row = |place: &str, quantity: &str, value: &str, lots: usize| (place.to_owned(), quantity.to_owned(), value.to_owned(), lots);
        // (2.90 + 12.00) : 1.50 = 2.90 : 0.291946 = 12 : 1.208054.
        let monday = vec![row("EGG at main/walk-in", "10", "3.191946", 1), row("HAM at main/walk-in", "3", "13.208054", 1)];
        for before in ["2026-11-22", "1999-01-01", "2026-11-23T11:59:59.999999Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(stock(before).await, [], "{before}");
        }
        for then in [MONDAY, "2026-11-23", "2026-11-24T11:59:59.999999Z", "2026-11-23T13:00:00%2B01:00"] {
            assert_eq!(stock(then).await, monday, "{then}");
        }
        let mut tuesday = monday.clone();
        tuesday.insert(0, row("EGG at main/dry-store", "5", "2", 1));
        for then in [TUESDAY, "2026-11-24", "2026-11-25T02:59:59Z"] {
            assert_eq!(stock(then).await, tuesday, "{then}");
        }
        // A third of 13.208054 is 4.402685, a fifth of 3.191946 is 0.638389.
        let now = vec![
            row("EGG at main/dry-store", "5", "2", 1),
            row("EGG at main/walk-in", "8", "2.553557", 1),
            row("HAM at main/walk-in", "9", "29.805369", 2),
        ];
        for then in ["2026-11-25", "2026-11-25T12:00:00Z", "2030-01-01", "2026-11-26T12:00:00Z"] {
            assert_eq!(stock(then).await, now, "{then}");
        }
        let page = get(&kitchen.owner, &format!("{STOCK}?include=lots")).await;
        assert_eq!(get(&kitchen.owner, &format!("{STOCK}?include=lots&as_of=2026-11-25")).await, page);
    }

    async fn a_date_ends_at_each_site_by_its_own_clock(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        site(owner, "tokyo", "Asia/Tokyo").await;
        area(owner, "tokyo", "store").await;
        // 20:00 UTC on Tuesday is Tuesday evening in Paris and five in the morning of Wednesday in Tokyo.
        for path in [WALK_IN, "tokyo/store"] {
            receive(owner, path, "2026-11-24T20:00:00Z", json!([with(line("EGG", "1", "1"), "expires_on", "2026-11-24")])).await;
        }
        let places = async |as_of: &str| listed(owner, &format!("{STOCK}?as_of={as_of}"), "location").await;
        assert_eq!(places("2026-11-23").await, [""; 0]);
        assert_eq!(places("2026-11-24").await, [WALK_IN]);
        assert_eq!(places("2026-11-25").await, [WALK_IN, "tokyo/store"]);
        assert_eq!(places("2026-11-24T20:00:00Z").await, [WALK_IN, "tokyo/store"]);
        // And so does the day on which something is still good.
        assert_eq!(listed(owner, &format!("{STOCK}?as_of=2026-11-24T20:00:00Z"), "available").await, ["1", "0"]);
        assert_eq!(text(&get(owner, &format!("{VALUATION}?as_of=2026-11-24")).await["total"]), "1");
        assert_eq!(listed(owner, &format!("{LEDGER}?from=2026-11-25"), "business_date").await, ["2026-11-25"]);
    }

    async fn what_is_asked_wrongly_is_refused_by_name(api: Api) {
        let owner = api.owner().await;
        for list in LISTS {
            for limit in ["0", "501", "-1", "x", "", "1.5"] {
                assert_eq!(flaws(&owner.get(&format!("{list}?limit={limit}")).await), pairs([("?limit", "invalid_limit")]), "{list} {limit}");
            }
            for limit in ["1", "500"] {
                owner.get(&format!("{list}?limit={limit}")).await.ok(200);
            }
            assert_eq!(flaws(&owner.get(&format!("{list}?colour=red&limit=0")).await), pairs([("?limit", "invalid_limit"), ("?colour", "unknown_field")]));
            assert_eq!(flaws(&owner.get(&format!("{list}?tenant_id={NOBODY}")).await), pairs([("?tenant_id", "unknown_field")]));
            assert_eq!(flaws(&owner.get(&format!("{list}?limit=1&limit=2")).await), pairs([("?limit", "given_twice")]));
            for cursor in ["", "!!", "bnVsbA", "eyJhIjoxfQ", "WyJ4IiwieSIsInoiXQ"] {
                owner.get(&format!("{list}?cursor={cursor}")).await.refused(400, "invalid_cursor");
            }
            api.get(list).await.refused(401, "token_invalid");
        }
        for (query, pointer, code) in [
            ("stock?include=all", "?include", "invalid_choice"),
            ("stock?as_of=yesterday", "?as_of", "invalid_as_of"),
            ("stock?as_of=2026-02-30", "?as_of", "invalid_as_of"),
            ("stock?as_of=2026-11-25T12:00:00", "?as_of", "invalid_as_of"),
            ("stock?expiring_before=tomorrow", "?expiring_before", "invalid_date"),
            ("stock?item_id=EGG", "?item_id", "invalid_id"),
            ("stock?sku=a%20b", "?sku", "invalid_code"),
            ("stock?location=main&location_id=018f0000-0000-7000-8000-000000000000", "?", "exactly_one"),
            ("stock?location_id=main", "?location_id", "invalid_id"),
            ("lots?in_stock=maybe", "?in_stock", "wrong_type"),
            ("lots?sort=price", "?sort", "invalid_choice"),
            ("lots?batch_code=%20x", "?batch_code", "invalid_batch_code"),
            ("lots?lot_id=x", "?lot_id", "unknown_field"),
            ("ledger?after_seq=-1", "?after_seq", "out_of_range"),
            ("ledger?after_seq=1.5", "?after_seq", "out_of_range"),
            ("ledger?kind=theft", "?kind", "invalid_choice"),
            ("ledger?from=2026-13-01", "?from", "invalid_date"),
            ("ledger?lot_id=1", "?lot_id", "invalid_id"),
            ("documents?to=1.12.2026", "?to", "invalid_date"),
            ("receipts?external_ref=", "?external_ref", "wrong_length"),
            ("reports/valuation?method=lifo", "?method", "invalid_choice"),
            ("reports/valuation?as_of=now", "?as_of", "invalid_as_of"),
            ("reports/valuation?limit=10", "?limit", "unknown_field"),
        ] {
            assert_eq!(flaws(&owner.get(&format!("/v1/inventory/{query}")).await), pairs([(pointer, code)]), "{query}");
        }
        api.get(VALUATION).await.refused(401, "token_invalid");
        // What no database can hold is no reason to fail.
        for query in ["stock?as_of=0000-01-01", "ledger?from=0000-01-01", "stock?as_of=0000-01-01T00:00:00Z"] {
            let reply = owner.get(&format!("/v1/inventory/{query}")).await;
            assert!(reply.status == 200 || reply.status == 422, "{query}: {}", reply.text);
        }
    }

    async fn a_cursor_belongs_to_its_list(api: Api) {
        let kitchen = used(&api).await;
        let cursor = async |list: &str| text(&get(&kitchen.owner, &format!("{list}?limit=1")).await["next_cursor"]);
        let (stock, lots, ledger) = (cursor(STOCK).await, cursor(LOTS).await, cursor(LEDGER).await);
        for (list, foreign) in [(STOCK, &ledger), (LOTS, &stock), (LOTS, &ledger), (LEDGER, &stock), (DOCUMENTS, &lots), (WASTE, &stock)] {
            kitchen.owner.get(&format!("{list}?cursor={foreign}")).await.refused(400, "invalid_cursor");
        }
        kitchen.owner.get(&format!("{LOTS}?sort=received_at&cursor={lots}")).await.refused(400, "invalid_cursor");
        let (receipts, documents) = (cursor(RECEIPTS).await, cursor(DOCUMENTS).await);
        for (list, foreign) in [(WASTE, &receipts), (DOCUMENTS, &receipts), (RECEIPTS, &documents)] {
            kitchen.owner.get(&format!("{list}?cursor={foreign}")).await.refused(400, "invalid_cursor");
        }
    }

    async fn documents_of_one_kind_come_by_number_the_newest_first_and_each_once(api: Api) {
        let kitchen = used(&api).await;
        // The last one of those that were posted happened before the others.
        receive(&kitchen.owner, DRY_STORE, MONDAY, json!([line("EGG", "1", "0.40")])).await;
        let (mut numbers, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&kitchen.owner, &format!("{RECEIPTS}?limit=1{cursor}")).await;
            numbers.extend(page["data"].as_array().expect("a page").iter().map(|document| text(&document["number"])));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(numbers, ["R-000004", "R-000003", "R-000002", "R-000001"]);
    }

    async fn a_walk_through_stock_meets_every_row_once(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let skus = ["A", "B", "a", "ä", "B-1", "B1", "Z", "中"];
        for sku in skus {
            kitchen.item(sku, json!({})).await;
            for path in [WALK_IN, DRY_STORE] {
                receive(&kitchen.owner, path, MONDAY, json!([line(sku, "1", "1")])).await;
            }
        }
        let still = walk(&kitchen.owner, &format!("{STOCK}?limit=5"), async |_| {}).await;
        assert_eq!(sizes(&still), [5, 5, 5, 1]);
        let original = once(&still, place);
        let order: Vec<_> = still.iter().flatten().map(|row| (text(&row["sku"]), text(&row["location"]))).collect();
        assert!(order.is_sorted(), "{order:?}");

        // New rows before and behind the reader, and one that was read is emptied.
        let mut turn = 0;
        let moving = walk(&kitchen.owner, &format!("{STOCK}?limit=3"), async |page: &[Value]| {
            turn += 1;
            for sku in [format!("0-{turn}"), format!("C-{turn}"), format!("z-{turn}")] {
                kitchen.item(&sku, json!({})).await;
                kitchen.receive(json!([line(&sku, "1", "1")])).await;
            }
            if turn == 1 {
                let gone = json!({ "sku": page[0]["sku"], "quantity": "1" });
                kitchen.owner.post(WASTE, with(waste_body(json!([gone])), "location", page[0]["location"].clone())).await.ok(201);
            }
            assert!(turn < 30, "no end");
        }).await;
        assert!(once(&moving, place).is_superset(&original));
    }

    async fn a_walk_through_lots_of_one_date_meets_each_once(api: Api) {
        // H01, inventree#11442.
        let kitchen = Kitchen::open(&api).await;
        for sort in ["expires_on", "received_at"] {
            let sku = format!("CREAM-{sort}");
            kitchen.item(&sku, json!({})).await;
            let cream = with(line(&sku, "1", "1"), "expires_on", "2026-12-31");
            let made = kitchen.receive(json!(vec![cream.clone(); 25])).await;
            let original: BTreeSet<_> = column(&made["entries"], "lot_id").into_iter().collect();
            let list = format!("{LOTS}?sku={sku}&sort={sort}&limit=10");
            let still = walk(&kitchen.owner, &list, async |_| {}).await;
            assert_eq!(sizes(&still), [10, 10, 5], "{sort}");
            assert_eq!(once(&still, id), original, "{sort}");

            let mut gone = BTreeSet::new();
            let moving = walk(&kitchen.owner, &list, async |page: &[Value]| {
                assert!(gone.len() < 10, "no end");
                if gone.len() < 2 {
                    kitchen.receive(json!(vec![cream.clone(); 3])).await;
                    let lot = id(&page[4]);
                    kitchen.waste(json!([{ "sku": sku, "quantity": "1", "lot_id": lot }])).await;
                    gone.insert(lot);
                } else {
                    gone.insert(String::new());
                }
            }).await;
            let met = once(&moving, id);
            let untouched: BTreeSet<_> = original.difference(&gone).cloned().collect();
            assert!(untouched.len() >= 23 && met.is_superset(&untouched), "{sort}");
            let left = walk(&kitchen.owner, &list, async |_| {}).await;
            assert_eq!((left.iter().flatten().count(), once(&left, id).intersection(&gone).count()), (29, 0), "{sort}");
        }
    }

    async fn lots_are_sorted_by_date_or_by_arrival(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("CREAM", json!({})).await;
        let cream = |expires_on: Value| with(line("CREAM", "1", "1"), "expires_on", expires_on);
        let arrivals = [
            ("2026-11-24T08:00:00.5Z", Value::Null),
            ("2026-11-24T08:00:00Z", json!("2026-12-24")),
            ("2026-11-20T08:00:00Z", Value::Null),
            ("2026-11-25T08:00:00Z", json!("2026-11-30")),
            ("2026-11-21T08:00:00Z", json!("9999-12-31")),
            ("2026-11-22T08:00:00Z", json!("2026-12-01")),
        ];
        for (at, expires_on) in &arrivals {
            kitchen.receive_at(at, json!([cream(expires_on.clone())])).await;
        }
        let read = async |sort: &str, name: &str| {
            let pages = walk(&kitchen.owner, &format!("{LOTS}?limit=2{sort}"), async |_| {}).await;
            assert_eq!(sizes(&pages), [2, 2, 2]);
            once(&pages, id);
            pages.iter().flatten().map(|lot| text(&lot[name])).collect::<Vec<_>>()
        };
        // What has no date sorts with the last day that there is.
        for sort in ["", "&sort=expires_on"] {
            let dates = read(sort, "expires_on").await;
            assert_eq!(dates[..3], ["2026-11-30", "2026-12-01", "2026-12-24"]);
            assert_eq!(dates[3..].iter().filter(|date| date.is_empty()).count(), 2);
        }
        let expected = ["20T08:00:00Z", "21T08:00:00Z", "22T08:00:00Z", "24T08:00:00Z", "24T08:00:00.500Z", "25T08:00:00Z"];
        assert_eq!(read("&sort=received_at", "received_at").await, expected.map(|time| format!("2026-11-{time}")));
    }

    async fn a_lot_tells_where_it_came_from_and_what_is_left_where(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let milk = kitchen.item("MILK", json!({ "base_unit": "ml", "date_kind": "best_before" })).await;
        let sent = json!({
            "sku": "MILK", "quantity": "2", "unit": "l", "unit_price": "1.20", "batch_code": "0898984", "expires_on": "2026-12-01",
            "produced_on": "2026-11-01",
        });
        let made = kitchen.receive_at(MONDAY, json!([{ "sku": "MILK", "quantity": "1", "unit_price": "1" }, sent])).await;
        kitchen.waste(json!([{ "sku": "MILK", "quantity": "500" }])).await;
        let lot = text(&made["entries"][1]["lot_id"]);
        let expected = json!({
            "id": lot, "item_id": milk["id"], "sku": "MILK", "batch_code": "0898984", "origin_document_id": made["document"]["id"], "origin_line": 2,
            "received_at": MONDAY, "produced_on": "2026-11-01", "expires_on": "2026-12-01", "date_kind": "best_before", "basis_quantity": "2000",
            "basis_value": "2.4", "quantity": "1500", "value": "1.8", "unit": "ml", "void": false, "version": 1,
            "status": "ok", "opened_at": null, "parents": [],
        });
        let places = json!([{ "location_id": made["document"]["location_id"], "location": "main/walk-in", "quantity": "1500", "value": "1.8" }]);
        assert_eq!(get(&kitchen.owner, &format!("{LOTS}/{lot}")).await, with(with(expected.clone(), "places", places), "events", json!([])));
        let found = |page: Value| page["data"].clone();
        for query in ["batch_code=0898984", "sku=MILK&expiring_before=2026-12-02", &format!("item_id={}&limit=1", id(&milk))] {
            assert_eq!(found(get(&kitchen.owner, &format!("{LOTS}?{query}")).await), json!([expected]), "{query}");
        }
        let here = text(&made["document"]["location_id"]);
        assert_eq!(listed(&kitchen.owner, &format!("{LOTS}?location_id={here}"), "quantity").await, ["1500", "1"]);
        for query in ["batch_code=898984", "sku=CREAM", "expiring_before=2026-12-01", &format!("location_id={NOBODY}"), &format!("item_id={NOBODY}")] {
            assert_eq!(found(get(&kitchen.owner, &format!("{LOTS}?{query}")).await), json!([]), "{query}");
        }

        // What is used up is there for those who ask.
        kitchen.waste(json!([{ "sku": "MILK", "quantity": "1500" }])).await;
        assert_eq!(listed(&kitchen.owner, LOTS, "quantity").await, ["1"]);
        assert_eq!(listed(&kitchen.owner, &format!("{LOTS}?in_stock=false"), "quantity").await, ["0", "1"]);
        assert_eq!(listed(&kitchen.owner, &format!("{LOTS}?in_stock=true"), "quantity").await, ["1"]);
        let empty = get(&kitchen.owner, &format!("{LOTS}/{lot}")).await;
        assert_eq!((&empty["quantity"], &empty["value"], &empty["places"], &empty["basis_value"]), (&json!("0"), &json!("0"), &json!([]), &json!("2.4")));
        for nothing in [NOBODY, "nothing", "0898984"] {
            kitchen.owner.get(&format!("{LOTS}/{nothing}")).await.refused(404, "not_found");
        }
    }

    async fn the_ledger_is_followed_without_gaps(api: Api) {
        let kitchen = used(&api).await;
        let seqs = async |query: &str| {
            let page = get(&kitchen.owner, &format!("{LEDGER}?{query}")).await;
            (data(&page).iter().map(|entry| entry["seq"].as_i64().expect("a number")).collect::<Vec<_>>(), page["next_cursor"].is_string())
        };
        assert_eq!(seqs("").await, ((1..=6).collect(), false));
        assert_eq!(seqs("limit=4").await, ((1..=4).collect(), true));
        assert_eq!(seqs("limit=6").await, ((1..=6).collect(), false));
        assert_eq!(seqs("after_seq=4").await, (vec![5, 6], false));
        assert_eq!(seqs("after_seq=4&limit=1").await, (vec![5], true));
        assert_eq!(seqs("after_seq=6").await, (vec![], false));
        assert_eq!(seqs("after_seq=9223372036854775807").await, (vec![], false));
        let pages = walk(&kitchen.owner, &format!("{LEDGER}?after_seq=1&limit=2"), async |_| {}).await;
        assert_eq!((sizes(&pages), pages[2][0]["seq"].as_i64()), (vec![2, 2, 1], Some(6)));

        // What is posted while it is read comes at the end, also where it is back-dated.
        let mut posted = false;
        let pages = walk(&kitchen.owner, &format!("{LEDGER}?limit=3"), async |_| {
            if !posted {
                kitchen.receive_at(MONDAY, json!([line("EGG", "1", "1")])).await;
                posted = true;
            }
        }).await;
        let met: Vec<_> = pages.iter().flatten().map(|entry| entry["seq"].as_i64().expect("a number")).collect();
        assert_eq!(met, (1..=7).collect::<Vec<_>>());
        assert_eq!(seqs("after_seq=6").await, (vec![7], false));
    }

    async fn the_ledger_is_filtered_by_what_an_entry_is_about(api: Api) {
        let kitchen = used(&api).await;
        let all = kitchen.ledger().await;
        let (egg, ham) = (text(&all[0]["item_id"]), text(&all[1]["item_id"]));
        let found = async |query: String| {
            let page = get(&kitchen.owner, &format!("{LEDGER}?{query}")).await;
            data(&page).iter().map(|entry| entry["seq"].as_i64().expect("a number")).collect::<Vec<_>>()
        };
        // 1 egg, 2 ham, 3 egg in the dry store, 4 ham wasted, 5 egg wasted, 6 ham.
        for (query, expected) in [
            ("kind=receipt".to_owned(), vec![1, 2, 3, 6]),
            ("kind=waste".to_owned(), vec![4, 5]),
            ("from=2026-11-24".to_owned(), vec![3, 4, 5, 6]),
            ("to=2026-11-24".to_owned(), vec![1, 2, 3]),
            ("from=2026-11-24&to=2026-11-24".to_owned(), vec![3]),
            ("from=2026-11-25&to=2026-11-24".to_owned(), vec![]),
            (format!("item_id={egg}"), vec![1, 3, 5]),
            ("sku=HAM".to_owned(), vec![2, 4, 6]),
            ("sku=ham".to_owned(), vec![]),
            (format!("lot_id={}", text(&all[1]["lot_id"])), vec![2, 4]),
            (format!("location_id={}", text(&all[2]["location_id"])), vec![3]),
            (format!("document_id={}", text(&all[3]["document_id"])), vec![4, 5]),
            (format!("item_id={ham}&kind=receipt&from=2026-11-24&after_seq=2"), vec![6]),
            (format!("item_id={egg}&sku=HAM"), vec![]),
            (format!("item_id={NOBODY}"), vec![]),
            (format!("document_id={NOBODY}"), vec![]),
        ] {
            assert_eq!(found(query.clone()).await, expected, "{query}");
        }
    }

    async fn documents_are_listed_newest_first_and_read_whole(api: Api) {
        let kitchen = used(&api).await;
        let owner = &kitchen.owner;
        let numbers = async |path: &str| listed(owner, path, "number").await;
        assert_eq!(numbers(DOCUMENTS).await, ["R-000003", "W-000001", "R-000002", "R-000001"]);
        assert_eq!(numbers(RECEIPTS).await, ["R-000003", "R-000002", "R-000001"]);
        assert_eq!(numbers(WASTE).await, ["W-000001"]);
        for (query, expected) in [
            ("from=2026-11-24", vec!["R-000003", "R-000002"]),
            ("to=2026-11-24", vec!["R-000002", "R-000001"]),
            ("from=2026-11-24&to=2026-11-24", vec!["R-000002"]),
            ("external_ref=INV-1", vec!["R-000001"]),
            ("external_ref=inv-1", vec![]),
            ("external_ref=INV", vec![]),
        ] {
            assert_eq!(numbers(&format!("{RECEIPTS}?{query}")).await, expected, "{query}");
        }
        let page = get(owner, RECEIPTS).await;
        let there = text(&data(&page)[1]["location_id"]);
        assert_eq!(numbers(&format!("{DOCUMENTS}?location_id={there}")).await, ["R-000002"]);
        assert_eq!(numbers(&format!("{DOCUMENTS}?location_id={NOBODY}")).await, [""; 0]);

        let first = &data(&page)[2];
        let read = get(owner, &format!("{RECEIPTS}/{}", id(first))).await;
        let mut head = read["document"].clone();
        let (lines, charges) = (head["lines"].take(), head["charges"].take());
        for name in ["lines", "charges"] {
            head.as_object_mut().expect("a document").remove(name);
        }
        assert_eq!(&head, first);
        assert_eq!((&head["external_ref"], &head["note"], &head["location"]), (&json!("INV-1"), &json!("By hand"), &json!(WALK_IN)));
        assert_eq!((column(&lines, "value"), column(&lines, "charges"), column(&lines, "discount")), (
            ["3.191946", "13.208054"].map(str::to_owned).to_vec(),
            ["0.291946", "1.208054"].map(str::to_owned).to_vec(),
            ["0.1", ""].map(str::to_owned).to_vec(),
        ));
        assert_eq!(charges, json!([{ "label": "delivery", "amount": "1.5", "basis": "value" }]));
        assert_eq!(read["entries"], json!(kitchen.ledger().await[..2]));
        assert_eq!(get(owner, &format!("{DOCUMENTS}/{}", id(first))).await, read);

        let waste = id(&data(&get(owner, WASTE).await)[0]);
        let read = get(owner, &format!("{WASTE}/{waste}")).await;
        assert_eq!(column(&read["document"]["lines"], "reason"), ["spoiled", "damaged"]);
        for rows in [&read["entries"], &read["document"]["lines"]] {
            assert_eq!(column(rows, "value"), ["-4.402685", "-0.638389"]);
        }
        assert_eq!(get(owner, &format!("{DOCUMENTS}/{waste}")).await, read);
        // One kind is not found among the other.
        for path in [format!("{RECEIPTS}/{waste}"), format!("{WASTE}/{}", id(first)), format!("{DOCUMENTS}/{NOBODY}"), format!("{DOCUMENTS}/R-000001")] {
            owner.get(&path).await.refused(404, "not_found");
        }
    }

    async fn a_walk_through_documents_meets_those_that_were_there_once(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let both = async || {
            kitchen.receive(json!([line("EGG", "9", "1"), line("EGG", "9", "1")])).await;
            kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        };
        for _ in 0..4 {
            both().await;
        }
        for list in [DOCUMENTS, RECEIPTS, WASTE] {
            let list = format!("{list}?limit=3");
            let still = walk(&kitchen.owner, &list, async |_| {}).await;
            assert!(still[..still.len() - 1].iter().all(|page| page.len() == 3), "{list}");
            let before = once(&still, id);
            // New ones lie before the first page, so that they do not come at all.
            let moving = walk(&kitchen.owner, &list, async |_| both().await).await;
            assert_eq!((once(&moving, id), sizes(&moving)), (before, sizes(&still)), "{list}");
        }
        let documents = walk(&kitchen.owner, &format!("{DOCUMENTS}?limit=500"), async |_| {}).await;
        let receipts = walk(&kitchen.owner, &format!("{RECEIPTS}?limit=500"), async |_| {}).await;
        let waste = walk(&kitchen.owner, &format!("{WASTE}?limit=500"), async |_| {}).await;
        let parts: BTreeSet<_> = once(&receipts, id).union(&once(&waste, id)).cloned().collect();
        assert_eq!(once(&documents, id), parts);
        assert_eq!((sizes(&receipts), sizes(&waste)), (vec![parts.len() / 2], vec![parts.len() / 2]));
    }

    async fn the_stock_is_valued_and_the_rounding_is_shown(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let empty = get(&kitchen.owner, VALUATION).await;
        assert_eq!(empty, json!({ "as_of": "2026-11-25T12:00:00Z", "currency": "EUR", "method": "lot_actual", "total": "0", "rounding": "0", "data": [] }));
        let (egg, ham) = (kitchen.item("EGG", json!({})).await, kitchen.item("HAM", json!({ "base_unit": "g" })).await);
        let bought = json!([{ "sku": "HAM", "quantity": "3", "line_total": "0.005" }, { "sku": "EGG", "quantity": "3", "line_total": "1" }]);
        receive(&kitchen.owner, WALK_IN, MONDAY, bought).await;
        let rows = json!([
            { "item_id": egg["id"], "sku": "EGG", "name": "Item EGG", "quantity": "3", "unit": "each", "value": "1", "unit_cost": "0.333333" },
            { "item_id": ham["id"], "sku": "HAM", "name": "Item HAM", "quantity": "3", "unit": "g", "value": "0.005", "unit_cost": "0.001667" },
        ]);
        let valued = get(&kitchen.owner, &format!("{VALUATION}?method=lot_actual")).await;
        let expected = json!({
            "as_of": "2026-11-25T12:00:00Z", "currency": "EUR", "method": "lot_actual", "total": "1.01", "rounding": "0.005", "data": rows,
        });
        assert_eq!(valued, expected);
        assert_eq!(get(&kitchen.owner, &format!("{VALUATION}?as_of=2026-11-23")).await, with(expected.clone(), "as_of", "2026-11-23"));
        assert_eq!(get(&kitchen.owner, &format!("{VALUATION}?as_of=2026-11-23T13:00:00%2B01:00")).await, with(expected, "as_of", MONDAY));
        // A piece of it leaves by what its lot cost: 1/3 each, so that 0.666667 and 0.005 remain.
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "1" }])).await;
        let valued = get(&kitchen.owner, VALUATION).await;
        assert_eq!((&valued["total"], &valued["rounding"]), (&json!("0.67"), &json!("-0.001667")));
        assert_eq!(column(&valued["data"], "value"), ["0.666667", "0.005"]);
        // What is on hand for nothing is a row; what is gone is one where it is asked what it was worth when it left.
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "1", "free": "sample" }])).await;
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "2" }, { "sku": "HAM", "quantity": "3" }])).await;
        let valued = get(&kitchen.owner, VALUATION).await;
        assert_eq!((column(&valued["data"], "sku"), column(&valued["data"], "quantity")), (vec!["HAM".to_owned()], vec!["1".to_owned()]));
        let valued = get(&kitchen.owner, &format!("{VALUATION}?include=issued")).await;
        assert_eq!((column(&valued["data"], "sku"), column(&valued["data"], "value")), (["EGG", "HAM"].map(str::to_owned).to_vec(), ["0", "0"].map(str::to_owned).to_vec()));
        assert_eq!((column(&valued["data"], "quantity"), column(&valued["data"], "issued_value")), (["0", "1"].map(str::to_owned).to_vec(), ["1", "0.005"].map(str::to_owned).to_vec()));
    }

    async fn the_value_of_the_past_is_what_the_stock_of_the_past_sums_to(api: Api) {
        let kitchen = used(&api).await;
        let owner = &kitchen.owner;
        let moments = [
            "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-23T11:59:59.999999Z", MONDAY, TUESDAY, "2026-11-25T11:59:59Z",
            "2026-11-25T12:00:00Z",
        ];
        let totals = async || {
            let mut totals = Vec::new();
            for as_of in moments {
                let valued = get(owner, &format!("{VALUATION}?as_of={as_of}")).await;
                let exact = millionths(&valued["total"]) - millionths(&valued["rounding"]);
                let stock = get(owner, &format!("{STOCK}?as_of={as_of}&limit=500")).await;
                let sum = |rows: &[Value], name: &str| rows.iter().map(|row| millionths(&row[name])).sum::<i64>();
                assert_eq!(sum(data(&valued), "value"), exact, "{as_of}");
                assert_eq!((sum(data(&stock), "value"), sum(data(&stock), "quantity")), (exact, sum(data(&valued), "quantity")), "{as_of}");
                let entries = kitchen.ledger().await;
                let when = if as_of.len() == 10 { "business_date" } else { "effective_at" };
                let until = |entry: &&Value| text(&entry[when]).as_str() <= as_of;
                assert_eq!(entries.iter().filter(until).map(|entry| millionths(&entry["value"])).sum::<i64>(), exact, "{as_of}");
                assert_eq!(valued["as_of"], as_of);
                totals.push(exact);
            }
            totals
        };
        let before = totals().await;
        assert_eq!(before, [0, 16_400_000, 18_400_000, 34_358_926, 0, 16_400_000, 18_400_000, 18_400_000, 34_358_926]);
        let now = get(owner, VALUATION).await;
        assert_eq!(millionths(&now["total"]) - millionths(&now["rounding"]), 34_358_926);
        assert_eq!((&now["total"], &now["rounding"]), (&json!("34.36"), &json!("0.001074")));

        // What is back-dated appears in the past, and only from its instant on.
        receive(owner, DRY_STORE, "2026-11-24T08:00:00Z", json!([line("HAM", "1", "100")])).await;
        let more = [0, 0, 100, 100, 0, 0, 100, 100, 100].map(|more| more * 1_000_000);
        assert_eq!(totals().await, before.iter().zip(more).map(|(value, more)| value + more).collect::<Vec<_>>());
    }

    async fn money_is_hidden_from_staff_in_every_reading_and_shown_to_a_viewer(api: Api) {
        let kitchen = used(&api).await;
        let (staff, viewer) = (api.member("staff", None).await, api.member("viewer", None).await);
        staff.get(VALUATION).await.refused(403, "forbidden");
        staff.get(&format!("{VALUATION}?as_of=2026-11-24")).await.refused(403, "forbidden");
        let (hidden, shown) = (everything(&staff).await, everything(&viewer).await);
        assert_eq!(shown, everything(&kitchen.owner).await);
        assert_eq!(hidden.keys().collect::<Vec<_>>(), shown.keys().collect::<Vec<_>>());
        assert_eq!(hidden.len(), 6 + 4 + 4 + 3 + 1);
        for (path, body) in &hidden {
            assert_eq!(money_in(body), BTreeSet::new(), "{path}: {body}");
        }
        for (path, names) in [(STOCK, vec!["value"]), (LOTS, vec!["basis_value", "value"]), (LEDGER, vec!["value"])] {
            assert_eq!(money_in(&shown[path]).into_iter().collect::<Vec<_>>(), names, "{path}");
        }
        let receipt = shown.iter().find(|(path, body)| path.starts_with(RECEIPTS) && body["document"]["number"] == "R-000001").expect("a receipt");
        assert_eq!(money_in(receipt.1), ["amount", "charges", "discount", "line_total", "unit_price", "value"].map(str::to_owned).into());
        // The rest is the same: rows, quantities, dates.
        for path in [STOCK, LOTS, LEDGER] {
            assert_eq!(column(&hidden[path]["data"], "quantity"), column(&shown[path]["data"], "quantity"), "{path}");
        }
        assert_eq!(viewer.get(VALUATION).await.ok(200)["total"], "34.36");
        viewer.get(&format!("{STOCK}?as_of=2026-11-24")).await.ok(200);
        assert_eq!(money_in(&get(&staff, &format!("{STOCK}?include=lots&as_of=2026-11-24")).await), BTreeSet::new());
    }

    async fn a_member_of_one_site_reads_nothing_of_another(api: Api) {
        let kitchen = used(&api).await;
        let owner = &kitchen.owner;
        let annex = site(owner, "annex", "Europe/Paris").await;
        let cellar = area(owner, "annex", "cellar").await;
        receive(owner, "annex/cellar", MONDAY, json!([line("EGG", "6", "2"), line("HAM", "2", "5")])).await;
        let waste = with(waste_body(json!([{ "sku": "HAM", "quantity": "1" }])), "location", "annex/cellar");
        owner.post(WASTE, waste).await.ok(201);

        let there = api.member("viewer", Some(&[annex])).await;
        let read = everything(&there).await;
        assert_eq!(data(&read[STOCK]).iter().map(place).collect::<Vec<_>>(), ["EGG at annex/cellar", "HAM at annex/cellar"]);
        assert_eq!(column(&read[LOTS]["data"], "quantity").len(), 2);
        assert!(data(&read[LEDGER]).iter().all(|entry| entry["location_id"] == cellar["id"]));
        assert_eq!(data(&read[LEDGER]).len(), 3);
        for (list, numbers) in [(DOCUMENTS, vec!["W-000002", "R-000004"]), (RECEIPTS, vec!["R-000004"]), (WASTE, vec!["W-000002"])] {
            assert_eq!(column(&read[list]["data"], "number"), numbers, "{list}");
        }
        // The total holds nothing of the other site, at no time.
        for (query, total) in [
            ("", "17"),
            ("?as_of=2026-11-23", "22"),
            ("?location=annex", "17"),
            ("?location=main", "0"),
            ("?as_of=2026-11-25&location=main/walk-in", "0"),
        ] {
            let valued = get(&there, &format!("{VALUATION}{query}")).await;
            assert_eq!((text(&valued["total"]), data(&valued).len()), (total.to_owned(), if total == "0" { 0 } else { 2 }), "{query}");
        }
        // Asked for by name, it is not there either.
        let mains = everything(owner).await;
        let walk_in = text(&data(&mains[LEDGER])[0]["location_id"]);
        let lot = text(&data(&mains[LEDGER])[0]["lot_id"]);
        let document = text(&data(&mains[LEDGER])[0]["document_id"]);
        for query in [
            format!("{STOCK}?location=main"),
            format!("{STOCK}?location_id={walk_in}"),
            format!("{STOCK}?location=main&as_of=2026-11-24"),
            format!("{LOTS}?location_id={walk_in}"),
            format!("{LOTS}?batch_code=H/1"),
            format!("{LEDGER}?location_id={walk_in}"),
            format!("{LEDGER}?lot_id={lot}"),
            format!("{LEDGER}?document_id={document}"),
            format!("{DOCUMENTS}?location_id={walk_in}"),
            format!("{RECEIPTS}?external_ref=INV-1"),
        ] {
            assert_eq!(get(&there, &query).await["data"], json!([]), "{query}");
        }
        let foreign: Vec<_> = mains.keys().filter(|path| !read.contains_key(*path)).collect();
        assert_eq!(foreign.len(), 4 + 4 + 3 + 1);
        for path in foreign {
            there.get(path).await.refused(404, "not_found");
        }
        let nowhere = api.member("viewer", Some(&[])).await;
        for (path, page) in everything(&nowhere).await {
            assert_eq!(page["data"], json!([]), "{path}");
        }
        assert_eq!(get(&nowhere, VALUATION).await["total"], "0");
    }

    async fn another_tenant_reads_nothing_and_finds_no_id(api: Api) {
        let kitchen = used(&api).await;
        let mine = everything(&kitchen.owner).await;
        let stranger = api.other_tenant().await;
        let entry = &data(&mine[LEDGER])[0];
        for (path, page) in everything(&stranger).await {
            assert_eq!(page, json!({ "data": [], "next_cursor": null }), "{path}");
        }
        for path in mine.keys().filter(|path| !LISTS.contains(&path.as_str())) {
            stranger.get(path).await.refused(404, "not_found");
        }
        for (list, names) in [
            (STOCK, vec!["item_id", "location_id"]),
            (LOTS, vec!["item_id", "location_id"]),
            (LEDGER, vec!["item_id", "location_id", "lot_id", "document_id"]),
            (DOCUMENTS, vec!["location_id"]),
        ] {
            for name in names {
                let query = format!("{list}?{name}={}", text(&entry[name]));
                assert!(!data(&get(&kitchen.owner, &query).await).is_empty(), "{query}");
                assert_eq!(get(&stranger, &query).await["data"], json!([]), "{query}");
            }
        }
        for query in ["", "?location=main", "?as_of=2026-11-24", &format!("?location_id={}", text(&entry["location_id"]))] {
            let valued = get(&stranger, &format!("{VALUATION}{query}")).await;
            assert_eq!((&valued["total"], &valued["data"]), (&json!("0"), &json!([])), "{query}");
        }

        // A second tenant of the same names, places and dates changes nothing for the first and sees only its own.
        let other = Kitchen::of(stranger).await;
        other.item("EGG", json!({})).await;
        other.receive_at(MONDAY, json!([with(line("EGG", "1", "77"), "batch_code", "H/1")])).await;
        assert_eq!(everything(&kitchen.owner).await, mine);
        assert_eq!(other.on_hand("EGG").await, ("1".into(), "77".into()));
        let theirs = everything(&other.owner).await;
        assert_eq!((data(&theirs[STOCK]).len(), data(&theirs[LEDGER]).len(), &theirs[LEDGER]["data"][0]["seq"]), (1, 1, &json!(1)));
        assert_eq!(data(&get(&kitchen.owner, &format!("{LOTS}?batch_code=H/1")).await).len(), 1);
        assert_eq!(get(&kitchen.owner, &format!("{VALUATION}?location=main")).await["total"], "34.36");
        // A cursor of one tenant leads another only through its own rows.
        let cursor = text(&get(&kitchen.owner, &format!("{LEDGER}?limit=1")).await["next_cursor"]);
        assert_eq!(get(&other.owner, &format!("{LEDGER}?cursor={cursor}")).await["data"], json!([]));
    }

    async fn a_date_on_a_package_is_read_back_unchanged_in_every_zone(api: Api) {
        // H03, odoo#98368.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        site(owner, "doha", "Asia/Qatar").await;
        area(owner, "doha", "store").await;
        kitchen.item("DATES", json!({ "track_expiry": true })).await;
        let dates = with(with(line("DATES", "5", "1"), "expires_on", "2025-03-30"), "produced_on", "2025-01-01");
        let made = receive(owner, "doha/store", "2025-03-29T21:30:00Z", json!([dates])).await;
        assert_eq!((&made["document"]["lines"][0]["expires_on"], &made["document"]["business_date"]), (&json!("2025-03-30"), &json!("2025-03-30")));
        let (lot, document) = (text(&made["entries"][0]["lot_id"]), id(&made["document"]));
        let one = get(owner, &format!("{LOTS}/{lot}")).await;
        assert_eq!((&one["expires_on"], &one["produced_on"]), (&json!("2025-03-30"), &json!("2025-01-01")));
        assert_eq!(listed(owner, LOTS, "expires_on").await, ["2025-03-30"]);
        assert_eq!(get(owner, &format!("{RECEIPTS}/{document}")).await["document"]["lines"][0]["expires_on"], "2025-03-30");
        for (as_of, expired, available) in [
            // 23:59:59 in Doha, on the last day itself.
            ("2025-03-30T20:59:59Z", false, "5"),
            ("2025-03-30T21:00:00Z", true, "0"),
            ("2025-03-30", false, "5"),
            ("2025-03-31", true, "0"),
            ("2026-11-25T12:00:00Z", true, "0"),
        ] {
            let stock = get(owner, &format!("{STOCK}?include=lots&as_of={as_of}")).await;
            let (row, lot) = (&stock["data"][0], &stock["data"][0]["lots"][0]);
            assert_eq!((&lot["expires_on"], &lot["expired"], &row["available"]), (&json!("2025-03-30"), &json!(expired), &json!(available)), "{as_of}");
        }
        assert_eq!(listed(owner, &format!("{LOTS}?expiring_before=2025-03-31"), "id").await, [lot]);
        assert_eq!(listed(owner, &format!("{LOTS}?expiring_before=2025-03-30"), "id").await, [""; 0]);
    }

    async fn a_reader_of_one_site_reads_there_and_writes_nowhere(api: Api) {
        // H13, homebox#1714: every member of a group could write.
        let kitchen = used(&api).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        area(&kitchen.owner, "annex", "cellar").await;
        receive(&kitchen.owner, "annex/cellar", MONDAY, json!([line("EGG", "6", "2")])).await;
        let reader = api.member("viewer", Some(&[annex])).await;
        assert_eq!(data(&get(&reader, STOCK).await).iter().map(place).collect::<Vec<_>>(), ["EGG at annex/cellar"]);
        assert_eq!(text(&get(&reader, VALUATION).await["total"]), "12");
        let answers = async || texts(api.inventory_db(), "SELECT CAST(COUNT(*) AS TEXT) FROM idempotency").await;
        let before = answers().await;
        for (path, body) in [
            (WASTE, with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "location", "annex/cellar")),
            ("/v1/inventory/counts", json!({ "location": "annex/cellar" })),
            (RECEIPTS, json!({ "location": "annex/cellar", "lines": [line("EGG", "1", "1")] })),
            ("/v1/inventory/items", json!({ "sku": "NEW", "name": "New", "base_unit": "g" })),
        ] {
            refused(&reader, path, body).await.refused(403, "forbidden");
        }
        assert_eq!(answers().await, before);
    }

    async fn a_tenant_in_a_body_is_refused_and_writes_for_nobody(api: Api) {
        // H05, snipe-it#15654.
        let kitchen = used(&api).await;
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("EGG", json!({})).await;
        other.receive(json!([line("EGG", "3", "1")])).await;
        let tenant = other.owner.tenant_id.to_string();
        let before = (rows(&api).await, everything(&other.owner).await);
        let sent = [
            ("/v1/inventory/items", json!({ "sku": "NEW", "name": "New", "base_unit": "g" }), "/tenant_id"),
            ("/v1/inventory/locations", json!({ "kind": "site", "code": "new", "name": "New" }), "/tenant_id"),
            (RECEIPTS, json!({ "location": WALK_IN, "lines": [line("EGG", "1", "1")] }), "/tenant_id"),
            (WASTE, waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "/tenant_id"),
        ];
        for (path, body, pointer) in sent {
            assert_eq!(flaws(&refused(&kitchen.owner, path, with(body, "tenant_id", tenant.as_str())).await), pairs([(pointer, "unknown_field")]), "{path}");
        }
        let inside = json!({ "location": WALK_IN, "lines": [with(line("EGG", "1", "1"), "tenant_id", tenant.as_str())] });
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, inside).await), pairs([("/lines/0/tenant_id", "unknown_field")]));
        let theirs: Uuid = text(&other.site["id"]).parse().expect("an id");
        let there = json!({ "location_id": theirs, "lines": [line("EGG", "1", "1")] });
        assert_eq!(flaws(&refused(&kitchen.owner, RECEIPTS, there).await), pairs([("/location_id", "location_not_found")]));
        assert_eq!((rows(&api).await, everything(&other.owner).await), before);
    }
}
