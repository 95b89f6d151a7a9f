-- value of all together
-- statements: 1

-- 1
SELECT CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM balance AS held
WHERE held.tenant_id = $1;
--> SEARCH held USING INDEX ix_balance_location_id (tenant_id=?)
