-- removal of a unit of an item
-- statements: 2

-- 1
SELECT "tenant_settings"."tenant_id", "tenant_settings"."currency", "tenant_settings"."time_zone", "tenant_settings"."seed_version",
"tenant_settings"."created_at"
FROM "tenant_settings"
WHERE "tenant_settings"."tenant_id" = ?
LIMIT ?;
--> SEARCH tenant_settings USING INDEX sqlite_autoindex_tenant_settings_1 (tenant_id=?)

-- 2: writes item_unit
DELETE
FROM "item_unit"
WHERE "item_unit"."tenant_id" = ?
AND "item_unit"."item_id" = ?
AND "item_unit"."code" = ?;
--> SEARCH item_unit USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=? AND code=?)
