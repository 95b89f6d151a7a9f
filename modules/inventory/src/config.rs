//! The `[inventory]` section of the settings.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How many lines one document may have.
    pub lines_per_document: usize,
    /// How many lines a count may have, and the document that it becomes.
    pub lines_per_count: usize,
    /// How many bytes an imported file may have.
    pub import_bytes: usize,
    /// How many lines each document of an import gets.
    pub import_lines_per_document: usize,
}

impl Config {
    /// What is wrong with these values, by key.
    pub fn validate(&self) -> Result<(), String> {
        let bounds = [
            ("lines_per_document", self.lines_per_document, 1, 20_000),
            ("lines_per_count", self.lines_per_count, 1, 20_000),
            ("import_bytes", self.import_bytes, 1024, 256 << 20),
            ("import_lines_per_document", self.import_lines_per_document, 1, 20_000),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(format!("inventory.{key} is {value}; a number from {least} to {most} is expected"));
            }
        }
        Ok(())
    }
}
