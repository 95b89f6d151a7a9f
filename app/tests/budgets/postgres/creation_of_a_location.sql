-- creation of a location
-- statements: 7, round trips: 7
-- held at COMMIT: RowExclusiveLock: idempotency, location
-- held at COMMIT: RowShareLock: location

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
-- $1 bigint, $2 text, $3 uuid, $4 uuid, $5 text
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> Update on idempotency
-->   ->  Index Scan using idempotency_pkey on idempotency
-->         Index Cond: ((tenant_id = $3) AND (actor_id = $4) AND ((key)::text = $5))

-- 7
COMMIT;
