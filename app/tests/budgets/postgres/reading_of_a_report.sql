-- reading of a report
-- statements: 5, round trips: 5

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid, $2 date
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day DESC
-->         ->  Seq Scan on period
-->               Filter: ((last_day <= $2) AND (tenant_id = $1) AND ((status)::text = 'closed'::text))

-- 4
-- $1 uuid, $2 date
SELECT held.item_id, item.sku, item.name, unit.code AS unit, CAST(NULL AS uuid) AS site_id, CAST(NULL AS varchar) AS site,
CAST(SUM(held.quantity / 1000000) AS BIGINT) AS quantity_units, CAST(SUM(held.quantity % 1000000) AS BIGINT) AS quantity_millionths,
CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM (SELECT held.tenant_id, held.item_id, held.location_id, held.lot_id, held.quantity_delta AS quantity, held.value_delta AS value
  FROM ledger_entry AS held
  WHERE held.tenant_id = $1
  AND held.business_date <= $2) AS held
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
-->                                 ->  Index Scan using ix_ledger_entry_location_id_seq on ledger_entry held
-->                                       Index Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                                       Filter: (business_date <= $2)
-->                           ->  Index Scan using item_pkey on item
-->                                 Index Cond: (id = held.item_id)
-->                                 Filter: (tenant_id = $1)

-- 5
COMMIT;
