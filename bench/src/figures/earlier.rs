//! A posting at an earlier time, of an item that moves often, against one now.

use super::Figures;
use super::growth::Grown;
use crate::grow::Size;
use crate::load;
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    earlier(figures, "Postgres", &Grown::on_postgres("bench_earlier", ten_years(figures.pace.quick)).await?)
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    earlier(figures, "SQLite", &Grown::on_sqlite(ten_years(figures.pace.quick)).await?)
}

/// Two items with half of the entries each, over ten years.
fn ten_years(is_quick: bool) -> Size {
    let entries = if is_quick { 100_000 } else { 2_000_000 };
    Size { items: 2, lots: 200, entries, years: 10 }
}

/// Postings a day before the last entries of one item, against postings now of the other.
fn earlier(figures: &mut Figures, engine: &str, grown: &Grown) -> Outcome<()> {
    let (now, before) = (grown.postings(0..1, None), grown.postings(1..2, Some("2025-12-30T18:00:00Z")));
    let (mut current, mut earlier) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        current.push(load::run(&grown.larder, &now, 1, figures.pace.run)?.per_second);
        earlier.push(load::run(&grown.larder, &before, 1, figures.pace.run)?.per_second);
    }
    let (current, earlier) = (1_000.0 / median(current), 1_000.0 / median(earlier));
    let name = format!("waste a day back on {engine}, an item with {} entries, of waste now", ten_years(figures.pace.quick).entries / 2);
    figures.report.add(Figure { name, value: earlier, unit: "ms", limit: Some(current), target: Target::AtMost(1.2) });
    Ok(())
}
