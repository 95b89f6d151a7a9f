-- review of a count
-- statements: 14, round trips: 14
-- held at COMMIT: RowExclusiveLock: idempotency, stock_count, stock_count_line, stock_key
-- held at COMMIT: RowShareLock: stock_count, stock_key

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

-- 4: writes stock_count_line
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

-- 5
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

-- 6
-- $1 uuid, $2 uuid
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note
FROM stock_count_line AS line
WHERE line.tenant_id = $1
AND line.count_id = $2;
--> Index Scan using stock_count_line_pkey on stock_count_line line
-->   Index Cond: ((tenant_id = $1) AND (count_id = $2))

-- 7
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

-- 8
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
  AND item.id IN (SELECT (SELECT ($2::jsonb->>0)::uuid) AS id)) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> Append
-->   ->  Nested Loop Left Join
-->         Join Filter: ((own.tenant_id = item.tenant_id) AND (own.item_id = item.id))
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using uq_item_id on item
-->                     Index Cond: ((tenant_id = $1) AND (id = $0))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = $1) AND (item_id = $0))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $3)

-- 9: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
-- $1 uuid, $2 jsonb
WITH created AS (INSERT INTO stock_key (tenant_id, item_id, location_id)
  SELECT *
  FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id) AS wanted
  WHERE true
  ORDER BY item_id, location_id
  ON CONFLICT DO NOTHING
  RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id
  FROM stock_key
  JOIN (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id) AS wanted USING (tenant_id,
    item_id, location_id)
  WHERE (SELECT COUNT(*)
    FROM created) >= 0
  ORDER BY stock_key.item_id, stock_key.location_id
  FOR NO KEY UPDATE OF stock_key)
SELECT (SELECT COUNT(*)
  FROM created) + (SELECT COUNT(*)
  FROM locked) AS had;
--> Result
-->   CTE created
-->     ->  Insert on stock_key
-->           Conflict Resolution: NOTHING
-->           ->  Subquery Scan on "*SELECT*"
-->                 ->  Result
-->   CTE locked
-->     ->  LockRows
-->           InitPlan 2 (returns $2)
-->             ->  Aggregate
-->                   ->  CTE Scan on created
-->           ->  Result
-->                 One-Time Filter: ($2 >= 0)
-->                 ->  Index Scan using stock_key_pkey on stock_key stock_key_1
-->                       Index Cond: ((tenant_id = $1) AND (item_id = (($2 ->> 0))::uuid) AND (location_id = (($2 ->> 1))::uuid))
-->   InitPlan 4 (returns $5)
-->     ->  Aggregate
-->           ->  CTE Scan on created created_1
-->   InitPlan 5 (returns $6)
-->     ->  Aggregate
-->           ->  CTE Scan on locked

-- 10
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 timestamp with time zone, $6 uuid, $7 jsonb, $8 timestamp with time zone, $9 uuid, $10 jsonb, $11 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no
  FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS item_id, (SELECT ($1::jsonb->>1)::uuid) AS location_id) AS wanted
  CROSS JOIN count_truth AS truth
  CROSS JOIN document
  WHERE truth.tenant_id = $3
  AND truth.item_id = wanted.item_id
  AND truth.location_id = wanted.location_id
  AND truth.counted_at >= (SELECT CAST($2 AS TIMESTAMPTZ))
  AND truth.counted_at <= 'infinity'
  AND truth.marked_by IS NULL
  AND document.tenant_id = $3
  AND document.id = truth.document_id) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
          FROM reservation AS past
          WHERE past.tenant_id = stock_key.tenant_id
          AND past.item_id = stock_key.item_id
          AND past.location_id = stock_key.location_id
          AND past.status = 'active'
          AND past.ends_at <= $5), 0) AS BIGINT) END AS reserved_quantity
    FROM (SELECT (SELECT ($4::jsonb->>0)::uuid) AS item_id, (SELECT ($4::jsonb->>1)::uuid) AS location_id) AS given
    CROSS JOIN stock_key
    WHERE stock_key.tenant_id = $6
    AND stock_key.item_id = given.item_id
    AND stock_key.location_id = given.location_id)
  SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
  balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity
  FROM wanted
  CROSS JOIN balance
  CROSS JOIN lot
  WHERE balance.tenant_id = $6
  AND balance.item_id = wanted.item_id
  AND balance.location_id = wanted.location_id
  AND balance.quantity > 0
  AND lot.tenant_id = $6
  AND lot.id = balance.lot_id) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT entry.item_id, entry.location_id, entry.lot_id, entry.effective_at, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity
  FROM (SELECT (SELECT ($7::jsonb->>0)::uuid) AS item_id, (SELECT ($7::jsonb->>1)::uuid) AS location_id) AS wanted
  CROSS JOIN ledger_entry AS entry
  WHERE entry.tenant_id = $9
  AND entry.item_id = wanted.item_id
  AND entry.location_id = wanted.location_id
  AND entry.effective_at > (SELECT CAST($8 AS TIMESTAMPTZ))
  AND entry.effective_at <= 'infinity'
  GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at) AS told
