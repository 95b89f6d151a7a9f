-- a count that is posted again
-- statements: 52

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
SELECT document.type, document.number, document.site_id, document.effective_at, document.business_date, document.position,
detail.transfer_id, detail.count_id
FROM document
LEFT JOIN document_detail AS detail ON detail.tenant_id = document.tenant_id
AND detail.document_id = document.id
WHERE document.tenant_id = $1
AND document.id = $2;
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH detail USING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?) LEFT-JOIN

-- 4
SELECT status
FROM document
WHERE tenant_id = $1
AND id = $2;
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)

-- 5
SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
head.closed_through, head.last_recorded_at, head.last_counted_at
FROM location AS area
JOIN location AS site ON site.tenant_id = area.tenant_id
AND site.id = area.site_id
JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
WHERE area.tenant_id = $1
AND area.id = (SELECT document.location_id
  FROM document
  WHERE document.tenant_id = area.tenant_id
  AND document.id = $2);
--> SEARCH area USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> CORRELATED SCALAR SUBQUERY 1
-->   SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 6
SELECT entry.line_no, entry.kind, entry.item_id, entry.location_id, entry.lot_id, entry.quantity_delta, entry.value_delta,
entry.effective_at, entry.business_date, lot.origin_document_id
FROM ledger_entry AS entry
JOIN lot ON lot.tenant_id = entry.tenant_id
AND lot.id = entry.lot_id
WHERE entry.tenant_id = $1
AND entry.document_id = $2
ORDER BY +entry.seq;
--> SEARCH entry USING INDEX ix_ledger_entry_document_id (tenant_id=? AND document_id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 7
SELECT location.id, location.path, location.site_id, location.archived_at, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT entry.location_id
  FROM ledger_entry AS entry
  WHERE entry.tenant_id = $1
  AND entry.document_id = $2);
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SEARCH entry USING INDEX ix_ledger_entry_document_id (tenant_id=? AND document_id=?)
-->   CREATE BLOOM FILTER
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 8.1
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

-- 8.2
SELECT 1 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 9
SELECT 0 AS part, told.*
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $1
  AND kind = $2
  AND code IN (SELECT (value->>'$[0]') AS code
    FROM json_each($3))) AS told;
--> SEARCH reason USING INDEX ix_reason_kind_code (tenant_id=? AND kind=? AND code=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 10
SELECT lot_id, amount, kind
FROM cost_variance
WHERE tenant_id = $1
AND document_id = $2
ORDER BY number;
--> SEARCH cost_variance USING INDEX sqlite_autoindex_cost_variance_1 (tenant_id=? AND document_id=?)

-- 11
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

-- 12
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, false AS recount, false AS uncounted, NULL AS note
FROM count_result_line AS line
WHERE line.tenant_id = $1
AND line.document_id = $2;
--> SEARCH line USING INDEX sqlite_autoindex_count_result_line_1 (tenant_id=? AND document_id=?)

-- 13
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 14.1
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

-- 14.2
SELECT 1 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $3) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 15.1
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

-- 15.2
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

-- 15.3
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

-- 15.4
SELECT 3 AS part, told.*
FROM (SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
  lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version
  FROM (SELECT unhex(value->>'$[0]') AS id
    FROM json_each($10)) AS wanted
  CROSS JOIN lot
  WHERE lot.tenant_id = $11
  AND lot.id = wanted.id) AS told;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)

-- 15.5
SELECT 4 AS part, told.*
FROM (SELECT DISTINCT location.id AS location_id, location.kind, site.time_zone, site.day_starts_at
  FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
    FROM json_each($12)) AS wanted
  CROSS JOIN location
  CROSS JOIN location AS site
  WHERE location.tenant_id = $13
  AND location.id = wanted.location_id
  AND site.tenant_id = $13
  AND site.id = location.site_id) AS told;
--> CO-ROUTINE told
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->   SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->   USE TEMP B-TREE FOR DISTINCT
--> SCAN told

-- 16
SELECT 0 AS part, told.*
FROM (SELECT wanted.place, COALESCE((SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $2
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
      WHERE lot.tenant_id = $2
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      ORDER BY lot.received_at DESC, lot.origin_seq DESC, lot.origin_line DESC
      LIMIT 1)) AS lot_id
  FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id, (value->>'$[3]') AS at
    FROM json_each($1)) AS wanted) AS told;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   SEARCH balance EXISTS USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)
