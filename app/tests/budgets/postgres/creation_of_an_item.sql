-- creation of an item
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, item
-- held at COMMIT: RowShareLock: unit

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
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 6
COMMIT;
