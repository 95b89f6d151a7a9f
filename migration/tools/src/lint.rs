//! Refuses migrations that are dangerous on a database with data and users, from the SQL that they really send.
//!
//! The judge is squawk, as a library: a `squawk` binary on the PATH would be the same linter, and is neither needed nor looked
//! for. It is given each migration as one file. Every table that an earlier migration made counts as large and in use; one
//! that the same migration has just made is empty. What squawk has no rule for is in [`postgres`]; what is told from SQLite's
//! own statements, in [`sqlite`].
//!
//! A hazard that somebody has thought about is waived beside its migration, with the reason.

mod postgres;
mod sqlite;

use std::collections::BTreeMap;
use std::fmt;

use migration_history::{Recorded, Recording, Schema, Waiver};
use sea_orm::{DbBackend, DbErr};
use serde::Serialize;

/// What is refused, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The module.
    pub db: &'static str,
    pub migration: String,
    /// As it is waived by.
    pub rule: &'static str,
    /// As it is waived for.
    pub subject: String,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<10} {}: {} {}: {}", self.db, self.migration, self.rule, self.subject, self.message)
    }
}

/// That a migration is not all or nothing.
pub const NOT_TRANSACTIONAL: &str = "not_transactional";
const UNUSED_WAIVER: &str = "unused_waiver";
const WAIVER_WITHOUT_REASON: &str = "waiver_without_reason";

/// One hazard in one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hazard {
    rule: &'static str,
    subject: String,
    message: String,
}

/// The indexes that the migrations so far have made, by name.
type Indexes = BTreeMap<String, Index>;

#[derive(Clone, Debug)]
struct Index {
    table: String,
    is_unique: bool,
}

/// Everything that is refused in the migrations of a schema, oldest first.
pub async fn lint(schema: &Schema) -> Result<Vec<Finding>, DbErr> {
    let on_postgres = Recording::of(schema, DbBackend::Postgres).await?;
    let on_sqlite = Recording::of(schema, DbBackend::Sqlite).await?;
    let (mut findings, mut indexes) = (Vec::new(), Indexes::new());
    for (on_postgres, on_sqlite) in on_postgres.migrations.iter().zip(&on_sqlite.migrations) {
        let waivers = schema.waivers.iter().filter(|(migration, _)| *migration == on_postgres.name);
        let waivers: Vec<_> = waivers.flat_map(|(_, waivers)| waivers.iter()).collect();
        let hazards = judged(hazards(on_postgres, on_sqlite, &mut indexes), &waivers);
        findings.extend(hazards.into_iter().map(|hazard| found(schema, &on_postgres.name, hazard)));
    }
    let orphans = schema.waivers.iter().filter(|(migration, _)| on_postgres.find(migration).is_none());
    findings.extend(orphans.flat_map(|(migration, waivers)| waivers.iter().map(|waiver| found(schema, migration, unused(waiver)))));
    Ok(findings)
}

fn found(schema: &Schema, migration: &str, hazard: Hazard) -> Finding {
    let Hazard { rule, subject, message } = hazard;
    Finding { db: schema.module, migration: migration.to_owned(), rule, subject, message }
}

/// The hazards of one migration on both engines, each once.
fn hazards(on_postgres: &Recorded, on_sqlite: &Recorded, indexes: &mut Indexes) -> Vec<Hazard> {
    let mut hazards: Vec<_> = not_transactional(on_postgres, on_sqlite).into_iter().collect();
    // SQLite first: it is to see the indexes as they were before this migration.
    let theirs = sqlite::hazards(on_sqlite, indexes);
    for hazard in postgres::hazards(on_postgres, indexes).into_iter().chain(theirs) {
        if !hazards.iter().any(|known| (known.rule, &known.subject) == (hazard.rule, &hazard.subject)) {
            hazards.push(hazard);
        }
    }
    hazards
}

