-- creation of a unit of an item
-- statements: 7

-- 1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 2
SELECT "tenant_settings"."tenant_id", "tenant_settings"."currency", "tenant_settings"."time_zone", "tenant_settings"."seed_version",
"tenant_settings"."created_at"
FROM "tenant_settings"
WHERE "tenant_settings"."tenant_id" = ?
LIMIT ?;
--> SEARCH tenant_settings USING INDEX sqlite_autoindex_tenant_settings_1 (tenant_id=?)

-- 3
SELECT "item"."id" AS "A_id", "item"."tenant_id" AS "A_tenant_id", "item"."version" AS "A_version", "item"."created_at" AS "A_created_at",
"item"."updated_at" AS "A_updated_at", "item"."sku" AS "A_sku", "item"."name" AS "A_name", "item"."base_unit_id" AS "A_base_unit_id",
"item"."kind" AS "A_kind", "item"."pick" AS "A_pick", "item"."track_lots" AS "A_track_lots", "item"."track_expiry" AS "A_track_expiry",
"item"."date_kind" AS "A_date_kind", "item"."grace_days" AS "A_grace_days", "item"."shelf_life_days" AS "A_shelf_life_days",
"item"."opened_shelf_life_days" AS "A_opened_shelf_life_days", "item"."archived_at" AS "A_archived_at", "unit"."id" AS "B_id",
"unit"."tenant_id" AS "B_tenant_id", "unit"."version" AS "B_version", "unit"."created_at" AS "B_created_at", "unit"."updated_at" AS "B_updated_at",
"unit"."code" AS "B_code", "unit"."name" AS "B_name", "unit"."dimension" AS "B_dimension", "unit"."numerator" AS "B_numerator",
"unit"."denominator" AS "B_denominator"
FROM "item"
LEFT JOIN "unit" ON "item"."tenant_id" = "unit"."tenant_id"
AND "item"."base_unit_id" = "unit"."id"
WHERE "item"."tenant_id" = ?
AND "item"."id" = ?
LIMIT ?;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?) LEFT-JOIN

-- 4
SELECT code, dimension, numerator, denominator
FROM unit
WHERE tenant_id = $1;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 5
SELECT "item_unit"."id", "item_unit"."tenant_id", "item_unit"."version", "item_unit"."created_at", "item_unit"."updated_at",
"item_unit"."item_id", "item_unit"."code", "item_unit"."numerator", "item_unit"."denominator"
FROM "item_unit"
WHERE "item_unit"."tenant_id" = ?
AND "item_unit"."item_id" = ?;
--> SEARCH item_unit USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?)

-- 6: writes item_unit
INSERT INTO "item_unit" ("id", "tenant_id", "version", "created_at", "updated_at", "item_id", "code", "numerator", "denominator")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 7: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
