//! Deliveries from files.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text};
use crate::support::{Api, Reply};

const PATH: &str = "/v1/inventory/imports/receipts";
const COUNTS: &str = "/v1/inventory/imports/counts";

async fn import(kitchen: &Kitchen, query: &str, file: impl Into<Vec<u8>>) -> Reply {
    kitchen.owner.post_csv(&format!("{PATH}?{query}"), file).await
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

/// Of each document: number, location, reference, number of lines.
fn documents(report: &Value) -> Vec<(String, String, String, i64)> {
    let of = |document: &Value| {
        (text(&document["number"]), text(&document["location"]), text(&document["external_ref"]), document["lines"].as_i64().expect("a number"))
    };
    report["documents"].as_array().expect("documents").iter().map(of).collect()
}

both_engines! {
    async fn a_delivery_is_added_and_a_count_is_compared(api: Api) {
        // H10, open-mercato#4105: a delivery of 5 onto 8 made 5, because its quantity was taken for the new total. Expected are 13;
        // a dry run of a count of 5 says 13, 5 and -8, and leaves 13.
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "8", "unit_price": "1" }])).await;
        let at = format!("location={WALK_IN}");
        let report = import(&kitchen, &at, "sku,quantity,unit_price\nX,5,1\n").await.ok(201);
        assert_eq!((report["posted"].as_i64(), documents(&report)), (Some(1), vec![("R-000002".to_owned(), WALK_IN.to_owned(), String::new(), 1)]));
        assert_eq!(kitchen.on_hand("X").await, ("13".to_owned(), "13".to_owned()));
        let tried = kitchen.owner.post_csv(&format!("{COUNTS}?{at}&dry_run=true"), "sku,quantity\nX,5\n").await.ok(200);
        let line = &tried["lines"][0];
        assert_eq!((&line["system"], &line["counted"], &line["variance"]), (&json!("13"), &json!("5"), &json!("-8")));
        assert_eq!(kitchen.on_hand("X").await.0, "13");
        assert_eq!(kitchen.ledger().await.len(), 2);
    }

    async fn rows_of_one_delivery_note_make_one_receipt_in_the_order_of_the_file(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("MILK", json!({ "base_unit": "ml" })).await;
        kitchen.owner.post(&format!("/v1/inventory/items/{}/units", text(&item["id"])), json!({ "unit": "case", "quantity": "12", "of": "l" })).await.ok(201);
        kitchen.item("EGG", json!({ "shelf_life_days": 3 })).await;
        let file = "sku;quantity;unit;unit_price;line_total;free;batch_code;expires_on;location;external_ref\n\
            MILK;2;case;11.40;;;L77;31.12.2026;main/dry-store;B\n\
            EGG;10;;;4;;;;;A\n\
            MILK;500;;;;sample;;;main/dry-store;B\n\
            EGG;0;;;4;;;;;A\n\
            EGG;1;;0.5;;;;;;\n\
            EGG;6;;0.5;;;;;;A\n";
        let query = format!("location={WALK_IN}&effective_at=2026-11-24T09:00:00Z");
        let report = import(&kitchen, &query, file).await.ok(201);
        let document = |number: &str, location: &str, external_ref: &str, lines| (number.to_owned(), location.to_owned(), external_ref.to_owned(), lines);
        assert_eq!(documents(&report), [document("R-000001", DRY_STORE, "B", 2), document("R-000002", WALK_IN, "A", 2), document("R-000003", WALK_IN, "", 1)]);
        assert_eq!(report["skipped"], json!([{ "line": 5, "column": "quantity", "code": "zero_quantity", "detail": "EGG: nothing delivered" }]));
        let receipt = kitchen.owner.get(&format!("/v1/inventory/receipts/{}", text(&report["documents"][0]["id"]))).await.ok(200);
        let lines = &receipt["document"]["lines"];
        assert_eq!((&receipt["document"]["type"], &receipt["document"]["external_ref"], &receipt["document"]["effective_at"]), (&json!("receipt"), &json!("B"), &json!("2026-11-24T09:00:00Z")));
        assert_eq!((&lines[0]["quantity"], &lines[0]["unit"], &lines[0]["unit_price"], &lines[0]["value"], &lines[0]["batch_code"], &lines[0]["expires_on"]), (&json!("2"), &json!("case"), &json!("11.4"), &json!("22.8"), &json!("L77"), &json!("2026-12-31")));
        assert_eq!((&lines[1]["free"], &lines[1]["value"]), (&json!("sample"), &json!("0")));
        let eggs = kitchen.owner.get(&format!("/v1/inventory/receipts/{}", text(&report["documents"][1]["id"]))).await.ok(200);
        // Counted from the day on which it came in.
        assert_eq!((&eggs["document"]["lines"][0]["expires_on"], &eggs["document"]["lines"][1]["value"]), (&json!("2026-11-27"), &json!("3")));
        assert_eq!(kitchen.on_hand("MILK").await, ("24500".to_owned(), "22.8".to_owned()));
        assert_eq!(kitchen.on_hand("EGG").await, ("17".to_owned(), "7.5".to_owned()));
        import(&kitchen, &query, file).await.refused(409, "import_repeated");
    }

    async fn a_row_is_refused_as_a_line_of_a_receipt_is_by_the_name_of_its_column(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.item("DATED", json!({ "track_expiry": true })).await;
        kitchen.item("BATCHED", json!({ "track_lots": true })).await;
        let file = "Article,Pieces,Price,Sum,Why,Lot,Area\n\
            X,1,1,,,,\n\
            X,1,1,2,,,\n\
            X,1,,,,,\n\
            X,1,0,,,,\n\
            X,1,-1,,,,\n\
            X,1,,,bargain,,\n\
            X,-1,1,,,,\n\
            DATED,1,1,,,,\n\
            BATCHED,1,1,,,,\n\
            GHOST,1,1,,,,\n\
            X,1,1,,,,main/cellar\n";
        let columns = "sku_column=Article&quantity_column=Pieces&unit_price_column=Price&line_total_column=Sum&free_column=Why&batch_code_column=Lot&location_column=Area";
        let query = format!("location={WALK_IN}&{columns}");
        let refused = import(&kitchen, &query, file).await;
        assert_eq!(refused.violations(), expected(&[
            ("/lines/3", "exactly_one"),
            ("/lines/4", "exactly_one"),
            ("/lines/5/Price", "zero_price_unconfirmed"),
            ("/lines/6/Price", "negative"),
            ("/lines/7/Why", "invalid_choice"),
            ("/lines/8/Pieces", "not_positive"),
            ("/lines/9/expires_on", "expiry_required"),
            ("/lines/10/Lot", "batch_code_required"),
            ("/lines/11/Article", "item_not_found"),
            ("/lines/12/Area", "location_not_found"),
        ]));
        refused.refused(422, "invalid_request");
        assert!(kitchen.ledger().await.is_empty());
        let report = import(&kitchen, &format!("{query}&on_error=skip&confirm_zero=true"), file).await.ok(201);
        assert_eq!((report["posted"].as_i64(), report["skipped"].as_array().map(Vec::len), kitchen.on_hand("X").await.0), (Some(2), Some(9), "2".to_owned()));
        // A file without any price says so once.
        let refused = import(&kitchen, &format!("location={WALK_IN}"), "sku,quantity\nX,1\nX,2\n").await;
        assert_eq!(refused.violations(), expected(&[("/lines/1", "column_missing")]));
        refused.refused(422, "invalid_request");
    }

    async fn what_a_count_did_not_see_is_taken_in_only_where_that_is_said(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "8", "unit_price": "1" }])).await;
        let files = [(PATH, "sku,quantity,unit_price\nX,5,1\n", "8"), ("/v1/inventory/imports/opening-stock", "sku,quantity\nX,5\n", "13")];
        for (path, file, counted) in files {
            kitchen.owner.post_csv(&format!("{COUNTS}?location={WALK_IN}"), format!("sku,quantity\nX,{counted}\n")).await.ok(201);
            let query = format!("{path}?location={WALK_IN}&effective_at=2026-11-25T09:00:00Z");
            let problem = kitchen.owner.post_csv(&query, file).await.refused(409, "counted_since");
            assert_eq!(problem["counts"].as_array().map(Vec::len), Some(1));
            kitchen.owner.post_csv(&format!("{query}&counted=not_included"), file).await.ok(201);
        }
        assert_eq!(kitchen.on_hand("X").await.0, "18");
    }

    async fn whoever_receives_may_and_nobody_into_a_closed_period(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let file = "sku,quantity,unit_price\nX,1,1\n";
        let path = format!("{PATH}?location={WALK_IN}");
        api.call("POST", &path).body("text/csv", file).send().await.refused(401, "token_invalid");
        api.member("viewer", None).await.post_csv(&path, file).await.refused(403, "forbidden");
        api.member("staff", None).await.post_csv(&path, file).await.ok(201);
        let yesterday = format!("{path}&repeat=true&effective_at=2026-11-24T12:00:00Z");
        api.member("staff", None).await.post_csv(&yesterday, file).await.refused(403, "forbidden");
        let other = api.other_tenant().await;
        assert_eq!(other.post_csv(&path, file).await.violations(), expected(&[("/location", "location_not_found")]));
        let period = kitchen.owner.post("/v1/inventory/periods", json!({ "last_day": "2026-11-24" })).await.ok(201);
        kitchen.owner.post(&format!("/v1/inventory/periods/{}/close", text(&period["id"])), json!({})).await.ok(200);
        kitchen.owner.post_csv(&yesterday, file).await.refused(409, "period_closed");
        let tomorrow = format!("{path}&repeat=true&effective_at=2026-11-26T12:00:00Z");
        let refused = kitchen.owner.post_csv(&tomorrow, file).await;
        assert_eq!(refused.violations(), expected(&[("/effective_at", "effective_in_future")]));
    }

    async fn many_rows_of_one_note_become_receipts_of_many_lines(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let rows = (0..1_001).map(|row| format!("X,{},1,{}\n", row + 1, if row % 2 == 0 { "EVEN" } else { "ODD" }));
        let file = std::iter::once("sku,quantity,unit_price,external_ref\n".to_owned()).chain(rows).collect::<String>();
        let report = import(&kitchen, &format!("location={WALK_IN}"), file).await.ok(201);
        let shapes: Vec<_> = documents(&report).into_iter().map(|(_, _, external_ref, lines)| (external_ref, lines)).collect();
        assert_eq!(shapes, [("EVEN".to_owned(), 500), ("EVEN".to_owned(), 1), ("ODD".to_owned(), 500)]);
        assert_eq!(kitchen.on_hand("X").await.0, (1_001 * 1_002 / 2).to_string());
    }

    async fn the_packages_of_openboxes_come_in_at_their_prices(api: Api) {
        // Where the shared folder is missing, the tests above show the same on small files.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let (Ok(stock), Ok(packages)) = (std::fs::read(folder.join("10-lots-expiry-warehouse-a.csv")), std::fs::read(folder.join("12-supplier-packages.csv"))) else { return };
        let kitchen = Kitchen::open(&api).await;
        let opening = format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&sku_column=Product%20code&quantity_column=Physical%20QOH&create_items=true&ignore=*");
        kitchen.owner.post_csv(&opening, stock).await.ok(201);
        let columns = "sku_column=Product%20Code&quantity_column=Quantity%20per%20Package&line_total_column=Package%20Price&ignore=*";
        let report = import(&kitchen, &format!("location={WALK_IN}&{columns}&on_error=skip"), packages).await.ok(201);
        assert_eq!((report["rows"].as_i64(), report["posted"].as_i64(), report["skipped"].as_array().map(Vec::len)), (Some(38), Some(33), Some(5)));
        assert!(report["skipped"].as_array().expect("rows").iter().all(|row| row["code"] == "item_not_found" && row["column"] == "Product Code"), "{report}");
        // 9,800 were there without a price, and a box of 980 at 372.40 comes onto them.
        assert_eq!(kitchen.on_hand("RV624").await, ("10780".to_owned(), "372.4".to_owned()));
    }
}
