-- creation of a period
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, period

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
-- $1 uuid, $2 date
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day DESC
-->         ->  Seq Scan on period
-->               Filter: ((last_day <= $2) AND (tenant_id = $1) AND ((status)::text = 'closed'::text))

-- 4: writes period
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 date, $7 date, $8 text, $9 timestamp with time zone, $10 uuid
INSERT INTO "period" ("id", "tenant_id", "version", "created_at", "updated_at", "first_day", "last_day", "status", "closed_at",
  "closed_by")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
--> Insert on period
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
