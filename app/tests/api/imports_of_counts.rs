//! Counts from files.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text};
use crate::support::{Api, Reply, fresh};

const PATH: &str = "/v1/inventory/imports/counts";

async fn import(kitchen: &Kitchen, query: &str, file: impl Into<Vec<u8>>) -> Reply {
    kitchen.owner.post_csv(&format!("{PATH}?{query}"), file).await
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

/// Of each row: its line, what the ledger says, what was counted, and the variance.
fn lines(report: &Value) -> Vec<(i64, String, String, String)> {
    let of = |row: &Value| (row["line"].as_i64().expect("a line"), text(&row["system"]), text(&row["counted"]), text(&row["variance"]));
    report["lines"].as_array().expect("lines").iter().map(of).collect()
}

fn line(number: i64, system: &str, counted: &str, variance: &str) -> (i64, String, String, String) {
    (number, system.to_owned(), counted.to_owned(), variance.to_owned())
}

both_engines! {
    async fn a_file_becomes_one_posted_count_for_each_area(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.item("MILK", json!({ "base_unit": "ml" })).await;
        kitchen.item("SALT", json!({})).await;
        kitchen.receive_at("2026-11-24T09:00:00Z", json!([
            { "sku": "EGG", "quantity": "10", "line_total": "4" }, { "sku": "MILK", "quantity": "2", "unit": "l", "line_total": "2" },
            { "sku": "SALT", "quantity": "3", "line_total": "3" },
        ])).await;
        kitchen.owner.post("/v1/inventory/receipts", json!({ "location": DRY_STORE, "lines": [{ "sku": "EGG", "quantity": "4", "line_total": "2" }] })).await.ok(201);
        let file = "sku,quantity,unit,location\nEGG,8,,\nMILK,1.5,l,\nEGG,5,,main/dry-store\n";
        let tried = kitchen.owner.call("POST", &format!("{PATH}?location={WALK_IN}&dry_run=true")).body("text/csv", file).send().await.ok(200);
        let told = [line(2, "10", "8", "-2"), line(3, "2000", "1500", "-500"), line(4, "4", "5", "1")];
        assert_eq!((lines(&tried), &tried["documents"]), (told.to_vec(), &json!([])));
        let worth: Vec<_> = tried["lines"].as_array().expect("lines").iter().map(|row| text(&row["value"])).collect();
        assert_eq!(worth, ["-0.8", "-0.5", "0.5"]);
        assert_eq!(kitchen.ledger().await.len(), 4);
        assert_eq!(kitchen.owner.get("/v1/inventory/counts").await.ok(200)["data"], json!([]));

        let report = import(&kitchen, &format!("location={WALK_IN}"), file).await.ok(201);
        assert_eq!((lines(&report), report["lines"].clone()), (told.to_vec(), tried["lines"].clone()));
        let posted: Vec<_> = report["documents"].as_array().expect("documents").iter().map(|document| (text(&document["number"]), text(&document["location"]), document["lines"].as_i64())).collect();
        assert_eq!(posted, [("C-000001".to_owned(), WALK_IN.to_owned(), Some(2)), ("C-000002".to_owned(), DRY_STORE.to_owned(), Some(1))]);
        assert_eq!(kitchen.on_hand("EGG").await, ("13".to_owned(), "5.7".to_owned()));
        assert_eq!(kitchen.on_hand("MILK").await.0, "1500");
        // What the file does not name stays as it is.
        assert_eq!(kitchen.on_hand("SALT").await.0, "3");
        let counts = kitchen.owner.get("/v1/inventory/counts").await.ok(200);
        let states: Vec<_> = counts["data"].as_array().expect("counts").iter().map(|count| (text(&count["status"]), text(&count["location"]))).collect();
        assert_eq!(states, [("posted".to_owned(), DRY_STORE.to_owned()), ("posted".to_owned(), WALK_IN.to_owned())]);
        // It is kept true, as every count.
        let late = json!({ "location": WALK_IN, "effective_at": "2026-11-25T09:00:00Z", "lines": [{ "sku": "EGG", "quantity": "1", "line_total": "1" }] });
        kitchen.owner.post("/v1/inventory/receipts", late).await.refused(409, "counted_since");
        import(&kitchen, &format!("location={WALK_IN}"), file).await.refused(409, "import_repeated");
    }

    async fn zero_is_what_was_counted_and_a_time_may_be_said(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive_at("2026-11-24T09:00:00Z", json!([{ "sku": "EGG", "quantity": "10", "line_total": "4" }])).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": "1", "line_total": "1" }])).await;
        let report = import(&kitchen, &format!("location={WALK_IN}&effective_at=2026-11-24T20:00:00Z"), "sku,quantity\nEGG,0\n").await.ok(201);
        assert_eq!((lines(&report), &report["skipped"]), (vec![line(2, "10", "0", "-10")], &json!([])));
        // What came after the moment of the count is no part of it.
        assert_eq!(kitchen.on_hand("EGG").await, ("1".to_owned(), "1".to_owned()));
        let ahead = import(&kitchen, &format!("location={WALK_IN}&effective_at=2026-11-26T20:00:00Z"), "sku,quantity\nEGG,1\n").await;
        assert_eq!(ahead.violations(), expected(&[("/effective_at", "effective_in_future")]));
        // An earlier count than a posted one does nothing, and says so.
        let earlier = import(&kitchen, &format!("location={WALK_IN}&effective_at=2026-11-24T10:00:00Z"), "sku,quantity\nEGG,3\n").await.ok(201);
        assert_eq!((&earlier["lines"][0]["superseded"], kitchen.on_hand("EGG").await.0), (&json!(true), "1".to_owned()));
    }

    async fn a_batch_code_names_the_lot_that_lies_there(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("HAM", json!({ "track_lots": true })).await;
        kitchen.receive(json!([
            { "sku": "HAM", "quantity": "5", "line_total": "5", "batch_code": "L1" }, { "sku": "HAM", "quantity": "5", "line_total": "10", "batch_code": "L2" },
        ])).await;
        kitchen.owner.post("/v1/inventory/receipts", json!({ "location": DRY_STORE, "lines": [{ "sku": "HAM", "quantity": "7", "line_total": "7", "batch_code": "L1" }] })).await.ok(201);
        let report = import(&kitchen, &format!("location={WALK_IN}"), "sku,quantity,batch_code\nHAM,3,L1\n").await.ok(201);
        assert_eq!(lines(&report), [line(2, "5", "3", "-2")]);
        assert!(report["lines"][0]["lot_id"].is_string());
        assert_eq!(kitchen.on_hand("HAM").await, ("15".to_owned(), "20".to_owned()));
        kitchen.receive(json!([{ "sku": "HAM", "quantity": "1", "line_total": "1", "batch_code": "L1" }])).await;
        let file = "Article,Pieces,Lot\nHAM,3,L1\nHAM,3,L9\nHAM,4,L2\nHAM,4,\n";
        let query = format!("location={WALK_IN}&sku_column=Article&quantity_column=Pieces&batch_code_column=Lot");
        let refused = import(&kitchen, &query, file).await;
        assert_eq!(refused.violations(), expected(&[
            ("/lines/2/Lot", "lot_ambiguous"), ("/lines/3/Lot", "lot_not_found"), ("/lines/4/Lot", "lot_beside_whole"), ("/lines/5/Lot", "lot_beside_whole"),
        ]));
        refused.refused(422, "invalid_request");
    }

    async fn a_wrong_row_is_told_by_its_line_and_the_rest_goes_in_where_that_is_wanted(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.item("TRUFFLE", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "8", "unit_price": "1" }])).await;
        let file = "Article,quantity,unit\nX,5,\nX,6,\nGHOST,1,\nX,-1,\nX,1,furlong\nTRUFFLE,1,\nX,,\nTRUFFLE,0,\n";
        let query = format!("location={WALK_IN}&sku_column=Article");
        let refused = import(&kitchen, &query, file).await;
        assert_eq!(refused.violations(), expected(&[
            ("/lines/3", "counted_twice"),
            ("/lines/4/Article", "item_not_found"),
            ("/lines/5/quantity", "negative"),
            ("/lines/6/unit", "unit_unknown"),
            ("/lines/7/quantity", "cost_required"),
            ("/lines/8/quantity", "required"),
            ("/lines/9", "counted_twice"),
        ]));
        refused.refused(422, "invalid_request");
        assert_eq!(kitchen.on_hand("X").await.0, "8");
        let report = import(&kitchen, &format!("{query}&on_error=skip"), file).await.ok(201);
        assert_eq!((report["posted"].as_i64(), lines(&report), report["skipped"].as_array().map(Vec::len)), (Some(1), vec![line(2, "8", "5", "-3")], Some(7)));
        assert_eq!(kitchen.on_hand("X").await.0, "5");
    }

    async fn two_areas_may_find_more_of_one_lot(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "10", "line_total": "4" }])).await;
        let report = import(&kitchen, "", "sku,quantity,location\nX,12,main/walk-in\nX,5,main/dry-store\n").await.ok(201);
        assert_eq!(lines(&report), [line(2, "10", "12", "2"), line(3, "0", "5", "5")]);
        assert_eq!(kitchen.on_hand("X").await, ("17".to_owned(), "6.8".to_owned()));
    }

    async fn whoever_counts_may_and_sees_no_costs_that_are_not_theirs(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "8", "unit_price": "1" }])).await;
        let path = format!("{PATH}?location={WALK_IN}");
        let file = "sku,quantity\nX,5\n";
        api.call("POST", &path).body("text/csv", file).send().await.refused(401, "token_invalid");
        api.member("viewer", None).await.post_csv(&path, file).await.refused(403, "forbidden");
        let elsewhere = kitchen.owner.post("/v1/inventory/locations", json!({ "kind": "site", "code": "bar", "name": "Bar" })).await.ok(201);
        let elsewhere: sea_orm::prelude::Uuid = text(&elsewhere["id"]).parse().expect("an id");
        let limited = api.member("staff", Some(&[elsewhere])).await;
        limited.post_csv(&path, file).await.refused(403, "forbidden");
        let report = limited.post_csv(&format!("{path}&on_error=skip"), file).await.ok(201);
        assert_eq!((&report["skipped"][0]["code"], &report["lines"]), (&json!("forbidden"), &json!([])));
        let staff = api.member("staff", None).await;
        let tried = staff.post_csv(&format!("{path}&dry_run=true"), file).await.ok(200);
        assert_eq!((&tried["lines"][0]["variance"], tried["lines"][0].get("value")), (&json!("-3"), None));
        let key = fresh("import");
        let send = || staff.call("POST", &path).header("Idempotency-Key", &key).body("text/csv", file).send();
        let (first, second) = (send().await, send().await);
        assert_eq!((first.status, second.status, second.header("idempotent-replayed")), (201, 201, "true"));
        assert_eq!((first.body["lines"][0].get("value"), &first.body), (None, &second.body));
        assert_eq!(kitchen.on_hand("X").await.0, "5");
        staff.call("POST", &path).body("text/csv", file).send().await.refused(400, "idempotency_key_required");
    }

    async fn the_warehouse_file_of_openboxes_can_be_counted_after_it_went_in(api: Api) {
        // Where the shared folder is missing, the tests above show the same on small files.
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/10-lots-expiry-warehouse-a.csv");
        let Ok(file) = std::fs::read(file) else { return };
        let kitchen = Kitchen::open(&api).await;
        let columns = format!("location={WALK_IN}&sku_column=Product%20code&batch_code_column=Lot%20number&quantity_column=Physical%20QOH");
        let opening = format!("/v1/inventory/imports/opening-stock?{columns}&name_column=Product%20name&expires_on_column=Expiration%20date&date_format=mm/dd/yyyy&create_items=true&ignore=*");
        kitchen.owner.post_csv(&opening, file.clone()).await.ok(201);
        // The nine rows of which there was nothing have made no item, or no lot.
        let report = import(&kitchen, &format!("{columns}&ignore=*&on_error=skip"), file).await.ok(201);
        assert!(lines(&report).iter().all(|(_, system, counted, variance)| system == counted && variance == "0"), "{report}");
        assert_eq!((report["posted"].as_i64(), report["skipped"].as_array().map(Vec::len)), (Some(48), Some(9)));
        assert_eq!(kitchen.ledger().await.len(), 48);
    }
}
