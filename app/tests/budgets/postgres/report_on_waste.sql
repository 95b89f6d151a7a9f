-- report on waste
-- statements: 6, round trips: 6

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid, $2 date, $3 date, $4 text
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
--> Sort
-->   Sort Key: item.sku COLLATE "C"
-->   ->  GroupAggregate
-->         Group Key: item.id, unit.code
-->         ->  Incremental Sort
-->               Sort Key: item.id, unit.code COLLATE "C"
-->               Presorted Key: item.id
-->               ->  Nested Loop
-->                     ->  Nested Loop
-->                           ->  Nested Loop
-->                                 Join Filter: (entry.reason_id = reason.id)
-->                                 ->  GroupAggregate
-->                                       Group Key: entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no
-->                                       ->  Sort
-->                                             Sort Key: entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no
-->                                             ->  Nested Loop Anti Join
-->                                                   ->  Nested Loop
-->                                                         Join Filter: (entry.location_id = location.id)
-->                                                         ->  Seq Scan on location
-->                                                               Filter: (tenant_id = $1)
-->                                                         ->  Materialize
-->                                                               ->  Index Scan using ix_ledger_entry_business_date on ledger_entry entry
-->                                                                     Index Cond: ((tenant_id = $1) AND (business_date >= $2) AND (business_date <= $3))
-->                                                                     Filter: ((kind)::text = $4)
-->                                                   ->  Index Only Scan using ix_document_detail_reverses_id on document_detail undoing
-->                                                         Index Cond: ((tenant_id = $1) AND (reverses_id = entry.document_id))
-->                                 ->  Seq Scan on reason
-->                                       Filter: (tenant_id = $1)
-->                           ->  Index Scan using uq_item_id on item
-->                                 Index Cond: ((tenant_id = $1) AND (id = entry.item_id))
-->                     ->  Index Scan using unit_pkey on unit
-->                           Index Cond: (id = item.base_unit_id)
-->                           Filter: (tenant_id = $1)

-- 4
-- $1 uuid, $2 date, $3 date, $4 text, $5 text, $6 date, $7 date, $8 text
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
--> GroupAggregate
-->   Group Key: entry.item_id
-->   ->  Sort
-->         Sort Key: entry.item_id
-->         ->  Append
-->               ->  Nested Loop Anti Join
-->                     ->  Nested Loop
-->                           ->  Index Scan using ix_ledger_entry_business_date on ledger_entry entry
-->                                 Index Cond: ((tenant_id = $1) AND (business_date >= $6) AND (business_date <= $7))
-->                                 Filter: ((kind)::text = $5)
-->                           ->  Memoize
-->                                 Cache Key: entry.document_id
-->                                 Cache Mode: logical
-->                                 ->  Index Scan using uq_document_id on document receipt
-->                                       Index Cond: ((tenant_id = $1) AND (id = entry.document_id))
-->                                       Filter: ((business_date >= $2) AND (business_date <= $3) AND ((type)::text = $4))
-->                     ->  Index Only Scan using ix_document_detail_reverses_id on document_detail undoing
-->                           Index Cond: ((tenant_id = $1) AND (reverses_id = receipt.id))
-->               ->  Nested Loop Anti Join
-->                     ->  Nested Loop
-->                           ->  Nested Loop
-->                                 ->  Hash Join
-->                                       Hash Cond: (detail.document_id = line.document_id)
-->                                       ->  Bitmap Heap Scan on document_detail detail
-->                                             Recheck Cond: (tenant_id = $1)
-->                                             ->  Bitmap Index Scan on ix_document_detail_transfer_id
-->                                                   Index Cond: (tenant_id = $1)
-->                                       ->  Hash
-->                                             ->  Bitmap Heap Scan on correction_line line
-->                                                   Recheck Cond: (tenant_id = $1)
-->                                                   ->  Bitmap Index Scan on ix_correction_line_item_id
-->                                                         Index Cond: (tenant_id = $1)
-->                                 ->  Memoize
-->                                       Cache Key: detail.about_id
-->                                       Cache Mode: logical
-->                                       ->  Index Scan using document_pkey on document receipt_1
-->                                             Index Cond: (id = detail.about_id)
-->                                             Filter: ((business_date >= $2) AND (business_date <= $3) AND (tenant_id = $1) AND ((type)::text = $4))
-->                           ->  Index Scan using ix_ledger_entry_document_id on ledger_entry entry_1
-->                                 Index Cond: ((tenant_id = $1) AND (document_id = detail.document_id))
-->                                 Filter: ((kind)::text = $8)
-->                     ->  Index Only Scan using ix_document_detail_reverses_id on document_detail undoing_1
-->                           Index Cond: ((tenant_id = $1) AND (reverses_id = receipt_1.id))

-- 5
-- $1 uuid, $2 date, $3 date
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
--> Aggregate
-->   ->  Nested Loop Anti Join
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Bitmap Heap Scan on document
-->                           Recheck Cond: (tenant_id = $1)
-->                           Filter: ((business_date >= $2) AND (business_date <= $3))
-->                           ->  Bitmap Index Scan on ix_document_location_id
-->                                 Index Cond: (tenant_id = $1)
-->                     ->  Index Scan using plate_waste_line_pkey on plate_waste_line line
-->                           Index Cond: ((tenant_id = $1) AND (document_id = document.id))
-->               ->  Index Scan using reason_pkey on reason
-->                     Index Cond: (id = line.reason_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Only Scan using ix_document_detail_reverses_id on document_detail undoing
-->               Index Cond: ((tenant_id = $1) AND (reverses_id = line.document_id))

-- 6
COMMIT;
