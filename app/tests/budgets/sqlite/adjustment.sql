-- adjustment
-- statements: 20

-- 1.1
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3);
--> SCAN CONSTANT ROW
--> SCALAR SUBQUERY 1
-->   SEARCH idempotency USING COVERING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)

-- 1.2
SELECT 0 AS part, told.*
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $4
  AND area.path = $5) AS told;
--> SEARCH area USING INDEX ix_location_path (tenant_id=? AND path=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 1.3
SELECT 1 AS part, told.*
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $6
  AND item.sku IN (SELECT (value->>'$[0]') AS sku
    FROM json_each($7))) AS told;
--> SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH own USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?) LEFT-JOIN

-- 1.4
SELECT 2 AS part, told.*
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $8) AS told;
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=?)

-- 1.5
SELECT 3 AS part, told.*
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $9
  AND kind = $10
  AND code IN (SELECT (value->>'$[0]') AS code
    FROM json_each($11))) AS told;
--> SEARCH reason USING INDEX ix_reason_kind_code (tenant_id=? AND kind=? AND code=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 2.1
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

-- 2.2
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

-- 2.3
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

-- 2.4
SELECT 3 AS part, told.*
FROM (SELECT wanted.place, COALESCE((SELECT lot.id
      FROM lot
      WHERE lot.tenant_id = $11
      AND lot.item_id = wanted.item_id
      AND NOT lot.void
      AND lot.received_at <= wanted.at
      AND lot.cost_floor_at <= wanted.at
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
      AND lot.cost_floor_at <= wanted.at
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

-- 3.1: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT COALESCE($1, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id
  FROM json_each($2)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 3.2: writes balance
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

-- 3.3: writes balance
INSERT INTO balance (tenant_id, item_id, location_id, lot_id, quantity, value)
SELECT *
FROM (SELECT COALESCE($5, value) AS tenant_id, unhex(value->>'$[0]') AS item_id, unhex(value->>'$[1]') AS location_id, unhex(value->>'$[2]') AS lot_id,
  (value->>'$[3]') AS quantity, (value->>'$[4]') AS value
  FROM json_each($6)) AS now
WHERE true
ON CONFLICT (tenant_id, item_id, location_id, lot_id) DO UPDATE
SET quantity = excluded.quantity, value = excluded.value;
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 3.4: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($7, $8, $9, $10, $11, $12, $13);

-- 3.5: writes ledger_head
UPDATE ledger_head
SET seq = seq + $14, adjustment_number = COALESCE(adjustment_number, 0) + 1, position = COALESCE(position, 0) + 1, last_recorded_at = $17,
last_counted_at = COALESCE($18, last_counted_at)
WHERE tenant_id = $15
AND rules_version = $16
RETURNING seq, adjustment_number AS number, position, head_hash;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 4.1: writes document
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) INSERT INTO document (id, tenant_id, type,
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

-- 4.2: writes lot
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) INSERT INTO lot (id, tenant_id, item_id,
  origin_document_id, origin_line, batch_code, received_at, produced_on, expires_on, date_kind, basis_quantity, basis_value,
  cost_floor_at, void, version, opened_at, origin_seq)
SELECT now.*, head.seq - $3 + 1
FROM (SELECT unhex(value->>'$[0]') AS id, unhex(value->>'$[1]') AS tenant_id, unhex(value->>'$[2]') AS item_id, unhex(value->>'$[3]') AS origin_document_id,
  (value->>'$[4]') AS origin_line, (value->>'$[5]') AS batch_code, (value->>'$[6]') AS received_at, (value->>'$[7]') AS produced_on,
  (value->>'$[8]') AS expires_on, (value->>'$[9]') AS date_kind, (value->>'$[10]') AS basis_quantity, (value->>'$[11]') AS basis_value,
  (value->>'$[12]') AS cost_floor_at, (value->>'$[13]') AS void, (value->>'$[14]') AS version, (value->>'$[15]') AS opened_at
  FROM json_each($2)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head
--> SEARCH count_truth USING INDEX ix_count_truth_item_id_location_id_counted_at (tenant_id=?)
--> SEARCH count_result_line USING INDEX ix_count_result_line_item_id (tenant_id=?)
--> SEARCH stock_count_line USING INDEX ix_stock_count_line_item_id (tenant_id=?)
--> SEARCH transfer_step_line USING INDEX ix_transfer_step_line_item_id (tenant_id=?)
--> SEARCH transfer_lot USING COVERING INDEX ix_transfer_lot_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH transfer_line USING INDEX ix_transfer_line_item_id (tenant_id=?)
--> SEARCH cost_variance USING COVERING INDEX ix_cost_variance_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH lot_event USING COVERING INDEX sqlite_autoindex_lot_event_1 (tenant_id=? AND lot_id=?)
--> SEARCH lot_parent USING COVERING INDEX ix_lot_parent_parent_id (tenant_id=? AND parent_id=?)
--> SEARCH lot_parent USING COVERING INDEX sqlite_autoindex_lot_parent_1 (tenant_id=? AND lot_id=?)
--> SEARCH correction_line USING INDEX ix_correction_line_item_id (tenant_id=?)
--> SEARCH cost_change_line USING COVERING INDEX ix_cost_change_line_lot_id (tenant_id=? AND lot_id=?)
--> SEARCH transformation_line USING INDEX ix_transformation_line_reason_id (tenant_id=?)
--> SEARCH vendor_return_line USING INDEX ix_vendor_return_line_reason_id (tenant_id=?)
--> SEARCH adjustment_line USING INDEX ix_adjustment_line_reason_id (tenant_id=?)
--> SEARCH usage_line USING INDEX ix_usage_line_item_id (tenant_id=?)
--> SEARCH waste_line USING INDEX ix_waste_line_reason_id (tenant_id=?)
--> SEARCH receipt_line USING INDEX ix_receipt_line_item_id (tenant_id=?)

-- 4.3: writes lot
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) UPDATE lot
SET basis_quantity = now.basis_quantity, basis_value = now.basis_value, cost_floor_at = now.cost_floor_at, void = now.void,
revalued_position = CASE WHEN now.revalued THEN head.position ELSE lot.revalued_position END, version = lot.version + 1
FROM (SELECT COALESCE($4, value) AS tenant_id, unhex(value->>'$[0]') AS id, (value->>'$[1]') AS basis_quantity, (value->>'$[2]') AS basis_value,
  (value->>'$[3]') AS cost_floor_at, (value->>'$[4]') AS void, (value->>'$[5]') AS revalued
  FROM json_each($5)) AS now
CROSS JOIN head
WHERE lot.tenant_id = now.tenant_id
AND lot.id = now.id;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)
--> SCAN head

-- 4.4: writes ledger_entry
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) INSERT INTO ledger_entry (seq, tenant_id,
  document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, recorded_at,
  actor_id, reason_id)
SELECT head.seq - $7 + now.place, tenant_id, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta,
effective_at, business_date, recorded_at, actor_id, reason_id
FROM (SELECT (value->>'$[0]') AS place, unhex(value->>'$[1]') AS tenant_id, unhex(value->>'$[2]') AS document_id, (value->>'$[3]') AS line_no,
  (value->>'$[4]') AS kind, unhex(value->>'$[5]') AS item_id, unhex(value->>'$[6]') AS location_id, unhex(value->>'$[7]') AS lot_id,
  (value->>'$[8]') AS quantity_delta, (value->>'$[9]') AS value_delta, (value->>'$[10]') AS effective_at, (value->>'$[11]') AS business_date,
  (value->>'$[12]') AS recorded_at, unhex(value->>'$[13]') AS actor_id, unhex(value->>'$[14]') AS reason_id
  FROM json_each($6)) AS now
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 4.5: writes adjustment_line
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) INSERT INTO adjustment_line (tenant_id,
  document_id, line_no, item_id, lot_id, entered_quantity, entered_unit, quantity, value, unit_cost, reason_id, batch_code,
  expires_on)
SELECT $9, $10, line.*
FROM (SELECT (value->>'$[0]') AS line_no, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS lot_id, (value->>'$[3]') AS entered_quantity,
  (value->>'$[4]') AS entered_unit, (value->>'$[5]') AS quantity, (value->>'$[6]') AS value, (value->>'$[7]') AS unit_cost,
  unhex(value->>'$[8]') AS reason_id, (value->>'$[9]') AS batch_code, (value->>'$[10]') AS expires_on
  FROM json_each($8)) AS line
CROSS JOIN head;
--> MATERIALIZE head
-->   SCAN CONSTANT ROW
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SCAN head

-- 4.6: writes ledger_head
WITH head AS (SELECT $13 AS seq, $14 AS number, $15 AS position, $16 AS head_hash) UPDATE ledger_head
SET head_hash = $11
WHERE tenant_id = $12;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)
