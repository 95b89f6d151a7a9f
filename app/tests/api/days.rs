//! Business dates across changes of the clock, through HTTP: forward and back, where the hour at which days begin is skipped and
//! where it comes twice.

use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::receipts::{RECEIPTS, area, column};
use crate::support::kitchen::{Kitchen, text, waste_body};
use crate::support::{Api, Client};

const WASTE: &str = "/v1/inventory/waste";
const USAGE: &str = "/v1/inventory/usage";

/// A site of a zone whose days begin at a time, with one area; answers the path of that.
async fn shelf(owner: &Client, code: &str, zone: &str, day_starts_at: &str) -> String {
    let site = json!({ "kind": "site", "code": code, "name": code, "time_zone": zone, "day_starts_at": day_starts_at });
    owner.post("/v1/inventory/locations", site).await.ok(201);
    area(owner, code, "shelf").await;
    format!("{code}/shelf")
}

/// The business dates of a document and of each of its entries: one and the same.
#[track_caller]
fn business_date(posted: &Value) -> String {
    let date = text(&posted["document"]["business_date"]);
    assert!(column(&posted["entries"], "business_date").iter().all(|entry| *entry == date), "{posted}");
    date
}

/// Zone, start of days, and instants in the order of time with the date that each of them belongs to.
type Change = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CHANGES: [Change; 9] = [
    // Forward: 02:00 becomes 03:00 at 01:00Z, so 02:30 is skipped, and the day begins with the change.
    (
        "Europe/Paris",
        "02:30",
        &[
            ("2026-03-28T01:29:59.999999Z", "2026-03-27"),
            ("2026-03-28T01:30:00Z", "2026-03-28"),
            ("2026-03-29T00:59:59.999999Z", "2026-03-28"),
            ("2026-03-29T01:00:00Z", "2026-03-29"),
            ("2026-03-30T00:29:59.999999Z", "2026-03-29"),
            ("2026-03-30T00:30:00Z", "2026-03-30"),
        ],
    ),
    // Back: 02:30 comes at 00:30Z and at 01:30Z; the first begins the day, and it is not begun again.
    (
        "Europe/Paris",
        "02:30",
        &[
            ("2025-10-26T00:29:59.999999Z", "2025-10-25"),
            ("2025-10-26T00:30:00Z", "2025-10-26"),
            ("2025-10-26T01:10:00Z", "2025-10-26"),
            ("2025-10-26T01:30:00Z", "2025-10-26"),
            ("2025-10-27T01:29:59.999999Z", "2025-10-26"),
            ("2025-10-27T01:30:00Z", "2025-10-27"),
        ],
    ),
    // A start that no change touches moves with the wall clock: 04:00 is 03:00Z in winter and 02:00Z in summer.
    (
        "Europe/Paris",
        "04:00",
        &[
            ("2026-03-29T01:59:59.999999Z", "2026-03-28"),
            ("2026-03-29T02:00:00Z", "2026-03-29"),
            ("2026-10-24T02:00:00Z", "2026-10-24"),
            ("2026-10-25T02:59:59.999999Z", "2026-10-24"),
            ("2026-10-25T03:00:00Z", "2026-10-25"),
        ],
    ),
    // 2026-03-08, 02:00 EST becomes 03:00 EDT at 07:00Z.
    (
        "America/New_York",
        "02:30",
        &[
            ("2026-03-08T06:59:59.999999Z", "2026-03-07"),
            ("2026-03-08T07:00:00Z", "2026-03-08"),
            ("2026-03-09T06:29:59.999999Z", "2026-03-08"),
            ("2026-03-09T06:30:00Z", "2026-03-09"),
        ],
    ),
    // 2025-11-02, 02:00 EDT becomes 01:00 EST at 06:00Z: 01:30 comes at 05:30Z and at 06:30Z.
    (
        "America/New_York",
        "01:30",
        &[
            ("2025-11-02T05:29:59.999999Z", "2025-11-01"),
            ("2025-11-02T05:30:00Z", "2025-11-02"),
            ("2025-11-02T06:15:00Z", "2025-11-02"),
            ("2025-11-02T06:30:00Z", "2025-11-02"),
            ("2025-11-03T06:29:59.999999Z", "2025-11-02"),
            ("2025-11-03T06:30:00Z", "2025-11-03"),
        ],
    ),
    // Half an hour: 2025-10-05, 02:00 (+10:30) becomes 02:30 (+11) at 15:30Z of the 4th.
    (
        "Australia/Lord_Howe",
        "02:15",
        &[
            ("2025-10-04T15:29:59.999999Z", "2025-10-04"),
            ("2025-10-04T15:30:00Z", "2025-10-05"),
            ("2025-10-05T15:14:59.999999Z", "2025-10-05"),
            ("2025-10-05T15:15:00Z", "2025-10-06"),
        ],
    ),
    // And back: 2026-04-05, 02:00 (+11) becomes 01:30 (+10:30) at 15:00Z of the 4th.
    (
        "Australia/Lord_Howe",
        "01:45",
        &[
            ("2026-04-04T14:44:59.999999Z", "2026-04-04"),
            ("2026-04-04T14:45:00Z", "2026-04-05"),
            ("2026-04-04T15:05:00Z", "2026-04-05"),
            ("2026-04-04T15:15:00Z", "2026-04-05"),
            ("2026-04-05T15:14:59.999999Z", "2026-04-05"),
            ("2026-04-05T15:15:00Z", "2026-04-06"),
        ],
    ),
    // The 30th of December 2011 was left out as a whole: its business date is the four hours until the 31st begins.
    (
        "Pacific/Apia",
        "04:00",
        &[
            ("2011-12-30T09:59:59.999999Z", "2011-12-29"),
            ("2011-12-30T10:00:00Z", "2011-12-30"),
            ("2011-12-30T13:59:59.999999Z", "2011-12-30"),
            ("2011-12-30T14:00:00Z", "2011-12-31"),
        ],
    ),
    // Without changes since 2021, a day ahead of most: the date line between a place and UTC.
    ("Pacific/Apia", "00:00", &[("2026-04-04T10:59:59.999999Z", "2026-04-04"), ("2026-04-04T11:00:00Z", "2026-04-05")]),
];

