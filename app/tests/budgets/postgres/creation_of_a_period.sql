-- creation of a period
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, period

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
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 6
COMMIT;
