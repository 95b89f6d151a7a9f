-- a transfer
-- statements: 4, round trips: 4

-- 1
-- $1 uuid, $2 uuid
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
--> Nested Loop
-->   Join Filter: (transfer.to_location_id = goal.id)
-->   ->  Nested Loop
-->         Join Filter: (transfer.from_location_id = origin.id)
-->         ->  Index Scan using uq_transfer_id on transfer
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location origin
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location goal
-->         Filter: (tenant_id = $1)

-- 2
-- $1 uuid, $2 uuid
SELECT line.line_no, line.item_id, item.sku, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, unit.code AS base_unit
FROM transfer_line AS line
JOIN item ON item.tenant_id = line.tenant_id
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE line.tenant_id = $1
AND line.transfer_id = $2
ORDER BY line.line_no;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Index Scan using transfer_line_pkey on transfer_line line
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = line.item_id))
-->   ->  Index Scan using unit_pkey on unit
-->         Index Cond: (id = item.base_unit_id)
-->         Filter: (tenant_id = $1)

-- 3
-- $1 uuid, $2 uuid
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
--> Sort
-->   Sort Key: lot.origin_seq, lot.origin_line
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using transfer_lot_pkey on transfer_lot moved
-->                           Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = moved.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = moved.lot_id)
-->               Filter: (tenant_id = $1)

-- 4
-- $1 uuid, $2 uuid
SELECT document.id, document.type, document.number, document.status, document.effective_at, document.business_date, document.recorded_at
FROM document_detail AS detail
JOIN document ON document.tenant_id = detail.tenant_id
AND document.id = detail.document_id
WHERE detail.tenant_id = $1
AND detail.transfer_id = $2
ORDER BY document.position;
--> Sort
-->   Sort Key: document."position"
-->   ->  Nested Loop
-->         ->  Index Scan using ix_document_detail_transfer_id on document_detail detail
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = detail.document_id))
