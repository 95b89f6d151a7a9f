-- feed of the ledger for an item
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint, $3 text, $4 bigint
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
AND item.sku = $3
ORDER BY entry.seq
LIMIT $4;
--> Limit
-->   ->  Sort
-->         Sort Key: entry.seq
-->         ->  Nested Loop Left Join
-->               ->  Nested Loop Left Join
-->                     Join Filter: ((unit.tenant_id = item.tenant_id) AND (unit.id = item.base_unit_id))
-->                     ->  Nested Loop
-->                           ->  Index Scan using ix_item_sku on item
-->                                 Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->                           ->  Index Scan using ix_ledger_entry_item_id_location_id_effective_at on ledger_entry entry
-->                                 Index Cond: ((tenant_id = $1) AND (item_id = item.id))
-->                                 Filter: (seq > $2)
-->                     ->  Seq Scan on unit
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using reason_pkey on reason
-->                     Index Cond: (id = entry.reason_id)
-->                     Filter: ((tenant_id = $1) AND (tenant_id = entry.tenant_id))
