-- list of units
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = $1
ORDER BY "unit"."code" ASC
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_unit_code on unit
-->         Index Cond: (tenant_id = $1)
