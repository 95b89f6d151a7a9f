//! `larder doctor`: looks at what an installation stands on, and says what to do about what is wrong. Changes nothing.

mod address;
mod databases;
mod files;
mod mail;
mod secret;

use std::fmt;

use clap::Args;
use serde::Serialize;

use crate::db::{Exit, Report};
use crate::failure::Failure;
use crate::settings::Settings;

#[derive(Args)]
pub struct Asked {
    /// One JSON object, on one line.
    #[arg(long)]
    json: bool,
}

/// What one check has found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    /// `fine` or `wrong`.
    state: &'static str,
    message: String,
    /// What to do about it.
    next: Option<String>,
}

impl Finding {
    fn fine(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: "fine", message: message.into(), next: None }
    }

    fn wrong(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, state: "wrong", message: message.into(), next: Some(next.into()) }
    }

    fn of(check: &'static str, failure: &Failure) -> Self {
        Self { check, state: "wrong", message: failure.message(), next: failure.next() }
    }

    fn is_wrong(&self) -> bool {
        self.state == "wrong"
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, state, message, next } = self;
        write!(out, "{check:<11} {state:<5}  {}", message.replace('\n', " "))?;
        next.as_ref().map_or(Ok(()), |next| write!(out, ". {next}"))
    }
}

/// Looks at everything, and ends with 1 where something is wrong.
pub async fn run(settings: &Settings, asked: &Asked) -> Exit {
    let mut report = Report::new("checks", asked.json);
    let mut findings = vec![address::public_url(settings), address::proxies(settings)];
    findings.extend(files::modes(settings));
    findings.extend(files::settings_file(settings));
    findings.extend(databases::look(settings).await);
    findings.push(secret::fits(settings).await);
    findings.push(mail::reached(settings).await);
    let exit = if findings.iter().any(Finding::is_wrong) { Exit::Error } else { Exit::Done };
    for finding in findings {
        report.line(finding);
    }
    report.end(exit)
}
