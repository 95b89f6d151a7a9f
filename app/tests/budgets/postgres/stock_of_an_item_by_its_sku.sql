-- stock of an item by its sku
-- statements: 5, round trips: 5

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid, $2 bigint, $3 text, $4 timestamp with time zone
WITH held AS MATERIALIZED (SELECT balance.*
  FROM (SELECT item.tenant_id, item.id
    FROM item
    WHERE item.tenant_id = $1
    AND item.sku = $3
    AND EXISTS (SELECT 1
      FROM balance AS held
      CROSS JOIN location
      CROSS JOIN lot
      WHERE held.tenant_id = $1
      AND held.item_id = item.id
      AND held.quantity > 0
      AND location.tenant_id = held.tenant_id
      AND location.id = held.location_id
      AND lot.tenant_id = held.tenant_id
      AND lot.id = held.lot_id)
    ORDER BY item.sku
    LIMIT $2 + 1) AS first
  CROSS JOIN balance
  WHERE balance.tenant_id = first.tenant_id
  AND balance.item_id = first.id)
SELECT held.item_id, item.sku, item.name, unit.code AS unit, item.grace_days, held.location_id, location.path AS location,
site.time_zone, site.day_starts_at, COALESCE(stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
        FROM reservation AS past
        WHERE past.tenant_id = stock_key.tenant_id
        AND past.item_id = stock_key.item_id
        AND past.location_id = stock_key.location_id
        AND past.status = 'active'
        AND past.ends_at <= $4), 0) AS BIGINT) END, 0) AS reserved
FROM held
CROSS JOIN item
CROSS JOIN unit
CROSS JOIN location
CROSS JOIN location AS site
CROSS JOIN lot
LEFT JOIN stock_key ON stock_key.tenant_id = held.tenant_id
AND stock_key.item_id = held.item_id
AND stock_key.location_id = held.location_id
WHERE held.tenant_id = $1
AND item.sku = $3
AND held.quantity > 0
AND location.tenant_id = held.tenant_id
AND location.id = held.location_id
AND lot.tenant_id = held.tenant_id
AND lot.id = held.lot_id
AND item.tenant_id = held.tenant_id
AND item.id = held.item_id
AND unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
AND site.tenant_id = location.tenant_id
AND site.id = location.site_id
GROUP BY held.item_id, item.sku, item.name, unit.code, item.grace_days, held.location_id, location.path, site.time_zone, site.day_starts_at,
stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity
ORDER BY item.sku, location.path
LIMIT $2;
--> Limit
-->   CTE held
-->     ->  Nested Loop
-->           ->  Limit
-->                 ->  Nested Loop Semi Join
-->                       ->  Index Scan using ix_item_sku on item item_1
-->                             Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->                       ->  Nested Loop
-->                             ->  Nested Loop
-->                                   ->  Index Scan using balance_pkey on balance held_1
-->                                         Index Cond: ((tenant_id = $1) AND (item_id = item_1.id))
-->                                         Filter: (quantity > 0)
-->                                   ->  Index Scan using location_pkey on location location_1
-->                                         Index Cond: (id = held_1.location_id)
-->                                         Filter: (tenant_id = $1)
-->                             ->  Index Scan using lot_pkey on lot lot_1
-->                                   Index Cond: (id = held_1.lot_id)
-->                                   Filter: (tenant_id = $1)
-->           ->  Index Scan using balance_pkey on balance
-->                 Index Cond: ((tenant_id = item_1.tenant_id) AND (item_id = item_1.id))
-->   ->  Group
-->         Group Key: item.sku, location.path, held.item_id, item.name, unit.code, item.grace_days, held.location_id, site.time_zone, site.day_starts_at, stock_key.tenant_id, stock_key.item_id, stock_key.location_id
-->         ->  Sort
-->               Sort Key: location.path COLLATE "C", held.item_id, item.name, unit.code COLLATE "C", item.grace_days, held.location_id, site.time_zone COLLATE "C", site.day_starts_at COLLATE "C", stock_key.tenant_id, stock_key.item_id, stock_key.location_id
-->               ->  Nested Loop Left Join
-->                     ->  Nested Loop
-->                           Join Filter: (held.location_id = location.id)
-->                           ->  Nested Loop
-->                                 ->  Nested Loop
-->                                       Join Filter: ((held.item_id = item.id) AND (unit.id = item.base_unit_id))
-->                                       ->  Nested Loop
-->                                             ->  Nested Loop
-->                                                   ->  CTE Scan on held
-->                                                         Filter: ((quantity > 0) AND (tenant_id = $1))
-->                                                   ->  Index Scan using lot_pkey on lot
-->                                                         Index Cond: (id = held.lot_id)
-->                                                         Filter: (tenant_id = $1)
-->                                             ->  Seq Scan on unit
-->                                                   Filter: (tenant_id = $1)
-->                                       ->  Index Scan using ix_item_sku on item
-->                                             Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->                                 ->  Seq Scan on location site
-->                                       Filter: (tenant_id = $1)
-->                           ->  Index Scan using ix_location_site_id on location
-->                                 Index Cond: ((tenant_id = $1) AND (site_id = site.id))
-->                     ->  Index Scan using stock_key_pkey on stock_key
-->                           Index Cond: ((tenant_id = held.tenant_id) AND (tenant_id = $1) AND (item_id = held.item_id) AND (location_id = held.location_id))
-->         SubPlan 2
-->           ->  Aggregate
-->                 ->  Index Scan using ix_reservation_item_id_location_id on reservation past
-->                       Index Cond: ((tenant_id = stock_key.tenant_id) AND (item_id = stock_key.item_id) AND (location_id = stock_key.location_id))
-->                       Filter: ((ends_at <= $4) AND ((status)::text = 'active'::text))

