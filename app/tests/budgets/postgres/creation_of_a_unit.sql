-- creation of a unit
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: idempotency, unit
-- held at COMMIT: RowShareLock: tenant_settings

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid, $3 text
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3)
AND pg_try_advisory_xact_lock(hashtextextended($1::uuid || '/' || $2::uuid || '/' || $3::text, 0));
--> Result
-->   One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->   InitPlan 1 (returns $0)
-->     ->  Index Only Scan using idempotency_pkey on idempotency
-->           Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))

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
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 8
COMMIT;
