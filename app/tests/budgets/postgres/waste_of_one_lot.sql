-- waste of one lot
-- statements: 5, round trips: 5
-- held at COMMIT: RowExclusiveLock: balance, document, idempotency, ledger_entry, ledger_head, waste_line
-- held at COMMIT: RowShareLock: document, item, location, reason, stock_key

-- 1
BEGIN;

-- 2: locks rows of stock_key FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 text, $4 uuid, $5 text, $6 text, $7 uuid, $8 text, $9 uuid, $10 jsonb, $11 uuid, $12 text, $13 jsonb
WITH claimed AS MATERIALIZED (SELECT -1 AS part
  WHERE NOT EXISTS (SELECT 1
    FROM idempotency
    WHERE tenant_id = $1
    AND actor_id = $2
    AND key = $3)
  AND pg_try_advisory_xact_lock(hashtextextended($1::uuid || '/' || $2::uuid || '/' || $3::text, 0)))
SELECT part, NULL::text AS told
FROM claimed
UNION ALL
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT stock_key.item_id, stock_key.location_id
  FROM stock_key
  WHERE stock_key.tenant_id = $4
  AND stock_key.item_id = (SELECT item.id
    FROM item
    WHERE item.tenant_id = $4
    AND item.sku = $5)
  AND stock_key.location_id = (SELECT area.id
    FROM location AS area
    WHERE area.tenant_id = $4
    AND area.path = $6)
  AND (SELECT COUNT(*)
    FROM claimed) = 1
  FOR NO KEY UPDATE OF stock_key) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $7
  AND area.path = $8) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $9
  AND item.sku IN (SELECT (SELECT ($10::jsonb->>0)::text) AS sku)) AS told
UNION ALL
SELECT 3 AS part, row_to_json(told)::text AS told
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $11
  AND kind = $12
  AND code IN (SELECT (SELECT ($13::jsonb->>0)::text) AS code)) AS told;
--> Append
-->   CTE claimed
-->     ->  Result
-->           One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->           InitPlan 1 (returns $0)
-->             ->  Index Only Scan using idempotency_pkey on idempotency
-->                   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))
-->   ->  CTE Scan on claimed
-->   ->  Subquery Scan on told
-->         ->  LockRows
-->               InitPlan 3 (returns $2)
-->                 ->  Index Scan using ix_item_sku on item item_1
-->                       Index Cond: ((tenant_id = $4) AND ((sku)::text = $5))
-->               InitPlan 4 (returns $3)
-->                 ->  Seq Scan on location area_1
-->                       Filter: ((tenant_id = $4) AND ((path)::text = $6))
-->               InitPlan 5 (returns $4)
-->                 ->  Aggregate
-->                       ->  CTE Scan on claimed claimed_1
-->               ->  Result
-->                     One-Time Filter: ($4 = 1)
-->                     ->  Index Scan using stock_key_pkey on stock_key
-->                           Index Cond: ((tenant_id = $4) AND (item_id = $2) AND (location_id = $3))
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $7) AND ((path)::text = $8))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $7)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $7)
-->   ->  Nested Loop Left Join
-->         InitPlan 6 (returns $6)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using ix_item_sku on item
-->                     Index Cond: ((tenant_id = $9) AND ((sku)::text = $6))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $9)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $9) AND (item_id = item.id))
-->   ->  Seq Scan on reason
-->         Filter: ((tenant_id = $11) AND ((kind)::text = $12) AND ((code)::text = $7))
-->         InitPlan 7 (returns $7)
-->           ->  Result

-- 3
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

