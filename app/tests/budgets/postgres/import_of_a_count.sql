-- import of a count
-- statements: 20, round trips: 20
-- held at COMMIT: RowExclusiveLock: balance, count_result_line, count_truth, document, document_detail, idempotency, import, ledger_entry, ledger_head, shortage, stock_count, stock_count_line, stock_key
-- held at COMMIT: RowShareLock: document, item, location, stock_count, stock_key

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
-- $1 uuid, $2 text, $3 text
SELECT CAST(COUNT(*) AS BIGINT) AS times
FROM import
WHERE tenant_id = $1
AND kind = $2
AND content_hash = $3;
--> Aggregate
-->   ->  Index Only Scan using ix_import_kind_content_hash_repetition on import
-->         Index Cond: ((tenant_id = $1) AND (kind = $2) AND (content_hash = $3))

-- 4: writes import
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 uuid, $7 timestamp with time zone
INSERT INTO import (id, tenant_id, kind, content_hash, repetition, rows_posted, rows_skipped, items_created, imported_by,
  imported_at)
VALUES ($1, $2, $3, $4, $5, 0, 0, false, $6, $7);
--> Insert on import
-->   ->  Result

-- 5
-- $1 uuid, $2 text
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told;
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (area.site_id = site.id)
-->         ->  Seq Scan on location area
-->               Filter: ((tenant_id = $1) AND ((path)::text = $2))
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)

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

-- 9
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

-- 10
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
  AND item.id IN (SELECT (value->>0)::uuid AS id
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
-->                           Group Key: ((given.value ->> 0))::uuid
-->                           ->  Function Scan on jsonb_array_elements given
-->                                 Filter: (jsonb_typeof(value) = 'array'::text)
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = ((given.value ->> 0))::uuid))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $1) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $3)

