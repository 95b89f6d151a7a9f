//! The table of what was measured.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kernel::Clock;
use sea_orm::sqlx::{self, Connection as _};

use crate::Outcome;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The ratio of the figure to its limit is at least this.
    AtLeast(f64),
    /// The figure itself is at most this.
    AtMost(f64),
    /// It is told, and held against nothing.
    Told,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// What it is held against, measured in the same run.
    pub limit: Option<f64>,
    pub target: Target,
}

impl Figure {
    pub fn ratio(&self) -> Option<f64> {
        self.limit.map(|limit| self.value / limit)
    }

    /// Whether the target is met; `None` where there is none.
    pub fn is_met(&self) -> Option<bool> {
        match self.target {
            Target::AtLeast(least) => self.ratio().map(|ratio| ratio >= least),
            Target::AtMost(most) => Some(self.ratio().unwrap_or(self.value) <= most),
            Target::Told => None,
        }
    }
}

const HEAD: &str = "| figure | Larder | limit | ratio | target | |\n|---|---|---|---|---|---|\n";

#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    pub fn add(&mut self, figure: Figure) {
        #[expect(clippy::print_stdout, reason = "whoever waits sees how it goes on, and has the table in the end")]
        {
            if self.figures.is_empty() {
                print!("{HEAD}");
            }
            println!("{}", row(&figure));
        }
        self.figures.push(figure);
    }

    fn table(&self) -> String {
        let mut table = String::from(HEAD);
        for figure in &self.figures {
            table.push_str(&row(figure));
            table.push('\n');
        }
        table
    }

    /// Says how long it took.
    #[expect(clippy::print_stdout, reason = "the last line of what whoever waits has seen")]
    pub fn end(&self, took: Duration) {
        println!("{} figures in {}.", self.figures.len(), minutes(took));
    }

    /// Puts the table in the place of the one that the document has, with the day and what it was measured on.
    pub async fn write(&self, path: &Path, took: Duration) -> Outcome<()> {
        const BEGIN: &str = "<!-- measured: begin -->\n";
        const END: &str = "<!-- measured: end -->";
        let text = std::fs::read_to_string(path)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("the document has no place for the table")?;
        let (_, after) = rest.split_once(END).ok_or("the document has no place for the table")?;
        let measured = format!("{before}{BEGIN}{}\n\n{}{END}{after}", surroundings(took).await?, self.table());
        Ok(std::fs::write(path, measured)?)
    }
}

fn row(figure: &Figure) -> String {
    let limit = figure.limit.map_or("–".to_owned(), |limit| format!("{} {}", number(limit), figure.unit));
    let ratio = figure.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
    let target = match figure.target {
        Target::AtLeast(least) => format!("≥ {least}"),
        Target::AtMost(most) if figure.limit.is_some() => format!("≤ {most}"),
        Target::AtMost(most) => format!("≤ {} {}", number(most), figure.unit),
        Target::Told => "–".to_owned(),
    };
    let met = figure.is_met().map_or("", |is_met| if is_met { "met" } else { "**missed**" });
    format!("| {} | {} {} | {limit} | {ratio} | {target} | {met} |", figure.name, number(figure.value), figure.unit)
}

/// Three digits of it, which is more than a run repeats.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn minutes(took: Duration) -> String {
    format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
}

/// The day, the machine and the versions.
async fn surroundings(took: Duration) -> Outcome<String> {
    let mut text = format!("Measured on {}, in {}.", Clock::System.now().utc().date_naive(), minutes(took));
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(": ")).map(|(_, model)| model.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let _ = write!(text, " {cores} cores of {}.", model.unwrap_or_else(|| "an unknown processor".to_owned()));
    if let Some(kib) = memory {
        let _ = write!(text, " {} GiB of memory.", kib.div_ceil(1024 * 1024));
    }
    let files = std::env::temp_dir();
    let files = files.to_string_lossy();
    // The fsync of a commit is the file system's.
    for (what, program, arguments) in [
        ("", "uname", &["-sr"][..]),
        ("Files on ", "stat", &["--file-system", "--format=%T", &files]),
        ("Larder of ", "git", &["describe", "--always", "--dirty"]),
        ("", "rustc", &["--version"]),
        ("", "postgres", &["--version"]),
        ("", "wrk", &["--version"]),
    ] {
        if let Ok(said) = Command::new(program).args(arguments).output() {
            let said = String::from_utf8_lossy(if said.stdout.is_empty() { &said.stderr } else { &said.stdout }).into_owned();
            let said = said.lines().next().unwrap_or_default().trim_end_matches('.').split(" Copyright").next().unwrap_or_default();
            let _ = write!(text, " {what}{said}.");
        }
    }
    let mut sqlite = sqlx::SqliteConnection::connect("sqlite::memory:").await?;
    let (version,): (String,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(&mut sqlite).await?;
    let _ = write!(text, " SQLite {version}.");
    Ok(text)
}

/// The middle one of several measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