-- 4: writes balance; writes idempotency; writes ledger_head; writes document; writes ledger_entry; writes waste_line
-- $1 uuid, $2 jsonb, $3 uuid, $4 uuid, $5 text, $6 text, $7 bigint, $8 text, $9 timestamp with time zone, $10 bigint, $11 uuid, $12 bigint, $13 timestamp with time zone, $14 timestamp with time zone, $15 text, $16 jsonb, $17 jsonb, $18 bigint, $19 jsonb, $20 uuid, $21 uuid
WITH part0 AS (UPDATE balance
  SET quantity = now.quantity, value = now.value
  FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id, ($2::jsonb->>2)::uuid AS lot_id,
    ($2::jsonb->>3)::bigint AS quantity, ($2::jsonb->>4)::bigint AS value) AS now
  WHERE balance.tenant_id = now.tenant_id
  AND balance.item_id = now.item_id
  AND balance.location_id = now.location_id
  AND balance.lot_id = now.lot_id
  RETURNING 1), part1 AS (INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
  VALUES ($3, $4, $5, $6, $7, $8, $9)
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $10, waste_number = COALESCE(waste_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $13,
  last_counted_at = COALESCE($14, last_counted_at), head_hash = encode(sha256(convert_to(head_hash, 'UTF8') || int8send(COALESCE(waste_number,
          0) + 1) || int8send(seq + $10) || convert_to($15, 'UTF8')), 'hex')
  WHERE tenant_id = $11
  AND rules_version = $12
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  AND (SELECT COUNT(*)
    FROM part1) >= 0
  RETURNING seq, waste_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type, status,
    effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
    version, number, last_seq, position, chain_hash)
  SELECT now.*, head.number, head.seq, head.position, head.head_hash
  FROM (SELECT ($16::jsonb->>0)::uuid AS id, ($16::jsonb->>1)::uuid AS tenant_id, ($16::jsonb->>2)::text AS type, ($16::jsonb->>3)::text AS status,
    ($16::jsonb->>4)::timestamptz AS effective_at, ($16::jsonb->>5)::date AS business_date, ($16::jsonb->>6)::timestamptz AS recorded_at,
    ($16::jsonb->>7)::timestamptz AS posted_at, ($16::jsonb->>8)::uuid AS posted_by, ($16::jsonb->>9)::uuid AS site_id, ($16::jsonb->>10)::uuid AS location_id,
    ($16::jsonb->>11)::text AS external_ref, ($16::jsonb->>12)::text AS note, ($16::jsonb->>13)::text AS content_hash, ($16::jsonb->>14)::bigint AS version) AS now
  CROSS JOIN head), after1 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $18 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT ($17::jsonb->>0)::bigint AS place, ($17::jsonb->>1)::uuid AS tenant_id, ($17::jsonb->>2)::uuid AS document_id,
    ($17::jsonb->>3)::bigint AS line_no, ($17::jsonb->>4)::text AS kind, ($17::jsonb->>5)::uuid AS item_id, ($17::jsonb->>6)::uuid AS location_id,
    ($17::jsonb->>7)::uuid AS lot_id, ($17::jsonb->>8)::bigint AS quantity_delta, ($17::jsonb->>9)::bigint AS value_delta,
    ($17::jsonb->>10)::timestamptz AS effective_at, ($17::jsonb->>11)::date AS business_date, ($17::jsonb->>12)::timestamptz AS recorded_at,
    ($17::jsonb->>13)::uuid AS actor_id, ($17::jsonb->>14)::uuid AS reason_id) AS now
  CROSS JOIN head), after2 AS (INSERT INTO waste_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity,
    entered_unit, quantity, value, reason_id, stage, destination)
  SELECT $20, $21, line.*
  FROM (SELECT ($19::jsonb->>0)::bigint AS line_no, ($19::jsonb->>1)::uuid AS item_id, ($19::jsonb->>2)::uuid AS lot_id, ($19::jsonb->>3)::bigint AS entered_quantity,
    ($19::jsonb->>4)::text AS entered_unit, ($19::jsonb->>5)::bigint AS quantity, ($19::jsonb->>6)::bigint AS value, ($19::jsonb->>7)::uuid AS reason_id,
    ($19::jsonb->>8)::text AS stage, ($19::jsonb->>9)::text AS destination) AS line
  CROSS JOIN head)
SELECT *
FROM head;
--> CTE Scan on head
-->   CTE part0
-->     ->  Update on balance
-->           ->  Index Scan using ix_balance_lot_id on balance
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = (($2 ->> 2))::uuid))
-->                 Filter: ((item_id = (($2 ->> 0))::uuid) AND (location_id = (($2 ->> 1))::uuid))
-->   CTE part1
-->     ->  Insert on idempotency
-->           ->  Result
-->   CTE head
-->     ->  Update on ledger_head
-->           InitPlan 3 (returns $4)
-->             ->  Aggregate
-->                   ->  CTE Scan on part0
-->           InitPlan 4 (returns $5)
-->             ->  Aggregate
-->                   ->  CTE Scan on part1
-->           ->  Result
-->                 One-Time Filter: (($4 >= 0) AND ($5 >= 0))
-->                 ->  Seq Scan on ledger_head
-->                       Filter: ((tenant_id = $11) AND (rules_version = $12))
-->   CTE after0
-->     ->  Insert on document
-->           ->  CTE Scan on head head_1
-->   CTE after1
-->     ->  Insert on ledger_entry
-->           ->  CTE Scan on head head_2
-->   CTE after2
-->     ->  Insert on waste_line
-->           ->  CTE Scan on head head_3

-- 5
COMMIT;
