//! `larder db drift` names every difference that somebody makes by hand, and `larder db baseline` adopts a database without any.

use larder::module::Module;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement, TransactionTrait as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::db::Ground;
use crate::support::place::Place;
use crate::support::postgres::Pair;
use crate::support::{Engine, connect};

fn engine(name: &str) -> Engine {
    if name == "sqlite" { Engine::Sqlite } else { Engine::Postgres }
}

fn last(module: Module) -> String {
    module.migrations().pop().expect("a migration")
}

/// Something that somebody does to the inventory database by hand.
enum Change {
    Sql(&'static str),
    /// What ALTER TABLE of SQLite cannot do: the table is made again with another text.
    Rebuild {
        table: &'static str,
        from: &'static str,
        to: &'static str,
    },
}

fn sql(sql: &'static str) -> Change {
    Change::Sql(sql)
}

fn rebuild(table: &'static str, from: &'static str, to: &'static str) -> Change {
    Change::Rebuild { table, from, to }
}

impl Change {
    async fn make(self, live: &Ground) {
        match self {
            Self::Sql(sql) => live.execute(Module::Inventory, sql).await,
            Self::Rebuild { table, from, to } => {
                let database = live.connect(Module::Inventory).await;
                let script = rebuilding(&database, table, from, to).await;
                database.execute_unprepared(&script).await.unwrap_or_else(|error| panic!("{script}: {error}"));
                database.close().await.expect("closed");
            }
        }
    }
}

/// The script that makes an empty table of SQLite again.
async fn rebuilding(database: &DatabaseConnection, table: &str, from: &str, to: &str) -> String {
    let query = format!("SELECT sql FROM sqlite_schema WHERE tbl_name = '{table}' AND sql IS NOT NULL ORDER BY type = 'table' DESC");
    let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), query)).await.expect("the schema");
    let mut texts: Vec<String> = rows.iter().map(|row| row.try_get("", "sql").expect("a text")).collect();
    let made = texts.remove(0);
    let changed = made.replacen(from, to, 1);
    assert_ne!(made, changed, "{from} does not stand in it");
    let changed = changed.replacen(&format!("CREATE TABLE \"{table}\""), "CREATE TABLE \"made_again\"", 1);
    let rest = texts.join("; ");
    format!("PRAGMA foreign_keys = OFF; {changed}; DROP TABLE \"{table}\"; ALTER TABLE \"made_again\" RENAME TO \"{table}\"; {rest}")
}

/// After a change the command ends with 4 and tells these lines, and nothing else.
async fn is_told(engine: Engine, change: Change, lines: &[&str]) {
    let Some(live) = Ground::deployed(engine).await else { return };
    change.make(&live).await;
    let drift = live.run(&["drift"]);
    assert_eq!(drift.code, 4, "{}{}", drift.stdout, drift.stderr);
    let (next, told): (Vec<_>, Vec<_>) = drift.stdout.lines().partition(|line| line.contains("Undo what somebody changed by hand"));
    let expected: Vec<_> = std::iter::once("auth       no drift".to_owned()).chain(lines.iter().map(|line| format!("inventory  {line}"))).collect();
    assert_eq!(told, expected);
    assert_eq!((next.len(), drift.stderr.as_str()), (1, ""));
    live.remove().await;
}

/// A test of each difference on each engine that knows it.
macro_rules! drifts {
    ($($name:ident { $($engine:ident: $change:expr => [$($line:expr),* $(,)?];)+ })+) => {
        $(mod $name {
            use super::*;

            $(#[tokio::test]
            async fn $engine() {
                is_told(super::engine(stringify!($engine)), $change, &[$($line),*]).await;
            })+
        })+
    };
}

