//! What is left after the program was killed while people worked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::invariants::hold;
use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::support::process::Process;
use crate::support::{Api, Client, Engine, Stores, fresh};

const CLIENTS: usize = 8;
const KILLS: usize = 20;
/// At least so many answers come before each kill, however slow the machine is.
const ANSWERS: usize = 4;

/// What a client sent, and what it was answered, if it was.
struct Sent {
    key: String,
    path: &'static str,
    body: Value,
    answer: Option<Value>,
}

/// Posts one thing after another until told to stop or until nobody answers any more; tells of each answer.
async fn work(address: String, token: String, stop: Arc<AtomicBool>, answered: UnboundedSender<()>) -> Vec<Sent> {
    let http = reqwest::Client::new();
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let key = fresh("kill");
        let (path, line) = if sent.len() % 3 == 2 {
            ("/v1/inventory/waste", json!({ "sku": "X", "quantity": "1", "reason": "spoiled" }))
        } else {
            ("/v1/inventory/receipts", json!({ "sku": "X", "quantity": "3", "line_total": "1.01" }))
        };
        let body = json!({ "location": WALK_IN, "external_ref": key, "lines": [line] });
        let request = http.post(format!("{address}{path}")).bearer_auth(&token).header("Idempotency-Key", &key).json(&body);
        let answer = match request.send().await {
            Ok(answer) if answer.status() == 201 => answer.json::<Value>().await.ok(),
            _ => None,
        };
        let over = answer.is_none();
        if !over {
            let _ = answered.send(());
        }
        sent.push(Sent { key, path, body, answer });
        if over {
            break;
        }
    }
    sent
}

async fn killed_while_people_work(engine: Engine) {
    let Some(stores) = Stores::make(engine).await else { return };
    let stores = Arc::new(stores);
    let folder = stores.folder().path().to_owned();
    // What was acknowledged must survive a kill whatever the durability setting: that one is about power cuts.
    let variables = stores.variables();
    let serve = || Process::serve(&folder, &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));

    let mut process = serve();
    let api = Api::of_process(stores.clone(), &process).await;
    let kitchen = Kitchen::open(&api).await;
    kitchen.item("X", json!({})).await;
    let (mut token, mut acknowledged) = (kitchen.owner.token.clone(), 0);
    for _ in 0..KILLS {
        let stop = Arc::new(AtomicBool::new(false));
        let (answered, mut answers) = unbounded_channel();
        let client = |_| tokio::spawn(work(process.address.clone(), token.clone(), stop.clone(), answered.clone()));
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        drop(answered);
        let (last, moment) = (rand::rng().random_range(ANSWERS..ANSWERS * 10), rand::rng().random_range(0..20));
        for _ in 0..last {
            answers.recv().await.expect("somebody is still answered");
        }
        tokio::time::sleep(Duration::from_millis(moment)).await;
        process.kill();
        stop.store(true, Ordering::Relaxed);
        let mut sent = Vec::new();
        for client in clients {
            sent.extend(client.await.expect("a client"));
        }

        process = serve();
        let api = Api::of_process(stores.clone(), &process).await;
        let owner = api.owner().await;
        token.clone_from(&owner.token);
        acknowledged += sent.iter().filter(|sent| sent.answer.is_some()).count();
        check(&owner, &sent).await;
        hold(&api).await;
    }
    assert!(acknowledged >= KILLS * ANSWERS, "only {acknowledged} postings were acknowledged");
    process.kill();
    stores.remove().await;
}

/// Every acknowledged document is there once; what was not acknowledged is there once or not at all, and sending it again
/// answers the one that is there or does it now.
async fn check(owner: &Client, sent: &[Sent]) {
    let mut documents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = owner.get(&format!("/v1/inventory/documents?limit=500{cursor}")).await.ok(200);
        for document in page["data"].as_array().expect("documents") {
            documents.entry(text(&document["external_ref"])).or_default().push(text(&document["id"]));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for sent in sent {
        let there = documents.get(&sent.key).map_or(0, Vec::len);
        assert!(there <= 1, "{} is there {there} times", sent.key);
        if let Some(answer) = &sent.answer {
            assert_eq!(documents.get(&sent.key), Some(&vec![text(&answer["document"]["id"])]), "{} was acknowledged", sent.key);
        }
        let again = owner.post_with_key(sent.path, &sent.key, sent.body.clone()).await;
        if let Some(answer) = &sent.answer {
            assert_eq!((again.status, &again.body, again.header("idempotent-replayed")), (201, answer, "true"));
        } else if there == 1 {
            assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
        } else {
            assert!(again.status == 201 || again.code() == "insufficient_stock", "{}", again.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_20_times_while_8_clients_post_sqlite_loses_nothing_and_does_nothing_twice() {
    killed_while_people_work(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_20_times_while_8_clients_post_postgres_loses_nothing_and_does_nothing_twice() {
    killed_while_people_work(Engine::Postgres).await;
}
