//! Transfers through HTTP: at once, and sent, under way, received, lost and called off.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use kernel::Instant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde_json::{Value, json};

use crate::invariants::hold;
use crate::receipts::{NOBODY, area, becomes, close_through, flaws, pairs, refused, revalued_at, rows, site, unit, with};
use crate::reversals::{because, path, reverse};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text};
use crate::support::{Api, Client, Engine, Reply, START, fresh};

const TRANSFERS: &str = "/v1/inventory/transfers";
const SHELF: &str = "annex/shelf";

fn egg(quantity: &str) -> Value {
    json!({ "sku": "EGG", "quantity": quantity })
}

/// From the walk-in to another place.
fn body(to: &str, lines: Value) -> Value {
    json!({ "from_location": WALK_IN, "to_location": to, "lines": lines })
}

fn direct(to: &str, lines: Value) -> Value {
    with(body(to, lines), "direct", true)
}

fn step(transfer: &Value, step: &str) -> String {
    format!("{TRANSFERS}/{}/{step}", text(&transfer["id"]))
}

/// A kitchen with eggs in the walk-in, and an annex in New York.
async fn opened(api: &Api, eggs: &str, price: &str) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    site(&kitchen.owner, "annex", "America/New_York").await;
    area(&kitchen.owner, "annex", "shelf").await;
    kitchen.item("EGG", json!({})).await;
    kitchen.receive(json!([{ "sku": "EGG", "quantity": eggs, "unit_price": price }])).await;
    kitchen
}

async fn draft(kitchen: &Kitchen, to: &str, lines: Value) -> Value {
    kitchen.owner.post(TRANSFERS, body(to, lines)).await.ok(201)["transfer"].clone()
}

/// A transfer to the shelf that is under way.
async fn sent(kitchen: &Kitchen, quantity: &str) -> Value {
    let transfer = draft(kitchen, SHELF, json!([egg(quantity)])).await;
    kitchen.owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201)["transfer"].clone()
}

/// Quantity and value at a place, by its path.
async fn at(kitchen: &Kitchen, location: &str) -> (String, String) {
    let stock = kitchen.owner.get(&format!("/v1/inventory/stock?location={location}")).await.ok(200);
    let rows = stock["data"].as_array().expect("rows");
    rows.first().map_or_else(|| ("0".into(), "0".into()), |row| (text(&row["quantity"]), text(&row["value"])))
}

fn is(quantity: &str, value: &str) -> (String, String) {
    (quantity.to_owned(), value.to_owned())
}

/// Kind, quantity, value and business date of every entry.
fn moves(answer: &Value) -> Vec<[String; 4]> {
    let entries = answer["entries"].as_array().expect("entries");
    entries.iter().map(|entry| ["kind", "quantity", "value", "business_date"].map(|name| text(&entry[name]))).collect()
}

fn all<const N: usize>(moves: [[&str; 4]; N]) -> Vec<[String; 4]> {
    moves.map(|each| each.map(str::to_owned)).to_vec()
}

/// What became of the only lot: dispatched, received, lost, cancelled, under way.
fn tally(transfer: &Value) -> [String; 5] {
    ["dispatched", "received", "lost", "cancelled", "under_way"].map(|name| text(&transfer["lots"][0][name]))
}

fn id(value: &Value) -> Uuid {
    text(&value["id"]).parse().expect("an id")
}

#[track_caller]
fn conflict(reply: Reply, code: &str) -> Value {
    reply.refused(409, code)
}

#[derive(Debug, FromQueryResult)]
struct Sum {
    place: String,
    quantity: i64,
}

async fn sums(api: &Api, sql: &str) -> BTreeMap<String, i64> {
    let database = api.inventory_db();
    let rows = Sum::find_by_statement(Statement::from_string(database.get_database_backend(), sql)).all(database).await.expect("sums");
    rows.into_iter().map(|row| (row.place, row.quantity)).collect()
}

/// I3: a transfer sums to zero per lot, but for what was lost of it; and what waits in transit is what transfers have under way.
async fn transfers_hold(api: &Api) {
    let name = |column: &str| if api.engine() == Engine::Sqlite { format!("hex({column})") } else { format!("{column}::text") };
    let entries = format!(
        "SELECT {} || {} AS place, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity FROM ledger_entry AS entry \
         JOIN document_detail AS detail ON detail.tenant_id = entry.tenant_id AND detail.document_id = entry.document_id \
         LEFT JOIN document_detail AS undone ON undone.tenant_id = detail.tenant_id AND undone.document_id = detail.reverses_id \
         WHERE COALESCE(detail.transfer_id, undone.transfer_id) IS NOT NULL GROUP BY COALESCE(detail.transfer_id, undone.transfer_id), entry.lot_id",
        name("COALESCE(detail.transfer_id, undone.transfer_id)"),
        name("entry.lot_id")
    );
    let lost = format!("SELECT {} || {} AS place, -lost AS quantity FROM transfer_lot", name("transfer_id"), name("lot_id"));
    assert_eq!(sums(api, &entries).await, sums(api, &lost).await, "I3: transfers sum to zero");
    let waiting = format!(
        "SELECT {} || {} AS place, balance.quantity FROM balance JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id \
         WHERE location.kind = 'transit' AND balance.quantity > 0",
        name("location.site_id"),
        name("balance.lot_id")
    );
    let under_way = format!(
        "SELECT {} || {} AS place, CAST(SUM(moved.dispatched - moved.received - moved.lost - moved.cancelled) AS BIGINT) AS quantity FROM transfer_lot AS moved \
         JOIN transfer ON transfer.tenant_id = moved.tenant_id AND transfer.id = moved.transfer_id \
         JOIN location ON location.tenant_id = transfer.tenant_id AND location.id = transfer.from_location_id \
         GROUP BY location.site_id, moved.lot_id HAVING SUM(moved.dispatched - moved.received - moved.lost - moved.cancelled) > 0",
        name("location.site_id"),
        name("moved.lot_id")
    );
    assert_eq!(sums(api, &waiting).await, sums(api, &under_way).await, "I3: what waits is what is under way");
    hold(api).await;
}