-- 4
-- $1 uuid, $2 text
WITH held AS MATERIALIZED (SELECT held.*
  FROM (SELECT (value->>0)::uuid AS item_id, (value->>1)::uuid AS location_id
    FROM jsonb_array_elements($2::jsonb) AS given(value)) AS place
  CROSS JOIN balance AS held
  WHERE held.tenant_id = $1
  AND held.item_id = place.item_id
  AND held.location_id = place.location_id
  AND held.quantity > 0)
SELECT held.item_id, held.location_id, held.lot_id, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold, lot.opened_at,
lot.received_at, held.quantity, held.value
FROM held
CROSS JOIN lot
WHERE held.tenant_id = $1
AND lot.tenant_id = held.tenant_id
AND lot.id = held.lot_id
ORDER BY CASE WHEN lot.expires_on IS NULL THEN 1 ELSE 0 END, lot.expires_on, CASE WHEN lot.opened_at IS NULL THEN 1 ELSE 0 END,
lot.received_at, lot.origin_seq, lot.origin_line;
--> Sort
-->   Sort Key: (CASE WHEN (lot.expires_on IS NULL) THEN 1 ELSE 0 END), lot.expires_on, (CASE WHEN (lot.opened_at IS NULL) THEN 1 ELSE 0 END), lot.received_at, lot.origin_seq, lot.origin_line
-->   CTE held
-->     ->  Hash Join
-->           Hash Cond: ((held_1.item_id = ((given.value ->> 0))::uuid) AND (held_1.location_id = ((given.value ->> 1))::uuid))
-->           ->  Bitmap Heap Scan on balance held_1
-->                 Recheck Cond: (tenant_id = $1)
-->                 Filter: (quantity > 0)
-->                 ->  Bitmap Index Scan on ix_balance_location_id
-->                       Index Cond: (tenant_id = $1)
-->           ->  Hash
-->                 ->  Function Scan on jsonb_array_elements given
-->   ->  Nested Loop
-->         ->  CTE Scan on held
-->               Filter: (tenant_id = $1)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = held.lot_id)
-->               Filter: (tenant_id = $1)

-- 5
COMMIT;
