//! Archiving through HTTP: what is archived is used no more and stays readable, and nothing is archived beneath what lies there
//! or is under way.

use chrono::{DateTime, FixedOffset};
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, Query};
use serde_json::{Value, json};

use crate::receipts::{RECEIPTS, area, column, flaws, pairs, refused, rows, site, user_of};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Reply};

const WASTE: &str = "/v1/inventory/waste";
const TRANSFERS: &str = "/v1/inventory/transfers";

/// Archives what lies at a path of the API, or takes it into use again.
async fn archive(kitchen: &Kitchen, kind: &str, of: &Value, archived: bool) -> Reply {
    let path = format!("/v1/inventory/{kind}/{}", text(&of["id"]));
    let version = kitchen.owner.get(&path).await.ok(200)["version"].as_i64();
    kitchen.owner.patch(&path, version, json!({ "archived": archived })).await
}

async fn location(kitchen: &Kitchen, path: &str) -> Value {
    let all = kitchen.owner.get("/v1/inventory/locations?archived=all&limit=100").await.ok(200);
    all["data"].as_array().expect("locations").iter().find(|location| location["path"] == path).expect("a location").clone()
}

fn id(value: &Value) -> Uuid {
    text(&value["id"]).parse().expect("an id")
}

/// Puts a row into a table as another part of the program does.
async fn put(api: &Api, kitchen: &Kitchen, table: &'static str, more: Vec<(&'static str, Expr)>) -> Uuid {
    let row = api.id();
    let now = DateTime::<FixedOffset>::from(api.now());
    let mut all: Vec<(&str, Expr)> = vec![
        ("id", Expr::val(row)),
        ("tenant_id", Expr::val(kitchen.owner.tenant_id)),
        ("version", Expr::val(1_i64)),
        ("created_at", Expr::val(now)),
        ("updated_at", Expr::val(now)),
    ];
    all.extend(more);
    let (columns, values): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let insert = Query::insert().into_table(table).columns(columns).values_panic(values).take();
    api.inventory_db().execute(&insert).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    row
}

async fn becomes(api: &Api, table: &'static str, row: Uuid, status: &str) {
    use sea_orm::sea_query::ExprTrait as _;
    let update = Query::update().table(table).value("status", status).and_where(Expr::col("id").eq(row)).take();
    api.inventory_db().execute(&update).await.expect("another status");
}

