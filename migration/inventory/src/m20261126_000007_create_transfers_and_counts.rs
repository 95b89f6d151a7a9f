//! Work that goes on over several documents: transfers, with what is under way of each lot, and counts, with what is still
//! true of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, string_len_null, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::columns::{code, create, drop_all, index, lines, mutable_table, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 9] = [
    "transfer",
    "transfer_line",
    "transfer_lot",
    "transfer_step_line",
    "stock_count",
    "stock_count_line",
    "stock_count_counter",
    "count_result_line",
    "count_truth",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        transfers(manager).await?;
        counts(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}

async fn transfers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut transfer = mutable_table("transfer");
    transfer
        .col(big_integer("number"))
        .col(code(manager, "status", 16))
        .col(uuid("from_location_id"))
        .col(uuid("to_location_id"))
        .col(timestamp_with_time_zone_null("dispatched_at"))
        .col(string_len_null("external_ref", 200))
        .col(text_null("note"))
        .col(uuid("created_by"))
        .foreign_key(&mut reference("transfer", "from_location_id", "location"))
        .foreign_key(&mut reference("transfer", "to_location_id", "location"));
    let indexes = [unique("transfer", &["number"]), index("transfer", &["from_location_id"]), index("transfer", &["to_location_id"])];
    create(manager, &mut transfer, indexes).await?;

    // What was asked for.
    let mut line = Table::create();
    line.table("transfer_line")
        .col(uuid("tenant_id"))
        .col(uuid("transfer_id"))
        .col(big_integer("line_no"))
        .col(uuid("item_id"))
        .col(uuid_null("lot_id"))
        .col(big_integer("entered_quantity"))
        .col(code(manager, "entered_unit", 32))
        .col(big_integer("quantity"))
        .primary_key(Index::create().col("tenant_id").col("transfer_id").col("line_no"))
        .foreign_key(&mut reference("transfer_line", "transfer_id", "transfer"))
        .foreign_key(&mut reference("transfer_line", "item_id", "item"))
        .foreign_key(&mut reference("transfer_line", "lot_id", "lot"));
    create(manager, &mut line, [index("transfer_line", &["item_id"])]).await?;

    // Under way is what was dispatched less the other three.
    let mut lot = Table::create();
    lot.table("transfer_lot")
        .col(uuid("tenant_id"))
        .col(uuid("transfer_id"))
        .col(uuid("lot_id"))
        .col(uuid("item_id"))
        .col(big_integer("dispatched"))
        .col(big_integer("received"))
        .col(big_integer("lost"))
        .col(big_integer("cancelled"))
        .primary_key(Index::create().col("tenant_id").col("transfer_id").col("lot_id"))
        .foreign_key(&mut reference("transfer_lot", "transfer_id", "transfer"))
        .foreign_key(&mut reference("transfer_lot", "lot_id", "lot"))
        .foreign_key(&mut reference("transfer_lot", "item_id", "item"))
        .check(("transfer_lot_under_way_not_negative", Expr::cust("dispatched - received - lost - cancelled >= 0")));
    create(manager, &mut lot, [index("transfer_lot", &["lot_id"])]).await?;

    // The lines of the documents of a transfer: of a direct one, a dispatch, an arrival, a loss, a cancellation.
    let mut step = lines("transfer_step_line");
    step.col(uuid("item_id"))
        .col(uuid_null("lot_id"))
        .col(big_integer("entered_quantity"))
        .col(code(manager, "entered_unit", 32))
        .col(big_integer("quantity"))
        .col(big_integer("value"))
        .col(uuid_null("reason_id"))
        .foreign_key(&mut reference("transfer_step_line", "document_id", "document"))
        .foreign_key(&mut reference("transfer_step_line", "item_id", "item"))
        .foreign_key(&mut reference("transfer_step_line", "lot_id", "lot"))
        .foreign_key(&mut reference("transfer_step_line", "reason_id", "reason"));
    create(manager, &mut step, [index("transfer_step_line", &["item_id"])]).await
}

