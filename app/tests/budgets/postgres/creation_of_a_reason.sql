-- creation of a reason
-- statements: 5, round trips: 5
-- held at COMMIT: RowExclusiveLock: idempotency, reason

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

-- 3: writes reason
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 text, $7 text, $8 text, $9 text, $10 boolean, $11 timestamp with time zone
INSERT INTO "reason" ("id", "tenant_id", "version", "created_at", "updated_at", "kind", "code", "name", "stage", "avoidable",
  "archived_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
--> Insert on reason
-->   ->  Result

-- 4: writes idempotency
-- $1 bigint, $2 text, $3 uuid, $4 uuid, $5 text
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> Update on idempotency
-->   ->  Index Scan using idempotency_pkey on idempotency
-->         Index Cond: ((tenant_id = $3) AND (actor_id = $4) AND ((key)::text = $5))

-- 5
COMMIT;