both_engines! {
    async fn what_comes_in_and_what_goes_out_lies_on_the_day_of_its_site_whatever_the_clocks_do(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        for (index, (zone, day_starts_at, instants)) in CHANGES.into_iter().enumerate() {
            let place = shelf(owner, &format!("site{index}"), zone, day_starts_at).await;
            for (instant, expected) in instants {
                let receipt = json!({ "location": place, "effective_at": instant, "lines": [{ "sku": "EGG", "quantity": "2", "unit_price": "1" }] });
                let received = owner.post(RECEIPTS, receipt).await.ok(201);
                assert_eq!(business_date(&received), *expected, "{zone} {day_starts_at} {instant}");
                let mut waste = waste_body(json!([{ "sku": "EGG", "quantity": "1", "lot_id": received["entries"][0]["lot_id"] }]));
                (waste["location"], waste["effective_at"]) = (json!(place), json!(instant));
                assert_eq!(business_date(&owner.post(WASTE, waste).await.ok(201)), *expected, "{zone} {day_starts_at} {instant}");
            }
            // The stock at the end of a date holds all up to it: one piece for each instant that is not later.
            for (_, date) in instants {
                let stock = owner.get(&format!("/v1/inventory/stock?location={place}&as_of={date}")).await.ok(200);
                let until = instants.iter().filter(|(_, of)| of <= date).count();
                assert_eq!(stock["data"][0]["quantity"], json!(until.to_string()), "{zone} {day_starts_at} {date}");
            }
        }
    }

    async fn the_receipt_itself_reads_the_same_as_its_ledger(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        let place = shelf(owner, "paris", "Europe/Paris", "02:30").await;
        let receipt = json!({ "location": place, "effective_at": "2026-03-29T01:00:00Z", "lines": [{ "sku": "EGG", "quantity": "2", "unit_price": "1" }] });
        let posted = owner.post(RECEIPTS, receipt).await.ok(201);
        for (from, to, found) in [("2026-03-29", "2026-03-29", 1), ("2026-03-28", "2026-03-28", 0), ("2026-03-30", "2026-03-30", 0)] {
            let ledger = owner.get(&format!("/v1/inventory/ledger?from={from}&to={to}")).await.ok(200);
            assert_eq!(ledger["data"].as_array().map(Vec::len), Some(found), "{from}");
            let documents = owner.get(&format!("{RECEIPTS}?from={from}&to={to}")).await.ok(200);
            assert_eq!(documents["data"].as_array().map(Vec::len), Some(found), "{from}");
        }
        let read = owner.get(&format!("{RECEIPTS}/{}", text(&posted["document"]["id"]))).await.ok(200);
        assert_eq!(read["document"], posted["document"]);
    }

    async fn a_lot_expires_with_the_day_of_its_site(api: Api) {
        // H03, odoo#98368, openboxes#6163, openboxes#5155: Asia/Qatar is UTC+3. 2025-03-30T20:59:59Z is 23:59:59 of the last day,
        // 21:00:00Z is the next one.
        let kitchen = Kitchen::open(&api).await;
        let owner = &kitchen.owner;
        kitchen.item("EGG", json!({})).await;
        let place = shelf(owner, "doha", "Asia/Qatar", "00:00").await;
        let line = json!([{ "sku": "EGG", "quantity": "5", "unit_price": "1", "expires_on": "2025-03-30" }]);
        let receipt = json!({ "location": place, "effective_at": "2025-03-29T09:00:00Z", "lines": line });
        let posted = owner.post(RECEIPTS, receipt).await.ok(201);
        let lot = text(&posted["entries"][0]["lot_id"]);
        assert_eq!(posted["document"]["lines"][0]["expires_on"], json!("2025-03-30"));
        assert_eq!(owner.get(&format!("/v1/inventory/lots/{lot}")).await.ok(200)["expires_on"], json!("2025-03-30"));
        for (instant, expired) in [("2025-03-30T20:59:59Z", false), ("2025-03-30T21:00:00Z", true)] {
            let stock = owner.get(&format!("/v1/inventory/stock?include=lots&as_of={instant}")).await.ok(200)["data"][0]["lots"][0].clone();
            let status = if expired { "expired" } else { "ok" };
            assert_eq!((&stock["expires_on"], &stock["expired"], &stock["status"]), (&json!("2025-03-30"), &json!(expired), &json!(status)), "{instant}");
        }
        let usage = |at: &str, lot: Value| {
            json!({ "location": place, "purpose": "service", "effective_at": at, "lines": [{ "sku": "EGG", "quantity": "1", "lot_id": lot }] })
        };
        owner.post(USAGE, usage("2025-03-30T20:59:59Z", Value::Null)).await.ok(201);
        let short = owner.post(USAGE, usage("2025-03-30T21:00:00Z", Value::Null)).await.refused(409, "insufficient_stock");
        assert_eq!(short["short"][0]["available"], json!("0"));
        owner.post(USAGE, usage("2025-03-30T21:00:00Z", json!(lot))).await.refused(409, "lot_expired");
        let open = |at: &str| json!({ "location": place, "quantity": "1", "effective_at": at });
        let path = format!("/v1/inventory/lots/{lot}/open");
        owner.post(&path, open("2025-03-30T20:59:59Z")).await.ok(201);
        let refused = owner.post(&path, open("2025-03-30T21:00:00Z")).await.refused(409, "lot_expired");
        assert_eq!((&refused["lots"][0]["expires_on"], text(&refused["lot_id"]).parse::<Uuid>().is_ok()), (&json!("2025-03-30"), true));
    }
}
