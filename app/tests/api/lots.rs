//! Lots through HTTP: what is said of them, what becomes of them, and what was made of what.

use futures::future::join_all;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::receipts::{NOBODY, RECEIPTS, area, column, flaws, pairs, refused, rows, site, user_of, with};
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client, Engine};

const LOTS: &str = "/v1/inventory/lots";
const WASTE: &str = "/v1/inventory/waste";
const TUESDAY: &str = "2026-11-24T12:00:00Z";

/// Receives one line and answers its lot.
async fn lot(kitchen: &Kitchen, line: Value) -> String {
    text(&kitchen.receive(json!([line])).await["entries"][0]["lot_id"])
}

async fn egg(kitchen: &Kitchen, quantity: &str, expires_on: &str) -> String {
    lot(kitchen, json!({ "sku": "EGG", "quantity": quantity, "unit_price": "1", "expires_on": expires_on })).await
}

fn at(lot: &str) -> String {
    format!("{LOTS}/{lot}")
}

async fn read(client: &Client, lot: &str) -> Value {
    client.get(&at(lot)).await.ok(200)
}

/// Kinds of the events of a lot.
fn kinds(lot: &Value) -> Vec<String> {
    column(&lot["events"], "kind")
}

async fn open(kitchen: &Kitchen, lot: &str, quantity: &str) -> Value {
    kitchen.owner.post(&format!("{}/open", at(lot)), json!({ "location": WALK_IN, "quantity": quantity })).await.ok(201)
}

/// The lot that a document of opening made.
fn child(opened: &Value) -> String {
    text(&opened["document"]["lines"][1]["lot_id"])
}

