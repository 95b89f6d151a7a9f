-- the lines of a count
-- statements: 2

-- 1
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

-- 2
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
--> SEARCH line USING INDEX sqlite_autoindex_stock_count_line_1 (tenant_id=? AND count_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> CORRELATED SCALAR SUBQUERY 1
-->   SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> CORRELATED SCALAR SUBQUERY 2
-->   SEARCH entry USING INDEX ix_ledger_entry_item_id_location_id_effective_at (tenant_id=? AND item_id=? AND location_id=? AND effective_at>?)
--> CORRELATED SCALAR SUBQUERY 3
-->   SEARCH balance USING INDEX sqlite_autoindex_balance_1 (tenant_id=? AND item_id=? AND location_id=?)
--> CORRELATED SCALAR SUBQUERY 4
-->   SEARCH entry USING INDEX ix_ledger_entry_item_id_location_id_effective_at (tenant_id=? AND item_id=? AND location_id=? AND effective_at>?)
