-- creation of a unit
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: idempotency, unit
-- held at COMMIT: RowShareLock: tenant_settings

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

-- 3: locks rows of tenant_settings FOR NO KEY UPDATE
-- $1 uuid, $2 bigint
SELECT "tenant_settings"."tenant_id", "tenant_settings"."currency", "tenant_settings"."time_zone", "tenant_settings"."seed_version",
"tenant_settings"."created_at"
FROM "tenant_settings"
WHERE "tenant_settings"."tenant_id" = $1
LIMIT $2
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on tenant_settings
-->               Filter: (tenant_id = $1)

-- 4
-- $1 uuid
SELECT code, dimension, numerator, denominator
FROM unit
WHERE tenant_id = $1;
--> Seq Scan on unit
-->   Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 text, $3 bigint
SELECT "item_unit"."id", "item_unit"."tenant_id", "item_unit"."version", "item_unit"."created_at", "item_unit"."updated_at",
"item_unit"."item_id", "item_unit"."code", "item_unit"."numerator", "item_unit"."denominator"
FROM "item_unit"
WHERE "item_unit"."tenant_id" = $1
AND "item_unit"."code" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_item_unit_item_id_code on item_unit
-->         Index Cond: ((tenant_id = $1) AND ((code)::text = $2))

-- 6: writes unit
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 text, $7 text, $8 text, $9 bigint, $10 bigint
INSERT INTO "unit" ("id", "tenant_id", "version", "created_at", "updated_at", "code", "name", "dimension", "numerator", "denominator")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
--> Insert on unit
-->   ->  Result

-- 7: writes idempotency
-- $1 bigint, $2 text, $3 uuid, $4 uuid, $5 text
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> Update on idempotency
-->   ->  Index Scan using idempotency_pkey on idempotency
-->         Index Cond: ((tenant_id = $3) AND (actor_id = $4) AND ((key)::text = $5))

-- 8
COMMIT;
