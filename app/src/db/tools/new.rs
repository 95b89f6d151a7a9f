//! `larder db new NAME --db X`: an empty migration, entered in the list of its crate.

use std::fmt;
use std::path::PathBuf;

use migration_tools::checkout::Checkout;
use migration_tools::new::Crate;
use serde::Serialize;

use super::{checkout, plain_tool, trouble};
use crate::db::{Exit, New, Report};
use crate::failure::Failure;
use crate::module::Module;

#[derive(Serialize)]
struct Line {
    db: &'static str,
    file: String,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} written      {}", self.db, self.file)
    }
}

pub fn run(asked: New) -> Exit {
    let mut report = Report::new("files", asked.which.json);
    let module = match asked.which.db.one("a migration belongs to one module") {
        Ok(module) => module,
        Err(why) => return report.refuse(why),
    };
    let made = checkout().and_then(|checkout| Ok((make(&checkout, module, &asked.name)?, checkout)));
    let (files, checkout) = match made {
        Ok(made) => made,
        Err(failure) => return report.fail(&failure),
    };
    for file in files {
        report.line(Line { db: module.name(), file: checkout.name_of(&file) });
    }
    report.remark(format_args!("Write up and down, then `cargo run -- db dev --db {module}`: it applies, generates and checks."));
    report.end(Exit::Done)
}

fn make(checkout: &Checkout, module: Module, name: &str) -> Result<[PathBuf; 2], Failure> {
    let folder = checkout.migrations(module.name());
    let refused = |why| trouble(module, why);
    let before = Crate::read(&folder).map_err(|error| refused(format!("{}: {error}", folder.display())))?;
    let arguments = before.arguments(name).map_err(refused)?;
    plain_tool(&arguments, &folder, None).map_err(refused)?;
    before.finish().map_err(refused)
}
