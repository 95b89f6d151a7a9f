-- list of periods
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = $1
ORDER BY "period"."last_day" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: last_day DESC
-->         ->  Seq Scan on period
-->               Filter: (tenant_id = $1)
