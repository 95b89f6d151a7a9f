//! The commands of those who work on the schema, over the crate `migration-tools`.

mod baseline;
mod check;
mod dev;
mod drift;
mod generate;
mod lint;
mod new;
mod repair;
mod shadow;

use std::path::{Path, PathBuf};
use std::process::Command;

use migration_tools::checkout::Checkout;

pub use baseline::run as baseline;
pub use check::run as check;
pub use dev::run as dev;
pub use drift::run as drift;
pub use generate::run as generate;
pub use lint::run as lint;
pub use new::run as new;
pub use repair::repair_file;

use super::{Exit, Report};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings;

/// The checkout that the working directory lies in.
fn checkout() -> Result<Checkout, Failure> {
    let around = std::env::current_dir().map_err(|error| error.to_string()).and_then(|folder| Checkout::around(&folder));
    around.map_err(|why| trouble(Module::Inventory, why))
}

/// What stops a command that has no database.
fn trouble(module: Module, why: String) -> Failure {
    Failure::new(module, "", Cause::Refused(why))
}

/// What [`plain_tool`] calls.
pub async fn sea_orm_cli(arguments: &[String]) -> Exit {
    match migration_tools::generate::sea_orm_cli(arguments).await {
        Ok(()) => Exit::Done,
        Err(why) => Report::new("", false).refuse(why),
    }
}

/// This program's file, also where a build has put another in its place since it was started.
fn this_program() -> Result<PathBuf, String> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe().map_err(|error| error.to_string()) }
}

/// Runs plain sea-orm-cli, which is in this program, as a process of its own: it prints to stdout and panics, neither of which a
/// command may.
fn plain_tool(arguments: &[String], folder: &Path, database_url: Option<&str>) -> Result<(), String> {
    let mut command = Command::new(this_program()?);
    command.args(["db", "sea-orm-cli", "--"]).args(arguments).current_dir(folder);
    // What is set for this program is nothing to it.
    for name in settings::environment().map_err(|refusal| refusal.to_string())?.keys() {
        command.env_remove(name);
    }
    command.env_remove("DATABASE_SCHEMA").env_remove("MIGRATION_DIR");
    // Not among the arguments, which everybody on the machine can read.
    match database_url {
        Some(url) => command.env("DATABASE_URL", url),
        None => command.env_remove("DATABASE_URL"),
    };
    let ended = command.stdin(std::process::Stdio::null()).output().map_err(|error| format!("sea-orm-cli cannot be run: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).trim().to_owned()).join("\n");
    Err(format!("sea-orm-cli {} failed: {}", arguments.join(" "), said.trim()))
}
