-- list of units
-- statements: 1

-- 1
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = ?
ORDER BY "unit"."code" ASC
LIMIT ?;
--> SEARCH unit USING INDEX ix_unit_code (tenant_id=?)
