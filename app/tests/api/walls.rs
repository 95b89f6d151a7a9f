//! The walls of docs/architecture.md: what keeps each of them is here, or named here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every dependency of one member of the workspace on another. An edge that is not in this table is a mistake.
const EDGES: &[(&str, &str)] = &[
    ("auth", "auth-entity"),
    ("auth", "kernel"),
    ("auth-migration", "migration-command"),
    ("auth-migration", "migration-history"),
    ("bench", "kernel"),
    ("inventory", "inventory-entity"),
    ("inventory", "kernel"),
    ("inventory-migration", "migration-command"),
    ("inventory-migration", "migration-history"),
    ("larder", "auth"),
    ("larder", "auth-migration"),
    ("larder", "inventory"),
    ("larder", "inventory-migration"),
    ("larder", "kernel"),
    ("larder", "migration-history"),
    ("larder", "migration-tools"),
    ("migration-command", "migration-history"),
    ("migration-tools", "migration-history"),
];
/// The same of the tests.
const DEV_EDGES: &[(&str, &str)] = &[("migration-tools", "inventory-migration")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn members_depend_on_one_another_only_as_the_table_says() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("the workspace");
    let members: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let (mut edges, mut dev_edges) = (BTreeSet::new(), BTreeSet::new());
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|dependency| members.contains(&dependency.name)) {
            let edge = (package.name.to_string(), dependency.name.clone());
            if dependency.kind == DependencyKind::Development {
                dev_edges.insert(edge)
            } else {
                edges.insert(edge)
            };
        }
    }
    let table = |edges: &[(&str, &str)]| edges.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect::<BTreeSet<_>>();
    assert_eq!(edges, table(EDGES));
    assert_eq!(dev_edges, table(DEV_EDGES));
}

#[test]
fn every_dependency_that_is_declared_is_used() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("the workspace");
    let (mut named, mut unused) = (BTreeSet::new(), Vec::new());
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok()).expect("a member's folder");
        let sources = sources(folder.as_str());
        for dependency in &package.dependencies {
            let word = format!("{}::", dependency.name.replace('-', "_"));
            if !sources.iter().any(|(_, code)| has(code, &word)) {
                unused.push(format!("{} in {}", dependency.name, package.name));
            }
            named.insert(dependency.name.clone());
        }
    }
    let workspace: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest").parse().expect("TOML");
    let listed = workspace["workspace"]["dependencies"].as_table().expect("the list");
    unused.extend(listed.keys().filter(|name| !named.contains(*name)).map(|name| format!("{name} in the workspace")));
    assert_eq!(unused, Vec::<String>::new());
}

/// Every Rust file below a folder, with its text without comments.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, code));
            }
        }
    }
    found.sort();
    found
}

/// Whether a text has a word with no name's character before and after it.
fn has(text: &str, word: &str) -> bool {
    let is_name = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
    text.match_indices(word).any(|(at, found)| {
        let starts_with_name = word.chars().next().is_some_and(|first| is_name(Some(first)));
        let ends_with_name = word.chars().last().is_some_and(|last| is_name(Some(last)));
        let (before, after) = (text[..at].chars().last(), text[at + found.len()..].chars().next());
        let goes_on = (starts_with_name && is_name(before)) || (ends_with_name && is_name(after));
        !goes_on
    })
}

/// Whether a source writes to a table, through its entity or by SQL of its own.
fn writes(code: &str, table: &str) -> bool {
    let camel: String = table.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    let entities = [format!("{table}::Entity"), camel];
    let by_entity = entities.iter().any(|entity| ["insert", "update", "delete"].iter().any(|verb| code.contains(&format!("{entity}::{verb}"))));
    let by_sql =
        [format!("INTO {table}"), format!("UPDATE {table}"), format!("DELETE FROM {table}"), format!("MERGE INTO {table}")].iter().any(|sql| has(code, sql));
    let by_builder = ["into_table", "from_table", ".table"]
        .iter()
        .any(|call| code.contains(&format!("{call}({table}::Entity")) || code.contains(&format!("{call}(\"{table}\"")));
    let named = format!("\"{table}\"");
    let by_helper = code.lines().any(|line| line.contains(&named) && ["insert(", "update(", "delete(", "upsert("].iter().any(|call| line.contains(call)));
    has(code, &format!("{table}::ActiveModel")) || by_entity || by_sql || by_builder || by_helper
}

const LEDGER_TABLES: [&str; 4] = ["ledger_entry", "lot", "balance", "stock_key"];

