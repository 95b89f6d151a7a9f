-- reopening of a period
-- statements: 10

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
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = ?
AND "period"."id" = ?
LIMIT ?;
--> SEARCH period USING INDEX sqlite_autoindex_period_2 (tenant_id=? AND id=?)

-- 3: writes ledger_head
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 5
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 6: writes checkpoint
DELETE
FROM checkpoint
WHERE tenant_id = $1
AND period_id = $2;
--> SEARCH checkpoint USING INDEX sqlite_autoindex_checkpoint_1 (tenant_id=? AND period_id=?)

-- 7: writes ledger_head
UPDATE ledger_head
SET closed_through = $1
WHERE tenant_id = $2
RETURNING seq, closed_through;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 8: writes period
UPDATE "period"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "first_day" = ?, "last_day" = ?, "status" = ?, "closed_at" = ?, "closed_by" = ?
WHERE "period"."tenant_id" = ?
AND "period"."id" = ?;
--> SEARCH period USING INDEX sqlite_autoindex_period_2 (tenant_id=? AND id=?)

-- 9: writes audit_event
INSERT INTO audit_event (id, tenant_id, at, actor_id, action, subject, subject_id, summary, details)
SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS at, unhex(value->>'$[3]') AS actor_id,
(value->>'$[4]') AS action, (value->>'$[5]') AS subject, unhex(value->>'$[6]') AS subject_id, (value->>'$[7]') AS summary,
(value->>'$[8]') AS details
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 10: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
