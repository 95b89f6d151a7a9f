-- correction of a receipt
-- statements: 22, round trips: 22
-- held at COMMIT: RowExclusiveLock: balance, correction_line, cost_variance, document, document_detail, idempotency, ledger_entry, ledger_head, lot, stock_key
-- held at COMMIT: RowShareLock: document, item, location, lot, stock_key

-- 1
BEGIN;

-- 2: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING;
--> Insert on idempotency
-->   Conflict Resolution: NOTHING
-->   ->  Result

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
head.closed_through, (SELECT MAX(last.recorded_at)
  FROM document AS last
  WHERE last.tenant_id = head.tenant_id
  AND last.last_seq = head.seq) AS last_recorded_at, (SELECT MAX(last.effective_at)
  FROM document AS last
  WHERE last.tenant_id = head.tenant_id
  AND last.last_seq = head.seq
  AND last.type = 'count') AS last_counted_at
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
-->               Filter: (id = (SubPlan 3))
-->               ->  Bitmap Index Scan on ix_location_site_id
-->                     Index Cond: (tenant_id = $1)
-->               SubPlan 3
-->                 ->  Index Scan using uq_document_id on document
-->                       Index Cond: ((tenant_id = area.tenant_id) AND (id = $2))
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)
-->   SubPlan 1
-->     ->  Aggregate
-->           ->  Index Scan using ix_document_last_seq on document last
-->                 Index Cond: ((tenant_id = head.tenant_id) AND (last_seq = head.seq))
-->   SubPlan 2
-->     ->  Aggregate
-->           ->  Index Scan using ix_document_last_seq on document last_1
-->                 Index Cond: ((tenant_id = head.tenant_id) AND (last_seq = head.seq))
-->                 Filter: ((type)::text = 'count'::text)

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
-- $1 uuid, $2 text, $3 text
SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
item.shelf_life_days, item.opened_shelf_life_days, item.archived_at
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value))
UNION
SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
item.shelf_life_days, item.opened_shelf_life_days, item.archived_at
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.sku IN (SELECT (value->>0)::text AS sku
  FROM jsonb_array_elements($3::jsonb) AS given(value));
--> HashAggregate
-->   Group Key: item.id, item.sku, unit.code, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days, item.shelf_life_days, item.opened_shelf_life_days, item.archived_at
-->   ->  Append
-->         ->  Nested Loop
-->               ->  Hash Semi Join
-->                     Hash Cond: (item.id = ((given.value ->> 0))::uuid)
-->                     ->  Bitmap Heap Scan on item
-->                           Recheck Cond: (tenant_id = $1)
-->                           ->  Bitmap Index Scan on ix_item_updated_at_id
-->                                 Index Cond: (tenant_id = $1)
-->                     ->  Hash
-->                           ->  Function Scan on jsonb_array_elements given
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Hash Join
-->               Hash Cond: (item_1.base_unit_id = unit_1.id)
-->               ->  Hash Semi Join
-->                     Hash Cond: ((item_1.sku)::text = ((given_1.value ->> 0))::text)
-->                     ->  Bitmap Heap Scan on item item_1
-->                           Recheck Cond: (tenant_id = $1)
-->                           ->  Bitmap Index Scan on ix_item_updated_at_id
-->                                 Index Cond: (tenant_id = $1)
-->                     ->  Hash
-->                           ->  Function Scan on jsonb_array_elements given_1
-->               ->  Hash
-->                     ->  Seq Scan on unit unit_1
-->                           Filter: (tenant_id = $1)

-- 9
-- $1 uuid, $2 text
SELECT item_id, code, numerator, denominator
FROM item_unit
WHERE tenant_id = $1
AND item_id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Hash Semi Join
-->   Hash Cond: (item_unit.item_id = ((given.value ->> 0))::uuid)
-->   ->  Bitmap Heap Scan on item_unit
-->         Recheck Cond: (tenant_id = $1)
-->         ->  Bitmap Index Scan on ix_item_unit_item_id_code
-->               Index Cond: (tenant_id = $1)
-->   ->  Hash
-->         ->  Function Scan on jsonb_array_elements given

-- 10
-- $1 uuid
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = $1
ORDER BY "unit"."code" ASC;
--> Sort
-->   Sort Key: code COLLATE "C"
-->   ->  Seq Scan on unit
-->         Filter: (tenant_id = $1)

