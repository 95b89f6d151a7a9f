-- reading of the stock
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
  LIMIT 51)
SELECT page.item_id, page.sku, page.name, unit.code AS unit, page.grace_days, page.location_id, page.location, site.time_zone,
site.day_starts_at, page.reserved, held.lot_id, lot.batch_code, lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, lot.received_at,
held.quantity, held.value
FROM page
CROSS JOIN unit
CROSS JOIN location AS site
CROSS JOIN balance AS held
CROSS JOIN lot
WHERE unit.tenant_id = $1
AND unit.id = page.base_unit_id
AND site.tenant_id = $1
AND site.id = page.site_id
AND held.tenant_id = $1
AND held.item_id = page.item_id
AND held.location_id = page.location_id
AND held.quantity > 0
AND lot.tenant_id = $1
AND lot.id = held.lot_id
ORDER BY page.sku, page.location, CASE WHEN lot.expires_on IS NULL THEN 1 ELSE 0 END, lot.expires_on, CASE WHEN lot.opened_at IS NULL THEN 1 ELSE 0 END,
lot.received_at, lot.origin_seq, lot.origin_line;
--> Sort
-->   Sort Key: page.sku COLLATE "C", page.location COLLATE "C", (CASE WHEN (lot.expires_on IS NULL) THEN 1 ELSE 0 END), lot.expires_on, (CASE WHEN (lot.opened_at IS NULL) THEN 1 ELSE 0 END), lot.received_at, lot.origin_seq, lot.origin_line
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
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     Join Filter: (page.base_unit_id = unit.id)
-->                     ->  Nested Loop
-->                           Join Filter: (page.site_id = site.id)
-->                           ->  CTE Scan on page
-->                           ->  Seq Scan on location site
-->                                 Filter: (tenant_id = $1)
-->                     ->  Seq Scan on unit
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using balance_pkey on balance held
-->                     Index Cond: ((tenant_id = $1) AND (item_id = page.item_id) AND (location_id = page.location_id))
-->                     Filter: (quantity > 0)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = held.lot_id)
-->               Filter: (tenant_id = $1)
