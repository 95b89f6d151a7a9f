//! Closing through HTTP: what may be closed, what stays out of closed days, and what stood where at their end.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use crate::receipts::{NOBODY, RECEIPTS, area, column, flaws, pairs, refused, rows, site, user_of, with};
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::{Api, Client};

const PERIODS: &str = "/v1/inventory/periods";
const AUDIT: &str = "/v1/inventory/audit";
const WASTE: &str = "/v1/inventory/waste";
const USAGE: &str = "/v1/inventory/usage";
const RETURNS: &str = "/v1/inventory/vendor-returns";

async fn closed(client: &Client, last_day: &str) -> Value {
    client.post(PERIODS, json!({ "last_day": last_day, "close": true })).await.ok(201)
}

fn at(period: &Value, action: &str) -> String {
    format!("{PERIODS}/{}/{action}", text(&period["id"]))
}

/// Rows of (item, location, lot) with quantity and value, from one statement.
async fn sums(api: &Api, sql: &str) -> BTreeMap<(String, String, String), (i64, i64)> {
    let database = api.inventory_db();
    let statement = Statement::from_string(database.get_database_backend(), sql.to_owned());
    let found = database.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let id = |row: &sea_orm::QueryResult, name: &str| row.try_get::<sea_orm::prelude::Uuid>("", name).expect("an id").to_string();
    let row = |row: &sea_orm::QueryResult| {
        let number = |name: &str| row.try_get::<i64>("", name).expect("a number");
        ((id(row, "item_id"), id(row, "location_id"), id(row, "lot_id")), (number("quantity"), number("value")))
    };
    found.iter().map(row).collect()
}

/// I10: the checkpoint of every closed period is the sum of all entries up to its last day, and with the later ones that of all.
async fn checkpoints_hold(api: &Api) {
    const GROUPED: &str = "GROUP BY item_id, location_id, lot_id HAVING SUM(quantity) <> 0 OR SUM(value) <> 0";
    let entries =
        |condition: &str| format!("SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value FROM ledger_entry WHERE {condition}");
    let summed = |rows: &str| {
        format!(
            "SELECT item_id, location_id, lot_id, CAST(SUM(quantity) AS BIGINT) AS quantity, CAST(SUM(value) AS BIGINT) AS value FROM ({rows}) AS all_rows {GROUPED}"
        )
    };
    let database = api.inventory_db();
    let statement =
        Statement::from_string(database.get_database_backend(), "SELECT CAST(last_day AS VARCHAR(10)) AS last_day FROM period WHERE status = 'closed'");
    for row in database.query_all_raw(statement).await.expect("periods") {
        let last_day: String = row.try_get("", "last_day").expect("a date");
        let kept = format!(
            "SELECT item_id, location_id, lot_id, quantity, value FROM checkpoint WHERE period_id = (SELECT id FROM period WHERE last_day = '{last_day}')"
        );
        let until = entries(&format!("business_date <= '{last_day}'"));
        assert_eq!(sums(api, &kept).await, sums(api, &summed(&until)).await, "{last_day}");
        let rest = entries(&format!("business_date > '{last_day}'"));
        assert_eq!(sums(api, &summed(&format!("{kept} UNION ALL {rest}"))).await, sums(api, &summed(&entries("1 = 1"))).await, "{last_day}");
    }
}

