-- review of a count
-- statements: 15

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

-- 3: writes stock_count_line
DELETE
FROM stock_count_line
WHERE tenant_id = $1
AND count_id = $2
AND uncounted;
--> SEARCH stock_count_line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 4
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

-- 5
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note
FROM stock_count_line AS line
WHERE line.tenant_id = $1
AND line.count_id = $2;
--> SEARCH line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 6
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 7.1
SELECT 0 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $1
  AND item.id IN (SELECT unhex(value->>'$[0]') AS id
    FROM json_each($2))) AS told;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 7.2
SELECT 1 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 8.1
SELECT 0 AS part, told.*
FROM (SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no
  FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
    FROM json_each($1)) AS wanted
  CROSS JOIN count_truth AS truth
  CROSS JOIN document
  WHERE truth.tenant_id = $3
  AND truth.item_id = wanted.item_id
  AND truth.location_id = wanted.location_id
  AND truth.counted_at >= $2
  AND truth.marked_by IS NULL
  AND document.tenant_id = $3
  AND document.id = truth.document_id) AS told;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH truth USING INDEX ix_count_truth_item_id_location_id_counted_at (tenant_id=? AND item_id=? AND location_id=? AND counted_at>?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)

-- 8.2
SELECT 1 AS part, told.*
FROM (WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
          FROM reservation AS past
          WHERE past.tenant_id = stock_key.tenant_id
          AND past.item_id = stock_key.item_id
          AND past.location_id = stock_key.location_id
          AND past.status = 'active'
          AND past.ends_at <= $5), 0) AS BIGINT) END AS reserved_quantity
    FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
      FROM json_each($4)) AS given
    CROSS JOIN stock_key
    WHERE stock_key.tenant_id = $6
    AND stock_key.item_id = given.item_id
    AND stock_key.location_id = given.location_id)
  SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
  balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity
  FROM wanted
  CROSS JOIN balance
  CROSS JOIN lot
  WHERE balance.tenant_id = $6
  AND balance.item_id = wanted.item_id
  AND balance.location_id = wanted.location_id
  AND balance.quantity > 0
  AND lot.tenant_id = $6
  AND lot.id = balance.lot_id) AS told;
--> MATERIALIZE wanted
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?)
-->   CORRELATED SCALAR SUBQUERY 1
-->     SEARCH past USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)
--> SCAN wanted
--> SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)

-- 8.3
SELECT 2 AS part, told.*
FROM (SELECT entry.item_id, entry.location_id, entry.lot_id, entry.effective_at, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity
  FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
    FROM json_each($7)) AS wanted
  CROSS JOIN ledger_entry AS entry
  WHERE entry.tenant_id = $9
  AND entry.item_id = wanted.item_id
  AND entry.location_id = wanted.location_id
  AND entry.effective_at > $8
  GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at) AS told;
--> CO-ROUTINE told
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH entry USING INDEX ix_ledger_entry_item_id_location_id_effective_at (tenant_id=? AND item_id=? AND location_id=? AND effective_at>?)
-->   USE TEMP B-TREE FOR GROUP BY
--> SCAN told

-- 8.4
SELECT 3 AS part, told.*
FROM (SELECT wanted.place, COALESCE((SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $11
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      AND EXISTS (SELECT 1
        FROM balance
        WHERE balance.tenant_id = lot.tenant_id
        AND balance.item_id = lot.item_id
        AND balance.location_id = wanted.location_id
        AND balance.lot_id = lot.id)
      ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC
      LIMIT 1), (SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $11
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC
      LIMIT 1)) AS lot_id
  FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id, (value->>'$[3]') AS at
    FROM json_each($10)) AS wanted) AS told;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   SEARCH balance EXISTS USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)
-->   USE TEMP B-TREE FOR ORDER BY
--> CORRELATED SCALAR SUBQUERY 3
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   USE TEMP B-TREE FOR ORDER BY

-- 9
SELECT seq AS number
FROM ledger_head
WHERE tenant_id = $1;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 10: writes stock_count
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 11: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
