-- list of shortages
-- statements: 1

-- 1
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
--> SEARCH shortage USING INDEX ix_shortage_location_id (tenant_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY
