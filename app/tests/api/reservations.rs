//! What is set aside, through HTTP: it binds others, never leaks, and is never below zero.

use chrono::TimeDelta;
use futures::future::join_all;
use sea_orm::{FromQueryResult, Statement};
use serde_json::{Value, json};

use crate::receipts::{NOBODY, area, column, flaws, pairs, refused, rows, site, unit, with};
use crate::support::Api;
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::usage::{USAGE, lacking, lot_at, put_on_hold, served, short};

const RESERVATIONS: &str = "/v1/inventory/reservations";

fn aside(sku: &str, quantity: &str) -> Value {
    json!({ "location": WALK_IN, "sku": sku, "quantity": quantity })
}

fn take(sku: &str, quantity: &str) -> Value {
    json!({ "sku": sku, "quantity": quantity })
}

async fn reserve(kitchen: &Kitchen, body: Value) -> Value {
    kitchen.owner.post(RESERVATIONS, body).await.ok(201)
}

fn at(reservation: &Value) -> String {
    format!("{RESERVATIONS}/{}", text(&reservation["id"]))
}

/// What is on hand of the only item, what is set aside, and what is available.
async fn stock(kitchen: &Kitchen) -> [String; 3] {
    let stock = kitchen.owner.get("/v1/inventory/stock").await.ok(200);
    ["quantity", "reserved", "available"].map(|name| text(&stock["data"][0][name]))
}

/// The sums on the keys are what active reservations have left, and no reservation was taken beyond what it is.
async fn sums_hold(api: &Api) {
    #[derive(FromQueryResult)]
    struct Difference {
        wrong: i64,
    }
    let sql = "SELECT COUNT(*) AS wrong FROM stock_key WHERE reserved_quantity <> COALESCE((SELECT SUM(quantity - taken) FROM reservation \
               WHERE reservation.tenant_id = stock_key.tenant_id AND reservation.item_id = stock_key.item_id \
               AND reservation.location_id = stock_key.location_id AND status = 'active'), 0) \
               UNION ALL SELECT COUNT(*) AS wrong FROM reservation WHERE taken < 0 OR taken > quantity OR (status = 'active' AND taken = quantity)";
    let database = api.inventory_db();
    let found = Difference::find_by_statement(Statement::from_string(database.get_database_backend(), sql)).all(database).await.expect("sums");
    assert_eq!(found.iter().map(|found| found.wrong).collect::<Vec<_>>(), [0, 0]);
}

/// What is set aside, and how many reservations keep something.
#[derive(FromQueryResult)]
struct Left {
    reserved: i64,
    active: i64,
}

