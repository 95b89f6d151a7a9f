//! The command line of this crate: `cargo run -p inventory-migration -- status`, and what sea-orm-cli calls for
//! `sea-orm-cli migrate … -d migration/inventory`.

#[tokio::main]
async fn main() {
    sea_orm_migration::cli::run_cli(inventory_migration::Migrator).await;
}
