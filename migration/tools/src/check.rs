//! What must be true of a module's migrations, whatever any database is like.

use std::path::Path;

use migration_history::{CHECKSUMS, HISTORY, LockFile};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::locks;
use crate::new::{is_migration, migrations_in};

/// What is wrong with the names of migrations: each says when it was made, they are in that order, none is there twice, those
/// of `migrations.lock` are frozen, and every file is in the list.
pub fn names(names: &[String], file: &LockFile, sources: &Path) -> std::io::Result<Vec<String>> {
    let malformed = names.iter().filter(|name| !is_migration(name)).map(|name| format!("{name} is not mYYYYMMDD_HHMMSS_what_it_does"));
    let unordered = names.iter().zip(names.iter().skip(1)).filter_map(|(one, next)| match one.cmp(next) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(format!("{one} is there twice")),
        std::cmp::Ordering::Greater => Some(format!("{next} comes after {one}, and its name sorts before")),
    });
    let thawed = locks::frozen(file, names).err().map(|conflict| conflict.to_string());
    let unlisted = migrations_in(sources)?.into_iter().filter(|name| !names.contains(name));
    let unlisted = unlisted.map(|name| format!("{name} is a file and not a migration of this program: it is not in lib.rs, or this program is older"));
    Ok(malformed.chain(unordered).chain(thawed).chain(unlisted).collect())
}

/// What a database has, apart from its history.
pub async fn leftovers(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
             UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace \
             UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd') ORDER BY 1"
        }
        _ => "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1",
    };
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    Ok(names.into_iter().filter(|name| name != HISTORY && name != CHECKSUMS).collect())
}

#[cfg(test)]
mod tests {
    use migration_history::{Locked, Place, Recording, Schema, down};
    use sea_orm::TransactionTrait as _;
    use sea_orm_migration::MigratorTraitSelf as _;
    use sea_orm_migration::prelude::*;

    use super::*;

    fn problems(names_given: &[&str], locked: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("m20260101_000001_a.rs"), "").expect("a file");
        let file = LockFile { migrations: locked.iter().map(|name| Locked { name: (*name).into(), postgres: String::new(), sqlite: String::new() }).collect() };
        let given: Vec<_> = names_given.iter().map(|name| (*name).to_owned()).collect();
        names(&given, &file, folder.path()).expect("a folder")
    }

    #[test]
    fn names_are_well_formed_unique_in_order_frozen_and_listed() {
        let (a, b, c) = ("m20260101_000001_a", "m20260101_000002_b", "m20260101_000003_c");
        assert_eq!(problems(&[a, b, c], &[a, b]), Vec::<String>::new());
        assert_eq!(problems(&[a, "m2_b"], &[]), ["m2_b is not mYYYYMMDD_HHMMSS_what_it_does"]);
        assert_eq!(problems(&[a, a], &[]), [format!("{a} is there twice")]);
        assert_eq!(problems(&[a, c, b], &[]), [format!("{b} comes after {c}, and its name sorts before")]);
        assert_eq!(problems(&[a], &[a, b]), [format!("in migrations.lock, and there is no such migration: {b}")]);
        assert_eq!(problems(&[a, b, c], &[a, c]), [format!("not in the order of migrations.lock, whose end is where new ones belong: {b}")]);
        assert!(problems(&[b], &[]).concat().contains("is a file and not a migration of this program"));
    }

    /// It makes two tables and drops one.
    struct Forgetful;

    impl MigrationName for Forgetful {
        fn name(&self) -> &'static str {
            "m20260101_000001_forgetful"
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for Forgetful {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            for name in ["kept", "dropped"] {
                manager.create_table(Table::create().table(name).col(ColumnDef::new("id").integer()).take()).await?;
            }
            Ok(())
        }

        async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.drop_table(Table::drop().table("dropped").take()).await
        }
    }

    #[tokio::test]
    async fn what_down_forgets_is_named() {
        let schema = Schema { module: "inventory", migrations: || vec![Box::new(Forgetful)], lock_file: "", append_only: &[], waivers: &[] };
        let mut options = sea_orm::ConnectOptions::new("sqlite::memory:");
        options.max_connections(1);
        #[expect(clippy::disallowed_methods, reason = "this test is no part of the server")]
        let connection = sea_orm::Database::connect(options).await.expect("a database");
        let recording = Recording::of(&schema, DbBackend::Sqlite).await.expect("recorded");
        schema.up(&connection, None).await.expect("up");
        let txn = connection.begin().await.expect("a transaction");
        down(&Place::Sqlite { txn: &txn }, &schema, &recording, 1, &mut |_| ()).await.expect("down");
        txn.commit().await.expect("committed");
        assert_eq!(leftovers(&connection).await.expect("names"), ["kept"]);
    }
}
