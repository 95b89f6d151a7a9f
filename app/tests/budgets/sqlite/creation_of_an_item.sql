-- creation of an item
-- statements: 4

-- 1: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING
RETURNING -1 AS part;

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
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> SEARCH idempotency USING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)
