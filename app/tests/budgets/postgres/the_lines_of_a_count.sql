-- the lines of a count
-- statements: 2, round trips: 2

-- 1
-- $1 uuid, $2 uuid
SELECT stock_count.id, stock_count.version, stock_count.created_at, stock_count.updated_at, stock_count.status, stock_count.location_id,
location.path AS location, stock_count.site_id, stock_count.blind, stock_count.needs_approval, stock_count.uncounted, stock_count.document_id,
stock_count.started_at, stock_count.reviewed_at, stock_count.reviewed_seq, stock_count.approved_by, stock_count.external_ref,
stock_count.note, stock_count.created_by
FROM stock_count
JOIN location ON location.tenant_id = stock_count.tenant_id
AND location.id = stock_count.location_id
WHERE stock_count.tenant_id = $1
AND stock_count.id = $2;
--> Nested Loop
-->   Join Filter: (stock_count.location_id = location.id)
-->   ->  Index Scan using uq_stock_count_id on stock_count
-->         Index Cond: ((tenant_id = $1) AND (id = $2))
-->   ->  Seq Scan on location
-->         Filter: (tenant_id = $1)

-- 2
-- $1 uuid, $2 uuid
SELECT line.item_id, line.location_id, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, line.counted_at,
line.counted_by, line.recount, line.uncounted, line.note, item.sku, unit.code AS base_unit, location.path AS location, CAST(COALESCE((SELECT SUM(balance.quantity / 1000000)
      FROM balance
      WHERE balance.tenant_id = line.tenant_id
      AND balance.item_id = line.item_id
      AND balance.location_id = line.location_id
      AND (line.lot_id IS NULL
        OR balance.lot_id = line.lot_id)), 0) - COALESCE((SELECT SUM(entry.quantity_delta / 1000000)
      FROM ledger_entry AS entry
      WHERE entry.tenant_id = line.tenant_id
      AND entry.item_id = line.item_id
      AND entry.location_id = line.location_id
      AND (line.lot_id IS NULL
        OR entry.lot_id = line.lot_id)
      AND entry.effective_at > line.counted_at), 0) AS BIGINT) AS expected_units, CAST(COALESCE((SELECT SUM(balance.quantity % 1000000)
      FROM balance
      WHERE balance.tenant_id = line.tenant_id
      AND balance.item_id = line.item_id
      AND balance.location_id = line.location_id
      AND (line.lot_id IS NULL
        OR balance.lot_id = line.lot_id)), 0) - COALESCE((SELECT SUM(entry.quantity_delta % 1000000)
      FROM ledger_entry AS entry
      WHERE entry.tenant_id = line.tenant_id
      AND entry.item_id = line.item_id
      AND entry.location_id = line.location_id
      AND (line.lot_id IS NULL
        OR entry.lot_id = line.lot_id)
      AND entry.effective_at > line.counted_at), 0) AS BIGINT) AS expected_rest, false AS moved_since
FROM stock_count_line AS line
JOIN item ON item.tenant_id = line.tenant_id
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = line.tenant_id
AND location.id = line.location_id
WHERE line.tenant_id = $1
AND line.count_id = $2
ORDER BY line.item_id, line.location_id, line.lot_key
LIMIT 51;
--> Limit
-->   ->  Nested Loop
-->         Join Filter: (line.location_id = location.id)
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using stock_count_line_pkey on stock_count_line line
-->                           Index Cond: ((tenant_id = $1) AND (count_id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = line.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->         SubPlan 1
-->           ->  Aggregate
-->                 ->  Index Scan using balance_pkey on balance
-->                       Index Cond: ((tenant_id = line.tenant_id) AND (item_id = line.item_id) AND (location_id = line.location_id))
-->                       Filter: ((line.lot_id IS NULL) OR (lot_id = line.lot_id))
-->         SubPlan 2
-->           ->  Aggregate
-->                 ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry
-->                       Index Cond: ((tenant_id = line.tenant_id) AND (item_id = line.item_id) AND (location_id = line.location_id) AND (effective_at > line.counted_at))
-->                       Filter: ((line.lot_id IS NULL) OR (lot_id = line.lot_id))
-->         SubPlan 3
-->           ->  Aggregate
-->                 ->  Index Scan using balance_pkey on balance balance_1
-->                       Index Cond: ((tenant_id = line.tenant_id) AND (item_id = line.item_id) AND (location_id = line.location_id))
-->                       Filter: ((line.lot_id IS NULL) OR (lot_id = line.lot_id))
-->         SubPlan 4
-->           ->  Aggregate
-->                 ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry_1
-->                       Index Cond: ((tenant_id = line.tenant_id) AND (item_id = line.item_id) AND (location_id = line.location_id) AND (effective_at > line.counted_at))
-->                       Filter: ((line.lot_id IS NULL) OR (lot_id = line.lot_id))
