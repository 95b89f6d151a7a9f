//! Single lines of waste over HTTP, in a hundred tenants and in one, against the statements alone.

use std::path::Path;

use serde_json::json;

use super::{Figures, in_turn};
use crate::kitchens::{self, AREA, Place};
use crate::larder::{Larder, Postgres, Stores, analyze};
use crate::limits::posting::{self, Facts};
use crate::limits::{pgbench, sqlite};
use crate::load::{self, Request};
use crate::report::{Figure, Target, median};
use crate::{Outcome, Pace, RUNS, TOLD_RUNS};

/// So many places are posted at: each in a tenant of its own, or all in one.
const PLACES: usize = 100;
/// What a tenant stocks.
pub const ITEMS: usize = 100;

/// Connections, and the least ratio for each.
type Goals = [(u32, f64); 3];
const MOST_CONNECTIONS: u32 = 32;
const HUNDRED_TENANTS: Goals = [(1, 0.55), (8, 0.7), (32, 0.85)];
const ONE_TENANT: Goals = [(1, 0.55), (8, 0.8), (32, 1.0)];
const SQLITE: Goals = [(1, 0.6), (8, 0.7), (32, 0.8)];

pub fn requests(places: &[Place]) -> Vec<Request> {
    let request = |place: &Place| {
        let body = json!({ "location": AREA, "lines": [{ "sku": place.sku, "quantity": "1", "reason": "spoiled" }] });
        Request { method: "POST", path: "/v1/inventory/waste".to_owned(), key: Some(place.key.clone()), body: body.to_string() }
    };
    places.iter().map(request).collect()
}

/// Posts for a moment, tells Postgres how much there is, and posts again, so that all connections of the pool have their plans, as those of pgbench
/// have after a moment. Of a table of three pages Postgres reads all rather than to look up a row, and goes on to do so when it has grown to thousands, until
/// it is analysed, which autovacuum does within a minute: too late for a run of seconds, and at another moment for each of them.
pub async fn settle(larder: &Larder, inventory: &str, requests: &[Request], pace: Pace) -> Outcome<()> {
    for _ in 0..2 {
        analyze(inventory).await?;
        load::run(larder, requests, MOST_CONNECTIONS, pace.run)?;
    }
    Ok(())
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let servers = Postgres::of_environment()?;
    for (name, tenants, goals) in [("tenants", PLACES, HUNDRED_TENANTS), ("tenant", 1, ONE_TENANT)] {
        let stores = servers.emptied(&format!("bench_{name}")).await?;
        let folder = tempfile::tempdir()?;
        let larder = Larder::start(folder.path(), &Stores::Postgres(stores.clone()))?;
        let places = if tenants == 1 { kitchens::with_items(&larder, PLACES).await? } else { kitchens::each_with_items(&larder, tenants, ITEMS).await? };
        let (requests, facts) = (requests(&places), Facts::of_all(&stores.inventory, &places).await?);
        let limit = pgbench::Postings::at(&stores.inventory, &facts)?;
        settle(&larder, &stores.inventory, &requests, figures.pace).await?;
        for (connections, least) in goals {
            let time = figures.pace.run;
            let ours = async || Ok(load::run(&larder, &requests, connections, time)?.per_second);
            let (value, limit) = in_turn(ours, async || limit.run(connections, time)).await?;
            let name = format!("waste on Postgres, {tenants} {name}, {connections} connections");
            figures.report.add(Figure { name: name.clone(), value, unit: "/s", limit: Some(limit), target: Target::AtLeast(least) });
            // Only told.
            if !figures.pace.quick {
                let server = posting::server(&stores.inventory, facts.clone()).await?;
                let of_server = (0..TOLD_RUNS).map(|_| Ok(load::at(&server.address, &requests, connections, time)?.per_second)).collect::<Outcome<Vec<_>>>()?;
                server.stop().await;
                let name = format!("{name}, of a server that does no more than the limit");
                figures.report.add(Figure { name, value, unit: "/s", limit: Some(median(of_server)), target: Target::Told });
            }
        }
    }
    Ok(())
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    for is_full in [false, true] {
        let folder = tempfile::tempdir()?;
        let stores = Stores::Sqlite { is_full };
        let places = kitchens::with_items(&Larder::start(folder.path(), &stores)?, PLACES).await?;
        let requests = requests(&places);
        let mut theirs = Vec::new();
        let mut ours = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            theirs.push(bare(folder.path(), is_full, &places, figures.pace).await?);
            let larder = Larder::start(folder.path(), &stores)?;
            for ((connections, _), ours) in SQLITE.iter().zip(&mut ours) {
                ours.push(load::run(&larder, &requests, *connections, figures.pace.run)?.per_second);
            }
        }
        let limit = median(theirs);
        for ((connections, least), ours) in SQLITE.into_iter().zip(ours) {
            let synchronous = if is_full { "FULL" } else { "NORMAL" };
            let least = if is_full && connections > 1 { 0.8 } else { least };
            let name = format!("waste on SQLite, synchronous {synchronous}, {connections} connections");
            figures.report.add(Figure { name, value: median(ours), unit: "/s", limit: Some(limit), target: Target::AtLeast(least) });
        }
    }
    Ok(())
}

/// The bare loop, while no server has the file.
async fn bare(folder: &Path, is_full: bool, places: &[Place], pace: Pace) -> Outcome<f64> {
    sqlite::postings(&folder.join("data/inventory.db"), is_full, places, pace.alone).await
}