fn not_transactional(on_postgres: &Recorded, on_sqlite: &Recorded) -> Option<Hazard> {
    let message = if !on_postgres.transactional {
        "What was done until it fails or is killed stays, and the next deploy meets it. Where it must be (CONCURRENTLY), say why in a waiver."
    } else if !on_sqlite.transactional {
        "On SQLite it is no transaction for the plain tools, because `use_transaction` says nothing: answer Some(true)."
    } else {
        return None;
    };
    Some(Hazard { rule: NOT_TRANSACTIONAL, subject: "migration".into(), message: message.into() })
}

/// What stays refused after the waivers, and what is wrong with the waivers themselves.
fn judged(hazards: Vec<Hazard>, waivers: &[&Waiver]) -> Vec<Hazard> {
    let covers = |waiver: &Waiver, hazard: &Hazard| waiver.rule == hazard.rule && waiver.subject == hazard.subject;
    let has_reason = |waiver: &Waiver| !waiver.reason.trim().is_empty();
    let unreasoned = waivers.iter().filter(|waiver| !has_reason(waiver)).map(|waiver| Hazard {
        rule: WAIVER_WITHOUT_REASON,
        subject: named(waiver),
        message: "It is honoured only with a reason.".into(),
    });
    let superfluous = waivers.iter().filter(|waiver| !hazards.iter().any(|hazard| covers(waiver, hazard))).map(|waiver| unused(waiver));
    let faults: Vec<_> = unreasoned.chain(superfluous).collect();
    let is_waived = |hazard: &Hazard| waivers.iter().any(|waiver| covers(waiver, hazard) && has_reason(waiver));
    hazards.into_iter().filter(|hazard| !is_waived(hazard)).chain(faults).collect()
}

fn unused(waiver: &Waiver) -> Hazard {
    Hazard { rule: UNUSED_WAIVER, subject: named(waiver), message: "There is no such hazard: take the waiver away, or correct it.".into() }
}

fn named(waiver: &Waiver) -> String {
    format!("{} {}", waiver.rule, waiver.subject)
}

#[cfg(test)]
mod tests {
    use sea_orm_migration::prelude::*;

    use super::*;

    fn recorded(transactional: bool, statements: &[&str]) -> Recorded {
        let statements = statements.iter().map(|statement| (*statement).to_owned()).collect();
        Recorded { name: "m".into(), transactional, statements, checksum: String::new() }
    }

    /// What is refused in a migration that comes after one that made these: two tables, an index and a unique index.
    fn refused_in(transactional: bool, statements: &[&str]) -> Vec<(&'static str, String)> {
        let before = [
            "CREATE TABLE \"lot\" ( \"id\" uuid NOT NULL PRIMARY KEY, \"batch_code\" varchar(128) )",
            "CREATE TABLE \"item\" ( \"id\" uuid NOT NULL PRIMARY KEY )",
            "CREATE INDEX \"ix_lot_batch_code\" ON \"lot\" (\"batch_code\")",
            "CREATE UNIQUE INDEX \"uq_lot_batch_code\" ON \"lot\" (\"batch_code\")",
        ];
        let mut indexes = Indexes::new();
        let empty = recorded(true, &[]);
        assert_eq!(hazards(&recorded(true, &before), &empty, &mut indexes), []);
        let found = hazards(&recorded(transactional, statements), &empty, &mut indexes);
        found.into_iter().map(|hazard| (hazard.rule, hazard.subject)).collect()
    }

    #[track_caller]
    fn refused(statement: &str, rule: &str, subject: &str) {
        assert_eq!(refused_in(true, &[statement]), [(rule, subject.to_owned())], "{statement}");
    }

    #[track_caller]
    fn passes(statements: &[&str]) {
        assert_eq!(refused_in(true, statements), [], "{statements:?}");
    }