-->   USE TEMP B-TREE FOR ORDER BY
--> CORRELATED SCALAR SUBQUERY 3
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   USE TEMP B-TREE FOR ORDER BY

-- 17: writes document
UPDATE document
SET status = 'reversed', version = version + 1
WHERE tenant_id = $1
AND id = $2
AND status = 'posted';
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)

-- 18.1: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 18.2: writes balance
UPDATE balance
SET quantity = now.quantity, value = now.value
FROM (SELECT COALESCE($3, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, unhex(value->>'$[2]') AS lot_id,
  (value->>'$[3]') AS quantity, (value->>'$[4]') AS value
  FROM json_each($4)) AS now
WHERE balance.tenant_id = now.tenant_id
AND balance.item_id = now.item_id
AND balance.location_id = now.location_id
AND balance.lot_id = now.lot_id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH balance USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)

-- 18.3: writes ledger_head
UPDATE ledger_head
SET seq = seq + $5, reversal_number = COALESCE(reversal_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $8,
last_counted_at = COALESCE($9, last_counted_at)
WHERE tenant_id = $6
AND rules_version = $7
RETURNING seq, reversal_number AS number, position, head_hash;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 19.1: writes document
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) INSERT INTO document (id, tenant_id, type,
  status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
  version, number, last_seq, position, chain_hash)
SELECT now.*, head.number, head.seq, head.position, head.head_hash
FROM (SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS type, (value->>'$[3]') AS status,
  (value->>'$[4]') AS effective_at, (value->>'$[5]') AS business_date, (value->>'$[6]') AS recorded_at, (value->>'$[7]') AS posted_at,
  unhex(value->>'$[8]') AS posted_by, unhex(value->>'$[9]') AS site_id, unhex(value->>'$[10]') AS location_id, (value->>'$[11]') AS external_ref,
  (value->>'$[12]') AS note, (value->>'$[13]') AS content_hash, (value->>'$[14]') AS version
  FROM json_each($1)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head
--> SEARCH count_truth USING COVERING INDEX sqlite_autoindex_count_truth_1 (tenant_id=? AND document_id=?)
--> SEARCH count_result_line USING COVERING INDEX sqlite_autoindex_count_result_line_1 (tenant_id=? AND document_id=?)
--> SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
--> SEARCH transfer_step_line USING COVERING INDEX sqlite_autoindex_transfer_step_line_1 (tenant_id=? AND document_id=?)
--> SEARCH shortage USING INDEX ix_shortage_location_id (tenant_id=?)
--> SEARCH shortage USING COVERING INDEX ix_shortage_document_id_line_no (tenant_id=? AND document_id=?)
--> SEARCH cost_variance USING COVERING INDEX sqlite_autoindex_cost_variance_1 (tenant_id=? AND document_id=?)
--> SEARCH lot_parent USING INDEX ix_lot_parent_parent_id (tenant_id=?)
--> SEARCH correction_line USING COVERING INDEX sqlite_autoindex_correction_line_1 (tenant_id=? AND document_id=?)
--> SEARCH cost_change_line USING COVERING INDEX sqlite_autoindex_cost_change_line_1 (tenant_id=? AND document_id=?)
--> SEARCH transformation_line USING COVERING INDEX sqlite_autoindex_transformation_line_1 (tenant_id=? AND document_id=?)
--> SEARCH vendor_return_line USING COVERING INDEX sqlite_autoindex_vendor_return_line_1 (tenant_id=? AND document_id=?)
--> SEARCH adjustment_line USING COVERING INDEX sqlite_autoindex_adjustment_line_1 (tenant_id=? AND document_id=?)
--> SEARCH plate_waste_line USING COVERING INDEX sqlite_autoindex_plate_waste_line_1 (tenant_id=? AND document_id=?)
--> SEARCH usage_line USING COVERING INDEX sqlite_autoindex_usage_line_1 (tenant_id=? AND document_id=?)
--> SEARCH document_detail USING COVERING INDEX ix_document_detail_about_id (tenant_id=? AND about_id=?)
--> SEARCH document_detail USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
--> SEARCH document_detail USING COVERING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?)
--> SEARCH waste_line USING COVERING INDEX sqlite_autoindex_waste_line_1 (tenant_id=? AND document_id=?)
--> SEARCH receipt_charge USING COVERING INDEX sqlite_autoindex_receipt_charge_1 (tenant_id=? AND document_id=?)
--> SEARCH receipt_line USING COVERING INDEX sqlite_autoindex_receipt_line_1 (tenant_id=? AND document_id=?)
--> SEARCH lot USING COVERING INDEX ix_lot_origin_document_id (tenant_id=? AND origin_document_id=?)