UNION ALL
SELECT 3 AS part, row_to_json(told)::text AS told
FROM (SELECT wanted.place, COALESCE((SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $11
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      AND EXISTS (SELECT 1
        FROM balance
        WHERE balance.tenant_id = lot.tenant_id
        AND balance.item_id = lot.item_id
        AND balance.location_id = wanted.location_id
        AND balance.lot_id = lot.id)
      ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC
      LIMIT 1), (SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $11
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC
      LIMIT 1)) AS lot_id
  FROM (SELECT (SELECT ($10::jsonb->>0)::bigint) AS place, (SELECT ($10::jsonb->>1)::uuid) AS item_id, (SELECT ($10::jsonb->>2)::uuid) AS location_id,
    (SELECT ($10::jsonb->>3)::timestamptz) AS at) AS wanted) AS told;
--> Append
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   InitPlan 5 (returns $4)
-->     ->  Limit
-->           InitPlan 2 (returns $1)
-->             ->  Result
-->           InitPlan 3 (returns $2)
-->             ->  Result
-->           InitPlan 4 (returns $3)
-->             ->  Result
-->           ->  Sort
-->                 Sort Key: lot_1.received_at DESC, lot_1.origin_seq DESC, lot_1.origin_line DESC
-->                 ->  Nested Loop
-->                       Join Filter: (lot_1.id = balance_1.lot_id)
-->                       ->  Index Scan using ix_lot_item_id_origin_seq on lot lot_1
-->                             Index Cond: ((tenant_id = $11) AND (item_id = $1))
-->                             Filter: ((NOT void) AND (received_at <= $2))
-->                       ->  Index Only Scan using balance_pkey on balance balance_1
-->                             Index Cond: ((tenant_id = $11) AND (item_id = $1) AND (location_id = $3))
-->   InitPlan 8 (returns $7)
-->     ->  Limit
-->           InitPlan 6 (returns $5)
-->             ->  Result
-->           InitPlan 7 (returns $6)
-->             ->  Result
-->           ->  Sort
-->                 Sort Key: lot_2.received_at DESC, lot_2.origin_seq DESC, lot_2.origin_line DESC
-->                 ->  Index Scan using ix_lot_item_id_origin_seq on lot lot_2
-->                       Index Cond: ((tenant_id = $11) AND (item_id = $5))
-->                       Filter: ((NOT void) AND (received_at <= $6))
-->   ->  Nested Loop
-->         InitPlan 9 (returns $8)
-->           ->  Result
-->         InitPlan 10 (returns $9)
-->           ->  Result
-->         InitPlan 11 (returns $10)
-->           ->  Result
-->         ->  Index Scan using ix_count_truth_item_id_location_id_counted_at on count_truth truth
-->               Index Cond: ((tenant_id = $3) AND (item_id = $8) AND (location_id = $9) AND (counted_at >= $10) AND (counted_at <= 'infinity'::timestamp with time zone))
-->               Filter: (marked_by IS NULL)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $3) AND (id = truth.document_id))
-->   ->  Subquery Scan on told
-->         ->  Nested Loop
-->               CTE wanted
-->                 ->  Index Scan using stock_key_pkey on stock_key
-->                       Index Cond: ((tenant_id = $6) AND (item_id = $14) AND (location_id = $15))
-->                       InitPlan 13 (returns $14)
-->                         ->  Result
-->                       InitPlan 14 (returns $15)
-->                         ->  Result
-->                       SubPlan 12
-->                         ->  Aggregate
-->                               ->  Index Scan using ix_reservation_item_id_location_id on reservation past
-->                                     Index Cond: ((tenant_id = stock_key.tenant_id) AND (item_id = stock_key.item_id) AND (location_id = stock_key.location_id))
-->                                     Filter: ((ends_at <= $5) AND ((status)::text = 'active'::text))
-->               ->  Nested Loop
-->                     ->  CTE Scan on wanted
-->                     ->  Index Scan using balance_pkey on balance
-->                           Index Cond: ((tenant_id = $6) AND (item_id = wanted.item_id) AND (location_id = wanted.location_id))
-->                           Filter: (quantity > 0)
-->               ->  Index Scan using lot_pkey on lot
-->                     Index Cond: (id = balance.lot_id)
-->                     Filter: (tenant_id = $6)
-->   ->  Subquery Scan on told_1
-->         ->  GroupAggregate
-->               Group Key: entry.item_id, entry.location_id, entry.lot_id, entry.effective_at
-->               InitPlan 16 (returns $17)
-->                 ->  Result
-->               InitPlan 17 (returns $18)
-->                 ->  Result
-->               InitPlan 18 (returns $19)
-->                 ->  Result
-->               ->  Sort
-->                     Sort Key: entry.lot_id, entry.effective_at
-->                     ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry
-->                           Index Cond: ((tenant_id = $9) AND (item_id = $17) AND (location_id = $18) AND (effective_at > $19) AND (effective_at <= 'infinity'::timestamp with time zone))
-->   ->  Result

-- 11
-- $1 uuid
SELECT seq AS number
FROM ledger_head
WHERE tenant_id = $1;
--> Seq Scan on ledger_head
-->   Filter: (tenant_id = $1)

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

-- 13: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 14
COMMIT;