    #[test]
    fn drops_are_refused() {
        refused("DROP TABLE \"lot\"", "drop_table", "lot");
        refused("DROP TABLE IF EXISTS lot, item CASCADE", "drop_table", "lot, item");
        refused("ALTER TABLE \"lot\" DROP COLUMN \"batch_code\"", "drop_column", "lot.batch_code");
        refused("ALTER TABLE lot DROP CONSTRAINT fk_lot_item", "drop_constraint", "lot.fk_lot_item");
        refused("ALTER TABLE lot ALTER COLUMN batch_code DROP DEFAULT", "drop_default", "lot.batch_code");
        refused("DROP INDEX \"ix_lot_batch_code\"", "drop_index_not_concurrently", "lot.ix_lot_batch_code");
        refused("DROP TRIGGER no_update ON lot", "drop_trigger", "no_update");
        refused("ALTER TABLE lot DISABLE TRIGGER no_update", "disable_trigger", "lot.no_update");
        refused("DROP FUNCTION f()", "drop_function", "f");
        refused("TRUNCATE lot", "truncate", "lot");
        refused("DELETE FROM lot WHERE batch_code IS NULL", "delete_rows", "lot");
    }

    #[test]
    fn a_dropped_unique_index_is_refused_also_concurrently() {
        let found = refused_in(false, &["DROP INDEX CONCURRENTLY IF EXISTS uq_lot_batch_code"]);
        assert_eq!(found, [(NOT_TRANSACTIONAL, "migration".into()), ("drop_unique_index", "lot.uq_lot_batch_code".into())]);
        let found = refused_in(false, &["DROP INDEX CONCURRENTLY IF EXISTS ix_lot_batch_code"]);
        assert_eq!(found, [(NOT_TRANSACTIONAL, "migration".into())]);
    }

    #[test]
    fn a_changed_type_is_refused() {
        refused("ALTER TABLE \"lot\" ALTER COLUMN \"batch_code\" TYPE text", "change_column_type", "lot.batch_code");
    }

    #[test]
    fn not_null_without_a_default_is_refused() {
        refused("ALTER TABLE \"lot\" ADD COLUMN \"origin\" uuid NOT NULL", "add_required_column", "lot.origin");
        refused("ALTER TABLE \"lot\" ALTER COLUMN \"batch_code\" SET NOT NULL", "set_not_null", "lot.batch_code");
        passes(&["ALTER TABLE \"lot\" ADD COLUMN \"origin\" bigint NOT NULL DEFAULT 0"]);
        passes(&["ALTER TABLE \"lot\" ADD COLUMN \"origin\" uuid NULL"]);
    }

    #[test]
    fn renames_are_refused() {
        refused("ALTER TABLE \"lot\" RENAME TO \"batch\"", "rename_table", "lot");
        refused("ALTER TABLE \"lot\" RENAME COLUMN \"batch_code\" TO \"code\"", "rename_column", "lot.batch_code");
        refused("ALTER TABLE lot RENAME CONSTRAINT a TO b", "rename_object", "lot.a");
    }

    #[test]
    fn table_rewrites_are_refused() {
        refused("ALTER TABLE lot ADD COLUMN key uuid DEFAULT gen_random_uuid()", "add_column_with_rewrite", "lot.key");
        refused("ALTER TABLE lot ADD COLUMN n bigserial", "rewrite_table", "lot.n");
        refused("ALTER TABLE lot ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY", "add_column_with_rewrite", "lot.n");
        refused("ALTER TABLE lot SET UNLOGGED", "rewrite_table", "lot");
        refused("ALTER TABLE lot SET LOGGED", "rewrite_table", "lot");
        refused("ALTER TABLE lot SET ACCESS METHOD heap", "rewrite_table", "lot");
        refused("CLUSTER lot USING ix_lot_batch_code", "rewrite_table", "lot");
        refused("VACUUM FULL lot", "rewrite_table", "lot");
    }

    #[test]
    fn an_index_on_an_existing_table_is_refused_without_concurrently() {
        refused("CREATE INDEX \"ix_lot_x\" ON \"lot\" (\"batch_code\")", "create_index_not_concurrently", "lot.ix_lot_x");
        passes(&["CREATE TABLE \"supplier\" (\"id\" uuid)", "CREATE INDEX \"ix_supplier_id\" ON \"supplier\" (\"id\")"]);
    }