#[test]
fn stock_changes_only_through_the_ledger() {
    let sources = sources("modules/inventory/src");
    let (ledger, others): (Vec<_>, Vec<_>) = sources.iter().partition(|(name, _)| name.starts_with("modules/inventory/src/ledger/"));
    for table in LEDGER_TABLES {
        for (name, code) in &others {
            assert!(!writes(code, table), "{name} writes {table}; only modules/inventory/src/ledger does");
        }
        assert!(ledger.iter().any(|(_, code)| writes(code, table)), "nobody writes {table}: this test looks for the wrong thing");
    }
    // A table that is imported under another name would pass unseen.
    for (name, code) in &others {
        for table in LEDGER_TABLES {
            assert!(
                !has(code, &format!("{table} as")) && !code.contains(&format!("{table}::{{")) && !code.contains(&format!("{table}::*")),
                "{name} renames {table}"
            );
        }
    }
}

#[test]
fn a_write_is_found_however_it_is_written() {
    for code in [
        "let lot = lot::ActiveModel { … }",
        "lot::Entity::insert_many(lots)",
        "Lot::update_many()",
        "INSERT INTO lot (id) VALUES ($1)",
        "UPDATE lot SET status = 1",
        "DELETE FROM lot WHERE true",
        "Query::update().table(lot::Entity)",
        "Query::insert().into_table(\"lot\")",
        "rows::insert(txn, \"lot\", LOT, rows).await?",
    ] {
        assert!(writes(code, "lot"), "{code}");
    }
    for code in ["lot::Entity::find()", "SELECT * FROM lot", "UPDATE lots SET x = 1", "pilot::ActiveModel", "lot::Model"] {
        assert!(!writes(code, "lot"), "{code}");
    }
}

#[test]
fn the_clock_the_environment_and_connections_each_have_one_place() {
    let folders = ["app/src", "modules/auth/src", "modules/inventory/src", "modules/kernel/src"];
    // A folder `tests` is compiled for tests alone, which connect to what they are told to.
    let all: Vec<_> = folders.iter().flat_map(|folder| sources(folder)).filter(|(name, _)| !name.contains("/tests/")).collect();
    for (words, place) in [
        (vec!["Utc::now", "SystemTime::now", "Local::now", "Uuid::now_v7", "Uuid::new_v4"], "modules/kernel/src/instant.rs"),
        (vec!["env::var", "env::vars", "env::var_os", "env::vars_os"], "app/src/settings.rs"),
        (vec!["Database::connect", "PgPool::connect", "SqlitePool::connect", "connect_with"], "app/src/databases.rs"),
        (vec!["rand::rng", "thread_rng", "OsRng"], "modules/kernel/src/ids.rs"),
    ] {
        let found: BTreeSet<_> = all.iter().filter(|(_, code)| words.iter().any(|word| has(code, word))).map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, BTreeSet::from([place]), "{words:?}");
    }
}

#[test]
fn nobody_registers_a_connection_with_the_server() {
    for folder in ["app/src", "modules/auth/src", "modules/inventory/src", "modules/kernel/src"] {
        for (name, code) in sources(folder) {
            for wrong in ["Data<DatabaseConnection>", "Data<Database>", "Data<kernel::Database>", "Data::new(database"] {
                assert!(!code.contains(wrong), "{name} has {wrong}: it would be found by type, whoever's it is");
            }
        }
    }
}

/// Whether a file of `app` names the kernel's connection, in whichever way it is imported.
fn names_the_connection(code: &str) -> bool {
    let imported = code.split("use kernel::").skip(1).filter_map(|rest| rest.split(';').next()).any(|list| has(list, "Database") || list.contains('*'));
    has(code, "kernel::Database") || has(code, "kernel::database::Database") || imported
}

#[test]
fn only_who_opens_the_databases_and_who_gives_them_to_their_modules_holds_a_connection() {
    let mut holders = BTreeSet::new();
    for (name, code) in sources("app/src") {
        // The modules are given theirs as a value of `databases::Databases`.
        if names_the_connection(&code) || has(&code, "Databases") {
            holders.insert(name);
        }
    }
    // The server's, the commands' that work beside it, and the one that opens them for both.
    let expected = ["app/src/application.rs", "app/src/auth/open.rs", "app/src/databases.rs"];
    assert_eq!(holders, BTreeSet::from(expected.map(str::to_owned)));
    for code in ["pub auth: kernel::Database,", "use kernel::{Clock, Database};", "use kernel::*;", "kernel::database::Database", "use kernel::Database as D;"]
    {
        assert!(names_the_connection(code), "{code}");
    }
    assert!(!names_the_connection("use kernel::Problem;\nuse crate::settings::Database;\nkernel::database::is_transient(error)"));
}

#[test]
fn a_modules_state_keeps_its_database_in_a_private_field() {
    for (folder, file) in [("modules/auth/src", "modules/auth/src/lib.rs"), ("modules/inventory/src", "modules/inventory/src/lib.rs")] {
        let sources = sources(folder);
        let (_, code) = sources.iter().find(|(name, _)| name == file).expect("the module");
        assert!(code.lines().any(|line| line.trim() == "database: Database,"), "{file}");
        assert!(!code.contains("pub database") && !code.contains("pub fn database"), "{file} gives its database away");
    }
}
