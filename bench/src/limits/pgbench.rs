//! The limit of a posting on Postgres: pgbench, with prepared statements, running the fewest that a correct posting of one line must run
//! ([`super::posting`]); and of pages, running the SQL that they need at least.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::posting::{self, Facts, Given};
use crate::Outcome;

/// Postings, in SQL.
pub struct Postings {
    url: String,
    folder: tempfile::TempDir,
}

impl Postings {
    /// Prepares the statements of postings with these facts, each of which is as likely as the others.
    pub fn at(url: &str, facts: &[Facts]) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("posting.sql"), script(facts))?;
        Ok(Self { url: url.to_owned(), folder })
    }

    /// Transactions per second.
    pub fn run(&self, connections: u32, time: Duration) -> Outcome<f64> {
        let mut command = Command::new("pgbench");
        command.args(["--no-vacuum", "--protocol", "prepared", "--client", &connections.to_string(), "--jobs", &connections.min(2).to_string()]);
        command.args(["--time", &time.as_secs().max(1).to_string()]);
        command.arg("--file").arg(self.folder.path().join("posting.sql"));
        transactions_per_second(&mut command, &self.url)
    }
}

/// Runs one script of pgbench that reads, with these connections.
pub fn run_script(url: &str, script: &str, connections: u32, time: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, script)?;
    let mut command = Command::new("pgbench");
    command.args(["--no-vacuum", "--protocol", "prepared", "--client", &connections.to_string(), "--jobs", &connections.min(2).to_string()]);
    command.args(["--time", &time.as_secs().max(1).to_string(), "--file"]).arg(&file);
    transactions_per_second(&mut command, url)
}

fn transactions_per_second(command: &mut Command, url: &str) -> Outcome<f64> {
    let command = command.arg(url).stdin(Stdio::null());
    let out = tokio::task::block_in_place(|| command.output())?;
    let (said, complained) = (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned());
    let failed = said.lines().any(|line| line.starts_with("number of failed transactions: ") && !line.starts_with("number of failed transactions: 0"));
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")).and_then(|rest| rest.split_whitespace().next()).and_then(|rate| rate.parse().ok());
    match rate {
        Some(rate) if out.status.success() && !failed => Ok(rate),
        _ => Err(format!("pgbench failed: {said}{complained}").into()),
    }
}

/// One script for all, so that a client prepares its statements once: it takes the values of one of them out of arrays.
fn script(facts: &[Facts]) -> String {
    let of = |value: fn(&Facts) -> String, kind: &str| {
        let values: Vec<_> = facts.iter().map(value).collect();
        format!("('{{{}}}'::{kind}[])[:n]", values.join(","))
    };
    let given = Given {
        tenant: of(|facts| facts.tenant.to_string(), "uuid"),
        item: of(|facts| facts.item.to_string(), "uuid"),
        location: of(|facts| facts.location.to_string(), "uuid"),
        site: of(|facts| facts.site.to_string(), "uuid"),
        lot: of(|facts| facts.lot.to_string(), "uuid"),
        actor: of(|facts| facts.actor.to_string(), "uuid"),
        reason: of(|facts| facts.reason.to_string(), "uuid"),
        rules_version: of(|facts| facts.rules_version.to_string(), "bigint"),
    };
    format!("\\set n random(1, {})\nBEGIN;\n{};\nCOMMIT;\n", facts.len(), posting::statements(&given).join(";\n"))
}
