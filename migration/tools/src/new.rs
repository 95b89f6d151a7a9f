//! A new migration: a file that does nothing yet, and its lines in the crate's `lib.rs`.
//!
//! sea-orm-cli makes the file and enters it in the list, as people who know it expect; what stands in the file is ours.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a new migration begins as. A test compiles it.
const TEMPLATE: &str = include_str!("../templates/migration.rs");
/// `mYYYYMMDD_HHMMSS_`
const STAMP_LENGTH: usize = 17;
/// A file system's limit is 255 bytes; nobody reads as much.
const NAME_MAX_LENGTH: usize = 64;

/// A migration crate before a migration is added to it.
#[derive(Debug)]
pub struct Crate {
    folder: PathBuf,
    /// The names of the migrations, sorted.
    names: Vec<String>,
    list: String,
}

impl Crate {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let sources = folder.join("src");
        Ok(Self { folder: folder.to_owned(), names: migrations_in(&sources)?, list: std::fs::read_to_string(sources.join("lib.rs"))? })
    }

    /// What sea-orm-cli is asked for, where the name is a good one; else why it is not.
    pub fn arguments(&self, name: &str) -> Result<Vec<String>, String> {
        if !is_snake_case(name) || name.len() > NAME_MAX_LENGTH {
            return Err(format!("{name:?}: a name in snake_case is expected, such as add_supplier: a-z, 0-9 and _, {NAME_MAX_LENGTH} at most"));
        }
        if let Some(taken) = self.names.iter().find(|known| known.get(STAMP_LENGTH..) == Some(name)) {
            return Err(format!("{taken} has this name already"));
        }
        let folder = self.folder.display().to_string();
        Ok(["migrate", "generate", name, "--migration-dir", &folder].map(str::to_owned).to_vec())
    }

    /// Makes of what sea-orm-cli has made what it is to be here, and answers the file and the list. Where that cannot be,
    /// everything is as it was.
    pub fn finish(&self) -> Result<[PathBuf; 2], String> {
        let sources = self.folder.join("src");
        let found = migrations_in(&sources).map_err(|error| error.to_string())?;
        let added: Vec<_> = found.into_iter().filter(|name| !self.names.contains(name)).collect();
        let [name] = added.as_slice() else { return Err(format!("sea-orm-cli made {} files, and one is expected", added.len())) };
        let (file, list) = (sources.join(format!("{name}.rs")), sources.join("lib.rs"));
        let outcome = self.written(name, &file, &list);
        if outcome.is_err() {
            // The first error is the one to be told.
            let _ = std::fs::remove_file(&file).and_then(|()| std::fs::write(&list, &self.list));
        }
        outcome.map(|()| [file, list])
    }

    fn written(&self, name: &str, file: &Path, list: &Path) -> Result<(), String> {
        if let Some(last) = self.names.last().filter(|last| last.as_str() >= name) {
            return Err(format!("{name} would not come last: {last} does. Is the clock right?"));
        }
        let text = std::fs::read_to_string(list).map_err(|error| error.to_string())?;
        let text = with_waivers(&text, name).ok_or_else(|| format!("{} has no `waivers: &[…]` to add a line to", list.display()))?;
        std::fs::write(file, TEMPLATE).and_then(|()| std::fs::write(list, text)).map_err(|error| error.to_string())?;
        formatted(list)
    }
}

