//! `migrations.lock`: the checksum of every migration on both engines, committed beside the migrations.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sea_orm::DbBackend;

use crate::recording::{Checksums, Recording};

const HEADING: &str = "# SHA-256 of the SQL that each migration sends, in the order of the migrations. `larder db generate` adds a line for a new one.\n\
                       # A line that stands here is never changed by hand: `larder db repair NAME` shows what has changed and accepts it.\n";

/// The committed checksums of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    /// In the order of the file, which is that of the migrations.
    pub migrations: Vec<Locked>,
}

/// One line: a migration, and SHA-256 in hexadecimal of what it sends to each engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    pub name: String,
    pub postgres: String,
    pub sqlite: String,
}

impl LockFile {
    /// Reads a file. The error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let migrations = lines.map(|(at, line)| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "postgres", postgres, "sqlite", sqlite] => Ok(Locked { name: (*name).into(), postgres: (*postgres).into(), sqlite: (*sqlite).into() }),
            _ => Err(format!("line {} of migrations.lock is not `NAME postgres CHECKSUM sqlite CHECKSUM`", at + 1)),
        });
        Ok(Self { migrations: migrations.collect::<Result<_, _>>()? })
    }

    /// What the file would be if it were made now.
    pub fn of(postgres: &Recording, sqlite: &Recording) -> Self {
        let migrations = postgres.migrations.iter().zip(&sqlite.migrations);
        let migrations = migrations.map(|(on_postgres, on_sqlite)| Locked {
            name: on_postgres.name.clone(),
            postgres: on_postgres.checksum.clone(),
            sqlite: on_sqlite.checksum.clone(),
        });
        Self { migrations: migrations.collect() }
    }

    /// The file, with its heading.
    pub fn text(&self) -> String {
        let mut text = HEADING.to_owned();
        for Locked { name, postgres, sqlite } in &self.migrations {
            let _ = writeln!(text, "{name} postgres {postgres} sqlite {sqlite}");
        }
        text
    }

    pub fn find(&self, name: &str) -> Option<&Locked> {
        self.migrations.iter().find(|locked| locked.name == name)
    }

    /// The checksums for one engine.
    pub fn checksums(&self, backend: DbBackend) -> Checksums {
        let of = |locked: &Locked| if backend == DbBackend::Postgres { locked.postgres.clone() } else { locked.sqlite.clone() };
        self.migrations.iter().map(|locked| (locked.name.clone(), of(locked))).collect::<BTreeMap<_, _>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let file = LockFile { migrations: vec![Locked { name: "m1".into(), postgres: "aa".into(), sqlite: "bb".into() }] };
        assert_eq!(LockFile::parse(&file.text()), Ok(file));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        assert_eq!(LockFile::parse("# x\n\nm1 postgres aa").unwrap_err(), "line 3 of migrations.lock is not `NAME postgres CHECKSUM sqlite CHECKSUM`");
    }
}
