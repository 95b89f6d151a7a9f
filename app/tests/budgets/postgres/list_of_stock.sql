-- list of stock
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 timestamp with time zone
WITH page AS MATERIALIZED (SELECT place.item_id, item.sku, item.name, item.grace_days, item.base_unit_id, place.location_id,
  location.path AS location, location.site_id, place.reserved_quantity - CASE WHEN place.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
        FROM reservation AS past
        WHERE past.tenant_id = place.tenant_id
        AND past.item_id = place.item_id
        AND past.location_id = place.location_id
        AND past.status = 'active'
        AND past.ends_at <= $2), 0) AS BIGINT) END AS reserved
  FROM (SELECT item.*
    FROM item
    WHERE item.tenant_id = $1
    AND (SELECT 1
      FROM balance AS held
      WHERE held.tenant_id = $1
      AND held.item_id = item.id
      AND held.quantity > 0
      LIMIT 1) IS NOT NULL
    ORDER BY item.sku
    LIMIT 51 + 1) AS item
  CROSS JOIN stock_key AS place
  CROSS JOIN location
  WHERE item.tenant_id = $1
  AND place.tenant_id = $1
  AND place.item_id = item.id
  AND location.tenant_id = $1
  AND location.id = place.location_id
  AND (SELECT MAX(held.quantity)
    FROM balance AS held
    WHERE held.tenant_id = $1
    AND held.item_id = place.item_id
    AND held.location_id = place.location_id ) > 0
  ORDER BY item.sku, location.path
  LIMIT 51), held AS MATERIALIZED (SELECT page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold, CAST(SUM(held.quantity / 1000000) AS BIGINT) AS quantity_units,
  CAST(SUM(held.quantity % 1000000) AS BIGINT) AS quantity_millionths, CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units,
  CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
  FROM page
  CROSS JOIN balance AS held
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
-->   CTE page
-->     ->  Limit
-->           ->  Result
-->                 ->  Sort
-->                       Sort Key: item.sku COLLATE "C", location.path COLLATE "C"
-->                       ->  Nested Loop
-->                             ->  Nested Loop
-->                                   ->  Subquery Scan on item
-->                                         Filter: (item.tenant_id = $1)
-->                                         ->  Limit
-->                                               ->  Index Scan using ix_item_sku on item item_1
-->                                                     Index Cond: (tenant_id = $1)
-->                                                     Filter: ((SubPlan 3) IS NOT NULL)
-->                                                     SubPlan 3
-->                                                       ->  Limit
-->                                                             ->  Index Scan using balance_pkey on balance held_2
-->                                                                   Index Cond: ((tenant_id = $1) AND (item_id = item_1.id))
-->                                                                   Filter: (quantity > 0)
-->                                   ->  Index Scan using stock_key_pkey on stock_key place
-->                                         Index Cond: ((tenant_id = $1) AND (item_id = item.id))
-->                                         Filter: ((SubPlan 2) > 0)
-->                                         SubPlan 2
-->                                           ->  Aggregate
-->                                                 ->  Index Scan using balance_pkey on balance held_1
-->                                                       Index Cond: ((tenant_id = $1) AND (item_id = place.item_id) AND (location_id = place.location_id))
-->                             ->  Index Scan using location_pkey on location
-->                                   Index Cond: (id = place.location_id)
-->                                   Filter: (tenant_id = $1)
-->                 SubPlan 1
-->                   ->  Aggregate
-->                         ->  Index Scan using ix_reservation_item_id_location_id on reservation past
-->                               Index Cond: ((tenant_id = place.tenant_id) AND (item_id = place.item_id) AND (location_id = place.location_id))
-->                               Filter: ((ends_at <= $2) AND ((status)::text = 'active'::text))
-->   CTE held
-->     ->  GroupAggregate
-->           Group Key: page_1.item_id, page_1.location_id, lot.expires_on, lot.date_kind, lot.hold
-->           ->  Sort
-->                 Sort Key: page_1.item_id, page_1.location_id, lot.expires_on, lot.date_kind COLLATE "C", lot.hold COLLATE "C"
-->                 ->  Nested Loop
-->                       ->  Nested Loop
-->                             ->  CTE Scan on page page_1
-->                             ->  Index Scan using balance_pkey on balance held_3
-->                                   Index Cond: ((tenant_id = $1) AND (item_id = page_1.item_id) AND (location_id = page_1.location_id))
-->                                   Filter: (quantity > 0)
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
