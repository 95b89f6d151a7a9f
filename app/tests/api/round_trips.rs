//! How often a posting speaks to the database: as often for a thousand lines as for one.
//!
//! Counted on the wire, between the program and Postgres: a proxy passes everything on and counts the messages that end a round
//! trip (Sync of the extended protocol, Query of the simple one).

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Ids;
use larder::Surroundings;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::counts::{COUNTS, put, step};
use crate::receipts::RECEIPTS;
use crate::support::kitchen::{Kitchen, WALK_IN, text};
use crate::support::{Api, Engine, Stores, connect, fixed_clock, on, variable};

/// Listens in front of a server and counts; answers where.
async fn count_in_front_of(server: String) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.expect("the server");
            for side in [&client, &server] {
                side.set_nodelay(true).expect("no delay");
            }
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            tokio::spawn(forward(from_client, to_server, counted.clone()));
            tokio::spawn(back(from_server, to_client));
        }
    });
    (port, count)
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Passes a client's messages on. The first ones (asking for TLS, starting up) have no type byte. A Sync that ends nothing is the pool's
/// question whether the connection is still there, asked some time after it was given back: no trip of a posting, and whether it comes
/// before or after the answer is seen is chance.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, count: Arc<AtomicU64>) {
    const TLS_REQUEST: u32 = 80_877_103;
    let (mut started, mut is_batch) = (false, false);
    loop {
        let kind = if started { from.read_u8().await.ok() } else { Some(0) };
        let (Some(kind), Ok(length)) = (kind, from.read_u32().await) else { return };
        let mut body = vec![0; length as usize - 4];
        if from.read_exact(&mut body).await.is_err() {
            return;
        }
        if !started {
            started = body.get(..4) != Some(&TLS_REQUEST.to_be_bytes());
        } else if kind == b'Q' || kind == b'S' && is_batch {
            count.fetch_add(1, Ordering::SeqCst);
        }
        is_batch = started && !matches!(kind, b'Q' | b'S');
        let mut message = if kind == 0 { Vec::new() } else { vec![kind] };
        message.extend(length.to_be_bytes());
        message.extend(body);
        if to.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// A connection string with another port.
fn at_port(url: &str, port: u16) -> (String, String) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (who, rest) = rest.rsplit_once('@').expect("a user");
    let (host, database) = rest.split_once('/').expect("a database");
    (host.to_owned(), format!("{scheme}://{who}@127.0.0.1:{port}/{database}"))
}

fn lines(count: usize, line: &Value) -> Value {
    let of_item = |number: usize| {
        let mut line = line.clone();
        line["sku"] = format!("SKU{}", number % 200).into();
        line
    };
    json!({ "location": WALK_IN, "lines": (0..count).map(of_item).collect::<Vec<_>>() })
}

/// A program that speaks to its database through a counter of round trips.
async fn behind_a_counter() -> Option<(Api, Arc<AtomicU64>)> {
    Some(behind_a_counter_on(Stores::make(Engine::Postgres).await?).await)
}

async fn behind_a_counter_on(stores: Stores) -> (Api, Arc<AtomicU64>) {
    let (server, _) = at_port(&stores.variables()["INVENTORY_DATABASE_URL"], 0);
    let (port, count) = count_in_front_of(server).await;
    let (_, url) = at_port(&stores.variables()["INVENTORY_DATABASE_URL"], port);
    let surroundings = Surroundings { clock: fixed_clock(), ids: Ids::System };
    // One connection, so that every statement is prepared on it once; a posting never needs a second one.
    let variables = [("INVENTORY_DATABASE_URL", url.as_str()), ("LARDER_DATABASE_POOL_CONNECTIONS", "1")];
    (Api::start(Arc::new(stores), &variables, surroundings).await, count)
}

