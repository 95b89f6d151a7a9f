//! Measures Larder against what it runs on: each figure is held against a limit that is measured in the same run, alternating with it.
//!
//! `scripts/bench` starts what this needs (two durable Postgres servers, the optimised program) and runs it. What a figure is and what its
//! limit does stands in the file of the figure.

mod figures;
mod grow;
mod kitchens;
mod larder;
mod limits;
mod load;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use figures::Figures;
use report::Report;

/// That of the program: SQLite allocates by it in the loops of the limits, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, in words for whoever runs the benchmark.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Measures Larder against its limits")]
struct Arguments {
    /// Shorter runs, fewer rows, and less of what is only told: five minutes instead of thirty.
    #[arg(long)]
    quick: bool,
    /// Only the groups of figures whose name contains one of these: process, logins, postings, costs, receipts, reading, growth, earlier, imports,
    /// verify;
    /// with an engine behind it (`reading-sqlite`) only there.
    groups: Vec<String>,
    /// Where the table is written.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// How long and how often things are measured.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    quick: bool,
    /// How long one run takes in which another program makes the load: whole seconds.
    run: Duration,
    /// How long a loop in this program takes.
    alone: Duration,
}

/// Each figure is the median of so many runs.
pub const RUNS: usize = 5;
/// And what is only told, of so many.
pub const TOLD_RUNS: usize = 3;

impl Pace {
    fn of(quick: bool) -> Self {
        let (run, alone) = if quick { (1_000, 500) } else { (3_000, 3_000) };
        Self { quick, run: Duration::from_millis(run), alone: Duration::from_millis(alone) }
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let mut figures = Figures { report: Report::default(), pace: Pace::of(arguments.quick), groups: arguments.groups };
    let begun = Instant::now();
    figures.measure().await?;
    let report = figures.report;
    report.end(begun.elapsed());
    if let Some(path) = arguments.write {
        report.write(&path, begun.elapsed()).await?;
    }
    Ok(())
}
