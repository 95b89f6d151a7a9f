-- a transfer
-- statements: 4

-- 1
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

-- 2
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

-- 3
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

-- 4
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
