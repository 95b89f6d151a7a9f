//! I6: the documents of a tenant, done again one after the other in another, empty one with the lots that each took, make the same
//! ledger.
//!
//! What takes from stock names the lots that its entries say, each with its quantity; so neither reservations, nor lots on hold, nor
//! what was short have to be done again. Three kinds cannot name what they took, and are done by the rules once more: counts (a
//! line without a lot finds its lot itself), reversals and the cancellation of a transfer. What wrote no entry and changes no
//! lot (a usage of which all was short) is left out.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::support::Api;
use crate::support::kitchen::{Kitchen, text};

/// A request that was granted.
pub struct Granted {
    pub method: &'static str,
    /// Below `/v1/inventory`.
    pub path: String,
    pub body: Value,
    pub answer: Value,
}

impl Granted {
    fn entries(&self) -> &[Value] {
        self.answer["entries"].as_array().map_or(&[], Vec::as_slice)
    }

    fn is_about(&self, method: &str, id: &str, action: &str) -> bool {
        self.method == method && self.path.split('/').collect::<Vec<_>>().ends_with(&[id, action])
    }
}

/// Does it all again in an empty kitchen with the same catalogue.
pub async fn done_again(api: &Api, first: &Kitchen, granted: &[Granted], second: &Kitchen) {
    let mut replay = Replay { granted, kitchen: second, paths: paths(api).await, names: BTreeMap::new(), known: BTreeSet::new(), documents: 0 };
    for request in granted.iter().filter(|request| request.answer["document"]["id"].is_string()) {
        replay.again(request).await;
    }
    assert!(replay.documents > 300, "only {} documents were done again", replay.documents);
    assert_eq!(replay.stock(second, false).await, replay.stock(first, true).await);
}

async fn paths(api: &Api) -> BTreeMap<String, String> {
    let database = api.inventory_db();
    let statement = Statement::from_string(database.get_database_backend(), "SELECT id, path FROM location".to_owned());
    let rows = database.query_all_raw(statement).await.expect("locations");
    rows.iter().map(|row| (row.try_get::<Uuid>("", "id").expect("an id").to_string(), row.try_get("", "path").expect("a path"))).collect()
}

struct Replay<'a> {
    granted: &'a [Granted],
    kitchen: &'a Kitchen,
    /// Of all locations, by id.
    paths: BTreeMap<String, String>,
    /// What is called so in the first tenant is called so in the second: lots, documents, transfers.
    names: BTreeMap<String, String>,
    /// The lots of the second tenant.
    known: BTreeSet<String>,
    documents: usize,
}

/// An entry as both tenants should have it, but for its number and line.
type Told = (String, String, String, String, String, String, String, String);

