-- start of a count
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, stock_count
-- held at COMMIT: RowShareLock: stock_count

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

-- 3: locks rows of stock_count FOR NO KEY UPDATE
-- $1 uuid, $2 uuid
SELECT stock_count.id, stock_count.version, stock_count.created_at, stock_count.updated_at, stock_count.status, stock_count.location_id,
location.path AS location, stock_count.site_id, stock_count.blind, stock_count.needs_approval, stock_count.uncounted, stock_count.document_id,
stock_count.started_at, stock_count.reviewed_at, stock_count.reviewed_seq, stock_count.approved_by, stock_count.external_ref,
stock_count.note, stock_count.created_by
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.id = $2
FOR NO KEY UPDATE OF stock_count;
--> LockRows
-->   ->  Nested Loop
-->         Join Filter: (stock_count.location_id = location.id)
-->         ->  Index Scan using uq_stock_count_id on stock_count
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 4: writes stock_count
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 text, $6 uuid, $7 timestamp with time zone, $8 timestamp with time zone, $9 bigint, $10 uuid, $11 text
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> Update on stock_count
-->   ->  Index Scan using uq_stock_count_id on stock_count
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 5: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 6
COMMIT;
