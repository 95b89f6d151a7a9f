//! `larder db plan`: what is printed. That its script makes a database without drift is shown beside `baseline` in drift.rs.

use serde_json::json;

use crate::db::{Ground, migrations_of_both};
use crate::support::Engine;
use crate::support::place::Place;

on_both! {
    async fn from_live_is_what_the_database_lacks(engine: Engine) {
        let Some(ground) = Ground::empty(engine).await else { return };
        let plan = ground.run(&["plan"]);
        plan.is(0);
        for name in migrations_of_both() {
            assert!(plan.stdout.contains(&format!("-- {name}\n")), "{}", plan.stdout);
        }
        ground.run(&["plan", "--check"]).is(2);
        ground.run(&["deploy"]).is(0);
        ground.run(&["plan", "--check"]).says(0, "inventory, ").says(0, ": 0 migrations");
        ground.run(&["down", "--db", "inventory", "--steps", "3", "--yes"]).is(0);
        let plan = ground.run(&["plan", "--db", "inventory"]);
        plan.says(0, "CREATE TABLE \"audit_event\"");
        assert!(!plan.stdout.contains("CREATE TABLE \"item\""), "{}", plan.stdout);
        // The server's role is told apart on Postgres, as a deploy does.
        assert_eq!(plan.stdout.contains("REVOKE UPDATE, DELETE, TRUNCATE ON \"audit_event\""), engine == Engine::Postgres, "{}", plan.stdout);
        let object = ground.run(&["plan", "--db", "inventory", "--json"]).json();
        let steps = object["migrations"].as_array().expect("migrations");
        assert_eq!((steps.len(), &steps[0]["transactional"], &steps[0]["db"]), (3, &json!(true), &json!("inventory")));
        assert!(steps[0]["statements"].as_array().is_some_and(|statements| statements.len() > 5), "{object}");
        // Planning writes nothing.
        ground.run(&["status"]).is(2);
        ground.remove().await;
    }
}

#[test]
fn from_empty_needs_no_database_and_speaks_either_dialect() {
    let place = Place::new(&[("INVENTORY_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")]);
    let own = place.run(&["db", "plan", "--from", "empty", "--db", "inventory"]);
    own.says(0, "LANGUAGE plpgsql");
    let sqlite = place.run(&["db", "plan", "--from", "empty", "--engine", "sqlite", "--db", "inventory"]);
    sqlite.says(0, "RAISE(ABORT");
    assert!(!sqlite.stdout.contains("plpgsql"), "{}", sqlite.stdout);
    place.run(&["db", "plan", "--engine", "sqlite", "--db", "inventory"]).says(1, "--from empty");
    assert!(!place.path("data").exists(), "nothing is made");
}

#[tokio::test]
async fn on_postgres_the_script_goes_into_the_schema_that_the_url_names() {
    let Some(pair) = crate::support::postgres::Pair::make_empty().await else { return };
    let place = Place::new(&[("INVENTORY_DATABASE_URL", &format!("{}?schema=kitchen-2", pair.inventory.owner_url()))]);
    let plan = place.run(&["db", "plan", "--db", "inventory"]);
    plan.says(0, "CREATE SCHEMA IF NOT EXISTS \"kitchen-2\";").says(0, "SET search_path = \"kitchen-2\";");
    let database = crate::support::connect(&pair.inventory.owner_url()).await;
    // Sent all at once, as psql does not, it is one transaction, in which nothing is built concurrently.
    crate::db::execute(&database, &plan.stdout.replace(" CONCURRENTLY", "")).await;
    database.close().await.expect("closed");
    place.run(&["db", "drift", "--db", "inventory"]).says(0, "no drift");
    pair.remove().await;
}
