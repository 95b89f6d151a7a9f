-- correction of a receipt
-- statements: 17, round trips: 17
-- held at COMMIT: RowExclusiveLock: balance, correction_line, cost_variance, document, document_detail, idempotency, ledger_entry, ledger_head, lot, stock_key
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
-- $1 uuid, $2 uuid
SELECT document.type, document.site_id, location.archived_at
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.id = $2
AND document.type IN ('receipt', 'opening_stock');
--> Nested Loop
-->   Join Filter: (document.location_id = location.id)
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))
-->         Filter: ((type)::text = ANY ('{receipt,opening_stock}'::text[]))
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)

-- 4: locks rows of document FOR NO KEY UPDATE
-- $1 uuid, $2 uuid
SELECT status
FROM document
WHERE tenant_id = $1
AND id = $2
FOR NO KEY UPDATE;
--> LockRows
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 5
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

-- 6
-- $1 uuid, $2 uuid
SELECT line_no, item_id, lot_id, entered_quantity, entered_unit, quantity, unit_price, discount, charges, value
FROM receipt_line
WHERE tenant_id = $1
AND document_id = $2;
--> Index Scan using receipt_line_pkey on receipt_line
-->   Index Cond: ((tenant_id = $1) AND (document_id = $2))

-- 7
-- $1 uuid, $2 uuid
SELECT line.receipt_line_no, line.entered_quantity, line.entered_unit, line.quantity, line.line_total
FROM document_detail AS detail
JOIN correction_line AS line ON line.tenant_id = detail.tenant_id
AND line.document_id = detail.document_id
JOIN document ON document.tenant_id = detail.tenant_id
AND document.id = detail.document_id
WHERE detail.tenant_id = $1
AND detail.about_id = $2
ORDER BY document.position;
--> Sort
-->   Sort Key: document."position"
-->   ->  Nested Loop
-->         Join Filter: (detail.document_id = line.document_id)
-->         ->  Nested Loop
-->               ->  Index Scan using ix_document_detail_about_id on document_detail detail
-->                     Index Cond: ((tenant_id = $1) AND (about_id = $2))
-->               ->  Index Scan using uq_document_id on document
-->                     Index Cond: ((tenant_id = $1) AND (id = detail.document_id))
-->         ->  Index Scan using correction_line_pkey on correction_line line
-->               Index Cond: ((tenant_id = $1) AND (document_id = document.id))

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

-- 9
-- $1 jsonb, $2 uuid
SELECT DISTINCT balance.item_id, balance.location_id, location.site_id
FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS id) AS wanted
CROSS JOIN balance
CROSS JOIN location
WHERE balance.tenant_id = $2
AND balance.lot_id = wanted.id
AND balance.quantity > 0
AND location.tenant_id = $2
AND location.id = balance.location_id;
--> Unique
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Sort
-->         Sort Key: balance.item_id, balance.location_id, location.site_id
-->         ->  Nested Loop
-->               Join Filter: (balance.location_id = location.id)
-->               ->  Index Scan using ix_balance_lot_id on balance
-->                     Index Cond: ((tenant_id = $2) AND (lot_id = $0))
-->                     Filter: (quantity > 0)
-->               ->  Seq Scan on location
-->                     Filter: (tenant_id = $2)

-- 10: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 11
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 uuid, $6 jsonb, $7 uuid
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
FROM (SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version
  FROM (SELECT (SELECT ($4::jsonb->>0)::uuid) AS id) AS wanted
  CROSS JOIN lot
  WHERE lot.tenant_id = $5
  AND lot.id = wanted.id) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT DISTINCT location.id AS location_id, location.kind, site.time_zone, site.day_starts_at
  FROM (SELECT (SELECT ($6::jsonb->>0)::uuid) AS item_id, (SELECT ($6::jsonb->>1)::uuid) AS location_id) AS wanted
  CROSS JOIN location
  CROSS JOIN location AS site
  WHERE location.tenant_id = $7
  AND location.id = wanted.location_id
  AND site.tenant_id = $7
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
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = $3)
-->         Filter: (tenant_id = $5)
-->         InitPlan 4 (returns $3)
-->           ->  Result
-->   ->  Subquery Scan on told
-->         ->  Unique
-->               InitPlan 5 (returns $4)
-->                 ->  Result
-->               ->  Sort
-->                     Sort Key: location.kind COLLATE "C", site.time_zone COLLATE "C", site.day_starts_at COLLATE "C"
-->                     ->  Nested Loop
-->                           Join Filter: (location.site_id = site.id)
-->                           ->  Seq Scan on location
-->                                 Filter: ((tenant_id = $7) AND (id = $4))
-->                           ->  Seq Scan on location site
-->                                 Filter: (tenant_id = $7)

-- 12
-- $1 jsonb, $2 uuid
SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
balance.location_id, balance.quantity, balance.value, NULL AS reserved_quantity
FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS id) AS wanted
CROSS JOIN lot
CROSS JOIN balance
WHERE lot.tenant_id = $2
AND lot.id = wanted.id
AND balance.tenant_id = $2
AND balance.lot_id = wanted.id
AND balance.quantity > 0;
--> Nested Loop
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   InitPlan 2 (returns $1)
-->     ->  Result
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = $0)
-->         Filter: (tenant_id = $2)
-->   ->  Index Scan using ix_balance_lot_id on balance
-->         Index Cond: ((tenant_id = $2) AND (lot_id = $1))
-->         Filter: (quantity > 0)

