-- creation of an item
-- statements: 4

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
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = ?
AND "unit"."code" = ?
LIMIT ?;
--> SEARCH unit USING INDEX ix_unit_code (tenant_id=? AND code=?)

-- 3: writes item
INSERT INTO "item" ("id", "tenant_id", "version", "created_at", "updated_at", "sku", "name", "base_unit_id", "kind", "pick",
  "track_lots", "track_expiry", "date_kind", "grace_days", "shelf_life_days", "opened_shelf_life_days", "archived_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 4: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