-- 19.2: writes document_detail
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) INSERT INTO document_detail (tenant_id,
  document_id, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by)
SELECT now.*
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS document_id, unhex(value->>'$[2]') AS reverses_id,
  unhex(value->>'$[3]') AS reason_id, unhex(value->>'$[4]') AS about_id, unhex(value->>'$[5]') AS transfer_id, unhex(value->>'$[6]') AS count_id,
  (value->>'$[7]') AS purpose, (value->>'$[8]') AS recipient, unhex(value->>'$[9]') AS approved_by
  FROM json_each($2)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 19.3: writes lot
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) UPDATE lot
SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void,
revalued_position = CASE WHEN now.revalued THEN head.position ELSE lot.revalued_position END, version = lot.version + 1
FROM (SELECT COALESCE($3, value) AS tenant_id, unhex(value->>'$[0]') AS id, (value->>'$[1]') AS basis_quantity, (value->>'$[2]') AS basis_value,
  (value->>'$[3]') AS cost_floor_at, (value->>'$[4]') AS void, (value->>'$[5]') AS revalued
  FROM json_each($4)) AS now
CROSS JOIN head
WHERE lot.tenant_id = now.tenant_id
AND lot.id = now.id;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SCAN head

-- 19.4: writes ledger_entry
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) INSERT INTO ledger_entry (seq, tenant_id,
  document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at,
  actor_id, reason_id)
SELECT head.seq - $6 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta,
effective_at, business_date, recorded_at, actor_id, reason_id
FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS tenant_id, unhex(value->>'$[2]') AS document_id, (value->>'$[3]') AS line_no,
  (value->>'$[4]') AS kind, unhex(value->>'$[5]') AS item_id, unhex(value->>'$[6]') AS location_id, unhex(value->>'$[7]') AS lot_id,
  (value->>'$[8]') AS quantity_delta, (value->>'$[9]') AS value_delta, (value->>'$[10]') AS effective_at, (value->>'$[11]') AS business_date,
  (value->>'$[12]') AS recorded_at, unhex(value->>'$[13]') AS actor_id, unhex(value->>'$[14]') AS reason_id
  FROM json_each($5)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 19.5: writes shortage
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) UPDATE shortage
SET status = 'cleared', cleared_by_document_id = $10, cleared_at = $9, updated_at = $9, version = version + 1
WHERE tenant_id = $7
AND document_id = $8
AND status = 'open'
AND EXISTS (SELECT 1
  FROM head);
--> SEARCH shortage USING INDEX ix_shortage_document_id_line_no (tenant_id=? AND document_id=?)
--> SCALAR SUBQUERY 2
-->   CO-ROUTINE head
-->     SCAN CONSTANT ROW
-->   SCAN head

-- 19.6: writes count_truth
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) DELETE
FROM count_truth
WHERE tenant_id = $11
AND document_id = $12
AND EXISTS (SELECT 1
  FROM head);
--> SEARCH count_truth USING COVERING INDEX sqlite_autoindex_count_truth_1 (tenant_id=? AND document_id=?)
--> SCALAR SUBQUERY 2
-->   CO-ROUTINE head
-->     SCAN CONSTANT ROW
-->   SCAN head

-- 19.7: writes ledger_head
WITH head AS (SELECT $15 AS seq, $16 AS number, $17 AS position, $18 AS head_hash) UPDATE ledger_head
SET head_hash = $13
WHERE tenant_id = $14;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 20: writes stock_count
UPDATE stock_count
SET status = 'reversed', version = version + 1, updated_at = $3
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 21
SELECT shortage.id, shortage.cleared_by, shortage.cleared_at
FROM shortage
JOIN document ON document.tenant_id = shortage.tenant_id
AND document.id = shortage.document_id
WHERE shortage.tenant_id = $1
AND shortage.cleared_by_document_id = $2
AND document.status = 'posted'
ORDER BY shortage.id;
--> SEARCH shortage USING INDEX sqlite_autoindex_shortage_2 (tenant_id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)

