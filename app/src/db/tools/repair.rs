//! The side of `larder db repair NAME` that is in the checkout: the line of `migrations.lock`.

use std::fmt;

use migration_history::Locked;
use migration_tools::locks;
use serde::Serialize;

use super::generate::read_lock_file;
use super::{checkout, trouble};
use crate::db::{Exit, Report};
use crate::failure::Failure;
use crate::module::Module;

/// One line of the file, as it is and as it would be.
#[derive(Serialize)]
struct Line {
    change: &'static str,
    engine: &'static str,
    checksum: String,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:<8} {}", if self.change == "removed" { '-' } else { '+' }, self.engine, self.checksum)
    }
}

/// Shows which checksums of a migration are not what it sends now, and with `yes` writes them.
pub async fn repair_file(module: Module, name: &str, yes: bool, report: &mut Report) -> Result<Exit, Failure> {
    // A deployed program has no checkout, and nothing to repair there.
    let Ok(checkout) = checkout() else { return Ok(Exit::Done) };
    let path = checkout.lock_file(module.name());
    let file_name = checkout.name_of(&path);
    let (text, file) = read_lock_file(&checkout, module)?;
    let now = locks::now(module.schema()).await.map_err(|error| trouble(module, error.to_string()))?;
    let (Some(locked), Some(sent)) = (file.find(name), now.find(name)) else {
        report.remark(format_args!("{file_name} has no {name}: `larder db generate` adds a new one"));
        return Ok(Exit::Done);
    };
    if locked == sent {
        report.remark(format_args!("{file_name} has nothing to repair for {name}"));
        return Ok(Exit::Done);
    }
    report.remark(format_args!("{file_name}, {name} (what was sent before is not in the file; `git diff` shows what has changed in the source):"));
    show(locked, sent, report);
    if !yes {
        report.remark("--yes accepts it.");
        return Ok(Exit::Pending);
    }
    std::fs::write(&path, locks::replaced(&text, sent)).map_err(|error| trouble(module, format!("{}: {error}", path.display())))?;
    report.remark(format_args!("{file_name} has accepted {name}: build this program again, which has the file in it"));
    Ok(Exit::Done)
}

fn show(locked: &Locked, sent: &Locked, report: &mut Report) {
    for (engine, before, now) in [("postgres", &locked.postgres, &sent.postgres), ("sqlite", &locked.sqlite, &sent.sqlite)] {
        if before != now {
            report.line(Line { change: "removed", engine, checksum: before.clone() });
            report.line(Line { change: "added", engine, checksum: now.clone() });
        }
    }
}
