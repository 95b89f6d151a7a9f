//! What happened, on paper: documents with their lines, and the lots that they make; and what makes a request happen once: stored answers, imports.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, date, date_null, string_len, string_len_null, text, text_null, timestamp_with_time_zone, uuid, uuid_null,
};

use crate::columns::{code, code_null, create, drop_all, index, lines, referable_table, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 7] = ["document", "lot", "receipt_line", "receipt_charge", "waste_line", "idempotency", "import"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut document = referable_table("document");
        document
            .col(code(manager, "type", 24))
            .col(big_integer("number"))
            .col(code(manager, "status", 16))
            .col(timestamp_with_time_zone("effective_at"))
            .col(date("business_date"))
            .col(timestamp_with_time_zone("recorded_at"))
            .col(timestamp_with_time_zone("posted_at"))
            .col(uuid("posted_by"))
            .col(uuid("site_id"))
            .col(uuid("location_id"))
            .col(string_len_null("external_ref", 200))
            .col(text_null("note"))
            .col(big_integer("last_seq"))
            .col(code(manager, "content_hash", 64))
            .col(code(manager, "chain_hash", 64))
            .col(big_integer("version"))
            .foreign_key(&mut reference("document", "site_id", "location"))
            .foreign_key(&mut reference("document", "location_id", "location"));
        let indexes = [unique("document", &["type", "number"]), index("document", &["last_seq"]), index("document", &["location_id"])];
        create(manager, &mut document, indexes).await?;

        let mut lot = referable_table("lot");
        lot.col(uuid("item_id"))
            .col(uuid("origin_document_id"))
            .col(big_integer("origin_seq"))
            .col(big_integer("origin_line"))
            .col(code_null(manager, "batch_code", 128))
            .col(timestamp_with_time_zone("received_at"))
            .col(date_null("produced_on"))
            .col(date_null("expires_on"))
            .col(code(manager, "date_kind", 16))
            .col(big_integer("basis_quantity"))
            .col(big_integer("basis_value"))
            .col(timestamp_with_time_zone("cost_floor_at"))
            .col(boolean("void"))
            .col(big_integer("version"))
            .foreign_key(&mut reference("lot", "item_id", "item"))
            .foreign_key(&mut reference("lot", "origin_document_id", "document"));
        let indexes = [index("lot", &["item_id", "origin_seq"]), index("lot", &["expires_on", "id"]), index("lot", &["origin_document_id"])];
        create(manager, &mut lot, indexes).await?;

        let mut receipt_line = lines("receipt_line");
        receipt_line
            .col(uuid("item_id"))
            .col(uuid("lot_id"))
            .col(big_integer("entered_quantity"))
            .col(code(manager, "entered_unit", 32))
            .col(big_integer("quantity"))
            .col(big_integer_null("unit_price"))
            .col(big_integer_null("line_total"))
            .col(code_null(manager, "free", 16))
            .col(big_integer("discount"))
            .col(big_integer("charges"))
            .col(big_integer("value"))
            .col(code_null(manager, "batch_code", 128))
            .col(date_null("expires_on"))
            .col(date_null("produced_on"))
            .foreign_key(&mut reference("receipt_line", "document_id", "document"))
            .foreign_key(&mut reference("receipt_line", "item_id", "item"))
            .foreign_key(&mut reference("receipt_line", "lot_id", "lot"));
        create(manager, &mut receipt_line, [index("receipt_line", &["item_id"])]).await?;

        let mut charge = lines("receipt_charge");
        charge.col(string_len("label", 200)).col(big_integer("amount")).col(code(manager, "basis", 16)).foreign_key(&mut reference(
            "receipt_charge",
            "document_id",
            "document",
        ));
        create(manager, &mut charge, []).await?;

        let mut waste_line = lines("waste_line");
        waste_line
            .col(uuid("item_id"))
            .col(uuid_null("lot_id"))
            .col(big_integer("entered_quantity"))
            .col(code(manager, "entered_unit", 32))
            .col(big_integer("quantity"))
            .col(big_integer("value"))
            .col(uuid("reason_id"))
            .col(code(manager, "stage", 16))
            .col(code_null(manager, "destination", 32))
            .foreign_key(&mut reference("waste_line", "document_id", "document"))
            .foreign_key(&mut reference("waste_line", "item_id", "item"))
            .foreign_key(&mut reference("waste_line", "lot_id", "lot"))
            .foreign_key(&mut reference("waste_line", "reason_id", "reason"));
        create(manager, &mut waste_line, [index("waste_line", &["item_id"]), index("waste_line", &["reason_id"])]).await?;

        let mut idempotency = Table::create();
        idempotency
            .table("idempotency")
            .col(uuid("tenant_id"))
            .col(uuid("actor_id"))
            .col(code(manager, "key", 255))
            .col(code(manager, "fingerprint", 64))
            .col(big_integer("status"))
            .col(text("body"))
            .col(timestamp_with_time_zone("created_at"))
            .primary_key(Index::create().col("tenant_id").col("actor_id").col("key"));
        // Old answers are forgotten over all tenants.
        let by_age = Index::create().name("ix_idempotency_created_at").table("idempotency").col("created_at").take();
        create(manager, &mut idempotency, [by_age]).await?;

        // `repetition` counts the imports of the same bytes: two at once collide on the unique index.
        let mut import = referable_table("import");
        import
            .col(code(manager, "kind", 24))
            .col(code(manager, "content_hash", 64))
            .col(big_integer("repetition"))
            .col(big_integer("rows_posted"))
            .col(big_integer("rows_skipped"))
            .col(boolean("items_created"))
            .col(uuid("imported_by"))
            .col(timestamp_with_time_zone("imported_at"));
        create(manager, &mut import, [unique("import", &["kind", "content_hash", "repetition"])]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}
