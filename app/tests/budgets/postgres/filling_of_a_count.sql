-- filling of a count
-- statements: 15, round trips: 15
-- held at COMMIT: RowExclusiveLock: idempotency, stock_count, stock_count_counter, stock_count_line
-- held at COMMIT: RowShareLock: item, ledger_head, location, stock_count

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
-- $1 uuid, $2 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.id = $2) AS told;
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (area.site_id = site.id)
-->         ->  Seq Scan on location area
-->               Filter: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)

-- 5
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

-- 6
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
  AND item.sku IN (SELECT (value->>0)::text AS sku
    FROM jsonb_array_elements($2::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array')) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> Append
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  HashAggregate
-->                           Group Key: (given.value ->> 0)
-->                           ->  Function Scan on jsonb_array_elements given
-->                                 Filter: (jsonb_typeof(value) = 'array'::text)
-->                     ->  Index Scan using ix_item_sku on item
-->                           Index Cond: ((tenant_id = $1) AND ((sku)::text = ((given.value ->> 0))::text))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $1) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $3)

-- 7
-- $1 uuid, $2 jsonb
SELECT id, item_id, received_at, void
FROM lot
WHERE tenant_id = $1
AND id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Nested Loop
-->   ->  HashAggregate
-->         Group Key: ((given.value ->> 0))::uuid
-->         ->  Function Scan on jsonb_array_elements given
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = ((given.value ->> 0))::uuid)
-->         Filter: (tenant_id = $1)

-- 8
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

-- 9
-- $1 uuid, $2 uuid
SELECT COUNT(*) AS number
FROM stock_count_line
WHERE tenant_id = $1
AND count_id = $2;
--> Aggregate
-->   ->  Index Only Scan using stock_count_line_pkey on stock_count_line
-->         Index Cond: ((tenant_id = $1) AND (count_id = $2))

-- 10: writes stock_count_line
-- $1 jsonb
INSERT INTO stock_count_line (tenant_id, count_id, item_id, location_id, lot_key, lot_id, entered_quantity, entered_unit,
  quantity, counted_at, counted_by, recount, uncounted, note)
SELECT *
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS count_id, (value->>2)::uuid AS item_id, (value->>3)::uuid AS location_id,
  (value->>4)::uuid AS lot_key, (value->>5)::uuid AS lot_id, (value->>6)::bigint AS entered_quantity, (value->>7)::text AS entered_unit,
  (value->>8)::bigint AS quantity, (value->>9)::timestamptz AS counted_at, (value->>10)::uuid AS counted_by, (value->>11)::boolean AS recount,
  (value->>12)::boolean AS uncounted, (value->>13)::text AS note
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS now
WHERE true
ON CONFLICT (tenant_id, count_id, item_id, location_id, lot_key) DO UPDATE
SET entered_quantity = excluded.entered_quantity, entered_unit = excluded.entered_unit, quantity = excluded.quantity, counted_at = excluded.counted_at,
counted_by = excluded.counted_by, recount = excluded.recount, uncounted = excluded.uncounted, note = excluded.note;
--> Insert on stock_count_line
-->   Conflict Resolution: UPDATE
-->   Conflict Arbiter Indexes: stock_count_line_pkey
-->   ->  Function Scan on jsonb_array_elements given

-- 11: writes stock_count_counter
-- $1 uuid, $2 uuid, $3 uuid
INSERT INTO stock_count_counter (tenant_id, count_id, user_id)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;
--> Insert on stock_count_counter
-->   Conflict Resolution: NOTHING
-->   ->  Result

-- 12: writes stock_count
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 text, $6 uuid, $7 timestamp with time zone, $8 timestamp with time zone, $9 bigint, $10 uuid, $11 text
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> Update on stock_count
-->   ->  Index Scan using uq_stock_count_id on stock_count
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 13: locks rows of ledger_head FOR SHARE
-- $1 uuid, $2 bigint
SELECT rules_version
FROM ledger_head
WHERE tenant_id = $1
AND rules_version = $2 FOR SHARE;
--> LockRows
-->   ->  Seq Scan on ledger_head
-->         Filter: ((tenant_id = $1) AND (rules_version = $2))

-- 14: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 15
COMMIT;
