//! Every key of the inventory database begins with the tenant: read from the catalogue of a migrated database, on both engines.
//!
//! So the database itself refuses a reference into another tenant, no index is looked through for all of them, and the tables can be
//! distributed by tenant (docs/scale.md).

use sea_orm::{DatabaseBackend, DatabaseConnection};

use crate::support::Api;
use crate::support::tables::{run, texts};

/// Tables whose rows are nobody's, with the reason.
pub const WITHOUT_TENANT: [(&str, &str); 3] = [
    ("_larder_migrations", "says with which SQL it was migrated: read by `larder db`"),
    ("larder_module", "says whose database this is: one row, looked at before the server runs"),
    ("seaql_migrations", "says what was migrated: written by the plain tool and by `larder db`"),
];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    table: String,
    /// `primary`, `unique` or `foreign`.
    kind: String,
    name: String,
    columns: Vec<String>,
    /// What the columns of a foreign key refer to.
    targets: Vec<String>,
}

/// Read as `table|kind|name|columns|targets`, the columns in the order of the key.
async fn keys(database: &DatabaseConnection) -> Vec<Key> {
    let sql = match database.get_database_backend() {
        DatabaseBackend::Sqlite => {
            "SELECT entry.name || '|' || CASE key.origin WHEN 'pk' THEN 'primary' ELSE 'unique' END || '|' || key.name || '|' || \
               (SELECT group_concat(coalesce(part.name, '?')) FROM pragma_index_info(key.name) AS part) || '|' \
             FROM sqlite_master AS entry, pragma_index_list(entry.name) AS key WHERE entry.type = 'table' AND key.\"unique\" \
             UNION ALL SELECT entry.name || '|foreign|' || key.id || '|' || group_concat(key.\"from\") || '|' || group_concat(key.\"to\") \
             FROM sqlite_master AS entry, pragma_foreign_key_list(entry.name) AS key WHERE entry.type = 'table' GROUP BY entry.name, key.id"
        }
        _ => {
            "SELECT concat_ws('|', class.relname, CASE WHEN key.indisprimary THEN 'primary' ELSE 'unique' END, key.indexrelid::regclass, \
               (SELECT string_agg(coalesce(attname, '?'), ',' ORDER BY place) FROM unnest(key.indkey) WITH ORDINALITY AS part(number, place) \
                LEFT JOIN pg_attribute ON attrelid = key.indrelid AND attnum = number), '') \
             FROM pg_index AS key JOIN pg_class AS class ON class.oid = key.indrelid \
             WHERE key.indisunique AND class.relnamespace = 'public'::regnamespace \
             UNION ALL SELECT concat_ws('|', conrelid::regclass, 'foreign', conname, \
               (SELECT string_agg(attname, ',' ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS part(number, place) \
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number), \
               (SELECT string_agg(attname, ',' ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS part(number, place) \
                JOIN pg_attribute ON attrelid = confrelid AND attnum = number)) \
             FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
        }
    };
    let mut keys: Vec<_> = texts(database, sql).await.iter().map(|line| parse(line)).collect();
    keys.sort();
    keys
}

fn parse(line: &str) -> Key {
    let [table, kind, name, columns, targets] = line.split('|').collect::<Vec<_>>()[..] else { panic!("five fields: {line}") };
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Key { table: table.to_owned(), kind: kind.to_owned(), name: name.to_owned(), columns: list(columns), targets: list(targets) }
}

/// The tables that have a tenant, and those that have none.
pub async fn tables_by_tenant(database: &DatabaseConnection) -> (Vec<String>, Vec<String>) {
    let tables = crate::support::tables::tables(database).await;
    let with = match database.get_database_backend() {
        DatabaseBackend::Sqlite => {
            "SELECT entry.name FROM sqlite_master AS entry, pragma_table_info(entry.name) AS part WHERE entry.type = 'table' AND part.name = 'tenant_id'"
        }
        _ => "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'",
    };
    let with = texts(database, with).await;
    tables.into_iter().partition(|table| with.contains(table))
}

/// The tables whose primary key is a plain `id`.
pub async fn primary_keys_without_tenant(database: &DatabaseConnection) -> Vec<String> {
    let (tables, _) = tables_by_tenant(database).await;
    let is_plain = |key: &Key| key.kind == "primary" && key.columns.first().is_none_or(|column| column != "tenant_id");
    keys(database).await.into_iter().filter(|key| tables.contains(&key.table) && is_plain(key)).map(|key| key.table).collect()
}

/// The keys that do not begin with the tenant, of tables that have one.
async fn flaws(database: &DatabaseConnection) -> Vec<String> {
    let (tables, _) = tables_by_tenant(database).await;
    let keys = keys(database).await;
    let begins = |columns: &[String]| columns.first().is_some_and(|column| column == "tenant_id");
    let is_identity = |key: &Key| key.kind != "foreign" && key.columns == ["tenant_id", "id"];
    let mut flaws = Vec::new();
    for table in &tables {
        let of_table: Vec<_> = keys.iter().filter(|key| key.table == *table).collect();
        if !of_table.iter().any(|key| key.kind == "primary") {
            flaws.push(format!("{table}: no primary key"));
        }
        for key in &of_table {
            let is_fine = match key.kind.as_str() {
                // What others refer to is (tenant_id, id), beside it.
                "primary" if key.columns == ["id"] => of_table.iter().any(|key| is_identity(key)),
                "foreign" => begins(&key.columns) && begins(&key.targets),
                _ => begins(&key.columns),
            };
            if !is_fine {
                flaws.push(format!("{table}: {} key ({})", key.kind, key.columns.join(", ")));
            }
        }
    }
    flaws
}

both_engines! {
    async fn every_foreign_key_and_every_unique_index_begins_with_the_tenant(api: Api) {
        let database = api.inventory_db();
        let (with, without) = tables_by_tenant(database).await;
        assert_eq!(without, WITHOUT_TENANT.map(|(table, _)| table), "a table without a tenant is listed, and what is listed is one");
        assert_eq!(flaws(database).await, [""; 0]);
        let keys = keys(database).await;
        let number = |kind: &str| keys.iter().filter(|key| key.kind == kind && with.contains(&key.table)).count();
        // Nothing was overlooked: every table has its primary key, and the catalogue has about as many others as the migrations.
        assert_eq!(number("primary"), with.len());
        assert!(number("unique") >= 20 && number("foreign") >= 60, "{} and {}", number("unique"), number("foreign"));
    }

    async fn a_key_without_the_tenant_is_found(api: Api) {
        let database = api.inventory_db();
        run(database, "CREATE UNIQUE INDEX without_tenant ON item (sku)").await;
        run(database, "CREATE UNIQUE INDEX tenant_at_the_end ON lot (batch_code, tenant_id)").await;
        run(database, "CREATE TABLE crate (id varchar(36) NOT NULL PRIMARY KEY, tenant_id varchar(36) NOT NULL)").await;
        run(database, "CREATE TABLE label (tenant_id varchar(36) NOT NULL, text varchar(36) NOT NULL REFERENCES crate (id), PRIMARY KEY (tenant_id, text))").await;
        let expected =
            ["crate: primary key (id)", "item: unique key (sku)", "label: foreign key (text)", "lot: unique key (batch_code, tenant_id)"];
        assert_eq!(flaws(database).await, expected);
    }
}
