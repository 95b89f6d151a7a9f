-- filling of a count
-- statements: 14

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
SELECT 0 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.id = $2) AS told;
--> SEARCH area USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 5.1
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

-- 5.2
SELECT 1 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 6
SELECT id, item_id, received_at, void
FROM lot
WHERE tenant_id = $1
AND id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 7
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

-- 8
SELECT COUNT(*) AS number
FROM stock_count_line
WHERE tenant_id = $1
AND count_id = $2;
--> SEARCH stock_count_line USING COVERING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 9: writes stock_count_line
INSERT INTO stock_count_line (tenant_id, count_id, item_id, location_id, lot_key, lot_id, entered_quantity, entered_unit,
  quantity, counted_at, counted_by, recount, uncounted, note)
SELECT *
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS count_id, unhex(value->>'$[2]') AS item_id, unhex(value->>'$[3]') AS location_id,
  unhex(value->>'$[4]') AS lot_key, unhex(value->>'$[5]') AS lot_id, (value->>'$[6]') AS entered_quantity, (value->>'$[7]') AS entered_unit,
  (value->>'$[8]') AS quantity, (value->>'$[9]') AS counted_at, unhex(value->>'$[10]') AS counted_by, (value->>'$[11]') AS recount,
  (value->>'$[12]') AS uncounted, (value->>'$[13]') AS note
  FROM json_each($1)) AS now
WHERE true
ON CONFLICT (tenant_id, count_id, item_id, location_id, lot_key) DO UPDATE
SET entered_quantity = excluded.entered_quantity, entered_unit = excluded.entered_unit, quantity = excluded.quantity, counted_at = excluded.counted_at,
counted_by = excluded.counted_by, recount = excluded.recount, uncounted = excluded.uncounted, note = excluded.note;
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 10: writes stock_count_counter
INSERT INTO stock_count_counter (tenant_id, count_id, user_id)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- 11: writes stock_count
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 12
SELECT rules_version
FROM ledger_head
WHERE tenant_id = $1
AND rules_version = $2;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 13: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
