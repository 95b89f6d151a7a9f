-- a period
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid, $3 bigint
SELECT "period"."id", "period"."tenant_id", "period"."version", "period"."created_at", "period"."updated_at", "period"."first_day",
"period"."last_day", "period"."status", "period"."closed_at", "period"."closed_by"
FROM "period"
WHERE "period"."tenant_id" = $1
AND "period"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on period
-->         Filter: ((tenant_id = $1) AND (id = $2))