/// Everything that a random step can do to transfers, from the answers before it.
async fn random_step(owner: &Client, random: &mut StdRng, transfers: &mut Vec<Value>) -> Reply {
    const PLACES: [&str; 3] = [WALK_IN, DRY_STORE, SHELF];
    let at = Instant::parse(START).expect("a time").plus(TimeDelta::minutes(-random.random_range(0..60)));
    let quantity = |random: &mut StdRng| format!("{}.{:03}", random.random_range(0..4), random.random_range(1..999));
    let lines = |random: &mut StdRng| -> Value {
        let line = |sku: &str, quantity: String| json!({ "sku": sku, "quantity": quantity });
        (0..random.random_range(1..3)).map(|_| line(["EGG", "HAM"][random.random_range(0..2)], quantity(random))).collect()
    };
    let choice = random.random_range(0..100);
    if choice < 25 || transfers.is_empty() {
        let from = random.random_range(0..3);
        let to = (from + random.random_range(1..3)) % 3;
        let mut sent = json!({ "from_location": PLACES[from], "to_location": PLACES[to], "direct": choice < 8, "lines": lines(random) });
        if choice < 8 {
            sent["effective_at"] = json!(at);
        }
        let reply = owner.post(TRANSFERS, sent).await;
        if reply.status == 201 {
            transfers.push(reply.body["transfer"].clone());
        }
        return reply;
    }
    let open = |transfer: &Value| !["received", "cancelled"].contains(&text(&transfer["status"]).as_str());
    let place = random.random_range(0..transfers.len());
    // Mostly one that is not finished yet, and mostly something that can be done to it.
    let place = (place..transfers.len()).find(|place| choice < 30 || open(&transfers[*place])).unwrap_or(place);
    let transfer = transfers[place].clone();
    let (name, mut sent) = match choice {
        25..40 => ("dispatch", json!({})),
        _ if transfer["status"] == "draft" && choice < 90 => ("dispatch", json!({})),
        40..68 => ("receive", json!({ "lines": lines(random) })),
        68..76 => ("receive", json!({})),
        76..92 => {
            let mut lines = lines(random);
            lines.as_array_mut().expect("lines").iter_mut().for_each(|line| line["reason"] = "lost".into());
            ("loss", json!({ "lines": lines }))
        }
        _ => ("cancel", json!({})),
    };
    if random.random_bool(0.3) {
        sent["effective_at"] = json!(at);
    }
    let reply = owner.post(&step(&transfer, name), sent).await;
    if reply.status == 201 {
        transfers[place] = reply.body["transfer"].clone();
    }
    reply
}

