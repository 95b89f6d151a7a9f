-- feed of the ledger for an item
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint, $3 text
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
AND entry.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $3)
ORDER BY entry.seq
LIMIT 51;
--> Limit
-->   InitPlan 1 (returns $0)
-->     ->  Index Scan using ix_item_sku on item named
-->           Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->   ->  Nested Loop Left Join
-->         Join Filter: ((reason.tenant_id = entry.tenant_id) AND (reason.id = entry.reason_id))
-->         ->  Nested Loop Left Join
-->               Join Filter: ((unit.tenant_id = item.tenant_id) AND (unit.id = item.base_unit_id))
-->               ->  Nested Loop Left Join
-->                     Join Filter: ((item.tenant_id = entry.tenant_id) AND (item.id = entry.item_id))
-->                     ->  Index Scan using ix_ledger_entry_item_id_seq on ledger_entry entry
-->                           Index Cond: ((tenant_id = $1) AND (item_id = $0) AND (seq > $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = $0))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on reason
-->               Filter: (tenant_id = $1)
