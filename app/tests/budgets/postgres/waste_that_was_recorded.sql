-- waste that was recorded
-- statements: 8, round trips: 8

-- 1
-- $1 uuid, $2 uuid, $3 text
SELECT document.*, location.path AS location
FROM document
JOIN location ON location.tenant_id = document.tenant_id
AND location.id = document.location_id
WHERE document.tenant_id = $1
AND document.id = $2
AND document.type = $3;
--> Nested Loop
-->   Join Filter: (document.location_id = location.id)
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = $2))
-->         Filter: ((type)::text = $3)
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)

-- 2
-- $1 jsonb, $2 uuid
SELECT line.document_id, line.line_no, line.item_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity,
line.value, line.reason_id, line.stage, line.destination
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
CROSS JOIN waste_line AS line
WHERE line.tenant_id = $2
AND line.document_id = wanted.id
ORDER BY line.document_id, line.line_no;
--> Sort
-->   Sort Key: line.document_id, line.line_no
-->   ->  Hash Join
-->         Hash Cond: (line.document_id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on waste_line line
-->               Recheck Cond: (tenant_id = $2)
-->               ->  Bitmap Index Scan on ix_waste_line_reason_id
-->                     Index Cond: (tenant_id = $2)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 3
-- $1 jsonb, $2 uuid
SELECT line.document_id, line.line_no, line.description, line.grams, line.reason_id, line.stage, line.destination
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($1::jsonb) AS given(value)) AS wanted
CROSS JOIN plate_waste_line AS line
WHERE line.tenant_id = $2
AND line.document_id = wanted.id
ORDER BY line.document_id, line.line_no;
--> Sort
-->   Sort Key: line.document_id, line.line_no
-->   ->  Hash Join
-->         Hash Cond: (line.document_id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on plate_waste_line line
-->               Recheck Cond: (tenant_id = $2)
-->               ->  Bitmap Index Scan on ix_plate_waste_line_reason_id
-->                     Index Cond: (tenant_id = $2)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 4
-- $1 uuid, $2 jsonb
SELECT item.id, item.sku, unit.code AS base_unit
FROM item
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE item.tenant_id = $1
AND item.id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Nested Loop
-->   ->  Hash Semi Join
-->         Hash Cond: (item.id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on item
-->               Recheck Cond: (tenant_id = $1)
-->               ->  Bitmap Index Scan on ix_item_updated_at_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given
-->   ->  Index Scan using unit_pkey on unit
-->         Index Cond: (id = item.base_unit_id)
-->         Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 jsonb
SELECT id, code
FROM reason
WHERE tenant_id = $1
AND id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value));
--> Hash Semi Join
-->   Hash Cond: (reason.id = ((given.value ->> 0))::uuid)
-->   ->  Seq Scan on reason
-->         Filter: (tenant_id = $1)
-->   ->  Hash
-->         ->  Function Scan on jsonb_array_elements given

-- 6
-- $1 uuid, $2 uuid
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
--> Sort
-->   Sort Key: ((+ entry.seq))
-->   ->  Nested Loop Left Join
-->         Join Filter: ((reason.tenant_id = entry.tenant_id) AND (reason.id = entry.reason_id))
-->         ->  Nested Loop Left Join
-->               ->  Index Scan using ix_ledger_entry_document_id on ledger_entry entry
-->                     Index Cond: ((tenant_id = $1) AND (document_id = $2))
-->               ->  Nested Loop Left Join
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = entry.tenant_id) AND (tenant_id = $1) AND (id = entry.item_id))
-->                     ->  Index Scan using unit_pkey on unit
-->                           Index Cond: (id = item.base_unit_id)
-->                           Filter: ((tenant_id = $1) AND (tenant_id = item.tenant_id))
-->         ->  Seq Scan on reason
-->               Filter: (tenant_id = $1)

-- 7
-- $1 uuid, $2 uuid, $3 bigint
SELECT "document_detail"."tenant_id", "document_detail"."document_id", "document_detail"."reverses_id", "document_detail"."reason_id",
"document_detail"."about_id", "document_detail"."transfer_id", "document_detail"."count_id", "document_detail"."purpose",
"document_detail"."recipient", "document_detail"."approved_by"
FROM "document_detail"
WHERE "document_detail"."tenant_id" = $1
AND "document_detail"."document_id" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using document_detail_pkey on document_detail
-->         Index Cond: ((tenant_id = $1) AND (document_id = $2))

-- 8
-- $1 uuid, $2 uuid, $3 bigint
SELECT "document_detail"."tenant_id", "document_detail"."document_id", "document_detail"."reverses_id", "document_detail"."reason_id",
"document_detail"."about_id", "document_detail"."transfer_id", "document_detail"."count_id", "document_detail"."purpose",
"document_detail"."recipient", "document_detail"."approved_by"
FROM "document_detail"
WHERE "document_detail"."tenant_id" = $1
AND "document_detail"."reverses_id" = $2
LIMIT $3;
--> Limit
-->   ->  Index Scan using ix_document_detail_reverses_id on document_detail
-->         Index Cond: ((tenant_id = $1) AND (reverses_id = $2))