/// Puts a count into the database as it stands between its start and its posting.
async fn count(api: &Api, kitchen: &Kitchen, status: &str) -> String {
    let id = api.id();
    let now = chrono::DateTime::<chrono::FixedOffset>::from(api.now());
    let place = kitchen.owner.get("/v1/inventory/locations").await.ok(200);
    let place = place["data"].as_array().expect("locations").iter().find(|place| place["path"] == WALK_IN).expect("the walk-in").clone();
    let parse = |value: &Value| text(value).parse::<sea_orm::prelude::Uuid>().expect("an id");
    let row: Vec<(&str, Expr)> = vec![
        ("id", Expr::val(id)),
        ("tenant_id", Expr::val(kitchen.owner.tenant_id)),
        ("version", Expr::val(1_i64)),
        ("created_at", Expr::val(now)),
        ("updated_at", Expr::val(now)),
        ("status", Expr::val(status)),
        ("location_id", Expr::val(parse(&place["id"]))),
        ("site_id", Expr::val(parse(&place["site_id"]))),
        ("blind", Expr::val(false)),
        ("needs_approval", Expr::val(false)),
        ("uncounted", Expr::val("untouched")),
        ("created_by", Expr::val(user_of(&kitchen.owner).await)),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    let insert = Query::insert().into_table("stock_count").columns(columns).values_panic(values).take();
    api.inventory_db().execute(&insert).await.expect("a count");
    id.to_string()
}

both_engines! {
    async fn a_period_is_made_closed_and_opened_again(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let made = owner.post(PERIODS, json!({ "last_day": "2026-10-31" })).await.ok(201);
        let expected = json!({
            "id": made["id"], "first_day": null, "last_day": "2026-10-31", "status": "open", "closed_at": null, "closed_by": null, "version": 1,
            "created_at": "2026-11-25T12:00:00Z", "updated_at": "2026-11-25T12:00:00Z",
        });
        assert_eq!(made, expected);
        let user = json!(user_of(owner).await);
        let closed_one = owner.post(&at(&made, "close"), json!({ "note": "October" })).await.ok(200);
        assert_eq!((&closed_one["status"], &closed_one["closed_by"], &closed_one["closed_at"]), (&json!("closed"), &user, &json!("2026-11-25T12:00:00Z")));
        owner.post(&at(&made, "close"), json!({})).await.refused(409, "already_closed");
        let second = closed(owner, "2026-11-15").await;
        assert_eq!((&second["first_day"], &second["status"], &second["version"]), (&json!("2026-11-01"), &json!("closed"), &json!(2)));
        let list = owner.get(&format!("{PERIODS}?limit=1")).await.ok(200);
        assert_eq!(list["data"], json!([second]));
        let rest = owner.get(&format!("{PERIODS}?limit=1&cursor={}", text(&list["next_cursor"]))).await.ok(200);
        assert_eq!((&rest["data"], &rest["next_cursor"]), (&json!([closed_one]), &Value::Null));
        owner.get(&format!("{PERIODS}?cursor=x")).await.refused(400, "invalid_cursor");
        let one = owner.get(&format!("{PERIODS}/{}", text(&second["id"]))).await;
        assert_eq!(one.header("etag"), "\"2\"");
        assert_eq!(one.ok(200), second);
        // Only the last one is opened again.
        owner.post(&at(&made, "reopen"), json!({})).await.refused(409, "not_last_closed");
        let opened = owner.call("POST", &at(&second, "reopen")).send().await.ok(200);
        assert_eq!((&opened["status"], &opened["closed_at"], &opened["closed_by"], &opened["version"]), (&json!("open"), &Value::Null, &Value::Null, &json!(3)));
        owner.post(&at(&second, "reopen"), json!({})).await.refused(409, "not_closed");
        owner.post(&at(&made, "reopen"), json!({})).await.ok(200);
        // An earlier one that is open is closed first.
        owner.post(&at(&second, "close"), json!({})).await.refused(409, "earlier_period_open");
        owner.post(&at(&made, "close"), json!({})).await.ok(200);
        owner.post(&at(&second, "close"), json!({})).await.ok(200);
        let audit = owner.get(AUDIT).await.ok(200);
        let mut actions = column(&audit["data"], "action");
        // The clock of the tests stands still, so the order among them is none.
        actions.sort();
        let expected = ["period.closed", "period.closed", "period.closed", "period.closed", "period.reopened", "period.reopened"];
        assert_eq!(actions, expected);
        assert!(audit["data"].as_array().expect("events").iter().all(|event| event["actor_id"] == user && event["subject"] == "period"));
        let of_first = owner.get(&format!("{AUDIT}?subject_id={}&action=period.closed", text(&made["id"]))).await.ok(200);
        let details = |note: Value| json!({ "first_day": null, "last_day": "2026-10-31", "last_seq": 0, "note": note });
        let of_first: Vec<_> = of_first["data"].as_array().expect("events").iter().map(|event| event["details"].clone()).collect();
        assert!(of_first.len() == 2 && of_first.contains(&details(json!("October"))) && of_first.contains(&details(Value::Null)), "{of_first:?}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = owner.get(&format!("{AUDIT}?limit=4{cursor}")).await.ok(200);
            paged.extend(column(&page["data"], "id"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, column(&audit["data"], "id"));
    }

    async fn only_days_that_are_over_at_every_site_are_closed(api: Api) {
        // 2026-11-25T12:00Z: in Paris the day began at 04:00, in Honolulu (UTC-10) it is 02:00 of the 25th, so with days that
        // begin at 04:00 it is the 24th there.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        let refuse = |reply: crate::support::Reply| assert_eq!(flaws(&reply), pairs([("/last_day", "day_not_over")]));
        refuse(refused(owner, PERIODS, json!({ "last_day": "2026-11-25", "close": true })).await);
        let honolulu = json!({ "kind": "site", "code": "hono", "name": "Hono", "time_zone": "Pacific/Honolulu", "day_starts_at": "04:00" });
        owner.post("/v1/inventory/locations", honolulu).await.ok(201);
        refuse(refused(owner, PERIODS, json!({ "last_day": "2026-11-24", "close": true })).await);
        // It may be made, and closed when it is over: at 14:00Z it is 04:00 there.
        let made = owner.post(PERIODS, json!({ "last_day": "2026-11-24" })).await.ok(201);
        refuse(refused(owner, &at(&made, "close"), json!({})).await);
        api.advance(TimeDelta::minutes(120) - TimeDelta::microseconds(1));
        let owner = &api.owner().await;
        refuse(owner.post(&at(&made, "close"), json!({})).await);
        api.advance(TimeDelta::microseconds(1));
        owner.post(&at(&made, "close"), json!({})).await.ok(200);
    }

    async fn periods_follow_one_another(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        closed(owner, "2026-11-15").await;
        for last_day in ["2026-11-15", "2026-11-14", "2020-01-01"] {
            assert_eq!(flaws(&refused(owner, PERIODS, json!({ "last_day": last_day })).await), pairs([("/last_day", "period_not_after_last")]));
        }
        let far = owner.post(PERIODS, json!({ "last_day": "2026-12-31" })).await.ok(201);
        refused(owner, PERIODS, json!({ "last_day": "2026-12-31" })).await.refused(409, "already_exists");
        // One that was made with the wrong day stops none before it.
        closed(owner, "2026-11-20").await;
        assert_eq!(owner.get(&format!("{PERIODS}/{}", text(&far["id"]))).await.ok(200)["status"], json!("open"));
        for (body, pointer, code) in [
            (json!({}), "/last_day", "required"), (json!({ "last_day": "soon" }), "/last_day", "invalid_date"), (json!({ "last_day": "2026-11-21", "x": 1 }), "/x", "unknown_field"),
        ] {
            let found = flaws(&refused(owner, PERIODS, body).await);
            assert_eq!((found.len(), found[0].0.as_str()), (1, pointer), "{code}");
        }
        let key = json!({ "last_day": "2026-11-21", "close": true });
        let first = owner.post_with_key(PERIODS, "once", key.clone()).await.ok(201);
        assert_eq!(owner.post_with_key(PERIODS, "once", key).await.ok(201), first);
        owner.post_with_key(PERIODS, "once", json!({ "last_day": "2026-11-22" })).await.refused(422, "idempotency_key_reused");
    }

    async fn who_may_close(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let period = kitchen.owner.post(PERIODS, json!({ "last_day": "2026-11-15" })).await.ok(201);
        api.post(PERIODS, json!({ "last_day": "2026-11-16" })).await.refused(401, "token_invalid");
        api.get(AUDIT).await.refused(401, "token_invalid");
        for role in ["buyer", "staff", "viewer"] {
            let member = api.member(role, None).await;
            refused(&member, PERIODS, json!({ "last_day": "2026-11-16" })).await.refused(403, "forbidden");
            refused(&member, &at(&period, "close"), json!({})).await.refused(403, "forbidden");
            refused(&member, &at(&period, "reopen"), json!({})).await.refused(403, "forbidden");
            member.get(AUDIT).await.refused(403, "forbidden");
            member.get(&format!("{PERIODS}/{}", text(&period["id"]))).await.ok(200);
        }
        let stranger = api.other_tenant().await;
        stranger.get("/v1/inventory/units").await.ok(200);
        stranger.post(&at(&period, "close"), json!({})).await.refused(404, "not_found");
        stranger.post(&at(&period, "reopen"), json!({})).await.refused(404, "not_found");
        stranger.get(&format!("{PERIODS}/{}", text(&period["id"]))).await.refused(404, "not_found");
        assert_eq!(stranger.get(PERIODS).await.ok(200)["data"], json!([]));
        kitchen.owner.post(&format!("{PERIODS}/{NOBODY}/close"), json!({})).await.refused(404, "not_found");
        // The books are those of every site: who sees one of them neither closes nor opens them, and is told of no other.
        let home = text(&kitchen.site["id"]).parse().expect("an id");
        let of_one_site = api.member("manager", Some(&[home])).await;
        for (path, body) in [
            (PERIODS.to_owned(), json!({ "last_day": "2026-11-16" })),
            (PERIODS.to_owned(), json!({ "last_day": "2026-11-30", "close": true })),
            (at(&period, "close"), json!({})),
            (at(&period, "reopen"), json!({})),
        ] {
            refused(&of_one_site, &path, body).await.refused(403, "forbidden");
        }
        of_one_site.get(&format!("{PERIODS}/{}", text(&period["id"]))).await.ok(200);
        api.member("manager", None).await.post(&at(&period, "close"), json!({})).await.ok(200);
        // What one tenant closes is open for another.
        let theirs = Kitchen::of(stranger.clone()).await;
        theirs.item("EGG", json!({})).await;
        theirs.receive_at("2026-11-10T12:00:00Z", json!([{ "sku": "EGG", "quantity": "1", "unit_price": "1" }])).await;
        assert_eq!(stranger.get(AUDIT).await.ok(200)["data"], json!([]));
    }

    async fn an_open_count_keeps_a_period_open(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let open = count(&api, &kitchen, "counting").await;
        count(&api, &kitchen, "posted").await;
        count(&api, &kitchen, "cancelled").await;
        let problem = refused(&kitchen.owner, PERIODS, json!({ "last_day": "2026-11-15", "close": true })).await.refused(409, "count_open");
        assert_eq!(problem["counts"], json!([{ "id": open, "location": WALK_IN, "status": "counting" }]));
        let update = Query::update().table("stock_count").value("status", "cancelled").take();
        api.inventory_db().execute(&update).await.expect("a cancelled count");
        closed(&kitchen.owner, "2026-11-15").await;
    }

    async fn nothing_gets_into_a_closed_period_by_any_path(api: Api) {
        // I11.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        let early = "2026-11-14T12:00:00Z";
        let lot = text(&kitchen.receive_at(early, json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await["entries"][0]["lot_id"]);
        kitchen.item("SALT", json!({})).await;
        let lines = json!([{ "sku": "SALT", "quantity": "1" }]);
        let served = json!({ "location": WALK_IN, "purpose": "service", "effective_at": early, "on_short": "record", "lines": lines });
        let missing = format!("/v1/inventory/shortages/{}", text(&owner.post(USAGE, served).await.ok(201)["shortages"][0]["id"]));
        closed(owner, "2026-11-15").await;
        // The last instant of the closed day, and the first one after: 04:00 in Paris is 03:00Z.
        let (last, first) = ("2026-11-16T02:59:59.999999Z", "2026-11-16T03:00:00Z");
        let line = json!([{ "sku": "EGG", "quantity": "1", "unit_price": "1" }]);
        let receipt = |at: &str| json!({ "location": WALK_IN, "effective_at": at, "lines": line });
        let waste = |at: &str| with(waste_body(json!([{ "sku": "EGG", "quantity": "1" }])), "effective_at", at);
        let opening = |at: &str| json!({ "location": WALK_IN, "effective_at": at, "quantity": "1" });
        let open = format!("/v1/inventory/lots/{lot}/open");
        let usage = |at: &str| json!({ "location": WALK_IN, "purpose": "service", "effective_at": at, "lines": [{ "sku": "EGG", "quantity": "1" }] });
        let returned = |at: &str| with(waste(at), "lines", json!([{ "sku": "EGG", "quantity": "1", "reason": "quality" }]));
        // What clears a shortage on the way in.
        let clearing = |at: &str| with(with(receipt(at), "lines", json!([{ "sku": "SALT", "quantity": "1", "unit_price": "1" }])), "clear_shortages", true);
        let paths = |at: &str| {
            [
                (RECEIPTS, receipt(at)),
                (WASTE, waste(at)),
                (USAGE, usage(at)),
                (open.as_str(), opening(at)),
                (RETURNS, returned(at)),
                (RECEIPTS, clearing(at)),
            ]
        };
        for at in [early, last] {
            for (path, body) in paths(at) {
                refused(owner, path, body).await.refused(409, "period_closed");
            }
        }
        assert_eq!(owner.get(&missing).await.ok(200)["status"], "open");
        let before = rows(&api).await;
        let file = "sku,quantity,unit_cost\nEGG,1,1\n";
        owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&effective_at={early}"), file).await.refused(409, "period_closed");
        assert_eq!(rows(&api).await, before);
        for at in [early, last] {
            // What it says of eggs is what the ledger said then: it would have no entry.
            let counts = format!("/v1/inventory/imports/counts?location={WALK_IN}&effective_at={at}");
            owner.post_csv(&counts, "sku,quantity\nEGG,10\n").await.refused(409, "period_closed");
        }
        assert_eq!(rows(&api).await, before);
        for (path, body) in paths(first) {
            owner.post(path, body).await.ok(201);
        }
        assert_eq!(owner.get(&missing).await.ok(200)["status"], "cleared");
        checkpoints_hold(&api).await;
        // What lies in closed days is undone today, whatever is asked for.
        let received = owner.get(RECEIPTS).await.ok(200)["data"].as_array().expect("receipts").last().expect("the first").clone();
        let undo = format!("/v1/inventory/documents/{}/reverse", text(&received["id"]));
        refused(owner, &undo, json!({ "reason": "other" })).await.refused(409, "lot_has_later_movements");
        let another = kitchen.receive_at("2026-11-16T12:00:00Z", json!([{ "sku": "EGG", "quantity": "1", "unit_price": "1" }])).await;
        closed(owner, "2026-11-16").await;
        let undo = format!("/v1/inventory/documents/{}/reverse", text(&another["document"]["id"]));
        let undone = owner.post(&undo, json!({ "reason": "other", "at": "original" })).await.ok(201);
        assert_eq!(column(&undone["entries"], "business_date"), ["2026-11-25"]);
        checkpoints_hold(&api).await;
        // What is opened again takes postings again, and what is closed again keeps them.
        let period = owner.get(PERIODS).await.ok(200)["data"][0].clone();
        owner.post(&at(&period, "reopen"), json!({})).await.ok(200);
        let first_period = owner.get(PERIODS).await.ok(200)["data"][1].clone();
        owner.post(&at(&first_period, "reopen"), json!({})).await.ok(200);
        assert!(sums(&api, "SELECT item_id, location_id, lot_id, quantity, value FROM checkpoint").await.is_empty());
        owner.post(&at(&first_period, "close"), json!({})).await.ok(200);
        refused(owner, RECEIPTS, receipt("2026-11-15T12:00:00Z")).await.refused(409, "period_closed");
        owner.post(RECEIPTS, receipt("2026-11-16T12:00:00Z")).await.ok(201);
        owner.post(&at(&period, "close"), json!({})).await.ok(200);
        checkpoints_hold(&api).await;
        refused(owner, RECEIPTS, receipt("2026-11-16T12:00:00Z")).await.refused(409, "period_closed");
    }

    async fn no_transfer_count_or_cost_gets_into_a_closed_day(api: Api) {
        // I11.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        site(owner, "annex", "Europe/Paris").await;
        area(owner, "annex", "shelf").await;
        kitchen.item("EGG", json!({})).await;
        let early = "2026-11-14T12:00:00Z";
        let bought = kitchen.receive_at("2026-11-14T10:00:00Z", json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        let transfers = "/v1/inventory/transfers";
        let moved = |more: Value| {
            let mut body = json!({ "from_location": WALK_IN, "to_location": "annex/shelf", "lines": [{ "sku": "EGG", "quantity": "4" }] });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        let step = |transfer: &Value, step: &str| format!("{transfers}/{}/{step}", text(&transfer["transfer"]["id"]));
        let (draft, sent) = (owner.post(transfers, moved(json!({}))).await.ok(201), owner.post(transfers, moved(json!({}))).await.ok(201));
        owner.post(&step(&sent, "dispatch"), json!({ "effective_at": "2026-11-14T11:00:00Z" })).await.ok(201);
        // Of another item: a count that differed in nothing, and a part of a lot that was opened.
        kitchen.item("HAM", json!({})).await;
        let ham = text(&kitchen.receive_at("2026-11-14T10:00:00Z", json!([{ "sku": "HAM", "quantity": "10", "unit_price": "1" }])).await["entries"][0]["lot_id"]);
        let counts = "/v1/inventory/counts";
        let posted = text(&owner.post(counts, json!({ "location": WALK_IN })).await.ok(201)["id"]);
        let lines = json!({ "lines": [{ "sku": "HAM", "quantity": "10", "counted_at": "2026-11-14T11:00:00Z" }] });
        owner.call("PUT", &format!("{counts}/{posted}/lines")).json(&lines).send().await.ok(200);
        owner.post(&format!("{counts}/{posted}/post"), json!({})).await.ok(201);
        let opening = json!({ "location": WALK_IN, "effective_at": early, "quantity": "1" });
        let opened = owner.post(&format!("/v1/inventory/lots/{ham}/open"), opening).await.ok(201);
        let opened = text(&opened["entries"][1]["lot_id"]);
        closed(owner, "2026-11-15").await;
        let at_once = moved(json!({ "direct": true, "effective_at": early, "lines": [{ "sku": "EGG", "quantity": "1" }] }));
        refused(owner, transfers, at_once).await.refused(409, "period_closed");
        let lost = json!({ "effective_at": early, "lines": [{ "sku": "EGG", "quantity": "1", "reason": "lost" }] });
        for (path, body) in [
            (step(&draft, "dispatch"), json!({ "effective_at": early })),
            (step(&sent, "receive"), json!({ "effective_at": early })),
            (step(&sent, "loss"), lost),
            (step(&sent, "cancel"), json!({ "effective_at": early })),
        ] {
            refused(owner, &path, body).await.refused(409, "period_closed");
        }
        // What was counted then is not counted again then; what was opened then is sealed today.
        refused(owner, &format!("{counts}/{posted}/repost"), json!({ "reason": "other" })).await.refused(409, "period_closed");
        let sealed = owner.post(&format!("/v1/inventory/lots/{opened}/reseal"), json!({ "reason": "other" })).await.ok(201);
        assert_eq!(column(&sealed["entries"], "business_date"), ["2026-11-25", "2026-11-25"]);
        let id = text(&owner.post(counts, json!({ "location": WALK_IN })).await.ok(201)["id"]);
        let lines = json!({ "lines": [{ "sku": "EGG", "quantity": "9", "counted_at": early }] });
        owner.call("PUT", &format!("{counts}/{id}/lines")).json(&lines).send().await.ok(200);
        for name in ["review", "post"] {
            refused(owner, &format!("{counts}/{id}/{name}"), json!({})).await.refused(409, "period_closed");
        }
        // The lot's last movement lies in the closed days, too, so that a cost would stand where it is said.
        let receipt = format!("{RECEIPTS}/{}", text(&bought["document"]["id"]));
        let charge = json!({ "effective_at": early, "charges": [{ "label": "customs", "amount": "10" }] });
        refused(owner, &format!("{receipt}/charges"), charge).await.refused(409, "period_closed");
        refused(owner, &format!("{receipt}/correct"), json!({ "effective_at": early, "line": 1, "line_total": "20" })).await.refused(409, "period_closed");
        // Today all of it goes.
        owner.post(&step(&sent, "receive"), json!({})).await.ok(201);
        owner.post(&format!("{receipt}/charges"), json!({ "charges": [{ "label": "customs", "amount": "10" }] })).await.ok(201);
        checkpoints_hold(&api).await;
    }

    async fn a_day_is_closed_by_the_days_of_each_site(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        site(owner, "auckland", "Pacific/Auckland").await;
        area(owner, "auckland", "shelf").await;
        kitchen.item("EGG", json!({})).await;
        closed(owner, "2026-11-15").await;
        // 2026-11-15T12:00Z is the 15th in Paris and 01:00 of the 16th in Auckland.
        let receipt = |place: &str| json!({ "location": place, "effective_at": "2026-11-15T12:00:00Z", "lines": [{ "sku": "EGG", "quantity": "1", "unit_price": "1" }] });
        refused(owner, RECEIPTS, receipt(WALK_IN)).await.refused(409, "period_closed");
        assert_eq!(owner.post(RECEIPTS, receipt("auckland/shelf")).await.ok(201)["entries"][0]["business_date"], json!("2026-11-16"));
        checkpoints_hold(&api).await;
    }

    async fn a_checkpoint_and_what_follows_it_is_all_there_is(api: Api) {
        // I10, with random postings and a period after every few days.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        for sku in ["A", "B", "C"] {
            kitchen.item(sku, json!({})).await;
        }
        let mut random = StdRng::seed_from_u64(20_261_126);
        let mut first_open = 1;
        for (index, last_day) in [5, 9, 15, 20].into_iter().enumerate() {
            for _ in 0..14 {
                let day = random.random_range(first_open..=24);
                let sku = ["A", "B", "C"][random.random_range(0..3)];
                let quantity = random.random_range(1..9).to_string();
                let time = format!("2026-11-{day:02}T{:02}:30:00Z", random.random_range(4..23));
                let reply = if random.random_bool(0.6) {
                    let line = json!([{ "sku": sku, "quantity": quantity, "line_total": format!("{}.{:02}", random.random_range(0..20), random.random_range(1..99)) }]);
                    owner.post(RECEIPTS, json!({ "location": WALK_IN, "effective_at": time, "lines": line })).await
                } else {
                    owner.post(WASTE, with(waste_body(json!([{ "sku": sku, "quantity": quantity }])), "effective_at", time)).await
                };
                assert!(reply.status == 201 || reply.code() == "insufficient_stock", "{}", reply.text);
            }
            let period = closed(owner, &format!("2026-11-{last_day:02}")).await;
            checkpoints_hold(&api).await;
            first_open = last_day + 1;
            if index == 2 {
                owner.post(&at(&period, "reopen"), json!({})).await.ok(200);
                let line = json!([{ "sku": "A", "quantity": "3", "line_total": "1" }]);
                owner.post(RECEIPTS, json!({ "location": WALK_IN, "effective_at": "2026-11-10T12:00:00Z", "lines": line })).await.ok(201);
                owner.post(&at(&period, "close"), json!({})).await.ok(200);
                checkpoints_hold(&api).await;
            }
        }
    }

    async fn what_is_asked_of_the_past_begins_where_the_last_period_before_it_ended(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive_at("2026-11-10T12:00:00Z", json!([{ "sku": "EGG", "quantity": "10", "unit_price": "1" }])).await;
        owner.post(WASTE, with(waste_body(json!([{ "sku": "EGG", "quantity": "3" }])), "effective_at", "2026-11-14T12:00:00Z")).await.ok(201);
        closed(owner, "2026-11-15").await;
        kitchen.receive_at("2026-11-18T12:00:00Z", json!([{ "sku": "EGG", "quantity": "5", "unit_price": "2" }])).await;
        // A checkpoint is taken for an instant only when its last day is over everywhere.
        let seen = async |as_of: &str| {
            let valued = owner.get(&format!("/v1/inventory/reports/valuation?as_of={as_of}")).await.ok(200)["data"][0].clone();
            let stock = owner.get(&format!("/v1/inventory/stock?include=lots&as_of={as_of}")).await.ok(200)["data"][0].clone();
            assert_eq!((&valued["quantity"], &valued["value"]), (&stock["quantity"], &stock["value"]), "{as_of}");
            (text(&valued["quantity"]), text(&valued["value"]))
        };
        let asked = [
            ("2026-11-12", ("10", "10"), ("10", "10")),
            ("2026-11-14", ("7", "7"), ("7", "7")),
            ("2026-11-15", ("7", "7"), ("8", "9")),
            ("2026-11-17", ("7", "7"), ("8", "9")),
            ("2026-11-18", ("12", "17"), ("13", "19")),
            ("2026-11-17T23:59:59.999999Z", ("7", "7"), ("7", "7")),
            ("2026-11-18T00:00:00Z", ("7", "7"), ("8", "9")),
            ("2026-11-18T12:00:00Z", ("12", "17"), ("13", "19")),
        ];
        let told = |(quantity, value): (&str, &str)| (quantity.to_owned(), value.to_owned());
        for (as_of, expected, _) in asked {
            assert_eq!(seen(as_of).await, told(expected), "{as_of}");
        }
        api.inventory_db().execute_unprepared("UPDATE checkpoint SET quantity = quantity + 1000000, value = value + 2000000").await.expect("damaged");
        for (as_of, _, damaged) in asked {
            assert_eq!(seen(as_of).await, told(damaged), "{as_of}");
        }
        let txn = api.inventory_db().begin().await.expect("begun");
        let found: Vec<_> = crate::verify::verify(&txn).await.differences.iter().map(ToString::to_string).collect();
        txn.rollback().await.expect("ended");
        assert!(found.len() == 1 && found[0].contains("what the period through 2026-11-15 kept of the lot"), "{found:?}");
    }

    async fn postings_that_run_against_a_close_are_in_before_it_or_not_at_all(api: Api) {
        // I11: 32 tasks post into yesterday until they are refused, and so while yesterday is closed.
        let kitchen = Kitchen::open(&api).await;
        for number in 0..8 {
            kitchen.item(&format!("SKU{number}"), json!({})).await;
        }
        let yesterday = "2026-11-24T12:00:00Z";
        let post = |task: usize| {
            let owner = kitchen.owner.clone();
            async move {
                let mut codes = Vec::new();
                for turn in 0.. {
                    let line = json!([{ "sku": format!("SKU{}", (task + turn) % 8), "quantity": "1", "unit_price": "1" }]);
                    let reply = owner.post(RECEIPTS, json!({ "location": WALK_IN, "effective_at": yesterday, "lines": line })).await;
                    codes.push(if reply.status == 201 { String::new() } else { reply.code().to_owned() });
                    if reply.status != 201 {
                        break;
                    }
                }
                codes
            }
        };
        let owner = kitchen.owner.clone();
        let close = async move {
            // Some get in before it.
            while owner.get("/v1/inventory/ledger?limit=1").await.ok(200)["data"] == json!([]) {}
            closed(&owner, "2026-11-24").await
        };
        let (codes, period) = futures::join!(join_all((0..32).map(post)), close);
        let codes: Vec<_> = codes.into_iter().flatten().collect();
        let posted = codes.iter().filter(|code| code.is_empty()).count();
        assert!(codes.iter().all(|code| code.is_empty() || code == "period_closed"), "{codes:?}");
        let event = kitchen.owner.get(&format!("{AUDIT}?subject_id={}", text(&period["id"]))).await.ok(200)["data"][0].clone();
        let last_seq = event["details"]["last_seq"].as_i64().expect("a sequence number");
        let ledger = kitchen.ledger().await;
        let late: Vec<_> = ledger.iter().filter(|entry| text(&entry["business_date"]).as_str() <= "2026-11-24" && entry["seq"].as_i64() > Some(last_seq)).collect();
        assert!(late.is_empty(), "{late:?} after {last_seq}");
        assert_eq!(ledger.len(), posted);
        assert!(posted > 0);
        checkpoints_hold(&api).await;
    }

    async fn of_many_who_close_the_same_period_one_does(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let period = kitchen.owner.post(PERIODS, json!({ "last_day": "2026-11-15" })).await.ok(201);
        let close = |_| {
            let (owner, path) = (kitchen.owner.clone(), at(&period, "close"));
            async move { owner.post(&path, json!({})).await }
        };
        let replies = join_all((0..8).map(close)).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        assert!(replies.iter().filter(|reply| reply.status != 200).all(|reply| reply.code() == "already_closed"));
        assert_eq!(kitchen.owner.get(AUDIT).await.ok(200)["data"].as_array().map(Vec::len), Some(1));
    }
}