    #[test]
    fn concurrently_needs_a_migration_that_is_no_transaction_and_can_be_repeated() {
        let concurrently = "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"ix_lot_x\" ON \"lot\" (\"batch_code\")";
        refused(concurrently, "concurrently_in_transaction", "lot.ix_lot_x");
        assert_eq!(refused_in(false, &[concurrently]), [(NOT_TRANSACTIONAL, "migration".into())]);
        let once = concurrently.replace("IF NOT EXISTS ", "");
        assert_eq!(refused_in(false, &[&once]), [(NOT_TRANSACTIONAL, "migration".into()), ("not_repeatable", "lot.ix_lot_x".into())]);
    }

    #[test]
    fn a_constraint_on_an_existing_table_is_refused_without_not_valid() {
        refused("ALTER TABLE lot ADD CONSTRAINT fk FOREIGN KEY (item_id) REFERENCES item (id)", "add_foreign_key", "lot.fk");
        refused("ALTER TABLE lot ADD CONSTRAINT ck CHECK (batch_code <> '')", "add_constraint_without_not_valid", "lot.ck");
        refused("ALTER TABLE lot ADD CONSTRAINT uq UNIQUE (batch_code)", "add_unique_constraint", "lot.uq");
        passes(&["ALTER TABLE lot ADD CONSTRAINT fk FOREIGN KEY (item_id) REFERENCES item (id) NOT VALID"]);
        passes(&["ALTER TABLE lot ADD CONSTRAINT ck CHECK (batch_code <> '') NOT VALID"]);
        passes(&["ALTER TABLE lot VALIDATE CONSTRAINT ck"]);
    }

    #[test]
    fn a_table_that_the_same_migration_made_is_empty_and_nobodys() {
        passes(&[
            "CREATE TABLE supplier (id uuid, name text)",
            "ALTER TABLE supplier ADD COLUMN code text NOT NULL",
            "ALTER TABLE supplier RENAME COLUMN name TO label",
            "ALTER TABLE supplier ALTER COLUMN label TYPE varchar(20)",
            "ALTER TABLE supplier SET UNLOGGED",
            "DROP TABLE supplier",
        ]);
    }

    #[test]
    fn a_table_that_is_dropped_and_made_again_is_lost_all_the_same() {
        let found = refused_in(true, &["DROP TABLE lot", "CREATE TABLE lot (id uuid)", "CREATE INDEX ix ON lot (id)"]);
        assert_eq!(found, [("drop_table", "lot".into())]);
    }

    #[test]
    fn a_table_that_may_have_been_there_counts_as_large() {
        let found = refused_in(true, &["CREATE TABLE IF NOT EXISTS lot (id uuid)", "CREATE INDEX ix ON lot (id)"]);
        assert_eq!(found, [("create_index_not_concurrently", "lot.ix".into())]);
    }

    #[test]
    fn a_constraint_is_not_validated_in_the_transaction_that_adds_it() {
        let add = "ALTER TABLE lot ADD CONSTRAINT ck CHECK (batch_code <> '') NOT VALID";
        let found = refused_in(true, &[add, "ALTER TABLE lot VALIDATE CONSTRAINT ck"]);
        assert_eq!(found, [("add_constraint_without_not_valid", "lot.ck".into())]);
    }

    #[test]
    fn what_hides_from_the_linter_is_refused() {
        refused("DO $$ BEGIN EXECUTE 'DROP TABLE lot'; END $$", "do_block", "statement");
        refused("COMMIT", "transaction_statement", "statement");
        refused("ALTER TABEL lot", "not_understood", "migration");
        refused("-- squawk-ignore ban-drop-table\nDROP TABLE lot", "drop_table", "lot");
        refused("/* squawk-ignore-file */ DROP TABLE lot", "drop_table", "lot");
    }

    #[test]
    fn a_name_that_postgres_would_cut_is_refused_also_on_a_new_table() {
        let name = "a".repeat(64);
        let found = refused_in(true, &["CREATE TABLE supplier (id uuid)", &format!("CREATE INDEX {name} ON supplier (id)")]);
        assert_eq!(found, [("identifier_too_long", format!("supplier.{name}"))]);
    }

