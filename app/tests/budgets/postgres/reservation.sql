-- reservation
-- statements: 10, round trips: 10
-- held at COMMIT: RowExclusiveLock: idempotency, reservation, stock_key
-- held at COMMIT: RowShareLock: item, location, stock_key

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
-- $1 uuid, $2 text, $3 uuid, $4 jsonb, $5 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $3
  AND item.sku IN (SELECT (SELECT ($4::jsonb->>0)::text) AS sku)) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $5) AS told;
--> Append
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $1) AND ((path)::text = $2))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $1)
-->   ->  Nested Loop Left Join
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using ix_item_sku on item
-->                     Index Cond: ((tenant_id = $3) AND ((sku)::text = $0))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $3)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $3) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $5)

-- 4: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 5: writes reservation
-- $1 uuid, $2 jsonb, $3 timestamp with time zone
UPDATE reservation
SET status = 'ended', version = reservation.version + 1, updated_at = $3::timestamptz
FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id) AS wanted
WHERE reservation.tenant_id = wanted.tenant_id
AND reservation.item_id = wanted.item_id
AND reservation.location_id = wanted.location_id
AND reservation.status = 'active'
AND reservation.ends_at <= $3::timestamptz
RETURNING reservation.item_id, reservation.location_id, reservation.quantity - reservation.taken AS rest;
--> Update on reservation
-->   ->  Index Scan using ix_reservation_item_id_location_id on reservation
-->         Index Cond: ((tenant_id = $1) AND (item_id = (($2 ->> 0))::uuid) AND (location_id = (($2 ->> 1))::uuid))
-->         Filter: ((ends_at <= $3) AND ((status)::text = 'active'::text))

-- 6
-- $1 jsonb, $2 timestamp with time zone, $3 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
          FROM reservation AS past
          WHERE past.tenant_id = stock_key.tenant_id
          AND past.item_id = stock_key.item_id
          AND past.location_id = stock_key.location_id
          AND past.status = 'active'
          AND past.ends_at <= $2), 0) AS BIGINT) END AS reserved_quantity
    FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS item_id, (SELECT ($1::jsonb->>1)::uuid) AS location_id) AS given
    CROSS JOIN stock_key
    WHERE stock_key.tenant_id = $3
    AND stock_key.item_id = given.item_id
    AND stock_key.location_id = given.location_id)
  SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
  balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity
  FROM wanted
  CROSS JOIN balance
  CROSS JOIN lot
  WHERE balance.tenant_id = $3
  AND balance.item_id = wanted.item_id
  AND balance.location_id = wanted.location_id
  AND balance.quantity > 0
  AND lot.tenant_id = $3
  AND lot.id = balance.lot_id) AS told;
--> Subquery Scan on told
-->   ->  Nested Loop
-->         CTE wanted
-->           ->  Index Scan using stock_key_pkey on stock_key
-->                 Index Cond: ((tenant_id = $3) AND (item_id = $3) AND (location_id = $4))
-->                 InitPlan 2 (returns $3)
-->                   ->  Result
-->                 InitPlan 3 (returns $4)
-->                   ->  Result
-->                 SubPlan 1
-->                   ->  Aggregate
-->                         ->  Index Scan using ix_reservation_item_id_location_id on reservation past
-->                               Index Cond: ((tenant_id = stock_key.tenant_id) AND (item_id = stock_key.item_id) AND (location_id = stock_key.location_id))
-->                               Filter: ((ends_at <= $2) AND ((status)::text = 'active'::text))
-->         ->  Nested Loop
-->               ->  CTE Scan on wanted
-->               ->  Index Scan using balance_pkey on balance
-->                     Index Cond: ((tenant_id = $3) AND (item_id = wanted.item_id) AND (location_id = wanted.location_id))
-->                     Filter: (quantity > 0)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = balance.lot_id)
-->               Filter: (tenant_id = $3)

-- 7: writes stock_key
-- $1 uuid, $2 jsonb
UPDATE stock_key
SET reserved_quantity = stock_key.reserved_quantity + now.quantity
FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS item_id, ($2::jsonb->>1)::uuid AS location_id, ($2::jsonb->>2)::bigint AS quantity) AS now
WHERE stock_key.tenant_id = now.tenant_id
AND stock_key.item_id = now.item_id
AND stock_key.location_id = now.location_id;
--> Update on stock_key
-->   ->  Index Scan using stock_key_pkey on stock_key
-->         Index Cond: ((tenant_id = $1) AND (item_id = (($2 ->> 0))::uuid) AND (location_id = (($2 ->> 1))::uuid))

-- 8: writes reservation
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 uuid, $7 uuid, $8 bigint, $9 bigint, $10 text, $11 text, $12 text, $13 timestamp with time zone, $14 uuid
INSERT INTO "reservation" ("id", "tenant_id", "version", "created_at", "updated_at", "item_id", "location_id", "quantity",
  "taken", "status", "external_ref", "note", "ends_at", "reserved_by")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING "id", "tenant_id", "version", "created_at", "updated_at", "item_id", "location_id", "quantity", "taken", "status",
"external_ref", "note", "ends_at", "reserved_by";
--> Insert on reservation
-->   ->  Result

-- 9: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 10
COMMIT;
