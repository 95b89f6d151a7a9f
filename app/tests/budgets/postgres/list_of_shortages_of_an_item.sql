-- list of shortages of an item
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 text, $3 text
SELECT shortage.*, item.sku, unit.code AS unit, location.path AS location, document.type AS document_type, document.number AS document_number
FROM shortage
JOIN item ON item.tenant_id = shortage.tenant_id
AND item.id = shortage.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = shortage.tenant_id
AND location.id = shortage.location_id
JOIN document ON document.tenant_id = shortage.tenant_id
AND document.id = shortage.document_id
WHERE shortage.tenant_id = $1
AND shortage.status = $2
AND shortage.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $3)
ORDER BY shortage.created_at DESC, shortage.id DESC
LIMIT 51;
--> Limit
-->   InitPlan 1 (returns $0)
-->     ->  Index Scan using ix_item_sku on item named
-->           Index Cond: ((tenant_id = $1) AND ((sku)::text = $3))
-->   ->  Sort
-->         Sort Key: shortage.created_at DESC, shortage.id DESC
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     Join Filter: (shortage.location_id = location.id)
-->                     ->  Nested Loop
-->                           Join Filter: (item.base_unit_id = unit.id)
-->                           ->  Nested Loop
-->                                 ->  Index Scan using ix_shortage_item_id_location_id_status on shortage
-->                                       Index Cond: ((tenant_id = $1) AND (item_id = $0) AND ((status)::text = $2))
-->                                 ->  Index Scan using uq_item_id on item
-->                                       Index Cond: ((tenant_id = $1) AND (id = $0))
-->                           ->  Seq Scan on unit
-->                                 Filter: (tenant_id = $1)
-->                     ->  Seq Scan on location
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using uq_document_id on document
-->                     Index Cond: ((tenant_id = $1) AND (id = shortage.document_id))
