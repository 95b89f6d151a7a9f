//! A posting at an earlier time, of an item that moves often, against one now.

use super::growth::Grown;
use super::{Figures, in_turn};
use crate::Outcome;
use crate::grow::Size;
use crate::load::{self, Request};
use crate::report::{Figure, Target};

pub async fn on_postgres(figures: &mut Figures) -> Outcome<()> {
    earlier(figures, "Postgres", &Grown::on_postgres("bench_earlier", ten_years(figures.pace.quick)).await?).await
}

pub async fn on_sqlite(figures: &mut Figures) -> Outcome<()> {
    earlier(figures, "SQLite", &Grown::on_sqlite(ten_years(figures.pace.quick)).await?).await
}

/// Two items with half of the entries each, over ten years.
fn ten_years(is_quick: bool) -> Size {
    let entries = if is_quick { 100_000 } else { 2_000_000 };
    Size { items: 2, lots: 200, entries, years: 10 }
}

/// Postings a day before the last entries of one item, against postings now of the other.
async fn earlier(figures: &mut Figures, engine: &str, grown: &Grown) -> Outcome<()> {
    let milliseconds = async |posting: &[Request]| Ok(1_000.0 / load::run(&grown.larder, posting, 1, figures.pace.run)?.per_second);
    let (now, before) = (grown.postings(0..1, None), grown.postings(1..2, Some("2025-12-30T18:00:00Z")));
    let (value, limit) = in_turn(async || milliseconds(&before).await, async || milliseconds(&now).await).await?;
    let name = format!("waste a day back on {engine}, an item with {} entries, of waste now", grown.entries / 2);
    figures.report.add(Figure { name, value, unit: "ms", limit: Some(limit), target: Target::AtMost(1.2) });
    Ok(())
}
