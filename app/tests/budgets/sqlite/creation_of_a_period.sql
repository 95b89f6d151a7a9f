-- creation of a period
-- statements: 4

-- 1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 2
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 3: writes period
INSERT INTO "period" ("id", "tenant_id", "version", "created_at", "updated_at", "first_day", "last_day", "status", "closed_at",
  "closed_by")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 4: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