both_engines! {
    async fn what_is_released_is_free_again_and_only_once(api: Api) {
        // H08, vendure#1557 and vendure#1571: giving back what was never set aside made it negative.
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        let made = reserve(&kitchen, with(with(aside("EGG", "3"), "external_ref", "TABLE-9"), "note", "For Saturday")).await;
        let expected = json!({
            "id": made["id"], "status": "active", "item_id": egg["id"], "sku": "EGG", "location_id": made["location_id"], "location": "main/walk-in",
            "quantity": "3", "taken": "0", "left": "3", "unit": "each", "external_ref": "TABLE-9", "note": "For Saturday", "ends_at": null,
            "reserved_by": made["reserved_by"], "version": 1, "created_at": made["created_at"], "updated_at": made["created_at"],
        });
        assert_eq!(made, expected);
        assert_eq!(stock(&kitchen).await, ["10", "3", "7"]);
        let read = kitchen.owner.get(&at(&made)).await;
        assert_eq!((read.header("etag"), &read.body), ("\"1\"", &made));
        let released = kitchen.owner.delete(&at(&made), None).await.ok(200);
        assert_eq!((&released["status"], &released["left"], &released["version"]), (&json!("released"), &json!("0"), &json!(2)));
        assert_eq!(kitchen.owner.get(&at(&made)).await.ok(200), released);
        let before = rows(&api).await;
        kitchen.owner.delete(&at(&made), None).await.refused(409, "reservation_released");
        kitchen.owner.delete(&format!("{RESERVATIONS}/{NOBODY}"), None).await.refused(404, "not_found");
        assert_eq!(rows(&api).await, before);
        assert_eq!(stock(&kitchen).await, ["10", "0", "10"]);
        sums_hold(&api).await;
    }

    async fn what_is_set_aside_is_left_to_whoever_names_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        unit(&kitchen.owner, &egg, "pack", "6", "each").await;
        let lot = lot_at(&kitchen, "2026-11-23T12:00:00Z", json!({ "sku": "EGG", "quantity": "10", "unit_price": "1" })).await;
        let mine = reserve(&kitchen, with(aside("EGG", "1"), "unit", "pack")).await;
        assert_eq!((&mine["quantity"], &mine["left"]), (&json!("6"), &json!("6")));
        let from = |quantity: &str| with(take("EGG", quantity), "reservation_id", mine["id"].clone());
        // Four are for anybody, and those with it may have them too.
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("EGG", "5")]))).await), lacking([(0, "5", "4")]));
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([from("7"), take("EGG", "4")]))).await), lacking([(1, "4", "3")]));
        let used = kitchen.owner.post(USAGE, served(json!([from("2"), with(from("1"), "lot_id", lot.as_str()), take("EGG", "1")]))).await.ok(201);
        assert_eq!((&used["document"]["lines"][0]["reservation_id"], column(&used["entries"], "quantity")), (&mine["id"], vec!["-1".into(), "-2".into(), "-1".into()]), "the line that names a lot takes first");
        assert_eq!(stock(&kitchen).await, ["6", "3", "3"]);
        let left = kitchen.owner.get(&at(&mine)).await.ok(200);
        assert_eq!((&left["status"], &left["taken"], &left["left"], &left["version"]), (&json!("active"), &json!("3"), &json!("3"), &json!(2)));
        sums_hold(&api).await;
        // More than is left of it: the rest comes from what is anybody's.
        kitchen.owner.post(USAGE, served(json!([from("5")]))).await.ok(201);
        let done = kitchen.owner.get(&at(&mine)).await.ok(200);
        assert_eq!((&done["status"], &done["taken"], &done["left"]), (&json!("fulfilled"), &json!("6"), &json!("0")));
        assert_eq!(stock(&kitchen).await, ["1", "0", "1"]);
        kitchen.owner.delete(&at(&mine), None).await.refused(409, "reservation_fulfilled");
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, served(json!([from("1")]))).await), pairs([("/lines/0/reservation_id", "reservation_not_found")]));
        sums_hold(&api).await;
    }

    async fn a_reservation_is_of_its_item_and_place_alone(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        let line = |sku: &str| json!({ "sku": sku, "quantity": "5", "unit_price": "1" });
        kitchen.receive(json!([line("EGG"), line("HAM")])).await;
        kitchen.owner.post("/v1/inventory/receipts", json!({ "location": DRY_STORE, "lines": [line("EGG")] })).await.ok(201);
        let eggs = reserve(&kitchen, aside("EGG", "5")).await;
        let from = |sku: &str| with(take(sku, "1"), "reservation_id", eggs["id"].clone());
        let wrong = pairs([("/lines/1/reservation_id", "reservation_not_found")]);
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, served(json!([from("EGG"), from("HAM")]))).await), wrong);
        let there = with(served(json!([take("EGG", "1"), from("EGG")])), "location", DRY_STORE);
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, there).await), wrong);
        // What is set aside here is nothing there.
        kitchen.owner.post(USAGE, with(served(json!([take("EGG", "5")])), "location", DRY_STORE)).await.ok(201);
        // A short document takes nothing from it.
        refused(&kitchen.owner, USAGE, served(json!([from("EGG"), take("HAM", "6")]))).await.refused(409, "insufficient_stock");
        assert_eq!(kitchen.owner.get(&at(&eggs)).await.ok(200), eggs);
        sums_hold(&api).await;
    }

    async fn no_more_is_set_aside_than_can_be_used(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let line = |date: Value| json!({ "sku": "EGG", "quantity": "4", "unit_price": "1", "expires_on": date });
        let monday = "2026-11-23T12:00:00Z";
        let held = lot_at(&kitchen, monday, line(Value::Null)).await;
        lot_at(&kitchen, monday, line(json!("2026-11-24"))).await;
        lot_at(&kitchen, monday, line(json!("2026-11-26"))).await;
        put_on_hold(&api, &held).await;
        let problem = refused(&kitchen.owner, RESERVATIONS, aside("EGG", "5")).await;
        assert_eq!(short(problem), lacking([(0, "5", "4")]));
        reserve(&kitchen, aside("EGG", "3")).await;
        assert_eq!(short(refused(&kitchen.owner, RESERVATIONS, aside("EGG", "1.000001")).await), lacking([(0, "1.000001", "1")]));
        reserve(&kitchen, aside("EGG", "1")).await;
        assert_eq!(stock(&kitchen).await, ["12", "4", "0"]);
        // What is thrown away takes what was set aside along; then there is less than that, and never less than nothing.
        kitchen.waste(json!([take("EGG", "10")])).await;
        assert_eq!(stock(&kitchen).await, ["2", "4", "0"]);
        sums_hold(&api).await;
    }

    async fn from_the_instant_that_it_ends_it_sets_nothing_aside(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        let past = with(aside("EGG", "1"), "ends_at", api.now().to_string());
        assert_eq!(flaws(&refused(&kitchen.owner, RESERVATIONS, past).await), pairs([("/ends_at", "ends_in_past")]));
        let soon = reserve(&kitchen, with(aside("EGG", "6"), "ends_at", "2026-11-25T13:00:00Z")).await;
        let late = reserve(&kitchen, with(aside("EGG", "3"), "ends_at", "2026-11-25T18:00:00Z")).await;
        let ever = reserve(&kitchen, aside("EGG", "1")).await;
        kitchen.owner.post(USAGE, served(json!([with(take("EGG", "2"), "reservation_id", soon["id"].clone())]))).await.ok(201);
        assert_eq!(stock(&kitchen).await, ["8", "8", "0"]);
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("EGG", "1")]))).await), lacking([(0, "1", "0")]));

        api.advance(TimeDelta::hours(1));
        // The token has ended, too.
        let kitchen = Kitchen { owner: api.owner().await, ..kitchen };
        // Nobody has tidied up, and all the same it has ended for everybody who asks.
        assert_eq!(stock(&kitchen).await, ["8", "4", "4"]);
        let ended = kitchen.owner.get(&at(&soon)).await.ok(200);
        assert_eq!((&ended["status"], &ended["taken"], &ended["left"]), (&json!("ended"), &json!("2"), &json!("0")));
        for (status, expected) in [("ended", &soon), ("active", &late)] {
            let listed = kitchen.owner.get(&format!("{RESERVATIONS}?status={status}")).await.ok(200);
            assert!(column(&listed["data"], "id").contains(&text(&expected["id"])), "{status}: {listed}");
            assert!(listed["data"].as_array().expect("rows").iter().all(|row| row["status"] == status), "{listed}");
        }
        let named = served(json!([with(take("EGG", "1"), "reservation_id", soon["id"].clone())]));
        assert_eq!(flaws(&refused(&kitchen.owner, USAGE, named).await), pairs([("/lines/0/reservation_id", "reservation_not_found")]));
        kitchen.owner.delete(&at(&soon), None).await.refused(409, "reservation_ended");
        assert_eq!(short(refused(&kitchen.owner, USAGE, served(json!([take("EGG", "5")]))).await), lacking([(0, "5", "4")]));
        kitchen.owner.post(USAGE, served(json!([take("EGG", "3")]))).await.ok(201);
        sums_hold(&api).await;
        // The next that is set aside there tidies up.
        let next = reserve(&kitchen, aside("EGG", "1")).await;
        sums_hold(&api).await;
        assert_eq!(stock(&kitchen).await, ["5", "5", "0"]);
        for reservation in [&late, &ever, &next] {
            kitchen.owner.delete(&at(reservation), None).await.ok(200);
        }
        kitchen.owner.delete(&at(&soon), None).await.refused(409, "reservation_ended");
        assert_eq!(stock(&kitchen).await, ["5", "0", "5"]);
        sums_hold(&api).await;
    }

    async fn the_program_marks_what_has_ended_when_it_starts(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        for sku in ["EGG", "HAM"] {
            kitchen.item(sku, json!({})).await;
            kitchen.receive(json!([{ "sku": sku, "quantity": "10", "unit_price": "1" }])).await;
            for _ in 0..2 {
                reserve(&kitchen, with(aside(sku, "2"), "ends_at", "2026-11-25T13:00:00Z")).await;
            }
        }
        reserve(&kitchen, aside("EGG", "1")).await;
        let other = Kitchen::of(api.other_tenant().await).await;
        other.item("EGG", json!({})).await;
        other.receive(json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        reserve(&other, with(aside("EGG", "2"), "ends_at", "2026-11-25T13:00:00Z")).await;
        api.advance(TimeDelta::hours(2));
        let api = api.restart().await;
        let sql = "SELECT CAST(SUM(reserved_quantity) AS BIGINT) AS reserved, (SELECT COUNT(*) FROM reservation WHERE status = 'active') AS active FROM stock_key";
        let left = async || {
            let database = api.inventory_db();
            Left::find_by_statement(Statement::from_string(database.get_database_backend(), sql)).one(database).await.expect("sums").expect("a row")
        };
        // At the start is soon after it, on whatever machine.
        let mut found = left().await;
        while found.active != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            found = left().await;
        }
        assert_eq!((found.active, found.reserved), (1, 1_000_000));
        sums_hold(&api).await;
        api.stop().await;
    }

    async fn of_32_who_reserve_use_and_release_at_once_nobody_gets_too_much(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "40", "unit_price": "1" }])).await;
        let worker = |number: usize| {
            let kitchen = kitchen.clone();
            async move {
                if number.is_multiple_of(4) {
                    return kitchen.owner.post(USAGE, served(json!([take("EGG", "3")]))).await.status;
                }
                let made = kitchen.owner.post(RESERVATIONS, aside("EGG", "3")).await;
                if made.status != 201 {
                    return made.status;
                }
                if number % 4 == 1 {
                    // Two release it at once: one of them does.
                    let path = at(&made.body);
                    let (one, other) = futures::join!(kitchen.owner.delete(&path, None), kitchen.owner.delete(&path, None));
                    let mut statuses = [one.status, other.status];
                    statuses.sort_unstable();
                    assert_eq!(statuses, [200, 409]);
                    return 200;
                }
                let own = served(json!([with(take("EGG", "3"), "reservation_id", made.body["id"].clone())]));
                kitchen.owner.post(USAGE, own).await.ok(201);
                201
            }
        };
        let statuses = join_all((0..32).map(worker)).await;
        assert!(statuses.iter().all(|status| [200, 201, 409].contains(status)), "{statuses:?}");
        let used = i64::try_from(statuses.iter().filter(|status| **status == 201).count()).expect("a number");
        assert!(used <= 13, "{used}");
        assert_eq!(stock(&kitchen).await, [(40 - 3 * used).to_string(), "0".into(), (40 - 3 * used).to_string()]);
        sums_hold(&api).await;
        // Reservations alone, of 40 less what was used.
        let left = 40 - 3 * used;
        let replies = join_all((0..32).map(|_| kitchen.owner.post(RESERVATIONS, aside("EGG", "3")))).await;
        assert_eq!(i64::try_from(replies.iter().filter(|reply| reply.status == 201).count()).expect("a number"), left / 3);
        assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "insufficient_stock"));
        sums_hold(&api).await;
    }

    async fn reservations_are_listed_page_by_page_and_by_what_they_are(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        kitchen.item("HAM", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "99", "unit_price": "1" }, { "sku": "HAM", "quantity": "99", "unit_price": "1" }])).await;
        let mut made = Vec::new();
        for number in 0..5 {
            made.insert(0, text(&reserve(&kitchen, with(aside(if number == 2 { "HAM" } else { "EGG" }, "1"), "external_ref", format!("R{number}"))).await["id"]));
            api.advance(TimeDelta::seconds(1));
        }
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = kitchen.owner.get(&format!("{RESERVATIONS}?limit=2{cursor}")).await.ok(200);
            found.extend(column(&page["data"], "id"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, made);
        kitchen.owner.delete(&format!("{RESERVATIONS}/{}", made[0]), None).await.ok(200);
        let listed = async |query: &str| column(&kitchen.owner.get(&format!("{RESERVATIONS}?{query}")).await.ok(200)["data"], "id");
        assert_eq!(listed("sku=HAM").await, made[2..3]);
        assert_eq!(listed(&format!("item_id={}&status=active", text(&egg["id"]))).await, [&made[1..2], &made[3..]].concat());
        assert_eq!(listed("status=released").await, made[..1]);
        assert_eq!((listed("status=fulfilled").await, listed("location=main/dry-store").await), (vec![], vec![]));
        assert_eq!((listed("location=main").await, listed("external_ref=R3").await), (made.clone(), made[1..2].to_vec()));
        kitchen.owner.get(&format!("{RESERVATIONS}?cursor=x")).await.refused(400, "invalid_cursor");
        kitchen.owner.get(&format!("{RESERVATIONS}?status=gone")).await.refused(422, "invalid_request");
    }

    async fn who_may_not_reserve_is_refused_and_writes_nothing(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let egg = kitchen.item("EGG", json!({})).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        area(&kitchen.owner, "annex", "cellar").await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "9", "unit_price": "1" }])).await;
        let before = rows(&api).await;
        api.call("POST", RESERVATIONS).header("Idempotency-Key", "k").json(&aside("EGG", "1")).send().await.refused(401, "token_invalid");
        kitchen.owner.post_without_key(RESERVATIONS, aside("EGG", "1")).await.refused(400, "idempotency_key_required");
        assert_eq!(rows(&api).await, before);
        let (viewer, elsewhere) = (api.member("viewer", None).await, api.member("staff", Some(&[annex])).await);
        refused(&viewer, RESERVATIONS, aside("EGG", "1")).await.refused(403, "forbidden");
        refused(&elsewhere, RESERVATIONS, aside("EGG", "1")).await.refused(403, "forbidden");
        let staff = api.member("staff", None).await;
        let made = staff.post_with_key(RESERVATIONS, "key", aside("EGG", "1")).await.ok(201);
        let again = staff.post_with_key(RESERVATIONS, "key", aside("EGG", "1")).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &made));
        staff.post_with_key(RESERVATIONS, "key", aside("EGG", "2")).await.refused(422, "idempotency_key_reused");
        assert_eq!(stock(&kitchen).await, ["9", "1", "8"]);
        viewer.delete(&at(&made), None).await.refused(403, "forbidden");
        viewer.get(&at(&made)).await.ok(200);
        for stranger in [elsewhere, api.other_tenant().await] {
            stranger.get(&at(&made)).await.refused(404, "not_found");
            stranger.delete(&at(&made), None).await.refused(404, "not_found");
            assert_eq!(stranger.get(RESERVATIONS).await.ok(200)["data"], json!([]));
        }
        let other = Kitchen::of(api.other_tenant().await).await;
        let theirs = json!({ "location": WALK_IN, "item_id": egg["id"], "quantity": "1" });
        assert_eq!(flaws(&refused(&other.owner, RESERVATIONS, theirs).await), pairs([("/item_id", "item_not_found")]));
        let wrong = json!({ "location": WALK_IN, "sku": "EGG", "item_id": egg["id"], "quantity": 1, "ends_at": "soon", "lot_id": NOBODY });
        let mut expected = pairs([("", "exactly_one"), ("/quantity", "decimal_string_required"), ("/ends_at", "invalid_time"), ("/lot_id", "unknown_field")]);
        let mut found = flaws(&refused(&kitchen.owner, RESERVATIONS, wrong).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let wrong = with(with(aside("EGG", "1"), "unit", "ml"), "ends_at", "2020-01-01T00:00:00Z");
        assert_eq!(flaws(&refused(&kitchen.owner, RESERVATIONS, wrong).await), pairs([("/unit", "unit_unknown"), ("/ends_at", "ends_in_past")]));
        assert_eq!(flaws(&refused(&kitchen.owner, RESERVATIONS, with(aside("EGG", "1"), "location", "main")).await), pairs([("/location", "not_an_area")]));
        kitchen.owner.post("/v1/inventory/waste", waste_body(json!([take("EGG", "9")]))).await.ok(201);
        sums_hold(&api).await;
    }
}
