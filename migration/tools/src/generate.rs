//! The entity crates: what sea-orm-cli's generator gives for a migrated database, beside what is committed.
//!
//! The generator is the plain tool, as a library and with the plain tool's own defaults, so that both give the same bytes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sea_orm_cli::{Cli, Commands, MigrateSubcommands};
// clap's, which sea-orm-cli's types are parsed by.
use clap::Parser as _;

/// Runs plain sea-orm-cli, as far as it generates. It prints to stdout as the plain tool does, and may panic as it does.
pub async fn sea_orm_cli(arguments: &[String]) -> Result<(), String> {
    let program = std::iter::once("sea-orm-cli".to_owned());
    let asked = Cli::try_parse_from(program.chain(arguments.iter().cloned())).map_err(|error| error.to_string())?;
    match asked.command {
        Commands::Generate { command } => sea_orm_cli::run_generate_command(command, asked.verbose).await.map_err(|error| error.to_string()),
        Commands::Migrate { migration_dir, command: Some(MigrateSubcommands::Generate { migration_name, local_time, .. }), .. } => {
            sea_orm_cli::run_migrate_generate(&migration_dir, &migration_name, !local_time).map_err(|error| error.to_string())
        }
        Commands::Migrate { .. } => Err("only what generates is run here".into()),
    }
}

/// What generates entities into a folder, beside the database's URL in `DATABASE_URL`.
pub fn entity_arguments(folder: &Path) -> Vec<String> {
    ["generate", "entity", "--output-dir", &folder.display().to_string(), "--lib"].map(str::to_owned).to_vec()
}

/// A file that is not what would be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    /// Nothing where the file is new.
    pub committed: Option<String>,
    /// Nothing where the table of the file is gone.
    pub generated: Option<String>,
}

/// Every file of a folder that is not as the one of the same name in another; sorted.
pub fn changes(committed: &Path, generated: &Path) -> io::Result<Vec<Change>> {
    let names: BTreeSet<_> = sources(committed)?.union(&sources(generated)?).cloned().collect();
    let mut changes = Vec::new();
    for name in names {
        let change = Change { path: committed.join(&name), committed: read(&committed.join(&name))?, generated: read(&generated.join(&name))? };
        if change.committed != change.generated {
            changes.push(change);
        }
    }
    Ok(changes)
}

impl Change {
    /// Makes the file what was generated. A file that is equal is not touched, so nothing is built again for it.
    pub fn write(&self) -> io::Result<()> {
        match &self.generated {
            Some(text) => std::fs::write(&self.path, text),
            None => std::fs::remove_file(&self.path),
        }
    }
}

/// The names of the Rust sources in a folder.
fn sources(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
            names.insert(name);
        }
    }
    Ok(names)
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    #[test]
    fn a_changed_a_new_and_a_superfluous_file_are_found_and_made_right() {
        let committed = folder(&[("lib.rs", "same"), ("lot.rs", "old"), ("gone.rs", "x"), ("notes.md", "not ours")]);
        let generated = folder(&[("lib.rs", "same"), ("lot.rs", "new"), ("supplier.rs", "y")]);
        let found = changes(committed.path(), generated.path()).expect("both folders");
        let names: Vec<_> = found.iter().map(|change| change.path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["gone.rs", "lot.rs", "supplier.rs"]);
        for change in &found {
            change.write().expect("written");
        }
        assert_eq!(changes(committed.path(), generated.path()).expect("both folders"), []);
        assert!(committed.path().join("notes.md").exists());
    }

    #[tokio::test]
    async fn what_does_not_generate_is_not_run() {
        let refused = sea_orm_cli(&["migrate".into(), "fresh".into()]).await;
        assert_eq!(refused, Err("only what generates is run here".into()));
        assert!(sea_orm_cli(&["nonsense".into()]).await.is_err_and(|error| error.contains("nonsense")));
    }
}
