//! As many log-ins as Argon2id allows, and reading stock meanwhile: 64 clients log in as fast as they can, each on a device that is known, so that
//! nothing but the hashing holds them up.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::json;

use super::Figures;
use crate::kitchens::{self, Caller, PASSWORD};
use crate::larder::{Larder, Stores};
use crate::load::{self, Request};
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

const CLIENTS: u32 = 64;
const READERS: u32 = 4;
const LEAST: f64 = 0.8;
const MOST_MS: f64 = 50.0;

pub async fn measure(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: true });
    let larder = Larder::start(folder.path(), &stores)?;
    let (place, owner) = kitchens::with_a_session(&larder).await?;
    let logins = logins(&larder, &owner, &place.tenant_id).await?;
    let reading = Request { method: "GET", path: "/v1/inventory/stock?limit=100".to_owned(), key: Some(place.key), body: String::new() };
    let time = figures.pace.run;
    let (mut ours, mut theirs, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        theirs.push(hashings(time)?);
        ours.push(load::with_refusals(&larder.address, &logins, CLIENTS, time)?.per_second);
        let (logged_in, read) = std::thread::scope(|scope| {
            let logged_in = scope.spawn(|| load::with_refusals(&larder.address, &logins, CLIENTS, time));
            let read = scope.spawn(|| load::run(&larder, std::slice::from_ref(&reading), READERS, time));
            (logged_in.join(), read.join())
        });
        let ended = |_| "a load ended early";
        logged_in.map_err(ended)??;
        p99.push(read.map_err(ended)??.p99_ms);
    }
    let name = format!("log-ins of {CLIENTS} clients");
    figures.report.add(Figure { name, value: median(ours), unit: "/s", limit: Some(median(theirs)), target: Target::AtLeast(LEAST) });
    let name = format!("p99 of {READERS} who read stock, beside {CLIENTS} who log in");
    figures.report.add(Figure { name, value: median(p99), unit: "ms", limit: None, target: Target::AtMost(MOST_MS) });
    Ok(())
}

/// A member for each client, who has logged in on their device before.
async fn logins(larder: &Larder, owner: &Caller, tenant: &str) -> Outcome<Vec<Request>> {
    let mut logins = Vec::new();
    for number in 0..CLIENTS {
        let email = format!("cook{number}@example.com");
        let invite = owner.post(&format!("/v1/auth/tenants/{tenant}/invites"), &json!({ "email": email, "role": "viewer", "all_sites": true })).await?;
        let accept = json!({ "token": kitchens::text(&invite, "token")?, "name": format!("Cook {number}"), "password": PASSWORD });
        let device_token = kitchens::text(&Caller::new(larder, "").post("/v1/auth/invites/accept", &accept).await?, "device_token")?;
        let body = json!({ "email": email, "password": PASSWORD, "device_token": device_token }).to_string();
        logins.push(Request { method: "POST", path: "/v1/auth/login".to_owned(), key: None, body });
    }
    Ok(logins)
}

/// Hashings a second, with the parameters of the program, on as many threads as it lets hash at once.
fn hashings(time: Duration) -> Outcome<f64> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 4);
    let hash = move || -> Result<f64, argon2::Error> {
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None)?);
        let (begun, mut hashed, mut out) = (Instant::now(), 0_u32, [0_u8; 32]);
        while begun.elapsed() < time {
            argon.hash_password_into(PASSWORD.as_bytes(), b"the salt of all of them", &mut out)?;
            hashed += 1;
        }
        Ok(f64::from(hashed) / begun.elapsed().as_secs_f64())
    };
    let mut rate = 0.0;
    for thread in (0..threads).map(|_| std::thread::spawn(hash)).collect::<Vec<_>>() {
        rate += thread.join().map_err(|_| "a hashing ended early")?.map_err(|error| error.to_string())?;
    }
    Ok(rate)
}
