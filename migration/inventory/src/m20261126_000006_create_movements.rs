//! The lines of every kind of movement, what a document says beside them, and what postings leave behind: shortages,
//! variances, reservations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, date_null, string_len, string_len_null, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::columns::{code, code_null, create, drop_all, drop_guard, guard, index, lines, mutable_table, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 13] = [
    "document_detail",
    "usage_line",
    "plate_waste_line",
    "adjustment_line",
    "vendor_return_line",
    "transformation_line",
    "cost_change_line",
    "correction_line",
    "lot_parent",
    "lot_event",
    "cost_variance",
    "shortage",
    "reservation",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        documents(manager).await?;
        lots(manager).await?;
        left_behind(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await?;
        drop_guard(manager, "lot_event").await
    }
}

async fn documents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // What only some kinds say. `reverses_id` is unique: a document is reversed once.
    let mut detail = Table::create();
    detail
        .table("document_detail")
        .col(uuid("tenant_id"))
        .col(uuid("document_id"))
        .col(uuid_null("reverses_id"))
        .col(uuid_null("reason_id"))
        .col(uuid_null("about_id"))
        .col(uuid_null("transfer_id"))
        .col(uuid_null("count_id"))
        .col(code_null(manager, "purpose", 16))
        .col(string_len_null("recipient", 200))
        .col(uuid_null("approved_by"))
        .primary_key(Index::create().col("tenant_id").col("document_id"))
        .foreign_key(&mut reference("document_detail", "document_id", "document"))
        .foreign_key(&mut reference("document_detail", "reverses_id", "document"))
        .foreign_key(&mut reference("document_detail", "reason_id", "reason"))
        .foreign_key(&mut reference("document_detail", "about_id", "document"));
    let indexes = [
        unique("document_detail", &["reverses_id"]),
        index("document_detail", &["about_id"]),
        index("document_detail", &["transfer_id"]),
        index("document_detail", &["count_id"]),
    ];
    create(manager, &mut detail, indexes).await?;

    let mut usage = taken(manager, "usage_line");
    usage.col(big_integer("short_quantity")).col(uuid_null("reservation_id"));
    create(manager, &mut usage, [index("usage_line", &["item_id"])]).await?;

    // Food that was never counted as stock: what came back on plates.
    let mut plate = lines("plate_waste_line");
    plate
        .col(string_len("description", 200))
        .col(big_integer("grams"))
        .col(uuid("reason_id"))
        .col(code(manager, "stage", 16))
        .col(code_null(manager, "destination", 32))
        .foreign_key(&mut reference("plate_waste_line", "document_id", "document"))
        .foreign_key(&mut reference("plate_waste_line", "reason_id", "reason"));
    create(manager, &mut plate, [index("plate_waste_line", &["reason_id"])]).await?;

    let mut adjustment = taken(manager, "adjustment_line");
    adjustment
        .col(big_integer_null("unit_cost"))
        .col(uuid("reason_id"))
        .col(code_null(manager, "batch_code", 128))
        .col(date_null("expires_on"))
        .foreign_key(&mut reference("adjustment_line", "reason_id", "reason"));
    create(manager, &mut adjustment, [index("adjustment_line", &["item_id"]), index("adjustment_line", &["reason_id"])]).await?;

    let mut vendor_return = taken(manager, "vendor_return_line");
    vendor_return.col(big_integer("credit")).col(uuid("reason_id")).foreign_key(&mut reference("vendor_return_line", "reason_id", "reason"));
    create(manager, &mut vendor_return, [index("vendor_return_line", &["item_id"]), index("vendor_return_line", &["reason_id"])]).await?;

    // `role` is input, output or loss. An output's lot is the one that it makes.
    let mut transformation = taken(manager, "transformation_line");
    transformation
        .col(code(manager, "role", 16))
        .col(big_integer_null("weight"))
        .col(code_null(manager, "batch_code", 128))
        .col(date_null("expires_on"))
        .col(uuid_null("reason_id"))
        .foreign_key(&mut reference("transformation_line", "reason_id", "reason"));
    create(manager, &mut transformation, [index("transformation_line", &["item_id"]), index("transformation_line", &["reason_id"])]).await?;

    // One for each lot and charge: the amount that came onto it, of that what reached the shelves, and the rest.
    let mut cost = lines("cost_change_line");
    cost.col(uuid("item_id"))
        .col(uuid("lot_id"))
        .col(big_integer("receipt_line_no"))
        .col(code(manager, "kind", 16))
        .col(string_len("label", 200))
        .col(big_integer("amount"))
        .foreign_key(&mut reference("cost_change_line", "document_id", "document"))
        .foreign_key(&mut reference("cost_change_line", "item_id", "item"))
        .foreign_key(&mut reference("cost_change_line", "lot_id", "lot"));
    create(manager, &mut cost, [index("cost_change_line", &["item_id"]), index("cost_change_line", &["lot_id"])]).await?;

    let mut correction = taken(manager, "correction_line");
    correction.col(big_integer("receipt_line_no")).col(big_integer("line_total"));
    create(manager, &mut correction, [index("correction_line", &["item_id"])]).await
}