/// Says behind the program's back that a lot was made of another, by the document that it came in with.
async fn made_of(api: &Api, made: &str, parent: &str) {
    let id = |id: &str| if api.engine() == Engine::Sqlite { format!("x'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    let sql = format!(
        "INSERT INTO lot_parent (tenant_id, lot_id, parent_id, document_id, quantity) SELECT tenant_id, id, {}, origin_document_id, 1000000 FROM lot WHERE id = {}",
        id(parent),
        id(made)
    );
    api.inventory_db().execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Puts a piece of a lot to another location, behind the program's back.
async fn lies_too(api: &Api, lot: &str, path: &str) {
    let id = if api.engine() == Engine::Sqlite { format!("x'{}'", lot.replace('-', "")) } else { format!("'{lot}'") };
    let sql = format!(
        "INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value) SELECT lot.tenant_id, lot.item_id, location.id, lot.id, 1000000, 0 \
         FROM lot JOIN location ON location.tenant_id = lot.tenant_id AND location.path = '{path}' WHERE lot.id = {id}"
    );
    api.inventory_db().execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

both_engines! {
    async fn a_lot_on_hold_is_not_available_and_says_so_everywhere(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (held, free) = (egg(&kitchen, "10", "2026-12-01").await, egg(&kitchen, "5", "2026-12-24").await);
        let before = read(&kitchen.owner, &held).await;
        assert_eq!((&before["status"], &before["version"], &before["events"]), (&json!("ok"), &json!(1), &json!([])));
        assert_eq!((&before["opened_at"], &before["parents"]), (&Value::Null, &json!([])));
        let change = json!({ "status": "hold", "note": "smells" });
        let reply = kitchen.owner.patch(&at(&held), Some(1), change).await;
        assert_eq!(reply.header("etag"), "\"2\"");
        let after = reply.ok(200);
        assert_eq!((&after["status"], &after["version"]), (&json!("hold"), &json!(2)));
        let actor = json!(user_of(&kitchen.owner).await);
        let event = json!({
            "number": 1, "kind": "hold", "recorded_at": "2026-11-25T12:00:00Z", "actor_id": actor,
            "expires_on_before": null, "expires_on_after": null, "note": "smells",
        });
        assert_eq!(after["events"], json!([event]));
        assert_eq!(read(&kitchen.owner, &held).await, after);
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots&sku=EGG").await.ok(200)["data"][0].clone();
        assert_eq!((&stock["quantity"], &stock["available"]), (&json!("15"), &json!("5")));
        let statuses: Vec<_> = stock["lots"].as_array().expect("lots").iter().map(|lot| (text(&lot["lot_id"]), text(&lot["status"]))).collect();
        assert_eq!(statuses, [(held.clone(), "hold".to_owned()), (free.clone(), "ok".to_owned())]);
        let listed = kitchen.owner.get(&format!("{LOTS}?sku=EGG")).await.ok(200);
        assert_eq!(column(&listed["data"], "status"), ["hold", "ok"]);
        let usage = |quantity: &str| json!({ "location": WALK_IN, "purpose": "service", "lines": [{ "sku": "EGG", "quantity": quantity }] });
        let short = refused(&kitchen.owner, "/v1/inventory/usage", usage("6")).await.refused(409, "insufficient_stock");
        assert_eq!(short["short"][0]["available"], json!("5"));
        let used = kitchen.owner.post("/v1/inventory/usage", usage("5")).await.ok(201);
        assert_eq!(column(&used["entries"], "lot_id"), std::slice::from_ref(&free));
        // What is held is not picked by what is bound (opening, usage); a person may throw it away.
        kitchen.owner.post(&format!("{}/open", at(&held)), json!({ "location": WALK_IN, "quantity": "1" })).await.refused(409, "lot_on_hold");
        kitchen.owner.post(WASTE, waste_body(json!([{ "sku": "EGG", "quantity": "1", "lot_id": held }]))).await.ok(201);
    }

    async fn hold_recall_and_release_each_leave_an_event(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "1", "2026-12-01").await;
        for (version, status, shown) in [(1, "hold", "hold"), (2, "recall", "recall"), (3, "hold", "hold"), (4, "ok", "ok")] {
            let after = kitchen.owner.patch(&at(&lot), Some(version), json!({ "status": status })).await.ok(200);
            assert_eq!((&after["status"], &after["version"]), (&json!(shown), &json!(version + 1)));
        }
        assert_eq!(kinds(&read(&kitchen.owner, &lot).await), ["hold", "recall", "hold", "release"]);
        // Saying what is so already changes nothing and leaves no event; a remark alone does.
        let before = rows(&api).await;
        assert_eq!(kitchen.owner.patch(&at(&lot), Some(5), json!({ "status": "ok", "expires_on": "2026-12-01" })).await.ok(200)["version"], json!(5));
        assert_eq!(rows(&api).await, before);
        let noted = kitchen.owner.patch(&at(&lot), Some(5), json!({ "note": "the laboratory found nothing" })).await.ok(200);
        assert_eq!((kinds(&noted).last().map(String::as_str), &noted["events"][4]["note"]), (Some("note"), &json!("the laboratory found nothing")));
    }

    async fn a_date_and_a_batch_are_set_right_with_what_they_were(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = lot(&kitchen, json!({ "sku": "EGG", "quantity": "3", "unit_price": "1", "expires_on": "2026-11-20", "batch_code": "L77" })).await;
        assert_eq!(read(&kitchen.owner, &lot).await["status"], json!("expired"));
        kitchen.owner.post(&format!("{}/open", at(&lot)), json!({ "location": WALK_IN, "quantity": "1" })).await.refused(409, "lot_expired");
        let after = kitchen.owner.patch(&at(&lot), Some(1), json!({ "expires_on": "2026-12-20", "batch_code": "L78", "note": "misread" })).await.ok(200);
        assert_eq!((&after["status"], &after["expires_on"], &after["batch_code"]), (&json!("ok"), &json!("2026-12-20"), &json!("L78")));
        let told: Vec<_> = after["events"].as_array().expect("events").iter()
            .map(|event| (text(&event["kind"]), event["expires_on_before"].clone(), event["expires_on_after"].clone(), text(&event["note"]))).collect();
        assert_eq!(told, [
            ("expiry_edit".to_owned(), json!("2026-11-20"), json!("2026-12-20"), "misread".to_owned()),
            ("batch_edit".to_owned(), Value::Null, Value::Null, "L77 became L78: misread".to_owned()),
        ]);
        open(&kitchen, &lot, "1").await;
        // What was posted keeps what was typed then.
        let receipt = kitchen.owner.get(&format!("{RECEIPTS}/{}", text(&after["origin_document_id"]))).await.ok(200);
        assert_eq!(receipt["document"]["lines"][0]["expires_on"], json!("2026-11-20"));
        let none = kitchen.owner.patch(&at(&lot), Some(2), json!({ "expires_on": null, "batch_code": null })).await.ok(200);
        assert_eq!((&none["expires_on"], &none["batch_code"]), (&Value::Null, &Value::Null));
    }

    async fn a_lot_whose_item_is_tracked_keeps_a_date_and_a_batch(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("FISH", json!({ "track_expiry": true, "track_lots": true })).await;
        let lot = lot(&kitchen, json!({ "sku": "FISH", "quantity": "3", "unit_price": "1", "expires_on": "2026-12-01", "batch_code": "L77" })).await;
        let before = rows(&api).await;
        let reply = kitchen.owner.patch(&at(&lot), Some(1), json!({ "expires_on": null, "batch_code": null, "status": "hold" })).await;
        assert_eq!(flaws(&reply), pairs([("/expires_on", "expiry_required"), ("/batch_code", "batch_code_required")]));
        let reply = kitchen.owner.patch(&at(&lot), Some(1), json!({ "status": "eaten", "expires_on": "soon", "batch_code": "", "note": "", "hold": true })).await;
        let mut found = flaws(&reply);
        found.sort();
        let expected = [("/batch_code", "invalid_batch_code"), ("/expires_on", "invalid_date"), ("/hold", "unknown_field"), ("/note", "wrong_length"), ("/status", "invalid_choice")];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| found.0 == expected.0), "{found:?}");
        assert_eq!(rows(&api).await, before);
    }

    async fn who_may_change_a_lot(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "3", "2026-12-01").await;
        let hold = json!({ "status": "hold" });
        api.call("PATCH", &at(&lot)).header("If-Match", "*").json(&hold).send().await.refused(401, "token_invalid");
        let before = rows(&api).await;
        for role in ["staff", "buyer", "viewer"] {
            let member = api.member(role, None).await;
            member.patch(&at(&lot), Some(1), hold.clone()).await.refused(403, "forbidden");
            member.post(&format!("{}/recall", at(&lot)), json!({})).await.refused(403, "forbidden");
        }
        api.member("viewer", None).await.post(&format!("{}/open", at(&lot)), json!({ "location": WALK_IN, "quantity": "1" })).await.refused(403, "forbidden");
        let stranger = api.other_tenant().await;
        stranger.get("/v1/inventory/units").await.ok(200);
        stranger.patch(&at(&lot), Some(1), hold.clone()).await.refused(404, "not_found");
        stranger.get(&format!("{}/trace", at(&lot))).await.refused(404, "not_found");
        stranger.post(&format!("{}/recall", at(&lot)), json!({})).await.refused(404, "not_found");
        kitchen.owner.patch(&at(NOBODY), Some(1), hold.clone()).await.refused(404, "not_found");
        kitchen.owner.patch(&at(&lot), None, hold.clone()).await.refused(428, "if_match_required");
        kitchen.owner.patch(&at(&lot), Some(2), hold.clone()).await.refused(412, "version_mismatch");
        let changed: Vec<_> = rows(&api).await.into_iter().filter(|(table, count)| before.get(table) != Some(count)).map(|(table, _)| table).collect();
        assert!(changed.iter().all(|table| !["lot_event", "ledger_entry", "document"].contains(&table.as_str())), "{changed:?}");
        assert_eq!(read(&kitchen.owner, &lot).await["version"], json!(1));
        // A manager of one site puts a lot aside for all, but does not free what lies where she sees nothing.
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        area(&kitchen.owner, "annex", "shelf").await;
        let main: Uuid = text(&kitchen.site["id"]).parse().expect("an id");
        let (here, there) = (api.member("manager", Some(&[main])).await, api.member("manager", Some(&[annex])).await);
        there.patch(&at(&lot), Some(1), hold.clone()).await.refused(404, "not_found");
        here.patch(&at(&lot), Some(1), hold.clone()).await.ok(200);
        here.patch(&at(&lot), Some(2), json!({ "status": "ok" })).await.ok(200);
        lies_too(&api, &lot, "annex/shelf").await;
        here.patch(&at(&lot), Some(3), hold).await.ok(200);
        for change in [json!({ "status": "ok" }), json!({ "status": "recall" }), json!({ "expires_on": "2027-01-01" })] {
            here.patch(&at(&lot), Some(4), change).await.refused(403, "forbidden");
        }
        assert_eq!(kinds(&read(&kitchen.owner, &lot).await), ["hold", "release", "hold"]);
        // Each is told of what lies at her own site; a recall is for both.
        let (ours, theirs) = (here.get(&format!("{}/trace", at(&lot))).await.ok(200), there.get(&format!("{}/trace", at(&lot))).await.ok(200));
        assert_eq!((column(&ours["places"], "location"), column(&theirs["places"], "location")), (vec![WALK_IN.to_owned()], vec!["annex/shelf".to_owned()]));
        assert_eq!((ours["movements"].as_array().map(Vec::len), theirs["movements"].as_array().map(Vec::len)), (Some(1), Some(0)));
        let recall = there.post(&format!("{}/recall", at(&lot)), json!({})).await.ok(201);
        assert_eq!((&recall["recalled"], column(&recall["places"], "location")), (&json!([lot]), vec!["annex/shelf".to_owned()]));
        assert_eq!(read(&here, &lot).await["status"], json!("recall"));
    }

    async fn one_of_many_who_saw_the_same_version_changes_a_lot(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "3", "2026-12-01").await;
        let replies = join_all((0..8).map(|turn| {
            let (owner, path) = (kitchen.owner.clone(), at(&lot));
            async move { owner.patch(&path, Some(1), json!({ "status": "hold", "note": format!("{turn}") })).await }
        })).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        assert!(replies.iter().filter(|reply| reply.status != 200).all(|reply| reply.code() == "version_mismatch"));
        assert_eq!(kinds(&read(&kitchen.owner, &lot).await), ["hold"]);
    }

    async fn opening_never_makes_a_date_later(api: Api) {
        // H04, grocy#1342: 14 days after opening on 2021-02-16 would be 2021-03-02, printed is 2021-02-20.
        let kitchen = Kitchen::open(&api).await;
        for (sku, days, printed, expected) in [("LONG", 14, "2021-02-20", "2021-02-20"), ("SHORT", 3, "2021-03-30", "2021-02-19")] {
            kitchen.item(sku, json!({ "opened_shelf_life_days": days })).await;
            let line = json!({ "sku": sku, "quantity": "4", "unit_price": "2.50", "expires_on": printed, "batch_code": "B1" });
            let lot = text(&kitchen.receive_at("2021-02-15T12:00:00Z", json!([line])).await["entries"][0]["lot_id"]);
            let body = json!({ "location": WALK_IN, "quantity": "1", "effective_at": "2021-02-16T09:00:00Z" });
            let opened = kitchen.owner.post(&format!("{}/open", at(&lot)), body).await.ok(201);
            let child = read(&kitchen.owner, &child(&opened)).await;
            assert_eq!((&child["expires_on"], &child["opened_at"]), (&json!(expected), &json!("2021-02-16T09:00:00Z")), "{sku}");
            let document = &opened["document"]["id"];
            assert_eq!(child["parents"], json!([{ "lot_id": lot, "quantity": "1", "document_id": document }]));
            assert_eq!((&child["quantity"], &child["value"], &child["batch_code"]), (&json!("1"), &json!("2.5"), &json!("B1")));
            assert_eq!(read(&kitchen.owner, &lot).await["expires_on"], json!(printed));
            assert_eq!((&opened["document"]["type"], &opened["document"]["number"]), (&json!("opening"), &json!(if sku == "LONG" { "P-000001" } else { "P-000002" })));
            assert_eq!(column(&opened["document"]["lines"], "role"), ["input", "output"]);
            assert_eq!(column(&opened["entries"], "kind"), ["transformation_in", "transformation_out"]);
            assert_eq!(column(&opened["entries"], "value"), ["-2.5", "2.5"]);
            let stored = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(document))).await.ok(200);
            assert_eq!((&stored["document"], &stored["entries"]), (&opened["document"], &opened["entries"]));
        }
    }

    async fn what_is_opened_is_taken_before_what_is_sealed(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        // Without a shelf life once opened the date stays: only that it is open puts it first.
        kitchen.item("EGG", json!({})).await;
        let first = egg(&kitchen, "5", "2026-12-01").await;
        let second = egg(&kitchen, "5", "2026-12-01").await;
        let opened = child(&open(&kitchen, &second, "2").await);
        let posted = kitchen.waste(json!([{ "sku": "EGG", "quantity": "3" }])).await;
        assert_eq!(column(&posted["entries"], "lot_id"), [opened, first]);
    }

    async fn what_cannot_be_opened_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "3", "2026-12-01").await;
        let path = format!("{}/open", at(&lot));
        let body = |more: Value| {
            let mut body = json!({ "location": WALK_IN, "quantity": "1" });
            for (name, value) in more.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            body
        };
        let short = refused(&kitchen.owner, &path, body(json!({ "quantity": "4" }))).await.refused(409, "insufficient_stock");
        assert_eq!((&short["short"][0]["requested"], &short["short"][0]["available"]), (&json!("4"), &json!("3")));
        refused(&kitchen.owner, &path, body(json!({ "location": DRY_STORE }))).await.refused(409, "insufficient_stock");
        for (more, pointer, code) in [
            (json!({ "unit": "kg" }), "/unit", "unit_unknown"),
            (json!({ "quantity": "0.0000001" }), "/quantity", "too_many_digits"),
            (json!({ "effective_at": "2026-11-25T12:00:01Z" }), "/effective_at", "effective_in_future"),
            (json!({ "effective_at": TUESDAY }), "/effective_at", "lot_not_received_yet"),
            (json!({ "location": "main/nowhere" }), "/location", "location_not_found"),
            (json!({ "lot_id": lot }), "/lot_id", "unknown_field"),
        ] {
            let found = flaws(&refused(&kitchen.owner, &path, body(more)).await);
            assert_eq!((found.len(), found[0].0.as_str()), (1, pointer), "{found:?} for {code}");
        }
        kitchen.owner.post_without_key(&path, body(json!({}))).await.refused(400, "idempotency_key_required");
        let opened = kitchen.owner.post_with_key(&path, "once", body(json!({}))).await.ok(201);
        assert_eq!(kitchen.owner.post_with_key(&path, "once", body(json!({}))).await.ok(201), opened);
        kitchen.owner.post_with_key(&path, "once", body(json!({ "quantity": "2" }))).await.refused(422, "idempotency_key_reused");
        let again = format!("{}/open", at(&child(&opened)));
        refused(&kitchen.owner, &again, body(json!({}))).await.refused(409, "already_open");
        refused(&kitchen.owner, &format!("{}/open", at(NOBODY)), body(json!({}))).await.refused(404, "not_found");
        let staff = api.member("staff", None).await;
        let seen = staff.post(&path, body(json!({}))).await.ok(201);
        assert!(crate::receipts::money_in(&seen).is_empty());
    }

    async fn what_is_sealed_again_was_never_opened(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({ "opened_shelf_life_days": 3 })).await;
        let lot = egg(&kitchen, "10", "2026-12-24").await;
        let opened = open(&kitchen, &lot, "4").await;
        let made = child(&opened);
        let reseal = |lot: &str| format!("{}/reseal", at(lot));
        owner.post_without_key(&reseal(&made), json!({})).await.refused(400, "idempotency_key_required");
        refused(owner, &reseal(&lot), json!({})).await.refused(409, "not_opened");
        refused(owner, &reseal(NOBODY), json!({})).await.refused(404, "not_found");
        refused(&api.member("staff", None).await, &reseal(&made), json!({})).await.refused(403, "forbidden");
        assert_eq!(flaws(&refused(owner, &reseal(&made), json!({ "reason": "spoiled" })).await), pairs([("/reason", "reason_not_found")]));
        // What is recalled is not hidden in what is not.
        owner.patch(&at(&made), Some(1), json!({ "status": "recall" })).await.ok(200);
        refused(owner, &reseal(&made), json!({})).await.refused(409, "lot_on_hold");
        let reverse = format!("/v1/inventory/documents/{}/reverse", opened["document"]["id"].as_str().expect("an id"));
        refused(owner, &reverse, json!({ "reason": "typing_error" })).await.refused(409, "lot_on_hold");
        owner.patch(&at(&made), Some(2), json!({ "status": "ok" })).await.ok(200);
        let sealed = owner.post_with_key(&reseal(&made), "seal", json!({})).await.ok(201);
        assert_eq!((&sealed["document"]["type"], &sealed["document"]["reverses_id"]), (&json!("reversal"), &opened["document"]["id"]));
        assert_eq!(owner.post_with_key(&reseal(&made), "seal", json!({})).await.ok(201), sealed);
        let (parent, gone) = (read(owner, &lot).await, read(owner, &made).await);
        assert_eq!((&parent["quantity"], &parent["value"]), (&json!("10"), &json!("10")));
        assert_eq!((&gone["void"], &gone["quantity"]), (&json!(true), &json!("0")));
        refused(owner, &reseal(&made), json!({})).await.refused(409, "already_reversed");
        owner.patch(&at(&made), gone["version"].as_i64(), json!({ "status": "hold" })).await.refused(409, "lot_void");
        refused(owner, &format!("{}/recall", at(&made)), json!({})).await.refused(409, "lot_void");
        // What was used of it stands in the way, and is named.
        let again = child(&open(&kitchen, &lot, "4").await);
        let used = kitchen.waste(json!([{ "sku": "EGG", "quantity": "1", "lot_id": again }])).await;
        let problem = refused(owner, &reseal(&again), json!({})).await.refused(409, "lot_has_later_movements");
        assert_eq!(problem["lots"][0]["documents"][0]["document_id"], used["document"]["id"]);
    }

    async fn a_trace_goes_back_to_the_receipt_and_forward_to_all_that_became_of_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let receipt = json!({ "location": WALK_IN, "external_ref": "DN-4711", "lines": [{ "sku": "EGG", "quantity": "10", "unit_price": "1", "batch_code": "L9" }] });
        let lot = text(&kitchen.owner.post(RECEIPTS, receipt).await.ok(201)["entries"][0]["lot_id"]);
        let opened = child(&open(&kitchen, &lot, "4").await);
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "3", "lot_id": opened, "reason": "spoiled" }])).await;
        let trace = kitchen.owner.get(&format!("{}/trace", at(&lot))).await.ok(200);
        let origin = &trace["lot"]["origin"];
        assert_eq!((&origin["type"], &origin["number"], &origin["external_ref"]), (&json!("receipt"), &json!("R-000001"), &json!("DN-4711")));
        assert_eq!((column(&trace["descendants"], "lot_id"), &trace["descendants"][0]["depth"]), (vec![opened.clone()], &json!(1)));
        assert_eq!((&trace["ancestors"], &trace["truncated"]), (&json!([]), &json!(false)));
        assert_eq!(column(&trace["movements"], "number"), ["R-000001", "P-000001", "P-000001", "W-000001"]);
        assert_eq!(column(&trace["movements"], "quantity"), ["10", "-4", "4", "-3"]);
        assert_eq!((&trace["movements"][3]["reason"], &trace["movements"][3]["location"]), (&json!("spoiled"), &json!(WALK_IN)));
        let mut places: Vec<_> = trace["places"].as_array().expect("places").iter().map(|place| (text(&place["lot_id"]), text(&place["quantity"]))).collect();
        places.sort();
        let mut expected = vec![(lot.clone(), "6".to_owned()), (opened.clone(), "1".to_owned())];
        expected.sort();
        assert_eq!(places, expected);
        let back = kitchen.owner.get(&format!("{}/trace", at(&opened))).await.ok(200);
        assert_eq!((column(&back["ancestors"], "lot_id"), &back["ancestors"][0]["origin"]["external_ref"]), (vec![lot.clone()], &json!("DN-4711")));
        assert_eq!((&back["descendants"], column(&back["movements"], "number")), (&json!([]), vec!["P-000001".to_owned(), "W-000001".to_owned()]));
        let cut = kitchen.owner.get(&format!("{}/trace?limit=2", at(&lot))).await.ok(200);
        assert_eq!((&cut["truncated"], cut["movements"].as_array().map(Vec::len)), (&json!(true), Some(2)));
        for limit in ["0", "10001", "x"] {
            assert_eq!(kitchen.owner.get(&format!("{}/trace?limit={limit}", at(&lot))).await.status, 422);
        }
        kitchen.owner.get(&format!("{}/trace", at(NOBODY))).await.refused(404, "not_found");
        assert!(crate::receipts::money_in(&trace).is_empty(), "a trace tells no costs");
    }

    async fn a_trace_and_a_recall_go_through_any_number_of_steps(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let mut lots = Vec::new();
        for _ in 0..5 {
            lots.push(egg(&kitchen, "1", "2026-12-01").await);
        }
        // 0 → 1 → 2 → 3, and 0 → 3 as well; 4 is nobody's.
        for (parent, made) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
            made_of(&api, &lots[made], &lots[parent]).await;
        }
        let depths = |all: &Value| -> Vec<(String, i64)> {
            all.as_array().expect("lots").iter().map(|lot| (text(&lot["lot_id"]), lot["depth"].as_i64().expect("a depth"))).collect()
        };
        let sorted = |mut expected: Vec<(String, i64)>| {
            expected.sort_by_key(|(lot, depth)| (*depth, lot.clone()));
            expected
        };
        let trace = kitchen.owner.get(&format!("{}/trace", at(&lots[0]))).await.ok(200);
        assert_eq!(depths(&trace["descendants"]), sorted(vec![(lots[1].clone(), 1), (lots[3].clone(), 1), (lots[2].clone(), 2)]));
        assert_eq!((trace["movements"].as_array().map(Vec::len), trace["places"].as_array().map(Vec::len)), (Some(4), Some(4)));
        let back = kitchen.owner.get(&format!("{}/trace", at(&lots[3]))).await.ok(200);
        assert_eq!(depths(&back["ancestors"]), sorted(vec![(lots[0].clone(), 1), (lots[2].clone(), 1), (lots[1].clone(), 2)]));
        assert_eq!(back["movements"].as_array().map(Vec::len), Some(1));
        let cut = kitchen.owner.get(&format!("{}/trace?limit=1", at(&lots[0]))).await.ok(200);
        assert_eq!((&cut["truncated"], cut["descendants"].as_array().map(Vec::len)), (&json!(true), Some(1)));
        let recall = kitchen.owner.post(&format!("{}/recall", at(&lots[1])), json!({})).await.ok(201);
        let mut recalled: Vec<String> = recall["recalled"].as_array().expect("lots").iter().map(text).collect();
        recalled.sort();
        let mut expected = lots[1..4].to_vec();
        expected.sort();
        assert_eq!(recalled, expected);
    }

    async fn a_ring_of_lots_ends_a_trace_and_a_recall(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "10", "2026-12-01").await;
        let made = child(&open(&kitchen, &lot, "4").await);
        // No posting makes such a link; it is put there behind the program's back.
        made_of(&api, &lot, &made).await;
        let trace = kitchen.owner.get(&format!("{}/trace", at(&lot))).await.ok(200);
        assert_eq!((column(&trace["ancestors"], "lot_id"), column(&trace["descendants"], "lot_id")), (vec![made.clone()], vec![made.clone()]));
        let recall = kitchen.owner.post(&format!("{}/recall", at(&lot)), json!({})).await.ok(201);
        assert_eq!(recall["recalled"].as_array().map(Vec::len), Some(2));
    }

    async fn a_recall_takes_all_that_was_made_of_a_lot_and_says_where_it_lies(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let (lot, other) = (egg(&kitchen, "10", "2026-12-01").await, egg(&kitchen, "10", "2026-12-02").await);
        let made = child(&open(&kitchen, &lot, "4").await);
        kitchen.owner.patch(&at(&made), Some(1), json!({ "status": "hold" })).await.ok(200);
        let path = format!("{}/recall", at(&lot));
        let recall = kitchen.owner.post_with_key(&path, "recall", json!({ "note": "salmonella" })).await.ok(201);
        let mut recalled = recall["recalled"].as_array().expect("lots").iter().map(text).collect::<Vec<_>>();
        recalled.sort();
        let mut expected = vec![lot.clone(), made.clone()];
        expected.sort();
        assert_eq!((recalled, &recall["already_recalled"], &recall["truncated"]), (expected, &json!([]), &json!(false)));
        assert_eq!((column(&recall["places"], "location"), column(&recall["places"], "quantity")), (vec![WALK_IN.to_owned(); 2], vec!["6".to_owned(), "4".to_owned()]));
        for lot in [&lot, &made] {
            let read = read(&kitchen.owner, lot).await;
            assert_eq!((&read["status"], read["events"].as_array().expect("events").last().expect("an event")["note"].clone()), (&json!("recall"), json!("salmonella")));
        }
        assert_eq!(read(&kitchen.owner, &other).await["status"], json!("ok"));
        let before = rows(&api).await;
        assert_eq!(kitchen.owner.post_with_key(&path, "recall", json!({ "note": "salmonella" })).await.ok(201), recall);
        assert_eq!(rows(&api).await, before);
        let again = kitchen.owner.post(&path, json!({})).await.ok(201);
        assert_eq!((&again["recalled"], again["already_recalled"].as_array().map(Vec::len)), (&json!([]), Some(2)));
        assert_eq!(kinds(&read(&kitchen.owner, &lot).await), ["recall"]);
        // Only the lot itself, where that is said; and without a body.
        let alone = with(json!({}), "include_descendants", false);
        let parent = egg(&kitchen, "3", "2026-12-01").await;
        let free = child(&open(&kitchen, &parent, "1").await);
        kitchen.owner.post(&format!("{}/recall", at(&parent)), alone).await.ok(201);
        assert_eq!((&read(&kitchen.owner, &free).await["status"], &read(&kitchen.owner, &parent).await["status"]), (&json!("ok"), &json!("recall")));
        kitchen.owner.call("POST", &format!("{}/recall", at(&parent))).send().await.ok(201);
        assert_eq!(read(&kitchen.owner, &free).await["status"], json!("recall"));
    }

    async fn a_body_that_does_not_say_what_it_is_is_not_dropped(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "10", "2026-12-01").await;
        let opened = child(&open(&kitchen, &lot, "4").await);
        let period = text(&kitchen.owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-15" })).await.ok(201)["id"]);
        let count = text(&kitchen.owner.post("/v1/inventory/counts", json!({ "location": WALK_IN })).await.ok(201)["id"]);
        let before = rows(&api).await;
        for (path, body) in [
            (format!("{}/recall", at(&lot)), r#"{"include_descendants":false}"#),
            (format!("{}/reseal", at(&opened)), r#"{"at":"today"}"#),
            (format!("/v1/inventory/periods/{period}/close"), r#"{"note":"all"}"#),
            (format!("/v1/inventory/periods/{period}/reopen"), r#"{"note":"all"}"#),
            (format!("/v1/inventory/counts/{count}/start"), "{}"),
        ] {
            let call = kitchen.owner.call("POST", &path).header("Idempotency-Key", "untyped").untyped(body);
            call.send().await.refused(415, "unsupported_media_type");
        }
        assert_eq!(rows(&api).await, before);
        kitchen.owner.post(&format!("{}/recall", at(&lot)), json!({ "include_descendants": false })).await.ok(201);
        assert_eq!(read(&kitchen.owner, &opened).await["status"], json!("ok"));
    }

    async fn a_lot_tells_nothing_of_a_site_that_one_does_not_see(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let annex = site(&kitchen.owner, "annex", "Europe/Paris").await;
        let shelf = text(&area(&kitchen.owner, "annex", "shelf").await["id"]);
        kitchen.item("EGG", json!({})).await;
        let receipt = json!({ "location": WALK_IN, "external_ref": "DN-4711", "lines": [{ "sku": "EGG", "quantity": "10", "unit_price": "1" }] });
        let lot = text(&kitchen.owner.post(RECEIPTS, receipt).await.ok(201)["entries"][0]["lot_id"]);
        let opened = child(&open(&kitchen, &lot, "4").await);
        let moved = json!({ "from_location": WALK_IN, "to_location": "annex/shelf", "direct": true, "lines": [{ "sku": "EGG", "quantity": "4", "lot_id": opened }] });
        kitchen.owner.post("/v1/inventory/transfers", moved).await.ok(201);
        let main: Uuid = text(&kitchen.site["id"]).parse().expect("an id");
        let (here, there) = (api.member("viewer", Some(&[main])).await, api.member("viewer", Some(&[annex])).await);
        let trace = async |client: &Client| client.get(&format!("{}/trace", at(&opened))).await.ok(200);
        // It came from the main kitchen: that and what it was made from there is not for the annex.
        let theirs = trace(&there).await;
        assert_eq!((&theirs["lot"]["origin"], &theirs["lot"]["parents"], &theirs["ancestors"]), (&Value::Null, &json!([]), &json!([])));
        assert!(!theirs.to_string().contains("DN-4711") && !theirs.to_string().contains(WALK_IN), "{theirs}");
        assert_eq!(read(&there, &opened).await["parents"], json!([]));
        assert_eq!(there.get(&format!("{LOTS}?sku=EGG")).await.ok(200)["data"][0]["parents"], json!([]));
        for client in [&here, &kitchen.owner] {
            let ours = trace(client).await;
            assert_eq!((&ours["lot"]["origin"]["number"], &ours["lot"]["parents"][0]["lot_id"]), (&json!("P-000001"), &json!(lot)));
            assert_eq!((column(&ours["ancestors"], "lot_id"), &ours["ancestors"][0]["origin"]["external_ref"]), (vec![lot.clone()], &json!("DN-4711")));
            assert_eq!(read(client, &opened).await["parents"][0]["lot_id"], json!(lot));
        }
        // What is left of it lies in the annex: in the main kitchen nothing is in stock of it, and nothing is found on that shelf.
        let listed = async |client: &Client, query: &str| column(&client.get(&format!("{LOTS}?sku=EGG{query}")).await.ok(200)["data"], "id");
        let both = |mut lots: Vec<String>| {
            lots.sort();
            lots
        };
        assert_eq!(listed(&here, "").await, std::slice::from_ref(&lot));
        assert_eq!(both(listed(&here, "&in_stock=false").await), both(vec![lot.clone(), opened.clone()]));
        assert!(listed(&here, &format!("&location_id={shelf}")).await.is_empty());
        for client in [&there, &kitchen.owner] {
            assert_eq!(listed(client, &format!("&location_id={shelf}")).await, std::slice::from_ref(&opened));
        }
        assert_eq!(listed(&there, "").await, std::slice::from_ref(&opened));
    }

    async fn a_recall_tells_what_was_used_already_and_for_whom(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "10", "2026-12-01").await;
        let made = child(&open(&kitchen, &lot, "4").await);
        let line = json!([{ "sku": "EGG", "quantity": "3", "lot_id": made }]);
        let donation = json!({ "location": WALK_IN, "purpose": "donation", "recipient": "The night shelter", "lines": line });
        let given = kitchen.owner.post("/v1/inventory/usage", donation).await.ok(201);
        let recall = kitchen.owner.post(&format!("{}/recall", at(&lot)), json!({})).await.ok(201);
        let used = recall["used"].as_array().expect("movements");
        assert_eq!((used.len(), &used[0]["lot_id"], &used[0]["quantity"], &used[0]["location"]), (1, &json!(made), &json!("-3"), &json!(WALK_IN)));
        assert_eq!((&used[0]["purpose"], &used[0]["recipient"], &used[0]["kind"]), (&json!("donation"), &json!("The night shelter"), &json!("usage")));
        // What was undone was not used.
        let undo = format!("/v1/inventory/documents/{}/reverse", text(&given["document"]["id"]));
        kitchen.owner.post(&undo, json!({ "reason": "did_not_happen" })).await.ok(201);
        assert_eq!(kitchen.owner.post(&format!("{}/recall", at(&lot)), json!({})).await.ok(201)["used"], json!([]));
    }

    async fn nothing_of_a_recalled_lot_is_opened_while_it_is_being_recalled(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let lot = egg(&kitchen, "40", "2026-12-01").await;
        let open = |_| {
            let (owner, path) = (kitchen.owner.clone(), format!("{}/open", at(&lot)));
            async move { owner.post(&path, json!({ "location": WALK_IN, "quantity": "1" })).await }
        };
        let path = format!("{LOTS}/{lot}/recall");
        let recall = async {
            loop {
                let reply = kitchen.owner.post(&path, json!({})).await;
                // How long a recall is tried is a matter of time.
                if reply.code() != "stock_busy" {
                    return reply;
                }
            }
        };
        let (opened, recalled) = futures::join!(join_all((0..16).map(open)), recall);
        let recalled = recalled.ok(201)["recalled"].as_array().expect("lots").len();
        let made = opened.iter().filter(|reply| reply.status == 201).count();
        assert!(opened.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "lot_on_hold"), "{opened:?}");
        // Whatever was opened was opened before, and is recalled with it.
        assert_eq!(recalled, made + 1);
        let listed = kitchen.owner.get(&format!("{LOTS}?sku=EGG&limit=100")).await.ok(200);
        assert!(column(&listed["data"], "status").iter().all(|status| status == "recall"));
    }

    async fn a_page_of_lots_neither_skips_nor_repeats_one_that_expires_on_the_same_day(api: Api) {
        // H01, inventree#11442: 25 lots, all of 2026-12-31, in pages of 10: 10, 10, 5.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        let line = json!({ "sku": "EGG", "quantity": "1", "unit_price": "1", "expires_on": "2026-12-31" });
        let original = column(&kitchen.receive(Value::Array(vec![line.clone(); 25])).await["entries"], "lot_id");
        let page = async |cursor: Option<String>| {
            let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = kitchen.owner.get(&format!("{LOTS}?sku=EGG&sort=expires_on&limit=10{cursor}")).await.ok(200);
            (column(&page["data"], "id"), page["next_cursor"].as_str().map(str::to_owned))
        };
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (lots, next) = page(cursor).await;
            pages.push(lots);
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
        let mut all = pages.concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 25);
        // Three more come between the pages, and one of the first page is used up.
        let (first, cursor) = page(None).await;
        kitchen.receive(Value::Array(vec![line; 3])).await;
        kitchen.waste(json!([{ "sku": "EGG", "quantity": "1", "lot_id": first[0] }])).await;
        let (mut walked, mut cursor) = (first, cursor);
        while let Some(next) = cursor {
            let (lots, following) = page(Some(next)).await;
            walked.extend(lots);
            cursor = following;
        }
        assert!(original.iter().all(|lot| walked.iter().filter(|walked| *walked == lot).count() == 1), "{walked:?}");
    }
}
