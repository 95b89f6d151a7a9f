//! The command line of this crate: `cargo run -p auth-migration -- status`, and what sea-orm-cli calls for
//! `sea-orm-cli migrate … -d migration/auth`.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    migration_command::run(&auth_migration::SCHEMA, migration_command::Modules { own: "AUTH", other: "INVENTORY" }).await
}