async fn lots(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut parent = Table::create();
    parent
        .table("lot_parent")
        .col(uuid("tenant_id"))
        .col(uuid("lot_id"))
        .col(uuid("parent_id"))
        .col(uuid("document_id"))
        .col(big_integer("quantity"))
        .primary_key(Index::create().col("tenant_id").col("lot_id").col("parent_id"))
        .foreign_key(&mut reference("lot_parent", "lot_id", "lot"))
        .foreign_key(&mut reference("lot_parent", "parent_id", "lot"))
        .foreign_key(&mut reference("lot_parent", "document_id", "document"));
    create(manager, &mut parent, [index("lot_parent", &["parent_id"])]).await?;

    let mut event = Table::create();
    event
        .table("lot_event")
        .col(uuid("tenant_id"))
        .col(uuid("lot_id"))
        .col(big_integer("number"))
        .col(code(manager, "kind", 16))
        .col(timestamp_with_time_zone("recorded_at"))
        .col(uuid("actor_id"))
        .col(date_null("expires_on_before"))
        .col(date_null("expires_on_after"))
        .col(text_null("note"))
        .primary_key(Index::create().col("tenant_id").col("lot_id").col("number"))
        .foreign_key(&mut reference("lot_event", "lot_id", "lot"));
    create(manager, &mut event, []).await?;
    guard(manager, "lot_event").await
}

async fn left_behind(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut variance = Table::create();
    variance
        .table("cost_variance")
        .col(uuid("tenant_id"))
        .col(uuid("document_id"))
        .col(big_integer("number"))
        .col(uuid("lot_id"))
        .col(big_integer("amount"))
        .col(code(manager, "kind", 16))
        .primary_key(Index::create().col("tenant_id").col("document_id").col("number"))
        .foreign_key(&mut reference("cost_variance", "document_id", "document"))
        .foreign_key(&mut reference("cost_variance", "lot_id", "lot"));
    create(manager, &mut variance, [index("cost_variance", &["lot_id"])]).await?;

    let mut shortage = mutable_table("shortage");
    shortage
        .col(uuid("document_id"))
        .col(big_integer("line_no"))
        .col(uuid("item_id"))
        .col(uuid("location_id"))
        .col(big_integer("quantity"))
        .col(code(manager, "status", 16))
        .col(uuid_null("cleared_by_document_id"))
        .col(uuid_null("cleared_by"))
        .col(timestamp_with_time_zone_null("cleared_at"))
        .col(text_null("note"))
        .foreign_key(&mut reference("shortage", "document_id", "document"))
        .foreign_key(&mut reference("shortage", "item_id", "item"))
        .foreign_key(&mut reference("shortage", "location_id", "location"))
        .foreign_key(&mut reference("shortage", "cleared_by_document_id", "document"));
    let indexes =
        [unique("shortage", &["document_id", "line_no"]), index("shortage", &["item_id", "location_id", "status"]), index("shortage", &["location_id"])];
    create(manager, &mut shortage, indexes).await?;

    let mut reservation = mutable_table("reservation");
    reservation
        .col(uuid("item_id"))
        .col(uuid("location_id"))
        .col(big_integer("quantity"))
        .col(big_integer("taken"))
        .col(code(manager, "status", 16))
        .col(string_len_null("external_ref", 200))
        .col(text_null("note"))
        .col(timestamp_with_time_zone_null("ends_at"))
        .col(uuid("reserved_by"))
        .foreign_key(&mut reference("reservation", "item_id", "item"))
        .foreign_key(&mut reference("reservation", "location_id", "location"));
    create(manager, &mut reservation, [index("reservation", &["item_id", "location_id"]), index("reservation", &["location_id"])]).await
}

/// Lines that name an item, a quantity as entered and in the base unit, and what they were worth.
fn taken(manager: &SchemaManager<'_>, name: &'static str) -> TableCreateStatement {
    let mut table = lines(name);
    table
        .col(uuid("item_id"))
        .col(uuid_null("lot_id"))
        .col(big_integer("entered_quantity"))
        .col(code(manager, "entered_unit", 32))
        .col(big_integer("quantity"))
        .col(big_integer("value"))
        .foreign_key(&mut reference(name, "document_id", "document"))
        .foreign_key(&mut reference(name, "item_id", "item"))
        .foreign_key(&mut reference(name, "lot_id", "lot"));
    table
}
