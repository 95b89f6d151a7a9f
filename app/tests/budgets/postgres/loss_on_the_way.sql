-- loss on the way
-- statements: 19, round trips: 19
-- held at COMMIT: RowExclusiveLock: balance, document, document_detail, idempotency, ledger_entry, ledger_head, stock_key, transfer, transfer_lot, transfer_step_line
-- held at COMMIT: RowShareLock: document, item, location, reason, stock_key, transfer

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

-- 3: locks rows of transfer FOR NO KEY UPDATE
-- $1 uuid, $2 uuid
SELECT id
FROM transfer
WHERE tenant_id = $1
AND id = $2
FOR NO KEY UPDATE;
--> LockRows
-->   ->  Index Scan using uq_transfer_id on transfer
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 4
-- $1 uuid, $2 uuid
SELECT transfer.version, transfer.status, transfer.from_location_id, transfer.to_location_id, transfer.dispatched_at, origin.site_id AS from_site_id,
goal.site_id AS to_site_id
FROM transfer
JOIN location AS origin ON origin.tenant_id = transfer.tenant_id
AND origin.id = transfer.from_location_id
JOIN location AS goal ON goal.tenant_id = transfer.tenant_id
AND goal.id = transfer.to_location_id
WHERE transfer.tenant_id = $1
AND transfer.id = $2;
--> Nested Loop
-->   Join Filter: (transfer.to_location_id = goal.id)
-->   ->  Nested Loop
-->         Join Filter: (transfer.from_location_id = origin.id)
-->         ->  Index Scan using uq_transfer_id on transfer
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location origin
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location goal
-->         Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 uuid
SELECT lot_id, item_id, dispatched, received, lost, cancelled
FROM transfer_lot
WHERE tenant_id = $1
AND transfer_id = $2;
--> Index Scan using transfer_lot_pkey on transfer_lot
-->   Index Cond: ((tenant_id = $1) AND (transfer_id = $2))

-- 6
-- $1 uuid, $2 uuid, $3 text
SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
head.closed_through, head.last_recorded_at, head.last_counted_at
FROM location AS area
JOIN location AS site ON site.tenant_id = area.tenant_id
AND site.id = area.site_id
JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
WHERE area.tenant_id = $1
AND area.site_id = $2
AND area.kind = $3;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Seq Scan on location area
-->               Filter: ((tenant_id = $1) AND (site_id = $2) AND ((kind)::text = $3))
-->         ->  Seq Scan on location site
-->               Filter: ((tenant_id = $1) AND (id = $2))
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)

-- 7
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

-- 8
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
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 timestamp with time zone, $6 uuid, $7 jsonb, $8 timestamp with time zone, $9 uuid
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
  GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at) AS told;
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

-- 11: writes balance; writes ledger_head; writes document; writes document_detail; writes ledger_entry; writes transfer_step_line
-- $1 uuid, $2 jsonb, $3 bigint, $4 uuid, $5 bigint, $6 timestamp with time zone, $7 timestamp with time zone, $8 text, $9 jsonb, $10 jsonb, $11 jsonb, $12 bigint, $13 jsonb, $14 uuid, $15 uuid
WITH part0 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id, ($2::jsonb->>2)::uuid AS lot_id,
    ($2::jsonb->>3)::bigint AS quantity, ($2::jsonb->>4)::bigint AS value) AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $3, transit_loss_number = COALESCE(transit_loss_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $6,
  last_counted_at = COALESCE($7, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(transit_loss_number,
          0) + 1) || int8send(seq + $3) || convert_to($8, 'UTF8')), 'hex')
  WHERE tenant_id = $4
  AND rules_version = $5
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  RETURNING seq, transit_loss_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type,
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
  CROSS JOIN head), after2 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $12 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT ($11::jsonb->>0)::bigint AS place, ($11::jsonb->>1)::uuid AS tenant_id, ($11::jsonb->>2)::uuid AS document_id,
    ($11::jsonb->>3)::bigint AS line_no, ($11::jsonb->>4)::text AS kind, ($11::jsonb->>5)::uuid AS item_id, ($11::jsonb->>6)::uuid AS location_id,
    ($11::jsonb->>7)::uuid AS lot_id, ($11::jsonb->>8)::bigint AS quantity_delta, ($11::jsonb->>9)::bigint AS value_delta,
    ($11::jsonb->>10)::timestamptz AS effective_at, ($11::jsonb->>11)::date AS business_date, ($11::jsonb->>12)::timestamptz AS recorded_at,
    ($11::jsonb->>13)::uuid AS actor_id, ($11::jsonb->>14)::uuid AS reason_id) AS now
  CROSS JOIN head), after3 AS (INSERT INTO transfer_step_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity,
    entered_unit, quantity, value, reason_id)
  SELECT $14, $15, line.*
  FROM (SELECT ($13::jsonb->>0)::bigint AS line_no, ($13::jsonb->>1)::uuid AS item_id, ($13::jsonb->>2)::uuid AS lot_id, ($13::jsonb->>3)::bigint AS entered_quantity,
    ($13::jsonb->>4)::text AS entered_unit, ($13::jsonb->>5)::bigint AS quantity, ($13::jsonb->>6)::bigint AS value, ($13::jsonb->>7)::uuid AS reason_id) AS line
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
-->     ->  Insert on transfer_step_line
-->           ->  CTE Scan on head head_4

