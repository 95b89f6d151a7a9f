//! Second factors, links that are used once, mail on its way, notices, and what users, tenants, sessions and signing keys need for them.

use migration_history::Waiver;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, string_len_null, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::columns::{code, index, of_membership, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// In the order of reference.
const TABLES: [&str; 6] = ["totp", "recovery_code", "one_time_token", "outbox", "notice", "audit_address"];

/// Of tables that were there before.
const COLUMNS: [(&str, &str); 6] = [
    ("user", "email_verified_at"),
    ("user", "erased_at"),
    ("tenant", "mfa_required"),
    ("session", "mfa_at"),
    ("signing_key", "retired_at"),
    ("invite", "mailed_token_hash"),
];

pub const WAIVERS: &[Waiver] = &[Waiver {
    rule: "create_index_not_concurrently",
    subject: "invite.ix_invite_mailed_token_hash",
    reason: "Invites are few and live a week: whoever makes one waits for milliseconds, and the rest of this migration needs one transaction.",
}];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_factors(manager).await?;
        create_links(manager).await?;
        create_mail(manager).await?;
        create_addresses(manager).await?;
        for (table, column) in [
            // When its owner has shown that mail to the address reaches them.
            ("user", timestamp_with_time_zone_null("email_verified_at")),
            // From then on a pseudonym.
            ("user", timestamp_with_time_zone_null("erased_at")),
            // Whether its members come in with a second factor only.
            ("tenant", boolean("mfa_required").default(false).take()),
            // When its user last showed a second factor.
            ("session", timestamp_with_time_zone_null("mfa_at")),
            ("signing_key", timestamp_with_time_zone_null("retired_at")),
            // Of the token that was sent by mail, where the other one was handed over: only this one says whose the address is.
            ("invite", code(manager, "mailed_token_hash", 64).null().take()),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        manager.create_index(unique("invite", &["mailed_token_hash"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("ix_invite_mailed_token_hash").table("invite").to_owned()).await?;
        for (table, column) in COLUMNS.iter().rev() {
            manager.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
        }
        for table in TABLES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).take()).await?;
        }
        Ok(())
    }
}

async fn create_factors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let totp = Table::create()
        .table("totp")
        .col(uuid("user_id").primary_key())
        // Sealed under a subkey of the secret key; `secret_id` says of which secret.
        .col(text("sealed_secret"))
        .col(code(manager, "secret_id", 16))
        .col(timestamp_with_time_zone("created_at"))
        // It counts from then on, when a code of it was shown.
        .col(timestamp_with_time_zone_null("confirmed_at"))
        // The last step of thirty seconds of which a code was taken: none is taken twice.
        .col(big_integer_null("last_step"))
        .foreign_key(&mut of_user("totp"))
        .take();
    manager.create_table(totp).await?;

    let recovery_code = Table::create()
        .table("recovery_code")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(code(manager, "code_hash", 64))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut of_user("recovery_code"))
        .take();
    manager.create_table(recovery_code).await?;
    manager.create_index(unique("recovery_code", &["user_id", "code_hash"])).await
}

async fn create_links(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let one_time_token = Table::create()
        .table("one_time_token")
        .col(uuid("id").primary_key())
        .col(code(manager, "purpose", 24))
        .col(code(manager, "token_hash", 64))
        // Whose it is; nobody's yet where it makes a user.
        .col(uuid_null("user_id"))
        // The membership whose right it was to hand it out, and with which it ends; none where it was mailed, or made on the machine.
        .col(uuid_null("tenant_id"))
        .col(uuid_null("membership_id"))
        // The address that it is about, or was mailed to.
        .col(string_len_null("email", 254))
        // What it is for beyond that, sealed as mail is.
        .col(text_null("sealed_payload"))
        .col(boolean("is_mailed"))
        // Wrong codes that were tried with it.
        .col(big_integer("tries"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut of_user("one_time_token"))
        .foreign_key(&mut of_membership("one_time_token"))
        .check(Expr::col("purpose").is_in(["mfa", "reset_password", "reset_mfa", "change_email", "verify_email", "register"]))
        .take();
    manager.create_table(one_time_token).await?;
    manager.create_index(unique("one_time_token", &["token_hash"])).await?;
    manager.create_index(index("one_time_token", &["user_id", "created_at"])).await?;
    manager.create_index(index("one_time_token", &["tenant_id", "membership_id"])).await?;
    manager.create_index(index("one_time_token", &["expires_at"])).await
}

async fn create_mail(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Deleted when it is sent.
    let outbox = Table::create()
        .table("outbox")
        .col(uuid("id").primary_key())
        .col(code(manager, "kind", 32))
        .col(uuid_null("user_id"))
        // Address, subject and text, sealed: links are secrets.
        .col(text("sealed_message"))
        .col(code(manager, "secret_id", 16))
        .col(big_integer("tries"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("next_try_at"))
        // Of no use any more after that.
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut of_user("outbox"))
        .take();
    manager.create_table(outbox).await?;
    manager.create_index(index("outbox", &["next_try_at"])).await?;
    manager.create_index(index("outbox", &["user_id"])).await?;

    let notice = Table::create()
        .table("notice")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(code(manager, "kind", 32))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("seen_at"))
        .foreign_key(&mut of_user("notice"))
        .take();
    manager.create_table(notice).await?;
    manager.create_index(index("notice", &["user_id", "created_at"])).await
}

/// From where events of the audit came: beside them, because an event is never changed and an address is kept for 90 days.
async fn create_addresses(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let audit_address = Table::create()
        .table("audit_address")
        .col(uuid("audit_event_id").primary_key())
        .col(code(manager, "address", 45))
        .col(timestamp_with_time_zone("occurred_at"))
        .foreign_key(ForeignKey::create().name("fk_audit_address_audit_event_id").from("audit_address", "audit_event_id").to("audit_event", "id"))
        .take();
    manager.create_table(audit_address).await?;
    manager.create_index(index("audit_address", &["occurred_at"])).await
}

/// Of a row that ends with a user.
fn of_user(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(format!("fk_{table}_user_id")).from(table, "user_id").to("user", "id").on_delete(ForeignKeyAction::Cascade).take()
}