drifts! {
    a_missing_column {
        sqlite: sql("ALTER TABLE lot DROP COLUMN produced_on") => ["column lot.produced_on: is missing"];
        postgres: sql("ALTER TABLE lot DROP COLUMN produced_on") => ["column lot.produced_on: is missing"];
    }
    an_additional_column {
        sqlite: sql("ALTER TABLE lot ADD COLUMN colour text") => ["column lot.colour: is not of the migrations"];
        postgres: sql("ALTER TABLE lot ADD COLUMN colour text") => ["column lot.colour: is not of the migrations"];
    }
    a_renamed_column {
        sqlite: sql("ALTER TABLE lot RENAME COLUMN produced_on TO made_on") => ["column lot.produced_on: is named made_on"];
        postgres: sql("ALTER TABLE lot RENAME COLUMN produced_on TO made_on") => ["column lot.produced_on: is named made_on"];
    }
    a_column_that_was_put_in_the_place_of_another {
        sqlite: sql("ALTER TABLE lot DROP COLUMN produced_on; ALTER TABLE lot ADD COLUMN made_on date_text")
            => ["column lot.made_on: is not of the migrations", "column lot.produced_on: is missing"];
        postgres: sql("ALTER TABLE lot DROP COLUMN produced_on; ALTER TABLE lot ADD COLUMN made_on date")
            => ["column lot.made_on: is not of the migrations", "column lot.produced_on: is missing"];
    }
    another_type {
        sqlite: rebuild("lot", "\"produced_on\" date_text", "\"produced_on\" text") => ["column lot.produced_on: is text, migrations make it date_text"];
        postgres: sql("ALTER TABLE lot ALTER COLUMN batch_code TYPE text COLLATE \"C\"")
            => ["column lot.batch_code: is text, migrations make it character varying(128)"];
    }
    another_length {
        sqlite: rebuild("lot", "\"batch_code\" varchar(128)", "\"batch_code\" varchar(64)")
            => ["column lot.batch_code: is varchar(64), migrations make it varchar(128)"];
        postgres: sql("ALTER TABLE lot ALTER COLUMN batch_code TYPE varchar(64) COLLATE \"C\"")
            => ["column lot.batch_code: is character varying(64), migrations make it character varying(128)"];
    }
    another_collation {
        sqlite: rebuild("lot", "\"batch_code\" varchar(128)", "\"batch_code\" varchar(128) COLLATE NOCASE")
            => ["column lot.batch_code: is COLLATE nocase, migrations make it without COLLATE"];
        postgres: sql("ALTER TABLE lot ALTER COLUMN batch_code TYPE varchar(128) COLLATE \"default\"")
            => ["column lot.batch_code: is without COLLATE, migrations make it COLLATE \"C\""];
    }
    a_column_that_must_not_be_null {
        sqlite: rebuild("lot", "\"produced_on\" date_text NULL", "\"produced_on\" date_text NOT NULL")
            => ["column lot.produced_on: is NOT NULL, migrations make it nullable"];
        postgres: sql("ALTER TABLE lot ALTER COLUMN produced_on SET NOT NULL") => ["column lot.produced_on: is NOT NULL, migrations make it nullable"];
    }
    a_column_that_may_be_null {
        sqlite: rebuild("lot", "\"void\" boolean NOT NULL", "\"void\" boolean") => ["column lot.void: is nullable, migrations make it NOT NULL"];
        postgres: sql("ALTER TABLE lot ALTER COLUMN void DROP NOT NULL") => ["column lot.void: is nullable, migrations make it NOT NULL"];
    }
    another_default {
        sqlite: rebuild("stock_key", "DEFAULT 0", "DEFAULT 5") => ["column stock_key.reserved_quantity: is DEFAULT 5, migrations make it DEFAULT 0"];
        postgres: sql("ALTER TABLE stock_key ALTER COLUMN reserved_quantity SET DEFAULT 5")
            => ["column stock_key.reserved_quantity: is DEFAULT 5, migrations make it DEFAULT 0"];
    }
    a_dropped_default {
        sqlite: rebuild("stock_key", "DEFAULT 0", "") => ["column stock_key.reserved_quantity: is without DEFAULT, migrations make it DEFAULT 0"];
        postgres: sql("ALTER TABLE stock_key ALTER COLUMN reserved_quantity DROP DEFAULT")
            => ["column stock_key.reserved_quantity: is without DEFAULT, migrations make it DEFAULT 0"];
    }
    a_column_that_numbers_itself {
        sqlite: rebuild("stock_key", "DEFAULT 0", "GENERATED ALWAYS AS (1 + 1)")
            => ["column stock_key.reserved_quantity: is GENERATED ALWAYS AS (1 + 1), migrations make it DEFAULT 0"];
        postgres: sql("ALTER TABLE stock_key ALTER COLUMN reserved_quantity DROP DEFAULT, ALTER COLUMN reserved_quantity ADD GENERATED ALWAYS AS IDENTITY")
            => ["column stock_key.reserved_quantity: is GENERATED ALWAYS AS IDENTITY, migrations make it DEFAULT 0"];
    }
    another_primary_key {
        sqlite: rebuild("ledger_head", "\"tenant_id\" uuid_text NOT NULL PRIMARY KEY, \"seq\" integer NOT NULL", "\"tenant_id\" uuid_text NOT NULL, \"seq\" integer NOT NULL PRIMARY KEY")
            => ["primary key ledger_head: is (seq), migrations make it (tenant_id)"];
        postgres: sql("ALTER TABLE ledger_head DROP CONSTRAINT ledger_head_pkey, ADD PRIMARY KEY (seq)")
            => ["primary key ledger_head: is PRIMARY KEY (seq), migrations make it PRIMARY KEY (tenant_id)"];
    }
    a_dropped_foreign_key {
        sqlite: rebuild("lot", ", FOREIGN KEY (\"tenant_id\", \"item_id\") REFERENCES \"item\" (\"tenant_id\", \"id\")", "")
            => ["foreign key lot(tenant_id, item_id): is missing"];
        postgres: sql("ALTER TABLE lot DROP CONSTRAINT fk_lot_item_id") => ["foreign key lot.fk_lot_item_id: is missing"];
    }
    a_foreign_key_that_does_something_else {
        sqlite: rebuild("lot", "REFERENCES \"item\" (\"tenant_id\", \"id\")", "REFERENCES \"item\" (\"tenant_id\", \"id\") ON DELETE CASCADE")
            => ["foreign key lot(tenant_id, item_id): is ON DELETE CASCADE, migrations make it ON DELETE NO ACTION"];
        postgres: sql("ALTER TABLE lot DROP CONSTRAINT fk_lot_item_id, \
                       ADD CONSTRAINT fk_lot_item_id FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id) ON DELETE CASCADE")
            => ["foreign key lot.fk_lot_item_id: is FOREIGN KEY (tenant_id, item_id) REFERENCES item(tenant_id, id) ON DELETE CASCADE, \
                 migrations make it FOREIGN KEY (tenant_id, item_id) REFERENCES item(tenant_id, id)"];
    }
    a_foreign_key_that_is_not_kept {
        sqlite: rebuild("lot", "REFERENCES \"item\" (\"tenant_id\", \"id\")", "REFERENCES \"item\" (\"tenant_id\", \"id\") DEFERRABLE INITIALLY DEFERRED")
            => ["table lot: is with INITIALLY DEFERRED, migrations make it without special clauses"];
        // As a superuser does for a quick import, and forgets.
        postgres: sql("ALTER TABLE waste_line DISABLE TRIGGER ALL") => [
            "foreign key waste_line.fk_waste_line_document_id: is disabled, migrations make it enabled",
            "foreign key waste_line.fk_waste_line_item_id: is disabled, migrations make it enabled",
            "foreign key waste_line.fk_waste_line_lot_id: is disabled, migrations make it enabled",
            "foreign key waste_line.fk_waste_line_reason_id: is disabled, migrations make it enabled",
        ];
    }
    a_foreign_key_that_was_not_checked {
        postgres: sql("ALTER TABLE lot DROP CONSTRAINT fk_lot_item_id, \
                       ADD CONSTRAINT fk_lot_item_id FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id) NOT VALID")
            => ["foreign key lot.fk_lot_item_id: is NOT VALID, migrations make it validated"];
    }
    a_dropped_unique_constraint {
        sqlite: rebuild("import", ", CONSTRAINT \"uq_import_id\" UNIQUE (\"tenant_id\", \"id\")", "") => ["unique constraint import(tenant_id, id): is missing"];
        postgres: sql("ALTER TABLE import DROP CONSTRAINT uq_import_id") => ["unique constraint import.uq_import_id: is missing"];
    }
    a_dropped_unique_index {
        sqlite: sql("DROP INDEX ix_item_sku") => ["index ix_item_sku: is missing"];
        postgres: sql("DROP INDEX ix_item_sku") => ["index ix_item_sku: is missing"];
    }
    an_index_that_is_no_longer_unique {
        sqlite: sql("DROP INDEX ix_item_sku; CREATE INDEX ix_item_sku ON item (tenant_id, sku)") => ["index ix_item_sku: is not UNIQUE, migrations make it UNIQUE"];
        postgres: sql("DROP INDEX ix_item_sku; CREATE INDEX ix_item_sku ON item (tenant_id, sku)")
            => ["index ix_item_sku: is not UNIQUE, migrations make it UNIQUE"];
    }
    an_index_over_the_same_columns_in_another_order {
        sqlite: sql("DROP INDEX ix_balance_lot_id; CREATE INDEX ix_balance_lot_id ON balance (lot_id, tenant_id DESC)")
            => ["index ix_balance_lot_id: is (lot_id, tenant_id DESC), migrations make it (tenant_id, lot_id)"];
        postgres: sql("DROP INDEX ix_balance_lot_id; CREATE INDEX ix_balance_lot_id ON balance (lot_id, tenant_id DESC)")
            => ["index ix_balance_lot_id: is USING btree (lot_id, tenant_id DESC), migrations make it USING btree (tenant_id, lot_id)"];
    }
    an_index_over_some_rows {
        sqlite: sql("DROP INDEX ix_balance_lot_id; CREATE INDEX ix_balance_lot_id ON balance (tenant_id, lot_id) WHERE quantity > 0")
            => ["index ix_balance_lot_id: is where quantity > 0, migrations make it without WHERE"];
        postgres: sql("DROP INDEX ix_balance_lot_id; CREATE INDEX ix_balance_lot_id ON balance (tenant_id, lot_id) WHERE quantity > 0")
            => ["index ix_balance_lot_id: is USING btree (tenant_id, lot_id) WHERE quantity > 0, migrations make it USING btree (tenant_id, lot_id)"];
    }
    an_index_of_another_method {
        postgres: sql("DROP INDEX ix_idempotency_created_at; CREATE INDEX ix_idempotency_created_at ON idempotency USING brin (created_at)")
            => ["index ix_idempotency_created_at: is USING brin (created_at), migrations make it USING btree (created_at)"];
    }
    a_renamed_index {
        sqlite: sql("DROP INDEX ix_balance_lot_id; CREATE INDEX ix_of_lots ON balance (tenant_id, lot_id)") => ["index ix_balance_lot_id: is named ix_of_lots"];
        postgres: sql("ALTER INDEX ix_balance_lot_id RENAME TO ix_of_lots") => ["index ix_balance_lot_id: is named ix_of_lots"];
    }
    an_additional_index {
        sqlite: sql("CREATE UNIQUE INDEX ux_name ON item (lower(name))") => ["index ux_name: is not of the migrations"];
        postgres: sql("CREATE UNIQUE INDEX ux_name ON item (lower(name))") => ["index ux_name: is not of the migrations"];
    }
    an_invalid_index {
        postgres: sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_balance_lot_id'::regclass")
            => ["index ix_balance_lot_id: is invalid (unfinished), migrations make it valid"];
    }
    a_dropped_check {
        sqlite: rebuild("balance", ", CONSTRAINT \"balance_quantity_not_negative\" CHECK (\"quantity\" >= 0)", "")
            => ["check balance.balance_quantity_not_negative: is missing"];
        postgres: sql("ALTER TABLE balance DROP CONSTRAINT balance_quantity_not_negative") => ["check balance.balance_quantity_not_negative: is missing"];
    }
    another_check {
        sqlite: rebuild("balance", "CHECK (\"quantity\" >= 0)", "CHECK (\"quantity\" >= -5)")
            => ["check balance.balance_quantity_not_negative: is quantity >= - 5, migrations make it quantity >= 0"];
        postgres: sql("ALTER TABLE balance DROP CONSTRAINT balance_quantity_not_negative, \
                       ADD CONSTRAINT balance_quantity_not_negative CHECK (quantity >= -5)")
            => ["check balance.balance_quantity_not_negative: is CHECK (quantity >= '-5'::integer), migrations make it CHECK (quantity >= 0)"];
    }
    an_additional_check {
        sqlite: rebuild("lot", "\"basis_quantity\" integer NOT NULL", "\"basis_quantity\" integer NOT NULL CHECK (\"basis_quantity\" <> 7)")
            => ["check lot(basis_quantity <> 7): is not of the migrations"];
        postgres: sql("ALTER TABLE lot ADD CHECK (basis_quantity <> 7)") => ["check lot.lot_basis_quantity_check: is not of the migrations"];
    }
    a_check_that_was_not_checked {
        postgres: sql("ALTER TABLE balance DROP CONSTRAINT balance_value_not_negative, \
                       ADD CONSTRAINT balance_value_not_negative CHECK (value >= 0) NOT VALID")
            => ["check balance.balance_value_not_negative: is NOT VALID, migrations make it validated"];
    }
    a_dropped_trigger {
        sqlite: sql("DROP TRIGGER ledger_entry_no_update") => ["trigger ledger_entry.ledger_entry_no_update: is missing"];
        postgres: sql("DROP TRIGGER ledger_entry_no_change ON ledger_entry") => ["trigger ledger_entry.ledger_entry_no_change: is missing"];
    }
    a_trigger_that_lets_some_pass {
        sqlite: sql("DROP TRIGGER ledger_entry_no_update; CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE OF kind ON ledger_entry \
                     BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END")
            => ["trigger ledger_entry.ledger_entry_no_update: is before update of kind on ledger_entry begin select raise (abort, 'ledger entries are never \
                 changed or deleted'); end, migrations make it before update on ledger_entry begin select raise (abort, 'ledger entries are never changed or \
                 deleted'); end"];
        postgres: sql("CREATE OR REPLACE TRIGGER ledger_entry_no_change BEFORE UPDATE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_append_only()")
            => ["trigger ledger_entry.ledger_entry_no_change: is BEFORE UPDATE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_append_only(), \
                 migrations make it BEFORE DELETE OR UPDATE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_append_only()"];
    }
    a_disabled_trigger {
        postgres: sql("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_no_change")
            => ["trigger ledger_entry.ledger_entry_no_change: is disabled, migrations make it enabled"];
    }
    another_function {
        postgres: sql("CREATE OR REPLACE FUNCTION ledger_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
            => ["function ledger_entry_is_append_only(): is ledger_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $function$ BEGIN RETURN NULL; END \
                 $function$, migrations make it ledger_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $function$ BEGIN RAISE EXCEPTION \
                 'ledger entries are never changed or deleted' USING ERRCODE = 'restrict_violation'; END $function$"];
    }
    an_additional_table_with_all_that_is_in_it {
        sqlite: sql("CREATE TABLE mine (id integer PRIMARY KEY AUTOINCREMENT, item text UNIQUE CHECK (item <> '')); CREATE INDEX ix_mine ON mine (item)")
            => ["table mine: is not of the migrations"];
        postgres: sql("CREATE TABLE mine (id serial PRIMARY KEY, item text UNIQUE CHECK (item <> '')); CREATE INDEX ix_mine ON mine (item)")
            => ["table mine: is not of the migrations"];
    }
    a_missing_table_with_all_that_was_in_it {
        sqlite: sql("DROP TABLE waste_line") => ["table waste_line: is missing"];
        postgres: sql("DROP TABLE waste_line") => ["table waste_line: is missing"];
    }
    a_table_that_does_not_survive_a_crash {
        postgres: sql("ALTER TABLE balance SET UNLOGGED") => ["table balance: is UNLOGGED, migrations make it logged"];
    }
    a_rule_that_swallows_rows_and_a_policy_that_hides_them {
        postgres: sql("CREATE RULE nothing AS ON INSERT TO balance DO INSTEAD NOTHING; CREATE POLICY none ON item USING (false); \
                       ALTER TABLE lot FORCE ROW LEVEL SECURITY")
            => [
                "table lot: is without ROW LEVEL SECURITY, forced, migrations make it without ROW LEVEL SECURITY",
                "rule balance.nothing: is not of the migrations",
                "policy item.none: is not of the migrations",
            ];
    }
    an_additional_view {
        sqlite: sql("CREATE VIEW stock AS SELECT * FROM balance") => ["view stock: is not of the migrations"];
        postgres: sql("CREATE VIEW stock AS SELECT * FROM balance") => ["view stock: is not of the migrations"];
    }
    additional_things_of_other_sorts {
        postgres: sql("CREATE SEQUENCE numbers; CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN price AS bigint CHECK (VALUE >= 0); \
                       CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'; CREATE AGGREGATE most(int) (SFUNC = int4larger, STYPE = int)")
            => [
                "sequence numbers: is not of the migrations",
                "type mood: is not of the migrations",
                "type price: is not of the migrations",
                "function most(integer): is not of the migrations",
                "function twice(a integer): is not of the migrations",
            ];
    }
}

on_both! {
    async fn a_clean_database_has_no_drift(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        let drift = live.run(&["drift"]);
        assert_eq!((drift.code, drift.stdout.as_str(), drift.stderr.as_str()), (0, "auth       no drift\ninventory  no drift\n", ""));
        let drift = live.run(&["drift", "--json", "--db", "auth"]);
        assert_eq!((drift.code, serde_json::from_str::<Value>(&drift.stdout).expect("JSON")), (0, json!({ "differences": [], "exit": 0 })));
        live.remove().await;
    }

    async fn a_program_is_told_which_database_which_thing_and_both_sides(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        live.execute(Module::Auth, "DROP INDEX ux_signing_key_active").await;
        live.execute(Module::Inventory, "ALTER TABLE lot ADD COLUMN colour text").await;
        let drift = live.run(&["drift", "--json"]);
        let (index, column) = match engine {
            Engine::Sqlite => ("UNIQUE (status) where status = 'active'", "text nullable"),
            Engine::Postgres => ("UNIQUE USING btree (status) WHERE status::text = 'active'::text valid", "text nullable"),
        };
        let expected = json!({ "differences": [
            { "db": "auth", "object": "index ux_signing_key_active", "kind": "index", "live": null, "expected": index },
            { "db": "inventory", "object": "column lot.colour", "kind": "column", "live": column, "expected": null },
        ], "exit": 4 });
        assert_eq!((drift.code, serde_json::from_str::<Value>(&drift.stdout).expect("JSON")), (4, expected));
        live.remove().await;
    }

    async fn looking_for_drift_writes_nothing(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        live.execute(Module::Inventory, "ALTER TABLE lot ADD COLUMN colour text").await;
        let before = traces(&live).await;
        assert_eq!(live.run(&["drift"]).code, 4);
        assert_eq!(traces(&live).await, before);
        live.remove().await;
    }

    async fn what_is_pending_is_no_drift(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        assert_eq!(live.run(&["down", "--db", "inventory", "--yes"]).code, 0);
        let drift = live.run(&["drift", "--db", "inventory"]);
        let expected = format!("inventory  no drift\ninventory  pending migrations were left out: {}\n", last(Module::Inventory));
        assert_eq!((drift.code, drift.stdout), (0, expected), "{}", drift.stderr);
        live.remove().await;
    }

    async fn the_other_modules_database_is_refused(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        let swapped = Place::new(&[("AUTH_DATABASE_URL", &live.url(Module::Inventory)), ("INVENTORY_DATABASE_URL", &live.url(Module::Auth))]);
        for arguments in [&["db", "drift", "--db", "inventory"] as &[&str], &["db", "baseline", "--db", "inventory", "--to", &last(Module::Inventory)]] {
            let ended = swapped.run(arguments);
            assert_eq!(ended.code, 4, "{}", ended.stderr);
            assert!(ended.stderr.contains("the database of auth; inventory needs its own"), "{}", ended.stderr);
        }
        live.remove().await;
    }

    async fn a_database_made_by_the_plan_has_no_drift_and_is_adopted(engine: Engine) {
        let Some(live) = Ground::empty(engine).await else { return };
        for module in Module::ALL {
            live.run_by_hand(module, &live.script(module));
            let drift = live.run(&["drift", "--db", module.name()]);
            assert_eq!(drift.code, 0, "{}{}", drift.stdout, drift.stderr);
            assert!(drift.stdout.contains("no drift") && drift.stdout.contains("it has no history"), "{}", drift.stdout);
            for command in ["status", "deploy"] {
                let ended = live.run(&[command, "--db", module.name()]);
                let said = format!("{}{}", ended.stdout, ended.stderr);
                assert!(ended.code == 4 && said.contains("no history of migrations"), "{said}");
            }
            let baseline = live.run(&["baseline", "--db", module.name(), "--to", &last(module)]);
            assert_eq!(baseline.code, 0, "{}{}", baseline.stdout, baseline.stderr);
            let lines: Vec<_> = module.migrations().iter().map(|name| format!("{:<10} baselined    {name}", module.name())).collect();
            assert_eq!(baseline.stdout.lines().collect::<Vec<_>>(), lines);
            assert_eq!(live.run(&["status", "--db", module.name()]).code, 0);
            let deploy = live.run(&["deploy", "--db", module.name(), "--json"]);
            assert_eq!((deploy.code, serde_json::from_str::<Value>(&deploy.stdout).expect("JSON")), (0, json!({ "migrations": [], "exit": 0 })));
        }
        let drift = live.run(&["drift"]);
        assert_eq!((drift.code, drift.stdout.as_str()), (0, "auth       no drift\ninventory  no drift\n"));
        if let Some(pair) = &live.pair {
            let runtime = connect(&pair.inventory.app_url()).await;
            for statement in ["UPDATE ledger_entry SET seq = seq", "DELETE FROM seaql_migrations", "INSERT INTO _larder_migrations VALUES ('x', 'x', 'x')"] {
                let error = runtime.execute_unprepared(statement).await.expect_err(statement).to_string();
                assert!(error.contains("permission denied"), "{statement}: {error}");
            }
            runtime.close().await.expect("closed");
        }
        live.remove().await;
    }

    async fn a_database_made_by_a_part_of_the_plan_is_adopted_up_to_there(engine: Engine) {
        let Some(live) = Ground::empty(engine).await else { return };
        let names = Module::Inventory.migrations();
        let (to, later) = (names[names.len() - 2].as_str(), last(Module::Inventory));
        let script = live.script(Module::Inventory);
        live.run_by_hand(Module::Inventory, script.split(&format!("-- {later}\n")).next().expect("the part before it"));
        // Not as more than it is.
        let baseline = live.run(&["baseline", "--db", "inventory", "--to", &later, "--json"]);
        let told: Value = serde_json::from_str(&baseline.stdout).expect("JSON");
        assert_eq!((baseline.code, &told["exit"]), (4, &json!(4)));
        let told: Vec<_> = told["differences"].as_array().expect("a list").iter().map(|line| line["object"].as_str().expect("a name")).collect();
        assert_eq!(told, ["column ledger_head.last_counted_at", "column ledger_head.last_recorded_at"]);
        assert_eq!(live.run(&["status", "--db", "inventory"]).code, 4);

        let baseline = live.run(&["baseline", "--db", "inventory", "--to", to, "--json"]);
        let told: Value = serde_json::from_str(&baseline.stdout).expect("JSON");
        let adopted: Vec<_> = names[..names.len() - 1].iter().map(|name| json!({ "db": "inventory", "migration": name, "state": "baselined" })).collect();
        assert_eq!((baseline.code, told), (0, json!({ "migrations": adopted, "exit": 0 })));
        assert_eq!(live.run(&["status", "--db", "inventory"]).code, 2);
        let deploy = live.run(&["deploy", "--db", "inventory"]);
        assert_eq!(deploy.code, 0, "{}", deploy.stderr);
        assert!(deploy.stdout.lines().count() == 1 && deploy.stdout.contains(&later), "{}", deploy.stdout);
        let drift = live.run(&["drift", "--db", "inventory"]);
        assert_eq!((drift.code, drift.stdout.as_str()), (0, "inventory  no drift\n"));
        live.remove().await;
    }

    async fn a_database_with_drift_is_not_adopted(engine: Engine) {
        let Some(live) = Ground::empty(engine).await else { return };
        live.run_by_hand(Module::Inventory, &live.script(Module::Inventory));
        live.execute(Module::Inventory, "ALTER TABLE lot ADD COLUMN colour text").await;
        let to = last(Module::Inventory);
        let baseline = live.run(&["baseline", "--db", "inventory", "--to", &to]);
        let expected = format!(
            "inventory  column lot.colour: is not of the migrations\ninventory  is not what the migrations up to {to} make; nothing was written\n"
        );
        assert_eq!((baseline.code, baseline.stdout), (4, expected), "{}", baseline.stderr);
        let tables = match engine {
            Engine::Sqlite => "SELECT count(*) || '' FROM sqlite_schema WHERE name IN ('seaql_migrations', '_larder_migrations')",
            Engine::Postgres => "SELECT count(*) || '' FROM pg_class WHERE relname IN ('seaql_migrations', '_larder_migrations') OR relname LIKE 'larder_shadow%'",
        };
        assert_eq!(live.text(Module::Inventory, tables).await, "0");
        live.remove().await;
    }

    async fn what_was_migrated_by_hand_after_a_deploy_is_adopted_too(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        live.run(&["down", "--db", "inventory", "--yes"]).is(0);
        let plan = live.run(&["plan", "--db", "inventory"]);
        live.run_by_hand(Module::Inventory, &plan.stdout);
        live.run(&["status", "--db", "inventory"]).is(2);
        live.run(&["baseline", "--to", &last(Module::Inventory), "--db", "inventory"]).is(0);
        live.run(&["status"]).is(0);
        live.run(&["deploy"]).is(0);
        // The same where rows of the history were lost.
        let lost = &Module::Inventory.migrations()[1];
        live.execute(Module::Inventory, &format!("DELETE FROM seaql_migrations WHERE version = '{lost}'")).await;
        live.run(&["status", "--db", "inventory"]).says(4, "are only their rows in the history gone?");
        live.run(&["drift", "--db", "inventory"]).is(0);
        live.run(&["baseline", "--to", &last(Module::Inventory), "--db", "inventory"]).is(0);
        live.run(&["status"]).is(0);
        live.remove().await;
    }

    async fn a_schema_that_was_restored_without_any_row_is_adopted(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        for table in ["seaql_migrations", "_larder_migrations", "larder_module"] {
            live.execute(Module::Inventory, &format!("DELETE FROM {table}")).await;
        }
        live.run(&["status", "--db", "inventory"]).says(4, "no history of migrations");
        live.run(&["deploy", "--db", "inventory"]).is(4);
        live.run(&["baseline", "--to", &last(Module::Inventory), "--db", "inventory"]).is(0);
        live.run(&["status"]).is(0);
        live.run(&["drift"]).is(0);
        live.remove().await;
    }

    async fn a_database_with_a_history_has_no_need_of_another(engine: Engine) {
        let Some(live) = Ground::deployed(engine).await else { return };
        let baseline = live.run(&["baseline", "--db", "inventory", "--to", &last(Module::Inventory)]);
        assert_eq!((baseline.code, baseline.stdout.as_str()), (1, ""));
        assert!(baseline.stderr.contains("in its history already") && baseline.stderr.contains("larder db status"), "{}", baseline.stderr);
        live.remove().await;
    }

    async fn an_empty_database_is_not_adopted(engine: Engine) {
        let Some(live) = Ground::empty(engine).await else { return };
        let baseline = live.run(&["baseline", "--db", "inventory", "--to", &last(Module::Inventory)]);
        assert_eq!((baseline.code, baseline.stdout.as_str()), (1, ""));
        assert!(baseline.stderr.contains("has no tables of Larder") && baseline.stderr.contains("larder db deploy"), "{}", baseline.stderr);
        assert!(!live.place.path("data").exists(), "no file is made");
        live.remove().await;
    }

    async fn nothing_is_adopted_while_somebody_deploys(engine: Engine) {
        let Some(mut live) = Ground::empty(engine).await else { return };
        live.run_by_hand(Module::Inventory, &live.script(Module::Inventory));
        if engine == Engine::Sqlite {
            live.execute(Module::Inventory, "PRAGMA journal_mode = WAL").await;
        }
        let other = live.connect(Module::Inventory).await;
        let txn = other.begin().await.expect("a transaction");
        let lock = if live.pair.is_some() { "SELECT pg_advisory_xact_lock(x'6c6172646572'::bigint)" } else { "DELETE FROM larder_module WHERE false" };
        txn.execute_unprepared(lock).await.expect("the lock");
        let arguments = ["baseline", "--db", "inventory", "--to", &last(Module::Inventory)];
        live.place.variables.insert("LARDER_DATABASE_DEPLOY_LOCK_TIMEOUT_SECONDS".into(), "1".into());
        let ended = live.run(&arguments);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        txn.rollback().await.expect("rolled back");
        other.close().await.expect("closed");
        assert_eq!(live.run(&arguments).code, 0);
        live.remove().await;
    }
}

/// Of the inventory database on SQLite the bytes, on Postgres how much its catalogue holds and which schemas there are.
async fn traces(live: &Ground) -> String {
    if live.pair.is_none() {
        let bytes = std::fs::read(live.file(Module::Inventory)).expect("the file");
        return format!("{:?}", Sha256::digest(bytes));
    }
    let sql = "SELECT string_agg(nspname, ' ' ORDER BY nspname) || ' ' || (SELECT count(*) FROM pg_class) || ' ' || (SELECT count(*) FROM pg_attribute) || ' ' || \
               (SELECT count(*) FROM pg_proc) || ' ' || (SELECT count(*) FROM pg_constraint) || ' ' || (SELECT count(*) FROM pg_trigger) FROM pg_namespace";
    live.text(Module::Inventory, sql).await
}

#[tokio::test]
async fn a_role_that_may_not_make_a_schema_is_told_what_to_connect_as() {
    let Some(pair) = Pair::make().await else { return };
    let place = Place::on(&pair);
    let drift = place.run(&["db", "drift", "--db", "inventory"]);
    assert_eq!((drift.code, drift.stdout.as_str()), (1, ""));
    assert!(drift.stderr.contains("permission denied for database") && drift.stderr.contains("LARDER_MIGRATION_URL_INVENTORY"), "{}", drift.stderr);
    pair.remove().await;
}

#[tokio::test]
async fn a_table_that_somebody_alters_is_not_waited_for_for_long() {
    let Some(mut live) = Ground::deployed(Engine::Postgres).await else { return };
    let other = live.connect(Module::Inventory).await;
    let txn = other.begin().await.expect("a transaction");
    txn.execute_unprepared("ALTER TABLE balance ADD CHECK (quantity <> 7)").await.expect("altered");
    live.place.variables.insert("LARDER_DATABASE_LOCK_TIMEOUT_MS".into(), "300".into());
    let drift = live.run(&["drift", "--db", "inventory"]);
    assert!(drift.code == 1 && drift.stderr.contains("lock timeout") && drift.stderr.contains("pg_stat_activity"), "{}", drift.stderr);
    txn.rollback().await.expect("rolled back");
    other.close().await.expect("closed");
    live.place.variables.remove("LARDER_DATABASE_LOCK_TIMEOUT_MS");
    assert_eq!(live.run(&["drift", "--db", "inventory"]).code, 0);
    live.remove().await;
}

#[tokio::test]
async fn only_the_schema_that_the_url_names_is_compared() {
    let Some(pair) = Pair::make_empty().await else { return };
    let url = |url: String| format!("{url}?schema=kitchen");
    let place = Place::new(&[("AUTH_DATABASE_URL", &url(pair.auth.owner_url())), ("INVENTORY_DATABASE_URL", &url(pair.inventory.owner_url()))]);
    // A schema that is not there has nothing to compare.
    place.run(&["db", "drift", "--db", "inventory"]).says(1, "or nothing in it");
    place.run(&["db", "deploy"]).is(0);
    place.run(&["db", "drift", "--db", "inventory"]).is(0);
    let database = connect(&pair.inventory.admin_url()).await;
    database.execute_unprepared("CREATE TABLE public.not_looked_at (id int); CREATE TABLE kitchen.looked_at (id int)").await.expect("tables");
    database.close().await.expect("closed");
    let drift = place.run(&["db", "drift", "--db", "inventory"]);
    assert_eq!(drift.code, 4, "{}", drift.stderr);
    assert_eq!(drift.stdout.lines().next(), Some("inventory  table looked_at: is not of the migrations"));
    pair.remove().await;
}

#[tokio::test]
async fn what_an_extension_brings_is_no_drift() {
    let Some(live) = Ground::deployed(Engine::Postgres).await else { return };
    live.execute(Module::Inventory, "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION citext").await;
    let drift = live.run(&["drift", "--db", "inventory"]);
    assert_eq!((drift.code, drift.stdout.as_str()), (0, "inventory  no drift\n"));
    live.remove().await;
}

#[test]
fn without_a_database_there_is_nothing_to_compare_and_none_is_made_on_sqlite() {
    let place = Place::new(&[]);
    let drift = place.run(&["db", "drift", "--db", "inventory"]);
    assert!(drift.code == 1 && drift.stderr.contains("there is no inventory database") && drift.stderr.contains("larder db deploy"), "{}", drift.stderr);
    assert!(!place.path("data").exists());
    let place = Place::new(&[("USE_IN_MEMORY_REPOSITORIES", "true")]);
    for arguments in [&["db", "drift"] as &[&str], &["db", "baseline", "--db", "auth", "--to", &last(Module::Auth)]] {
        let ended = place.run(arguments);
        assert!(ended.code == 1 && ended.stderr.contains("the databases are in memory"), "{}", ended.stderr);
    }
}

#[test]
fn a_baseline_needs_one_database_and_a_name_that_is_known() {
    let place = Place::new(&[]);
    let ended = place.run(&["db", "baseline", "--to", &last(Module::Auth)]);
    assert!(ended.code == 1 && ended.stderr.contains("--db auth or --db inventory is needed"), "{}", ended.stderr);
    let ended = place.run(&["db", "baseline", "--db", "inventory", "--to", "m1", "--json"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("inventory has no migration m1; it has\n  ") && ended.stderr.contains(&last(Module::Inventory)), "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&told["exit"], &told["error"]["code"]), (&json!(1), &json!("refused")));
}
