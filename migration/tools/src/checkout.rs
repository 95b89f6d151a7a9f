//! Where the schema lives in a checkout of Larder.

use std::path::{Path, PathBuf};

/// The root of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that a folder lies in. What was compiled in would be the folder of whoever built the program.
    pub fn around(folder: &Path) -> Result<Self, String> {
        let is_root = |folder: &&Path| {
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
            manifest.lines().any(|line| line.trim() == "[workspace]") && folder.join("migration/inventory").is_dir()
        };
        let root = folder.ancestors().find(is_root);
        let root = root.ok_or_else(|| format!("{} lies in no checkout of Larder: this works on its files, so run it there", folder.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The crate of a module's migrations.
    pub fn migrations(&self, module: &str) -> PathBuf {
        self.root.join("migration").join(module)
    }

    pub fn lock_file(&self, module: &str) -> PathBuf {
        self.migrations(module).join("migrations.lock")
    }

    /// The generated sources of a module's entities.
    pub fn entities(&self, module: &str) -> PathBuf {
        self.root.join("entity").join(module).join("src")
    }

    /// The script that starts and stops Postgres servers from local binaries.
    pub fn postgres_script(&self) -> PathBuf {
        self.root.join("scripts/dev-postgres")
    }

    /// A folder for what is gone afterwards. It lies in the checkout, because rustfmt looks for its settings from a file upwards.
    pub fn temporary_folder(&self) -> std::io::Result<tempfile::TempDir> {
        let target = self.root.join("target");
        std::fs::create_dir_all(&target)?;
        tempfile::Builder::new().prefix("larder-db-").tempdir_in(target)
    }

    /// How a file is named to a person: from the root on.
    pub fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_below_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("migration/inventory/src")).expect("folders");
        let sought = || Checkout::around(&root.join("migration/inventory/src"));
        assert!(sought().expect_err("no manifest").contains("lies in no checkout of Larder"));
        std::fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = []\n").expect("a manifest");
        std::fs::write(root.join("migration/inventory/Cargo.toml"), "[package]\n").expect("a manifest");
        assert_eq!(sought(), Ok(Checkout { root: root.to_owned() }));
    }
}
