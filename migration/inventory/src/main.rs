//! The command line of this crate: `cargo run -p inventory-migration -- status`, and what sea-orm-cli calls for
//! `sea-orm-cli migrate … -d migration/inventory`.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    migration_command::run(&inventory_migration::SCHEMA, migration_command::Modules { own: "INVENTORY", other: "AUTH" }).await
}
