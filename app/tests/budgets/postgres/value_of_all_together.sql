-- value of all together
-- statements: 4, round trips: 4

-- 1
BEGIN;

-- 2
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 3
-- $1 uuid
SELECT CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM balance AS held
WHERE held.tenant_id = $1;
--> Aggregate
-->   ->  Bitmap Heap Scan on balance held
-->         Recheck Cond: (tenant_id = $1)
-->         ->  Bitmap Index Scan on ix_balance_location_id
-->               Index Cond: (tenant_id = $1)

-- 4
COMMIT;
