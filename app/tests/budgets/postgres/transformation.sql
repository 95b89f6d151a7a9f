-- transformation
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: balance, document, document_detail, idempotency, ledger_entry, ledger_head, lot, lot_parent, stock_key, transformation_line
-- held at COMMIT: RowShareLock: document, item, location, lot, stock_key

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid, $3 text, $4 uuid, $5 text, $6 uuid, $7 jsonb, $8 uuid
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
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $4
  AND area.path = $5) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $6
  AND item.sku IN (SELECT (value->>0)::text AS sku
    FROM jsonb_array_elements($7::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array')) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $8) AS told;
--> Append
-->   CTE claimed
-->     ->  Result
-->           One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->           InitPlan 1 (returns $0)
-->             ->  Index Only Scan using idempotency_pkey on idempotency
-->                   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))
-->   ->  CTE Scan on claimed
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $4) AND ((path)::text = $5))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $4)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $4)
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  HashAggregate
-->                           Group Key: (given.value ->> 0)
-->                           ->  Function Scan on jsonb_array_elements given
-->                                 Filter: (jsonb_typeof(value) = 'array'::text)
-->                     ->  Index Scan using ix_item_sku on item
-->                           Index Cond: ((tenant_id = $6) AND ((sku)::text = ((given.value ->> 0))::text))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $6)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $6) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $8)

-- 3: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 4
-- $1 jsonb, $2 timestamp with time zone, $3 uuid, $4 jsonb, $5 timestamp with time zone, $6 uuid, $7 jsonb, $8 timestamp with time zone, $9 uuid
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
  GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at) AS told;
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
-->                       ->  Function Scan on jsonb_array_elements given_2
-->                             Filter: (jsonb_typeof(value) = 'array'::text)
-->                       ->  Index Scan using stock_key_pkey on stock_key
-->                             Index Cond: ((tenant_id = $6) AND (item_id = ((given_2.value ->> 0))::uuid) AND (location_id = ((given_2.value ->> 1))::uuid))
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

