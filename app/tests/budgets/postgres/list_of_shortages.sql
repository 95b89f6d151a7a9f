-- list of shortages
-- statements: 1, round trips: 1

-- 1
-- $1 uuid
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
LIMIT 51;
--> Limit
-->   ->  Sort
-->         Sort Key: shortage.created_at DESC, shortage.id DESC
-->         ->  Nested Loop
-->               ->  Hash Join
-->                     Hash Cond: (item.base_unit_id = unit.id)
-->                     ->  Hash Join
-->                           Hash Cond: (shortage.item_id = item.id)
-->                           ->  Hash Join
-->                                 Hash Cond: (document.id = shortage.document_id)
-->                                 ->  Bitmap Heap Scan on document
-->                                       Recheck Cond: (tenant_id = $1)
-->                                       ->  Bitmap Index Scan on ix_document_location_id
-->                                             Index Cond: (tenant_id = $1)
-->                                 ->  Hash
-->                                       ->  Bitmap Heap Scan on shortage
-->                                             Recheck Cond: (tenant_id = $1)
-->                                             ->  Bitmap Index Scan on ix_shortage_location_id
-->                                                   Index Cond: (tenant_id = $1)
-->                           ->  Hash
-->                                 ->  Bitmap Heap Scan on item
-->                                       Recheck Cond: (tenant_id = $1)
-->                                       ->  Bitmap Index Scan on ix_item_updated_at_id
-->                                             Index Cond: (tenant_id = $1)
-->                     ->  Hash
-->                           ->  Seq Scan on unit
-->                                 Filter: (tenant_id = $1)
-->               ->  Memoize
-->                     Cache Key: shortage.location_id
-->                     Cache Mode: logical
-->                     ->  Index Scan using location_pkey on location
-->                           Index Cond: (id = shortage.location_id)
-->                           Filter: (tenant_id = $1)
