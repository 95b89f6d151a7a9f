-- count
-- statements: 24

-- 1: writes idempotency
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, 0, '', $5)
ON CONFLICT DO NOTHING;

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
SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
head.closed_through, (SELECT MAX(last.recorded_at)
  FROM document AS last
  WHERE last.tenant_id = head.tenant_id
  AND last.last_seq = head.seq) AS last_recorded_at, (SELECT MAX(last.effective_at)
  FROM document AS last
  WHERE last.tenant_id = head.tenant_id
  AND last.last_seq = head.seq
  AND last.type = 'count') AS last_counted_at
FROM location AS area
JOIN location AS site ON site.tenant_id = area.tenant_id
AND site.id = area.site_id
JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
WHERE area.tenant_id = $1
AND area.id = $2;
--> SEARCH area USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH site USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)
--> CORRELATED SCALAR SUBQUERY 1
-->   SEARCH last USING INDEX ix_document_last_seq (tenant_id=? AND last_seq=?)
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH last USING INDEX ix_document_last_seq (tenant_id=? AND last_seq=?)

-- 4
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note
FROM stock_count_line AS line
WHERE line.tenant_id = $1
AND line.count_id = $2;
--> SEARCH line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)

-- 5
SELECT id, path, archived_at
FROM location
WHERE tenant_id = $1
AND kind = 'area'
AND (path = $2
  OR substr(path, 1, length($2) + 1) = $2 || '/')
ORDER BY path;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

-- 6
SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
item.shelf_life_days, item.opened_shelf_life_days, item.archived_at
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2))
UNION
SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
item.shelf_life_days, item.opened_shelf_life_days, item.archived_at
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.sku IN (SELECT (value->>'$[0]') AS sku
  FROM json_each($3));
--> COMPOUND QUERY
-->   LEFT-MOST SUBQUERY
-->     SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
-->     LIST SUBQUERY 1
-->       SCAN json_each VIRTUAL TABLE INDEX 1:
-->       CREATE BLOOM FILTER
-->     SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
-->   UNION USING TEMP B-TREE
-->     SEARCH item USING INDEX ix_item_sku (tenant_id=? AND sku=?)
-->     LIST SUBQUERY 3
-->       SCAN json_each VIRTUAL TABLE INDEX 1:
-->       CREATE BLOOM FILTER
-->     SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)

-- 7
SELECT item_id, code, numerator, denominator
FROM item_unit
WHERE tenant_id = $1
AND item_id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH item_unit USING INDEX ix_item_unit_item_id_code (tenant_id=? AND item_id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 8
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = ?
ORDER BY "unit"."code" ASC;
--> SEARCH unit USING INDEX ix_unit_code (tenant_id=?)

-- 9: writes stock_key
INSERT INTO stock_key (tenant_id, item_id, location_id)
SELECT *
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id
  FROM json_each($1)) AS wanted
WHERE true
ORDER BY item_id, location_id
ON CONFLICT DO NOTHING;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> USE TEMP B-TREE FOR ORDER BY

-- 10
SELECT truth.item_id, truth.location_id, truth.lot_id, truth.counted_at, truth.document_id, document.number, truth.line_no
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id
  FROM json_each($1)) AS wanted
JOIN count_truth AS truth ON truth.tenant_id = wanted.tenant_id
AND truth.item_id = wanted.item_id
AND truth.location_id = wanted.location_id
JOIN document ON document.tenant_id = truth.tenant_id
AND document.id = truth.document_id
WHERE truth.counted_at >= $2
AND truth.marked_by IS NULL
ORDER BY truth.counted_at, truth.document_id, truth.line_no;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH truth USING INDEX ix_count_truth_item_id_location_id_counted_at (tenant_id=? AND item_id=? AND location_id=? AND counted_at>?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 11
WITH wanted AS MATERIALIZED (SELECT stock_key.tenant_id, stock_key.item_id, stock_key.location_id, stock_key.reserved_quantity - CASE WHEN stock_key.reserved_quantity = 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(past.quantity - past.taken)
        FROM reservation AS past
        WHERE past.tenant_id = stock_key.tenant_id
        AND past.item_id = stock_key.item_id
        AND past.location_id = stock_key.location_id
        AND past.status = 'active'
        AND past.ends_at <= $2), 0) AS BIGINT) END AS reserved_quantity
  FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id
    FROM json_each($1)) AS given
  JOIN stock_key ON stock_key.tenant_id = given.tenant_id
  AND stock_key.item_id = given.item_id
  AND stock_key.location_id = given.location_id)
