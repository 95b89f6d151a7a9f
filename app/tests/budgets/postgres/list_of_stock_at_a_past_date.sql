-- list of stock at a past date
-- statements: 5, round trips: 5

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid, $2 date
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day DESC
-->         ->  Seq Scan on period
-->               Filter: ((last_day <= $2) AND (tenant_id = $1) AND ((status)::text = 'closed'::text))

-- 4
-- $1 uuid, $2 date
WITH moved AS MATERIALIZED (SELECT moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id, CAST(SUM(moved.quantity) AS BIGINT) AS quantity,
  CAST(SUM(moved.value) AS BIGINT) AS value
  FROM (SELECT held.tenant_id, held.item_id, held.location_id, held.lot_id, held.quantity_delta AS quantity, held.value_delta AS value
    FROM ledger_entry AS held
    WHERE held.tenant_id = $1
    AND held.business_date <= $2) AS moved
  GROUP BY moved.tenant_id, moved.item_id, moved.location_id, moved.lot_id
  HAVING SUM(moved.quantity) > 0), page AS MATERIALIZED (SELECT DISTINCT held.item_id, item.sku, item.name, item.grace_days,
  item.base_unit_id, held.location_id, location.path AS location, location.site_id, CAST(0 AS BIGINT) AS reserved
  FROM moved AS held
  CROSS JOIN item
  CROSS JOIN location
  WHERE held.tenant_id = $1
  AND held.quantity > 0
  AND location.tenant_id = $1
  AND location.id = held.location_id
  AND item.tenant_id = $1
  AND item.id = held.item_id
  ORDER BY item.sku, location.path
  LIMIT 51), held AS MATERIALIZED (SELECT page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold, CAST(SUM(held.quantity / 1000000) AS BIGINT) AS quantity_units,
  CAST(SUM(held.quantity % 1000000) AS BIGINT) AS quantity_millionths, CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units,
  CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
  FROM page
  CROSS JOIN moved AS held
  CROSS JOIN lot
  WHERE held.tenant_id = $1
  AND held.item_id = page.item_id
  AND held.location_id = page.location_id
  AND held.quantity > 0
  AND lot.tenant_id = $1
  AND lot.id = held.lot_id
  GROUP BY page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold)
SELECT page.item_id, page.sku, page.name, unit.code AS unit, page.grace_days, page.location_id, page.location, site.time_zone,
site.day_starts_at, page.reserved, held.expires_on, held.date_kind, held.hold, held.quantity_units, held.quantity_millionths,
held.value_units, held.value_millionths
FROM page
CROSS JOIN unit
CROSS JOIN location AS site
CROSS JOIN held
WHERE unit.tenant_id = $1
AND unit.id = page.base_unit_id
AND site.tenant_id = $1
AND site.id = page.site_id
AND held.item_id = page.item_id
AND held.location_id = page.location_id
ORDER BY page.sku, page.location;
--> Sort
-->   Sort Key: page.sku COLLATE "C", page.location COLLATE "C"
-->   CTE moved
-->     ->  HashAggregate
-->           Group Key: held_1.tenant_id, held_1.item_id, held_1.location_id, held_1.lot_id
-->           Filter: (sum(held_1.quantity_delta) > '0'::numeric)
-->           ->  Bitmap Heap Scan on ledger_entry held_1
-->                 Recheck Cond: ((tenant_id = $1) AND (business_date <= $2))
-->                 ->  Bitmap Index Scan on ix_ledger_entry_business_date
-->                       Index Cond: ((tenant_id = $1) AND (business_date <= $2))
-->   CTE page
-->     ->  Limit
-->           ->  Unique
-->                 ->  Sort
-->                       Sort Key: item.sku COLLATE "C", location.path COLLATE "C", held_2.item_id, item.name, item.grace_days, item.base_unit_id, held_2.location_id, location.site_id
-->                       ->  Nested Loop
-->                             Join Filter: (held_2.location_id = location.id)
-->                             ->  Nested Loop
-->                                   ->  CTE Scan on moved held_2
-->                                         Filter: ((quantity > 0) AND (tenant_id = $1))
-->                                   ->  Index Scan using uq_item_id on item
-->                                         Index Cond: ((tenant_id = $1) AND (id = held_2.item_id))
-->                             ->  Seq Scan on location
-->                                   Filter: (tenant_id = $1)
-->   CTE held
-->     ->  GroupAggregate
-->           Group Key: page_1.item_id, page_1.location_id, lot.expires_on, lot.date_kind, lot.hold
-->           ->  Sort
-->                 Sort Key: page_1.item_id, page_1.location_id, lot.expires_on, lot.date_kind COLLATE "C", lot.hold COLLATE "C"
-->                 ->  Nested Loop
-->                       ->  Nested Loop
-->                             Join Filter: ((page_1.item_id = held_3.item_id) AND (page_1.location_id = held_3.location_id))
-->                             ->  CTE Scan on page page_1
-->                             ->  CTE Scan on moved held_3
-->                                   Filter: ((quantity > 0) AND (tenant_id = $1))
-->                       ->  Index Scan using lot_pkey on lot
-->                             Index Cond: (id = held_3.lot_id)
-->                             Filter: (tenant_id = $1)
-->   ->  Hash Join
-->         Hash Cond: (site.id = page.site_id)
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->         ->  Hash
-->               ->  Nested Loop
-->                     Join Filter: ((page.item_id = held.item_id) AND (page.location_id = held.location_id))
-->                     ->  Hash Join
-->                           Hash Cond: (unit.id = page.base_unit_id)
-->                           ->  Seq Scan on unit
-->                                 Filter: (tenant_id = $1)
-->                           ->  Hash
-->                                 ->  CTE Scan on page
-->                     ->  CTE Scan on held

-- 5
COMMIT;
