//! Random scripts through HTTP: requests of every kind on SQLite, twenty thousand of them in the long run, and the same ones on Postgres. Both must say
//! the same, entry by entry (I17), and at the end the ledger must be what was posted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use kernel::Instant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde_json::{Value, json};

use crate::receipts::millionths;
use crate::replay::{Granted, done_again};
use crate::support::kitchen::{Kitchen, text};
use crate::support::{Api, Client, Engine, Reply, on, variable};

/// Ten with `LARDER_TEST_ALL_ORDERS`, which makes twenty thousand requests; else two.
fn number_of_scripts() -> u64 {
    if variable("LARDER_TEST_ALL_ORDERS").is_some() { 10 } else { 2 }
}
/// Some steps are several requests.
const STEPS: usize = 1_750;
const AREAS: [&str; 3] = ["main/walk-in", "main/dry-store", "ship/galley"];
const SKUS: [&str; 3] = ["FIRST-EXPIRED", "FIRST-IN", "BY-HAND"];

/// What a script knows of its tenant, from the answers that it got.
struct Script {
    kitchen: Kitchen,
    random: StdRng,
    /// Every lot with its item, in the order in which it came to be.
    lots: Vec<(String, String)>,
    documents: Vec<String>,
    receipts: Vec<String>,
    transfers: Vec<String>,
    reservations: Vec<String>,
    periods: Vec<String>,
    /// Ids by the order in which they were seen: those of two engines differ.
    seen: BTreeMap<String, usize>,
    transcript: Vec<String>,
    granted: Vec<Granted>,
    posted: usize,
}

impl Script {
    async fn open(kitchen: Kitchen, seed: u64) -> Self {
        let ship = json!({ "kind": "site", "code": "ship", "name": "Ship", "time_zone": "America/New_York", "day_starts_at": "00:00" });
        kitchen.owner.post("/v1/inventory/locations", ship).await.ok(201);
        kitchen.owner.post("/v1/inventory/locations", json!({ "kind": "area", "code": "galley", "name": "Galley", "parent": "ship" })).await.ok(201);
        for (sku, pick) in SKUS.iter().zip(["fefo", "fifo", "manual"]) {
            kitchen.item(sku, json!({ "pick": pick, "opened_shelf_life_days": 2 })).await;
        }
        Self {
            kitchen,
            random: StdRng::seed_from_u64(seed),
            lots: Vec::new(),
            documents: Vec::new(),
            receipts: Vec::new(),
            transfers: Vec::new(),
            reservations: Vec::new(),
            periods: Vec::new(),
            seen: BTreeMap::new(),
            transcript: Vec::new(),
            granted: Vec::new(),
            posted: 0,
        }
    }

    async fn run(mut self, requests: usize) -> Self {
        for _ in 0..requests {
            self.step().await;
        }
        self
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        list[self.random.random_range(0..list.len())]
    }

