//! What must not get slower as a ledger grows: postings, and the value at a past date.
//!
//! The ledgers are made by SQL ([`crate::grow`]); each is of one year, and the same server answers from each of them. What is measured of
//! one is held against the smallest, in turn.

use std::time::Instant;

use sea_orm::sqlx::{self, Connection as _};
use serde_json::json;

use super::Figures;
use crate::grow::{self, Size};
use crate::kitchens::{self, AREA, Caller, Place};
use crate::larder::{Larder, Postgres, Stores};
use crate::limits::sqlite;
use crate::load::{self, Request};
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

const CONNECTIONS: u32 = 8;
/// Of a ledger of so many entries it is told what one takes.
const STORED: u64 = 1_000_000;
/// So many items are posted at, an equal distance apart.
const ITEMS: u64 = 1_000;

/// A hundred thousand items where there are that many lots.
fn size(entries: u64) -> Size {
    let lots = (entries / 10).min(100_000);
    Size { items: lots, lots, entries, years: 1 }
}

fn sizes(is_quick: bool) -> &'static [u64] {
    if is_quick { &[10_000, 100_000] } else { &[10_000, 1_000_000, 10_000_000] }
}

/// A server with a ledger.
pub(super) struct Grown {
    pub(super) entries: u64,
    pub(super) larder: Larder,
    place: Place,
    /// Where its files are.
    folder: tempfile::TempDir,
}

impl Grown {
    pub(super) async fn on_postgres(name: &str, size: Size) -> Outcome<Self> {
        let stores = Postgres::of_environment()?.emptied(name).await?;
        let folder = tempfile::tempdir()?;
        let larder = Larder::start(folder.path(), &Stores::Postgres(stores.clone()))?;
        let place = kitchens::with_items(&larder, 1).await?.remove(0);
        grow::on_postgres(&stores.inventory, &place, size).await?;
        Ok(Self { entries: size.entries, larder, place, folder })
    }

    pub(super) async fn on_sqlite(size: Size) -> Outcome<Self> {
        let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: false });
        let place = kitchens::with_items(&Larder::start(folder.path(), &stores)?, 1).await?.remove(0);
        grow::on_sqlite(&folder.path().join("data/inventory.db"), &place, size).await?;
        Ok(Self { entries: size.entries, larder: Larder::start(folder.path(), &stores)?, place, folder })
    }

    /// Waste of one item after another, now or at an earlier time.
    pub(super) fn postings(&self, items: impl Iterator<Item = u64>, effective_at: Option<&str>) -> Vec<Request> {
        let request = |item: u64| {
            let mut body = json!({ "location": AREA, "lines": [{ "sku": format!("BULK{item}"), "quantity": "1", "reason": "spoiled" }] });
            if let (Some(at), Some(body)) = (effective_at, body.as_object_mut()) {
                body.insert("effective_at".to_owned(), at.into());
            }
            Request { method: "POST", path: "/v1/inventory/waste".to_owned(), key: Some(self.place.key.clone()), body: body.to_string() }
        };
        items.map(request).collect()
    }
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let mut grown = Vec::new();
    for entries in sizes(figures.pace.quick).iter().copied() {
        let name = format!("bench_growth_{entries}");
        grown.push(Grown::on_postgres(&name, size(entries)).await?);
        if entries == STORED {
            stored(figures, &name, entries).await?;
        }
    }
    rates(figures, "Postgres", &grown).await?;
    if let Some(largest) = grown.pop() {
        drop(grown);
        values(figures, "Postgres", &largest, 0.2).await?;
    }
    Ok(())
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    let mut grown = Vec::new();
    for entries in sizes(figures.pace.quick).iter().copied() {
        grown.push(Grown::on_sqlite(size(entries)).await?);
    }
    rates(figures, "SQLite", &grown).await?;
    if !figures.pace.quick {
        bare_rates(figures, &grown).await?;
    }
    if let Some(largest) = grown.pop() {
        drop(grown);
        values(figures, "SQLite", &largest, 0.5).await?;
    }
    Ok(())
}

