//! `larder db dev`: up on the configured development databases, generate, check; one after the other, until one fails.
//!
//! The migrations are those that this program was built with, which `cargo run -- db dev` sees to. What `generate` writes is in
//! the next build; `check` reads it from the checkout.

use super::check::check;
use super::generate::generate;
use crate::db::deploy::{self, Line};
use crate::db::{Exit, Report, Which, owners};
use crate::failure::Failure;
use crate::module::Module;
use crate::settings::{Mode, Settings};
use crate::target::Target;

pub async fn run(settings: &Settings, which: Which) -> Exit {
    let mut report = Report::new("steps", which.json);
    if settings.mode == Mode::Production {
        return report.refuse("dev is for development databases, and refused in production mode: `larder db deploy` migrates");
    }
    match develop(settings, &which.db.modules(), &mut report).await {
        Ok(exit) => report.end(exit),
        Err(failure) => report.fail(&failure),
    }
}

async fn develop(settings: &Settings, modules: &[Module], report: &mut Report) -> Result<Exit, Failure> {
    super::checkout()?;
    for module in modules {
        up(settings, *module, report).await?;
    }
    let generated = generate(settings, modules, false, report).await?;
    if generated == Exit::Done { check(settings, modules, report).await } else { Ok(generated) }
}

async fn up(settings: &Settings, module: Module, report: &mut Report) -> Result<(), Failure> {
    if matches!(owners(settings, module), Target::Memory) {
        report.remark(format_args!("{:<10} in memory: nothing to migrate", module.name()));
        return Ok(());
    }
    let mut applied = 0;
    let mut tell = |step| {
        applied += 1;
        report.line(Line::new(module, "applied", step));
    };
    deploy::deploy(settings, module, &mut tell).await?;
    if applied == 0 {
        report.remark(format_args!("{:<10} up to date", module.name()));
    }
    Ok(())
}