    fn area(&mut self) -> &'static str {
        self.of(&[AREAS[0], AREAS[0], AREAS[0], AREAS[1], AREAS[1], AREAS[2]])
    }

    /// An hour of the last ten days, or now.
    fn time(&mut self, body: &mut Value) {
        if self.random.random_bool(0.4) {
            body["effective_at"] = self.hour().into();
        }
        if self.random.random_bool(0.3) {
            body["counted"] = "not_included".into();
        }
    }

    fn hour(&mut self) -> String {
        let hour = self.random.random_range(0..240);
        format!("2026-11-{:02}T{:02}:00:00Z", 15 + hour / 24, hour % 24)
    }

    /// Small and large ones, with digits behind the point, so that splitting leaves crumbs.
    fn quantity(&mut self) -> String {
        let millionths = if self.random.random_bool(0.5) { self.random.random_range(1..=9_i64) } else { self.random.random_range(1..=3_000_000) };
        decimal(millionths)
    }

    fn amount(&mut self) -> String {
        let millionths = if self.random.random_bool(0.5) { self.random.random_range(0..=12_i64) } else { self.random.random_range(0..=5_000_000) };
        decimal(millionths)
    }

    fn line(&mut self, named: f64) -> Value {
        let sku = self.of(&SKUS);
        let mut line = json!({ "sku": sku, "quantity": self.quantity() });
        let by_hand = sku == SKUS[2] && self.random.random_bool(0.9);
        if (by_hand || self.random.random_bool(named))
            && let Some(lot) = self.lot_of(sku)
        {
            line["lot_id"] = lot.into();
        }
        line
    }

    fn lot_of(&mut self, sku: &str) -> Option<String> {
        let of_item: Vec<&String> = self.lots.iter().rev().filter(|(_, item)| item == sku).map(|(lot, _)| lot).take(8).collect();
        (!of_item.is_empty()).then(|| of_item[self.random.random_range(0..of_item.len())].clone())
    }

    fn lines(&mut self, named: f64) -> Vec<Value> {
        (0..self.random.random_range(1..3)).map(|_| self.line(named)).collect()
    }

    /// One of the last few of a list.
    fn recent(&mut self, list: &[String]) -> Option<String> {
        let last = list.len().min(6);
        (last > 0).then(|| list[list.len() - 1 - self.random.random_range(0..last)].clone())
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..24 => self.receive().await,
            24..33 => {
                let lines: Vec<Value> = self.lines(0.3).into_iter().map(|line| with(line, "reason", "spoiled")).collect();
                self.take("/waste", json!({ "lines": lines })).await;
            }
            33..45 => self.use_stock().await,
            45..48 => {
                let lines: Vec<Value> = self.lines(0.5).into_iter().map(|line| with(line, "reason", "quality")).collect();
                self.take("/vendor-returns", json!({ "lines": lines })).await;
            }
            48..55 => self.adjust().await,
            55..61 => self.transfer(true).await,
            61..64 => self.transfer(false).await,
            64..70 => self.transfer_step().await,
            70..76 => self.count().await,
            76..84 => self.reverse().await,
            84..87 => self.charge().await,
            87..89 => self.correct().await,
            89..91 => self.transform().await,
            91..93 => self.open_lot().await,
            93..95 => self.hold().await,
            95..97 => self.reserve().await,
            97..98 => self.release().await,
            _ => self.period().await,
        }
    }

    async fn receive(&mut self) {
        let mut lines = self.lines(0.0);
        for line in &mut lines {
            (line["line_total"], line["confirm_zero"]) = (self.amount().into(), true.into());
            if self.random.random_bool(0.6) {
                line["expires_on"] = format!("2026-11-{:02}", self.random.random_range(16..30)).into();
            }
        }
        let charges = json!([{ "label": "delivery", "amount": self.amount(), "basis": "value" }]);
        self.take("/receipts", json!({ "lines": lines, "charges": charges })).await;
    }

    async fn use_stock(&mut self) {
        let mut lines = self.lines(0.3);
        let reservations = self.reservations.clone();
        if self.random.random_bool(0.3)
            && let Some(reservation) = self.recent(&reservations)
        {
            lines[0]["reservation_id"] = reservation.into();
        }
        let on_short = self.of(&["refuse", "record"]);
        self.take("/usage", json!({ "purpose": "service", "on_short": on_short, "lines": lines })).await;
    }

    async fn adjust(&mut self) {
        let mut lines = self.lines(0.3);
        for line in &mut lines {
            line["reason"] = "found".into();
            let up = self.random.random_bool(0.6);
            line["quantity"] = format!("{}{}", if up { "+" } else { "-" }, text(&line["quantity"])).into();
            if up && self.random.random_bool(0.3) {
                line["unit_cost"] = self.amount().into();
                line.as_object_mut().expect("a line").remove("lot_id");
            }
        }
        self.take("/adjustments", json!({ "lines": lines })).await;
    }

    async fn take(&mut self, path: &str, mut body: Value) {
        body["location"] = self.area().into();
        self.time(&mut body);
        self.post(path, body).await;
    }

    async fn transfer(&mut self, direct: bool) {
        let (from, to) = (self.area(), self.area());
        let mut body = json!({ "from_location": from, "to_location": to, "direct": direct, "lines": self.lines(0.3) });
        if direct {
            self.time(&mut body);
        }
        let answer = self.post("/transfers", body).await;
        if let Some(id) = answer["transfer"]["id"].as_str().filter(|_| !direct) {
            self.transfers.push(id.to_owned());
            self.post(&format!("/transfers/{id}/dispatch"), json!({})).await;
        }
    }

    async fn transfer_step(&mut self) {
        let transfers = self.transfers.clone();
        let Some(id) = self.recent(&transfers) else { return };
        let mut body = json!({});
        if self.random.random_bool(0.5) {
            body["lines"] = json!([self.line(0.3)]);
        }
        let step = self.of(&["receive", "receive", "loss", "cancel"]);
        if step == "loss" {
            body["lines"] = json!([with(self.line(0.3), "reason", "lost")]);
        }
        if step == "cancel" {
            body = json!({});
        }
        self.post(&format!("/transfers/{id}/{step}"), body).await;
    }

    async fn count(&mut self) {
        let area = self.area();
        let answer = self.post("/counts", json!({ "location": area })).await;
        let Some(id) = answer["id"].as_str().map(str::to_owned) else { return };
        let line = with(with(self.line(0.2), "counted_at", &self.hour()), "quantity", &self.quantity());
        self.put(&format!("/counts/{id}/lines"), json!({ "lines": [line] })).await;
        let posted = self.post(&format!("/counts/{id}/post"), json!({})).await;
        if posted["document"].is_null() {
            self.post(&format!("/counts/{id}/cancel"), json!({})).await;
        }
    }

    async fn reverse(&mut self) {
        let documents = self.documents.clone();
        let Some(id) = self.recent(&documents) else { return };
        let mut body = json!({ "reason": "typing_error", "at": self.of(&["original", "original", "today"]) });
        if self.random.random_bool(0.3) {
            body["counted"] = "not_included".into();
        }
        self.post(&format!("/documents/{id}/reverse"), body).await;
    }

    async fn charge(&mut self) {
        let receipts = self.receipts.clone();
        let Some(id) = self.recent(&receipts) else { return };
        let sign = self.of(&["", "", "-"]);
        let amount = self.amount();
        let amount = if amount == "0" { amount } else { format!("{sign}{amount}") };
        self.post(&format!("/receipts/{id}/charges"), json!({ "charges": [{ "label": "later", "amount": amount, "basis": "quantity" }] })).await;
    }

    async fn correct(&mut self) {
        let receipts = self.receipts.clone();
        let Some(id) = self.recent(&receipts) else { return };
        let (quantity, total) = (self.quantity(), self.amount());
        self.post(&format!("/receipts/{id}/correct"), json!({ "line": 1, "quantity": quantity, "line_total": total })).await;
    }

    async fn transform(&mut self) {
        let (inputs, mut output) = (self.lines(0.3), self.line(0.0));
        output.as_object_mut().expect("a line").remove("lot_id");
        self.take("/transformations", json!({ "kind": "portion", "inputs": inputs, "outputs": [output] })).await;
    }

    async fn open_lot(&mut self) {
        let sku = self.of(&SKUS);
        let Some(lot) = self.lot_of(sku) else { return };
        let quantity = self.quantity();
        self.take(&format!("/lots/{lot}/open"), json!({ "quantity": quantity })).await;
    }

    async fn hold(&mut self) {
        let sku = self.of(&SKUS);
        let Some(lot) = self.lot_of(sku) else { return };
        let path = format!("/v1/inventory/lots/{lot}");
        let version = self.kitchen.owner.get(&path).await.ok(200)["version"].as_i64();
        let status = self.of(&["hold", "recall", "ok"]);
        let reply = self.kitchen.owner.patch(&path, version, json!({ "status": status })).await;
        self.note("hold", &reply);
    }

    async fn reserve(&mut self) {
        let body = json!({ "location": self.area(), "sku": self.of(&SKUS), "quantity": self.quantity() });
        let answer = self.post("/reservations", body).await;
        self.reservations.extend(answer["id"].as_str().map(str::to_owned));
    }

    async fn release(&mut self) {
        let reservations = self.reservations.clone();
        let Some(id) = self.recent(&reservations) else { return };
        let reply = self.kitchen.owner.delete(&format!("/v1/inventory/reservations/{id}"), None).await;
        self.note("release", &reply);
    }

    /// Closes a day more, or opens the last one again.
    async fn period(&mut self) {
        if self.random.random_bool(0.5)
            && let Some(id) = self.periods.last().cloned()
        {
            self.post(&format!("/periods/{id}/reopen"), json!({})).await;
            return;
        }
        let day = 15 + self.periods.len().min(3);
        let answer = self.post("/periods", json!({ "last_day": format!("2026-11-{day}") })).await;
        let id = answer["id"].as_str().map_or_else(|| self.periods.last().cloned(), |id| Some(id.to_owned()));
        let Some(id) = id else { return };
        if !self.periods.contains(&id) {
            self.periods.push(id.clone());
        }
        self.post(&format!("/periods/{id}/close"), json!({})).await;
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        let reply = self.kitchen.owner.post(&format!("/v1/inventory{path}"), body.clone()).await;
        self.keep("POST", path, body, &reply);
        self.note(path, &reply)
    }

    async fn put(&mut self, path: &str, body: Value) -> Value {
        let reply = self.kitchen.owner.call("PUT", &format!("/v1/inventory{path}")).json(&body).send().await;
        self.keep("PUT", path, body, &reply);
        self.note(path, &reply)
    }

    /// Keeps what was granted, to be done again.
    fn keep(&mut self, method: &'static str, path: &str, body: Value, reply: &Reply) {
        if (200..300).contains(&reply.status) {
            let answer = serde_json::from_str(&reply.text).unwrap_or(Value::Null);
            self.granted.push(Granted { method, path: path.to_owned(), body, answer });
        }
    }

    /// Keeps what an answer says, with ids replaced by their order, and what the next steps can be about.
    fn note(&mut self, path: &str, reply: &Reply) -> Value {
        assert!(reply.status < 500, "{path}: {} {}", reply.status, reply.text);
        let answer: Value = serde_json::from_str(&reply.text).unwrap_or(Value::Null);
        for entry in answer["entries"].as_array().into_iter().flatten() {
            let (lot, sku) = (text(&entry["lot_id"]), text(&entry["sku"]));
            if !self.lots.iter().any(|(known, _)| *known == lot) {
                self.lots.push((lot, sku));
            }
        }
        if let Some(id) = answer["document"]["id"].as_str() {
            self.posted += 1;
            self.documents.push(id.to_owned());
            if answer["document"]["type"] == "receipt" {
                self.receipts.push(id.to_owned());
            }
        }
        let mut said = answer.clone();
        for name in ["detail", "request_id", "content_hash", "chain_hash"] {
            said.as_object_mut().map(|said| said.remove(name));
            said["document"].as_object_mut().map(|document| document.remove(name));
        }
        self.rename(&mut said);
        // What a path has of ids is left out: they differ.
        let kind = path.rsplit('/').next().unwrap_or(path);
        self.transcript.push(format!("{kind} {} {said}", reply.status));
        answer
    }

    fn rename(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.len() == 36 && text.chars().filter(|it| *it == '-').count() == 4 => {
                let next = self.seen.len();
                *text = format!("#{}", self.seen.entry(text.clone()).or_insert(next));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.rename(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.rename(value)),
            _ => {}
        }
    }
}