SELECT lot.id, lot.item_id, lot.origin_seq, lot.origin_line, lot.batch_code, lot.received_at, lot.expires_on, lot.date_kind,
lot.opened_at, lot.hold, lot.basis_quantity, lot.basis_value, lot.cost_floor_at, lot.revalued_position, lot.void, lot.version,
balance.location_id, balance.quantity, balance.value, wanted.reserved_quantity
FROM wanted
JOIN balance ON balance.tenant_id = wanted.tenant_id
AND balance.item_id = wanted.item_id
AND balance.location_id = wanted.location_id
JOIN lot ON lot.tenant_id = balance.tenant_id
AND lot.id = balance.lot_id
WHERE balance.quantity > 0;
--> MATERIALIZE wanted
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   SEARCH stock_key USING INDEX sqlite_autoindex_stock_key_1 (tenant_id=? AND item_id=? AND location_id=?)
-->   CORRELATED SCALAR SUBQUERY 1
-->     SEARCH past USING INDEX ix_reservation_item_id_location_id (tenant_id=? AND item_id=? AND location_id=?)
--> SCAN wanted
--> SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> SEARCH lot USING INDEX sqlite_autoindex_lot_2 (tenant_id=? AND id=?)

-- 12
SELECT entry.item_id, entry.location_id, entry.lot_id, entry.effective_at, CAST(SUM(entry.quantity_delta) AS BIGINT) AS quantity
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id
  FROM json_each($1)) AS wanted
JOIN ledger_entry AS entry ON entry.tenant_id = wanted.tenant_id
AND entry.item_id = wanted.item_id
AND entry.location_id = wanted.location_id
WHERE entry.effective_at > $2
GROUP BY entry.item_id, entry.location_id, entry.lot_id, entry.effective_at
ORDER BY entry.effective_at;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH entry USING INDEX ix_ledger_entry_item_id_location_id_effective_at (tenant_id=? AND item_id=? AND location_id=? AND effective_at>?)
--> USE TEMP B-TREE FOR GROUP BY
--> USE TEMP B-TREE FOR ORDER BY

-- 13
SELECT wanted.place, COALESCE((SELECT lot.id
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
  FROM json_each($1)) AS wanted;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   SEARCH balance EXISTS USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)
-->   USE TEMP B-TREE FOR ORDER BY
--> CORRELATED SCALAR SUBQUERY 3
-->   SEARCH lot USING INDEX ix_lot_item_id_origin_seq (tenant_id=? AND item_id=?)
-->   USE TEMP B-TREE FOR ORDER BY

-- 14: writes balance
UPDATE balance
SET quantity = now.quantity, value = now.value
FROM (SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id, unhex(value->>'$[3]') AS lot_id,
  (value->>'$[4]') AS quantity, (value->>'$[5]') AS value
  FROM json_each($1)) AS now
WHERE balance.tenant_id = now.tenant_id
AND balance.item_id = now.item_id
AND balance.location_id = now.location_id
AND balance.lot_id = now.lot_id;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH balance USING COVERING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=? AND lot_id=?)

-- 15: writes ledger_head
UPDATE ledger_head
SET seq = seq + $1, count_number = COALESCE(count_number, 0) + 1, position = COALESCE(position, 0) + 1
WHERE tenant_id = $2
AND rules_version = $3
RETURNING seq, count_number AS number, position, head_hash;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 16: writes ledger_head
UPDATE ledger_head
SET head_hash = $1
WHERE tenant_id = $2;
--> SEARCH ledger_head USING INDEX sqlite_autoindex_ledger_head_1 (tenant_id=?)