-- 11
-- $1 text
SELECT DISTINCT balance.item_id, balance.location_id, location.site_id
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN balance ON balance.tenant_id = wanted.tenant_id
AND balance.lot_id = wanted.id
AND balance.quantity > 0
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id;
--> Unique
-->   ->  Sort
-->         Sort Key: balance.item_id, balance.location_id, location.site_id
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Function Scan on jsonb_array_elements given
-->                     ->  Index Scan using ix_balance_lot_id on balance
-->                           Index Cond: ((tenant_id = ((given.value ->> 0))::uuid) AND (lot_id = ((given.value ->> 1))::uuid))
-->                           Filter: (quantity > 0)
-->               ->  Index Scan using location_pkey on location
-->                     Index Cond: (id = balance.location_id)
-->                     Filter: (balance.tenant_id = tenant_id)

-- 12: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
-- $1 text
WITH created AS (INSERT INTO stock_key (tenant_id, item_id, location_id)
  SELECT *
  FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id
    FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
  WHERE true
  ORDER BY item_id, location_id
  ON CONFLICT DO NOTHING
  RETURNING item_id), locked AS MATERIALIZED (SELECT stock_key.item_id
  FROM stock_key
  JOIN (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id
    FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted USING (tenant_id, item_id, location_id)
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
-->                       Sort Key: (((given.value ->> 1))::uuid), (((given.value ->> 2))::uuid)
-->                       ->  Function Scan on jsonb_array_elements given
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
-->                             ->  Index Scan using stock_key_pkey on stock_key stock_key_1
-->                                   Index Cond: ((tenant_id = ((given_1.value ->> 0))::uuid) AND (item_id = ((given_1.value ->> 1))::uuid) AND (location_id = ((given_1.value ->> 2))::uuid))
-->   InitPlan 4 (returns $6)
-->     ->  Aggregate
-->           ->  CTE Scan on created created_1
-->   InitPlan 5 (returns $7)
-->     ->  Aggregate
-->           ->  CTE Scan on locked

-- 13
-- $1 text, $2 timestamp with time zone
SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN count_truth AS truth ON truth.tenant_id = wanted.tenant_id
AND truth.item_id = wanted.item_id
AND truth.location_id = wanted.location_id
JOIN document ON document.tenant_id = truth.tenant_id
AND document.id = truth.document_id
WHERE truth.counted_at >= $2
AND truth.marked_by IS NULL
ORDER BY truth.counted_at, truth.document_id, truth.line_no;
--> Sort
-->   Sort Key: truth.counted_at, truth.document_id, truth.line_no
-->   ->  Nested Loop
-->         ->  Hash Join
-->               Hash Cond: ((((given.value ->> 0))::uuid = truth.tenant_id) AND (((given.value ->> 1))::uuid = truth.item_id) AND (((given.value ->> 2))::uuid = truth.location_id))
-->               ->  Function Scan on jsonb_array_elements given
-->               ->  Hash
-->                     ->  Seq Scan on count_truth truth
-->                           Filter: ((marked_by IS NULL) AND (counted_at >= $2))
-->         ->  Index Scan using document_pkey on document
-->               Index Cond: (id = truth.document_id)
-->               Filter: (truth.tenant_id = tenant_id)

-- 14
-- $1 text
SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN lot ON lot.tenant_id = wanted.tenant_id
AND lot.id = wanted.id;
--> Nested Loop
-->   ->  Function Scan on jsonb_array_elements given
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = ((given.value ->> 1))::uuid)
-->         Filter: (((given.value ->> 0))::uuid = tenant_id)

-- 15
-- $1 text
SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
balance.location_id, balance.quantity, balance.value, NULL AS reserved_quantity
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN lot ON lot.tenant_id = wanted.tenant_id
AND lot.id = wanted.id
JOIN balance ON balance.tenant_id = lot.tenant_id
AND balance.lot_id = lot.id
WHERE balance.quantity > 0;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Function Scan on jsonb_array_elements given
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = ((given.value ->> 1))::uuid)
-->               Filter: (((given.value ->> 0))::uuid = tenant_id)
-->   ->  Index Scan using ix_balance_lot_id on balance
-->         Index Cond: ((tenant_id = lot.tenant_id) AND (lot_id = lot.id))
-->         Filter: (quantity > 0)