impl Replay<'_> {
    async fn again(&mut self, request: &Granted) {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let answer = match parts.as_slice() {
            ["usage"] if request.entries().is_empty() => return,
            ["waste" | "usage" | "vendor-returns" | "transfers"] | ["transfers", _, "receive" | "loss"] => {
                let lines = picked(request, "lines");
                self.post(request, with(request.body.clone(), "lines", lines)).await
            }
            ["adjustments"] => {
                let lines = adjusted(request);
                self.post(request, with(request.body.clone(), "lines", lines)).await
            }
            ["transformations"] => {
                let inputs = picked(request, "inputs");
                self.post(request, with(request.body.clone(), "inputs", inputs)).await
            }
            ["transfers", id, "dispatch"] => self.dispatch(request, id).await,
            ["counts", id, "post"] => self.count(id).await,
            ["documents", id, "reverse"] => {
                if !self.names.contains_key(*id) {
                    return;
                }
                let at = if self.at_its_own_time(request, id) { "original" } else { "today" };
                let body = with(request.body.clone(), "at", json!(at));
                self.send("POST", &request.path, body).await
            }
            _ => self.post(request, request.body.clone()).await,
        };
        self.compare(request, &answer);
    }

    async fn dispatch(&mut self, request: &Granted, id: &str) -> Value {
        let made = self.granted.iter().find(|made| made.path == "/transfers" && made.answer["transfer"]["id"] == id).expect("the transfer");
        let as_made = Granted { method: "POST", path: request.path.clone(), body: made.body.clone(), answer: request.answer.clone() };
        let lines = picked(&as_made, "lines");
        let again = self.send("POST", "/transfers", with(made.body.clone(), "lines", lines)).await;
        self.names.insert(id.to_owned(), text(&again["transfer"]["id"]));
        self.post(request, request.body.clone()).await
    }

    async fn count(&mut self, id: &str) -> Value {
        let made = self.granted.iter().find(|made| made.path == "/counts" && made.answer["id"] == id).expect("the count");
        let again = self.send("POST", "/counts", made.body.clone()).await;
        self.names.insert(id.to_owned(), text(&again["id"]));
        let said: Vec<&Granted> = self.granted.iter().filter(|said| said.is_about("PUT", id, "lines")).collect();
        for said in said {
            self.send("PUT", &said.path, said.body.clone()).await;
        }
        self.send("POST", &format!("/counts/{id}/post"), json!({})).await
    }

    /// Whether a reversal stands where what it undoes stands.
    fn at_its_own_time(&self, request: &Granted, undone: &str) -> bool {
        let times = |granted: &Granted| -> BTreeSet<String> { granted.entries().iter().map(|entry| text(&entry["effective_at"])).collect() };
        let undone = self.granted.iter().find(|granted| granted.answer["document"]["id"] == undone).expect("what is undone");
        times(request) == times(undone)
    }

    /// The request once more, at the time of its document; where it said none, now is the same time again.
    async fn post(&mut self, request: &Granted, body: Value) -> Value {
        let said = !body["effective_at"].is_null();
        let body = if said { with(body, "effective_at", request.answer["document"]["effective_at"].clone()) } else { body };
        self.send("POST", &request.path, body).await
    }

    async fn send(&mut self, method: &str, path: &str, mut body: Value) -> Value {
        self.rename(&mut body);
        let path: Vec<&str> = path.split('/').map(|part| self.names.get(part).map_or(part, String::as_str)).collect();
        let path = format!("/v1/inventory{}", path.join("/"));
        let owner = &self.kitchen.owner;
        let reply = if method == "POST" { owner.post(&path, body.clone()).await } else { owner.call("PUT", &path).json(&body).send().await };
        assert!((200..300).contains(&reply.status), "{path} {body}: {} {}", reply.status, reply.text);
        serde_json::from_str(&reply.text).expect("JSON")
    }

    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(name) = self.names.get(text) {
                    text.clone_from(name);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.rename(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.rename(value)),
            _ => {}
        }
    }

    /// The same entries, with the lots that are made called alike from then on.
    fn compare(&mut self, request: &Granted, answer: &Value) {
        let again = answer["entries"].as_array().expect("entries");
        let mut made = again.iter().map(|entry| text(&entry["lot_id"])).filter(|lot| !self.known.contains(lot)).collect::<Vec<_>>();
        made.dedup();
        let mut before = request.entries().iter().map(|entry| text(&entry["lot_id"])).filter(|lot| !self.names.contains_key(lot)).collect::<Vec<_>>();
        before.dedup();
        assert_eq!(before.len(), made.len(), "{} {answer}", request.path);
        self.known.extend(made.iter().cloned());
        self.names.extend(before.into_iter().zip(made));
        self.names.insert(text(&request.answer["document"]["id"]), text(&answer["document"]["id"]));
        let told = |entries: &[Value], renamed: bool| {
            let mut told: Vec<Told> = entries.iter().map(|entry| self.told(entry, renamed)).collect();
            told.sort();
            told
        };
        assert_eq!(told(again, false), told(request.entries(), true), "{} {}", request.path, request.body);
        self.documents += 1;
    }

    fn lot(&self, lot: &Value, renamed: bool) -> String {
        let lot = text(lot);
        if renamed { self.names.get(&lot).cloned().unwrap_or(lot) } else { lot }
    }

    fn told(&self, entry: &Value, renamed: bool) -> Told {
        let said = |name: &str| text(&entry[name]);
        let place = self.paths[&said("location_id")].clone();
        let lot = self.lot(&entry["lot_id"], renamed);
        (said("kind"), said("sku"), place, lot, said("quantity"), said("value"), said("effective_at"), said("business_date"))
    }

    /// What lies where at the end, by the names of the second tenant.
    async fn stock(&self, kitchen: &Kitchen, renamed: bool) -> BTreeSet<(String, String, String, String, String)> {
        let stock = kitchen.owner.get("/v1/inventory/stock?include=lots&limit=500").await.ok(200);
        let mut lies = BTreeSet::new();
        for row in stock["data"].as_array().expect("rows") {
            for lot in row["lots"].as_array().expect("lots") {
                lies.insert((text(&row["sku"]), text(&row["location"]), self.lot(&lot["lot_id"], renamed), text(&lot["quantity"]), text(&lot["value"])));
            }
        }
        lies
    }
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// The lines of a request with the lots that were taken for them, in the order of the entries.
fn picked(request: &Granted, lines: &str) -> Value {
    let taken = request.entries().iter().filter(|entry| text(&entry["quantity"]).starts_with('-'));
    let line = |entry: &Value| {
        let number = usize::try_from(entry["line_no"].as_i64().expect("a line") - 1).expect("a line");
        // A step without lines is about all that is under way.
        let mut line = request.body[lines].get(number).cloned().unwrap_or_else(|| json!({ "sku": entry["sku"] }));
        line.as_object_mut().expect("a line").remove("reservation_id");
        line["quantity"] = text(&entry["quantity"]).trim_start_matches('-').into();
        line["lot_id"] = entry["lot_id"].clone();
        line
    };
    taken.map(line).collect()
}

fn adjusted(request: &Granted) -> Value {
    let line = |entry: &Value| {
        let number = usize::try_from(entry["line_no"].as_i64().expect("a line") - 1).expect("a line");
        let mut line = request.body["lines"][number].clone();
        let quantity = text(&entry["quantity"]);
        line["quantity"] = if quantity.starts_with('-') { quantity.into() } else { format!("+{quantity}").into() };
        if line["unit_cost"].is_null() {
            line["lot_id"] = entry["lot_id"].clone();
        }
        line
    };
    request.entries().iter().map(line).collect()
}
