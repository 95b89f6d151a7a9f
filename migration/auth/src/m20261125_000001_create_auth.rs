//! Users, tenants, memberships, sessions, signing keys, the instance and the audit trail.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, string_len, string_len_null, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::{DatabaseBackend, Statement};

use crate::columns::{code, index, mutable, of_membership, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// In the order of reference.
const TABLES: [&str; 9] = ["larder_module", "instance", "user", "tenant", "membership", "membership_site", "session", "signing_key", "audit_event"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        name_the_module(manager).await?;
        create_instance(manager).await?;
        create_members(manager).await?;
        create_sessions(manager).await?;
        create_signing_keys(manager).await?;
        create_audit(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).take()).await?;
        }
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_raw(statement(manager, "DROP FUNCTION audit_event_is_append_only()")).await?;
        }
        Ok(())
    }
}

/// The marker by which a program that was given the other module's database stops at once.
async fn name_the_module(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(Table::create().table("larder_module").col(string_len("name", 32).primary_key()).take()).await?;
    manager.execute(Query::insert().into_table("larder_module").columns(["name"]).values_panic([crate::MODULE.into()]).take()).await
}

/// One row: what is true of the installation as a whole.
async fn create_instance(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("instance")
        .col(big_integer("id").primary_key())
        // Says whether the secret key is the one that this database was made with.
        .col(code(manager, "secret_check", 64))
        .col(big_integer("epoch"))
        .col(code(manager, "setup_token_hash", 64).null())
        .col(timestamp_with_time_zone_null("bootstrapped_at"))
        .col(timestamp_with_time_zone("created_at"))
        .check(Expr::col("id").eq(1))
        .take();
    manager.create_table(table).await
}

async fn create_members(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let user = mutable("user")
        .col(string_len("email", 254))
        // The address by which people are found: composed, in lower case.
        .col(code(manager, "email_key", 254))
        .col(string_len("name", 200))
        .col(code(manager, "password_hash", 255))
        .col(timestamp_with_time_zone_null("disabled_at"))
        .take();
    manager.create_table(user).await?;
    manager.create_index(unique("user", &["email_key"])).await?;

    let tenant = mutable("tenant")
        .col(string_len("name", 200))
        .col(code(manager, "currency", 3))
        .col(code(manager, "time_zone", 64))
        .col(timestamp_with_time_zone_null("closed_at"))
        .take();
    manager.create_table(tenant).await?;

    let membership = mutable("membership")
        .col(uuid("tenant_id"))
        .col(uuid("user_id"))
        .col(code(manager, "role", 16))
        .col(boolean("all_sites"))
        .foreign_key(&mut reference("membership", "tenant_id", "tenant"))
        .foreign_key(&mut reference("membership", "user_id", "user"))
        .check(Expr::col("role").is_in(["owner", "manager", "buyer", "staff", "viewer"]))
        // A constraint and no index: the generator pairs the columns of a composite reference by the constraint's order, and
        // writes relations that join on the wrong ones where there is only an index.
        .index(&mut unique("membership", &["tenant_id", "id"]))
        .take();
    manager.create_table(membership).await?;
    manager.create_index(unique("membership", &["tenant_id", "user_id"])).await?;
    manager.create_index(index("membership", &["user_id"])).await?;

    // It has an id of its own: the generator takes a table of two keys and two relations for a junction, and its entities
    // do not compile then.
    let membership_site = Table::create()
        .table("membership_site")
        .col(uuid("id").primary_key())
        .col(uuid("tenant_id"))
        .col(uuid("membership_id"))
        .col(uuid("site_id"))
        .foreign_key(&mut of_membership("membership_site"))
        .take();
    manager.create_table(membership_site).await?;
    manager.create_index(unique("membership_site", &["tenant_id", "membership_id", "site_id"])).await
}

async fn create_sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let session = Table::create()
        .table("session")
        .col(uuid("id").primary_key())
        .col(uuid("tenant_id"))
        .col(uuid("user_id"))
        .col(uuid("membership_id"))
        .col(big_integer("counter"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("authenticated_at"))
        .col(timestamp_with_time_zone("last_used_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        // Its sessions end with a membership.
        .foreign_key(&mut of_membership("session"))
        .foreign_key(&mut reference("session", "user_id", "user"))
        .take();
    manager.create_table(session).await?;
    manager.create_index(index("session", &["tenant_id", "membership_id"])).await?;
    manager.create_index(index("session", &["user_id"])).await
}

async fn create_signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let signing_key = Table::create()
        .table("signing_key")
        .col(code(manager, "kid", 64).primary_key())
        .col(code(manager, "status", 16))
        .col(text("public_jwk"))
        // Sealed under a subkey of the secret key; `secret_id` says of which secret.
        .col(text("sealed_private_key"))
        .col(code(manager, "secret_id", 16))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("activated_at"))
        .check(Expr::col("status").is_in(["pending", "active", "retired"]))
        .take();
    manager.create_table(signing_key).await?;
    let one_active =
        Index::create().name("ux_signing_key_active").table("signing_key").col("status").unique().and_where(Expr::col("status").eq("active")).take();
    manager.create_index(one_active).await
}

async fn create_audit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let audit_event = Table::create()
        .table("audit_event")
        .col(uuid("id").primary_key())
        .col(timestamp_with_time_zone("occurred_at"))
        .col(code(manager, "act", 32))
        .col(code(manager, "outcome", 32))
        // No foreign keys: what happened stays when those it happened to are gone.
        .col(uuid_null("tenant_id"))
        .col(uuid_null("user_id"))
        .col(uuid_null("session_id"))
        // An HMAC of the address that was tried, where no user is known.
        .col(code(manager, "subject", 64).null())
        .col(string_len_null("request_id", 64))
        .take();
    manager.create_table(audit_event).await?;
    manager.create_index(index("audit_event", &["tenant_id", "occurred_at"])).await?;
    for sql in append_only(manager.get_database_backend()) {
        manager.get_connection().execute_raw(statement(manager, sql)).await?;
    }
    Ok(())
}

fn append_only(backend: DatabaseBackend) -> Vec<&'static str> {
    match backend {
        DatabaseBackend::Postgres => vec![
            // OR REPLACE: the plain tool's `fresh` drops tables and leaves functions.
            "CREATE OR REPLACE FUNCTION audit_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'audit events are never changed or deleted' USING ERRCODE = 'restrict_violation'; END $$",
            "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only()",
            "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only()",
        ],
        _ => vec![
            "CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit events are never changed or deleted'); END",
            "CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit events are never changed or deleted'); END",
        ],
    }
}

fn statement(manager: &SchemaManager<'_>, sql: &str) -> Statement {
    Statement::from_string(manager.get_database_backend(), sql)
}
