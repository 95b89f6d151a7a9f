-- creation of a transfer
-- statements: 13

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

-- 2.1
SELECT 0 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told;
--> SEARCH area USING INDEX ix_location_path (tenant_id=? AND path=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 2.2
SELECT 1 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $3
  AND area.path = $4) AS told;
--> SEARCH area USING INDEX ix_location_path (tenant_id=? AND path=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 2.3
SELECT 2 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $5
  AND item.sku IN (SELECT (value->>'$[0]') AS sku
    FROM json_each($6))) AS told;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 2.4
SELECT 3 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $7) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 3: writes ledger_head
UPDATE ledger_head
SET transfer_order_number = COALESCE(transfer_order_number, 0) + 1
WHERE tenant_id = $1
AND rules_version = $2
RETURNING transfer_order_number AS number;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4: writes transfer
INSERT INTO transfer (id, tenant_id, version, created_at, updated_at, number, status, from_location_id, to_location_id, dispatched_at,
  external_ref, note, created_by)
SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS version, (value->>'$[3]') AS created_at,
(value->>'$[4]') AS updated_at, (value->>'$[5]') AS number, (value->>'$[6]') AS status, unhex(value->>'$[7]') AS from_location_id,
unhex(value->>'$[8]') AS to_location_id, (value->>'$[9]') AS dispatched_at, (value->>'$[10]') AS external_ref, (value->>'$[11]') AS note,
unhex(value->>'$[12]') AS created_by
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH transfer_lot USING COVERING INDEX sqlite_autoindex_transfer_lot_1 (tenant_id=? AND transfer_id=?)
--> SEARCH transfer_line USING COVERING INDEX sqlite_autoindex_transfer_line_1 (tenant_id=? AND transfer_id=?)

-- 5: writes transfer_line
INSERT INTO transfer_line (tenant_id, transfer_id, line_no, item_id, lot_id, entered_quantity, entered_unit, quantity)
SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS transfer_id, (value->>'$[2]') AS line_no, unhex(value->>'$[3]') AS item_id,
unhex(value->>'$[4]') AS lot_id, (value->>'$[5]') AS entered_quantity, (value->>'$[6]') AS entered_unit, (value->>'$[7]') AS quantity
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 6
SELECT transfer.id, transfer.number, transfer.status, transfer.from_location_id, origin.path AS from_location, transfer.to_location_id,
goal.path AS to_location, transfer.dispatched_at, transfer.external_ref, transfer.note, transfer.created_by, transfer.version,
transfer.created_at, transfer.updated_at
FROM transfer
JOIN location AS origin ON origin.tenant_id = transfer.tenant_id
AND origin.id = transfer.from_location_id
JOIN location AS goal ON goal.tenant_id = transfer.tenant_id
AND goal.id = transfer.to_location_id
WHERE transfer.tenant_id = $1
AND transfer.id = $2;
--> SEARCH transfer USING INDEX sqlite_autoindex_transfer_2 (tenant_id=? AND id=?)
--> SEARCH origin USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH goal USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 7
SELECT line.line_no, line.item_id, item.sku, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, unit.code AS base_unit
FROM transfer_line AS line
JOIN item ON item.tenant_id = line.tenant_id
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE line.tenant_id = $1
AND line.transfer_id = $2
ORDER BY line.line_no;
--> SEARCH line USING INDEX sqlite_autoindex_transfer_line_1 (tenant_id=? AND transfer_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)

-- 8
SELECT moved.lot_id, moved.item_id, item.sku, lot.batch_code, lot.expires_on, unit.code AS unit, moved.dispatched, moved.received,
moved.lost, moved.cancelled
FROM transfer_lot AS moved
JOIN item ON item.tenant_id = moved.tenant_id
AND item.id = moved.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN lot ON lot.tenant_id = moved.tenant_id
AND lot.id = moved.lot_id
WHERE moved.tenant_id = $1
AND moved.transfer_id = $2
ORDER BY lot.origin_seq, lot.origin_line;
--> SEARCH moved USING INDEX sqlite_autoindex_transfer_lot_1 (tenant_id=? AND transfer_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 9
SELECT document.id, document.type, document.number, document.status, document.effective_at, document.business_date, document.recorded_at
FROM document_detail AS detail
JOIN document ON document.tenant_id = detail.tenant_id
AND document.id = detail.document_id
WHERE detail.tenant_id = $1
AND detail.transfer_id = $2
ORDER BY document.position;
--> SEARCH detail USING INDEX ix_document_detail_transfer_id (tenant_id=? AND transfer_id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 10: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
