-- creation of a location
-- statements: 7, round trips: 7
-- held at COMMIT: RowExclusiveLock: idempotency, location
-- held at COMMIT: RowShareLock: location

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
-- $1 uuid, $2 bigint
SELECT "tenant_settings"."tenant_id", "tenant_settings"."currency", "tenant_settings"."time_zone", "tenant_settings"."seed_version",
"tenant_settings"."created_at"
FROM "tenant_settings"
WHERE "tenant_settings"."tenant_id" = $1
LIMIT $2;
--> Limit
-->   ->  Seq Scan on tenant_settings
-->         Filter: (tenant_id = $1)

-- 4: writes location
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 uuid, $7 uuid, $8 text, $9 text, $10 text, $11 text, $12 text, $13 text, $14 timestamp with time zone
INSERT INTO "location" ("id", "tenant_id", "version", "created_at", "updated_at", "parent_id", "site_id", "kind", "code",
  "path", "name", "time_zone", "day_starts_at", "archived_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
--> Insert on location
-->   ->  Result

-- 5: writes location
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 uuid, $7 uuid, $8 text, $9 text, $10 text, $11 text, $12 text, $13 text, $14 timestamp with time zone
INSERT INTO "location" ("id", "tenant_id", "version", "created_at", "updated_at", "parent_id", "site_id", "kind", "code",
  "path", "name", "time_zone", "day_starts_at", "archived_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
--> Insert on location
-->   ->  Result

-- 6: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 7
COMMIT;