fn with(mut line: Value, name: &str, value: &str) -> Value {
    line[name] = value.into();
    line
}

fn decimal(millionths: i64) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Runs all scripts on one engine, each in a tenant of its own, and answers their transcripts; `None` without the engine.
async fn transcripts(engine: Engine) -> Option<Vec<Vec<String>>> {
    let told: Arc<Mutex<Option<Vec<Vec<String>>>>> = Arc::default();
    let tell = told.clone();
    on(engine, &[], |api| async move {
        let mut owners: Vec<Client> = vec![api.owner().await];
        while owners.len() < usize::try_from(number_of_scripts()).expect("a number") {
            owners.push(api.other_tenant().await);
        }
        let scripts = owners.into_iter().zip(0..).map(|(owner, seed)| async move {
            let script = Script::open(Kitchen::of(owner).await, seed).await;
            let script = script.run(STEPS).await;
            println!("{engine:?}, seed {seed}: {} of {} requests were posted", script.posted, script.transcript.len());
            script
        });
        let scripts = join_all(scripts).await;
        for script in &scripts {
            assert!(script.posted > STEPS / 4, "only {} were posted", script.posted);
        }
        let requests: usize = scripts.iter().map(|script| script.transcript.len()).sum();
        assert!(requests >= 2_000 * scripts.len(), "only {requests} requests were sent");
        for script in &scripts {
            the_past_is_the_sum_of_its_entries(&script.kitchen).await;
        }
        if let Some(script) = scripts.first() {
            let again = Script::open(Kitchen::of(api.other_tenant().await).await, 0).await;
            done_again(&api, &script.kitchen, &script.granted, &again.kitchen).await;
        }
        the_ledger_is_what_was_posted(&api).await;
        *tell.lock().expect("nobody panicked") = Some(scripts.into_iter().map(|script| script.transcript).collect());
    })
    .await;
    told.lock().expect("nobody panicked").take()
}

