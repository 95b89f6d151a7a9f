//! Opening stock of 100,000 rows from a CSV file, against INSERTs of as many rows into the same tables (of receipts, whose lines are as wide) by
//! the bare driver; and the memory that it takes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection as _};

use super::{Figures, receipts};
use crate::kitchens::{self, AREA, Caller, Place};
use crate::larder::{Larder, Postgres, Stores, analyze};
use crate::limits::sqlite;
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

const ITEMS: usize = 1_000;
/// Of the issue: lines a second of those of the bare driver, and MiB (100 MB).
const LEAST: f64 = 0.4;
const MOST_MEMORY: f64 = 95.4;
fn rows(is_quick: bool) -> usize {
    if is_quick { 5_000 } else { 100_000 }
}

/// A file like no other.
fn file(rows: usize, number: usize) -> String {
    let mut text = String::from("sku,quantity,unit_cost\n");
    for row in 0..rows {
        let _ = writeln!(text, "SKU{},{},1.25", row % ITEMS, number + 1);
    }
    text
}

#[derive(Default)]
struct Measured {
    ours: Vec<f64>,
    bare: Vec<f64>,
    mib: Vec<f64>,
}

impl Measured {
    /// Takes in one file.
    async fn import(&mut self, larder: &Larder, place: &Place, rows: usize) -> Outcome<()> {
        let before = larder.forget_peak()?;
        let caller = Caller::new(larder, &place.key);
        let text = file(rows, self.ours.len());
        let begun = Instant::now();
        caller.post_csv(&format!("/v1/inventory/imports/opening-stock?location={AREA}"), text).await?;
        #[expect(clippy::cast_precision_loss, reason = "a hundred thousand")]
        self.ours.push(rows as f64 / begun.elapsed().as_secs_f64());
        self.mib.push(larder.peak_mib()? - before);
        Ok(())
    }

    fn report(self, figures: &mut Figures, engine: &str) {
        let rows = rows(figures.pace.quick);
        let (value, limit) = (median(self.ours), Some(median(self.bare)));
        let name = format!("opening stock of {rows} rows from a file on {engine}");
        figures.report.add(Figure { name: name.clone(), value, unit: "rows/s", limit, target: Target::AtLeast(LEAST) });
        let name = format!("{name}, memory beside what was held before");
        figures.report.add(Figure { name, value: median(self.mib), unit: "MiB", limit: None, target: Target::AtMost(MOST_MEMORY) });
    }
}

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    let stores = Postgres::of_environment()?.emptied("bench_imports").await?;
    let folder = tempfile::tempdir()?;
    let postgres = Stores::Postgres(stores.clone());
    let places = kitchens::with_items(&Larder::start(folder.path(), &postgres)?, ITEMS).await?;
    analyze(&stores.inventory).await?;
    let mut connection = sqlx::PgConnection::connect(&stores.inventory).await?;
    let mut measured = Measured::default();
    for _ in 0..RUNS {
        measured.bare.push(lines(receipts::bare_postgres(&mut connection, &places, time(figures)).await?));
        // A server that has taken in nothing yet.
        measured.import(&Larder::start(folder.path(), &postgres)?, places.first().ok_or("no place")?, rows(figures.pace.quick)).await?;
    }
    measured.report(figures, "Postgres");
    Ok(())
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: true });
    let places = kitchens::with_items(&Larder::start(folder.path(), &stores)?, ITEMS).await?;
    let mut measured = Measured::default();
    for _ in 0..RUNS {
        // One of both has the file at a time.
        let mut connection = sqlite::connect(&folder.path().join("data/inventory.db"), true).await?;
        measured.bare.push(lines(receipts::bare_sqlite(&mut connection, &places, time(figures)).await?));
        connection.close().await?;
        measured.import(&Larder::start(folder.path(), &stores)?, places.first().ok_or("no place")?, rows(figures.pace.quick)).await?;
    }
    measured.report(figures, "SQLite");
    Ok(())
}

/// A document of the bare driver has a line for each item.
#[expect(clippy::cast_precision_loss, reason = "a thousand")]
fn lines(documents: f64) -> f64 {
    documents * ITEMS as f64
}

fn time(figures: &Figures) -> Duration {
    figures.pace.alone
}
