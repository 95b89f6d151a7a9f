//! `larder ledger`: the stock ledger, from outside of the server.

mod verify;

use clap::{Args, Subcommand};
use sea_orm::prelude::Uuid;

use crate::db::Exit;
use crate::settings::Settings;

const EXITS: &str = "Exit codes: 0 everything is as it was posted, 1 error, 2 pending migrations, 3 lock not had in time, 4 differences, \
     or a database that is not this program's.";

#[derive(Subcommand)]
pub enum Command {
    /// Recompute everything from the entries: sequence, numbers, hashes and their chain, balances now and ever, references.
    ///
    /// Reads one snapshot and writes nothing; the server may run meanwhile.
    #[command(after_help = EXITS)]
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    /// One tenant; else all of them.
    #[arg(long, value_name = "ID")]
    tenant: Option<Uuid>,
    /// One JSON object, on one line.
    #[arg(long)]
    json: bool,
}

/// Runs a command and reports on it.
pub async fn run(settings: &Settings, command: Command) -> Exit {
    match command {
        Command::Verify(asked) => verify::run(settings, &asked).await,
    }
}
