//! What docs/scale.md tells is done with the tables that there are, and the program works on what its commands leave.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::support::kitchen::Kitchen;
use crate::support::tables::{run, texts};
use crate::support::{Api, Engine, on};
use crate::tenant_keys::{WITHOUT_TENANT, primary_keys_without_tenant, tables_by_tenant};

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scale.md")).expect("docs/scale.md")
}

/// The commands below a title.
fn commands(title: &str) -> Vec<String> {
    let document = document();
    let (_, section) = document.split_once(&format!("### {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let (_, block) = section.split_once("```sql\n").expect("a block of SQL");
    let (block, _) = block.split_once("```").expect("the end of the block");
    block.split(';').map(str::trim).filter(|command| !command.is_empty()).map(str::to_owned).collect()
}

/// The tables that are given to this function, in their order.
fn given_to(function: &str) -> Vec<String> {
    let begin = format!("SELECT {function}('");
    commands("Distribute the tables").iter().filter_map(|command| Some(command.strip_prefix(&begin)?.split_once('\'')?.0.to_owned())).collect()
}

fn local() -> Vec<String> {
    let document = document();
    let (_, section) = document.split_once("### What stays on the coordinator\n").expect("a section");
    let section = section.split("\n### ").next().unwrap_or_default();
    section.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_said_to_be_distributed_or_to_stay_and_follows_what_it_refers_to() {
    on(Engine::Postgres, &[], async |api: Api| {
        let database = api.inventory_db();
        let (with, without) = tables_by_tenant(database).await;
        let distributed = given_to("create_distributed_table");
        let set = |tables: &[String]| tables.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!((set(&distributed), distributed.len()), (set(&with), with.len()), "those that belong to tenants are distributed, each once");
        assert_eq!(set(&local()), set(&without), "the others stay on the coordinator");
        assert_eq!(local(), WITHOUT_TENANT.map(|(table, _)| table));
        assert_eq!(given_to("create_reference_table"), [""; 0], "the document says that there is none");
        let references = "SELECT DISTINCT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid";
        for reference in texts(database, references).await {
            let place = |table: &str| distributed.iter().position(|name| name == table);
            let (table, target) = reference.split_once(' ').expect("two tables");
            assert!(place(target) < place(table), "{table} refers to {target}, which is distributed after it");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_works_on_while_and_after_the_keys_are_swapped_on_postgres() {
    on(Engine::Postgres, &[], async |api: Api| {
        let kitchen = Kitchen::open(&api).await;
        kitchen.item("X", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "8", "line_total": "4" }])).await;
        let database = api.inventory_db();
        assert!(!primary_keys_without_tenant(database).await.is_empty());
        for command in commands("Swap the keys") {
            run(database, &command).await;
        }
        assert_eq!(primary_keys_without_tenant(database).await, [""; 0], "a plain `id` is left");
        kitchen.item("Y", json!({})).await;
        kitchen.receive(json!([{ "sku": "X", "quantity": "2", "line_total": "1" }, { "sku": "Y", "quantity": "1", "line_total": "1" }])).await;
        kitchen.waste(json!([{ "sku": "X", "quantity": "9" }])).await;
        assert_eq!(kitchen.on_hand("X").await, ("1".to_owned(), "0.5".to_owned()));
        // A constraint by whose name a mistake is told is still the same.
        let twice = json!({ "sku": "X", "name": "Item X", "base_unit": "each" });
        kitchen.owner.post("/v1/inventory/items", twice).await.refused(409, "already_exists");
        let restarted = api.restart().await;
        let owner = kitchen.owner.at(&restarted);
        assert_eq!(owner.get("/v1/inventory/ledger").await.ok(200)["data"].as_array().map(Vec::len), Some(5));
        restarted.stop().await;
    })
    .await;
}
