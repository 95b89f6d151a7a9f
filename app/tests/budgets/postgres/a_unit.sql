-- a unit
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid, $3 bigint
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = $1
AND "unit"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on unit
-->         Filter: ((tenant_id = $1) AND (id = $2))
