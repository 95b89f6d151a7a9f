-- creation of a reason
-- statements: 3

-- 1: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING
RETURNING -1 AS part;

-- 2: writes reason
INSERT INTO "reason" ("id", "tenant_id", "version", "created_at", "updated_at", "kind", "code", "name", "stage", "avoidable",
  "archived_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 3: writes idempotency
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> SEARCH idempotency USING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)