/// I10: what lay where at the end of a date, and at an instant, is the sum of the entries until then, on either side of every close.
async fn the_past_is_the_sum_of_its_entries(kitchen: &Kitchen) {
    let owner = &kitchen.owner;
    let periods = owner.get("/v1/inventory/periods").await.ok(200)["data"].as_array().expect("periods").clone();
    for open in periods.iter().rev().filter(|period| period["status"] == "open") {
        owner.post(&format!("/v1/inventory/periods/{}/close", text(&open["id"])), json!({})).await.ok(200);
    }
    for last_day in ["2026-11-19", "2026-11-21"] {
        owner.post("/v1/inventory/periods", json!({ "last_day": last_day, "close": true })).await.ok(201);
    }
    let ledger = kitchen.ledger().await;
    let days = (14..=25).map(|day| format!("2026-11-{day}"));
    let instants = days.clone().flat_map(|day| ["00:00:00", "02:59:59.999999", "03:00:00", "04:59:59.999999", "05:00:00"].map(|time| format!("{day}T{time}Z")));
    for as_of in days.chain(instants) {
        let instant = Instant::parse(&as_of);
        let is_in = |entry: &Value| match instant {
            Some(instant) => Instant::parse(&text(&entry["effective_at"])).expect("a time") <= instant,
            None => text(&entry["business_date"]) <= as_of,
        };
        let (mut by_place, mut by_sku) = (BTreeMap::new(), BTreeMap::new());
        for entry in ledger.iter().filter(|entry| is_in(entry)) {
            let place = ["sku", "location_id", "lot_id"].map(|name| text(&entry[name]));
            for sums in [by_place.entry(place.clone()).or_insert((0, 0)), by_sku.entry(place[0].clone()).or_insert((0, 0))] {
                (sums.0, sums.1) = (sums.0 + millionths(&entry["quantity"]), sums.1 + millionths(&entry["value"]));
            }
        }
        by_place.retain(|_, (quantity, _)| *quantity > 0);
        by_sku.retain(|_, sums| *sums != (0, 0));
        let stock = owner.get(&format!("/v1/inventory/stock?include=lots&limit=500&as_of={as_of}")).await.ok(200);
        let mut seen = BTreeMap::new();
        for row in stock["data"].as_array().expect("rows") {
            for lot in row["lots"].as_array().expect("lots") {
                let place = [text(&row["sku"]), text(&row["location_id"]), text(&lot["lot_id"])];
                seen.insert(place, (millionths(&lot["quantity"]), millionths(&lot["value"])));
            }
        }
        assert_eq!(seen, by_place, "{as_of}");
        let valued = owner.get(&format!("/v1/inventory/reports/valuation?as_of={as_of}")).await.ok(200);
        let row = |row: &Value| (text(&row["sku"]), (millionths(&row["quantity"]), millionths(&row["value"])));
        assert_eq!(valued["data"].as_array().expect("rows").iter().map(row).collect::<BTreeMap<_, _>>(), by_sku, "{as_of}");
    }
}

/// What `larder ledger verify` finds: nothing. The sums are made once more by SQL.
async fn the_ledger_is_what_was_posted(api: &Api) {
    crate::invariants::hold(api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_requests_of_every_kind_say_the_same_on_both_engines() {
    let on_sqlite = transcripts(Engine::Sqlite).await.expect("SQLite is always there");
    let Some(on_postgres) = transcripts(Engine::Postgres).await else { return };
    for (seed, (on_sqlite, on_postgres)) in on_sqlite.iter().zip(&on_postgres).enumerate() {
        for (index, (on_sqlite, on_postgres)) in on_sqlite.iter().zip(on_postgres).enumerate() {
            assert_eq!(on_sqlite, on_postgres, "seed {seed}, answer {index}: SQLite (left) and Postgres (right) differ");
        }
        assert_eq!(on_sqlite.len(), on_postgres.len(), "seed {seed}");
    }
}
