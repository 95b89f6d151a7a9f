-- list of shortages
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
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
ORDER BY shortage.created_at DESC, shortage.id DESC
LIMIT $2;
--> Limit
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     Join Filter: (item.base_unit_id = unit.id)
-->                     ->  Nested Loop
-->                           ->  Index Scan Backward using ix_shortage_created_at_id on shortage
-->                                 Index Cond: (tenant_id = $1)
-->                           ->  Index Scan using item_pkey on item
-->                                 Index Cond: (id = shortage.item_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Materialize
-->                           ->  Seq Scan on unit
-->                                 Filter: (tenant_id = $1)
-->               ->  Memoize
-->                     Cache Key: shortage.location_id
-->                     Cache Mode: logical
-->                     ->  Index Scan using location_pkey on location
-->                           Index Cond: (id = shortage.location_id)
-->                           Filter: (tenant_id = $1)
-->         ->  Memoize
-->               Cache Key: shortage.document_id
-->               Cache Mode: logical
-->               ->  Index Scan using document_pkey on document
-->                     Index Cond: (id = shortage.document_id)
-->                     Filter: (tenant_id = $1)
