-- import of a receipt
-- statements: 12, round trips: 12
-- held at COMMIT: RowExclusiveLock: balance, document, idempotency, import, ledger_entry, ledger_head, lot, receipt_line, stock_key
-- held at COMMIT: RowShareLock: document, item, location, lot, stock_key

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

-- 7: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 8
-- $1 jsonb, $2 timestamp with time zone, $3 uuid
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
  AND document.id = truth.document_id) AS told;
--> Nested Loop
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Nested Loop
-->         ->  Function Scan on jsonb_array_elements given
-->               Filter: (jsonb_typeof(value) = 'array'::text)
-->         ->  Index Scan using ix_count_truth_item_id_location_id_counted_at on count_truth truth
-->               Index Cond: ((tenant_id = $3) AND (item_id = ((given.value ->> 0))::uuid) AND (location_id = ((given.value ->> 1))::uuid) AND (counted_at >= $0) AND (counted_at <= 'infinity'::timestamp with time zone))
-->               Filter: (marked_by IS NULL)
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $3) AND (id = truth.document_id))

-- 9: writes balance; writes ledger_head; writes document; writes lot; writes ledger_entry; writes receipt_line
-- $1 uuid, $2 jsonb, $3 bigint, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 text, $9 jsonb, $10 jsonb, $11 bigint, $12 jsonb, $13 bigint, $14 jsonb, $15 uuid, $16 uuid
WITH part0 AS (INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value)
  SELECT *
  FROM (SELECT $1::uuid AS tenant_id, (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id, (value->>2)::uuid AS lot_id,
    (value->>3)::bigint AS quantity, (value->>4)::bigint AS value
    FROM jsonb_array_elements($2::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array') AS now
  WHERE true
  ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE
  SET quantity = excluded.quantity, value = excluded.value
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $3, receipt_number = COALESCE(receipt_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $6,
  last_counted_at = COALESCE($7, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(receipt_number,
          0) + 1) || int8send(seq + $3) || convert_to($8, 'UTF8')), 'hex')
  WHERE tenant_id = $4
  AND rules_version = $5
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  RETURNING seq, receipt_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type, status,
    effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
    version, number, last_seq, position, chain_hash)
  SELECT now.*, head.number, head.seq, head.position, head.head_hash
  FROM (SELECT ($9::jsonb->>0)::uuid AS id, ($9::jsonb->>1)::uuid AS tenant_id, ($9::jsonb->>2)::text AS type, ($9::jsonb->>3)::text AS status,
    ($9::jsonb->>4)::timestamptz AS effective_at, ($9::jsonb->>5)::date AS business_date, ($9::jsonb->>6)::timestamptz AS recorded_at,
    ($9::jsonb->>7)::timestamptz AS posted_at, ($9::jsonb->>8)::uuid AS posted_by, ($9::jsonb->>9)::uuid AS site_id, ($9::jsonb->>10)::uuid AS location_id,
    ($9::jsonb->>11)::text AS external_ref, ($9::jsonb->>12)::text AS note, ($9::jsonb->>13)::text AS content_hash, ($9::jsonb->>14)::bigint AS version) AS now
  CROSS JOIN head), after1 AS (INSERT INTO lot (id, tenant_id, item_id, origin_document_id, origin_line, batch_code, received_at,
    produced_on, expires_on, date_kind, basis_quantity, basis_value, cost_floor_at, void, version, opened_at, origin_seq)
  SELECT now.*, head.seq - $11 + 1
  FROM (SELECT (value->>0)::uuid AS id, (value->>1)::uuid AS tenant_id, (value->>2)::uuid AS item_id, (value->>3)::uuid AS origin_document_id,
    (value->>4)::bigint AS origin_line, (value->>5)::text AS batch_code, (value->>6)::timestamptz AS received_at, (value->>7)::date AS produced_on,
    (value->>8)::date AS expires_on, (value->>9)::text AS date_kind, (value->>10)::bigint AS basis_quantity, (value->>11)::bigint AS basis_value,
    (value->>12)::timestamptz AS cost_floor_at, (value->>13)::boolean AS void, (value->>14)::bigint AS version, (value->>15)::timestamptz AS opened_at
    FROM jsonb_array_elements($10::jsonb) AS given(value)) AS now
  CROSS JOIN head), after2 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $13 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT (value->>0)::bigint AS place, (value->>1)::uuid AS tenant_id, (value->>2)::uuid AS document_id, (value->>3)::bigint AS line_no,
    (value->>4)::text AS kind, (value->>5)::uuid AS item_id, (value->>6)::uuid AS location_id, (value->>7)::uuid AS lot_id,
    (value->>8)::bigint AS quantity_delta, (value->>9)::bigint AS value_delta, (value->>10)::timestamptz AS effective_at,
    (value->>11)::date AS business_date, (value->>12)::timestamptz AS recorded_at, (value->>13)::uuid AS actor_id, (value->>14)::uuid AS reason_id
    FROM jsonb_array_elements($12::jsonb) AS given(value)) AS now
  CROSS JOIN head), after3 AS (INSERT INTO receipt_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity,
    entered_unit, quantity, unit_price, line_total, free, discount, charges, value, batch_code, expires_on, produced_on)
  SELECT $15, $16, line.*
  FROM (SELECT (value->>0)::bigint AS line_no, (value->>1)::uuid AS item_id, (value->>2)::uuid AS lot_id, (value->>3)::bigint AS entered_quantity,
    (value->>4)::text AS entered_unit, (value->>5)::bigint AS quantity, (value->>6)::bigint AS unit_price, (value->>7)::bigint AS line_total,
    (value->>8)::text AS free, (value->>9)::bigint AS discount, (value->>10)::bigint AS charges, (value->>11)::bigint AS value,
    (value->>12)::text AS batch_code, (value->>13)::date AS expires_on, (value->>14)::date AS produced_on
    FROM jsonb_array_elements($14::jsonb) AS given(value)) AS line
  CROSS JOIN head)
SELECT *
FROM head;
--> CTE Scan on head
-->   CTE part0
-->     ->  Insert on balance
-->           Conflict Resolution: UPDATE
-->           Conflict Arbiter Indexes: balance_pkey
-->           ->  Function Scan on jsonb_array_elements given
-->                 Filter: (jsonb_typeof(value) = 'array'::text)
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
-->     ->  Insert on lot
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_2
-->                 ->  Function Scan on jsonb_array_elements given_1
-->   CTE after2
-->     ->  Insert on ledger_entry
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_3
-->                 ->  Function Scan on jsonb_array_elements given_2
-->   CTE after3
-->     ->  Insert on receipt_line
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_4
-->                 ->  Function Scan on jsonb_array_elements given_3

-- 10: writes import
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

-- 11: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 12
COMMIT;