both_engines! {
    async fn goods_that_go_at_once_keep_their_lot_and_their_value(api: Api) {
        let kitchen = opened(&api, "10", "0.25").await;
        let eggs = kitchen.owner.get("/v1/inventory/items?q=EGG").await.ok(200)["data"][0].clone();
        unit(&kitchen.owner, &eggs, "tray", "4", "each").await;
        let sent = with(with(direct(SHELF, json!([{ "sku": "EGG", "quantity": "1", "unit": "tray" }])), "external_ref", "T9"), "note", "by bike");
        let made = kitchen.owner.post(TRANSFERS, sent).await.ok(201);
        let (transfer, document) = (&made["transfer"], &made["document"]);
        assert_eq!(moves(&made), all([["transfer_out", "-4", "-1", "2026-11-25"], ["transfer_in", "4", "1", "2026-11-25"]]));
        assert_eq!(made["entries"][0]["lot_id"], made["entries"][1]["lot_id"]);
        let of_document = ["type", "number", "location", "transfer_id", "external_ref", "note"].map(|name| text(&document[name]));
        assert_eq!(of_document, ["transfer", "T-000001", WALK_IN, text(&transfer["id"]).as_str(), "T9", "by bike"].map(str::to_owned));
        let line = json!({
            "line_no": 1, "item_id": eggs["id"], "sku": "EGG", "quantity": "1", "unit": "tray", "base_quantity": "4", "base_unit": "each", "value": "-1",
        });
        assert_eq!(document["lines"], json!([line]));
        let of_transfer = ["number", "status", "from_location", "to_location", "external_ref", "note"].map(|name| text(&transfer[name]));
        assert_eq!(of_transfer, ["TO-000001", "received", WALK_IN, SHELF, "T9", "by bike"].map(str::to_owned));
        assert_eq!(transfer["dispatched_at"], document["effective_at"]);
        assert_eq!(tally(transfer), ["4", "4", "0", "0", "0"].map(str::to_owned));
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, SHELF).await), (is("6", "1.5"), is("4", "1")));
        // All of it can be read again.
        assert_eq!(kitchen.owner.get(&format!("{TRANSFERS}/{}", text(&transfer["id"]))).await.ok(200), *transfer);
        let read = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&document["id"]))).await.ok(200);
        assert_eq!((&read["document"], &read["entries"]), (document, &made["entries"]));
        assert_eq!(transfer["documents"][0]["id"], document["id"]);
        for step_name in ["dispatch", "receive", "cancel"] {
            let code = if step_name == "dispatch" { "already_dispatched" } else { "transfer_finished" };
            conflict(refused(&kitchen.owner, &step(transfer, step_name), json!({})).await, code);
        }
        transfers_hold(&api).await;
    }

    async fn a_transfer_lives_from_its_draft_to_its_end(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let made = kitchen.owner.post(TRANSFERS, body(SHELF, json!([egg("8")]))).await.ok(201);
        let transfer = made["transfer"].clone();
        assert_eq!((&made["entries"], &made["document"], &transfer["status"]), (&json!([]), &Value::Null, &json!("draft")));
        assert_eq!((at(&kitchen, WALK_IN).await, kitchen.ledger().await.len()), (is("10", "10"), 1));
        for wrong in ["receive", "loss"] {
            let sent = if wrong == "loss" { json!({ "lines": [with(egg("1"), "reason", "lost")] }) } else { json!({}) };
            conflict(refused(&kitchen.owner, &step(&transfer, wrong), sent).await, "not_dispatched");
        }
        let dispatched = kitchen.owner.post(&step(&transfer, "dispatch"), json!({ "external_ref": "VAN 1" })).await.ok(201);
        assert_eq!(moves(&dispatched), all([["transfer_out", "-8", "-8", "2026-11-25"], ["transfer_in", "8", "8", "2026-11-25"]]));
        assert_eq!((&dispatched["document"]["number"], &dispatched["document"]["external_ref"]), (&json!("TD-000001"), &json!("VAN 1")));
        assert_eq!((&dispatched["transfer"]["status"], tally(&dispatched["transfer"])), (&json!("in_transit"), ["8", "0", "0", "0", "8"].map(str::to_owned)));
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, "main/in-transit").await, at(&kitchen, SHELF).await), (is("2", "2"), is("8", "8"), is("0", "0")));
        conflict(refused(&kitchen.owner, &step(&transfer, "dispatch"), json!({})).await, "already_dispatched");
        let part = kitchen.owner.post(&step(&transfer, "receive"), json!({ "lines": [egg("5")] })).await.ok(201);
        assert_eq!((&part["document"]["number"], &part["document"]["location"]), (&json!("TA-000001"), &json!(SHELF)));
        assert_eq!((&part["transfer"]["status"], tally(&part["transfer"])), (&json!("partially_received"), ["8", "5", "0", "0", "3"].map(str::to_owned)));
        let loss = kitchen.owner.post(&step(&transfer, "loss"), json!({ "lines": [with(egg("1"), "reason", "damaged")] })).await.ok(201);
        assert_eq!(moves(&loss), all([["transit_loss", "-1", "-1", "2026-11-25"]]));
        assert_eq!((&loss["document"]["lines"][0]["reason"], &loss["entries"][0]["reason"], &loss["document"]["number"]), (&json!("damaged"), &json!("damaged"), &json!("TL-000001")));
        assert_eq!((&loss["transfer"]["status"], tally(&loss["transfer"])), (&json!("partially_received"), ["8", "5", "1", "0", "2"].map(str::to_owned)));
        transfers_hold(&api).await;
        let back = kitchen.owner.post(&step(&transfer, "cancel"), json!({})).await.ok(201);
        assert_eq!((&back["document"]["number"], &back["document"]["location"]), (&json!("TC-000001"), &json!(WALK_IN)));
        assert_eq!((&back["transfer"]["status"], tally(&back["transfer"])), (&json!("received"), ["8", "5", "1", "2", "0"].map(str::to_owned)));
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, "main/in-transit").await, at(&kitchen, SHELF).await), (is("4", "4"), is("0", "0"), is("5", "5")));
        let types: Vec<_> = back["transfer"]["documents"].as_array().expect("documents").iter().map(|document| text(&document["type"])).collect();
        assert_eq!(types, ["dispatch", "arrival", "transit_loss", "transfer_cancel"]);
        assert_eq!(back["transfer"]["version"], 5);
        for (name, sent) in [("receive", json!({})), ("cancel", json!({})), ("loss", json!({ "lines": [with(egg("1"), "reason", "lost")] }))] {
            conflict(refused(&kitchen.owner, &step(&transfer, name), sent).await, "transfer_finished");
        }
        transfers_hold(&api).await;
    }

    async fn what_is_all_lost_or_all_comes_back_is_cancelled_and_a_draft_too(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let (lost, back, never) = (sent(&kitchen, "3").await, sent(&kitchen, "3").await, draft(&kitchen, SHELF, json!([egg("1")])).await);
        let lost = kitchen.owner.post(&step(&lost, "loss"), json!({ "lines": [with(egg("3"), "reason", "lost")] })).await.ok(201);
        let back = kitchen.owner.post(&step(&back, "cancel"), json!({})).await.ok(201);
        let before = rows(&api).await["ledger_entry"];
        let never = kitchen.owner.post(&step(&never, "cancel"), json!({})).await.ok(201);
        assert_eq!((rows(&api).await["ledger_entry"], &never["document"]), (before, &Value::Null));
        for answer in [&lost, &back, &never] {
            assert_eq!(answer["transfer"]["status"], "cancelled");
        }
        assert_eq!(at(&kitchen, WALK_IN).await, is("7", "7"));
        conflict(refused(&kitchen.owner, &step(&never["transfer"], "dispatch"), json!({})).await, "transfer_finished");
        conflict(refused(&kitchen.owner, &step(&never["transfer"], "cancel"), json!({})).await, "transfer_finished");
        transfers_hold(&api).await;
    }

    async fn what_is_sent_may_differ_from_what_was_asked_for(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let transfer = draft(&kitchen, SHELF, json!([egg("9")])).await;
        let sent = kitchen.owner.post(&step(&transfer, "dispatch"), json!({ "lines": [egg("4")] })).await.ok(201);
        assert_eq!((&sent["transfer"]["lines"][0]["quantity"], tally(&sent["transfer"])[0].as_str()), (&json!("9"), "4"));
        // Half of what one lot has under way is named by its lot, the rest is all that is left.
        let lot = text(&sent["entries"][0]["lot_id"]);
        kitchen.owner.post(&step(&transfer, "receive"), json!({ "lines": [with(egg("2"), "lot_id", lot.as_str())] })).await.ok(201);
        let rest = kitchen.owner.post(&step(&transfer, "receive"), json!({ "lines": [] })).await.ok(201);
        assert_eq!((&rest["document"]["lines"][0]["quantity"], &rest["document"]["lines"][0]["lot_id"]), (&json!("2"), &json!(lot)));
        assert_eq!(rest["transfer"]["status"], "received");
    }

    async fn a_lot_that_is_not_there_is_not_moved(api: Api) {
        // H11, Dolibarr#17980: ten of L1 lie in D1; four of L2 are moved from D1 to D2. Expected: 404 or 409, D1 keeps 10 of L1,
        // D2 has nothing, no row is negative.
        let kitchen = opened(&api, "10", "1").await;
        let other = json!({ "location": SHELF, "lines": [{ "sku": "EGG", "quantity": "5", "unit_price": "1" }] });
        let elsewhere = text(&kitchen.owner.post("/v1/inventory/receipts", other).await.ok(201)["entries"][0]["lot_id"]);
        let named = |lot: &str| json!([with(egg("4"), "lot_id", lot)]);
        let problem = conflict(refused(&kitchen.owner, TRANSFERS, direct(DRY_STORE, named(&elsewhere))).await, "insufficient_stock");
        assert_eq!((&problem["short"][0]["available"], &problem["short"][0]["requested"], &problem["short"][0]["lot_id"]), (&json!("0"), &json!("4"), &json!(elsewhere)));
        for sent in [direct(DRY_STORE, named(NOBODY)), body(DRY_STORE, named(NOBODY))] {
            assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, sent).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
        }
        let asked = draft(&kitchen, DRY_STORE, named(&elsewhere)).await;
        conflict(refused(&kitchen.owner, &step(&asked, "dispatch"), json!({})).await, "insufficient_stock");
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, DRY_STORE).await), (is("10", "10"), is("0", "0")));
        transfers_hold(&api).await;
    }

    async fn a_second_arrival_adds_to_the_first(api: Api) {
        // H12, openboxes#586: 100 at 0.75 are sent, 40 and 35 arrive. Expected: B has 75 worth 56.25, in transit are 25 worth
        // 18.75, A has none, all together 100.
        let kitchen = opened(&api, "100", "0.75").await;
        let transfer = sent(&kitchen, "100").await;
        for part in ["40", "35"] {
            kitchen.owner.post(&step(&transfer, "receive"), json!({ "lines": [egg(part)] })).await.ok(201);
        }
        assert_eq!((at(&kitchen, SHELF).await, at(&kitchen, "main/in-transit").await, at(&kitchen, WALK_IN).await), (is("75", "56.25"), is("25", "18.75"), is("0", "0")));
        assert_eq!(kitchen.on_hand("EGG").await, is("100", "75"));
        let problem = conflict(refused(&kitchen.owner, &step(&transfer, "receive"), json!({ "lines": [egg("25.000001")] })).await, "more_than_under_way");
        assert_eq!((&problem["short"][0]["requested"], &problem["short"][0]["available"]), (&json!("25.000001"), &json!("25")));
        transfers_hold(&api).await;
    }

    async fn a_place_is_archived_when_all_was_moved_out(api: Api) {
        // H09, homebox#1354: 7 in F and 2 in F/top. Expected: F can't be archived, with 7 and 2 still there; after both are moved
        // out it can; 4 rows of the ledger are still readable with the location; 9 in all.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (f, top) = (area(&kitchen.owner, "main", "f").await, area(&kitchen.owner, "main/f", "top").await);
        for (location, quantity) in [("main/f", "7"), ("main/f/top", "2")] {
            let sent = json!({ "location": location, "lines": [{ "sku": "EGG", "quantity": quantity, "unit_price": "1" }] });
            kitchen.owner.post("/v1/inventory/receipts", sent).await.ok(201);
        }
        let archive = async |location: &Value| {
            let path = format!("/v1/inventory/locations/{}", text(&location["id"]));
            kitchen.owner.patch(&path, location["version"].as_i64(), json!({ "archived": true })).await
        };
        archive(&f).await.refused(409, "location_has_stock");
        assert_eq!(kitchen.on_hand("EGG").await.0, "9");
        for (from, quantity) in [("main/f", "7"), ("main/f/top", "2")] {
            let sent = json!({ "from_location": from, "to_location": WALK_IN, "direct": true, "lines": [egg(quantity)] });
            kitchen.owner.post(TRANSFERS, sent).await.ok(201);
        }
        archive(&top).await.ok(200);
        archive(&f).await.ok(200);
        let mut read = 0;
        for location in [&f, &top] {
            let entries = kitchen.owner.get(&format!("/v1/inventory/ledger?location_id={}", text(&location["id"]))).await.ok(200);
            read += entries["data"].as_array().expect("entries").len();
            let named = kitchen.owner.get(&format!("/v1/inventory/locations/{}", text(&location["id"]))).await.ok(200);
            assert_eq!(named["path"], location["path"]);
        }
        assert_eq!((read, kitchen.on_hand("EGG").await.0.as_str()), (4, "9"));
        // Nothing is moved into what is archived, nor out of it.
        let sent = with(direct("main/f", json!([egg("1")])), "from_location", WALK_IN);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, sent).await), pairs([("/to_location", "location_archived")]));
    }

    async fn a_place_is_not_archived_while_goods_are_under_way_to_it(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let cellar = area(&kitchen.owner, "annex", "cellar").await;
        let transfer = draft(&kitchen, "annex/cellar", json!([egg("4")])).await;
        kitchen.owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201);
        // The sender's site holds what is under way.
        let main = format!("/v1/inventory/locations/{}", text(&kitchen.site["id"]));
        kitchen.owner.patch(&main, Some(1), json!({ "archived": true })).await.refused(409, "location_has_stock");
        let path = format!("/v1/inventory/locations/{}", text(&cellar["id"]));
        let refused = kitchen.owner.patch(&path, Some(1), json!({ "archived": true })).await.refused(409, "location_in_use");
        assert_eq!(refused["in_use"][0]["kind"], "transfer");
        kitchen.owner.post(&step(&transfer, "cancel"), json!({})).await.ok(201);
        kitchen.owner.patch(&path, Some(1), json!({ "archived": true })).await.ok(200);
    }

    async fn nothing_arrives_is_lost_or_comes_back_before_it_was_sent(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        api.advance(TimeDelta::hours(2));
        let kitchen = Kitchen { owner: api.owner().await, ..kitchen };
        let transfer = draft(&kitchen, SHELF, json!([egg("4")])).await;
        kitchen.owner.post(&step(&transfer, "dispatch"), json!({ "effective_at": "2026-11-25T13:00:00Z" })).await.ok(201);
        for (name, sent) in [("receive", json!({})), ("cancel", json!({})), ("loss", json!({ "lines": [with(egg("1"), "reason", "lost")] }))] {
            let early = with(sent, "effective_at", "2026-11-25T12:59:59Z");
            assert_eq!(flaws(&refused(&kitchen.owner, &step(&transfer, name), early).await), pairs([("/effective_at", "before_dispatch")]));
        }
        // At the moment of dispatch it may: what comes in comes first.
        kitchen.owner.post(&step(&transfer, "receive"), json!({ "effective_at": "2026-11-25T13:00:00Z", "lines": [egg("1")] })).await.ok(201);
        let ahead = json!({ "effective_at": "2026-11-25T14:00:01Z" });
        assert_eq!(flaws(&refused(&kitchen.owner, &step(&transfer, "receive"), ahead).await), pairs([("/effective_at", "effective_in_future")]));
        transfers_hold(&api).await;
    }

    async fn wrong_names_are_told_all_at_once(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let from = |from: &str, to: &str| json!({ "from_location": from, "to_location": to, "lines": [egg("1")] });
        for (sent, pointer, code) in [
            (from(WALK_IN, WALK_IN), "/to_location", "same_location"),
            (from("main/in-transit", SHELF), "/from_location", "not_an_area"),
            (from(WALK_IN, "main/in-transit"), "/to_location", "not_an_area"),
            (from(WALK_IN, "annex"), "/to_location", "not_an_area"),
            (from("main/attic", SHELF), "/from_location", "location_not_found"),
            (json!({ "from_location": WALK_IN, "to_location_id": NOBODY, "lines": [egg("1")] }), "/to_location_id", "location_not_found"),
        ] {
            assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, sent).await), pairs([(pointer, code)]));
        }
        let lines = json!([{ "sku": "NONE", "quantity": "1" }, { "sku": "EGG", "quantity": "1", "unit": "l" }, { "sku": "EGG", "quantity": "0.0000001" }]);
        let expected = pairs([("/lines/2/quantity", "too_precise")]);
        let found = flaws(&refused(&kitchen.owner, TRANSFERS, body(SHELF, lines)).await);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        let lines = json!([{ "sku": "NONE", "quantity": "1" }, { "sku": "EGG", "quantity": "1", "unit": "l" }]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, body(SHELF, lines)).await), pairs([("/lines/0/sku", "item_not_found"), ("/lines/1/unit", "unit_unknown")]));
        let empty = json!({ "direct": "yes" });
        let expected = pairs([("", "exactly_one"), ("", "exactly_one"), ("/direct", "wrong_type"), ("/lines", "required")]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, empty).await), expected);
        let said = with(with(body(SHELF, json!([with(egg("1"), "reservation_id", NOBODY)])), "effective_at", START), "counted", "not_included");
        let expected = pairs([("/effective_at", "not_for_drafts"), ("/counted", "not_for_drafts"), ("/lines", "not_for_drafts")]);
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, said).await), expected);
        let transfer = sent(&kitchen, "2").await;
        let lines = json!({ "lines": [with(egg("1"), "reason", "expired"), with(json!({ "sku": "NONE", "quantity": "1" }), "reason", "lost")] });
        let expected = pairs([("/lines/0/reason", "reason_not_found"), ("/lines/1/sku", "item_not_found")]);
        assert_eq!(flaws(&refused(&kitchen.owner, &step(&transfer, "loss"), lines).await), expected);
        let foreign = json!({ "lines": [with(egg("1"), "lot_id", NOBODY)] });
        assert_eq!(flaws(&refused(&kitchen.owner, &step(&transfer, "receive"), foreign).await), pairs([("/lines/0/lot_id", "lot_not_found")]));
        refused(&kitchen.owner, &format!("{TRANSFERS}/{NOBODY}/dispatch"), json!({})).await.refused(404, "not_found");
        kitchen.owner.get(&format!("{TRANSFERS}/{NOBODY}")).await.refused(404, "not_found");
        kitchen.owner.get(&format!("{TRANSFERS}?cursor=x")).await.refused(400, "invalid_cursor");
    }

    async fn who_sends_needs_the_one_site_and_who_receives_the_other(api: Api) {
        let kitchen = opened(&api, "20", "1").await;
        let annex = kitchen.owner.get("/v1/inventory/locations?site=annex&kind=site").await.ok(200)["data"][0].clone();
        let far = site(&kitchen.owner, "far", "UTC").await;
        let (sender, receiver) = (api.member("staff", Some(&[id(&kitchen.site)])).await, api.member("staff", Some(&[id(&annex)])).await);
        let (stranger, viewer, both) = (api.member("staff", Some(&[far])).await, api.member("viewer", None).await, api.member("staff", None).await);
        let at_once = direct(SHELF, json!([egg("1")]));
        for client in [&sender, &receiver, &stranger, &viewer] {
            refused(client, TRANSFERS, at_once.clone()).await.refused(403, "forbidden");
        }
        both.post(TRANSFERS, at_once.clone()).await.ok(201);
        for client in [&stranger, &viewer] {
            refused(client, TRANSFERS, body(SHELF, json!([egg("1")]))).await.refused(403, "forbidden");
        }
        // Who will receive may ask for it.
        let asked = receiver.post(TRANSFERS, body(SHELF, json!([egg("5")]))).await.ok(201)["transfer"].clone();
        let path = format!("{TRANSFERS}/{}", text(&asked["id"]));
        refused(&receiver, &step(&asked, "dispatch"), json!({})).await.refused(403, "forbidden");
        refused(&stranger, &step(&asked, "dispatch"), json!({})).await.refused(404, "not_found");
        stranger.get(&path).await.refused(404, "not_found");
        assert_eq!(stranger.get(TRANSFERS).await.ok(200)["data"], json!([]));
        refused(&viewer, &step(&asked, "dispatch"), json!({})).await.refused(403, "forbidden");
        let dispatched = sender.post(&step(&asked, "dispatch"), json!({})).await.ok(201);
        // Staff see no costs.
        assert!(!dispatched.to_string().contains("\"value\""), "{dispatched}");
        refused(&sender, &step(&asked, "receive"), json!({})).await.refused(403, "forbidden");
        refused(&receiver, &step(&asked, "cancel"), json!({})).await.refused(403, "forbidden");
        receiver.post(&step(&asked, "receive"), json!({ "lines": [egg("1")] })).await.ok(201);
        let (by_receiver, by_sender) = (json!({ "lines": [with(egg("1"), "reason", "short")] }), json!({ "lines": [with(egg("1"), "reason", "lost")] }));
        assert_eq!(receiver.post(&step(&asked, "loss"), by_receiver).await.ok(201)["document"]["location"], SHELF);
        assert_eq!(sender.post(&step(&asked, "loss"), by_sender).await.ok(201)["document"]["location"], "main/in-transit");
        sender.post(&step(&asked, "cancel"), json!({})).await.ok(201);
        for client in [&sender, &receiver, &viewer] {
            assert_eq!(client.get(&path).await.ok(200)["status"], "received");
        }
        // Yesterday at either site needs the permission to back-date.
        for sent in [with(at_once.clone(), "effective_at", "2026-11-24T12:00:00Z"), with(at_once, "effective_at", "2026-11-25T04:00:00Z")] {
            refused(&both, TRANSFERS, sent).await.refused(403, "forbidden");
        }
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("EGG", json!({})).await;
        refused(&other.owner, &step(&asked, "cancel"), json!({})).await.refused(404, "not_found");
        other.owner.get(&path).await.refused(404, "not_found");
        assert_eq!(other.owner.get(TRANSFERS).await.ok(200)["data"], json!([]));
        let foreign = json!({ "from_location_id": asked["from_location_id"], "to_location": WALK_IN, "direct": true, "lines": [egg("1")] });
        assert_eq!(flaws(&refused(&other.owner, TRANSFERS, foreign).await), pairs([("/from_location_id", "location_not_found")]));
        api.call("POST", TRANSFERS).header("Idempotency-Key", "k").json(&body(SHELF, json!([egg("1")]))).send().await.refused(401, "token_invalid");
        api.get(TRANSFERS).await.refused(401, "token_invalid");
    }

    async fn a_key_does_one_thing_and_a_version_is_checked_where_it_is_sent(api: Api) {
        let kitchen = opened(&api, "20", "1").await;
        kitchen.owner.post_without_key(TRANSFERS, body(SHELF, json!([egg("1")]))).await.refused(400, "idempotency_key_required");
        let made = kitchen.owner.post_with_key(TRANSFERS, "draft", body(SHELF, json!([egg("5")]))).await.ok(201);
        assert_eq!(kitchen.owner.post_with_key(TRANSFERS, "draft", body(SHELF, json!([egg("5")]))).await.ok(201), made);
        kitchen.owner.post_with_key(TRANSFERS, "draft", body(SHELF, json!([egg("6")]))).await.refused(422, "idempotency_key_reused");
        let transfer = &made["transfer"];
        for name in ["dispatch", "receive", "cancel"] {
            kitchen.owner.post_without_key(&step(transfer, name), json!({})).await.refused(400, "idempotency_key_required");
        }
        let seen = |version: &str, key: &str| {
            let call = kitchen.owner.call("POST", &step(transfer, "dispatch")).header("Idempotency-Key", key);
            call.header("If-Match", version).json(&json!({}))
        };
        seen("\"2\"", "sent").send().await.refused(412, "version_mismatch");
        seen("two", "sent").send().await.refused(412, "version_mismatch");
        let sent = seen("\"1\"", "sent").send().await.ok(201);
        // The same again answers the same, whatever version it is at by now.
        let again = seen("\"1\"", "sent").send().await;
        assert_eq!((again.header("idempotent-replayed").to_owned(), again.ok(201)), ("true".to_owned(), sent.clone()));
        assert_eq!(kitchen.owner.get(&format!("{TRANSFERS}/{}", text(&transfer["id"]))).await.header("etag"), "\"2\"");
        assert_eq!(sent["transfer"]["version"], 2);
        // A refused step leaves its key free.
        let key = fresh("corrected");
        kitchen.owner.post_with_key(&step(transfer, "receive"), &key, json!({ "lines": [egg("6")] })).await.refused(409, "more_than_under_way");
        kitchen.owner.post_with_key(&step(transfer, "receive"), &key, json!({ "lines": [egg("5")] })).await.ok(201);
        // A replay asks again what the caller may.
        api.advance(TimeDelta::days(1));
        let member = api.member("manager", None).await;
        let back = with(direct(SHELF, json!([egg("1")])), "effective_at", "2026-11-25T12:00:00Z");
        member.post_with_key(TRANSFERS, "back", back.clone()).await.ok(201);
        becomes(&api, &member, "staff").await;
        member.post_with_key(TRANSFERS, "back", back).await.refused(403, "forbidden");
    }

    async fn a_lot_on_hold_is_moved_by_who_may_approve_and_names_it(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let lots = kitchen.owner.get("/v1/inventory/lots?sku=EGG").await.ok(200);
        let lot = text(&lots["data"][0]["lot_id"]);
        let lot = if lot.is_empty() { text(&lots["data"][0]["id"]) } else { lot };
        api.inventory_db().execute_unprepared("UPDATE lot SET hold = 'hold'").await.expect("a hold");
        let (picked, named) = (json!([egg("2")]), json!([with(egg("2"), "lot_id", lot.as_str())]));
        conflict(refused(&kitchen.owner, TRANSFERS, direct(DRY_STORE, picked)).await, "insufficient_stock");
        conflict(refused(&api.member("staff", None).await, TRANSFERS, direct(DRY_STORE, named.clone())).await, "lot_on_hold");
        kitchen.owner.post(TRANSFERS, direct(DRY_STORE, named.clone())).await.ok(201);
        let transfer = draft(&kitchen, SHELF, named).await;
        conflict(refused(&api.member("staff", None).await, &step(&transfer, "dispatch"), json!({})).await, "lot_on_hold");
        kitchen.owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201);
        // What is under way arrives, on hold or not.
        api.member("staff", None).await.post(&step(&transfer, "receive"), json!({})).await.ok(201);
        transfers_hold(&api).await;
    }

    async fn what_is_set_aside_goes_only_with_its_reservation(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let reserve = "INSERT INTO reservation (id, tenant_id, version, created_at, updated_at, item_id, location_id, quantity, taken, status, reserved_by) \
             SELECT lot.id, lot.tenant_id, 1, lot.received_at, lot.received_at, lot.item_id, entry.location_id, 8000000, 0, 'active', entry.actor_id \
             FROM lot JOIN ledger_entry AS entry ON entry.tenant_id = lot.tenant_id AND entry.lot_id = lot.id";
        for sql in [reserve, "UPDATE stock_key SET reserved_quantity = 8000000"] {
            api.inventory_db().execute_unprepared(sql).await.expect("a reservation");
        }
        let reservation = text(&kitchen.ledger().await[0]["lot_id"]);
        conflict(refused(&kitchen.owner, TRANSFERS, direct(SHELF, json!([egg("3")]))).await, "insufficient_stock");
        let nobodys = direct(SHELF, json!([with(egg("3"), "reservation_id", NOBODY)]));
        assert_eq!(flaws(&refused(&kitchen.owner, TRANSFERS, nobodys).await), pairs([("/lines/0/reservation_id", "reservation_not_found")]));
        let own = json!([with(egg("3"), "reservation_id", reservation.as_str())]);
        kitchen.owner.post(TRANSFERS, direct(SHELF, own.clone())).await.ok(201);
        let transfer = draft(&kitchen, SHELF, json!([egg("3")])).await;
        conflict(refused(&kitchen.owner, &step(&transfer, "dispatch"), json!({})).await, "insufficient_stock");
        kitchen.owner.post(&step(&transfer, "dispatch"), json!({ "lines": own })).await.ok(201);
        let left = sums(&api, "SELECT status AS place, quantity - taken AS quantity FROM reservation").await;
        assert_eq!(left, BTreeMap::from([("active".to_owned(), 2_000_000)]));
    }

    async fn each_step_that_is_undone_is_under_way_again_and_the_dispatch_last(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let owner = &kitchen.owner;
        let transfer = draft(&kitchen, SHELF, json!([egg("8")])).await;
        let dispatched = owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201);
        let arrived = owner.post(&step(&transfer, "receive"), json!({ "lines": [egg("5")] })).await.ok(201);
        let lost = owner.post(&step(&transfer, "loss"), json!({ "lines": [with(egg("1"), "reason", "damaged")] })).await.ok(201);
        let now = async || owner.get(&format!("{TRANSFERS}/{}", text(&transfer["id"]))).await.ok(200);
        let numbers = |numbers: [&str; 5]| numbers.map(str::to_owned);
        assert_eq!(tally(&now().await), numbers(["8", "5", "1", "0", "2"]));
        conflict(refused(owner, &path(&dispatched), because()).await, "transfer_received");
        let found = reverse(owner, &lost).await;
        assert_eq!(moves(&found), all([["reversal", "1", "1", "2026-11-25"]]));
        assert_eq!((tally(&now().await), at(&kitchen, "main/in-transit").await), (numbers(["8", "5", "0", "0", "3"]), is("3", "3")));
        conflict(refused(owner, &path(&dispatched), because()).await, "transfer_received");
        transfers_hold(&api).await;
        let back = reverse(owner, &arrived).await;
        assert_eq!(back["entries"].as_array().map(Vec::len), Some(2));
        let transfer_now = now().await;
        assert_eq!((&transfer_now["status"], tally(&transfer_now)), (&json!("in_transit"), numbers(["8", "0", "0", "0", "8"])));
        assert_eq!((at(&kitchen, "main/in-transit").await, at(&kitchen, SHELF).await), (is("8", "8"), is("0", "0")));
        transfers_hold(&api).await;
        reverse(owner, &dispatched).await;
        let transfer_now = now().await;
        assert_eq!((&transfer_now["status"], &transfer_now["lots"]), (&json!("draft"), &Value::Null));
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, "main/in-transit").await), (is("10", "10"), is("0", "0")));
        conflict(refused(owner, &path(&dispatched), because()).await, "already_reversed");
        // A draft again, it is sent again.
        owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201);
        transfers_hold(&api).await;
        hold(&api).await;
    }

    async fn a_cost_that_comes_under_way_comes_back_with_what_is_cancelled(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let owner = &kitchen.owner;
        let transfer = sent(&kitchen, "4").await;
        let receipt = text(&owner.get("/v1/inventory/receipts").await.ok(200)["data"][0]["id"]);
        let charges = json!({ "charges": [{ "label": "customs", "amount": "10" }] });
        let charged = owner.post(&format!("/v1/inventory/receipts/{receipt}/charges"), charges).await.ok(201);
        let mut values: Vec<_> = moves(&charged).into_iter().map(|[kind, quantity, value, _]| [kind, quantity, value]).collect();
        values.sort();
        assert_eq!(values, [["cost_adjust", "0", "4"], ["cost_adjust", "0", "6"]]);
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, "main/in-transit").await), (is("6", "12"), is("4", "8")));
        let back = owner.post(&step(&transfer, "cancel"), json!({})).await.ok(201);
        assert_eq!(moves(&back), all([["transfer_out", "-4", "-8", "2026-11-25"], ["transfer_in", "4", "8", "2026-11-25"]]));
        assert_eq!((at(&kitchen, WALK_IN).await, at(&kitchen, "main/in-transit").await), (is("10", "20"), is("0", "0")));
        transfers_hold(&api).await;
        hold(&api).await;
    }

    async fn a_document_shows_what_it_wrote_at_ones_own_sites_alone(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let owner = &kitchen.owner;
        let moved = owner.post(TRANSFERS, direct(SHELF, json!([egg("4")]))).await.ok(201);
        let receipt = text(&owner.get("/v1/inventory/receipts").await.ok(200)["data"][0]["id"]);
        let charges = json!({ "charges": [{ "label": "customs", "amount": "10" }] });
        let charged = owner.post(&format!("/v1/inventory/receipts/{receipt}/charges"), charges).await.ok(201);
        let here = api.member("viewer", Some(&[id(&kitchen.site)])).await;
        let read = async |client: &Client, posted: &Value| client.get(&format!("/v1/inventory/documents/{}", text(&posted["document"]["id"]))).await.ok(200);
        assert_eq!(moves(&read(owner, &moved).await), moves(&moved));
        assert_eq!(moves(&read(&here, &moved).await), all([["transfer_out", "-4", "-4", "2026-11-25"]]));
        assert_eq!(read(owner, &charged).await["entries"].as_array().map(Vec::len), Some(2));
        assert_eq!(moves(&read(&here, &charged).await), all([["cost_adjust", "0", "6", "2026-11-25"]]));
        assert_eq!(here.get(&format!("/v1/inventory/receipts/{receipt}")).await.ok(200)["entries"].as_array().map(Vec::len), Some(1));
    }

    async fn closed_periods_and_later_costs_bind_transfers(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let transfer = sent(&kitchen, "4").await;
        api.advance(TimeDelta::days(2));
        let kitchen = Kitchen { owner: api.owner().await, ..kitchen };
        let lot = text(&kitchen.ledger().await[0]["lot_id"]);
        revalued_at(&api, &lot, Instant::parse("2026-11-26T12:00:00Z").expect("a time")).await;
        conflict(refused(&kitchen.owner, &step(&transfer, "receive"), json!({ "effective_at": "2026-11-26T11:00:00Z" })).await, "lot_revalued_after");
        close_through(&api, "2026-11-26").await;
        for name in ["receive", "cancel"] {
            conflict(refused(&kitchen.owner, &step(&transfer, name), json!({ "effective_at": "2026-11-26T13:00:00Z" })).await, "period_closed");
        }
        // At two in the night of the 27th it is still the 26th in New York, and in Paris before four.
        let night = json!({ "effective_at": "2026-11-27T03:30:00Z" });
        conflict(refused(&kitchen.owner, &step(&transfer, "receive"), night.clone()).await, "period_closed");
        kitchen.owner.post(&step(&transfer, "cancel"), night).await.ok(201);
    }

    async fn each_side_of_a_transfer_has_the_business_date_of_its_own_site(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        site(&kitchen.owner, "atoll", "Pacific/Kiritimati").await;
        area(&kitchen.owner, "atoll", "hut").await;
        // Noon on the 25th in Greenwich is two in the night of the 26th on the atoll.
        let made = kitchen.owner.post(TRANSFERS, direct("atoll/hut", json!([egg("1")]))).await.ok(201);
        assert_eq!(moves(&made), all([["transfer_out", "-1", "-1", "2026-11-25"], ["transfer_in", "1", "1", "2026-11-26"]]));
        assert_eq!(made["document"]["business_date"], "2026-11-25");
        let transfer = draft(&kitchen, "atoll/hut", json!([egg("4")])).await;
        let sent = kitchen.owner.post(&step(&transfer, "dispatch"), json!({})).await.ok(201);
        assert_eq!(moves(&sent), all([["transfer_out", "-4", "-4", "2026-11-25"], ["transfer_in", "4", "4", "2026-11-25"]]));
        let arrived = kitchen.owner.post(&step(&transfer, "receive"), json!({})).await.ok(201);
        assert_eq!(moves(&arrived), all([["transfer_out", "-4", "-4", "2026-11-25"], ["transfer_in", "4", "4", "2026-11-26"]]));
        assert_eq!(arrived["document"]["business_date"], "2026-11-26");
        // The other way round, the receiver's date is the earlier one.
        let home = json!({ "from_location": "atoll/hut", "to_location": WALK_IN, "direct": true, "lines": [egg("2")] });
        let home = kitchen.owner.post(TRANSFERS, home).await.ok(201);
        assert_eq!(moves(&home), all([["transfer_out", "-2", "-2", "2026-11-26"], ["transfer_in", "2", "2", "2026-11-25"]]));
        transfers_hold(&api).await;
    }

    async fn transfers_are_listed_by_what_is_asked_and_page_by_page(api: Api) {
        let kitchen = opened(&api, "50", "1").await;
        let mut expected = Vec::new();
        for number in 1..=7 {
            let to = if number % 2 == 0 { DRY_STORE } else { SHELF };
            let sent = if number == 3 { direct(to, json!([egg("1")])) } else { body(to, json!([egg("1")])) };
            let made = kitchen.owner.post(TRANSFERS, with(sent, "external_ref", format!("ref {}", number % 3))).await.ok(201);
            expected.insert(0, text(&made["transfer"]["number"]));
        }
        let list = async |query: &str| {
            let page = kitchen.owner.get(&format!("{TRANSFERS}?{query}")).await.ok(200);
            let numbers: Vec<_> = page["data"].as_array().expect("transfers").iter().map(|row| text(&row["number"])).collect();
            (numbers, page["next_cursor"].as_str().map(str::to_owned))
        };
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let (numbers, next) = list(&format!("limit=3{cursor}")).await;
            all.extend(numbers);
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(all, expected);
        let of = |numbers: &[i64]| numbers.iter().map(|number| format!("TO-{number:06}")).collect::<Vec<_>>();
        assert_eq!(list("status=received").await.0, of(&[3]));
        assert_eq!(list("to_location=annex").await.0, of(&[7, 5, 3, 1]));
        assert_eq!(list("to_location=annex/shelf&status=draft").await.0, of(&[7, 5, 1]));
        assert_eq!(list("from_location=annex").await.0, of(&[]));
        assert_eq!(list(&format!("from_location_id={}&external_ref=ref%200", text(&kitchen.site["id"]))).await.0, of(&[6, 3]));
        let both = kitchen.owner.get(&format!("{TRANSFERS}?to_location=annex&to_location_id={NOBODY}&status=lost")).await;
        assert_eq!(flaws(&both).len(), 2);
    }

    async fn random_transfers_sum_to_zero_and_wait_where_they_are_under_way(api: Api) {
        let kitchen = opened(&api, "60", "1.333333").await;
        kitchen.item("HAM", json!({ "base_unit": "g", "pick": "fifo" })).await;
        let before = |minutes: i64| Instant::parse(START).expect("a time").plus(TimeDelta::minutes(-minutes)).to_string();
        for minutes in [90, 80, 70] {
            kitchen.receive_at(&before(minutes), json!([{ "sku": "EGG", "quantity": "15", "line_total": "10" }, { "sku": "HAM", "quantity": "20", "line_total": "7.77" }])).await;
        }
        let worth = kitchen.on_hand("HAM").await;
        assert_eq!(worth.0, "60");
        for seed in 0..2 {
            let (mut random, mut transfers) = (StdRng::seed_from_u64(seed), Vec::new());
            let mut done = BTreeMap::<u16, usize>::new();
            for turn in 0..150 {
                let reply = random_step(&kitchen.owner, &mut random, &mut transfers).await;
                let expected = ["insufficient_stock", "more_than_under_way", "not_dispatched", "already_dispatched", "transfer_finished"];
                let early = reply.status == 422 && reply.violations().iter().all(|(_, code)| code == "before_dispatch");
                assert!(reply.status == 201 || expected.contains(&reply.code()) || early, "seed {seed}, step {turn}: {}", reply.text);
                *done.entry(reply.status).or_default() += 1;
                if turn % 30 == 0 {
                    transfers_hold(&api).await;
                }
            }
            assert!(done[&201] > 40, "seed {seed}: {done:?}");
            transfers_hold(&api).await;
        }
    }

    async fn transfers_in_opposite_directions_never_lock_each_other_out(api: Api) {
        let kitchen = opened(&api, "500", "1").await;
        kitchen.item("HAM", json!({ "base_unit": "g" })).await;
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "500", "unit_price": "2" }])).await;
        let both = |quantity: &str, turn: usize| {
            let mut lines = vec![egg(quantity), json!({ "sku": "HAM", "quantity": quantity })];
            lines.rotate_left(turn % 2);
            lines
        };
        kitchen.owner.post(TRANSFERS, direct(SHELF, json!(both("250", 0)))).await.ok(201);
        let go = |task: usize| {
            let (owner, lines) = (kitchen.owner.clone(), both("1", task));
            async move {
                let (from, to) = if task.is_multiple_of(2) { (WALK_IN, SHELF) } else { (SHELF, WALK_IN) };
                let sent = |direct: bool| json!({ "from_location": from, "to_location": to, "direct": direct, "lines": lines });
                let mut answers = vec![owner.post(TRANSFERS, sent(true)).await];
                let draft = owner.post(TRANSFERS, sent(false)).await;
                let transfer = draft.body["transfer"].clone();
                answers.push(draft);
                answers.push(owner.post(&step(&transfer, "dispatch"), json!({})).await);
                let last = if task % 4 < 2 { "receive" } else { "cancel" };
                answers.push(owner.post(&step(&transfer, last), json!({})).await);
                answers
            }
        };
        let answers: Vec<Reply> = join_all((0..32).map(go)).await.into_iter().flatten().collect();
        let wrong: Vec<_> = answers.iter().filter(|reply| reply.status != 201).map(|reply| reply.text.clone()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        // As many went the one way as the other.
        assert_eq!((at(&kitchen, "main/in-transit").await.0, at(&kitchen, "annex/in-transit").await.0), ("0".to_owned(), "0".to_owned()));
        assert_eq!((kitchen.on_hand("EGG").await, kitchen.on_hand("HAM").await), (is("500", "500"), is("500", "1000")));
        transfers_hold(&api).await;
        let mut numbers: Vec<_> = answers.iter().map(|reply| text(&reply.body["transfer"]["number"])).collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers, (2..=65).map(|number| format!("TO-{number:06}")).collect::<Vec<_>>());
    }

    async fn of_many_who_receive_the_same_one_does(api: Api) {
        let kitchen = opened(&api, "10", "1").await;
        let transfer = sent(&kitchen, "4").await;
        let replies = join_all((0..16).map(|turn| {
            let (owner, path) = (kitchen.owner.clone(), step(&transfer, if turn % 2 == 0 { "receive" } else { "cancel" }));
            async move { owner.post(&path, json!({})).await }
        }))
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "transfer_finished"), "{replies:?}");
        transfers_hold(&api).await;
    }
}
