//! Where a test runs the program as a process: a folder, and nothing of the environment but what it was given.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::SECRET_KEY;
use super::postgres::Pair;
use super::process::{Ended, Process, run};

/// A folder to run in, and the variables to run with.
pub struct Place {
    pub folder: TempDir,
    pub variables: BTreeMap<String, String>,
}

impl Place {
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder: tempfile::tempdir().expect("a folder"), variables }
    }

    pub fn on(pair: &Pair) -> Self {
        Self::new(&[("AUTH_DATABASE_URL", &pair.auth.app_url()), ("INVENTORY_DATABASE_URL", &pair.inventory.app_url()), ("LARDER_SECRET_KEY", SECRET_KEY)])
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn with_owners(self, pair: &Pair) -> Self {
        self.with("LARDER_MIGRATION_URL_AUTH", &pair.auth.owner_url()).with("LARDER_MIGRATION_URL_INVENTORY", &pair.inventory.owner_url())
    }

    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        run(self.folder.path(), arguments, self.variables())
    }

    pub fn serve(&self, arguments: &[&str]) -> Process {
        Process::serve(self.folder.path(), arguments, self.variables())
    }

    /// A start that must fail: exit code 1, one message on stderr, nothing on stdout.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let ended = self.run(&[&["serve", "--port", "0"], arguments].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains("larder: "), "{}", ended.stderr);
        ended.stderr
    }
}
