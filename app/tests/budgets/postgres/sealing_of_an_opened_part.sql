-- sealing of an opened part
-- statements: 22, round trips: 22
-- held at COMMIT: RowExclusiveLock: balance, count_truth, document, document_detail, idempotency, ledger_entry, ledger_head, lot, shortage, stock_key
-- held at COMMIT: RowShareLock: document, location, lot, reason, stock_key

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

-- 3
-- $1 uuid, $2 uuid
SELECT lot.id, lot.item_id, item.sku, lot.batch_code, lot.origin_document_id, lot.origin_line, lot.received_at, lot.produced_on,
lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, item.grace_days, site.time_zone, site.day_starts_at, lot.basis_quantity,
lot.basis_value, unit.code AS unit, lot.void, lot.version, CAST((SELECT COALESCE(SUM(held.quantity), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS quantity, CAST((SELECT COALESCE(SUM(held.value), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS value
FROM lot
JOIN item ON item.tenant_id = lot.tenant_id
AND item.id = lot.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN document ON document.tenant_id = lot.tenant_id
AND document.id = lot.origin_document_id
JOIN location AS site ON site.tenant_id = document.tenant_id
AND site.id = document.site_id
WHERE lot.tenant_id = $1
AND lot.id = $2;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using lot_pkey on lot
-->                           Index Cond: (id = $2)
-->                           Filter: (tenant_id = $1)
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = lot.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = lot.origin_document_id))
-->   ->  Index Scan using location_pkey on location site
-->         Index Cond: (id = document.site_id)
-->         Filter: (tenant_id = $1)
-->   SubPlan 1
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))
-->   SubPlan 2
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance balance_1
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))

-- 4
-- $1 uuid, $2 uuid
SELECT balance.location_id, location.path AS location, balance.quantity, balance.value
FROM balance
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.lot_id = $2
AND balance.quantity > 0
ORDER BY location.path;
--> Sort
-->   Sort Key: location.path COLLATE "C"
-->   ->  Nested Loop
-->         Join Filter: (balance.location_id = location.id)
-->         ->  Index Scan using ix_balance_lot_id on balance
-->               Index Cond: ((tenant_id = $1) AND (lot_id = $2))
-->               Filter: (quantity > 0)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 jsonb
SELECT link.lot_id, link.parent_id, link.quantity, link.document_id
FROM lot_parent AS link
WHERE link.tenant_id = $1
AND link.lot_id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value))
ORDER BY 1, 2;
--> Sort
-->   Sort Key: link.lot_id, link.parent_id
-->   ->  Hash Semi Join
-->         Hash Cond: (link.lot_id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on lot_parent link
-->               Recheck Cond: (tenant_id = $1)
-->               ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 6
-- $1 uuid, $2 uuid
SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note
FROM lot_event
WHERE tenant_id = $1
AND lot_id = $2
ORDER BY number;
--> Index Scan using lot_event_pkey on lot_event
-->   Index Cond: ((tenant_id = $1) AND (lot_id = $2))

-- 7
-- $1 uuid, $2 uuid
SELECT document.type, document.number, document.site_id, document.effective_at, document.business_date, document.position,
detail.transfer_id, detail.count_id
FROM document
LEFT JOIN document_detail AS detail ON detail.tenant_id = document.tenant_id
AND detail.document_id = document.id
WHERE document.tenant_id = $1
AND document.id = $2;
--> Nested Loop Left Join
-->   Join Filter: ((detail.tenant_id = document.tenant_id) AND (detail.document_id = document.id))
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))
-->   ->  Index Scan using document_detail_pkey on document_detail detail
-->         Index Cond: ((tenant_id = $1) AND (document_id = $2))

-- 8: locks rows of document FOR NO KEY UPDATE
-- $1 uuid, $2 uuid
SELECT status
FROM document
WHERE tenant_id = $1
AND id = $2
FOR NO KEY UPDATE;
--> LockRows
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 9
-- $1 uuid, $2 uuid
SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
head.closed_through, head.last_recorded_at, head.last_counted_at
FROM location AS area
JOIN location AS site ON site.tenant_id = area.tenant_id
AND site.id = area.site_id
JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
WHERE area.tenant_id = $1
AND area.id = (SELECT document.location_id
  FROM document
  WHERE document.tenant_id = area.tenant_id
  AND document.id = $2);
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (area.site_id = site.id)
-->         ->  Bitmap Heap Scan on location area
-->               Recheck Cond: (tenant_id = $1)
-->               Filter: (id = (SubPlan 1))
-->               ->  Bitmap Index Scan on ix_location_site_id
-->                     Index Cond: (tenant_id = $1)
-->               SubPlan 1
-->                 ->  Index Scan using uq_document_id on document
-->                       Index Cond: ((tenant_id = area.tenant_id) AND (id = $2))
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)

-- 10
-- $1 uuid, $2 uuid
SELECT entry.line_no, entry.kind, entry.item_id, entry.location_id, entry.lot_id, entry.quantity_delta, entry.value_delta,
entry.effective_at, entry.business_date, lot.origin_document_id
FROM ledger_entry AS entry
JOIN lot ON lot.tenant_id = entry.tenant_id
AND lot.id = entry.lot_id
WHERE entry.tenant_id = $1
AND entry.document_id = $2
ORDER BY +entry.seq;
--> Sort
-->   Sort Key: ((+ entry.seq))
-->   ->  Nested Loop
-->         ->  Index Scan using ix_ledger_entry_document_id on ledger_entry entry
-->               Index Cond: ((tenant_id = $1) AND (document_id = $2))
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = entry.lot_id)
-->               Filter: (tenant_id = $1)

-- 11
-- $1 uuid, $2 uuid
SELECT location.id, location.path, location.site_id, location.archived_at, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT entry.location_id
  FROM ledger_entry AS entry
  WHERE entry.tenant_id = $1
  AND entry.document_id = $2);
--> Nested Loop
-->   ->  Nested Loop Semi Join
-->         Join Filter: (location.id = entry.location_id)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->         ->  Materialize
-->               ->  Index Scan using ix_ledger_entry_document_id on ledger_entry entry
-->                     Index Cond: ((tenant_id = $1) AND (document_id = $2))
-->   ->  Index Scan using location_pkey on location site
-->         Index Cond: (id = location.site_id)
-->         Filter: (tenant_id = $1)

-- 12
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

-- 13
-- $1 uuid, $2 text, $3 jsonb
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $1
  AND kind = $2
  AND code IN (SELECT (SELECT ($3::jsonb->>0)::text) AS code)) AS told;
--> Seq Scan on reason
-->   Filter: ((tenant_id = $1) AND ((kind)::text = $2) AND ((code)::text = $0))
-->   InitPlan 1 (returns $0)
-->     ->  Result

-- 14
-- $1 uuid, $2 uuid
SELECT lot_id, amount, kind
FROM cost_variance
WHERE tenant_id = $1
AND document_id = $2
ORDER BY number;
--> Index Scan using cost_variance_pkey on cost_variance
-->   Index Cond: ((tenant_id = $1) AND (document_id = $2))

-- 15: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 16
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 timestamp with time zone, $6 uuid, $7 jsonb, $8 timestamp with time zone, $9 uuid, $10 jsonb, $11 uuid, $12 jsonb, $13 uuid
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
FROM (SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version
  FROM (SELECT (value->>0)::uuid AS id
    FROM jsonb_array_elements($10::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted
  CROSS JOIN lot
  WHERE lot.tenant_id = $11
  AND lot.id = wanted.id) AS told
UNION ALL
SELECT 4 AS part, row_to_json(told)::text AS told
FROM (SELECT DISTINCT location.id AS location_id, location.kind, site.time_zone, site.day_starts_at
  FROM (SELECT (SELECT ($12::jsonb->>0)::uuid) AS item_id, (SELECT ($12::jsonb->>1)::uuid) AS location_id) AS wanted
  CROSS JOIN location
  CROSS JOIN location AS site
  WHERE location.tenant_id = $13
  AND location.id = wanted.location_id
  AND site.tenant_id = $13
  AND site.id = location.site_id) AS told;
--> Append
-->   ->  Nested Loop
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         InitPlan 2 (returns $1)
-->           ->  Result
-->         InitPlan 3 (returns $2)
-->           ->  Result
-->         ->  Index Scan using ix_count_truth_item_id_location_id_counted_at on count_truth truth
-->               Index Cond: ((tenant_id = $3) AND (item_id = $0) AND (location_id = $1) AND (counted_at >= $2) AND (counted_at <= 'infinity'::timestamp with time zone))
-->               Filter: (marked_by IS NULL)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $3) AND (id = truth.document_id))
-->   ->  Subquery Scan on told
-->         ->  Nested Loop
-->               CTE wanted
-->                 ->  Index Scan using stock_key_pkey on stock_key
-->                       Index Cond: ((tenant_id = $6) AND (item_id = $6) AND (location_id = $7))
-->                       InitPlan 5 (returns $6)
-->                         ->  Result
-->                       InitPlan 6 (returns $7)
-->                         ->  Result
-->                       SubPlan 4
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
-->               InitPlan 8 (returns $9)
-->                 ->  Result
-->               InitPlan 9 (returns $10)
-->                 ->  Result
-->               InitPlan 10 (returns $11)
-->                 ->  Result
-->               ->  Sort
-->                     Sort Key: entry.lot_id, entry.effective_at
-->                     ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry
-->                           Index Cond: ((tenant_id = $9) AND (item_id = $9) AND (location_id = $10) AND (effective_at > $11) AND (effective_at <= 'infinity'::timestamp with time zone))
-->   ->  Nested Loop
-->         ->  Function Scan on jsonb_array_elements given
-->               Filter: (jsonb_typeof(value) = 'array'::text)
-->         ->  Index Scan using lot_pkey on lot lot_1
-->               Index Cond: (id = ((given.value ->> 0))::uuid)
-->               Filter: (tenant_id = $11)
-->   ->  Subquery Scan on told_2
-->         ->  Unique
-->               InitPlan 11 (returns $12)
-->                 ->  Result
-->               ->  Sort
-->                     Sort Key: location.kind COLLATE "C", site.time_zone COLLATE "C", site.day_starts_at COLLATE "C"
-->                     ->  Nested Loop
-->                           Join Filter: (location.site_id = site.id)
-->                           ->  Seq Scan on location
-->                                 Filter: ((tenant_id = $13) AND (id = $12))
-->                           ->  Seq Scan on location site
-->                                 Filter: (tenant_id = $13)

-- 17
-- $1 jsonb, $2 uuid, $3 jsonb, $4 uuid
SELECT wanted.id AS lot_id, document.id AS document_id, document.type, document.number, CAST(CASE WHEN CAST($3 AS TEXT) IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS seen,
COUNT(*) OVER (PARTITION BY wanted.id) AS of_lot
FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS id) AS wanted
CROSS JOIN ledger_entry AS entry
CROSS JOIN document
WHERE entry.tenant_id = $4
AND entry.lot_id = wanted.id
AND document.tenant_id = $4
AND document.id = entry.document_id
AND document.id <> $2
AND document.status = 'posted'
AND document.type <> 'reversal'
GROUP BY wanted.id, document.id, document.type, document.number, document.site_id
ORDER BY 5 DESC, MIN(entry.seq)
LIMIT 100;
--> Limit
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   InitPlan 2 (returns $1)
-->     ->  Result
-->   ->  Sort
-->         Sort Key: (min(entry.seq))
-->         ->  WindowAgg
-->               ->  GroupAggregate
-->                     Group Key: ($0), document.id
-->                     ->  Sort
-->                           Sort Key: document.id
-->                           ->  Nested Loop
-->                                 ->  Index Scan using ix_ledger_entry_lot_id_seq on ledger_entry entry
-->                                       Index Cond: ((tenant_id = $4) AND (lot_id = $1))
-->                                 ->  Index Scan using uq_document_id on document
-->                                       Index Cond: ((tenant_id = $4) AND (id = entry.document_id))
-->                                       Filter: ((id <> $2) AND ((type)::text <> 'reversal'::text) AND ((status)::text = 'posted'::text))

-- 18: locks rows of lot FOR NO KEY UPDATE
-- $1 uuid, $2 jsonb
SELECT lot.id, lot.version
FROM lot
JOIN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)
  WHERE jsonb_typeof(value) = 'array') AS wanted USING (id)
WHERE lot.tenant_id = $1
ORDER BY lot.id
FOR NO KEY UPDATE OF lot;
--> LockRows
-->   ->  Sort
-->         Sort Key: lot.id
-->         ->  Nested Loop
-->               ->  Function Scan on jsonb_array_elements given
-->                     Filter: (jsonb_typeof(value) = 'array'::text)
-->               ->  Index Scan using lot_pkey on lot
-->                     Index Cond: (id = ((given.value ->> 0))::uuid)
-->                     Filter: (tenant_id = $1)

-- 19: writes document
-- $1 uuid, $2 uuid
UPDATE document
SET status = 'reversed', version = version + 1
WHERE tenant_id = $1
AND id = $2
AND status = 'posted';
--> Update on document
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))
-->         Filter: ((status)::text = 'posted'::text)

-- 20: writes balance; writes ledger_head; writes document; writes document_detail; writes lot; writes ledger_entry; writes shortage; writes count_truth
-- $1 uuid, $2 jsonb, $3 bigint, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 text, $9 jsonb, $10 jsonb, $11 uuid, $12 jsonb, $13 jsonb, $14 bigint, $15 uuid, $16 uuid, $17 timestamp with time zone, $18 uuid, $19 uuid, $20 uuid
WITH part0 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT $1::uuid AS tenant_id, (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id, (value->>2)::uuid AS lot_id,
    (value->>3)::bigint AS quantity, (value->>4)::bigint AS value
    FROM jsonb_array_elements($2::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $3, reversal_number = COALESCE(reversal_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $6,
  last_counted_at = COALESCE($7, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(reversal_number,
          0) + 1) || int8send(seq + $3) || convert_to($8, 'UTF8')), 'hex')
  WHERE tenant_id = $4
  AND rules_version = $5
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  RETURNING seq, reversal_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type, status,
    effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
    version, number, last_seq, position, chain_hash)
  SELECT now.*, head.number, head.seq, head.position, head.head_hash
  FROM (SELECT ($9::jsonb->>0)::uuid AS id, ($9::jsonb->>1)::uuid AS tenant_id, ($9::jsonb->>2)::text AS type, ($9::jsonb->>3)::text AS status,
    ($9::jsonb->>4)::timestamptz AS effective_at, ($9::jsonb->>5)::date AS business_date, ($9::jsonb->>6)::timestamptz AS recorded_at,
    ($9::jsonb->>7)::timestamptz AS posted_at, ($9::jsonb->>8)::uuid AS posted_by, ($9::jsonb->>9)::uuid AS site_id, ($9::jsonb->>10)::uuid AS location_id,
    ($9::jsonb->>11)::text AS external_ref, ($9::jsonb->>12)::text AS note, ($9::jsonb->>13)::text AS content_hash, ($9::jsonb->>14)::bigint AS version) AS now
  CROSS JOIN head), after1 AS (INSERT INTO document_detail (tenant_id, document_id, reverses_id, reason_id, about_id, transfer_id,
    count_id, purpose, recipient, approved_by)
  SELECT now.*
  FROM (SELECT ($10::jsonb->>0)::uuid AS tenant_id, ($10::jsonb->>1)::uuid AS document_id, ($10::jsonb->>2)::uuid AS reverses_id,
    ($10::jsonb->>3)::uuid AS reason_id, ($10::jsonb->>4)::uuid AS about_id, ($10::jsonb->>5)::uuid AS transfer_id, ($10::jsonb->>6)::uuid AS count_id,
    ($10::jsonb->>7)::text AS purpose, ($10::jsonb->>8)::text AS recipient, ($10::jsonb->>9)::uuid AS approved_by) AS now
  CROSS JOIN head), after2 AS (UPDATE lot
  SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void,
  revalued_position = CASE WHEN now.revalued THEN head.position ELSE lot.revalued_position END, version = lot.version + 1
  FROM (SELECT $11::uuid AS tenant_id, (value->>0)::uuid AS id, (value->>1)::bigint AS basis_quantity, (value->>2)::bigint AS basis_value,
    (value->>3)::timestamptz AS cost_floor_at, (value->>4)::boolean AS void, (value->>5)::boolean AS revalued
    FROM jsonb_array_elements($12::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS now
  CROSS JOIN head
  WHERE lot.tenant_id = now.tenant_id
  AND lot.id = now.id), after3 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $14 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT (value->>0)::bigint AS place, (value->>1)::uuid AS tenant_id, (value->>2)::uuid AS document_id, (value->>3)::bigint AS line_no,
    (value->>4)::text AS kind, (value->>5)::uuid AS item_id, (value->>6)::uuid AS location_id, (value->>7)::uuid AS lot_id,
    (value->>8)::bigint AS quantity_delta, (value->>9)::bigint AS value_delta, (value->>10)::timestamptz AS effective_at,
    (value->>11)::date AS business_date, (value->>12)::timestamptz AS recorded_at, (value->>13)::uuid AS actor_id, (value->>14)::uuid AS reason_id
    FROM jsonb_array_elements($13::jsonb) AS given(value)) AS now
  CROSS JOIN head), after4 AS (UPDATE shortage
  SET status = 'cleared', cleared_by_document_id = $18, cleared_at = $17::timestamptz, updated_at = $17::timestamptz, version = version + 1
  WHERE tenant_id = $15
  AND document_id = $16
  AND status = 'open'
  AND EXISTS (SELECT 1
    FROM head)), after5 AS (DELETE
  FROM count_truth
  WHERE tenant_id = $19
  AND document_id = $20
  AND EXISTS (SELECT 1
    FROM head))
SELECT *
FROM head;
--> CTE Scan on head
-->   CTE part0
-->     ->  Update on balance
-->           ->  Nested Loop
-->                 ->  Function Scan on jsonb_array_elements given
-->                       Filter: (jsonb_typeof(value) = 'array'::text)
-->                 ->  Index Scan using ix_balance_lot_id on balance
-->                       Index Cond: ((tenant_id = $1) AND (lot_id = ((given.value ->> 2))::uuid))
-->                       Filter: ((((given.value ->> 0))::uuid = item_id) AND (((given.value ->> 1))::uuid = location_id))
-->   CTE head
-->     ->  Update on ledger_head
-->           InitPlan 2 (returns $3)
-->             ->  Aggregate
-->                   ->  CTE Scan on part0
-->           ->  Result
-->                 One-Time Filter: ($3 >= 0)
-->                 ->  Seq Scan on ledger_head
-->                       Filter: ((tenant_id = $4) AND (rules_version = $5))
-->   CTE after0
-->     ->  Insert on document
-->           ->  CTE Scan on head head_1
-->   CTE after1
-->     ->  Insert on document_detail
-->           ->  CTE Scan on head head_2
-->   CTE after2
-->     ->  Update on lot
-->           ->  Nested Loop
-->                 ->  Nested Loop
-->                       ->  Function Scan on jsonb_array_elements given_1
-->                             Filter: (jsonb_typeof(value) = 'array'::text)
-->                       ->  Index Scan using lot_pkey on lot
-->                             Index Cond: (id = ((given_1.value ->> 0))::uuid)
-->                             Filter: (tenant_id = $11)
-->                 ->  CTE Scan on head head_3
-->   CTE after3
-->     ->  Insert on ledger_entry
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_4
-->                 ->  Function Scan on jsonb_array_elements given_2
-->   CTE after4
-->     ->  Update on shortage
-->           InitPlan 8 (returns $15)
-->             ->  CTE Scan on head head_5
-->           ->  Result
-->                 One-Time Filter: $15
-->                 ->  Index Scan using ix_shortage_document_id_line_no on shortage
-->                       Index Cond: ((tenant_id = $15) AND (document_id = $16))
-->                       Filter: ((status)::text = 'open'::text)
-->   CTE after5
-->     ->  Delete on count_truth
-->           InitPlan 10 (returns $18)
-->             ->  CTE Scan on head head_6
-->           ->  Result
-->                 One-Time Filter: $18
-->                 ->  Index Scan using count_truth_pkey on count_truth
-->                       Index Cond: ((tenant_id = $19) AND (document_id = $20))

-- 21: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 22
COMMIT;
