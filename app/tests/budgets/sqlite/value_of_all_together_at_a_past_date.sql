-- value of all together at a past date
-- statements: 2

-- 1
SELECT id, last_day, version
FROM period
WHERE tenant_id = $1
AND status = 'closed'
AND last_day <= $2
ORDER BY last_day DESC
LIMIT 1;
--> SEARCH period USING INDEX ix_period_last_day (tenant_id=? AND last_day<?)

-- 2
SELECT CAST(SUM(held.value / 1000000) AS BIGINT) AS value_units, CAST(SUM(held.value % 1000000) AS BIGINT) AS value_millionths
FROM (SELECT held.tenant_id, held.item_id, held.location_id, held.lot_id, held.quantity_delta AS quantity, held.value_delta AS value
  FROM ledger_entry AS held
  WHERE held.tenant_id = $1
  AND held.business_date <= $2) AS held
WHERE held.tenant_id = $1;
--> SEARCH held USING INDEX ix_ledger_entry_business_date (tenant_id=? AND business_date<?)
