-- creation of a unit
-- statements: 6

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
SELECT code, dimension, numerator, denominator
FROM unit
WHERE tenant_id = $1;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 4
SELECT "item_unit"."id", "item_unit"."tenant_id", "item_unit"."version", "item_unit"."created_at", "item_unit"."updated_at",
"item_unit"."item_id", "item_unit"."code", "item_unit"."numerator", "item_unit"."denominator"
FROM "item_unit"
WHERE "item_unit"."tenant_id" = ?
AND "item_unit"."code" = ?
LIMIT ?;
--> SEARCH item_unit USING INDEX ix_item_unit_item_id_code (tenant_id=?)

-- 5: writes unit
INSERT INTO "unit" ("id", "tenant_id", "version", "created_at", "updated_at", "code", "name", "dimension", "numerator", "denominator")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 6: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