-- 22
SELECT shortage.*, item.sku, unit.code AS unit, location.path AS location, document.type AS document_type, document.number AS document_number
FROM shortage
JOIN item ON item.tenant_id = shortage.tenant_id
AND item.id = shortage.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = shortage.tenant_id
AND location.id = shortage.location_id
JOIN document ON document.tenant_id = shortage.tenant_id
AND document.id = shortage.document_id
WHERE shortage.tenant_id = $1
AND shortage.document_id = $2
AND shortage.cleared_by_document_id = $3
ORDER BY shortage.created_at, shortage.document_id, shortage.line_no;
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH shortage USING INDEX ix_shortage_document_id_line_no (tenant_id=? AND document_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 23.1
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

-- 23.2
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

-- 23.3
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

-- 23.4
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

-- 24.1: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 24.2: writes balance
UPDATE balance
SET quantity = now.quantity, value = now.value
FROM (SELECT COALESCE($3, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, unhex(value->>'$[2]') AS lot_id,
  (value->>'$[3]') AS quantity, (value->>'$[4]') AS value
  FROM json_each($4)) AS now
WHERE balance.tenant_id = now.tenant_id
AND balance.item_id = now.item_id
AND balance.location_id = now.location_id
AND balance.lot_id = now.lot_id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH balance USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)

-- 24.3: writes ledger_head
UPDATE ledger_head
SET seq = seq + $5, count_number = COALESCE(count_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $8,
last_counted_at = COALESCE($9, last_counted_at)
WHERE tenant_id = $6
AND rules_version = $7
RETURNING seq, count_number AS number, position, head_hash;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 25.1: writes document
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) INSERT INTO document (id, tenant_id, type,
  status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, external_ref, note, content_hash,
  version, number, last_seq, position, chain_hash)
SELECT now.*, head.number, head.seq, head.position, head.head_hash
FROM (SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, (value->>'$[2]') AS type, (value->>'$[3]') AS status,
  (value->>'$[4]') AS effective_at, (value->>'$[5]') AS business_date, (value->>'$[6]') AS recorded_at, (value->>'$[7]') AS posted_at,
  unhex(value->>'$[8]') AS posted_by, unhex(value->>'$[9]') AS site_id, unhex(value->>'$[10]') AS location_id, (value->>'$[11]') AS external_ref,
  (value->>'$[12]') AS note, (value->>'$[13]') AS content_hash, (value->>'$[14]') AS version
  FROM json_each($1)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head
--> SEARCH count_truth USING COVERING INDEX sqlite_autoindex_count_truth_1 (tenant_id=? AND document_id=?)
--> SEARCH count_result_line USING COVERING INDEX sqlite_autoindex_count_result_line_1 (tenant_id=? AND document_id=?)
--> SEARCH stock_count USING INDEX ix_stock_count_location_id (tenant_id=?)
--> SEARCH transfer_step_line USING COVERING INDEX sqlite_autoindex_transfer_step_line_1 (tenant_id=? AND document_id=?)
--> SEARCH shortage USING INDEX ix_shortage_location_id (tenant_id=?)
--> SEARCH shortage USING COVERING INDEX ix_shortage_document_id_line_no (tenant_id=? AND document_id=?)
--> SEARCH cost_variance USING COVERING INDEX sqlite_autoindex_cost_variance_1 (tenant_id=? AND document_id=?)
--> SEARCH lot_parent USING INDEX ix_lot_parent_parent_id (tenant_id=?)
--> SEARCH correction_line USING COVERING INDEX sqlite_autoindex_correction_line_1 (tenant_id=? AND document_id=?)
--> SEARCH cost_change_line USING COVERING INDEX sqlite_autoindex_cost_change_line_1 (tenant_id=? AND document_id=?)
--> SEARCH transformation_line USING COVERING INDEX sqlite_autoindex_transformation_line_1 (tenant_id=? AND document_id=?)
--> SEARCH vendor_return_line USING COVERING INDEX sqlite_autoindex_vendor_return_line_1 (tenant_id=? AND document_id=?)
--> SEARCH adjustment_line USING COVERING INDEX sqlite_autoindex_adjustment_line_1 (tenant_id=? AND document_id=?)
--> SEARCH plate_waste_line USING COVERING INDEX sqlite_autoindex_plate_waste_line_1 (tenant_id=? AND document_id=?)
--> SEARCH usage_line USING COVERING INDEX sqlite_autoindex_usage_line_1 (tenant_id=? AND document_id=?)
--> SEARCH document_detail USING COVERING INDEX ix_document_detail_about_id (tenant_id=? AND about_id=?)
--> SEARCH document_detail USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
--> SEARCH document_detail USING COVERING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?)
--> SEARCH waste_line USING COVERING INDEX sqlite_autoindex_waste_line_1 (tenant_id=? AND document_id=?)
--> SEARCH receipt_charge USING COVERING INDEX sqlite_autoindex_receipt_charge_1 (tenant_id=? AND document_id=?)
--> SEARCH receipt_line USING COVERING INDEX sqlite_autoindex_receipt_line_1 (tenant_id=? AND document_id=?)
--> SEARCH lot USING COVERING INDEX ix_lot_origin_document_id (tenant_id=? AND origin_document_id=?)

-- 25.2: writes document_detail
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) INSERT INTO document_detail (tenant_id,
  document_id, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by)
