-- value now
-- statements: 1

-- 1
SELECT held.item_id, item.sku, item.name, unit.code AS unit, CAST(NULL AS uuid) AS site_id, CAST(NULL AS varchar) AS site,
CAST(SUM(held.quantity / 1000000) AS BIGINT) AS quantity_units, CAST(SUM(held.quantity % 1000000) AS BIGINT) AS quantity_millionths,
CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM balance AS held
JOIN item ON item.tenant_id = held.tenant_id
AND item.id = held.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = held.tenant_id
AND location.id = held.location_id
WHERE held.tenant_id = $1
GROUP BY held.item_id, item.sku, item.name, unit.code;
--> SEARCH held USING INDEX sqlite_autoindex_balance_1 (tenant_id=?)
--> SEARCH item USING INDEX sqlite_autoindex_item_2 (tenant_id=? AND id=?)
--> SEARCH unit USING INDEX sqlite_autoindex_unit_2 (tenant_id=? AND id=?)
--> SEARCH location USING COVERING INDEX sqlite_autoindex_location_2 (tenant_id=? AND id=?)
--> USE TEMP B-TREE FOR GROUP BY
