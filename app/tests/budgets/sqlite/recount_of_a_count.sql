-- recount of a count
-- statements: 10

-- 1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 2
SELECT stock_count.id, stock_count.version, stock_count.created_at, stock_count.updated_at, stock_count.status, stock_count.location_id,
location.path AS location, stock_count.site_id, stock_count.blind, stock_count.needs_approval, stock_count.uncounted, stock_count.document_id,
stock_count.started_at, stock_count.reviewed_at, stock_count.reviewed_seq, stock_count.approved_by, stock_count.external_ref,
stock_count.note, stock_count.created_by
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 3
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 4.1
SELECT 0 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $1
  AND item.sku IN (SELECT (value->>'$[0]') AS sku
    FROM json_each($2))) AS told;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 4.2
SELECT 1 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 5
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note
FROM stock_count_line AS line
WHERE line.tenant_id = $1
AND line.count_id = $2
AND line.item_id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($3));
--> SEARCH line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=? AND item_id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 6: writes stock_count_line
DELETE
FROM stock_count_line
WHERE tenant_id = $1
AND count_id = $2
AND uncounted;
--> SEARCH stock_count_line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 7: writes stock_count_line
UPDATE stock_count_line
SET recount = true
WHERE tenant_id = $1
AND count_id = $2
AND (item_id, location_id, lot_key) IN (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, unhex(value->>'$[2]') AS lot_key
  FROM json_each($3));
--> SEARCH stock_count_line USING COVERING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=? AND item_id=? AND location_id=? AND lot_key=?)
--> LIST SUBQUERY 2
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 8: writes stock_count
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 9: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