/// The names of the migrations in a folder, sorted, whether or not they are in the list.
pub fn migrations_in(sources: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(sources)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").filter(|name| is_migration(name)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Whether a name is `mYYYYMMDD_HHMMSS_what_it_does`.
pub fn is_migration(name: &str) -> bool {
    let Some((stamp, what)) = name.split_at_checked(STAMP_LENGTH) else { return false };
    let fits = |(index, byte): (usize, u8)| match index {
        0 => byte == b'm',
        9 | 16 => byte == b'_',
        _ => byte.is_ascii_digit(),
    };
    stamp.bytes().enumerate().all(fits) && is_snake_case(what)
}

fn is_snake_case(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_plain && name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.ends_with('_') && !name.contains("__")
}

/// The list with the waivers of a migration in it.
fn with_waivers(text: &str, name: &str) -> Option<String> {
    let (before, rest) = text.split_once("waivers: &[")?;
    let mut depth = 0_usize;
    let end = rest.find(|character| {
        match character {
            '[' => depth += 1,
            ']' if depth == 0 => return true,
            ']' => depth -= 1,
            _ => {}
        }
        false
    })?;
    let (known, after) = rest.split_at_checked(end)?;
    let known = known.trim_end().trim_end_matches(',');
    let separator = if known.is_empty() { "" } else { ", " };
    Some(format!("{before}waivers: &[{known}{separator}(\"{name}\", {name}::WAIVERS)]{}", after.strip_prefix(']')?))
}

/// As `cargo fmt` would have it.
fn formatted(file: &Path) -> Result<(), String> {
    let ended = Command::new("rustfmt").args(["--edition", "2024"]).arg(file).output().map_err(|error| format!("rustfmt cannot be run: {error}"))?;
    if ended.status.success() { Ok(()) } else { Err(format!("rustfmt failed: {}", String::from_utf8_lossy(&ended.stderr).trim())) }
}

#[cfg(test)]
#[path = "../templates/migration.rs"]
mod template;

#[cfg(test)]
mod tests {
    use migration_history::{Recording, Schema};
    use sea_orm::DbBackend;

    use super::*;
    use crate::generate::sea_orm_cli;
    use crate::lint::lint;

    const LIST: &str = "mod m20260101_000001_first;\n\npub const SCHEMA: Schema = Schema { waivers: &[] };\n\n\
                        fn migrations() -> Vec<Box<dyn MigrationTrait>> {\n    vec![Box::new(m20260101_000001_first::Migration)]\n}\n";

    /// A migration crate with one migration.
    fn made(name: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let sources = folder.path().join("src");
        std::fs::create_dir(&sources).expect("a folder");
        std::fs::write(sources.join("lib.rs"), LIST.replace("m20260101_000001_first", name)).expect("a list");
        std::fs::write(sources.join(format!("{name}.rs")), TEMPLATE).expect("a migration");
        std::fs::write(folder.path().join("rustfmt.toml"), "max_width = 160\nuse_small_heuristics = \"Max\"\n").expect("settings");
        folder
    }

    #[tokio::test]
    async fn a_new_migration_has_our_template_and_stands_at_the_end_of_every_list() {
        let folder = made("m20260101_000001_first");
        let before = Crate::read(folder.path()).expect("a crate");
        sea_orm_cli(&before.arguments("add_supplier").expect("a good name")).await.expect("made");
        let [file, list] = before.finish().expect("finished");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(is_migration(&name) && name.ends_with("_add_supplier"), "{name}");
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), TEMPLATE);
        let expected = format!(
            "mod m20260101_000001_first;\nmod {name};\n\n\
             pub const SCHEMA: Schema = Schema {{ waivers: &[(\"{name}\", {name}::WAIVERS)] }};\n\n\
             fn migrations() -> Vec<Box<dyn MigrationTrait>> {{\n    vec![Box::new(m20260101_000001_first::Migration), Box::new({name}::Migration)]\n}}\n"
        );
        assert_eq!(std::fs::read_to_string(list).expect("the list"), expected);
    }

    #[tokio::test]
    async fn a_name_that_would_not_come_last_is_refused_and_nothing_stays_of_it() {
        let folder = made("m99990101_000001_first");
        let before = Crate::read(folder.path()).expect("a crate");
        sea_orm_cli(&before.arguments("add_supplier").expect("a good name")).await.expect("made");
        let refused = before.finish().expect_err("a later one is there");
        assert!(refused.contains("would not come last: m99990101_000001_first does"), "{refused}");
        assert_eq!(migrations_in(&folder.path().join("src")).expect("names"), ["m99990101_000001_first"]);
        assert_eq!(std::fs::read_to_string(folder.path().join("src/lib.rs")).expect("the list"), before.list);
    }

    #[test]
    fn a_bad_name_and_one_that_is_taken_are_refused() {
        let folder = made("m20260101_000001_first");
        let before = Crate::read(folder.path()).expect("a crate");
        for name in ["", "Add", "add-supplier", "add supplier", "../x", "añadir", "_x", "x_", "a__b", "1st", &"x".repeat(65)] {
            assert!(before.arguments(name).is_err_and(|why| why.contains("snake_case")), "{name}");
        }
        assert_eq!(before.arguments("first"), Err("m20260101_000001_first has this name already".into()));
    }

    #[test]
    fn waivers_are_added_behind_those_that_are_there() {
        for (known, expected) in [
            ("waivers: &[],", "waivers: &[(\"m2\", m2::WAIVERS)],"),
            ("waivers: &[(\"m1\", m1::WAIVERS)],", "waivers: &[(\"m1\", m1::WAIVERS), (\"m2\", m2::WAIVERS)],"),
            ("waivers: &[\n    (\"m1\", &[X]),\n],", "waivers: &[\n    (\"m1\", &[X]), (\"m2\", m2::WAIVERS)],"),
        ] {
            assert_eq!(with_waivers(known, "m2").as_deref(), Some(expected));
        }
        assert_eq!(with_waivers("nothing", "m2"), None);
    }

    #[tokio::test]
    async fn the_template_is_a_migration_that_the_linter_takes_and_that_does_nothing() {
        let schema = Schema {
            module: "inventory",
            migrations: || vec![Box::new(template::Migration)],
            lock_file: "",
            append_only: &[],
            waivers: &[("migration", template::WAIVERS)],
        };
        assert_eq!(lint(&schema).await.expect("recorded"), []);
        let recording = Recording::of(&schema, DbBackend::Postgres).await.expect("recorded");
        assert!(recording.migrations.iter().all(|migration| migration.transactional && migration.statements.is_empty()));
    }
}