-- 17: writes document
INSERT INTO "document" ("id", "tenant_id", "type", "number", "status", "effective_at", "business_date", "recorded_at", "posted_at",
  "posted_by", "site_id", "location_id", "external_ref", "note", "last_seq", "content_hash", "chain_hash", "version", "position")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 18: writes document_detail
INSERT INTO document_detail (tenant_id, document_id, reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient,
  approved_by)
SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS document_id, unhex(value->>'$[2]') AS reverses_id, unhex(value->>'$[3]') AS reason_id,
unhex(value->>'$[4]') AS about_id, unhex(value->>'$[5]') AS transfer_id, unhex(value->>'$[6]') AS count_id, (value->>'$[7]') AS purpose,
(value->>'$[8]') AS recipient, unhex(value->>'$[9]') AS approved_by
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 19: writes ledger_entry
INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta,
  effective_at, business_date, recorded_at, actor_id, reason_id)
SELECT unhex(value->>'$[0]') AS tenant_id, (value->>'$[1]') AS seq, unhex(value->>'$[2]') AS document_id, (value->>'$[3]') AS line_no,
(value->>'$[4]') AS kind, unhex(value->>'$[5]') AS item_id, unhex(value->>'$[6]') AS location_id, unhex(value->>'$[7]') AS lot_id,
(value->>'$[8]') AS quantity_delta, (value->>'$[9]') AS value_delta, (value->>'$[10]') AS effective_at, (value->>'$[11]') AS business_date,
(value->>'$[12]') AS recorded_at, unhex(value->>'$[13]') AS actor_id, unhex(value->>'$[14]') AS reason_id
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 20: writes count_result_line
INSERT INTO count_result_line (tenant_id, document_id, line_no, item_id, location_id, lot_id, entered_quantity, entered_unit,
  quantity, counted_at, counted_by, expected, variance, short_quantity, value, superseded, moved)
SELECT $2, $3, line.*
FROM (SELECT (value->>'$[0]') AS line_no, unhex(value->>'$[1]') AS item_id, unhex(value->>'$[2]') AS location_id, unhex(value->>'$[3]') AS lot_id,
  (value->>'$[4]') AS entered_quantity, (value->>'$[5]') AS entered_unit, (value->>'$[6]') AS quantity, (value->>'$[7]') AS counted_at,
  unhex(value->>'$[8]') AS counted_by, (value->>'$[9]') AS expected, (value->>'$[10]') AS variance, (value->>'$[11]') AS short_quantity,
  (value->>'$[12]') AS value, (value->>'$[13]') AS superseded, (value->>'$[14]') AS moved
  FROM json_each($1)) AS line;
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 21: writes count_truth
INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, lot_id, counted_at, quantity)
SELECT unhex(value->>'$[0]') AS tenant_id, unhex(value->>'$[1]') AS document_id, (value->>'$[2]') AS line_no, unhex(value->>'$[3]') AS item_id,
unhex(value->>'$[4]') AS location_id, unhex(value->>'$[5]') AS lot_id, (value->>'$[6]') AS counted_at, (value->>'$[7]') AS quantity
FROM json_each($1);
--> SCAN json_each VIRTUAL TABLE INDEX 1:

-- 22: writes shortage
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

-- 23: writes stock_count
UPDATE stock_count
SET version = $3, updated_at = $4, status = $5, document_id = $6, started_at = $7, reviewed_at = $8, reviewed_seq = $9, approved_by = $10,
uncounted = $11
WHERE tenant_id = $1
AND id = $2;
--> SEARCH stock_count USING INDEX sqlite_autoindex_stock_count_2 (tenant_id=? AND id=?)

-- 24: writes idempotency
UPDATE idempotency
SET status = $1, body = $2
WHERE tenant_id = $3
AND actor_id = $4
AND key = $5;
--> SEARCH idempotency USING INDEX sqlite_autoindex_idempotency_1 (tenant_id=? AND actor_id=? AND key=?)
