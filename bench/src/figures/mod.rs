//! What is measured, a file for each group.

mod logins;
mod postings;
mod process;
mod reading;
mod receipts;
mod verify;

use crate::report::Report;
use crate::{Outcome, Pace};

pub struct Figures {
    pub report: Report,
    pub pace: Pace,
    /// Only groups whose name contains one of these; all where there is none.
    pub groups: Vec<String>,
}

impl Figures {
    pub async fn measure(&mut self) -> Outcome<()> {
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
        if self.wants("verify") {
            verify::measure(self).await?;
        }
        Ok(())
    }

    fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|part| group.contains(part.as_str()))
    }
}
