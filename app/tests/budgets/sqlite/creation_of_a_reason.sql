-- creation of a reason
-- statements: 3

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

-- 2: writes reason
INSERT INTO "reason" ("id", "tenant_id", "version", "created_at", "updated_at", "kind", "code", "name", "stage", "avoidable",
  "archived_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 3: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
