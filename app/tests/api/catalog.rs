//! The catalogue through HTTP: units, items, their units and conversions, locations, reasons.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::{Api, Client, Reply};

const NOBODY: &str = "018f0000-0000-7000-8000-000000000000";

fn path(rest: &str) -> String {
    format!("/v1/inventory{rest}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn id(value: &Value) -> String {
    text(&value["id"])
}

fn uuid(value: &Value) -> Uuid {
    id(value).parse().expect("an id")
}

fn codes(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!((reply.status, reply.code()), (422, "invalid_request"), "{}", reply.text);
    reply.violations()
}

fn one(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

async fn make(client: &Client, what: &str, body: Value) -> Value {
    client.post(&path(what), body).await.ok(201)
}

async fn get(client: &Client, rest: &str) -> Value {
    client.get(&path(rest)).await.ok(200)
}

async fn item(client: &Client, sku: &str, base_unit: &str) -> Value {
    make(client, "/items", json!({ "sku": sku, "name": format!("The {sku}"), "base_unit": base_unit })).await
}

async fn site(client: &Client, code: &str) -> Value {
    make(client, "/locations", json!({ "kind": "site", "code": code, "name": code })).await
}

async fn area(client: &Client, parent: &str, code: &str) -> Value {
    make(client, "/locations", json!({ "kind": "area", "code": code, "name": code, "parent": parent })).await
}

async fn receive(client: &Client, location: &str, sku: &str, quantity: &str) -> Reply {
    let line = json!({ "sku": sku, "quantity": quantity, "unit_price": "1" });
    client.post(&path("/receipts"), json!({ "location": location, "lines": [line] })).await
}

async fn throw_away(client: &Client, location: &str, sku: &str, quantity: &str) -> Reply {
    let line = json!({ "sku": sku, "quantity": quantity, "reason": "expired" });
    client.post(&path("/waste"), json!({ "location": location, "lines": [line] })).await
}

fn column(page: &Value, name: &str) -> Vec<String> {
    page["data"].as_array().expect("rows").iter().map(|row| text(&row[name])).collect()
}

/// All pages of a list, with something done after each.
async fn all(client: &Client, list: &str, name: &str, mut after: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut found, mut next, mut pages) = (Vec::new(), list.to_owned(), 0);
    loop {
        let page = get(client, &next).await;
        found.extend(column(&page, name));
        pages += 1;
        after(pages).await;
        let Some(cursor) = page["next_cursor"].as_str() else { return found };
        let joint = if list.contains('?') { '&' } else { '?' };
        next = format!("{list}{joint}cursor={cursor}");
    }
}

fn unique(names: &[String]) -> BTreeSet<&str> {
    let unique: BTreeSet<_> = names.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), names.len(), "something came twice: {names:?}");
    unique
}

