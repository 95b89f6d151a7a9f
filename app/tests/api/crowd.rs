//! Many who do everything at once to one item: nobody hangs, nothing is a mistake of the server, and the ledger is right afterwards.

use chrono::TimeDelta;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::counts::{COUNTS, put, step};
use crate::invariants::hold;
use crate::support::kitchen::{DRY_STORE, Kitchen, WALK_IN, text, waste_body};
use crate::support::patience::HANGS;
use crate::support::{Api, Reply};

/// How many do something at once, and how often each of them.
const TASKS: u64 = 32;
const TIMES: usize = 8;

fn of(quantity: u32) -> Value {
    json!([{ "sku": "X", "quantity": quantity.to_string() }])
}

/// Whoever does one thing after the other, drawn by lot.
struct Worker<'a> {
    api: &'a Api,
    kitchen: &'a Kitchen,
    /// The receipt that all charge.
    receipt: &'a str,
    lots: StdRng,
    /// What it has posted, to be undone.
    posted: Vec<String>,
}

impl Worker<'_> {
    async fn something(&mut self) -> Reply {
        // So that what one does is later than what another took for now.
        self.api.advance(TimeDelta::milliseconds(1));
        let quantity = self.lots.random_range(1..=4);
        let owner = &self.kitchen.owner;
        match self.lots.random_range(0..12) {
            0 | 1 => {
                let body = json!({ "location": WALK_IN, "purpose": "service", "on_short": "record", "lines": of(quantity) });
                owner.post("/v1/inventory/usage", body).await
            }
            2 => owner.post("/v1/inventory/waste", waste_body(of(quantity))).await,
            3 => {
                let lines = json!([{ "sku": "X", "quantity": quantity.to_string(), "line_total": "1" }]);
                owner.post("/v1/inventory/receipts", json!({ "location": WALK_IN, "lines": lines, "clear_shortages": true })).await
            }
            4 => self.transfer(WALK_IN, DRY_STORE, quantity).await,
            5 => self.transfer(DRY_STORE, WALK_IN, quantity).await,
            6 => self.count(quantity).await,
            7 => match self.posted.pop() {
                Some(document) => owner.post(&format!("/v1/inventory/documents/{document}/reverse"), json!({ "reason": "typing_error" })).await,
                None => self.transfer(WALK_IN, DRY_STORE, quantity).await,
            },
            8 => {
                let charges = json!({ "charges": [{ "label": "customs", "amount": "0.1", "basis": "value" }] });
                owner.post(&format!("/v1/inventory/receipts/{}/charges", self.receipt), charges).await
            }
            9 => {
                let body = json!({ "location": WALK_IN, "effective_at": "2026-11-24T12:00:00Z", "purpose": "service", "lines": of(quantity) });
                owner.post("/v1/inventory/usage", body).await
            }
            10 => owner.post("/v1/inventory/periods", json!({ "last_day": format!("2026-11-{:02}", self.lots.random_range(20..25)), "close": true })).await,
            _ => owner.post("/v1/inventory/reservations", json!({ "location": WALK_IN, "sku": "X", "quantity": quantity.to_string() })).await,
        }
    }

    async fn transfer(&self, from: &str, to: &str, quantity: u32) -> Reply {
        let body = json!({ "from_location": from, "to_location": to, "direct": true, "lines": of(quantity) });
        self.kitchen.owner.post("/v1/inventory/transfers", body).await
    }

    /// Of whatever lies there, so many.
    async fn count(&self, quantity: u32) -> Reply {
        let owner = &self.kitchen.owner;
        let id = text(&owner.post(COUNTS, json!({ "location": WALK_IN })).await.ok(201)["id"]);
        put(owner, &id, of(10 * quantity)).await.ok(200);
        step(owner, &id, "post", json!({})).await
    }
}

both_engines! {
    async fn many_who_do_everything_to_one_item_at_once_leave_a_ledger_that_is_right(api: Api) {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        let receipt = kitchen.receive_at("2026-11-23T12:00:00Z", json!([{ "sku": "X", "quantity": "200", "line_total": "70" }])).await;
        let receipt = text(&receipt["document"]["id"]);
        let worker = |seed: u64| Worker { api: &api, kitchen: &kitchen, receipt: &receipt, lots: StdRng::seed_from_u64(seed), posted: Vec::new() };
        let works = async |mut worker: Worker<'_>| {
            let (mut done, mut refused) = (0, 0);
            for _ in 0..TIMES {
                let reply = worker.something().await;
                match reply.status {
                    201 => {
                        done += 1;
                        if let Some(document) = reply.body["document"]["id"].as_str().filter(|_| reply.body["document"]["reverses_id"].is_null()) {
                            worker.posted.push(document.to_owned());
                        }
                    }
                    409 => refused += 1,
                    // Somebody has closed a later day meanwhile.
                    422 if reply.text.contains("period_not_after_last") => refused += 1,
                    _ => panic!("{}", reply.text),
                }
            }
            (done, refused)
        };
        let all = join_all((0..TASKS).map(|seed| works(worker(seed))));
        let all = tokio::time::timeout(HANGS, all).await.expect("nobody hangs");
        let (done, refused) = all.into_iter().fold((0, 0), |(done, refused), (more, less)| (done + more, refused + less));
        println!("{:?}: {done} done, {refused} refused", api.engine());
        // How many are refused is theirs to race for.
        assert!(done > 0, "{done} done, {refused} refused");
        hold(&api).await;
    }
}