-- 16
-- $1 text
SELECT entry.lot_id, MAX(entry.effective_at) AS last_moved_at
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN ledger_entry AS entry ON entry.tenant_id = wanted.tenant_id
AND entry.lot_id = wanted.id
GROUP BY entry.lot_id;
--> GroupAggregate
-->   Group Key: entry.lot_id
-->   ->  Sort
-->         Sort Key: entry.lot_id
-->         ->  Nested Loop
-->               ->  Function Scan on jsonb_array_elements given
-->               ->  Index Scan using ix_ledger_entry_lot_id_seq on ledger_entry entry
-->                     Index Cond: ((tenant_id = ((given.value ->> 0))::uuid) AND (lot_id = ((given.value ->> 1))::uuid))

-- 17
-- $1 text
SELECT DISTINCT location.id AS location_id, location.kind, site.time_zone, site.day_starts_at
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
JOIN location ON location.tenant_id = wanted.tenant_id
AND location.id = wanted.location_id
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id;
--> Unique
-->   ->  Sort
-->         Sort Key: location.id, location.kind COLLATE "C", site.time_zone COLLATE "C", site.day_starts_at COLLATE "C"
-->         ->  Nested Loop
-->               ->  Hash Join
-->                     Hash Cond: ((((given.value ->> 0))::uuid = location.tenant_id) AND (((given.value ->> 2))::uuid = location.id))
-->                     ->  Function Scan on jsonb_array_elements given
-->                     ->  Hash
-->                           ->  Seq Scan on location
-->               ->  Index Scan using location_pkey on location site
-->                     Index Cond: (id = location.site_id)
-->                     Filter: (location.tenant_id = tenant_id)

-- 18: locks rows of lot FOR NO KEY UPDATE
-- $1 text
SELECT lot.id, lot.version
FROM lot
JOIN (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id, (value->>2)::bigint AS version
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted USING (tenant_id, id)
ORDER BY lot.id
FOR NO KEY UPDATE OF lot;
--> LockRows
-->   ->  Sort
-->         Sort Key: lot.id
-->         ->  Nested Loop
-->               ->  Function Scan on jsonb_array_elements given
-->               ->  Index Scan using lot_pkey on lot
-->                     Index Cond: (id = ((given.value ->> 1))::uuid)
-->                     Filter: (((given.value ->> 0))::uuid = tenant_id)

-- 19: writes balance; writes ledger_head
-- $1 bigint, $2 uuid, $3 bigint, $4 text
WITH part1 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS item_id, (value->>2)::uuid AS location_id, (value->>3)::uuid AS lot_id,
    (value->>4)::bigint AS quantity, (value->>5)::bigint AS value
    FROM jsonb_array_elements($4::jsonb) AS given(value)) AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1) UPDATE ledger_head
SET seq = seq + $1, correction_number = COALESCE(correction_number, 0) + 1, position = COALESCE(position, 0) + 1
WHERE tenant_id = $2
AND rules_version = $3
AND (SELECT COUNT(*)
  FROM part1) >= 0
RETURNING seq, correction_number AS number, position, head_hash;
--> Update on ledger_head
-->   CTE part1
-->     ->  Update on balance
-->           ->  Nested Loop
-->                 ->  Function Scan on jsonb_array_elements given
-->                 ->  Index Scan using ix_balance_lot_id on balance
-->                       Index Cond: ((tenant_id = ((given.value ->> 0))::uuid) AND (lot_id = ((given.value ->> 3))::uuid))
-->                       Filter: ((((given.value ->> 1))::uuid = item_id) AND (((given.value ->> 2))::uuid = location_id))
-->   InitPlan 2 (returns $3)
-->     ->  Aggregate
-->           ->  CTE Scan on part1
-->   ->  Result
-->         One-Time Filter: ($3 >= 0)
-->         ->  Seq Scan on ledger_head
-->               Filter: ((tenant_id = $2) AND (rules_version = $3))

