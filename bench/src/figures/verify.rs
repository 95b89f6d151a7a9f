//! `larder ledger verify` on what was posted, against reading the same rows by the bare driver.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use sea_orm::sqlx::{self, Connection as _, Row as _};

use super::{Figures, receipts};
use crate::kitchens::{self, Caller};
use crate::larder::{Larder, Stores, program};
use crate::limits::sqlite;
use crate::report::{Figure, Target, median};
use crate::{Outcome, RUNS};

const LEAST: f64 = 0.3;
const LINES: usize = 1_000;

pub async fn measure(figures: &mut Figures) -> Outcome<()> {
    let (folder, stores) = (tempfile::tempdir()?, Stores::Sqlite { is_full: false });
    {
        let larder = Larder::start(folder.path(), &stores)?;
        let places = kitchens::with_items(&larder, LINES).await?;
        let key = places.first().ok_or("no place")?.key.clone();
        let receipt = receipts::of_all(&places);
        let caller = Caller::new(&larder, &key);
        for _ in 0..if figures.pace.quick { 20 } else { 200 } {
            caller.post("/v1/inventory/receipts", &receipt).await?;
        }
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let read = read_all(&folder.path().join("data/inventory.db")).await?;
        ours.push(read.entries / verify(folder.path())?);
        theirs.push(read.entries / read.seconds);
    }
    let name = "larder ledger verify on SQLite, entries".to_owned();
    figures.report.add(Figure { name, value: median(ours), unit: "/s", limit: Some(median(theirs)), target: Target::AtLeast(LEAST) });
    Ok(())
}

/// Seconds that the command takes, its start included.
fn verify(folder: &Path) -> Outcome<f64> {
    let mut command = Command::new(program()?);
    command.args(["ledger", "verify"]).current_dir(folder).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let ended = tokio::task::block_in_place(|| command.status())?;
    if ended.success() { Ok(begun.elapsed().as_secs_f64()) } else { Err(format!("larder ledger verify: {ended}").into()) }
}

struct Read {
    entries: f64,
    seconds: f64,
}

/// Every column of every row that is verified, in the order in which it is.
async fn read_all(file: &Path) -> Outcome<Read> {
    let mut connection = sqlite::connect(file, false).await?;
    let begun = Instant::now();
    let mut entries = 0.0;
    for table in ["document ORDER BY tenant_id, last_seq", "receipt_line", "lot", "balance", "ledger_entry ORDER BY tenant_id, seq"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(&mut connection).await?;
        for row in &rows {
            for column in 0..row.len() {
                std::hint::black_box(row.try_get_raw(column)?);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand")]
        if table.starts_with("ledger_entry") {
            entries = rows.len() as f64;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(Read { entries, seconds })
}
