-- feed of the ledger between days
-- statements: 1

-- 1
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
AND entry.seq > $2
AND entry.business_date >= $3
AND entry.business_date <= $4
ORDER BY entry.seq
LIMIT 51;
--> SEARCH entry USING INDEX sqlite_autoindex_ledger_entry_1 (tenant_id=? AND seq>?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?) LEFT-JOIN
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?) LEFT-JOIN
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?) LEFT-JOIN
