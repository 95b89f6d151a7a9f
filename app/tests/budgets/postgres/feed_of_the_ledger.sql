-- feed of the ledger
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
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
ORDER BY entry.seq
LIMIT 51;
--> Limit
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop Left Join
-->               ->  Nested Loop Left Join
-->                     ->  Index Scan using ledger_entry_pkey on ledger_entry entry
-->                           Index Cond: ((tenant_id = $1) AND (seq > $2))
-->                     ->  Index Scan using item_pkey on item
-->                           Index Cond: (id = entry.item_id)
-->                           Filter: ((tenant_id = $1) AND (tenant_id = entry.tenant_id))
-->               ->  Memoize
-->                     Cache Key: item.tenant_id, item.base_unit_id
-->                     Cache Mode: logical
-->                     ->  Index Scan using unit_pkey on unit
-->                           Index Cond: (id = item.base_unit_id)
-->                           Filter: ((tenant_id = $1) AND (tenant_id = item.tenant_id))
-->         ->  Memoize
-->               Cache Key: entry.tenant_id, entry.reason_id
-->               Cache Mode: logical
-->               ->  Index Scan using reason_pkey on reason
-->                     Index Cond: (id = entry.reason_id)
-->                     Filter: ((tenant_id = $1) AND (tenant_id = entry.tenant_id))