SELECT now.*
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS document_id, unhex(value->>'$[2]') AS reverses_id,
  unhex(value->>'$[3]') AS reason_id, unhex(value->>'$[4]') AS about_id, unhex(value->>'$[5]') AS transfer_id, unhex(value->>'$[6]') AS count_id,
  (value->>'$[7]') AS purpose, (value->>'$[8]') AS recipient, unhex(value->>'$[9]') AS approved_by
  FROM json_each($2)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 25.3: writes ledger_entry
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) INSERT INTO ledger_entry (seq, tenant_id,
  document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at,
  actor_id, reason_id)
SELECT head.seq - $4 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta,
effective_at, business_date, recorded_at, actor_id, reason_id
FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS tenant_id, unhex(value->>'$[2]') AS document_id, (value->>'$[3]') AS line_no,
  (value->>'$[4]') AS kind, unhex(value->>'$[5]') AS item_id, unhex(value->>'$[6]') AS location_id, unhex(value->>'$[7]') AS lot_id,
  (value->>'$[8]') AS quantity_delta, (value->>'$[9]') AS value_delta, (value->>'$[10]') AS effective_at, (value->>'$[11]') AS business_date,
  (value->>'$[12]') AS recorded_at, unhex(value->>'$[13]') AS actor_id, unhex(value->>'$[14]') AS reason_id
  FROM json_each($3)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 25.4: writes count_result_line
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) INSERT INTO count_result_line (tenant_id,
  document_id, line_no, item_id, location_id, lot_id, entered_quantity, entered_unit, quantity, counted_at, counted_by, expected,
  variance, short_quantity, value, superseded, moved)
SELECT $6, $7, line.*
FROM (SELECT (value->>'$[0]') AS line_no, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id, unhex(value->>'$[3]') AS lot_id,
  (value->>'$[4]') AS entered_quantity, (value->>'$[5]') AS entered_unit, (value->>'$[6]') AS quantity, (value->>'$[7]') AS counted_at,
  unhex(value->>'$[8]') AS counted_by, (value->>'$[9]') AS expected, (value->>'$[10]') AS variance, (value->>'$[11]') AS short_quantity,
  (value->>'$[12]') AS value, (value->>'$[13]') AS superseded, (value->>'$[14]') AS moved
  FROM json_each($5)) AS line
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 25.5: writes count_truth
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) INSERT INTO count_truth (tenant_id, document_id,
  line_no, item_id, location_id, lot_id, counted_at, quantity)
SELECT now.*
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS document_id, (value->>'$[2]') AS line_no, unhex(value->>'$[3]') AS item_id,
  unhex(value->>'$[4]') AS location_id, unhex(value->>'$[5]') AS lot_id, (value->>'$[6]') AS counted_at, (value->>'$[7]') AS quantity
  FROM json_each($8)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 25.6: writes ledger_head
WITH head AS (SELECT $11 AS seq, $12 AS number, $13 AS position, $14 AS head_hash) UPDATE ledger_head
SET head_hash = $9
WHERE tenant_id = $10;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 26: writes shortage
UPDATE shortage
SET status = 'cleared', cleared_by_document_id = $3, cleared_at = $4, updated_at = $4, version = shortage.version + 1
FROM (SELECT unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, (value->>'$[2]') AS counted_at
  FROM json_each($1)) AS counted
WHERE shortage.tenant_id = $2
AND shortage.status = 'open'
AND shortage.document_id <> $3
AND shortage.item_id = counted.item_id
AND shortage.location_id = counted.location_id
AND EXISTS (SELECT 1
  FROM document
  WHERE document.tenant_id = shortage.tenant_id
  AND document.id = shortage.document_id
  AND document.effective_at <= counted.counted_at)
RETURNING id;
--> SEARCH shortage USING INDEX ix_shortage_location_id (tenant_id=?)
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH document EXISTS USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)

-- 27: writes stock_count
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 28: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
