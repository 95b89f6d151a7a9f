-- list of stock, a later page
-- statements: 1

-- 1
WITH page AS MATERIALIZED (SELECT place.item_id, item.sku, item.name, item.grace_days, item.base_unit_id, place.location_id,
  location.path AS location, location.site_id, place.reserved_quantity - CASE WHEN place.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
        FROM reservation AS past
        WHERE past.tenant_id = place.tenant_id
        AND past.item_id = place.item_id
        AND past.location_id = place.location_id
        AND past.status = 'active'
        AND past.ends_at <= $4), 0) AS BIGINT) END AS reserved
  FROM (SELECT item.*
    FROM item
    WHERE item.tenant_id = $1
    AND item.sku >= $2
    AND (SELECT 1
      FROM balance AS held
      WHERE held.tenant_id = $1
      AND held.item_id = item.id
      AND held.quantity > 0
      LIMIT 1) IS NOT NULL
    ORDER BY item.sku
    LIMIT 2 + 1) AS item
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
  AND (item.sku, location.path) > ($2, $3)
  ORDER BY item.sku, location.path
  LIMIT 2), held AS MATERIALIZED (SELECT page.item_id, page.location_id, lot.expires_on, lot.date_kind, lot.hold, CAST(SUM(held.quantity / 1000000) AS BIGINT) AS quantity_units,
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
--> MATERIALIZE page
-->   CO-ROUTINE item
-->     SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku>?)
-->     CORRELATED SCALAR SUBQUERY 2
-->       SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=?)
-->   SCAN item
-->   SEARCH place USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=?)
-->   CORRELATED SCALAR SUBQUERY 4
-->     SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
-->   SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->   CORRELATED SCALAR SUBQUERY 1
-->     SEARCH past USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)
-->   USE TEMP B-TREE FOR LAST TERM OF ORDER BY
--> MATERIALIZE held
-->   SCAN page
-->   SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
-->   SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
-->   USE TEMP B-TREE FOR GROUP BY
--> SCAN page
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH held USING AUTOMATIC COVERING INDEX (item_id=? AND location_id=?)
