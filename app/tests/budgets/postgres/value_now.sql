-- value now
-- statements: 4, round trips: 4

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid
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
--> GroupAggregate
-->   Group Key: held.item_id, item.sku, item.name, unit.code
-->   ->  Sort
-->         Sort Key: held.item_id, item.sku COLLATE "C", item.name, unit.code COLLATE "C"
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $1)
-->               ->  Materialize
-->                     ->  Nested Loop
-->                           ->  Nested Loop
-->                                 ->  Seq Scan on location
-->                                       Filter: (tenant_id = $1)
-->                                 ->  Index Scan using ix_balance_location_id on balance held
-->                                       Index Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                           ->  Index Scan using item_pkey on item
-->                                 Index Cond: (id = held.item_id)
-->                                 Filter: (tenant_id = $1)

-- 4
COMMIT;
