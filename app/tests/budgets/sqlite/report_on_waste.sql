-- report on waste
-- statements: 3

-- 1
SELECT item.id AS id, item.sku AS code, item.name AS name, unit.code AS unit, COUNT(*) AS lines, CAST(SUM((CASE WHEN reason.avoidable THEN 1 ELSE 0 END)) AS BIGINT) AS avoidable_lines,
CAST(COALESCE(SUM(line.quantity / 1000000), 0) AS BIGINT) AS quantity_units, CAST(COALESCE(SUM(line.quantity % 1000000), 0) AS BIGINT) AS quantity_millionths,
CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.quantity ELSE 0 END) / 1000000), 0) AS BIGINT) AS avoidable_quantity_units,
CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.quantity ELSE 0 END) % 1000000), 0) AS BIGINT) AS avoidable_quantity_millionths,
CAST(COALESCE(SUM(line.value / 1000000), 0) AS BIGINT) AS value_units, CAST(COALESCE(SUM(line.value % 1000000), 0) AS BIGINT) AS value_millionths,
CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.value ELSE 0 END) / 1000000), 0) AS BIGINT) AS avoidable_value_units,
CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.value ELSE 0 END) % 1000000), 0) AS BIGINT) AS avoidable_value_millionths
FROM (
  SELECT entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no, CAST(-SUM(entry.quantity_delta) AS BIGINT) AS quantity,
  CAST(-SUM(entry.value_delta) AS BIGINT) AS value
  FROM ledger_entry AS entry
  JOIN location ON location.tenant_id = entry.tenant_id
  AND location.id = entry.location_id
  WHERE entry.tenant_id = $1
  AND entry.business_date >= $2
  AND entry.business_date <= $3
  AND entry.kind = $4
  AND NOT EXISTS (SELECT 1
    FROM document_detail AS undoing
    WHERE undoing.tenant_id = $1
    AND undoing.reverses_id = entry.document_id)
  GROUP BY entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no) AS line
JOIN reason ON reason.tenant_id = $1
AND reason.id = line.reason_id
JOIN item ON item.tenant_id = $1
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = $1
AND unit.id = item.base_unit_id
GROUP BY item.id, item.sku, item.name, unit.code
ORDER BY code;
--> CO-ROUTINE line
-->   SEARCH entry USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date>? AND business_date<?)
-->   CORRELATED SCALAR SUBQUERY 1
-->     SEARCH undoing USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
-->   SEARCH location USING COVERING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
-->   USE TEMP B-TREE FOR GROUP BY
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=?)
--> SEARCH line USING AUTOMATIC COVERING INDEX (item_id=? AND reason_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 2
SELECT moved.item_id, CAST(COALESCE(SUM(moved.quantity_delta / 1000000), 0) AS BIGINT) AS quantity_units, CAST(COALESCE(SUM(moved.quantity_delta % 1000000),
    0) AS BIGINT) AS quantity_millionths
FROM (
  SELECT entry.item_id, entry.quantity_delta
  FROM ledger_entry AS entry
  CROSS JOIN document AS receipt
  WHERE entry.tenant_id = $1
  AND receipt.business_date >= $2
  AND receipt.business_date <= $3
  AND receipt.type = $4
  AND NOT EXISTS (SELECT 1
    FROM document_detail AS undoing
    WHERE undoing.tenant_id = $1
    AND undoing.reverses_id = receipt.id)
  AND receipt.tenant_id = entry.tenant_id
  AND receipt.id = entry.document_id
  AND entry.kind = $5
  AND entry.business_date >= $6
  AND entry.business_date <= $7
  UNION ALL
  SELECT entry.item_id, entry.quantity_delta
  FROM correction_line AS line
  CROSS JOIN document_detail AS detail
  CROSS JOIN document AS receipt
  CROSS JOIN ledger_entry AS entry
  WHERE entry.tenant_id = $1
  AND receipt.business_date >= $2
  AND receipt.business_date <= $3
  AND receipt.type = $4
  AND NOT EXISTS (SELECT 1
    FROM document_detail AS undoing
    WHERE undoing.tenant_id = $1
    AND undoing.reverses_id = receipt.id)
  AND line.tenant_id = $1
  AND detail.tenant_id = line.tenant_id
  AND detail.document_id = line.document_id
  AND receipt.tenant_id = detail.tenant_id
  AND receipt.id = detail.about_id
  AND entry.document_id = line.document_id
  AND entry.kind = $8) AS moved
GROUP BY moved.item_id;
--> CO-ROUTINE moved
-->   COMPOUND QUERY
-->     LEFT-MOST SUBQUERY
-->       SEARCH entry USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date>? AND business_date<?)
-->       SEARCH receipt USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
-->       CORRELATED SCALAR SUBQUERY 1
-->         SEARCH undoing USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
-->     UNION ALL
-->       SEARCH line USING COVERING INDEX sqlite_autoindex_correction_line_1 (tenant_id=?)
-->       SEARCH detail USING INDEX sqlite_autoindex_document_detail_1 (tenant_id=? AND document_id=?)
-->       SEARCH receipt USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
-->       CORRELATED SCALAR SUBQUERY 3
-->         SEARCH undoing USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
-->       SEARCH entry USING INDEX ix_ledger_entry_document_id (tenant_id=? AND document_id=?)
--> SCAN moved
--> USE TEMP B-TREE FOR GROUP BY

-- 3
SELECT COUNT(*) AS lines, CAST(COALESCE(SUM(line.grams / 1000000), 0) AS BIGINT) AS mass_units, CAST(COALESCE(SUM(line.grams % 1000000),
    0) AS BIGINT) AS mass_millionths, CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.grams ELSE 0 END) / 1000000),
    0) AS BIGINT) AS avoidable_units, CAST(COALESCE(SUM((CASE WHEN reason.avoidable THEN line.grams ELSE 0 END) % 1000000),
    0) AS BIGINT) AS avoidable_millionths
FROM plate_waste_line AS line
JOIN document ON document.tenant_id = line.tenant_id
AND document.id = line.document_id
JOIN reason ON reason.tenant_id = line.tenant_id
AND reason.id = line.reason_id
WHERE line.tenant_id = $1
AND document.business_date >= $2
AND document.business_date <= $3
AND NOT EXISTS (SELECT 1
  FROM document_detail AS undoing
  WHERE undoing.tenant_id = $1
  AND undoing.reverses_id = line.document_id);
--> SEARCH line USING INDEX ix_plate_waste_line_reason_id (tenant_id=?)
--> CORRELATED SCALAR SUBQUERY 1
-->   SEARCH undoing USING COVERING INDEX ix_document_detail_reverses_id (tenant_id=? AND reverses_id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?)