-- 13
-- $1 jsonb, $2 uuid
SELECT entry.lot_id, MAX(entry.effective_at) AS last_moved_at
FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS id) AS wanted
CROSS JOIN ledger_entry AS entry
WHERE entry.tenant_id = $2
AND entry.lot_id = wanted.id
GROUP BY entry.lot_id;
--> GroupAggregate
-->   Group Key: entry.lot_id
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Index Scan using ix_ledger_entry_lot_id_seq on ledger_entry entry
-->         Index Cond: ((tenant_id = $2) AND (lot_id = $0))

-- 14: locks rows of lot FOR NO KEY UPDATE
-- $1 uuid, $2 jsonb
SELECT lot.id, lot.version
FROM lot
JOIN (SELECT (SELECT ($2::jsonb->>0)::uuid) AS id) AS wanted USING (id)
WHERE lot.tenant_id = $1
ORDER BY lot.id
FOR NO KEY UPDATE OF lot;
--> LockRows
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = $0)
-->         Filter: (tenant_id = $1)

-- 15: writes balance; writes ledger_head; writes document; writes document_detail; writes lot; writes ledger_entry; writes correction_line; writes cost_variance
-- $1 uuid, $2 jsonb, $3 bigint, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 text, $9 jsonb, $10 jsonb, $11 uuid, $12 jsonb, $13 jsonb, $14 bigint, $15 jsonb, $16 uuid, $17 uuid, $18 jsonb
WITH part0 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id, ($2::jsonb->>2)::uuid AS lot_id,
    ($2::jsonb->>3)::bigint AS quantity, ($2::jsonb->>4)::bigint AS value) AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $3, correction_number = COALESCE(correction_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $6,
  last_counted_at = COALESCE($7, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(correction_number,
          0) + 1) || int8send(seq + $3) || convert_to($8, 'UTF8')), 'hex')
  WHERE tenant_id = $4
  AND rules_version = $5
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  RETURNING seq, correction_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type,
    status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
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
  FROM (SELECT $11::uuid AS tenant_id, ($12::jsonb->>0)::uuid AS id, ($12::jsonb->>1)::bigint AS basis_quantity, ($12::jsonb->>2)::bigint AS basis_value,
    ($12::jsonb->>3)::timestamptz AS cost_floor_at, ($12::jsonb->>4)::boolean AS void, ($12::jsonb->>5)::boolean AS revalued) AS now
  CROSS JOIN head
  WHERE lot.tenant_id = now.tenant_id
  AND lot.id = now.id), after3 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $14 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT ($13::jsonb->>0)::bigint AS place, ($13::jsonb->>1)::uuid AS tenant_id, ($13::jsonb->>2)::uuid AS document_id,
    ($13::jsonb->>3)::bigint AS line_no, ($13::jsonb->>4)::text AS kind, ($13::jsonb->>5)::uuid AS item_id, ($13::jsonb->>6)::uuid AS location_id,
    ($13::jsonb->>7)::uuid AS lot_id, ($13::jsonb->>8)::bigint AS quantity_delta, ($13::jsonb->>9)::bigint AS value_delta,
    ($13::jsonb->>10)::timestamptz AS effective_at, ($13::jsonb->>11)::date AS business_date, ($13::jsonb->>12)::timestamptz AS recorded_at,
    ($13::jsonb->>13)::uuid AS actor_id, ($13::jsonb->>14)::uuid AS reason_id) AS now
  CROSS JOIN head), after4 AS (INSERT INTO correction_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity,
    entered_unit, quantity, value, receipt_line_no, line_total)
  SELECT $16, $17, line.*
  FROM (SELECT ($15::jsonb->>0)::bigint AS line_no, ($15::jsonb->>1)::uuid AS item_id, ($15::jsonb->>2)::uuid AS lot_id, ($15::jsonb->>3)::bigint AS entered_quantity,
    ($15::jsonb->>4)::text AS entered_unit, ($15::jsonb->>5)::bigint AS quantity, ($15::jsonb->>6)::bigint AS value, ($15::jsonb->>7)::bigint AS receipt_line_no,
    ($15::jsonb->>8)::bigint AS line_total) AS line
  CROSS JOIN head), after5 AS (INSERT INTO cost_variance (tenant_id, document_id, number, lot_id, amount, kind)
  SELECT now.*
  FROM (SELECT ($18::jsonb->>0)::uuid AS tenant_id, ($18::jsonb->>1)::uuid AS document_id, ($18::jsonb->>2)::bigint AS number,
    ($18::jsonb->>3)::uuid AS lot_id, ($18::jsonb->>4)::bigint AS amount, ($18::jsonb->>5)::text AS kind) AS now
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
-->     ->  Update on lot
-->           ->  Nested Loop
-->                 ->  Index Scan using lot_pkey on lot
-->                       Index Cond: (id = (($12 ->> 0))::uuid)
-->                       Filter: (tenant_id = $11)
-->                 ->  CTE Scan on head head_3
-->   CTE after3
-->     ->  Insert on ledger_entry
-->           ->  CTE Scan on head head_4
-->   CTE after4
-->     ->  Insert on correction_line
-->           ->  CTE Scan on head head_5
-->   CTE after5
-->     ->  Insert on cost_variance
-->           ->  CTE Scan on head head_6

-- 16: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 17
COMMIT;
