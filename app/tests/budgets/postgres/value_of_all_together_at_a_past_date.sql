-- value of all together at a past date
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
SELECT CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM (SELECT held.tenant_id, held.item_id, held.location_id, held.lot_id, held.quantity_delta AS quantity, held.value_delta AS value
  FROM ledger_entry AS held
  WHERE held.tenant_id = $1
  AND held.business_date <= $2) AS held
WHERE held.tenant_id = $1;
--> Aggregate
-->   ->  Bitmap Heap Scan on ledger_entry held
-->         Recheck Cond: ((tenant_id = $1) AND (business_date <= $2))
-->         ->  Bitmap Index Scan on ix_ledger_entry_business_date
-->               Index Cond: ((tenant_id = $1) AND (business_date <= $2))

-- 5
COMMIT;