/// How many round trips a posting makes: the last of several, since a connection that sees a statement for the first time prepares it, in a trip of its own.
async fn trips_of(kitchen: &Kitchen, count: &AtomicU64, path: &str, body: &Value) -> u64 {
    let mut trips = 0;
    for _ in 0..3 {
        let before = count.load(Ordering::SeqCst);
        kitchen.owner.post(path, body.clone()).await.ok(201);
        trips = count.load(Ordering::SeqCst) - before;
    }
    trips
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_posting_makes_as_many_round_trips_for_a_thousand_lines_as_for_ten_and_for_one_one_less() {
    let Some((api, count)) = behind_a_counter().await else { return };
    let kitchen = Kitchen::open(&api).await;
    for number in 0..200 {
        kitchen.item(&format!("SKU{number}"), json!({})).await;
    }
    let mut measured = Vec::new();
    for path in ["/v1/inventory/receipts", "/v1/inventory/waste"] {
        let line = if path.ends_with("receipts") { json!({ "quantity": "9", "line_total": "1" }) } else { json!({ "quantity": "1", "reason": "spoiled" }) };
        for lines_count in [1, 10, 1_000] {
            let body = lines(lines_count, &line);
            measured.push((path, trips_of(&kitchen, &count, path, &body).await));
        }
    }
    // One item in two lines is one item; by two names it may be two.
    let id = kitchen.owner.get("/v1/inventory/items?q=SKU0&limit=1").await.ok(200)["data"][0]["id"].clone();
    let (by_sku, by_id) = (json!({ "sku": "SKU0", "quantity": "1", "reason": "spoiled" }), json!({ "item_id": id, "quantity": "1", "reason": "spoiled" }));
    for (lines, expected) in [(json!([by_sku, by_sku]), 5), (json!([by_id, by_id]), 5), (json!([by_sku, by_id]), 6)] {
        let body = json!({ "location": WALK_IN, "lines": lines });
        assert_eq!(trips_of(&kitchen, &count, "/v1/inventory/waste", &body).await, expected, "{lines}");
    }
    if variable("SHOW_MEASURED").is_some() {
        println!("{measured:?}");
    }
    let of = |path: &str| measured.iter().filter(|(of, _)| *of == path).map(|(_, trips)| *trips).collect::<Vec<_>>();
    // A receipt offers to clear shortages, and has to say so after its numbers.
    for (path, of_many) in [("/v1/inventory/receipts", 8), ("/v1/inventory/waste", 6)] {
        assert_eq!(of(path), [of_many - 1, of_many, of_many], "{path}: round trips for 1, 10 and 1,000 lines");
    }
    api.stop().await;
    api.stores().remove().await;
}

/// A plain BEGIN begins what the role has for a default there: it may not write, and sees only what was there when it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_transactions_are_other_by_default_each_says_what_it_needs() {
    let mut trips = Vec::new();
    // What may not write changes no defaults either: that one comes last.
    for defaults in [&[][..], &["default_transaction_isolation = 'repeatable read'", "default_transaction_read_only = on"]] {
        let Some(stores) = Stores::make(Engine::Postgres).await else { return };
        let url = stores.variables()["INVENTORY_DATABASE_URL"].clone();
        let (role, name) = (connect(&url).await, url.rsplit_once('/').expect("a database").1);
        for default in defaults {
            role.execute_unprepared(&format!("ALTER ROLE CURRENT_USER IN DATABASE {name} SET {default}")).await.expect("a default");
        }
        role.close().await.expect("closed");
        let (api, count) = behind_a_counter_on(stores).await;
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("SKU0", json!({})).await;
        trips.push(trips_of(&kitchen, &count, "/v1/inventory/receipts", &lines(1, &json!({ "quantity": "9", "line_total": "1" }))).await);
        api.stop().await;
        api.stores().remove().await;
    }
    assert_eq!(trips[1], trips[0] + 1);
}

const ITEMS: usize = 200;
const AREAS: usize = 100;