async fn counts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut count = mutable_table("stock_count");
    count
        .col(code(manager, "status", 16))
        .col(uuid("location_id"))
        .col(uuid("site_id"))
        .col(boolean("blind"))
        .col(boolean("needs_approval"))
        .col(code(manager, "uncounted", 16))
        .col(uuid_null("document_id"))
        .col(timestamp_with_time_zone_null("started_at"))
        .col(timestamp_with_time_zone_null("reviewed_at"))
        .col(big_integer_null("reviewed_seq"))
        .col(uuid_null("approved_by"))
        .col(string_len_null("external_ref", 200))
        .col(text_null("note"))
        .col(uuid("created_by"))
        .foreign_key(&mut reference("stock_count", "location_id", "location"))
        .foreign_key(&mut reference("stock_count", "site_id", "location"))
        .foreign_key(&mut reference("stock_count", "document_id", "document"));
    create(manager, &mut count, [index("stock_count", &["status"]), index("stock_count", &["location_id"])]).await?;

    // One for each item, area and lot; `lot_key` is the lot's id, or the nil UUID where none is named. What nobody counted and the
    // review set to zero is `uncounted`.
    let mut line = Table::create();
    line.table("stock_count_line")
        .col(uuid("tenant_id"))
        .col(uuid("count_id"))
        .col(uuid("item_id"))
        .col(uuid("location_id"))
        .col(uuid("lot_key"))
        .col(uuid_null("lot_id"))
        .col(big_integer("entered_quantity"))
        .col(code(manager, "entered_unit", 32))
        .col(big_integer("quantity"))
        .col(timestamp_with_time_zone("counted_at"))
        .col(uuid("counted_by"))
        .col(boolean("recount"))
        .col(boolean("uncounted"))
        .col(text_null("note"))
        .primary_key(Index::create().col("tenant_id").col("count_id").col("item_id").col("location_id").col("lot_key"))
        .foreign_key(&mut reference("stock_count_line", "count_id", "stock_count"))
        .foreign_key(&mut reference("stock_count_line", "item_id", "item"))
        .foreign_key(&mut reference("stock_count_line", "location_id", "location"))
        .foreign_key(&mut reference("stock_count_line", "lot_id", "lot"));
    create(manager, &mut line, [index("stock_count_line", &["item_id"])]).await?;

    // Whoever has ever written a line of it, or taken one out: none of them approves it.
    let mut counter = Table::create();
    counter
        .table("stock_count_counter")
        .col(uuid("tenant_id"))
        .col(uuid("count_id"))
        .col(uuid("user_id"))
        .primary_key(Index::create().col("tenant_id").col("count_id").col("user_id"))
        .foreign_key(&mut reference("stock_count_counter", "count_id", "stock_count"));
    create(manager, &mut counter, []).await?;

    let mut result = lines("count_result_line");
    result
        .col(uuid("item_id"))
        .col(uuid("location_id"))
        .col(uuid_null("lot_id"))
        .col(big_integer("entered_quantity"))
        .col(code(manager, "entered_unit", 32))
        .col(big_integer("quantity"))
        .col(timestamp_with_time_zone("counted_at"))
        .col(uuid("counted_by"))
        .col(big_integer("expected"))
        .col(big_integer("variance"))
        .col(big_integer("short_quantity"))
        .col(big_integer("value"))
        .col(boolean("superseded"))
        .col(boolean("moved"))
        .foreign_key(&mut reference("count_result_line", "document_id", "document"))
        .foreign_key(&mut reference("count_result_line", "item_id", "item"))
        .foreign_key(&mut reference("count_result_line", "location_id", "location"))
        .foreign_key(&mut reference("count_result_line", "lot_id", "lot"));
    create(manager, &mut result, [index("count_result_line", &["item_id"])]).await?;

    // `marked_by` is the document that was posted as not included in the count: the line is no longer taken for true.
    let mut truth = lines("count_truth");
    truth
        .col(uuid("item_id"))
        .col(uuid("location_id"))
        .col(uuid_null("lot_id"))
        .col(timestamp_with_time_zone("counted_at"))
        .col(big_integer("quantity"))
        .col(uuid_null("marked_by"))
        .foreign_key(&mut reference("count_truth", "document_id", "document"))
        .foreign_key(&mut reference("count_truth", "item_id", "item"))
        .foreign_key(&mut reference("count_truth", "location_id", "location"))
        .foreign_key(&mut reference("count_truth", "lot_id", "lot"));
    create(manager, &mut truth, [index("count_truth", &["item_id", "location_id", "counted_at"])]).await
}
