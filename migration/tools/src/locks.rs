//! `migrations.lock` beside what the migrations send now.

use std::fmt;

use migration_history::{LockFile, Locked, Recording, Schema};
use sea_orm::{DbBackend, DbErr};

/// Why a lock file and the migrations cannot go together. Both only ever grow at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// These are in the file, and there is no such migration.
    Missing(Vec<String>),
    /// These stand elsewhere in the file than among the migrations.
    OutOfOrder(Vec<String>),
    /// These send other SQL than the file says.
    Changed(Vec<String>),
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(names) => write!(out, "in migrations.lock, and there is no such migration: {}", names.join(", ")),
            Self::OutOfOrder(names) => write!(out, "not in the order of migrations.lock, whose end is where new ones belong: {}", names.join(", ")),
            Self::Changed(names) => write!(out, "sends other SQL than migrations.lock says: {}", names.join(", ")),
        }
    }
}

/// What the migrations of a schema send now, as a lock file.
pub async fn now(schema: &Schema) -> Result<LockFile, DbErr> {
    Ok(LockFile::of(&Recording::of(schema, DbBackend::Postgres).await?, &Recording::of(schema, DbBackend::Sqlite).await?))
}

/// The migrations that the file does not have yet.
pub fn added(file: &LockFile, now: &LockFile) -> Result<Vec<Locked>, Conflict> {
    frozen(file, &names(now))?;
    let changed = file.migrations.iter().filter(|locked| now.find(&locked.name) != Some(locked));
    let changed: Vec<_> = changed.map(|locked| locked.name.clone()).collect();
    if !changed.is_empty() {
        return Err(Conflict::Changed(changed));
    }
    Ok(now.migrations.iter().skip(file.migrations.len()).cloned().collect())
}

/// Whether every name of the file is still there, in that order, and before all others.
pub fn frozen(file: &LockFile, ours: &[String]) -> Result<(), Conflict> {
    let locked = names(file);
    let missing: Vec<_> = locked.iter().filter(|name| !ours.contains(name)).cloned().collect();
    if !missing.is_empty() {
        return Err(Conflict::Missing(missing));
    }
    let beginning = ours.get(..locked.len()).unwrap_or(ours);
    if beginning == locked {
        return Ok(());
    }
    let (inserted, moved): (Vec<_>, Vec<_>) = beginning.iter().cloned().partition(|name| !locked.contains(name));
    Err(Conflict::OutOfOrder(if inserted.is_empty() { moved } else { inserted }))
}

/// The text of a lock file with lines at its end; nothing that stands there is touched.
pub fn extended(text: &str, added: &[Locked]) -> String {
    let whole = LockFile { migrations: added.to_vec() }.text();
    if text.trim().is_empty() {
        return whole;
    }
    let lines: String = whole.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    let separator = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{separator}{lines}")
}

/// The text of a lock file with one line in the place of the one of the same name.
pub fn replaced(text: &str, locked: &Locked) -> String {
    let with = LockFile { migrations: vec![locked.clone()] }.text();
    let with = with.split_inclusive('\n').next_back().unwrap_or_default();
    let is_it = |line: &str| line.split_whitespace().next() == Some(locked.name.as_str());
    text.split_inclusive('\n').map(|line| if is_it(line) { with } else { line }).collect()
}

fn names(file: &LockFile) -> Vec<String> {
    file.migrations.iter().map(|locked| locked.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use sea_orm_migration::prelude::*;

    use super::*;

    struct Migration(&'static str);

    impl MigrationName for Migration {
        fn name(&self) -> &'static str {
            "m20260101_000001_first"
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for Migration {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.get_connection().execute_unprepared(self.0).await.map(drop)
        }
    }

    async fn sent(migrations: fn() -> Vec<Box<dyn MigrationTrait>>) -> LockFile {
        now(&Schema { module: "inventory", migrations, lock_file: "", append_only: &[], waivers: &[] }).await.expect("recorded")
    }

    #[tokio::test]
    async fn a_changed_comment_passes_and_changed_sql_does_not() {
        let released = sent(|| vec![Box::new(Migration("CREATE TABLE a (b int)"))]).await;
        let commented = sent(|| vec![Box::new(Migration("CREATE TABLE a /* all of them */ (b int)"))]).await;
        let changed = sent(|| vec![Box::new(Migration("CREATE TABLE a (b bigint)"))]).await;
        assert_eq!(added(&released, &commented), Ok(Vec::new()));
        assert_eq!(added(&released, &changed), Err(Conflict::Changed(vec!["m20260101_000001_first".into()])));
    }

    fn file(lines: &[(&str, &str)]) -> LockFile {
        let locked = |(name, checksum): &(&str, &str)| Locked { name: (*name).into(), postgres: (*checksum).into(), sqlite: "s".into() };
        LockFile { migrations: lines.iter().map(locked).collect() }
    }

    #[test]
    fn what_is_new_is_added_at_the_end() {
        let (old, new) = (file(&[("m1", "a")]), file(&[("m1", "a"), ("m2", "b")]));
        assert_eq!(added(&old, &new).expect("no conflict"), new.migrations[1..]);
        assert_eq!(added(&new, &new), Ok(Vec::new()));
        let text = format!("{}# a remark", old.text());
        assert_eq!(extended(&text, &new.migrations[1..]), format!("{text}\nm2 postgres b sqlite s\n"));
        assert_eq!(extended("", &old.migrations), old.text());
    }

    #[test]
    fn what_was_locked_neither_changes_nor_goes_nor_moves() {
        let old = file(&[("m1", "a"), ("m2", "b")]);
        assert_eq!(added(&old, &file(&[("m1", "a"), ("m2", "c")])), Err(Conflict::Changed(vec!["m2".into()])));
        assert_eq!(added(&old, &file(&[("m1", "a")])), Err(Conflict::Missing(vec!["m2".into()])));
        let between = file(&[("m1", "a"), ("m15", "x"), ("m2", "b")]);
        assert_eq!(added(&old, &between), Err(Conflict::OutOfOrder(vec!["m15".into()])));
    }

    #[test]
    fn a_line_is_replaced_and_the_others_stay() {
        let old = file(&[("m1", "a"), ("m2", "b")]);
        let new = file(&[("m1", "c"), ("m2", "b")]);
        assert_eq!(replaced(&old.text(), &new.migrations[0]), new.text());
    }
}
