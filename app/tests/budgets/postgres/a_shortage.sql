-- a shortage
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid
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
AND shortage.id = $2;
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (shortage.location_id = location.id)
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using uq_shortage_id on shortage
-->                           Index Cond: ((tenant_id = $1) AND (id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = shortage.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = shortage.document_id))