-- 11: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
-- $1 uuid, $2 jsonb
WITH created AS (INSERT INTO stock_key (tenant_id, item_id, location_id)
  SELECT *
  FROM (SELECT $1::uuid AS tenant_id, (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
    FROM jsonb_array_elements($2::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted
  WHERE true
  ORDER BY item_id, location_id
  ON CONFLICT DO NOTHING
  RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id
  FROM stock_key
  JOIN (SELECT $1::uuid AS tenant_id, (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
    FROM jsonb_array_elements($2::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted USING (tenant_id, item_id, location_id)
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
-->                 ->  Sort
-->                       Sort Key: (((given.value ->> 0))::uuid), (((given.value ->> 1))::uuid)
-->                       ->  Function Scan on jsonb_array_elements given
-->                             Filter: (jsonb_typeof(value) = 'array'::text)
-->   CTE locked
-->     ->  LockRows
-->           InitPlan 2 (returns $2)
-->             ->  Aggregate
-->                   ->  CTE Scan on created
-->           ->  Sort
-->                 Sort Key: stock_key_1.item_id, stock_key_1.location_id
-->                 ->  Result
-->                       One-Time Filter: ($2 >= 0)
-->                       ->  Nested Loop
-->                             ->  Function Scan on jsonb_array_elements given_1
-->                                   Filter: (jsonb_typeof(value) = 'array'::text)
-->                             ->  Index Scan using stock_key_pkey on stock_key stock_key_1
-->                                   Index Cond: ((tenant_id = $1) AND (item_id = ((given_1.value ->> 0))::uuid) AND (location_id = ((given_1.value ->> 1))::uuid))
-->   InitPlan 4 (returns $6)
-->     ->  Aggregate
-->           ->  CTE Scan on created created_1
-->   InitPlan 5 (returns $7)
-->     ->  Aggregate
-->           ->  CTE Scan on locked

-- 12
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 timestamp with time zone, $6 uuid, $7 jsonb, $8 timestamp with time zone, $9 uuid, $10 jsonb, $11 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no
  FROM (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
    FROM jsonb_array_elements($1::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted
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
    FROM (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
      FROM jsonb_array_elements($4::jsonb) AS given(value)
      WHERE jsonb_typeof(value) = 'array') AS given
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
  FROM (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
    FROM jsonb_array_elements($7::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted
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
  FROM (SELECT (value->>0)::bigint AS place, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id, (value->>3)::timestamptz AS at
    FROM jsonb_array_elements($10::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS wanted) AS told;
--> Append
-->   ->  Nested Loop
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         ->  Nested Loop
-->               ->  Function Scan on jsonb_array_elements given
-->                     Filter: (jsonb_typeof(value) = 'array'::text)
-->               ->  Index Scan using ix_count_truth_item_id_location_id_counted_at on count_truth truth
-->                     Index Cond: ((tenant_id = $3) AND (item_id = ((given.value ->> 0))::uuid) AND (location_id = ((given.value ->> 1))::uuid) AND (counted_at >= $0) AND (counted_at <= 'infinity'::timestamp with time zone))
-->                     Filter: (marked_by IS NULL)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $3) AND (id = truth.document_id))
-->   ->  Subquery Scan on told
-->         ->  Nested Loop
-->               CTE wanted
-->                 ->  Nested Loop
-->                       ->  Function Scan on jsonb_array_elements given_3
-->                             Filter: (jsonb_typeof(value) = 'array'::text)
-->                       ->  Index Scan using stock_key_pkey on stock_key
-->                             Index Cond: ((tenant_id = $6) AND (item_id = ((given_3.value ->> 0))::uuid) AND (location_id = ((given_3.value ->> 1))::uuid))
-->                       SubPlan 2
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
-->               InitPlan 4 (returns $6)
-->                 ->  Result
-->               ->  Sort
-->                     Sort Key: entry.item_id, entry.location_id, entry.lot_id, entry.effective_at
-->                     ->  Nested Loop
-->                           ->  Function Scan on jsonb_array_elements given_1
-->                                 Filter: (jsonb_typeof(value) = 'array'::text)
-->                           ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry
-->                                 Index Cond: ((tenant_id = $9) AND (item_id = ((given_1.value ->> 0))::uuid) AND (location_id = ((given_1.value ->> 1))::uuid) AND (effective_at > $6) AND (effective_at <= 'infinity'::timestamp with time zone))
-->   ->  Function Scan on jsonb_array_elements given_2
-->         Filter: (jsonb_typeof(value) = 'array'::text)
-->         SubPlan 5
-->           ->  Limit
-->                 ->  Sort
-->                       Sort Key: lot_1.received_at DESC, lot_1.origin_seq DESC, lot_1.origin_line DESC
-->                       ->  Nested Loop
-->                             Join Filter: (lot_1.id = balance_1.lot_id)
-->                             ->  Index Scan using ix_lot_item_id_origin_seq on lot lot_1
-->                                   Index Cond: ((tenant_id = $11) AND (item_id = ((given_2.value ->> 1))::uuid))
-->                                   Filter: ((NOT void) AND (received_at <= ((given_2.value ->> 3))::timestamp with time zone))
-->                             ->  Index Only Scan using balance_pkey on balance balance_1
-->                                   Index Cond: ((tenant_id = $11) AND (item_id = ((given_2.value ->> 1))::uuid) AND (location_id = ((given_2.value ->> 2))::uuid))
-->         SubPlan 6
-->           ->  Limit
-->                 ->  Sort
-->                       Sort Key: lot_2.received_at DESC, lot_2.origin_seq DESC, lot_2.origin_line DESC
-->                       ->  Index Scan using ix_lot_item_id_origin_seq on lot lot_2
-->                             Index Cond: ((tenant_id = $11) AND (item_id = ((given_2.value ->> 1))::uuid))
-->                             Filter: ((NOT void) AND (received_at <= ((given_2.value ->> 3))::timestamp with time zone))

-- 13: writes stock_count
-- $1 jsonb
INSERT INTO stock_count (id, tenant_id, version, created_at, updated_at, status, location_id, site_id, blind, needs_approval,
  uncounted, external_ref, note, created_by)
SELECT ($1::jsonb->>0)::uuid AS id, ($1::jsonb->>1)::uuid AS tenant_id, ($1::jsonb->>2)::bigint AS version, ($1::jsonb->>3)::timestamptz AS created_at,
($1::jsonb->>4)::timestamptz AS updated_at, ($1::jsonb->>5)::text AS status, ($1::jsonb->>6)::uuid AS location_id, ($1::jsonb->>7)::uuid AS site_id,
($1::jsonb->>8)::boolean AS blind, ($1::jsonb->>9)::boolean AS needs_approval, ($1::jsonb->>10)::text AS uncounted, ($1::jsonb->>11)::text AS external_ref,
($1::jsonb->>12)::text AS note, ($1::jsonb->>13)::uuid AS created_by;
--> Insert on stock_count
-->   ->  Result

-- 14: writes stock_count_line
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

-- 15: writes balance; writes ledger_head; writes document; writes document_detail; writes ledger_entry; writes count_result_line; writes count_truth
-- $1 uuid, $2 jsonb, $3 bigint, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 text, $9 jsonb, $10 jsonb, $11 jsonb, $12 bigint, $13 jsonb, $14 uuid, $15 uuid, $16 jsonb
WITH part0 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id, ($2::jsonb->>2)::uuid AS lot_id,
    ($2::jsonb->>3)::bigint AS quantity, ($2::jsonb->>4)::bigint AS value) AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $3, count_number = COALESCE(count_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $6,
  last_counted_at = COALESCE($7, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(count_number,
          0) + 1) || int8send(seq + $3) || convert_to($8, 'UTF8')), 'hex')
  WHERE tenant_id = $4
  AND rules_version = $5
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  RETURNING seq, count_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type, status,
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
  CROSS JOIN head), after2 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $12 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT ($11::jsonb->>0)::bigint AS place, ($11::jsonb->>1)::uuid AS tenant_id, ($11::jsonb->>2)::uuid AS document_id,
    ($11::jsonb->>3)::bigint AS line_no, ($11::jsonb->>4)::text AS kind, ($11::jsonb->>5)::uuid AS item_id, ($11::jsonb->>6)::uuid AS location_id,
    ($11::jsonb->>7)::uuid AS lot_id, ($11::jsonb->>8)::bigint AS quantity_delta, ($11::jsonb->>9)::bigint AS value_delta,
    ($11::jsonb->>10)::timestamptz AS effective_at, ($11::jsonb->>11)::date AS business_date, ($11::jsonb->>12)::timestamptz AS recorded_at,
    ($11::jsonb->>13)::uuid AS actor_id, ($11::jsonb->>14)::uuid AS reason_id) AS now
  CROSS JOIN head), after3 AS (INSERT INTO count_result_line (tenant_id, document_id, line_no, item_id, location_id, lot_id,
    entered_quantity, entered_unit, quantity, counted_at, counted_by, expected, variance, short_quantity, value, superseded,
    moved)
  SELECT $14, $15, line.*
  FROM (SELECT (value->>0)::bigint AS line_no, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id, (value->>3)::uuid AS lot_id,
    (value->>4)::bigint AS entered_quantity, (value->>5)::text AS entered_unit, (value->>6)::bigint AS quantity, (value->>7)::timestamptz AS counted_at,
    (value->>8)::uuid AS counted_by, (value->>9)::bigint AS expected, (value->>10)::bigint AS variance, (value->>11)::bigint AS short_quantity,
    (value->>12)::bigint AS value, (value->>13)::boolean AS superseded, (value->>14)::boolean AS moved
    FROM jsonb_array_elements($13::jsonb) AS given(value)) AS line
  CROSS JOIN head), after4 AS (INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, lot_id, counted_at,
    quantity)
  SELECT now.*
  FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS document_id, (value->>2)::bigint AS line_no, (value->>3)::uuid AS item_id,
    (value->>4)::uuid AS location_id, (value->>5)::uuid AS lot_id, (value->>6)::timestamptz AS counted_at, (value->>7)::bigint AS quantity
    FROM jsonb_array_elements($16::jsonb) AS given(value)) AS now
  CROSS JOIN head)
SELECT *
FROM head;
--> CTE Scan on head
-->   CTE part0
-->     ->  Update on balance
-->           ->  Index Scan using ix_balance_lot_id on balance
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = (($2 ->> 2))::uuid))
-->                 Filter: ((item_id = (($2 ->> 0))::uuid) AND (location_id = (($2 ->> 1))::uuid))
-->   CTE head
-->     ->  Update on ledger_head
-->           InitPlan 2 (returns $2)
-->             ->  Aggregate
-->                   ->  CTE Scan on part0
-->           ->  Result
-->                 One-Time Filter: ($2 >= 0)
-->                 ->  Seq Scan on ledger_head
-->                       Filter: ((tenant_id = $4) AND (rules_version = $5))
-->   CTE after0
-->     ->  Insert on document
-->           ->  CTE Scan on head head_1
-->   CTE after1
-->     ->  Insert on document_detail
-->           ->  CTE Scan on head head_2
-->   CTE after2
-->     ->  Insert on ledger_entry
-->           ->  CTE Scan on head head_3
-->   CTE after3
-->     ->  Insert on count_result_line
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_4
-->                 ->  Function Scan on jsonb_array_elements given
-->   CTE after4
-->     ->  Insert on count_truth
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_5
-->                 ->  Function Scan on jsonb_array_elements given_1

-- 16: writes shortage
-- $1 jsonb, $2 uuid, $3 uuid, $4 timestamp with time zone
UPDATE shortage
SET status = 'cleared', cleared_by_document_id = $3, cleared_at = $4::timestamptz, updated_at = $4::timestamptz, version = shortage.version + 1
FROM (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id, (value->>2)::timestamptz AS counted_at
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS counted
WHERE shortage.tenant_id = $2
AND shortage.status = 'open'
AND shortage.document_id <> $3
AND shortage.item_id = counted.item_id
AND shortage.location_id = counted.location_id
AND EXISTS (SELECT 1
  FROM document
  WHERE document.tenant_id = shortage.tenant_id
  AND document.id = shortage.document_id
  AND document.effective_at <= counted.counted_at)
RETURNING id;
--> Update on shortage
-->   ->  Nested Loop
-->         Join Filter: (document.effective_at <= ((given.value ->> 2))::timestamp with time zone)
-->         ->  Hash Join
-->               Hash Cond: ((shortage.item_id = ((given.value ->> 0))::uuid) AND (shortage.location_id = ((given.value ->> 1))::uuid))
-->               ->  Bitmap Heap Scan on shortage
-->                     Recheck Cond: ((tenant_id = $2) AND ((status)::text = 'open'::text))
-->                     Filter: (document_id <> $3)
-->                     ->  Bitmap Index Scan on ix_shortage_item_id_location_id_status
-->                           Index Cond: ((tenant_id = $2) AND ((status)::text = 'open'::text))
-->               ->  Hash
-->                     ->  Function Scan on jsonb_array_elements given
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $2) AND (id = shortage.document_id))

-- 17: writes stock_count
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 text, $6 uuid, $7 timestamp with time zone, $8 timestamp with time zone, $9 bigint, $10 uuid, $11 text
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> Update on stock_count
-->   ->  Index Scan using uq_stock_count_id on stock_count
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 18: writes import
-- $1 bigint, $2 bigint, $3 boolean, $4 uuid, $5 text, $6 text, $7 timestamp with time zone
UPDATE import
SET rows_posted = $1, rows_skipped = $2, items_created = $3
WHERE tenant_id = $4
AND kind = $5
AND content_hash = $6
AND imported_at = $7;
--> Update on import
-->   ->  Index Scan using ix_import_kind_content_hash_repetition on import
-->         Index Cond: ((tenant_id = $4) AND ((kind)::text = $5) AND ((content_hash)::text = $6))
-->         Filter: (imported_at = $7)

-- 19: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 20
COMMIT;