/// A transfer, a count and a reservation of an item between two places, each in a status in which it is under way.
async fn under_way(api: &Api, kitchen: &Kitchen, item: &Value) -> [(&'static str, &'static str, Uuid, &'static str); 3] {
    let (from, to) = (id(&location(kitchen, WALK_IN).await), id(&location(kitchen, DRY_STORE).await));
    let (user, item, tenant) = (user_of(&kitchen.owner).await, id(item), kitchen.owner.tenant_id);
    let transfer = vec![
        ("number", Expr::val(1_i64)),
        ("status", Expr::val("draft")),
        ("from_location_id", Expr::val(from)),
        ("to_location_id", Expr::val(to)),
        ("created_by", Expr::val(user)),
    ];
    let transfer = put(api, kitchen, "transfer", transfer).await;
    let line: Vec<(&str, Expr)> = vec![
        ("tenant_id", Expr::val(tenant)),
        ("transfer_id", Expr::val(transfer)),
        ("line_no", Expr::val(1_i64)),
        ("item_id", Expr::val(item)),
        ("entered_quantity", Expr::val(1_i64)),
        ("entered_unit", Expr::val("each")),
        ("quantity", Expr::val(1_i64)),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = line.into_iter().unzip();
    api.inventory_db().execute(&Query::insert().into_table("transfer_line").columns(columns).values_panic(values).take()).await.expect("a line");
    let count = vec![
        ("status", Expr::val("counting")),
        ("location_id", Expr::val(id(&kitchen.site))),
        ("site_id", Expr::val(id(&kitchen.site))),
        ("blind", Expr::val(false)),
        ("needs_approval", Expr::val(false)),
        ("uncounted", Expr::val("untouched")),
        ("created_by", Expr::val(user)),
    ];
    let count = put(api, kitchen, "stock_count", count).await;
    let line: Vec<(&str, Expr)> = vec![
        ("tenant_id", Expr::val(tenant)),
        ("count_id", Expr::val(count)),
        ("item_id", Expr::val(item)),
        ("location_id", Expr::val(to)),
        ("lot_key", Expr::val(Uuid::nil())),
        ("entered_quantity", Expr::val(0_i64)),
        ("entered_unit", Expr::val("each")),
        ("quantity", Expr::val(0_i64)),
        ("counted_at", Expr::val(DateTime::<FixedOffset>::from(api.now()))),
        ("counted_by", Expr::val(user)),
        ("recount", Expr::val(false)),
        ("uncounted", Expr::val(false)),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = line.into_iter().unzip();
    api.inventory_db().execute(&Query::insert().into_table("stock_count_line").columns(columns).values_panic(values).take()).await.expect("a line");
    let reservation = vec![
        ("item_id", Expr::val(item)),
        ("location_id", Expr::val(to)),
        ("quantity", Expr::val(1_i64)),
        ("taken", Expr::val(0_i64)),
        ("status", Expr::val("active")),
        ("reserved_by", Expr::val(user)),
    ];
    let reservation = put(api, kitchen, "reservation", reservation).await;
    [("transfer", "transfer", transfer, "cancelled"), ("stock_count", "count", count, "posted"), ("reservation", "reservation", reservation, "released")]
}

/// Archives what the API would not while something is under way with it: another part of the program may have done so between.
async fn archived_beneath(api: &Api, table: &'static str, column: &'static str, is: &str) {
    use sea_orm::sea_query::ExprTrait as _;
    let update = Query::update().table(table).value("archived_at", Expr::col("updated_at")).and_where(Expr::col(column).like(is)).take();
    api.inventory_db().execute(&update).await.expect("archived");
}

/// What lies there and is under way before things are archived: the ids of documents, lots and transfers.
struct Before {
    egg_receipt: String,
    egg_lot: String,
    dry_receipt: String,
    dry_lot: String,
    wasted: Value,
    /// Drafts: of an archived item, from an archived place.
    drafts: [String; 2],
    /// On the way: of an archived item, to an archived place, and of what is in use.
    sent: [String; 3],
}

async fn before(api: &Api, kitchen: &Kitchen) -> Before {
    let owner = &kitchen.owner;
    site(owner, "annex", "Europe/Paris").await;
    area(owner, "annex", "shelf").await;
    for sku in ["EGG", "HAM"] {
        kitchen.item(sku, json!({})).await;
    }
    for kind in ["waste", "adjust", "return", "discrepancy", "reversal"] {
        let mut reason = json!({ "kind": kind, "code": format!("old-{kind}"), "name": "Old" });
        if kind == "waste" {
            (reason["stage"], reason["avoidable"]) = (json!("storage"), json!(true));
        }
        owner.post("/v1/inventory/reasons", reason).await.ok(201);
    }
    let line = |sku: &str| json!([{ "sku": sku, "quantity": "20", "unit_price": "1" }]);
    let egg = kitchen.receive(line("EGG")).await;
    kitchen.receive(line("HAM")).await;
    let dry = owner.post(RECEIPTS, json!({ "location": DRY_STORE, "lines": line("HAM") })).await.ok(201);
    let wasted = kitchen.waste(json!([{ "sku": "HAM", "quantity": "1" }])).await;
    let draft = async |sku: &str, from: &str, to: &str| {
        let body = json!({ "from_location": from, "to_location": to, "lines": [{ "sku": sku, "quantity": "2" }] });
        text(&owner.post(TRANSFERS, body).await.ok(201)["transfer"]["id"])
    };
    let sent = async |sku: &str, to: &str| {
        let id = draft(sku, WALK_IN, to).await;
        owner.post(&format!("{TRANSFERS}/{id}/dispatch"), json!({})).await.ok(201);
        id
    };
    let all = Before {
        egg_receipt: text(&egg["document"]["id"]),
        egg_lot: text(&egg["entries"][0]["lot_id"]),
        dry_receipt: text(&dry["document"]["id"]),
        dry_lot: text(&dry["entries"][0]["lot_id"]),
        wasted,
        drafts: [draft("EGG", WALK_IN, "annex/shelf").await, draft("HAM", DRY_STORE, "annex/shelf").await],
        sent: [sent("EGG", "annex/shelf").await, sent("HAM", DRY_STORE).await, sent("HAM", "annex/shelf").await],
    };
    archived_beneath(api, "item", "sku", "EGG").await;
    archived_beneath(api, "location", "path", DRY_STORE).await;
    archived_beneath(api, "reason", "code", "old-%").await;
    all
}

/// A path, a body, and where which code is told; a conflict, which is about the whole of it, has no pointer.
type Refused = (String, Value, &'static str, &'static str);

/// With a line of an archived item, at an archived place, for an archived reason.
fn of_postings(before: &Before) -> Vec<Refused> {
    let at = |place: &str, more: Value| {
        let mut body = json!({ "location": place });
        body.as_object_mut().expect("a body").extend(more.as_object().expect("more of it").clone());
        body
    };
    let used = |sku: &str| json!({ "purpose": "service", "lines": [{ "sku": sku, "quantity": "1" }] });
    let adjusted = |sku: &str, reason: &str| json!({ "lines": [{ "sku": sku, "quantity": "+1", "unit_cost": "1", "reason": reason }] });
    let returned = |sku: &str, reason: &str| json!({ "lines": [{ "sku": sku, "quantity": "1", "reason": reason }] });
    let made = |from: &str, to: &str| json!({ "kind": "trim", "inputs": [{ "sku": from, "quantity": "1" }], "outputs": [{ "sku": to, "quantity": "1" }] });
    let mut lost = made("HAM", "HAM");
    lost["loss"] = json!([{ "sku": "HAM", "quantity": "1", "reason": "old-waste" }]);
    let moved = |sku: &str, from: &str, to: &str| json!({ "from_location": from, "to_location": to, "lines": [{ "sku": sku, "quantity": "1" }] });
    let cases = [
        ("usage", at(WALK_IN, used("EGG")), "/lines/0/sku", "item_archived"),
        ("usage", at(DRY_STORE, used("HAM")), "/location", "location_archived"),
        ("adjustments", at(WALK_IN, adjusted("EGG", "found")), "/lines/0/sku", "item_archived"),
        ("adjustments", at(DRY_STORE, adjusted("HAM", "found")), "/location", "location_archived"),
        ("adjustments", at(WALK_IN, adjusted("HAM", "old-adjust")), "/lines/0/reason", "reason_archived"),
        ("vendor-returns", at(WALK_IN, returned("EGG", "quality")), "/lines/0/sku", "item_archived"),
        ("vendor-returns", at(DRY_STORE, returned("HAM", "quality")), "/location", "location_archived"),
        ("vendor-returns", at(WALK_IN, returned("HAM", "old-return")), "/lines/0/reason", "reason_archived"),
        ("waste", at(WALK_IN, returned("HAM", "old-waste")), "/lines/0/reason", "reason_archived"),
        ("reservations", at(WALK_IN, json!({ "sku": "EGG", "quantity": "1" })), "/sku", "item_archived"),
        ("reservations", at(DRY_STORE, json!({ "sku": "HAM", "quantity": "1" })), "/location", "location_archived"),
        ("transformations", at(WALK_IN, made("EGG", "HAM")), "/inputs/0/sku", "item_archived"),
        ("transformations", at(WALK_IN, made("HAM", "EGG")), "/outputs/0/sku", "item_archived"),
        ("transformations", at(DRY_STORE, made("HAM", "HAM")), "/location", "location_archived"),
        ("transformations", at(WALK_IN, lost), "/loss/0/reason", "reason_archived"),
        ("transfers", moved("EGG", WALK_IN, "annex/shelf"), "/lines/0/sku", "item_archived"),
        ("transfers", moved("HAM", DRY_STORE, "annex/shelf"), "/from_location", "location_archived"),
        ("transfers", moved("HAM", WALK_IN, DRY_STORE), "/to_location", "location_archived"),
    ];
    let opened = |lot: &str, place: &str| (format!("/v1/inventory/lots/{lot}/open"), json!({ "location": place, "quantity": "1" }));
    let mut all: Vec<Refused> = cases.into_iter().map(|(path, body, pointer, code)| (format!("/v1/inventory/{path}"), body, pointer, code)).collect();
    let (path, body) = opened(&before.egg_lot, WALK_IN);
    all.push((path, body, "", "item_archived"));
    let (path, body) = opened(&before.dry_lot, DRY_STORE);
    all.push((path, body, "/location", "location_archived"));
    all
}

/// Steps of what is under way, and changes of what is posted.
fn of_steps(before: &Before) -> Vec<Refused> {
    let step = |transfer: &str, step: &str| format!("{TRANSFERS}/{transfer}/{step}");
    let correct = |receipt: &str| format!("{RECEIPTS}/{receipt}/correct");
    let lost = |reason: &str, sku: &str| json!({ "lines": [{ "sku": sku, "quantity": "1", "reason": reason }] });
    let [of_item, from_place] = &before.drafts;
    let [with_item, to_place, in_use] = &before.sent;
    vec![
        (step(of_item, "dispatch"), json!({}), "/lines/0/item_id", "item_archived"),
        (step(from_place, "dispatch"), json!({}), "/from_location_id", "location_archived"),
        (step(with_item, "receive"), json!({ "lines": [{ "sku": "EGG", "quantity": "1" }] }), "/lines/0/sku", "item_archived"),
        (step(to_place, "receive"), json!({}), "/to_location_id", "location_archived"),
        (step(with_item, "loss"), lost("lost", "EGG"), "/lines/0/sku", "item_archived"),
        (step(in_use, "loss"), lost("old-discrepancy", "HAM"), "/lines/0/reason", "reason_archived"),
        (correct(&before.egg_receipt), json!({ "line": 1, "quantity": "21", "line_total": "7" }), "", "item_archived"),
        (correct(&before.dry_receipt), json!({ "line": 1, "quantity": "21", "line_total": "7" }), "", "location_archived"),
        (crate::reversals::path(&before.wasted), json!({ "reason": "old-reversal" }), "/reason", "reason_archived"),
    ]
}

both_engines! {
    async fn nothing_new_names_what_is_archived(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let before = before(&api, &kitchen).await;
        let mut wrong = Vec::new();
        for (path, body, pointer, code) in [of_postings(&before), of_steps(&before)].concat() {
            let rows_before = rows(&api).await;
            let reply = kitchen.owner.post(&path, body.clone()).await;
            let told = if reply.status == 422 { reply.violations() } else { vec![(String::new(), reply.code().to_owned())] };
            if told != [(pointer.to_owned(), code.to_owned())] || rows(&api).await != rows_before {
                wrong.push(format!("{path} {body}: {told:?}, and not {pointer} {code}"));
            }
        }
        for kind in ["receipts", "counts"] {
            let (head, price) = if kind == "receipts" { ("sku,quantity,unit_price", ",1") } else { ("sku,quantity", "") };
            for (place, sku, code) in [(WALK_IN, "EGG", "item_archived"), (DRY_STORE, "HAM", "location_archived")] {
                let rows_before = rows(&api).await;
                let path = format!("/v1/inventory/imports/{kind}?location={place}");
                let reply = kitchen.owner.post_csv(&path, format!("{head}\n{sku},1{price}\n")).await;
                if reply.status != 422 || !reply.text.contains(code) || rows(&api).await != rows_before {
                    wrong.push(format!("{path} with {sku}: {}", reply.text));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn a_late_invoice_is_charged_to_what_is_archived_by_then(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("EGG", json!({})).await;
        let bought = kitchen.receive(json!([{ "sku": "EGG", "quantity": "2", "unit_price": "1" }])).await;
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "2" }])).await;
        archive(&kitchen, "items", &item, true).await.ok(200);
        let charges = format!("{RECEIPTS}/{}/charges", text(&bought["document"]["id"]));
        let charged = kitchen.owner.post(&charges, json!({ "charges": [{ "label": "freight", "amount": "3" }] })).await.ok(201);
        // All of it is gone: nothing comes onto a shelf.
        assert_eq!((&charged["entries"], &charged["variances"][0]["amount"]), (&json!([]), &json!("3")));
        crate::invariants::hold(&api).await;
    }

    async fn what_lies_in_an_area_or_below_it_is_never_archived_with_it(api: Api) {
        // H09, homebox#1354, homebox#658, inventree#2733: 7 in F and 2 in F/top; the first try is refused and all 9 are there.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        let f = area(owner, "main", "f").await;
        let top = area(owner, "main/f", "top").await;
        let line = |quantity: &str| json!([{ "sku": "EGG", "quantity": quantity, "unit_price": "1" }]);
        for (place, quantity) in [("main/f", "7"), ("main/f/top", "2")] {
            owner.post(RECEIPTS, json!({ "location": place, "lines": line(quantity) })).await.ok(201);
        }
        archive(&kitchen, "locations", &f, true).await.refused(409, "location_has_stock");
        archive(&kitchen, "locations", &top, true).await.refused(409, "location_has_stock");
        assert_eq!(kitchen.on_hand("EGG").await.0, "9");
        // Out of F alone is not enough: what lies below counts.
        let out = |place: &str, quantity: &str| {
            let mut body = waste_body(json!([{ "sku": "EGG", "quantity": quantity }]));
            body["location"] = json!(place);
            body
        };
        owner.post(WASTE, out("main/f", "7")).await.ok(201);
        archive(&kitchen, "locations", &f, true).await.refused(409, "location_has_stock");
        owner.post(WASTE, out("main/f/top", "2")).await.ok(201);
        archive(&kitchen, "locations", &f, true).await.refused(409, "location_has_children");
        archive(&kitchen, "locations", &top, true).await.ok(200);
        archive(&kitchen, "locations", &f, true).await.ok(200);
        let mut ledger = Vec::new();
        for place in [&f, &top] {
            ledger.extend(column(&owner.get(&format!("/v1/inventory/ledger?location_id={}", text(&place["id"]))).await.ok(200)["data"], "quantity"));
            assert_eq!(owner.get(&format!("/v1/inventory/locations/{}", text(&place["id"]))).await.ok(200)["name"], place["name"]);
        }
        assert_eq!(ledger, ["7", "-7", "2", "-2"]);
        let documents = owner.get(&format!("/v1/inventory/documents?location_id={}", text(&f["id"]))).await.ok(200);
        assert_eq!(column(&documents["data"], "location"), ["main/f", "main/f"]);
    }

    async fn what_is_archived_is_used_in_nothing_new_and_read_in_everything_old(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let item = kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let reason = owner.post("/v1/inventory/reasons", json!({ "kind": "waste", "code": "dropped", "name": "Dropped", "stage": "storage", "avoidable": true })).await.ok(201);
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "5", "unit_price": "1" }])).await;
        let into_dry = |sku: &str| json!({ "location": DRY_STORE, "lines": [{ "sku": sku, "quantity": "2", "unit_price": "1" }] });
        let bought = owner.post(RECEIPTS, into_dry("EGG")).await.ok(201);
        let lost = json!({ "location": DRY_STORE, "lines": [{ "sku": "EGG", "quantity": "2", "reason": "dropped" }] });
        let lost = owner.post(WASTE, lost).await.ok(201);
        let dry = location(&kitchen, DRY_STORE).await;
        for (kind, of) in [("items", &item), ("locations", &dry), ("reasons", &reason)] {
            archive(&kitchen, kind, of, true).await.ok(200);
        }
        // New documents name none of them.
        assert_eq!(flaws(&refused(owner, RECEIPTS, into_dry("HAM")).await), pairs([("/location", "location_archived")]));
        let eggs = json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "2", "unit_price": "1" }] });
        assert_eq!(flaws(&refused(owner, RECEIPTS, eggs).await), pairs([("/lines/0/sku", "item_archived")]));
        let wasted = |sku: &str, reason: &str| json!({ "location": WALK_IN, "lines": [{ "sku": sku, "quantity": "1", "reason": reason }] });
        assert_eq!(flaws(&refused(owner, WASTE, wasted("HAM", "dropped")).await), pairs([("/lines/0/reason", "reason_archived")]));
        let mut found = flaws(&refused(owner, WASTE, wasted("EGG", "dropped")).await);
        found.sort();
        assert_eq!(found, pairs([("/lines/0/reason", "reason_archived"), ("/lines/0/sku", "item_archived")]));
        let before = rows(&api).await;
        let file = "sku,quantity,unit_cost\nEGG,1,1\n";
        let reply = owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}"), file).await;
        assert!(reply.status == 422 && reply.text.contains("item_archived"), "{}", reply.text);
        let reply = owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={DRY_STORE}"), "sku,quantity,unit_cost\nHAM,1,1\n").await;
        assert!(reply.status == 422 && reply.text.contains("location_archived"), "{}", reply.text);
        assert_eq!(rows(&api).await, before);
        // Old ones tell of them as before.
        for posted in [&bought, &lost] {
            let read = owner.get(&format!("/v1/inventory/documents/{}", text(&posted["document"]["id"]))).await.ok(200);
            assert_eq!((&read["document"], &read["entries"]), (&posted["document"], &posted["entries"]));
        }
        let ledger = owner.get("/v1/inventory/ledger?sku=EGG").await.ok(200);
        assert_eq!((column(&ledger["data"], "kind"), &ledger["data"][1]["reason"]), (vec!["receipt".to_owned(), "waste".to_owned()], &json!("dropped")));
        // In use again, they are named again.
        for (kind, of) in [("items", &item), ("locations", &dry), ("reasons", &reason)] {
            archive(&kitchen, kind, of, false).await.ok(200);
        }
        owner.post(RECEIPTS, into_dry("EGG")).await.ok(201);
        owner.post(WASTE, wasted("HAM", "dropped")).await.ok(201);
    }

    async fn an_item_is_not_archived_while_something_is_under_way_with_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let (item, other) = (kitchen.item("EGG", json!({})).await, kitchen.item("HAM", json!({})).await);
        let uses = under_way(&api, &kitchen, &item).await;
        archive(&kitchen, "items", &other, true).await.ok(200);
        let mut left: Vec<(&str, String)> = uses.iter().map(|(_, kind, row, _)| (*kind, row.to_string())).collect();
        left.sort();
        for (table, kind, row, over) in uses {
            let problem = archive(&kitchen, "items", &item, true).await.refused(409, "item_in_use");
            let named: Vec<_> = problem["in_use"].as_array().expect("uses").iter().map(|of| (text(&of["kind"]), text(&of["id"]))).collect();
            assert_eq!(named, left.iter().map(|(kind, row)| ((*kind).to_owned(), row.clone())).collect::<Vec<_>>());
            becomes(&api, table, row, over).await;
            left.retain(|(of, _)| *of != kind);
        }
        // What was set aside until a time that is over is not any more.
        let place = id(&location(&kitchen, WALK_IN).await);
        let ends_at = DateTime::<FixedOffset>::from(api.now()) + chrono::TimeDelta::seconds(1);
        let reservation = vec![
            ("item_id", Expr::val(id(&item))),
            ("location_id", Expr::val(place)),
            ("quantity", Expr::val(1_i64)),
            ("taken", Expr::val(0_i64)),
            ("status", Expr::val("active")),
            ("ends_at", Expr::val(ends_at)),
            ("reserved_by", Expr::val(user_of(&kitchen.owner).await)),
        ];
        put(&api, &kitchen, "reservation", reservation).await;
        archive(&kitchen, "items", &item, true).await.refused(409, "item_in_use");
        api.advance(chrono::TimeDelta::seconds(1));
        archive(&kitchen, "items", &item, true).await.ok(200);
    }

    async fn a_location_is_not_archived_while_something_is_under_way_there(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("EGG", json!({})).await;
        let elsewhere = area(&kitchen.owner, "main", "dry-store-2").await;
        let uses = under_way(&api, &kitchen, &item).await;
        let dry = location(&kitchen, DRY_STORE).await;
        // A name that only begins the same is another place.
        archive(&kitchen, "locations", &elsewhere, true).await.ok(200);
        for (table, kind, row, over) in uses {
            let problem = archive(&kitchen, "locations", &dry, true).await.refused(409, "location_in_use");
            assert!(problem["in_use"].as_array().expect("uses").iter().any(|of| of["kind"] == kind && of["id"] == row.to_string()), "{problem}");
            becomes(&api, table, row, over).await;
        }
        archive(&kitchen, "locations", &dry, true).await.ok(200);
    }

    async fn a_site_is_not_archived_while_goods_are_on_the_way_to_it_or_from_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        site(&kitchen.owner, "annex", "Europe/Paris").await;
        let shelf = area(&kitchen.owner, "annex", "shelf").await;
        let user = user_of(&kitchen.owner).await;
        let transfer = vec![
            ("number", Expr::val(1_i64)),
            ("status", Expr::val("in_transit")),
            ("from_location_id", Expr::val(id(&location(&kitchen, WALK_IN).await))),
            ("to_location_id", Expr::val(id(&shelf))),
            ("created_by", Expr::val(user)),
        ];
        let transfer = put(&api, &kitchen, "transfer", transfer).await;
        let (annex, main) = (location(&kitchen, "annex").await, location(&kitchen, "main").await);
        for of in [&shelf, &annex, &main] {
            archive(&kitchen, "locations", of, true).await.refused(409, "location_in_use");
        }
        becomes(&api, "transfer", transfer, "received").await;
        archive(&kitchen, "locations", &shelf, true).await.ok(200);
        archive(&kitchen, "locations", &annex, true).await.ok(200);
    }
}