/// What holds for every PATCH: 428 without a version, 412 with an old one, the version in body and ETag.
async fn changes_by_version(client: &Client, at: &str) {
    let before = client.get(at).await;
    let version = before.body["version"].as_i64().expect("a version");
    assert_eq!(before.header("etag"), format!("\"{version}\""));
    client.patch(at, None, json!({ "name": "Other" })).await.refused(428, "if_match_required");
    let refused = client.patch(at, Some(version + 1), json!({ "name": "Other" })).await.refused(412, "version_mismatch");
    assert_eq!(refused["version"], version);

    let changed = client.patch(at, Some(version), json!({ "name": "Other" })).await;
    assert_eq!(changed.header("etag"), format!("\"{}\"", version + 1));
    let changed = changed.ok(200);
    assert_eq!((changed["name"].as_str(), changed["version"].as_i64()), (Some("Other"), Some(version + 1)));
    assert_eq!(client.get(at).await.ok(200), changed);
    client.patch(at, Some(version), json!({ "name": "Third" })).await.refused(412, "version_mismatch");

    // What changes nothing is no change.
    assert_eq!(client.patch(at, Some(version + 1), json!({ "name": "Other" })).await.ok(200), changed);
    assert_eq!(client.patch(at, Some(version + 1), json!({})).await.ok(200), changed);
    assert_eq!(codes(&client.patch(at, Some(version + 1), json!({ "name": null })).await), one("/name", "not_nullable"));
    assert_eq!(codes(&client.patch(at, Some(version + 1), json!({ "name": "", "colour": 1 })).await).len(), 2);
    let any = client.call("PATCH", at).header("If-Match", "*").body("application/merge-patch+json", r#"{"name":"Any"}"#).send().await.ok(200);
    assert_eq!(any["version"], version + 2);
    client.patch(&at.replace(&id(&before.body), NOBODY), Some(1), json!({ "name": "Other" })).await.refused(404, "not_found");
}

/// What holds for every POST with an Idempotency-Key, here an optional one.
async fn is_done_once(client: &Client, what: &str, body: Value, other: Value) {
    let at = path(what);
    let first = client.post_with_key(&at, "the-key", body.clone()).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let first = first.ok(201);
    let again = client.post_with_key(&at, "the-key", body.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.ok(201), first);
    client.post_with_key(&at, "the-key", other.clone()).await.refused(422, "idempotency_key_reused");
    client.post_with_key(&at, "not a key", other.clone()).await.refused(400, "idempotency_key_invalid");
    // A refusal leaves the key free.
    client.post_with_key(&at, "another-key", body.clone()).await.refused(409, "already_exists");
    client.post_with_key(&at, "another-key", other).await.ok(201);
    client.post_without_key(&at, body).await.refused(409, "already_exists");
}

both_engines! {
    async fn a_tenant_has_the_usual_units(api: Api) {
        let owner = api.owner().await;
        let units = all(&owner, "/units?limit=4", "code", async |_| {}).await;
        assert!(units.is_sorted() && unique(&units).is_superset(&["dozen", "each", "g", "gal_us", "kg", "l", "lb", "ml"].into()), "{units:?}");
        let page = get(&owner, "/units?limit=500").await;
        assert_eq!(column(&page, "code"), units);
        let pound = page["data"].as_array().expect("rows").iter().find(|unit| unit["code"] == "lb").expect("a pound");
        assert_eq!((&pound["dimension"], &pound["num"], &pound["den"]), (&json!("mass"), &json!(45_359_237), &json!(100_000)));
        let one = owner.get(&path(&format!("/units/{}", id(pound)))).await;
        assert_eq!(one.header("etag"), "\"1\"");
        assert_eq!(&one.ok(200), pound);
    }

    async fn a_unit_is_a_fraction_or_so_many_of_another(api: Api) {
        let owner = api.owner().await;
        let sack = make(&owner, "/units", json!({ "code": "sack", "name": "Sack", "dimension": "mass", "quantity": "12.5", "of": "kg" })).await;
        assert_eq!((&sack["num"], &sack["den"], &sack["version"]), (&json!(12_500), &json!(1), &json!(1)));
        let half = make(&owner, "/units", json!({ "code": "½", "name": "Half", "dimension": "mass", "quantity": "0.5", "of": "sack" })).await;
        assert_eq!((&half["num"], &half["den"]), (&json!(6250), &json!(1)));
        let third = make(&owner, "/units", json!({ "code": "third", "name": "Third", "dimension": "count", "num": 2, "den": 6 })).await;
        assert_eq!((&third["num"], &third["den"]), (&json!(1), &json!(3)));

        let refused = async |body: Value| codes(&owner.post(&path("/units"), body).await);
        let body = |more: Value| {
            let mut body = json!({ "code": "x", "name": "X", "dimension": "mass" });
            body.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
            body
        };
        assert_eq!(refused(body(json!({}))).await, one("", "exactly_one"));
        assert_eq!(refused(body(json!({ "num": 1, "den": 2, "of": "g" }))).await, one("", "exactly_one"));
        assert_eq!(refused(body(json!({ "quantity": "1", "of": "l" }))).await, one("/of", "other_dimension"));
        assert_eq!(refused(body(json!({ "quantity": "1", "of": "nothing" }))).await, one("/of", "unit_not_found"));
        assert_eq!(refused(body(json!({ "quantity": "999999.999999", "of": "oz" }))).await, one("/quantity", "out_of_range"));
        assert_eq!(refused(body(json!({ "quantity": 1, "of": "g" }))).await, one("/quantity", "decimal_string_required"));
        assert_eq!(refused(json!({ "code": "a b", "name": "", "dimension": "length", "num": 0, "den": 1.5 })).await.len(), 5);
        owner.post(&path("/units"), body(json!({ "code": "kg", "num": 1, "den": 1 }))).await.refused(409, "already_exists");
    }

    async fn a_unit_is_renamed_by_its_version(api: Api) {
        let owner = api.owner().await;
        let unit = make(&owner, "/units", json!({ "code": "tub", "name": "Tub", "dimension": "volume", "quantity": "2", "of": "l" })).await;
        let at = path(&format!("/units/{}", id(&unit)));
        changes_by_version(&owner, &at).await;
        assert_eq!(codes(&owner.patch(&at, Some(3), json!({ "num": 3 })).await), one("/num", "unknown_field"));
    }

    async fn a_tenant_has_a_bounded_number_of_units(api: Api) {
        let owner = api.owner().await;
        let known = get(&owner, "/units?limit=500").await["data"].as_array().expect("rows").len();
        for number in known..500 {
            make(&owner, "/units", json!({ "code": format!("u{number}"), "name": "U", "dimension": "count", "num": number, "den": 1 })).await;
        }
        let more = json!({ "code": "more", "name": "More", "dimension": "count", "num": 1, "den": 1 });
        owner.post(&path("/units"), more).await.refused(409, "too_many_units");
    }

    async fn an_item_has_the_usual_handling_where_nothing_is_said(api: Api) {
        let owner = api.owner().await;
        let made = make(&owner, "/items", json!({ "sku": "0898984", "name": " Flour ", "base_unit": "g" })).await;
        let expected = json!({
            "id": made["id"], "sku": "0898984", "name": "Flour", "base_unit": "g", "kind": "ingredient", "pick": "fefo", "track_lots": false,
            "track_expiry": false, "date_kind": "use_by", "grace_days": 0, "shelf_life_days": null, "opened_shelf_life_days": null,
            "archived": false, "archived_at": null, "version": 1, "created_at": "2026-11-25T12:00:00Z", "updated_at": "2026-11-25T12:00:00Z",
        });
        assert_eq!(made, expected);
        assert_eq!(get(&owner, &format!("/items/{}", id(&made))).await, expected);

        let body = json!({
            "sku": "MILK", "name": "Whole milk", "base_unit": "ml", "kind": "resale", "pick": "manual", "track_lots": true, "track_expiry": true,
            "date_kind": "best_before", "grace_days": 3, "shelf_life_days": 10, "opened_shelf_life_days": 2,
        });
        let made = make(&owner, "/items", body.clone()).await;
        for (name, value) in body.as_object().expect("fields") {
            assert_eq!(&made[name], value, "{name}");
        }
    }

    async fn everything_that_is_wrong_with_an_item_is_told_at_once(api: Api) {
        let owner = api.owner().await;
        let body = json!({ "sku": "A B", "kind": "food", "pick": 1, "track_lots": "yes", "date_kind": null, "grace_days": -1, "shelf_life_days": 40_000, "price": "1" });
        let expected = ["/sku", "/name", "/base_unit", "/kind", "/pick", "/track_lots", "/grace_days", "/shelf_life_days", "/price"];
        let found: BTreeSet<_> = codes(&owner.post(&path("/items"), body).await).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(found, expected.map(str::to_owned).into());
        let unknown = json!({ "sku": "A", "name": "A", "base_unit": "stone" });
        assert_eq!(codes(&owner.post(&path("/items"), unknown).await), one("/base_unit", "unit_not_found"));
    }

    async fn a_sku_is_one_of_its_kind_and_can_be_changed(api: Api) {
        let owner = api.owner().await;
        let (milk, _) = (item(&owner, "MILK", "ml").await, item(&owner, "CREAM", "ml").await);
        owner.post(&path("/items"), json!({ "sku": "MILK", "name": "Again", "base_unit": "g" })).await.refused(409, "already_exists");
        item(&owner, "milk", "ml").await;
        let at = path(&format!("/items/{}", id(&milk)));
        owner.patch(&at, Some(1), json!({ "sku": "CREAM" })).await.refused(409, "already_exists");
        let changed = owner.patch(&at, Some(1), json!({ "sku": "MILK-2" })).await.ok(200);
        assert_eq!((&changed["sku"], &changed["version"]), (&json!("MILK-2"), &json!(2)));
        item(&owner, "MILK", "ml").await;
    }

    async fn an_item_is_patched_field_by_field(api: Api) {
        let owner = api.owner().await;
        let made = make(&owner, "/items", json!({ "sku": "EGG", "name": "Egg", "base_unit": "each", "shelf_life_days": 28, "opened_shelf_life_days": 1 })).await;
        let at = path(&format!("/items/{}", id(&made)));
        changes_by_version(&owner, &at).await;
        api.advance(TimeDelta::seconds(1));
        let changed = owner.patch(&at, Some(3), json!({ "shelf_life_days": null, "pick": "fifo", "grace_days": 2, "track_expiry": true })).await.ok(200);
        let mut expected = made.clone();
        for (name, value) in [
            ("name", json!("Any")), ("version", json!(4)), ("shelf_life_days", Value::Null), ("pick", json!("fifo")), ("grace_days", json!(2)),
            ("track_expiry", json!(true)), ("updated_at", json!("2026-11-25T12:00:01Z")),
        ] {
            expected[name] = value;
        }
        assert_eq!(changed, expected);
        let refused = codes(&owner.patch(&at, Some(4), json!({ "sku": null, "archived": null, "opened_shelf_life_days": "x", "base_unit": 1 })).await);
        assert_eq!(refused.len(), 4, "{refused:?}");
        assert_eq!(codes(&owner.patch(&at, Some(4), json!({ "base_unit": "stone" })).await), one("/base_unit", "unit_not_found"));
    }

    async fn items_are_found_by_what_their_name_or_sku_contains(api: Api) {
        let owner = api.owner().await;
        for (sku, name) in [("MILK-1", "Whole milk"), ("CRM", "Crème fraîche"), ("MAJ", "CRÈME DOUBLE"), ("P100%", "Pulp"), ("PX100", "Pulp_2"), ("B\\S!", "Backslash")] {
            make(&owner, "/items", json!({ "sku": sku, "name": name, "base_unit": "g" })).await;
        }
        for (q, expected) in [
            ("milk", vec!["MILK-1"]), ("WHOLE", vec!["MILK-1"]), ("-1", vec!["MILK-1"]), ("CR%C3%88ME", vec!["CRM", "MAJ"]), ("cr%C3%A8me", vec!["CRM", "MAJ"]), ("Cr%C3%A8", vec!["CRM", "MAJ"]),
            ("0%25", vec!["P100%"]), ("p_2", vec!["PX100"]), ("pulp", vec!["P100%", "PX100"]), ("_", vec!["PX100"]), ("%5C", vec!["B\\S!"]), ("s!", vec!["B\\S!"]), ("nothing", vec![]),
        ] {
            let found = column(&get(&owner, &format!("/items?q={q}")).await, "sku");
            assert_eq!(found, expected, "{q}");
        }
        assert_eq!(codes(&owner.get(&path("/items?q=")).await), one("?q", "wrong_length"));
    }

    async fn archived_items_are_apart(api: Api) {
        let owner = api.owner().await;
        let (old, _) = (item(&owner, "OLD", "g").await, item(&owner, "NEW", "g").await);
        let at = path(&format!("/items/{}", id(&old)));
        let archived = owner.patch(&at, Some(1), json!({ "archived": true })).await.ok(200);
        assert_eq!((&archived["archived"], &archived["archived_at"], &archived["version"]), (&json!(true), &json!("2026-11-25T12:00:00Z"), &json!(2)));
        let list = async |query: &str| column(&get(&owner, &format!("/items{query}")).await, "sku");
        assert_eq!(list("").await, ["NEW"]);
        assert_eq!(list("?archived=false").await, ["NEW"]);
        assert_eq!(list("?archived=true").await, ["OLD"]);
        assert_eq!(list("?archived=all").await, ["NEW", "OLD"]);
        assert_eq!(codes(&owner.get(&path("/items?archived=maybe")).await), one("?archived", "invalid_choice"));
        let back = owner.patch(&at, Some(2), json!({ "archived": false })).await.ok(200);
        assert_eq!((&back["archived"], &back["archived_at"]), (&json!(false), &Value::Null));
        assert_eq!(list("").await, ["NEW", "OLD"]);
    }

    async fn items_page_by_sku_while_others_are_made(api: Api) {
        let owner = api.owner().await;
        let expected: Vec<String> = (0..10).map(|number| format!("I{number}5")).collect();
        for sku in &expected {
            item(&owner, sku, "g").await;
        }
        let made = async |page: usize| {
            // One before where the reader is, and one after.
            item(&owner, &format!("I0{page}x"), "g").await;
            item(&owner, &format!("I9{page}x"), "g").await;
        };
        let found = all(&owner, "/items?limit=3", "sku", made).await;
        assert!(found.is_sorted());
        assert!(unique(&found).is_superset(&expected.iter().map(String::as_str).collect()), "{found:?}");
    }

    async fn a_copy_is_kept_by_what_was_changed_since(api: Api) {
        let owner = api.owner().await;
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(id(&item(&owner, &format!("I{number}"), "g").await));
            if number % 2 == 0 {
                api.advance(TimeDelta::milliseconds(1500));
            }
        }
        // I1 and I2 at the same instant, and I3 and I4: their ids tell them apart.
        let changed = async |page: usize| {
            if page == 1 {
                api.advance(TimeDelta::seconds(1));
                owner.patch(&path(&format!("/items/{}", ids[0])), Some(1), json!({ "archived": true })).await.ok(200);
            }
        };
        let since = "2026-11-25T13:00:00%2B01:00";
        let found = all(&owner, &format!("/items?limit=1&archived=all&updated_since={since}"), "sku", changed).await;
        assert_eq!(found.len(), 7, "{found:?}");
        assert_eq!(found.last(), Some(&"I0".to_owned()));
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 6);
        let later = column(&get(&owner, "/items?updated_since=2026-11-25T12:00:01.5Z&archived=all").await, "sku");
        assert_eq!(later.iter().collect::<BTreeSet<_>>().len(), 6);
        assert_eq!(column(&get(&owner, "/items?updated_since=2026-11-25T12:00:01.500001Z").await, "sku").len(), 3);
        assert_eq!(codes(&owner.get(&path("/items?updated_since=yesterday")).await), one("?updated_since", "invalid_time"));
    }

    async fn an_item_with_stock_is_not_archived(api: Api) {
        let owner = api.owner().await;
        let milk = item(&owner, "MILK", "ml").await;
        site(&owner, "main").await;
        area(&owner, "main", "walk-in").await;
        receive(&owner, "main/walk-in", "MILK", "10").await.ok(201);
        let at = path(&format!("/items/{}", id(&milk)));
        owner.patch(&at, Some(1), json!({ "archived": true, "name": "Not written" })).await.refused(409, "item_has_stock");
        assert_eq!(get(&owner, &format!("/items/{}", id(&milk))).await, milk);
        throw_away(&owner, "main/walk-in", "MILK", "10").await.ok(201);
        owner.patch(&at, Some(1), json!({ "archived": true })).await.ok(200);
        assert_eq!(receive(&owner, "main/walk-in", "MILK", "10").await.status, 422);
    }

    async fn an_item_is_archived_or_received_never_both(api: Api) {
        let owner = api.owner().await;
        site(&owner, "main").await;
        area(&owner, "main", "walk-in").await;
        for round in 0..5 {
            let sku = format!("I{round}");
            let made = item(&owner, &sku, "g").await;
            let at = path(&format!("/items/{}", id(&made)));
            let received = async { futures::future::join_all((0..4).map(|_| receive(&owner, "main/walk-in", &sku, "1"))).await };
            let (archived, received) = futures::join!(owner.patch(&at, Some(1), json!({ "archived": true })), received);
            let taken = received.iter().filter(|reply| reply.status == 201).count();
            match archived.status {
                200 => assert_eq!(taken, 0, "{received:?}"),
                _ => assert_eq!((archived.code(), taken), ("item_has_stock", 4), "{received:?}"),
            }
        }
    }

    async fn the_base_unit_is_fixed_once_it_counts(api: Api) {
        let owner = api.owner().await;
        let (oil, rice, salt) = (item(&owner, "OIL", "ml").await, item(&owner, "RICE", "kg").await, item(&owner, "SALT", "kg").await);
        let at = |item: &Value| path(&format!("/items/{}", id(item)));
        let changed = owner.patch(&at(&rice), Some(1), json!({ "base_unit": "g" })).await.ok(200);
        assert_eq!((&changed["base_unit"], &changed["version"]), (&json!("g"), &json!(2)));

        make(&owner, &format!("/items/{}/units", id(&oil)), json!({ "unit": "can", "quantity": "5", "of": "l" })).await;
        owner.patch(&at(&oil), Some(1), json!({ "base_unit": "l" })).await.refused(409, "base_unit_fixed");
        owner.patch(&at(&oil), Some(1), json!({ "base_unit": "ml", "name": "Oil" })).await.ok(200);
        owner.delete(&path(&format!("/items/{}/units/can", id(&oil))), None).await;
        owner.patch(&at(&oil), Some(2), json!({ "base_unit": "l" })).await.ok(200);

        site(&owner, "main").await;
        area(&owner, "main", "dry").await;
        receive(&owner, "main/dry", "SALT", "1").await.ok(201);
        throw_away(&owner, "main/dry", "SALT", "1").await.ok(201);
        owner.patch(&at(&salt), Some(1), json!({ "base_unit": "g" })).await.refused(409, "base_unit_fixed");
    }

    async fn an_item_has_units_of_its_own(api: Api) {
        let owner = api.owner().await;
        let milk = item(&owner, "MILK", "ml").await;
        let units = format!("/items/{}/units", id(&milk));
        let case = make(&owner, &units, json!({ "unit": "case", "quantity": "12", "of": "l" })).await;
        let expected = json!({ "id": case["id"], "unit": "case", "quantity": "12000", "base_unit": "ml", "num": 12_000, "den": 1, "created_at": "2026-11-25T12:00:00Z" });
        assert_eq!(case, expected);
        let pallet = make(&owner, &units, json!({ "unit": "pallet", "quantity": "60", "of": "case" })).await;
        assert_eq!(pallet["quantity"], "720000");
        let drop = make(&owner, &units, json!({ "unit": "1/2", "num": 2, "den": 40 })).await;
        assert_eq!((&drop["num"], &drop["den"], &drop["quantity"]), (&json!(1), &json!(20), &json!("0.05")));
        assert_eq!(all(&owner, &format!("{units}?limit=1"), "unit", async |_| {}).await, ["1/2", "case", "pallet"]);

        let deleted = owner.delete(&path(&format!("{units}/1%2F2")), None).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
        owner.delete(&path(&format!("{units}/1%2F2")), None).await.refused(404, "not_found");
        owner.delete(&path(&format!("{units}/l")), None).await.refused(404, "not_found");
        assert_eq!(column(&get(&owner, &units).await, "unit"), ["case", "pallet"]);
    }

    async fn a_unit_of_an_item_has_one_meaning(api: Api) {
        let owner = api.owner().await;
        let milk = item(&owner, "MILK", "ml").await;
        let units = path(&format!("/items/{}/units", id(&milk)));
        let post = async |body: Value| owner.post(&units, body).await;
        post(json!({ "unit": "g", "quantity": "1.033", "of": "ml" })).await.ok(201);
        post(json!({ "unit": "ml", "num": 2, "den": 1 })).await.refused(409, "already_exists");
        post(json!({ "unit": "g", "num": 2, "den": 1 })).await.refused(409, "already_exists");
        post(json!({ "unit": "kg", "quantity": "1033", "of": "ml" })).await.refused(409, "already_exists");
        post(json!({ "unit": "kg", "quantity": "1030", "of": "ml" })).await.refused(409, "conversion_conflict");
        post(json!({ "unit": "l", "quantity": "999", "of": "ml" })).await.refused(409, "conversion_conflict");
        let refused = post(json!({ "unit": "ninth", "num": 1, "den": 9 })).await;
        assert!(refused.body["detail"].as_str().expect("advice").contains("smaller unit"), "{}", refused.text);
        assert_eq!(codes(&refused), one("/num", "unit_not_exact"));
        assert_eq!(codes(&post(json!({ "unit": "drop", "quantity": "0.0000001", "of": "ml" })).await), one("/quantity", "too_precise"));
        assert_eq!(codes(&post(json!({ "unit": "lake", "quantity": "1000000000", "of": "l" })).await), one("/quantity", "out_of_range"));
        assert_eq!(codes(&post(json!({ "unit": "box", "quantity": "1", "of": "each" })).await), one("/of", "unit_not_found"));
        assert_eq!(codes(&post(json!({ "unit": "box" })).await), one("", "exactly_one"));
        // Nor does a general unit give it a second one.
        post(json!({ "unit": "crate", "quantity": "6", "of": "l" })).await.ok(201);
        let crate_ = json!({ "code": "crate", "name": "Crate", "dimension": "volume", "quantity": "8", "of": "l" });
        owner.post(&path("/units"), crate_.clone()).await.refused(409, "conversion_conflict");
        owner.delete(&format!("{units}/crate"), None).await;
        owner.post(&path("/units"), crate_).await.ok(201);
    }

    async fn two_meanings_at_once_are_one_too_many(api: Api) {
        let owner = api.owner().await;
        for round in 0..5 {
            let code = format!("tray{round}");
            let flat = item(&owner, &format!("FLAT{round}"), "each").await;
            let (of_item, general) = (path(&format!("/items/{}/units", id(&flat))), path("/units"));
            let (own, general) = futures::join!(
                owner.post(&of_item, json!({ "unit": code, "num": 12, "den": 1 })),
                owner.post(&general, json!({ "code": code, "name": "Tray", "dimension": "count", "num": 30, "den": 1 })),
            );
            let statuses = (own.status, general.status);
            assert!(statuses == (201, 409) || statuses == (409, 201), "{} {}", own.text, general.text);
        }
    }

    async fn an_item_has_a_bounded_number_of_units(api: Api) {
        let owner = api.owner().await;
        let screws = item(&owner, "SCREW", "each").await;
        let units = format!("/items/{}/units", id(&screws));
        for number in 0..100 {
            make(&owner, &units, json!({ "unit": format!("box{number}"), "num": number + 1, "den": 1 })).await;
        }
        owner.post(&path(&units), json!({ "unit": "more", "num": 1, "den": 1 })).await.refused(409, "too_many_units");
    }

    async fn a_quantity_converts_exactly(api: Api) {
        let owner = api.owner().await;
        let milk = item(&owner, "MILK", "ml").await;
        let convert = async |query: &str| owner.get(&path(&format!("/items/{}/convert?{query}", id(&milk)))).await;
        assert_eq!(codes(&convert("quantity=1&from=g&to=l").await), one("?from", "unit_not_found"));
        make(&owner, &format!("/items/{}/units", id(&milk)), json!({ "unit": "g", "num": 1033, "den": 1000 })).await;
        // C21 of the published cases (grocy#1663): 100 g at 1.033 ml/g are 0.1033 l, not 103.3 l.
        let expected = json!({ "quantity": "100", "from": "g", "to": "l", "numerator": "1033", "denominator": "10000", "rounded": "0.1033" });
        assert_eq!(convert("quantity=100&from=g&to=l").await.ok(200), expected);
        for (query, numerator, denominator, rounded) in [
            ("quantity=1&from=ml&to=ml", "1", "1", "1"),
            ("quantity=2&from=cup_us&to=fl_oz_us", "16", "1", "16"),
            ("quantity=1&from=ml&to=g", "1000", "1033", "0.968054"),
            ("quantity=0.000001&from=ml&to=l", "1", "1000000000", "0"),
            ("quantity=0.0005&from=ml&to=l", "1", "2000000", "0.000001"),
            ("quantity=1000000000&from=kg&to=ml", "1033000000000", "1", "1033000000000"),
        ] {
            let answer = convert(query).await.ok(200);
            let found = (text(&answer["numerator"]), text(&answer["denominator"]), text(&answer["rounded"]));
            assert_eq!(found, (numerator.to_owned(), denominator.to_owned(), rounded.to_owned()), "{query}");
        }
        assert_eq!(codes(&convert("quantity=0&from=x&to=y&at=z").await), [one("?quantity", "not_positive"), one("?at", "unknown_field")].concat());
        assert_eq!(codes(&convert("quantity=1&from=x&to=each").await), [one("?from", "unit_not_found"), one("?to", "unit_not_found")].concat());
        assert_eq!(codes(&convert("quantity=1000000000&from=t&to=mg").await), one("?quantity", "out_of_range"));
    }

    async fn a_site_has_its_own_time_and_an_area_for_what_is_under_way(api: Api) {
        let owner = api.owner().await;
        let main = site(&owner, "main").await;
        let expected = json!({
            "id": main["id"], "kind": "site", "code": "main", "path": "main", "name": "main", "parent_id": null, "site_id": main["id"],
            "time_zone": "Europe/Paris", "day_starts_at": "00:00", "archived": false, "archived_at": null, "version": 1,
            "created_at": "2026-11-25T12:00:00Z", "updated_at": "2026-11-25T12:00:00Z",
        });
        assert_eq!(main, expected);
        let body = json!({ "kind": "site", "code": "bar", "name": "Bar", "time_zone": "America/New_York", "day_starts_at": "04:30" });
        let bar = make(&owner, "/locations", body).await;
        assert_eq!((&bar["time_zone"], &bar["day_starts_at"]), (&json!("America/New_York"), &json!("04:30")));
        let transit = get(&owner, "/locations?kind=transit").await;
        assert_eq!(column(&transit, "path"), ["bar/in-transit", "main/in-transit"]);
        let transit = &transit["data"][1];
        assert_eq!((&transit["parent_id"], &transit["site_id"]), (&main["id"], &main["id"]));

        let at = path(&format!("/locations/{}", id(transit)));
        for body in [json!({ "name": "Mine" }), json!({ "archived": true })] {
            owner.patch(&at, Some(1), body).await.refused(409, "transit_location");
        }
        let inside = json!({ "kind": "area", "code": "x", "name": "X", "parent": "main/in-transit" });
        assert_eq!(codes(&owner.post(&path("/locations"), inside).await), one("/parent", "not_an_area"));
        let own = json!({ "kind": "area", "code": "in-transit", "name": "X", "parent": "main" });
        assert_eq!(codes(&owner.post(&path("/locations"), own).await), one("/code", "reserved_code"));
        assert_eq!(receive(&owner, "main/in-transit", "X", "1").await.status, 422);
    }

    async fn areas_lie_in_sites_and_in_areas(api: Api) {
        let owner = api.owner().await;
        let main = site(&owner, "main").await;
        let cold = area(&owner, "main", "cold").await;
        assert_eq!((&cold["path"], &cold["parent_id"], &cold["site_id"], &cold["time_zone"]), (&json!("main/cold"), &main["id"], &main["id"], &Value::Null));
        let shelf = make(&owner, "/locations", json!({ "kind": "area", "code": "shelf_1", "name": "Shelf", "parent_id": cold["id"] })).await;
        assert_eq!((&shelf["path"], &shelf["parent_id"], &shelf["site_id"]), (&json!("main/cold/shelf_1"), &cold["id"], &main["id"]));

        let post = async |body: Value| owner.post(&path("/locations"), body).await;
        post(json!({ "kind": "area", "code": "cold", "name": "C", "parent": "main" })).await.refused(409, "already_exists");
        post(json!({ "kind": "site", "code": "main", "name": "M" })).await.refused(409, "already_exists");
        let nowhere = json!({ "kind": "area", "code": "x", "name": "X", "parent": "nowhere" });
        assert_eq!(codes(&post(nowhere).await), one("/parent", "location_not_found"));
        let nobody = json!({ "kind": "area", "code": "x", "name": "X", "parent_id": NOBODY });
        assert_eq!(codes(&post(nobody).await), one("/parent_id", "location_not_found"));
        assert_eq!(codes(&post(json!({ "kind": "area", "code": "x", "name": "X", "parent": "main", "parent_id": main["id"] })).await), one("", "exactly_one"));
        let wrong = json!({ "kind": "site", "code": "Main", "name": "", "time_zone": "Paris", "day_starts_at": "24:00", "colour": "red" });
        assert_eq!(codes(&post(wrong).await).len(), 5);

        let mut parent = "main".to_owned();
        for depth in 1..=8 {
            parent = text(&area(&owner, &parent, &format!("d{depth}")).await["path"]);
        }
        assert_eq!(codes(&post(json!({ "kind": "area", "code": "d9", "name": "D", "parent": parent })).await), one("/parent", "too_deep"));
        let long = "x".repeat(64);
        let mut parent = "main".to_owned();
        for _ in 1..=7 {
            parent = text(&area(&owner, &parent, &long).await["path"]);
        }
        assert_eq!(codes(&post(json!({ "kind": "area", "code": long, "name": "L", "parent": parent })).await), one("/code", "wrong_length"));
    }

    async fn locations_are_listed_by_path(api: Api) {
        let owner = api.owner().await;
        let (main, _) = (site(&owner, "main").await, site(&owner, "main-2").await);
        for (parent, code) in [("main", "b"), ("main", "a"), ("main/a", "x"), ("main-2", "c")] {
            area(&owner, parent, code).await;
        }
        let list = async |query: &str| column(&get(&owner, &format!("/locations{query}")).await, "path");
        let all_paths = ["main", "main-2", "main-2/c", "main-2/in-transit", "main/a", "main/a/x", "main/b", "main/in-transit"];
        assert_eq!(list("").await, all_paths);
        assert_eq!(list("?site=main&kind=area").await, ["main/a", "main/a/x", "main/b"]);
        assert_eq!(list(&format!("?site_id={}", id(&main))).await, ["main", "main/a", "main/a/x", "main/b", "main/in-transit"]);
        assert_eq!(list("?kind=site").await, ["main", "main-2"]);
        assert_eq!(list("?site=nowhere").await, Vec::<String>::new());
        assert_eq!(codes(&owner.get(&path(&format!("/locations?site=main&site_id={}", id(&main)))).await), one("?", "exactly_one"));
        let made = async |page: usize| {
            area(&owner, "main", &format!("a{page}")).await;
            area(&owner, "main", &format!("z{page}")).await;
        };
        let found = all(&owner, "/locations?limit=2", "path", made).await;
        assert!(found.is_sorted() && unique(&found).is_superset(&all_paths.into()), "{found:?}");
    }

    async fn a_location_is_patched_by_its_version(api: Api) {
        let owner = api.owner().await;
        let (main, cold) = (site(&owner, "main").await, area(&owner, "main", "cold").await);
        for location in [&main, &cold] {
            changes_by_version(&owner, &path(&format!("/locations/{}", id(location)))).await;
        }
        let at = |location: &Value| path(&format!("/locations/{}", id(location)));
        let changed = owner.patch(&at(&main), Some(3), json!({ "time_zone": "Asia/Tokyo", "day_starts_at": "05:00" })).await.ok(200);
        assert_eq!((&changed["time_zone"], &changed["day_starts_at"], &changed["path"]), (&json!("Asia/Tokyo"), &json!("05:00"), &json!("main")));
        assert_eq!(codes(&owner.patch(&at(&cold), Some(3), json!({ "time_zone": "Asia/Tokyo" })).await), one("/time_zone", "only_for_sites"));
        assert_eq!(codes(&owner.patch(&at(&cold), Some(3), json!({ "code": "warm", "day_starts_at": "5" })).await).len(), 2);
    }

    async fn a_location_in_use_is_not_archived(api: Api) {
        let owner = api.owner().await;
        let (main, cold, shelf) = (site(&owner, "main").await, area(&owner, "main", "cold").await, area(&owner, "main/cold", "shelf").await);
        item(&owner, "MILK", "ml").await;
        receive(&owner, "main/cold/shelf", "MILK", "10").await.ok(201);
        let archive = async |location: &Value, version: i64, archived: bool| {
            owner.patch(&path(&format!("/locations/{}", id(location))), Some(version), json!({ "archived": archived })).await
        };
        for location in [&main, &cold, &shelf] {
            archive(location, 1, true).await.refused(409, "location_has_stock");
        }
        throw_away(&owner, "main/cold/shelf", "MILK", "10").await.ok(201);
        archive(&main, 1, true).await.refused(409, "location_has_children");
        archive(&cold, 1, true).await.refused(409, "location_has_children");
        let archived = archive(&shelf, 1, true).await.ok(200);
        assert_eq!((&archived["archived"], &archived["archived_at"]), (&json!(true), &json!("2026-11-25T12:00:00Z")));
        assert_eq!(receive(&owner, "main/cold/shelf", "MILK", "1").await.violations(), one("/location", "location_archived"));
        archive(&cold, 1, true).await.ok(200);
        archive(&main, 1, true).await.ok(200);

        assert_eq!(get(&owner, "/locations").await["data"], json!([]));
        assert_eq!(column(&get(&owner, "/locations?archived=true").await, "path").len(), 4);
        let inside = json!({ "kind": "area", "code": "x", "name": "X", "parent": "main" });
        assert_eq!(codes(&owner.post(&path("/locations"), inside).await), one("/parent", "location_archived"));
        archive(&shelf, 2, false).await.refused(409, "parent_archived");
        archive(&main, 2, false).await.ok(200);
        assert_eq!(column(&get(&owner, "/locations").await, "path"), ["main", "main/in-transit"]);
        archive(&cold, 2, false).await.ok(200);
        archive(&shelf, 2, false).await.ok(200);
        receive(&owner, "main/cold/shelf", "MILK", "1").await.ok(201);
    }

    async fn who_is_limited_to_a_site_stays_in_it(api: Api) {
        let owner = api.owner().await;
        let (main, bar) = (site(&owner, "main").await, site(&owner, "bar").await);
        let cellar = area(&owner, "bar", "cellar").await;
        let manager = api.member("manager", Some(&[uuid(&main)])).await;
        assert_eq!(column(&get(&manager, "/locations").await, "path"), ["main", "main/in-transit"]);
        assert_eq!(get(&manager, &format!("/locations?site_id={}", id(&bar))).await["data"], json!([]));
        for hidden in [&bar, &cellar] {
            let at = path(&format!("/locations/{}", id(hidden)));
            manager.get(&at).await.refused(404, "not_found");
            manager.patch(&at, Some(1), json!({ "name": "Mine" })).await.refused(404, "not_found");
        }
        let post = async |body: Value| manager.post(&path("/locations"), body).await;
        post(json!({ "kind": "site", "code": "mine", "name": "Mine" })).await.refused(403, "forbidden");
        post(json!({ "kind": "area", "code": "mine", "name": "Mine", "parent": "bar" })).await.refused(403, "forbidden");
        post(json!({ "kind": "area", "code": "mine", "name": "Mine", "parent_id": cellar["id"] })).await.refused(403, "forbidden");
        let mine = post(json!({ "kind": "area", "code": "mine", "name": "Mine", "parent": "main" })).await.ok(201);
        manager.patch(&path(&format!("/locations/{}", id(&mine))), Some(1), json!({ "name": "Ours" })).await.ok(200);
    }

    async fn a_tenant_has_the_usual_reasons_and_makes_more(api: Api) {
        let owner = api.owner().await;
        let waste = all(&owner, "/reasons?limit=5&kind=waste", "code", async |_| {}).await;
        assert!(waste.is_sorted() && unique(&waste).contains("expired"), "{waste:?}");
        let body = json!({ "kind": "waste", "code": "dropped", "name": "Dropped", "stage": "service", "avoidable": false });
        let made = make(&owner, "/reasons", body).await;
        let expected = json!({
            "id": made["id"], "kind": "waste", "code": "dropped", "name": "Dropped", "stage": "service", "avoidable": false, "archived": false,
            "archived_at": null, "version": 1, "created_at": "2026-11-25T12:00:00Z", "updated_at": "2026-11-25T12:00:00Z",
        });
        assert_eq!(made, expected);
        let usual = make(&owner, "/reasons", json!({ "kind": "adjust", "code": "dropped", "name": "Dropped" })).await;
        assert_eq!((&usual["stage"], &usual["avoidable"]), (&Value::Null, &json!(true)));
        owner.post(&path("/reasons"), json!({ "kind": "adjust", "code": "dropped", "name": "D" })).await.refused(409, "already_exists");
        let wrong = json!({ "kind": "theft", "code": "A", "name": "", "stage": "home", "avoidable": 1 });
        assert_eq!(codes(&owner.post(&path("/reasons"), wrong).await).len(), 5);
        let made = async |page: usize| {
            make(&owner, "/reasons", json!({ "kind": "adjust", "code": format!("a{page}"), "name": "A" })).await;
            make(&owner, "/reasons", json!({ "kind": "reversal", "code": format!("z{page}"), "name": "Z" })).await;
        };
        let found = all(&owner, "/reasons?limit=4", "id", made).await;
        assert!(unique(&found).len() > waste.len() + 1);
    }

    async fn a_reason_is_patched_by_its_version(api: Api) {
        let owner = api.owner().await;
        let made = make(&owner, "/reasons", json!({ "kind": "waste", "code": "dropped", "name": "Dropped", "stage": "service" })).await;
        let at = path(&format!("/reasons/{}", id(&made)));
        changes_by_version(&owner, &at).await;
        let changed = owner.patch(&at, Some(3), json!({ "stage": null, "avoidable": false, "archived": true })).await.ok(200);
        let expected = (&Value::Null, &json!(false), &json!(true), &json!("2026-11-25T12:00:00Z"));
        assert_eq!((&changed["stage"], &changed["avoidable"], &changed["archived"], &changed["archived_at"]), expected);
        assert_eq!(column(&get(&owner, "/reasons?archived=true").await, "code"), ["dropped"]);
        assert!(!column(&get(&owner, "/reasons?kind=waste").await, "code").contains(&"dropped".to_owned()));
        let back = owner.patch(&at, Some(4), json!({ "archived": false, "stage": "plate" })).await.ok(200);
        assert_eq!((&back["archived"], &back["stage"]), (&json!(false), &json!("plate")));
        assert_eq!(codes(&owner.patch(&at, Some(5), json!({ "avoidable": null, "kind": "adjust" })).await).len(), 2);
    }

    async fn a_request_under_a_key_is_done_once(api: Api) {
        let owner = api.owner().await;
        let unit = |code: &str| json!({ "code": code, "name": "U", "dimension": "count", "num": 7, "den": 1 });
        is_done_once(&owner, "/units", unit("a"), unit("b")).await;
        let owner = api.member("manager", None).await;
        let item = |sku: &str| json!({ "sku": sku, "name": "I", "base_unit": "g" });
        is_done_once(&owner, "/items", item("A"), item("B")).await;
        let made = make(&owner, "/items", item("C")).await;
        let owner = api.member("manager", None).await;
        let pack = |unit: &str| json!({ "unit": unit, "num": 7, "den": 1 });
        is_done_once(&owner, &format!("/items/{}/units", id(&made)), pack("p"), pack("q")).await;
        let owner = api.member("manager", None).await;
        let site = |code: &str| json!({ "kind": "site", "code": code, "name": "S" });
        is_done_once(&owner, "/locations", site("s"), site("t")).await;
        let owner = api.member("manager", None).await;
        let reason = |code: &str| json!({ "kind": "return", "code": code, "name": "R" });
        is_done_once(&owner, "/reasons", reason("r"), reason("s")).await;
    }

    async fn one_key_in_parallel_makes_one_item(api: Api) {
        let owner = api.owner().await;
        let body = json!({ "sku": "ONE", "name": "One", "base_unit": "g" });
        let at = path("/items");
        let replies = futures::future::join_all((0..16).map(|_| owner.post_with_key(&at, "same", body.clone()))).await;
        let made: BTreeSet<_> = replies.iter().filter(|reply| reply.status == 201).map(|reply| id(&reply.body)).collect();
        assert_eq!(made.len(), 1);
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.code() == "idempotency_in_progress"));
        assert_eq!(get(&owner, "/items").await["data"].as_array().expect("rows").len(), 1);
    }

    async fn a_cursor_of_nowhere_is_refused(api: Api) {
        let owner = api.owner().await;
        let made = item(&owner, "A", "g").await;
        let lists = ["/units", "/items", "/items?updated_since=2026-01-01T00:00:00Z", "/locations", "/reasons", &format!("/items/{}/units", id(&made))];
        for list in lists {
            let joint = if list.contains('?') { '&' } else { '?' };
            for cursor in ["x", "", "eyJhIjoxfQ", "MQ"] {
                owner.get(&path(&format!("{list}{joint}cursor={cursor}"))).await.refused(400, "invalid_cursor");
            }
            assert_eq!(codes(&owner.get(&path(&format!("{list}{joint}limit=501"))).await), one("?limit", "invalid_limit"));
            assert_eq!(codes(&owner.get(&path(&format!("{list}{joint}colour=red"))).await), one("?colour", "unknown_field"));
        }
        // A cursor of one order is none of the other.
        item(&owner, "B", "g").await;
        let by_sku = text(&get(&owner, "/items?limit=1").await["next_cursor"]);
        owner.get(&path(&format!("/items?updated_since=2026-01-01T00:00:00Z&cursor={by_sku}"))).await.refused(400, "invalid_cursor");
    }

    async fn nobody_comes_in_without_a_token_and_a_viewer_changes_nothing(api: Api) {
        let owner = api.owner().await;
        let mut things = Vec::new();
        for (list, body) in bodies() {
            things.push((list, body.clone(), make(&owner, list, body).await));
        }
        let viewer = api.member("viewer", None).await;
        let staff = api.member("staff", None).await;
        for (list, body, thing) in things {
            let at = path(&format!("{list}/{}", id(&thing)));
            api.get(&path(list)).await.refused(401, "token_invalid");
            api.get(&at).await.refused(401, "token_invalid");
            api.post(&path(list), body.clone()).await.refused(401, "token_invalid");
            api.call("PATCH", &at).header("If-Match", "*").json(&json!({ "name": "X" })).send().await.refused(401, "token_invalid");
            for reader in [&viewer, &staff] {
                reader.get(&path(list)).await.ok(200);
                assert_eq!(reader.get(&at).await.ok(200), thing);
                reader.post(&path(list), body.clone()).await.refused(403, "forbidden");
                reader.patch(&at, Some(1), json!({ "name": "X" })).await.refused(403, "forbidden");
            }
        }
        let made = item(&owner, "PACKED", "g").await;
        let (units, pack) = (path(&format!("/items/{}/units", id(&made))), json!({ "unit": "pack", "num": 7, "den": 1 }));
        owner.post(&units, pack.clone()).await.ok(201);
        let convert = path(&format!("/items/{}/convert?quantity=1&from=pack&to=g", id(&made)));
        for at in [&units, &convert] {
            api.get(at).await.refused(401, "token_invalid");
            viewer.get(at).await.ok(200);
        }
        api.post(&units, pack.clone()).await.refused(401, "token_invalid");
        viewer.post(&units, pack).await.refused(403, "forbidden");
        api.call("DELETE", &format!("{units}/pack")).send().await.refused(401, "token_invalid");
        viewer.delete(&format!("{units}/pack"), None).await.refused(403, "forbidden");
    }

    async fn what_is_another_tenants_is_not_there(api: Api) {
        let owner = api.owner().await;
        let other = api.other_tenant().await;
        for (list, body) in bodies() {
            let made = make(&owner, list, body.clone()).await;
            let at = path(&format!("{list}/{}", id(&made)));
            other.get(&at).await.refused(404, "not_found");
            other.patch(&at, Some(1), json!({ "name": "Mine" })).await.refused(404, "not_found");
            other.get(&path(&format!("{list}/{NOBODY}"))).await.refused(404, "not_found");
            other.get(&path(&format!("{list}/no-id"))).await.refused(404, "not_found");
            assert!(!column(&get(&other, &format!("{list}?limit=500")).await, "id").contains(&id(&made)));
            assert_eq!(get(&owner, &format!("{list}/{}", id(&made))).await, made);
            // The same code is free there.
            make(&other, list, body).await;
        }
        let made = item(&owner, "PACKED", "g").await;
        let units = path(&format!("/items/{}/units", id(&made)));
        owner.post(&units, json!({ "unit": "pack", "num": 7, "den": 1 })).await.ok(201);
        other.get(&units).await.refused(404, "not_found");
        other.post(&units, json!({ "unit": "mine", "num": 7, "den": 1 })).await.refused(404, "not_found");
        other.delete(&format!("{units}/pack"), None).await.refused(404, "not_found");
        other.get(&path(&format!("/items/{}/convert?quantity=1&from=g&to=kg", id(&made)))).await.refused(404, "not_found");
        // Nor can it be named from there.
        let main = get(&owner, "/locations?kind=site").await["data"][0]["id"].clone();
        let inside = json!({ "kind": "area", "code": "x", "name": "X", "parent_id": main });
        assert_eq!(codes(&other.post(&path("/locations"), inside).await), one("/parent_id", "location_not_found"));
        make(&owner, "/units", json!({ "code": "ours", "name": "O", "dimension": "mass", "num": 1, "den": 1 })).await;
        let by_ours = json!({ "sku": "X", "name": "X", "base_unit": "ours" });
        assert_eq!(codes(&other.post(&path("/items"), by_ours).await), one("/base_unit", "unit_not_found"));
    }
}

/// One of each that has a name and an id.
fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        ("/units", json!({ "code": "tub", "name": "Tub", "dimension": "volume", "num": 7, "den": 1 })),
        ("/items", json!({ "sku": "TUB", "name": "Tub", "base_unit": "g" })),
        ("/locations", json!({ "kind": "site", "code": "tub", "name": "Tub" })),
        ("/reasons", json!({ "kind": "waste", "code": "tub", "name": "Tub" })),
    ]
}
