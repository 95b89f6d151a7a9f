-- closing of a period
-- statements: 18

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

-- 3
SELECT path, time_zone, day_starts_at
FROM location
WHERE tenant_id = $1
AND kind = 'site'
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

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
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = ?
AND "period"."status" = ?
AND "period"."last_day" < ?
ORDER BY "period"."last_day" ASC
LIMIT ?;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 6
SELECT stock_count.id, location.path AS location, stock_count.status
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
ORDER BY location.path, stock_count.id;
--> SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 7
SELECT seq
FROM ledger_head
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 8: writes checkpoint
INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value)
SELECT $1, $2, item_id, location_id, lot_id, CAST(SUM(quantity) AS BIGINT), CAST(SUM(value) AS BIGINT)
FROM (SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value
  FROM ledger_entry
  WHERE tenant_id = $1
  AND business_date <= $3
  AND seq <= $4) AS moved
GROUP BY item_id, location_id, lot_id
HAVING SUM(quantity) <> 0
OR SUM(value) <> 0;
--> SEARCH ledger_entry USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date<?)
--> USE TEMP B-TREE FOR GROUP BY

-- 9: writes ledger_head
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 10
SELECT path, time_zone, day_starts_at
FROM location
WHERE tenant_id = $1
AND kind = 'site'
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 11
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 12
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = ?
AND "period"."status" = ?
AND "period"."last_day" < ?
ORDER BY "period"."last_day" ASC
LIMIT ?;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 13
SELECT stock_count.id, location.path AS location, stock_count.status
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
ORDER BY location.path, stock_count.id;
--> SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 14: writes ledger_head
UPDATE ledger_head
SET closed_through = $1
WHERE tenant_id = $2
RETURNING seq, closed_through;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 15: writes checkpoint
INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value)
SELECT $1, $2, item_id, location_id, lot_id, CAST(SUM(quantity_delta) AS BIGINT), CAST(SUM(value_delta) AS BIGINT)
FROM ledger_entry
WHERE tenant_id = $1
AND business_date <= $3
AND seq > $4
GROUP BY item_id, location_id, lot_id
ON CONFLICT (tenant_id, period_id, item_id, location_id, lot_id) DO UPDATE
SET quantity = checkpoint.quantity + excluded.quantity, value = checkpoint.value + excluded.value;
--> SEARCH ledger_entry USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date<?)
--> USE TEMP B-TREE FOR GROUP BY

-- 16: writes period
UPDATE "period"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "first_day" = ?, "last_day" = ?, "status" = ?, "closed_at" = ?, "closed_by" = ?
WHERE "period"."tenant_id" = ?
AND "period"."id" = ?;
--> SEARCH period USING INDEX sqlite_autoindex_period_2 (tenant_id=? AND id=?)

-- 17: writes audit_event
INSERT INTO audit_event (id, tenant_id, at, actor_id, action, subject, subject_id, summary, details)
SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS at, unhex(value->>'$[3]') AS actor_id,
(value->>'$[4]') AS action, (value->>'$[5]') AS subject, unhex(value->>'$[6]') AS subject_id, (value->>'$[7]') AS summary,
(value->>'$[8]') AS details
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 18: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
