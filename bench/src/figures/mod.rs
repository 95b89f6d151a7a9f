//! What is measured, a file for each group.

mod costs;
mod earlier;
mod growth;
mod imports;
mod logins;
mod postings;
mod process;
mod reading;
mod receipts;
mod verify;

use crate::report::{Report, median};
use crate::{Outcome, Pace, RUNS};

/// What Larder reaches and what its limit is: the medians of several runs of both, in turn.
async fn in_turn(mut ours: impl AsyncFnMut() -> Outcome<f64>, mut limit: impl AsyncFnMut() -> Outcome<f64>) -> Outcome<(f64, f64)> {
    let (mut reached, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        limits.push(limit().await?);
        reached.push(ours().await?);
    }
    Ok((median(reached), median(limits)))
}

pub struct Figures {
    pub report: Report,
    pub pace: Pace,
    /// Only groups whose name contains one of these; all where there is none.
    pub groups: Vec<String>,
}

impl Figures {
    pub async fn measure(&mut self) -> Outcome<()> {
        const GROUPS: &[&str] = &[
            "process",
            "logins",
            "postings-sqlite",
            "postings-postgres",
            "costs-postgres",
            "receipts-sqlite",
            "receipts-postgres",
            "reading-sqlite",
            "reading-postgres",
            "growth-sqlite",
            "growth-postgres",
            "earlier-sqlite",
            "earlier-postgres",
            "imports-sqlite",
            "imports-postgres",
            "verify",
        ];
        if let Some(unknown) = self.groups.iter().find(|part| !GROUPS.iter().any(|group| group.contains(part.as_str()))) {
            return Err(format!("there is no group {unknown}; those are: {}", GROUPS.join(", ")).into());
        }
        if self.wants("process") {
            process::measure(self).await?;
        }
        if self.wants("logins") {
            logins::measure(self).await?;
        }
        if self.wants("postings-sqlite") {
            postings::on_sqlite(self).await?;
        }
        if self.wants("postings-postgres") {
            postings::on_postgres(self).await?;
        }
        // Only told: a quick run has it where it is asked for.
        if self.wants("costs-postgres") && (!self.pace.quick || !self.groups.is_empty()) {
            costs::on_postgres(self).await?;
        }
        if self.wants("receipts-sqlite") {
            receipts::on_sqlite(self).await?;
        }
        if self.wants("receipts-postgres") {
            receipts::on_postgres(self).await?;
        }
        if self.wants("reading-sqlite") {
            reading::on_sqlite(self).await?;
        }
        if self.wants("reading-postgres") {
            reading::on_postgres(self).await?;
        }
        if self.wants("growth-sqlite") {
            growth::on_sqlite(self).await?;
        }
        if self.wants("growth-postgres") {
            growth::on_postgres(self).await?;
        }
        if self.wants("earlier-sqlite") {
            earlier::on_sqlite(self).await?;
        }
        if self.wants("earlier-postgres") {
            earlier::on_postgres(self).await?;
        }
        if self.wants("imports-sqlite") {
            imports::on_sqlite(self).await?;
        }
        if self.wants("imports-postgres") {
            imports::on_postgres(self).await?;
        }
        if self.wants("verify") {
            verify::measure(self).await?;
        }
        Ok(())
    }

    fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|part| group.contains(part.as_str()))
    }
}
