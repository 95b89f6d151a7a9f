//! Opening stock from files.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::support::tables::texts;
use crate::support::{Api, Reply, fresh};

const PATH: &str = "/v1/inventory/imports/opening-stock";

/// The names of a warehouse's own columns.
const COLUMNS: &str = "sku_column=Product%20code&name_column=Product%20name&batch_code_column=Lot%20number&expires_on_column=Expiration%20date&quantity_column=Physical%20QOH&ignore=Bin%20location,OB%20QOH,Comment";

const FILE: &str = "\u{feff}Product code,Product name,Lot number,Expiration date,Bin location,OB QOH,Physical QOH,Comment\r\n\
    RV624,\"Tablet, 75mg\",0898984,12/31/2025,RACK-1,,9800,\r\n\
    TS894,\"Injection, 1mL\",00392/174,06/30/2025,RACK-1,,2000,\r\n\
    CR388,Tablet,3940,09/30/2023,RACK-1,,0,\r\n\
    JG794,\"Camera, Canon\",,,RACK-3,,2,\r\n";

async fn import(kitchen: &Kitchen, query: &str, file: impl Into<Vec<u8>>) -> Reply {
    kitchen.owner.post_csv(&format!("{PATH}?{query}"), file).await
}

fn codes(reply: &Reply) -> Vec<(String, String)> {
    reply.violations()
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

both_engines! {
    async fn a_warehouses_own_file_goes_in_with_lots_to_the_letter(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let query = format!("{COLUMNS}&location={WALK_IN}&date_format=mm/dd/yyyy&create_items=true");
        let report = import(&kitchen, &query, FILE).await.ok(201);
        assert_eq!((report["rows"].as_i64(), report["posted"].as_i64(), report["items_created"].as_i64()), (Some(4), Some(3), Some(3)));
        assert_eq!(report["skipped"], json!([{ "line": 4, "column": "Physical QOH", "code": "zero_quantity", "detail": "CR388: nothing on hand" }]));
        assert_eq!(report["documents"][0]["number"], "O-000001");
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots").await.ok(200);
        let lots: Vec<_> = stock["data"].as_array().expect("rows").iter().map(|row| {
            let lot = &row["lots"][0];
            (text(&row["sku"]), text(&row["quantity"]), lot["batch_code"].as_str().map(str::to_owned), lot["expires_on"].as_str().map(str::to_owned))
        }).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(lots, [
            ("JG794".to_owned(), "2".to_owned(), None, None),
            ("RV624".to_owned(), "9800".to_owned(), some("0898984"), some("2025-12-31")),
            ("TS894".to_owned(), "2000".to_owned(), some("00392/174"), some("2025-06-30")),
        ]);
        assert_eq!(stock["data"][0]["name"], "Camera, Canon");
        let document = kitchen.owner.get(&format!("/v1/inventory/documents/{}", text(&report["documents"][0]["id"]))).await.ok(200);
        assert_eq!((document["document"]["type"].as_str(), document["entries"].as_array().map(Vec::len)), (Some("opening_stock"), Some(3)));
    }

    async fn the_warehouse_file_of_openboxes_goes_in_whole(api: Api) {
        // Where the shared folder is missing, the file of the same shape above shows the same.
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/10-lots-expiry-warehouse-a.csv");
        let Ok(file) = std::fs::read(file) else { return };
        let kitchen = Kitchen::open(&api).await;
        let query = format!("{COLUMNS}&location={WALK_IN}&date_format=mm/dd/yyyy&create_items=true");
        let tried = import(&kitchen, &format!("{query}&dry_run=true"), file.clone()).await.ok(200);
        assert_eq!((tried["rows"].as_i64(), tried["posted"].as_i64(), tried["skipped"].as_array().map(Vec::len)), (Some(57), Some(48), Some(9)));
        assert!(kitchen.ledger().await.is_empty());
        let report = import(&kitchen, &query, file.clone()).await.ok(201);
        assert_eq!((report["rows"].as_i64(), report["posted"].as_i64()), (Some(57), Some(48)));
        assert!(report["skipped"].as_array().expect("rows").iter().all(|row| row["code"] == "zero_quantity"));
        assert_eq!(report["skipped"].as_array().map(Vec::len), Some(9));
        let units: i64 = kitchen.ledger().await.iter().map(|entry| text(&entry["quantity"]).parse::<i64>().expect("whole")).sum();
        assert_eq!(units, 198_656);
        for (batch, expires_on) in [("0898984", "2025-12-31"), ("00392/174", "2025-06-30"), ("003P218", "2023-01-31")] {
            let lots = kitchen.owner.get(&format!("/v1/inventory/lots?batch_code={batch}")).await.ok(200);
            assert_eq!((lots["data"].as_array().map(Vec::len), &lots["data"][0]["expires_on"]), (Some(1), &json!(expires_on)), "{batch}");
        }
        import(&kitchen, &query, file).await.refused(409, "import_repeated");
    }

    async fn the_same_bytes_again_are_refused_unless_that_is_wanted(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let query = format!("location={WALK_IN}");
        let file = "sku,quantity\nX,5\n";
        import(&kitchen, &query, file).await.ok(201);
        import(&kitchen, &query, file).await.refused(409, "import_repeated");
        import(&kitchen, &format!("{query}&repeat=true"), file).await.ok(201);
        assert_eq!(kitchen.on_hand("X").await.0, "10");
        // Other bytes are another file.
        import(&kitchen, &query, "sku,quantity\nX,6\n").await.ok(201);
        assert_eq!(kitchen.on_hand("X").await.0, "16");
    }

    async fn equal_files_at_the_same_time_go_in_once(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let import = |query: &'static str| import(&kitchen, query, "sku,quantity\nX,5\n");
        let both = futures::future::join_all((0..4).map(|_| import("location=main/walk-in"))).await;
        assert_eq!(both.iter().filter(|reply| reply.status == 201).count(), 1);
        assert!(both.iter().filter(|reply| reply.status != 201).all(|reply| reply.code() == "import_repeated"), "{both:?}");
        assert_eq!(kitchen.on_hand("X").await.0, "5");
        // Where that is wanted, all of them go in.
        for reply in futures::future::join_all((0..4).map(|_| import("location=main/walk-in&repeat=true"))).await {
            reply.ok(201);
        }
        assert_eq!(kitchen.on_hand("X").await.0, "25");
    }

    async fn a_row_without_a_place_makes_no_item(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let file = "sku,quantity,location\nHERE,1,main/walk-in\nNOWHERE,1,main/cellar\n";
        let report = import(&kitchen, "create_items=true&on_error=skip", file).await.ok(201);
        assert_eq!((report["items_created"].as_i64(), report["skipped"][0]["code"].as_str()), (Some(1), Some("location_not_found")));
        let items = kitchen.owner.get("/v1/inventory/items").await.ok(200);
        assert_eq!((items["data"].as_array().map(Vec::len), &items["data"][0]["sku"]), (Some(1), &json!("HERE")));
    }

    async fn the_same_key_answers_the_same_report(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let key = fresh("import");
        let send = || kitchen.owner.call("POST", &format!("{PATH}?location={WALK_IN}")).header("Idempotency-Key", &key).body("text/csv", "sku,quantity\nX,5\n").send();
        let (first, second) = (send().await, send().await);
        assert_eq!((first.status, second.status, second.header("idempotent-replayed")), (201, 201, "true"));
        assert_eq!(first.body, second.body);
        assert_eq!(kitchen.on_hand("X").await.0, "5");
        let other = kitchen.owner.call("POST", &format!("{PATH}?location={WALK_IN}")).header("Idempotency-Key", &key).body("text/csv", "sku,quantity\nX,6\n").send().await;
        other.refused(422, "idempotency_key_reused");
        kitchen.owner.call("POST", &format!("{PATH}?location={WALK_IN}")).body("text/csv", "sku,quantity\nX,7\n").send().await.refused(400, "idempotency_key_required");
    }

    async fn every_wrong_row_is_told_with_its_line_and_nothing_is_posted(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let file = "sku,quantity,unit,batch_code,expires_on\nX,5,,,\nX,-1,,,\nX,many,,,2026-02-30\n,1,,,\nGHOST,1,,,\nX,1,furlong,,\nX,0.0000001,,,\n";
        let refused = import(&kitchen, &format!("location={WALK_IN}"), file).await;
        assert_eq!(codes(&refused), expected(&[
            ("/lines/3/quantity", "not_positive"),
            ("/lines/4/quantity", "invalid_decimal"),
            ("/lines/4/expires_on", "invalid_date"),
            ("/lines/5/sku", "required"),
            ("/lines/6/sku", "item_not_found"),
            ("/lines/7/unit", "unit_unknown"),
            ("/lines/8/quantity", "too_precise"),
        ]));
        refused.refused(422, "invalid_request");
        assert!(kitchen.ledger().await.is_empty());
        let report = import(&kitchen, &format!("location={WALK_IN}&on_error=skip"), file).await.ok(201);
        assert_eq!((report["posted"].as_i64(), report["skipped"].as_array().map(Vec::len)), (Some(1), Some(7)));
        assert_eq!(kitchen.on_hand("X").await.0, "5");
    }

    async fn what_the_ledger_refuses_of_a_line_has_its_line_of_the_file(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("DATED", json!({ "track_expiry": true })).await;
        let file = "sku,quantity,expires_on\nDATED,5,2026-12-01\nDATED,6,\n";
        // All at once: what the row's cells say, what its names stand for, what the ledger's rules say.
        let refused = import(&kitchen, &format!("location={WALK_IN}"), &format!("{file}GHOST,1,\nDATED,x,\n")[..]).await;
        assert_eq!(codes(&refused), expected(&[("/lines/3/expires_on", "expiry_required"), ("/lines/4/sku", "item_not_found"), ("/lines/5/quantity", "invalid_decimal")]));
        let report = import(&kitchen, &format!("location={WALK_IN}&on_error=skip"), file).await.ok(201);
        assert_eq!((report["posted"].as_i64(), &report["skipped"][0]["line"]), (Some(1), &json!(3)));
        assert_eq!(kitchen.on_hand("DATED").await.0, "5");
    }

    async fn a_row_that_the_ledger_refuses_takes_back_the_documents_before_it(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.item("MILK", json!({ "track_expiry": true })).await;
        // Two documents, one for each area; of the second a row has no date.
        let file = "sku,quantity,location,expires_on\nX,5,main/walk-in,\nMILK,1,main/dry-store,2027-01-01\nMILK,2,main/dry-store,\nX,7,main/walk-in,\n";
        for query in ["on_error=refuse", "dry_run=true"] {
            let reply = import(&kitchen, query, file).await;
            assert_eq!(codes(&reply), expected(&[("/lines/4/expires_on", "expiry_required")]), "{query}");
            reply.refused(422, "invalid_request");
            assert!(kitchen.ledger().await.is_empty(), "{query}");
            let documents = kitchen.owner.get("/v1/inventory/documents").await.ok(200);
            assert_eq!(documents["data"], json!([]), "{query}");
        }
        // The same bytes were never taken in, and no number is gone.
        let tried = import(&kitchen, "on_error=skip&dry_run=true", file).await.ok(200);
        let report = import(&kitchen, "on_error=skip", file).await.ok(201);
        assert_eq!((&tried["posted"], &tried["skipped"]), (&report["posted"], &report["skipped"]));
        assert_eq!((&report["posted"], &report["skipped"][0]["line"], &report["skipped"][0]["code"]), (&json!(3), &json!(4), &json!("expiry_required")));
        let documents: Vec<_> = report["documents"].as_array().expect("documents").iter().map(|it| (text(&it["number"]), it["lines"].as_i64())).collect();
        assert_eq!(documents, [("O-000001".to_owned(), Some(2)), ("O-000002".to_owned(), Some(1))]);
        assert_eq!((kitchen.on_hand("X").await.0, kitchen.on_hand("MILK").await.0), ("12".to_owned(), "1".to_owned()));
    }

    async fn a_count_that_rows_of_several_documents_come_before_stops_being_true_once(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.item("Y", json!({})).await;
        let marked = async || texts(api.inventory_db(), "SELECT CAST(COUNT(*) AS TEXT) FROM count_truth WHERE marked_by IS NOT NULL").await.remove(0);
        import(&kitchen, &format!("location={WALK_IN}"), "sku,quantity\nY,9\n").await.ok(201);
        // Five hundred rows are one document: what was counted is in the second, then in the second and the third.
        for (rows, counted, of_y) in [(700, 9, 600..601), (1_200, 10, 501..1_200)] {
            kitchen.owner.post_csv(&format!("/v1/inventory/imports/counts?location={WALK_IN}"), format!("sku,quantity\nY,{counted}\n")).await.ok(201);
            let lines = (0..rows).map(|row| format!("{},1\n", if of_y.contains(&row) { "Y" } else { "X" }));
            let file = std::iter::once("sku,quantity\n".to_owned()).chain(lines).collect::<String>();
            let query = format!("location={WALK_IN}&effective_at=2026-11-25T09:00:00Z");
            let (before, marked_before) = (kitchen.ledger().await.len(), marked().await);
            let problem = import(&kitchen, &query, &file[..]).await.refused(409, "counted_since");
            assert_eq!(problem["counts"].as_array().map(Vec::len), Some(1));
            assert_eq!((kitchen.ledger().await.len(), marked().await), (before, marked_before));
            import(&kitchen, &format!("{query}&counted=not_included"), &file[..]).await.ok(201);
            assert_eq!((kitchen.ledger().await.len(), marked().await), (before + rows, if counted == 9 { "1" } else { "2" }.to_owned()));
        }
    }

    async fn a_dry_run_tells_what_would_happen_and_leaves_no_trace(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let query = format!("{COLUMNS}&location={WALK_IN}&date_format=mm/dd/yyyy&create_items=true");
        let tried = kitchen.owner.call("POST", &format!("{PATH}?{query}&dry_run=true")).body("text/csv", FILE).send().await.ok(200);
        assert_eq!((tried["dry_run"].as_bool(), tried["posted"].as_i64(), tried["items_created"].as_i64()), (Some(true), Some(3), Some(3)));
        assert_eq!(tried["documents"], json!([]));
        assert!(kitchen.ledger().await.is_empty());
        assert_eq!(kitchen.owner.get("/v1/inventory/items").await.ok(200)["data"], json!([]));
        let report = import(&kitchen, &query, FILE).await.ok(201);
        assert_eq!(report["skipped"], tried["skipped"]);
        assert_eq!(report["documents"][0]["number"], "O-000001");
    }

    async fn a_file_that_is_none_is_refused_with_line_and_reason(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let at = format!("location={WALK_IN}");
        let units = format!("{at}&create_items=true");
        let cases: [(&str, Vec<u8>, &str, &str); 13] = [
            (&at, Vec::new(), "", "empty_file"),
            (&at, b"sku,quantity\n".to_vec(), "", "empty_file"),
            (&at, b"sku,quantity\nX,1\nCaf\xe9,1\n".to_vec(), "/lines/3", "wrong_encoding"),
            (&at, b"sku,quantity\nX,1,2\n".to_vec(), "/lines/2", "wrong_column_count"),
            (&at, b"sku,quantity,colour\nX,1,red\n".to_vec(), "/lines/1", "unknown_column"),
            (&at, b"article,quantity\nX,1\n".to_vec(), "/lines/1", "column_missing"),
            (&at, b"sku,quantity,expires_on\nX,1,01/02/2026\n".to_vec(), "/lines/2/expires_on", "ambiguous_date"),
            (&at, b"sku,quantity,expires_on\nX,1,0000-01-01\n".to_vec(), "/lines/2/expires_on", "invalid_date"),
            (&at, b"sku,quantity,name\nX,1,\"foo\nX,2,bar\n".to_vec(), "/lines/2", "unreadable_csv"),
            (&at, b"sku,quantity,name\nX,1,\"foo\nbar\"\n".to_vec(), "/lines/2/name", "line_break"),
            (&units, b"sku,quantity,unit\nNEW,1,zorp\n".to_vec(), "/lines/2/unit", "unit_unknown"),
            (&at, b"sku,quantity,sku\nX,1,X\n".to_vec(), "", "column_given_twice"),
            ("", b"sku,quantity\nX,1\n".to_vec(), "?location", "required"),
        ];
        for (query, file, pointer, code) in cases {
            let refused = import(&kitchen, query, file).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            assert!(codes(&refused).contains(&(pointer.to_owned(), code.to_owned())), "{code}: {:?}", codes(&refused));
        }
        kitchen.owner.call("POST", &format!("{PATH}?{at}")).header("Idempotency-Key", "k").body("application/json", "{}").send().await.refused(415, "unsupported_media_type");
        assert!(kitchen.ledger().await.is_empty());
    }

    async fn semicolons_costs_units_and_locations_of_rows_are_understood(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let item = kitchen.item("MILK", json!({ "base_unit": "ml" })).await;
        kitchen.owner.post(&format!("/v1/inventory/items/{}/units", text(&item["id"])), json!({ "unit": "case", "quantity": "12", "of": "l" })).await.ok(201);
        let file = "sku;quantity;unit;unit_cost;location;expires_on\nMILK;2;case;11.40;main/dry-store;31.12.2026\nMILK;500;;;;\n";
        let report = import(&kitchen, &format!("location={WALK_IN}"), file).await.ok(201);
        let places: Vec<_> = report["documents"].as_array().expect("documents").iter().map(|document| text(&document["location"])).collect();
        assert_eq!(places.len(), 2);
        assert!(places.contains(&"main/dry-store".to_owned()) && places.contains(&WALK_IN.to_owned()));
        assert_eq!(kitchen.on_hand("MILK").await, ("24500".to_owned(), "22.8".to_owned()));
        let refused = import(&kitchen, "", "sku,quantity,location\nMILK,1,main/cellar\n").await;
        assert_eq!(codes(&refused), expected(&[("/lines/2/location", "location_not_found")]));
    }

    async fn many_rows_become_documents_of_many_lines(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let rows = (0..1_201).map(|row| format!("SKU{:04},{}\n", row % 700, row + 1));
        let file = std::iter::once("sku,quantity\n".to_owned()).chain(rows).collect::<String>();
        let report = import(&kitchen, &format!("location={WALK_IN}&create_items=true"), file).await.ok(201);
        let lines: Vec<_> = report["documents"].as_array().expect("documents").iter().filter_map(|document| document["lines"].as_i64()).collect();
        assert_eq!(lines, [500, 500, 201]);
        let ledger = kitchen.ledger().await;
        let total: i64 = ledger.iter().map(|entry| text(&entry["quantity"]).parse::<i64>().expect("whole")).sum();
        assert_eq!((ledger.len(), total), (1_201, 1_201 * 1_202 / 2));
        assert!(ledger.iter().zip(1..).all(|(entry, seq)| entry["seq"] == seq));
    }

    async fn rights_are_checked_before_anything_is_read(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let site: sea_orm::prelude::Uuid = text(&kitchen.site["id"]).parse().expect("an id");
        let path = format!("{PATH}?location={WALK_IN}");
        api.call("POST", &path).body("text/csv", "sku,quantity\nX,1\n").send().await.refused(401, "token_invalid");
        for role in ["viewer", "staff", "buyer"] {
            api.member(role, None).await.post_csv(&path, "sku,quantity\nX,1\n").await.refused(403, "forbidden");
        }
        let other = api.other_tenant().await;
        let refused = other.post_csv(&path, "sku,quantity\nX,1\n").await;
        assert_eq!(codes(&refused), expected(&[("/location", "location_not_found")]));
        // A manager of another site only.
        let elsewhere = kitchen.owner.post("/v1/inventory/locations", json!({ "kind": "site", "code": "bar", "name": "Bar" })).await.ok(201);
        let elsewhere: sea_orm::prelude::Uuid = text(&elsewhere["id"]).parse().expect("an id");
        let limited = api.member("manager", Some(&[elsewhere])).await;
        limited.post_csv(&path, "sku,quantity\nX,1\n").await.refused(403, "forbidden");
        let report = limited.post_csv(&format!("{path}&on_error=skip"), "sku,quantity\nX,1\n").await.ok(201);
        assert_eq!((report["posted"].as_i64(), report["skipped"][0]["code"].as_str()), (Some(0), Some("forbidden")));
        api.member("manager", Some(&[site])).await.post_csv(&path, "sku,quantity\nX,1\n").await.ok(201);
        assert_eq!(kitchen.on_hand("X").await.0, "1");
    }

    async fn a_file_past_the_limit_is_refused(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let file = vec![b'x'; 8 * 1024 * 1024 + 1];
        let key: Value = json!(fresh("key"));
        let reply = kitchen.owner.call("POST", &format!("{PATH}?location={WALK_IN}")).header("Idempotency-Key", key.as_str().expect("a key")).body("text/csv", file).send().await;
        reply.refused(413, "body_too_large");
    }
}