    #[test]
    fn what_is_sent_to_sqlite_alone_is_refused_too_and_what_both_send_once() {
        let both = recorded(true, &["ALTER TABLE \"lot\" DROP COLUMN \"a\""]);
        let sqlite = recorded(true, &["ALTER TABLE \"lot\" DROP COLUMN \"a\"", "DROP TABLE \"item\""]);
        let found = hazards(&both, &sqlite, &mut Indexes::new());
        let found: Vec<_> = found.iter().map(|hazard| (hazard.rule, hazard.subject.as_str())).collect();
        assert_eq!(found, [("drop_column", "lot.a"), ("drop_table", "item")]);
    }

    #[test]
    fn a_migration_that_says_nothing_of_transactions_is_refused() {
        let found = hazards(&recorded(true, &[]), &recorded(false, &[]), &mut Indexes::new());
        assert!(matches!(found.as_slice(), [Hazard { rule: NOT_TRANSACTIONAL, message, .. }] if message.contains("Some(true)")), "{found:?}");
    }

    struct First;
    struct Second;

    impl MigrationName for First {
        fn name(&self) -> &'static str {
            "m20260101_000001_first"
        }
    }

    impl MigrationName for Second {
        fn name(&self) -> &'static str {
            "m20260101_000002_second"
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for First {
        fn use_transaction(&self) -> Option<bool> {
            Some(true)
        }

        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.create_table(Table::create().table("lot").col(ColumnDef::new("id").uuid().primary_key()).take()).await
        }
    }

    #[async_trait::async_trait]
    impl MigrationTrait for Second {
        fn use_transaction(&self) -> Option<bool> {
            Some(true)
        }

        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.drop_table(Table::drop().table("lot").take()).await
        }
    }

    const SCHEMA: Schema =
        Schema { module: "inventory", migrations: || vec![Box::new(First), Box::new(Second)], lock_file: "", append_only: &[], waivers: &[] };
    const SECOND: &str = "m20260101_000002_second";

    async fn rules(waivers: &'static [(&'static str, &'static [Waiver])]) -> Vec<(String, &'static str, String)> {
        let findings = lint(&Schema { waivers, ..SCHEMA }).await.expect("recorded");
        findings.into_iter().map(|finding| (finding.migration, finding.rule, finding.subject)).collect()
    }

    #[tokio::test]
    async fn a_finding_is_one_line_that_names_module_migration_rule_and_subject() {
        let findings = lint(&SCHEMA).await.expect("recorded");
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["inventory  m20260101_000002_second: drop_table lot: Dropping a table may break existing clients."]);
    }

    #[tokio::test]
    async fn a_waiver_counts_with_a_reason() {
        assert_eq!(rules(&[(SECOND, &[Waiver { rule: "drop_table", subject: "lot", reason: "It was never in a release." }])]).await, []);
    }

    #[tokio::test]
    async fn a_waiver_without_a_reason_does_not_count() {
        let found = rules(&[(SECOND, &[Waiver { rule: "drop_table", subject: "lot", reason: "  " }])]).await;
        let expected = [("drop_table", "lot"), ("waiver_without_reason", "drop_table lot")];
        assert_eq!(found, expected.map(|(rule, subject)| (SECOND.to_owned(), rule, subject.to_owned())));
    }

    #[tokio::test]
    async fn a_waiver_for_nothing_is_refused() {
        let found = rules(&[
            (SECOND, &[Waiver { rule: "drop_table", subject: "lot", reason: "why" }, Waiver { rule: "drop_table", subject: "item", reason: "why" }]),
            ("m20260101_000003_gone", &[Waiver { rule: "drop_table", subject: "lot", reason: "why" }]),
        ]);
        let expected = [(SECOND, "unused_waiver", "drop_table item"), ("m20260101_000003_gone", "unused_waiver", "drop_table lot")];
        assert_eq!(found.await, expected.map(|(migration, rule, subject)| (migration.to_owned(), rule, subject.to_owned())));
    }
}
