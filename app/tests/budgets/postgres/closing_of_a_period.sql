-- closing of a period
-- statements: 20, round trips: 20
-- held at COMMIT: RowExclusiveLock: audit_event, checkpoint, idempotency, ledger_head, period
-- held at COMMIT: RowShareLock: period

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

-- 3: locks rows of period FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = $1
AND "period"."id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on period
-->               Filter: ((tenant_id = $1) AND (id = $2))

-- 4
-- $1 uuid
SELECT path, time_zone, day_starts_at
FROM location
WHERE tenant_id = $1
AND kind = 'site'
ORDER BY path;
--> Sort
-->   Sort Key: path COLLATE "C"
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND ((kind)::text = 'site'::text))

-- 5
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

-- 6
-- $1 uuid, $2 text, $3 date, $4 bigint
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = $1
AND "period"."status" = $2
AND "period"."last_day" < $3
ORDER BY "period"."last_day" ASC
LIMIT $4;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day
-->         ->  Seq Scan on period
-->               Filter: ((last_day < $3) AND (tenant_id = $1) AND ((status)::text = $2))

-- 7
-- $1 uuid
SELECT stock_count.id, location.path AS location, stock_count.status
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
ORDER BY location.path, stock_count.id;
--> Sort
-->   Sort Key: location.path COLLATE "C", stock_count.id
-->   ->  Nested Loop
-->         Join Filter: (stock_count.location_id = location.id)
-->         ->  Bitmap Heap Scan on stock_count
-->               Recheck Cond: (tenant_id = $1)
-->               Filter: ((status)::text <> ALL ('{posted,cancelled,reversed}'::text[]))
-->               ->  Bitmap Index Scan on ix_stock_count_location_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 8
-- $1 uuid
SELECT seq
FROM ledger_head
WHERE tenant_id = $1;
--> Seq Scan on ledger_head
-->   Filter: (tenant_id = $1)

-- 9: writes checkpoint
-- $1 uuid, $2 uuid, $3 date, $4 bigint
INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value)
SELECT $1::uuid, $2::uuid, item_id, location_id, lot_id, CAST(SUM(quantity) AS BIGINT), CAST(SUM(value) AS BIGINT)
FROM (SELECT item_id, location_id, lot_id, quantity_delta AS quantity, value_delta AS value
  FROM ledger_entry
  WHERE tenant_id = $1
  AND business_date <= $3
  AND seq <= $4) AS moved
GROUP BY item_id, location_id, lot_id
HAVING SUM(quantity) <> 0
OR SUM(value) <> 0;
--> Insert on checkpoint
-->   ->  HashAggregate
-->         Group Key: ledger_entry.item_id, ledger_entry.location_id, ledger_entry.lot_id
-->         Filter: ((sum(ledger_entry.quantity_delta) <> '0'::numeric) OR (sum(ledger_entry.value_delta) <> '0'::numeric))
-->         ->  Bitmap Heap Scan on ledger_entry
-->               Recheck Cond: ((tenant_id = $1) AND (business_date <= $3))
-->               Filter: (seq <= $4)
-->               ->  Bitmap Index Scan on ix_ledger_entry_business_date
-->                     Index Cond: ((tenant_id = $1) AND (business_date <= $3))

-- 10: writes ledger_head
-- $1 uuid
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: (tenant_id = $1)

-- 11
-- $1 uuid
SELECT path, time_zone, day_starts_at
FROM location
WHERE tenant_id = $1
AND kind = 'site'
ORDER BY path;
--> Sort
-->   Sort Key: path COLLATE "C"
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND ((kind)::text = 'site'::text))

-- 12
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

-- 13
-- $1 uuid, $2 text, $3 date, $4 bigint
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = $1
AND "period"."status" = $2
AND "period"."last_day" < $3
ORDER BY "period"."last_day" ASC
LIMIT $4;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day
-->         ->  Seq Scan on period
-->               Filter: ((last_day < $3) AND (tenant_id = $1) AND ((status)::text = $2))

-- 14
-- $1 uuid
SELECT stock_count.id, location.path AS location, stock_count.status
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.status NOT IN ('posted', 'cancelled', 'reversed')
ORDER BY location.path, stock_count.id;
--> Sort
-->   Sort Key: location.path COLLATE "C", stock_count.id
-->   ->  Nested Loop
-->         Join Filter: (stock_count.location_id = location.id)
-->         ->  Bitmap Heap Scan on stock_count
-->               Recheck Cond: (tenant_id = $1)
-->               Filter: ((status)::text <> ALL ('{posted,cancelled,reversed}'::text[]))
-->               ->  Bitmap Index Scan on ix_stock_count_location_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 15: writes ledger_head
-- $1 date, $2 uuid
UPDATE ledger_head
SET closed_through = $1::date
WHERE tenant_id = $2
RETURNING seq, closed_through;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: (tenant_id = $2)

-- 16: writes checkpoint
-- $1 uuid, $2 uuid, $3 date, $4 bigint
INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value)
SELECT $1::uuid, $2::uuid, item_id, location_id, lot_id, CAST(SUM(quantity_delta) AS BIGINT), CAST(SUM(value_delta) AS BIGINT)
FROM ledger_entry
WHERE tenant_id = $1
AND business_date <= $3
AND seq > $4
GROUP BY item_id, location_id, lot_id
ON CONFLICT (tenant_id, period_id, item_id, location_id, lot_id) DO UPDATE
SET quantity = checkpoint.quantity + excluded.quantity, value = checkpoint.value + excluded.value;
--> Insert on checkpoint
-->   Conflict Resolution: UPDATE
-->   Conflict Arbiter Indexes: checkpoint_pkey
-->   ->  HashAggregate
-->         Group Key: ledger_entry.item_id, ledger_entry.location_id, ledger_entry.lot_id
-->         ->  Bitmap Heap Scan on ledger_entry
-->               Recheck Cond: ((tenant_id = $1) AND (business_date <= $3))
-->               Filter: (seq > $4)
-->               ->  Bitmap Index Scan on ix_ledger_entry_business_date
-->                     Index Cond: ((tenant_id = $1) AND (business_date <= $3))

-- 17: writes period
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 date, $5 date, $6 text, $7 timestamp with time zone, $8 uuid, $9 uuid, $10 uuid
UPDATE "period"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "first_day" = $4, "last_day" = $5, "status" = $6, "closed_at" = $7,
"closed_by" = $8
WHERE "period"."tenant_id" = $9
AND "period"."id" = $10;
--> Update on period
-->   ->  Seq Scan on period
-->         Filter: ((tenant_id = $9) AND (id = $10))

-- 18: writes audit_event
-- $1 jsonb
INSERT INTO audit_event (id, tenant_id, at, actor_id, action, subject, subject_id, summary, details)
SELECT ($1::jsonb->>0)::uuid AS id, ($1::jsonb->>1)::uuid AS tenant_id, ($1::jsonb->>2)::timestamptz AS at, ($1::jsonb->>3)::uuid AS actor_id,
($1::jsonb->>4)::text AS action, ($1::jsonb->>5)::text AS subject, ($1::jsonb->>6)::uuid AS subject_id, ($1::jsonb->>7)::text AS summary,
($1::jsonb->>8)::text AS details;
--> Insert on audit_event
-->   ->  Result

-- 19: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 20
COMMIT;
