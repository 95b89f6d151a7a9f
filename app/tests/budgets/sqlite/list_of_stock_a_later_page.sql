-- list of stock, a later page
-- statements: 2

-- 1
WITH held AS MATERIALIZED (SELECT balance.*
  FROM (SELECT item.tenant_id, item.id
    FROM item
    WHERE item.tenant_id = $1
    AND item.sku >= $3
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
        AND past.ends_at <= $5), 0) AS BIGINT) END, 0) AS reserved
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
AND (item.sku, location.path) > ($3, $4)
GROUP BY held.item_id, item.sku, item.name, unit.code, item.grace_days, held.location_id, location.path, site.time_zone, site.day_starts_at,
stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity
ORDER BY item.sku, location.path
LIMIT $2;
--> MATERIALIZE held
-->   CO-ROUTINE first
-->     SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku>?)
-->     CORRELATED SCALAR SUBQUERY 1
-->       SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=?)
-->       SEARCH location USING COVERING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->       SEARCH lot USING COVERING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
-->   SCAN first
-->   SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=?)
--> SCAN held
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH lot USING COVERING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR GROUP BY
--> CORRELATED SCALAR SUBQUERY 4
-->   SEARCH past USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 2
WITH held AS MATERIALIZED (SELECT held.*
  FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
    FROM json_each($2)) AS place
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
--> MATERIALIZE held
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> SCAN held
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY
