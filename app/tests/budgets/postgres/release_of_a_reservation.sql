-- release of a reservation
-- statements: 8, round trips: 8
-- held at COMMIT: RowExclusiveLock: reservation, stock_key
-- held at COMMIT: RowShareLock: stock_key

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid
SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location
FROM reservation
JOIN item ON item.tenant_id = reservation.tenant_id
AND item.id = reservation.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = reservation.tenant_id
AND location.id = reservation.location_id
WHERE reservation.tenant_id = $1
AND reservation.id = $2;
--> Nested Loop
-->   Join Filter: (reservation.location_id = location.id)
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Index Scan using uq_reservation_id on reservation
-->                     Index Cond: ((tenant_id = $1) AND (id = $2))
-->               ->  Index Scan using uq_item_id on item
-->                     Index Cond: ((tenant_id = $1) AND (id = reservation.item_id))
-->         ->  Index Scan using unit_pkey on unit
-->               Index Cond: (id = item.base_unit_id)
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)

-- 3: writes stock_key; locks rows of stock_key FOR NO KEY UPDATE
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

-- 4: writes reservation
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

-- 5
-- $1 uuid, $2 uuid
SELECT reservation.*, item.sku, unit.code AS unit, location.path AS location
FROM reservation
JOIN item ON item.tenant_id = reservation.tenant_id
AND item.id = reservation.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = reservation.tenant_id
AND location.id = reservation.location_id
WHERE reservation.tenant_id = $1
AND reservation.id = $2;
--> Nested Loop
-->   Join Filter: (reservation.location_id = location.id)
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Index Scan using uq_reservation_id on reservation
-->                     Index Cond: ((tenant_id = $1) AND (id = $2))
-->               ->  Index Scan using uq_item_id on item
-->                     Index Cond: ((tenant_id = $1) AND (id = reservation.item_id))
-->         ->  Index Scan using unit_pkey on unit
-->               Index Cond: (id = item.base_unit_id)
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)

-- 6: writes stock_key
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

-- 7: writes reservation
-- $1 bigint, $2 timestamp with time zone, $3 text, $4 uuid, $5 uuid
UPDATE "reservation"
SET "version" = $1, "updated_at" = $2, "status" = $3
WHERE "reservation"."tenant_id" = $4
AND "reservation"."id" = $5;
--> Update on reservation
-->   ->  Index Scan using uq_reservation_id on reservation
-->         Index Cond: ((tenant_id = $4) AND (id = $5))

-- 8
COMMIT;
