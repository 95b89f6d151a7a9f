//! How others come in: by an invite, and by a key that a program holds.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, string_len, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null};

use crate::columns::{code, index, of_membership, part_of, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// In the order of reference.
const TABLES: [&str; 4] = ["invite", "invite_site", "api_key", "api_key_site"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_invites(manager).await?;
        create_keys(manager).await?;
        // What something was done to: a membership, an invite, a key.
        manager.alter_table(Table::alter().table("audit_event").add_column(uuid_null("object_id")).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("audit_event").drop_column("object_id").take()).await?;
        for table in TABLES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).take()).await?;
        }
        Ok(())
    }
}

async fn create_invites(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let invite = Table::create()
        .table("invite")
        .col(uuid("id").primary_key())
        .col(uuid("tenant_id"))
        // Whom it is for: nobody else may take it.
        .col(string_len("email", 254))
        .col(code(manager, "email_key", 254))
        .col(code(manager, "role", 16))
        .col(boolean("all_sites"))
        .col(code(manager, "token_hash", 64))
        // Whose right it is to invite; it goes with the membership.
        .col(uuid("membership_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("accepted_at"))
        .col(uuid_null("accepted_by"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut reference("invite", "tenant_id", "tenant"))
        .foreign_key(&mut of_membership("invite"))
        .foreign_key(&mut reference("invite", "accepted_by", "user"))
        .check(Expr::col("role").is_in(["owner", "manager", "buyer", "staff", "viewer"]))
        .index(&mut unique("invite", &["tenant_id", "id"]))
        .take();
    manager.create_table(invite).await?;
    manager.create_index(unique("invite", &["token_hash"])).await?;
    manager.create_index(index("invite", &["tenant_id", "membership_id"])).await?;
    // One open invite for each address.
    let open = Expr::col("accepted_at").is_null().and(Expr::col("revoked_at").is_null());
    let one_open = Index::create().name("ux_invite_open").table("invite").col("tenant_id").col("email_key").unique().and_where(open).take();
    manager.create_index(one_open).await?;
    create_sites(manager, "invite_site", "invite_id", "invite").await
}

async fn create_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let api_key = Table::create()
        .table("api_key")
        .col(uuid("id").primary_key())
        .col(uuid("tenant_id"))
        .col(uuid("membership_id"))
        .col(string_len("name", 200))
        // What people see of it, and by which it is found.
        .col(code(manager, "prefix", 16))
        .col(code(manager, "secret_hash", 64))
        // Names of permissions, separated by spaces.
        .col(text("scopes"))
        .col(boolean("all_sites"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut of_membership("api_key"))
        .index(&mut unique("api_key", &["tenant_id", "id"]))
        .take();
    manager.create_table(api_key).await?;
    manager.create_index(unique("api_key", &["prefix"])).await?;
    manager.create_index(index("api_key", &["tenant_id", "membership_id"])).await?;
    create_sites(manager, "api_key_site", "api_key_id", "api_key").await
}

/// The sites of what has not all of them.
async fn create_sites(manager: &SchemaManager<'_>, table: &'static str, column: &'static str, whole: &'static str) -> Result<(), DbErr> {
    let sites = Table::create()
        .table(table)
        .col(uuid("id").primary_key())
        .col(uuid("tenant_id"))
        .col(uuid(column))
        .col(uuid("site_id"))
        .foreign_key(&mut part_of(table, column, whole))
        .take();
    manager.create_table(sites).await?;
    manager.create_index(unique(table, &["tenant_id", column, "site_id"])).await
}