-- 5: writes balance; writes balance; writes idempotency; writes ledger_head; writes document; writes document_detail; writes lot; writes lot_parent; writes ledger_entry; writes transformation_line
-- $1 uuid, $2 jsonb, $3 uuid, $4 jsonb, $5 uuid, $6 uuid, $7 text, $8 text, $9 bigint, $10 text, $11 timestamp with time zone, $12 bigint, $13 uuid, $14 bigint, $15 timestamp with time zone, $16 timestamp with time zone, $17 text, $18 jsonb, $19 jsonb, $20 jsonb, $21 bigint, $22 jsonb, $23 jsonb, $24 bigint, $25 jsonb, $26 uuid, $27 uuid
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
  RETURNING 1), part1 AS (INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value)
  SELECT *
  FROM (SELECT $3::uuid AS tenant_id, ($4::jsonb->>0)::uuid AS item_id, ($4::jsonb->>1)::uuid AS location_id, ($4::jsonb->>2)::uuid AS lot_id,
    ($4::jsonb->>3)::bigint AS quantity, ($4::jsonb->>4)::bigint AS value) AS now
  WHERE true
  ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE
  SET quantity = excluded.quantity, value = excluded.value
  RETURNING 1), part2 AS (INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
  VALUES ($5, $6, $7, $8, $9, $10, $11)
  RETURNING 1), head AS (UPDATE ledger_head
  SET seq = seq + $12, transformation_number = COALESCE(transformation_number, 0) + 1, position = COALESCE(position, 0) + 1,
  last_recorded_at = $15, last_counted_at = COALESCE($16, last_counted_at), head_hash = encode(sha256(convert_to(head_hash,
        'UTF8') || int8send(COALESCE(transformation_number, 0) + 1) || int8send(seq + $12) || convert_to($17, 'UTF8')), 'hex')
  WHERE tenant_id = $13
  AND rules_version = $14
  AND (SELECT COUNT(*)
    FROM part0) >= 0
  AND (SELECT COUNT(*)
    FROM part1) >= 0
  AND (SELECT COUNT(*)
    FROM part2) >= 0
  RETURNING seq, transformation_number AS number, position, head_hash), after0 AS (INSERT INTO document (id, tenant_id, type,
    status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
    version, number, last_seq, position, chain_hash)
  SELECT now.*, head.number, head.seq, head.position, head.head_hash
  FROM (SELECT ($18::jsonb->>0)::uuid AS id, ($18::jsonb->>1)::uuid AS tenant_id, ($18::jsonb->>2)::text AS type, ($18::jsonb->>3)::text AS status,
    ($18::jsonb->>4)::timestamptz AS effective_at, ($18::jsonb->>5)::date AS business_date, ($18::jsonb->>6)::timestamptz AS recorded_at,
    ($18::jsonb->>7)::timestamptz AS posted_at, ($18::jsonb->>8)::uuid AS posted_by, ($18::jsonb->>9)::uuid AS site_id, ($18::jsonb->>10)::uuid AS location_id,
    ($18::jsonb->>11)::text AS external_ref, ($18::jsonb->>12)::text AS note, ($18::jsonb->>13)::text AS content_hash, ($18::jsonb->>14)::bigint AS version) AS now
  CROSS JOIN head), after1 AS (INSERT INTO document_detail (tenant_id, document_id, reverses_id, reason_id, about_id, transfer_id,
    count_id, purpose, recipient, approved_by)
  SELECT now.*
  FROM (SELECT ($19::jsonb->>0)::uuid AS tenant_id, ($19::jsonb->>1)::uuid AS document_id, ($19::jsonb->>2)::uuid AS reverses_id,
    ($19::jsonb->>3)::uuid AS reason_id, ($19::jsonb->>4)::uuid AS about_id, ($19::jsonb->>5)::uuid AS transfer_id, ($19::jsonb->>6)::uuid AS count_id,
    ($19::jsonb->>7)::text AS purpose, ($19::jsonb->>8)::text AS recipient, ($19::jsonb->>9)::uuid AS approved_by) AS now
  CROSS JOIN head), after2 AS (INSERT INTO lot (id, tenant_id, item_id, origin_document_id, origin_line, batch_code, received_at,
    produced_on, expires_on, date_kind, basis_quantity, basis_value, cost_floor_at, void, version, opened_at, origin_seq)
  SELECT now.*, head.seq - $21 + 1
  FROM (SELECT ($20::jsonb->>0)::uuid AS id, ($20::jsonb->>1)::uuid AS tenant_id, ($20::jsonb->>2)::uuid AS item_id, ($20::jsonb->>3)::uuid AS origin_document_id,
    ($20::jsonb->>4)::bigint AS origin_line, ($20::jsonb->>5)::text AS batch_code, ($20::jsonb->>6)::timestamptz AS received_at,
    ($20::jsonb->>7)::date AS produced_on, ($20::jsonb->>8)::date AS expires_on, ($20::jsonb->>9)::text AS date_kind, ($20::jsonb->>10)::bigint AS basis_quantity,
    ($20::jsonb->>11)::bigint AS basis_value, ($20::jsonb->>12)::timestamptz AS cost_floor_at, ($20::jsonb->>13)::boolean AS void,
    ($20::jsonb->>14)::bigint AS version, ($20::jsonb->>15)::timestamptz AS opened_at) AS now
  CROSS JOIN head), after3 AS (INSERT INTO lot_parent (tenant_id, lot_id, parent_id, document_id, quantity)
  SELECT now.*
  FROM (SELECT (value->>0)::uuid AS tenant_id, (value->>1)::uuid AS lot_id, (value->>2)::uuid AS parent_id, (value->>3)::uuid AS document_id,
    (value->>4)::bigint AS quantity
    FROM jsonb_array_elements($22::jsonb) AS given(value)) AS now
  CROSS JOIN head), after4 AS (INSERT INTO ledger_entry (seq, tenant_id, document_id, line_no, kind, item_id, location_id,
    lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at, actor_id, reason_id)
  SELECT head.seq - $24 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta,
  value_delta, effective_at, business_date, recorded_at, actor_id, reason_id
  FROM (SELECT (value->>0)::bigint AS place, (value->>1)::uuid AS tenant_id, (value->>2)::uuid AS document_id, (value->>3)::bigint AS line_no,
    (value->>4)::text AS kind, (value->>5)::uuid AS item_id, (value->>6)::uuid AS location_id, (value->>7)::uuid AS lot_id,
    (value->>8)::bigint AS quantity_delta, (value->>9)::bigint AS value_delta, (value->>10)::timestamptz AS effective_at,
    (value->>11)::date AS business_date, (value->>12)::timestamptz AS recorded_at, (value->>13)::uuid AS actor_id, (value->>14)::uuid AS reason_id
    FROM jsonb_array_elements($23::jsonb) AS given(value)) AS now
  CROSS JOIN head), after5 AS (INSERT INTO transformation_line (tenant_id, document_id, line_no, item_id, lot_id, entered_quantity,
    entered_unit, quantity, value, role, weight, batch_code, expires_on, reason_id)
  SELECT $26, $27, line.*
  FROM (SELECT (value->>0)::bigint AS line_no, (value->>1)::uuid AS item_id, (value->>2)::uuid AS lot_id, (value->>3)::bigint AS entered_quantity,
    (value->>4)::text AS entered_unit, (value->>5)::bigint AS quantity, (value->>6)::bigint AS value, (value->>7)::text AS role,
    (value->>8)::bigint AS weight, (value->>9)::text AS batch_code, (value->>10)::date AS expires_on, (value->>11)::uuid AS reason_id
    FROM jsonb_array_elements($25::jsonb) AS given(value)) AS line
  CROSS JOIN head)
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
-->   CTE part1
-->     ->  Insert on balance balance_1
-->           Conflict Resolution: UPDATE
-->           Conflict Arbiter Indexes: balance_pkey
-->           ->  Result
-->   CTE part2
-->     ->  Insert on idempotency
-->           ->  Result
-->   CTE head
-->     ->  Update on ledger_head
-->           InitPlan 4 (returns $7)
-->             ->  Aggregate
-->                   ->  CTE Scan on part0
-->           InitPlan 5 (returns $8)
-->             ->  Aggregate
-->                   ->  CTE Scan on part1
-->           InitPlan 6 (returns $9)
-->             ->  Aggregate
-->                   ->  CTE Scan on part2
-->           ->  Result
-->                 One-Time Filter: (($7 >= 0) AND ($8 >= 0) AND ($9 >= 0))
-->                 ->  Seq Scan on ledger_head
-->                       Filter: ((tenant_id = $13) AND (rules_version = $14))
-->   CTE after0
-->     ->  Insert on document
-->           ->  CTE Scan on head head_1
-->   CTE after1
-->     ->  Insert on document_detail
-->           ->  CTE Scan on head head_2
-->   CTE after2
-->     ->  Insert on lot
-->           ->  CTE Scan on head head_3
-->   CTE after3
-->     ->  Insert on lot_parent
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_4
-->                 ->  Function Scan on jsonb_array_elements given_1
-->   CTE after4
-->     ->  Insert on ledger_entry
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_5
-->                 ->  Function Scan on jsonb_array_elements given_2
-->   CTE after5
-->     ->  Insert on transformation_line
-->           ->  Nested Loop
-->                 ->  CTE Scan on head head_6
-->                 ->  Function Scan on jsonb_array_elements given_3

-- 6
COMMIT;