/// What an entry takes on the disk.
async fn stored(figures: &mut Figures, database: &str, entries: u64) -> Outcome<()> {
    let url = Postgres::of_environment()?.inventory;
    let (server, _) = url.rsplit_once('/').ok_or("no database in the URL")?;
    let mut connection = sqlx::PgConnection::connect(&format!("{server}/{database}")).await?;
    let sizes = "SELECT pg_relation_size('ledger_entry')::float8, pg_total_relation_size('ledger_entry')::float8, pg_database_size(current_database())::float8";
    let (rows, with_indexes, all): (f64, f64, f64) = sqlx::query_as(sizes).fetch_one(&mut connection).await?;
    connection.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let of_each = |bytes: f64| bytes / entries as f64;
    for (what, bytes) in [("its row of the ledger", rows), ("with its indexes", with_indexes), ("the whole database", all)] {
        let name = format!("stored for an entry on Postgres, {entries} of them: {what}");
        figures.report.add(Figure { name, value: of_each(bytes), unit: "bytes", limit: None, target: Target::Told });
    }
    Ok(())
}

/// The items that are posted at, an equal distance apart.
fn items(entries: u64) -> impl Iterator<Item = u64> {
    (0..ITEMS).map(move |item| item * (size(entries).items / ITEMS))
}

/// Postings a second, of each size against the smallest.
async fn rates(figures: &mut Figures, engine: &str, grown: &[Grown]) -> Outcome<()> {
    let time = figures.pace.run;
    let rate = async |of: &Grown| Ok(load::run(&of.larder, &of.postings(items(of.entries), None), CONNECTIONS, time)?.per_second);
    against_the_smallest(figures, &format!("waste on {engine}"), grown, rate, Target::AtLeast(0.9)).await
}

/// The same of the statements of the limit, one after another: what is SQLite's own of it.
async fn bare_rates(figures: &mut Figures, grown: &[Grown]) -> Outcome<()> {
    let time = figures.pace.alone;
    let rate = async |of: &Grown| {
        let skus: Vec<_> = items(of.entries).map(|item| format!("BULK{item}")).collect();
        sqlite::postings_of(&of.folder.path().join("data/inventory.db"), &of.place, &skus, time).await
    };
    against_the_smallest(figures, "the bare loop on SQLite", grown, rate, Target::Told).await
}

async fn against_the_smallest(figures: &mut Figures, what: &str, grown: &[Grown], rate: impl AsyncFn(&Grown) -> Outcome<f64>, target: Target) -> Outcome<()> {
    let mut rates: Vec<Vec<f64>> = grown.iter().map(|_| Vec::new()).collect();
    // Each in its turn, and not always the same one after the same; the first round is no run: caches are as cold as they never are again.
    for round in 0..=RUNS {
        for place in 0..grown.len() {
            let place = (place + round) % grown.len();
            let (Some(grown), Some(rates)) = (grown.get(place), rates.get_mut(place)) else { continue };
            let rate = rate(grown).await?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let mut rates = rates.into_iter().map(median).zip(grown);
    let Some((limit, smallest)) = rates.next() else { return Ok(()) };
    for (value, of) in rates {
        let name = format!("{what} at {} entries, of that at {}", of.entries, smallest.entries);
        figures.report.add(Figure { name, value, unit: "/s", limit: Some(limit), target });
    }
    Ok(())
}

/// Seconds that the total value at the end of a day takes: from the first entry on, then with a week behind a closed period.
async fn values(figures: &mut Figures, engine: &str, grown: &Grown, most: f64) -> Outcome<()> {
    const DAY: &str = "2025-10-07";
    let caller = Caller::new(&grown.larder, &grown.place.key);
    let path = format!("/v1/inventory/reports/valuation?group_by=total&as_of={DAY}");
    let seconds = async || {
        let mut seconds = Vec::new();
        for _ in 0..RUNS {
            let begun = Instant::now();
            caller.get(&path).await?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
        Outcome::Ok(median(seconds))
    };
    let name = |what: &str| format!("value at a past date on {engine}, {} entries, {what}", grown.entries);
    figures.report.add(Figure { name: name("no period closed"), value: seconds().await?, unit: "s", limit: None, target: Target::AtMost(5.0) });
    let period = caller.post("/v1/inventory/periods", &json!({ "last_day": "2025-09-30" })).await?;
    let begun = Instant::now();
    caller.post(&format!("/v1/inventory/periods/{}/close", kitchens::text(&period, "id")?), &json!({})).await?;
    let (name_of_closing, closed) = (name("closing nine months"), begun.elapsed().as_secs_f64());
    figures.report.add(Figure { name: name_of_closing, value: closed, unit: "s", limit: None, target: Target::Told });
    figures.report.add(Figure { name: name("a week after a closed period"), value: seconds().await?, unit: "s", limit: None, target: Target::AtMost(most) });
    Ok(())
}
