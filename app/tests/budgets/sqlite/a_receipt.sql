-- a receipt
-- statements: 8

-- 1
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.id = $2
AND document.type = $3;
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)

-- 2
SELECT line.document_id, line.line_no, line.item_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity,
line.unit_price, line.line_total, line.free, line.discount, line.charges, line.value, line.batch_code, line.expires_on, line.produced_on
FROM (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($1)) AS wanted
CROSS JOIN receipt_line AS line
WHERE line.tenant_id = $2
AND line.document_id = wanted.id
ORDER BY line.document_id, line.line_no;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH line USING INDEX sqlite_autoindex_receipt_line_1 (tenant_id=? AND document_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 3
SELECT line.document_id, line.line_no, line.label, line.amount, line.basis
FROM (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($1)) AS wanted
CROSS JOIN receipt_charge AS line
WHERE line.tenant_id = $2
AND line.document_id = wanted.id
ORDER BY line.document_id, line.line_no;
--> SCAN json_each VIRTUAL TABLE INDEX 1:
--> SEARCH line USING INDEX sqlite_autoindex_receipt_charge_1 (tenant_id=? AND document_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 4
SELECT item.id, item.sku, unit.code AS base_unit
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)

-- 5
SELECT id, code
FROM reason
WHERE tenant_id = $1
AND id IN (SELECT unhex(value->>'$[0]') AS id
  FROM json_each($2));
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?)
--> LIST SUBQUERY 1
-->   SCAN json_each VIRTUAL TABLE INDEX 1:
-->   CREATE BLOOM FILTER

-- 6
SELECT entry.seq, entry.document_id, entry.line_no, entry.kind, entry.item_id, item.sku, entry.location_id, entry.lot_id,
entry.quantity_delta, unit.code AS unit, entry.value_delta, entry.effective_at, entry.business_date, entry.recorded_at, entry.actor_id,
reason.code AS reason
FROM ledger_entry AS entry
LEFT JOIN item ON item.tenant_id = entry.tenant_id
AND item.id = entry.item_id
LEFT JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
LEFT JOIN location ON location.tenant_id = entry.tenant_id
AND location.id = entry.location_id
LEFT JOIN reason ON reason.tenant_id = entry.tenant_id
AND reason.id = entry.reason_id
WHERE entry.tenant_id = $1
AND entry.document_id = $2
ORDER BY +entry.seq;
--> SEARCH entry USING INDEX ix_ledger_entry_document_id (tenant_id=? AND document_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?) LEFT-JOIN
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?) LEFT-JOIN
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR ORDER BY

-- 7
SELECT "document_detail"."tenant_id", "document_detail"."document_id", "document_detail"."reverses_id", "document_detail"."reason_id",
"document_detail"."about_id", "document_detail"."transfer_id", "document_detail"."count_id", "document_detail"."purpose",
"document_detail"."recipient", "document_detail"."approved_by"
FROM "document_detail"
WHERE "document_detail"."tenant_id" = ?
AND "document_detail"."document_id" = ?
LIMIT ?;
--> SEARCH document_detail USING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?)

-- 8
SELECT "document_detail"."tenant_id", "document_detail"."document_id", "document_detail"."reverses_id", "document_detail"."reason_id",
"document_detail"."about_id", "document_detail"."transfer_id", "document_detail"."count_id", "document_detail"."purpose",
"document_detail"."recipient", "document_detail"."approved_by"
FROM "document_detail"
WHERE "document_detail"."tenant_id" = ?
AND "document_detail"."reverses_id" = ?
LIMIT ?;
--> SEARCH document_detail USING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
