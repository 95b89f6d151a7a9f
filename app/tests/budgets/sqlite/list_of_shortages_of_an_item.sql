-- list of shortages of an item
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
AND shortage.status = $2
AND shortage.item_id = (SELECT named.id
  FROM item AS named
  WHERE named.tenant_id = $1
  AND named.sku = $3)
ORDER BY shortage.created_at DESC, shortage.id DESC
LIMIT 51;
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SCALAR SUBQUERY 1
-->   SEARCH named USING INDEX ix_item_sku (tenant_id=? AND sku=?)
--> REUSE SUBQUERY 1
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH shortage USING INDEX ix_shortage_item_id_location_id_status (tenant_id=? AND item_id=?)
--> REUSE SUBQUERY 1
--> SEARCH location USING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> SEARCH document USING INDEX sqlite_autoindex_document_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR ORDER BY
