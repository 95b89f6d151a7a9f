-- recount of a count
-- statements: 11, round trips: 11
-- held at COMMIT: RowExclusiveLock: idempotency, stock_count, stock_count_line
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

-- 4
-- $1 uuid, $2 text
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> Sort
-->   Sort Key: path COLLATE "C"
-->   ->  Bitmap Heap Scan on location
-->         Recheck Cond: (tenant_id = $1)
-->         Filter: (((kind)::text = 'area'::text) AND (((path)::text = $2) OR (substr((path)::text, 1, (length($2) + 1)) = ($2 || '/'::text))))
-->         ->  Bitmap Index Scan on ix_location_site_id
-->               Index Cond: (tenant_id = $1)

-- 5
-- $1 uuid, $2 jsonb, $3 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $1
  AND item.sku IN (SELECT (SELECT ($2::jsonb->>0)::text) AS sku)) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> Append
-->   ->  Nested Loop Left Join
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using ix_item_sku on item
-->                     Index Cond: ((tenant_id = $1) AND ((sku)::text = $0))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $1) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $3)

-- 6
-- $1 uuid, $2 uuid, $3 jsonb
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note
FROM stock_count_line AS line
WHERE line.tenant_id = $1
AND line.count_id = $2
AND line.item_id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($3::jsonb) AS given(value));
--> Hash Semi Join
-->   Hash Cond: (line.item_id = ((given.value ->> 0))::uuid)
-->   ->  Index Scan using stock_count_line_pkey on stock_count_line line
-->         Index Cond: ((tenant_id = $1) AND (count_id = $2))
-->   ->  Hash
-->         ->  Function Scan on jsonb_array_elements given

-- 7: writes stock_count_line
-- $1 uuid, $2 uuid
DELETE
FROM stock_count_line
WHERE tenant_id = $1
AND count_id = $2
AND uncounted;
--> Delete on stock_count_line
-->   ->  Index Scan using stock_count_line_pkey on stock_count_line
-->         Index Cond: ((tenant_id = $1) AND (count_id = $2))
-->         Filter: uncounted

-- 8: writes stock_count_line
-- $1 uuid, $2 uuid, $3 jsonb
UPDATE stock_count_line
SET recount = true
WHERE tenant_id = $1
AND count_id = $2
AND (item_id, location_id, lot_key) IN (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id, (value->>2)::uuid AS lot_key
  FROM jsonb_array_elements($3::jsonb) AS given(value));
--> Update on stock_count_line
-->   ->  Hash Semi Join
-->         Hash Cond: ((stock_count_line.item_id = ((given.value ->> 0))::uuid) AND (stock_count_line.location_id = ((given.value ->> 1))::uuid) AND (stock_count_line.lot_key = ((given.value ->> 2))::uuid))
-->         ->  Index Scan using stock_count_line_pkey on stock_count_line
-->               Index Cond: ((tenant_id = $1) AND (count_id = $2))
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 9: writes stock_count
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 text, $6 uuid, $7 timestamp with time zone, $8 timestamp with time zone, $9 bigint, $10 uuid, $11 text
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> Update on stock_count
-->   ->  Index Scan using uq_stock_count_id on stock_count
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 10: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 11
COMMIT;
