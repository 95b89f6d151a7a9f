//! How often a posting speaks to the database: as often for a thousand lines as for one.
//!
//! Counted on the wire, between the program and Postgres: a proxy passes everything on and counts the messages that end a round
//! trip (Sync of the extended protocol, Query of the simple one).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Ids;
use larder::Surroundings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::support::kitchen::{Kitchen, WALK_IN};
use crate::support::{Api, Engine, Stores, fixed_clock, variable};

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

/// Passes a client's messages on. The first ones (asking for TLS, starting up) have no type byte.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, count: Arc<AtomicU64>) {
    const TLS_REQUEST: u32 = 80_877_103;
    let mut started = false;
    loop {
        let kind = if started { from.read_u8().await.ok() } else { Some(0) };
        let (Some(kind), Ok(length)) = (kind, from.read_u32().await) else { return };
        let mut body = vec![0; length as usize - 4];
        if from.read_exact(&mut body).await.is_err() {
            return;
        }
        if !started {
            started = body.get(..4) != Some(&TLS_REQUEST.to_be_bytes());
        } else if kind == b'S' || kind == b'Q' {
            count.fetch_add(1, Ordering::SeqCst);
        }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_posting_makes_as_many_round_trips_for_a_thousand_lines_as_for_one() {
    let Some(stores) = Stores::make(Engine::Postgres).await else { return };
    let (server, _) = at_port(&stores.variables()["INVENTORY_DATABASE_URL"], 0);
    let (port, count) = count_in_front_of(server).await;
    let (_, url) = at_port(&stores.variables()["INVENTORY_DATABASE_URL"], port);
    let surroundings = Surroundings { clock: fixed_clock(), ids: Ids::System };
    // One connection, so that every statement is prepared on it once; a posting never needs a second one.
    let variables = [("INVENTORY_DATABASE_URL", url.as_str()), ("LARDER_DATABASE_POOL_CONNECTIONS", "1")];
    let api = Api::start(Arc::new(stores), &variables, surroundings).await;
    let kitchen = Kitchen::open(&api).await;
    for number in 0..200 {
        kitchen.item(&format!("SKU{number}"), json!({})).await;
    }
    let mut measured = Vec::new();
    for path in ["/v1/inventory/receipts", "/v1/inventory/waste"] {
        let line = if path.ends_with("receipts") { json!({ "quantity": "9", "line_total": "1" }) } else { json!({ "quantity": "1", "reason": "spoiled" }) };
        for lines_count in [1, 10, 1_000] {
            let body = lines(lines_count, &line);
            // The least of several: a connection that sees a statement for the first time prepares it, in a trip of its own.
            let mut least = u64::MAX;
            for _ in 0..6 {
                let before = count.load(Ordering::SeqCst);
                kitchen.owner.post(path, body.clone()).await.ok(201);
                least = least.min(count.load(Ordering::SeqCst) - before);
            }
            measured.push((path, least));
        }
    }
    if variable("SHOW_MEASURED").is_some() {
        println!("{measured:?}");
    }
    let of = |path: &str| measured.iter().filter(|(of, _)| *of == path).map(|(_, trips)| *trips).collect::<Vec<_>>();
    for path in ["/v1/inventory/receipts", "/v1/inventory/waste"] {
        let trips = of(path);
        assert!(trips.iter().all(|other| *other == trips[0]), "{path}: {trips:?} round trips for 1, 10 and 1,000 lines");
        assert!(trips[0] <= 24, "{path}: {} round trips", trips[0]);
    }
    api.stop().await;
    api.stores().remove().await;
}
