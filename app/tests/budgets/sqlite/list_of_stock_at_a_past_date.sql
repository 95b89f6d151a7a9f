-- list of stock at a past date
-- statements: 2

-- 1
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 2
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
--> MATERIALIZE page
-->   MATERIALIZE moved
-->     SEARCH held USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date<?)
-->     USE TEMP B-TREE FOR GROUP BY
-->   SCAN held
-->   SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
-->   SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->   USE TEMP B-TREE FOR DISTINCT
-->   USE TEMP B-TREE FOR ORDER BY
--> MATERIALIZE held
-->   SCAN page
-->   SEARCH held USING AUTOMATIC PARTIAL COVERING INDEX (tenant_id=? AND item_id=? AND location_id=?)
-->   SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
-->   USE TEMP B-TREE FOR GROUP BY
--> SCAN page
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH held USING AUTOMATIC COVERING INDEX (item_id=? AND location_id=?)
