//! `larder db lint`: refuses migrations that are dangerous on a database with data and users. Needs no database.

use super::trouble;
use crate::db::{Exit, Report, Which};

pub async fn run(which: Which) -> Exit {
    let mut report = Report::new("findings", which.json);
    let mut refused = 0;
    for module in which.db.modules() {
        let findings = match migration_tools::lint::lint(module.schema()).await {
            Ok(findings) => findings,
            Err(error) => return report.fail(&trouble(module, error.to_string())),
        };
        refused += findings.len();
        if findings.is_empty() {
            report.remark(format_args!("{:<10} nothing to refuse", module.name()));
        }
        for finding in findings {
            report.line(finding);
        }
    }
    if refused == 0 {
        return report.end(Exit::Done);
    }
    report.remark("Take another way (expand and contract: docs/runbook.md), or waive it beside its migration, with the reason.");
    report.end(Exit::Hazard)
}
