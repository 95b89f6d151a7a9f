-- feed of the ledger between days
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint, $3 date, $4 date
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
--> Limit
-->   ->  Sort
-->         Sort Key: entry.seq
-->         ->  Nested Loop Left Join
-->               Join Filter: ((reason.tenant_id = entry.tenant_id) AND (reason.id = entry.reason_id))
-->               ->  Nested Loop Left Join
-->                     ->  Index Scan using ix_ledger_entry_business_date on ledger_entry entry
-->                           Index Cond: ((tenant_id = $1) AND (business_date >= $3) AND (business_date <= $4))
-->                           Filter: (seq > $2)
-->                     ->  Nested Loop Left Join
-->                           ->  Index Scan using uq_item_id on item
-->                                 Index Cond: ((tenant_id = entry.tenant_id) AND (tenant_id = $1) AND (id = entry.item_id))
-->                           ->  Index Scan using unit_pkey on unit
-->                                 Index Cond: (id = item.base_unit_id)
-->                                 Filter: ((tenant_id = $1) AND (tenant_id = item.tenant_id))
-->               ->  Materialize
-->                     ->  Seq Scan on reason
-->                           Filter: (tenant_id = $1)
