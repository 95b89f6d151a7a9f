-- creation of an item
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, item
-- held at COMMIT: RowShareLock: unit

-- 1
BEGIN;

-- 2: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING
RETURNING -1 AS part;
--> Insert on idempotency
-->   Conflict Resolution: NOTHING
-->   ->  Result

-- 3
-- $1 uuid, $2 text, $3 bigint
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = $1
AND "unit"."code" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on unit
-->         Filter: ((tenant_id = $1) AND ((code)::text = $2))

-- 4: writes item
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 text, $7 text, $8 uuid, $9 text, $10 text, $11 boolean, $12 boolean, $13 text, $14 bigint, $15 bigint, $16 bigint, $17 timestamp with time zone
INSERT INTO "item" ("id", "tenant_id", "version", "created_at", "updated_at", "sku", "name", "base_unit_id", "kind", "pick",
  "track_lots", "track_expiry", "date_kind", "grace_days", "shelf_life_days", "opened_shelf_life_days", "archived_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);
--> Insert on item
-->   ->  Result

-- 5: writes idempotency
-- $1 bigint, $2 text, $3 uuid, $4 uuid, $5 text
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> Update on idempotency
-->   ->  Index Scan using idempotency_pkey on idempotency
-->         Index Cond: ((tenant_id = $3) AND (actor_id = $4) AND ((key)::text = $5))

-- 6
COMMIT;
