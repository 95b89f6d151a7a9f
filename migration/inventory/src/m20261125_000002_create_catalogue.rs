//! What stock is counted in, what it is and where it lies: tenant settings, units, items, item units, locations, reasons.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, string_len, string_len_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::columns::{code, code_null, create, drop_all, index, mutable_table, reference, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 6] = ["tenant_settings", "unit", "item", "item_unit", "location", "reason"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut settings = Table::create();
        settings
            .table("tenant_settings")
            .col(uuid("tenant_id").primary_key())
            .col(code(manager, "currency", 3))
            .col(code(manager, "time_zone", 64))
            .col(big_integer("seed_version"))
            .col(timestamp_with_time_zone("created_at"));
        create(manager, &mut settings, []).await?;

        // A unit is `numerator / denominator` of its dimension's reference: the gram, the millilitre, the piece.
        let mut unit = mutable_table("unit");
        unit.col(code(manager, "code", 32))
            .col(string_len("name", 200))
            .col(code(manager, "dimension", 16))
            .col(big_integer("numerator"))
            .col(big_integer("denominator"));
        create(manager, &mut unit, [unique("unit", &["code"])]).await?;

        let mut item = mutable_table("item");
        item.col(code(manager, "sku", 64))
            .col(string_len("name", 200))
            .col(uuid("base_unit_id"))
            .col(code(manager, "kind", 16))
            .col(code(manager, "pick", 16))
            .col(boolean("track_lots"))
            .col(boolean("track_expiry"))
            .col(code(manager, "date_kind", 16))
            .col(big_integer("grace_days"))
            .col(big_integer_null("shelf_life_days"))
            .col(big_integer_null("opened_shelf_life_days"))
            .col(timestamp_with_time_zone_null("archived_at"))
            .foreign_key(&mut reference("item", "base_unit_id", "unit"));
        create(manager, &mut item, [unique("item", &["sku"]), index("item", &["updated_at", "id"])]).await?;

        // A unit of one item: `numerator / denominator` of the item's base unit.
        let mut item_unit = mutable_table("item_unit");
        item_unit
            .col(uuid("item_id"))
            .col(code(manager, "code", 32))
            .col(big_integer("numerator"))
            .col(big_integer("denominator"))
            .foreign_key(&mut reference("item_unit", "item_id", "item"));
        create(manager, &mut item_unit, [unique("item_unit", &["item_id", "code"])]).await?;

        let mut location = mutable_table("location");
        location
            .col(uuid_null("parent_id"))
            .col(uuid("site_id"))
            .col(code(manager, "kind", 16))
            .col(code(manager, "code", 64))
            .col(code(manager, "path", 512))
            .col(string_len("name", 200))
            .col(code_null(manager, "time_zone", 64))
            .col(code_null(manager, "day_starts_at", 5))
            .col(timestamp_with_time_zone_null("archived_at"))
            .foreign_key(&mut reference("location", "parent_id", "location"));
        create(manager, &mut location, [unique("location", &["path"]), index("location", &["site_id"])]).await?;

        let mut reason = mutable_table("reason");
        reason
            .col(code(manager, "kind", 16))
            .col(code(manager, "code", 64))
            .col(string_len("name", 200))
            .col(string_len_null("stage", 16))
            .col(boolean("avoidable"))
            .col(timestamp_with_time_zone_null("archived_at"));
        create(manager, &mut reason, [unique("reason", &["kind", "code"])]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}