-- 12: writes transfer
-- $1 uuid, $2 uuid, $3 text, $4 timestamp with time zone, $5 timestamp with time zone
UPDATE transfer
SET status = $3, dispatched_at = $4::timestamptz, version = version + 1, updated_at = $5::timestamptz
WHERE tenant_id = $1
AND id = $2;
--> Update on transfer
-->   ->  Index Scan using uq_transfer_id on transfer
-->         Index Cond: ((tenant_id = $1) AND (id = $2))

-- 13: writes transfer_lot
-- $1 jsonb
INSERT INTO transfer_lot (tenant_id, transfer_id, lot_id, item_id, dispatched, received, lost, cancelled)
SELECT *
FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS transfer_id, (value->>2)::uuid AS lot_id, (value->>3)::uuid AS item_id,
  (value->>4)::bigint AS dispatched, (value->>5)::bigint AS received, (value->>6)::bigint AS lost, (value->>7)::bigint AS cancelled
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS now
WHERE true
ON CONFLICT (tenant_id, transfer_id, lot_id) DO UPDATE
SET dispatched = excluded.dispatched, received = excluded.received, lost = excluded.lost, cancelled = excluded.cancelled;
--> Insert on transfer_lot
-->   Conflict Resolution: UPDATE
-->   Conflict Arbiter Indexes: transfer_lot_pkey
-->   ->  Function Scan on jsonb_array_elements given

-- 14
-- $1 uuid, $2 uuid
SELECT transfer.id, transfer.number, transfer.status, transfer.from_location_id, origin.path AS from_location, transfer.to_location_id,
goal.path AS to_location, transfer.dispatched_at, transfer.external_ref, transfer.note, transfer.created_by, transfer.version,
transfer.created_at, transfer.updated_at
FROM transfer
JOIN location AS origin ON origin.tenant_id = transfer.tenant_id
AND origin.id = transfer.from_location_id
JOIN location AS goal ON goal.tenant_id = transfer.tenant_id
AND goal.id = transfer.to_location_id
WHERE transfer.tenant_id = $1
AND transfer.id = $2;
--> Nested Loop
-->   Join Filter: (transfer.to_location_id = goal.id)
-->   ->  Nested Loop
-->         Join Filter: (transfer.from_location_id = origin.id)
-->         ->  Index Scan using uq_transfer_id on transfer
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location origin
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location goal
-->         Filter: (tenant_id = $1)

-- 15
-- $1 uuid, $2 uuid
SELECT line.line_no, line.item_id, item.sku, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, unit.code AS base_unit
FROM transfer_line AS line
JOIN item ON item.tenant_id = line.tenant_id
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE line.tenant_id = $1
AND line.transfer_id = $2
ORDER BY line.line_no;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Index Scan using transfer_line_pkey on transfer_line line
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = line.item_id))
-->   ->  Index Scan using unit_pkey on unit
-->         Index Cond: (id = item.base_unit_id)
-->         Filter: (tenant_id = $1)

-- 16
-- $1 uuid, $2 uuid
SELECT moved.lot_id, moved.item_id, item.sku, lot.batch_code, lot.expires_on, unit.code AS unit, moved.dispatched, moved.received,
moved.lost, moved.cancelled
FROM transfer_lot AS moved
JOIN item ON item.tenant_id = moved.tenant_id
AND item.id = moved.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN lot ON lot.tenant_id = moved.tenant_id
AND lot.id = moved.lot_id
WHERE moved.tenant_id = $1
AND moved.transfer_id = $2
ORDER BY lot.origin_seq, lot.origin_line;
--> Sort
-->   Sort Key: lot.origin_seq, lot.origin_line
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using transfer_lot_pkey on transfer_lot moved
-->                           Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = moved.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = moved.lot_id)
-->               Filter: (tenant_id = $1)

-- 17
-- $1 uuid, $2 uuid
SELECT document.id, document.type, document.number, document.status, document.effective_at, document.business_date, document.recorded_at
FROM document_detail AS detail
JOIN document ON document.tenant_id = detail.tenant_id
AND document.id = detail.document_id
WHERE detail.tenant_id = $1
AND detail.transfer_id = $2
ORDER BY document.position;
--> Sort
-->   Sort Key: document."position"
-->   ->  Nested Loop
-->         ->  Index Scan using ix_document_detail_transfer_id on document_detail detail
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = detail.document_id))

-- 18: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 19
COMMIT;