/// A site with as many areas and items, each of which has come in once.
async fn a_large_site(api: &Api) -> Kitchen {
    let kitchen = Kitchen::open(api).await;
    for number in 0..AREAS {
        let area = json!({ "kind": "area", "code": format!("area{number}"), "name": "Area", "parent": "main" });
        kitchen.owner.post("/v1/inventory/locations", area).await.ok(201);
    }
    for number in 0..ITEMS {
        kitchen.item(&format!("SKU{number}"), json!({})).await;
    }
    kitchen.owner.post(RECEIPTS, lines(ITEMS, &json!({ "quantity": "9", "line_total": "1" }))).await.ok(201);
    kitchen
}

/// Counts things that are found nowhere else, posts that, and answers how many round trips each step made.
async fn counted(kitchen: &Kitchen, trips: &AtomicU64, slots: Range<usize>, quantity: usize) -> Vec<(&'static str, u64)> {
    let (owner, number) = (&kitchen.owner, slots.len());
    let line =
        |slot: usize| json!({ "sku": format!("SKU{}", slot % ITEMS), "location": format!("main/area{}", slot / ITEMS), "quantity": quantity.to_string() });
    let body = json!(slots.map(line).collect::<Vec<_>>());
    let mut measured = vec![("begun", trips.load(Ordering::SeqCst))];
    let mut done = |name| measured.push((name, trips.load(Ordering::SeqCst)));
    let id = text(&owner.post(COUNTS, json!({ "location": "main" })).await.ok(201)["id"]);
    done("create");
    let written = put(owner, &id, body).await.ok(200);
    done("fill");
    let review = step(owner, &id, "review", json!({})).await.ok(200);
    done("review");
    let posted = step(owner, &id, "post", json!({})).await.ok(201);
    done("post");
    let many = |list: &Value| list.as_array().map(Vec::len);
    assert_eq!((many(&written["lines"]), many(&review["lines"]), many(&posted["entries"])), (Some(number), Some(number), Some(number)));
    measured.windows(2).map(|pair| (pair[1].0, pair[1].1 - pair[0].1)).collect()
}

/// Of each step the least of several times: a connection that sees a statement for the first time prepares it, in a trip of its own.
fn least(runs: Vec<Vec<(&'static str, u64)>>) -> Vec<(&'static str, u64)> {
    let smaller = |one: Vec<(&'static str, u64)>, other: Vec<(&'static str, u64)>| one.into_iter().zip(other).map(|(one, other)| one.min(other)).collect();
    runs.into_iter().reduce(smaller).unwrap_or_default()
}

async fn large_documents(kitchen: &Kitchen, trips: &AtomicU64) {
    let mut runs = Vec::new();
    for turn in 0..5 {
        // Of each ten, five were there before.
        runs.push(counted(kitchen, trips, turn * 5..turn * 5 + 10, turn + 1).await);
    }
    let few = least(runs);
    let many = counted(kitchen, trips, 0..ITEMS * AREAS, 20).await;
    assert_eq!(many, few, "20,000 lines make as many round trips as 10");
    let mut received = Vec::new();
    for number in [10, 10, 10, 5_000] {
        let before = trips.load(Ordering::SeqCst);
        let posted = kitchen.owner.post(RECEIPTS, lines(number, &json!({ "quantity": "9", "line_total": "1" }))).await.ok(201);
        assert_eq!(posted["entries"].as_array().map(Vec::len), Some(number));
        received.push(("receive", trips.load(Ordering::SeqCst) - before));
    }
    assert_eq!(received[3], received[2], "5,000 lines make as many round trips as 10");
    if variable("SHOW_MEASURED").is_some() {
        println!("{few:?} {received:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_of_20_000_lines_and_a_receipt_of_5_000_make_as_many_round_trips_as_those_of_10() {
    let Some((api, trips)) = behind_a_counter().await else { return };
    let kitchen = a_large_site(&api).await;
    large_documents(&kitchen, &trips).await;
    api.stop().await;
    api.stores().remove().await;
}

/// Without a wire there is nothing to count there; the same goes in all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_of_20_000_lines_and_a_receipt_of_5_000_go_into_sqlite_too() {
    on(Engine::Sqlite, &[], async |api| large_documents(&a_large_site(&api).await, &AtomicU64::new(0)).await).await;
}