-- 20: writes ledger_head; writes document; writes document_detail; writes lot; writes ledger_entry; writes correction_line; writes cost_variance
-- $1 text, $2 text, $3 uuid, $4 uuid, $5 uuid, $6 text, $7 bigint, $8 text, $9 timestamp with time zone, $10 date, $11 timestamp with time zone, $12 timestamp with time zone, $13 uuid, $14 uuid, $15 uuid, $16 text, $17 text, $18 bigint, $19 text, $20 text, $21 bigint, $22 bigint, $23 text, $24 text, $25 text, $26 text, $27 uuid, $28 uuid
WITH part1 AS (UPDATE ledger_head
  SET head_hash = $2
  WHERE tenant_id = $3), part2 AS (INSERT INTO "document" ("id", "tenant_id", "type", "number", "status", "effective_at",
    "business_date", "recorded_at", "posted_at", "posted_by", "site_id", "location_id", "external_ref", "note", "last_seq",
    "content_hash", "chain_hash", "version", "position")
  VALUES ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)), part3 AS (INSERT INTO document_detail (tenant_id,
    document_id, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by)
  SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS document_id, (value->>2)::uuid AS reverses_id, (value->>3)::uuid AS reason_id,
  (value->>4)::uuid AS about_id, (value->>5)::uuid AS transfer_id, (value->>6)::uuid AS count_id, (value->>7)::text AS purpose,
  (value->>8)::text AS recipient, (value->>9)::uuid AS approved_by
  FROM jsonb_array_elements($23::jsonb) AS given(value)), part4 AS (UPDATE lot
  SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void,
  revalued_position = COALESCE(now.revalued_position, lot.revalued_position), version = lot.version + 1
  FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS id, (value->>2)::bigint AS basis_quantity, (value->>3)::bigint AS basis_value,
    (value->>4)::timestamptz AS cost_floor_at, (value->>5)::boolean AS void, (value->>6)::bigint AS revalued_position
    FROM jsonb_array_elements($24::jsonb) AS given(value)) AS now
  WHERE lot.tenant_id = now.tenant_id
  AND lot.id = now.id), part5 AS (INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT (value->>0)::uuid AS tenant_id, (value->>1)::bigint AS seq, (value->>2)::uuid AS document_id, (value->>3)::bigint AS line_no,
  (value->>4)::text AS kind, (value->>5)::uuid AS item_id, (value->>6)::uuid AS location_id, (value->>7)::uuid AS lot_id,
  (value->>8)::bigint AS quantity_delta, (value->>9)::bigint AS value_delta, (value->>10)::timestamptz AS effective_at, (value->>11)::date AS business_date,
  (value->>12)::timestamptz AS recorded_at, (value->>13)::uuid AS actor_id, (value->>14)::uuid AS reason_id
  FROM jsonb_array_elements($25::jsonb) AS given(value)), part6 AS (INSERT INTO correction_line (tenant_id, document_id, line_no,
    item_id, lot_id, entered_quantity, entered_unit, quantity, value, receipt_line_no, line_total)
  SELECT $27, $28, line.*
  FROM (SELECT (value->>0)::bigint AS line_no, (value->>1)::uuid AS item_id, (value->>2)::uuid AS lot_id, (value->>3)::bigint AS entered_quantity,
    (value->>4)::text AS entered_unit, (value->>5)::bigint AS quantity, (value->>6)::bigint AS value, (value->>7)::bigint AS receipt_line_no,
    (value->>8)::bigint AS line_total
    FROM jsonb_array_elements($26::jsonb) AS given(value)) AS line) INSERT INTO cost_variance (tenant_id, document_id, number,
  lot_id, amount, kind)
SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS document_id, (value->>2)::bigint AS number, (value->>3)::uuid AS lot_id,
(value->>4)::bigint AS amount, (value->>5)::text AS kind
FROM jsonb_array_elements($1::jsonb) AS given(value);
--> Insert on cost_variance
-->   CTE part1
-->     ->  Update on ledger_head
-->           ->  Seq Scan on ledger_head
-->                 Filter: (tenant_id = $3)
-->   CTE part2
-->     ->  Insert on document
-->           ->  Result
-->   CTE part3
-->     ->  Insert on document_detail
-->           ->  Function Scan on jsonb_array_elements given_1
-->   CTE part4
-->     ->  Update on lot
-->           ->  Nested Loop
-->                 ->  Function Scan on jsonb_array_elements given_2
-->                 ->  Index Scan using lot_pkey on lot
-->                       Index Cond: (id = ((given_2.value ->> 1))::uuid)
-->                       Filter: (((given_2.value ->> 0))::uuid = tenant_id)
-->   CTE part5
-->     ->  Insert on ledger_entry
-->           ->  Function Scan on jsonb_array_elements given_3
-->   CTE part6
-->     ->  Insert on correction_line
-->           ->  Function Scan on jsonb_array_elements given_4
-->   ->  Function Scan on jsonb_array_elements given

-- 21: writes idempotency
-- $1 bigint, $2 text, $3 uuid, $4 uuid, $5 text
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> Update on idempotency
-->   ->  Index Scan using idempotency_pkey on idempotency
-->         Index Cond: ((tenant_id = $3) AND (actor_id = $4) AND ((key)::text = $5))

-- 22
COMMIT;
