//! What the program takes of a machine: the time until it is ready, and memory.

use serde_json::json;

use super::Figures;
use crate::kitchens::{self, AREA};
use crate::larder::{Larder, Stores};
use crate::load::{self, Request};
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

/// Starts on embedded databases that are migrated already, looks at the memory before and after postings under load.
pub async fn measure(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: false });
    let places = kitchens::with_items(&Larder::start(folder.path(), &stores)?, 10).await?;
    let (mut seconds, mut idle, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    let body = json!({ "location": AREA, "lines": [{ "sku": "SKU0", "quantity": "1", "reason": "spoiled" }] }).to_string();
    let key = places.first().map(|place| place.key.clone()).unwrap_or_default();
    let posting = Request { method: "POST", path: "/v1/inventory/waste".to_owned(), key: Some(key), body };
    for _ in 0..RUNS {
        let larder = Larder::start(folder.path(), &stores)?;
        seconds.push(larder.started_within.as_secs_f64());
        // Its workers begin with the first request.
        std::thread::sleep(std::time::Duration::from_secs(1));
        idle.push(larder.resident_mib()?);
        load::run(&larder, std::slice::from_ref(&posting), 32, figures.pace.run)?;
        busy.push(larder.resident_mib()?);
    }
    let figure = |name: &str, values, unit, most| Figure { name: name.to_owned(), value: median(values), unit, limit: None, target: Target::AtMost(most) };
    figures.report.add(figure("start to ready, embedded and migrated", seconds, "s", 0.15));
    figures.report.add(figure("resident memory, idle", idle, "MiB", 38.1));
    figures.report.add(figure("resident memory, after 32 connections have posted", busy, "MiB", 143.1));
    Ok(())
}
